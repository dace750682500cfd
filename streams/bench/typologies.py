"""How well each kind of smuggling is ranked: rules alone, isolation forest alone, gradient boosting alone, and together.

Learned from one simulated country, judged on another, in later months: other firms, other consignments. A smuggling declaration
counts only if none of its descriptions stands word for word in what was learned from. Each declaration is judged by itself,
without memory of earlier ones, so typologies that show only over time are hard for all.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import numpy as np

from detectors._columnar import Numbers

if TYPE_CHECKING:
    from detectors.batch import Batch
    from detectors.models.learned import LearnedDetector
    from detectors.reference import Reference
    from schemas.disposition import Label

Say = Callable[[str], None]
LEARNED, JUDGED = 16_000, 10_000
_SEEDS = (20_260_101, 20_260_703)
_MONTHS = (
    (datetime(2026, 1, 1, tzinfo=UTC), datetime(2026, 6, 1, tzinfo=UTC)),
    (datetime(2026, 7, 1, tzinfo=UTC), datetime(2026, 9, 1, tzinfo=UTC)),
)
#: More smuggling than in trade, so that every typology has some; average precision rises with it, comparisons hold.
_SHARE = 0.03
_BATCH = 1000
WAYS = ("rules", "forest", "boosting", "together")


def run(say: Say = lambda doing: None, learned: int = LEARNED, judged: int = JUDGED) -> dict[str, Any]:
    """Simulate, learn, judge; return average precision by typology and way, as JSON can carry it."""
    from detectors import engine
    from detectors.models import Models
    from detectors.models.learned import History, Outcome
    from detectors.models.measuring import average_precision
    from detectors.models.outcome import OutcomeDetector
    from detectors.models.outlier import Outlier

    reference = engine.default_reference()
    say(f"simulating {learned:,} declarations to learn from")
    past, known = _feed(0, learned)
    outcomes = {name: Outcome(bool(label.typologies), tuple(label.substances)) for name, label in known.items()}
    history = History(past, reference, outcomes)
    detectors: dict[str, LearnedDetector] = {}
    for way, learner in (("forest", Outlier), ("boosting", OutcomeDetector)):
        say(f"training the {way}")
        detectors[way] = learner.train(history, lambda doing, share: None)
    texts = {item["description"] for batch in past for row in batch.rows for item in row["items"]}
    say(f"simulating {judged:,} declarations of other firms in later months")
    present, labels = _feed(1, judged)
    rules = engine.default_models()
    every = Models(rules.rules, tuple(detectors.values()))
    found: dict[str, list[Numbers]] = {way: [] for way in WAYS}
    kinds: list[tuple[str, ...]] = []
    heard: list[bool] = []
    for number, batch in enumerate(present):
        say(f"judging, {number * _BATCH:,} of {judged:,}")
        for row in batch.rows:
            kinds.append(tuple(labels[row["declaration_id"]].typologies))
            heard.append(any(item["description"] in texts for item in row["items"]))
        found["rules"].append(_risks(batch, reference, rules))
        found["together"].append(_risks(batch, reference, every))
        for way, detector in detectors.items():
            found[way].append(_strongest(batch, reference, detector))
    wrong = np.array([bool(each) for each in kinds])
    fresh = ~np.array(heard)
    scores = {way: np.concatenate(each) for way, each in found.items()}
    rows = []
    for kind in ["any", *sorted({one for each in kinds for one in each})]:
        of = fresh & np.array([bool(each) if kind == "any" else kind in each for each in kinds])
        chosen = of | ~wrong
        if of.any():
            ones = np.ones(int(chosen.sum()))
            rows.append(
                {"typology": kind, "declarations": int(of.sum()), "chance": float(of.sum() / chosen.sum())}
                | {way: average_precision(each[chosen], of[chosen], ones) for way, each in scores.items()}
            )
    return {
        "learned": len(known),
        "learned_wrong": sum(one.wrong for one in outcomes.values()),
        "judged": len(wrong),
        "wrong": int(wrong.sum()),
        "left_out": int((wrong & ~fresh).sum()),
        "rows": rows,
    }


def _feed(place: int, count: int) -> tuple[list[Batch], dict[str, Label]]:
    """Return first versions in batches, by time, and the labels by declaration."""
    from pydantic_core import to_json

    from detectors.batch import Batch
    from schemas import decode
    from streams import simulate

    told = simulate.feed(_SEEDS[place], count, *_MONTHS[place], scenario_share=_SHARE, memory=False)
    rows, labels = [], {}
    for declared, label in told:
        if declared["version"] == 1 and declared["event"] == "lodged" and label.declaration_id not in labels:
            rows.append(decode.row(to_json(declared)))
            labels[label.declaration_id] = label
    return [Batch.of(each) for each in _runs(rows)], labels


def _runs(rows: Sequence[Any]) -> Iterator[Sequence[Any]]:
    for start in range(0, len(rows), _BATCH):
        yield rows[start : start + _BATCH]


def _risks(batch: Batch, reference: Reference, models: Any) -> Numbers:
    """Return the risk of each declaration, from the strongest of equals on by what all findings weigh; 0 without any."""
    from detectors import engine, scoring

    risks = np.zeros(len(batch))
    places = {row["declaration_id"]: n for n, row in enumerate(batch.rows)}
    for verdict in engine.screen(batch, reference, models).verdicts:
        # The sum breaks ties of the rounded risk.
        weight = sum(map(scoring.strength, verdict.findings))
        risks[places[verdict.declaration_id]] = scoring.risk(verdict.findings) + weight / 1000
    return risks


def _strongest(batch: Batch, reference: Reference, detector: LearnedDetector) -> Numbers:
    from detectors import features
    from detectors.models.training import strongest

    computed = features.compute(batch, reference, detector.columns)
    scores = detector.score(batch, computed, reference)
    return strongest(len(batch), computed.items["row"].to_numpy(), scores.values)[0]
