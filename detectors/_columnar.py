"""Building columns out of numbers: null where a number is unknown."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import polars as pl

from detectors.table import Cells, Flags, Numbers, Rows

__all__ = ["Flags", "Numbers", "Rows", "flag", "number", "numbers", "present", "spread", "texts"]

_TEXTS = pl.List(pl.String)


def texts(name: str, values: Sequence[Sequence[str]]) -> Cells:
    """Return a column of lists of texts."""
    return Cells(name, list(map(list, values)), _TEXTS)


def numbers(values: Sequence[float | None]) -> Numbers:
    """Return numbers as an array, with NaN for None and for zero ("not carried")."""
    return np.array([v or np.nan for v in values], dtype=np.float64)


def present(values: Numbers) -> Numbers:
    """Return numbers with NaN for zero ("not carried"), and for whatever is NaN already."""
    return np.where(values == 0.0, np.nan, values)


def spread(columns: Sequence[Cells], at: Sequence[int], height: int) -> list[Cells]:
    """Return columns of ``height`` rows out of short ones.

    Parameters
    ----------
    columns : a value for each row of ``at``, and last the value of all other rows.
    at : the rows that have values of their own.
    """
    places = np.full(height, len(at), dtype=np.uint32)
    places[np.asarray(at, dtype=np.int64)] = np.arange(len(at), dtype=np.uint32)
    return [column.repeated(places) for column in columns]


def number(name: str, values: Numbers) -> Cells:
    """Return an array as a column, with null for NaN and infinity."""
    return Cells(name, np.where(np.isfinite(values), values, np.nan), pl.Float64)


def flag(name: str, values: Flags, known: Flags) -> Cells:
    """Return an array of booleans as a column, null where not known."""
    return Cells(name, np.where(known, values, np.nan), pl.Boolean)
