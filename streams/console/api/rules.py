"""Saved views, suppressions, draft exclusions."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Depends, HTTPException, Request, Response
from pydantic import AwareDatetime, Field

from streams.console.access import Person, Role, require
from streams.console.api.said import Fields, answered, as_json, read, said
from streams.console.app import Console, the_console
from streams.console.store import QueueQuery
from streams.console.store.scope import PARTS

router = APIRouter(prefix="/api", tags=["rules"])

TheConsole = Annotated[Console, Depends(the_console)]
Viewer = Annotated[Person, Depends(require(Role.viewer))]
Analyst = Annotated[Person, Depends(require(Role.analyst))]
Supervisor = Annotated[Person, Depends(require(Role.supervisor))]
Body = Annotated[dict[str, Any], Depends(said)]


class _View(Fields):
    name: str
    shared: bool = False
    query: dict[str, Any] | None = None


class _Scope(Fields):
    rule: str | None = None
    code: str | None = None
    party: str | None = None
    lane: str | None = None
    group_key: str | None = None

    def parts(self) -> dict[str, str | None]:
        """Return the scope by its parts."""
        return {part: getattr(self, part) for part in PARTS}


class _Suppression(_Scope):
    reason: str
    expires_at: AwareDatetime | None = None
    days: Annotated[float, Field(gt=0, le=400)] | None = None
    effect: Literal["hide", "mark"] = "hide"


class _Draft(Fields):
    rule: str


class _Closed(Fields):
    state: Literal["taken", "dropped"]


@router.get("/views")
def views(console: TheConsole, person: Viewer) -> Response:
    """List one's own views and those shared."""
    return as_json(console.store.views.all(person))


@router.post("/views")
def save_view(request: Request, console: TheConsole, person: Analyst, body: Body) -> Response:
    """Save a view: the query in the address, or as ``query`` in JSON."""
    wanted = read(_View, body)
    asked = QueueQuery.of(wanted.query if wanted.query is not None else request.query_params)
    return answered(request, body, console.store.views.save(person, wanted.name, asked, wanted.shared))


@router.delete("/views/{view_id}")
@router.post("/views/{view_id}/delete")
def delete_view(request: Request, view_id: int, console: TheConsole, person: Analyst, body: Body) -> Response:
    """Delete a view."""
    if not console.store.views.delete(person, view_id):
        raise HTTPException(404, "there is no such view of yours")
    return answered(request, body, {"deleted": view_id})


@router.get("/suppressions")
def suppressions(console: TheConsole, person: Viewer, ended: bool = False) -> Response:
    """List suppressions."""
    return as_json(console.store.suppressions.all(ended, person))


@router.post("/suppressions")
def suppress(request: Request, console: TheConsole, person: Analyst, body: Body) -> Response:
    """Begin a suppression, until ``expires_at`` or for so many ``days``."""
    wanted = read(_Suppression, body)
    if wanted.expires_at is None and wanted.days is None:
        raise HTTPException(422, "expires_at, or days: every suppression ends")
    until = wanted.expires_at.astimezone(UTC) if wanted.expires_at else None
    until = until or datetime.now(UTC) + timedelta(days=wanted.days or 0)
    made = console.store.suppressions.add(person, wanted.reason, until, effect=wanted.effect, **wanted.parts())
    return answered(request, body, made)


@router.post("/suppressions/preview")
def preview(request: Request, console: TheConsole, person: Analyst, body: Body) -> Response:
    """Count what a suppression would match."""
    return as_json({"matches": console.store.suppressions.preview(**read(_Scope, body).parts())})


@router.post("/suppressions/{suppression_id}/end")
def end(request: Request, suppression_id: int, console: TheConsole, person: Analyst, body: Body) -> Response:
    """End a suppression before its time."""
    if not console.store.suppressions.end(person, suppression_id):
        raise HTTPException(404, "there is no such suppression in force")
    return answered(request, body, {"ended": suppression_id})


@router.get("/drafts")
def drafts(console: TheConsole, person: Viewer) -> Response:
    """List draft exclusions."""
    return as_json(console.store.drafts.all())


@router.post("/drafts")
def open_draft(request: Request, console: TheConsole, person: Supervisor, body: Body) -> Response:
    """Open a draft for a rule."""
    return answered(request, body, console.store.drafts.open(person, read(_Draft, body).rule))


@router.post("/drafts/{draft_id}/close")
def close_draft(request: Request, draft_id: int, console: TheConsole, person: Supervisor, body: Body) -> Response:
    """Say what became of a draft."""
    if not console.store.drafts.close(person, draft_id, read(_Closed, body).state):
        raise HTTPException(404, "there is no such open draft")
    return answered(request, body, {"closed": draft_id})
