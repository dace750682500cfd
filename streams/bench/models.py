"""Microseconds an item of each learned detector, and of all together, by size of batch."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from streams.bench.measure import Measure, Timing, timed

if TYPE_CHECKING:
    from detectors.models.learned import LearnedDetector

SIZES = (256, 1000)
#: Declarations that the measured models are trained on; what scoring costs hangs on the descriptions kept, hardly on more.
TRAINED_ON = 4000
_SPELLINGS = 100
_NAMES = ("mislabel-text", "mislabel-value", "outlier", "outcome")
_NEW_TEXTS = "mislabel-text, no text seen before"


def models(feeds: Sequence[Path]) -> list[Measure]:
    """Score the items of the feeds; features are made before, as the rules need them anyway. Trains first (some seconds)."""
    from streams.bench.local import alone

    found = alone(_scored, feeds)
    return [
        Measure(
            "models",
            f"{way}, batches of {size:,}",
            timings,
            remark=f"{_micros(timings):.1f} us an item; counts are items",
        )
        for (way, size), timings in found.items()
    ]


def _micros(timings: Sequence[Timing]) -> float:
    from statistics import median

    return median(1e6 * (one.seconds if one.cpu is None else one.cpu) / one.count for one in timings)


def _scored(feeds: Sequence[Path]) -> dict[tuple[str, int], list[Timing]]:
    from detectors import engine, features
    from detectors.batch import Batch
    from schemas import decode

    reference = engine.default_reference()
    detectors = trained()
    columns = frozenset().union(*(one.columns for one in detectors))
    found: dict[tuple[str, int], list[Timing]] = {}
    for size in SIZES:
        # Each way has detectors of its own: what one keeps of texts must not help the next.
        ways = {one.name: _copies([one]) for one in detectors}
        ways |= {"all together": _copies(detectors), _NEW_TEXTS: _copies(detectors[:1])}
        for number, feed in enumerate(feeds):
            rows = [decode.row(line) for line in feed.read_bytes().splitlines()]
            batches = [Batch.of(rows[start : start + size]) for start in range(0, len(rows), size)]
            made = [(batch, features.compute(batch, reference, columns)) for batch in batches]
            for way, asked in ways.items():
                timing = timed(_work(asked, made, reference, way == _NEW_TEXTS))
                if number:  # the first feed warms up
                    found.setdefault((way, size), []).append(timing)
    return found


def _copies(detectors: Sequence[LearnedDetector]) -> list[LearnedDetector]:
    return [type(one).from_parts(one.parts()) for one in detectors]


def _work(
    detectors: Sequence[LearnedDetector], made: Sequence[Any], reference: Any, forgetful: bool
) -> Callable[[], int]:
    def work() -> int:
        count = 0
        for batch, computed in made:
            for one in detectors:
                if forgetful:
                    one.forget()
                scores = one.score(batch, computed, reference)
                one.hits(batch, computed, scores, reference)
            count += computed.items.height
        return count

    return work


def trained() -> list[LearnedDetector]:
    """Return the learned detectors, trained on a simulated history of their own and the simulator's labels."""
    from pydantic_core import to_json

    from detectors import engine
    from detectors.batch import Batch
    from detectors.models.catalogue import detector
    from detectors.models.learned import History, Outcome
    from schemas import decode
    from streams import simulate

    told = list(simulate.feed(20_261_123, TRAINED_ON, memory=False))
    rows = sorted((decode.row(to_json(each)) for each, _ in told), key=lambda row: row["lodged_at"])
    history = History(
        [Batch.of(rows[start : start + 1000]) for start in range(0, len(rows), 1000)],
        engine.default_reference(),
        {label.declaration_id: Outcome(bool(label.typologies), tuple(label.substances)) for _, label in told},
    )
    kinds = [detector(name) for name in _NAMES]
    kinds[0] = type("SmallMislabelText", (kinds[0],), {"spellings": _SPELLINGS})
    return [kind.train(history, lambda doing, share: None) for kind in kinds]
