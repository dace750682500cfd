"""Tables: the columns of a batch as they were computed, made into polars only where somebody asks for polars.

A polars column costs 10 us before its first value and a query 100 us, so a hundred columns and a dozen queries cost more than
all else that a batch of ten declarations needs. Most tests of the rules are a comparison with a constant, which numpy and
plain Python answer in 2 us; models, and rules that do more, get their frames (:meth:`Table.frame`).
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import polars as pl
import pyarrow as pa

Numbers = np.ndarray[Any, np.dtype[np.float64]]
Flags = np.ndarray[Any, np.dtype[np.bool_]]
Rows = np.ndarray[Any, np.dtype[np.uint32]]
Dtype = pl.DataType | type[pl.DataType]


@dataclass(slots=True, eq=False)
class Cells:
    """One column.

    Parameters
    ----------
    values : a value for each row, None where it is null; or an array of numbers (truth as 1 and 0), NaN where null.
    dtype : as polars knows it.
    places : of each row the place of its value in ``values``, if rows share values.
    """

    name: str
    values: Sequence[Any] | Numbers
    dtype: Dtype
    places: Rows | None = None
    _series: pl.Series | None = field(default=None, repr=False)
    _numbers: Numbers | None = field(default=None, repr=False)
    _distinct: tuple[list[Any], Rows] | None = field(default=None, repr=False)

    @classmethod
    def of(cls, series: pl.Series) -> Cells:
        """Return the cells of a polars column."""
        return cls(series.name, series.to_list(), series.dtype, _series=series)

    @property
    def numbers(self) -> Numbers:
        """``values`` as numbers, NaN where null; truth as 1 and 0."""
        if self._numbers is None:
            values = self.values
            self._numbers = values if isinstance(values, np.ndarray) else np.array(values, dtype=np.float64)
        return self._numbers

    @property
    def distinct(self) -> tuple[list[Any], Rows]:
        """Each of ``values`` once, and of each the place among these: codes and words come again and again."""
        if self._distinct is None:
            places = {value: place for place, value in enumerate(dict.fromkeys(self.values))}
            found = np.fromiter(map(places.__getitem__, self.values), dtype=np.uint32, count=len(self.values))
            self._distinct = list(places), found
        return self._distinct

    @property
    def series(self) -> pl.Series:
        """The column as polars has it."""
        if self._series is None:
            made = self._made()
            self._series = made if self.places is None else made[self.places]
        return self._series

    def _made(self) -> pl.Series:
        if isinstance(self.values, np.ndarray):
            if self.dtype == pl.Boolean:
                return pl.Series(self.name, self._read(self.values), dtype=self.dtype)
            return pl.Series(self.name, self.values, dtype=self.dtype, nan_to_null=True)
        if self.dtype == pl.List:  # polars makes a column of lists one list at a time
            return pl.Series(self.name, pl.from_arrow(pa.array(self.values, pa.large_list(pa.large_string()))))
        return pl.Series(self.name, self.values, dtype=self.dtype)

    def at(self, rows: Sequence[int]) -> list[Any]:
        """Return the values of some rows, None where null."""
        if isinstance(self.values, np.ndarray):
            return self._read(self.values[rows] if self.places is None else self.values[self.places[rows]])
        values = self.values
        if self.places is None:
            return [values[row] for row in rows]
        return [values[place] for place in self.places[rows].tolist()]

    def to_list(self) -> list[Any]:
        """Return the values of all rows, None where null."""
        if isinstance(self.values, np.ndarray):
            return self._read(self.values if self.places is None else self.values[self.places])
        values = self.values
        return list(values) if self.places is None else [values[place] for place in self.places.tolist()]

    def _read(self, numbers: Numbers) -> list[Any]:
        if self.dtype == pl.Boolean:
            return [None if value != value else value == 1.0 for value in numbers.tolist()]
        return [None if value != value else value for value in numbers.tolist()]

    @property
    def nulls(self) -> Flags:
        """Which rows are null."""
        if isinstance(self.values, np.ndarray):
            return self.of_rows(np.isnan(self.values))
        return self.of_rows(np.fromiter((value is None for value in self.values), np.bool_, len(self.values)))

    def equals(self, wanted: Any) -> Flags:
        """Return which rows have a value."""
        return self.of_rows(np.fromiter((value == wanted for value in self.values), np.bool_, len(self.values)))

    def of_rows(self, rows: Flags) -> Flags:
        """Spread what was found out of each of ``values`` over the rows."""
        return rows if self.places is None else rows[self.places]

    def repeated(self, places: Rows) -> Cells:
        """Return a column with this one's values in other places."""
        return Cells(self.name, self.values, self.dtype, places if self.places is None else self.places[places])


class Table:
    """Columns of one height, by name.

    Parameters
    ----------
    height : number of rows.
    cells : the columns.
    """

    def __init__(self, height: int, cells: Iterable[Cells]) -> None:
        self.height = height
        self._cells = {each.name: each for each in cells}
        self._frame: pl.DataFrame | None = None
        #: Whether no number is NaN or infinite, of which SQL and numpy think differently.
        self.plain = True

    @classmethod
    def of(cls, frame: pl.DataFrame) -> Table:
        """Return a polars frame as a table."""
        table = cls(frame.height, ())
        table._cells = _OfFrame(frame)
        table._frame = frame
        floats = frame.select(pl.col(pl.Float64).is_finite().all())
        table.plain = all(floats.row(0)) if floats.width else True
        return table

    def __contains__(self, name: str) -> bool:
        return name in self._cells

    def __getitem__(self, name: str) -> Cells:
        return self._cells[name]

    def rows(self, names: Sequence[str]) -> list[tuple[Any, ...]]:
        """Return the values of some columns row by row, None where null."""
        return list(zip(*(self[name].to_list() for name in names), strict=True))

    def frame(self, names: Collection[str] | None = None) -> pl.DataFrame:
        """Return some columns as a polars frame; without names all, made once."""
        if self._frame is not None:
            return self._frame if names is None else self._frame.select(names)
        if names is not None:
            return pl.DataFrame([self._cells[name].series for name in names])
        self._frame = pl.DataFrame([each.series for each in self._cells.values()])
        return self._frame


class _OfFrame(dict[str, Cells]):
    """The cells of a frame, each made when it is asked for."""

    def __init__(self, frame: pl.DataFrame) -> None:
        super().__init__()
        self._frame = frame

    def __missing__(self, name: str) -> Cells:
        self[name] = found = Cells.of(self._frame.get_column(name))
        return found

    def __contains__(self, name: object) -> bool:
        return name in self._frame.columns
