"""What honest traders really write: goods named after, made of, or looking like controlled metals. No alert at high."""

from __future__ import annotations

from typing import Any

import pytest
from declarations import declaration, item, judged

HIGH, MEDIUM = 50, 25

#: Description, code, kg, USD of goods that are what they say.
GOODS = [
    ("REFINED TIN INGOTS 99.9 SB-3181", "8001100000", 198, 7346),
    ("GaN fast charger 65W USB-C", "8504401400", 600, 40000),
    ("氮化镓充电器 140W", "8504401400", 600, 40000),
    ("Germanium beauty bar face roller", "8509809000", 100, 8000),
    ("ゲルマニウム ネックレス", "7117190000", 50, 8000),
    ("Pewter tankards (tin, antimony, copper)", "8306291000", 400, 9000),
    ("Sn42Bi58 solder paste", "3810100000", 300, 14000),
    ("Bismuth shot shells 12 gauge", "9306210000", 2000, 30000),
    ("Tungsten bucking bar", "8205590090", 40, 4000),
    ("Indium Corporation solder preforms", "8311900000", 20, 9000),
    ("Yttrium barium copper oxide superconducting tape", "8544190000", 20, 40000),
    ("Terbium doped phosphor screens X-ray", "3702100000", 100, 20000),
    ("Scandium Alloy revolver frame holster", "4202910090", 60, 2000),
    ("Silver herring fillets frozen", "0304860000", 20000, 60000),
    ("Gallium citrate Ga-67 radiopharmaceutical", "2844439000", 1, 4000),
    ("Terbium Street 12 shop signage, acrylic", "3926909090", 100, 2000),
    ("Gadolinium gallium garnet gemstones", "7104992000", 1, 3000),
    ("GE Healthcare spare parts", "9022909090", 300, 90000),
    ("SB203 pillow block bearing", "8483200000", 900, 6000),
    ("tin-antimony alloy ingots", "8001200000", 2000, 60000),
    ("lead calcium antimony alloy ingots", "7801990000", 20000, 50000),
    ("nickel molybdenum alloy bars", "7505120000", 900, 60000),
    ("Stibium metallicum globules D6", "3004909099", 5, 900),
    ("yttria toughened zirconia balls", "6909120000", 900, 30000),
    ("Scandia sofa", "9401610000", 900, 9000),
    ("telur asin", "0408990000", 900, 4000),
    ("Bi metal saw blades", "8202310000", 300, 9000),
    ("mũi khoan hợp kim vonfram", "8207509000", 90, 9000),
    ("wiertła z węglika wolframu", "8207509000", 90, 9000),
    ("bismuth yellow pigment (bismuth vanadate)", "3206500000", 900, 40000),
    ("Zinc alloy ingots ZAMAK 5", "7901200000", 25000, 78000),
    ("Zinc anodes", "7907009000", 2000, 12000),
    ("Copper cathodes 99.9935%", "7403111190", 24000, 230000),
    ("Lead ingots 99.994%", "7801100000", 24000, 50000),
    ("Cobalt metal cathode 99.8%", "8105201000", 5000, 165000),
    ("Magnesium ingots 99.9%", "8104110000", 20000, 50000),
    ("Vanadium pentoxide", "2825301000", 10000, 80000),
    ("Neodymium magnets NdFeB in loudspeakers", "8518290000", 2000, 30000),
    ("Selenium powder 99.9%", "2804909000", 1000, 25000),
    ("Niobium oxide", "2825901900", 1000, 45000),
    ("Gallium nitride power adapter for laptop", "8504401400", 600, 40000),
    ("GaN HEMT RF power transistor", "8541290000", 10, 90000),
    ("Germanium transistor guitar pedal fuzz", "8543709990", 40, 9000),
    ("Germanium massage roller", "9019109000", 300, 9000),
    ("Germania brand beer", "2203000000", 18000, 15000),
    ("Flame retardant PVC compound with 3% antimony trioxide", "3904220000", 20000, 40000),
    ("Matches, safety", "3605000000", 9000, 9000),
    ("Babbitt bearing metal SnSb8Cu4", "8001200000", 500, 16000),
    ("Solder paste SAC305", "3810100000", 200, 16000),
    ("Bismuth crystal specimen, mineral collection", "9705290000", 10, 2000),
    ("Tungsten electrodes WT20 TIG", "8515900090", 300, 20000),
    ("Tungsten fishing sinkers", "9507900000", 200, 14000),
    ("Wolfram Alpha books", "4901990000", 100, 1000),
    ("钨钢铣刀", "8207709000", 100, 20000),
    ("钼丝（线切割用）", "8102960000", 500, 30000),
    ("Stainless steel 316L Mo 2.5%", "7219240000", 20000, 60000),
    ("Sodium molybdate fertilizer", "2841701000", 2000, 24000),
    ("Thermoelectric cooler Peltier modules Bi2Te3", "8541599000", 40, 9000),
    ("LCD display panels with IGZO backplane", "8524910000", 900, 90000),
    ("YAG laser crystal rods", "9001909090", 2, 9000),
    ("Gadolinium contrast injection (gadobutrol)", "3006300000", 200, 60000),
    ("Servo motors with rare earth permanent magnets", "8501520000", 900, 40000),
    ("Scandium aluminium bicycle frame", "8714910000", 100, 9000),
    ("Europium nail polish collection", "3304300000", 100, 2000),
    ("Carbon graphite tennis rackets", "9506510000", 300, 20000),
    ("Graphite crucibles", "6903100000", 2000, 20000),
    ("Tungsten grey sofa fabric", "5407610099", 2000, 12000),
    ("Silver plated cutlery", "8215910000", 300, 9000),
    ("银耳（干）", "0712330000", 500, 9000),
    ("Nickel silver wire", "7408220000", 900, 12000),
    ("Gallia baby milk powder", "1901101000", 9000, 90000),
    ("Liquid metal thermal grease CPU cooler", "8473309000", 60, 3000),
    ("液态金属导热膏", "3824999990", 20, 4000),
    ("Chemistry kit with samples of 20 elements", "9023009000", 30, 900),
    ("Bronze art casting sculpture by known artist", "9703100000", 300, 900000),
    ("Precision steel ball screws", "8483409000", 300, 30000),
    ("Brass musical instrument mouthpieces", "9209920000", 60, 20000),
    ("Aluminium photo frames designer", "8306300000", 300, 9000),
    ("Antimony catalyst for polyester, Sb 0.03% PET chips", "3907610000", 24000, 25000),
    ("Lithium-ion battery packs", "8507600090", 5000, 150000),
    ("Single mode fibre optic cable (Ge-doped core)", "8544700000", 9000, 60000),
    ("Perfume", "3303000010", 300, 60000),
    ("Cashmere sweaters", "6110121000", 300, 60000),
    ("Pharmaceutical intermediate", "2933990099", 100, 60000),
    ("High purity alumina 99.99% 4N", "2818200000", 900, 30000),
    ("Argon gas 99.999%", "2804210000", 9000, 20000),
    ("Sodium hypochlorite", "2828900000", 20000, 9000),
    ("Citric acid 99.5%", "2918140000", 24000, 24000),
    ("Zinc alloy door handles", "8302410000", 9000, 60000),
    ("Cubic boron nitride inserts", "8209002900", 5, 20000),
    ("Scrap aluminium", "7602000090", 20000, 36000),
    ("Mixed groceries", "2106909090", 9000, 20000),
    ("Thulium fibre laser", "9013200090", 300, 90000),
    ("Moly-B lubricant stick", "3403990000", 300, 9000),
    ("Sterling silver chain 925", "7113119000", 20, 24000),
    ("Hastelloy C276 sheet (Ni-Mo-Cr)", "7506200000", 2000, 90000),
    ("Lead glass radiation shielding", "7003190009", 3000, 30000),
    ("Terbium gallium garnet (TGG) optical isolators", "9013809090", 3, 30000),
    ("Indian tea", "0902309000", 900, 9000),
    ("Ga-Ga dolls", "9503002100", 900, 20000),
    ("IN-EAR headphones", "8518300000", 300, 20000),
    ("Dy-no tape labels", "4821100000", 300, 5000),
]


