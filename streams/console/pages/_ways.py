"""The declared way of the goods against the direct one: points, legs and lengths for the map.

The browser draws land, projection and great circles (``static/map.js``); what is here is enough for a plain map without it, and
for the table beside it. Lengths are those of the route detectors: great circles between the countries' points.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, Final

from detectors.reference import Reference

JsonObject = Mapping[str, Any]

_SAID: Final = {"export": "export", "via": "on the way", "destination": "destination", "onward": "goes on to?"}
#: Below this length of the direct way a ratio says nothing (as in the detectors).
_NEAR_KM: Final = 100.0


@dataclass(frozen=True, slots=True)
class Point:
    """A country on the map; ``x`` and ``y`` are of the plain map, 360 by 180 with north up."""

    code: str
    name: str
    lat: float
    lon: float
    role: str
    risk: str | None

    @property
    def said(self) -> str:
        """What the country is on this way."""
        return _SAID[self.role]

    @property
    def x(self) -> float:
        """Degrees from the left edge."""
        return round(self.lon + 180, 1)

    @property
    def y(self) -> float:
        """Degrees from the upper edge."""
        return round(90 - self.lat, 1)


@dataclass(frozen=True, slots=True)
class Leg:
    """A part of the declared way, km."""

    start: Point
    end: Point
    km: float


@dataclass(frozen=True, slots=True)
class Way:
    """All of it. ``ratio`` is None where the direct way is too short to compare; ``onward`` is not declared, only suspected."""

    points: tuple[Point, ...]
    legs: tuple[Leg, ...]
    onward: tuple[Leg, ...]
    route_km: float
    direct_km: float
    ratio: float | None
    unknown: tuple[str, ...]

    @property
    def detours(self) -> bool:
        """Whether the declared way has more than one leg."""
        return len(self.legs) > 1

    def drawn(self) -> str:
        """Return what the browser draws, as JSON."""
        return json.dumps(
            {
                "points": [
                    {"code": p.code, "name": p.name, "at": [p.lon, p.lat], "role": p.role, "risk": p.risk is not None}
                    for p in self.points
                ],
                "legs": [[[leg.start.lon, leg.start.lat], [leg.end.lon, leg.end.lat]] for leg in self.legs],
                "onward": [[[leg.start.lon, leg.start.lat], [leg.end.lon, leg.end.lat]] for leg in self.onward],
            },
            ensure_ascii=False,
        )


def way(alert: JsonObject, reference: Reference) -> Way | None:
    """Return the way of an alert's declaration; None where fewer than two of its countries are known."""
    declaration: JsonObject = alert.get("declaration") or {}
    start, end = declaration.get("country_of_export"), declaration.get("country_of_destination")
    stations: list[str] = []
    for code in (start, *(declaration.get("routing") or []), end):
        if code and (not stations or stations[-1] != code):
            stations.append(code)
    unknown = tuple(dict.fromkeys(code for code in stations if code not in reference.countries))
    known = [code for code in stations if code in reference.countries]
    beyond = [
        code
        for role in ("consignee", "notify")
        if (code := (declaration.get(role) or {}).get("country"))
        and code not in stations
        and code in reference.countries
    ]
    if len(set(known)) + bool(beyond) < 2:
        return None
    risky = {
        code: f"{risk.substance}: {risk.basis}"
        for code in (*known, *beyond)
        for risk in reference.countries[code].transit_risk
        if risk.substance in (alert.get("substances") or [])
    }

    def point(code: str, role: str) -> Point:
        entry = reference.countries[code]
        return Point(code, entry.name, entry.lat, entry.lon, role, risky.get(code))

    points: dict[str, Point] = {}
    for code in known:
        role = "export" if code == start else "destination" if code == end else "via"
        points.setdefault(code, point(code, role))
    for code in beyond:
        points.setdefault(code, point(code, "onward"))
    legs = tuple(Leg(points[a], points[b], reference.distance_km(a, b)) for a, b in pairwise(known))
    last = known[-1]
    onward = tuple(Leg(points[last], points[code], reference.distance_km(last, code)) for code in dict.fromkeys(beyond))
    direct = reference.distance_km(known[0], last)
    total = sum(leg.km for leg in legs)
    ratio = total / direct if direct >= _NEAR_KM else None
    return Way(tuple(points.values()), legs, onward, total, direct, ratio, unknown)
