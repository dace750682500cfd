"""UK Customs Declaration Service: WCO Data Model 3.6 XML, ``MetaData/Declaration`` and ``MetaData/Response``.

Read are export and import lodgements (function code 9), the additional messages of function code 13 (``COR`` amendment,
``INV`` cancellation request, ``GPR`` presentation of the goods: see :mod:`schemas.feeds._cds_amendment`) and DMS
notifications (:mod:`schemas.feeds._cds_notification`), with namespaces or none, with the envelope or without.

The paths are those of HMRC's "Customs Declarations" API; DE numbers are the UK tariff's data elements. One decoded
declaration carries what the message says and no more: absent is ``None``, and so is a zero mass or value.
"""

from __future__ import annotations

from typing import Final

from pydantic import ValidationError

from schemas.declaration import Declaration
from schemas.feeds import Arrival, _xml
from schemas.feeds import _cds_amendment as additional
from schemas.feeds import _cds_parts as parts
from schemas.feeds._cds_notification import notification
from schemas.feeds._codelists import country
from schemas.feeds._fields import Row, at_most_items, mass, moment, money, whole
from schemas.feeds._xml import Node
from schemas.message import Message

FORMAT: Final = "wco-dm-3.6"

_ORIGINAL: Final = "9"
#: The namespaces of the WCO's model begin so: what tells its Response from others.
_NAMESPACE: Final = b"urn:wco:datamodel"


class Cds:
    """The codec ``cds``: lodgements (pre-lodged or arrived, full or simplified), what follows them, and notifications."""

    name = "cds"
    system = "cds"
    roots = ("MetaData", "Declaration")

    def sniff(self, raw: bytes) -> bool:
        """Say whether the root element is the WCO envelope, or what stands in it."""
        root = _xml.first_root(raw)
        return root in self.roots or (root == "Response" and _NAMESPACE in raw[:4096])

    def decode(self, raw: bytes, arrival: Arrival) -> list[Message]:
        """Decode one envelope; see :class:`schemas.feeds.Codec`."""
        root = _xml.parse(raw)
        if root.name == "MetaData":
            found = [*root.all("Declaration"), *root.all("Response")]
        elif root.name in ("Declaration", "Response"):
            found = [root]
        else:
            raise root.wrong(f"the root <{root.name}> is not a WCO declaration")
        if not found:
            kind = root.text("WCOTypeName")
            raise root.wrong(f"no Declaration and no Response in this message (WCO type name {kind})")
        return [_message(node, arrival) for node in found]


CODEC = Cds()


def _message(node: Node, arrival: Arrival) -> Message:
    source = {
        "system": arrival.system or CODEC.system,
        "format": FORMAT,
        "received_at": arrival.received_at,
        "origin": arrival.origin,
    }
    if node.name == "Response":
        return notification(node, source)
    function, kind = node.text("FunctionCode"), (node.text("TypeCode") or "").upper()
    if kind in additional.TYPES:
        return additional.message(node, kind, source)
    if function is None:
        raise node.wrong("FunctionCode is missing, which says what the message is (9 is a lodgement)")
    if not kind:
        raise node.wrong("TypeCode is missing, which says what is declared (such as EXA, EXD, IMA)")
    if function.lstrip("0") != _ORIGINAL:
        place = node.one("FunctionCode") or node
        raise place.wrong(
            f"a message of function code {function} and type {kind}: neither a lodgement nor what follows one"
        )
    return Message.of(_declaration(node, kind, source, arrival), version=1)


def _regime(node: Node, kind: str) -> str:
    """Return export or import. ``CO`` (special fiscal territories) goes both ways: only exports have an exit office."""
    if kind.startswith("EX"):
        return "export"
    if kind.startswith("IM"):
        return "import"
    if kind.startswith("CO"):
        return "export" if node.one("ExitOffice") is not None else "import"
    place = node.one("TypeCode") or node
    raise place.wrong(f"TypeCode {kind!r} is neither an export (EX.), an import (IM.) nor CO.")


def _identity(node: Node, system: str) -> str:
    """Return ``{system}:{declarant's EORI}:{LRN}`` (DE 3/18 and 2/5): no lodged message carries an MRN yet."""
    declarant, reference = node.text("Declarant", "ID"), node.text("FunctionalReferenceID")
    if declarant is None:
        raise (node.one("Declarant") or node).wrong("Declarant/ID (EORI, DE 3/18) is missing: no identity without it")
    if reference is None:
        raise node.wrong("FunctionalReferenceID (LRN, DE 2/5) is missing: no identity without it")
    return f"{system}:{declarant.upper()}:{reference}"


