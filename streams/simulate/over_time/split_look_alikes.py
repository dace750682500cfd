"""Honest small lots: laboratories, collectors, jewellers, warehouses of forwarders, wholesalers with a weekly order."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from streams.simulate.compose import Item, item
from streams.simulate.firms import party
from streams.simulate.goods import GOODS
from streams.simulate.over_time.lots import COVERS, SAMPLES
from streams.simulate.over_time.stage import Stage
from streams.simulate.over_time.story import Kind, Member, Story
from streams.simulate.places import BUYERS, COUNTRIES

_REFERENCES = (
    ("germanium dioxide certified reference material, 50 g", "2825600002", 0.08, 5000.0),
    ("gallium standard solution 1000 mg/L, 100 ml", "3822900000", 0.15, 900.0),
    ("terbium oxide reference material 5 g", "2846901600", 0.02, 15000.0),
    ("dysprosium ICP standard solution 100 ml", "3822900000", 0.15, 800.0),
    ("锑标准溶液 1000 μg/mL", "3822900000", 0.15, 700.0),
    ("indium reference sample for assay 20 g", "8112920000", 0.03, 6000.0),
    ("bismuth certified reference material", "3822900000", 0.1, 2500.0),
    ("rare earth ore reference samples, set of 6", "3822900000", 0.7, 900.0),
)
_ELEMENTS = (
    ("gallium metal 20 g element sample, melts in hand", "8112929010", 0.02, 1500.0),
    ("bismuth crystal, collector's piece", "8106900000", 0.2, 150.0),
    ("periodic table element cube tungsten 10 mm", "8101990000", 0.03, 900.0),
    ("germanium lump 10 g, element collection", "8112921090", 0.01, 5000.0),
    ("antimony metal piece 50 g element collection", "8110101000", 0.05, 350.0),
    ("元素周期表标本 锑 30克", "9705290000", 0.03, 500.0),
    ("acrylic periodic table with real elements", "9023000000", 0.9, 160.0),
)
_SILVER = (
    ("925 silver ear hooks and clasps", "7113110000"),
    ("sterling silver chain by the metre", "7113110000"),
    ("银饰配件 925银", "7113110000"),
    ("silver findings for jewellery", "7113110000"),
)


def _small(stage: Stage, text: str, code: str, kg: float, usd_kg: float, pack: str = "BX", spread: float = 0.3) -> Item:
    chance = stage.chance
    net = chance.spread(kg, spread)
    return item(
        1,
        code if chance.maybe(0.7) else None,
        text,
        net,
        net * chance.spread(usd_kg, 0.3),
        pack,
        30.0,
        pieces=chance.whole(1, 6),
    )


def _repeated(
    stage: Stage, begin: datetime, make: Callable[[], Item], count: int, gap: float, *, buyers: int = 1
) -> Story:
    """Tell of one seller and one to a few buyers who order again and again."""
    chance = stage.chance
    seller = stage.known_firm() if chance.maybe(0.3) else stage.firm(contact=0.8)
    code = chance.one(("US", "DE", "JP", "GB", "FR", "KR", "AU", "CA", "IT", "NL"))
    people = [
        stage.world.buyer(code, 0.7).party if chance.maybe(0.5) else stage.person_abroad(code) for _ in range(buyers)
    ]
    express = chance.maybe(0.6)
    at = stage.after(begin, 0)
    for _ in range(count):
        now = yield at
        row = stage.parcel(now, make(), seller, chance.one(people), code, express)
        yield Member(row, positive=False)
        at = stage.after(now, gap * chance.spread(1.0, 0.5))


def _laboratory(stage: Stage, begin: datetime) -> Story:
    """Paid samples and reference materials: grams, dear by the kilogram, to one laboratory over months."""
    chance = stage.chance

    def make() -> Item:
        text, code, kg, usd_kg = chance.one(_REFERENCES)
        return _small(stage, text, code, kg, usd_kg, chance.one(("BO", "BX")))

    yield from _repeated(stage, begin, make, chance.whole(6, 14), 12)


def _collectors(stage: Stage, begin: datetime) -> Story:
    """A web shop for elements; some collectors order every other week."""
    chance = stage.chance

    def make() -> Item:
        text, code, kg, usd_kg = chance.one(_ELEMENTS)
        return _small(stage, text, code, kg, usd_kg, spread=0.0)

    yield from _repeated(stage, begin, make, chance.whole(8, 20), 6, buyers=chance.whole(1, 4))


def _jewellers(stage: Stage, begin: datetime) -> Story:
    chance = stage.chance

    def make() -> Item:
        text, code = chance.one(_SILVER)
        return _small(stage, text, code, 0.6, 1800.0)

    yield from _repeated(stage, begin, make, chance.whole(8, 16), 7)


_SOLD_ABROAD = tuple(good for good in GOODS if 4 < good.usd_kg < 300 and good.pack == "CT")


def _warehouse(stage: Stage, begin: datetime) -> Story:
    """A forwarder's warehouse abroad: dozens of small sellers send to customers at its one address, one telephone."""
    chance = stage.chance
    code = chance.one(("US", "DE", "GB", "JP", "AU", "NL"))
    country = COUNTRIES[code]
    address = f"{chance.one(country.streets)} {chance.whole(1, 400)}, Unit {chance.whole(1, 60)}"
    city, phone = chance.one(country.cities), stage.phone(code)
    sellers = [(stage.known_firm(), chance.one(_SOLD_ABROAD)) for _ in range(chance.whole(10, 25))]
    express = chance.maybe(0.5)
    at = stage.after(begin, 0)
    for _ in range(chance.whole(25, 60)):
        now = yield at
        seller, good = chance.one(sellers)
        person = stage.person_abroad(code, 0.0)
        told = f"{person['name']} c/o {chance.one(('WH', 'Warehouse', 'Fulfilment'))}" if chance.maybe(0.3) else None
        person = {**person, "name": told or person["name"], "address": address, "city": city, "phone": phone}
        net = chance.spread(0.9, 0.8)
        goods = item(
            1,
            good.code if chance.maybe(0.6) else None,
            chance.one(good.english).capitalize(),
            net,
            net * chance.spread(good.usd_kg * 1.8, 0.4),
            chance.one(("CT", "BX")),
            30.0,
            pieces=chance.whole(1, 6),
        )
        yield Member(stage.parcel(now, goods, seller, person, code, express), positive=False)
        at = stage.after(now, chance.spread(1.1, 0.8))


