"""Whether this process stood still: frozen with its machine, or stopped and continued.

Kafka gives the partitions of a worker that is not heard of to another one. A worker that was merely frozen goes on, when it
wakes, in the middle of what it did, and would write results for partitions that are no longer its own. So before it writes
state, it asks here whether it slept; if so, the batch is done again, which begins by looking whether it is still ours.
"""

from __future__ import annotations

import threading
import time

from schemas.errors import AssayError

_BEAT_SECONDS = 0.25


class StoodStill(AssayError):
    """This process was frozen while it worked on a batch."""


class Pulse:
    """A thread that beats; a gap of ``limit`` seconds between two beats is an interruption.

    ``limit`` must be longer than the interval of heartbeats to Kafka, and shorter than a session. A thread rather than a task
    of the event loop: that may be busy for long without the process standing still.
    """

    def __init__(self, limit: float) -> None:
        self._limit = limit
        self._beaten = time.monotonic()
        self._interruptions = 0
        self._woken = float("-inf")
        self._lock = threading.Lock()
        self._end = threading.Event()
        self._thread = threading.Thread(target=self._beat, name="pulse", daemon=True)

    def start(self) -> None:
        """Begin to beat."""
        self._beaten = time.monotonic()
        self._thread.start()

    def stop(self) -> None:
        """End."""
        self._end.set()

    def _beat(self) -> None:
        while not self._end.wait(_BEAT_SECONDS):
            self._look()

    def _look(self) -> None:
        with self._lock:
            now = time.monotonic()
            if now - self._beaten > self._limit:
                self._interruptions += 1
                self._woken = now
            self._beaten = now

    @property
    def interruptions(self) -> int:
        """How often the process has stood still."""
        if self._thread.is_alive():
            self._look()
        return self._interruptions

    def rest(self) -> float:
        """Return the seconds that a woken process should wait until it has heard whether it lost its partitions."""
        if self._thread.is_alive():
            self._look()
        return max(0.0, self._woken + self._limit - time.monotonic())

    def check(self, before: int) -> None:
        """Raise StoodStill if there was an interruption since ``interruptions`` was ``before``."""
        if self.interruptions != before:
            raise StoodStill("the process stood still; another worker may have taken over")
