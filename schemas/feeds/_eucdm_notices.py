"""Requests and notices about a declaration in NCTS phase 5 and AES: they name it by MRN or LRN and say what happened.

Decisions that the messages leave open:

- A cancellation request (CC014C, CC514C) is ``cancelled``, as in UK CDS; what customs decide of it (CC009C, CC509C) confirms
  it, or refuses it.
- A refusal of a request (decision 0; a rejection of type 013 or 014, AES 513 or 514) is no rejection of the declaration. It is
  ``rejected`` with the *request's* reference as ``named.local_reference``: the ``correlationIdentifier``, which repeats the
  ``messageIdentification`` that the request carried as :attr:`schemas.message.Message.reference`. Without that identifier, or for
  other requests (presentation, release), nothing changes and nothing is said: the list of messages is empty.
- "No release" (CC051C, CC551C) is ``controlled``: customs hold the goods. ``rejected`` would end the judging of goods that
  customs found wanting.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Final, Literal, NamedTuple

from schemas.declaration import Event
from schemas.feeds import _lenient
from schemas.feeds._eucdm import party_name
from schemas.feeds._fields import Row
from schemas.feeds._told import errors_shown, identity, message
from schemas.feeds._xml import Node
from schemas.message import Message

_MAX_REASON: Final = 8192


class Notice(NamedTuple):
    """What a message says: an event, or a decision or rejection that must be read; ``times`` are paths, the best first."""

    event: Event | Literal["decision", "rejection"]
    times: tuple[tuple[str, ...], ...] = ()
    reasons: tuple[tuple[str, ...], ...] = ()


class System(NamedTuple):
    """Where a system's messages name the declaration."""

    operation: str
    declarants: tuple[str, ...]


NCTS: Final = System("TransitOperation", ("HolderOfTheTransitProcedure",))
AES: Final = System("ExportOperation", ("Declarant",))


def notices(first_digit: str) -> Mapping[str, Notice]:
    """Return the notices that both systems have under the same last two digits: NCTS begins with 0, AES with 5."""
    operation = AES.operation if first_digit == "5" else NCTS.operation
    asked = ("Invalidation", "requestDateAndTime")
    why = (("Invalidation", "justification"),)
    by_digits: dict[str, Notice] = {
        "04": Notice("accepted", ((operation, "amendmentAcceptanceDateAndTime"),)),
        "09": Notice("decision", (("Invalidation", "decisionDateAndTime"), asked), why),
        "14": Notice("cancelled", (asked,), why),
        "28": Notice("accepted"),
        "29": Notice("released"),
        "51": Notice(
            "controlled", (), ((operation, "noReleaseMotivationCode"), (operation, "noReleaseMotivationText"))
        ),
        "56": Notice("rejection", ((operation, "rejectionDateAndTime"),)),
        "60": Notice("controlled", ((operation, "controlNotificationDateAndTime"),), (("TypeOfControls", "text"),)),
    }
    return {f"CC{first_digit}{digits}C": notice for digits, notice in by_digits.items()}


#: Days, for messages whose only time is one; ``preparationDateAndTime`` is more exact.
_DAYS: Final = ("declarationAcceptanceDate", "releaseDate", "exitDate")


def read(node: Node, notice: Notice, system: System, source: Row) -> list[Message]:
    """Return what a request or notice says: one message, or none if nothing changes for the declaration.

    ``node`` is the message's element; some gateways put its header into ``Header`` and the rest into ``Body``.
    """
    header, body = node.one("Header") or node, node.one("Body") or node
    operation = body.one(system.operation)
    declarant = next((name for group in system.declarants if (name := party_name(body.one(group)))), None)
    reference = operation.text("LRN") if operation is not None else None
    number = _lenient.mrn(operation.text("MRN")) if operation is not None else None
    named: Row = {
        "declaration_id": identity(source["system"], declarant, reference),
        "declarant": declarant,
        "local_reference": reference,
        "mrn": number,
    }
    event, reason = notice.event, _reason(body, notice)
    if event in ("decision", "rejection"):
        refused_request = _refuses_a_request(body, operation, event, number)
        reason = reason or _why_rejected(body, operation)
        event = "cancelled" if event == "decision" else "rejected"
        if refused_request:
            request = header.text("correlationIdentifier")
            if request is None or refused_request == "other":
                return []
            event = "rejected"
            named |= {"declaration_id": None, "local_reference": request}
    fields = {
        "event": event,
        "named": named,
        "source": source,
        "at": time(header, body, operation, notice),
        "reference": header.text("messageIdentification"),
        "reason": reason,
    }
    return [message(fields, node)]


def _refuses_a_request(
    body: Node, operation: Node | None, event: str, number: str | None
) -> Literal["", "request", "other"]:
    """Say whether this refuses an amendment or a cancellation, some other request, or nothing but the declaration itself."""
    if event == "decision":
        decision, by_customs = body.text("Invalidation", "decision"), body.text("Invalidation", "initiatedByCustoms")
        if decision is None and by_customs != "1":
            place = body.one("Invalidation") or body
            raise place.wrong("decision is missing, which says whether the cancellation is granted (1) or not (0)")
        return "request" if decision in ("0", "false") else ""
    kind = operation.text("businessRejectionType") if operation is not None else None
    if kind is None:
        return "request" if number is not None else ""  # A lodgement that is not taken has no MRN yet.
    if kind.endswith("15"):
        return ""
    return "request" if kind.endswith(("13", "14")) else "other"


def _reason(body: Node, notice: Notice) -> str | None:
    said = [text for path in notice.reasons if (text := body.text(*path)) is not None]
    return " ".join(said)[:_MAX_REASON] or None


def _why_rejected(body: Node, operation: Node | None) -> str | None:
    said = []
    if operation is not None:
        if (words := operation.text("rejectionReason")) is not None:
            said.append(words[:2_000])
        elif (code := operation.text("rejectionCode")) is not None:
            said.append(f"rejection code {code[:100]}")
    if (errors := errors_shown(body.all("FunctionalError"), "errorCode", "errorReason", "errorPointer")) is not None:
        said.append(errors)
    return ": ".join(said)[:_MAX_REASON] or None


def time(header: Node, body: Node, operation: Node | None, notice: Notice) -> datetime | None:
    """Return when it was said: the time of the step itself, of the message, or the day of the step."""
    for path in notice.times:
        if (found := _lenient.moment(body.one(*path))) is not None:
            return found
    if (found := _lenient.moment(header.one("preparationDateAndTime"))) is not None:
        return found
    if operation is not None:
        for name in _DAYS:
            if (found := _lenient.moment(operation.one(name))) is not None:
                return found
    return None
