"""Declarations to columns: the shape that every detector works on.

A batch holds the rows as decoded (for evidence and alerts) and two polars frames of what was declared: one row a
declaration, one row an item. Computed columns are added by :mod:`detectors.features`. Zero masses, values and counts become
null here: feeds that cannot leave a field out send zero for "not carried".
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import polars as pl

from detectors._columnar import texts
from schemas.decode import Row

_PARTIES = ("declarant", "exporter", "consignee", "notify", "carrier", "traveller")


@dataclass(frozen=True, slots=True)
class Batch:
    """Declarations of one call, as rows and as columns.

    Attributes
    ----------
    rows : the decoded declarations, never changed.
    origins : ``topic/partition@offset`` or ``file#line`` of each row, if known.
    declarations : frame of ``len(rows)`` rows, column ``row`` 0..n-1.
    items : frame of all items in order; ``row`` is the declaration's row, ``item_index`` the place in its list.
    """

    rows: Sequence[Row]
    origins: Sequence[str | None]
    declarations: pl.DataFrame
    items: pl.DataFrame

    @classmethod
    def of(cls, rows: Sequence[Row], origins: Sequence[str | None] | None = None) -> Batch:
        """Build the frames of ``rows`` (as :func:`schemas.decode.row` returns them)."""
        return cls(rows, origins or [None] * len(rows), _declarations(rows), _items(rows))

    def __len__(self) -> int:
        return len(self.rows)


def _text(values: list[Any]) -> pl.Series:
    return pl.Series(values, dtype=pl.String)


def _positive(values: list[Any]) -> pl.Series:
    return pl.Series([v or None for v in values], dtype=pl.Float64)


def _declarations(rows: Sequence[Row]) -> pl.DataFrame:
    columns: dict[str, pl.Series] = {
        "row": pl.Series(range(len(rows)), dtype=pl.UInt32),
        "version": pl.Series([r["version"] for r in rows], dtype=pl.Int32),
        "day": pl.Series([r["lodged_at"].date() for r in rows], dtype=pl.Date),
        "declared_gross_kg": _positive([r["gross_mass_kg"] for r in rows]),
        "declared_package_count": _positive([r["package_count"] for r in rows]),
        "item_count": pl.Series([len(r["items"]) for r in rows], dtype=pl.UInt32),
        "routing": texts("routing", [r["routing"] for r in rows]),
    }
    for name in (
        "event",
        "regime",
        "procedure",
        "office",
        "exit_office",
        "country_of_export",
        "country_of_destination",
    ):
        columns[name] = _text([r[name] for r in rows])
    transports = [r["transport"] for r in rows]
    columns["mode"] = _text([t and t["mode"] for t in transports])
    columns["container_count"] = pl.Series([len(t["containers"]) if t else 0 for t in transports], dtype=pl.UInt32)
    for role in _PARTIES:
        parties = [r[role] for r in rows]
        columns[f"{role}_country"] = _text([p and p["country"] for p in parties])
        columns[f"has_{role}"] = pl.Series([p is not None for p in parties], dtype=pl.Boolean)
    return pl.DataFrame(columns)


def _items(rows: Sequence[Row]) -> pl.DataFrame:
    items = [item for r in rows for item in r["items"]]
    values = [i["value"] for i in items]
    quantities = [i["quantity"] for i in items]
    packages = [i["packages"] for i in items]
    lengths = [len(r["items"]) for r in rows]
    return pl.DataFrame(
        {
            "row": pl.Series([n for n, length in enumerate(lengths) for _ in range(length)], dtype=pl.UInt32),
            "item_index": pl.Series([n for length in lengths for n in range(length)], dtype=pl.UInt32),
            "item_number": pl.Series([i["number"] for i in items], dtype=pl.UInt32),
            "commodity_code": _text([i["commodity_code"] for i in items]),
            "description": _text([i["description"] for i in items]),
            "origin": _text([i["origin"] for i in items]),
            "cas": _text([i["cas"] for i in items]),
            "net_mass_kg": _positive([i["net_mass_kg"] for i in items]),
            "gross_mass_kg": _positive([i["gross_mass_kg"] for i in items]),
            "volume_m3": _positive([i["volume_m3"] for i in items]),
            "value_amount": _positive([v and v["amount"] for v in values]),
            "value_currency": _text([v and v["currency"] for v in values]),
            "quantity": _positive([q and q["value"] for q in quantities]),
            "quantity_unit": _text([q and q["unit"] for q in quantities]),
            "package_count": _positive([sum(p["count"] or 0 for p in ps) for ps in packages]),
            "package_type": _text([ps[0]["type"] if ps else None for ps in packages]),
        }
    )
