"""The feed: honest trade with look-alikes and scenarios mixed in, in the order of time, each declaration with its label."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from heapq import heappop, heappush
from typing import Any, NamedTuple

from schemas.disposition import Label
from streams.simulate import honest
from streams.simulate.calendar import lodgements
from streams.simulate.chance import Wheel
from streams.simulate.compose import LICENCE, Row
from streams.simulate.life import Life
from streams.simulate.look_alikes import LOOK_ALIKES
from streams.simulate.over_time import CASES
from streams.simulate.over_time.everyday import LOOK_ALIKES as EVERYDAY
from streams.simulate.over_time.running import Running
from streams.simulate.over_time.stage import Stage
from streams.simulate.plot import LookAlike, Scenario, Scene
from streams.simulate.scenarios import SCENARIOS
from streams.simulate.world import World

#: Ends before "today" stays ahead of it: a declaration lodged in the future would be refused as bad input.
DEFAULT_START = datetime(2023, 1, 1, tzinfo=UTC)
DEFAULT_END = datetime(2026, 11, 20, tzinfo=UTC)


@dataclass(order=True, slots=True)
class _Due:
    at: datetime
    order: int
    row: Row = field(compare=False)
    label: Label = field(compare=False)


def _restated(row: Row, event: str, changes: dict[str, Any]) -> Row:
    return {**row, **changes, "event": event, "version": row["version"] + 1}


class _Later:
    """What was planned for later: next parts of a story, amendments, cancellations, duplicates."""

    def __init__(self, end: datetime) -> None:
        self._due: list[_Due] = []
        self._end = end
        self._order = 0

    def put(self, now: datetime, days: float, row: Row, label: Label) -> None:
        """Plan a row some days ahead; in a short feed the wait is shortened so that it still comes."""
        at = now + min(timedelta(days=days), (self._end - now) * 0.5)
        self._order += 1
        heappush(self._due, _Due(at, self._order, row, label))

    def take(self, now: datetime) -> _Due | None:
        """Return what is due, oldest first."""
        return heappop(self._due) if self._due and self._due[0].at <= now else None


def feed(
    seed: int,
    count: int,
    start: datetime = DEFAULT_START,
    end: datetime = DEFAULT_END,
    *,
    scenario_share: float = 0.01,
    look_alike_share: float = 0.05,
    amended_share: float = 0.02,
    cancelled_share: float = 0.005,
    duplicate_share: float = 0.0,
    cases: float = 0.0,
    look_alike_cases: float = 0.0,
    scenarios: Collection[str] | None = None,
    memory: bool = True,
    firms: int = 3000,
) -> Iterator[tuple[Row, Label]]:
    """Return ``count`` declaration events in the order of time, each with the label of its declaration.

    The rows are JSON-ready dicts with the names of the contract; parts of them (parties) are shared between rows, so take
    them as read-only. The same arguments give the same feed. Memory does not grow with ``count``.

    Parameters
    ----------
    seed : of everything that is left to chance.
    count : of rows, amendments and duplicates included.
    start, end : the period, time zone aware; ``lodged_at`` never decreases within it.
    scenario_share, look_alike_share : of the declarations that open a smuggling story, or are an honest look-alike of
        one. A story has one to a dozen declarations, so the share of positive ones is somewhat larger.
    amended_share, cancelled_share, duplicate_share : of the declarations that come again: restated as version 2 with
        event ``amended`` or ``cancelled``, or word for word (as Kafka redelivers). Positive ones are never cancelled.
    cases, look_alike_cases : per 10,000 declarations, how many cases over time begin, and how many honest look-alikes of
        them (:mod:`streams.simulate.over_time`); those for which the period has no room are left out. With any of them the
        world has a life: firms appear and vanish, and names are spelt in several ways (:mod:`streams.simulate.life`).
    scenarios : names of those to inject, of one declaration or over time; all if None.
    memory : also inject stories that show only to who remembers earlier declarations (not with cases over time, which are
        the fuller way to tell them).
    firms : how many exporting firms there are.

    Raises
    ------
    ValueError : an unknown scenario, or a period that ends before it starts.
    """
    names = dict.fromkeys([s.name for s in SCENARIOS] + [kind.name for kind in CASES if cases])
    if unknown := set(scenarios or ()) - set(names):
        known = ", ".join(names)
        raise ValueError(f"no scenario is called {', '.join(sorted(unknown))}; there are {known}")
    remembered = memory and not (cases or look_alike_cases)
    told = [s for s in SCENARIOS if (scenarios is None or s.name in scenarios) and (remembered or s.stateless)]
    shares = _Shares(scenario_share, look_alike_share, amended_share, cancelled_share, duplicate_share)
    # checked here, on the call, not when the first row is asked for
    world, times = World(seed, firms), lodgements(count, start, end)
    running: Running | None = None
    if cases or look_alike_cases:
        world.life = Life(world, seed, start, end)
        per = count / 10_000
        stage = Stage(world, start, end)
        running = Running.planned(stage, seed, round(cases * per), round(look_alike_cases * per), scenarios)
    return _told(world, times, end, told, remembered, shares, running)


class _Shares(NamedTuple):
    scenario: float
    look_alike: float
    amended: float
    cancelled: float
    duplicate: float


def _told(
    world: World,
    times: Iterator[datetime],
    end: datetime,
    told: list[Scenario],
    memory: bool,
    shares: _Shares,
    running: Running | None,
) -> Iterator[tuple[Row, Label]]:
    chance = world.chance
    later = _Later(end)
    possible: dict[Any, tuple[list[Scenario], Wheel[LookAlike]]] = {}
    number = 0
    everyday = EVERYDAY if running is not None else ()

    for now in times:
        due = later.take(now)
        if due is not None:
            row, label = due.row, due.label
            if world.life is not None and row["version"] == 1 and row["lodged_at"] is None:
                row, label = _numbered(row, label, world, now)
        elif running is not None and (member := running.take(now)) is not None:
            row, label, may_change = member
            if may_change and row["version"] == 1:
                _plan_changes(row, label, now, later, world, shares)
        else:
            day = now.date()
            if day not in possible:
                if world.life is not None:
                    world.life.turn(now)
                possible.clear()
                alike = [one for one in (*LOOK_ALIKES, *everyday) if one.possible(day)]
                possible[day] = ([s for s in told if s.possible(day)], Wheel(alike, [a.weight for a in alike]))
            stories, alikes = possible[day]
            point = chance.share()
            if point < shares.scenario and stories:
                story = chance.one(stories)
                scenes = story.tell(world, now, memory)
                number += 1
                case = f"{story.name}#{number}" if len(scenes) > 1 else None
                label = _label(scenes[0], story, case)
                row = scenes[0].row
                for scene in scenes[1:]:
                    later.put(now, scene.days, scene.row, _label(scene, story, case))
            elif point < shares.scenario + shares.look_alike:
                kind = chance.of(alikes)
                row = kind.make(world, now)
                label = Label(declaration_id=row["declaration_id"], typologies=[], look_alike=kind.name)
            else:
                row = chance.of(honest.REGIMES)(world, now)
                label = Label(declaration_id=row["declaration_id"], typologies=[])
            if world.life is not None:
                _licensed_once(row, world.life)
            _plan_changes(row, label, now, later, world, shares)
        if label.case is not None and label.lodged_at is None:
            label = label.model_copy(update={"lodged_at": now})
        stamped = now.isoformat(timespec="milliseconds")[:-6] + "Z"
        if row["lodged_at"] is None:
            row["lodged_at"] = stamped
            if shares.duplicate and chance.maybe(shares.duplicate):
                later.put(now, chance.between(0, 0.01), row, label)
        yield row, label


def _licensed_once(row: Row, life: Life) -> None:
    """Give each licence of a new declaration a number that no other has."""
    for one in row["items"]:
        for paper in one["documents"]:
            if paper["type"] == LICENCE:
                paper["reference"] = f"{paper['reference'][:-6]}{life.licence_number()}"


def _label(scene: Scene, story: Scenario, case: str | None) -> Label:
    return Label(
        declaration_id=scene.row["declaration_id"],
        typologies=list(story.typologies),
        substances=list(scene.substances),
        scenario=story.name,
        case=case,
        due=scene.due,
    )


def _numbered(row: Row, label: Label, world: World, now: datetime) -> tuple[Row, Label]:
    """Give a later scene its number when it is lodged: numbers grow with time, in stories as in honest trade."""
    before, _, old = row["declaration_id"].rpartition(":")
    row["declaration_id"] = f"{before}:{world.reference(now, old[0])}"
    return row, label.model_copy(update={"declaration_id": row["declaration_id"]})


def _plan_changes(row: Row, label: Label, now: datetime, later: _Later, world: World, shares: _Shares) -> None:
    point = world.chance.share()
    if point < shares.cancelled and not label.typologies:
        later.put(now, world.chance.between(0.1, 6), _restated(row, "cancelled", {}), label)
    elif shares.cancelled <= point < shares.cancelled + shares.amended:
        gross = row["gross_mass_kg"]
        changes: dict[str, Any] = {
            "gross_mass_kg": None if gross is None else round(gross * world.chance.between(1.0, 1.01), 2),
        }
        if row["regime"] == "export":
            changes["exit_office"] = world.chance.one(("CN2200", "CN3100", "CN5300"))
        later.put(now, world.chance.between(0.05, 4), _restated(row, "amended", changes), label)
