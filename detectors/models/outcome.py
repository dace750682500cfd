"""OUTCOME: the chance that a declaration is wrong, by what became of its like: boosted trees over target encodings."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar, Self

import numpy as np
import polars as pl

from detectors._columnar import Numbers
from detectors.batch import Batch
from detectors.features import Features
from detectors.models import _records
from detectors.models._boosting import Boosting
from detectors.models._encodings import Encodings, ordered
from detectors.models._records import COUNTED, KEYS, MEASURED, SMOOTHING, WIDTH
from detectors.models.learned import History, LearnedDetector, LearnedHit, Outcome, Say, Scores, Voice
from detectors.reference import Reference
from schemas.errors import ModelError
from schemas.types import FindingCode, Severity

#: The false-alert budget: shares of honest items that may be told of at level low, and at level medium.
BUDGET, BUDGET_MEDIUM = 0.002, 0.0005
#: Labelled items, and wrong ones among them on each side of the split, that are the least to learn from.
_FEWEST, _FEWEST_WRONG = 500, 5
#: The oldest share of the labels only fills the encodings: before it there is no past to learn from.
_PAST = 0.1
#: The newest share of the labels sets the calibration and the thresholds.
_LATER = 0.25
#: An item of which fewer keys are known is not judged.
_KNOWN = 6
_TOLD = 4
#: A contribution is told from this many units of log odds on.
_TOLD_FROM = 0.05
#: Recoveries that a heading, a chapter or all trade must have before their median is stated.
_RECOVERIES = 5
_LOW, _MEDIUM = (0.5, 0.9), (0.56, 0.8)


class OutcomeDetector(LearnedDetector):
    """Boosted trees over :data:`detectors.models._records.KEYS` and measures.

    The score is a chance (0..1), calibrated on labels later than those that the trees learned from. An item without a code, or
    of which fewer than six keys are known, is not judged. ``Scores.kept["recovery"]`` is the chance times the median recovered
    from wrong declarations of the heading (USD, NaN where too few are known): the order for an office that looks for revenue.
    """

    name: ClassVar[str] = "outcome"
    code: ClassVar[FindingCode] = "OUTCOME"
    columns: ClassVar[frozenset[str]] = _records.COLUMNS
    needs_labels: ClassVar[bool] = True

    def __init__(
        self,
        encodings: Encodings,
        boosting: Boosting,
        slope: tuple[float, float],
        threshold: float,
        medium: float,
        recovered: Mapping[str, float],
        figures: Mapping[str, float],
    ) -> None:
        self.encodings = encodings
        self.boosting = boosting
        self.slope = slope
        self.threshold = threshold
        self.medium = medium
        self.recovered = dict(recovered)
        self.figures = dict(figures)

    @classmethod
    def train(cls, history: History, say: Say, seed: int = 0) -> Self:
        """Learn from all items with a known outcome; an item weighs its declaration's weight by the number of its items."""
        frame = _labelled(history)
        say("labels read", 0.4)
        wrong, weights = frame["wrong"].to_numpy(), frame["weight"].to_numpy()
        moments = frame["moment"].to_numpy()
        count = frame.height
        split = int(np.searchsorted(moments, moments[int(count * (1 - _LATER))], "left")) if count else 0
        for part, told in (("older", wrong[:split]), ("newest", wrong[split:])):
            if count < _FEWEST or told.sum() < _FEWEST_WRONG or (1 - told).sum() < _FEWEST_WRONG:
                raise ModelError(
                    f"outcome needs at least {_FEWEST} labelled items, {_FEWEST_WRONG} wrong and {_FEWEST_WRONG} honest both "
                    f"among the older and the newest; there are {count}, {int(told.sum())} wrong among the {part}"
                )
        rows = _records.inputs(frame, ordered(frame, KEYS, wrong, weights, moments, SMOOTHING))
        say("encoded in order of time", 0.6)
        past = int(split * _PAST)
        boosting = Boosting.grow(rows[past:split], wrong[past:split], weights[past:split], seed)
        say("trees grown", 0.9)
        raw = boosting.raw(rows[split:])
        slope = calibrated(raw, wrong[split:], weights[split:])
        honest = _chances(raw, slope)[wrong[split:] == 0]
        threshold = _exceeded_by(honest, BUDGET)
        medium = max(threshold, _exceeded_by(honest, BUDGET_MEDIUM))
        encodings = Encodings.learn(frame, KEYS, wrong, weights, SMOOTHING)
        say("calibrated", 1.0)
        figures = {"labelled items": float(count), "wrong items": float(wrong.sum()), "base share": encodings.base}
        return cls(encodings, boosting, slope, threshold, medium, _recovered(frame), figures)

    def score(self, batch: Batch, computed: Features, reference: Reference) -> Scores:
        """Return the chance of each item to be wrong, NaN where too little is known."""
        frame = _records.records(batch, computed)
        encoded = self.encodings.encode(frame)
        rows = _records.inputs(frame, encoded)
        judged = np.isfinite(encoded.shares).sum(axis=1) >= _KNOWN
        judged &= frame["hs2"].is_not_null().to_numpy()
        values = np.full(len(rows), np.nan)
        if judged.any():
            values[judged] = _chances(self.boosting.raw(rows[judged]), self.slope)
        if self.recovered:
            headings: list[str | None] = frame["hs4"].to_list()
            worth = {code: self._recovery(code) for code in set(headings)}
            recovery = values * np.array([worth[code] for code in headings])
        else:
            recovery = np.full(len(rows), np.nan)
        return Scores(values, "item", {"rows": rows, "known": encoded.known, "recovery": recovery})

    def _recovery(self, heading: str | None) -> float:
        for each in (heading, heading[:2], "*") if heading else ("*",):
            if each in self.recovered:
                return self.recovered[each]
        return float("nan")

    def hits(self, batch: Batch, computed: Features, scores: Scores, reference: Reference) -> list[LearnedHit]:
        """Say of each item over the threshold what raised its chance, by how much."""
        found = scores.over(self.threshold)
        if not found:
            return []
        facts = computed.items[found].to_dicts()
        _, added = self.boosting.contributions(scores.kept["rows"][found])
        added *= self.slope[0]
        return [self._say(n, fact, scores, each) for n, fact, each in zip(found, facts, added, strict=True)]

    def _say(self, row: int, fact: Mapping[str, Any], scores: Scores, added: Numbers) -> LearnedHit:
        chance = float(scores.values[row])
        order = [int(n) for n in np.argsort(-added, kind="stable") if added[n] >= _TOLD_FROM][:_TOLD]
        told = [self._told(n, fact, scores.kept["rows"][row], scores.kept["known"][row], added[n]) for n in order]
        strong = chance >= self.medium
        level: Severity = "medium" if strong else "low"
        low, high = _MEDIUM if strong else _LOW
        worth = float(scores.kept["recovery"][row])
        money = f" By what was recovered before, it is worth {worth:,.0f} USD." if np.isfinite(worth) else ""
        because = f" Raised by {'; '.join(words for words, _ in told)}." if told else ""
        return LearnedHit(
            rule=Voice(self.name, self.code, level, self.version),
            row=row,
            declaration=fact["row"],
            item_number=fact["item_number"],
            score=low + (high - low) * chance,
            title="Like declarations that were found wrong",
            explanation=(
                f"The chance to be wrong is {chance:.1%}, of all labelled goods {self.encodings.base:.1%} were.{because}{money}"
            ),
            evidence=[evidence for _, evidence in told] or [_whole(fact, chance)],
            substances=[],
        )

    def _told(
        self, column: int, fact: Mapping[str, Any], row: Numbers, known: Numbers, added: float
    ) -> tuple[str, dict[str, Any]]:
        """Return a contribution in words and as evidence; parties are not named."""
        place = f"/items/{fact['item_index']}"
        by = f"{added:+.2f} log odds"
        expected: float | None = None
        observed: float | None
        if column < len(KEYS):
            key = KEYS[column]
            observed, expected = _or_none(row[column]), self.encodings.base
            stated = "not declared" if observed is None else f"{observed:.1%} wrong, {known[column]:,.0f} known"
            words = f"{key.words}: {stated} ({by})"
            path = _path(key.columns[0], place)
        elif column < len(KEYS) + len(COUNTED):
            at = COUNTED[column - len(KEYS)]
            observed = _or_none(known[at])
            words = f"{KEYS[at].words}: {'not declared' if observed is None else f'{observed:,.0f} known'} ({by})"
            path = _path(KEYS[at].columns[0], place)
        else:
            name = list(MEASURED)[column - len(KEYS) - len(COUNTED)]
            (named, unit), observed = MEASURED[name], fact[name]
            words = f"{named} {observed:,.4g} {unit} ({by})" if observed is not None else f"{named} not known ({by})"
            path = f"{place}/{'value' if 'usd' in name else 'net_mass_kg'}"
        return words, {"path": path, "observed": observed, "expected": expected, "reference": f"model outcome: {words}"}

    def parts(self) -> dict[str, Any]:
        """Return what was learned."""
        return {
            "encodings": self.encodings.parts(),
            "boosting": self.boosting.parts(),
            "slope": list(self.slope),
            "threshold": float(self.threshold),
            "medium": float(self.medium),
            "recovered": self.recovered,
            "figures": self.figures,
        }

    @classmethod
    def from_parts(cls, parts: Mapping[str, Any]) -> Self:
        """Return the detector that gave ``parts``."""
        try:
            encodings, boosting = Encodings.from_parts(parts["encodings"]), Boosting.from_parts(parts["boosting"])
            if list(encodings.keys) != KEYS or boosting.features != WIDTH:
                raise ValueError("this model is of other keys")
            return cls(
                encodings,
                boosting,
                (float(parts["slope"][0]), float(parts["slope"][1])),
                float(parts["threshold"]),
                float(parts["medium"]),
                parts["recovered"],
                parts["figures"],
            )
        except (KeyError, TypeError, ValueError, IndexError) as error:
            raise ModelError(f"these are not the parts of {cls.name}: {error!r}") from error

    def described(self) -> dict[str, Any]:
        """Return thresholds, budget and sizes."""
        return {"threshold": self.threshold, "threshold of level medium": self.medium, "budget": BUDGET} | self.figures


