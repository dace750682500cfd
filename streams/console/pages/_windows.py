"""Related declarations in time: those that a finding over a window lists, and alerts of the same parties."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any, Final

from streams.console.store import AlertLine, LaneDay

JsonObject = Mapping[str, Any]

WIDTH: Final = 560
HEIGHT: Final = 190
_LEFT: Final = 12
_BASE: Final = 150
_TALL: Final = 118
#: "2026-11-03 cds:GB1:LRN-7 4.2 kg": what a finding over a window lists (day, declaration, mass).
_LISTED: Final = re.compile(r"^(\d{4}-\d{2}-\d{2})\S*\s+(\S+)(?:\s+([\d.,]+)\s*kg)?")


@dataclass(frozen=True, slots=True)
class Stem:
    """One declaration on the timeline: a stem as tall as its mass where that is known. ``kind``: this, listed, alert."""

    x: float
    y: float
    kind: str
    day: date
    name: str
    kg: float | None
    href: str | None
    severity: str | None


@dataclass(frozen=True, slots=True)
class Timeline:
    """The plot; ``total_kg`` adds up the masses that are known."""

    stems: tuple[Stem, ...]
    ticks: tuple[tuple[float, str], ...]
    total_kg: float | None
    first: date
    last: date
    width: int = WIDTH
    height: int = HEIGHT
    base: int = _BASE


@dataclass(frozen=True, slots=True)
class Bar:
    """A span of days of the lane's history."""

    x: float
    y: float
    width: float
    height: float
    confirmed: float
    said: str


def timeline(alert: JsonObject, related: Sequence[AlertLine]) -> Timeline | None:
    """Return the timeline; None where nothing but this declaration is known."""
    declaration: JsonObject = alert.get("declaration") or {}
    own_id = str(alert.get("declaration_id"))
    own_day = date.fromisoformat(str(alert.get("event_time"))[:10])
    masses = [item.get("net_mass_kg") for item in declaration.get("items") or []]
    own_kg = sum(mass for mass in masses if mass) or None
    found: dict[str, tuple[date, str, float | None, str | None, str | None]] = {}
    for line in related:
        found[line.declaration_id] = (
            line.event_time.date(), "alert", None, f"/alerts/{line.alert_id}", line.severity
        )  # fmt: skip
    for day, name, kg in _listed(alert):
        known = found.get(name)
        found[name] = (day, "listed", kg, known[3] if known else None, known[4] if known else None)
    found.pop(own_id, None)
    if not found:
        return None
    found[own_id] = (own_day, "this", own_kg, None, str(alert.get("severity")))
    days = [each[0] for each in found.values()]
    first, last = min(days), max(days)
    if (last - first).days < 14:
        first -= timedelta(days=7)
        last += timedelta(days=3)
    span = (last - first).days
    heaviest = max((each[2] for each in found.values() if each[2]), default=None)

    def x(day: date) -> float:
        return round(_LEFT + 8 + (day - first).days / span * (WIDTH - 2 * _LEFT - 16), 1)

    stems = tuple(
        Stem(
            x(day), round(_BASE - _TALL * (0.12 + 0.88 * kg / heaviest), 1) if kg and heaviest else _BASE - 24.0,
            kind, day, name, kg, href, severity,
        )
        for name, (day, kind, kg, href, severity) in sorted(found.items(), key=lambda pair: (pair[1][1] == "this", pair[1][0]))
    )  # fmt: skip
    step = max(1, span // 4)
    ticks = tuple((x(day), f"{day:%d %b}") for n in range(5) if (day := first + timedelta(days=n * step)) <= last)
    listed = [each[2] for each in found.values() if each[2] is not None]
    return Timeline(stems, ticks, sum(listed) if len(listed) > 1 else None, first, last)


def _listed(alert: JsonObject) -> list[tuple[date, str, float | None]]:
    """Read the declarations that evidence lists; texts of another form are no declarations."""
    found = []
    for reason in alert.get("reasons") or []:
        for evidence in reason.get("evidence") or []:
            seen = evidence.get("observed")
            for text in seen if isinstance(seen, list) else []:
                match = _LISTED.match(str(text))
                if match:
                    mass = match[3].replace(",", "") if match[3] else None
                    found.append((date.fromisoformat(match[1]), match[2], float(mass) if mass else None))
    return found


def lane_bars(days: Sequence[LaneDay], until: date, weeks: int = 26) -> list[Bar]:
    """Return a bar for each week up to a day, oldest first; a lane without alerts in them gives none."""
    counted: dict[int, list[int]] = {}
    for each in days:
        back = (until - date.fromisoformat(each.day)).days // 7
        if 0 <= back < weeks:
            sums = counted.setdefault(back, [0, 0])
            sums[0] += each.alerts
            sums[1] += each.confirmed
    if not counted:
        return []
    most = max(total for total, _ in counted.values())
    width = WIDTH / weeks
    bars = []
    for back, (total, confirmed) in sorted(counted.items(), reverse=True):
        tall = 84 * total / most
        ends = until - timedelta(days=7 * back)
        said = f"week to {ends}: {total} alert{'s' if total != 1 else ''}, {confirmed} confirmed"
        bars.append(
            Bar(
                round((weeks - 1 - back) * width + 2, 1), round(92 - tall, 1), round(width - 4, 1),
                round(tall, 1), round(84 * confirmed / most, 1), said,
            )
        )  # fmt: skip
    return bars
