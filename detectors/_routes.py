"""Route features: lengths by great circle, third countries, and where goods seem to go on to."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import Any, NamedTuple

import polars as pl

from detectors._columnar import texts
from detectors.goods import Goods, Judged
from detectors.reference import Reference
from detectors.table import Cells
from schemas.decode import Row

#: Customs territories inside which a consignee in one country and delivery in another is daily business.
_BLOCS = (
    frozenset("AT BE BG CY CZ DE DK EE ES FI FR GR HR HU IE IT LT LU LV MT NL PL PT RO SE SI SK XI MC".split()),
    frozenset(("GB", "XI", "IM", "JE", "GG")),
    frozenset(("CN", "HK", "MO")),
    frozenset(("RU", "BY", "KZ", "KG", "AM")),
    frozenset(("CH", "LI")),
)


_LAND_MODES = frozenset({"road", "rail", "own"})
#: Between countries nearer than this (by their centres) a ratio of lengths says nothing.
_NEAR_KM = 100.0
_NO_RISK: tuple[str | None, str | None] = (None, None)


class _Way(NamedTuple):
    """What follows from the countries and the mode of transport alone; kept, since declarations share lanes."""

    third: tuple[str, ...]
    third_country_count: int
    via_hub: str | None
    crosses_land_border: bool | None
    destination_is_hub: bool | None
    route_km: float | None = None
    direct_km: float | None = None
    detour_ratio: float | None = None
    detour_extra_km: float | None = None
    returns_home: bool | None = None


_OF_WAY = (
    ("third_country_count", pl.UInt32),
    ("via_hub", pl.String),
    ("crosses_land_border", pl.Boolean),
    ("destination_is_hub", pl.Boolean),
    ("route_km", pl.Float64),
    ("direct_km", pl.Float64),
    ("detour_ratio", pl.Float64),
    ("detour_extra_km", pl.Float64),
    ("returns_home", pl.Boolean),
)


def _turned(ways: Sequence[_Way]) -> list[Sequence[Any]]:
    """Return the columns of :data:`_OF_WAY`."""
    columns: list[Sequence[Any]] = list(zip(*ways, strict=True))
    return columns[1:] if columns else [()] * len(_OF_WAY)


def same_territory(a: str | None, b: str | None) -> bool:
    """Tell whether two countries are one for delivery (equal, or in one customs territory)."""
    return a == b or any(a in bloc and b in bloc for bloc in _BLOCS)


class RouteBook:
    """Route features against one reference."""

    def __init__(self, reference: Reference) -> None:
        self._reference = reference
        self._elements = {e.element: e.substance for e in reference.lexicon if e.kind == "element" and e.element}
        self._risks: dict[str, set[str]] = {}
        for country in reference.countries.values():
            for risk in country.transit_risk:
                self._risks.setdefault(risk.substance, set()).add(country.iso2)
        self._hubs = frozenset(c.iso2 for c in reference.countries.values() if c.hub)
        self._kept: dict[tuple[str | None, tuple[str, ...], str | None, str | None], _Way] = {}

    def columns(self, rows: Sequence[Row], judged: Judged, item_rows: Sequence[int]) -> list[Cells]:
        """Return the declaration columns of routes."""
        substances: list[list[str]] = [[] for _ in rows]
        controlled = [False] * len(rows)
        names = [self.concerned(goods) for goods in judged.distinct]
        for n in judged.where(lambda goods: self.concerned(goods) is not None):
            name, of_row = names[judged.places[n]], substances[item_rows[n]]
            if name is not None and name not in of_row:
                of_row.append(name)
        for n in judged.where(lambda goods: goods.control is not None):
            controlled[item_rows[n]] = True
        ways = [self._way(row) for row in rows]
        risks = [
            self._risk(row, way, names) if names else _NO_RISK
            for row, way, names in zip(rows, ways, substances, strict=True)
        ]
        onward = [self._onward(row) for row in rows]
        by_way = [Cells(name, values, dtype) for (name, dtype), values in zip(_OF_WAY, _turned(ways), strict=True)]
        text = pl.String
        return [
            *by_way,
            texts("concerned_substances", substances),
            Cells("has_concerned", [bool(s) for s in substances], pl.Boolean),
            Cells("has_controlled", controlled, pl.Boolean),
            texts("third_countries", [way.third for way in ways]),
            Cells("risk_country", [r[0] for r in risks], text),
            Cells("risk_country_is", [r[1] for r in risks], text),
            Cells("onward_country", [o[0] for o in onward], text),
            Cells("onward_role", [o[1] for o in onward], text),
        ]

    def _over_land(self, start: str | None, routing: tuple[str, ...], end: str | None, mode: str | None) -> bool | None:
        """Tell whether goods leave by road, rail or on their own wheels into a country that borders theirs; null if unknown."""
        nearest = next((country for country in routing if country != start), end)
        if mode is None or start is None or nearest is None:
            return None
        if start not in self._reference.countries or nearest not in self._reference.countries:
            return None
        return mode in _LAND_MODES and self._reference.borders(start, nearest)

    def concerned(self, goods: Goods) -> str | None:
        """Return the substance that an item is about as far as controls go, if any."""
        if goods.named_role == "goods" and goods.named_watched:
            return goods.named_substance
        if goods.control is not None:
            return goods.control.substances[0] if goods.control.substances else goods.control.substance
        return goods.code_substance

    def _way(self, row: Row) -> _Way:
        transport = row["transport"]
        mode = transport["mode"] if transport is not None else None
        key = (row["country_of_export"], tuple(row["routing"]), row["country_of_destination"], mode)
        kept = self._kept.get(key)
        if kept is None:
            if len(self._kept) > 100_000:
                self._kept.clear()
            kept = self._kept[key] = self._measured(*key)
        return kept

    def _measured(self, start: str | None, routing: tuple[str, ...], end: str | None, mode: str | None) -> _Way:
        path: list[str] = []
        for country in (start, *routing, end):
            if country is not None and (not path or path[-1] != country):
                path.append(country)
        third = tuple(dict.fromkeys(c for c in path[1:] if c not in (start, end))) if start else ()
        way = _Way(
            third=third,
            third_country_count=len(third),
            via_hub=next((c for c in third if c in self._hubs), None),
            crosses_land_border=self._over_land(start, routing, end, mode),
            destination_is_hub=None if end is None else end in self._hubs,
        )
        known = all(c in self._reference.countries for c in path)
        if start is None or end is None or not known or len(path) < 2:
            return way
        route = sum(self._reference.distance_km(a, b) for a, b in pairwise(path))
        direct = self._reference.distance_km(start, end)
        return way._replace(
            route_km=route,
            direct_km=direct,
            detour_ratio=route / direct if direct >= _NEAR_KM else None,
            detour_extra_km=route - direct,
            returns_home=path.index(start) == 0 and (start in path[1:-1] or end in path[1:-1]),
        )

    def _risk(self, row: Row, way: _Way, substances: list[str]) -> tuple[str | None, str | None]:
        """Return a country that sources saw the substance pass through, and whether it is the destination or on the way."""
        for substance in substances:
            entry = self._reference.substances.get(substance)
            names = {substance}
            if entry is not None and entry.element in self._elements:
                names.add(self._elements[entry.element])
            countries = set().union(*(self._risks.get(name, set()) for name in names))
            on_way = next((c for c in way.third if c in countries), None)
            if on_way is not None:
                return on_way, "on the way"
            if row["country_of_destination"] in countries and row["country_of_export"] != row["country_of_destination"]:
                return row["country_of_destination"], "destination"
        return None, None

    def _onward(self, row: Row) -> tuple[str | None, str | None]:
        """Return a country beyond the declared destination that a consignee or notify party points to."""
        destination = row["country_of_destination"]
        if destination is None:
            return None, None
        home = row["country_of_export"] or (row["exporter"] and row["exporter"]["country"])
        for role in ("notify", "consignee"):
            party = row[role]
            country = party["country"] if party is not None else None
            if country is None or same_territory(country, destination) or same_territory(country, home):
                continue
            return country, role
        return None, None
