"""Antimony on its way to the United States through a third country (cases K2 and K9, typologies T05 and T10)."""

from __future__ import annotations

from datetime import date, datetime

from streams.simulate.compose import declaration
from streams.simulate.firms import Party, chinese
from streams.simulate.places import COUNTRIES
from streams.simulate.plot import Scenario, Scene
from streams.simulate.scenarios.antimony_goods import ingots
from streams.simulate.substances import ANTIMONY
from streams.simulate.world import World

_THIRD = ("TH", "TH", "TH", "MX", "MX", "MX", "VN", "MY")


def tell(world: World, when: datetime, memory: bool) -> list[Scene]:
    """Declared to Thailand or Mexico, with somebody in the United States as consignee, notify party or end of the route.

    With ``memory`` the same consignee orders again and again: a surge.
    """
    chance = world.chance
    third = COUNTRIES[chance.one(_THIRD)]
    if chance.maybe(0.5):
        exporter, city = chinese(chance, line="Minerals", hanzi="矿产", contact=0.7)
    else:
        firm = chance.one(world.metal_firms)
        exporter, city = firm.party, firm.city
    importer = world.buyer(third.code, 0.6).party
    american = world.buyer("US", 0.7).party
    forwarder = chance.one([f for f in world.forwarders if f["country"] in ("US", third.code)])
    scenes = []
    consignee: Party
    notify: Party | None
    days = 0.0
    for _ in range(chance.whole(4, 9) if memory and chance.maybe(0.4) else 1):
        consignee, notify, routing = importer, american, ["CN", third.code]
        told = chance.share()
        if told < 0.35:  # a forwarder receives, an American is told
            consignee = forwarder if forwarder["country"] == third.code else importer
        elif told < 0.6:  # consigned to the American straight away
            consignee, notify = american, None
            routing = ["CN", third.code, "US"] if chance.maybe(0.5) else ["CN", third.code]
        elif told < 0.8:
            routing = ["CN", third.code, "US"]
        papers = (exporter, importer) if chance.maybe(0.35) else None
        row = declaration(
            world.reference(when),
            [ingots(world, when, chance.whole(5, 24), licensed=papers)],
            declarant=chance.one(world.brokers),
            exporter=exporter,
            consignee=consignee,
            notify=notify,
            office=city.office,
            destination=third.code,
            routing=routing,
            transport=world.transport("sea", 1),
        )
        scenes.append(Scene(days, row, ("antimony",)))
        days += chance.between(5, 20)
    return scenes


def _possible(day: date) -> bool:
    return day >= ANTIMONY.controlled


SCENARIO = Scenario("antimony-third-country", ("T05", "T10"), True, _possible, tell)
