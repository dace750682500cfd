"""What comes out of the workers: alerts and dead letters, as a consumer of the topics sees them."""

from __future__ import annotations

import threading
import time
from collections import Counter, deque
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import pydantic_core

if TYPE_CHECKING:
    from kafka import KafkaConsumer

    from streams.demo.cluster import Cluster

NEWEST = 12


@dataclass(frozen=True, slots=True)
class Latency:
    """Milliseconds from a declaration's lodgement on the topic to the record of its alert."""

    count: int
    p50: float
    p95: float
    p99: float
    worst: float


def percentiles(seconds: Iterable[float]) -> Latency | None:
    """Return the percentiles (nearest rank) of latencies, or None if there are none."""
    ordered = sorted(1000 * one for one in seconds)
    if not ordered:
        return None

    def at(share: float) -> float:
        return ordered[min(len(ordered) - 1, int(share * len(ordered)))]

    return Latency(len(ordered), at(0.50), at(0.95), at(0.99), ordered[-1])


@dataclass
class Watch:
    """Reads ``alerts`` and ``declarations.dlq`` in a thread of its own.

    Attributes
    ----------
    latest : declaration_id -> its alert as last seen.
    newest : the alerts seen last, newest first.
    repeated : records that repeat a revision already seen of an alert.
    ids : alert_id -> declaration ids that carry it; more than one would be a mistake.
    latency_of : (declaration_id, version) -> seconds to its first alert.
    last_at : when the last alert was written (seconds since 1970), 0 before the first.
    dead : dead letters by stage; ``dead_ids`` their ids.
    """

    cluster: Cluster
    sent_at: Mapping[tuple[str, int], float]
    latest: dict[str, dict[str, Any]] = field(default_factory=dict)
    newest: deque[dict[str, Any]] = field(default_factory=lambda: deque(maxlen=NEWEST))
    repeated: int = 0
    ids: dict[str, set[str]] = field(default_factory=dict)
    latency_of: dict[tuple[str, int], float] = field(default_factory=dict)
    last_at: float = 0.0
    dead: Counter[str] = field(default_factory=Counter)
    dead_ids: set[str] = field(default_factory=set)
    reasons: Counter[str] = field(default_factory=Counter)
    failure: BaseException | None = None

    def __post_init__(self) -> None:
        self._revisions: set[tuple[str, int]] = set()
        self._stop = threading.Event()
        self._reached: dict[tuple[str, int], int] = {}
        self._thread = threading.Thread(target=self._run, name="watch", daemon=True)

    def start(self) -> None:
        """Begin to read, from the beginning of the topics."""
        self._thread.start()

    def close(self) -> None:
        """Read no more."""
        self._stop.set()
        self._thread.join()

    def caught_up(self) -> bool:
        """Tell whether everything that is in the topics now has been read."""
        from streams import clients

        chosen = self.cluster.chosen
        return all(
            self._reached.get((self.cluster.topics[name], partition), 0) >= end
            for name in ("alerts", "declarations.dlq")
            for partition, end in clients.end_offsets(self.cluster.topics[name], chosen, chosen.kafka).items()
        )

    def _run(self) -> None:
        from kafka import TopicPartition

        from streams import clients

        try:
            names = [self.cluster.topics[name] for name in ("alerts", "declarations.dlq")]
            # Every fetch of a consumer waits for news in all partitions; shorter waits show alerts sooner.
            reader: KafkaConsumer = clients.consumer(chosen=self.cluster.chosen, fetch_max_wait_ms=100)
            places = [TopicPartition(n, p) for n in names for p in reader.partitions_for_topic(n) or ()]
            reader.assign(places)
            reader.seek_to_beginning(*places)
            while not self._stop.is_set():
                for records in reader.poll(timeout_ms=200, max_records=1000).values():
                    for record in records:
                        if record.topic == names[0]:
                            self._alert(pydantic_core.from_json(record.value), record.timestamp / 1000)
                        else:
                            self._dead_letter(pydantic_core.from_json(record.value))
                for place in places:
                    self._reached[place.topic, place.partition] = reader.position(place)
            reader.close()
        except BaseException as error:
            self.failure = error

    def _alert(self, alert: dict[str, Any], at: float) -> None:
        revision = (alert["alert_id"], alert["revision"])
        if revision in self._revisions:
            self.repeated += 1
            return
        self._revisions.add(revision)
        self.last_at = max(self.last_at, at)
        self.ids.setdefault(alert["alert_id"], set()).add(alert["declaration_id"])
        self.latest[alert["declaration_id"]] = alert
        self.newest.appendleft(alert)
        version = (alert["declaration_id"], alert["declaration_version"])
        sent = self.sent_at.get(version)
        if sent is not None:
            self.latency_of.setdefault(version, max(0.0, at - sent))

    def _dead_letter(self, letter: dict[str, Any]) -> None:
        if letter["dead_letter_id"] in self.dead_ids:
            return
        self.dead_ids.add(letter["dead_letter_id"])
        self.dead[letter["stage"]] += 1
        self.reasons[letter["reason"]] += 1


@dataclass
class Judged:
    """How many declarations the workers say that they have judged, from their metrics."""

    cluster: Cluster
    total: int = 0
    _seen: dict[int, int] = field(default_factory=dict)

    def look(self) -> int:
        """Ask all workers; one that does not answer counts with what it said last."""
        for worker in self.cluster.workers:
            text = worker.answers("/metrics")
            for line in (text or "").splitlines():
                if line.startswith("assay_declarations_judged_total "):
                    self._seen[worker.port] = int(float(line.split()[1]))
        self.total = sum(self._seen.values())
        return self.total


def wait_until(
    condition: Callable[[], bool],
    progress: Callable[[], object],
    patience: float,
    check: Callable[[], None],
    every: float = 0.25,
) -> bool:
    """Wait until a condition holds, looking ``every`` so many seconds.

    Gives up, with False, when ``progress()`` has not changed for ``patience`` seconds; what ``check()`` raises ends it.
    """
    last, since = progress(), time.monotonic()
    while not condition():
        check()
        now = progress()
        if now != last:
            last, since = now, time.monotonic()
        elif time.monotonic() - since > patience:
            return False
        time.sleep(every)
    return True
