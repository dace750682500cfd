"""Kafka in blocks: the Faust transport of the worker.

Stock Faust moves one message at a time, and each pays for two futures, five event-loop turns, sensors, an event object
and an entry in the ack lists: 150 to 250 us of a core before any work is done (faust-streaming 0.15.3; most of it in
``Consumer._drain_messages``, which wraps every message in ``wait_first(callback, suspend_flow.wait())``). Detection works
on batches anyway, so here one *Faust message is a block*: up to 256 consecutive records of one
partition, as they came from one fetch. Everything Faust does for a message (flow control, back-pressure, suspension in
a rebalance, generation checks, acknowledgement) it now does for a block, by the same unchanged code; only two things
had to be said anew:

- :meth:`BlockConsumer.getmany` yields blocks, and remembers for each the offset where it starts: where the block before it
  ended, so that offsets that were never delivered (compacted away, transaction markers) do not hold up a commit;
- :meth:`BlockConsumer._new_offset` commits the end of the unbroken run of acknowledged blocks. A block that was fetched but
  thrown away (flow suspended, rebalance) leaves a hole that no later commit can pass, so its records come again.

Back-pressure is by partition: one whose blocks wait for their agent (:data:`WAITING_RECORDS`, :data:`WAITING_BYTES`) is not
read until some are acknowledged. Stock Faust lets its one reading loop wait at the full queue of one agent, and so the
agents behind it (here ``correlate``, and with it every alert) wait for the backlog of the agent before them.

Three more settings differ from stock. A fetch waits at the broker until there are :data:`FETCH_BYTES`, but
:data:`FETCH_WAIT_MS` at most. The short wait, because aiokafka keeps one fetch under way for each broker, and while that waits
for news of an idle topic (stock: 1.5 s) a busy topic of the same broker is not fetched, which stalls the flow for a second at
a time. The bytes, because a fetch for every single record of a quiet feed costs more than judging it: so the broker
gathers for us. And the producer is idempotent, so that a retried send never writes a record twice.
"""

from __future__ import annotations

import asyncio
import logging
from collections import defaultdict, deque
from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from typing import Any, NamedTuple
from weakref import ref

from aiokafka.structs import ConsumerRecord
from faust.transport.drivers import aiokafka as driver
from faust.types import TP
from faust.types.tuples import ConsumerMessage, ack_lock
from mode.utils.futures import notify

from streams.worker.blocks import Block, in_turns, size_of

logger = logging.getLogger(__name__)

#: A partition with so much handed on and not yet acknowledged is not read further.
WAITING_RECORDS = 2_048
WAITING_BYTES = 32 * 1024 * 1024
#: Seconds until such a partition is looked at again.
_FULL_SECONDS = 0.01
#: A fetch is answered with so many bytes, or after so many milliseconds with what there is.
FETCH_BYTES = 64 * 1024
FETCH_WAIT_MS = 20


class _Waiting:
    """The blocks of one partition that were handed on and are not done with."""

    def __init__(self) -> None:
        # Weakly: a message that was thrown away waits for nobody.
        self._messages: deque[tuple[ref[ConsumerMessage], int, int]] = deque()
        self._records = 0
        self._size = 0

    def add(self, message: ConsumerMessage) -> None:
        block: Block = message.value
        size = sum(size_of(record) for record in block.records)
        self._messages.append((ref(message), len(block), size))
        self._records += len(block)
        self._size += size

    def full(self) -> bool:
        """Tell whether no more should be read for now."""
        while self._messages:  # blocks of a partition are done in order, or thrown away together
            handle, records, size = self._messages[0]
            message = handle()
            if message is not None and not message.acked:
                break
            self._messages.popleft()
            self._records -= records
            self._size -= size
        return self._records >= WAITING_RECORDS or self._size >= WAITING_BYTES


class _ConsumerThread(driver.AIOKafkaConsumerThread):  # type: ignore[misc]
    logger = driver.logger

    def _create_worker_consumer(self, transport: Any) -> Any:
        consumer = super()._create_worker_consumer(transport)
        # Faust has no settings for these; they are read when the consumer starts.
        consumer._fetch_min_bytes = FETCH_BYTES
        consumer._fetch_max_wait_ms = FETCH_WAIT_MS
        return consumer


