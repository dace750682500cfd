"""Alerts and dispositions from Kafka into the store, from where the store left off."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any

import pydantic
import structlog

from schemas.alert import Alert
from schemas.disposition import Disposition
from streams import clients, topics
from streams.console.events import News
from streams.console.intake.thread import Steady
from streams.console.store.store import Store
from streams.console.store.taking import Batch, Gone, Taken
from streams.settings import Settings

if TYPE_CHECKING:
    from kafka import KafkaConsumer, TopicPartition

log = structlog.stdlib.get_logger(__name__)

#: Of one transaction. Larger ones take in more a second, and make decisions wait longer for their turn to write.
_BATCH = 500
#: So far behind, as when the database is rebuilt, it takes more at once.
_FAR = 20_000
_LARGE_BATCH = 1_500
_PARTITIONS_SECONDS = 60.0
#: Kafka is asked at least so often how far its topics are, when nothing comes: that it answers is news too.
_ENDS_SECONDS = 5.0
_TOLD_SECONDS = 0.5
_IDS = 100


class Reader(Steady):
    """Reads ``alerts`` and ``dispositions``; belongs to no group: its offsets stand in the database, beside the rows."""

    def __init__(self, store: Store, chosen: Settings, publish: Callable[[News], None]) -> None:
        super().__init__("console intake")
        self._store = store
        self._chosen = chosen
        self._publish = publish
        names = topics.named(chosen)
        self._alerts, self._dispositions = names["alerts"], names["dispositions"]
        self._taken = Taken()
        self._told_at = 0.0
        self.lag: int | None = None
        self.records = 0

    def work(self) -> None:
        """Read until told to stop."""
        # Shorter fetches than usual: an analyst sees a new alert sooner.
        with contextlib.closing(
            clients.consumer(chosen=self._chosen, bootstrap=self._chosen.kafka, fetch_max_wait_ms=200)
        ) as consumer:
            places = self._placed(consumer)
            looked = asked = 0.0
            while not self.stopping:
                polled = consumer.poll(timeout_ms=300, max_records=_LARGE_BATCH if (self.lag or 0) > _FAR else _BATCH)
                if polled:
                    self._take((record for records in polled.values() for record in records), consumer, places)
                now = time.monotonic()
                if now - asked > _ENDS_SECONDS or (self.lag and not polled):
                    ends = consumer.end_offsets(places)
                    self.lag = sum(max(0, end - consumer.position(place)) for place, end in ends.items())
                    asked = now
                    self.well()
                if not looked:
                    looked = now
                elif now - looked > _PARTITIONS_SECONDS:
                    looked = now
                    if set(_partitions(consumer, self._alerts, self._dispositions)) != set(places):
                        places = self._placed(consumer)
                self._tell(now)

    def _placed(self, consumer: KafkaConsumer) -> list[TopicPartition]:
        """Assign all partitions and stand where the store left off."""
        places = _partitions(consumer, self._alerts, self._dispositions)
        consumer.assign(places)
        stored = self._store.outbox.offsets()
        ends, begins = consumer.end_offsets(places), consumer.beginning_offsets(places)
        for place in places:
            offset = stored.get((place.topic, place.partition), begins[place])
            if not begins[place] <= offset <= ends[place]:
                if offset > ends[place]:
                    log.warning(
                        "a topic is shorter than what was read of it; reading all of it again", topic=place.topic
                    )
                offset = begins[place]
            consumer.seek(place, offset)
        return places

    def _take(self, records: Iterable[Any], consumer: KafkaConsumer, places: Iterable[TopicPartition]) -> None:
        batch = Batch()
        for record in records:
            place = record.topic, record.partition
            batch.offsets[place] = record.offset + 1
            self.records += 1
            try:
                batch.records.append(self._read(record))
            except (pydantic.ValidationError, UnicodeDecodeError) as error:
                # What it says may be personal; where it stands is enough to find it.
                log.warning("not what its contract says, passed over", at=f"{record.topic}/{record.partition}@{record.offset}",
                            problems=error.error_count() if isinstance(error, pydantic.ValidationError) else 1)  # fmt: skip
                batch.bad[place] = batch.bad.get(place, 0) + 1
        taken = self._store.taking.take(batch, self._store.clock())
        for name in ("new", "changed", "withdrawn", "gone", "top"):
            getattr(self._taken, name).extend(getattr(taken, name))
        for one in taken.decided:
            what = {"ids": [one["alert_id"]], "verdict": one["verdict"], "by": one["analyst"], "count": 1}
            self._publish(News("decision", what))

    def _read(self, record: Any) -> Alert | Gone | Disposition:
        if record.topic == self._dispositions:
            return Disposition.model_validate_json(record.value or b"null")
        if record.value is None:
            return Gone((record.key or b"").decode())
        return Alert.model_validate_json(record.value)

    def _tell(self, now: float) -> None:
        """Tell pages what came, at most every half second, however much it was."""
        taken = self._taken
        ids = [*taken.new, *taken.changed, *taken.withdrawn, *taken.gone]
        if not ids or now - self._told_at < _TOLD_SECONDS:
            return
        self._told_at = now
        self._taken = Taken()
        counts = {name: len(getattr(taken, name)) for name in ("new", "changed", "withdrawn", "gone")}
        top = sorted(taken.top, key=lambda one: one["severity"] != "critical")[:5]
        self._publish(News("alerts", {**counts, "ids": ids[-_IDS:], "count": len(ids), "top": top}))

    def changed(self, up: bool) -> None:
        """Tell pages that Kafka came or went."""
        if not up:
            self.lag = None
        self._publish(News("health", {"kafka": up, "outbox": self._store.outbox.state()[0]}))


def _partitions(consumer: KafkaConsumer, *names: str) -> list[TopicPartition]:
    from kafka import TopicPartition

    from schemas.errors import BrokerError

    found = []
    for name in names:
        numbers = consumer.partitions_for_topic(name)
        if not numbers:
            raise BrokerError(f"there is no topic {name}; `assay topics apply` creates the declared ones")
        found += [TopicPartition(name, number) for number in sorted(numbers)]
    return found
