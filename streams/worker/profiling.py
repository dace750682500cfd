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
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Final, NamedTuple

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
from streams.worker.blocks import Block, size_of
from streams.worker.guard import Decoded, Failure
from streams.worker.metrics import Metrics
from streams.worker.outbox import Outbox
from streams.worker.pulse import Pulse, StoodStill
from streams.worker.turns import Turns

log = structlog.stdlib.get_logger(__name__)

CHANGELOG: Final = "profiles"
#: A database that was not written for so long is built anew: ``profiles`` may have forgotten that something is gone (Kafka
#: keeps the news of a deletion for 24 hours, ``delete.retention.ms``).
STALE_SECONDS: Final = 20 * 3600.0
_READ: Final = 5_000
#: Signals that profiles learn from at once: some 100 facts, tens of milliseconds.
_PART_BYTES: Final = 64 * 1024
#: After so long (seconds) a judgement that waits goes before the next part. Long enough to keep up beside judgements of a
#: few hundred declarations, short beside the time to an alert.
_TURN_SECONDS: Final = 0.05
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


class _Written(NamedTuple):
    """A verdict as it is written, and what it finds."""

    declaration_id: str
    raw: bytes
    codes: tuple[str, ...]


@dataclass
class _Applied:
    """What the blocks of a partition gave."""

    slot: _Slot
    verdicts: list[_Written] = field(default_factory=list)
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
    turns : shared with the stage that judges.
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
        turns: Turns | None = None,
    ) -> None:
        self._chosen = chosen
        self._turns = turns or Turns()
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
            work = [(self._slots[partition], records) for partition, records in by_partition.items()]
            applied = await loop.run_in_executor(self._pool, self._apply_all, work)
            await self._write(applied, awake)

    async def _write(self, applied: Sequence[_Applied], awake: int) -> None:
        """Write what the partitions of a batch gave, all together: each wait for Kafka is one for all of them."""
        outbox = self._outbox()
        for one in applied:
            self._bury(outbox, one.failures)
            for verdict in one.verdicts:
                outbox.add("findings", verdict.declaration_id, verdict.raw)
                for code in verdict.codes:
                    self._metrics.findings.labels(code).inc()
        await outbox.flush()
        self._check(applied, awake)
        for one in applied:
            for key, state in one.changed.items():
                outbox.add(CHANGELOG, key, state, partition=one.slot.partition)
        reached = await outbox.flush()
        self._check(applied, awake)
        await asyncio.get_running_loop().run_in_executor(self._pool, self._keep, applied, reached)
        for one in applied:
            self._metrics.late.inc(one.late)
            self._metrics.profiles_written.inc(len(one.changed))
        warming = self.warming
        for profile in engine.profiles():
            self._metrics.warming.labels(profile.name).set(profile.name in warming)

    def _keep(self, applied: Sequence[_Applied], reached: Mapping[tuple[str, int], int]) -> None:
        for one in applied:
            end = reached.get((self._changelog, one.slot.partition))
            if end is not None:
                one.slot.store.put(one.changed, {"changelog": str(end), "written": str(time.time())})

    def _check(self, applied: Sequence[_Applied], awake: int) -> None:
        self._pulse.check(awake)
        if any(one.slot.stale for one in applied):
            raise StoodStill("a partition was given to another worker")

    def _apply_all(self, work: Sequence[tuple[_Slot, Sequence[ConsumerRecord]]]) -> list[_Applied]:
        """Let the profiles learn; runs in the stage's own thread. Nothing is kept until :meth:`_write` has written it."""
        applied = [_Applied(slot) for slot, _ in work]
        parts = deque((one, part) for one, (_, records) in zip(applied, work, strict=True) for part in _parts(records))
        while parts:
            with self._turns.after():
                over = time.monotonic() + _TURN_SECONDS
                while parts and time.monotonic() < over:
                    one, part = parts.popleft()
                    if one.slot.stale:  # whoever has it now waits for its database
                        raise StoodStill("a partition was given to another worker")
                    self._apply(one, part)
        for one in applied:
            self._sweep(one.slot, one)
        return applied

    def _apply(self, applied: _Applied, records: Sequence[ConsumerRecord]) -> None:
        slot = applied.slot
        decoded, undecoded = guard.decode(records, guard.signals)
        keys = stage.keys(one.content for one in decoded)
        states = slot.store.get([key for key in keys if key not in applied.changed])
        states |= {key: applied.changed[key] for key in keys if key in applied.changed}

        def learn(part: Sequence[Decoded[SignalBlock]]) -> None:
            profiled = engine.profile([Placed(one.content, one.record.offset) for one in part], states, self._lateness)
            verdicts = [_written(verdict) for verdict in profiled.verdicts]
            # Nothing may be left behind by a part that raised, so this comes last.
            states.update(profiled.changed)
            applied.changed |= profiled.changed
            applied.verdicts += verdicts
            applied.late += profiled.late

        _, failures = guard.bisect(decoded, learn)
        applied.failures += [*undecoded, *failures]
        times = [fact.time for one in decoded for fact in one.content.facts]
        slot.latest = max([*times, *([slot.latest] if slot.latest else [])], default=None)
        slot.begin = stage.since(states.get(stage.SINCE)) or slot.begin

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


def _parts(records: Sequence[ConsumerRecord]) -> Iterator[Sequence[ConsumerRecord]]:
    """Cut records into runs of at least so many bytes that a run takes much longer than to begin it."""
    begin = size = 0
    for index, record in enumerate(records):
        size += size_of(record)
        if size >= _PART_BYTES:
            yield records[begin : index + 1]
            begin, size = index + 1, 0
    if begin < len(records):
        yield records[begin:]


def _written(verdict: Verdict) -> _Written:
    raw = verdict.model_dump_json(by_alias=True).encode()
    return _Written(verdict.declaration_id, raw, tuple(finding.code for finding in verdict.findings))


def _begun(store: ProfileStore, end: int) -> int:
    """Return from which offset of ``profiles`` on a database lacks states; it is emptied if it cannot be trusted."""
    noted, written = store.note("changelog"), store.note("written")
    if noted is None or written is None or int(noted) > end or time.time() - float(written) > STALE_SECONDS:
        store.clear()
        return 0
    return int(noted)
