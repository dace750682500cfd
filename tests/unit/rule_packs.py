"""A small pack over a small column dictionary, for the tests of the rules engine."""

from __future__ import annotations

from datetime import date
from typing import Any

import polars as pl
import yaml

from detectors.columns import Column

COLUMNS = {
    column.name: column
    for column in (
        Column("regime", "declaration", pl.String(), "the regime", path="/regime"),
        Column("day", "declaration", pl.Date(), "day of lodgement", path="/lodged_at"),
        Column("route_km", "declaration", pl.Float64(), "length of the route", "km", path="/routing"),
        Column("commodity_code", "item", pl.String(), "declared code", path="/items/{i}/commodity_code"),
        Column("usd_per_kg", "item", pl.Float64(), "value per kg", "USD/kg", path="/items/{i}/value"),
        Column("heading_high", "item", pl.Float64(), "dearest ordinary", "USD/kg", path="/items/{i}/value"),
        Column("vague", "item", pl.Boolean(), "names nothing", path="/items/{i}/description"),
        Column("price_substance", "item", pl.String(), "fits this price", path="/items/{i}/value"),
        Column("price_substances", "item", pl.List(pl.String()), "fit this price", path="/items/{i}/value"),
    )
}


def rule(**changes: Any) -> dict[str, Any]:
    """Return a rule without mistakes, with changes; a change to None takes the key out (as keywords: from_, to)."""
    made: dict[str, Any] = {
        "id": "dear-zinc",
        "code": "MISLABEL-VALUE",
        "title": "Value of {usd_per_kg:.0f} USD/kg fits {price_substance}",
        "explanation": "Zinc costs at most {heading_high:.1f} USD/kg.",
        "scope": "item",
        "level": "high",
        "score": 0.8,
        "when": "regime = 'export' AND usd_per_kg > 50 AND starts_with(commodity_code, '79')",
        "evidence": [
            "commodity_code",
            {"column": "usd_per_kg", "expected": "heading_high", "reference": "price bands of {regime}"},
        ],
        "typologies": ["T11"],
        "sources": ["a source"],
        "false_positives": ["collectors' pieces"],
        "examples": {
            "match": [{"regime": "export", "usd_per_kg": 450, "commodity_code": "79012000"}],
            "no_match": [{"regime": "export", "usd_per_kg": 3, "commodity_code": "79012000"}],
        },
    }
    for key, value in changes.items():
        made[key.rstrip("_")] = value
        if value is None:
            del made[key.rstrip("_")]
    return made


def pack(*rules: dict[str, Any], **header: Any) -> str:
    """Return the text of a pack."""
    return yaml.safe_dump(
        {"pack": "trial", "version": "1", "description": "for tests"} | header | {"rules": list(rules)},
        sort_keys=False,
        allow_unicode=True,
    )


def items(*rows: dict[str, Any]) -> pl.DataFrame:
    """Return an items frame; ``row``, ``item_index`` and ``item_number`` count up unless given; day is in 2025."""
    placed = [
        {"row": n, "item_index": 0, "item_number": 1, "day": date(2025, 1, 1), **row} for n, row in enumerate(rows)
    ]
    places = {"row": pl.UInt32(), "item_index": pl.UInt32(), "item_number": pl.UInt32()}
    types = places | {column.name: column.dtype for column in COLUMNS.values()}
    return pl.DataFrame([{name: row.get(name) for name in types} for row in placed], schema=types)


def declarations(*rows: dict[str, Any]) -> pl.DataFrame:
    """Return a declarations frame."""
    scoped = [column.name for column in COLUMNS.values() if column.scope == "declaration"]
    return items(*rows).select("row", *scoped)
