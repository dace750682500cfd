"""Headers of every answer, and how large a request may be."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from starlette.types import ASGIApp, Message, Receive, Scope, Send

if TYPE_CHECKING:
    from streams.console.access.gate import Gate

#: Nothing from elsewhere, nothing inline: a text that got into a page unescaped could still not run.
POLICY = (
    "default-src 'self'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; font-src 'self'; "
    "object-src 'none'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
)
LARGEST_BODY = 2 * 1024 * 1024
_HEADERS = {
    "content-security-policy": POLICY,
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    "referrer-policy": "same-origin",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "permissions-policy": "camera=(), geolocation=(), microphone=(), payment=(), usb=()",
}


class TooLargeError(Exception):
    """A body is larger than anything that the console takes."""


class Headers:
    """Adds the headers of every answer, sets a new form cookie, and ends bodies that are too large."""

    def __init__(self, app: ASGIApp, gate: Gate) -> None:
        self._app = app
        self._gate = gate
        self._fixed = [(name.encode(), value.encode()) for name, value in _HEADERS.items()]
        if gate.chosen.secure:
            self._fixed.append((b"strict-transport-security", b"max-age=31536000"))

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        state: dict[str, Any] = scope.setdefault("state", {})
        static = str(scope["path"]).startswith("/static/")
        size, began = 0, False

        async def counted() -> Message:
            nonlocal size
            message = await receive()
            size += len(message.get("body", b""))
            if size > LARGEST_BODY:
                raise TooLargeError
            return message

        async def told(message: Message) -> None:
            nonlocal began
            if message["type"] == "http.response.start":
                began = True
                headers = [*message.get("headers", [])]
                named = {name for name, _ in headers}
                headers += [one for one in self._fixed if one[0] not in named]
                if not static and b"cache-control" not in named:
                    headers.append((b"cache-control", b"no-store"))
                if state.get("form_cookie"):
                    headers.append((b"set-cookie", self._gate.form_cookie_header(state["form_cookie"]).encode()))
                message = {**message, "headers": headers}
            await send(message)

        try:
            await self._app(scope, counted, told)
        except TooLargeError:
            if not began:
                sentence = b"the request is too large"
                start: Message = {
                    "type": "http.response.start",
                    "status": 413,
                    "headers": [(b"content-type", b"text/plain; charset=utf-8"), (b"connection", b"close")],
                }
                await told(start)
                await send({"type": "http.response.body", "body": sentence})
