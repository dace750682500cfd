"""What a message says, apart from when and how it came: its digest, its names, its entry in a life."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Final, NamedTuple

from pydantic_core import to_json

from schemas.message import Message, Named
from streams.intake.entries import Entry, Kind
from streams.intake.life import BESIDE, digest_of
from streams.intake.store import Waiting

_MRN_FORM: Final = frozenset("0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ")
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
#: Names of the model's fields, not of its JSON.
_BESIDE: Final = {"schema_", *BESIDE} - {"schema"}


class Received(NamedTuple):
    """A message with where it stood. ``arrived`` is the time of its raw record (microseconds since 1970, UTC)."""

    message: Message
    arrived: int
    offset: int
    part: int = 0
    raw: bytes = b""
    format: str | None = None


def said(message: Message) -> tuple[str, bytes | None]:
    """Return the digest of what a message says, and its body: content of the declaration, or edits (None: neither).

    Time of arrival and place of the raw bytes do not count; nor do times that only repeat when it arrived.
    """
    received = message.source.received_at
    body: bytes | None = None
    lodged: object = None
    if message.declaration is not None:
        whole = message.declaration
        body = whole.__pydantic_serializer__.to_json(whole, by_alias=True, exclude=_BESIDE)
        lodged = None if whole.lodged_at == received else whole.lodged_at
    elif message.edits:
        body = to_json([edit.model_dump(mode="json") for edit in message.edits])
    at = None if message.at == received else message.at
    named = message.named.model_dump(exclude_none=True)
    rest = [message.event, named, message.source.system, at, lodged, message.version, message.reference, message.reason]
    return digest_of(to_json(rest), body or b""), body


def entry_of(received: Received, digest: str, body: bytes | None) -> Entry:
    """Return the entry of a message, with digest and body as :func:`said` gives them."""
    message = received.message
    source = message.source
    at = None if message.at is None or message.at == source.received_at else micros(message.at)
    whole = message.declaration
    kind: Kind = "whole" if whole is not None else "edits" if body is not None else "event"
    return Entry(
        digest,
        kind,
        message.event,
        at,
        received.arrived,
        received.offset,
        received.part,
        source.model_dump(mode="json"),
        message.version,
        usable(message.named.mrn),
        message.named.local_reference,
        message.reference,
        None if body is None else digest_of(body),
        None if whole is None else _rfc3339(whole.lodged_at),
        whole is not None and whole.lodged_at != source.received_at,
    )


def names_of(one: Waiting) -> list[str]:
    """Return every name under which a waiting message is looked for."""
    named: Named = one.named
    system = one.entry.source["system"]
    found: list[str] = []
    if named.declaration_id:
        found.append(f"id:{named.declaration_id}")
    if named.local_reference:
        found += [f"lrn:{system}:{named.local_reference}", f"ref:{system}:{named.local_reference}"]
        if named.declarant:
            found += [
                f"id:{system}:{who}:{named.local_reference}" for who in {named.declarant, named.declarant.upper()}
            ]
    if mrn := usable(named.mrn):
        found.append(f"mrn:{system}:{mrn}")
    if named.ucr:
        found.append(f"ucr:{system}:{named.ucr}")
    return found


def usable(mrn: str | None) -> str | None:
    """Return an MRN as the contract takes it, None for what is no MRN."""
    found = mrn.upper().replace(" ", "") if mrn else ""
    return found if 8 <= len(found) <= 35 and _MRN_FORM.issuperset(found) else None


def micros(time: datetime) -> int:
    """Return a UTC time as microseconds since 1970."""
    past = time - _EPOCH
    return (past.days * 86_400 + past.seconds) * 1_000_000 + past.microseconds


def _rfc3339(time: datetime) -> str:
    return time.astimezone(UTC).isoformat().replace("+00:00", "Z")
