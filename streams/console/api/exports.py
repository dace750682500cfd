"""Exports of a selection or of a query."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query, Request
from fastapi.responses import StreamingResponse

from streams.console.access import Person, Role, require
from streams.console.app import Console, the_console
from streams.console.store import QueueQuery, exports

router = APIRouter(prefix="/api", tags=["exports"])

TheConsole = Annotated[Console, Depends(the_console)]
Analyst = Annotated[Person, Depends(require(Role.analyst))]
Ids = Annotated[list[str], Query(max_length=10_000)]


@router.get("/export.csv")
def as_csv(request: Request, console: TheConsole, person: Analyst, ids: Ids = []) -> StreamingResponse:  # noqa: B006
    """Return alerts as CSV: those of ``ids``, or of the queue's parameters."""
    rows = console.store.export(person, QueueQuery.of(request.query_params), ids)
    return _file(exports.as_csv(rows), "text/csv; charset=utf-8", "csv")


@router.get("/export.json")
def as_json(request: Request, console: TheConsole, person: Analyst, ids: Ids = []) -> StreamingResponse:  # noqa: B006
    """Return alerts as a JSON array: those of ``ids``, or of the queue's parameters."""
    rows = console.store.export(person, QueueQuery.of(request.query_params), ids)
    return _file(exports.as_json(rows), "application/json", "json")


def _file(body: Any, kind: str, ending: str) -> StreamingResponse:
    named = f'attachment; filename="alerts.{ending}"'
    return StreamingResponse(body, media_type=kind, headers={"Content-Disposition": named})
