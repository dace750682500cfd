"""Tests of rules that are answered without polars say what polars says, null by null."""

from __future__ import annotations

from typing import Any

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from detectors.engine import default_models
from detectors.rules.conditions import Conditions
from detectors.rules.plain import plain_truth
from detectors.table import Cells, Table

DTYPES: dict[str, pl.DataType] = {
    "kg": pl.Float64(),
    "usd": pl.Float64(),
    "count": pl.UInt32(),
    "vague": pl.Boolean(),
    "cast": pl.Boolean(),
    "code": pl.String(),
    "role": pl.String(),
}
VALUES: dict[str, list[Any]] = {
    "kg": [None, 0.5, 4.0, 20.0],
    "usd": [None, 1.0, 10.0, 1e9],
    "count": [0, 1, 7, None],
    "vague": [True, False, None],
    "cast": [True, False, None],
    "code": [None, "81", "811010", "280530"],
    "role": ["goods", "hint", None],
}
UNDERSTOOD = [
    "vague",
    "NOT vague",
    "NOT (vague AND kg > 4)",
    "NOT (vague OR NOT cast)",
    "kg >= 0.5",
    "NOT kg < 4",
    "kg = 20",
    "NOT kg = 20",
    "count >= 1.5",
    "NOT count = 7",
    "count <> 1",
    "kg <= 0.4 * usd",
    "usd < kg / 4",
    "kg IS NULL",
    "code IS NOT NULL",
    "NOT vague IS NULL",
    "role = 'goods'",
    "NOT (role = 'goods')",
    "role IN ('goods', 'none')",
    "NOT role IN ('goods', 'none')",
    "code LIKE '81%'",
    "NOT starts_with(code, '2805')",
    "vague = FALSE",
    "NOT COALESCE(vague, FALSE)",
    "COALESCE(vague, TRUE)",
    "kg >= CASE WHEN vague AND count = 1 THEN 2.4 ELSE 1.6 END",
    "vague IS DISTINCT FROM (cast AND (kg > 4 OR code IS NULL))",
]
LEFT = ["kg / usd > 2", "lower(role) = 'goods'", "unknown > 3", "role < 'h'", "abs(kg) > 1"]

rows = st.lists(st.fixed_dictionaries({name: st.sampled_from(values) for name, values in VALUES.items()}), max_size=12)


@given(rows)
@settings(max_examples=20, deadline=None)
def test_plain_tests_are_true_where_polars_says_so(found: list[dict[str, Any]]) -> None:
    frame = pl.DataFrame(found, schema=DTYPES)
    tables = [Table.of(frame), Table(frame.height, (Cells(n, frame[n].to_list(), DTYPES[n]) for n in frame.columns))]
    for text in UNDERSTOOD:
        wanted = frame.select(pl.sql_expr(text).fill_null(False)).to_series().to_list()
        truth = plain_truth(pl.sql_expr(text), DTYPES)
        assert truth is not None, text
        for table in tables:
            assert truth(table).tolist() == wanted, text


@pytest.mark.parametrize("text", LEFT)
def test_what_is_not_understood_is_left_to_polars(text: str) -> None:
    assert plain_truth(pl.sql_expr(text), DTYPES) is None


def test_the_packs_of_assay_need_no_polars() -> None:
    frames = default_models().rules._frames.values()
    assert [text for rules in frames for text in rules._conditions.left_to_polars] == []


def test_values_that_rows_share_are_told_of_each_row() -> None:
    frame = pl.DataFrame({"kg": [4.0, None, 0.5, 4.0], "role": ["goods", None, "goods", "goods"]})
    places = pl.Series([0, 1, 2, 0], dtype=pl.UInt32).to_numpy()
    shared = Table(
        4,
        (Cells("kg", [4.0, None, 0.5], pl.Float64, places), Cells("role", ["goods", None, "goods"], pl.String, places)),
    )
    assert shared.frame().equals(frame)
    assert shared.rows(["kg", "role"]) == frame.rows()
    conditions = Conditions([pl.sql_expr("kg > 1 AND role = 'goods'"), pl.sql_expr("kg / 2 > 1")], DTYPES)
    assert conditions.rows(shared) == conditions.rows(frame) == [(0, [0, 3]), (1, [0, 3])]


def test_numbers_that_are_none_are_left_to_polars() -> None:
    frame = pl.DataFrame({"kg": [float("nan"), 2.0]})
    assert Conditions([pl.sql_expr("kg > 1")], DTYPES).rows(frame) == [(0, [0, 1])]
