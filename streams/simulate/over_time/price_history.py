"""A firm's old code at the price of a controlled metal (typologies T01, T11); and honest prices that rise."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime, timedelta

from streams.simulate.chance import Chance
from streams.simulate.compose import Item, item
from streams.simulate.over_time.stage import Stage
from streams.simulate.over_time.story import Kind, Member, Story
from streams.simulate.places import BUYERS
from streams.simulate.prices import level, paid
from streams.simulate.substances import ANTIMONY, GALLIUM, GALLIUM_OXIDE, GERMANIUM, GERMANIUM_DIOXIDE

#: Code, texts, USD/kg, package, kilograms a package: what such firms have always sold.
_OLD = (
    ("7901200000", ("zinc alloy ingots", "锌合金锭", "ZAMAK 5 INGOTS"), 3.0, "PX", 1000.0),
    ("7603100000", ("ALUMINIUM POWDER NON LAMELLAR", "铝粉"), 4.2, "DR", 100.0),
    ("2846100000", ("CERIUM OXIDE POLISHING POWDER", "铈抛光粉"), 4.0, "BG", 25.0),
    ("3207200000", ("CERAMIC GLAZE FRIT", "陶瓷釉料"), 3.2, "BG", 25.0),
    ("7202990000", ("iron alloy", "FERRO ALLOY"), 2.4, "BG", 1000.0),
    ("7801910000", ("lead-antimony alloy ingots", "铅锑合金锭"), 2.5, "PX", 1000.0),
)
_HIDDEN = (GALLIUM, GALLIUM, GALLIUM_OXIDE, GERMANIUM, GERMANIUM_DIOXIDE, ANTIMONY)


def _sales(
    stage: Stage, begin: datetime, make: Callable[[datetime], Item], count: int, gap: float, country: str
) -> Story:
    chance = stage.chance
    firm = stage.firm(contact=0.7)
    buyers = [stage.world.buyer(country, 0.6).party for _ in range(chance.whole(1, 3))]
    at = stage.after(begin, 0)
    for _ in range(count):
        now = yield at
        yield Member(stage.ship(now, [make(now)], firm, chance.one(buyers), country), positive=False)
        at = stage.after(now, gap * chance.spread(1.0, 0.4))


def _jump(stage: Stage, begin: datetime) -> Story:
    """Ten to twenty sales at the old price, then one to four of small lots at gallium's, germanium's or antimony's."""
    chance = stage.chance
    substance = chance.one([s for s in _HIDDEN if s.controlled <= begin.date()])
    code, texts, usd_kg, pack, kg_pack = chance.one(_OLD)
    own_level, text = chance.spread(usd_kg, 0.2), chance.one(texts)
    firm = stage.firm(contact=0.7)
    country = chance.of(BUYERS).code
    buyers = [stage.world.buyer(country, 0.6).party for _ in range(chance.whole(1, 3))]
    past = chance.whole(10, 20)
    gap = stage.room(begin, chance.between(150, 300)) * 0.7 / past
    at = stage.after(begin, 0)
    for n in range(past + chance.whole(1, 4)):
        now = yield at
        hidden = n >= past
        if hidden:
            kg = chance.whole(1, 6) * 1000.0 if substance is ANTIMONY else 25.0 * chance.whole(1, 14)
            usd = kg * paid(substance.name, now.date(), chance)
            goods = item(
                1, code, text, kg, usd, pack if kg >= 1000 else chance.one(("DR", "CS", "BG")), min(kg_pack, 25.0)
            )
        else:
            kg = kg_pack * chance.whole(1, 12)
            goods = item(1, code, text, kg, kg * chance.spread(own_level, 0.06), pack, kg_pack)
        consignee = chance.one(buyers) if chance.maybe(0.6) or not hidden else stage.world.buyer(country, 0.6).party
        row = stage.ship(now, [goods], firm, consignee, country)
        yield Member(row, hidden, hidden, (substance.label,) if hidden else ())
        at = stage.after(now, gap * chance.spread(1.0, 0.3))


#: Goods whose price is that of a metal in them: code, text, metal, share of the metal's level.
_RISING = (
    ("2825800090", "antimony trioxide 99.8% flame retardant", "antimony trioxide", 1.0),
    ("2825800090", "三氧化二锑 99.5% 阻燃剂", "antimony trioxide", 1.0),
    ("8311300000", "solder wire Sn64Bi35Ag1 low temperature", "bismuth", 1.1),
    ("8311300000", "低温焊锡丝 含铋", "bismuth", 1.1),
    ("9002190000", "germanium lenses for thermal imaging, coated", "germanium", 0.9),
)


def _market(stage: Stage, begin: datetime) -> Story:
    """A price that rises as the market's does, on its dates."""
    chance = stage.chance
    code, text, metal, share = chance.one(_RISING)
    kg_lot = 20.0 if metal == "germanium" else 2000.0
    own = chance.spread(share, 0.1)

    def make(now: datetime) -> Item:
        kg = chance.spread(kg_lot, 0.5)
        usd_kg = own * level(metal, now.date()) * chance.spread(1.0, 0.05)
        return item(1, code, text, kg, kg * usd_kg, "CT" if metal != "antimony trioxide" else "BG", 25.0)

    gap = stage.room(begin, 1200) / 40
    yield from _sales(stage, begin, make, 60, gap * chance.between(0.7, 1.3), chance.of(BUYERS).code)


def _from_the_start(start: datetime, end: datetime, chance: Chance) -> datetime | None:
    """Return a time in the first sixth of the period: who sells by the market's price has long done so."""
    return start + (end - start) * chance.share() / 6 if end - start > timedelta(days=150) else None


def _dearer(stage: Stage, begin: datetime) -> Story:
    """A firm goes over to a better make of its goods: half as dear again, or twice."""
    chance = stage.chance
    code, texts, usd_kg, pack, kg_pack = chance.one(_OLD)
    text, own, times = chance.one(texts), chance.spread(usd_kg, 0.2), chance.between(1.4, 2.3)
    change = begin.timestamp() + chance.between(60, 200) * 86_400

    def make(now: datetime) -> Item:
        kg = kg_pack * chance.whole(1, 10)
        usd_kg = own * (times if now.timestamp() > change else 1.0)
        return item(1, code, text, kg, kg * chance.spread(usd_kg, 0.06), pack, kg_pack)

    yield from _sales(stage, begin, make, chance.whole(14, 24), chance.between(10, 18), chance.of(BUYERS).code)


KINDS = (Kind("price-history", ("T01", "T11"), _jump, 200, date(2023, 8, 1), weight=1.5),)
LOOK_ALIKES = (
    Kind("market-price-rise", (), _market, 0, begins=_from_the_start),
    Kind("dearer-make", (), _dearer, 120),
)
