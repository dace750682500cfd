"""OUTCOME: encodings that never look ahead, trees that add up, chances that hold, and silence where nothing is known."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from functools import cache
from random import Random
from typing import Any

import numpy as np
import polars as pl
import pytest
import skops.io
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.ensemble import HistGradientBoostingClassifier

from detectors import engine, features
from detectors.batch import Batch
from detectors.models._boosting import Boosting
from detectors.models._encodings import Encodings, Key, ordered
from detectors.models.learned import History, Outcome
from detectors.models.outcome import BUDGET, OutcomeDetector
from schemas import decode
from schemas.errors import ModelError

KEYS = (Key("chapter", ("hs2",)), Key("heading", ("hs2", "lane"), 0))
ROWS = st.lists(
    st.tuples(
        st.sampled_from(["81", "72", None]),
        st.sampled_from(["CN>DE", "CN>US", None]),
        st.integers(0, 6),
        st.booleans(),
        st.sampled_from([0.5, 1.0, 3.0]),
    ),
    min_size=1,
    max_size=25,
)
START = datetime(2026, 1, 1, tzinfo=UTC)


def _frame(rows: list[tuple[Any, ...]]) -> pl.DataFrame:
    return pl.DataFrame(
        {
            "hs2": pl.Series([r[0] for r in rows], dtype=pl.String),
            "lane": pl.Series([r[1] for r in rows], dtype=pl.String),
        }
    )


def _encoded(rows: list[tuple[Any, ...]], wrong: list[float]) -> tuple[np.ndarray, np.ndarray]:
    frame = _frame(rows)
    weights, moments = np.array([r[4] for r in rows]), np.array([r[2] for r in rows], dtype=np.int64)
    found = ordered(frame, KEYS, np.array(wrong), weights, moments, 2.0)
    return found.shares, found.known


@settings(max_examples=40, deadline=None)
@given(ROWS, st.data())
def test_an_encoding_knows_neither_its_own_label_nor_later_ones(rows: list[tuple[Any, ...]], data: Any) -> None:
    """Turning any labels from a moment on leaves every encoding up to that moment as it was."""
    wrong = [float(r[3]) for r in rows]
    since = data.draw(st.sampled_from([r[2] for r in rows]))
    turned = [1.0 - w if r[2] >= since else w for r, w in zip(rows, wrong, strict=True)]
    before, after = _encoded(rows, wrong), _encoded(rows, turned)
    upto = np.array([r[2] <= since for r in rows])
    for one, other in zip(before, after, strict=True):
        assert np.array_equal(one[upto], other[upto], equal_nan=True)


@settings(max_examples=30, deadline=None)
@given(ROWS)
def test_an_encoding_is_what_learning_from_all_that_came_before_gives(rows: list[tuple[Any, ...]]) -> None:
    wrong = [float(r[3]) for r in rows]
    shares, known = _encoded(rows, wrong)
    for n, row in enumerate(rows):
        past = [(r, w) for r, w in zip(rows, wrong, strict=True) if r[2] < row[2]]
        weights, told = np.array([r[4] for r, _ in past]), np.array([w for _, w in past])
        learned = Encodings.learn(_frame([r for r, _ in past]), KEYS, told, weights, 2.0)
        encoded = Encodings.from_parts(learned.parts()).encode(_frame([row]))
        assert np.allclose(encoded.shares[0], shares[n], equal_nan=True)
        assert np.allclose(encoded.known[0], known[n], equal_nan=True)


def test_trees_give_the_scores_of_scikit_learn_and_say_how() -> None:
    draw = np.random.default_rng(5)
    rows = draw.normal(size=(600, 4))
    rows[draw.random(rows.shape) < 0.2] = np.nan
    wrong = (np.nan_to_num(rows[:, 0]) + draw.normal(size=600) > 0.5).astype(int)
    model = HistGradientBoostingClassifier(max_iter=20, early_stopping=False, random_state=1).fit(rows, wrong)
    trees = Boosting.of(model)
    assert np.array_equal(trees.raw(rows), model._raw_predict(rows)[:, 0])
    for n in range(0, 600, 97):
        assert trees.raw(rows[n : n + 1])[0] == trees.raw(rows)[n]
        base, (added,) = trees.contributions(rows[n : n + 1])
        assert base + added.sum() == pytest.approx(trees.raw(rows)[n], abs=1e-9)
    assert trees.importance().argmax() == 0
    back = skops.io.loads(skops.io.dumps(trees.parts()))
    assert np.array_equal(Boosting.from_parts(back).raw(rows), trees.raw(rows))
    for field, value in (("left", 60_000), ("right", 0), ("feature_idx", 9), ("value", np.nan)):
        spoilt = trees.parts()
        at = int(np.flatnonzero(trees.nodes["is_leaf"] == 0)[0])
        spoilt["nodes"] = spoilt["nodes"] | {field: spoilt["nodes"][field].copy()}
        spoilt["nodes"][field][at] = value
        with pytest.raises(ValueError, match="node"):
            Boosting.from_parts(spoilt)


def _declared(number: int, chance: Random) -> tuple[dict[str, Any], Outcome]:
    """Return a declaration of some exporter; exporters 0 and 1 are wrong in half of all they send, the others seldom."""
    exporter = chance.randrange(12)
    wrong = chance.random() < (0.5 if exporter < 2 else 0.02)
    row = {
        "schema": "declaration/1", "event": "lodged", "declaration_id": f"d{number}", "version": 1,
        "lodged_at": (START + timedelta(hours=number)).isoformat().replace("+00:00", "Z"),
        "source": {"system": "assay", "format": "json"}, "regime": "export", "office": f"CN000{number % 3}",
        "exporter": {"id": f"CN{exporter}", "name": f"Exporter {exporter} Secret", "country": "CN"},
        "consignee": {"name": f"Buyer {chance.randrange(30)}", "country": "DE"}, "transport": {"mode": "sea"},
        "country_of_export": "CN", "country_of_destination": "DE",
        "items": [{"number": 1, "commodity_code": chance.choice(["7901200000", "9403600000"]), "origin": "CN",
                   "net_mass_kg": chance.uniform(10, 900), "value": {"amount": chance.uniform(50, 9000), "currency": "USD"}}],
    }  # fmt: skip
    return row, Outcome(wrong, revenue=1000.0 if wrong else None)


@cache
def _history() -> tuple[list[dict[str, Any]], dict[str, Outcome]]:
    from pydantic_core import to_json

    chance = Random(11)
    told = [_declared(n, chance) for n in range(2600)]
    return [decode.row(to_json(row)) for row, _ in told], {row["declaration_id"]: outcome for row, outcome in told}


@cache
def _trained() -> OutcomeDetector:
    rows, labels = _history()
    batches = [Batch.of(rows[start : start + 500]) for start in range(0, 2000, 500)]
    return OutcomeDetector.train(History(batches, engine.default_reference(), labels), lambda doing, share: None)


def _scores(rows: list[dict[str, Any]]) -> tuple[Batch, Any, Any]:
    batch = Batch.of(rows)
    computed = features.compute(batch, engine.default_reference(), OutcomeDetector.columns)
    return batch, computed, _trained().score(batch, computed, engine.default_reference())


def test_chances_hold_on_what_came_later_and_say_why_without_naming_anybody() -> None:
    rows, labels = _history()
    later = rows[2000:]
    batch, computed, scores = _scores(later)
    wrong = np.array([labels[row["declaration_id"]].wrong for row in later])
    bad = np.array([row["exporter"]["id"] in ("CN0", "CN1") for row in later])
    assert abs(scores.values.mean() - wrong.mean()) < 0.03
    assert abs(scores.values[bad].mean() - wrong[bad].mean()) < 0.15
    assert scores.values[bad].mean() > 5 * scores.values[~bad].mean()
    assert np.allclose(scores.kept["recovery"], 1000.0 * scores.values)
    detector = OutcomeDetector.from_parts(skops.io.loads(skops.io.dumps(_trained().parts())))
    detector.threshold = 0.4
    hits = detector.hits(batch, computed, scores, engine.default_reference())
    assert len(hits) == len(scores.over(0.4)) > 20
    assert all("exporter" in hit.explanation and "log odds" in hit.explanation for hit in hits)
    assert "Secret" not in repr(hits)
    assert "Secret" not in repr(detector.parts())
    assert {each["path"].split("/")[1] for hit in hits for each in hit.evidence} >= {"exporter"}
    honest = scores.values[~wrong]
    assert (honest > _trained().threshold).mean() < 10 * BUDGET


def test_scores_do_not_depend_on_the_batch_and_unknown_goods_are_not_judged() -> None:
    rows, _ = _history()
    alone = [_scores([row])[2].values[0] for row in rows[2000:2040]]
    assert _scores(rows[2000:2040][::-1])[2].values.tolist() == alone[::-1]
    bare = {**rows[0], "items": [{**rows[0]["items"][0], "commodity_code": None}]}
    gone = ("exporter", "consignee", "office", "transport", "country_of_export", "country_of_destination")
    few = {**rows[0], **dict.fromkeys(gone)}
    few["items"] = [{**rows[0]["items"][0], "origin": None}]
    assert np.isnan(_scores([bare, few])[2].values).all()


def test_too_few_labels_are_refused() -> None:
    rows, labels = _history()
    for known in ({}, {name: Outcome(False) for name in labels}):
        with pytest.raises(ModelError, match="needs at least"):
            OutcomeDetector.train(
                History([Batch.of(rows)], engine.default_reference(), known), lambda doing, share: None
            )
    for parts in ({}, {**_trained().parts(), "slope": []}):
        with pytest.raises(ModelError, match="not the parts of outcome"):
            OutcomeDetector.from_parts(parts)
