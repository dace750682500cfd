"""From files to the topic ``declarations``; what cannot be decoded goes to the dead letters with its bytes.

Delivery is at least once: a file counts as taken in when Kafka has acknowledged every record of it.
"""

from __future__ import annotations

import base64
import hashlib
import time
import uuid
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final

import pydantic_core

from schemas import ENGINE_VERSION, feeds
from schemas.dead_letter import DeadLetter
from schemas.errors import BrokerError, FeedError
from streams import sources, topics
from streams.settings import Settings, settings
from streams.sources import Record

if TYPE_CHECKING:
    from kafka import KafkaProducer

#: kafka-python puts no bound on what it has not sent yet; this is ours.
_MAX_UNACKNOWLEDGED: Final = 64 * 1024 * 1024
_ACKNOWLEDGE_SECONDS: Final = 120.0
_MAX_REASONS: Final = 1_000
_DEAD_LETTERS: Final = uuid.UUID("0f6f3a1e-6d0a-5c39-9a55-2b6a8f1f6c11")


@dataclass
class Tally:
    """What became of the records read so far."""

    records: int = 0
    accepted: int = 0
    dead_letters: int = 0
    reasons: Counter[str] = field(default_factory=Counter)
    seconds: float = 0.0

    def refuse(self, error: FeedError) -> None:
        """Count a dead letter; reasons are few, but hostile input could make many of them up."""
        self.dead_letters += 1
        known = error.reason in self.reasons or len(self.reasons) < _MAX_REASONS
        self.reasons[error.reason if known else "other reasons"] += 1

    @property
    def rate(self) -> float:
        """Accepted declarations a second."""
        return self.accepted / self.seconds if self.seconds else 0.0

    def as_dict(self) -> dict[str, Any]:
        """Return the tally for ``--json``."""
        return {
            "records": self.records,
            "accepted": self.accepted,
            "dead_letters": self.dead_letters,
            "reasons": dict(self.reasons.most_common()),
            "seconds": round(self.seconds, 3),
            "declarations_per_second": round(self.rate, 1),
        }


def key_of(value: bytes) -> bytes | None:
    """Return the key of a record of ``declarations``: its ``declaration_id``; ``None`` where there is none to read."""
    try:
        found = pydantic_core.from_json(value, cache_strings=False)
    except ValueError:
        return None
    stated = found.get("declaration_id") if isinstance(found, dict) else None
    try:
        return stated.encode() if isinstance(stated, str) and stated else None
    except UnicodeEncodeError:
        return None


def dead_letter(record: Record, error: FeedError, at: datetime) -> DeadLetter:
    """Return the dead letter of a record that no codec can decode.

    Its id is made of origin and content, so that the same bad file taken in twice is one dead letter.
    """
    kept = record.raw[: sources.MAX_KEPT]
    content = hashlib.sha256(record.raw).hexdigest()
    size = max(record.size or 0, len(record.raw))
    return DeadLetter(
        dead_letter_id=str(uuid.uuid5(_DEAD_LETTERS, f"feed {record.origin} {content}")),
        stage="feed",
        reason=error.reason[:4096],
        path=error.path[:1024],
        error=type(error).__name__,
        origin=record.origin,
        format=record.format or None,
        at=at,
        payload=base64.b64encode(kept).decode("ascii"),
        payload_bytes=size,
        truncated=size > len(kept),
        engine=ENGINE_VERSION,
    )


def examine(record: Record) -> list[dict[str, Any]]:
    """Return what would be accepted of a record, a row a declaration; our own contract is validated here too.

    Raises
    ------
    FeedError : the record would become a dead letter, here or (for a line of our contract) in the worker.
    """
    if record.problem is not None:
        raise record.problem
    return [
        {
            "origin": record.origin,
            "declaration_id": found.declaration_id,
            "regime": found.regime,
            "items": len(found.items),
            "codes": ", ".join(dict.fromkeys(item.commodity_code or "none" for item in found.items[:20])),
        }
        for message in feeds.codec(record.format).decode(record.raw, feeds.Arrival(None, record.at, record.origin))
        if (found := message.declaration) is not None
    ]


class Intake:
    """A producer into ``declarations`` and ``declarations.dlq`` that counts, paces, and knows what is acknowledged."""

    def __init__(self, producer: KafkaProducer, chosen: Settings | None = None, rate: float | None = None) -> None:
        named = topics.named(chosen or settings())
        self.declarations = named["declarations"]
        self.dead_letters = named["declarations.dlq"]
        self.tally = Tally()
        self._producer = producer
        self._pace = _Pace(rate)
        self._unacknowledged = 0
        self._failures: list[Exception] = []

    def take(self, records: Iterable[Record]) -> None:
        """Produce what the records hold; call :meth:`settle` before relying on it."""
        started = time.monotonic()
        try:
            for record in records:
                self._take(record)
        finally:
            self.tally.seconds += time.monotonic() - started

    def _take(self, record: Record) -> None:
        self.tally.records += 1
        try:
            values = sources.declarations(record)
        except FeedError as error:
            letter = dead_letter(record, error, datetime.now(UTC))
            self._send(self.dead_letters, None, letter.__pydantic_serializer__.to_json(letter, by_alias=True))
            self.tally.refuse(error)
            return
        for value in values:
            self._pace.wait()
            self._send(self.declarations, key_of(value), value)
            self.tally.accepted += 1

    def _send(self, topic: str, key: bytes | None, value: bytes) -> None:
        from kafka.errors import KafkaError

        try:
            self._producer.send(topic, key=key, value=value).add_errback(self._failures.append)
        except KafkaError as error:
            raise BrokerError(f"Kafka does not take records for topic {topic}: {error!r}") from error
        self._unacknowledged += len(value)
        if self._unacknowledged > _MAX_UNACKNOWLEDGED:
            self.settle()

    def settle(self) -> None:
        """Wait until Kafka has acknowledged everything.

        Raises
        ------
        BrokerError : it has not; take the same input in again, which is harmless.
        """
        from kafka.errors import KafkaError

        started = time.monotonic()
        try:
            self._producer.flush(timeout=_ACKNOWLEDGE_SECONDS)
        except KafkaError as error:
            raise BrokerError(f"Kafka did not acknowledge within {_ACKNOWLEDGE_SECONDS:.0f} s: {error!r}") from error
        finally:
            self.tally.seconds += time.monotonic() - started
        self._unacknowledged = 0
        if self._failures:
            count, first = len(self._failures), self._failures[0]
            self._failures.clear()
            raise BrokerError(f"{count:,} records were not acknowledged; ingest them again. The first: {first!r}")


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
