"""Who may log in, for administrators. Users are made, and given passwords, on the command line."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Depends, HTTPException, Request, Response

from streams.console.access import Person, Role, require
from streams.console.api.said import Fields, answered, as_json, read, said
from streams.console.app import Console, the_console

router = APIRouter(prefix="/api/users", tags=["people"])

TheConsole = Annotated[Console, Depends(the_console)]
Admin = Annotated[Person, Depends(require(Role.admin))]
Body = Annotated[dict[str, Any], Depends(said)]


class _Change(Fields):
    role: str | None = None
    active: bool | None = None


@router.get("")
def users(console: TheConsole, person: Admin) -> Response:
    """List users and how many are logged in."""
    return as_json({"users": console.store.people.all(), "sessions": console.store.sessions.count()})


@router.post("/{name}")
def change(request: Request, name: str, console: TheConsole, person: Admin, body: Body) -> Response:
    """Give a user another role, or let them in no more, or again; their sessions end."""
    wanted = read(_Change, body).model_dump(exclude_none=True)
    if wanted.get("role", "viewer") not in Role.__members__:
        raise HTTPException(422, f"role: one of {', '.join(Role.__members__)}")
    if not wanted:
        raise HTTPException(422, "role, or active")
    if name == person.name:
        raise HTTPException(409, "nobody changes their own account here: `assay console user` does")
    if not console.store.people.change(name, person, **wanted):
        raise HTTPException(404, "there is no such user")
    return answered(request, body, {"name": name, **wanted})


@router.post("/{name}/log-out")
def log_out(request: Request, name: str, console: TheConsole, person: Admin, body: Body) -> Response:
    """End all sessions of a user."""
    if console.store.people.find(name) is None:
        raise HTTPException(404, "there is no such user")
    return answered(request, body, {"ended": console.store.sessions.end_all(name, person)})
