"""What is done with alerts: decide, take, release, hand over."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Request, Response
from pydantic import Field

from streams.console.access import Person, Role, require
from streams.console.api.said import Fields, Which, answered, read, said
from streams.console.app import Console, the_console

router = APIRouter(prefix="/api/alerts", tags=["acts"])

TheConsole = Annotated[Console, Depends(the_console)]
Analyst = Annotated[Person, Depends(require(Role.analyst))]
Body = Annotated[dict[str, Any], Depends(said)]


class _Found(Fields):
    substance: str | None = None
    commodity_code: str | None = None
    net_mass_kg: float | None = None


class _Money(Fields):
    amount: float
    currency: str


class _Decision(Which):
    verdict: str
    confirmed_codes: list[str] = Field(default_factory=list, max_length=50)
    found: _Found | None = None
    revenue_recovered: _Money | None = None
    note: str | None = None


class _HandOver(Which):
    to: str
    note: str | None = None


@router.post("/decide")
def decide(request: Request, console: TheConsole, person: Analyst, body: Body) -> Response:
    """Decide on alerts; they stand in the outbox when this answers."""
    wanted = read(_Decision, body)
    found = wanted.found.model_dump(exclude_none=True) if wanted.found else None
    done = console.store.decisions.decide(
        wanted.chosen(console, person),
        person,
        wanted.verdict,
        wanted.confirmed_codes,
        found,
        wanted.revenue_recovered.model_dump() if wanted.revenue_recovered else None,
        wanted.note,
    )
    console.wake()
    return answered(request, body, {"decided": len(done), "decisions": done})


@router.post("/take")
def take(request: Request, console: TheConsole, person: Analyst, body: Body) -> Response:
    """Own alerts."""
    wanted = read(Which, body)
    return answered(request, body, {"changed": console.store.work.take(wanted.chosen(console, person), person)})


@router.post("/release")
def release(request: Request, console: TheConsole, person: Analyst, body: Body) -> Response:
    """Leave alerts to others."""
    wanted = read(Which, body)
    return answered(request, body, {"changed": console.store.work.release(wanted.chosen(console, person), person)})


@router.post("/hand-over")
def hand_over(request: Request, console: TheConsole, person: Analyst, body: Body) -> Response:
    """Give alerts to a colleague."""
    wanted = read(_HandOver, body)
    ids = wanted.chosen(console, person)
    changed = console.store.work.hand_over(ids, person, wanted.to.strip().lower(), wanted.note)
    return answered(request, body, {"changed": changed})