@pytest.mark.parametrize(("words", "code", "kg", "usd"), GOODS, ids=[row[0] for row in GOODS])
def test_honest_goods(words: str, code: str, kg: float, usd: float) -> None:
    assert judged(declaration(item(words, code, kg, usd=usd))).risk < HIGH


@pytest.mark.parametrize(
    ("words", "code"),
    [
        ("lead alloy not containing antimony by weight as the principal other element", "7801990000"),
        ("unwrought lead, other than containing antimony", "7801990000"),
        ("铅合金 不含锑", "7801990000"),
        ("alliage de plomb sans antimoine", "7801990000"),
        ("antimony-free lead alloy", "7801990000"),
        ("Lamps, other than tungsten halogen", "8539229000"),
    ],
)
def test_a_denied_name_is_no_name(words: str, code: str) -> None:
    assert judged(declaration(item(words, code, 24000, usd=55000))).risk < MEDIUM


@pytest.mark.parametrize(
    ("words", "code", "kg"),
    [
        ("Laboratory kit incl. gallium demonstration sample 10 g", "9023009000", 2),
        ("gallium 10 g demonstration", None, 0.1),
        ("galinstan thermometer", None, 0.2),
        ("liquid metal thermal paste for CPU", None, 0.05),
        ("stainless steel thermos flask", None, 1),
        ("bottle of whisky", None, 1.5),
        ("olive oil in glass bottles, gift", None, 5),
        ("布料样品", None, 5),
        ("tungsten darts", None, 0.3),
        ("bismuth crystal souvenir", None, 0.3),
        ("rare metal stamp collection", "9704001000", 1),
    ],
)
def test_what_travellers_honestly_carry(words: str, code: str | None, kg: float) -> None:
    assert judged(declaration(item(words, code, kg, usd=90), regime="passenger", to="US")).risk < MEDIUM


