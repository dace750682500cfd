"""The Customs-Declaration-Datasets (KCS) benchmark: OUTCOME's encodings and trees on its published train, valid and test files.

The data are synthetic (CTGAN over Korean import declarations; Jeong, Kim et al., arXiv 2208.02484; MIT licence) and repeat whole
(HS, departure, origin, rate, type, mass) tuples with their label, in one file and across files. So a look-up of the tuple alone
is nearly perfect on the published split: that is the leak. What a model knows of goods that it has not seen shows on the test
rows whose tuple does not stand in train, and there nobody knows much.

Two ensembles share the work: one for tuples seen in train; one, grown on first sights alone and blended with trees over the plain
columns and a linear model, for those that were not. All is fitted on train and calibrated on valid; test only judges.
"""

from __future__ import annotations

import resource
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
import polars as pl
from numpy.typing import NDArray

from detectors._columnar import Flags, Numbers
from detectors.models._boosting import Boosting, one_thread
from detectors.models._encodings import Encoded, Encodings, Key, ordered
from schemas.errors import AssayError

Say = Callable[[str], None]
PARTS: Final = ("train", "valid", "test")
TUPLE: Final = ("hs6", "departure", "origin", "rate", "type", "mass")
SHARES: Final = (0.01, 0.02, 0.05, 0.10)
#: What others published or measured on the test file before.
PUBLISHED: Final[tuple[dict[str, Any], ...]] = (
    {"way": "XGBoost, HS10 (published)", "precision_at": {"0.05": 0.675}},
    {"way": "LightGBM, HS10 (published)", "precision_at": {"0.05": 0.762, "0.1": 0.641}},
    {"way": "XGBoost, HS6 (authors' code)", "macro_f1": 0.7187},
    {"way": "LightGBM at defaults (measured earlier)", "auc": 0.762},
    {"way": "best of several (measured earlier)", "auc_disjoint": 0.635},
)
_NAMES: Final = {
    "HS6 Code": "hs6",
    "Country of Departure": "departure",
    "Country of Origin": "origin",
    "Tax Rate": "rate",
    "Tax Type": "type",
    "Net Mass": "mass",
    "Item Price": "price",
    "Date": "date",
    "Fraud": "fraud",
}
_RESAMPLES = 1000
_PAST = 0.1
#: Chosen on train (its last quarter) and valid alone, where rows of unseen tuples are judged as well.
_SEEN_SMOOTHING, _UNSEEN_SMOOTHING = 2.0, 20.0
_UNSEEN: Final = {"max_iter": 100, "max_leaf_nodes": 6, "max_features": 0.3}
_PLAIN: Final = {"max_leaf_nodes": 10, "min_samples_leaf": 30, "max_features": 0.3}
_SEEDS, _PLAIN_SEEDS = 5, 2
#: The linear model: inverse of its penalty, and from how many first sights on a category counts by itself.
_PENALTY, _RARE = 0.1, 8
#: Who traded says nothing of goods not seen; and what is neither a feature nor known beforehand.
_PARTIES: Final = ("Declarant ID", "Importer ID", "Seller ID", "Courier ID")
_NOT_READ: Final = ("Declaration ID", "Date", "Fraud", "Critical Fraud")


def _keys(told: dict[str, str | None]) -> list[Key]:
    places = {columns: n for n, columns in enumerate(told)}
    return [
        Key(columns, tuple(columns.split()), None if parent is None else places[parent])
        for columns, parent in told.items()
    ]


_GENERAL: Final[dict[str, str | None]] = {
    "hs2": None,
    "hs4": "hs2",
    "hs6": "hs4",
    "departure": None,
    "origin": None,
    "type": None,
    "rate": None,
    "departure type": "departure",
    "rate type": "type",
    "departure origin": "departure",
    "band": None,
}
_SPECIAL: Final[dict[str, str | None]] = {
    "hs6 mass": "hs6",
    "hs6 departure origin": "hs6",
    "hs6 departure origin rate type": "hs6 departure origin",
    "hs6 departure origin rate type mass": "hs6 departure origin rate type",
}
UNSEEN_KEYS = _keys(_GENERAL)
SEEN_KEYS = _keys(_GENERAL | _SPECIAL)


@dataclass(frozen=True)
class Part:
    """One file: text columns of the keys, measures, days, labels, and the raw columns for the baseline."""

    frame: pl.DataFrame
    measures: Numbers
    days: NDArray[np.int64]
    fraud: Numbers
    raw: pl.DataFrame

    def only(self, chosen: Flags) -> Part:
        """Return some of its rows."""
        keep = pl.Series(chosen)
        return Part(
            self.frame.filter(keep),
            self.measures[chosen],
            self.days[chosen],
            self.fraud[chosen],
            self.raw.filter(keep),
        )


