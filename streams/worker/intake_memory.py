"""The memory of the intake's raw partitions: a database each, brought up to the end of the compacted topic ``intake``."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, Final

import structlog
from aiokafka import AIOKafkaConsumer
from aiokafka.structs import TopicPartition
from faust.types import TP

from streams import topics
from streams.intake.assembly import Assembly
from streams.intake.store import Store
from streams.settings import Settings
from streams.worker.metrics import Metrics
from streams.worker.pulse import StoodStill

log = structlog.stdlib.get_logger(__name__)

CHANGELOG: Final = "intake"
#: A database that was not written for so long is built anew: ``intake`` may have forgotten that something is gone (Kafka
#: keeps the news of a deletion for 24 hours, ``delete.retention.ms``).
STALE_SECONDS: Final = 20 * 3600.0
_READ: Final = 2_000


@dataclass
class Slot:
    """The memory of one raw partition; ``stale`` once the partition is no longer ours."""

    system: str
    partition: int
    store: Store
    assembly: Assembly
    stale: bool = False

    @property
    def prefix(self) -> str:
        """What the keys of its changes begin with."""
        return f"{self.system}/{self.partition}/"


class Memories:
    """The memory of every raw partition that is ours.

    Parameters
    ----------
    options : connection of the plain consumer that restores (``streams.clients.aio_consumer_options``).
    pool : the one thread in which databases are used.
    reading : called with every read of a restoration, which may take long.
    """

    def __init__(
        self,
        chosen: Settings,
        options: Mapping[str, Any],
        metrics: Metrics,
        pool: ThreadPoolExecutor,
        reading: Callable[[], None],
    ) -> None:
        self._chosen = chosen
        self._options = dict(options)
        self._metrics = metrics
        self._pool = pool
        self._reading = reading
        named = topics.named(chosen)
        self._changelog = named[CHANGELOG]
        #: Source systems by the names of their raw topics in the cluster.
        self.systems = {named[topics.raw(system)]: system for system in topics.systems(chosen)}
        self.slots: dict[TP, Slot] = {}
        self._epoch = 0

    def drop(self, places: Sequence[TP]) -> None:
        """Let go of partitions that are no longer ours."""
        self._epoch += 1
        for tp in places:
            slot = self.slots.pop(tp, None)
            if slot is not None:
                slot.stale = True
                self._metrics.waiting.remove_by_labels({"system": slot.system, "partition": str(slot.partition)})
                self._pool.submit(self._closed, slot.store)

    @staticmethod
    def _closed(store: Store) -> None:
        store.rollback()
        store.close()

    async def open(self, places: Iterable[TP]) -> None:
        """Have the memory of partitions, restored for those that were not asked for since they were assigned."""
        missing = [tp for tp in places if tp not in self.slots]
        if not missing:
            return
        epoch = self._epoch
        opened: dict[TP, Slot] = {}
        try:
            for tp in missing:
                place = self._chosen.state_dir / "intake" / self._chosen.group / f"{tp.topic}-{tp.partition}.sqlite"
                store = await asyncio.get_running_loop().run_in_executor(self._pool, Store, place)
                assembly = Assembly(store, self._chosen.intake_wait_seconds, self._chosen.intake_waiting)
                opened[tp] = Slot(self.systems[tp.topic], tp.partition, store, assembly)
            await self._restore(list(opened.values()))
            if epoch != self._epoch:
                raise StoodStill("partitions were given away while their memory was restored")
        except BaseException:
            for slot in opened.values():
                self._pool.submit(self._closed, slot.store)
            raise
        self.slots |= opened

    async def _restore(self, slots: Sequence[Slot]) -> None:
        """Bring the memory of partitions up to the end of ``intake``, reading it once."""
        loop = asyncio.get_running_loop()
        place = TopicPartition(self._changelog, 0)
        consumer = AIOKafkaConsumer(group_id=None, **self._options)
        await consumer.start()
        applied = 0
        try:
            consumer.assign([place])
            first = (await consumer.beginning_offsets([place]))[place]
            end = (await consumer.end_offsets([place]))[place]
            begins = [await loop.run_in_executor(self._pool, self._begun, slot.store, end) for slot in slots]
            consumer.seek(place, max(first, min(begins)))
            while await consumer.position(place) < end:
                fetched = (await consumer.getmany(place, timeout_ms=1_000, max_records=_READ)).get(place, [])
                self._reading()
                for slot, begin in zip(slots, begins, strict=True):
                    wanted = slot.prefix.encode()
                    ours = [
                        (record.key[len(wanted) :].decode(), record.value)
                        for record in fetched
                        if record.offset >= begin and (record.key or b"").startswith(wanted)
                    ]
                    if ours:
                        await loop.run_in_executor(self._pool, _applied, slot.store, ours, None)
                        applied += len(ours)
            for slot in slots:
                await loop.run_in_executor(self._pool, _applied, slot.store, (), end)
                self._metrics.waiting.labels(slot.system, slot.partition).set(slot.store.waiting)
        finally:
            await consumer.stop()
        counts = [await loop.run_in_executor(self._pool, slot.store.counts) for slot in slots]
        log.info(
            "intake restored",
            partitions=[slot.prefix[:-1] for slot in slots],
            changes=applied,
            lives=sum(one["lives"] for one in counts),
            waiting=sum(one["waiting"] for one in counts),
        )

    @staticmethod
    def _begun(store: Store, end: int) -> int:
        """Return from which offset of ``intake`` on a database lacks changes; it is emptied if it cannot be trusted."""
        noted, written = store.about("changelog"), store.about("written")
        if noted is None or written is None:
            return 0
        if int(noted) > end:
            log.warning("the topic intake was made anew; what this worker remembers is kept", noted=int(noted), end=end)
            return 0
        if time.time() - float(written) > STALE_SECONDS:
            store.clear()
            return 0
        return int(noted)


def _applied(store: Store, changes: Sequence[tuple[str, bytes | None]], reached: int | None) -> None:
    store.begin()
    for key, value in changes:
        try:
            store.take(key, value)
        except Exception as error:  # the topic is open to everybody who may write to the cluster
            log.warning("record passed over", topic=CHANGELOG, error=type(error).__name__)
    if reached is not None:
        store.note("changelog", str(reached))
        store.note("written", str(time.time()))
    store.commit()
