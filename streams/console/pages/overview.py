"""The numbers of the queue, the rules, the feeds; suppressions in force; people; the audit trail."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, timedelta
from typing import Annotated, Final

from fastapi import APIRouter, Depends, Query, Request
from fastapi.responses import HTMLResponse

from streams.console.access import Person, Role, require
from streams.console.app import Console, the_console
from streams.console.pages import _render as render
from streams.console.store.model import DayCount

router = APIRouter(include_in_schema=False)

TheConsole = Annotated[Console, Depends(the_console)]

_WIDTH: Final = 720
_BASE: Final = 150
_TALL: Final = 132
_STACKED: Final = ("low", "medium", "high", "critical")
_TRAIL: Final = 100


@dataclass(frozen=True, slots=True)
class Piece:
    """A part of a day's column: the alerts of one severity."""

    severity: str
    x: float
    y: float
    width: float
    height: float
    said: str


@dataclass(frozen=True, slots=True)
class Columns:
    """Alerts by day, stacked by severity."""

    pieces: tuple[Piece, ...]
    x_ticks: tuple[tuple[float, str], ...]
    y_ticks: tuple[tuple[float, str], ...]
    total: int
    width: int = _WIDTH
    base: int = _BASE


def columns(counted: Sequence[DayCount], until: date, days: int) -> Columns:
    """Return the columns of the days up to ``until``; days without alerts leave a gap."""
    by_day = {each.day: each for each in counted}
    span = [until - timedelta(days=days - 1 - n) for n in range(days)]
    totals = [sum(getattr(by_day[d.isoformat()], s) for s in _STACKED) if d.isoformat() in by_day else 0 for d in span]
    most = max(totals, default=0) or 1
    most += most % 2 if most > 1 else 0  # the middle of the axis is a whole number too
    step = (_WIDTH - 44) / days
    pieces = []
    for place, day in enumerate(span):
        found = by_day.get(day.isoformat())
        bottom = float(_BASE)
        for severity in _STACKED if found else ():
            count = getattr(found, severity)
            if not count:
                continue
            tall = _TALL * count / most
            bottom -= tall
            x, width = round(40 + place * step + step * 0.1, 1), round(step * 0.8, 1)
            pieces.append(Piece(severity, x, round(bottom, 1), width, round(tall, 1), f"{day}: {count} {severity}"))
    every = max(1, days // 4)
    ticks = tuple((round(40 + (n + 0.5) * step, 1), f"{span[n]:%d %b}") for n in range(days - 1, -1, -every))
    heights = tuple(
        (round(_BASE - _TALL * share, 1), f"{most * share:,.0f}") for share in ((0, 0.5, 1) if most > 1 else (0, 1))
    )
    return Columns(tuple(pieces), ticks, heights, sum(totals))


@router.get("/overview", response_class=HTMLResponse)
def overview(
    request: Request,
    person: Annotated[Person, Depends(require(Role.viewer))],
    console: TheConsole,
    days: Annotated[int, Query(ge=1, le=365)] = 30,
) -> HTMLResponse:
    """The overview of so many days."""
    numbers = console.store.overview(days)
    return render.page(
        request,
        "overview.html.j2",
        person,
        numbers=numbers,
        columns=columns(numbers.by_day, numbers.at.astimezone(UTC).date(), days),
        health=console.health(),
        rules=sorted(numbers.rules, key=lambda rule: not rule.needs_tuning),
        drafts=console.store.drafts.all(),
        days=days,
    )


@router.get("/suppressions", response_class=HTMLResponse)
def suppressions(
    request: Request,
    person: Annotated[Person, Depends(require(Role.viewer))],
    console: TheConsole,
    ended: bool = False,
) -> HTMLResponse:
    """What is kept out of the queue, until when and why."""
    found = console.store.suppressions.all(ended, person)
    return render.page(request, "suppressions.html.j2", person, suppressions=found, ended=ended)


@router.get("/people", response_class=HTMLResponse)
def people(
    request: Request, person: Annotated[Person, Depends(require(Role.admin))], console: TheConsole
) -> HTMLResponse:
    """Who may log in."""
    store = console.store
    return render.page(request, "people.html.j2", person, users=store.people.all(), sessions=store.sessions.by_person())


@router.get("/audit", response_class=HTMLResponse)
def audit(
    request: Request,
    person: Annotated[Person, Depends(require(Role.supervisor))],
    console: TheConsole,
    subject: str = "",
    who: str = "",
    act: str = "",
    before: int | None = None,
) -> HTMLResponse:
    """Who did what, newest first."""
    found = console.store.audit.entries(
        subject=subject or None, person=who or None, act=act or None, before=before, limit=_TRAIL
    )
    return render.page(
        request, "audit.html.j2", person, entries=found, subject=subject, who=who, act=act, more=len(found) == _TRAIL
    )
