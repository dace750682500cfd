"""Names that are one party in other letters, and names that only look so."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from detectors.parties import similar
from detectors.parties._names import read_name


def text(name: str, country: str | None) -> str | None:
    read = read_name(name, country)
    return None if read is None else read.text


ONE = [
    ("CN", "Shenzhen Hua Xin Metals Co., Ltd.", "SHENZHEN HUAXIN METAL CO LTD", "深圳市华信金属有限公司",
     "Huaxin Metals (Shenzhen) Limited"),
    ("CN", "Shanghai Baogang Intl. Trade Co.", "上海宝钢国际贸易有限公司", "Baogang International Trading Company Ltd, Shanghai"),
    ("CN", "Hunan Jinyuan Antimony Industry Co.,Ltd", "湖南金源锑业有限公司", "湖南省金源銻業有限責任公司"),
    ("CN", "Xiamen Heng Tai Import & Export Co., Ltd.", "厦门恒泰进出口有限公司", "XIAMEN HENGTAI IMP. AND EXP. CO LTD"),
    ("CN", "Guangdong Ruike New Material Technology Group Co. Ltd", "广东瑞科新材料科技集团有限公司"),
    ("HK", "Atlas International Trading Limited", "ATLAS INT'L TRDG LTD", "The Atlas Trading (Intl) Co., Ltd",
     "Ａｔｌａｓ　International Trading"),
    ("GB", "Atlas Trading Ltd", "АТLАS Trading Limited", "At\u200blas Trading Ltd.", "ATLAS & TRADING LTD"),
    ("GB", "Northgate Mfg. PLC", "Northgate Manufacturing P.L.C."),
    ("US", "Delta Metals, Inc.", "DELTA METAL INCORPORATED", "Delta Metals Corp."),
    ("IN", "M/s Gupta Exports Pvt. Ltd.", "GUPTA EXPORTERS PRIVATE LIMITED"),
    ("SG", "Lotus Logistics Pte. Ltd.", "LOTUS LOGISTIC PTE LTD"),
    ("MY", "Perusahaan Logam Sdn. Bhd.", "PERUSAHAAN LOGAM SDN BHD"),
    ("DE", "Müller & Söhne GmbH & Co. KG", "Mueller und Soehne GmbH", "MULLER SOHNE G.m.b.H."),
    ("MX", "Fundidora del Norte, S.A. de C.V.", "FUNDIDORA DEL NORTE SA DE CV", "Fundidora Norte, S. A. de C. V."),
    ("PL", "Nowak Handel Sp. z o.o.", "NOWAK HANDEL SP Z O O", "Nowak Handel spółka z ograniczoną odpowiedzialnością"),
    ("CZ", "Kovohutě Příbram, a.s.", "KOVOHUTE PRIBRAM AS"),
    ("NL", "Van Dijk Metaal B.V.", "VAN DIJK METAAL BV"),
    ("FR", "Dupont Métaux S.A.R.L.", "S A R L DUPONT METAUX", "Dupont Métaux SAS"),
    ("IT", "Rossi e Bianchi S.p.A.", "ROSSI & BIANCHI SPA", "Rossi Bianchi S.r.l."),
    ("BR", "Mineração Açu Ltda.", "MINERACAO ACU LTDA"),
    ("TR", "Şişecam Ticaret Ltd. Şti.", "SISECAM TICARET LTD STI", "Şişecam Ticaret A.Ş."),
    ("RU", "ООО «Сибирский Металл»", "Sibirskij Metall OOO", "Sibirskiy Metall, LLC",
     "Общество с ограниченной ответственностью Сибирский Металл"),
    ("KZ", "ТОО Казцинк", "Kaztsink LLP"),
    ("JP", "株式会社 東京メタル", "(株)東京ﾒﾀﾙ", "東京メタル㈱"),
    ("JP", "Yamato Kinzoku K.K.", "YAMATO KINZOKU KABUSHIKI KAISHA", "Yamato Kinzoku Co., Ltd."),
    ("KR", "삼성전자(주)", "주식회사 삼성전자", "㈜삼성전자"),
    ("TH", "บริษัท สยามเมทัล จำกัด", "สยามเมทัล จำกัด (มหาชน)"),
    ("VN", "Công ty TNHH Kim Loại Việt", "KIM LOAI VIET COMPANY LIMITED", "Kim Loai Viet JSC"),
    ("ID", "PT Sumber Logam Tbk", "P.T. SUMBER LOGAM"),
    ("AE", "شركة النور للتجارة ذ.م.م", "النور للتجارة"),
    ("IL", 'מתכות הצפון בע"מ', "מתכות הצפון"),
    ("GR", "Ελληνικά Μέταλλα Α.Ε.", "ΕΛΛΗΝΙΚΑ ΜΕΤΑΛΛΑ"),
]  # fmt: skip


@pytest.mark.parametrize("spellings", ONE, ids=lambda s: s[1])
def test_spellings_of_one_name(spellings: tuple[str, ...]) -> None:
    country, *names = spellings
    read = {text(name, country) for name in names}
    assert len(read) == 1, read
    assert None not in read
    assert similar(names[0], names[-1], country).score == 1


#: Country, two names, and the highest likeness they may have.
TWO = [
    ("CN", "Shenzhen Hua Xin Metals", "Shenzhen Huaxin Electronics", 0.6),
    ("CN", "Shenzhen Hua Xin Metals", "Shenzhen Xin Hua Metals", 0.6),
    ("CN", "深圳华鑫金属有限公司", "深圳华兴金属有限公司", 0.95),
    ("CN", "Shenzhen Hengtai Group Manufacturing Co., Ltd.", "Shenzhen Hengtai Group Logistics Co., Ltd.", 0.6),
    ("CN", "Hengtai Group Co., Ltd.", "Hengtai Holdings Co., Ltd.", 0.6),
    ("CN", "Yongli Metals Co., Ltd. Shanghai Branch", "Yongli Metals Co., Ltd.", 0.8),
    ("CN", "Yongli Metals (China) Co., Ltd.", "Yongli Metals Co., Ltd.", 0.9),
    ("CN", "Wang Brothers Metals", "Wang Imports Ltd.", 0.3),
    ("CN", "Hunan Metals Co., Ltd.", "Hubei Metals Co., Ltd.", 0.0),
    ("DE", "Schmidt Stahl GmbH", "Schmidt Chemie GmbH", 0.5),
    ("US", "Pacific Trading Inc.", "Pacifica Trading Inc.", 0.95),
    ("US", "Acme Inc", "Acne Inc", 0.5),
    ("RU", "ООО Металл", "ООО Метель", 0.5),
    ("GB", "A & E Metals Ltd", "A & I Metals Ltd", 0.5),
    ("JP", "東京メタル株式会社", "大阪メタル株式会社", 0.8),
]


@pytest.mark.parametrize(("country", "one", "other", "most"), TWO, ids=lambda v: str(v)[:30])
def test_names_of_two(country: str, one: str, other: str, most: float) -> None:
    assert text(one, country) != text(other, country)
    found = similar(one, other, country)
    assert found.score <= most
    assert found.score < 1
    assert found.why


@pytest.mark.parametrize(
    "nobody",
    ["TO ORDER", "To the order of Bank of China", "n/a", "N.A.", "Same as consignee", "-", "Ltd.", "...", "Private person",
     "unknown", "Natural Person", "Trading", "China", "。", "XXX", "various"],
)  # fmt: skip
def test_names_of_nobody(nobody: str) -> None:
    assert read_name(nobody, "CN") is None


def test_a_surname_is_known_as_such_until_a_firm_has_it() -> None:
    bare, firm = read_name("Wang", "CN"), read_name("Wang Co., Ltd.", "CN")
    assert bare is not None
    assert firm is not None
    assert (bare.surname, firm.surname) == (True, False)
    assert similar("Wang", "WANG", "CN").score == 0


def test_the_steps_say_why() -> None:
    read = read_name("Atlas Intl Trdg Ltd", "HK")
    assert read is not None
    assert read.steps == (
        "without legal form 'ltd'",
        "'intl' read as 'international'",
        "'trdg' read as 'trading'",
    )
    assert "'huaxin'" in similar("Huaxin Metals", "Huaxin Electronics", "CN").why


WORDS = "atlas nord lotus 华信 метал müller royal zeta 7 delta-x".split()
words = st.lists(st.sampled_from(WORDS), min_size=2, max_size=5, unique=True)


@settings(max_examples=50, deadline=None)
@given(words, st.randoms(use_true_random=False), st.sampled_from(["GB", "DE", "RU", "JP"]))
def test_neither_order_nor_case_nor_a_second_reading_changes_a_name(
    names: list[str], chance: object, country: str
) -> None:
    read = text(" ".join(names), country)
    assert read is not None
    chance.shuffle(names)  # type: ignore[attr-defined]
    assert text(", ".join(names).upper() + " LTD.", country) == read
    assert text(read, country) == read


@settings(max_examples=50, deadline=None)
@given(st.text(max_size=60), st.text(max_size=60), st.sampled_from(["CN", "DE", "RU", "TH", None]))
def test_no_text_is_too_strange_to_compare(one: str, other: str, country: str | None) -> None:
    found = similar(one, other, country)
    assert 0 <= found.score <= 1
    assert found.score == similar(other, one, country).score
