"""The EU's and UK's transit system NCTS, phase 5: declarations (CC015C), amendments (CC013C), and what becomes of them.

The paths are those of the functional specification DDNTA for phase 5 and of HMRC's CTC Traders API. A message may stand in a
wrapper. A transit declaration carries no value, no origin and no procedure: those are ``None``. Transit lays data on three
levels, consignment, house consignment and item; what a house consignment says counts for its items.

``exit_office`` is the office of exit for transit, else the first office of transit, else the office of destination. Parties and
countries of house consignments or items are taken only where the consignment has none, and then the first ones.
"""

from __future__ import annotations

from typing import Final

from schemas.feeds import Arrival, _eucdm, _lenient
from schemas.feeds._eucdm_notices import NCTS, Notice, notices, read
from schemas.feeds._fields import Row
from schemas.feeds._told import declaration, identity, items_of, looks_like, message, messages, opened, source
from schemas.feeds._xml import Node
from schemas.message import Message

FORMAT: Final = "ncts5"

_LODGEMENT: Final = "CC015C"
_AMENDMENT: Final = "CC013C"
_NOTICES: Final = {
    **notices("0"),
    "CC007C": Notice("arrived", (("TransitOperation", "arrivalNotificationDateAndTime"),)),
    "CC170C": Notice("arrived"),
}
_KNOWN: Final = frozenset({_LODGEMENT, _AMENDMENT, *_NOTICES})
_BEGINS: Final = messages(_KNOWN)

#: In the declaration of an amendment that does not say whose it is: ``named`` is then without it, the intake gives the real one.
_UNNAMED: Final = "unnamed"

_PLACES: Final = {
    "declaration_id": "TransitOperation/LRN",
    "mrn": "TransitOperation/MRN",
    "local_reference": "TransitOperation/LRN",
    "ucr": "Consignment/referenceNumberUCR",
    "lodged_at": "preparationDateAndTime",
    "declaration_type": "TransitOperation/declarationType",
    "office": "CustomsOfficeOfDeparture/referenceNumber",
    "exit_office": "CustomsOfficeOfTransitDeclared/referenceNumber",
    "declarant": "HolderOfTheTransitProcedure",
    "agent": "Representative",
    "exporter": "Consignment/Consignor",
    "consignee": "Consignment/Consignee",
    "carrier": "Consignment/Carrier",
    "transport": "Consignment",
    "documents": "Consignment/SupportingDocument",
    "previous_documents": "Consignment/PreviousDocument",
    "items": "Consignment/HouseConsignment/ConsignmentItem",
    **_eucdm.ITEM_PLACES,
}


class Ncts:
    """The codec ``ncts``: transit declarations and what is said of them, each message in its own element or in wrappers."""

    name = "ncts"
    system = "ncts"

    def sniff(self, raw: bytes) -> bool:
        """Say whether this is XML with one of the messages as its root or within the first 64 KiB."""
        return looks_like(raw, (b"CC0", b"CC1"), _BEGINS)

    def decode(self, raw: bytes, arrival: Arrival) -> list[Message]:
        """Decode one message; see :class:`schemas.feeds.Codec`. Requests that leave the declaration as it is give none."""
        root, found = opened(raw, _KNOWN.__contains__)
        if not found:
            raise root.wrong(f"no NCTS message that is read here ({', '.join(sorted(_KNOWN))}) in <{root.name}>")
        told: list[Message] = []
        for node in found:
            said_by = source(arrival, CODEC.system, FORMAT)
            notice = _NOTICES.get(node.name)
            told += [_whole(node, arrival, said_by)] if notice is None else read(node, notice, NCTS, said_by)
        return told


CODEC = Ncts()


