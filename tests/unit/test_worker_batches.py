"""How blocks gather to batches, and how a process notices that it stood still."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from types import SimpleNamespace
from typing import Any

import pytest

from streams.worker.gathering import BATCH_RECORDS, batches
from streams.worker.pulse import Pulse, StoodStill


class Stream:
    """A stream of events with blocks of given sizes, put into a queue by the test."""

    def __init__(self) -> None:
        self.queue: asyncio.Queue[Any] = asyncio.Queue()
        self.channel = SimpleNamespace(queue=self.queue)
        self.enable_acks = True

    def put(self, *sizes: int) -> None:
        for size in sizes:
            self.queue.put_nowait(SimpleNamespace(value=range(size)))

    async def events(self) -> AsyncIterator[Any]:
        while True:
            yield await self.queue.get()


def _sizes(batch: list[Any]) -> list[int]:
    return [len(event.value) for event in batch]


async def test_what_waits_becomes_one_batch_up_to_the_limit() -> None:
    stream = Stream()
    stream.put(1, 2, 3)
    gathering = batches(stream, 0.01)
    assert _sizes(await anext(gathering)) == [1, 2, 3]
    assert stream.enable_acks is False, "the caller acknowledges"
    stream.put(256, 256, 256, 256, 256, BATCH_RECORDS + 1, 1)
    assert _sizes(await anext(gathering)) == [256, 256, 256, 256]
    assert _sizes(await anext(gathering)) == [256, BATCH_RECORDS + 1]
    assert _sizes(await anext(gathering)) == [1]


async def test_the_first_block_waits_once_for_company_and_an_idle_stage_for_nothing() -> None:
    stream = Stream()
    gathering = batches(stream, 0.05)
    asked = asyncio.ensure_future(anext(gathering))
    await asyncio.sleep(0.1)
    assert not asked.done()
    loop = asyncio.get_running_loop()
    stream.put(1)
    begun = loop.time()
    loop.call_later(0.02, stream.put, 2)
    loop.call_later(0.3, stream.put, 4)
    assert _sizes(await asked) == [1, 2]
    assert loop.time() - begun < 0.25


def test_a_gap_between_beats_is_an_interruption() -> None:
    pulse = Pulse(limit=5.0)
    pulse.start()
    try:
        before = pulse.interruptions
        pulse.check(before)
        assert pulse.rest() == 0
        pulse._beaten -= 4.0
        pulse.check(before)
        pulse._beaten -= 6.0
        with pytest.raises(StoodStill):
            pulse.check(before)
        assert 4.0 < pulse.rest() <= 5.0
        pulse.check(pulse.interruptions)
    finally:
        pulse.stop()
