"""Our own contract, one JSON declaration a line (or a record)."""

from __future__ import annotations

from datetime import datetime

from schemas import decode
from schemas.declaration import Declaration
from schemas.errors import ContractError, FeedError


class Ndjson:
    """The contract ``declaration/1`` as JSON. The record names its own source; ``origin`` is not written over it."""

    name = "ndjson"

    def sniff(self, raw: bytes) -> bool:
        """Say whether a JSON object begins here."""
        return raw[:4096].lstrip(b"\xef\xbb\xbf \t\r\n").startswith(b"{")

    def decode(self, raw: bytes, received_at: datetime | None, origin: str | None) -> list[Declaration]:
        """Decode one line. ``received_at`` is not held against ``lodged_at``: a file's own time says little."""
        try:
            return [decode.declaration(raw.strip().removeprefix(b"\xef\xbb\xbf"))]
        except ContractError as error:
            raise FeedError(error.reason, error.path) from None


CODEC = Ndjson()
