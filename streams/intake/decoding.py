"""A raw record to messages, with the codec of today.

The headers of a raw record (written by ``assay ingest`` and ``assay gateway``; any other producer may leave them out) are

- ``format``: a codec's name, or ``auto`` to tell from the bytes;
- ``mapping``: the mapping file of a mapped feed; it goes before ``format``;
- ``received_at``: when the message arrived, RFC 3339; without it, the time of the record;
- ``origin``: where it came from, for people.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

from schemas import feeds, mapping
from schemas.errors import FeedError
from schemas.feeds import Arrival, Codec
from schemas.message import Message

AUTO = "auto"


@dataclass(frozen=True, slots=True)
class Raw:
    """A raw record: its bytes, what its headers say, its source system, its claim check, and the time of the record (UTC)."""

    value: bytes
    headers: Mapping[str, bytes]
    system: str | None
    origin: str
    at: datetime | None = None

    @property
    def format(self) -> str:
        """The format that the headers name, ``auto`` if none."""
        return self.headers.get("format", b"").decode("utf-8", "replace") or AUTO


def codec_of(raw: Raw) -> Codec:
    """Return the codec of a raw record; FeedError where there is none."""
    if (written := raw.headers.get("mapping")) is not None:
        return mapping.mapped(written)
    return feeds.detect(raw.value) if raw.format == AUTO else feeds.codec(raw.format)


def arrival_of(raw: Raw) -> Arrival:
    """Return what is known of a raw record's arrival."""
    stated = raw.headers.get("received_at", b"").decode("ascii", "replace")
    try:
        found = datetime.fromisoformat(stated)
        at = found.astimezone(UTC) if found.tzinfo else found.replace(tzinfo=UTC)
    except (ValueError, OverflowError):
        at = raw.at if raw.at is not None else datetime(1990, 1, 1, tzinfo=UTC)
    return Arrival(raw.system, at if at.year >= 1990 else raw.at, raw.origin)


def messages(raw: Raw) -> Iterator[Message | FeedError]:
    """Yield what a raw record says: messages (their source names the claim check), and a FeedError for each unusable part."""
    try:
        codec = codec_of(raw)
    except FeedError as error:
        yield error
        return
    for part in feeds.parts(codec, raw.value, arrival_of(raw)):
        if isinstance(part, Message) and part.source.origin != raw.origin:
            yield part.model_copy(update={"source": part.source.model_copy(update={"origin": raw.origin})})
        else:
            yield part
