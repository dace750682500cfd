"""Route features: lengths by great circle, third countries, and where goods seem to go on to."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import Any

import polars as pl

from detectors._columnar import texts
from detectors.goods import Goods
from detectors.reference import Reference
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
        self._kept: dict[tuple[str | None, tuple[str, ...], str | None], tuple[Any, ...]] = {}

    def columns(self, rows: Sequence[Row], goods: list[Goods], item_rows: list[int]) -> list[pl.Series]:
        """Return the declaration columns of routes."""
        substances: list[list[str]] = [[] for _ in rows]
        controlled = [False] * len(rows)
        for n, found in zip(item_rows, goods, strict=True):
            name = self.concerned(found)
            if name is not None and name not in substances[n]:
                substances[n].append(name)
            controlled[n] = controlled[n] or found.control is not None
        ways = [self._way(row) for row in rows]
        risks = [self._risk(row, way, names) for row, way, names in zip(rows, ways, substances, strict=True)]
        onward = [self._onward(row) for row in rows]
        number, text = pl.Float64, pl.String
        return [
            texts("concerned_substances", substances),
            pl.Series("has_concerned", [bool(s) for s in substances], dtype=pl.Boolean),
            pl.Series("has_controlled", controlled, dtype=pl.Boolean),
            pl.Series("route_km", [w[0] for w in ways], dtype=number),
            pl.Series("direct_km", [w[1] for w in ways], dtype=number),
            pl.Series("detour_ratio", [w[2] for w in ways], dtype=number),
            pl.Series("detour_extra_km", [w[3] for w in ways], dtype=number),
            texts("third_countries", [w[4] for w in ways]),
            pl.Series("third_country_count", [len(w[4]) for w in ways], dtype=pl.UInt32),
            pl.Series("via_hub", [next((c for c in w[4] if c in self._hubs), None) for w in ways], dtype=text),
            pl.Series("returns_home", [w[5] for w in ways], dtype=pl.Boolean),
            pl.Series("crosses_land_border", [self._over_land(row) for row in rows], dtype=pl.Boolean),
            pl.Series("destination_is_hub", [self._to_hub(row) for row in rows], dtype=pl.Boolean),
            pl.Series("risk_country", [r[0] for r in risks], dtype=text),
            pl.Series("risk_country_is", [r[1] for r in risks], dtype=text),
            pl.Series("onward_country", [o[0] for o in onward], dtype=text),
            pl.Series("onward_role", [o[1] for o in onward], dtype=text),
        ]

    def _over_land(self, row: Row) -> bool | None:
        """Tell whether goods leave by road, rail or on their own wheels into a country that borders theirs; null if unknown."""
        transport = row["transport"]
        mode = transport["mode"] if transport is not None else None
        start, end = row["country_of_export"], row["country_of_destination"]
        nearest = next((country for country in row["routing"] if country != start), end)
        if mode is None or start not in self._reference.countries or nearest not in self._reference.countries:
            return None
        return mode in _LAND_MODES and self._reference.borders(start, nearest)

    def _to_hub(self, row: Row) -> bool | None:
        end = row["country_of_destination"]
        return None if end is None else end in self._hubs

    def concerned(self, goods: Goods) -> str | None:
        """Return the substance that an item is about as far as controls go, if any."""
        if goods.named_role == "goods" and goods.named_watched:
            return goods.named_substance
        if goods.control is not None:
            return goods.control.substances[0] if goods.control.substances else goods.control.substance
        return goods.code_substance

    def _way(self, row: Row) -> tuple[Any, ...]:
        start = row["country_of_export"]
        end = row["country_of_destination"]
        routing = tuple(row["routing"])
        key = (start, routing, end)
        kept = self._kept.get(key)
        if kept is None:
            if len(self._kept) > 100_000:
                self._kept.clear()
            kept = self._kept[key] = self._measured(start, routing, end)
        return kept

    def _measured(self, start: str | None, routing: tuple[str, ...], end: str | None) -> tuple[Any, ...]:
        path: list[str] = []
        for country in (start, *routing, end):
            if country is not None and (not path or path[-1] != country):
                path.append(country)
        third = tuple(dict.fromkeys(c for c in path[1:] if c not in (start, end))) if start else ()
        known = all(c in self._reference.countries for c in path)
        if start is None or end is None or not known or len(path) < 2:
            return (None, None, None, None, third, None)
        route = sum(self._reference.distance_km(a, b) for a, b in pairwise(path))
        direct = self._reference.distance_km(start, end)
        returns = path.index(start) == 0 and (start in path[1:-1] or end in path[1:-1])
        if direct < 100:
            return (route, direct, None, route - direct, third, returns)
        return (route, direct, route / direct, route - direct, third, returns)

    def _risk(self, row: Row, way: tuple[Any, ...], substances: list[str]) -> tuple[str | None, str | None]:
        """Return a country that sources saw the substance pass through, and whether it is the destination or on the way."""
        for substance in substances:
            entry = self._reference.substances.get(substance)
            names = {substance}
            if entry is not None and entry.element in self._elements:
                names.add(self._elements[entry.element])
            countries = set().union(*(self._risks.get(name, set()) for name in names))
            on_way = next((c for c in way[4] if c in countries), None)
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
