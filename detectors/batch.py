"""Declarations to columns: the shape that every detector works on.

A batch holds the rows as decoded (for evidence and alerts) and gives what was declared as columns, one row a declaration or
one row an item: all of them, or those that the rules in use ask for. Computed columns are added by
:mod:`detectors.features`. Zero masses, values and counts become null here: feeds that cannot leave a field out send zero for
"not carried".
"""

from __future__ import annotations

from collections.abc import Callable, Container, Sequence
from dataclasses import dataclass
from functools import cached_property
from operator import itemgetter
from typing import Any, NamedTuple

import numpy as np
import polars as pl

from detectors._columnar import Numbers, present
from detectors.table import Cells, Dtype
from schemas.declaration import PARTY_ROLES
from schemas.decode import Row


class ItemFields(NamedTuple):
    """What the items of a batch declare, field by field: of each field a value an item, in the order of the declarations.

    ``row`` is the place of the item's declaration in the batch, ``place`` its own in the declaration.
    """

    row: Sequence[int]
    place: Sequence[int]
    number: Sequence[int]
    commodity_code: Sequence[str | None]
    description: Sequence[str | None]
    origin: Sequence[str | None]
    cas: Sequence[str | None]
    net_mass_kg: Sequence[float | None]
    gross_mass_kg: Sequence[float | None]
    volume_m3: Sequence[float | None]
    value: Sequence[Row | None]
    quantity: Sequence[Row | None]
    packages: Sequence[list[Row]]
    documents: Sequence[list[Row]]


_READ_ITEM = itemgetter(*ItemFields._fields[2:])


@dataclass(frozen=True)
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

    def declarations(self, wanted: Container[str] | None = None) -> dict[str, Cells]:
        """Return declared columns, a row a declaration: ``row`` (0..n-1), and those wanted (by default all)."""
        rows = self.rows
        columns = {"row": Cells("row", range(len(rows)), pl.UInt32)}
        for name, (dtype, read) in _DECLARATION_COLUMNS.items():
            if wanted is None or name in wanted:
                columns[name] = Cells(name, read(rows), dtype)
        return columns

    def items(self, wanted: Container[str] | None = None) -> dict[str, Cells]:
        """Return declared columns, a row an item: ``row`` of its declaration, ``item_index``, ``item_number``, those wanted."""
        fields = self.fields
        columns = {
            "row": Cells("row", fields.row, pl.UInt32),
            "item_index": Cells("item_index", fields.place, pl.UInt32),
            "item_number": Cells("item_number", fields.number, pl.UInt32),
        }
        for name, (dtype, read) in _ITEM_COLUMNS.items():
            if wanted is None or name in wanted:
                columns[name] = Cells(name, read(fields), dtype)
        return columns

    @cached_property
    def fields(self) -> ItemFields:
        """The items field by field. Read in one pass: an item is some fifteen objects, far apart in memory."""
        lengths = [len(row["items"]) for row in self.rows]
        places = [n for n, length in enumerate(lengths) for _ in range(length)]
        indices = [n for length in lengths for n in range(length)]
        read = [_READ_ITEM(item) for row in self.rows for item in row["items"]]
        return ItemFields(places, indices, *(zip(*read, strict=True) if read else [()] * (len(ItemFields._fields) - 2)))


#: What makes the values of a declared column: of declarations, or of items field by field.
Values = Sequence[Any] | Numbers
Maker = tuple[Dtype, Callable[[Sequence[Row]], Values]]


def _positive(values: Sequence[Any]) -> Numbers:
    stated = present(np.array(values, dtype=np.float64))
    return np.where(np.isfinite(stated), stated, np.nan)


def _text(field: str) -> Maker:
    read = itemgetter(field)
    return pl.String, lambda declared: list(map(read, declared))


def _mass(field: str) -> Maker:
    read = itemgetter(field)
    return pl.Float64, lambda declared: _positive(list(map(read, declared)))


def _part(holder: str, field: str) -> Maker:
    return pl.String, lambda declared: [h and h[field] for d in declared for h in (d[holder],)]


def _count(packages: list[Any]) -> int | None:
    if len(packages) == 1:  # as nearly always
        only: int | None = packages[0]["count"]
        return only
    return sum(p["count"] or 0 for p in packages)


def _there(field: str) -> Maker:
    return pl.Boolean, lambda declared: [d[field] is not None for d in declared]


_DECLARATION_COLUMNS: dict[str, Maker] = {
    "version": (pl.Int32, lambda rows: [r["version"] for r in rows]),
    "day": (pl.Date, lambda rows: [r["lodged_at"].date() for r in rows]),
    "declared_gross_kg": _mass("gross_mass_kg"),
    "declared_package_count": _mass("package_count"),
    "item_count": (pl.UInt32, lambda rows: [len(r["items"]) for r in rows]),
    "routing": (pl.List(pl.String), lambda rows: [r["routing"] for r in rows]),
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
    "container_count": (pl.UInt32, lambda rows: [len(t["containers"]) if (t := r["transport"]) else 0 for r in rows]),
    **{f"{role}_country": _part(role, "country") for role in PARTY_ROLES},
    **{f"has_{role}": _there(role) for role in PARTY_ROLES},
}


def _stated(part: str) -> Callable[[Sequence[Row | None]], list[Any]]:
    """Return a reader of one part of a value or quantity, None where there is none."""
    return lambda holders: [holder and holder[part] for holder in holders]


_amount, _currency = _stated("amount"), _stated("currency")
_value, _unit = _stated("value"), _stated("unit")

_ITEM_COLUMNS: dict[str, tuple[Dtype, Callable[[ItemFields], Values]]] = {
    "commodity_code": (pl.String, lambda items: items.commodity_code),
    "description": (pl.String, lambda items: items.description),
    "origin": (pl.String, lambda items: items.origin),
    "cas": (pl.String, lambda items: items.cas),
    "net_mass_kg": (pl.Float64, lambda items: _positive(items.net_mass_kg)),
    "gross_mass_kg": (pl.Float64, lambda items: _positive(items.gross_mass_kg)),
    "volume_m3": (pl.Float64, lambda items: _positive(items.volume_m3)),
    "value_amount": (pl.Float64, lambda items: _positive(_amount(items.value))),
    "value_currency": (pl.String, lambda items: _currency(items.value)),
    "quantity": (pl.Float64, lambda items: _positive(_value(items.quantity))),
    "quantity_unit": (pl.String, lambda items: _unit(items.quantity)),
    "package_count": (pl.Float64, lambda items: _positive([_count(packages) for packages in items.packages])),
    "package_type": (
        pl.String,
        lambda items: [packages[0]["type"] if packages else None for packages in items.packages],
    ),
}
