"""A ring around one family, led and paid from overseas (case K2, typologies T08 and T02)."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

from streams.simulate import names, places
from streams.simulate.compose import declaration
from streams.simulate.firms import Party, abroad, chinese
from streams.simulate.places import COUNTRIES
from streams.simulate.plot import Scenario, Scene
from streams.simulate.scenarios.antimony_goods import ingots
from streams.simulate.substances import ANTIMONY
from streams.simulate.world import World

_ABROAD = ("TH", "VN", "MX", "MY", "HK", "LA", "MM")


def _shared(chance_of: World, own: Party) -> dict[str, Any]:
    """Return two or three contact details of the exporter, for another party of the ring to carry."""
    kinds = chance_of.chance.some(("phone", "email", "address"), 2 if chance_of.chance.maybe(0.6) else 3)
    return {kind: own[kind] for kind in kinds}


def tell(world: World, when: datetime, memory: bool) -> list[Scene]:
    """Two to five shipments by relatives in split roles.

    Mostly two parties of one shipment share two contact details. With ``memory``, in a third of the stories only the parties
    of different shipments do.
    """
    chance = world.chance
    surname = chance.one(names.SURNAMES)
    first, city = chinese(chance, line="Metals", hanzi="金属", contact=1.0)
    country = COUNTRIES[chance.one(_ABROAD)]
    across = memory and chance.maybe(0.33)
    covered = chance.maybe(0.4)
    scenes = []
    days = 0.0
    for part in range(chance.whole(2, 5)):
        relative = {**first, "id": f"P{chance.digits(8)}", "name": names.person(chance, surname)}
        exporter = first
        consignee = abroad(country, chance, 1.0).party
        notify: Party | None = None
        declarant = chance.one(world.brokers)
        if across:
            exporter = first if part == 0 else {**chinese(chance, city, contact=1.0)[0], **_shared(world, first)}
        elif chance.maybe(0.6):
            consignee = {**consignee, **_shared(world, first)}
        else:
            # the exporter's relative notifies abroad, from the same telephone and mailbox
            notify = {**relative, "country": country.code, **_shared(world, first)}
        if chance.maybe(0.3):
            consignee = {**consignee, "name": f"{surname} Brothers {chance.one(country.suffixes)}"}
        mode = "road" if country.code in ("VN", "LA", "MM") and chance.maybe(0.6) else "sea"
        row = declaration(
            world.reference(when),
            [ingots(world, when, chance.whole(2, 18), covered=covered)],
            declarant=declarant,
            exporter=exporter,
            consignee=consignee,
            notify=notify,
            office=city.office,
            exit_office=chance.one(("CN7200", "CN8600", "CN5300", city.office)),
            destination=country.code,
            routing=places.ways(country, mode, chance) if chance.maybe(0.4) else [],
            transport=world.transport(mode, 1 if mode == "sea" else 0),
        )
        scenes.append(Scene(days, row, ("antimony",), due=not across or part > 0))
        days += chance.between(2, 25)
    return scenes


def _possible(day: date) -> bool:
    return day >= ANTIMONY.controlled


SCENARIO = Scenario("antimony-family-network", ("T08", "T02"), True, _possible, tell)
