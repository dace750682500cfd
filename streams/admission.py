"""What becomes of a message at the door: raw bytes to ``raw.<system>``, our own contract to ``declarations``, or a refusal.

``assay ingest`` and ``assay gateway`` both decide here, so that a message gets the same answer whichever way it comes.
"""

from __future__ import annotations

import base64
import hashlib
import re
import uuid
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

import pydantic_core

from schemas import ENGINE_VERSION, decode, feeds
from schemas.dead_letter import DeadLetter
from schemas.errors import ContractError, FeedError
from schemas.message import Message
from streams import sources, topics
from streams.settings import Settings
from streams.sources import LINES, Record

Headers = list[tuple[str, bytes]]
#: Raises FeedError where the bytes of an XML message are not what the user's own schema files say.
Validate = Callable[[bytes], None]

_DEAD_LETTERS: Final = uuid.UUID("0f6f3a1e-6d0a-5c39-9a55-2b6a8f1f6c11")
_SYSTEM: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}\Z")
#: Codes shown of a declaration with many items.
_SHOWN_CODES: Final = 20


@dataclass(frozen=True, slots=True)
class Admitted:
    """A message that may enter.

    Attributes
    ----------
    topic : name in the cluster; ``key``, ``value`` and ``headers`` are the record's.
    format, system : the codec's name, and the source system.
    messages : what it says, a part a declaration; empty where nobody looked.
    wrong : the parts that cannot be used; the worker puts them in the dead letters.
    """

    topic: str
    key: bytes | None
    value: bytes
    headers: Headers
    format: str
    system: str
    messages: Sequence[Message] = ()
    wrong: Sequence[FeedError] = ()


def raw_topic(system: str, chosen: Settings) -> str:
    """Return the name in the cluster of the topic that holds the bytes of a source system; FeedError for a bad name."""
    if not _SYSTEM.match(system):
        raise FeedError(f"{system!r} cannot name a source system: letters, digits, '.', '_' and '-', at most 100")
    return chosen.topic_prefix + topics.raw(system)


class Door:
    """Decides what becomes of records, with the settings of one ingest or one source of the gateway.

    Parameters
    ----------
    chosen : settings, for the names of topics.
    system : the source system; None: that of the codec.
    check : decode each message before it enters. Without it only records that no codec claims are refused here.
    validate : look at messages with this as well, where they are XML.
    bound_to : let declarations of our own contract name no other source system than this.
    detail : say of our own declarations, too, what is in them; the bytes of other formats always tell.
    """

    def __init__(
        self,
        chosen: Settings,
        system: str | None = None,
        check: bool = True,
        validate: Validate | None = None,
        bound_to: str | None = None,
        detail: bool = False,
    ) -> None:
        self._declarations = topics.named(chosen)["declarations"]
        self._chosen = chosen
        self._system = system
        self._check = check
        self._validate = validate
        self._bound_to = bound_to
        self._detail = detail
        self._raw: dict[str, str] = {}

    def admit(self, record: Record, received_at: datetime) -> Admitted:
        """Return what enters of a record.

        Parameters
        ----------
        received_at : the time of arrival where the record has none of its own, UTC.

        Raises
        ------
        FeedError : nothing does; the record becomes a dead letter.
        """
        if record.problem is not None:
            raise record.problem
        if record.format == LINES and record.mapping is None:
            return self._own(record)
        codec = record.codec
        system = self._system or codec.system
        topic = self._raw.get(system) or self._raw.setdefault(system, raw_topic(system, self._chosen))
        at = record.at or received_at
        if self._validate is not None and record.raw.lstrip(b"\xef\xbb\xbf \t\r\n").startswith(b"<"):
            self._validate(record.raw)
        messages: list[Message] = []
        wrong: list[FeedError] = []
        if self._check:
            for part in feeds.parts(codec, record.raw, feeds.Arrival(system, at, record.origin)):
                if isinstance(part, FeedError):
                    wrong.append(part)
                else:
                    messages.append(part)
            if wrong and not messages:
                raise wrong[0]
        return Admitted(topic, None, record.raw, _headers(record, at), record.format, system, messages, wrong)

    def _own(self, record: Record) -> Admitted:
        """Admit a declaration of our own contract, which names its source itself."""
        if not self._check and self._bound_to is None:
            return Admitted(self._declarations, key_of(record.raw), record.raw, [], LINES, self._system or LINES)
        try:
            row = decode.row(record.raw)
        except ContractError as error:
            raise FeedError(error.reason, error.path) from None
        system, key = row["source"]["system"], row["declaration_id"]
        if self._bound_to is not None:
            if system != self._bound_to:
                raise FeedError(f"the source system here is {self._bound_to!r}, not {system!r}", "/source/system")
            if not key.startswith(f"{system}:"):
                raise FeedError(f"an id of this source begins with '{system}:'", "/declaration_id")
        messages = feeds.codec(LINES).decode(record.raw, feeds.UNKNOWN) if self._detail else []
        return Admitted(self._declarations, key.encode(), record.raw, [], LINES, system, messages)


