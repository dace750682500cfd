"""Ingots hidden in ordinary cargo: masses, volumes and packages that the declared goods cannot have (cases K3, K4, K6; T02)."""

from __future__ import annotations

from datetime import date, datetime

from streams.simulate.compose import Item, declaration, document, item
from streams.simulate.firms import chinese
from streams.simulate.places import COUNTRIES
from streams.simulate.plot import Scenario, Scene
from streams.simulate.substances import ANTIMONY
from streams.simulate.world import World

# Declared code and text, price in USD/kg, kilograms a package honestly has, packed density in kg/m3.
_COVERS: tuple[tuple[str, tuple[str, ...], float, float, float], ...] = (
    ("9403600000", ("wooden furniture", "木制家具", "WOODEN CABINETS K/D", "Holzmöbel"), 3.2, 32, 220),
    ("9401610000", ("upholstered sofa", "沙发", "SOFAS WITH WOODEN FRAME"), 4.2, 28, 120),
    ("6913100000", ("porcelain ornaments", "瓷制装饰品", "CERAMIC FIGURINES"), 4.5, 12, 280),
    ("6911100000", ("porcelain tableware", "瓷餐具"), 2.6, 16, 420),
    ("9503000000", ("plastic toys", "塑料玩具", "TOYS ASSORTED", "игрушки"), 9.0, 9, 130),
    ("9404900000", ("cushions and pillows", "枕头"), 6.0, 9, 70),
    ("9618000000", ("mannequins", "人体模型"), 7.0, 14, 60),
    ("3926900000", ("plastic household articles", "塑料制品"), 5.0, 12, 150),
)


def _hiding(world: World, number: int, cover: tuple[str, tuple[str, ...], float, float, float]) -> Item:
    """Return an item whose mass gives it away: by volume, by package, or by gross against net."""
    chance = world.chance
    code, texts, usd, kg_pack, _ = cover
    net = float(chance.whole(3, 20) * 1000)
    volume = gross = None
    told = chance.share()
    if told < 0.45:  # denser than any such goods: much of the volume is metal
        volume = round(net / chance.between(1600, 4200), 2)
        count = max(1, int(net / (kg_pack * chance.between(2.5, 7))))
    elif told < 0.85:  # cartons that nobody could lift
        count = max(1, int(net / chance.between(150, 700)))
        if chance.maybe(0.4):
            volume = round(net / chance.between(1300, 3500), 2)
    else:  # no packing to speak of, in few heavy cartons
        count = max(1, int(net / chance.between(120, 500)))
        gross = round(net * chance.between(1.0005, 1.004), 1)
    return item(
        number,
        code,
        chance.one(texts),
        net,
        net * chance.spread(usd, 0.2) * chance.between(0.4, 1.0),
        "CT",
        kg_pack,
        count=count,
        gross_kg=gross,
        volume_m3=volume,
    )


def tell(world: World, when: datetime, memory: bool) -> list[Scene]:
    """One item of furniture, ceramics or toys is far too heavy; honest ones of the same kind stand around it."""
    chance = world.chance
    exporter, city = chinese(chance)
    country = COUNTRIES[chance.one(("TH", "VN", "HK", "MX", "MY", "US", "KR", "AE"))]
    cover = chance.one(_COVERS)
    items: list[Item] = []
    heavy = chance.whole(1, 3)
    for number in range(1, max(heavy, chance.whole(1, 4)) + 1):
        if number == heavy:
            items.append(_hiding(world, number, cover))
            continue
        code, texts, usd, kg_pack, kg_m3 = chance.one(_COVERS)
        net = kg_pack * chance.whole(20, 120)
        items.append(
            item(
                number,
                code,
                chance.one(texts),
                net,
                net * chance.spread(usd, 0.25),
                "CT",
                kg_pack,
                volume_m3=round(net * 1.09 / kg_m3, 2) if chance.maybe(0.3) else None,
            )
        )
    if chance.maybe(0.5):
        items[0]["documents"].append(document("N705", f"B{chance.digits(9)}"))
    row = declaration(
        world.reference(when),
        items,
        declarant=chance.one(world.brokers),
        exporter=exporter,
        consignee=world.buyer(country.code).party,
        office=city.office,
        destination=country.code,
        transport=world.transport("sea", 1),
    )
    return [Scene(0.0, row, ("antimony",))]


def _possible(day: date) -> bool:
    return day >= ANTIMONY.controlled


SCENARIO = Scenario("antimony-in-cover-cargo", ("T02",), True, _possible, tell)
