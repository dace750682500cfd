"""When small lots add up: how many, within how long, to how much."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from datetime import datetime, timedelta

#: Lots that show a pattern, and the days within which they count together (the widest window of typology T04).
ENOUGH_LOTS, WINDOW = 5, timedelta(days=90)


@dataclass(slots=True)
class Adding:
    """What has come within the window, and whether it is enough: ``commercial_kg`` is one commercial package."""

    commercial_kg: float
    _lots: deque[tuple[datetime, float]] = field(default_factory=deque)

    def enough(self, now: datetime, kg: float) -> bool:
        """Add a lot; return whether the lots of the window are many and weigh a commercial package together."""
        self._lots.append((now, kg))
        while now - self._lots[0][0] > WINDOW:
            self._lots.popleft()
        return len(self._lots) >= ENOUGH_LOTS and sum(lot for _, lot in self._lots) >= self.commercial_kg
