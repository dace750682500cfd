"""Input files to chunks of records, in order, with the accidents that a test may ask for."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from streams import sources
from streams._replay_assembly import Assembling

if TYPE_CHECKING:
    from schemas.mapping import Mapping

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
    """Consecutive records, messages of feeds assembled to declarations (:mod:`streams._replay_assembly`).

    ``read`` is the number of input bytes (as on disk) read up to its end, ``taken`` how many records of the input it came from.
    """

    records: Sequence[sources.Record]
    read: int
    taken: int


def chunks(
    inputs: Sequence[Path],
    form: str,
    size: int,
    faults: ReplayFaults,
    now: datetime,
    mapping: Mapping | None = None,
) -> Iterator[Chunk]:
    """Cut the records of ``inputs`` into chunks of about ``size`` records and :data:`CHUNK_BYTES`; ``now``: time of the run."""
    read = [0]

    def count(length: int) -> None:
        read[0] += length

    gathered: list[sources.Record] = []
    weight = taken = 0
    assembling = Assembling(now)
    for record in _redelivered(sources.records(inputs, form, count, mapping), faults.redeliver):
        taken += 1
        for one in assembling.take(record):
            gathered.append(one)
            weight += len(one.raw)
        if len(gathered) >= size or weight >= CHUNK_BYTES:
            yield Chunk(gathered, read[0], taken)
            gathered, weight, taken = [], 0, 0
    gathered += assembling.finish()
    if gathered or taken:
        yield Chunk(gathered, read[0], taken)


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
