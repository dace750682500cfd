"""A traveller who does not know carries a bottle of gallium out, for somebody abroad (case K1, typologies T03 and T18)."""

from __future__ import annotations

from datetime import date, datetime

from streams.simulate import wording
from streams.simulate.compose import declaration, item
from streams.simulate.places import BUYERS, CITY_WHEEL
from streams.simulate.plot import Scenario, Scene
from streams.simulate.prices import paid
from streams.simulate.substances import GALLIUM
from streams.simulate.world import World

_VAGUE = (
    "liquid metal sample",
    "liquid metal, 1 bottle",
    "metal sample for testing",
    "液态金属样品",
    "液體金屬樣品",
    "образец жидкого металла",
    "Flüssigmetall Probe",
    "muestra de metal líquido",
    "sample, silvery liquid in bottle",
)
_CODES = (None, None, None, "8112929010", "3824990000", "8112920000", "9705100000")


def tell(world: World, when: datetime, memory: bool) -> list[Scene]:
    """One bottle of 0.5 to 5 kg in luggage or by express; the contact is that of a metals company."""
    chance = world.chance
    firm = chance.one(world.metal_firms)
    country = chance.of(BUYERS)
    by_hand = chance.maybe(0.8)
    net = min(5.0, max(0.5, chance.spread(1.6, 0.5)))
    told = chance.share()
    if told < 0.35:
        text = chance.one(_VAGUE)
    elif told < 0.7:
        text = wording.slipped_in(chance.one(("sample", "gift", "样品", "образец", "test material")), GALLIUM, chance)
    else:
        text = wording.hint(GALLIUM, chance)
    true_usd = net * paid("gallium", when.date(), chance)
    usd = None if chance.maybe(0.4) else chance.between(10, 60) if chance.maybe(0.5) else true_usd
    bottle = item(
        1,
        chance.one(_CODES),
        text,
        net,
        usd,
        "BO",
        30.0,
        count=1,
        volume_m3=round(net / 5910 * 1.15, 6) if chance.maybe(0.3) else None,
        marks=chance.one((None, None, "SAMPLE", "Ga 6N", "金属镓")),
    )
    phone, email = (firm.party["phone"], None) if chance.maybe(0.5) else (firm.party["phone"], firm.party["email"])
    person = world.traveller("CN" if chance.maybe(0.3) else country.code, phone if chance.maybe(0.6) else None, email)
    row = declaration(
        world.reference(when, "P" if by_hand else "M"),
        [bottle],
        declarant=person if by_hand else firm.party,
        regime="passenger" if by_hand else "postal",
        system="cn-passenger" if by_hand else "cn-express",
        procedure=None,
        office=chance.of(CITY_WHEEL).office,
        exporter=None if by_hand else firm.party,
        consignee=None if by_hand else person,
        traveller=person if by_hand else None,
        destination=country.code,
        transport=world.transport("passenger" if by_hand else "air"),
    )
    return [Scene(0.0, row, ("gallium",))]


def _possible(day: date) -> bool:
    return day >= GALLIUM.controlled


SCENARIO = Scenario("gallium-hand-carried", ("T03", "T18"), True, _possible, tell)
