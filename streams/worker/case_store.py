"""What the correlate stage knows of each declaration: its cases, kept in the compacted topic ``cases``.

The state of a partition of ``findings`` is the latest record of each key in the same partition of ``cases``. It is read when
the first verdict of that partition arrives after an assignment, by a plain consumer from the beginning to the end that the
partition has then, and dropped when the partition is revoked. Faust's tables are not used for it: they cannot say
whether what they hold was written (a change is in memory before it is in the changelog), their recovery competes with
the streams for one consumer, and upstream has open recovery bugs.

**Killed at any moment, nothing is lost and nothing doubled.** A case holds the verdicts that were applied and the alert that
followed from them. It is written first and acknowledged, the alert second, the offset of the verdict is committed last. So

- killed before the case is written: the verdicts come again and find the old state; all happens for the first time;
- killed after the case, before the alert: the verdicts come again, and recovery finds a case whose alert has a higher
  revision than the one in ``alerts``. It writes that alert (:meth:`CaseStore.recover` returns it), and the verdicts
  are known to the case already (:meth:`CaseStore.applied`);
- killed after both, before the commit: the verdicts come again and are known.

A case remembers the offset and the time of the last verdict that changed it; a verdict at or before both is known. The time is
compared too because offsets start again when somebody deletes and creates the topic ``findings``.

An alert that stands in ``alerts`` but not in a case (records of ``cases`` lost or expired) is taken over from there.
Only cases written from verdicts at or after the committed offset can lack their alert, so older ones are not compared:
an alert that was deleted on purpose is not written again.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import structlog
from aiokafka import AIOKafkaConsumer
from aiokafka.structs import ConsumerRecord, TopicPartition
from pydantic_core import to_json

from detectors.correlate import Case
from schemas.alert import Alert
from schemas.finding import Verdict

log = structlog.stdlib.get_logger(__name__)

#: Headers of a record of ``cases``: the revision of its alert (0: none), and the offset in ``findings`` and the time
#: (milliseconds) of the last verdict that changed it.
REVISION, OFFSET, TIME = "alert_revision", "findings_offset", "findings_time"
#: Records in one read at most.
_READ = 2_000


_NOTHING: Mapping[int, bytes] = {}


def _json(part: Verdict | Alert, written: Mapping[int, bytes]) -> bytes:
    found = written.get(id(part))
    return part.model_dump_json(by_alias=True).encode() if found is None else found


class Held(NamedTuple):
    """A case as JSON, with the revision of its alert and the offset and time of the last verdict that changed it."""

    raw: bytes
    revision: int
    offset: int
    time: int

    @classmethod
    def of(cls, case: Case, offset: int, time: int, written: Mapping[int, bytes] = _NOTHING) -> Held:
        """Return a case as it is written and held.

        ``written`` has JSON that exists already, by ``id`` of the verdict or alert that it is of: a case consists of little
        else, and both are long.
        """
        verdicts = b",".join(
            to_json(stage) + b":" + _json(verdict, written) for stage, verdict in case.verdicts.items()
        )
        alert = b"null" if case.alert is None else _json(case.alert, written)
        name, version = to_json(case.declaration_id), to_json(case.version)
        raw = b'{"declaration_id":%b,"version":%b,"verdicts":{%b},"alert":%b}' % (name, version, verdicts, alert)
        return cls(raw, case.alert.revision if case.alert else 0, offset, time)

    def headers(self) -> list[tuple[str, bytes]]:
        """Return the headers of its record."""
        named = {REVISION: self.revision, OFFSET: self.offset, TIME: self.time}
        return [(name, str(value).encode()) for name, value in named.items()]


@dataclass
class _Partition:
    """Cases by declaration, and alerts that no case holds yet."""

    cases: dict[str, Held] = field(default_factory=dict)
    orphans: dict[str, bytes] = field(default_factory=dict)


class CaseStore:
    """The cases of the partitions that this worker correlates.

    Parameters
    ----------
    options : connection of the plain consumer (``streams.clients.aio_consumer_options``).
    cases, alerts : names of the topics in the cluster.
    reading : called with every read of a recovery, which may take long: the worker is busy, not stalled.
    """

    def __init__(
        self, options: Mapping[str, Any], cases: str, alerts: str, reading: Callable[[], None] = lambda: None
    ) -> None:
        self._options = dict(options)
        self._cases = cases
        self._alerts = alerts
        self._reading = reading
        self._epoch = 0
        self._partitions: dict[int, _Partition] = {}

    def __contains__(self, partition: int) -> bool:
        return partition in self._partitions

    def __len__(self) -> int:
        return sum(len(found.cases) for found in self._partitions.values())

    def drop(self, partitions: Iterable[int] | None = None) -> None:
        """Forget the state of partitions (by default of all); it is read again when it is needed."""
        self._epoch += 1
        for partition in list(self._partitions) if partitions is None else partitions:
            self._partitions.pop(partition, None)

    def get(self, partition: int, declaration_id: str) -> Case | None:
        """Return the case of a declaration, if there is one."""
        held = self._partitions[partition]
        known = held.cases.get(declaration_id)
        if known is not None:
            return Case.model_validate_json(known.raw)
        orphan = held.orphans.get(declaration_id)
        if orphan is None:
            return None
        alert = Alert.model_validate_json(orphan)
        return Case(declaration_id=declaration_id, version=alert.declaration_version, alert=alert)

    def applied(self, record: ConsumerRecord, declaration_id: str) -> bool:
        """Tell whether the verdict of a record of ``findings`` was applied before (it has been delivered again)."""
        known = self._partitions[record.partition].cases.get(declaration_id)
        return known is not None and record.offset <= known.offset and record.timestamp <= known.time

    def put(self, partition: int, declaration_id: str, case: Held) -> None:
        """Remember a case that has been written."""
        held = self._partitions[partition]
        held.cases[declaration_id] = case
        held.orphans.pop(declaration_id, None)

    async def recover(self, partitions: Mapping[int, int | None]) -> list[tuple[int, Alert]]:
        """Read the state of partitions, and return the alerts (with partition) that were decided but not yet written.

        What was read is not kept if partitions were dropped meanwhile: it may be out of date.

        Parameters
        ----------
        partitions : with the offset of ``findings`` that each goes on from, None for the beginning.
        """
        epoch = self._epoch
        found = {partition: _Reading(committed or 0) for partition, committed in partitions.items()}
        consumer = AIOKafkaConsumer(group_id=None, **self._options)
        await consumer.start()
        try:
            async for record in self._whole(consumer, self._cases, partitions):
                found[record.partition].case(record)
            async for record in self._whole(consumer, self._alerts, partitions):
                found[record.partition].alert(record)
        finally:
            await consumer.stop()
        untold: list[tuple[int, Alert]] = []
        for partition, reading in found.items():
            untold += [(partition, alert) for alert in reading.settle()]
        if epoch != self._epoch:
            return []
        self._partitions |= {partition: reading.held for partition, reading in found.items()}
        return untold

    async def _whole(
        self, consumer: AIOKafkaConsumer, topic: str, partitions: Iterable[int]
    ) -> AsyncIterator[ConsumerRecord]:
        """Yield the records of partitions from their beginnings to the ends that they have now."""
        places = [TopicPartition(topic, partition) for partition in partitions]
        consumer.assign(places)
        ends = await consumer.end_offsets(places)
        await consumer.seek_to_beginning(*places)
        while left := [place for place in places if await consumer.position(place) < ends[place]]:
            for place, records in (await consumer.getmany(*left, timeout_ms=1_000, max_records=_READ)).items():
                self._reading()
                for record in records:
                    if record.offset < ends[place]:
                        yield record


class _Reading:
    """The state of one partition while it is read: first all of ``cases``, then all of ``alerts``.

    Records that are not ours are passed over: these topics are open to everybody who may write to the cluster, and a
    worker that could not start because of one would be worse.
    """

    def __init__(self, committed: int) -> None:
        self.held = _Partition()
        self._committed = committed
        #: Revision of the alert of each case written since ``committed``, unless ``alerts`` has it.
        self._unsettled: dict[str, int] = {}

    def case(self, record: ConsumerRecord) -> None:
        """Take a record of ``cases``."""
        key = _key(record)
        self._unsettled.pop(key, None)
        self.held.cases.pop(key, None)
        if record.value is None:
            return
        headers = dict(record.headers)
        try:
            case = Held(record.value, *(int(headers[name]) for name in (REVISION, OFFSET, TIME)))
            Case.model_validate_json(record.value)
        except (KeyError, ValueError) as error:
            log.warning("record passed over", topic="cases", offset=record.offset, error=type(error).__name__)
            return
        self.held.cases[key] = case
        if case.revision and case.offset >= self._committed:
            self._unsettled[key] = case.revision

    def alert(self, record: ConsumerRecord) -> None:
        """Take a record of ``alerts``."""
        key = _key(record)
        if record.value is None:
            self.held.orphans.pop(key, None)
            return
        try:
            revision = Alert.model_validate_json(record.value).revision
        except ValueError as error:
            log.warning("record passed over", topic="alerts", offset=record.offset, error=type(error).__name__)
            return
        if revision >= self._unsettled.get(key, revision + 1):
            del self._unsettled[key]
        known = self.held.cases.get(key)
        if known is None or revision > known.revision:
            self.held.orphans[key] = record.value

    def settle(self) -> list[Alert]:
        """Put newer alerts into their cases; return the alerts that ``alerts`` lacks."""
        for key in [key for key in self.held.orphans if key in self.held.cases]:
            self.held.cases[key] = _with_alert(self.held.cases[key], self.held.orphans.pop(key))
        cases = [Case.model_validate_json(self.held.cases[key].raw) for key in self._unsettled]
        return [case.alert for case in cases if case.alert is not None]


def _key(record: ConsumerRecord) -> str:
    return (record.key or b"").decode("utf-8", "replace")


def _with_alert(held: Held, alert: bytes) -> Held:
    newer = Alert.model_validate_json(alert)
    case = Case.model_validate_json(held.raw)
    version = max(case.version, newer.declaration_version)
    return Held.of(case.model_copy(update={"alert": newer, "version": version}), held.offset, held.time)
