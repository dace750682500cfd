"""DMS notifications of CDS (``MetaData/Response``) as events in the life of a declaration.

What each function code says is HMRC's "Customs Declarations End-to-End Service Guide", page "Receiving notifications"
(repository hmrc/customs-declarations-end-to-end-service-guide, ``notifications.html.md.erb``); the names of the codes are also in
``SubmissionStatus.scala`` of hmrc/customs-declare-exports-frontend. Decided here:

- ``accepted`` is every notification that the system has taken the declaration and gave it an MRN: legal acceptance (01) and
  registration (02). The answers that say nothing more of its life are the same harmless event: decisions on an additional
  message (11), duties and payment (13, 14, 15), manual handling (17), exit results outstanding (18). They still tell which MRN
  belongs to which local reference;
- ``controlled``: physical examination (05), documents asked for (06), a decision of Defra that delays clearance (50), a
  query (51);
- ``released``: goods released (08) and declaration cleared (09);
- ``amended`` (07) tells that corrections were made. It has no edits: they are those of the amendment, which would be applied
  twice;
- ``rejected`` (03) may speak of an additional message: then ``Declaration/FunctionalReferenceID`` is that message's reference
  and not the LRN, which only who knows both can tell.

``VersionID`` is left aside: CDS counts arrivals (GPR) as well as amendments (in HMRC's examples what follows a GPR says 2), and
amendments do not say which version they make. Who waited for "version 2" to come would wait in vain; the time of each message
orders them.
"""

from __future__ import annotations

from typing import Final

from pydantic import ValidationError

from schemas.feeds import _cds_parts as parts
from schemas.feeds._fields import Row, contract_mistake, moment
from schemas.feeds._xml import Node
from schemas.message import Message

#: Function code -> HMRC's name of the notification, and what it makes of the declaration.
CODES: Final = {
    "01": ("DMSACC", "accepted"),
    "02": ("DMSRCV", "accepted"),
    "03": ("DMSREJ", "rejected"),
    "05": ("DMSCTL", "controlled"),
    "06": ("DMSDOC", "controlled"),
    "07": ("DMSRES", "amended"),
    "08": ("DMSROG", "released"),
    "09": ("DMSCLE", "released"),
    "10": ("DMSINV", "cancelled"),
    "11": ("DMSREQ", "accepted"),
    "13": ("DMSTAX", "accepted"),
    "14": ("DMSCPI", "accepted"),
    "15": ("DMSCPR", "accepted"),
    "16": ("DMSEOG", "exited"),
    "17": ("DMSEXT", "accepted"),
    "18": ("DMSGER", "accepted"),
    "50": ("DMSALV", "controlled"),
    "51": ("DMSQRY", "controlled"),
}

_MAX_REASON: Final = 8_192


def notification(node: Node, source: Row) -> Message:
    """Return what a ``Response`` says.

    Raises
    ------
    FeedError : its function code is missing or not one of :data:`CODES`, or it names no declaration.
    """
    function = node.text("FunctionCode")
    if function is None:
        raise node.wrong("FunctionCode is missing, which says what the notification is")
    known = CODES.get(function.zfill(2))
    if known is None:
        raise (node.one("FunctionCode") or node).wrong(f"no DMS notification has the function code {function[:20]!r}")
    code, event = known
    # A correction brings a second declaration, of the changed values: it has no name.
    about = next((named for named in node.all("Declaration") if _named(named)), None)
    if about is None:
        raise node.wrong(
            "no Declaration with an ID (MRN) or a FunctionalReferenceID (LRN): which one it is about is not said"
        )
    try:
        return Message.model_validate(
            {
                "event": event,
                "named": {"mrn": parts.mrn(about.text("ID")), "local_reference": about.text("FunctionalReferenceID")},
                "source": source,
                "at": moment(node.one("IssueDateTime")) or moment(about.one("AcceptanceDateTime")),
                "reference": node.text("FunctionalReferenceID"),
                "reason": _reason(node, code),
            }
        )
    except ValidationError as error:
        raise contract_mistake(error.errors(include_url=False, include_context=False), node.xpath) from None


def _named(declaration: Node) -> bool:
    return bool(declaration.text("ID") or declaration.text("FunctionalReferenceID"))


def _reason(node: Node, code: str) -> str:
    """Return the notification's name, its status, its statements and its errors, each once."""
    said: list[str | None] = [code]
    said.extend(f"status {name}" for status in node.all("Status") if (name := status.text("NameCode")) is not None)
    for known in node.all("AdditionalInformation"):
        said.append(known.text("StatementDescription") or known.text("StatementCode"))
    for error in node.all("Error"):
        said.append(" ".join(filter(None, (error.text("ValidationCode"), error.text("Description")))))
    return "; ".join(dict.fromkeys(filter(None, said)))[:_MAX_REASON]
