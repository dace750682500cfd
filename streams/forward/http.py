"""HTTP for the targets: one session, a bounded wait, and what an answer means for the alert that was sent.

An answer that speaks of the alert (400, 413, 422, ...) refuses it. One that speaks of the way to the receiver (wrong address,
wrong credentials, a redirect) is no alert's fault: it is tried again until somebody mends it.
"""

from __future__ import annotations

import asyncio
import ssl
import threading
from collections.abc import Awaitable, Callable, Coroutine, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import Any

import aiohttp

from schemas import ENGINE_VERSION
from schemas.errors import SettingsError
from streams.forward.target import Delivered, Envelope, Later, Outcome, Refused

#: Answers that a person must mend at the forwarder or the receiver, whatever the alert says.
_MENDED_BY_A_PERSON = frozenset({401, 402, 403, 404, 405, 407, 410, 421, 426, 428})
_AGAIN = frozenset({408, 423, 425, 429})
_GRACE_SECONDS = 5.0
_SHORT_WORD = 200  # bytes
_LONGEST_ANSWER = 16 * 1024 * 1024
_OLDEST_TLS = ssl.TLSVersion.TLSv1_2


@dataclass(frozen=True)
class Answer:
    """Status and body of a response, and the wait that it asks for in seconds."""

    status: int
    body: bytes
    after: float | None = None

    def text(self, longest: int = 300) -> str:
        """Return the beginning of the body on one line, to quote it."""
        return " ".join(self.body[: 4 * longest].decode("utf-8", "replace").split())[:longest]


def outcome(answer: Answer) -> Outcome:
    """Return what an answer to one alert means."""
    said = f"HTTP {answer.status}" + (f": {answer.text()}" if answer.body else "")
    if 200 <= answer.status < 300:
        return Delivered()
    if answer.status in _MENDED_BY_A_PERSON or 300 <= answer.status < 400:
        return Later(f"the address or the credentials are wrong, {said}")
    if answer.status in _AGAIN or answer.status >= 500 or answer.status < 200:
        # A long page of an error may quote the request; a log shall not.
        return Later(said if len(answer.body) <= _SHORT_WORD else f"HTTP {answer.status}", answer.after)
    return Refused(said)


def tls(ca: Path | None = None, certificate: Path | None = None, private_key: Path | None = None) -> ssl.SSLContext:
    """Return a TLS context that checks host names; SettingsError if a file is no certificate or key."""
    try:
        context = ssl.create_default_context(cafile=ca)
        context.minimum_version = _OLDEST_TLS
        if certificate:
            context.load_cert_chain(certificate, private_key)
    except (ssl.SSLError, OSError) as error:
        raise SettingsError(f"cannot use {ca or ''} {certificate or ''} {private_key or ''} for TLS: {error}") from None
    return context


class Http:
    """A session on an event loop of its own, for targets that are called from a thread without one."""

    def __init__(self, context: ssl.SSLContext, timeout: float = 30.0) -> None:
        self._runner = asyncio.Runner()
        self._context = context
        self._timeout = aiohttp.ClientTimeout(total=timeout)
        self._session: aiohttp.ClientSession | None = None

    def run(self, work: Callable[[], Coroutine[Any, Any, None]], stop: threading.Event) -> None:
        """Run work to its end; once ``stop`` is set it has a few seconds more, then it is cut off."""
        self._runner.run(self._watched(work, stop))

    async def _watched(self, work: Callable[[], Coroutine[Any, Any, None]], stop: threading.Event) -> None:
        if self._session is None:
            connector = aiohttp.TCPConnector(ssl=self._context, limit=64)
            agent = {"User-Agent": f"assay-forward/{ENGINE_VERSION}"}
            # No cookies, no .netrc: each request carries what it was told to and nothing else.
            self._session = aiohttp.ClientSession(
                connector=connector, timeout=self._timeout, headers=agent, cookie_jar=aiohttp.DummyCookieJar()
            )
        task = asyncio.ensure_future(work())
        spent = 0.0
        while not task.done():
            await asyncio.wait({task}, timeout=0.2)
            spent += 0.2 if stop.is_set() else 0.0
            if spent > _GRACE_SECONDS:
                task.cancel()
        if not task.cancelled():
            task.result()

    async def post(self, url: str, body: bytes, headers: Mapping[str, str]) -> Answer | Later:
        """Post once, without following redirects; Later where there was no answer."""
        assert self._session is not None
        try:
            async with self._session.post(url, data=body, headers=headers, allow_redirects=False) as response:
                received = await response.content.read(_LONGEST_ANSWER)
                while len(received) < _LONGEST_ANSWER and (more := await response.content.read(_LONGEST_ANSWER)):
                    received += more
                return Answer(response.status, received, _after(response.headers.get("Retry-After")))
        except TimeoutError:
            return Later(f"no answer within {self._timeout.total:g} s")
        except aiohttp.ClientConnectorCertificateError as error:
            return Later(f"the certificate of {error.host} cannot be trusted: {error.certificate_error}")
        except aiohttp.ClientConnectorError as error:
            return Later(f"cannot connect to {error.host}:{error.port}: {error.os_error.strerror or error.os_error}")
        except (aiohttp.ClientError, OSError, ValueError) as error:
            return Later(f"{type(error).__name__}: {error}")

    def close(self) -> None:
        """Close connections."""
        if self._session is not None:
            self._runner.run(self._session.close())
        self._runner.close()


def _after(header: str | None) -> float | None:
    """Return the seconds of a Retry-After header, which is a number or a date."""
    if header is None:
        return None
    if header.strip().isdecimal():
        return float(header)
    try:
        at = parsedate_to_datetime(header)
    except ValueError:
        return None
    return max(0.0, (at.replace(tzinfo=at.tzinfo or UTC) - datetime.now(UTC)).total_seconds())


#: Sends several alerts in one request; one outcome for all, or one for each.
Send = Callable[[Sequence[Envelope]], Awaitable[Outcome | list[Outcome]]]


async def in_parts(batch: Sequence[Envelope], send: Send, most_bytes: int, into: list[Outcome]) -> None:
    """Send a batch in requests of so many bytes, in order, until one must wait.

    A request that is refused as a whole is halved until the alert that is to blame stands alone.

    Parameters
    ----------
    into : gets the outcomes, in the order of the batch; what is not reached stays as it was.
    """
    start = 0
    while start < len(batch):
        size, end = 0, start
        while end < len(batch) and (end == start or size + len(batch[end].line.encode()) <= most_bytes):
            size += len(batch[end].line.encode())
            end += 1
        await _halved(batch, start, end, send, into)
        if isinstance(into[end - 1], Later):
            return
        start = end


async def _halved(batch: Sequence[Envelope], start: int, end: int, send: Send, into: list[Outcome]) -> None:
    said = await send(batch[start:end])
    if isinstance(said, Refused) and end - start > 1:
        middle = (start + end) // 2
        await _halved(batch, start, middle, send, into)
        if not isinstance(into[middle - 1], Later):
            await _halved(batch, middle, end, send, into)
        return
    into[start:end] = said if isinstance(said, list) else [said] * (end - start)
