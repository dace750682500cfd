"""The live view: rates, backlog, latency and the newest alerts; plain lines where there is no terminal."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager, ExitStack
from dataclasses import dataclass, field
from typing import Any

from rich.console import Console, Group
from rich.live import Live
from rich.table import Table
from rich.text import Text

from streams.demo.watch import Latency

COLOURS = {"critical": "bold red", "high": "dark_orange", "medium": "yellow", "low": "cyan"}
#: Seconds between two plain lines, and over which rates are taken.
LINE_SECONDS = 5.0
_RATE_SECONDS = 5.0


@dataclass(frozen=True, slots=True)
class Now:
    """The state of a demo at a moment."""

    elapsed: float
    limit: float | None
    phase: str
    produced: int
    judged: int
    dead_letters: int
    alerts: Mapping[str, int]
    latency: Latency | None
    newest: Sequence[Mapping[str, Any]]

    @property
    def backlog(self) -> int:
        """Records produced that have come to no end yet."""
        return max(0, self.produced - self.judged - self.dead_letters)


@dataclass
class _Rate:
    """A rate over the last few seconds."""

    points: deque[tuple[float, int]] = field(default_factory=deque)

    def at(self, when: float, count: int) -> float:
        self.points.append((when, count))
        while len(self.points) > 2 and when - self.points[0][0] > _RATE_SECONDS:
            self.points.popleft()
        (begun, first), (ended, last) = self.points[0], self.points[-1]
        return (last - first) / (ended - begun) if ended > begun else 0.0


class View(AbstractContextManager["View"]):
    """Shows the state on a console: live at a terminal, else a line every few seconds."""

    def __init__(self, console: Console, title: str) -> None:
        self._console = console
        self._title = title
        self._produced = _Rate()
        self._judged = _Rate()
        self._stack = ExitStack()
        self._live: Live | None = None
        self._last_line = 0.0

    def __enter__(self) -> View:
        if self._console.is_terminal:
            self._live = self._stack.enter_context(
                Live(console=self._console, refresh_per_second=4, transient=True, redirect_stderr=False)
            )
        else:
            self._console.print(self._title, soft_wrap=True)
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    def show(self, now: Now) -> None:
        """Show a state."""
        when = time.monotonic()
        produced, judged = self._produced.at(when, now.produced), self._judged.at(when, now.judged)
        if self._live is not None:
            self._live.update(self._page(now, produced, judged))
        elif when - self._last_line >= LINE_SECONDS:
            self._last_line = when
            self._console.print(_line(now, produced, judged), soft_wrap=True)

    def _page(self, now: Now, produced: float, judged: float) -> Group:
        end = f" of {now.limit:.0f} s" if now.limit else " (Ctrl-C ends the feed)"
        head = Text.assemble(
            ("Assay demo", "bold"), f"  {self._title}  ", (f"{now.elapsed:.0f} s{end}  {now.phase}", "dim")
        )
        numbers = Table.grid(padding=(0, 3))
        numbers.add_row("produced", f"{now.produced:,}", f"{produced:,.0f} a second")
        numbers.add_row("judged", f"{now.judged:,}", f"{judged:,.0f} a second")
        numbers.add_row("backlog", f"{now.backlog:,}", "")
        numbers.add_row("dead letters", f"{now.dead_letters:,}", "")
        alerts = Text("  ").join(Text(f"{count:,} {s}", COLOURS[s]) for s, count in now.alerts.items())
        late = now.latency
        speed = f"p50 {late.p50:,.0f}  p95 {late.p95:,.0f}  p99 {late.p99:,.0f} ms" if late else "–"
        facts = Table.grid(padding=(0, 3))
        facts.add_row("alerts", alerts)
        facts.add_row("lodgement to alert", speed)
        both = Table.grid(padding=(0, 6))
        both.add_row(numbers, facts)
        return Group(head, Text(), both, Text(), _newest(now.newest))


def _newest(alerts: Sequence[Mapping[str, Any]]) -> Table:
    shown = Table(title="Newest alerts", title_justify="left", header_style="bold", expand=True)
    shown.add_column("risk", justify="right", width=4)
    shown.add_column("severity", width=9)
    shown.add_column("lane", width=7)
    shown.add_column("alert", ratio=3, no_wrap=True)
    shown.add_column("codes", ratio=2, no_wrap=True)
    for alert in alerts:
        withdrawn = alert["status"] == "withdrawn"
        declaration = alert["declaration"]
        ends = (declaration.get(key) or "?" for key in ("country_of_export", "country_of_destination"))
        shown.add_row(
            str(alert["risk_score"]),
            Text("withdrawn", "dim") if withdrawn else Text(alert["severity"], COLOURS[alert["severity"]]),
            "→".join(ends),
            Text(alert["title"]),
            Text(", ".join(dict.fromkeys(reason["code"] for reason in alert["reasons"])), "dim"),
        )
    return shown


def _line(now: Now, produced: float, judged: float) -> str:
    late = f", p99 {now.latency.p99:,.0f} ms" if now.latency else ""
    return (
        f"{now.elapsed:4.0f} s  {now.phase}: {now.produced:,} produced ({produced:,.0f}/s), {now.judged:,} judged "
        f"({judged:,.0f}/s), backlog {now.backlog:,}, {now.dead_letters:,} dead letters, "
        f"{sum(now.alerts.values()):,} alerts ({now.alerts['critical']:,} critical, {now.alerts['high']:,} high){late}"
    )
