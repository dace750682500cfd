"""What a feed message says of a declaration, before anybody knows which declaration that is (see ``streams.intake``).

A lodgement says everything at once. An amendment may say only what changes, a notification only that something happened, and
both may use another name for the declaration than the lodgement did: an MRN that was given on acceptance, or a UCR. A codec
says what its message says; the intake finds the declaration, gives the version, and writes the declaration in full.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field

from schemas.declaration import Declaration, Event, Source
from schemas.types import Contract, Identifier, LongText, UtcTime


class Named(Contract):
    """The names by which a message speaks of a declaration; a codec gives every one that the message carries.

    ``declaration_id`` only where the message itself holds all that it is made of (source system, declarant, local
    reference). ``mrn`` is upper case without blanks.
    """

    declaration_id: Identifier | None = None
    declarant: Identifier | None = None
    local_reference: Identifier | None = None
    mrn: Identifier | None = None
    ucr: Identifier | None = None


class Edit(Contract):
    """One change to the declaration as it stood before.

    Attributes
    ----------
    path : a JSON pointer into the canonical declaration; items are named by their number, ``/items/#3/net_mass_kg``, and
        members of other lists by their place from 0, ``/items/#3/documents/2/reference``. A member just behind the end of a
        list is added; parts that are missing on the way are made.
    op : ``set`` writes ``value`` (JSON of the contract's type), ``remove`` takes away what is there, if anything is.
    """

    op: Literal["set", "remove"]
    path: Annotated[str, Field(pattern=r"^(/[^/]+)+$", max_length=1024)]
    value: Any = None


class Message(Contract):
    """One message of a feed, or the part of it that concerns one declaration.

    Attributes
    ----------
    event : what it makes of the declaration.
    named : how it names the declaration.
    at : when it was said, by the message itself; null where it does not say.
    version : of the declaration that it makes or speaks of, where it states one (1 for a lodgement).
    declaration : the whole declaration, where the message carries it: lodgements and amendments that restate. Its ``version``
        counts only if ``version`` is stated here.
    edits : what changes, for an amendment that does not restate.
    reference : the message's own reference, which a later answer may name.
    reason : why, in the message's words or code.
    """

    schema_: Annotated[Literal["message/1"], Field(alias="schema")] = "message/1"
    event: Event
    named: Named
    source: Source
    at: UtcTime | None = None
    version: Annotated[int, Field(ge=1, le=1_000_000)] | None = None
    declaration: Declaration | None = None
    edits: Annotated[list[Edit], Field(max_length=100_000)] = Field(default_factory=list)
    reference: Identifier | None = None
    reason: LongText | None = None

    @classmethod
    def of(cls, declaration: Declaration, version: int | None = None, reference: str | None = None) -> Message:
        """Return the message that carries a whole declaration."""
        declarant = declaration.declarant
        return cls(
            event=declaration.event,
            named=Named(
                declaration_id=declaration.declaration_id,
                declarant=declarant.id if declarant else None,
                local_reference=declaration.local_reference,
                mrn=declaration.mrn,
                ucr=declaration.ucr,
            ),
            source=declaration.source,
            at=declaration.lodged_at,
            version=version,
            declaration=declaration,
            reference=reference,
        )