def _labelled(history: History) -> pl.DataFrame:
    """Return the records of all items with a known outcome, by time."""
    labels = history.labels
    frames = []
    for batch, computed in history.computed(_records.COLUMNS):
        told: list[Outcome | None] = [labels.get(row["declaration_id"]) for row in batch.rows]
        if not any(told):
            continue
        rows = computed.items["row"].to_list()
        outcomes = [told[row] for row in rows]
        sizes = [len(batch.rows[row]["items"]) for row in rows]
        frame = _records.records(batch, computed).with_columns(
            wrong=pl.Series([float(one.wrong) if one else None for one in outcomes], dtype=pl.Float64),
            weight=pl.Series(
                [one.weight / size if one else 0.0 for one, size in zip(outcomes, sizes, strict=True)], dtype=pl.Float64
            ),
            revenue=pl.Series([one.revenue if one and one.wrong else None for one in outcomes], dtype=pl.Float64),
            moment=pl.Series([int(batch.rows[row]["lodged_at"].timestamp() * 1e6) for row in rows], dtype=pl.Int64),
        )
        frames.append(frame.filter(pl.col("wrong").is_not_null() & pl.col("hs2").is_not_null()))
    if not frames:
        raise ModelError(f"outcome needs at least {_FEWEST} labelled items; there is none")
    return pl.concat(frames).sort("moment", maintain_order=True)


