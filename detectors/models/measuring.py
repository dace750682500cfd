"""How good a model's ranking of declarations is, against what became of them.

A declaration has the highest score of its items; one on which the model abstains ranks below all others. Ties are shared out: a
budget that ends within declarations of one score finds what a random pick among them would. Weights (one by the chance of
selection, :mod:`detectors.models.dataset`) count as so many declarations.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from detectors._columnar import Numbers

Flags = NDArray[np.bool_]
#: Shares of the declarations that are inspected.
BUDGETS = (0.01, 0.02, 0.05, 0.10)
#: Resamples behind an interval, and bins of the calibration.
_RESAMPLES, _BINS = 200, 10


@dataclass(frozen=True)
class Ranking:
    """Declarations with a known outcome, as a model ranked them: arrays of one length.

    Attributes
    ----------
    ids : of the declarations. ``scores``: NaN where the model abstained. ``wrong``: the outcome. ``weights``: of selection.
    revenue : recovered, in US dollars; NaN where unknown. ``spoke``: whether the model would have spoken. ``kinds``: of cases.
    """

    ids: Sequence[str]
    scores: Numbers
    wrong: Flags
    weights: Numbers
    revenue: Numbers
    spoke: Flags
    kinds: Sequence[tuple[str, ...]]

    def __len__(self) -> int:
        return len(self.ids)

    def only(self, chosen: Flags) -> Ranking:
        """Return the ranking of some of its declarations."""
        places = np.flatnonzero(chosen).tolist()
        return Ranking(
            [self.ids[n] for n in places],
            self.scores[chosen],
            self.wrong[chosen],
            self.weights[chosen],
            self.revenue[chosen],
            self.spoke[chosen],
            [self.kinds[n] for n in places],
        )


def _ranks(scores: Numbers) -> Numbers:
    """Return scores with abstentions below all others."""
    return np.where(np.isnan(scores), -np.inf, scores)


def _cumulated(scores: Numbers, *columns: Numbers) -> list[Numbers]:
    """Return the running sums of columns, highest score first, at the end of each run of equal scores."""
    ranks = _ranks(scores)
    order = np.argsort(-ranks, kind="stable")
    ranked = ranks[order]
    ends = np.append(np.flatnonzero(ranked[1:] != ranked[:-1]), len(ranked) - 1)
    return [np.cumsum(column[order])[ends] for column in columns]


def curve(scores: Numbers, wrong: Flags, weights: Numbers) -> tuple[Numbers, Numbers, Numbers]:
    """Return share inspected, share of the wrong ones found, and precision, at the end of each run of equal scores."""
    looked, found = _cumulated(scores, weights, weights * wrong)
    return looked / looked[-1], found / found[-1] if found[-1] else found * np.nan, found / looked


def average_precision(scores: Numbers, wrong: Flags, weights: Numbers) -> float | None:
    """Return the average precision (sum of precision over steps of recall), None without a wrong declaration."""
    if not wrong.any():
        return None
    _, recall, precision = curve(scores, wrong, weights)
    return float(np.sum(np.diff(recall, prepend=0.0) * precision))


def roc_area(scores: Numbers, wrong: Flags, weights: Numbers) -> float | None:
    """Return the area under the ROC curve, None unless there are wrong and right declarations."""
    if not wrong.any() or wrong.all():
        return None
    from sklearn.metrics import roc_auc_score

    places = np.unique(_ranks(scores), return_inverse=True)[1]
    return float(roc_auc_score(wrong, places, sample_weight=weights))


def at_budget(ranking: Ranking, share: float) -> dict[str, float | None]:
    """Return what the inspection of a share of the declarations, riskiest first, finds.

    ``precision`` and ``recall`` of wrong declarations, and ``revenue_recall`` of the money known to have been recovered.
    """
    inspected, recall, precision = curve(ranking.scores, ranking.wrong, ranking.weights)
    (worth,) = _cumulated(ranking.scores, np.nan_to_num(ranking.revenue))
    edges = np.concatenate([[0.0], inspected])
    found = np.concatenate([[0.0], inspected * precision])
    caught = float(np.interp(share, edges, found))
    known = ranking.wrong.any()
    return {
        "share": share,
        "precision": caught / share,
        "recall": float(np.interp(share, edges, np.concatenate([[0.0], recall]))) if known else None,
        "revenue_recall": float(np.interp(share, edges, [0.0, *(worth / worth[-1])])) if worth[-1] else None,
    }


def calibration(ranking: Ranking) -> dict[str, Any]:
    """Return how often declarations of a score were wrong: bins of equal weight by score, without abstentions.

    Where the scores are chances (0..1), ``brier`` and ``expected_error`` (mean distance of stated and observed share) are
    given; else None.
    """
    here = ~np.isnan(ranking.scores)
    scores, wrong, weights = ranking.scores[here], ranking.wrong[here], ranking.weights[here]
    bins: list[dict[str, float]] = []
    if len(scores):
        edges = np.unique(np.quantile(scores, np.linspace(0, 1, _BINS + 1)))
        places = np.clip(np.searchsorted(edges, scores, "right") - 1, 0, max(0, len(edges) - 2))
        for place in np.unique(places):
            of = places == place
            total = float(weights[of].sum())
            bins.append(
                {
                    "score": float((scores[of] * weights[of]).sum() / total),
                    "observed": float((wrong[of] * weights[of]).sum() / total),
                    "weight": total,
                }
            )
    chances = len(scores) > 0 and float(scores.min()) >= 0.0 and float(scores.max()) <= 1.0
    total = float(weights.sum()) or 1.0
    return {
        "bins": bins,
        "brier": float((weights * (scores - wrong) ** 2).sum() / total) if chances else None,
        "expected_error": sum(b["weight"] * abs(b["score"] - b["observed"]) for b in bins) / total if chances else None,
    }


#: The figures that :func:`measures` gives, and those of them that are no number where no outcome is known.
_FIGURES = (
    "prevalence",
    "abstained",
    "average_precision",
    "average_precision_interval",
    "roc_area",
    "spoke_precision",
    "spoke_recall",
    "false_per_1000_honest",
)
_NOTHING: dict[str, Any] = {
    "declarations": 0,
    "wrong": 0,
    "budgets": [],
    "spoke": 0,
    "revenue_known": 0,
    "calibration": {"bins": [], "brier": None, "expected_error": None},
    "by_kind": {},
}


def measures(ranking: Ranking, seed: int = 0) -> dict[str, Any]:
    """Return all figures of a ranking, as JSON can carry them; None where there is nothing to measure."""
    honest = ~ranking.wrong
    weights = ranking.weights
    spoke = ranking.spoke
    if not len(ranking):
        return dict.fromkeys(_FIGURES) | _NOTHING
    precision = _share(weights[spoke & ranking.wrong].sum(), weights[spoke].sum())
    return {
        "declarations": len(ranking),
        "wrong": int(ranking.wrong.sum()),
        "prevalence": _share(weights[ranking.wrong].sum(), weights.sum()),
        "abstained": _share(int(np.isnan(ranking.scores).sum()), len(ranking)),
        "average_precision": average_precision(ranking.scores, ranking.wrong, weights),
        "average_precision_interval": _interval(ranking, seed),
        "roc_area": roc_area(ranking.scores, ranking.wrong, weights),
        "budgets": [at_budget(ranking, share) for share in BUDGETS],
        "spoke": int(spoke.sum()),
        "spoke_precision": precision,
        "spoke_recall": _share(weights[spoke & ranking.wrong].sum(), weights[ranking.wrong].sum()),
        "false_per_1000_honest": _share(1000 * weights[spoke & honest].sum(), weights[honest].sum()),
        "revenue_known": int((~np.isnan(ranking.revenue)).sum()),
        "calibration": calibration(ranking),
        "by_kind": by_kind(ranking),
    }


def by_kind(ranking: Ranking) -> dict[str, dict[str, float | int | None]]:
    """Return for each kind of case its average precision against all honest declarations, and how many were spoken of."""
    found: dict[str, dict[str, float | int | None]] = {}
    for kind in sorted({kind for kinds in ranking.kinds for kind in kinds}):
        of = np.array([kind in kinds for kinds in ranking.kinds], dtype=np.bool_)
        chosen = of | ~ranking.wrong
        found[kind] = {
            "declarations": int(of.sum()),
            "average_precision": average_precision(
                ranking.scores[chosen], ranking.wrong[chosen], ranking.weights[chosen]
            ),
            "spoke_recall": _share(int((of & ranking.spoke).sum()), int(of.sum())),
        }
    return found


def compare(challenger: Ranking, champion: Ranking, seed: int = 0) -> dict[str, Any]:
    """Compare two rankings of the same declarations: average precision of each, and the difference with a 95 % interval.

    The interval is by paired bootstrap: the same resample of declarations for both. None where nothing was wrong.
    """
    mine = average_precision(challenger.scores, challenger.wrong, challenger.weights)
    theirs = average_precision(champion.scores, champion.wrong, champion.weights)
    if mine is None or theirs is None:
        return {"challenger": mine, "champion": theirs, "difference": None, "interval": None}
    differences = [
        one - other
        for picked in _resamples(challenger.wrong, seed)
        if (one := average_precision(*_picked(challenger, picked))) is not None
        and (other := average_precision(*_picked(champion, picked))) is not None
    ]
    low, high = np.quantile(differences, [0.025, 0.975]).tolist() if differences else (None, None)
    return {"challenger": mine, "champion": theirs, "difference": mine - theirs, "interval": [low, high]}


def _picked(ranking: Ranking, picked: NDArray[np.int64]) -> tuple[Numbers, Flags, Numbers]:
    return ranking.scores[picked], ranking.wrong[picked], ranking.weights[picked]


def _resamples(wrong: Flags, seed: int) -> list[NDArray[np.int64]]:
    chance = np.random.default_rng(seed)
    return [chance.integers(0, len(wrong), len(wrong)) for _ in range(_RESAMPLES)]


def _interval(ranking: Ranking, seed: int) -> list[float] | None:
    found = [average_precision(*_picked(ranking, picked)) for picked in _resamples(ranking.wrong, seed)]
    told = [value for value in found if value is not None]
    return np.quantile(told, [0.025, 0.975]).tolist() if told else None


def _share(part: float, whole: float) -> float | None:
    return float(part) / float(whole) if whole else None


def flat(found: Mapping[str, Any]) -> dict[str, float]:
    """Return the figures of :func:`measures` that are single numbers, by a flat name: what a tracking server shows."""
    told: dict[str, float] = {}
    for name, value in found.items():
        if isinstance(value, int | float) and not isinstance(value, bool):
            told[name] = float(value)
    for budget in found.get("budgets", ()):
        for name in ("precision", "recall", "revenue_recall"):
            if budget[name] is not None:
                told[f"{name}_at_{budget['share']:.0%}".replace("%", "pct")] = float(budget[name])
    for name in ("brier", "expected_error"):
        if (value := found.get("calibration", {}).get(name)) is not None:
            told[name] = float(value)
    return told
