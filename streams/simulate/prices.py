"""What things cost, by date, in USD a kilogram.

These are the simulator's own levels: they stay apart from the price bands that the detectors use, so that a wrong band
shows in the evaluation. Yearly averages of metals: USGS Mineral Commodity Summaries 2026 (gallium: unit value of US
imports; germanium and its dioxide: Europe; antimony and bismuth: Rotterdam and New York; rare-earth oxides: 99.5 %),
and for terbium, dysprosium and scandium oxide the press quotations of 2024-2025. Levels after the last published
year repeat it.
"""

from __future__ import annotations

from bisect import bisect
from datetime import date

from streams.simulate.chance import Chance

# (first day, USD/kg); a level holds to the next and is interpolated in between.
_LEVELS: dict[str, tuple[tuple[date, float], ...]] = {
    "gallium": (
        (date(2021, 7, 1), 277),
        (date(2022, 7, 1), 432),
        (date(2023, 7, 1), 365),
        (date(2024, 7, 1), 439),
        (date(2025, 7, 1), 580),
    ),
    "germanium": (
        (date(2021, 7, 1), 1187),
        (date(2022, 7, 1), 1294),
        (date(2023, 7, 1), 1392),
        (date(2024, 7, 1), 1991),
        (date(2025, 1, 15), 3150),
        (date(2025, 10, 15), 5380),
    ),
    "germanium dioxide": (
        (date(2021, 7, 1), 770),
        (date(2022, 7, 1), 828),
        (date(2023, 7, 1), 883),
        (date(2024, 7, 1), 1281),
        (date(2025, 1, 15), 2200),
        (date(2025, 10, 15), 2850),
    ),
    "antimony": (
        (date(2021, 7, 1), 11.7),
        (date(2022, 7, 1), 13.6),
        (date(2023, 7, 1), 12.1),
        (date(2024, 6, 1), 20.0),
        (date(2024, 8, 15), 21.6),
        (date(2024, 12, 15), 39.9),
        (date(2025, 3, 15), 56.0),
        (date(2025, 6, 15), 60.6),
        (date(2025, 11, 15), 44.8),
    ),
    "antimony trioxide": (
        (date(2023, 7, 1), 10.0),
        (date(2024, 6, 1), 16.0),
        (date(2024, 12, 15), 31.0),
        (date(2025, 6, 15), 46.0),
        (date(2025, 11, 15), 35.0),
    ),
    "bismuth": (
        (date(2023, 7, 1), 9.0),
        (date(2024, 7, 1), 12.0),
        (date(2025, 1, 15), 13.1),
        (date(2025, 3, 15), 75.4),
        (date(2025, 10, 15), 38.6),
    ),
    "gallium oxide": ((date(2023, 1, 1), 300), (date(2025, 7, 1), 430)),
    "dysprosium oxide": ((date(2023, 1, 1), 330), (date(2024, 7, 1), 260), (date(2025, 6, 1), 280)),
    "terbium oxide": ((date(2023, 1, 1), 1300), (date(2024, 7, 1), 810), (date(2025, 6, 1), 950)),
    "scandium": ((date(2023, 1, 1), 3300), (date(2025, 7, 1), 3600)),
    "scandium oxide": ((date(2023, 1, 1), 850), (date(2025, 7, 1), 640)),
}


def level(substance: str, day: date) -> float:
    """Return the price level of a substance on a day, USD/kg.

    Raises
    ------
    KeyError : no price is known for the substance.
    """
    points = _LEVELS[substance]
    k = bisect(points, (day, float("inf")))
    if k == 0:
        return points[0][1]
    if k == len(points):
        return points[-1][1]
    (before, low), (after, high) = points[k - 1], points[k]
    return low + (high - low) * (day - before).days / (after - before).days


def paid(substance: str, day: date, chance: Chance) -> float:
    """Return what one buyer paid: the level with the spread of single deals."""
    return chance.spread(level(substance, day), 0.12)


#: Units of a currency for one USD, at about the middle of 2023-2026 (ECB reference rates); deals differ by their spread anyway.
PER_USD = {"USD": 1.0, "CNY": 7.15, "EUR": 0.91, "GBP": 0.78, "JPY": 149.0, "HKD": 7.8, "KRW": 1370.0, "THB": 34.2}


def drift(day: date) -> float:
    """Return how dear ordinary goods are, against the middle of 2024: two per cent a year."""
    return float(1.02 ** ((day.toordinal() - 739068) / 365.25))
