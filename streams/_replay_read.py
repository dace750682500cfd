"""Input files to chunks of records, in order, with the accidents that a test may ask for."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from streams import sources

#: A chunk is closed early at this size, so that records of many MB do not pile up in a thousand.
CHUNK_BYTES = 16 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class ReplayFaults:
    """Accidents to act out, for tests: none of them may change the final alerts.

    Attributes
    ----------
    redeliver : pairs ``(after, back)``: once ``after`` records have been delivered, the last ``back`` come again.
    crash : numbers of chunks (from 0) in which the driver dies with half of the verdicts applied. It starts again
        from the cases written so far, and the whole chunk is delivered again.
    """

    redeliver: Sequence[tuple[int, int]] = ()
    crash: frozenset[int] = frozenset()


class Chunk(NamedTuple):
    """Consecutive records; ``read`` is the number of input bytes (as on disk) read up to its end."""

    records: Sequence[sources.Record]
    read: int


def chunks(inputs: Sequence[Path], form: str, size: int, faults: ReplayFaults) -> Iterator[Chunk]:
    """Cut the records of ``inputs`` into chunks of at most ``size`` records and about :data:`CHUNK_BYTES`."""
    read = [0]

    def count(length: int) -> None:
        read[0] += length

    gathered: list[sources.Record] = []
    weight = 0
    for record in _redelivered(sources.records(inputs, form, count), faults.redeliver):
        gathered.append(record)
        weight += len(record.raw)
        if len(gathered) >= size or weight >= CHUNK_BYTES:
            yield Chunk(gathered, read[0])
            gathered, weight = [], 0
    if gathered:
        yield Chunk(gathered, read[0])


def _redelivered(records: Iterator[sources.Record], plan: Sequence[tuple[int, int]]) -> Iterator[sources.Record]:
    """Deliver records, and some of them again as planned."""
    if not plan:
        yield from records
        return
    recent: deque[sources.Record] = deque(maxlen=max(back for _, back in plan))
    again = dict(plan)
    for number, record in enumerate(records, 1):
        recent.append(record)
        yield record
        if number in again:
            yield from list(recent)[-again[number] :]
