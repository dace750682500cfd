"""What OUTCOME looks at: the keys by which trade is gathered, and a few measures.

Parties are known by a hash of their identifier, or of name and country where they have none: a model file names nobody, and no
finding does. (Who holds a list of identifiers can still try them one by one: a model of real trade is the office's own data.)
"""

from __future__ import annotations

import hashlib
from functools import lru_cache
from typing import Any

import numpy as np
import polars as pl

from detectors._columnar import Numbers
from detectors.batch import Batch
from detectors.features import Features
from detectors.models._encodings import Encoded, Key

PARTIES = ("declarant", "exporter", "consignee")
#: Weight of the parent's share: a key must have been seen so often to count as much as what is behind it.
SMOOTHING = 8.0


def _keys() -> list[Key]:
    told: list[tuple[str, str, str | None]] = [
        ("chapter", "hs2", None),
        ("heading", "hs4", "chapter"),
        ("subheading", "hs6", "heading"),
        ("declarant", "declarant", None),
        ("exporter", "exporter", None),
        ("consignee", "consignee", None),
        ("office", "office", None),
        ("regime and mode", "regime mode", None),
        ("destination", "country_of_destination", None),
        ("origin", "origin", None),
        ("lane", "country_of_export country_of_destination", "destination"),
        ("chapter on this lane", "hs2 country_of_export country_of_destination", "lane"),
        ("heading on this lane", "hs4 country_of_export country_of_destination", "chapter on this lane"),
        ("heading of this origin", "hs4 origin", "heading"),
        ("heading by this mode", "hs4 mode", "heading"),
        ("declarant in this chapter", "declarant hs2", "declarant"),
        ("exporter with this heading", "exporter hs4", "exporter"),
        ("consignee with this heading", "consignee hs4", "consignee"),
        ("exporter to this consignee", "exporter consignee", "exporter"),
        ("office and lane", "office country_of_export country_of_destination", "office"),
    ]
    places = {words: n for n, (words, _, _) in enumerate(told)}
    return [
        Key(words, tuple(columns.split()), None if parent is None else places[parent])
        for words, columns, parent in told
    ]


KEYS = _keys()
#: Keys of which it also counts how much is known.
COUNTED = tuple(n for n, key in enumerate(KEYS) if key.words in ("subheading", "exporter", "consignee"))
#: Feature column -> words, unit; each by its logarithm.
MEASURED = {
    "net_mass_kg": ("net mass", "kg"),
    "value_usd": ("value", "USD"),
    "usd_per_kg": ("value per kg", "USD"),
    "kg_per_package": ("mass of a package", "kg"),
}
COLUMNS = frozenset(
    {"commodity_code", "origin", "office", "regime", "mode", "country_of_export", "country_of_destination", *MEASURED}
)
WIDTH = len(KEYS) + len(COUNTED) + len(MEASURED)


def records(batch: Batch, computed: Features) -> pl.DataFrame:
    """Return the text columns of the keys and the measures, a row an item; nothing of a label."""
    items = computed.items
    rows = items["row"].to_numpy()
    parties = {role: pl.Series([_party(row[role]) for row in batch.rows], dtype=pl.String)[rows] for role in PARTIES}
    code = pl.col("commodity_code")
    depths = [
        pl.when(code.str.len_chars() >= depth).then(code.str.slice(0, depth)).alias(f"hs{depth}") for depth in (2, 4, 6)
    ]
    return items.select(*sorted(COLUMNS), *depths).with_columns(**parties)


def inputs(frame: pl.DataFrame, encoded: Encoded) -> Numbers:
    """Return what the trees see: shares, counts, and the logarithms of the measures; NaN where not known."""
    told = frame.select(pl.col(name).cast(pl.Float64).fill_null(np.nan) for name in MEASURED).to_numpy()
    with np.errstate(all="ignore"):
        return np.hstack([encoded.columns(COUNTED), np.where(told > 0, np.log(told), np.nan)])


def _party(party: dict[str, Any] | None) -> str | None:
    return None if party is None else _hashed(party["id"], party["name"], party["country"])


@lru_cache(maxsize=200_000)
def _hashed(identifier: str | None, name: str | None, country: str | None) -> str | None:
    if identifier:
        told = f"id {identifier.strip().upper()}"
    elif name:
        told = f"name {' '.join(name.casefold().split())} {country or ''}"
    else:
        return None
    return hashlib.blake2b(told.encode(), digest_size=9).hexdigest()
