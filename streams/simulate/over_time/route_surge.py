"""Lanes of a controlled metal: a step up after a control date (case K9; typologies T05, T16), and honest changes of volume."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

from streams.simulate.calendar import NEW_YEAR
from streams.simulate.chance import Chance
from streams.simulate.compose import LICENCE, Row
from streams.simulate.firms import Party
from streams.simulate.over_time.stage import Sender, Stage
from streams.simulate.over_time.story import Kind, Member, Story
from streams.simulate.substances import (
    ANTIMONY,
    DYSPROSIUM_OXIDE,
    GALLIUM,
    GERMANIUM,
    TERBIUM_OXIDE,
    US_BAN,
    US_SUSPENSION,
    Substance,
)

GOODS = (GALLIUM, GERMANIUM, ANTIMONY, DYSPROSIUM_OXIDE, TERBIUM_OXIDE)
#: Countries to which the metals otherwise go seldom or never in a feed.
THIRD = (
    "VN",
    "MY",
    "TH",
    "ID",
    "IN",
    "TR",
    "AE",
    "PL",
    "CZ",
    "SG",
    "TW",
    "BR",
    "PH",
    "SA",
    "ES",
    "MX",
    "KZ",
    "CA",
    "AU",
)
#: Days of history before a step, and days after a control date within which it comes.
_HISTORY, _AFTER = 380.0, (10.0, 140.0)
#: What makes a step: kilograms of sixty days against the sixty-day mean of the history, and at least so many shipments.
_STEP, _SHIPMENTS, _WINDOW = 3.0, 4, timedelta(days=60)


def dates(substance: Substance) -> tuple[date, ...]:
    """Return the days on which exports of a substance became harder."""
    return (substance.controlled, US_BAN) if substance.controlled < US_BAN else (substance.controlled,)


class Lane:
    """A few honest sellers and buyers of one metal in one country."""

    def __init__(self, stage: Stage, substance: Substance, country: str, firms: int = 2) -> None:
        chance = stage.chance
        self.stage, self.substance, self.country = stage, substance, country
        self.pairs: list[tuple[Sender, Party]] = [
            (stage.metal_firm() if chance.maybe(0.7) else stage.firm("Metals", "金属", contact=0.8), self.buyer())
            for _ in range(firms)
        ]
        self.pack_kg = max(kg for _, kg in substance.packs)
        self.packs = chance.whole(2, 8)
        self.shipped_kg = 0.0
        self._words: dict[str, tuple[str, ...]] = {}

    def buyer(self) -> Party:
        """Return a firm of the country that has not been seen before."""
        return self.stage.world.buyer(self.country, 0.8).party

    def kg(self, times: float = 1.0) -> float:
        """Return a lot in whole packages."""
        return max(1, round(self.stage.chance.spread(self.packs, 0.35) * times)) * self.pack_kg

    def sold(
        self,
        now: datetime,
        kg: float,
        pair: tuple[Sender, Party] | None = None,
        *,
        notify: Party | None = None,
        licensed: bool = True,
    ) -> Row:
        """Return a shipment on the lane; with a licence once it needs one."""
        chance = self.stage.chance
        seller, buyer = pair or chance.one(self.pairs)
        papers = []
        if licensed and now.date() >= self.substance.controlled:
            issued = (now - timedelta(days=chance.whole(4, 90))).date()
            paper: dict[str, Any] = {"type": LICENCE, "reference": f"{issued.year}-DU-{self.stage.licence_number()}"}
            if chance.maybe(0.7):
                paper |= {
                    "issued_on": issued.isoformat(),
                    "expires_on": (issued + timedelta(days=180)).isoformat(),
                    "quantity_kg": round(kg * chance.between(1.0, 3.0), 1),
                    "holder": seller.party["name"],
                    "end_user": buyer["name"],
                }
            papers.append(paper)
        words = self._words.setdefault(seller.party["id"], self.stage.words(self.substance))
        goods = self.stage.metal(now, self.substance, kg, papers, text=chance.one(words))
        return self.stage.ship(now, [goods], seller, buyer, self.country, notify=notify)

    def history(self, begin: datetime, until: datetime, gap: float, volume: Callable[[datetime], float]) -> Story:
        """Tell of ordinary shipments up to a time; ``volume``: how much of a usual one on a day, 0 for none."""
        chance, stage = self.stage.chance, self.stage
        at = stage.after(begin, gap * chance.share())
        while at < until:
            now = yield at
            level = volume(now)
            if level <= 0:  # nobody ships now; asked again in a week
                at = stage.after(now, 7)
                continue
            kg = self.kg(level)
            self.shipped_kg += kg
            yield Member(self.sold(now, kg), positive=False)
            at = stage.after(now, gap * chance.spread(1.0, 0.45))


def _even(_: datetime) -> float:
    return 1.0


def _steps(substance: Substance, earliest: datetime, end: datetime) -> list[tuple[datetime, datetime]]:
    """Return within which times a step may come: soon after a control date, and with room for what follows."""
    found = []
    for day in dates(substance):
        control = datetime.combine(day, time(), UTC)
        first = max(control + timedelta(days=_AFTER[0]), earliest)
        last = min(control + timedelta(days=_AFTER[1]), end - timedelta(days=90))
        if last > first:
            found.append((first, last))
    return found


def _begins(start: datetime, end: datetime, chance: Chance) -> datetime | None:
    """Return a beginning such that a year of history, the step and its consequence fit into the period."""
    earliest = start + timedelta(days=_HISTORY + 5)
    room = sorted({window for substance in GOODS for window in _steps(substance, earliest, end)})
    if not room:
        return None
    first, last = chance.one(room)
    step = first + (last - first) * chance.share()
    longest = min(timedelta(days=700), step - start)
    return step - timedelta(days=_HISTORY) - (longest - timedelta(days=_HISTORY)) * chance.share()


def _surge(stage: Stage, begin: datetime) -> Story:
    """A thin honest lane, and after a control date three to eight times as much, by new pairs of firms."""
    chance = stage.chance
    earliest = begin + timedelta(days=_HISTORY)
    fitting = [s for s in GOODS if _steps(s, earliest, stage.end)]
    found = stage.lane(fitting, THIRD) if fitting else None
    if found is None:
        return
    first, last = chance.one(_steps(found[0], earliest, stage.end))
    step = first + (last - first) * chance.share()
    lane = Lane(stage, *found, firms=chance.whole(1, 3))
    gap = chance.between(14, 32)
    yield from lane.history(begin, step, gap, _even)
    usual = lane.shipped_kg / max(1.0, (step - begin).total_seconds() / 86_400) * _WINDOW.days
    american = stage.world.buyer("US", 0.7).party if chance.maybe(0.3) else None
    pairs = [
        (stage.firm("Minerals", "矿产", contact=0.7) if chance.maybe(0.6) else stage.metal_firm(), lane.buyer())
        for _ in range(chance.whole(1, 3))
    ]
    licensed = chance.maybe(0.75)
    times, bigger = chance.between(3.5, 8.0), chance.between(0.8, 1.5)
    recent: list[tuple[datetime, float]] = []
    at = stage.after(step, 1)
    for _ in range(chance.whole(10, 24)):
        now = yield at
        kg = lane.kg(bigger)
        recent = [(when, lot) for when, lot in (*recent, (now, kg)) if now - when <= _WINDOW]
        due = len(recent) >= _SHIPMENTS and sum(lot for _, lot in recent) >= _STEP * max(usual, lane.pack_kg)
        row = lane.sold(now, kg, chance.one(pairs), notify=american if chance.maybe(0.4) else None, licensed=licensed)
        yield Member(row, due, substances=(lane.substance.label,))
        at = stage.after(now, gap / times * bigger * chance.spread(1.0, 0.4))


# -- honest changes of volume


def _lane_of(stage: Stage, goods: tuple[Substance, ...] = GOODS, firms: int = 2) -> Lane | None:
    found = stage.lane(goods, THIRD)
    return None if found is None else Lane(stage, *found, firms=firms)


def _seasons(stage: Stage, begin: datetime) -> Story:
    """A busy lane with the year's seasons: a rush before the Chinese New Year, nothing in it, and a full autumn."""

    def volume(now: datetime) -> float:
        new_year = NEW_YEAR.get(now.year)
        since = 99 if new_year is None else (now.date() - new_year).days
        if -5 <= since <= 12:
            return 0.0
        return 2.0 if -30 <= since < -5 else 1.5 if now.month in (9, 10, 11) else 1.0

    lane = _lane_of(stage)
    if lane is not None:
        yield from lane.history(begin, stage.end, stage.chance.between(8, 20), volume)


