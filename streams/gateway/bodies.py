"""A request's body to messages: one as it is, or many in a multipart body, lines, an array, a mapped table or an archive."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from datetime import datetime
from email.message import Message as Header
from pathlib import Path
from typing import TYPE_CHECKING, Final

from python_multipart.exceptions import MultipartParseError
from python_multipart.multipart import MultipartParser

from schemas import feeds
from schemas.errors import FeedError
from streams import sources
from streams.sources import LINES, Record

if TYPE_CHECKING:
    from schemas.mapping import Mapping

LINE_TYPES: Final = frozenset(
    {"application/x-ndjson", "application/ndjson", "application/jsonl", "application/x-jsonlines"}
)
_MULTIPART: Final = frozenset({"multipart/form-data", "multipart/mixed"})
TYPES: Final = (
    frozenset(
        {
            "application/xml", "text/xml", "application/json", "application/edifact", "text/plain", "text/csv",
            "application/octet-stream", "application/zip", "application/x-zip-compressed", "application/gzip",
            "application/x-gzip", "application/x-tar", "application/x-gtar", "application/x-bzip2", "application/x-xz",
        }
    )
    | LINE_TYPES
    | _MULTIPART
)  # fmt: skip
_PACKED: Final = (b"PK\x03\x04", b"\x1f\x8b", b"BZh", b"\xfd7zXZ\0")


class TooManyError(Exception):
    """A body holds more messages, or more unpacked bytes, than one request may."""


def media_type(stated: str | None) -> str:
    """Return the type of a body without parameters, in lower case; bytes of an unstated type are sniffed."""
    return (stated or "application/octet-stream").partition(";")[0].strip().lower()


def known_type(media: str) -> bool:
    """Say whether a body of this type can hold messages."""
    return media in TYPES or (media.startswith("application/") and media.endswith("+xml"))


def split(
    body: bytes,
    content_type: str | None,
    format: str,
    mapping: Mapping | None,
    at: datetime,
    most: int,
    most_bytes: int,
) -> list[Record]:
    """Return the messages of a body; those that cannot be used have a ``problem``.

    Parameters
    ----------
    format : a codec's name or ``auto``; ``mapping`` goes before it.
    at : when they arrived, UTC.
    most, most_bytes : messages, and bytes of all of them unpacked, that one request may hold.

    Raises
    ------
    TooManyError : it holds more.
    FeedError : a multipart body is malformed.
    """
    media = media_type(content_type)
    parts = _parts(body, content_type or "", most) if media in _MULTIPART else [body]
    found: list[Record] = []
    size = 0
    for part in parts:
        for record in _messages(part, media in LINE_TYPES, format, mapping, at):
            size += len(record.raw)
            if len(found) == most:
                raise TooManyError(f"more than {most:,} messages in one request")
            if size > most_bytes:
                raise TooManyError(f"the messages of one request unpack to more than {most_bytes:,} bytes")
            found.append(record)
    return found


def _messages(body: bytes, lines: bool, format: str, mapping: Mapping | None, at: datetime) -> Iterator[Record]:
    head = body[:512]
    packed = head.startswith(_PACKED) or head[257:262] == b"ustar"
    json = format in ("auto", LINES) and head.lstrip(b"\xef\xbb\xbf \t\r\n")[:1] in (b"{", b"[")
    if packed or json or lines or mapping is not None:
        yield from _as_file(body, "body.ndjson" if lines and not packed else "body", format, mapping, at)
    elif not body:
        yield Record(b"", "body", "", at, FeedError("an empty message"))
    else:
        yield _one(body, format, at)


def _one(body: bytes, format: str, at: datetime) -> Record:
    try:
        codec = feeds.detect(body) if format == "auto" else feeds.codec(format)
    except FeedError as error:
        return Record(body, "body", "", at, error)
    return Record(body, "body", codec.name, at)


def _as_file(body: bytes, name: str, format: str, mapping: Mapping | None, at: datetime) -> Iterator[Record]:
    """Read a body as ``assay ingest`` reads a file, with the same bounds."""
    with tempfile.NamedTemporaryFile(prefix="assay-gateway-") as file:
        file.write(body)
        file.flush()
        yield from sources.file_records(Path(file.name), name, format, None, mapping, at)


def _parts(body: bytes, content_type: str, most: int) -> list[bytes]:
    """Return the contents of the parts of a multipart body."""
    header = Header()
    header["content-type"] = content_type
    boundary = header.get_param("boundary")
    if not isinstance(boundary, str) or not boundary:
        raise FeedError("a multipart body needs a boundary in its Content-Type")
    found: list[bytes] = []
    pieces: list[bytes] = []

    def begin() -> None:
        pieces.clear()
        if len(found) >= most:
            raise TooManyError(f"more than {most:,} messages in one request")

    parser = MultipartParser(
        boundary.encode("latin-1", "replace"),
        {
            "on_part_begin": begin,
            "on_part_data": lambda data, start, end: pieces.append(data[start:end]),
            "on_part_end": lambda: found.append(b"".join(pieces)),
        },
    )
    ended: list[bool] = []
    parser.callbacks["on_end"] = lambda: ended.append(True)
    try:
        parser.write(body)
        parser.finalize()
    except MultipartParseError as error:
        raise FeedError(f"a malformed multipart body: {error}") from None
    if not ended:
        raise FeedError("a multipart body that is cut off: its last boundary is missing")
    return found
