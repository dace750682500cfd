"""Who may do what.

Pages use ``person: Person = Depends(require(Role.viewer))`` on every route; `csrf_token` gives the hidden field of forms, that of
log-in included. Every unsafe method is checked for the token before a route runs (field ``csrf_token``, header ``X-CSRF-Token``).

Who is not logged in and asks for a page is sent to ``/login?next=...``; a script gets 401, and htmx the header ``HX-Redirect``.
Routes that exist without log-in say so with ``Depends(anybody)``; a test walks all routes and knows no other way.
"""

from __future__ import annotations

from streams.console.access.person import Person, Role
from streams.console.access.requests import anybody, csrf_token, require

__all__ = ["Person", "Role", "anybody", "csrf_token", "require"]
