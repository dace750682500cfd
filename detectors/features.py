"""Features: what the rules and models see of a batch, as two frames of columns.

:data:`detectors.columns.COLUMNS` documents every column. Work is done in columns; what depends on words and codes only is
looked up in :class:`detectors.goods.GoodsJudge`'s kept results, once for all items of a batch that are alike; what few items
need (price fits, prohibitions, licences) is computed for those items only. A column is null where its inputs are: a rule
that compares null does not fire.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from functools import lru_cache
from operator import attrgetter
from typing import Any

import numpy as np
import polars as pl

from detectors import _licences, _parties, _routes, _values
from detectors.batch import Batch, ItemFields
from detectors.goods import Goods, GoodsJudge, Judged
from detectors.reference import Reference
from detectors.table import Cells, Table
from detectors.text import Reader, Reading
from schemas.decode import Row

#: Regimes in which goods leave the country, so that its export controls apply.
_LEAVING = frozenset({"export", "passenger", "postal"})
_PERSONS_TRAFFIC = frozenset({"passenger", "postal"})
_KEPT_GOODS = 300_000


#: Columns that others are computed from, or that every batch's signals hold.
_NEEDED = frozenset({"package_count", "net_mass_kg"})


class Features:
    """Features of one batch, and the facts behind them.

    Parameters
    ----------
    items : a row per item, with ``row``, ``item_index``, ``item_number``, and the columns of both scopes.
    declarations : a row per declaration, with ``row`` and the columns of scope "declaration".
    goods : the facts of each item, in the order of ``items``.
    """

    def __init__(self, items: Table | pl.DataFrame, declarations: Table | pl.DataFrame, goods: list[Goods]) -> None:
        self.of_items = items if isinstance(items, Table) else Table.of(items)
        self.of_declarations = declarations if isinstance(declarations, Table) else Table.of(declarations)
        self.goods = goods

    @property
    def items(self) -> pl.DataFrame:
        """The items as a polars frame, made when first asked for."""
        return self.of_items.frame()

    @property
    def declarations(self) -> pl.DataFrame:
        """The declarations as a polars frame, made when first asked for."""
        return self.of_declarations.frame()


@dataclass(frozen=True, slots=True)
class _Kept:
    """Facts of goods, the code they were judged under, and the readings: alive as long as their ids stand in a key."""

    goods: Goods
    code: str | None
    description: Reading
    marks: Reading


class FeatureMaker:
    """Computes features against one reference, keeping what was worked out for texts and codes seen before."""

    def __init__(self, reference: Reference) -> None:
        self.reference = reference
        self._reader = Reader.of(reference)
        self._judge = GoodsJudge(reference)
        self._cas = {number: entry.substance for entry in reference.lexicon for number in entry.cas}
        self._kept: dict[tuple[Any, ...], _Kept] = {}
        self._routes = _routes.RouteBook(reference)
        self._parties = _parties.PartyReader(self._reader)
        self._controls = _licences.ControlBook(reference)
        self._prices = _values.PriceBook(reference)
        elements = {entry.substance: entry.element for entry in reference.lexicon}
        self._producers: dict[str, set[str]] = {}
        for substance, countries in reference.producers.items():
            element = elements.get(substance)
            if element:
                self._producers.setdefault(element, set()).update(countries)

    def compute(self, batch: Batch, wanted: frozenset[str] | None = None) -> Features:
        """Return the feature frames of a batch: the wanted columns (by default all), and those that cost nothing more."""
        rows = batch.rows
        exporting = [exporting_from(row) for row in rows]
        items = batch.fields
        days = [row["lodged_at"].date() for row in rows]
        judged = self._goods(items, exporting, days)
        goods = judged.each()
        item_columns = batch.items(None if wanted is None else wanted | _NEEDED)
        item_rows = np.array(items.row, dtype=np.uint32)
        for column in (
            *(column.repeated(judged.places) for column in _goods_columns(judged.distinct)),
            self._origin_column(items, judged, goods),
            *self._controls.columns(rows, items, goods, judged.where(_controlled), days),
        ):
            item_columns[column.name] = column
        masses = _values.Masses.of(items)
        prices = _values.Asked(items, goods, days, judged.where(_names_substance))
        heading = _values.heading_numbers(self.reference, judged.codes)[:, judged.places]
        item_columns |= self._prices.columns(prices, masses, heading)
        item_columns |= _values.mass_columns(masses, item_columns["package_count"].numbers, heading[2])
        columns = batch.declarations(wanted)
        for column in (
            Cells("exporting_from", exporting, pl.String),
            Cells("luggage", [_luggage(row) for row in rows], pl.Boolean),
            *self._routes.columns(rows, judged, items.row),
            *self._parties.columns(rows),
        ):
            columns[column.name] = column
        columns |= _values.load_columns(rows, item_rows, item_columns, masses)
        if wanted is not None:
            columns = {name: column for name, column in columns.items() if name in wanted or name == "row"}
        repeated = [column.repeated(item_rows) for name, column in columns.items() if name != "row"]
        return Features(
            Table(len(goods), (*item_columns.values(), *repeated)), Table(len(rows), columns.values()), goods
        )

    def _origin_column(self, items: ItemFields, judged: Judged, goods: list[Goods]) -> Cells:
        """Tell whether the origin produces the named metal; null without either, or where no producer is known."""
        found: list[bool | None] = [None] * len(goods)
        for n in judged.where(_names_element):
            origin = items.origin[n]
            producers = self._producers.get(goods[n].named_element or "")
            if origin and producers:
                found[n] = origin in producers
        return Cells("origin_produces", found, pl.Boolean)

    def _goods(self, items: ItemFields, exporting: list[str | None], days: list[date]) -> Judged:
        descriptions = self._reader.read(items.description)
        marks = self._reader.read([_marks(packages) for packages in items.packages])
        epochs = {day: self.reference.epoch(day) for day in set(days)}
        settings = [(country, epochs[day]) for country, day in zip(exporting, days, strict=True)]
        if len(self._kept) > _KEPT_GOODS:
            self._kept.clear()
        kept = self._kept
        distinct: dict[int, int] = {}
        entries: list[_Kept] = []
        places = []
        for n, code, cas, description, mark in zip(
            items.row, items.commodity_code, items.cas, descriptions, marks, strict=True
        ):
            key = (id(description), id(mark), cas, code, settings[n])
            found = kept.get(key)
            if found is None:
                country, epoch = settings[n]
                substance = self._cas.get(cas) if cas else None
                goods = self._judge.judge(description, mark, substance, code, country, days[n], epoch)
                found = kept[key] = _Kept(goods, code, description, mark)
            place = distinct.setdefault(id(found), len(entries))
            if place == len(entries):
                entries.append(found)
            places.append(place)
        return Judged(
            [entry.goods for entry in entries], [entry.code for entry in entries], np.array(places, dtype=np.uint32)
        )


def _controlled(goods: Goods) -> bool:
    return goods.control is not None


def _names_element(goods: Goods) -> bool:
    return goods.named_element is not None


def _names_substance(goods: Goods) -> bool:
    return goods.named_substance is not None


def exporting_from(row: Row) -> str | None:
    """Return the country whose export controls apply to a declaration, or None if goods do not leave one, or unknown."""
    if row["regime"] not in _LEAVING:
        return None
    country = row["country_of_export"]
    if country is None and row["exporter"] is not None:
        country = row["exporter"]["country"]
    if country is None and row["routing"]:
        country = row["routing"][0]
    return country if isinstance(country, str) else None


def _marks(packages: list[Row]) -> str | None:
    if len(packages) == 1:  # as nearly always
        only: str | None = packages[0]["marks"]
        return only
    marks = [p["marks"] for p in packages if p["marks"]]
    return " | ".join(marks) if marks else None


def _luggage(row: Row) -> bool:
    """Tell whether goods travel in luggage or by post."""
    transport = row["transport"]
    mode = transport["mode"] if transport is not None else None
    return row["regime"] in _PERSONS_TRAFFIC or mode in ("passenger", "post")


_TEXTS = (
    "named_substance",
    "named_element",
    "named_role",
    "named_strength",
    "named_term",
    "named_where",
    "article_word",
    "material_word",
    "purity_text",
    "control_basis",
    "code_substance",
)
_NUMBERS = ("purity_pct", "purity_nines", "purity_gap_nines", "purity_threshold_pct")
_FLAGS = (
    "named_hidden",
    "named_watched",
    "named_controlled",
    "code_fits_named",
    "purity_unusual",
    "vague",
    "text_denies_code",
    "material_heading",
)
_GOODS_DTYPES = (
    *((name, pl.String) for name in _TEXTS),
    *((name, pl.Float64) for name in _NUMBERS),
    *((name, pl.Boolean) for name in _FLAGS),
)
_goods_row = attrgetter(*(name for name, _ in _GOODS_DTYPES))
#: Column -> vocabulary group whose words it reports.
_GROUPS = (
    ("is_sample", "sample"),
    ("in_bottle", "bottle"),
    ("metal_hint", "metal_hint"),
    ("names_dear", "dear"),
    ("denies_origin", "origin_denial"),
    ("denies_control", "not_controlled"),
)


def _goods_columns(goods: list[Goods]) -> list[Cells]:
    values: Iterable[tuple[Any, ...]] = (
        zip(*map(_goods_row, goods), strict=True) if goods else [()] * len(_GOODS_DTYPES)
    )
    columns = [Cells(name, column, dtype) for (name, dtype), column in zip(_GOODS_DTYPES, values, strict=True)]
    flags = [g.flags for g in goods]
    return columns + [Cells(name, [group in f for f in flags], pl.Boolean) for name, group in _GROUPS]


@lru_cache(maxsize=4)
def maker(reference: Reference) -> FeatureMaker:
    """Return the feature maker of a reference (made once; it holds the automaton and the kept readings)."""
    return FeatureMaker(reference)


def compute(batch: Batch, reference: Reference, wanted: frozenset[str] | None = None) -> Features:
    """Return the feature frames of a batch (see :class:`Features`), of the wanted columns or of all."""
    return maker(reference).compute(batch, wanted)
