"""UK Customs Declaration Service: WCO Data Model 3.6 XML (``MetaData/Declaration``), lodgements.

The paths are those of HMRC's "Customs Declarations" API; DE numbers are the UK tariff's data elements. One decoded
declaration carries what the message says and no more: absent is ``None``, and so is a zero mass or value.
"""

from __future__ import annotations

import re
from typing import Final

from pydantic import ValidationError

from schemas.declaration import Declaration
from schemas.errors import FeedError
from schemas.feeds import Arrival, _xml
from schemas.feeds._codelists import TRANSPORT_MODES, country
from schemas.feeds._fields import Row, contract_mistake, day, mass, moment, money, number, quantity, whole
from schemas.feeds._xml import Node
from schemas.message import Message

FORMAT: Final = "wco-dm-3.6"

_ITEM: Final = "GovernmentAgencyGoodsItem"
_ORIGINAL: Final = "9"
_OTHER_MESSAGES: Final = {
    "COR": "an amendment",
    "INV": "a cancellation request",
    "GPR": "a presentation (arrival) of goods declared before",
}
#: Classifications that are not a commodity code: additional codes (TARIC, national), CUS numbers.
_NOT_COMMODITY: Final = frozenset({"TRA", "GN", "CV", "TRC"})
_CAS: Final = re.compile(r"[0-9]{2,7}-[0-9]{2}-[0-9]\Z")
_PACKAGE_TYPE: Final = re.compile(r"[A-Z0-9]{1,2}\Z")

#: Where the fields of the contract stand in the message, for errors that only the contract finds.
_PLACES: Final = {
    "declaration_id": "FunctionalReferenceID",
    "mrn": "ID",
    "lodged_at": "IssueDateTime",
    "procedure": f"GoodsShipment/{_ITEM}/GovernmentProcedure",
    "office": "DeclarationOfficeID",
    "exit_office": "ExitOffice/ID",
    "declarant": "Declarant",
    "exporter": "Exporter",
    "consignee": "GoodsShipment/Consignee",
    "notify": "GoodsShipment/NotifyParty",
    "carrier": "Consignment/Carrier",
    "routing": "Consignment/Itinerary",
    "transport": "BorderTransportMeans",
    "gross_mass_kg": "TotalGrossMassMeasure",
    "package_count": "TotalPackageQuantity",
    "commodity_code": "Commodity/Classification",
    "description": "Commodity/Description",
    "net_mass_kg": "Commodity/GoodsMeasure/NetNetWeightMeasure",
    "item gross_mass_kg": "Commodity/GoodsMeasure/GrossMassMeasure",
    "quantity": "Commodity/GoodsMeasure/TariffQuantity",
    "value": "StatisticalValueAmount",
    "number": "SequenceNumeric",
    "packages": "Packaging",
    "documents": "AdditionalDocument",
}


class Cds:
    """The codec ``cds``: export and import lodgements (function code 9), pre-lodged or arrived, full or simplified."""

    name = "cds"
    system = "cds"

    def sniff(self, raw: bytes) -> bool:
        """Say whether the root element is the WCO envelope, or the declaration without it."""
        return _xml.looks_like(raw, "MetaData", "Declaration")

    def decode(self, raw: bytes, arrival: Arrival) -> list[Message]:
        """Decode one envelope; see :class:`schemas.feeds.Codec`."""
        root = _xml.parse(raw)
        if root.name == "Declaration":
            found = [root]
        elif root.name == "MetaData":
            found = root.all("Declaration")
        else:
            raise root.wrong(f"the root <{root.name}> is not a WCO declaration")
        if not found:
            raise _no_declaration(root)
        return [Message.of(_declaration(node, arrival), version=1) for node in found]


CODEC = Cds()


def _no_declaration(root: Node) -> FeedError:
    response = root.one("Response")
    if response is not None:
        code = response.text("FunctionCode")
        return response.wrong(f"a DMS notification (function code {code}), not a lodgement: not read yet")
    kind = root.text("WCOTypeName")
    return root.wrong(f"no Declaration in this message (WCO type name {kind})")


def _check_lodgement(node: Node) -> str:
    """Return the type code of a lodgement; say what any other message is."""
    function, kind = node.text("FunctionCode"), node.text("TypeCode")
    if function == _ORIGINAL and kind is not None:
        return kind.upper()
    if function is None:
        raise node.wrong("FunctionCode is missing, which says what the message is (9 is a lodgement)")
    if kind is None:
        raise node.wrong("TypeCode is missing, which says what is declared (such as EXA, EXD, IMA)")
    said = _OTHER_MESSAGES.get(kind.upper(), f"a message of type {kind}")
    place = node.one("FunctionCode") or node
    raise place.wrong(f"{said} (function code {function}, type {kind}), not a lodgement: not read yet")


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


