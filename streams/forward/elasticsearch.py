"""Elasticsearch and OpenSearch: bulk requests that write each alert under its id, versioned by its revision.

With ``version_type: external`` an index takes a revision only if it is higher than the one that it holds. So a repeated or
late one changes nothing; the conflict (409) that is answered then means that the alert is there. Each item of a bulk answer is
judged by itself. Works on an index or an alias, not on a data stream, which cannot replace a document.
"""

from __future__ import annotations

import json
import re
import threading
from collections.abc import Sequence
from typing import Any
from urllib.parse import quote

from schemas.errors import SettingsError
from schemas.export.projection import compact
from streams.forward.credentials import Address, Secret
from streams.forward.http import Answer, Http, in_parts, outcome
from streams.forward.target import Delivered, Envelope, Later, Outcome, Refused
from streams.forward.webhook import basic_or

#: Far below the 100 MB that either takes by default, and small enough to be quick.
_MOST_BYTES = 5 * 1024 * 1024
_NAME = re.compile(r"[a-z0-9][a-z0-9._-]{0,200}")
#: Item errors that a person mends at the cluster, whatever the alert says.
_MENDED_BY_A_PERSON = frozenset(
    {"index_not_found_exception", "cluster_block_exception", "security_exception", "invalid_index_name_exception"}
)


class Elasticsearch:
    """The bulk API of a cluster."""

    def __init__(self, address: Address, http: Http, index: str, token: Secret, scheme: str = "ApiKey") -> None:
        if not _NAME.fullmatch(index):
            raise SettingsError(f"{index!r} is no name of an index: small letters, digits, '.', '_' and '-'")
        self._url = f"{address.url.rstrip('/')}/{quote(index)}/_bulk"
        self._address, self._http, self._index, self._token, self._scheme = address, http, index, token, scheme
        self.name = f"elasticsearch {address.url.rstrip('/')}/{index}"
        self.most = 500
        self._token.value()

    def deliver(self, batch: Sequence[Envelope], stop: threading.Event) -> list[Outcome]:
        """Write them; see `streams.forward.target.Target`."""
        found: list[Outcome] = [Later("not reached")] * len(batch)
        self._http.run(lambda: in_parts(batch, self._send, _MOST_BYTES, found), stop)
        return found

    async def _send(self, batch: Sequence[Envelope]) -> Outcome | list[Outcome]:
        body = "".join(map(_lines, batch)).encode()
        headers = {"Content-Type": "application/x-ndjson"} | basic_or(self._scheme, self._token, self._address)
        answer = await self._http.post(self._url, body, headers)
        if isinstance(answer, Later):
            return answer
        return _items(answer, len(batch)) if answer.status == 200 else outcome(answer)

    def close(self) -> None:
        """Close connections."""
        self._http.close()


def _lines(one: Envelope) -> str:
    document: dict[str, Any] = json.loads(one.line)
    document.pop("_id", None)  # metadata, which a document may not hold
    action = {"_id": one.alert.alert_id, "version": one.alert.revision, "version_type": "external"}
    return f"{compact({'index': action})}\n{compact(document)}\n"


def _items(answer: Answer, count: int) -> Outcome | list[Outcome]:
    """Return the outcome of each item; Later for all if the answer is not that of a bulk request."""
    try:
        items = json.loads(answer.body)["items"]
        found = [_item(item["index"]) for item in items]
    except (ValueError, KeyError, TypeError):
        found = []
    return found if len(found) == count else Later(f"no answer of a bulk request: {answer.text()}")


def _item(said: dict[str, Any]) -> Outcome:
    status, error = int(said["status"]), said.get("error") or {}
    kind = error.get("type", "") if isinstance(error, dict) else str(error)
    reason = f"{status} {kind}: {error.get('reason', '')}" if isinstance(error, dict) else f"{status} {error}"
    if 200 <= status < 300:
        return Delivered()
    if status == 409:
        return Delivered(known=True)
    if status == 429 or status >= 500 or status in (401, 403, 404) or kind in _MENDED_BY_A_PERSON:
        return Later(reason)
    return Refused(reason[:1000])