def _whole(node: Node, arrival: Arrival, said_by: Row) -> Message:
    """Return a lodgement, or an amendment, which states the whole declaration anew."""
    header, body = node.one("Header") or node, node.one("Body") or node
    operation = body.one("TransitOperation")
    consignment = body.one("Consignment")
    if operation is None:
        raise node.wrong("TransitOperation is missing: no identity without it")
    if consignment is None:
        raise node.wrong("Consignment is missing: nothing is declared")
    amended = node.name == _AMENDMENT
    said = _lenient.moment(header.one("preparationDateAndTime"))
    at = said or arrival.received_at
    if at is None:
        raise node.wrong("preparationDateAndTime is missing or no time, and the time of arrival is not known")
    holder, agent = body.one("HolderOfTheTransitProcedure"), body.one("Representative")
    declarant = _eucdm.party_name(holder) or _eucdm.party_name(agent)
    reference, number = operation.text("LRN"), _lenient.mrn(operation.text("MRN"))
    if reference is None and not amended:
        raise operation.wrong("LRN is missing: no identity without it")
    sender = header.text("messageSender")
    # An amendment may leave the holder and the LRN out: then only the MRN says whose declaration it is.
    who = declarant or (sender.upper() if sender and reference else None)
    if who is None and not amended:
        raise (holder or body).wrong(
            "no holder of the transit procedure, no representative, no messageSender: no identity"
        )
    houses = consignment.all("HouseConsignment")
    nodes = [goods for house in houses for goods in house.all("ConsignmentItem")]
    items_of(nodes, consignment, "HouseConsignment/ConsignmentItem")
    fields: Row = {
        "event": "amended" if amended else "lodged",
        "declaration_id": identity(said_by["system"], who or _UNNAMED, reference or number or _UNNAMED),
        "mrn": _lenient.contract_mrn(number),
        "local_reference": reference,
        "lodged_at": at,
        "source": said_by,
        "regime": "transit",
        "declaration_type": operation.text("declarationType"),
        "office": body.text("CustomsOfficeOfDeparture", "referenceNumber"),
        "exit_office": _exit_office(body),
        "declarant": _eucdm.party(holder) or _eucdm.party(agent),
        "agent": _eucdm.party(agent),
        **_goods(consignment, houses, nodes),
    }
    whole = declaration(fields, node, nodes, _PLACES)
    return message(
        {
            "event": fields["event"],
            "named": {
                "declaration_id": identity(said_by["system"], who, reference),
                "declarant": who,
                "local_reference": reference,
                "mrn": number,
                "ucr": fields["ucr"],
            },
            "source": said_by,
            "at": said,
            "version": None if amended else 1,
            "declaration": whole,
            "reference": header.text("messageIdentification"),
        },
        node,
    )


def _exit_office(body: Node) -> str | None:
    for group in (
        "CustomsOfficeOfExitForTransitDeclared",
        "CustomsOfficeOfTransitDeclared",
        "CustomsOfficeOfDestinationDeclared",
    ):
        for office in _lenient.ordered(body.all(group), "sequenceNumber"):
            if (number := office.text("referenceNumber")) is not None:
                return number
    return None


def _goods(consignment: Node, houses: list[Node], nodes: list[Node]) -> Row:
    """Return what stands in the consignment and below: the items of all house consignments in one list."""
    levels = (consignment, *houses, *nodes)
    papers, previous = _eucdm.documents(consignment), _eucdm.documents(consignment, _eucdm.PREVIOUS)
    items: list[Row] = []
    for house in houses:
        its = [_eucdm.item(goods) for goods in house.all("ConsignmentItem")]
        above = its if len(houses) > 1 else []
        papers += _eucdm.hand_down(_eucdm.documents(house), above, "documents")
        previous += _eucdm.hand_down(_eucdm.documents(house, _eucdm.PREVIOUS), above, "previous_documents")
        items += its
    _lenient.number_items(items)
    return {
        "ucr": consignment.text("referenceNumberUCR") or _eucdm.only((*houses, *nodes), "referenceNumberUCR"),
        "exporter": _eucdm.first_party(level.one("Consignor") for level in levels),
        "consignee": _eucdm.first_party(level.one("Consignee") for level in levels),
        "carrier": _eucdm.party(consignment.one("Carrier")),
        "country_of_export": _lenient.first_country(levels, "countryOfDispatch"),
        "country_of_destination": _lenient.first_country(levels, "countryOfDestination"),
        "routing": _eucdm.routing(consignment),
        "transport": _eucdm.transport(consignment),
        "gross_mass_kg": _lenient.mass(consignment.one("grossMass")),
        "documents": papers,
        "previous_documents": previous,
        "items": items,
    }
