"""The application: access, acts, events and pages around one store."""

from __future__ import annotations

from dataclasses import dataclass

from fastapi import FastAPI, Request

from streams.console.store import FeedHealth, Store


@dataclass
class Console:
    """All that routes share; ``console = Depends(the_console)`` in a route."""

    store: Store

    def health(self) -> FeedHealth:
        """Return how the feeds are; kept for some seconds."""
        raise NotImplementedError


def the_console(request: Request) -> Console:
    """Give a route the console (a dependency)."""
    found: Console = request.app.state.console
    return found


def create_app(console: Console) -> FastAPI:
    """Return the application.

    Routes of this side (all JSON unless said; forms may post to them too, and are then sent back (303) to the field ``next``):

    ============================================  =========================================================================
    ``POST /login``                               fields ``name``, ``password``, ``next``; 303 to next, or to ``/login?failed=1``
    ``GET /login/oidc``, ``GET /login/oidc/back``  log-in by OpenID Connect, where set (``console.oidc`` is then true)
    ``POST /logout``                              303 to ``/login``
    ``GET /setup/{token}``                        one-time link: logs in its person, 303 to ``/``
    ``POST /api/alerts/decide``                   ids, verdict, confirmed_codes, found, revenue_recovered, note
    ``POST /api/alerts/take|release``             ids
    ``POST /api/alerts/hand-over``                ids, to, note
    ``GET /api/queue``, ``/api/queue/counts``     parameters of `QueueQuery`
    ``GET /api/alerts/{alert_id}``                the alert as it may be seen
    ``GET /api/export.csv``, ``/api/export.json``  parameters of `QueueQuery`, or ``ids``
    ``GET|POST /api/views``, ``DELETE ../{id}``   saved views; form: ``POST /api/views/{id}/delete``
    ``GET|POST /api/suppressions``                and ``POST /api/suppressions/preview``, ``POST /api/suppressions/{id}/end``
    ``GET|POST /api/drafts``                      and ``POST /api/drafts/{id}/close``
    ``GET /api/overview``, ``/api/feeds``         numbers, health of the feeds
    ``GET /api/audit``                            the trail (supervisor)
    ``GET /events``                               server-sent events, see `streams.console.events`
    ``GET /health``, ``/health/live``             for monitoring, without log-in
    ============================================  =========================================================================

    Pages: every ``APIRouter`` that ``streams.console.pages.routers()`` returns is included, among them ``GET /login`` (`anybody`).
    ``streams.console.pages.error(request, status, sentence)``, if there is one, makes the page of an error. Policy for all answers:
    ``default-src 'self'``, no inline script, no inline style, images also ``data:``; static files under ``/static/`` need no log-in.
    """
    raise NotImplementedError
