"""How long to wait before the next try."""

from __future__ import annotations

import random
from dataclasses import dataclass


@dataclass(frozen=True)
class Backoff:
    """Exponential back-off with jitter: half of the delay is certain, half is drawn.

    So many forwarders whose receiver was away do not come back at the same moment.

    Attributes
    ----------
    first, longest : seconds before the second try, and at most.
    """

    first: float = 0.5
    longest: float = 60.0

    def delay(self, tries: int, asked: float | None = None) -> float:
        """Return seconds to wait after so many failed tries (from 1); at least what the receiver asked for, within reason."""
        ceiling = min(self.longest, self.first * 2.0 ** min(tries - 1, 30))
        drawn = ceiling / 2 + random.uniform(0, ceiling / 2)
        return drawn if asked is None else max(drawn, min(asked, 5 * self.longest))
