"""The EU's Automated Export System (AES), also of Northern Ireland: export declarations, arrival at exit, and their answers.

CC515C lodges, CC513C restates, CC507C (IE507) announces the arrival at the office of exit, CC590C and CC599C say that the goods
have left; the rest are answers and requests as in transit (:mod:`schemas.feeds._eucdm_notices`). The paths are those of the
EUCDM, as in the functional specification DDNXA and public message builders. HMRC's own envelope ``Submission`` holds an IE507
without its header.

The statistical value is in the currency of the country of the office of export (Implementing Regulation (EU) 2015/2447, annex B,
data element 99 06); the message does not repeat it.
"""

from __future__ import annotations

from datetime import datetime
from typing import Final

from schemas.feeds import Arrival, _eucdm, _lenient, _xml
from schemas.feeds._codelists import country
from schemas.feeds._eucdm_notices import AES, Notice, notices, read, time
from schemas.feeds._fields import Row
from schemas.feeds._told import declaration, identity, items_of, looks_like, message, messages, opened, source
from schemas.feeds._xml import Node
from schemas.message import Message

FORMAT: Final = "aes"

_LODGEMENT: Final = "CC515C"
_AMENDMENT: Final = "CC513C"
_ARRIVAL: Final = "CC507C"
#: HMRC's envelope of an IE507; the name alone says little, so its content is looked at.
_SUBMISSION: Final = "Submission"
_AT_EXIT: Final = Notice("arrived", (("ExportOperation", "arrivalNotificationDateAndTime"),))
_EXITED: Final = Notice("exited")
_NOTICES: Final = {**notices("5"), "CC590C": _EXITED, "CC599C": _EXITED}
_KNOWN: Final = frozenset({_LODGEMENT, _AMENDMENT, _ARRIVAL, _SUBMISSION, *_NOTICES})
_NAMED: Final = _KNOWN - {_SUBMISSION}
_BEGINS: Final = messages(_NAMED)
_SUBMISSION_BEGINS: Final = messages(["ExportOperation", "CustomsOfficeOfExitActual"])

#: Member states with a currency of their own (ISO 4217), and Northern Ireland; Bulgaria has the euro since 1 January 2026.
_OWN_CURRENCY: Final = {
    "CZ": "CZK", "DK": "DKK", "HU": "HUF", "PL": "PLN", "RO": "RON", "SE": "SEK", "XI": "GBP", "GB": "GBP",
}  # fmt: skip
_EURO: Final = frozenset(
    {
        "AT",
        "BE",
        "CY",
        "DE",
        "EE",
        "ES",
        "FI",
        "FR",
        "GR",
        "HR",
        "IE",
        "IT",
        "LT",
        "LU",
        "LV",
        "MT",
        "NL",
        "PT",
        "SI",
        "SK",
    }
)
_BULGARIA_JOINED: Final = 2026

_PLACES: Final = {
    "declaration_id": "ExportOperation/LRN",
    "local_reference": "ExportOperation/LRN",
    "mrn": "ExportOperation/MRN",
    "ucr": "GoodsShipment/Consignment/referenceNumberUCR",
    "declaration_type": "ExportOperation/declarationType",
    "procedure": "GoodsShipment/GoodsItem/Procedure",
    "office": "CustomsOfficeOfExport/referenceNumber",
    "exit_office": "CustomsOfficeOfExitDeclared/referenceNumber",
    "declarant": "Declarant",
    "agent": "Representative",
    "exporter": "Exporter",
    "consignee": "GoodsShipment/Consignment/Consignee",
    "carrier": "GoodsShipment/Consignment/Carrier",
    "invoice_value": "ExportOperation/totalAmountInvoiced",
    "documents": "GoodsShipment",
    "previous_documents": "GoodsShipment/PreviousDocument",
    "transport": "GoodsShipment/Consignment",
    "items": "GoodsShipment/GoodsItem",
    **_eucdm.ITEM_PLACES,
    "item value": "statisticalValue",
}


