"""Names of firms and people, made up: any likeness to real ones is chance."""

from __future__ import annotations

from streams.simulate.chance import Chance

SURNAMES = tuple("Wang Li Zhang Liu Chen Yang Huang Zhao Wu Zhou Xu Sun Ma Zhu Hu Guo He Lin Gao Luo".split())
_GIVEN = tuple("Wei Min Jing Qiang Lei Jun Yan Jie Tao Ming Chao Xia Ping Gang Hui Na Hong Bo Yu Xin".split())
_ABROAD = tuple("Alex Maria David Anna John Elena Peter Laura Igor Sofia Omar Mei Daniel Olga Carlos Aiko".split())

_FIRM = tuple(
    zip(
        "Heng Rui Hua Xin Tai Jin Long Feng Yuan De Sheng Ke Tong Hai Ao Kai".split(),
        "恒 瑞 华 鑫 泰 锦 隆 丰 源 德 盛 科 通 海 奥 凯".split(),
        strict=True,
    )
)
BROKER = ("Customs Brokers Co., Ltd.", "报关有限公司")
_KINDS = (
    ("Trading Co., Ltd.", "贸易有限公司"),
    ("Import & Export Co., Ltd.", "进出口有限公司"),
    ("Industrial Co., Ltd.", "实业有限公司"),
    ("Manufacturing Co., Ltd.", "制造有限公司"),
    ("Technology Co., Ltd.", "科技有限公司"),
)
_FOREIGN = tuple(
    "Atlas Nord Pacific Orion Delta Summit Harbour Crown Vertex Meridian Alpine Baltic Coral Unity Falcon Prime Lotus "
    "Sterling Ocean Continental Metro Zenith Apex Horizon Eagle Silver Nova Terra Global Vista Amber Cobalt".split()
)
_FOREIGN_KINDS = tuple(
    "Trading Imports Distribution Supply Industries Retail Wholesale Products Components Home".split()
)


def chinese_firm(
    city: str, hanzi: str, chance: Chance, line: str = "", line_hanzi: str = "", kind: tuple[str, str] | None = None
) -> tuple[str, str]:
    """Return the English and the Chinese name of a firm; ``kind`` is what stands last in both."""
    first, second = chance.one(_FIRM), chance.one(_FIRM)
    last = kind or chance.one(_KINDS)
    middle = f"{line} " if line else ""
    return (
        f"{city} {first[0]}{second[0].lower()} {middle}{last[0]}",
        f"{hanzi}{first[1]}{second[1]}{line_hanzi}{last[1]}",
    )


def foreign_firm(suffix: str, surname: str, chance: Chance) -> str:
    """Return the name of a firm abroad."""
    if chance.maybe(0.25):
        return f"{surname} {chance.one(_FOREIGN_KINDS)} {suffix}"
    if chance.maybe(0.3):
        return f"{chance.one(_FOREIGN)} {chance.one(_FOREIGN)} {suffix}"
    return f"{chance.one(_FOREIGN)} {chance.one(_FOREIGN_KINDS)} {suffix}"


def person(chance: Chance, surname: str | None = None, chinese: bool = True) -> str:
    """Return the name of a person, surname first for Chinese ones."""
    if chinese:
        return f"{surname or chance.one(SURNAMES)} {chance.one(_GIVEN)}{chance.one(_GIVEN).lower()}"
    return f"{chance.one(_ABROAD)} {surname or chance.one(SURNAMES)}"


def domain(name: str) -> str:
    """Return a mail domain for a firm; ``.example`` belongs to nobody (RFC 2606)."""
    words = "".join(c for c in name.lower() if c.isascii() and (c.isalnum() or c == " ")).split()
    return "-".join(words[:2]) + ".example"