def calibrated(raw: Numbers, wrong: Numbers, weights: Numbers) -> tuple[float, float]:
    """Return slope and intercept from raw log odds to calibrated ones (Platt 1999); a rank never turns round."""
    from sklearn.linear_model import LogisticRegression

    fitted = LogisticRegression(C=1e3).fit(raw[:, None], wrong.astype(int), sample_weight=weights)
    return max(1e-3, float(fitted.coef_[0, 0])), float(fitted.intercept_[0])


def _chances(raw: Numbers, slope: tuple[float, float]) -> Numbers:
    return np.asarray(1.0 / (1.0 + np.exp(-(slope[0] * raw + slope[1]))))


def _recovered(frame: pl.DataFrame) -> dict[str, float]:
    """Return the median recovered from wrong declarations, by heading, chapter and "*"; only where enough are known."""
    known = frame.filter(pl.col("revenue").is_not_null()).select("hs2", "hs4", "revenue", all=pl.lit("*"))
    found: dict[str, float] = {}
    for by in ("hs2", "hs4", "all"):
        grouped = known.drop_nulls(by).group_by(by).agg(pl.col("revenue").median(), pl.len().alias("count"))
        found |= dict(grouped.filter(pl.col("count") >= _RECOVERIES).select(by, "revenue").sort(by).iter_rows())
    return found


def _exceeded_by(honest: Numbers, share: float) -> float:
    """Return a chance that no more than a share of the honest ones exceed."""
    ranked = np.sort(honest)[::-1]
    return float(np.nextafter(ranked[int(share * len(ranked))], np.inf))


def _or_none(value: float) -> float | None:
    return None if np.isnan(value) else float(value)


def _path(column: str, place: str) -> str:
    """Return the JSON pointer of a key's first column."""
    if column.startswith("hs"):
        return f"{place}/commodity_code"
    return {"origin": f"{place}/origin", "mode": "/transport/mode"}.get(column, f"/{column}")


def _whole(fact: Mapping[str, Any], chance: float) -> dict[str, Any]:
    return {
        "path": f"/items/{fact['item_index']}",
        "observed": round(chance, 4),
        "expected": None,
        "reference": "model outcome: no single feature stands out",
    }