class Aes:
    """The codec ``aes``: export declarations of the EU and the notices about them."""

    name = "aes"
    system = "aes"

    def sniff(self, raw: bytes) -> bool:
        """Say whether this is XML with one of the messages as its root or within the first 64 KiB."""
        if looks_like(raw, (b"CC5",), _BEGINS):
            return True
        return _xml.looks_like(raw, _SUBMISSION) and looks_like(raw, (b"ExportOperation",), _SUBMISSION_BEGINS)

    def decode(self, raw: bytes, arrival: Arrival) -> list[Message]:
        """Decode one message; see :class:`schemas.feeds.Codec`. Requests that leave the declaration as it is give none."""
        root, found = opened(raw, _KNOWN.__contains__)
        if not found:
            raise root.wrong(f"no AES message that is read here ({', '.join(sorted(_NAMED))}) in <{root.name}>")
        told: list[Message] = []
        for node in found:
            said_by = source(arrival, CODEC.system, FORMAT)
            if node.name in (_ARRIVAL, _SUBMISSION):
                told += _arrived(node, said_by)
            elif (notice := _NOTICES.get(node.name)) is not None:
                told += read(node, notice, AES, said_by)
            else:
                told.append(_whole(node, arrival, said_by))
        return told


CODEC = Aes()


def _arrived(node: Node, said_by: Row) -> list[Message]:
    """Return the arrival at exit: of the declaration of the MRN or UCR, else one for each UCR of the items.

    The master reference (``parentUCRID``) speaks of several declarations, and is taken only where nothing else is stated.
    """
    header, body = node.one("Header") or node, node.one("Body") or node
    operation, shipment = body.one("ExportOperation"), body.one("GoodsShipment")
    if operation is None:
        raise node.wrong("ExportOperation is missing: this is no arrival at exit (IE507)")
    number = _lenient.mrn(operation.text("MRN"))
    consignment = shipment.one("Consignment") if shipment is not None else None
    own = consignment.text("referenceNumberUCR") if consignment is not None else None
    references: list[str | None] = [own]
    if own is None and number is None:
        goods = shipment.all("GoodsItem") if shipment is not None else []
        references = list(_lenient.unique(item.text("referenceNumberUCR") for item in goods))
        if not references:
            references = [consignment.text("parentUCRID") if consignment is not None else None]
    at = time(header, body, operation, _AT_EXIT)
    reference = header.text("messageIdentification") or body.text("submissionId")
    return [
        message(
            {
                "event": "arrived",
                "named": {"mrn": number, "ucr": ucr},
                "source": said_by,
                "at": at,
                "reference": reference,
            },
            node,
        )
        for ucr in references
    ]


def _whole(node: Node, arrival: Arrival, said_by: Row) -> Message:
    """Return a lodgement, or an amendment, which states the whole declaration anew."""
    header, body = node.one("Header") or node, node.one("Body") or node
    operation, shipment = body.one("ExportOperation"), body.one("GoodsShipment")
    if operation is None:
        raise node.wrong("ExportOperation is missing: no identity without it")
    if shipment is None:
        raise node.wrong("GoodsShipment is missing: nothing is declared")
    amended = node.name == _AMENDMENT
    declarant_node = body.one("Declarant") or body.one("Exporter")
    declarant = _eucdm.party_name(declarant_node) or _eucdm.party_name(body.one("Representative"))
    reference, number = operation.text("LRN"), _lenient.mrn(operation.text("MRN"))
    if reference is None and not amended:
        raise operation.wrong("LRN is missing: no identity without it")
    if declarant is None and not amended:
        raise body.wrong("no declarant, exporter or representative: no identity")
    said = _lenient.moment(header.one("preparationDateAndTime"))
    at = said or arrival.received_at
    if at is None:
        raise node.wrong("preparationDateAndTime is missing or no time, and the time of arrival is not known")
    nodes = items_of(shipment.all("GoodsItem"), shipment, "GoodsItem")
    own = f"{declarant or 'unnamed'}:{reference or number or 'unnamed'}"
    fields: Row = {
        "event": "amended" if amended else "lodged",
        "declaration_id": f"{said_by['system']}:{own}",
        "mrn": _lenient.contract_mrn(number),
        "local_reference": reference,
        "lodged_at": at,
        "source": said_by,
        "regime": "export",
        "declaration_type": _declaration_type(operation),
        "office": body.text("CustomsOfficeOfExport", "referenceNumber"),
        "exit_office": body.text("CustomsOfficeOfExitDeclared", "referenceNumber")
        or body.text("CustomsOfficeOfExitActual", "referenceNumber"),
        "declarant": _eucdm.party(declarant_node),
        "agent": _eucdm.party(body.one("Representative")),
        "exporter": _eucdm.first_party([body.one("Exporter"), shipment.one("Consignment", "Consignor")]),
        "invoice_value": _invoice(operation),
        **_goods(shipment, nodes, _currency(body, at)),
    }
    fields["procedure"] = fields["items"][0]["procedure"]
    return message(
        {
            "event": fields["event"],
            "named": {
                "declaration_id": identity(said_by["system"], declarant, reference),
                "declarant": declarant,
                "local_reference": reference,
                "mrn": number,
                "ucr": fields["ucr"],
            },
            "source": said_by,
            "at": said,
            "version": None if amended else 1,
            "declaration": declaration(fields, node, nodes, _PLACES),
            "reference": header.text("messageIdentification"),
        },
        node,
    )


