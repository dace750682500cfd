"""Splunk's HTTP Event Collector: batches of events, each revision one event.

The collector acknowledges with code 0 what it has queued; acknowledgement by the indexer is not asked for. A refused batch is
halved until the event that is to blame stands alone, so an event before it may arrive twice: searches go by id and revision.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Sequence

from streams.forward.credentials import Address, Secret
from streams.forward.http import Answer, Http, in_parts, outcome
from streams.forward.target import Delivered, Envelope, Later, Outcome, Refused
from streams.forward.webhook import basic_or

_PATH = "/services/collector/event"
#: Below the limit of a collector's request, which was 1 MB in old releases.
_MOST_BYTES = 900 * 1024
#: Codes of HTTP 400 that speak of an event: 6 invalid data format, 12 event missing, 13 event blank, 15 fields malformed.
_OF_THE_EVENT = frozenset({6, 12, 13, 15})


class Splunk:
    """A collector, by its base address or by the full one of the endpoint."""

    def __init__(self, address: Address, http: Http, token: Secret) -> None:
        base = address.url.rstrip("/")
        self._url = base if base.endswith(("/event", "/collector")) else base + _PATH
        self._address, self._http, self._token = address, http, token
        self.name = f"splunk {self._url}"
        self.most = 500
        self._token.value()

    def deliver(self, batch: Sequence[Envelope], stop: threading.Event) -> list[Outcome]:
        """Send them; see `streams.forward.target.Target`."""
        found: list[Outcome] = [Later("not reached")] * len(batch)
        self._http.run(lambda: in_parts(batch, self._send, _MOST_BYTES, found), stop)
        return found

    async def _send(self, batch: Sequence[Envelope]) -> Outcome:
        body = "\n".join(one.line for one in batch).encode()
        headers = {"Content-Type": "application/json"} | basic_or("Splunk", self._token, self._address)
        answer = await self._http.post(self._url, body, headers)
        return answer if isinstance(answer, Later) else judged(answer)

    def close(self) -> None:
        """Close connections."""
        self._http.close()


def judged(answer: Answer) -> Outcome:
    """Return what the collector's answer means for the whole request."""
    try:
        said = json.loads(answer.body)
        code = said.get("code") if isinstance(said, dict) else None
    except ValueError:
        code = None
    if answer.status == 200:
        # A proxy's page may have status 200 too; only the collector's own word counts.
        return Delivered() if code == 0 else Later(f"no answer of a collector: {answer.text()}")
    if answer.status == 400:
        if code in _OF_THE_EVENT:
            return Refused(f"HTTP 400: {answer.text()}")
        return Later(f"the collector is set up otherwise, HTTP 400: {answer.text()}")
    return outcome(answer)
