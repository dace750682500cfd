"""Which control rows are in force on a day: dates and suspensions turned into epochs.

An epoch is a span of days between two boundaries (a row or a suspension begins or ends). All days of an epoch have the
same rows in force, so what is in force is worked out once for each.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from datetime import date, timedelta

from schemas.reference import ControlEntry, Suspension


class ControlCalendar:
    """Epochs of control rows and suspensions.

    Parameters
    ----------
    controls : the rows.
    suspensions : what switches them off (formal) or makes them ``disputed`` (only reported).
    """

    def __init__(self, controls: Sequence[ControlEntry], suspensions: Sequence[Suspension]) -> None:
        self._controls = tuple(controls)
        self._suspensions = tuple(suspensions)
        days: set[date] = set()
        for dated in (*controls, *suspensions):
            if dated.since:
                days.add(dated.since)
            if dated.until and dated.until < date.max:
                days.add(dated.until + timedelta(days=1))
        #: The first day of each epoch but the first, which has no beginning.
        self.boundaries: tuple[date, ...] = tuple(sorted(days))
        self._in_force: dict[int, tuple[ControlEntry, ...]] = {}

    def epoch(self, day: date) -> int:
        """Return the index of the day's epoch; 0 is before every boundary."""
        return bisect_right(self.boundaries, day)

    def in_force(self, epoch: int) -> tuple[ControlEntry, ...]:
        """Return the rows in force in an epoch, in the order of the table."""
        found = self._in_force.get(epoch)
        if found is None:
            found = self._in_force[epoch] = self._work_out(epoch)
        return found

    def _work_out(self, epoch: int) -> tuple[ControlEntry, ...]:
        day = self.boundaries[epoch - 1] if epoch else self.boundaries[0] - timedelta(days=1)
        running = [s for s in self._suspensions if s.holds_on(day)]
        rows: list[ControlEntry] = []
        for entry in self._controls:
            if not entry.holds_on(day):
                continue
            touched = [s for s in running if s.touches(entry)]
            if any(s.formal for s in touched):
                continue
            if touched and entry.certainty in ("verified", "probable"):
                entry = entry.model_copy(update={"certainty": "disputed"})
            rows.append(entry)
        return tuple(rows)
