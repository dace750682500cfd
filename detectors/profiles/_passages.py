"""What is remembered of a lane: its newest passages one by one, the ones before them by week."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date, timedelta

import msgspec

from detectors.profiles._remembered import Heard, grams, order, step_of
from detectors.profiles.profile import ENDED, Context
from schemas.signal import Fact, Goods

#: Passages kept one by one, for this long before the oldest declaration that is still spoken of.
MOST = 200
KEPT = timedelta(days=60)
#: Three years of weeks.
_MOST_WEEKS = 160
_WEEK = 7 * 86_400
#: Third countries remembered of a lane; one that hundreds pass has no rare ones.
_MOST_VIAS = 60


class Passage(msgspec.Struct, array_like=True):
    """One declaration's goods on a lane.

    Attributes
    ----------
    there : False where the declaration ended, or its version has no such goods any more.
    grams : net mass; None if unknown.
    tightened : days (ordinals) on which controls of the element had come into force.
    risk : of the screen stage.
    """

    declaration_id: str
    version: int
    step: int
    time: int
    there: bool = True
    grams: int | None = None
    routed: bool = False
    via: list[str] = []
    licensed: bool = False
    item: int = 1
    substance: str = ""
    tightened: list[int] = []


class Passages(msgspec.Struct, array_like=True):
    """A lane: passages in order; ``weeks`` as (week, lots, grams) and ``vias`` as third country -> lots, of those before them."""

    passages: list[Passage] = []
    weeks: list[tuple[int, int, int]] = []
    routed: int = 0
    vias: dict[str, int] = {}
    heard: list[Heard] = []


def passage_of(fact: Fact, element: str) -> Passage:
    """Return what a declaration moves of an element."""
    goods = [one for one in fact.goods if (one.element or one.substance) == element]
    there = bool(goods) and fact.event not in ENDED
    passage = Passage(fact.declaration_id, fact.version, step_of(fact.event), fact.seconds, there)
    if there:
        first = max(goods, key=_mass)
        masses = [one.net_mass_kg for one in goods]
        passage.grams = None if None in masses else sum(grams(mass) for mass in masses if mass is not None)
        passage.routed, passage.via = fact.routed, sorted(set(fact.via))
        passage.licensed = all(one.licensed for one in goods)
        passage.item, passage.substance = first.item, first.substance or element
        passage.tightened = sorted({day.toordinal() for one in goods for day in one.tightened})[-2:]
    return passage


def _mass(goods: Goods) -> float:
    return goods.net_mass_kg or 0.0


def week_of(time: int) -> int:
    """Return the number of the week that a time (seconds since 1970) is in."""
    return time // _WEEK


def week_of_day(day: date) -> int:
    """Return the number of the week that a day is in."""
    return (day - date(1970, 1, 1)).days // 7


def fold(state: Passages, context: Context) -> None:
    """Add the passages that are no longer kept one by one to the weeks."""
    since = context.keeps(KEPT)
    kept = [one for one in state.passages if one.time >= since][-MOST:]
    gone = state.passages[: len(state.passages) - len(kept)]
    if not gone:
        return
    state.passages = kept
    lots: dict[int, tuple[int, int]] = {week: (count, mass) for week, count, mass in state.weeks}
    for one in gone:
        if not one.there:
            continue
        count, mass = lots.get(week_of(one.time), (0, 0))
        lots[week_of(one.time)] = (count + 1, mass + (one.grams or 0))
        if one.routed:
            state.routed += 1
            for via in one.via:
                if via in state.vias or len(state.vias) < _MOST_VIAS:
                    state.vias[via] = state.vias.get(via, 0) + 1
    state.weeks = sorted((week, count, mass) for week, (count, mass) in lots.items())[-_MOST_WEEKS:]


def before(state: Passages, one: Passage) -> list[Passage]:
    """Return the passages up to and with one, in order."""
    place = order(one)
    return [each for each in state.passages if each.there and order(each) <= place]


def mass_by_week(state: Passages, passages: Iterable[Passage]) -> dict[int, int]:
    """Return grams by week, of what was folded and of these passages."""
    masses = {week: mass for week, _, mass in state.weeks}
    for one in passages:
        masses[week_of(one.time)] = masses.get(week_of(one.time), 0) + (one.grams or 0)
    return masses


def lots(state: Passages, passages: Sequence[Passage]) -> int:
    """Return how many lots there were: folded ones and these."""
    return sum(count for _, count, _ in state.weeks) + len(passages)