class BlockConsumer(driver.Consumer):  # type: ignore[misc]
    """The aiokafka consumer of Faust, with blocks for messages."""

    logger = driver.logger  # its events are Faust's, and logged like those

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        #: Offset that follows the last record handed on, by partition.
        self._expected: dict[TP, int] = {}
        #: Where each block handed on starts, by partition and its last offset (which is its offset as a message).
        self._starts: defaultdict[TP, dict[int, int]] = defaultdict(dict)
        self._waiting: defaultdict[TP, _Waiting] = defaultdict(_Waiting)

    def _new_consumer_thread(self) -> Any:
        return _ConsumerThread(self, loop=self.loop, beacon=self.beacon)

    async def getmany(self, timeout: float) -> AsyncIterator[tuple[TP, Any]]:  # noqa: ASYNC109 - the signature of Faust
        """Fetch once and yield ``(partition, message)`` where the message's value is a :class:`Block`."""
        fetched, active = await self._wait_next_records(timeout)
        generation = self.app.consumer_generation_id
        if fetched is None or self.should_stop:
            return
        if not self.flow_active:
            # A rebalance began while the fetch was under way: read this again once it is over.
            try:
                await self.perform_seek()
                for tp, records in fetched.items():
                    if self._committed_offset[tp] is None:  # nothing committed yet, so nothing to seek to
                        await self.seek(tp, records[0].offset)
            except Exception as error:
                logger.warning("cannot seek to the committed offsets while suspended: %r", error)
            return
        pending = in_turns(fetched)
        pending.reverse()
        try:
            while pending and self.flow_active and self.app.consumer_generation_id == generation:
                tp, records = pending.pop()
                last = records[-1].offset
                start = self._next_start(tp, records)
                self._expected[tp] = last + 1
                if active is None or tp in active or tp in self._buffered_partitions:
                    self.app.monitor.track_tp_end_offset(tp, self.highwater(tp))
                    self._starts[tp][last] = start
                    message = self._message(tp, records)
                    self._waiting[tp].add(message)
                    yield tp, message
        finally:
            # Thrown away, not delivered: step over them, so that the hole shows.
            if self.app.consumer_generation_id == generation:
                for tp, records in reversed(pending):
                    self._expected[tp] = records[-1].offset + 1

    async def _getmany(self, active_partitions: set[TP] | None, timeout: float) -> Any:  # noqa: ASYNC109
        wanted = active_partitions if active_partitions is not None else self.assignment()
        hungry = {tp for tp in wanted if not self._waiting[tp].full()}
        if len(hungry) == len(wanted):
            return await super()._getmany(active_partitions, timeout)
        if not hungry:  # an empty set would mean all of them
            await self.sleep(_FULL_SECONDS)
            return {}
        return await super()._getmany(hungry, _FULL_SECONDS)

    def _next_start(self, tp: TP, records: Sequence[ConsumerRecord]) -> int:
        first: int = records[0].offset
        expected = self._expected.get(tp)
        if expected is None:
            expected = self._committed_offset[tp]
        return first if expected is None else min(expected, first)

    def _message(self, tp: TP, records: Sequence[ConsumerRecord]) -> ConsumerMessage:
        last = records[-1]
        return ConsumerMessage(
            tp.topic,
            tp.partition,
            last.offset,
            last.timestamp / 1000.0,
            last.timestamp_type,
            None,
            None,
            Block(tp, records),
            None,
            0,
            0,
            tp,
            generation_id=self.app.consumer_generation_id,
        )

    async def _add_gap(self, tp: TP, offset_from: int, offset_to: int) -> None:
        """Do nothing: a block starts where the one before it ended."""

    def _new_offset(self, tp: TP) -> int | None:
        """Return the end of the unbroken run of acknowledged blocks after the committed offset, and forget that run."""
        with ack_lock:
            starts, acked = self._starts[tp], self._acked[tp]
            # Handed on before a rebalance: forgotten in the index too, or the same block, read again, could not be acknowledged.
            self._acked_index[tp].difference_update([last for last in acked if last not in starts])
            acked[:] = sorted(last for last in acked if last in starts)
            reached = self._committed_offset[tp]
            done = 0
            for last in acked:
                if reached is not None and starts[last] > reached:
                    break
                reached = last + 1 if reached is None else max(reached, last + 1)
                done += 1
            settled = acked[:done]
            del acked[:done]
            self._acked_index[tp].difference_update(settled)
            for last in settled:
                del starts[last]
            return reached if done else None

    def abandon(self, message: ConsumerMessage) -> None:
        """Give a message up that is delivered again after a rebalance or a restart: nobody shall wait for its end."""
        self._unacked_messages.discard(message)
        notify(self._waiting_for_ack)

    def abandon_all(self) -> None:
        """Give up all that is under way."""
        self._unacked_messages.clear()
        notify(self._waiting_for_ack)

    async def perform_seek(self) -> None:
        """Go back to the committed offsets."""
        self._forget(list(self._expected))
        await super().perform_seek()

    async def seek(self, partition: TP, offset: int) -> None:
        """Go to an offset of one partition."""
        self._forget([partition])
        await super().seek(partition, offset)

    async def on_partitions_revoked(self, revoked: set[TP]) -> None:
        """Forget where revoked partitions stood."""
        self._forget(revoked)
        await super().on_partitions_revoked(revoked)

    def _forget(self, partitions: Iterable[TP]) -> None:
        for tp in partitions:
            self._expected.pop(tp, None)
            self._starts.pop(tp, None)
            self._waiting.pop(tp, None)

    def backlog(self) -> dict[TP, int]:
        """Return for each assigned partition how many offsets lie between what is committed and the end of the log."""
        lags: dict[TP, int] = {}
        for tp in self.assignment():
            end = self.highwater(tp)
            if end is not None:
                committed = self._committed_offset[tp]
                lags[tp] = max(0, end - (committed or 0))
        return lags


