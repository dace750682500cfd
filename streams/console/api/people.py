"""Who may log in, for administrators. Users are made on the command line."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Depends, HTTPException, Request, Response

from streams.console.access import Person, Role, require
from streams.console.api.said import answered, as_json, said
from streams.console.app import Console, the_console

router = APIRouter(prefix="/api/users", tags=["people"])

TheConsole = Annotated[Console, Depends(the_console)]
Admin = Annotated[Person, Depends(require(Role.admin))]


@router.get("")
def users(console: TheConsole, person: Admin) -> Response:
    """List users and how many are logged in."""
    return as_json({"users": console.store.people.all(), "sessions": console.store.sessions.count()})


@router.post("/{name}/log-out")
def log_out(
    request: Request, name: str, console: TheConsole, person: Admin, body: Annotated[dict[str, Any], Depends(said)]
) -> Response:
    """End all sessions of a user."""
    if console.store.people.find(name) is None:
        raise HTTPException(404, "there is no such user")
    return answered(request, body, {"ended": console.store.sessions.end_all(name, person)})
