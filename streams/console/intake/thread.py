"""A part of the console that talks to Kafka for as long as the console runs, and begins again when Kafka is gone."""

from __future__ import annotations

import threading
from abc import ABC, abstractmethod

import structlog

from schemas.errors import AssayError

log = structlog.stdlib.get_logger(__name__)

#: Seconds before another attempt; doubled each time, up to the most.
_FIRST_PAUSE = 0.5
_LONGEST_PAUSE = 10.0


class Steady(ABC):
    """A thread that works until it is told to stop; what fails is told and tried again."""

    def __init__(self, name: str) -> None:
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)
        self._stop = threading.Event()
        self.up = False
        self.trouble: str | None = "not connected yet"

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def end(self) -> None:
        """End soon."""
        self._stop.set()
        self.wake()

    def join(self, seconds: float) -> None:
        """Wait for the end. A thread that is still trying to reach a Kafka that is gone ends with the process."""
        if self._thread.ident is not None:
            self._thread.join(max(0.0, seconds))

    def wake(self) -> None:  # noqa: B027 - most have nothing to be woken from
        """There is something to do: do not wait any longer."""

    @property
    def stopping(self) -> bool:
        """Whether it is told to end."""
        return self._stop.is_set()

    @abstractmethod
    def work(self) -> None:
        """Connect, call `well` when connected, and work until `stopping`; raise on trouble."""

    def changed(self, up: bool) -> None:  # noqa: B027 - one of them tells it
        """Kafka came or went."""

    def well(self) -> None:
        """Say that Kafka answers."""
        self.trouble = None
        if not self.up:
            self.up = True
            self.changed(True)

    def _run(self) -> None:
        pause = _FIRST_PAUSE
        while not self.stopping:
            try:
                self.work()
                pause = _FIRST_PAUSE
            except Exception as error:  # whatever it is, a console that takes nothing in any more would be worse
                expected = isinstance(error, AssayError | OSError) or type(error).__module__.startswith("kafka")
                sentence = str(error).splitlines()[0] if str(error) else type(error).__name__
                if self.trouble != sentence:
                    log.warning(f"{self._thread.name}: beginning again", reason=sentence, exc_info=not expected)
                self.trouble = sentence
                if self.up:
                    self.up = False
                    pause = _FIRST_PAUSE
                    self.changed(False)
                self._stop.wait(pause)
                pause = min(_LONGEST_PAUSE, pause * 2)
