"""Many small lots that add up to a commercial one (case K8, typology T04), and rare earths that claim another origin."""

from __future__ import annotations

from datetime import datetime

from streams.simulate.adding import Adding
from streams.simulate.firms import Party
from streams.simulate.over_time.lots import Lots
from streams.simulate.over_time.stage import Sender, Stage
from streams.simulate.over_time.story import Kind, Member, Story
from streams.simulate.places import COUNTRIES
from streams.simulate.spelling import respelt
from streams.simulate.substances import (
    DYSPROSIUM_OXIDE,
    GALLIUM,
    GALLIUM_OXIDE,
    GERMANIUM,
    GERMANIUM_DIOXIDE,
    TERBIUM_OXIDE,
    Substance,
)

_GOODS = (GALLIUM, GALLIUM, GALLIUM_OXIDE, GERMANIUM, GERMANIUM_DIOXIDE, DYSPROSIUM_OXIDE, TERBIUM_OXIDE)
_TO = ("US", "US", "JP", "DE", "KR", "NL", "GB", "HK", "TW", "SG", "IN", "CA", "AE", "TH")
_RARE_EARTH_COVERS: tuple[tuple[str, tuple[str, ...], float], ...] = (
    ("3206490000", ("ceramic pigment", "陶瓷颜料", "pigment powder"), 6.0),
    ("2846100000", ("cerium polishing powder", "铈抛光粉"), 4.0),
    ("2825900000", ("metal oxide powder", "金属氧化物"), 12.0),
    ("3824990000", ("chemical preparation", "化工助剂"), 6.0),
    ("3213100000", ("art supplies", "美术颜料"), 8.0),
)
_CLAIMS = (" - not of Chinese origin", " 非中国原产", " (origin Malaysia)", ", origin: Vietnam", "")


class Cluster:
    """One consignee under many spellings: a person, a household, a small firm."""

    def __init__(self, stage: Stage, code: str) -> None:
        chance = self._chance = stage.chance
        self._kind = chance.one(("person", "person", "household", "firm"))
        if self._kind == "firm":
            self._base = stage.world.buyer(code, 1.0).party
        else:
            self._base = stage.person_abroad(code, 1.0)
        country = COUNTRIES[code]
        self._base["address"] = self._base["address"] or f"{chance.one(country.streets)} {chance.whole(1, 400)}"
        self._base["city"] = self._base["city"] or chance.one(country.cities)
        self._names = [self._base["name"]]
        if self._kind == "household":
            self._names += [stage.person_abroad(code)["name"] for _ in range(chance.whole(1, 4))]

    def next(self) -> Party:
        """Return the consignee as the next parcel names it: telephone or address may be missing, never both."""
        chance = self._chance
        found = {**self._base, "name": chance.one(self._names)}
        if chance.maybe(0.6):
            found = respelt(found, chance, keep_id=chance.maybe(0.5))
        if chance.maybe(0.3):
            found[chance.one(("phone", "address"))] = None
        return found


def senders(stage: Stage, most: int) -> list[Sender]:
    """Return one to ``most`` senders: some that trade in other things as well, some new."""
    chance = stage.chance
    return [stage.known_firm() if chance.maybe(0.5) else stage.firm() for _ in range(chance.whole(1, most))]


def _ring(stage: Stage, begin: datetime, lots: Lots, days: float) -> Story:
    chance = stage.chance
    code = chance.one(_TO)
    cluster = Cluster(stage, code)
    ring = senders(stage, chance.one((1, 3, 6, 9)))
    way = chance.one(("post", "express", "express", "air"))
    gap = days / lots.count
    bursts = chance.maybe(0.3)
    adding = Adding(lots.commercial_kg)
    at = stage.after(begin, 0)
    for _ in range(lots.count):
        now = yield at
        goods = lots.lot(stage, now)
        due = adding.enough(now, goods["net_mass_kg"])
        sender, consignee = chance.one(ring), cluster.next()
        if way == "air":
            goods["commodity_code"] = goods["commodity_code"] or lots.cover[0]
            row = stage.ship(now, [goods], sender, consignee, code, mode="air")
        else:
            row = stage.parcel(now, goods, sender, consignee, code, way == "express")
        yield Member(row, due, substances=(lots.substance.label,))
        wait = gap * chance.spread(0.9, 0.5)
        if bursts:
            wait = chance.between(0, 0.3) if chance.maybe(0.6) else wait * 2.2
        at = stage.after(now, wait)


def _controlled(begin: datetime, goods: tuple[Substance, ...]) -> tuple[Substance, ...]:
    return tuple(s for s in goods if s.controlled <= begin.date())


def _split(stage: Stage, begin: datetime) -> Story:
    chance = stage.chance
    lots = Lots.of(stage, chance.one(_controlled(begin, _GOODS)))
    yield from _ring(stage, begin, lots, chance.between(7, 88))


def _rare_earths(stage: Stage, begin: datetime) -> Story:
    """Dysprosium or terbium in parcels that say they are something else from somewhere else."""
    chance = stage.chance
    lots = Lots.of(stage, chance.one((DYSPROSIUM_OXIDE, TERBIUM_OXIDE)), 14.0)
    lots.cover = chance.one(_RARE_EARTH_COVERS)
    lots.claim = chance.one(_CLAIMS)
    lots.origin = chance.one((None, "MY", "VN", "TH", "KR", "HK"))
    lots.named = chance.one((0.0, 0.0, 0.3))
    yield from _ring(stage, begin, lots, chance.between(7, 80))


KINDS = (
    Kind("split-shipments", ("T04", "T01"), _split, 110, GALLIUM.controlled, weight=2.0),
    Kind("rare-earths-relabelled", ("T01", "T04", "T06"), _rare_earths, 100, DYSPROSIUM_OXIDE.controlled),
)
