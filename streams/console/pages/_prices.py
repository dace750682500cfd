"""What an item costs per kg against what its substance and its declared heading cost on their days: one plot an item."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any, Final

from detectors.reference import Reference
from schemas.reference import PriceBand
from streams.console.pages import _written as written

JsonObject = Mapping[str, Any]

WIDTH: Final = 560
HEIGHT: Final = 250
_LEFT: Final = 56
_RIGHT: Final = 14
_TOP: Final = 18
_BOTTOM: Final = 30
_YEARS: Final = 4
#: Substances told of for one item; only the first is drawn, since bands hide each other.
_TOLD: Final = 5
_PLOTS: Final = 3


@dataclass(frozen=True, slots=True)
class Span:
    """A band as drawn (user units of the plot), and what it says."""

    x: float
    y: float
    width: float
    height: float
    kind: str
    said: str


@dataclass(frozen=True, slots=True)
class Tick:
    """A mark of an axis."""

    at: float
    label: str


@dataclass(frozen=True, slots=True)
class PricePlot:
    """The plot of one item; ``rows`` says the same in words for those who do not see it."""

    item: int
    per_kg: float
    day: date
    substances: tuple[str, ...]
    spans: tuple[Span, ...]
    x_ticks: tuple[Tick, ...]
    y_ticks: tuple[Tick, ...]
    x: float
    y: float
    rows: tuple[tuple[str, str, str], ...]
    sources: tuple[str, ...]
    width: int = WIDTH
    height: int = HEIGHT
    left: int = _LEFT
    top: int = _TOP
    right: int = WIDTH - _RIGHT
    bottom: int = HEIGHT - _BOTTOM


def plots(alert: JsonObject, reference: Reference) -> list[PricePlot]:
    """Return a plot for each item that a finding is about and whose price per kg and band are known (at most three)."""
    declaration: JsonObject = alert.get("declaration") or {}
    day = _day(declaration.get("lodged_at"))
    if day is None:
        return []
    reasons: Sequence[JsonObject] = alert.get("reasons") or []
    concerned = {reason.get("item") for reason in reasons}
    found = []
    for item in declaration.get("items") or []:
        if item.get("number") not in concerned:
            continue
        of_item = [reason for reason in reasons if reason.get("item") == item.get("number")]
        names = list(dict.fromkeys(name for reason in of_item for name in reason.get("substances") or []))
        plot = _plot(item, day, names, reference)
        if plot is not None:
            found.append(plot)
    return found[:_PLOTS]


def _day(text: Any) -> date | None:
    return date.fromisoformat(str(text)[:10]) if text else None


def per_kg(item: JsonObject, day: date, reference: Reference) -> float | None:
    """Return USD per kg net, None where value, mass or rate is unknown."""
    money, mass = item.get("value"), item.get("net_mass_kg")
    if not money or not mass:
        return None
    rate = reference.usd_rate(money["currency"], day)
    return None if rate is None or not money["amount"] else float(money["amount"] * rate / mass)


def _bands(names: Sequence[str], reference: Reference) -> dict[str, list[PriceBand]]:
    """Return the bands of the first substances that have any; a control's own name (“gallium metal”) leads to none."""
    found: dict[str, list[PriceBand]] = {}
    for name in names:
        bands = [band for band in reference.prices if band.substance == name]
        if bands and len(found) < _TOLD:
            found[name] = bands
    return found


def _plot(item: JsonObject, day: date, names: Sequence[str], reference: Reference) -> PricePlot | None:
    price = per_kg(item, day, reference)
    bands = _bands(names, reference)
    heading = reference.heading_band(item.get("commodity_code"))
    if price is None or not (bands or heading):
        return None
    first, last = day - timedelta(days=365 * _YEARS), day + timedelta(days=120)
    drawn = next(iter(bands.values()), [])
    lows = [band.low for band in drawn] + ([heading.low] if heading else [])
    highs = [band.high for band in drawn] + ([heading.high] if heading else [])
    bottom = math.floor(math.log10(min([price, *lows]) * 0.9))
    top = math.ceil(math.log10(max([price, *highs]) * 1.1))

    def x(at: date) -> float:
        inside = min(max(at, first), last)
        return round(_LEFT + (inside - first) / (last - first) * (WIDTH - _LEFT - _RIGHT), 1)

    def y(usd: float) -> float:
        return round(_TOP + (top - math.log10(usd)) / (top - bottom) * (HEIGHT - _TOP - _BOTTOM), 1)

    spans, rows, sources = [], [], []
    if heading:
        said = f"{heading.goods} (code {heading.prefix}): {written.number(heading.low)} to {written.number(heading.high)} USD/kg"
        spans.append(
            Span(
                _LEFT,
                y(heading.high),
                WIDTH - _LEFT - _RIGHT,
                round(y(heading.low) - y(heading.high), 1),
                "heading",
                said,
            )
        )
        rows.append((f"{heading.goods} (code {heading.prefix})", _span(heading.low, heading.high), "any day"))
        sources.append(f"{heading.goods}: {heading.source} ({heading.status})")
    for name, listed in bands.items():
        for band in listed:
            if listed is drawn and (band.until or last) >= first and band.since <= last:
                width = round(x((band.until or last) + timedelta(days=1)) - x(band.since), 1)
                told = f"{name}, {band.since:%Y-%m} to {_until(band)}: {_span(band.low, band.high)} USD/kg"
                look = "dated extrapolated" if band.extrapolated else "dated"
                height = round(y(band.low) - y(band.high), 1)
                spans.append(Span(x(band.since), y(band.high), max(width, 1.0), height, look, told))
            if band.holds_on(day):
                rows.append(
                    (f"{name} ({band.form})", _span(band.low, band.high), f"{band.since:%Y-%m} to {_until(band)}")
                )
                sources.append(f"{name}: {band.basis}. {band.source} ({band.status})")
    return PricePlot(
        item=int(item["number"]),
        per_kg=price,
        day=day,
        substances=tuple(bands),
        spans=tuple(spans),
        x_ticks=tuple(Tick(x(date(year, 1, 1)), str(year)) for year in range(first.year + 1, last.year + 1)),
        y_ticks=tuple(Tick(y(10.0**power), _power(power)) for power in range(bottom, top + 1)),
        x=x(day),
        y=y(price),
        rows=tuple(rows),
        sources=tuple(sources),
    )


def _span(low: float, high: float) -> str:
    return f"{written.number(low)} to {written.number(high)}"


def _power(power: int) -> str:
    return written.number(10.0**power) if power >= 0 else f"{10.0**power:g}"


def _until(band: PriceBand) -> str:
    return f"{band.until:%Y-%m}" if band.until else "now"