def _headers(record: Record, at: datetime) -> Headers:
    headers: Headers = [
        ("format", record.format.encode()),
        ("origin", record.origin.encode("utf-8", "backslashreplace")),
        ("received_at", at.isoformat().replace("+00:00", "Z").encode()),
    ]
    if record.mapping is not None:
        headers.append(("mapping", record.mapping))
    return headers


def key_of(value: bytes) -> bytes | None:
    """Return the key of a record of ``declarations``: its ``declaration_id``; ``None`` where there is none to read."""
    try:
        found = pydantic_core.from_json(value, cache_strings=False)
    except ValueError:
        return None
    stated = found.get("declaration_id") if isinstance(found, dict) else None
    try:
        return stated.encode() if isinstance(stated, str) and stated else None
    except UnicodeEncodeError:
        return None


def dead_letter(record: Record, error: FeedError, at: datetime) -> DeadLetter:
    """Return the dead letter of a record that no codec can decode.

    Its id is made of origin and content, so that the same bad file taken in twice is one dead letter.
    """
    kept = record.raw[: sources.MAX_KEPT]
    content = hashlib.sha256(record.raw).hexdigest()
    size = max(record.size or 0, len(record.raw))
    return DeadLetter(
        dead_letter_id=str(uuid.uuid5(_DEAD_LETTERS, f"feed {record.origin} {content}")),
        stage="feed",
        reason=error.reason[:4096],
        path=error.path[:1024],
        error=type(error).__name__,
        origin=record.origin,
        format=record.format or None,
        at=at,
        payload=base64.b64encode(kept).decode("ascii"),
        payload_bytes=size,
        truncated=size > len(kept),
        engine=ENGINE_VERSION,
    )


def dead_letter_bytes(record: Record, error: FeedError, at: datetime) -> bytes:
    """Return the value of the dead letter's record."""
    letter = dead_letter(record, error, at)
    return letter.__pydantic_serializer__.to_json(letter, by_alias=True)


def rows(record: Record, admitted: Admitted) -> list[dict[str, Any]]:
    """Return what a message says, a row a declaration that it is about, for people."""
    return [{"origin": record.origin, "format": admitted.format, **said(message)} for message in admitted.messages]


def said(message: Message) -> dict[str, Any]:
    """Return what one message says, in short."""
    found, named = message.declaration, message.named
    items = found.items if found is not None else []
    codes = dict.fromkeys(item.commodity_code or "none" for item in items[:_SHOWN_CODES])
    return {
        "event": message.event,
        "declaration_id": named.declaration_id or (found.declaration_id if found is not None else None),
        "version": message.version,
        "mrn": named.mrn,
        "regime": found.regime if found is not None else None,
        "items": len(items) if found is not None else None,
        "edits": len(message.edits) or None,
        "codes": ", ".join(codes) or None,
    }


def answer_edifact(raw: bytes, error: FeedError | None, at: datetime) -> bytes:
    """Return the CONTRL that answers an interchange; the same interchange gets the same reference.

    Raises
    ------
    FeedError : it cannot be answered, since it does not say who sent it.
    """
    from schemas.feeds.edifact import acknowledge

    return acknowledge(raw, error, "CONTRL", at, hashlib.sha256(raw).hexdigest()[:14].upper())
