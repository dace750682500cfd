"""Blocks to batches: what a stage takes at once.

Faust's ``noack_take`` does the same with a time-out that runs for ever: it wakes the event loop at every interval, idle or not,
and always waits a full interval, even if a batch could begin. Here an idle stage sleeps; the first block opens a batch, which
then waits once for company if it has little, and closes when the queue is empty or the batch is full. While a batch is worked
on the next one gathers in the queue, so batches grow with the load and shrink with it.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

#: Records in a batch at most (a block is never split). Judging gains little beyond.
BATCH_RECORDS = 1024
#: A batch with so many records has gathered long enough: what a batch costs by itself is shared by many.
_COMPANY = 32


async def batches(stream: Any, within: float, most: int = BATCH_RECORDS) -> AsyncIterator[list[Any]]:
    """Yield lists of events whose values are blocks; the caller acknowledges each with ``stream.ack``.

    Parameters
    ----------
    stream : of an agent on a topic with :class:`streams.worker.transport.BlockSchema`.
    within : seconds that the first block of a batch waits for more.
    most : records in a batch that nothing is added to.
    """
    stream.enable_acks = False
    queue = stream.channel.queue
    batch: list[Any] = []
    records = 0
    waited = False
    async for event in stream.events():
        batch.append(event)
        records += len(event.value)
        if records < min(most, _COMPANY) and queue.empty() and not waited:
            waited = True
            await asyncio.sleep(within)
        if records < most and not queue.empty():
            continue
        yield batch
        batch, records, waited = [], 0, False
