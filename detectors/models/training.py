"""Train a model on the past and judge it on what came after: one cut in time, nothing shuffled.

Everything lodged before the cut may be learned from, with what was known by then; everything from the cut on is only for judging.
A random split would let a model learn this week's firms, prices and wordings from this week's other declarations, which no
model in service can do.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from detectors import features
from detectors._columnar import Numbers
from detectors.batch import Batch
from detectors.features import Features
from detectors.models import drift
from detectors.models.artefact import Window
from detectors.models.dataset import Answers, Lodgements
from detectors.models.learned import History, LearnedDetector, Say
from detectors.models.learned import LearnedHit as Hit
from detectors.models.measuring import Ranking, average_precision
from detectors.reference import Reference
from schemas.errors import ModelError

#: Declarations of the hold-out whose features are compared with what comes later, and tried for the importance of columns.
_SAMPLE = 4000
_SHOWN_CHARACTERS = 160


@dataclass(frozen=True)
class Judged:
    """What a model made of a span of declarations.

    Attributes
    ----------
    ranking : of the declarations with a known outcome.
    declarations : how many there were, known or not.
    seen : distributions of features and scores, for :class:`detectors.models.drift.Watch`.
    shown : ``declaration_id`` -> what the model's strongest item was, in words, for the failure cases of the card.
    """

    ranking: Ranking
    declarations: int
    seen: dict[str, Any] = field(default_factory=dict)
    shown: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Trained:
    """A new model and how it did on its hold-out."""

    detector: LearnedDetector
    window: Window
    judged: Judged
    seed: int


def train(
    kind: type[LearnedDetector],
    history: Lodgements,
    answers: Answers,
    reference: Reference,
    say: Say,
    holdout: float = 0.2,
    seed: int = 0,
    cut: datetime | None = None,
) -> Trained:
    """Train a detector on all but the newest declarations and judge it on those.

    Parameters
    ----------
    holdout : share of the declarations, by time, to judge on; unless ``cut`` says where they begin.
    say : told what is being done and how far it is.

    Raises
    ------
    ModelError : there is too little history on either side of the cut, or the detector cannot learn from it.
    """
    bounds = history.bounds()
    cut = cut or history.cut(holdout)
    if bounds is None or cut is None:
        raise ModelError("the history holds no declaration that can be read")
    before, after = history.count(None, cut), history.count(cut, None)
    if not before or not after:
        raise ModelError(
            f"{before:,} declarations before the cut at {cut:%Y-%m-%d %H:%M} and {after:,} from it on; both sides need some: "
            "give a longer history, or another --holdout or --cut"
        )
    learning = History(history.batches(None, cut), reference, answers.known_by(cut))
    detector = kind.train(learning, lambda what, done: say(what, 0.8 * done), seed)
    judged = judge(detector, history, answers, reference, cut, None, lambda what, done: say(what, 0.8 + 0.2 * done))
    ranking = judged.ranking
    window = Window(
        since=bounds[0],
        cut=cut,
        until=bounds[1] + timedelta(microseconds=1),
        trained_on=before,
        judged_on=after,
        known=len(ranking),
        wrong=int(ranking.wrong.sum()),
    )
    return Trained(detector, window, judged, seed)


def judge(
    detector: LearnedDetector,
    history: Lodgements,
    answers: Answers,
    reference: Reference,
    since: datetime | None,
    until: datetime | None,
    say: Say,
) -> Judged:
    """Score a span of declarations and set the scores beside what became of them."""
    total = history.count(since, until)
    gathering = _Gathering(detector, answers, max(1, total // _SAMPLE))
    columns = frozenset(detector.columns)
    for batch in history.batches(since, until):
        computed = features.compute(batch, reference, columns)
        scores = detector.score(batch, computed, reference)
        rows = computed.items if scores.scope == "item" else computed.declarations
        gathering.take(batch, rows, scores.values, detector.hits(batch, computed, scores, reference))
        say("judging the hold-out", gathering.declarations / max(1, total))
    return gathering.judged()


class _Gathering:
    """What is kept of scored batches."""

    def __init__(self, detector: LearnedDetector, answers: Answers, every: int) -> None:
        self._columns = sorted(detector.columns)
        self._answers = answers.by_id
        self._every = every
        self.declarations = 0
        self._rows: list[tuple[str, float, bool]] = []
        self._shown: dict[str, str] = {}
        self._features: dict[str, list[pl.Series]] = {}
        self._scores: list[Numbers] = []

    def take(self, batch: Batch, rows: pl.DataFrame, values: Numbers, hits: list[Hit]) -> None:
        best, place = strongest(len(batch), rows["row"].to_numpy(), values)
        spoke = {hit.declaration for hit in hits}
        items = rows["item_index"].to_list() if "item_index" in rows.columns else None
        for n, row in enumerate(batch.rows):
            name = row["declaration_id"]
            if name in self._answers:
                self._rows.append((name, float(best[n]), n in spoke))
                self._shown[name] = _shown(row, items[place[n]] if items and place[n] >= 0 else 0)
        sampled = np.array([zlib.crc32(r["declaration_id"].encode()) % self._every == 0 for r in batch.rows])
        chosen = pl.Series(sampled[rows["row"].to_numpy()])
        self._scores.append(values[chosen.to_numpy()])
        for name in self._columns:
            if name in rows.columns:
                self._features.setdefault(name, []).append(rows[name].filter(chosen))
        self.declarations += len(batch)

    def judged(self) -> Judged:
        found = [(self._answers[name].outcome, self._answers[name].kinds) for name, _, _ in self._rows]
        nan = float("nan")
        ranking = Ranking(
            [name for name, _, _ in self._rows],
            np.array([score for _, score, _ in self._rows], dtype=np.float64),
            np.array([outcome.wrong for outcome, _ in found], dtype=np.bool_),
            np.array([outcome.weight for outcome, _ in found], dtype=np.float64),
            np.array([nan if o.revenue is None else o.revenue for o, _ in found], dtype=np.float64),
            np.array([spoke for _, _, spoke in self._rows], dtype=np.bool_),
            [kinds for _, kinds in found],
        )
        scores = np.concatenate(self._scores) if self._scores else np.array([], dtype=np.float64)
        return Judged(ranking, self.declarations, drift.seen(self._features, scores), self._shown)


def strongest(declarations: int, row_of: NDArray[Any], values: Numbers) -> tuple[Numbers, NDArray[np.int64]]:
    """Return the highest score of each declaration (NaN where all abstain), and the row that has it (-1 for none).

    ``row_of`` is the declaration of each score, ascending.
    """
    best = np.full(declarations, np.nan)
    np.fmax.at(best, row_of, values)
    place = np.full(declarations, -1, dtype=np.int64)
    at = np.flatnonzero(values == best[row_of])[::-1]
    place[row_of[at]] = at
    return best, place


def _shown(row: dict[str, Any], index: int) -> str:
    """Say in a line what an item is; goods and lane, no party."""
    item = row["items"][index]
    lane = f"{row['country_of_export'] or '?'} to {row['country_of_destination'] or '?'}"
    text = (item["description"] or "no description")[:_SHOWN_CHARACTERS]
    mass = f", {item['net_mass_kg']:,.6g} kg" if item["net_mass_kg"] is not None else ""
    return f"{row['lodged_at']:%Y-%m-%d}, {lane}, {item['commodity_code'] or 'no code'}{mass}: {text}"


def importance(
    detector: LearnedDetector,
    history: Lodgements,
    answers: Answers,
    reference: Reference,
    since: datetime,
    seed: int = 0,
    repeats: int = 3,
    tell: Callable[[float], None] = lambda done: None,
) -> dict[str, float]:
    """Return by how much the average precision falls when the values of one feature column are exchanged between rows.

    On all declarations of the hold-out that were wrong, and a sample of the others (at most about
    4,000 in all). A detector that reads texts or codes from the declaration itself, past the columns, shows no loss for these.
    Empty where no declaration was wrong.
    """
    known = [name for name, answer in answers.by_id.items() if not answer.outcome.wrong]
    wrong = {name for name, answer in answers.by_id.items() if answer.outcome.wrong}
    every = max(1, len(known) // _SAMPLE)
    chosen = wrong | {name for name in known if zlib.crc32(name.encode()) % every == 0}
    batches = [
        (batch, features.compute(batch, reference, frozenset(detector.columns)))
        for batch in history.batches(since, None, chosen)
    ]
    truth = np.array([answers.by_id[row["declaration_id"]].outcome.wrong for batch, _ in batches for row in batch.rows])
    weights = np.array([answers.by_id[r["declaration_id"]].outcome.weight for batch, _ in batches for r in batch.rows])

    def precision(changed: str | None, chance: np.random.Generator) -> float:
        scores = []
        for batch, computed in batches:
            told = _exchanged(computed, changed, chance) if changed else computed
            scored = detector.score(batch, told, reference)
            frame = told.items if scored.scope == "item" else told.declarations
            scores.append(strongest(len(batch), frame["row"].to_numpy(), scored.values)[0])
        return average_precision(np.concatenate(scores), truth, weights) or 0.0

    if not len(truth) or not truth.any():
        return {}
    chance = np.random.default_rng(seed)
    whole = precision(None, chance)
    names = sorted(detector.columns)
    found = {}
    for n, name in enumerate(names):
        found[name] = whole - float(np.mean([precision(name, chance) for _ in range(repeats)]))
        tell((n + 1) / len(names))
    return dict(sorted(found.items(), key=lambda pair: -pair[1]))


def _exchanged(computed: Features, name: str, chance: np.random.Generator) -> Features:
    """Return features with the values of one column in another order."""
    frames = []
    for frame in (computed.items, computed.declarations):
        if name in frame.columns:
            order = chance.permutation(frame.height)
            frame = frame.with_columns(frame[name][order].alias(name))
        frames.append(frame)
    return Features(frames[0], frames[1], computed.goods)
