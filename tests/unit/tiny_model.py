"""A small learned detector with a real scikit-learn model, for tests of the loop around models."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar, Self

import numpy as np
import polars as pl
from sklearn.linear_model import LogisticRegression

from detectors.batch import Batch
from detectors.features import Features
from detectors.models.learned import History, LearnedDetector, LearnedHit, Say, Scores, Voice
from detectors.reference import Reference
from schemas.errors import ModelError
from schemas.types import FindingCode

COLUMNS = ("net_mass_kg", "value_usd", "named_watched")


class Tiny(LearnedDetector):
    """Chance of being wrong by mass, value per kilogram, and whether a watched substance is named."""

    name: ClassVar[str] = "tiny"
    code: ClassVar[FindingCode] = "OUTCOME"
    columns: ClassVar[frozenset[str]] = frozenset(COLUMNS)

    def __init__(self, fitted: LogisticRegression, threshold: float = 0.5) -> None:
        self.fitted = fitted
        self.threshold = threshold

    @staticmethod
    def inputs(frame: pl.DataFrame) -> np.ndarray[Any, Any]:
        mass, value = (frame[name].fill_null(float("nan")).to_numpy() for name in COLUMNS[:2])
        named = frame[COLUMNS[2]].fill_null(False).to_numpy().astype(float)
        with np.errstate(divide="ignore"):
            return np.column_stack([np.log(mass), np.log(value / mass), named])

    @classmethod
    def train(cls, history: History, say: Say, seed: int = 0) -> Self:
        gathered, answers = [], []
        for batch, computed in history.computed(cls.columns):
            x = cls.inputs(computed.items)
            told = [history.labels.get(row["declaration_id"]) for row in batch.rows]
            known = np.array([told[row] is not None for row in computed.items["row"]]) & np.isfinite(x).all(axis=1)
            gathered.append(x[known])
            wrong = [bool(told[row] and told[row].wrong) for row in computed.items["row"]]  # type: ignore[union-attr]
            answers.append(np.array(wrong)[known])
            say("reading", 0.5)
        x, y = np.concatenate(gathered), np.concatenate(answers)
        if len(np.unique(y)) < 2:
            raise ModelError("tiny needs honest and wrong declarations with mass and value to learn from")
        return cls(LogisticRegression(random_state=seed).fit(x, y))

    def score(self, batch: Batch, computed: Features, reference: Reference) -> Scores:
        x = self.inputs(computed.items)
        values = np.full(len(x), np.nan)
        whole = np.isfinite(x).all(axis=1)
        if whole.any():
            values[whole] = self.fitted.predict_proba(x[whole])[:, 1]
        return Scores(values)

    def hits(self, batch: Batch, computed: Features, scores: Scores, reference: Reference) -> list[LearnedHit]:
        voice = Voice(self.name, self.code, "high", self.version)
        return [
            LearnedHit(
                voice,
                row,
                computed.items["row"][row],
                computed.items["item_number"][row],
                float(scores.values[row]),
                "Like what was wrong before",
                f"Chance {scores.values[row]:.2f}.",
                [{"path": f"/items/{computed.items['item_index'][row]}/net_mass_kg",
                  "observed": computed.items["net_mass_kg"][row], "expected": None, "reference": "tiny"}],
                [],
            )
            for row in scores.over(self.threshold)
        ]  # fmt: skip

    def parts(self) -> dict[str, Any]:
        return {"fitted": self.fitted, "threshold": self.threshold}

    @classmethod
    def from_parts(cls, parts: Mapping[str, Any]) -> Self:
        fitted, threshold = parts.get("fitted"), parts.get("threshold")
        if not isinstance(fitted, LogisticRegression) or not isinstance(threshold, float):
            raise ModelError("needs a fitted LogisticRegression and a threshold")
        return cls(fitted, threshold)
