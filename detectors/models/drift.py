"""Does a model still see what it was trained for? Distributions of features and scores, then and now.

*Then* is the hold-out of the training, kept in the model's file: shares of bins (deciles for numbers, the commonest values for
texts and flags, one for null). *Now* are the declarations of a window of event time. They are compared by the population
stability index, of which 0.10 to 0.25 is commonly called a moderate and more a large shift (Siddiqi, Credit Risk Scorecards,
2006), and the scores by the two-sample Kolmogorov-Smirnov test as well (scipy). What is wrong more or less often is compared with
the training by an exact binomial test.

Windows are of event time, so that a replay of last year's declarations is compared as last year; the newest
:data:`KEPT_WINDOWS` are held, and what is older than these is left out. Memory is bounded: counts, and a sample of scores.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from detectors._columnar import Numbers
from detectors.batch import Batch
from detectors.features import Features
from detectors.models.learned import Scores

LARGE_SHIFT = 0.25
#: Rows behind a comparison at least: with fewer, chance alone moves a decile's share too far.
ENOUGH = 500
#: Rows of one batch that are counted at most: the watch must cost little beside the judging.
ROWS_OF_BATCH = 64
#: Scores kept of a hold-out and of a window.
_SAMPLE = 1000
#: Windows that are open at once, and days in each.
KEPT_WINDOWS, WINDOW_DAYS = 4, 7
#: A difference of scores is told when it is large as well as certain: of many rows the smallest is certain.
KS_LARGE, KS_CERTAIN = 0.10, 0.001
_COMMONEST = 20
_OTHER, _NULL = "(other)", "(null)"
#: A share that was never seen counts as this one, or the index would be infinite.
_LEAST_SHARE = 1e-4
_BEGIN = datetime(2000, 1, 3, tzinfo=UTC)  # a Monday


@dataclass(frozen=True, slots=True)
class Shift:
    """How far one window is from the hold-out.

    ``features`` and ``score`` are stability indices; ``ks`` and ``ks_p`` the test over scores; ``rows`` how many there were.
    """

    since: datetime
    until: datetime
    rows: int
    features: Mapping[str, float]
    score: float
    ks: float
    ks_p: float

    @property
    def large(self) -> list[str]:
        """Name what has shifted by much, the furthest first; ``score`` is the model's own."""
        found = {**self.features, "score": self.score}
        if self.ks >= KS_LARGE and self.ks_p < KS_CERTAIN:
            found["score"] = max(found["score"], LARGE_SHIFT)
        return [name for name in sorted(found, key=lambda n: -found[n]) if found[name] >= LARGE_SHIFT]


def seen(columns: Mapping[str, Sequence[pl.Series]], scores: Numbers) -> dict[str, Any]:
    """Return what a hold-out looked like, as JSON can carry it.

    Parameters
    ----------
    columns : of each feature the series of all batches. Lists (of countries, of substances) are left out.
    scores : one a row; NaN where the model abstained.
    """
    features: dict[str, Any] = {}
    for name, series in sorted(columns.items()):
        whole = pl.concat(list(series)) if series else None
        if whole is not None and (bins := _binned(whole)) is not None:
            features[name] = bins
    told = scores[~np.isnan(scores)]
    sample = np.quantile(told, np.linspace(0, 1, min(_SAMPLE, len(told)))) if len(told) else np.array([])
    return {
        "rows": len(scores),
        "features": features,
        "score": _binned(pl.Series("score", scores, nan_to_null=True)),
        "score_sample": [float(value) for value in sample],
    }


def _binned(series: pl.Series) -> dict[str, Any] | None:
    """Return the bins of a column and their shares; None for a type that has none."""
    if series.dtype.is_numeric():
        numbers = series.cast(pl.Float64).drop_nulls().drop_nans().to_numpy()
        inner = np.unique(np.quantile(numbers, np.linspace(0.1, 0.9, 9))) if len(numbers) else np.array([])
        bins: dict[str, Any] = {"edges": [float(edge) for edge in inner]}
    elif series.dtype in (pl.String, pl.Boolean):
        commonest = series.cast(pl.String).drop_nulls().value_counts(sort=True).head(_COMMONEST)
        bins = {"values": sorted(commonest[series.name].to_list())}
    else:
        return None
    counts = _count(bins, series)
    return bins | {"shares": [float(share) for share in counts / max(1, counts.sum())]}


def _count(bins: Mapping[str, Any], series: pl.Series) -> NDArray[np.int64]:
    """Return how many values fall into each bin, nulls into the last."""
    if "edges" in bins:
        edges = np.array(bins["edges"], dtype=np.float64)
        values = series.cast(pl.Float64).fill_null(float("nan")).to_numpy()
        null = np.isnan(values)
        places = np.searchsorted(edges, values[~null], "right")
        return np.append(np.bincount(places, minlength=len(edges) + 1), int(null.sum())).astype(np.int64)
    known = {value: place for place, value in enumerate(bins["values"])}
    counts = np.zeros(len(known) + 2, dtype=np.int64)
    counted = series.cast(pl.String).value_counts()
    for value, count in zip(counted[series.name].to_list(), counted["count"].to_list(), strict=True):
        counts[len(known) + 1 if value is None else known.get(value, len(known))] += count
    return counts


def stability_index(then: Sequence[float] | Numbers, now: Sequence[float] | Numbers) -> float:
    """Return the population stability index of two lists of shares.

    >>> round(stability_index([0.5, 0.5], [0.5, 0.5]), 3), round(stability_index([0.9, 0.1], [0.5, 0.5]), 3)
    (0.0, 0.879)
    """
    a = np.maximum(np.asarray(then, dtype=np.float64), _LEAST_SHARE)
    b = np.maximum(np.asarray(now, dtype=np.float64), _LEAST_SHARE)
    return float(np.sum((b - a) * np.log(b / a)))