def _smelter(stage: Stage, begin: datetime) -> Story:
    """A smelter that buys for its own furnace for years, a little more every year."""
    lane = _lane_of(stage, firms=1)
    growth = stage.chance.between(0.0, 0.4)

    def volume(now: datetime) -> float:
        return 1.0 + growth * (now - begin).days / 365

    if lane is not None:
        yield from lane.history(begin, stage.end, stage.chance.between(10, 30), volume)


def _thin(stage: Stage, begin: datetime) -> Story:
    """A few lots a year, as they come: two in a month, then none for half a year."""
    chance = stage.chance
    lane = _lane_of(stage, firms=1)
    if lane is None:
        return
    at = stage.after(begin, 30 * chance.share())
    while at < stage.end:
        now = yield at
        yield Member(lane.sold(now, lane.kg(chance.between(0.5, 1.6))), positive=False)
        at = stage.after(now, chance.between(8, 25) if chance.maybe(0.3) else chance.between(60, 190))


def _front_loading(stage: Stage, begin: datetime) -> Story:
    """Customers stock up in the month before a control begins, which is lawful and wise; and buy less after."""
    soon = [s for s in GOODS if begin + timedelta(days=120) < datetime.combine(s.controlled, time(), UTC) < stage.end]
    lane = _lane_of(stage, tuple(soon)) if soon else None
    if lane is None:
        return
    control = datetime.combine(lane.substance.controlled, time(), UTC)

    def volume(now: datetime) -> float:
        before = (control - now).days
        return 3.5 if 0 <= before <= 32 else 0.4 if -120 < before < 0 else 1.0

    yield from lane.history(begin, min(stage.end, control + timedelta(days=300)), stage.chance.between(9, 18), volume)


