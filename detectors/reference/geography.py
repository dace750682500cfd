"""Distance and neighbourhood of countries, from the table of countries."""

from __future__ import annotations

import math
from collections.abc import Mapping
from functools import lru_cache

from schemas.errors import ReferenceError_
from schemas.reference import CountryEntry

#: Mean radius of the Earth, km (IUGG R1).
EARTH_RADIUS_KM = 6371.0088


def great_circle_km(a: CountryEntry, b: CountryEntry) -> float:
    """Return the great-circle distance between two representative points, km (haversine)."""
    lat_a, lat_b = math.radians(a.lat), math.radians(b.lat)
    half_lat = (lat_b - lat_a) / 2
    half_lon = math.radians(b.lon - a.lon) / 2
    chord = math.sin(half_lat) ** 2 + math.cos(lat_a) * math.cos(lat_b) * math.sin(half_lon) ** 2
    return 2 * EARTH_RADIUS_KM * math.asin(min(1.0, math.sqrt(chord)))


class Geography:
    """Countries by code, with distances worked out once for each pair."""

    def __init__(self, countries: Mapping[str, CountryEntry]) -> None:
        self._countries = countries
        self._borders = {code: frozenset(entry.borders) for code, entry in countries.items()}
        self.distance_km = lru_cache(maxsize=None)(self._distance_km)

    def _distance_km(self, a: str, b: str) -> float:
        for code in (a, b):
            if code not in self._countries:
                raise ReferenceError_(f"{code}: not in the table of countries; ask `in reference.countries` first")
        return great_circle_km(self._countries[a], self._countries[b])

    def borders(self, a: str, b: str) -> bool:
        """Tell whether two countries meet over land or a fixed link; unknown codes never do."""
        return b in self._borders.get(a, frozenset())
