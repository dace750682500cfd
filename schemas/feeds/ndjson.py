"""Our own contract, one JSON declaration a line (or a record)."""

from __future__ import annotations

from schemas import decode
from schemas.errors import ContractError, FeedError
from schemas.feeds import Arrival
from schemas.message import Message


class Ndjson:
    """The contract ``declaration/1`` as JSON. The record names its own source; ``origin`` is not written over it."""

    name = "ndjson"
    system = "ndjson"

    def sniff(self, raw: bytes) -> bool:
        """Say whether a JSON object begins here."""
        return raw[:4096].lstrip(b"\xef\xbb\xbf \t\r\n").startswith(b"{")

    def decode(self, raw: bytes, arrival: Arrival) -> list[Message]:
        """Decode one line. ``arrival`` is not held against ``lodged_at``: a file's own time says little."""
        try:
            found = decode.declaration(raw.strip().removeprefix(b"\xef\xbb\xbf"))
        except ContractError as error:
            raise FeedError(error.reason, error.path) from None
        return [Message.of(found, version=found.version)]


CODEC = Ndjson()
