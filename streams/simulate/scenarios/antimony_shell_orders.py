"""Orders with domestic producers through shell companies (case K2, typologies T07, T09, T16). It shows only to who remembers."""

from __future__ import annotations

from datetime import date, datetime

from streams.simulate.compose import declaration
from streams.simulate.firms import chinese
from streams.simulate.places import CITY_WHEEL, COUNTRIES
from streams.simulate.plot import Scenario, Scene
from streams.simulate.scenarios.antimony_goods import ingots
from streams.simulate.substances import ANTIMONY
from streams.simulate.world import World


def tell(world: World, when: datetime, memory: bool) -> list[Scene]:
    """Three to five firms never seen before, at one address, each with tonnes of ingots as its first order."""
    chance = world.chance
    home = chance.of(CITY_WHEEL)
    address = f"Room {chance.whole(100, 2999)}, No. {chance.whole(1, 400)} {chance.one(home.streets)}"
    phone = f"+86 {home.dial} {chance.digits(8)}"
    country = COUNTRIES[chance.one(("TH", "MX", "HK", "MY", "VN", "KR", "JP"))]
    buyer = world.buyer(country.code, 0.6).party
    broker = chance.one(world.brokers)
    scenes: list[Scene] = []
    days = 0.0
    for _ in range(chance.whole(3, 5)):
        shell = {**chinese(chance, home, contact=0.6)[0], "address": address}
        if chance.maybe(0.5):
            shell["phone"] = phone
        papers = (shell, buyer) if chance.maybe(0.6) else None
        row = declaration(
            world.reference(when),
            [ingots(world, when, chance.whole(3, 20), licensed=papers)],
            declarant=broker if chance.maybe(0.7) else shell,
            exporter=shell,
            consignee=buyer if chance.maybe(0.6) else world.buyer(country.code, 0.6).party,
            office=home.office,
            destination=country.code,
            transport=world.transport("sea", 1),
        )
        scenes.append(Scene(days, row, ("antimony",), due=bool(scenes) or papers is None))
        days += chance.between(1, 15)
    return scenes


def _possible(day: date) -> bool:
    return day >= ANTIMONY.controlled


SCENARIO = Scenario("antimony-shell-orders", ("T07", "T09", "T16"), False, _possible, tell)
