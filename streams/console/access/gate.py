"""What the whole console knows of access: sessions, cookies, tokens of forms, rates."""

from __future__ import annotations

import hashlib
import hmac
import secrets
from datetime import timedelta
from urllib.parse import urlsplit

from fastapi import Request, Response

from streams.console.access.limits import Rates
from streams.console.access.person import Person
from streams.console.settings import ConsoleSettings
from streams.console.store.people import User
from streams.console.store.store import Store

_LOGINS_PER_MINUTE = 6.0
_LOGINS_AT_ONCE = 6.0
_LOGINS_OF_ADDRESS = 5  # times as many: a whole office may share an address


class Gate:
    """Who comes in, with what cookie, and how often."""

    def __init__(self, store: Store, chosen: ConsoleSettings) -> None:
        self.store = store
        self.chosen = chosen
        self.idle = timedelta(minutes=chosen.idle_minutes)
        self.lasts = timedelta(hours=chosen.session_hours)
        prefix = "__Host-" if chosen.secure else ""
        self.session_cookie = f"{prefix}assay_session"
        self.form_cookie = f"{prefix}assay_form"
        self._form_key = store.database.secret("forms").encode()
        self.requests = Rates(chosen.requests_per_minute, max(60.0, chosen.requests_per_minute / 4))
        self.logins_of_name = Rates(_LOGINS_PER_MINUTE, _LOGINS_AT_ONCE)
        self.logins_of_address = Rates(_LOGINS_PER_MINUTE * _LOGINS_OF_ADDRESS, _LOGINS_AT_ONCE * _LOGINS_OF_ADDRESS)

    def person(self, request: Request, touch: bool = True) -> Person | None:
        """Return who is logged in."""
        token = request.cookies.get(self.session_cookie)
        return self.store.sessions.find(token, self.idle, address(request), touch) if token else None

    def let_in(self, request: Request, response: Response, user: User, way: str) -> None:
        """Log somebody in: a new session in place of the one that this browser had."""
        before = request.cookies.get(self.session_cookie)
        token = self.store.sessions.begin(user, self.lasts, address(request), way, before)
        self._cookie(response, self.session_cookie, token, int(self.lasts.total_seconds()))
        response.delete_cookie(self.form_cookie, path="/", secure=self.chosen.secure, httponly=True, samesite="lax")

    def let_out(self, request: Request, response: Response, person: Person) -> None:
        """Log somebody out."""
        token = request.cookies.get(self.session_cookie)
        if token:
            self.store.sessions.end(token, person)
        response.delete_cookie(self.session_cookie, path="/", secure=self.chosen.secure, httponly=True, samesite="lax")
        response.headers["Clear-Site-Data"] = '"cache", "storage"'

    def form_token(self, request: Request) -> str:
        """Return the token of forms before log-in: bound to a cookie of this browser, made here if there is none yet."""
        value = request.cookies.get(self.form_cookie) or getattr(request.state, "form_cookie", None)
        if not value:
            value = secrets.token_urlsafe(24)
            request.state.form_cookie = value  # `streams.console.access.headers` sets it
        return self._signed(value)

    def good_token(self, request: Request, person: Person | None, given: str) -> bool:
        """Say whether a request carries the token of its session, or of its browser before log-in."""
        if person is not None:
            return hmac.compare_digest(person.csrf.encode(), given.encode())
        value = request.cookies.get(self.form_cookie)
        return bool(value) and hmac.compare_digest(self._signed(str(value)).encode(), given.encode())

    def form_cookie_header(self, value: str) -> str:
        """Return the Set-Cookie line of a new form cookie."""
        response = Response()
        self._cookie(response, self.form_cookie, value, None)
        return str(response.headers["set-cookie"])

    def _signed(self, value: str) -> str:
        return hmac.digest(self._form_key, value.encode(), hashlib.sha256).hex()

    def _cookie(self, response: Response, name: str, value: str, seconds: int | None) -> None:
        response.set_cookie(
            name, value, max_age=seconds, path="/", secure=self.chosen.secure, httponly=True, samesite="lax"
        )


def address(request: Request) -> str | None:
    """Return where a request comes from."""
    return request.client.host if request.client else None


def inside(target: str | None, otherwise: str = "/") -> str:
    """Return a place of this console to go to next, never another site."""
    if not target or len(target) > 2_000 or not target.startswith("/") or target.startswith(("//", "/\\")):
        return otherwise
    if any(ord(letter) < 32 or letter == "\\" for letter in target):
        return otherwise
    parts = urlsplit(target)
    return otherwise if parts.scheme or parts.netloc else target
