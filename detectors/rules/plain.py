"""Tests that need no polars: comparisons of columns with constants, what is null, and NOT, AND and OR of these.

An SQL test has three answers, and only "true" matters to a rule; but under a NOT "false" does, and null is neither. So each
node of an expression becomes two functions of a table, where it is true and where it is false. What is not understood with
certainty (types unknown, functions, arithmetic that could divide by zero) is not answered here, and polars is asked.
``tests/unit/test_rules_plain.py`` holds both against each other.
"""

from __future__ import annotations

import json
import operator
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import polars as pl

from detectors.table import Flags, Numbers, Table

#: Where a test is true, a row a row of the table.
Truth = Callable[[Table], Flags]
#: Where a node is true, and where it is false.
_Both = tuple[Truth, Truth]
_Measure = Callable[[Table], Numbers]

_COMPARED: dict[str, tuple[Callable[[Any, Any], Any], Callable[[Any, Any], Any]]] = {
    "Gt": (operator.gt, operator.le),
    "GtEq": (operator.ge, operator.lt),
    "Lt": (operator.lt, operator.ge),
    "LtEq": (operator.le, operator.gt),
    "Eq": (operator.eq, lambda one, other: (one < other) | (one > other)),  # NaN stands for null, and is neither
}


def plain_truth(test: pl.Expr, dtypes: Mapping[str, pl.DataType]) -> Truth | None:
    """Return where a test is true as a function of a table without NaN and infinity; None if polars must be asked."""
    try:
        both = _Reader(dtypes).both(json.loads(test.meta.serialize(format="json")))
    except (_NotPlainError, ValueError):
        return None
    return both[0]


class _NotPlainError(Exception):
    """An expression is not among those that are understood."""


class _Reader:
    """Reads the JSON of polars expressions."""

    def __init__(self, dtypes: Mapping[str, pl.DataType]) -> None:
        self._dtypes = dtypes

    def both(self, node: Any) -> _Both:
        """Return where a node is true, and where it is false."""
        kind, told = _only(node)
        if kind == "Column" and self._is(told, pl.Boolean):
            return _equal(told, 1.0), _equal(told, 0.0)
        if kind == "Cast" and told["dtype"] == {"Literal": "Boolean"}:
            return self.both(told["expr"])
        if kind == "Literal" and isinstance(truth := told.get("Scalar", {}).get("Boolean"), bool):
            return _always(truth), _always(not truth)
        if kind == "BinaryExpr":
            return self._joined(told["op"], told["left"], told["right"])
        if kind == "Function":
            return self._function(told["function"], told["input"])
        raise _NotPlainError

    def _is(self, name: str, *wanted: type[pl.DataType]) -> bool:
        dtype = self._dtypes.get(name)
        return dtype is not None and isinstance(dtype, wanted)

    def _joined(self, operation: str, left: Any, right: Any) -> _Both:
        if operation in ("And", "Or"):
            (true_a, false_a), (true_b, false_b) = self.both(left), self.both(right)
            if operation == "And":
                return lambda t: true_a(t) & true_b(t), lambda t: false_a(t) | false_b(t)
            return lambda t: true_a(t) | true_b(t), lambda t: false_a(t) & false_b(t)
        if operation == "NotEqValidity":  # IS DISTINCT FROM: null is a value, and a test that is never null
            (true_a, false_a), (true_b, false_b) = self.both(left), self.both(right)
            return (
                lambda t: (true_a(t) ^ true_b(t)) | (false_a(t) ^ false_b(t)),
                lambda t: ~((true_a(t) ^ true_b(t)) | (false_a(t) ^ false_b(t))),
            )
        if operation not in _COMPARED:
            raise _NotPlainError
        kind, name = _only(left)
        if kind == "Column" and self._is(name, pl.String):
            if operation != "Eq":
                raise _NotPlainError
            return self._one_of(name, frozenset({_text(right)}))
        if kind == "Column" and self._is(name, pl.Boolean):
            if operation != "Eq" or not isinstance(
                same := right.get("Literal", {}).get("Scalar", {}).get("Boolean"), bool
            ):
                raise _NotPlainError
            return (_equal(name, 1.0), _equal(name, 0.0)) if same else (_equal(name, 0.0), _equal(name, 1.0))
        holds, fails = _COMPARED[operation]
        one, other = self._number(left), self._number(right)
        return lambda t: holds(one(t), other(t)), lambda t: fails(one(t), other(t))

    def _function(self, function: Any, inputs: list[Any]) -> _Both:
        if function == "Coalesce" and len(inputs) == 2:
            return self._else(inputs[0], inputs[1])
        kind, told = _only(function)
        if kind == "Boolean" and told == "Not":
            true, false = self.both(inputs[0])
            return false, true
        if kind == "Boolean" and told in ("IsNull", "IsNotNull"):
            null, known = self._nulls(inputs[0])
            return (null, known) if told == "IsNull" else (known, null)
        if kind == "Sql":
            operation, of = _only(told)
            if operation == "Binary" and of in _COMPARED:
                return self._joined(of, *inputs)
            if operation == "IsIn":
                return self._listed(inputs[0], inputs[1])
        if kind == "StringExpr" and told == "StartsWith":
            return self._begins(inputs[0], _text(inputs[1]))
        raise _NotPlainError

    def _nulls(self, node: Any) -> _Both:
        kind, name = _only(node)
        if kind != "Column":
            raise _NotPlainError
        if self._is(name, pl.String):
            return (
                lambda t: _by_text(t, name, lambda text: text is None),
                lambda t: _by_text(t, name, lambda text: text is not None),
            )
        number = self._number(node) if not self._is(name, pl.Boolean) else _column(name)
        return lambda t: np.isnan(number(t)), lambda t: ~np.isnan(number(t))

    def _one_of(self, name: str, texts: frozenset[str]) -> _Both:
        return (
            lambda t: _by_text(t, name, texts.__contains__),
            lambda t: _by_text(t, name, lambda text: text is not None and text not in texts),
        )

    def _listed(self, node: Any, listed: Any) -> _Both:
        kind, name = _only(node)
        if kind != "Column" or not self._is(name, pl.String):
            raise _NotPlainError
        texts = _series(listed)
        if not all(isinstance(text, str) for text in texts):  # a null in the list makes "false" unknown
            raise _NotPlainError
        return self._one_of(name, frozenset(texts))

    def _else(self, node: Any, otherwise: Any) -> _Both:
        """Return COALESCE of a test and a constant."""
        true, false = self.both(node)
        if otherwise == {"Literal": {"Scalar": {"Boolean": False}}}:
            return true, lambda t: ~true(t)
        if otherwise == {"Literal": {"Scalar": {"Boolean": True}}}:
            return lambda t: ~false(t), false
        raise _NotPlainError

    def _begins(self, node: Any, beginning: str) -> _Both:
        kind, name = _only(node)
        if kind != "Column" or not self._is(name, pl.String):
            raise _NotPlainError
        return (
            lambda t: _by_text(t, name, lambda text: text is not None and text.startswith(beginning)),
            lambda t: _by_text(t, name, lambda text: text is not None and not text.startswith(beginning)),
        )

    def _number(self, node: Any) -> _Measure:
        kind, told = _only(node)
        if kind == "Column" and self._is(told, pl.Float64, pl.UInt32, pl.Int32):
            return _column(told)
        if kind == "Literal":
            value = _constant(told)
            return lambda t: value  # type: ignore[return-value]  # numpy spreads it
        if kind == "Ternary":  # CASE: what is null is not true, and falls to ELSE
            when, _ = self.both(told["predicate"])
            then, otherwise = self._number(told["truthy"]), self._number(told["falsy"])
            return lambda t: np.where(when(t), then(t), otherwise(t))
        if kind == "Function":
            operation = told["function"].get("Sql", {}).get("Binary") if isinstance(told["function"], dict) else None
            constants = [_constant(each["Literal"]) for each in told["input"] if "Literal" in each]
            if operation in ("Mul", "Div") and len(constants) == 1 and constants[0] > 0:
                one, other = map(self._number, told["input"])
                if operation == "Mul":
                    return lambda t: one(t) * other(t)
                if "Literal" in told["input"][1]:
                    return lambda t: one(t) / other(t)
        raise _NotPlainError


