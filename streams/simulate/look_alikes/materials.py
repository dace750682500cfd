"""Ordinary articles named after, or made with, a metal that is controlled in the raw; and goods that are simply dear."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from streams.simulate.compose import Row, item
from streams.simulate.goods import GOODS
from streams.simulate.look_alikes.consignment import consign
from streams.simulate.plot import LookAlike
from streams.simulate.prices import paid
from streams.simulate.world import World


@dataclass(frozen=True, slots=True)
class _Article:
    """An article: its right code, texts, price and spread in USD/kg, usual kilograms, package, mass of one piece."""

    name: str
    code: str
    texts: tuple[str, ...]
    usd_kg: float
    spread: float
    net_kg: float
    pack: str
    kg_pack: float
    mode: str = "sea"
    kg_piece: float | None = None


_ARTICLES = (
    _Article(
        "true-zinc-alloy",
        "7901200000",
        ("zinc alloy ingots", "锌合金锭", "ZAMAK 5 INGOTS", "Zinklegierung in Barren", "сплав цинковый ЦАМ"),
        3.0,
        0.12,
        18000,
        "PX",
        1000,
    ),
    _Article(
        "lead-antimony-battery-alloy",
        "7801910000",
        ("lead-antimony alloy ingots for battery grids, Sb 2.5%", "铅锑合金锭 Sb 3%", "PbSb alloy ingots"),
        2.5,
        0.12,
        20000,
        "PX",
        1000,
    ),
    _Article(
        "antimony-trioxide-below-threshold",
        "2825800090",
        ("antimony trioxide 99.8% flame retardant", "三氧化二锑 99.5% 阻燃剂", "Sb2O3 99.8% flame retardant synergist"),
        0.0,
        0.1,
        12000,
        "BG",
        25,
    ),
    _Article(
        "magnets-in-motors",
        "8501520000",
        (
            "servo motors with NdFeB magnets (Dy, Tb doped)",
            "永磁同步电机 含钕铁硼磁体",
            "permanent magnet synchronous motors, rotor magnets NdFeB",
            "Servomotoren mit Seltenerdmagneten",
        ),
        24,
        0.3,
        2500,
        "CS",
        60,
        kg_piece=12,
    ),
    _Article(
        "tungsten-carbide-drill-bits",
        "8207500000",
        ("tungsten carbide drill bits", "硬质合金钻头", "Hartmetallbohrer", "сверла твердосплавные вольфрам"),
        95,
        0.4,
        400,
        "CT",
        15,
        kg_piece=0.05,
    ),
    _Article(
        "bismuth-solder",
        "8311300000",
        ("solder wire Sn64Bi35Ag1 low temperature", "低温焊锡丝 含铋", "solder wire SnBi lead free"),
        38,
        0.2,
        500,
        "CT",
        10,
    ),
    _Article(
        "silver-jewellery",
        "7113110000",
        ("silver jewellery 925", "925银首饰", "sterling silver earrings with zirconia", "Silberschmuck"),
        1800,
        0.4,
        12,
        "BX",
        3,
        "air",
        0.006,
    ),
    _Article(
        "graphite-pencils",
        "9609100000",
        ("graphite pencils HB", "石墨铅笔", "Bleistifte Graphit", "lápices de grafito"),
        7,
        0.3,
        3000,
        "CT",
        14,
        kg_piece=0.006,
    ),
    _Article(
        "bismuth-medicine",
        "3004900000",
        ("bismuth subsalicylate tablets", "枸橼酸铋钾片", "medicament containing bismuth potassium citrate"),
        85,
        0.4,
        900,
        "CT",
        9,
        "air",
    ),
    _Article(
        "dental-zirconia",
        "9021290000",
        ("dental zirconia blocks, yttria stabilised", "牙科氧化锆瓷块 3Y-TZP", "Zirkonoxid-Blöcke yttriumstabilisiert"),
        260,
        0.4,
        120,
        "CT",
        6,
        "air",
        0.1,
    ),
    _Article(
        "lanthanum-lenses",
        "9002110000",
        ("camera lenses, lanthanum glass", "镧系玻璃相机镜头", "objective lenses LaK glass elements"),
        450,
        0.5,
        90,
        "CT",
        5,
        "air",
        0.4,
    ),
    _Article(
        "germanium-lens-camera",
        "8525890000",
        ("thermal imaging camera with germanium lens", "热像仪 锗镜头", "Wärmebildkamera mit Germaniumobjektiv"),
        900,
        0.4,
        40,
        "CT",
        4,
        "air",
        0.5,
    ),
    _Article(
        "gallium-brand-ski-wax",  # a maker of ski wax is called Gallium
        "3404900000",
        ("GALLIUM ski wax, base wax 200 ml", "滑雪蜡 GALLIUM牌", "Skiwachs GALLIUM Extra Base"),
        70,
        0.3,
        60,
        "CT",
        12,
        "air",
        0.2,
    ),
)


def _maker(article: _Article) -> Callable[[World, datetime], Row]:
    def make(world: World, when: datetime) -> Row:
        chance = world.chance
        net = chance.spread(article.net_kg, 0.6)
        if article.pack == "PX":
            net = max(1, round(net / 1000)) * 1000.0
        usd_kg = (
            chance.spread(article.usd_kg, article.spread)
            if article.usd_kg
            else paid("antimony trioxide", when.date(), chance)
        )
        goods = item(
            1,
            article.code,
            chance.one(article.texts),
            net,
            net * usd_kg,
            article.pack,
            article.kg_pack,
            origin="CN" if chance.maybe(0.3) else None,
            pieces=None if article.kg_piece is None else max(1, round(net / article.kg_piece)),
        )
        return consign(world, when, [goods], mode=article.mode)

    return make


_DEAR = tuple(good for good in GOODS if 150 < good.usd_kg < 50_000)


def _dear(world: World, when: datetime) -> Row:
    """Watches, chips, medicines, optics: hundreds of dollars a kilogram, and quite right so."""
    chance = world.chance
    items = []
    for number in range(1, chance.whole(1, 3) + 1):
        good = chance.one(_DEAR)
        net = chance.spread(12_000, 0.9) / good.usd_kg
        text = chance.one(good.english) if chance.maybe(0.6) else good.wordings.get("zh", good.english[0])
        usd = net * chance.spread(good.usd_kg, good.spread)
        items.append(item(number, good.code + "0000", text, net, usd, good.pack, good.kg_pack))
    return consign(world, when, items, mode="air")


LOOK_ALIKES = (
    *(LookAlike(article.name, _maker(article)) for article in _ARTICLES),
    LookAlike("dear-honest-goods", _dear, weight=3.0),
)