class Letter(NamedTuple):
    """A record to be sent."""

    key: bytes | None
    value: bytes | None
    headers: Sequence[tuple[str, bytes]] = ()


class IdempotentProducer(driver.Producer):  # type: ignore[misc]
    """The aiokafka producer of Faust; a send that is retried after a lost reply is written once.

    Records go out by :meth:`send_run`, many at a time.
    """

    logger = driver.logger

    def _settings_extra(self) -> Mapping[str, Any]:
        return {"acks": "all", "enable_idempotence": True}

    async def partition_of(self, topic: str, key: bytes | None) -> int:
        """Return the partition that a key belongs to; one of any for no key."""
        await self._ensure_producer().partitions_for(topic)
        return int(self.key_partition(topic, key).partition)

    async def send_run(self, topic: str, partition: int, letters: Sequence[Letter]) -> int:
        """Send records of one partition in their order; return the offset that follows the last once Kafka has them all.

        As whole batches: stock ``send`` makes a future, a signal and a tuple for every record, which costs more than all else
        that is done for a changed state of a profile.
        """
        producer = self._ensure_producer()
        builder = producer.create_batch()
        sent: list[tuple[int, Any]] = []
        for letter in letters:
            if _append(builder, letter) is None:  # full
                sent.append((builder.record_count(), await producer.send_batch(builder, topic, partition=partition)))
                builder = producer.create_batch()
                _append(builder, letter)  # the first one always fits; if it is too large, Kafka says so
        if builder.record_count():
            builder.close()
            sent.append((builder.record_count(), await producer.send_batch(builder, topic, partition=partition)))
        end = 0
        for outcome, (count, _) in zip(await asyncio.gather(*(future for _, future in sent)), sent, strict=True):
            end = outcome.offset + count
        return end


def _append(builder: Any, letter: Letter) -> Any:
    return builder.append(timestamp=None, key=letter.key, value=letter.value, headers=list(letter.headers))


class BlockTransport(driver.Transport):  # type: ignore[misc]
    """The transport of the worker: ``app.transport = BlockTransport(app.conf.broker_consumer, app)``."""

    Consumer = BlockConsumer
    Producer = IdempotentProducer
