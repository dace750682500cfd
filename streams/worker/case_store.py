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

from aiokafka import AIOKafkaConsumer
from aiokafka.structs import ConsumerRecord, TopicPartition

from detectors.correlate import Case
from schemas.alert import Alert

#: Headers of a record of ``cases``: the revision of its alert (0: none), and the offset in ``findings`` and the time
#: (milliseconds) of the last verdict that changed it.
REVISION, OFFSET, TIME = "alert_revision", "findings_offset", "findings_time"
#: Records in one read at most.
_READ = 2_000


class Held(NamedTuple):
    """A case as JSON, with the revision of its alert and the offset and time of the last verdict that changed it."""

    raw: bytes
    revision: int
    offset: int
    time: int

    @classmethod
    def of(cls, case: Case, offset: int, time: int) -> Held:
        """Return a case as it is written and held."""
        revision = case.alert.revision if case.alert else 0
        return cls(case.model_dump_json(by_alias=True).encode(), revision, offset, time)

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
        self._partitions: dict[int, _Partition] = {}

    def __contains__(self, partition: int) -> bool:
        return partition in self._partitions

    def __len__(self) -> int:
        return sum(len(found.cases) for found in self._partitions.values())

    def drop(self, partitions: Iterable[int] | None = None) -> None:
        """Forget the state of partitions (by default of all); it is read again when it is needed."""
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

    async def recover(self, partition: int, committed: int | None) -> list[Alert]:
        """Read the state of a partition, and return the alerts that were decided but not yet written.

        Parameters
        ----------
        committed : the offset of ``findings`` that this partition goes on from, None for the beginning.
        """
        held = _Partition()
        unsettled: dict[str, int] = {}
        consumer = AIOKafkaConsumer(group_id=None, **self._options)
        await consumer.start()
        try:
            async for record in self._whole(consumer, TopicPartition(self._cases, partition)):
                key = record.key.decode()
                unsettled.pop(key, None)
                if record.value is None:
                    held.cases.pop(key, None)
                    continue
                headers = {name: int(value) for name, value in record.headers}
                case = Held(record.value, headers[REVISION], headers[OFFSET], headers[TIME])
                held.cases[key] = case
                if case.revision and case.offset >= (committed or 0):
                    unsettled[key] = case.revision
            async for record in self._whole(consumer, TopicPartition(self._alerts, partition)):
                key = record.key.decode()
                if record.value is None:
                    held.orphans.pop(key, None)
                    continue
                revision = _revision(record)
                if revision >= unsettled.get(key, revision + 1):
                    del unsettled[key]
                if key not in held.cases or revision > held.cases[key].revision:
                    held.orphans[key] = record.value
        finally:
            await consumer.stop()
        for key in [key for key in held.orphans if key in held.cases]:
            held.cases[key] = _with_alert(held.cases[key], held.orphans.pop(key))
        self._partitions[partition] = held
        cases = [Case.model_validate_json(held.cases[key].raw) for key in unsettled]
        return [case.alert for case in cases if case.alert is not None]

    async def _whole(self, consumer: AIOKafkaConsumer, place: TopicPartition) -> AsyncIterator[ConsumerRecord]:
        """Yield the records of a partition from its beginning to the end that it has now."""
        consumer.assign([place])
        end = (await consumer.end_offsets([place]))[place]
        await consumer.seek_to_beginning(place)
        while await consumer.position(place) < end:
            for records in (await consumer.getmany(place, timeout_ms=1_000, max_records=_READ)).values():
                self._reading()
                for record in records:
                    if record.offset < end:
                        yield record


def _revision(record: ConsumerRecord) -> int:
    """Return the revision of an alert record, from its CloudEvents id; from the alert itself if it has none."""
    event_id = dict(record.headers).get("ce_id", b"").decode()
    _, _, revision = event_id.rpartition("/")
    return int(revision) if revision.isdecimal() else Alert.model_validate_json(record.value).revision


def _with_alert(held: Held, alert: bytes) -> Held:
    newer = Alert.model_validate_json(alert)
    case = Case.model_validate_json(held.raw)
    version = max(case.version, newer.declaration_version)
    return Held.of(case.model_copy(update={"alert": newer, "version": version}), held.offset, held.time)