def _declaration(node: Node, arrival: Arrival) -> Declaration:
    kind = _check_lodgement(node)
    regime = _regime(node, kind)
    lodged_at = moment(node.one("IssueDateTime")) or moment(node.one("AcceptanceDateTime")) or arrival.received_at
    if lodged_at is None:
        raise node.wrong("neither IssueDateTime nor AcceptanceDateTime, and the time of arrival is not known")
    shipment = node.one("GoodsShipment")
    if shipment is None:
        raise node.wrong("GoodsShipment is missing: nothing is declared")
    goods = shipment.all(_ITEM)
    mrn = node.text("ID")
    fields: Row = {
        "event": "lodged",
        "declaration_id": _identity(node, arrival.system or CODEC.system),
        "local_reference": node.text("FunctionalReferenceID"),
        "mrn": mrn.upper() if mrn else None,
        "lodged_at": lodged_at,
        "source": {
            "system": arrival.system or CODEC.system,
            "format": FORMAT,
            "received_at": arrival.received_at,
            "origin": arrival.origin,
        },
        "regime": regime,
        "procedure": _procedure(goods),
        "office": node.text("DeclarationOfficeID") or node.text("PresentationOffice", "ID"),
        "exit_office": node.text("ExitOffice", "ID"),
        "declarant": _party(node.one("Declarant")),
        "exporter": _exporter(node, shipment, goods),
        "consignee": _consignee(shipment, goods, regime),
        "notify": _first_party(shipment.one("NotifyParty"), node.one("Consignment", "NotifyParty")),
        "carrier": _party(node.one("Consignment", "Carrier")),
        "country_of_export": country(_anywhere(shipment, goods, "ExportCountry", "ID")),
        "country_of_destination": country(_anywhere(shipment, goods, "Destination", "CountryCode")),
        "routing": _routing(node),
        "transport": _transport(node, shipment, goods),
        "gross_mass_kg": mass(node.one("TotalGrossMassMeasure")),
        "package_count": whole(node.one("TotalPackageQuantity")) or None,
        "items": [_item(item, position) for position, item in enumerate(goods, 1)],
    }
    if len(goods) == 1 and fields["items"][0]["value"] is None:
        fields["items"][0]["value"] = money(node.one("InvoiceAmount"))
    try:
        return Declaration.model_validate(fields)
    except ValidationError as error:
        problems = error.errors(include_url=False, include_context=False)
        raise contract_mistake(problems, _place(node, problems[0]["loc"])) from None


def _place(node: Node, loc: tuple[int | str, ...]) -> str:
    """Return the XPath of what the contract calls ``loc``."""
    if loc[0] != "items":
        return f"{node.xpath}/{_PLACES[str(loc[0])]}" if loc[0] in _PLACES else node.xpath
    if len(loc) < 3:
        return f"{node.xpath}/GoodsShipment/{_ITEM}"
    item = node.xpath + f"/GoodsShipment/{_ITEM}[{int(loc[1]) + 1}]"
    inside = _PLACES.get(f"item {loc[2]}") or _PLACES.get(str(loc[2]), "")
    position = f"[{loc[3] + 1}]" if len(loc) > 3 and isinstance(loc[3], int) else ""
    return f"{item}/{inside}{position}".rstrip("/")


def _anywhere(shipment: Node, goods: list[Node], *path: str) -> str | None:
    """Return what stands at shipment level, else with the first item that has it."""
    stated = shipment.text(*path)
    if stated is not None:
        return stated
    return next((text for item in goods if (text := item.text(*path)) is not None), None)


def _party(node: Node | None) -> Row | None:
    """Return a party, ``None`` for one without identity, name or address."""
    if node is None:
        return None
    party: Row = {"id": node.text("ID"), "name": node.text("Name")}
    if (address := node.one("Address")) is not None:
        party["address"] = address.text("Line")
        party["city"] = address.text("CityName")
        party["postcode"] = address.text("PostcodeID")
        party["country"] = country(address.text("CountryCode"))
    for means in (*node.all("Communication"), *(c for m in node.all("Contact") for c in m.all("Communication"))):
        if (reached := means.text("ID")) is not None:
            party.setdefault("email" if "@" in reached else "phone", reached)
    return party if any(party.values()) else None


def _first_party(*candidates: Node | None) -> Row | None:
    return next((party for node in candidates if (party := _party(node)) is not None), None)


def _exporter(node: Node, shipment: Node, goods: list[Node]) -> Row | None:
    """Return DE 3/1-3/2; where it is left out, the consignor of the security data (3/7-3/8)."""
    return _first_party(
        node.one("Exporter"),
        shipment.one("Exporter"),
        node.one("Consignment", "Consignor"),
        shipment.one("Consignor"),
        *(item.one("Consignor") for item in goods[:1]),
    )


def _consignee(shipment: Node, goods: list[Node], regime: str) -> Row | None:
    """Return DE 3/9-3/10 (shipment, else the first item that has one); for an import the importer, DE 3/15-3/16."""
    consignees = (shipment.one("Consignee"), *(item.one("Consignee") for item in goods))
    importer = shipment.one("Importer")
    ordered = (importer, *consignees) if regime == "import" else (*consignees, importer)
    return _first_party(*ordered)


