"""The stage ``intake``: raw topics to declarations, with an identity and versions.

Each raw partition has a database of its own (:mod:`streams.intake.store`) under the state folder, and its changes go to the
compacted topic ``intake``, from which a worker that never saw the partition builds the same database.

**Killed at any moment, nothing is lost and nothing doubled.** A batch is written in this order, each step acknowledged before
the next: declarations and dead letters; changes to ``intake``; the transaction of the database; the offsets of the raw topic.
What follows from a record is a function of the record and of what was remembered before it (no clock: what waits in vain is
told by the time of records), so

- killed before the changes are in ``intake``: the records come again and meet what was remembered before them. The same
  declarations (id, version, event, content) and dead letters (id) are written once more, which changes nothing for their readers;
- killed after that: the records come again and are known by their digests, here or wherever the changes are restored, and
  nothing is written;
- killed in between: changes are sent to one partition by an idempotent producer, so some of them from the first on are there:
  bodies before the lives that use them, and only then that messages wait no more. A life is one record, so each message is known
  or not. Those that are not are done again; those that are look once more for what waited for their names;
- a worker that lost the partition and does not know it yet finds out before it writes changes (the pulse, and the partition
  being dropped on revocation), as the correlate stage does.

Messages that wait are given up by the time of the records that come; while none come, and the topic is read to its end, by
the clock (:meth:`Intake.tick`).
"""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import Callable, Collection, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial
from typing import Any, Final

import structlog
from aiokafka.structs import ConsumerRecord
from faust.types import TP

from schemas.dead_letter import DeadLetter, Stage
from schemas.decode import MAX_RECORD_BYTES
from schemas.errors import FeedError, RecordError
from schemas.feeds import PartError
from streams import topics
from streams.intake.assembly import Outcome
from streams.intake.decoding import Raw, messages
from streams.intake.saying import Received
from streams.settings import Settings
from streams.worker import dead_letters, guard
from streams.worker.blocks import Block
from streams.worker.intake_memory import CHANGELOG, Memories, Slot
from streams.worker.metrics import Metrics
from streams.worker.outbox import Outbox
from streams.worker.pulse import Pulse, StoodStill

log = structlog.stdlib.get_logger(__name__)

#: Seconds between two looks at what waits, while no records come.
TICK_SECONDS: Final = 1.0
#: Room beside a declaration's JSON in its record.
_FRAME_BYTES: Final = 16 * 1024


@dataclass
class _Worked:
    """What follows from the records of one partition."""

    written: list[tuple[str, bytes]] = field(default_factory=list)
    letters: list[DeadLetter] = field(default_factory=list)
    formats: Counter[str] = field(default_factory=Counter)
    duplicates: int = 0
    doubtful: int = 0


