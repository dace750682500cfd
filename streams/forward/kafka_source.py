"""Alerts from the topic, in a consumer group of the forwarder's own; offsets move behind what is settled.

While a receiver is away, the partitions are paused and the consumer is polled all the same: Kafka takes partitions from a
member that it does not hear of. If they are taken anyway, what was not settled is dropped here; the next owner begins with it.
"""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any, Literal

from kafka import ConsumerRebalanceListener, KafkaConsumer, OffsetAndMetadata, TopicPartition
from kafka.errors import KafkaError

from schemas.errors import BrokerError, RecordError
from streams import clients, topics
from streams.forward.courier import Courier
from streams.forward.progress import log
from streams.forward.reading import Line, read
from streams.forward.target import Envelope
from streams.settings import Settings

Start = Literal["beginning", "end"]
_RESET = {"beginning": "earliest", "end": "latest"}
_SLICE_SECONDS = 0.5
#: Longer than a call of a target may take: between two polls Kafka waits so long.
_POLL_INTERVAL_MS = 900_000
#: A forwarder that was killed is missed after so long, and the next one begins. kafka-python beats on a thread of its own.
_SESSION_MS, _BEAT_MS = 10_000, 2_000
#: So long a commit or the end waits for a Kafka that does not answer; what is not committed is delivered again.
_COMMIT_MS, _CLOSE_MS = 10_000, 3_000


