"""The feed of the demo: simulated declarations at an even rate, with some records that are none."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from random import Random
from typing import TYPE_CHECKING, Any

import pydantic_core

from schemas.disposition import Label
from streams import simulate

if TYPE_CHECKING:
    from kafka import KafkaProducer

#: Of the declarations of the demo, in place of the simulator's defaults: more cases, so that a minute shows all of them.
SCENARIO_SHARE = 0.02
DUPLICATE_SHARE = 0.002
#: One record in so many is no declaration.
BAD_EVERY = 400
#: Declarations of one pass over the simulator's calendar when the demo has no end: half a minute at the usual rate.
_ONE_PASS = 9_000


@dataclass(frozen=True, slots=True)
class Sent:
    """One record of the feed: its key and bytes, and what is known of it (nothing of a bad one)."""

    key: bytes
    raw: bytes
    row: dict[str, Any] | None
    label: Label | None


def records(seed: int, count: int | None) -> Iterator[Sent]:
    """Yield the feed of a seed: ``count`` declarations and the bad records among them; for ever without a count.

    Stories that need memory of earlier declarations are left out: their detectors do not exist yet.
    """
    chance = Random(seed)
    number = 0
    while True:
        rows = simulate.feed(
            seed,
            _ONE_PASS if count is None else count,
            scenario_share=SCENARIO_SHARE,
            duplicate_share=DUPLICATE_SHARE,
            memory=False,
        )
        for row, label in rows:
            raw = pydantic_core.to_json(row)
            yield Sent(row["declaration_id"].encode(), raw, row, label)
            if chance.random() < 1 / BAD_EVERY:
                number += 1
                yield Sent(f"bad-{seed}-{number}".encode(), _spoilt(raw, row, chance), None, None)
        if count is not None:
            return
        seed += 1


def _spoilt(raw: bytes, row: dict[str, Any], chance: Random) -> bytes:
    """Return a record as feeds do send them: cut short, not UTF-8, a country that is none, no items, not a number."""
    kind = chance.randrange(5)
    if kind == 0:
        return raw[: len(raw) // 2]
    if kind == 1:
        return raw[:40] + b"\xff\xfe" + raw[40:]
    if kind == 2:
        return pydantic_core.to_json(row | {"country_of_destination": "ZZ"})
    if kind == 3:
        return pydantic_core.to_json(row | {"items": []})
    return pydantic_core.to_json(row | {"gross_mass_kg": float("nan")}, inf_nan_mode="constants")


@dataclass
class Feeder:
    """Produces the feed in a thread of its own until it ends or :meth:`stop` is called.

    Attributes
    ----------
    sent : records given to Kafka so far.
    bad : of them, records that are no declarations.
    labels : of the declarations sent.
    sent_at : (declaration_id, version) -> when its record was first sent (seconds since 1970).
    failure : what ended the feed early.
    """

    producer: KafkaProducer
    topic: str
    rate: float
    source: Iterator[Sent]
    sent: int = 0
    bad: int = 0
    labels: list[Label] = field(default_factory=list)
    sent_at: dict[tuple[str, int], float] = field(default_factory=dict)
    failure: BaseException | None = None

    def __post_init__(self) -> None:
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="feeder", daemon=True)

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    @property
    def running(self) -> bool:
        """Whether there is more to come."""
        return self._thread.is_alive()

    def stop(self) -> None:
        """Send no more, and wait until Kafka has acknowledged everything sent."""
        self._stop.set()
        self._thread.join()

    def _run(self) -> None:
        try:
            begun = 0.0
            for record in self.source:
                # The clock starts with the first record: making the simulated world takes a second.
                begun = begun or time.monotonic()
                # Even pace; after a pause of the machine the feed catches up, as a real one would.
                wait = begun + self.sent / self.rate - time.monotonic()
                if wait > 0.002:
                    self._stop.wait(wait)
                if self._stop.is_set():
                    break
                self._send(record)
            self.producer.flush(timeout=120)
        except BaseException as error:
            self.failure = error

    def _send(self, record: Sent) -> None:
        if record.row is None or record.label is None:
            self.bad += 1
        else:
            self.labels.append(record.label)
            self.sent_at.setdefault((record.row["declaration_id"], record.row["version"]), time.time())
        self.producer.send(self.topic, key=record.key, value=record.raw).add_errback(self._failed)
        self.sent += 1

    def _failed(self, error: BaseException) -> None:
        self.failure = self.failure or error
        self._stop.set()
