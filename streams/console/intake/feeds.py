"""How the feeds are: what stands in the topics, what the workers have still to read, when the last message came."""

from __future__ import annotations

import contextlib
import json
import urllib.error
import urllib.request
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from streams import clients, topics
from streams.console.intake.thread import Steady
from streams.console.store.model import SourceHealth
from streams.settings import Settings

if TYPE_CHECKING:
    from kafka import KafkaConsumer, TopicPartition

#: Seconds between two looks.
_EVERY_SECONDS = 15.0
_WORKER_SECONDS = 2.0
_LARGEST_REPORT = 256 * 1024


@dataclass(frozen=True, slots=True)
class Look:
    """What one look found."""

    sources: tuple[SourceHealth, ...] = ()
    dead_letters: int | None = None
    workers: tuple[Mapping[str, Any], ...] = field(default_factory=tuple)


class Feeds(Steady):
    """Looks at Kafka and at the workers, now and then."""

    def __init__(self, chosen: Settings, workers: Sequence[str]) -> None:
        super().__init__("console feeds")
        self._chosen = chosen
        self._workers = tuple(workers)
        self._last: dict[str, tuple[int, datetime | None]] = {}
        self.look = Look()

    def work(self) -> None:
        """Look every quarter of a minute."""
        self.look = Look(workers=self._ask())
        with contextlib.closing(
            clients.consumer(chosen=self._chosen, bootstrap=self._chosen.kafka, fetch_max_wait_ms=100)
        ) as consumer:
            while not self.stopping:
                self.look = self._looked(consumer)
                self.well()
                self._stop.wait(_EVERY_SECONDS)

    def _looked(self, consumer: KafkaConsumer) -> Look:
        names = topics.named(self._chosen)
        feeds = [name for name in names if name.startswith(topics.RAW)] + ["declarations", "signals", "findings"]
        done = clients.committed(self._chosen.group, chosen=self._chosen, bootstrap=self._chosen.kafka)
        there = consumer.topics()
        sources = []
        for name in feeds:
            if names[name] in there:
                found = self._source(consumer, name, names[name], done.get(names[name], {}))
                # A raw topic of a format that never came says nothing.
                if found.records or not name.startswith(topics.RAW):
                    sources.append(found)
        dead = names["declarations.dlq"]
        return Look(tuple(sources), _records(consumer, dead) if dead in there else None, self._ask())

    def _source(self, consumer: KafkaConsumer, name: str, topic: str, done: Mapping[int, int]) -> SourceHealth:
        places = _places(consumer, topic)
        ends, begins = consumer.end_offsets(places), consumer.beginning_offsets(places)
        records = sum(ends[place] - begins[place] for place in places)
        lag = sum(max(0, ends[place] - done.get(place.partition, begins[place])) for place in places)
        total = sum(ends.values())
        known = self._last.get(topic)
        if known is None or known[0] != total:
            self._last[topic] = known = total, _last_at(consumer, ends, begins)
        return SourceHealth(name, records, lag, known[1])

    def _ask(self) -> tuple[Mapping[str, Any], ...]:
        return tuple(_asked(address) for address in self._workers)


def _places(consumer: KafkaConsumer, topic: str) -> list[TopicPartition]:
    from kafka import TopicPartition

    return [TopicPartition(topic, number) for number in sorted(consumer.partitions_for_topic(topic) or ())]


def _records(consumer: KafkaConsumer, topic: str) -> int:
    places = _places(consumer, topic)
    ends, begins = consumer.end_offsets(places), consumer.beginning_offsets(places)
    return sum(ends[place] - begins[place] for place in places)


def _last_at(
    consumer: KafkaConsumer, ends: Mapping[TopicPartition, int], begins: Mapping[TopicPartition, int]
) -> datetime | None:
    """Return when the last record came, by reading the last of each partition."""
    some = [place for place in ends if ends[place] > begins[place]]
    if not some:
        return None
    consumer.assign(some)
    for place in some:
        consumer.seek(place, ends[place] - 1)
    newest = 0
    for _ in range(10):
        for place, records in consumer.poll(timeout_ms=300).items():
            newest = max(newest, *(record.timestamp for record in records))
            consumer.pause(place)
        if all(consumer.position(place) >= ends[place] for place in some):
            break
    return datetime.fromtimestamp(newest / 1000, UTC) if newest > 0 else None


def _asked(address: str) -> Mapping[str, Any]:
    """Return what a worker says of its health; with ``live`` false where it does not."""
    if not address.startswith(("http://", "https://")):
        return {"address": address, "live": False, "trouble": "not an address"}
    try:
        with urllib.request.urlopen(f"{address.rstrip('/')}/health", timeout=_WORKER_SECONDS) as reply:
            report = json.loads(reply.read(_LARGEST_REPORT))
    except urllib.error.HTTPError as error:  # not ready: the body says why
        with contextlib.suppress(ValueError, OSError):
            report = json.loads(error.read(_LARGEST_REPORT))
            return {"address": address, "live": True, **(report if isinstance(report, dict) else {})}
        return {"address": address, "live": False, "trouble": f"answers {error.code}"}
    except (OSError, ValueError) as error:
        return {"address": address, "live": False, "trouble": type(error).__name__}
    return {"address": address, "live": True, **(report if isinstance(report, dict) else {})}