class _Assigned(ConsumerRebalanceListener):  # type: ignore[misc]
    """Notes what was taken and given since it was last asked; called on the consumer's own thread."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._lost: set[int] = set()
        self._new: set[TopicPartition] = set()

    def on_partitions_revoked(self, revoked: Iterable[TopicPartition]) -> None:
        with self._lock:
            self._lost |= {place.partition for place in revoked}
            self._new -= set(revoked)

    def on_partitions_assigned(self, assigned: Iterable[TopicPartition]) -> None:
        with self._lock:
            self._new |= set(assigned)

    def lost(self) -> set[int]:
        """Return the partitions taken since the last call."""
        with self._lock:
            lost, self._lost = self._lost, set()
            return lost

    def new(self) -> set[TopicPartition]:
        """Return the partitions given since the last call, that are still ours."""
        with self._lock:
            new, self._new = self._new, set()
            return new


class KafkaSource:
    """The topic ``alerts`` for one courier.

    Parameters
    ----------
    group : consumer group; its committed offsets are where a forwarder goes on.
    start : where a group that has no offsets yet begins.
    follow : go on at the end, or stop at the ends that the topic had at the beginning.
    """

    def __init__(self, chosen: Settings, courier: Courier, line: Line, group: str, start: Start, follow: bool) -> None:
        self._courier, self._line, self._start, self._stop = courier, line, start, courier.stop
        self._topic = topics.named(chosen)["alerts"]
        ends = clients.end_offsets(self._topic, chosen)  # says so if there is no such topic
        self._ends = None if follow else {TopicPartition(self._topic, number): end for number, end in ends.items()}
        self._assigned = _Assigned()
        options: dict[str, Any] = {
            "auto_offset_reset": _RESET[start],
            "max_poll_interval_ms": _POLL_INTERVAL_MS,
            "session_timeout_ms": _SESSION_MS,
            "heartbeat_interval_ms": _BEAT_MS,
        }
        self._consumer: KafkaConsumer = clients.consumer(chosen=chosen, group_id=group, client_id=group, **options)
        self._consumer.subscribe([self._topic], listener=self._assigned)

    def run(self) -> None:
        """Forward until the stop, or until the end."""
        try:
            while not self._stop.is_set():
                polled = self._consumer.poll(
                    timeout_ms=int(_SLICE_SECONDS * 1000), max_records=self._courier.target.most
                )
                self._begin(polled)
                self._assigned.lost()  # before this poll: none of what it gave
                batch = [one for records in polled.values() for record in records if (one := self._read(record))]
                self._settle(batch, {place: records[-1].offset + 1 for place, records in polled.items()})
                self._measure()
                if not polled and self._finished():
                    break
        except KafkaError as error:
            raise BrokerError(f"Kafka does not serve the group any more: {type(error).__name__}: {error}") from error
        finally:
            self._consumer.close(timeout_ms=_CLOSE_MS)

    def _begin(self, polled: Mapping[TopicPartition, Sequence[Any]]) -> None:
        """Commit where new partitions begin that begin at the end: before the first alert comes, nothing else remembers it.

        ``polled`` is what the poll that gave them brought already: positions are behind that.
        """
        for place in self._assigned.new() if self._start == "end" else ():
            with contextlib.suppress(KafkaError):
                if self._consumer.committed(place) is None:
                    records = polled.get(place)
                    self._commit({place: records[0].offset if records else self._consumer.position(place)})

    def _read(self, record: Any) -> Envelope | None:
        """Return the envelope of a record; None if it has no value, or is no alert, which is kept with the refusals."""
        if record.value is None:
            return None
        origin = f"alerts/{record.partition}@{record.offset}"
        try:
            return read(record.value, self._line, origin, record.partition, record.offset)
        except RecordError as error:
            self._courier.refusals.add_unreadable(origin, record.value, str(error))
            self._courier.progress.refused += 1
            log.error("no alert", origin=origin, reason=str(error)[:500])
            return None

    def _settle(self, batch: Sequence[Envelope], ends: dict[TopicPartition, int]) -> None:
        if not ends:
            return
        lost: set[int] = set()

        def wait(seconds: float) -> Collection[int]:
            lost.update(self._wait(seconds))
            return lost

        def commit(left: Sequence[Envelope]) -> None:
            """Commit up to the first that is not settled of each partition."""
            first: dict[int, int] = {}
            for one in left:
                first.setdefault(one.partition, one.offset)
            self._commit(
                {place: first.get(place.partition, end) for place, end in ends.items() if place.partition not in lost}
            )

        commit(self._courier.settle(batch, wait, commit))

    def _commit(self, offsets: dict[TopicPartition, int]) -> None:
        """Commit; what fails is delivered again by whoever has the partition then."""
        if not offsets:
            return
        try:
            marks = {place: OffsetAndMetadata(offset, "", -1) for place, offset in offsets.items()}
            self._consumer.commit(marks, timeout_ms=_COMMIT_MS)
        except KafkaError as error:
            log.warning("offsets not committed; some alerts may be delivered twice", reason=type(error).__name__)

    def _wait(self, seconds: float) -> set[int]:
        """Wait as a member of the group that wants nothing now; return the partitions lost meanwhile."""
        until, lost = time.monotonic() + seconds, set[int]()
        while not self._stop.is_set() and (left := until - time.monotonic()) > 0:
            self._consumer.pause(*self._consumer.assignment())
            polled = self._consumer.poll(timeout_ms=int(min(left, _SLICE_SECONDS) * 1000) + 1)
            for place, records in polled.items():  # of a partition that was given during this poll
                self._consumer.seek(place, records[0].offset)
            lost |= self._assigned.lost()
            self._courier.progress.tell()
        self._consumer.resume(*self._consumer.paused())
        return lost

    def _measure(self) -> None:
        lag = 0
        for place in self._consumer.assignment():
            high = self._consumer.highwater(place)
            with contextlib.suppress(KafkaError, AssertionError):
                lag += max(0, (high or 0) - self._consumer.position(place)) if high else 0
        self._courier.progress.lag = lag
        self._courier.progress.tell()

    def _finished(self) -> bool:
        """Say whether the ends of the beginning are reached, by this process or by others of its group."""
        if self._ends is None:
            return False
        mine = self._consumer.assignment()
        for place, end in self._ends.items():
            at = self._consumer.position(place) if place in mine else self._consumer.committed(place)
            if end and (at is None or at < end):
                return False
        return True
