"""The queue, alerts, numbers and the trail as JSON."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, HTTPException, Query, Request, Response

from streams.console.access import Person, Role, require
from streams.console.api.said import as_json
from streams.console.app import Console, the_console
from streams.console.store import QueueQuery

router = APIRouter(prefix="/api", tags=["questions"])

TheConsole = Annotated[Console, Depends(the_console)]
Viewer = Annotated[Person, Depends(require(Role.viewer))]


@router.get("/queue")
def queue(request: Request, console: TheConsole, person: Viewer) -> Response:
    """Return a page of the queue."""
    return as_json(console.store.queue.page(QueueQuery.of(request.query_params), person))


@router.get("/queue/groups")
def groups(request: Request, console: TheConsole, person: Viewer) -> Response:
    """Return the groups of the queue."""
    return as_json(console.store.queue.groups(QueueQuery.of(request.query_params), person))


@router.get("/queue/counts")
def counts(request: Request, console: TheConsole, person: Viewer) -> Response:
    """Return how many match, by field."""
    return as_json(console.store.queue.counts(QueueQuery.of(request.query_params), person))


@router.get("/alerts/{alert_id}")
def alert(
    alert_id: str, console: TheConsole, person: Viewer, revision: Annotated[int | None, Query(ge=1)] = None
) -> Response:
    """Return one alert as it may be seen."""
    found = console.store.alerts.read(alert_id, person, revision)
    if found is None:
        raise HTTPException(404, "there is no such alert, or no such revision of it")
    return as_json(found)


@router.get("/overview")
def overview(console: TheConsole, person: Viewer, days: Annotated[int, Query(ge=1, le=400)] = 30) -> Response:
    """Return the numbers of the overview."""
    return as_json(console.store.overview(days))


@router.get("/feeds")
def feeds(console: TheConsole, person: Viewer) -> Response:
    """Return how the feeds are."""
    return as_json(console.health())


@router.get("/audit")
def audit(
    console: TheConsole,
    person: Annotated[Person, Depends(require(Role.supervisor))],
    subject: str | None = None,
    who: str | None = None,
    act: str | None = None,
    before: Annotated[int | None, Query(ge=1)] = None,
    limit: Annotated[int, Query(ge=1, le=1000)] = 100,
) -> Response:
    """Return the audit trail, newest first."""
    found = console.store.audit.entries(subject=subject, person=who, act=act, before=before, limit=limit)
    return as_json(found)
