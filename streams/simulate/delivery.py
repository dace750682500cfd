"""How a feed arrives: out of order by some hours, some records twice. What was lodged stays what it was."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta
from heapq import heappop, heappush
from typing import TypeVar

from streams.simulate.chance import Chance
from streams.simulate.compose import Row

T = TypeVar("T")

#: A redelivered record comes again within so many records, as after a rebalance.
_AGAIN_WITHIN = 2_000


def shuffled(rows: Iterable[tuple[Row, T]], hours: float, seed: int) -> Iterator[tuple[Row, T]]:
    """Return the rows out of order: none passes another that was lodged more than ``hours`` before it or after it.

    Memory grows with the rows lodged within that time. The same seed gives the same order.
    """
    chance, late = Chance(f"late/{seed}"), timedelta(hours=hours)
    waiting: list[tuple[datetime, int, tuple[Row, T]]] = []
    for number, pair in enumerate(rows):
        lodged = datetime.fromisoformat(pair[0]["lodged_at"])
        heappush(waiting, (lodged + late * chance.share(), number, pair))
        while waiting[0][0] <= lodged:
            yield heappop(waiting)[2]
    while waiting:
        yield heappop(waiting)[2]


def repeated(rows: Iterable[tuple[Row, T]], share: float, seed: int) -> Iterator[tuple[Row, T]]:
    """Return the rows, and a share of them once more, word for word, within the next two thousand."""
    chance = Chance(f"again/{seed}")
    again: list[tuple[int, int, tuple[Row, T]]] = []
    for number, pair in enumerate(rows):
        yield pair
        if chance.maybe(share):
            heappush(again, (number + chance.whole(0, _AGAIN_WITHIN), number, pair))
        while again and again[0][0] <= number:
            yield heappop(again)[2]
    while again:
        yield heappop(again)[2]
