"""What routes ask of access."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from fastapi import HTTPException, Request
from fastapi.concurrency import run_in_threadpool

from streams.console.access.person import Person, Role

if TYPE_CHECKING:
    from streams.console.access.gate import Gate

SAFE = frozenset({"GET", "HEAD", "OPTIONS"})
#: Streams that live on by themselves are no sign of a person.
_LIVE = "/events"


def gate_of(request: Request) -> Gate:
    """Return the gate of the application."""
    gate: Gate = request.app.state.gate
    return gate


async def guard(request: Request) -> None:
    """Go before every route: who asks, how often, and with the token of a form if something is to change."""
    gate = gate_of(request)
    person = await run_in_threadpool(gate.person, request, request.url.path != _LIVE)
    request.state.person = person
    who = f"session {person.session}" if person else f"address {request.client.host if request.client else ''}"
    wait = gate.requests.take(who)
    if wait:
        raise HTTPException(429, "too many requests; wait a moment", {"Retry-After": str(wait)})
    if request.method not in SAFE:
        await _checked(request, gate, person)


async def _checked(request: Request, gate: Gate, person: Person | None) -> None:
    origin = request.headers.get("origin")
    if origin and origin != "null":
        own = {request.headers.get("host"), urlsplit(gate.chosen.url or "").netloc or None}
        if urlsplit(origin).netloc not in own:
            raise HTTPException(403, "this came from another site")
    elif request.headers.get("sec-fetch-site") in ("cross-site", "same-site"):
        raise HTTPException(403, "this came from another site")
    given: Any = request.headers.get("x-csrf-token")
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if given is None and kind in ("application/x-www-form-urlencoded", "multipart/form-data"):
        form = await request.form(max_files=0, max_fields=20_000)
        given = form.get("csrf_token")
    if not isinstance(given, str) or not gate.good_token(request, person, given):
        raise HTTPException(403, "the form is out of date; load the page again")


def require(role: Role) -> Callable[[Request], Person]:
    """Return a dependency that gives the person of a request who has at least this role; 401 or 403 otherwise."""

    def required(request: Request) -> Person:
        person: Person | None = request.state.person
        if person is None:
            raise HTTPException(401, "log in first")
        if not person.may(role):
            raise HTTPException(403, f"this needs the role {role.name}; you are {person.role.name}")
        return person

    return required


def anybody(request: Request) -> Person | None:
    """Mark a route that needs no log-in (a dependency); gives the person if there is one."""
    person: Person | None = request.state.person
    return person


def csrf_token(request: Request) -> str:
    """Return the token that forms of this browser must carry, logged in or not."""
    person: Person | None = getattr(request.state, "person", None)
    return person.csrf if person else gate_of(request).form_token(request)