def read(folder: Path, most: int | None = None) -> dict[str, Part]:
    """Return train, valid and test; ``most``: only so many rows of each.

    Raises
    ------
    AssayError : a file is missing, or is not of this benchmark.
    """
    found = {}
    for name in PARTS:
        path = folder / f"df_syn_{name}_eng.csv"
        try:
            raw = pl.read_csv(path, infer_schema_length=None, n_rows=most)
            found[name] = _part(raw)
        except (OSError, pl.exceptions.PolarsError) as error:
            first = str(error).splitlines()[0]
            raise AssayError(
                f"{path}: not a file of the KCS benchmark (Customs-Declaration-Datasets): {first}"
            ) from None
    return found


def _part(raw: pl.DataFrame) -> Part:
    told = raw.rename(_NAMES)
    mass, price = told["mass"].cast(pl.Float64).to_numpy(), told["price"].cast(pl.Float64).to_numpy()
    measures = np.column_stack(
        [np.log1p(mass), np.log1p(price), np.log1p(price) - np.log(mass + 0.1), told["rate"].cast(pl.Float64)]
    )
    code = told["hs6"].cast(pl.String).str.zfill(6)
    frame = told.select(pl.col("departure", "origin", "rate", "type", "mass").cast(pl.String)).with_columns(
        hs2=code.str.slice(0, 2),
        hs4=code.str.slice(0, 4),
        hs6=code,
        band=pl.Series(np.round(3 * np.log1p(mass)).astype(int)).cast(pl.String),
    )
    days = told["date"].str.to_date().to_physical().cast(pl.Int64).to_numpy()
    return Part(frame, measures, days, told["fraud"].cast(pl.Float64).to_numpy(), raw)


def unseen(part: Part, train: Part) -> Flags:
    """Return which rows have a tuple that does not stand in train."""
    known = train.frame.select(TUPLE).unique().with_columns(known=True)
    joined = part.frame.select(TUPLE).join(known, on=TUPLE, how="left", maintain_order="left", nulls_equal=True)
    return joined["known"].is_null().to_numpy()


class KcsModel:
    """The two ensembles with their encodings; chances of fraud by :meth:`chances`."""

    def __init__(self, train: Part, valid: Part, say: Say = lambda doing: None) -> None:
        self.train = train
        everyone = np.ones(len(train.fraud))
        # A tuple counts once for the general keys: twenty copies of one row say no more of its heading than the row.
        once = train.frame.select(pl.struct(TUPLE).is_first_distinct()).to_series().to_numpy()
        late = np.arange(len(once)) >= _PAST * len(once)
        say("tuples seen: encodings in order of time, trees")
        self.seen = _Half(train, SEEN_KEYS, everyone, _SEEN_SMOOTHING, late, [{}])
        say("tuples not seen: encodings of first sights, trees")
        self.unseen = _Half(train, UNSEEN_KEYS, once.astype(float), _UNSEEN_SMOOTHING, late & once, [_UNSEEN] * _SEEDS)
        say("tuples not seen: trees over plain columns")
        self.plain = _Plain(train)
        say("tuples not seen: a linear model over categories")
        self.linear = _Linear(train, once)
        say("calibrating on valid")
        new = unseen(valid, train)
        later = valid.only(new)
        #: The three agree on no unit: each counts by its spread on valid.
        self.spreads = [max(float(np.std(one.raw(later))), 1e-9) if len(later.fraud) else 1.0 for one in self._blended]
        self.slopes = [_slope(self._raw(part, side), part.fraud) for side, part in enumerate((valid.only(~new), later))]

    def chances(self, part: Part) -> Numbers:
        """Return the chance of fraud of each row."""
        new = unseen(part, self.train)
        found = np.empty(len(new))
        for side, of in enumerate((~new, new)):
            if of.any():
                slope, start = self.slopes[side]
                found[of] = 1.0 / (1.0 + np.exp(-(slope * self._raw(part.only(of), side) + start)))
        return found

    def _raw(self, part: Part, side: int) -> Numbers:
        if side == 0:
            return self.seen.raw(part)
        told = [one.raw(part) / spread for one, spread in zip(self._blended, self.spreads, strict=True)]
        return np.asarray(np.sum(told, axis=0))

    @property
    def _blended(self) -> Sequence[_Half | _Plain | _Linear]:
        return self.unseen, self.plain, self.linear


