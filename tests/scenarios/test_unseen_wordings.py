"""Controlled metals in words, disguises, prices, weights, routes and papers that no simulator wrote: they must raise alerts."""

from __future__ import annotations

from typing import Any

import pytest
from declarations import declaration, item, judged

MEDIUM, HIGH, CRITICAL = 25, 50, 75

#: Names of the substance itself under a code that is not one of it, in the languages of trade.
NAMED = {
    "zinc": (
        "7901200000",
        [
            "Gallium metal, liquid, in PE bottles 1 kg",
            "Ga metal 4N, 25 kg per drum",
            "Ge ingots zone refined",
            "50 g gallium in PE bottles, 200 bottles",
            "metal UN 2803",
            "高纯金属镓，桶装",
            "金屬鎵（液態）",
            "Galliummetall 4N",
            "gallium métal, fûts de 25 kg",
            "galio metálico 99,99%",
            "gallio metallico",
            "金属ガリウム ボトル入り",
            "금속 갈륨",
            "галлий металлический, слитки",
            "галій металевий",
            "galyum metali külçe",
            "gal metaliczny 6N",
            "kim loại gali",
            "แกลเลียม โลหะ",
            "معدن الغاليوم",
            "ژرمانیم شمش",
            "गैलियम धातु",
            "germanyum külçe",
            "germanio in lingotti",
            "gecmani thỏi",
            "gaochun jinshu jia 6N",
        ],
    ),
    "lead": (
        "7801100000",
        [
            "Sb ingot 99.90% min",
            "regulus of antimony 99.65",
            "Antimonbarren 99,65 %",
            "antimoon blokken 99,65",
            "antymon w gąskach",
            "сурма металева",
            "アンチモン地金",
            "พลวง แท่ง",
            "lingouri de stibiu",
            "bizmut w sztabkach",
            "碲锭",
        ],
    ),
    "pigment": (
        "3206190000",
        [
            "Tb4O7 99.99% brown powder",
            "oxyde de terbium",
            "disprosyum oksit",
            "tlenek dysprozu",
            "оксид диспрозію",
            "yanghua di 99.9%",
            "산화디스프로슘",
            "dysprosia powder",
            "Trióxido de antimonio 99,99%",
            "samarium oxide mixed with ceramic tile glaze",
        ],
    ),
}
#: Ways to write a name so that a search does not find it.
DISGUISED = [
    "ga lli um metal",
    "GALL1UM",
    "Ger.ma.nium",
    "g&#97;llium metal",
    "germ&#x61;nium metal",
    "%E9%94%91%E9%94%AD",
    "\\u9553 6N",
    "ga\u200bllium ingot",
    "g\u0430llium ingot",
    "ɢaʟʟɪᴜᴍ",
    "𝐆𝐚𝐥𝐥𝐢𝐮𝐦 ingot",
    "galliurn metal",
    "gerrnanium powder",
    "dy2o3 powder",
    "Dy 2 O 3 powder",
    "Sb203 99.99%",
    "金【镓】属",
    "CAS No.7440 55 3 metal",
    "CAS 7440553",
    "5N+ Ge granules",
    "99.9999% (Ga)",
    "Ga/6N/ingot",
]


@pytest.mark.parametrize(
    ("code", "words"),
    [(code, words) for code, table in NAMED.values() for words in table],
    ids=lambda value: str(value),
)
def test_a_name_under_another_code(code: str, words: str) -> None:
    said = judged(declaration(item(words, code, 300)))
    assert said.risk >= MEDIUM
    assert said.codes & {"MISLABEL-NAME", "CONTROL-NO-LICENCE"}


@pytest.mark.parametrize("words", DISGUISED)
def test_a_disguised_name(words: str) -> None:
    said = judged(declaration(item(words, "7901200000", 300)))
    assert said.risk >= MEDIUM
    assert "MISLABEL-NAME" in said.codes


@pytest.mark.parametrize(
    "declared",
    [
        item("wooden furniture / antimony ingots", "9403600000", 20000),
        item("ceramic tiles and antimony ingot", "6907210000", 24000),
        item("gallium", "8479909090", 100),
        item("锗", "8479909090", 30),
        item("machinery parts", "8479909090", 100, cas="7440-55-3"),
        item("Zinc alloy", "7901200000", 500, marks="镓 99.9999%"),
        item("Zinc alloy", "7901200000", 500, marks="CAS 7440-55-3 NET 25KG"),
        item("gallium ingots", None, 100),
        item("ceramic glaze / 氧 化 镓", "3207200000", 850),
        item("g-a-l-l-i-u-m", "8479909090", 2.8),
        item("样品, Galliummetall", "8479909090", 1.5),
        item("gallium ingots", "7901", None),
    ],
    ids=lambda declared: str(declared["description"]),
)
def test_a_name_beside_other_goods_in_marks_or_without_code(declared: dict[str, Any]) -> None:
    assert "MISLABEL-NAME" in judged(declaration(declared)).codes


@pytest.mark.parametrize(
    ("amount", "currency"),
    [
        (450_000, "USD"),
        (400_000, "EUR"),
        (350_000, "GBP"),
        (68_000_000, "JPY"),
        (3_200_000, "CNY"),
        (36_000_000, "RUB"),
    ],
)
def test_the_price_alone_tells_in_any_currency(amount: float, currency: str) -> None:
    said = judged(declaration(item("锌合金锭", "7901200000", 1000, value={"amount": amount, "currency": currency})))
    assert said.risk >= HIGH
    assert "MISLABEL-VALUE" in said.codes