def _routing(node: Node) -> list[str]:
    """Return DE 5/18, countries in the order of their sequence numbers (as written where numbers are missing)."""
    stages = [
        (whole(stage.one("SequenceNumeric")) or position, position, country(stage.text("RoutingCountryCode")))
        for position, stage in enumerate((s for c in node.all("Consignment") for s in c.all("Itinerary")), 1)
    ]
    return [code for _, _, code in sorted(stages, key=lambda stage: stage[:2]) if code is not None]


def _transport(node: Node, shipment: Node, goods: list[Node]) -> Row | None:
    """Return the means at the border (DE 7/4, 7/14, 7/15) and the containers (7/10) of shipment and items."""
    border = node.one("BorderTransportMeans")
    holders = [*shipment.all("Consignment"), *(c for item in goods for c in item.all("Commodity"))]
    stated = (equipment.text("ID") for holder in holders for equipment in holder.all("TransportEquipment"))
    containers = list(dict.fromkeys(text for text in stated if text is not None))
    if border is None:
        return {"containers": containers} if containers else None
    return {
        "mode": TRANSPORT_MODES.get(border.text("ModeCode") or ""),
        "identity": border.text("ID"),
        "nationality": country(border.text("RegistrationNationalityCode")),
        "containers": containers,
    }


def _procedure(goods: list[Node]) -> str | None:
    """Return requested and previous procedure (DE 1/10) of the first item; additional ones (1/11) have no previous."""
    for procedure in goods[0].all("GovernmentProcedure") if goods else []:
        if (previous := procedure.text("PreviousCode")) is not None:
            return (procedure.text("CurrentCode") or "") + previous
    return None


def _item(node: Node, position: int) -> Row:
    commodity = node.one("Commodity")
    measure = node.one("Commodity", "GoodsMeasure")
    stated = node.one("SequenceNumeric")
    return {
        "number": position if stated is None else whole(stated) or position,
        "commodity_code": _commodity_code(commodity) if commodity else None,
        "description": node.text("Commodity", "Description"),
        "origin": country(node.text("Origin", "CountryCode")),
        "net_mass_kg": mass(measure.one("NetNetWeightMeasure")) if measure else None,
        "gross_mass_kg": mass(measure.one("GrossMassMeasure")) if measure else None,
        "quantity": quantity(measure.one("TariffQuantity")) if measure else None,
        "value": _value(node),
        "cas": _cas(commodity) if commodity else None,
        "packages": [_package(package) for package in node.all("Packaging")],
        "documents": [found for document in node.all("AdditionalDocument") if (found := _document(document))],
    }


def _value(node: Node) -> Row | None:
    """Return the statistical value (DE 8/6, which the UK takes in pounds), else the item's price (DE 4/14)."""
    return (
        money(node.one("StatisticalValueAmount"), "GBP")
        or money(node.one("Commodity", "InvoiceLine", "ItemChargeAmount"))
        or money(node.one("CustomsValueAmount"))
    )


def _commodity_code(commodity: Node) -> str | None:
    """Return DE 6/14 with the TARIC digits (6/15) behind it."""
    code, taric = None, ""
    for classification in commodity.all("Classification"):
        kind, stated = classification.text("IdentificationTypeCode"), classification.text("ID")
        if stated is None:
            continue
        digits = re.sub(r"[ .]", "", stated)
        if kind == "TRC":
            taric = digits
        elif code is None and kind not in _NOT_COMMODITY:
            if not re.fullmatch(r"[0-9]{4,14}", digits):
                raise classification.wrong(f"a commodity code has 4 to 14 digits, not {stated[:60]!r}")
            code = digits
    return code + taric if code and len(code) == 8 and re.fullmatch(r"[0-9]{2}", taric) else code


def _cas(commodity: Node) -> str | None:
    """Return a CAS number where one stands among the classifications (DE 6/13 is a CUS code, which is another list)."""
    stated = (classification.text("ID") for classification in commodity.all("Classification"))
    return next((text for text in stated if text is not None and _CAS.match(text)), None)


def _package(node: Node) -> Row:
    kind = (node.text("TypeCode") or "").upper()
    return {
        "type": kind if _PACKAGE_TYPE.match(kind) else None,
        "count": whole(node.one("QuantityQuantity")),
        "marks": node.text("MarksNumbersID"),
    }


def _document(node: Node) -> Row | None:
    """Return DE 2/3: the type as the tariff prints it, ``X002`` = category X and type 002; ``None`` without either."""
    kind = (node.text("CategoryCode") or "") + (node.text("TypeCode") or "")
    if not kind:
        return None
    written = node.one("WriteOff", "QuantityQuantity")
    weighed = number(written) if written and written.attribute("unitCode") else None
    return {
        "type": kind.upper(),
        "reference": node.text("ID"),
        "issued_on": day(node.one("EffectiveDateTime")),
        "expires_on": day(node.one("ExpirationDateTime")),
        "quantity_kg": mass(written) if weighed else None,
    }
