"""From files to Kafka: raw bytes to ``raw.<system>``, our own contract to ``declarations``, the rest to the dead letters.

Delivery is at least once: a file counts as taken in when Kafka has acknowledged every record of it, and the journal says how
far each one is.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final

from schemas.errors import BrokerError, FeedError
from streams import sources, topics
from streams._journal import Journal, Progress
from streams.admission import Admitted, Door, dead_letter, dead_letter_bytes, key_of, rows
from streams.settings import Settings, settings
from streams.sources import Record

if TYPE_CHECKING:
    from kafka import KafkaProducer

    from schemas.mapping import Mapping

__all__ = ["Intake", "Tally", "dead_letter", "ingest", "key_of", "rows"]

#: kafka-python puts no bound on what it has not sent yet; this is ours.
_MAX_UNACKNOWLEDGED: Final = 64 * 1024 * 1024
#: So often Kafka is waited for and the journal written: what a killed ingest sends again.
_SETTLE_SECONDS: Final = 2.0
_ACKNOWLEDGE_SECONDS: Final = 120.0
_MAX_REASONS: Final = 1_000
_MAX_REFUSALS: Final = 1_000


@dataclass
class Tally:
    """What became of the records read so far."""

    records: int = 0
    accepted: int = 0
    declarations: int = 0
    dead_letters: int = 0
    files: int = 0
    known_files: int = 0
    known_records: int = 0
    formats: dict[str, Counter[str]] = field(default_factory=dict)
    events: Counter[str] = field(default_factory=Counter)
    reasons: Counter[str] = field(default_factory=Counter)
    refusals: list[dict[str, Any]] = field(default_factory=list)
    wrong_parts: int = 0
    seconds: float = 0.0

    def _of(self, format: str) -> Counter[str]:
        return self.formats.setdefault(format or "unknown", Counter())

    def accept(self, admitted: Admitted, origin: str) -> None:
        """Count a message that enters, what it says, and the parts of it that the worker will refuse."""
        self.accepted += 1
        parts = len(admitted.messages) or int(admitted.key is not None)
        self.declarations += parts
        self._of(admitted.format).update(accepted=1, declarations=parts)
        self.events.update(message.event for message in admitted.messages)
        for error in admitted.wrong:
            self.wrong_parts += 1
            self._of(admitted.format)["refused"] += 1
            self._note(origin, error)

    def refuse(self, record: Record, error: FeedError) -> None:
        """Count a dead letter."""
        self.dead_letters += 1
        self._of(record.format)["refused"] += 1
        self._note(record.origin, error)

    def _note(self, origin: str, error: FeedError) -> None:
        """Keep what was wrong; reasons are few, but hostile input could make many of them up."""
        known = error.reason in self.reasons or len(self.reasons) < _MAX_REASONS
        self.reasons[error.reason if known else "other reasons"] += 1
        if len(self.refusals) < _MAX_REFUSALS:
            self.refusals.append({"origin": origin, "path": error.path or None, "reason": error.reason})

    @property
    def rate(self) -> float:
        """Accepted messages a second."""
        return self.accepted / self.seconds if self.seconds else 0.0

    def by_format(self) -> list[dict[str, Any]]:
        """Return accepted and refused messages, a row a format; ``declarations`` are what the accepted ones speak of."""
        counted = ("accepted", "declarations", "refused")
        return [
            {"format": name} | {what: found[what] for what in counted} for name, found in sorted(self.formats.items())
        ]

    def as_dict(self) -> dict[str, Any]:
        """Return the tally for ``--json``."""
        return {
            "files": self.files,
            "files_known": self.known_files,
            "records_known": self.known_records,
            "records": self.records,
            "accepted": self.accepted,
            "declarations": self.declarations,
            "dead_letters": self.dead_letters,
            "wrong_parts": self.wrong_parts,
            "formats": self.by_format(),
            "events": dict(self.events.most_common()),
            "reasons": dict(self.reasons.most_common()),
            "seconds": round(self.seconds, 3),
            "messages_per_second": round(self.rate, 1),
        }


class Intake:
    """A producer that counts, paces, and knows what is acknowledged.

    Parameters
    ----------
    producer : a ``KafkaProducer`` (:func:`streams.clients.producer`).
    door : decides what enters.
    exists : says whether the cluster has a topic; without it nobody asks.
    rate : at most so many messages a second.
    """

    def __init__(
        self,
        producer: KafkaProducer,
        door: Door,
        chosen: Settings | None = None,
        rate: float | None = None,
        exists: Callable[[str], bool] | None = None,
    ) -> None:
        self.dead_letters = topics.named(chosen or settings())["declarations.dlq"]
        self.tally = Tally()
        self._producer = producer
        self._door = door
        self._exists = exists
        self._known_topics: set[str] = set()
        self._pace = _Pace(rate)
        self._unacknowledged = 0
        self._settled = time.monotonic()
        self._failures: list[Exception] = []

    def put(self, record: Record) -> Admitted | FeedError:
        """Send what a record holds, or its dead letter; call :meth:`settle` before relying on it.

        Raises
        ------
        BrokerError : Kafka does not take it, or has no topic for it.
        """
        self.tally.records += 1
        now = datetime.now(UTC)
        try:
            admitted = self._door.admit(record, now)
        except FeedError as error:
            self._send(self.dead_letters, None, dead_letter_bytes(record, error, now), [])
            self.tally.refuse(record, error)
            return error
        self._pace.wait()
        self._send(admitted.topic, admitted.key, admitted.value, admitted.headers)
        self.tally.accept(admitted, record.origin)
        return admitted

    def _send(self, topic: str, key: bytes | None, value: bytes, headers: list[tuple[str, bytes]]) -> None:
        from kafka.errors import KafkaError

        if topic not in self._known_topics:
            if self._exists is not None and not self._exists(topic):
                raise BrokerError(
                    f"no topic {topic} in this cluster; run: assay topics apply"
                    " (a source system of your own must be one of ASSAY_SOURCES)"
                )
            self._known_topics.add(topic)
        try:
            self._producer.send(topic, key=key, value=value, headers=headers).add_errback(self._failures.append)
        except KafkaError as error:
            raise BrokerError(f"Kafka does not take records for topic {topic}: {error!r}") from error
        self._unacknowledged += len(value)

    @property
    def due(self) -> bool:
        """Whether it is time to settle."""
        return self._unacknowledged > _MAX_UNACKNOWLEDGED or time.monotonic() - self._settled > _SETTLE_SECONDS

    def settle(self) -> None:
        """Wait until Kafka has acknowledged everything.

        Raises
        ------
        BrokerError : it has not; take the same input in again, which is harmless.
        """
        from kafka.errors import KafkaError

        try:
            self._producer.flush(timeout=_ACKNOWLEDGE_SECONDS)
        except KafkaError as error:
            raise BrokerError(f"Kafka did not acknowledge within {_ACKNOWLEDGE_SECONDS:.0f} s: {error!r}") from error
        self._unacknowledged = 0
        self._settled = time.monotonic()
        if self._failures:
            count, first = len(self._failures), self._failures[0]
            self._failures.clear()
            raise BrokerError(f"{count:,} records were not acknowledged; ingest them again. The first: {first!r}")


@dataclass
class Reading:
    """How files are read: a format or a mapping, and who is told how far it is."""

    format: str = "auto"
    mapping: Mapping | None = None
    advance: Callable[[int], None] | None = None
    each: Callable[[Record, Admitted | FeedError], None] | None = None


def ingest(
    intake: Intake,
    journal: Journal,
    files: Iterable[tuple[Progress, str]],
    reading: Reading,
    stopped: Callable[[], bool] = lambda: False,
) -> None:
    """Take files in, from where the journal says; what Kafka has acknowledged is in the journal when this returns.

    A file that changes while it is read is not noted as finished. ``stopped`` is asked between records.

    Raises
    ------
    BrokerError : Kafka does not acknowledge; the journal tells what it had.
    """
    tally = intake.tally
    waiting: dict[str, Progress] = {}
    began = time.monotonic()

    def settle() -> None:
        intake.settle()
        journal.note(waiting.values())
        waiting.clear()

    def take(progress: Progress, name: str) -> bool:
        """Take one file in; say whether its end was reached."""
        done = progress.records
        found = sources.file_records(progress.path, name, reading.format, reading.advance, reading.mapping)
        for number, record in enumerate(found, 1):
            if number <= done:
                continue
            outcome = intake.put(record)
            progress.records = number
            if reading.each is not None:
                reading.each(record, outcome)
            if intake.due:
                settle()
                waiting[progress.known] = progress
            if stopped():
                return False
        return progress.unchanged()

    try:
        for progress, name in files:
            if stopped():
                break
            tally.known_records += progress.records
            if progress.finished:
                tally.known_files += 1
                if reading.advance is not None:
                    reading.advance(progress.size)
                continue
            waiting[progress.known] = progress
            try:
                progress.finished = take(progress, name)
            except FileNotFoundError:
                del waiting[progress.known]  # gone since it was listed
                continue
            tally.files += 1
            if intake.due:
                settle()
        settle()
    finally:
        tally.seconds += time.monotonic() - began


class _Pace:
    """At most so many a second, evenly; no bound without a rate."""

    def __init__(self, rate: float | None) -> None:
        self._gap = 1.0 / rate if rate else 0.0
        self._next = time.monotonic()

    def wait(self) -> None:
        if self._gap:
            now = time.monotonic()
            if self._next > now:
                time.sleep(self._next - now)
            # A pause in the input is not made up for by a burst of more than a tenth of a second.
            self._next = max(self._next, now - 0.1) + self._gap
