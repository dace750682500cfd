"""UK inventory linking: arrivals and departures of goods that cargo systems report to customs, by UCR or entry number.

``inventoryLinkingMovementRequest`` (exports) names a declaration by its UCR (type D), or all below a master UCR by that
(type M); ``inventoryLinkingImportsGoodsArrival`` by its entry number, which is the MRN. HMRC, "Customs Declarations End-to-End
Service Guide", inventory linking: EAL is an export's arrival at a location, EDL its departure from it, EAA an anticipated
arrival. RET, an arrival reported later, is a code of HMRC's movements service. A departure may also be goods that go back
inland because the export was given up; the message does not tell the two apart.

Some messages change nothing for a declaration, and decoding them gives no messages: an *anticipated* arrival (the goods are
not there yet), and the consolidation of UCRs (associating them, shutting a master).
"""

from __future__ import annotations

from typing import Final

from schemas.declaration import Event
from schemas.feeds import Arrival, _lenient
from schemas.feeds._fields import Row
from schemas.feeds._told import looks_like, message, messages, opened, source
from schemas.feeds._xml import Node
from schemas.message import Message

FORMAT: Final = "inventory-linking"

_MOVEMENT: Final = "inventoryLinkingMovementRequest"
_IMPORT: Final = "inventoryLinkingImportsGoodsArrival"
_CONSOLIDATION: Final = "inventoryLinkingConsolidationRequest"
_KNOWN: Final = frozenset({_MOVEMENT, _IMPORT, _CONSOLIDATION})
_BEGINS: Final = messages(_KNOWN)

#: Message code -> what has happened to the goods, ``None`` if nothing yet.
_MOVEMENTS: Final[dict[str, Event | None]] = {"EAL": "arrived", "RET": "arrived", "EDL": "exited", "EAA": None}


class Ils:
    """The codec ``ils``: movements of goods that UK cargo systems report."""

    name = "ils"
    #: Movements speak of declarations of CDS by their UCR, so they are told to the intake of that system.
    system = "cds"

    def sniff(self, raw: bytes) -> bool:
        """Say whether this is XML with one of the messages as its root or within the first 64 KiB."""
        return looks_like(raw, (b"inventoryLinking",), _BEGINS)

    def decode(self, raw: bytes, arrival: Arrival) -> list[Message]:
        """Decode one message; see :class:`schemas.feeds.Codec`. What changes nothing for a declaration gives none."""
        root, found = opened(raw, _KNOWN.__contains__)
        if not found:
            raise root.wrong(
                f"no inventory linking message that is read here ({', '.join(sorted(_KNOWN))}) in <{root.name}>"
            )
        told: list[Message] = []
        for node in found:
            said_by = source(arrival, CODEC.system, FORMAT)
            if node.name == _MOVEMENT:
                told += _moved(node, said_by)
            elif node.name == _IMPORT:
                told.append(_import_arrived(node, said_by))
        return told


CODEC = Ils()


def _moved(node: Node, said_by: Row) -> list[Message]:
    """Return what an export movement says of the declaration, or of all below a master UCR."""
    code = (node.text("messageCode") or "").upper()
    if code not in _MOVEMENTS:
        place = node.one("messageCode") or node
        raise place.wrong(f"the message code {code[:20]!r} is none of {', '.join(sorted(_MOVEMENTS))}")
    event = _MOVEMENTS[code]
    ucr = node.text("ucrBlock", "ucr")
    if ucr is None:
        raise (node.one("ucrBlock") or node).wrong("ucr is missing: no declaration is named")
    if event is None:
        return []
    when = "goodsDepartureDateTime" if event == "exited" else "goodsArrivalDateTime"
    return [
        message(
            {
                "event": event,
                "named": {"ucr": ucr},
                "source": said_by,
                "at": _lenient.moment(node.one(when)),
                "reference": node.text("movementReference"),
                "reason": code,
            },
            node,
        )
    ]


def _import_arrived(node: Node, said_by: Row) -> Message:
    """Return the arrival of imported goods: of the version of the entry that the message states."""
    number, ucr = _lenient.mrn(node.text("entryNumber")), node.text("inventoryConsignmentReference")
    if number is None and ucr is None:
        raise node.wrong("neither entryNumber nor inventoryConsignmentReference: no declaration is named")
    return message(
        {
            "event": "arrived",
            "named": {"mrn": number, "ucr": ucr},
            "source": said_by,
            "version": _lenient.count(node.one("entryVersionNumber"), _lenient.MAX_VERSION) or None,
        },
        node,
    )
