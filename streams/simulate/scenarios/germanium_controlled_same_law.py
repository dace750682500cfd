"""Germanium and gallium under their own codes, without the licence they need since 2023-08-01 (typology T13)."""

from __future__ import annotations

from datetime import date, datetime

from streams.simulate import places, wording
from streams.simulate.compose import declaration, document, item
from streams.simulate.firms import chinese
from streams.simulate.places import COUNTRIES
from streams.simulate.plot import Scenario, Scene
from streams.simulate.prices import paid
from streams.simulate.substances import GERMANIUM, GERMANIUM_DIOXIDE
from streams.simulate.world import World


def tell(world: World, when: datetime, memory: bool) -> list[Scene]:
    """Named and coded as what it is, but no licence among the documents."""
    chance = world.chance
    substance = chance.one((GERMANIUM, GERMANIUM, GERMANIUM_DIOXIDE))
    if chance.maybe(0.5):
        exporter, city = chinese(chance, line="Semiconductor Materials", hanzi="半导体材料", contact=0.6)
    else:
        firm = chance.one(world.metal_firms)
        exporter, city = firm.party, firm.city
    country = COUNTRIES[chance.one(("JP", "DE", "BE", "KR", "RU", "FR", "HK", "SG", "GB", "CA"))]
    pack, kg_pack = chance.one(substance.packs)
    net = chance.spread(40, 0.9)
    goods = item(
        1,
        substance.code,
        wording.plain(substance, chance),
        net,
        net * paid(substance.name, when.date(), chance),
        pack,
        kg_pack,
        origin="CN" if chance.maybe(0.5) else None,
        cas=substance.cas if chance.maybe(0.2) else None,
        documents=[document("N380", f"INV{chance.digits(6)}")] if chance.maybe(0.7) else (),
    )
    row = declaration(
        world.reference(when),
        [goods],
        declarant=chance.one(world.brokers),
        exporter=exporter,
        consignee=world.buyer(country.code).party,
        office=city.office,
        destination=country.code,
        routing=places.ways(country, "air", chance) if chance.maybe(0.3) else [],
        transport=world.transport("air"),
    )
    return [Scene(0.0, row, (substance.label,))]


def _possible(day: date) -> bool:
    return day >= GERMANIUM.controlled


SCENARIO = Scenario("germanium-controlled-same-law", ("T13",), True, _possible, tell)
