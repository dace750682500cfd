"""What a receiver of alerts must do, and what it may answer."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from schemas.alert import Alert
from schemas.export import cloudevents


@dataclass(frozen=True, slots=True)
class Envelope:
    """One revision of an alert on its way.

    Attributes
    ----------
    line : the alert in the format of the receiver, one line without its end.
    origin : where it came from, ``topic/partition@offset`` or ``file#line``.
    partition, offset : place in the topic; -1 for a partition of a file.
    """

    alert: Alert
    line: str
    origin: str
    partition: int
    offset: int

    @property
    def event_id(self) -> str:
        """``alert_id/revision``, the same at each try: what the receiver tells duplicates by."""
        return cloudevents.event_id(self.alert)


@dataclass(frozen=True, slots=True)
class Delivered:
    """The receiver has it."""

    #: It had it before (or a newer revision).
    known: bool = False


@dataclass(frozen=True, slots=True)
class Refused:
    """The receiver will never take it, whoever asks and whenever: it goes to the refusals."""

    reason: str


@dataclass(frozen=True, slots=True)
class Later:
    """Not now: the receiver is away or busy, or the way to it is wrong (address, credentials), which a person must mend.

    ``after`` is the wait in seconds that the receiver asked for, if it did.
    """

    reason: str
    after: float | None = None


Outcome = Delivered | Refused | Later


class Target(Protocol):
    """A receiver."""

    @property
    def name(self) -> str:
        """What and where, for logs; without credentials."""

    @property
    def most(self) -> int:
        """How many alerts one call may get."""

    def deliver(self, batch: Sequence[Envelope], stop: threading.Event) -> list[Outcome]:
        """Try to deliver, and return an outcome for each alert, in their order.

        Revisions of one alert arrive in the order given; after one that must wait, none of the same alert is sent. Returns
        within a few minutes, and within seconds once ``stop`` is set. A receiver in trouble is an outcome, never an
        exception.
        """

    def close(self) -> None:
        """Let go of connections and files."""
