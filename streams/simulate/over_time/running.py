"""The cases of a feed: planned over its period, told side by side, each lazily from one declaration to the next."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from datetime import datetime
from heapq import heappop, heappush
from typing import NamedTuple

from schemas.disposition import Label
from streams.simulate.chance import Chance, Wheel
from streams.simulate.compose import Row
from streams.simulate.over_time import CASES, LOOK_ALIKE_CASES
from streams.simulate.over_time.stage import Stage
from streams.simulate.over_time.story import Kind, Member, Story


class _Planned(NamedTuple):
    at: datetime
    number: int
    kind: Kind


class Running:
    """Stories in progress. Memory grows with the stories that run at one time (and a line for each one planned)."""

    def __init__(self, stage: Stage, plan: list[_Planned]) -> None:
        self._stage = stage
        self._plan = plan[::-1]  # taken from the end
        self._waiting: list[tuple[datetime, int, Kind, Story]] = []

    @classmethod
    def planned(
        cls, stage: Stage, seed: int, cases: int, look_alikes: int, names: Collection[str] | None = None
    ) -> Running:
        """Plan so many cases and look-alikes over the period of the stage; ``names``: of the cases that are wanted."""
        chance = Chance(f"cases/{seed}")
        plan: list[_Planned] = []
        wanted = [kind for kind in CASES if names is None or kind.name in names]
        for kinds, count in ((wanted, cases), (list(LOOK_ALIKE_CASES), look_alikes)):
            room = [kind for kind in kinds if kind.begin(stage.start, stage.end, chance) is not None]
            if not room or not count:
                continue
            wheel = Wheel(room, [kind.weight for kind in room])
            for k in range(count):
                # evenly over the kinds, so that few cases are not all of one kind
                kind = wheel.spin((k + chance.share()) / count)
                begin = kind.begin(stage.start, stage.end, chance)
                if begin is not None:
                    plan.append(_Planned(begin, len(plan) + 1, kind))
        plan.sort(key=lambda planned: (planned.at, planned.number))
        return cls(stage, plan)

    def __iter__(self) -> Iterator[tuple[datetime, str]]:
        """Iterate over what is still to begin: when, and what."""
        return ((planned.at, planned.kind.name) for planned in reversed(self._plan))

    def take(self, now: datetime) -> tuple[Row, Label, bool] | None:
        """Return the next declaration that is due by ``now``, its label, and whether the feed may amend it."""
        while self._plan and self._plan[-1].at <= now:
            planned = self._plan.pop()
            self._wait(planned.number, planned.kind, planned.kind.tell(self._stage, planned.at))
        while self._waiting and self._waiting[0][0] <= now:
            _, number, kind, story = heappop(self._waiting)
            try:
                turn = story.send(now)
            except StopIteration:
                continue
            if isinstance(turn, Member):
                self._wait(number, kind, story)
                return turn.row, _label(turn, kind, number), turn.may_change
            self._put(turn, number, kind, story)  # nothing now; it waits on
        return None

    def _wait(self, number: int, kind: Kind, story: Story) -> None:
        at = next(story, None)
        if isinstance(at, Member):
            raise TypeError(f"the story {kind.name} gave a declaration before it waited for a time")
        if at is not None:
            self._put(at, number, kind, story)

    def _put(self, at: datetime, number: int, kind: Kind, story: Story) -> None:
        if at < self._stage.end:
            heappush(self._waiting, (at, number, kind, story))
        else:
            story.close()


def _label(member: Member, kind: Kind, number: int) -> Label:
    positive = bool(kind.typologies) and member.positive
    return Label(
        declaration_id=member.row["declaration_id"],
        typologies=list(kind.typologies) if positive else [],
        substances=list(member.substances) if positive else [],
        scenario=kind.name if positive else None,
        look_alike=None if kind.typologies else kind.name,
        case=f"{kind.name}/{number}",
        due=member.due if positive else None,
    )