class _Half:
    """One ensemble: encodings by train, and trees grown on the chosen rows of it."""

    def __init__(
        self,
        train: Part,
        keys: list[Key],
        weights: Numbers,
        smoothing: float,
        chosen: Flags,
        grown: list[dict[str, Any]],
    ) -> None:
        self.counted = [n for n, key in enumerate(keys) if n >= len(_GENERAL)]
        rows = self._rows(ordered(train.frame, keys, train.fraud, weights, train.days, smoothing), train)
        same = np.ones(int(chosen.sum()))
        self.trees = [
            Boosting.grow(rows[chosen], train.fraud[chosen], same, seed, **settings)
            for seed, settings in enumerate(grown)
        ]
        self.encodings = Encodings.learn(train.frame, keys, train.fraud, weights, smoothing)

    def _rows(self, encoded: Encoded, part: Part) -> Numbers:
        return np.hstack([encoded.columns(self.counted), part.measures])

    def raw(self, part: Part) -> Numbers:
        rows = self._rows(self.encodings.encode(part.frame), part)
        return np.asarray(np.mean([trees.raw(rows) for trees in self.trees], axis=0))


class _Plain:
    """Trees over the columns as they stand, without the parties."""

    def __init__(self, train: Part) -> None:
        self.read = _plain_columns(train, _PARTIES)
        rows, same = self.read(train), np.ones(len(train.fraud))
        self.trees = [Boosting.grow(rows, train.fraud, same, seed, **_PLAIN) for seed in range(_PLAIN_SEEDS)]

    def raw(self, part: Part) -> Numbers:
        rows = self.read(part)
        return np.asarray(np.mean([trees.raw(rows) for trees in self.trees], axis=0))


class _Linear:
    """Logistic regression over categories and some pairs of them, on first sights; rare categories count as one."""

    def __init__(self, train: Part, once: Flags) -> None:
        from sklearn.linear_model import LogisticRegression
        from sklearn.preprocessing import OneHotEncoder

        self.spread_out = OneHotEncoder(handle_unknown="infrequent_if_exist", min_frequency=_RARE)
        columns = self.spread_out.fit_transform(self._categories(train)[once])
        self.fitted = LogisticRegression(C=_PENALTY, max_iter=300, solver="liblinear")
        self.fitted.fit(columns, train.fraud[once].astype(int))

    @staticmethod
    def _categories(part: Part) -> NDArray[Any]:
        texts = [n for n in part.raw.columns if n not in (*_NOT_READ, *_PARTIES) and part.raw[n].dtype == pl.String]
        price = pl.Series(np.round(2 * part.measures[:, 2]).astype(int)).cast(pl.String)
        named = part.frame.select("hs2", "hs4", "hs6", "rate", "band", price=price)
        pairs = [("departure", "type"), ("hs4", "departure"), ("hs2", "band")]
        joined = part.frame.select(pl.concat_str(pair, separator="|").alias("|".join(pair)) for pair in pairs)
        return pl.concat([part.raw.select(pl.col(texts).fill_null("")), named, joined], how="horizontal").to_numpy()

    def raw(self, part: Part) -> Numbers:
        return np.asarray(self.fitted.decision_function(self.spread_out.transform(self._categories(part))))


def _slope(raw: Numbers, fraud: Numbers) -> tuple[float, float]:
    from detectors.models.outcome import calibrated

    return calibrated(raw, fraud, np.ones(len(fraud))) if len(np.unique(fraud)) == 2 else (1.0, 0.0)


def _plain_columns(train: Part, without: Sequence[str] = ()) -> Callable[[Part], Numbers]:
    """Return a reader of the plain columns: numbers as they are, texts numbered in the order of train's, new ones unknown."""
    from sklearn.preprocessing import OrdinalEncoder

    names = [name for name in train.raw.columns if name not in (*_NOT_READ, *without)]
    texts = [name for name in names if train.raw[name].dtype == pl.String]
    order = OrdinalEncoder(handle_unknown="use_encoded_value", unknown_value=np.nan)
    order.fit(train.raw.select(pl.col(texts).fill_null("")).to_numpy())

    def rows(of: Part) -> Numbers:
        told = order.transform(of.raw.select(pl.col(texts).fill_null("")).to_numpy())
        plain = of.raw.select(name for name in names if name not in texts).cast(pl.Float64).to_numpy()
        return np.hstack([plain, told])

    return rows


