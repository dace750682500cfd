"""Charts as inline SVG whose colours are CSS variables of the page, so that they follow light, dark and print."""

from __future__ import annotations

import io
import re
from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, cast

from schemas.types import SEVERITIES, Severity
from streams.report.tally import Split, Tally
from streams.report.wording import day, month

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

#: Matplotlib wants colours, the page wants variables: each is drawn in a colour of its own and replaced afterwards.
_COLOURS: dict[str, str] = {
    "#010101": "var(--ink)",
    "#020202": "var(--muted)",
    "#030303": "var(--rule)",
    "#040401": "var(--low)",
    "#040402": "var(--medium)",
    "#040403": "var(--high)",
    "#040404": "var(--critical)",
}
_INK, _MUTED, _RULE = "#010101", "#020202", "#030303"
_SEVERITY: dict[Severity, str] = {"low": "#040401", "medium": "#040402", "high": "#040403", "critical": "#040404"}
_STYLE: dict[str, Any] = {
    "svg.fonttype": "none",
    "font.family": "sans-serif",
    "font.size": 12,
    "text.color": _INK,
    "axes.edgecolor": _RULE,
    "axes.labelcolor": _MUTED,
    "xtick.color": _MUTED,
    "ytick.color": _INK,
    "axes.spines.top": False,
    "axes.spines.right": False,
}
_WIDTH = 7.4  # inches of 72 px: about the width of a column of the page, so that text keeps its size


@dataclass(frozen=True, slots=True)
class Chart:
    """A chart with its title, what it says in a sentence, and its numbers for those who do not see it."""

    title: str
    said: str
    svg: str
    head: Sequence[str]
    rows: Sequence[Sequence[str | int]]
    remark: str = ""


def figures(counted: Tally) -> list[Chart]:
    """Draw the four charts of the page; none where there is nothing to count."""
    if not any(counted.by_severity.values()):
        return []
    by_severity: dict[str, Split] = {s: {s: counted.by_severity[s]} for s in reversed(SEVERITIES)}
    written = {"day": day, "week": day, "month": month}[counted.step]
    by_time = {written(start): split for start, split in counted.by_time.items()}
    lanes, alerts = counted.other_lanes
    return [
        _chart("Alerts by severity", "Severity", by_severity, _bars(by_severity, "severity")),
        _chart(f"Alerts by {counted.step}", counted.step.title(), by_time, _columns(by_time, counted.step)),
        _chart(
            "Alerts by lane",
            "Lane",
            counted.by_lane,
            _bars(counted.by_lane, "lane"),
            f"{lanes:,} further lanes carry {alerts:,} alerts." if lanes else "Export country → destination.",
        ),
        _chart(
            "Alerts by code",
            "Code",
            counted.by_code,
            _bars(counted.by_code, "code"),
            "An alert counts under each of its codes.",
        ),
    ]


def _chart(title: str, first: str, counts: Mapping[str, Split], svg: str, remark: str = "") -> Chart:
    largest = max(counts, key=lambda name: sum(counts[name].values()))
    said = f"{title}: most, {sum(counts[largest].values()):,}, under {largest}."
    order = tuple(reversed(SEVERITIES))
    rows: list[tuple[str | int, ...]] = [
        (name, sum(split.values()), *(split.get(severity, 0) for severity in order)) for name, split in counts.items()
    ]
    return Chart(title, said, svg, (first, "all", *order), rows, remark)


def _bars(counts: Mapping[str, Split], name: str) -> str:
    """Draw horizontal bars, the largest on top, stacked by severity, each with its number."""
    names = list(counts)
    figure, axes = _figure(0.2 + 0.32 * len(names), name)
    lefts = [0.0] * len(names)
    for severity in reversed(SEVERITIES):
        widths = [float(counts[n].get(severity, 0)) for n in names]
        axes.barh(names, widths, left=lefts, color=_SEVERITY[severity], height=0.68)
        lefts = [left + width for left, width in zip(lefts, widths, strict=True)]
    room = max(lefts) or 1.0
    for row, total in enumerate(lefts):
        axes.text(total + room * 0.012, row, f"{total:,.0f}", va="center", ha="left", color=_MUTED)
    axes.set_xlim(0, room * 1.1)
    axes.margins(y=0.01)
    axes.invert_yaxis()
    axes.xaxis.set_visible(False)
    axes.spines["bottom"].set_visible(False)
    axes.tick_params(axis="y", length=0)
    return _svg(figure, name)


def _columns(counts: Mapping[str, Split], name: str) -> str:
    """Draw a column for each day, week or month, stacked by severity."""
    from matplotlib.ticker import MaxNLocator

    figure, axes = _figure(2.7, name)
    places = range(len(counts))
    bottoms = [0.0] * len(counts)
    for severity in reversed(SEVERITIES):
        heights = [float(split.get(severity, 0)) for split in counts.values()]
        axes.bar(places, heights, bottom=bottoms, color=_SEVERITY[severity], width=0.8)
        bottoms = [bottom + height for bottom, height in zip(bottoms, heights, strict=True)]
    every = max(1, -(-len(counts) // 5))
    axes.set_xticks(list(places)[::every], list(counts)[::every])
    axes.set_xlim(-0.6, max(len(counts), 6) - 0.4)
    axes.yaxis.set_major_locator(MaxNLocator(nbins=4, integer=True))
    axes.tick_params(axis="y", colors=_MUTED, length=0)
    axes.spines["left"].set_visible(False)
    axes.grid(axis="y", color=_RULE, linewidth=0.8)
    axes.set_axisbelow(True)
    return _svg(figure, name)


def _figure(height: float, name: str) -> tuple[Figure, Axes]:
    from matplotlib.figure import Figure

    with _style(name):
        figure = Figure(figsize=(_WIDTH, height), layout="constrained")
        return figure, figure.subplots()


def _style(name: str) -> AbstractContextManager[None]:
    from matplotlib import rc_context

    # The parameters are typed by name, one literal for each; a table of our own is not.
    return rc_context(cast(Any, _STYLE | {"svg.hashsalt": name}))


def _svg(figure: Figure, name: str) -> str:
    """Return the figure as an ``<svg>`` element: ids unlike those of the other charts, no fixed size, no date."""
    written = io.StringIO()
    with _style(name):
        figure.savefig(written, format="svg", transparent=True, metadata={"Date": None, "Creator": None})
    svg = written.getvalue()
    svg = svg[svg.index("<svg") :]
    svg = re.sub(r"<metadata>.*?</metadata>", "", svg, flags=re.DOTALL)
    svg = re.sub(r'(<svg[^>]*?) width="[^"]*"', r"\1", svg, count=1)
    svg = re.sub(r'(<svg[^>]*?) height="[^"]*"', r"\1", svg, count=1)
    svg = re.sub(r'\bid="', f'id="{name}-', svg)
    svg = re.sub(r'(url\(#|href="#)', rf"\1{name}-", svg)
    for drawn, variable in _COLOURS.items():
        svg = svg.replace(drawn, variable)
    return svg
