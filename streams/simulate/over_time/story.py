"""What a case over time is made of: a kind, told as a generator that waits for times and gives declarations."""

from __future__ import annotations

from collections.abc import Callable, Generator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import NamedTuple

from streams.simulate.chance import Chance
from streams.simulate.compose import Row
from streams.simulate.over_time.stage import Stage


class Member(NamedTuple):
    """One declaration of a case.

    Attributes
    ----------
    row : the declaration event.
    due : whether what has been declared up to here is enough for an alert on this one.
    positive : whether it is part of the offence; what only surrounds it (a past of honest shipments) is not.
    substances : what is really in it, if that is to be named.
    may_change : whether the feed may amend it in the way that any declaration is amended now and then.
    """

    row: Row
    due: bool = False
    positive: bool = True
    substances: tuple[str, ...] = ()
    may_change: bool = True


#: Gives a time, is sent the time at which the feed got there (no earlier), gives the :class:`Member` lodged then; and so on.
Story = Generator[datetime | Member, datetime, None]


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of case, or of honest look-alike (then without typologies).

    Parameters
    ----------
    name : of the scenario or the look-alike.
    typologies : ids T01..T19 of the positive members.
    tell : from the stage and the time of the beginning to the story.
    days : how long the story takes to say what it has to say; it is not begun later than that before the end of the feed.
    past : days of the feed that must have gone by before, for what shows only against a known past.
    first : the first day on which it may begin.
    begins : chooses the beginning, where that is not left to chance; None if the period has no room for it.
    weight : how often it is told against the others.
    """

    name: str
    typologies: tuple[str, ...]
    tell: Callable[[Stage, datetime], Story]
    days: float
    first: date = date.min
    past: float = 0.0
    begins: Callable[[datetime, datetime, Chance], datetime | None] | None = None
    weight: float = 1.0

    def begin(self, start: datetime, end: datetime, chance: Chance) -> datetime | None:
        """Return when a case of the period begins; None if there is no room for it."""
        if self.begins is not None:
            return self.begins(start, end, chance)
        earliest = max(
            start + timedelta(days=self.past), datetime.combine(max(self.first, date(1900, 1, 1)), time(), UTC)
        )
        room = end - timedelta(days=self.days) - earliest
        return earliest + room * chance.share() if room > timedelta(0) else None