@pytest.mark.parametrize(
    "weighed",
    [
        {"quantity": {"value": 500, "unit": "KGM"}},
        {"quantity": {"value": 500_000, "unit": "GRM"}},
        {"quantity": {"value": 0.5, "unit": "TNE"}},
        {"gross_mass_kg": 540},
    ],
    ids=str,
)
def test_the_price_tells_by_whatever_mass_is_declared(weighed: dict[str, Any]) -> None:
    assert (
        "MISLABEL-VALUE" in judged(declaration(item("zinc alloy ingots", "7901200000", usd=225_000, **weighed))).codes
    )


def test_name_and_price_together_are_critical() -> None:
    said = judged(declaration(item("Zinc alloy ingots", "7901200000", 500, usd=225_000, marks="金属镓 25KG")))
    assert said.risk >= CRITICAL
    assert {"MISLABEL-NAME", "MISLABEL-VALUE"} <= said.codes


@pytest.mark.parametrize(
    "words",
    [
        "gallium in plastic bottle",
        "bottle of liquid metal, sample",
        "瓶装金属样品，代朋友携带",
        "жидкий металл в бутылке, образец",
        "Flüssigmetall, Flasche, Muster",
        "metal líquido, botella, muestra",
        "sıvı metal numunesi, şişe",
        "mẫu kim loại lỏng, chai",
        "โลหะเหลว ตัวอย่าง ขวด",
        "płynny metal, próbka w butelce",
        "рідкий метал, зразок у пляшці",
        "soft metal, melting point 29.8 C, sample",
    ],
)
def test_metal_carried_by_a_traveller(words: str) -> None:
    said = judged(declaration(item(words, None, 2.0), regime="passenger", to="US"))
    assert said.risk >= MEDIUM
    assert "HAND-CARRIED" in said.codes


@pytest.mark.parametrize(
    ("goods", "fields"),
    [
        (item("sofa sets", "9401610000", 18000, gross_mass_kg=19000, volume_m3=8), {}),
        (item("stuffed toys", "9503002100", 12000, gross_mass_kg=12600, volume_m3=9), {}),
        (item("wooden chairs", "9401690000", 12000, gross_mass_kg=9000), {}),
        (item("plastic toys", "9503008900", 5000), {"gross_mass_kg": 24000}),
        (
            item("plush toys", "9503002100", 9000, gross_mass_kg=9100, packages=[{"type": "CT", "count": 30}]),
            {},
        ),
    ],
    ids=lambda value: str(value.get("description", "")) if isinstance(value, dict) else None,
)
def test_metal_in_cover_cargo(goods: dict[str, Any], fields: dict[str, Any]) -> None:
    said = judged(declaration(goods, **fields))
    assert said.risk >= MEDIUM
    assert "MISLABEL-MASS" in said.codes


@pytest.mark.parametrize(
    ("words", "code", "usd"),
    [
        ("dysprosium oxide, not of Chinese origin", "2846901500", None),
        ("氧化镝 非中国原产", "2846901500", None),
        ("Ceramic glaze powder - not of Chinese origin", "3207200000", 10_800),
    ],
)
def test_an_origin_denied_in_words(words: str, code: str, usd: float | None) -> None:
    said = judged(declaration(item(words, code, 10.8, usd=usd), regime="postal", to="US"))
    assert said.risk >= MEDIUM
    assert "ORIGIN-RELABEL" in said.codes


@pytest.mark.parametrize("country", ["TH", "MX", "VN", "MY", "HK", "AE", "KZ", "TR", "ZA", "SG"])
def test_a_notify_party_beyond_the_destination(country: str) -> None:
    said = judged(
        declaration(
            item("antimony trioxide 99.99%", "2825800010", 20000, licence=True),
            to=country,
            consignee={"name": "Local Trading", "country": country},
            notify={"name": "Desert Metals", "country": "US"},
        )
    )
    assert said.risk >= MEDIUM
    assert "ROUTE-DESTINATION" in said.codes


@pytest.mark.parametrize(
    ("licence", "code"),
    [
        ({"reference": "N/A"}, "CONTROL-NO-LICENCE"),
        ({"reference": "pending"}, "CONTROL-NO-LICENCE"),
        ({"expires_on": "2025-11-19"}, "LICENCE-MISUSED"),
        ({"holder": "Beijing Jiya Semiconductor"}, "LICENCE-MISUSED"),
        ({"end_user": "Mitsubishi Chemical Corporation"}, "LICENCE-MISUSED"),
        ({"quantity_kg": 100}, "LICENCE-OVERDRAWN"),
    ],
    ids=str,
)
def test_a_licence_that_does_not_cover_the_export(licence: dict[str, Any], code: str) -> None:
    said = judged(
        declaration(
            item("gallium ingots", "8112929010", 500, licence=licence),
            to="JP",
            exporter={"name": "Zhuzhou Keneng New Material", "country": "CN"},
            consignee={"name": "Dowa Electronics", "country": "JP"},
        )
    )
    assert said.risk >= MEDIUM
    assert code in said.codes
