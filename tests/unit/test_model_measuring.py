"""Figures of a ranking, drift, and what may be learned from: against libraries, by hand, and at the edges."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from declared import row
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import average_precision_score

from detectors.models import drift, measuring
from detectors.models.dataset import Answer, Answers, Lodgements, weight
from detectors.models.learned import Outcome
from detectors.models.measuring import Ranking
from schemas.disposition import Disposition
from streams import histories

DAY = datetime(2026, 3, 2, tzinfo=UTC)


def ranking(scores: Any, wrong: Any, revenue: Any = None, weights: Any = None) -> Ranking:
    scores, n = np.array(scores, dtype=float), len(scores)
    return Ranking(
        [f"d{k}" for k in range(n)],
        scores,
        np.array(wrong, dtype=bool),
        np.ones(n) if weights is None else np.array(weights, dtype=float),
        np.full(n, np.nan) if revenue is None else np.array(revenue, dtype=float),
        scores >= 0.5,
        [("k",) if w else () for w in wrong],
    )


@settings(max_examples=40, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 5), st.booleans(), st.integers(1, 4)), min_size=1, max_size=40))
def test_average_precision_is_that_of_scikit_learn(rows: list[tuple[int, bool, int]]) -> None:
    scores, wrong, weights = (np.array(column) for column in zip(*rows, strict=True))
    mine = measuring.average_precision(scores.astype(float), wrong, weights.astype(float))
    if not wrong.any():
        assert mine is None
    else:
        assert mine == pytest.approx(average_precision_score(wrong, scores, sample_weight=weights))


def test_a_budget_shares_out_ties_and_counts_abstentions_last() -> None:
    found = ranking([0.9, 0.9, 0.2, float("nan")], [True, False, False, True], revenue=[50.0, np.nan, np.nan, 150.0])
    quarter, half, most, whole = (measuring.at_budget(found, share) for share in (0.25, 0.5, 0.75, 1.0))
    assert quarter == {"share": 0.25, "precision": 0.5, "recall": 0.25, "revenue_recall": 0.125}
    assert (half["precision"], half["recall"], half["revenue_recall"]) == (0.5, 0.5, 0.25)
    assert most["recall"] == 0.5
    assert whole["recall"] == whole["revenue_recall"] == 1.0
    heavy = measuring.at_budget(ranking([0.9, 0.1], [True, False], weights=[1.0, 99.0]), 0.01)
    assert heavy["precision"] == pytest.approx(1.0)
    nothing = measuring.measures(ranking([0.9, 0.1], [False, False]))
    assert nothing["average_precision"] is None
    assert nothing["budgets"][0]["recall"] is None
    assert measuring.measures(ranking([], [])).keys() == nothing.keys(), "a card shows the same figures, as unknown"
    json.dumps([nothing, measuring.measures(found)], allow_nan=False)


def test_a_comparison_says_which_ranks_better_and_how_sure_that_is() -> None:
    chance = np.random.default_rng(5)
    wrong = chance.random(600) < 0.1
    good, poor = wrong + chance.normal(0, 0.5, 600), wrong + chance.normal(0, 3.0, 600)
    better = measuring.compare(ranking(good, wrong), ranking(poor, wrong))
    assert better["difference"] > 0.2
    assert 0 < better["interval"][0] < better["difference"] < better["interval"][1]
    assert measuring.compare(ranking(poor, wrong), ranking(good, wrong))["interval"][1] < 0
    assert measuring.compare(ranking([1.0], [False]), ranking([1.0], [False]))["difference"] is None


def test_calibration_of_chances() -> None:
    chance = np.random.default_rng(1)
    stated = chance.random(5000)
    honest = measuring.calibration(ranking(stated, chance.random(5000) < stated))
    assert honest["expected_error"] < 0.05
    assert measuring.calibration(ranking(stated, chance.random(5000) < stated / 4))["expected_error"] > 0.3
    assert measuring.calibration(ranking(stated * 9, stated < 2))["brier"] is None, "no chances, so no Brier score"


def frame(n: int, chance: np.random.Generator, moved: float = 0.0, country: str = "CN") -> tuple[pl.DataFrame, Any]:
    mass = chance.lognormal(3 + moved, 1, n)
    masses = pl.Series("mass", mass).set(pl.Series(chance.random(n) < 0.2), None)
    to = pl.Series("to", np.where(chance.random(n) < 0.7, "JP", country))
    return pl.DataFrame([masses, to]), np.log(mass)


def test_drift_is_told_of_what_shifted_and_only_of_that() -> None:
    chance = np.random.default_rng(3)
    then, scores = frame(4000, chance)
    seen = drift.seen({"mass": [then["mass"]], "to": [then["to"]]}, scores)
    watch = drift.Watch(json.loads(json.dumps(seen)))

    def week(number: int, **how: Any) -> drift.Shift:
        rows, told = frame(600, chance, **how)
        keys = [f"{number}/{n}" for n in range(600)]
        (shift,) = watch.take(rows, told, [DAY + timedelta(days=7 * number)] * 600, keys)
        return shift

    assert week(0).large == []
    moved = week(1, moved=0.9)
    assert set(moved.large) == {"mass", "score"}
    assert moved.ks_p < 1e-6
    assert week(2, country="KP").large == ["to"]
    assert [shift.rows for shift in watch.shifts()] == [600, 600, 600]
    rows, told = frame(10, chance)
    for number in range(3, 60):
        watch.take(rows, told, [DAY + timedelta(days=7 * number)] * 10, [str(n) for n in range(10)])
    watch.take(rows, told, [DAY] * 10, [str(n) for n in range(10)])
    assert watch.left_out == 10
    assert len(watch._windows) == drift.KEPT_WINDOWS, "memory is bounded"


def lodged(name: str, on: str, version: int = 1, event: str = "lodged", **more: Any) -> tuple[bytes, Any]:
    made = row({"net_mass_kg": 5.0, "description": f"v{version} {event}"}, on=on, declaration_id=name, version=version,
               event=event, mrn="26CN000000000000A1", **more)  # fmt: skip
    raw = json.dumps(made, default=lambda moment: moment.isoformat().replace("+00:00", "Z")).encode()
    return raw, made


def disposition(name: str, on: str, verdict: str = "true_positive", alert: str = "a", **more: Any) -> Disposition:
    given = {"alert_id": alert, "declaration_id": name, "verdict": verdict, "decided_at": f"{on}T08:00:00Z"}
    return Disposition.model_validate_json(json.dumps(given | more))


def test_a_declaration_counts_as_it_was_when_lodged() -> None:
    with Lodgements() as history:
        for one in (
            lodged("b", "2026-02-01", 1, "accepted"),
            lodged("b", "2026-02-01"),
            lodged("b", "2026-02-01", 2, "amended"),
            lodged("a", "2026-03-01"),
            lodged("late", "2026-01-01", 3, "amended"),
        ):
            history.take(*one)
        assert history.settle() == 2
        assert history.headless == 1
        (batch,) = history.batches()
        assert [r["declaration_id"] for r in batch.rows] == ["b", "a"], "by time"
        assert [r["items"][0]["description"] for r in batch.rows] == ["v1 lodged"] * 2
        assert {r["mrn"] for r in batch.rows} == {None}, "known after acceptance only"
        assert len(list(history.batches(None, DAY))) == 1
        assert history.cut(0.5) == datetime(2026, 3, 1, 8, tzinfo=UTC)


def test_labels_come_late_and_chance_picks_weigh_more() -> None:
    usd = lambda currency, day: {"EUR": 1.1, "USD": 1.0}.get(currency)  # noqa: E731
    decided = [
        disposition("a", "2026-02-01", "false_positive"),
        disposition("a", "2026-02-09", confirmed_codes=["MISLABEL-NAME"], found={"substance": "gallium"},
                    revenue_recovered={"amount": 100.0, "currency": "EUR"}),
        disposition("b", "2026-02-02", "benign", "b"),
        disposition("c", "2026-02-02", "duplicate", "c"),
        disposition("d", "2026-05-01", alert="d"),
    ]  # fmt: skip
    selected = {"a": ["risk", "random"], "b": ["random"]}
    known = Answers.of_dispositions(decided, selected, 0.02, usd, until=datetime(2026, 4, 1, tzinfo=UTC))
    assert set(known.by_id) == {"a", "b"}
    assert known.by_id["a"].outcome == Outcome(True, ("gallium",), ("MISLABEL-NAME",), pytest.approx(110.0), 1.0)
    assert known.by_id["b"].outcome.weight == 50.0
    assert set(known.known_by(datetime(2026, 2, 5, tzinfo=UTC))) == {"b"}, "what is decided later is not known yet"
    assert weight(["random"], 0.0) == 1.0


def test_a_data_set_holds_history_and_labels(tmp_path: Path) -> None:
    outcome = Outcome(True, ("gallium",), ("MISLABEL-NAME",), 12.5, 50.0)
    known = Answers({"a": Answer(outcome, DAY, ("MISLABEL-NAME",)), "gone": Answer(Outcome(False))})
    path = tmp_path / "set.parquet"
    with Lodgements() as history:
        for name in ("a", "b"):
            history.take(*lodged(name, "2026-02-01"))
        history.settle()
        counted = histories.write_dataset(path, history, known, {"a": ("random",)})
    assert counted == {"declarations": 1, "wrong": 1, "weight": 50.0, "answers_without_declaration": 1}
    assert histories.answers(path).by_id == {"a": known.by_id["a"]}
    with histories.lodgements([path]) as again:
        (batch,) = again.batches()
    assert [r["declaration_id"] for r in batch.rows] == ["a"]
