"""The SQL of a rule, compiled once: one expression that judges a row by that row alone."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from functools import lru_cache
from typing import Any

import polars as pl

_QUOTED = re.compile(r"'(?:[^']|'')*'")

#: Words that would make a rule depend on anything but the row, with what to do instead.
_FORBIDDEN = {
    "select": "a sub-query; rules see one row, so use a column of `assay rules columns`",
    "over": "a window over other rows; what spans declarations belongs to a profile, not to a rule",
    "current_date": "the clock; use the column day",
    "current_time": "the clock; use the column day",
    "current_timestamp": "the clock; use the column day",
    "localtime": "the clock; use the column day",
    "localtimestamp": "the clock; use the column day",
    "now": "the clock; use the column day",
    "random": "chance; a replay must give the same result",
}
_WORD = re.compile(r"\b(" + "|".join(_FORBIDDEN) + r")\b", re.IGNORECASE)

#: Nodes of an expression that look at more than one row.
_SPANNING = frozenset(
    {"Agg", "Len", "Over", "Window", "Explode", "Filter", "Sort", "SortBy", "Slice", "Gather", "Quantile", "Rolling"}
)


class SqlError(ValueError):
    """An SQL text is not one that a rule may use; the message quotes it."""


@lru_cache(maxsize=4096)
def expression(text: str) -> pl.Expr:
    """Compile an SQL expression (each text once: lints, examples and evaluation share it).

    Raises
    ------
    SqlError : it does not parse, uses no column, or depends on other rows, on the clock or on chance.
    """
    shown = _shortened(text)
    word = _WORD.search(_QUOTED.sub("''", text))
    if word:
        raise SqlError(f"{word.group()} in `{shown}` means {_FORBIDDEN[word.group().lower()]}")
    try:
        compiled = pl.sql_expr(text)
    except Exception as error:  # polars raises several kinds, and a panic on some texts
        raise SqlError(f"`{shown}` is not SQL that polars understands: {_first_line(error)}") from None
    if not compiled.meta.root_names():
        raise SqlError(f"`{shown}` uses no column, so it says the same of every row")
    if _spans_rows(json.loads(compiled.meta.serialize(format="json"))):
        raise SqlError(f"`{shown}` looks at other rows (an aggregate such as AVG, MAX, COUNT); a rule sees one row")
    return compiled


def columns_of(expr: pl.Expr) -> list[str]:
    """Return the columns an expression reads, each once, in order of appearance."""
    return list(dict.fromkeys(expr.meta.root_names()))


def result_type(expr: pl.Expr, dtypes: Mapping[str, pl.DataType]) -> pl.DataType:
    """Return the type that an expression gives over columns of these types.

    Raises
    ------
    SqlError : its operations do not suit the types, such as a text compared with a number.
    """
    try:
        return pl.DataFrame(schema={name: dtypes[name] for name in columns_of(expr)}).select(expr).dtypes[0]
    except pl.exceptions.PolarsError as error:
        raise SqlError(_first_line(error)) from None


def suits(expr: pl.Expr, dtypes: Mapping[str, pl.DataType]) -> bool:
    """Tell whether an expression can run over columns of these types and gives true or false."""
    try:
        return isinstance(result_type(expr, dtypes), pl.Boolean)
    except SqlError:
        return False


def _spans_rows(node: Any) -> bool:
    if isinstance(node, list):
        return any(_spans_rows(part) for part in node)
    if isinstance(node, dict):
        return any(
            name in _SPANNING or (name not in ("Literal", "Column") and _spans_rows(part))
            for name, part in node.items()
        )
    return bool(node == "Len")


def _shortened(text: str) -> str:
    text = " ".join(text.split())
    return text if len(text) <= 120 else text[:117] + "..."


def _first_line(error: BaseException) -> str:
    return (str(error).strip().splitlines() or [type(error).__name__])[0]
