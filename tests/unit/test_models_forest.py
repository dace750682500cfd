"""The walk through tables gives scikit-learn's scores."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.ensemble import IsolationForest

from detectors.models._forest import Forest


@pytest.mark.parametrize(("rows", "samples", "kind"), [(600, 256, "normal"), (40, 40, "normal"), (300, 64, "repeated")])
def test_scores_are_those_of_scikit_learn(rows: int, samples: int, kind: str) -> None:
    draw = np.random.default_rng(7)
    told = draw.normal(size=(rows, 6)) if kind == "normal" else draw.integers(0, 3, size=(rows, 6)).astype(float)
    grown = IsolationForest(n_estimators=25, max_samples=samples, random_state=3).fit(told)
    forest = Forest.of(grown)
    asked = np.vstack([told, 8 * draw.normal(size=(700, 6))])
    assert np.allclose(forest.scores(asked), -grown.score_samples(asked), rtol=0, atol=1e-12)
    # Where a value is the threshold itself, rounding decides: there, too, they must agree.
    edges = np.repeat(grown.estimators_[0].tree_.threshold[:20, None], 6, axis=1)
    assert np.allclose(forest.scores(edges), -grown.score_samples(edges), rtol=0, atol=1e-12)


def test_scores_do_not_depend_on_the_rows_beside() -> None:
    draw = np.random.default_rng(5)
    forest = Forest.grow(draw.normal(size=(500, 4)), seed=0)
    asked = draw.normal(size=(600, 4))
    together = forest.scores(asked)
    assert [forest.scores(asked[n : n + 1])[0] for n in range(0, 600, 37)] == together[::37].tolist()
    assert np.array_equal(Forest.from_parts(forest.parts()).scores(asked), together)
    assert forest.scores(np.zeros((0, 4))).shape == (0,)
    assert forest.scores(np.full((1, 4), 9.0))[0] > together.max() - 0.05
