"""Log in, log out, one-time links."""

from __future__ import annotations

from typing import Annotated
from urllib.parse import quote

import structlog
from fastapi import APIRouter, Depends, HTTPException, Request
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import RedirectResponse, Response

from streams.console.access import passwords
from streams.console.access.gate import address, inside
from streams.console.access.person import Person, Role
from streams.console.access.requests import anybody, gate_of, require

log = structlog.stdlib.get_logger(__name__)
router = APIRouter()


@router.post("/login")
async def login(request: Request, _: Annotated[Person | None, Depends(anybody)]) -> Response:
    """Log in by name and password: 303 to ``next``, or back to ``/login?failed=1``."""
    form = await request.form()
    name, password, following = (str(form.get(field) or "") for field in ("name", "password", "next"))
    return await run_in_threadpool(_login, request, name.strip().lower(), password, following)


def _login(request: Request, name: str, password: str, following: str) -> Response:
    gate = gate_of(request)
    store, where = gate.store, address(request) or "unknown"
    name = name[:64]
    wait = max(gate.logins_of_name.take(name), gate.logins_of_address.take(where))
    if wait:
        raise HTTPException(429, "too many attempts to log in; wait a moment", {"Retry-After": str(wait)})
    kept = store.people.hash_of(name)
    user = store.people.find(name) if passwords.fits(password, kept) else None
    if user is None or kept is None:
        # The name as typed may be a password typed into the wrong field: it stands in no log.
        log.warning("log-in failed", address=where, known=kept is not None)
        if kept is not None:
            store.audit.record(Person(name, name, Role.viewer, address=where), "login.failed", name)
        back = f"&next={quote(inside(following), safe='')}" if following else ""
        return RedirectResponse(f"/login?failed=1{back}", 303)
    if passwords.outdated(kept):
        store.people.rehash(name, passwords.hashed(password))
    gate.logins_of_name.give_back(name)
    gate.logins_of_address.give_back(where)
    response = RedirectResponse(inside(following), 303)
    gate.let_in(request, response, user, "password")
    return response


@router.post("/logout")
def logout(request: Request, person: Annotated[Person, Depends(require(Role.viewer))]) -> Response:
    """Log out."""
    response = RedirectResponse("/login", 303)
    gate_of(request).let_out(request, response, person)
    return response


@router.get("/setup/{token}")
def setup(request: Request, token: str, _: Annotated[Person | None, Depends(anybody)]) -> Response:
    """Log in by a one-time link, made on the command line."""
    gate = gate_of(request)
    wait = gate.logins_of_address.take(address(request) or "unknown")
    if wait:
        raise HTTPException(429, "too many attempts to log in; wait a moment", {"Retry-After": str(wait)})
    name = gate.store.links.use(token[:200])
    user = gate.store.people.find(name) if name else None
    if user is None or not user.active:
        return RedirectResponse("/login?failed=link", 303)
    response = RedirectResponse("/", 303)
    gate.let_in(request, response, user, "link")
    return response
