"""Dead letters of the worker: the bad record's bytes, where it stood, and what was wrong with it where."""

from __future__ import annotations

import base64
import uuid
from datetime import datetime

from aiokafka.structs import ConsumerRecord

from schemas import ENGINE_VERSION
from schemas.dead_letter import DeadLetter, Stage
from schemas.errors import RecordError
from streams.topics import MAX_DEAD_LETTER_BYTES

#: Bytes of a record that a dead letter can carry: base64 makes four of three, and the rest of the letter needs room.
MAX_PAYLOAD_BYTES = (MAX_DEAD_LETTER_BYTES - 64 * 1024) // 4 * 3

#: Header of an empty record of ``declarations.dlq``: the id of a dead letter whose record was put back.
RETRIED = "retried"

_MARK = uuid.uuid5(uuid.NAMESPACE_URL, "urn:assay:dead-letter")


def origin_of(topic: str, record: ConsumerRecord) -> str:
    """Return ``topic/partition@offset``, with the topic's declared name."""
    return f"{topic}/{record.partition}@{record.offset}"


def dead_letter_id(origin: str, stage: Stage, part: int = 0) -> str:
    """Return the identity of a dead letter: a record (or a part of it) that is delivered again gives the same."""
    return str(uuid.uuid5(_MARK, f"{stage} {origin}#{part}" if part else f"{stage} {origin}"))


def dead_letter(record: ConsumerRecord, topic: str, stage: Stage, error: BaseException, at: datetime) -> DeadLetter:
    """Return the dead letter of one record.

    Parameters
    ----------
    record : as fetched; a record without a value gives an empty payload.
    topic : declared name of the record's topic.
    stage : where it failed.
    error : why; a RecordError brings the path.
    at : now, UTC.
    """
    key = None if record.key is None else record.key.decode("utf-8", "backslashreplace")
    return letter(origin_of(topic, record), stage, error, at, record.value or b"", key=key)


def letter(
    origin: str,
    stage: Stage,
    error: BaseException,
    at: datetime,
    raw: bytes | None,
    *,
    key: str | None = None,
    format: str | None = None,
    part: int = 0,
) -> DeadLetter:
    """Return a dead letter.

    Parameters
    ----------
    raw : the bytes; None if they are only at ``origin`` any more, which counts as truncated.
    format : of a feed message, if it is known.
    part : which part of its record, of those that fail by themselves.
    """
    reason, path = (error.reason, error.path) if isinstance(error, RecordError) else (str(error), "")
    kept = raw or b""
    return DeadLetter(
        dead_letter_id=dead_letter_id(origin, stage, part),
        stage=stage,
        reason=printable(reason or type(error).__name__)[:4096],
        path=printable(path)[:1024],
        error=type(error).__name__,
        origin=origin,
        format=format,
        key=key,
        at=at,
        payload=base64.b64encode(kept[:MAX_PAYLOAD_BYTES]).decode(),
        payload_bytes=len(kept),
        truncated=raw is None or len(kept) > MAX_PAYLOAD_BYTES,
        engine=ENGINE_VERSION,
    )


def printable(text: str) -> str:
    """Return text that JSON can carry: lone surrogates, which a message may quote from a bad record, are escaped."""
    return text.encode("utf-8", "backslashreplace").decode()
