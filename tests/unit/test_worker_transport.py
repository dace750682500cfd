"""Blocks of records, and the offsets that may be committed for them."""

from __future__ import annotations

import random
from collections import defaultdict
from types import SimpleNamespace
from typing import Any

import pytest
from faust.types import TP
from hypothesis import given
from hypothesis import strategies as st

from streams.worker.blocks import BLOCK_BYTES, BLOCK_RECORDS, blocks_of
from streams.worker.transport import WAITING_BYTES, WAITING_RECORDS, BlockConsumer, _Waiting

PLACE = TP("declarations", 0)


def _record(offset: int, size: int = 10) -> Any:
    return SimpleNamespace(offset=offset, value=b"x" * size, timestamp=1_000, timestamp_type=0)


def _sizes(*sizes: int) -> list[int]:
    return [len(run) for run in blocks_of([_record(n, size) for n, size in enumerate(sizes)])]


def test_blocks_are_bounded_in_records_and_in_bytes() -> None:
    assert _sizes() == []
    assert _sizes(*[10] * (2 * BLOCK_RECORDS + 1)) == [BLOCK_RECORDS, BLOCK_RECORDS, 1]
    assert _sizes(10, BLOCK_BYTES * 2, 10) == [1, 1, 1]
    assert _sizes(BLOCK_BYTES // 2, BLOCK_BYTES // 2, 1) == [2, 1]
    assert [len(run) for run in blocks_of([SimpleNamespace(offset=1, value=None)])] == [1]


class Consumer(BlockConsumer):
    """The bookkeeping of the consumer, without Kafka and services."""

    def __init__(self, committed: int | None = None) -> None:
        self._expected = {}
        self._starts = defaultdict(dict)
        self._acked = defaultdict(list)
        self._acked_index = defaultdict(set)
        self._committed_offset = defaultdict(lambda: None, {PLACE: committed})
        self._buffered_partitions: set[TP] = set()
        self._waiting = defaultdict(_Waiting)
        self.flow_active = True
        self.tracked: list[int] = []
        monitor = SimpleNamespace(track_tp_end_offset=lambda tp, end: None)
        self.app = SimpleNamespace(consumer_generation_id=1, monitor=monitor)
        self.fetched: dict[TP, list[Any]] = {}

    should_stop = False  # type: ignore[assignment]

    async def _wait_next_records(self, timeout: float) -> Any:  # noqa: ASYNC109 - the signature of Faust
        return self.fetched, None

    def highwater(self, tp: TP) -> int:
        return 10**6

    async def blocks(self, *offsets: int) -> list[int]:
        """Fetch records of these offsets; return the message offsets (last offsets) of the blocks."""
        self.fetched = {PLACE: [_record(offset) for offset in offsets]}
        return [message.offset async for _, message in self.getmany(0)]

    def done(self, *lasts: int) -> None:
        """Acknowledge messages, as Faust's ``ack`` does it: an offset that is in the index already is not noted again."""
        self._acked[PLACE] += [last for last in lasts if last not in self._acked_index[PLACE]]
        self._acked_index[PLACE] |= set(lasts)

    def commit(self) -> int | None:
        """Commit what may be committed; return the offset."""
        offset = self._new_offset(PLACE)
        if offset is not None:
            self._committed_offset[PLACE] = offset
        return offset


async def test_a_run_of_blocks_is_committed_up_to_the_first_that_is_not_done() -> None:
    consumer = Consumer(committed=100)
    first = (await consumer.blocks(*range(100, 110)))[0]
    second = (await consumer.blocks(*range(110, 120)))[0]
    third = (await consumer.blocks(*range(120, 130)))[0]
    assert consumer.commit() is None
    consumer.done(third)
    assert consumer.commit() is None
    consumer.done(first)
    assert consumer.commit() == 110
    consumer.done(second)
    assert consumer.commit() == 130
    assert consumer.commit() is None
    assert not consumer._starts[PLACE]
    assert not consumer._acked_index[PLACE]


async def test_offsets_that_were_never_delivered_do_not_hold_up_a_commit() -> None:
    consumer = Consumer()
    consumer.done(*await consumer.blocks(7, 8, 11))  # the log begins at 7; 9 and 10 were compacted away
    assert consumer.commit() == 12
    consumer.done(*await consumer.blocks(15, 16))  # so were 12 to 14
    assert consumer.commit() == 17


async def test_blocks_thrown_away_leave_a_hole_that_no_commit_passes() -> None:
    consumer = Consumer(committed=0)
    consumer.done(*await consumer.blocks(0, 1, 2))
    consumer.fetched = {PLACE: [_record(offset) for offset in range(3, 3 + 2 * BLOCK_RECORDS)]}
    fetching = consumer.getmany(0)
    _, message = await anext(fetching)
    await fetching.aclose()  # the fetcher was stopped between two blocks
    consumer.done(message.offset)
    consumer.done(*await consumer.blocks(*range(1_000, 1_010)))
    assert consumer.commit() == 3 + BLOCK_RECORDS
    assert consumer.commit() is None


async def test_a_suspended_flow_delivers_nothing_and_reads_again() -> None:
    consumer = Consumer(committed=0)
    sought: list[TP] = []

    async def perform_seek() -> None:
        sought.append(PLACE)

    consumer.perform_seek = perform_seek  # type: ignore[method-assign]
    consumer.flow_active = False
    assert await consumer.blocks(0, 1) == []
    assert sought


async def test_what_was_handed_on_before_a_rebalance_no_longer_counts() -> None:
    consumer = Consumer(committed=0)
    old = await consumer.blocks(0, 1, 2)
    consumer._forget([PLACE])
    consumer._acked.pop(PLACE, None)
    consumer.done(*old)
    assert consumer.commit() is None
    consumer.done(*await consumer.blocks(0, 1, 2, 3))
    assert consumer.commit() == 4


async def test_a_block_read_again_after_a_rebalance_can_be_committed_although_its_first_reading_was_acknowledged() -> (
    None
):
    consumer = Consumer(committed=0)
    old = await consumer.blocks(0, 1, 2)
    consumer._forget([PLACE])
    consumer.done(*old)
    assert consumer.commit() is None
    consumer.done(*await consumer.blocks(0, 1, 2))
    assert consumer.commit() == 3


@given(st.lists(st.integers(1, 5), min_size=1, max_size=12), st.randoms(use_true_random=False))
async def test_commits_never_pass_what_is_not_done(lengths: list[int], chance: random.Random) -> None:
    consumer = Consumer(committed=0)
    ends: dict[int, int] = {}
    offset = 0
    for length in lengths:
        offset += chance.choice([0, 0, 3])
        (last,) = await consumer.blocks(*range(offset, offset + length))
        ends[last] = offset + length
        offset += length
    left = list(ends)
    chance.shuffle(left)
    while left:
        consumer.done(left.pop())
        consumer.commit()
        undone = min(left, default=None)
        reached = max((end for last, end in ends.items() if undone is None or last < undone), default=0)
        assert consumer._committed_offset[PLACE] == reached


async def test_a_partition_whose_blocks_wait_is_not_read_until_some_are_done_or_thrown_away() -> None:
    consumer = Consumer(committed=0)
    consumer.fetched = {PLACE: [_record(offset) for offset in range(WAITING_RECORDS)]}
    waiting = [message async for _, message in consumer.getmany(0)]
    assert consumer._waiting[PLACE].full()
    waiting[0].acked = True
    assert not consumer._waiting[PLACE].full()
    consumer.fetched = {PLACE: [_record(WAITING_RECORDS + n) for n in range(BLOCK_RECORDS)]}
    waiting += [message async for _, message in consumer.getmany(0)]
    assert consumer._waiting[PLACE].full()
    del waiting
    assert not consumer._waiting[PLACE].full()
    consumer.fetched = {PLACE: [_record(10_000, WAITING_BYTES)]}
    held = [message async for _, message in consumer.getmany(0)]
    assert consumer._waiting[PLACE].full()
    assert not consumer._waiting[TP("findings", 0)].full()
    del held


@pytest.mark.parametrize("generation", [1, 2])
async def test_blocks_carry_the_generation_they_were_fetched_in(generation: int) -> None:
    consumer = Consumer(committed=0)
    consumer.app.consumer_generation_id = generation
    consumer.fetched = {PLACE: [_record(0)]}
    assert [message.generation_id async for _, message in consumer.getmany(0)] == [generation]
