"""A webhook: one signed POST for each revision of an alert, several alerts at once, each alert in order.

The headers are those of Standard Webhooks (standardwebhooks.com), for which libraries exist in most languages:
``webhook-id`` (``alert_id/revision``), ``webhook-timestamp`` (Unix seconds of this try) and ``webhook-signature``, which is
``v1,`` and the base64 HMAC-SHA256 of ``id.timestamp.body``. ``Idempotency-Key`` repeats the id.
"""

from __future__ import annotations

import asyncio
import base64
import binascii
import hashlib
import hmac
import threading
import time
from collections.abc import Sequence

from schemas.errors import SettingsError
from streams.forward.credentials import Address, Secret
from streams.forward.http import Http, outcome
from streams.forward.target import Envelope, Later, Outcome

_PREFIX = "whsec_"
_SHORTEST_SECRET = 16


def key_of(secret: str) -> bytes:
    """Return the bytes of a signing secret: base64 after ``whsec_``, else the text itself; SettingsError if it is too short."""
    if secret.startswith(_PREFIX):
        try:
            key = base64.b64decode(secret.removeprefix(_PREFIX), validate=True)
        except binascii.Error:
            raise SettingsError("the signing secret is not base64 after whsec_") from None
    else:
        key = secret.encode()
    if len(key) < _SHORTEST_SECRET:
        raise SettingsError(f"the signing secret is too short to be one: {len(key)} bytes, at least {_SHORTEST_SECRET}")
    return key


def signature(keys: Sequence[bytes], event_id: str, timestamp: int, body: bytes) -> str:
    """Return the header ``webhook-signature``: one for each key, so that a receiver may change keys without a gap."""
    signed = f"{event_id}.{timestamp}.".encode() + body
    return " ".join("v1," + base64.b64encode(hmac.new(key, signed, hashlib.sha256).digest()).decode() for key in keys)


class Webhook:
    """Posts to a URL.

    Parameters
    ----------
    secret : signing secrets, with spaces between them; without any the posts are not signed.
    token : sent as ``Authorization: Bearer``; user and password of the address as Basic.
    at_once : alerts in flight.
    """

    def __init__(
        self, address: Address, http: Http, secret: Secret, token: Secret, media_type: str, at_once: int = 4
    ) -> None:
        self._address, self._http, self._secret, self._token = address, http, secret, token
        self._media_type, self._at_once = media_type, at_once
        self.name = f"webhook {address.url}"
        self.most = 8 * at_once
        self._keys()

    def _keys(self) -> list[bytes]:
        return [key_of(one) for one in (self._secret.value() or "").split()]

    def deliver(self, batch: Sequence[Envelope], stop: threading.Event) -> list[Outcome]:
        """Post each; see `streams.forward.target.Target`."""
        found: list[Outcome] = [Later("not reached")] * len(batch)
        lanes: dict[str, list[int]] = {}
        for place, one in enumerate(batch):
            lanes.setdefault(one.alert.alert_id, []).append(place)
        keys = self._keys()

        async def work() -> None:
            free = asyncio.Semaphore(self._at_once)

            async def lane(places: list[int]) -> None:
                for place in places:
                    async with free:
                        if stop.is_set():
                            return
                        found[place] = await self._post(batch[place], keys)
                    if isinstance(found[place], Later):
                        return

            await asyncio.gather(*map(lane, lanes.values()))

        self._http.run(work, stop)
        return _with_reason(found)

    async def _post(self, one: Envelope, keys: list[bytes]) -> Outcome:
        body = one.line.encode()
        now = int(time.time())
        headers = {
            "Content-Type": self._media_type,
            "Idempotency-Key": one.event_id,
            "webhook-id": one.event_id,
            "webhook-timestamp": str(now),
        }
        if keys:
            headers["webhook-signature"] = signature(keys, one.event_id, now, body)
        authorization = basic_or("Bearer", self._token, self._address)
        answer = await self._http.post(
            self._address.url, body, {name: _latin(v) for name, v in (headers | authorization).items()}
        )
        return answer if isinstance(answer, Later) else outcome(answer)

    def close(self) -> None:
        """Close connections."""
        self._http.close()


def basic_or(scheme: str, token: Secret, address: Address) -> dict[str, str]:
    """Return the Authorization header: the token under its scheme, else user and password, else none."""
    if value := token.value():
        return {"Authorization": f"{scheme} {value}"}
    if address.user is not None:
        pair = f"{address.user}:{address.password or ''}".encode()
        return {"Authorization": "Basic " + base64.b64encode(pair).decode()}
    return {}


def _latin(header: str) -> str:
    """Return a header's value without what HTTP cannot carry: ends of line, and letters beyond ASCII percent-encoded."""
    return "".join(
        c if " " <= c <= "~" else "".join(f"%{byte:02X}" for byte in c.encode("utf-8", "replace")) for c in header
    )


def _with_reason(found: list[Outcome]) -> list[Outcome]:
    """Put an outcome that has a reason before those that were merely not reached behind it, for the log."""
    told = next((one for one in found if isinstance(one, Later) and one.reason != "not reached"), None)
    return [told if told and isinstance(one, Later) and one.reason == "not reached" else one for one in found]
