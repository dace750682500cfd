"""Declarations to columns: the shape that every detector works on.

A batch holds the rows as decoded (for evidence and alerts) and gives what was declared as columns, one row a declaration or
one row an item: all of them, or those that the rules in use ask for. Computed columns are added by
:mod:`detectors.features`. Zero masses, values and counts become null here: feeds that cannot leave a field out send zero for
"not carried".
"""

from __future__ import annotations

from collections.abc import Callable, Container, Sequence
from dataclasses import dataclass
from operator import itemgetter
from typing import Any

import numpy as np
import polars as pl

from detectors._columnar import number, present, texts
from schemas.declaration import PARTY_ROLES
from schemas.decode import Row


@dataclass(frozen=True, slots=True)
class Batch:
    """Declarations of one call, as rows and as columns.

    Attributes
    ----------
    rows : the decoded declarations, never changed.
    origins : ``topic/partition@offset`` or ``file#line`` of each row, if known.
    """

    rows: Sequence[Row]
    origins: Sequence[str | None]

    @classmethod
    def of(cls, rows: Sequence[Row], origins: Sequence[str | None] | None = None) -> Batch:
        """Return the batch of ``rows`` (as :func:`schemas.decode.row` returns them)."""
        return cls(rows, origins or [None] * len(rows))

    def __len__(self) -> int:
        return len(self.rows)

    def declarations(self, wanted: Container[str] | None = None) -> dict[str, pl.Series]:
        """Return declared columns, a row a declaration: ``row`` (0..n-1), and those wanted (by default all)."""
        rows = self.rows
        columns = {"row": pl.Series("row", range(len(rows)), dtype=pl.UInt32)}
        for name, column in _DECLARATION_COLUMNS.items():
            if wanted is None or name in wanted:
                columns[name] = column(rows).alias(name)
        return columns

    def items(self, wanted: Container[str] | None = None) -> dict[str, pl.Series]:
        """Return declared columns, a row an item: ``row`` of its declaration, ``item_index``, ``item_number``, those wanted."""
        lengths = [len(row["items"]) for row in self.rows]
        items = [item for row in self.rows for item in row["items"]]
        places = [n for n, length in enumerate(lengths) for _ in range(length)]
        columns = {
            "row": pl.Series("row", places, dtype=pl.UInt32),
            "item_index": pl.Series("item_index", [n for length in lengths for n in range(length)], dtype=pl.UInt32),
            "item_number": pl.Series("item_number", list(map(itemgetter("number"), items)), dtype=pl.UInt32),
        }
        for name, column in _ITEM_COLUMNS.items():
            if wanted is None or name in wanted:
                columns[name] = column(items).alias(name)
        return columns


Declared = Sequence[Any]
Maker = Callable[[Declared], pl.Series]


def _positive(values: list[Any]) -> pl.Series:
    return number("", present(np.array(values, dtype=np.float64)))


def _text(field: str) -> Maker:
    read = itemgetter(field)
    return lambda declared: pl.Series(list(map(read, declared)), dtype=pl.String)


def _mass(field: str) -> Maker:
    read = itemgetter(field)
    return lambda declared: _positive(list(map(read, declared)))


def _part(holder: str, field: str, dtype: type[pl.DataType] = pl.String) -> Maker:
    if dtype is pl.Float64:
        return lambda declared: _positive([h and h[field] for d in declared for h in (d[holder],)])
    return lambda declared: pl.Series([h and h[field] for d in declared for h in (d[holder],)], dtype=dtype)


def _count(packages: list[Any]) -> int | None:
    if len(packages) == 1:  # as nearly always
        only: int | None = packages[0]["count"]
        return only
    return sum(p["count"] or 0 for p in packages)


def _there(field: str) -> Maker:
    return lambda declared: pl.Series([d[field] is not None for d in declared], dtype=pl.Boolean)


_DECLARATION_COLUMNS: dict[str, Maker] = {
    "version": lambda rows: pl.Series([r["version"] for r in rows], dtype=pl.Int32),
    "day": lambda rows: pl.Series([r["lodged_at"].date() for r in rows], dtype=pl.Date),
    "declared_gross_kg": _mass("gross_mass_kg"),
    "declared_package_count": _mass("package_count"),
    "item_count": lambda rows: pl.Series([len(r["items"]) for r in rows], dtype=pl.UInt32),
    "routing": lambda rows: texts("routing", [r["routing"] for r in rows]),
    **{
        name: _text(name)
        for name in (
            "event",
            "regime",
            "procedure",
            "office",
            "exit_office",
            "country_of_export",
            "country_of_destination",
        )
    },
    "mode": _part("transport", "mode"),
    "container_count": lambda rows: pl.Series(
        [len(t["containers"]) if (t := r["transport"]) else 0 for r in rows], dtype=pl.UInt32
    ),
    **{f"{role}_country": _part(role, "country") for role in PARTY_ROLES},
    **{f"has_{role}": _there(role) for role in PARTY_ROLES},
}

_ITEM_COLUMNS: dict[str, Maker] = {
    "commodity_code": _text("commodity_code"),
    "description": _text("description"),
    "origin": _text("origin"),
    "cas": _text("cas"),
    "net_mass_kg": _mass("net_mass_kg"),
    "gross_mass_kg": _mass("gross_mass_kg"),
    "volume_m3": _mass("volume_m3"),
    "value_amount": _part("value", "amount", pl.Float64),
    "value_currency": _part("value", "currency"),
    "quantity": _part("quantity", "value", pl.Float64),
    "quantity_unit": _part("quantity", "unit"),
    "package_count": lambda items: _positive([_count(i["packages"]) for i in items]),
    "package_type": lambda items: pl.Series(
        [i["packages"][0]["type"] if i["packages"] else None for i in items], dtype=pl.String
    ),
}