class Intake:
    """The intake of one worker.

    Parameters
    ----------
    outbox : makes the outbox of a batch.
    options : connection of the plain consumer that restores (``streams.clients.aio_consumer_options``).
    pulse : tells whether the process stood still.
    reading : called with every read of a restoration, which may take long.
    """

    def __init__(
        self,
        chosen: Settings,
        outbox: Callable[[], Outbox],
        options: Mapping[str, Any],
        metrics: Metrics,
        pulse: Pulse,
        reading: Callable[[], None] = lambda: None,
    ) -> None:
        self._chosen = chosen
        self._outbox = outbox
        self._metrics = metrics
        self._pulse = pulse
        self._lock = asyncio.Lock()
        self._pool = ThreadPoolExecutor(1, thread_name_prefix="intake")
        self._memories = Memories(chosen, options, metrics, self._pool, reading)

    @property
    def names(self) -> list[str]:
        """The raw topics, as the cluster names them."""
        return list(self._memories.systems)

    def close(self) -> None:
        """Let go of everything."""
        self.drop(list(self._memories.slots))
        self._pool.shutdown(wait=False)

    def drop(self, places: Sequence[TP]) -> None:
        """Let go of partitions that are no longer ours."""
        self._memories.drop(places)

    async def run(self, blocks: Sequence[Block]) -> None:
        """Take in the records of a batch."""
        by_place: dict[TP, list[ConsumerRecord]] = {}
        for block in blocks:
            by_place.setdefault(block.tp, []).extend(block.records)
        async with self._lock:
            awake = self._pulse.interruptions
            await self._memories.open(by_place)
            for tp, records in by_place.items():
                slot = self._memories.slots[tp]
                await self._worked(slot, partial(self._take, slot, records), awake)
                self._metrics.last_message.labels(slot.system).set(records[-1].timestamp / 1000)

    async def tick(self, idle: Collection[TP], now: float | None = None) -> None:
        """Give up what waited too long by the clock, in partitions that are read to their end; forget what is old.

        Parameters
        ----------
        idle : the partitions without a record left to read.
        now : seconds since 1970, in place of the clock.
        """
        at = int((time.time() if now is None else now) * 1_000_000)
        async with self._lock:
            awake = self._pulse.interruptions
            ours = [tp for tp in idle if tp.topic in self._memories.systems]
            await self._memories.open(ours)  # what waits there must not wait for the next record
            for tp in ours:
                slot = self._memories.slots.get(tp)
                if slot is not None:
                    await self._worked(slot, partial(self._passing, slot, at), awake)

    async def _worked(self, slot: Slot, work: Callable[[], _Worked], awake: int) -> None:
        """Do work on a partition's memory, write what follows, and commit."""
        loop = asyncio.get_running_loop()
        try:
            worked = await loop.run_in_executor(self._pool, work)
            changes = await loop.run_in_executor(self._pool, slot.store.changes)
            outbox = self._outbox()
            for declaration_id, raw in worked.written:
                outbox.add("declarations", declaration_id, raw)
            for letter in worked.letters:
                outbox.add("declarations.dlq", letter.key, letter.model_dump_json(by_alias=True).encode())
            await outbox.flush()
            self._check(slot, awake)
            for key, value in changes.items():
                outbox.add(CHANGELOG, f"{slot.prefix}{key}", value, partition=0)
            reached = await outbox.flush()
            self._check(slot, awake)
            await loop.run_in_executor(self._pool, self._commit, slot, max(reached.values(), default=None))
        except BaseException:
            if not slot.stale:
                await loop.run_in_executor(self._pool, slot.store.rollback)
            raise
        self._count(slot, worked)

    def _check(self, slot: Slot, awake: int) -> None:
        self._pulse.check(awake)
        if slot.stale:
            raise StoodStill("the partition was given to another worker")

    @staticmethod
    def _commit(slot: Slot, reached: int | None) -> None:
        if reached is not None:
            slot.store.note("changelog", str(reached))
            slot.store.note("written", str(time.time()))
        slot.store.commit()

    def _count(self, slot: Slot, worked: _Worked) -> None:
        for form, count in worked.formats.items():
            self._metrics.messages.labels(slot.system, form).inc(count)
        self._metrics.duplicates.labels(slot.system).inc(worked.duplicates)
        self._metrics.doubtful_mrns.labels(slot.system).inc(worked.doubtful)
        self._metrics.waiting.labels(slot.system, slot.partition).set(slot.store.waiting)
        for letter in worked.letters:
            self._metrics.dead_letters.labels(letter.stage).inc()
            log.warning("dead letter", stage=letter.stage, origin=letter.origin, error=letter.error)

    # What follows runs in the intake's thread.

    def _take(self, slot: Slot, records: Sequence[ConsumerRecord]) -> _Worked:
        worked = _Worked()
        slot.store.begin()
        last = 0
        for record in records:
            if record.timestamp - last >= 1_000:
                last = record.timestamp
                self._add(slot, worked, slot.assembly.release(record.timestamp * 1_000))
            self._record(slot, record, worked)
        return worked

    def _passing(self, slot: Slot, at: int) -> _Worked:
        worked = _Worked()
        slot.store.begin()
        self._add(slot, worked, slot.assembly.release(at))
        slot.store.forget(at - int(self._chosen.intake_days * 86_400_000_000))
        return worked

    def _record(self, slot: Slot, record: ConsumerRecord, worked: _Worked) -> None:
        """Decode one record and take in its messages; whatever it holds, it harms no other."""
        origin = dead_letters.origin_of(topics.raw(slot.system), record)
        value = record.value
        if value is None:
            self._bury(worked, origin, "feed", FeedError("the record has no value"), b"", None, 0)
            return
        raw = Raw(value, dict(record.headers), slot.system, origin, guard.arrived(record))
        part = 0
        try:
            for part, said in enumerate(messages(raw)):
                if isinstance(said, FeedError):
                    kept = said.raw if isinstance(said, PartError) and said.raw is not None else value
                    self._bury(worked, origin, "feed", said, kept, raw.format, part)
                    continue
                form = said.source.format
                worked.formats[form] += 1
                received = Received(said, record.timestamp * 1_000, record.offset, part, value, raw.format)
                try:
                    with slot.store.attempt():
                        outcome = slot.assembly.apply(received)
                except guard.FAILURES as error:
                    self._bury(worked, origin, "intake", error, value, form, part)
                else:
                    self._add(slot, worked, outcome)
        except guard.FAILURES as error:
            self._bury(worked, origin, "feed", error, value, raw.format, part)

    def _add(self, slot: Slot, worked: _Worked, outcome: Outcome) -> None:
        worked.duplicates += outcome.duplicates
        worked.doubtful += len(outcome.doubtful)
        for mrn in outcome.doubtful:
            log.warning("MRN with a wrong check digit", system=slot.system, mrn=mrn)
        for refused in outcome.refused:
            self._bury(
                worked, refused.origin, "intake", refused.error, refused.raw or None, refused.format, refused.part
            )
        for written in outcome.written:
            if len(written.raw) > MAX_RECORD_BYTES - _FRAME_BYTES:
                error = RecordError(f"the declaration of {len(written.raw):,} bytes is larger than a record may be")
                self._bury(worked, written.origin, "intake", error, None, None, 0)
            else:
                worked.written.append((written.declaration_id, written.raw))

    def _bury(
        self,
        worked: _Worked,
        origin: str,
        stage: Stage,
        error: BaseException,
        raw: bytes | None,
        form: str | None,
        part: int,
    ) -> None:
        at = datetime.now(UTC)
        worked.letters.append(dead_letters.letter(origin, stage, error, at, raw, format=form, part=part))
