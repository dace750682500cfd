"""The same person, or the same contact, carries small heavy bottles out again and again (case K1; typologies T03, T18)."""

from __future__ import annotations

from datetime import datetime

from streams.simulate import wording
from streams.simulate.compose import Item, item
from streams.simulate.over_time.stage import Stage
from streams.simulate.over_time.story import Kind, Member, Story
from streams.simulate.places import BUYERS
from streams.simulate.prices import paid
from streams.simulate.substances import GALLIUM, GERMANIUM, Substance

_VAGUE = {
    "gallium": (
        "liquid metal sample",
        "liquid metal, 1 bottle",
        "液态金属样品",
        "образец жидкого металла",
        "Flüssigmetall Probe",
        "muestra de metal líquido",
        "thermos bottle with sample",
        "metal sample for testing",
    ),
    "germanium": (
        "metal sample for testing",
        "grey metal pieces, sample",
        "金属样品",
        "optical material sample",
        "Metallprobe",
        "образец металла",
    ),
}


def _bottle(stage: Stage, now: datetime, substance: Substance, kg: float, style: str) -> Item:
    chance = stage.chance
    net = min(5.0, kg * chance.between(0.9, 1.1))
    text = chance.one(_VAGUE[substance.label])
    if style == "named" or (style == "mixed" and chance.maybe(0.4)):
        text = wording.slipped_in(chance.one(("sample", "gift", "样品", "образец")), substance, chance)
    true_usd = net * paid(substance.name, now.date(), chance)
    usd = chance.one((None, None, chance.between(10, 90), chance.between(10, 90), true_usd))
    return item(1, chance.one((None, None, None, "3824990000")), text, net, usd, "BO", 30.0, count=1)


def _carried(stage: Stage, begin: datetime) -> Story:
    """Two to six passages within 180 days; one traveller, or several who leave the same telephone or mailbox."""
    chance = stage.chance
    substance = GALLIUM if chance.maybe(0.75) else GERMANIUM
    country = chance.of(BUYERS).code
    firm = stage.metal_firm().party
    same_person = chance.maybe(0.5)
    phone = firm["phone"] if chance.maybe(0.5) else f"+86 {chance.digits(11)}"
    email = firm["email"] if chance.maybe(0.4) else None
    home = "CN" if chance.maybe(0.4) else country
    person = stage.traveller(home, phone, email)
    style = chance.one(("vague", "vague", "mixed", "named"))
    kg = min(4.5, max(0.5, chance.spread(1.5, 0.4)))
    passages = chance.whole(2, 6)
    at = stage.after(begin, 0)
    for n in range(passages):
        now = yield at
        if not same_person:
            person = stage.traveller("CN" if chance.maybe(0.4) else country, phone, email)
        row = stage.carried(now, [_bottle(stage, now, substance, kg, style)], person, country)
        yield Member(row, n > 0, substances=(substance.label,))
        at = stage.after(now, chance.between(4, min(60.0, 170 / passages)))


_KITS = (
    ("laboratory kit for teaching, with 10 g gallium demonstration sample", "9023000000", 1.4, 120.0, "BX"),
    ("教学实验套装 含10克镓演示样品", "9023000000", 1.2, 100.0, "BX"),
    ("galinstan thermometers, demonstration set", "9025110000", 0.5, 60.0, "BX"),
    ("thermal imaging camera with germanium lens, demonstration unit", "8525890000", 1.6, 3500.0, "BX"),
    ("laptop computer and charger", None, 2.4, 1500.0, "BX"),
)
_GOODS = (
    ("образцы ткани", None, 2.5, 40.0, "BX"),
    ("samples of ceramic tiles", None, 6.5, 30.0, "BX"),
    ("printed circuit board samples", None, 1.2, 200.0, "BX"),
    ("steel test pieces, samples of a customer", None, 3.0, 50.0, "BX"),
    ("aluminium profile samples", None, 2.2, 40.0, "BX"),
    ("sample", None, 1.1, 40.0, "BX"),
    ("olive oil, 1 bottle", None, 1.0, 15.0, "BO"),
    ("thermos bottle with tea", None, 0.9, 20.0, "BO"),
)


def _often(kinds: tuple[tuple[str, str | None, float, float, str], ...], one_kind: bool, stage: Stage) -> Item:
    chance = stage.chance
    text, code, kg, usd, pack = kinds[0] if one_kind else chance.one(kinds)
    asked = chance.maybe(0.7)
    return item(
        1,
        code if chance.maybe(0.6) else None,
        text,
        chance.spread(kg, 0.25),
        chance.spread(usd, 0.3) if asked else None,
        pack,
        30.0,
        count=1,
    )


def _traveller(stage: Stage, begin: datetime) -> Story:
    """A teacher or a salesman with his declared kit: every few weeks the same, and so it should be."""
    chance = stage.chance
    kinds = tuple(chance.some(_KITS, 2))
    yield from _passages(stage, begin, kinds, chance.whole(4, 9))


def _merchant(stage: Stage, begin: datetime) -> Story:
    """A merchant with the samples of his trade, among them honest test pieces."""
    yield from _passages(stage, begin, tuple(stage.chance.some(_GOODS, 2)), stage.chance.whole(4, 12))


def _passages(
    stage: Stage, begin: datetime, kinds: tuple[tuple[str, str | None, float, float, str], ...], count: int
) -> Story:
    chance = stage.chance
    country = chance.of(BUYERS).code
    firm = stage.known_firm().party
    person = stage.traveller("CN" if chance.maybe(0.5) else country, firm["phone"])
    one_kind = chance.maybe(0.5)
    at = stage.after(begin, 0)
    for _ in range(count):
        now = yield at
        yield Member(stage.carried(now, [_often(kinds, one_kind, stage)], person, country), positive=False)
        at = stage.after(now, chance.between(6, 35))


KINDS = (Kind("hand-carried-again", ("T03", "T18"), _carried, 200, GALLIUM.controlled),)
LOOK_ALIKES = (
    Kind("frequent-traveller-kits", (), _traveller, 90),
    Kind("merchant-with-samples", (), _merchant, 90),
)