@pytest.mark.parametrize(
    ("words", "code", "net", "gross", "volume"),
    [
        ("porcelain tiles", "6907210000", 26000, 26800, 14),
        ("iron castings, manhole covers", "7325100000", 25000, 25500, 7),
        ("lead-acid batteries", "8507100000", 22000, 22500, 11),
        ("granite slabs", "6802931100", 26000, 26500, 10),
        ("books", "4901990000", 20000, 20500, 30),
        ("cast iron dumbbells", "9506919000", 22000, 22300, 8),
        ("MDF flat pack wardrobes", "9403500090", 22000, 22900, 55),
        ("marble dining tables", "9403892000", 18000, 20000, 35),
        ("plastic toys", "9503008900", 6000, 7200, 60),
    ],
)
def test_dense_goods(words: str, code: str, net: float, gross: float, volume: float) -> None:
    declared = declaration(item(words, code, net, usd=40000, gross_mass_kg=gross, volume_m3=volume))
    assert judged(declared).risk < HIGH


GALLIUM = item("gallium ingots 6N", "8112929010", 200, usd=90000, licence=True)
ANTIMONY = item("antimony ingots 99.65%", "8110101000", 20000, usd=800000, licence=True)


@pytest.mark.parametrize(
    ("goods", "fields"),
    [
        (GALLIUM, {"to": "JP"}),
        (GALLIUM, {"to": "US", "on": "2026-05-01"}),
        (item("gallium ingots", "8112929010", 200, licence={"expires_on": "2025-11-20"}), {"to": "JP"}),
        (item("gallium ingots", "8112929010", 200, licence={"quantity_kg": 195}), {"to": "JP"}),
        (ANTIMONY, {"to": "NL", "routing": ["CN", "SG", "NL"]}),
        (
            ANTIMONY,
            {
                "to": "JP",
                "exporter": {"name": "Wang Antimony", "country": "CN"},
                "consignee": {"name": "Wang Trading", "country": "JP"},
            },
        ),
    ],
    ids=["to Japan", "in the suspension", "last day", "weighing tolerance", "through a hub", "one surname"],
)
def test_licensed_exports(goods: dict[str, Any], fields: dict[str, Any]) -> None:
    assert judged(declaration(goods, **fields)).risk < MEDIUM


@pytest.mark.parametrize(
    ("words", "code", "usd", "start", "end", "regime"),
    [
        ("gallium metal 4N", "811292", 225000, "KZ", "CN", "import"),
        ("antimony ore", "261710", 2500, "TJ", "CN", "import"),
        ("Gallium 6N", "81129289", 9000, "DE", "US", "export"),
        ("germanium metal", "81129295", 60000, "BE", "US", "export"),
        ("tungsten powder", "81011000", 30000, "AT", "DE", "export"),
        ("antimony trioxide 99.5%", "2825800000", 12500, "US", "CA", "export"),
        ("сурьма", "811010", 12500, "RU", "TR", "export"),
    ],
)
def test_trade_of_other_countries(words: str, code: str, usd: float, start: str, end: str, regime: str) -> None:
    goods = item(words, code, 500, usd=usd)
    assert judged(declaration(goods, regime=regime, country_of_export=start, to=end)).risk < HIGH


@pytest.mark.parametrize(
    ("start", "way", "end"),
    [
        ("CN", ["CN", "SG", "NL"], "DE"),
        ("CN", ["CN", "HK"], "US"),
        ("CN", ["CN", "AE"], "DE"),
        ("CN", ["CN", "SG", "ZA", "NL"], "DE"),
        ("CN", ["CN", "KZ", "RU", "BY", "PL"], "DE"),
        ("GB", ["GB", "FR", "DE"], "PL"),
    ],
)
def test_ordinary_ways(start: str, way: list[str], end: str) -> None:
    goods = item("machinery parts", "8483900000", 900, usd=30000)
    assert judged(declaration(goods, country_of_export=start, routing=way, to=end)).risk < MEDIUM


@pytest.mark.parametrize("name", ["Salvation Army Trading", "Army & Navy Stores Ltd"])
def test_armies_of_peace(name: str) -> None:
    declared = declaration(GALLIUM, on="2026-05-01", to="US", consignee={"name": name, "country": "US"})
    assert judged(declared).risk < MEDIUM


def test_one_group_at_one_address() -> None:
    firm = {"name": "Rhein Handel GmbH", "address": "Königsallee 1", "phone": "+49 211 555 1234"}
    goods = item("machine parts", "8479900000", 900, usd=30000)
    assert judged(declaration(goods, exporter=firm, consignee=firm)).risk < MEDIUM


def test_a_declaration_that_says_nothing() -> None:
    assert judged(declaration(item(None), to=None, country_of_export=None)).risk < MEDIUM