def _wholesaler(stage: Stage, begin: datetime) -> Story:
    """One seller, one buyer, the same powder in the same mass week after week, at its right price."""
    chance = stage.chance
    seller, country = stage.firm(contact=0.8), chance.of(BUYERS)
    buyer = stage.world.buyer(country.code, 0.8).party
    code, texts, usd_kg = chance.one(COVERS)
    text = chance.one(texts)
    kg = chance.one((5.0, 10.0, 12.5, 20.0, 25.0))
    level = chance.spread(usd_kg, 0.3)
    express = kg <= 20 and chance.maybe(0.6)
    at = stage.after(begin, 0)
    for _ in range(chance.whole(10, 26)):
        now = yield at
        boxes = 1 if express or chance.maybe(0.7) else 2
        goods = item(1, code, text, kg * boxes, kg * boxes * chance.spread(level, 0.05), "CT", 25.0)
        if express:
            goods["quantity"] = {"value": chance.whole(1, 6), "unit": "NAR"}
            row = stage.parcel(now, goods, seller, buyer, country.code, True)
        else:
            row = stage.ship(now, [goods], seller, buyer, country.code, mode="air")
        yield Member(row, positive=False)
        at = stage.after(now, 7 * chance.spread(1.0, 0.1))


def _samples(stage: Stage, begin: datetime) -> Story:
    """A maker of ordinary goods sends samples of no value to its customers' agent, who asked for them."""
    chance = stage.chance
    maker = stage.known_firm()
    code = chance.one(("US", "DE", "JP", "GB", "KR", "IT"))
    agent = party(
        None,
        stage.person_abroad(code)["name"],
        code,
        f"{chance.one(COUNTRIES[code].streets)} {chance.whole(1, 200)}",
        chance.one(COUNTRIES[code].cities),
        stage.phone(code),
    )
    text = chance.one(SAMPLES)
    kg = chance.spread(1.2, 0.5)
    at = stage.after(begin, 0)
    for _ in range(chance.whole(5, 15)):
        now = yield at
        net = chance.spread(kg, 0.25)
        goods = item(
            1,
            None,
            text.capitalize() if chance.maybe(0.5) else text,
            net,
            chance.between(12, 70),
            chance.one(("CT", "BX")),
            30.0,
            pieces=chance.whole(1, 6),
        )
        yield Member(stage.parcel(now, goods, maker, agent, code, chance.maybe(0.7)), positive=False)
        at = stage.after(now, chance.spread(8, 0.6))


KINDS = (
    Kind("laboratory-reference-materials", (), _laboratory, 75),
    Kind("element-collectors", (), _collectors, 75),
    Kind("jewellers-silver", (), _jewellers, 75),
    Kind("forwarder-warehouse", (), _warehouse, 75),
    Kind("wholesaler-weekly", (), _wholesaler, 75, weight=1.5),
    Kind("ordinary-samples", (), _samples, 75),
)