def _declaration(node: Node, kind: str, source: Row, arrival: Arrival) -> Declaration:
    regime = _regime(node, kind)
    lodged_at = moment(node.one("IssueDateTime")) or moment(node.one("AcceptanceDateTime")) or arrival.received_at
    if lodged_at is None:
        raise node.wrong("neither IssueDateTime nor AcceptanceDateTime, and the time of arrival is not known")
    shipment = node.one("GoodsShipment")
    if shipment is None:
        raise node.wrong("GoodsShipment is missing: nothing is declared")
    goods = at_most_items(shipment.all(parts.ITEM))
    items = [parts.item(item, position) for position, item in enumerate(goods, 1)]
    invoice = money(node.one("InvoiceAmount"))
    previous = [parts.previous_document(document) for document in shipment.all("PreviousDocument")]
    if len(items) == 1 and items[0]["value"] is None:
        items[0]["value"] = invoice
    fields: Row = {
        "event": "lodged",
        "declaration_id": _identity(node, source["system"]),
        "local_reference": node.text("FunctionalReferenceID"),
        "mrn": parts.mrn(node.text("ID")),
        "ucr": _ucr(shipment, previous),
        "lodged_at": lodged_at,
        "source": source,
        "regime": regime,
        "declaration_type": kind,
        "procedure": items[0]["procedure"] if items else None,
        "office": node.text("DeclarationOfficeID") or node.text("PresentationOffice", "ID"),
        "exit_office": node.text("ExitOffice", "ID"),
        "declarant": parts.party(node.one("Declarant")),
        "agent": parts.party(node.one("Agent")),
        "exporter": _exporter(node, shipment, goods),
        "consignee": _consignee(shipment, goods, regime),
        "notify": parts.party(shipment.one("NotifyParty")) or parts.party(node.one("Consignment", "NotifyParty")),
        "carrier": parts.party(node.one("Consignment", "Carrier")),
        "country_of_export": country(_anywhere(shipment, goods, "ExportCountry", "ID")),
        "country_of_destination": country(_anywhere(shipment, goods, "Destination", "CountryCode")),
        "routing": parts.routing(node),
        "transport": parts.transport(node, shipment, goods),
        "gross_mass_kg": mass(node.one("TotalGrossMassMeasure")),
        "package_count": whole(node.one("TotalPackageQuantity")) or None,
        "invoice_value": invoice,
        "documents": [parts.document(document) for document in node.all("AdditionalDocument")],
        "previous_documents": previous,
        "items": items,
    }
    try:
        return Declaration.model_validate(fields)
    except ValidationError as error:
        raise parts.mistake(error, node, goods) from None


def _anywhere(shipment: Node, goods: list[Node], *path: str) -> str | None:
    """Return what stands at shipment level, else with the first item that has it."""
    stated = shipment.text(*path)
    if stated is not None:
        return stated
    return next((text for item in goods if (text := item.text(*path)) is not None), None)


def _party_of_items(goods: list[Node], *roles: str) -> Row | None:
    for item in goods:
        for role in roles:
            if (node := item.one(role)) is not None and (found := parts.party(node)) is not None:
                return found
    return None


def _exporter(node: Node, shipment: Node, goods: list[Node]) -> Row | None:
    """Return DE 3/1-3/2; where it is left out, the consignor of the security data (3/7-3/8), or that of an item."""
    return (
        parts.party(node.one("Exporter"))
        or parts.party(shipment.one("Exporter"))
        or parts.party(node.one("Consignment", "Consignor"))
        or parts.party(shipment.one("Consignor"))
        or _party_of_items(goods, "Exporter", "Consignor")
    )


def _consignee(shipment: Node, goods: list[Node], regime: str) -> Row | None:
    """Return DE 3/9-3/10 (shipment, else the first item that has one); for an import the importer, DE 3/15-3/16."""
    importer = parts.party(shipment.one("Importer"))
    if regime == "import" and importer is not None:
        return importer
    return parts.party(shipment.one("Consignee")) or _party_of_items(goods, "Consignee") or importer


def _ucr(shipment: Node, previous: list[Row]) -> str | None:
    """Return the declaration's UCR: the one of type DCR among the previous documents, by which the UK's inventory linking
    names an export, else DE 2/4.
    """
    declared = (document["reference"] for document in previous if document["type"].endswith("DCR"))
    return next(filter(None, declared), None) or shipment.text("UCR", "TraderAssignedReferenceID")
