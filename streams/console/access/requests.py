"""What routes ask of access."""

from __future__ import annotations

from collections.abc import Callable

from fastapi import Request

from streams.console.access.person import Person, Role


def require(role: Role) -> Callable[[Request], Person]:
    """Return a dependency that gives the person of a request who has at least this role; 401 or 403 otherwise."""
    raise NotImplementedError


def anybody(request: Request) -> Person | None:
    """Mark a route that needs no log-in (a dependency); gives the person if there is one."""
    raise NotImplementedError


def csrf_token(request: Request) -> str:
    """Return the token that forms of this browser must carry, logged in or not."""
    raise NotImplementedError
