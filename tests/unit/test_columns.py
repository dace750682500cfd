"""The column dictionary itself; that the computed frames keep to it is checked in ``tests/contracts``."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest

from detectors._columnar import flag, number, numbers, texts
from detectors.columns import COLUMNS
from detectors.engine import default_models


def test_names_are_unique_and_plain() -> None:
    assert all(name == column.name and name.isidentifier() and name == name.lower() for name, column in COLUMNS.items())


def test_numbers_with_a_unit_in_the_name_say_the_same_unit() -> None:
    for name, column in COLUMNS.items():
        for ending, unit in (("_kg", "kg"), ("_km", "km"), ("_m3", "m3"), ("_pct", "%"), ("_usd", "USD")):
            if name.endswith(ending) and not name.endswith("_per_kg"):
                assert column.unit == unit, name


@pytest.mark.parametrize("name", [name for name, column in COLUMNS.items() if column.by is not None])
def test_what_comes_from_several_places_says_from_which(name: str) -> None:
    column = COLUMNS[name]
    assert column.by in COLUMNS
    assert COLUMNS[column.by].dtype == pl.String
    assert column.paths


def test_rules_use_documented_columns_only() -> None:
    used = {entry.column for rule in default_models().rules.rules for entry in rule.evidence}
    assert used <= set(COLUMNS)


def test_zero_and_none_are_unknown_numbers() -> None:
    column = number("kg", numbers([1.5, 0.0, None]) / numbers([1.0, 1.0, 0.0]))
    assert column.to_list() == [1.5, None, None]
    assert (column.name, column.dtype, column.series.null_count()) == ("kg", pl.Float64, 2)


def test_infinity_is_unknown() -> None:
    assert number("x", np.array([np.inf, -np.inf, np.nan, 1.0])).to_list() == [None, None, None, 1.0]


def test_flags_are_null_where_not_known() -> None:
    values = numbers([2.0, None, 1.0])
    found = flag("x", values > 1.5, values == values)
    assert found.to_list() == found.series.to_list() == [True, None, False]


@pytest.mark.parametrize("values", [[], [[]], [["a"], []], [["a", "b"], ["c"]]])
def test_lists_of_texts(values: list[list[str]]) -> None:
    column = texts("x", values)
    assert column.dtype == pl.List(pl.String)
    assert column.to_list() == column.series.to_list() == values