def baseline(train: Part, part: Part) -> Numbers:
    """Return the chances by scikit-learn's histogram boosting (LightGBM's algorithm) at defaults, codes numbered in order."""
    from sklearn.ensemble import HistGradientBoostingClassifier

    rows = _plain_columns(train)
    with one_thread():
        model = HistGradientBoostingClassifier(random_state=0).fit(rows(train), train.fraud.astype(int))
        return np.asarray(model.predict_proba(rows(part))[:, 1])


def looked_up(train: Part, part: Part) -> Numbers:
    """Return the share of fraud among train's rows of the same tuple; of all train where there is none."""
    shares = train.frame.select(TUPLE).with_columns(fraud=train.fraud).group_by(TUPLE).agg(pl.col("fraud").mean())
    joined = part.frame.select(TUPLE).join(shares, on=TUPLE, how="left", maintain_order="left", nulls_equal=True)
    return joined["fraud"].fill_null(float(train.fraud.mean())).to_numpy()


def run(folder: Path, say: Say = lambda doing: None, resamples: int = _RESAMPLES) -> dict[str, Any]:
    """Fit on train, calibrate on valid, judge on test; return all figures as JSON can carry them."""
    say("reading")
    parts = read(folder)
    train, valid, test = (parts[name] for name in PARTS)
    began, cpu = time.perf_counter(), time.process_time()
    model = KcsModel(train, valid, say)
    seconds, cpu = time.perf_counter() - began, time.process_time() - cpu
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    say("judging test")
    ways = {
        "Assay OUTCOME": (model.chances(valid), model.chances(test)),
        "HistGradientBoosting at defaults": (baseline(train, valid), baseline(train, test)),
        "tuple look-up": (looked_up(train, valid), looked_up(train, test)),
    }
    new = unseen(test, train)
    rows = [
        {"way": way}
        | figures(test.fraud, found, _cut(valid.fraud, before))
        | {"auc_disjoint": auc(test.fraud[new], found[new])}
        for way, (before, found) in ways.items()
    ]
    say(f"{resamples:,} paired resamples")
    mine = ways["Assay OUTCOME"][1][new]
    return {
        "train": len(train.fraud),
        "valid": len(valid.fraud),
        "test": len(test.fraud),
        "disjoint": int(new.sum()),
        "disjoint_fraud": int(test.fraud[new].sum()),
        "train_seconds": seconds,
        "train_cpu_seconds": cpu,
        "peak_mb": memory,
        "measured": rows,
        "published": list(PUBLISHED),
        "interval": interval(test.fraud[new], mine, None, resamples),
        "paired": {
            way: interval(test.fraud[new], mine, found[new], resamples) for way, (_, found) in list(ways.items())[1:]
        },
    }


def auc(fraud: Numbers, chances: Numbers) -> float:
    """Return the area under the ROC curve, ties shared out."""
    from sklearn.metrics import roc_auc_score

    return float(roc_auc_score(fraud, chances))


def _cut(fraud: Numbers, chances: Numbers) -> float:
    """Return the chance from which to call it fraud: the best F1 on valid."""
    from sklearn.metrics import precision_recall_curve

    precision, recall, cuts = precision_recall_curve(fraud, chances)
    f1 = 2 * precision * recall / np.maximum(precision + recall, 1e-12)
    return float(cuts[int(np.argmax(f1[:-1]))])


def figures(fraud: Numbers, chances: Numbers, cut: float) -> dict[str, Any]:
    """Return AUC, precision of the riskiest shares, F1 of fraud and macro-F1 from ``cut`` on."""
    from sklearn.metrics import f1_score

    order = np.argsort(-chances, kind="stable")
    called = (chances >= cut).astype(int)
    return {
        "auc": auc(fraud, chances),
        "precision_at": {f"{share:g}": float(fraud[order[: int(share * len(fraud))]].mean()) for share in SHARES},
        "f1": float(f1_score(fraud, called)),
        "macro_f1": float(f1_score(fraud, called, average="macro")),
    }


def interval(fraud: Numbers, mine: Numbers, theirs: Numbers | None, resamples: int) -> dict[str, float]:
    """Return the AUC, or the difference of two on the same rows, with its 95 % bootstrap interval."""
    chance = np.random.default_rng(0)

    def told(rows: Any) -> float:
        other = auc(fraud[rows], theirs[rows]) if theirs is not None else 0.0
        return auc(fraud[rows], mine[rows]) - other

    drawn = [chance.integers(0, len(fraud), len(fraud)) for _ in range(resamples)]
    low, high = np.quantile([told(rows) for rows in drawn], [0.025, 0.975]).tolist()
    return {"value": told(slice(None)), "low": low, "high": high}