def _declaration_type(operation: Node) -> str | None:
    """Return type and additional type in one, as CDS writes them: ``EX`` and ``A`` are ``EXA``."""
    kind = operation.text("declarationType")
    return f"{kind}{operation.text('additionalDeclarationType') or ''}".upper() if kind else None


def _invoice(operation: Node) -> Row | None:
    value, currency = _lenient.amount(operation.one("totalAmountInvoiced")), operation.text("invoiceCurrency")
    return _lenient.money(value, currency)


def _currency(body: Node, at: datetime) -> str | None:
    """Return the currency of the country whose office of export this is, ``None`` where that is not known."""
    where = country((body.text("CustomsOfficeOfExport", "referenceNumber") or "")[:2])
    if where == "BG":
        return "EUR" if at.year >= _BULGARIA_JOINED else None  # The lev is no longer a currency of ISO 4217.
    return "EUR" if where in _EURO else _OWN_CURRENCY.get(where or "")


def _goods(shipment: Node, nodes: list[Node], currency: str | None) -> Row:
    """Return what stands in the shipment, its consignment and its items."""
    consignment = shipment.one("Consignment")
    levels = (shipment, *([consignment] if consignment is not None else []), *nodes)
    items = [_item(node, currency) for node in nodes]
    _lenient.number_items(items)
    return {
        "ucr": (consignment.text("referenceNumberUCR") if consignment is not None else None)
        or shipment.text("referenceNumberUCR")
        or _eucdm.only(nodes, "referenceNumberUCR"),
        "consignee": _eucdm.first_party(level.one("Consignee") for level in levels),
        "carrier": _eucdm.party(consignment.one("Carrier")) if consignment is not None else None,
        "country_of_export": _lenient.first_country(levels, "countryOfExport"),
        "country_of_destination": _lenient.first_country(levels, "countryOfDestination"),
        "routing": _eucdm.routing(consignment) if consignment is not None else [],
        "transport": _eucdm.transport(consignment) if consignment is not None else None,
        "gross_mass_kg": _lenient.mass(consignment.one("grossMass")) if consignment is not None else None,
        "documents": _eucdm.documents(shipment) + _eucdm.documents(consignment),
        "previous_documents": _eucdm.documents(shipment, _eucdm.PREVIOUS)
        + _eucdm.documents(consignment, _eucdm.PREVIOUS),
        "items": items,
    }


def _item(node: Node, currency: str | None) -> Row:
    """Return a goods item: what transit says too, and value, origin and procedure."""
    procedure = node.one("Procedure")
    value = _lenient.money(_lenient.amount(node.one("statisticalValue")), currency)
    found = _eucdm.item(node) | {
        "origin": country(node.text("Origin", "countryOfOrigin")),
        "value": value,
        "statistical_value": value,
    }
    if procedure is not None:
        requested, previous = procedure.text("requestedProcedure"), procedure.text("previousProcedure")
        found["procedure"] = (requested or "") + (previous or "") if requested else None
        more = (one.text("additionalProcedure") for one in procedure.all("AdditionalProcedure"))
        found["additional_procedures"] = [code for code in more if code is not None]
    else:
        found["procedure"] = None
    return found
