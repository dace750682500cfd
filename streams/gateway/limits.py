"""Rates, and the bytes in hand: what keeps one sender, or a Kafka that stands still, from filling the memory."""

from __future__ import annotations

import math
import time
from collections.abc import Callable


class Bucket:
    """A rate with bursts. One request may take more than there is; the debt is waited off before the next.

    So a body of a thousand messages is never refused for good at a rate of fifty, and the rate holds over time.
    """

    def __init__(self, rate: float, burst: float, clock: Callable[[], float] = time.monotonic) -> None:
        self.rate = rate
        self.burst = burst
        self._clock = clock
        self._tokens = burst
        self._at = clock()

    def _refill(self) -> None:
        now = self._clock()
        self._tokens = min(self.burst, self._tokens + (now - self._at) * self.rate)
        self._at = now

    def wait(self) -> int:
        """Return 0 if a request may come now, else the whole seconds until one may."""
        self._refill()
        return 0 if self._tokens >= 1 else max(1, math.ceil((1 - self._tokens) / self.rate))

    def take(self, messages: int) -> None:
        """Pay for what a request held."""
        self._refill()
        self._tokens -= messages


class Budget:
    """Bytes in hand: bodies being read, messages that Kafka has not acknowledged."""

    def __init__(self, limit: int) -> None:
        self.limit = limit
        self.held = 0

    def take(self, count: int) -> bool:
        """Take so many bytes if there is room; one request always fits into an empty hand."""
        if self.held and self.held + count > self.limit:
            return False
        self.held += count
        return True

    def give(self, count: int) -> None:
        """Give bytes back."""
        self.held -= count
        assert self.held >= 0, "more was given back than was taken"


class Hold:
    """The bytes that one request holds, given back once and as a whole."""

    def __init__(self, budget: Budget) -> None:
        self._budget = budget
        self.count = 0

    def take(self, count: int) -> bool:
        """Hold more; say whether there was room."""
        if not self._budget.take(count):
            return False
        self.count += count
        return True

    def release(self) -> None:
        """Give everything back."""
        self._budget.give(self.count)
        self.count = 0
