"""What a forwarder has done, told on standard error now and then."""

from __future__ import annotations

import time
from dataclasses import dataclass, field

import structlog

log = structlog.stdlib.get_logger("assay.forward")


@dataclass
class Progress:
    """Counters since the start.

    Attributes
    ----------
    delivered : acknowledged by the receiver; ``known`` of them it had before.
    refused : refused for good. ``retries``: tries that had to be repeated.
    lag : records of the topic that are not settled yet, as last seen; None: not known.
    """

    every: float = 10.0
    delivered: int = 0
    known: int = 0
    refused: int = 0
    retries: int = 0
    lag: int | None = None
    _told: tuple[int, ...] = ()
    _at: float = field(default_factory=time.monotonic)

    def tell(self, final: bool = False) -> None:
        """Log the counters if something happened and the last line is ``every`` seconds old, or at the end."""
        now, counters = time.monotonic(), (self.delivered, self.known, self.refused, self.retries, self.lag or 0)
        if final or (counters != self._told and now - self._at >= self.every):
            self._told, self._at = counters, now
            log.info("stopped" if final else "forwarding", **self.counts())

    def counts(self) -> dict[str, int]:
        """Return the counters by name."""
        counts = {"delivered": self.delivered, "known": self.known, "refused": self.refused, "retries": self.retries}
        return counts if self.lag is None else counts | {"lag": self.lag}
