"""Building columns quickly: polars makes a series of lists one list at a time, and an eager call costs a query each."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import accumulate, chain
from typing import Any

import numpy as np
import polars as pl
import pyarrow as pa

Numbers = np.ndarray[Any, np.dtype[np.float64]]
Flags = np.ndarray[Any, np.dtype[np.bool_]]
Rows = np.ndarray[Any, np.dtype[np.uint32]]


def texts(name: str, values: Sequence[Sequence[str]]) -> pl.Series:
    """Return a column of lists of texts.

    Not by ``pa.array``: that imports pandas, to ask whether it was given something of it, which costs each process 0.6 s.
    """
    ends = pl.Series(list(accumulate(map(len, values), initial=0)), dtype=pl.Int64)
    flat = pl.Series(list(chain.from_iterable(values)), dtype=pl.String)
    return pl.Series(name, pa.LargeListArray.from_arrays(ends.to_arrow(), flat.to_arrow()))


def numbers(values: Sequence[float | None]) -> Numbers:
    """Return numbers as an array, with NaN for None and for zero ("not carried")."""
    return np.array([v or np.nan for v in values], dtype=np.float64)


def present(values: Numbers) -> Numbers:
    """Return numbers with NaN for zero ("not carried"), and for whatever is NaN already."""
    return np.where(values == 0.0, np.nan, values)


def spread(columns: Sequence[pl.Series], at: Sequence[int], height: int) -> list[pl.Series]:
    """Return columns of ``height`` rows out of short ones.

    Parameters
    ----------
    columns : a value for each row of ``at``, and last the value of all other rows.
    at : the rows that have values of their own.
    """
    places = np.full(height, len(at), dtype=np.uint32)
    places[np.asarray(at, dtype=np.int64)] = np.arange(len(at), dtype=np.uint32)
    return pl.DataFrame(columns)[places].get_columns()


def number(name: str, values: Numbers) -> pl.Series:
    """Return an array as a column, with null for NaN and infinity."""
    return pl.Series(name, np.where(np.isfinite(values), values, np.nan), dtype=pl.Float64, nan_to_null=True)


def flag(name: str, values: Flags, known: Flags) -> pl.Series:
    """Return an array of booleans as a column, null where not known."""
    pairs = zip(values.tolist(), known.tolist(), strict=True)
    return pl.Series(name, [value if there else None for value, there in pairs], dtype=pl.Boolean)
