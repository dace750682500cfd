"""Gradient-boosted trees as plain tables: grown by scikit-learn, walked by its compiled walker, explained along their paths.

Only arrays are kept and stored. They are checked before they are walked (:meth:`Boosting.from_parts`): compiled code does not
look whether a child lies within its table.
"""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import AbstractContextManager
from typing import Any, Self

import numpy as np
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.ensemble._hist_gradient_boosting.common import PREDICTOR_RECORD_DTYPE
from sklearn.ensemble._hist_gradient_boosting.predictor import TreePredictor
from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

from detectors._columnar import Numbers

#: Small steps and small leaves' values: encodings of rare keys are noisy, and a deep tree would learn them by heart.
SETTINGS: Mapping[str, Any] = {
    "learning_rate": 0.05,
    "max_iter": 150,
    "max_leaf_nodes": 15,
    "min_samples_leaf": 40,
    "l2_regularization": 5.0,
}
_FIELDS = ("feature_idx", "num_threshold", "missing_go_to_left", "left", "right", "value", "count", "is_leaf")
_NO_BITS = np.zeros((0, 8), dtype=np.uint32)


class Boosting:
    """Trees whose values add up to the logarithm of the odds.

    Parameters
    ----------
    start : what every row begins with.
    nodes : of all trees one after another, in scikit-learn's record type; children are places within the tree.
    sizes : nodes of each tree.
    features : how many columns rows have.
    """

    def __init__(self, start: float, nodes: np.ndarray[Any, Any], sizes: np.ndarray[Any, Any], features: int) -> None:
        self.start = start
        self.nodes = nodes
        self.sizes = sizes
        self.features = features
        ends = np.cumsum(sizes)
        self._trees = [
            TreePredictor(np.ascontiguousarray(nodes[end - size : end]), _NO_BITS, _NO_BITS)
            for size, end in zip(sizes.tolist(), ends.tolist(), strict=True)
        ]
        self._map = np.zeros(features, dtype=np.uint32)
        self._paths: tuple[list[TreePredictor], Numbers, float] | None = None

    @classmethod
    def grow(cls, rows: Numbers, wrong: Numbers, weights: Numbers, seed: int, **settings: Any) -> Self:
        """Grow trees on rows (NaN: unknown) and labels (0 or 1).

        On one thread (:func:`one_thread`).
        """
        model = HistGradientBoostingClassifier(early_stopping=False, random_state=seed, **{**SETTINGS, **settings})
        # scikit-learn cannot bin a column of which nothing is known; no tree asks about a constant.
        told = np.where(np.isnan(rows).all(axis=0), 0.0, rows)
        with one_thread():
            model.fit(told, wrong.astype(int), sample_weight=weights)
        return cls.of(model)

    @classmethod
    def of(cls, model: HistGradientBoostingClassifier) -> Self:
        """Return the tables of a fitted model of two classes without categorical columns."""
        tables = [trees[0].nodes for trees in model._predictors]
        start = float(np.ravel(model._baseline_prediction)[0])
        sizes = np.array([len(table) for table in tables], dtype=np.int64)
        return cls(start, np.concatenate(tables), sizes, int(model.n_features_in_))

    def raw(self, rows: Numbers) -> Numbers:
        """Return the log odds of each row: the trees' values in the order of the trees, so the same in every batch."""
        asked = np.ascontiguousarray(rows, dtype=np.float64)
        found = np.full(len(asked), self.start)
        for tree in self._trees:
            found += tree.predict(asked, _NO_BITS, self._map, 1)
        return found

    def contributions(self, rows: Numbers) -> tuple[float, Numbers]:
        """Return the base (what a row of which nothing is asked would get) and what each column adds to it in each row.

        Every step down a tree changes the expected value; the change counts for the column that was asked (Saabas 2014). Base
        and contributions add up to the log odds. It is an approximation of what a column "causes": columns asked
        early take credit that Shapley values would share.
        """
        if self._paths is None:
            self._paths = self._told_paths()
        finders, added, base = self._paths
        asked = np.ascontiguousarray(rows, dtype=np.float64)
        found = np.zeros(asked.shape)
        start = 0
        for finder, size in zip(finders, self.sizes.tolist(), strict=True):
            found += added[start + finder.predict(asked, _NO_BITS, self._map, 1).astype(np.intp)]
            start += size
        return base, found

    def _told_paths(self) -> tuple[list[TreePredictor], Numbers, float]:
        """Return the trees with places for values, what the way to each node adds by column, and the base.

        So a walk costs what a score costs. A model that is never asked to explain itself never makes these tables.
        """
        finders, tables, base = [], [], self.start
        for tree in self._trees:
            nodes = tree.nodes
            expected = _expected(nodes)
            base += float(expected[0])
            added = np.zeros((len(nodes), self.features))
            for at in np.flatnonzero(nodes["is_leaf"] == 0):  # parents come before their children
                for child in (nodes["left"][at], nodes["right"][at]):
                    added[child] = added[at]
                    added[child, nodes["feature_idx"][at]] += expected[child] - expected[at]
            tables.append(added)
            placed = nodes.copy()
            placed["value"] = np.arange(len(nodes))
            finders.append(TreePredictor(placed, _NO_BITS, _NO_BITS))
        return finders, np.concatenate(tables), base

    def importance(self) -> Numbers:
        """Return the share of the gain that came from splits by each column."""
        gain = np.bincount(
            self.nodes["feature_idx"], np.where(self.nodes["is_leaf"], 0.0, self.nodes["gain"]), self.features
        )
        return np.asarray(gain / max(float(gain.sum()), 1e-12))

    def parts(self) -> dict[str, Any]:
        """Return the tables, a plain array a field."""
        fields = {name: np.ascontiguousarray(self.nodes[name]) for name in (*_FIELDS, "gain")}
        return {"start": float(self.start), "sizes": self.sizes, "features": self.features, "nodes": fields}

    @classmethod
    def from_parts(cls, parts: Mapping[str, Any]) -> Self:
        """Return the trees that gave ``parts``; raises ValueError, KeyError or TypeError if a walk could leave its table."""
        fields = parts["nodes"]
        sizes, features = np.asarray(parts["sizes"], dtype=np.int64), int(parts["features"])
        nodes = np.zeros(len(fields["value"]), dtype=PREDICTOR_RECORD_DTYPE)
        for name in (*_FIELDS, "gain"):
            nodes[name] = fields[name]
        if not len(sizes) or (sizes < 1).any() or int(sizes.sum()) != len(nodes) or features < 1:
            raise ValueError("trees and nodes do not fit together")
        size = np.repeat(sizes, sizes)
        place = np.arange(len(nodes)) - np.repeat(np.cumsum(sizes) - sizes, sizes)
        inner = nodes["is_leaf"] == 0
        for side in ("left", "right"):
            child = nodes[side].astype(np.int64)
            if (inner & ((child <= place) | (child >= size))).any():
                raise ValueError("a node's child lies outside its tree, or before it")
        if (inner & ((nodes["feature_idx"] < 0) | (nodes["feature_idx"] >= features))).any():
            raise ValueError(f"a node asks about a column beyond the {features}")
        if not np.isfinite(nodes["value"]).all():
            raise ValueError("a node without a value")
        return cls(float(parts["start"]), nodes, sizes, features)


def one_thread() -> AbstractContextManager[Any]:
    """Let scikit-learn work on one thread: on a busy machine those of OpenMP wait for each other far longer than they work."""
    limits: AbstractContextManager[Any] = threadpool_limits(1, "openmp")
    return limits


def _expected(nodes: np.ndarray[Any, Any]) -> Numbers:
    """Return the mean of the leaves below each node, by the rows that fell into them in training."""
    expected = nodes["value"].astype(np.float64)
    for at in np.flatnonzero(nodes["is_leaf"] == 0)[::-1]:  # children come after their parents
        left, right = int(nodes["left"][at]), int(nodes["right"][at])
        of_left, of_right = float(nodes["count"][left]), float(nodes["count"][right])
        expected[at] = (of_left * expected[left] + of_right * expected[right]) / max(of_left + of_right, 1.0)
    return expected
