"""What analysts see: pages from templates, with own style and a little own JavaScript.

::

    queue.py      the queue: filters, groups, pages, rows for live updates
    alert.py      one alert with all that bears on it
    overview.py   numbers, rules, feeds; suppressions; the audit trail
    entrance.py   log-in, static files, errors

Every page works without JavaScript and without what npm brings; both make it quicker. What people do goes to ``/api/...`` as
forms.
"""

from __future__ import annotations

from fastapi import APIRouter

from streams.console.pages.entrance import error

__all__ = ["error", "routers"]


def routers() -> list[APIRouter]:
    """Return the routers of all pages."""
    from streams.console.pages.alert import router as alert
    from streams.console.pages.entrance import router as entrance
    from streams.console.pages.overview import router as overview
    from streams.console.pages.queue import router as queue

    return [queue, alert, overview, entrance]
