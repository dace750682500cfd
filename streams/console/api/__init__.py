"""Acts, questions and exports over HTTP, and the stream of events."""

from __future__ import annotations

from fastapi import APIRouter


def routers() -> list[APIRouter]:
    """Return the routers of this side."""
    from streams.console.access import login, oidc
    from streams.console.api import acts, events, exports, health, people, questions, rules

    modules = (login, oidc, acts, rules, questions, exports, people, events, health)
    return [module.router for module in modules]
