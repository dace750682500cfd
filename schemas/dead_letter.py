"""A record that could not be used (topic ``declarations.dlq``): nothing is dropped, nothing is silent."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from schemas.types import Contract, Identifier, UtcTime

#: ``feed``: no codec can decode the message; ``intake``: it speaks of what is not known, or does not fit it.
Stage = Literal["feed", "intake", "decode", "screen", "profile", "correlate"]


class DeadLetter(Contract):
    """The original bytes of a bad record (base64), where it came from, and what was wrong with it where."""

    schema_: Annotated[Literal["dead-letter/1"], Field(alias="schema")] = "dead-letter/1"
    dead_letter_id: Identifier
    stage: Stage
    reason: Annotated[str, Field(max_length=4096)]
    path: Annotated[str, Field(max_length=1024)] = ""
    error: Identifier
    origin: Identifier
    format: Identifier | None = None
    key: str | None = None
    at: UtcTime
    payload: str
    payload_bytes: Annotated[int, Field(ge=0)]
    truncated: bool = False
    engine: str
