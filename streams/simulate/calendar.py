"""When declarations are lodged: hours of the day, days of the week, the Chinese New Year dip and the Christmas peak."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from itertools import accumulate

from streams.simulate.chance import Chance, Wheel

#: First day of the Chinese year. Source: Hong Kong Observatory's Gregorian-lunar conversion tables.
NEW_YEAR = {
    2022: date(2022, 2, 1),
    2023: date(2023, 1, 22),
    2024: date(2024, 2, 10),
    2025: date(2025, 1, 29),
    2026: date(2026, 2, 17),
    2027: date(2027, 2, 6),
    2028: date(2028, 1, 26),
}

# Office hours of China (UTC+8), as weights by hour of the UTC day; the simulator's own shape.
_HOURS = (3, 6, 7, 6, 3, 5, 7, 7, 7, 6, 4, 3, 2, 2, 1.5, 1.2, 1, 0.8, 0.6, 0.5, 0.5, 0.6, 0.8, 1.4)
_WEEKDAYS = (1.0, 1.08, 1.1, 1.1, 1.15, 0.55, 0.4)
_HOUR_WHEEL = Wheel(range(24), _HOURS)
_MONTHS = (0.98, 0.85, 0.98, 1.0, 1.02, 1.02, 1.03, 1.05, 1.1, 1.02, 1.08, 1.05)


def day_weight(day: date) -> float:
    """Return how busy a day is, 1 being an ordinary Monday."""
    weight = _WEEKDAYS[day.weekday()] * _MONTHS[day.month - 1]
    new_year = NEW_YEAR.get(day.year)
    if new_year is not None:
        since = (day - new_year).days
        if -3 <= since <= 7:
            weight *= 0.25
        elif -16 <= since < -3:
            weight *= 1.2  # the rush before the factories close
        elif 7 < since <= 14:
            weight *= 0.7
    if day.month == 10 and day.day <= 7:
        weight *= 0.45  # National Day week
    return weight


def working_time(after: datetime, days: float, chance: Chance) -> datetime:
    """Return a time about ``days`` after another, on a day and at an hour at which people do lodge; never before it."""
    at = after + timedelta(days=days)
    for _ in range(8):
        if chance.share() < day_weight(at.date()) / 1.2:
            break
        at += timedelta(days=chance.between(0.4, 1.3))
    hour = chance.of(_HOUR_WHEEL)
    told = at.replace(hour=hour, minute=chance.whole(0, 59), second=chance.whole(0, 59))
    return told if told > after else max(at, after + timedelta(minutes=1))


def lodgements(count: int, start: datetime, end: datetime) -> Iterator[datetime]:
    """Return ``count`` increasing times of [start, end), as dense as the hours are busy.

    The k-th time stands where the k-th part of all the work of the period is done, so no time needs to be sorted or kept.

    Raises
    ------
    ValueError : the period ends before it starts.
    """
    span = (end - start).total_seconds()
    if span <= 0:
        raise ValueError(f"the feed would end ({end.isoformat()}) before it starts ({start.isoformat()})")
    step = 3600.0 if span > 2 * 3600 else span
    steps = max(1, round(span / step))
    step = span / steps
    midnight = start.astimezone(UTC)
    weights = []
    for k in range(steps):
        hour = midnight + timedelta(seconds=(k + 0.5) * step)
        weights.append(day_weight(hour.date()) * _HOURS[hour.hour])
    return _spread(count, start, step, weights)


def _spread(count: int, start: datetime, step: float, weights: list[float]) -> Iterator[datetime]:
    done = list(accumulate(weights))
    steps = len(weights)
    k, before = 0, 0.0
    for n in range(count):
        target = (n + 0.5) / count * done[-1]
        while done[k] < target and k < steps - 1:
            before = done[k]
            k += 1
        yield start + timedelta(seconds=(k + (target - before) / weights[k]) * step)
