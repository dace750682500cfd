"""The profile stage of a worker: states in RocksDB beside a compacted topic, a database a partition of ``signals``.

A batch is applied in this order: verdicts to ``findings``, changed states to ``profiles``, the same states to the database, the
offset of the signals last. Killed

- before the verdicts are written: all happens for the first time;
- after some verdicts, before their states: the signals come again and find the old states; the same verdicts are written again,
  which changes no alert;
- after some states: their offset says that the block was applied; the other keys are applied now;
- after the database, before the commit: every key knows the block.

The database notes up to which offset of ``profiles`` it has the states. What a worker finds on its disk after an assignment is
brought up from there, so that a restart reads what was missed and not the whole topic. Faust's tables would have been the
ordinary place; ``streams/worker/case_store.py`` says why they are not used.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Final

import structlog
from aiokafka import AIOKafkaConsumer
from aiokafka.structs import ConsumerRecord, TopicPartition

from detectors import engine
from detectors.profiles import stage
from detectors.profiles.stage import Placed
from schemas.finding import Verdict
from schemas.signal import SignalBlock
from streams import topics
from streams.profile_store import InUseError, ProfileStore
from streams.settings import Settings
from streams.worker import guard
from streams.worker.blocks import Block
from streams.worker.guard import Decoded, Failure
from streams.worker.metrics import Metrics
from streams.worker.outbox import Outbox
from streams.worker.pulse import Pulse, StoodStill

log = structlog.stdlib.get_logger(__name__)

CHANGELOG: Final = "profiles"
#: A database that was not written for so long is built anew: ``profiles`` may have forgotten that something is gone (Kafka
#: keeps the news of a deletion for 24 hours, ``delete.retention.ms``).
STALE_SECONDS: Final = 20 * 3600.0
_READ: Final = 5_000
#: A partition's database is looked through for what is too old to matter after so much time in the stream.
_SWEEP: Final = timedelta(days=1)
_SWEPT: Final = 2_000


@dataclass
class _Slot:
    """The states of one partition of ``signals``; ``stale`` once it is no longer ours."""

    partition: int
    store: ProfileStore
    stale: bool = False
    latest: datetime | None = None
    begin: datetime | None = None
    swept: datetime | None = None


@dataclass
class _Applied:
    """What the blocks of a partition gave."""

    verdicts: list[Verdict] = field(default_factory=list)
    changed: dict[str, bytes | None] = field(default_factory=dict)
    late: int = 0
    failures: list[Failure] = field(default_factory=list)


class Profiling:
    """The profile stage.

    Parameters
    ----------
    options : connection of the plain consumer that restores (``streams.clients.aio_consumer_options``).
    bury : puts what cannot be used into an outbox.
    reading : called with every read of a restoration, which may take long: the worker is busy, not stalled.
    """

    def __init__(
        self,
        chosen: Settings,
        outbox: Callable[[], Outbox],
        options: Mapping[str, Any],
        metrics: Metrics,
        pulse: Pulse,
        bury: Callable[[Outbox, Sequence[Failure]], None],
        reading: Callable[[], None] = lambda: None,
    ) -> None:
        self._chosen = chosen
        self._outbox = outbox
        self._options = dict(options)
        self._metrics = metrics
        self._pulse = pulse
        self._bury = bury
        self._reading = reading
        self._changelog = topics.named(chosen)[CHANGELOG]
        self._lateness = timedelta(hours=chosen.lateness_hours)
        self._slots: dict[int, _Slot] = {}
        self._epoch = 0
        self._lock = asyncio.Lock()
        self._pool = ThreadPoolExecutor(1, thread_name_prefix="profile")

    def close(self) -> None:
        """Let go of everything."""
        self.drop()
        self._pool.shutdown(wait=True)

    def drop(self, partitions: Iterable[int] | None = None) -> None:
        """Let go of partitions that are no longer ours (by default of all)."""
        self._epoch += 1
        for partition in list(self._slots) if partitions is None else partitions:
            slot = self._slots.pop(partition, None)
            if slot is not None:
                slot.stale = True
                self._pool.submit(slot.store.close)

    @property
    def warming(self) -> list[str]:
        """Name the profiles that know too little of the past yet, in some partition."""
        found: dict[str, None] = {}
        for slot in self._slots.values():
            found.update(dict.fromkeys(stage.warming(slot.begin, slot.latest)))
        return list(found)

    async def prepare(self, partitions: Iterable[int]) -> None:
        """Have the states of partitions, restored, before the first signals come."""
        async with self._lock:
            await self._open(partitions)

    async def run(self, blocks: Sequence[Block]) -> None:
        """Apply the records of a batch; returns when their verdicts and states are in Kafka and in the database."""
        by_partition: dict[int, list[ConsumerRecord]] = {}
        for block in blocks:
            by_partition.setdefault(block.tp.partition, []).extend(block.records)
        loop = asyncio.get_running_loop()
        async with self._lock:
            awake = self._pulse.interruptions
            await self._open(by_partition)
            for partition, records in by_partition.items():
                slot = self._slots[partition]
                applied = await loop.run_in_executor(self._pool, self._apply, slot, records)
                await self._write(slot, applied, awake)

    async def _write(self, slot: _Slot, applied: _Applied, awake: int) -> None:
        outbox = self._outbox()
        self._bury(outbox, applied.failures)
        for verdict in applied.verdicts:
            outbox.add("findings", verdict.declaration_id, verdict.model_dump_json(by_alias=True).encode())
            for finding in verdict.findings:
                self._metrics.findings.labels(finding.code).inc()
        await outbox.flush()
        self._check(slot, awake)
        for key, state in applied.changed.items():
            outbox.add(CHANGELOG, key, state, partition=slot.partition)
        reached = await outbox.flush()
        self._check(slot, awake)
        if reached:
            notes = {"changelog": str(max(reached)), "written": str(time.time())}
            await asyncio.get_running_loop().run_in_executor(self._pool, slot.store.put, applied.changed, notes)
        self._metrics.late.inc(applied.late)
        self._metrics.profiles_written.inc(len(applied.changed))
        warming = self.warming
        for profile in engine.profiles():
            self._metrics.warming.labels(profile.name).set(profile.name in warming)

    def _check(self, slot: _Slot, awake: int) -> None:
        self._pulse.check(awake)
        if slot.stale:
            raise StoodStill("the partition was given to another worker")

    def _apply(self, slot: _Slot, records: Sequence[ConsumerRecord]) -> _Applied:
        """Let the profiles learn; runs in the stage's own thread. Nothing is kept until :meth:`_write` has written it."""
        decoded, undecoded = guard.decode(records, guard.signals)
        states = slot.store.get(stage.keys(one.content for one in decoded))
        applied = _Applied(failures=undecoded)

        def learn(part: Sequence[Decoded[SignalBlock]]) -> None:
            profiled = engine.profile([Placed(one.content, one.record.offset) for one in part], states, self._lateness)
            # Nothing may be left behind by a part that raised, so this comes last.
            states.update(profiled.changed)
            applied.changed |= profiled.changed
            applied.verdicts += profiled.verdicts
            applied.late += profiled.late

        _, failures = guard.bisect(decoded, learn)
        applied.failures = [*undecoded, *failures]
        times = [fact.time for one in decoded for fact in one.content.facts]
        slot.latest = max([*times, *([slot.latest] if slot.latest else [])], default=None)
        slot.begin = stage.since(states.get(stage.SINCE)) or slot.begin
        self._sweep(slot, applied)
        return applied

    def _sweep(self, slot: _Slot, applied: _Applied) -> None:
        """Once a day of the stream, take out the states of keys that nothing was heard of for the time states are kept."""
        if slot.latest is None or (slot.swept is not None and slot.latest - slot.swept < _SWEEP):
            return
        slot.swept = slot.latest
        oldest = stage.seconds(slot.latest - timedelta(days=self._chosen.profile_days))
        for gone, (key, raw) in enumerate(slot.store.items()):
            if gone >= _SWEPT * 50:
                return
            envelope = stage.read(raw) if not key.startswith("@") else None
            if envelope is not None and envelope.latest < oldest and key not in applied.changed:
                applied.changed[key] = None

    async def _open(self, partitions: Iterable[int]) -> None:
        missing = [partition for partition in partitions if partition not in self._slots]
        if not missing:
            return
        epoch, loop = self._epoch, asyncio.get_running_loop()
        opened: dict[int, _Slot] = {}
        try:
            for partition in missing:
                store = await loop.run_in_executor(self._pool, self._store, partition)
                opened[partition] = _Slot(partition, store)
            await self._restore(opened)
            if epoch != self._epoch:
                raise StoodStill("partitions were given away while their states were restored")
        except BaseException:
            for slot in opened.values():
                self._pool.submit(slot.store.close)
            raise
        self._slots |= opened

    def _store(self, partition: int) -> ProfileStore:
        """Open the database of a partition.

        A worker of this machine that was stopped, or hangs, still has it open: then this one does with a temporary one,
        restored as a whole.
        """
        try:
            return ProfileStore(self._folder(partition))
        except InUseError as error:
            log.warning("another process has the profile states of a partition", partition=partition, error=str(error))
            return ProfileStore()

    def _folder(self, partition: int) -> Path:
        return self._chosen.state_dir / "profiles" / self._chosen.group / f"{self._changelog}-{partition}"

    async def _restore(self, slots: Mapping[int, _Slot]) -> None:
        """Bring databases up to the end of ``profiles``."""
        loop = asyncio.get_running_loop()
        begun = time.monotonic()
        consumer = AIOKafkaConsumer(group_id=None, **self._options)
        await consumer.start()
        applied = 0
        try:
            places = {TopicPartition(self._changelog, partition): slot for partition, slot in slots.items()}
            consumer.assign(list(places))
            firsts = await consumer.beginning_offsets(list(places))
            ends = await consumer.end_offsets(list(places))
            for place, slot in places.items():
                begin = await loop.run_in_executor(self._pool, _begun, slot.store, ends[place])
                consumer.seek(place, max(firsts[place], begin))
            while left := [place for place in places if await consumer.position(place) < ends[place]]:
                fetched = await consumer.getmany(*left, timeout_ms=1_000, max_records=_READ)
                self._reading()
                for place, records in fetched.items():
                    slot = places[place]
                    changed = {record.key.decode("utf-8", "replace"): record.value for record in records if record.key}
                    await loop.run_in_executor(self._pool, slot.store.put, changed)
                    applied += len(records)
            for place, slot in places.items():
                notes = {"changelog": str(ends[place]), "written": str(time.time())}
                await loop.run_in_executor(self._pool, slot.store.put, {}, notes)
                slot.begin = stage.since(
                    (await loop.run_in_executor(self._pool, slot.store.get, [stage.SINCE]))[stage.SINCE]
                )
        finally:
            await consumer.stop()
        seconds = round(time.monotonic() - begun, 2)
        log.info("profiles restored", partitions=sorted(slots), states_read=applied, seconds=seconds)


def _begun(store: ProfileStore, end: int) -> int:
    """Return from which offset of ``profiles`` on a database lacks states; it is emptied if it cannot be trusted."""
    noted, written = store.note("changelog"), store.note("written")
    if noted is None or written is None or int(noted) > end or time.time() - float(written) > STALE_SECONDS:
        store.clear()
        return 0
    return int(noted)
