"""OUTLIER: items unlike anything in their heading and lane, by an isolation forest over distances from what is usual."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar, Self

import numpy as np
import polars as pl

from detectors._columnar import Numbers
from detectors.batch import Batch
from detectors.features import Features
from detectors.models import _habits
from detectors.models._forest import Forest
from detectors.models._habits import CHOSEN, MEASURED, WORDS, Habits
from detectors.models.learned import History, LearnedDetector, LearnedHit, Say, Scores, Voice
from detectors.reference import Reference
from schemas.errors import ModelError
from schemas.types import FindingCode, Severity

#: The false-alert budget: shares of honest items that may be told of at level low, and at level medium.
BUDGET, BUDGET_MEDIUM = 0.001, 0.0001
#: An item of which fewer features are known is not judged.
_KNOWN = 4
_ITEMS = 200_000
_FEWEST = 500
#: A feature is told from this many spreads, or this little a share, on.
_TOLD_FROM, _TOLD_SHARE = 3.0, 0.01
_TOLD = 4
_PRICE = WORDS.index("value per kg")
#: Scores: a finding of level low never makes an alert by itself, one of level medium just does.
_LOW, _MEDIUM = (0.5, 0.9), (0.56, 0.62)


class Outlier(LearnedDetector):
    """An isolation forest over :data:`detectors.models._habits.WORDS`.

    The score is the forest's (0..1). Unknown features stand at the usual; an item of which fewer than four are known is not
    judged. The threshold is where no more than the budget's share of honest items, later than those learned from, lies.
    """

    name: ClassVar[str] = "outlier"
    code: ClassVar[FindingCode] = "OUTLIER"
    columns: ClassVar[frozenset[str]] = _habits.COLUMNS | {"luggage"}

    def __init__(
        self, habits: Habits, forest: Forest, threshold: float, medium: float, figures: Mapping[str, float]
    ) -> None:
        self.habits = habits
        self.forest = forest
        self.threshold = threshold
        self.medium = medium
        self.figures = dict(figures)

    @classmethod
    def train(cls, history: History, say: Say, seed: int = 0) -> Self:
        """Learn habits and forest from the first four fifths of history, the thresholds from the rest."""
        columns = sorted(cls.columns)
        frames: list[pl.DataFrame] = []
        stride = 1
        for batch, computed in history.computed(cls.columns):
            taken = history.ordinary(batch)[computed.items["row"].to_numpy()]
            frames.append(computed.items.select(columns).filter(pl.Series(taken)).gather_every(stride))
            if sum(frame.height for frame in frames) > _ITEMS:
                frames = [pl.concat(frames).gather_every(2)]
                stride *= 2
        frame = pl.concat(frames) if frames else None
        if frame is None or frame.height < _FEWEST:
            there = 0 if frame is None else frame.height
            raise ModelError(f"outlier needs at least {_FEWEST} items of ordinary goods; there are {there}")
        say("items read", 0.6)
        split = int(frame.height * 0.8)
        habits = Habits.learn(frame[:split])
        say("habits learned", 0.7)
        learnt = _filled(habits.distances(frame[:split]))
        forest = Forest.grow(learnt, seed)
        say("forest grown", 0.9)
        later = frame[split:]
        scores = _scored(forest, habits.distances(later), later)
        threshold = _exceeded_by(scores, BUDGET)
        medium = max(threshold, _exceeded_by(scores, BUDGET_MEDIUM))
        say("thresholds set", 1.0)
        return cls(habits, forest, threshold, medium, {"items": float(frame.height)})

    def score(self, batch: Batch, computed: Features, reference: Reference) -> Scores:
        """Return the forest's score of each item."""
        frame = computed.items
        distances = self.habits.distances(frame)
        return Scores(_scored(self.forest, distances, frame), "item", {"distances": distances})

    def hits(self, batch: Batch, computed: Features, scores: Scores, reference: Reference) -> list[LearnedHit]:
        """Say which features of an item over the threshold are unusual, and what is usual."""
        rows = scores.over(self.threshold)
        facts = computed.items[rows].to_dicts() if rows else []
        found = [
            self._say(n, fact, scores.kept["distances"][n], float(scores.values[n]))
            for n, fact in zip(rows, facts, strict=True)
        ]
        return [hit for hit in found if hit is not None]

    def _say(self, row: int, fact: Mapping[str, Any], distances: Numbers, score: float) -> LearnedHit | None:
        told = [self._told(n, fact, float(distances[n])) for n in np.argsort(-np.abs(np.nan_to_num(distances)))]
        odd = [each for each in told if each is not None][:_TOLD]
        if not odd:
            return None  # unusual in everything a little: nothing that a person could check
        price_alone = len(odd) == 1 and odd[0][0] == _PRICE
        strong = score >= self.medium and not price_alone
        level: Severity = "medium" if strong else "low"
        low, high = _MEDIUM if strong else _LOW
        over = (score - self.threshold) / max(1e-9, 1.0 - self.threshold)
        code = fact["commodity_code"]
        of = f"goods of {code[:4]}" if code else "such goods"
        return LearnedHit(
            rule=Voice(self.name, self.code, level, self.version),
            row=row,
            declaration=fact["row"],
            item_number=fact["item_number"],
            score=low + (high - low) * min(1.0, max(0.0, 3.0 * over)),
            title=f"Unlike other {of}: {WORDS[odd[0][0]]}",
            explanation=(
                f"Unusual for {of}: {'; '.join(words for _, words, _ in odd)}. "
                f"The isolation forest's score is {score:.3f}; {BUDGET:.1%} of honest items lie above {self.threshold:.3f}."
            ),
            evidence=[evidence for _, _, evidence in odd],
            substances=[],
        )

    def _told(self, feature: int, fact: Mapping[str, Any], distance: float) -> tuple[int, str, dict[str, Any]] | None:
        """Return a feature in words and as evidence, None if it is usual or unknown."""
        code = fact["commodity_code"]
        place = f"/items/{fact['item_index']}"
        if feature >= len(MEASURED):
            chosen = CHOSEN[feature - len(MEASURED)]
            parts = [fact[column] for column in chosen.columns]
            if None in parts:
                return None
            choice = ">".join(parts)
            share = self.habits.share(feature - len(MEASURED), code, choice)
            if share >= _TOLD_SHARE:
                return None
            shown = " to ".join(parts)
            evidence: dict[str, Any] = {
                "path": chosen.path.replace("/items/{i}", place),
                "observed": shown,
                "expected": None,
                "reference": f"model outlier: {share:.2%} of chapter {code[:2] if code else 'any'}",
            }
            return feature, f"{chosen.words} {shown}, seen in {share:.2%}", evidence
        measured = MEASURED[feature]
        if not np.isfinite(distance) or abs(distance) < _TOLD_FROM:
            return None
        middle, spread = self.habits.usual_of(feature, code)
        low, usual, high = (middle - 3 * spread, middle, middle + 3 * spread)
        if measured.log:
            low, usual, high = (float(np.exp(each)) for each in (low, usual, high))
        value = float(fact[measured.column])
        unit = f" {measured.unit}" if measured.unit else ""
        words = f"{measured.words} {value:,.4g}{unit}, where {usual:,.4g} is usual ({abs(distance):.1f} spreads)"
        evidence = {
            "path": measured.path.replace("/items/{i}", place),
            "observed": value,
            "expected": usual,
            "reference": f"model outlier: {max(low, 0.0):.4g} to {high:.4g}{unit} nearly all",
        }
        return feature, words, evidence

    def parts(self) -> dict[str, Any]:
        """Return what was learned."""
        return {
            "habits": self.habits.parts(),
            "forest": self.forest.parts(),
            "threshold": float(self.threshold),
            "medium": float(self.medium),
            "figures": self.figures,
        }

    @classmethod
    def from_parts(cls, parts: Mapping[str, Any]) -> Self:
        """Return the detector that gave ``parts``."""
        try:
            return cls(
                Habits.from_parts(parts["habits"]),
                Forest.from_parts(parts["forest"]),
                float(parts["threshold"]),
                float(parts["medium"]),
                parts["figures"],
            )
        except (KeyError, TypeError, ValueError) as error:
            raise ModelError(f"these are not the parts of {cls.name}: {error!r}") from error

    def described(self) -> dict[str, Any]:
        """Return thresholds, budget and sizes."""
        return {"threshold": self.threshold, "threshold of level medium": self.medium, "budget": BUDGET} | self.figures


def _filled(distances: Numbers) -> Numbers:
    return np.nan_to_num(distances, nan=0.0)


def _scored(forest: Forest, distances: Numbers, frame: pl.DataFrame) -> Numbers:
    """Return the scores of items, NaN where too little is known, without a code, and for luggage."""
    known = np.isfinite(distances).sum(axis=1) >= _KNOWN
    known &= frame["commodity_code"].is_not_null().to_numpy() & ~frame["luggage"].fill_null(True).to_numpy()
    found = np.full(len(distances), np.nan)
    found[known] = forest.scores(_filled(distances[known]))
    return found


def _exceeded_by(scores: Numbers, share: float) -> float:
    """Return a score that no more than a share of the scores exceed; above all of them if the share is less than one."""
    ranked = np.sort(scores[np.isfinite(scores)])[::-1]
    spare = int(share * len(ranked))
    return float(np.nextafter(ranked[spare], np.inf)) if len(ranked) > spare else 1.0