def _before_a_control(start: datetime, end: datetime, chance: Chance) -> datetime | None:
    days = [datetime.combine(s.controlled, time(), UTC) for s in GOODS]
    fitting = sorted(d for d in set(days) if start + timedelta(days=150) < d < end)
    return max(start, chance.one(fitting) - timedelta(days=chance.between(150, 420))) if fitting else None


def _released(stage: Stage, begin: datetime) -> Story:
    """To the United States again, licensed, from the day on which the prohibition is suspended: orders had waited."""
    found = stage.lane((GALLIUM, GERMANIUM, ANTIMONY), ("US",))
    if found is None:
        return
    lane = Lane(stage, *found, firms=stage.chance.whole(2, 4))
    released = datetime.combine(US_SUSPENSION[0], time(), UTC)

    def volume(now: datetime) -> float:
        return 0.0 if now.date() >= US_BAN and now < released else 2.5 if now < released + timedelta(days=60) else 1.0

    yield from lane.history(begin, stage.end, stage.chance.between(6, 14), volume)


def _at_release(start: datetime, end: datetime, chance: Chance) -> datetime | None:
    released = datetime.combine(US_SUSPENSION[0], time(), UTC)
    if not start < released < end - timedelta(days=30):
        return None
    return max(start, released - timedelta(days=chance.between(0, 700)))


KINDS = (Kind("route-surge", ("T05", "T16"), _surge, 0, begins=_begins, weight=2.0),)
LOOK_ALIKES = (
    Kind("lane-with-seasons", (), _seasons, 300),
    Kind("lane-smelter-of-years", (), _smelter, 300),
    Kind("lane-thin", (), _thin, 200),
    Kind("lane-front-loading", (), _front_loading, 0, begins=_before_a_control, weight=1.5),
    Kind("lane-released", (), _released, 0, begins=_at_release, weight=0.5),
)
