"""The column dictionary: every feature that a rule may use, with scope, type, unit and meaning."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import polars as pl

Scope = Literal["item", "declaration"]


@dataclass(frozen=True, slots=True)
class Column:
    """One column of the feature frames.

    ``scope`` "declaration" columns stand in the declaration frame and, repeated, in the item frame; "item" columns in
    the item frame only. ``path`` is the JSON pointer of what it was computed from (``{i}`` is the item's index), so that
    evidence can point into the declaration.
    """

    name: str
    scope: Scope
    dtype: pl.DataType
    doc: str
    unit: str | None = None
    path: str = ""


def _columns() -> list[Column]:
    return [
        Column(
            "regime",
            "declaration",
            pl.String(),
            "export, import, transit, entry_summary, passenger, postal",
            path="/regime",
        ),
        Column(
            "commodity_code", "item", pl.String(), "the declared code, digits only", path="/items/{i}/commodity_code"
        ),
        Column(
            "net_mass_kg",
            "item",
            pl.Float64(),
            "net mass; null if missing or zero",
            "kg",
            path="/items/{i}/net_mass_kg",
        ),
    ]


COLUMNS: dict[str, Column] = {column.name: column for column in _columns()}
