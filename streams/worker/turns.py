"""Who computes: judging and profiles take turns, and judging goes first.

Each has a thread of its own, but Python runs one thread at a time. Two busy threads do worse than share: one that lets the
interpreter go for a moment, as every call of Polars does, gets it back only when the other is made to give it up. A batch of
declarations waited so at each of its many calls, and every alert with it, while profiles learnt. So profiles compute in parts,
and before each of them look whether somebody judges or waits to judge. What a stage writes is sent outside its turn; then the
other has its own, so neither starves.
"""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Iterator


class Turns:
    """One turn for the threads of a process."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._taken = False
        self._urgent = 0

    @contextlib.contextmanager
    def first(self) -> Iterator[None]:
        """Have the turn as soon as it is free."""
        with self._changed:
            self._urgent += 1
            try:
                self._changed.wait_for(lambda: not self._taken)
            finally:
                self._urgent -= 1
            self._taken = True
        try:
            yield
        finally:
            self._free()

    @contextlib.contextmanager
    def after(self) -> Iterator[None]:
        """Have the turn when it is free and nobody waits who goes first."""
        with self._changed:
            self._changed.wait_for(lambda: not self._taken and not self._urgent)
            self._taken = True
        try:
            yield
        finally:
            self._free()

    def _free(self) -> None:
        with self._changed:
            self._taken = False
            self._changed.notify_all()