def _only(node: Any) -> tuple[str, Any]:
    """Return the name and the content of a node."""
    if not isinstance(node, dict) or len(node) != 1:
        raise _NotPlainError
    return next(iter(node.items()))


def _text(node: Any) -> str:
    try:
        text = node["Literal"]["Scalar"]["String"]
    except (KeyError, TypeError):
        raise _NotPlainError from None
    if not isinstance(text, str):
        raise _NotPlainError
    return text


def _series(node: Any) -> list[Any]:
    """Return the values of a list in an SQL text: polars writes it as an Arrow stream."""
    try:
        stream = bytes(node["Literal"]["Series"])
        values: list[Any] = pl.read_ipc_stream(stream).to_series().explode().to_list()
        return values
    except (KeyError, TypeError, ValueError, pl.exceptions.PolarsError):
        raise _NotPlainError from None


def _constant(literal: Any) -> float:
    """Return a number of an SQL text: an integer, or a decimal as unscaled digits, precision and scale."""
    form, told = _only(literal)
    kind, value = _only(told)
    if form == "Dyn" and kind in ("Int", "Float"):
        return float(value)
    if form == "Scalar" and kind == "Decimal":
        digits, _, scale = value
        return float(digits / 10**scale)
    raise _NotPlainError


def _column(name: str) -> _Measure:
    def read(table: Table) -> Numbers:
        cells = table[name]
        return cells.numbers if cells.places is None else cells.numbers[cells.places]

    return read


def _always(answer: bool) -> Truth:
    return lambda table: np.full(table.height, answer)


def _equal(name: str, value: float) -> Truth:
    def read(table: Table) -> Flags:
        cells = table[name]
        return cells.of_rows(cells.numbers == value)

    return read


def _by_text(table: Table, name: str, holds: Callable[[Any], bool]) -> Flags:
    cells = table[name]
    values, places = cells.distinct
    return cells.of_rows(np.fromiter(map(holds, values), dtype=np.bool_, count=len(values))[places])
