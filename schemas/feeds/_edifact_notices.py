"""APERAK, an answer of the receiver's application, as a notice about a declaration.

CONTRL is none: it speaks of interchanges and messages by their transmission references and never names a declaration, so it
says nothing here. A wrong count in UNT is let pass, which public APERAK have (pydifact's test messages, for one): what a notice
says stands in two or three segments, and there is nothing in it to be judged that could get lost.
"""

from __future__ import annotations

from datetime import datetime
from typing import Final

from pydantic import ValidationError

from schemas.declaration import Source
from schemas.feeds import Arrival
from schemas.feeds._edifact_codes import COUNT_DIFFERS
from schemas.feeds._edifact_parts import DECLARATION_NUMBERS
from schemas.feeds._edifact_syntax import Interchange, Transmission
from schemas.feeds._edifact_values import moment, prepared
from schemas.feeds._fields import contract_mistake
from schemas.message import Message, Named

FORMAT: Final = "edifact-aperak"

#: 1153, of the message that is answered: declarant's reference, the reference of the previous message, of the document.
_LOCAL: Final = ("ABE", "ACW", "ABO")
#: BGM, 4343 "Response type code" (rejected) and 1225 (not accepted): a refusal even if no error is listed.
_REJECTED: Final = "RE"
_NOT_ACCEPTED: Final = "27"


def decode(message: Transmission, interchange: Interchange, arrival: Arrival, system: str) -> Message | None:
    """Decode one APERAK: rejected where it lists an error (ERC) or refuses, else accepted; None if it names no declaration."""
    if message.mistake is not None and message.mistake.code != COUNT_DIFFERS:
        raise message.mistake
    heard = _Heard(message)
    numbers = (heard.references[kind] for kind in DECLARATION_NUMBERS if kind in heard.references)
    mrn = next(("".join(number.split()).upper() for number in numbers), None)
    local = next((heard.references[kind] for kind in _LOCAL if kind in heard.references), None)
    if mrn is None and local is None:
        return None
    try:
        return Message(
            event="rejected" if heard.refused else "accepted",
            named=Named(mrn=mrn, local_reference=local),
            source=Source(system=system, format=FORMAT, received_at=arrival.received_at, origin=arrival.origin),
            at=heard.at or prepared(interchange) or arrival.received_at,
            reference=heard.bgm.get(2),
            reason="; ".join(text for text in heard.texts if text)[:8192] or None,
        )
    except ValidationError as error:
        problems = error.errors(include_url=False, include_context=False)
        raise contract_mistake(problems, heard.bgm.path()) from None


class _Heard:
    """What the segments of an APERAK say, wherever they stand."""

    def __init__(self, message: Transmission) -> None:
        self.bgm = message.segment(0)
        self.refused = False
        self.at: datetime | None = None
        self.texts: list[str] = []
        self.references: dict[str, str] = {}
        for segment in message.segments():
            tag = segment.tag
            if tag == "BGM":
                self.bgm = segment
                self.refused = self.refused or segment.get(3) == _NOT_ACCEPTED or segment.get(4) == _REJECTED
            elif tag == "ERC":
                self.refused = True
                self.texts.append(f"error {segment.get(1)}")
            elif tag == "FTX":
                self.texts.append(segment.prose(4))
            elif tag == "DTM" and self.at is None and segment.get(1) == "137":
                self.at = moment(segment)
            elif tag == "RFF" and (reference := segment.get(1, 2)) is not None:
                self.references.setdefault((segment.get(1) or "").upper(), reference)
            elif tag == "DOC" and (reference := segment.get(2)) is not None:
                self.references.setdefault("ACW", reference)