@dataclass
class _Window:
    """What was seen of one window: counts by feature, counts and a sample of scores, and the rows at the last comparison."""

    features: dict[str, NDArray[np.int64]] = field(default_factory=dict)
    score: NDArray[np.int64] | None = None
    sample: list[tuple[int, float]] = field(default_factory=list)
    rows: int = 0
    compared: int = 0


class Watch:
    """Watches one version of a model.

    Parameters
    ----------
    then : what its hold-out looked like (:func:`seen`).
    every : rows between two comparisons of a window. ``windows``: held at once; ``days``: in each.
    """

    def __init__(
        self, then: Mapping[str, Any], every: int = ENOUGH, days: int = WINDOW_DAYS, windows: int = KEPT_WINDOWS
    ) -> None:
        self._then = then
        self._every = max(every, 1)
        self._days = days
        self._kept = windows
        self._windows: dict[int, _Window] = {}
        #: Rows that were older than every window that is held.
        self.left_out = 0

    def take(self, rows: pl.DataFrame, scores: Numbers, days: Iterable[datetime], keys: Iterable[str]) -> list[Shift]:
        """Count rows in, and return the windows that have enough new rows for a comparison.

        Parameters
        ----------
        rows : the feature columns, a row a score. ``days`` : the time of lodgement of each row. ``keys`` : a name for each, from
            which it follows whether its score is in the sample, so that a repeated record changes little.
        """
        places = np.array([(day - _BEGIN) // timedelta(days=self._days) for day in days], dtype=np.int64)
        if not len(places):
            return []
        named = list(keys)
        found = []
        for place in np.unique(places).tolist():
            of = places == place
            window = self._window(place)
            if window is None:
                self.left_out += int(of.sum())
                continue
            self._add(window, rows.filter(pl.Series(of)), scores[of], [named[n] for n in np.flatnonzero(of)])
            if window.rows - window.compared >= self._every:
                window.compared = window.rows
                found.append(self._shift(place, window))
        return found

    def shifts(self) -> list[Shift]:
        """Return every window that has rows enough, as it stands."""
        return [self._shift(place, one) for place, one in sorted(self._windows.items()) if one.rows >= ENOUGH]

    def _window(self, place: int) -> _Window | None:
        if place not in self._windows:
            if len(self._windows) >= self._kept:
                oldest = min(self._windows)
                if place < oldest:
                    return None
                del self._windows[oldest]
            self._windows[place] = _Window()
        return self._windows[place]

    def _add(self, window: _Window, rows: pl.DataFrame, scores: Numbers, keys: Sequence[str]) -> None:
        window.rows += len(scores)
        for name, bins in self._then["features"].items():
            if name in rows.columns:
                counts = _count(bins, rows[name])
                window.features[name] = window.features[name] + counts if name in window.features else counts
        if (bins := self._then["score"]) is not None:
            counts = _count(bins, pl.Series("score", scores, nan_to_null=True))
            window.score = counts if window.score is None else window.score + counts
        told = np.flatnonzero(~np.isnan(scores)).tolist()
        window.sample += [(zlib.crc32(keys[n].encode()), float(scores[n])) for n in told]
        if len(window.sample) > 2 * _SAMPLE:
            window.sample = sorted(window.sample)[:_SAMPLE]

    def _shift(self, place: int, window: _Window) -> Shift:
        from scipy.stats import ks_2samp

        then = self._then
        ks, p = 0.0, 1.0
        if then["score_sample"] and window.sample:
            tested = ks_2samp(then["score_sample"], [score for _, score in sorted(window.sample)[:_SAMPLE]])
            ks, p = float(tested.statistic), float(tested.pvalue)
        since = _BEGIN + timedelta(days=self._days * place)
        return Shift(
            since,
            since + timedelta(days=self._days),
            window.rows,
            {
                name: stability_index(then["features"][name]["shares"], _shares(counts))
                for name, counts in window.features.items()
            },
            0.0 if window.score is None else stability_index(then["score"]["shares"], _shares(window.score)),
            ks,
            p,
        )


def _shares(counts: NDArray[np.int64]) -> Numbers:
    shares: Numbers = counts / max(1, int(counts.sum()))
    return shares


def observe(watch: Watch, batch: Batch, computed: Features, scores: Scores, every_row: bool = False) -> list[Shift]:
    """Let a watch see a scored batch, or a sample of it (every n-th row, at most :data:`ROWS_OF_BATCH`)."""
    frame = computed.items if scores.scope == "item" else computed.declarations
    step = 1 if every_row else -(-frame.height // ROWS_OF_BATCH) or 1
    rows = frame.gather_every(step)
    declarations = [batch.rows[n] for n in rows["row"].to_list()]
    items = rows["item_index"].to_list() if "item_index" in rows.columns else [0] * rows.height
    return watch.take(
        rows,
        scores.values[::step],
        [row["lodged_at"] for row in declarations],
        [f"{row['declaration_id']}/{item}" for row, item in zip(declarations, items, strict=True)],
    )


def label_shift(prevalence: float, known: int, wrong: int) -> float:
    """Return how likely (two-sided) it is to find so many wrong of so many known, if as many are wrong as in the training.

    >>> label_shift(0.01, 1000, 10) > 0.5, label_shift(0.01, 1000, 40) < 1e-6
    (True, True)
    """
    from scipy.stats import binomtest

    return float(binomtest(wrong, known, min(max(prevalence, 0.0), 1.0)).pvalue) if known else 1.0
