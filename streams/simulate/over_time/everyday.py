"""Small honest trade in the goods, words and packages behind which cases hide: without it, a word alone would give them away."""

from __future__ import annotations

from datetime import datetime

from streams.simulate import places
from streams.simulate.compose import Row, document, item
from streams.simulate.firms import abroad
from streams.simulate.over_time.lots import COVERS, SAMPLES
from streams.simulate.over_time.stage import Stage
from streams.simulate.plot import LookAlike
from streams.simulate.world import World

#: Code, texts, USD/kg, package, kilograms a package.
_GOODS: tuple[tuple[str, tuple[str, ...], float, str, float], ...] = (
    *((code, texts, usd, "BG" if usd < 7 else "CT", 25.0) for code, texts, usd in COVERS),
    ("2825900000", ("metal oxide powder", "金属氧化物"), 12.0, "BG", 25.0),
    ("2846900000", ("lanthanum cerium compound", "镧铈化合物"), 9.0, "BG", 25.0),
    ("7901200000", ("zinc alloy ingots", "锌合金锭"), 3.0, "PX", 1000.0),
    ("7601200000", ("aluminium alloy ingots", "铝合金锭"), 2.7, "PX", 1000.0),
    ("7801910000", ("lead-antimony alloy", "铅锑合金"), 2.5, "PX", 1000.0),
    ("7202990000", ("iron alloy", "FERRO ALLOY"), 2.4, "BG", 1000.0),
    ("6902200000", ("refractory material",), 0.9, "PX", 1000.0),
    ("3301290000", ("essential oils in bottles", "植物精油", "ätherische Öle"), 40.0, "BO", 1.0),
    ("3215190000", ("printing ink in bottles", "油墨", "tinta de impresión"), 9.0, "BO", 1.0),
    ("3506100000", ("glue, bottles 500 g", "胶水", "клей"), 4.5, "BO", 0.5),
    ("3402500000", ("cleaning liquid, bottles", "清洁剂"), 2.5, "BO", 1.0),
)
#: Where goods that claim to be foreign come from, and how they say it.
_FOREIGN = (
    ("VN", ", origin: Vietnam"),
    ("MY", " (origin Malaysia)"),
    ("TH", " - not of Chinese origin"),
    ("KR", " 非中国原产"),
    ("JP", " not of Chinese origin"),
    ("HK", ", foreign goods in transit"),
)


def _stage(world: World, when: datetime) -> Stage:
    return Stage(world, when, when)


def _freight(world: World, when: datetime) -> Row:
    """A few bags or bottles of powder, alloy, liquid; now and then foreign goods that go on with a certificate."""
    stage, chance = _stage(world, when), world.chance
    code, texts, usd_kg, pack, kg_pack = chance.one(_GOODS)
    text = chance.one(texts)
    kg = kg_pack * max(1, round(chance.spread(8, 1.0)))
    goods = item(1, code, text, kg, kg * chance.spread(usd_kg, 0.3), pack, kg_pack)
    if chance.maybe(0.25):
        goods["origin"], claim = chance.one(_FOREIGN)
        goods["description"] = (text.capitalize() if chance.maybe(0.5) else text) + claim
        if chance.maybe(0.5):
            goods["documents"].append(document("N861", f"{goods['origin']}{chance.digits(8)}"))
    sender = stage.known_firm() if chance.maybe(0.4) else stage.firm(contact=0.6)
    country = chance.of(places.BUYERS)
    return stage.ship(when, [goods], sender, abroad(country, chance).party, country.code)


def _parcel(world: World, when: datetime) -> Row:
    """A parcel of the same, for a studio, a workshop or a hobby; or a sample that says no more than that."""
    stage, chance = _stage(world, when), world.chance
    code, texts, usd_kg, pack, _ = chance.one(_GOODS)
    text = chance.one(texts if chance.maybe(0.75) else SAMPLES)
    net = min(25.0, chance.spread(2.0, 0.9))
    if chance.maybe(0.4):
        net = max(0.5, round(net * 2) / 2)
    country = chance.of(places.BUYERS)
    goods = item(
        1,
        code if chance.maybe(0.65) else None,
        text.capitalize() if chance.maybe(0.5) else text,
        net,
        net * chance.spread(usd_kg * 2.5, 0.6),
        pack if pack == "BO" else chance.one(("CT", "BX")),
        30.0,
        pieces=chance.whole(1, 6),
    )
    if chance.maybe(0.12):
        goods["origin"], claim = chance.one(_FOREIGN)
        goods["description"] += claim
    buyer = stage.person_abroad(country.code) if chance.maybe(0.6) else abroad(country, chance).party
    sender = stage.known_firm() if chance.maybe(0.5) else stage.firm(contact=0.6)
    if world.life is not None:
        buyer = world.life.as_typed(buyer, chance)
    return stage.parcel(when, goods, sender, buyer, country.code, chance.maybe(0.6))


LOOK_ALIKES = (
    LookAlike("powders-and-bottles", _freight, weight=7.0),
    LookAlike("parcels-of-powders", _parcel, weight=7.0),
)
