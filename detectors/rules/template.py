"""Texts with {column} placeholders, filled from the row that a rule hit."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime
from string import Formatter
from typing import Any

import polars as pl


class TemplateError(ValueError):
    """A text has a placeholder that cannot be filled; the message says which and why."""


class Template:
    """A text with placeholders, ``{column}`` or ``{column:format}``; braces are doubled to stand for themselves.

    Raises
    ------
    TemplateError : the braces do not pair.
    """

    __slots__ = ("_parts", "columns")

    def __init__(self, text: str) -> None:
        try:
            parsed = list(Formatter().parse(text))
        except ValueError as error:
            raise TemplateError(f"{error}; double a brace that stands for itself: {{{{ or }}}}") from None
        #: literal text, column or None, format
        self._parts: list[tuple[str, str | None, str]] = []
        for literal, column, spec, conversion in parsed:
            if conversion:
                raise TemplateError(f"!{conversion} in {{{column}}} is not supported; leave it out")
            self._parts.append((literal, column, spec or ""))
        self.columns = frozenset(column for _, column, _ in self._parts if column is not None)

    def check(self, dtypes: Mapping[str, pl.DataType]) -> None:
        """Raise TemplateError if a format does not suit the type of its (known) column."""
        for _, column, spec in self._parts:
            if column is None or not spec or column not in dtypes:
                continue
            dtype = dtypes[column]
            try:
                if "{" in spec or isinstance(dtype, pl.List | pl.Boolean):
                    raise ValueError("takes no format")
                format(_specimen(dtype), spec)
            except ValueError as error:
                raise TemplateError(f"{{{column}:{spec}}} does not suit a {dtype} column ({error})") from None

    def fill(self, row: Mapping[str, Any]) -> str:
        """Return the text with the values of a row; an unknown (null) value prints as "unknown"."""
        filled = []
        for literal, column, spec in self._parts:
            filled.append(literal)
            if column is not None:
                value = row[column]
                filled.append(format(value, spec) if spec and value is not None else as_text(value))
        return "".join(filled)


def as_text(value: Any) -> str:
    """Write one cell for people: four digits of a number are enough, lists are joined, null is "unknown"."""
    if value is None:
        return "unknown"
    if isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.4g}"
    if isinstance(value, list):
        return ", ".join(as_text(part) for part in value) or "none"
    return value.isoformat() if isinstance(value, date) else str(value)


def _specimen(dtype: pl.DataType) -> Any:
    if dtype.is_float():
        return 1.5
    if dtype.is_integer():
        return 1
    if isinstance(dtype, pl.Datetime):
        return datetime(2026, 1, 1)
    return date(2026, 1, 1) if isinstance(dtype, pl.Date) else "text"


def is_column_name(entry: str) -> bool:
    """Tell whether an ``expected`` or ``reference`` names a column; anything else is a text."""
    return entry.isascii() and entry.isidentifier() and entry == entry.lower()
