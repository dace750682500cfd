"""What the parts of a WCO declaration say, read the same way from a lodgement and from the body of an amendment.

Amendments point at documents, packages and previous documents by their position, so the lists here have the positions of
the message: a member that says nothing is kept and not skipped (see :data:`NO_TYPE`).
"""

from __future__ import annotations

import re
from typing import Final

from pydantic import ValidationError

from schemas.declaration import TransportMode
from schemas.errors import FeedError
from schemas.feeds._codelists import TRANSPORT_MODES, country
from schemas.feeds._fields import Row, contract_mistake, day, mass, money, number, quantity, whole
from schemas.feeds._xml import Node

ITEM: Final = "GovernmentAgencyGoodsItem"
#: The type of a document of which the message states none: the contract wants one, and leaving the document out would
#: move those behind it.
NO_TYPE: Final = "?"
#: DE 7/4 and 7/5 (UK tariff for CDS, volume 3, group 7): as everywhere, and 6 for roll-on roll-off, which is by ship.
MODES: Final[dict[str, TransportMode]] = {**TRANSPORT_MODES, "6": "sea"}

#: Classifications that are not a commodity code: additional codes (TARIC, national), CUS numbers.
_NOT_COMMODITY: Final = frozenset({"TRA", "GN", "CV", "TRC"})
_CAS: Final = re.compile(r"[0-9]{2,7}-[0-9]{2}-[0-9]\Z")
_COMMODITY: Final = re.compile(r"[0-9]{4,14}\Z")
_PACKAGE_TYPE: Final = re.compile(r"[A-Z0-9]{1,2}\Z")

#: Where the fields of the contract stand in the message, for errors that only the contract finds.
_PLACES: Final = {
    "declaration_id": "FunctionalReferenceID",
    "local_reference": "FunctionalReferenceID",
    "mrn": "ID",
    "ucr": "GoodsShipment/UCR",
    "lodged_at": "IssueDateTime",
    "declaration_type": "TypeCode",
    "office": "DeclarationOfficeID",
    "exit_office": "ExitOffice/ID",
    "declarant": "Declarant",
    "agent": "Agent",
    "exporter": "Exporter",
    "consignee": "GoodsShipment/Consignee",
    "notify": "GoodsShipment/NotifyParty",
    "carrier": "Consignment/Carrier",
    "routing": "Consignment/Itinerary",
    "transport": "BorderTransportMeans",
    "gross_mass_kg": "TotalGrossMassMeasure",
    "package_count": "TotalPackageQuantity",
    "invoice_value": "InvoiceAmount",
    "documents": "AdditionalDocument",
    "previous_documents": "GoodsShipment/PreviousDocument",
}
_ITEM_PLACES: Final = {
    "commodity_code": "Commodity/Classification",
    "description": "Commodity/Description",
    "net_mass_kg": "Commodity/GoodsMeasure/NetNetWeightMeasure",
    "gross_mass_kg": "Commodity/GoodsMeasure/GrossMassMeasure",
    "quantity": "Commodity/GoodsMeasure/TariffQuantity",
    "value": "StatisticalValueAmount",
    "statistical_value": "StatisticalValueAmount",
    "procedure": "GovernmentProcedure",
    "additional_procedures": "GovernmentProcedure",
    "number": "SequenceNumeric",
    "packages": "Packaging",
    "documents": "AdditionalDocument",
    "previous_documents": "PreviousDocument",
}


def mistake(error: ValidationError, node: Node, goods: list[Node]) -> FeedError:
    """Return what the contract says against a declaration, located in the message; ``goods`` are its items in order."""
    problems = error.errors(include_url=False, include_context=False)
    return contract_mistake(problems, _place(node, goods, problems[0]["loc"]))


def _place(node: Node, goods: list[Node], loc: tuple[int | str, ...]) -> str:
    first = str(loc[0]) if loc else ""
    if first != "items":
        inside, places = [first, *loc[1:]], _PLACES
        above = node.xpath
    elif len(loc) < 3 or not isinstance(loc[1], int) or loc[1] >= len(goods):
        return f"{node.xpath}/GoodsShipment/{ITEM}"
    else:
        inside, places = [str(loc[2]), *loc[3:]], _ITEM_PLACES
        above = goods[loc[1]].xpath
    found = places.get(str(inside[0]), "")
    position = f"[{inside[1] + 1}]" if found and len(inside) > 1 and isinstance(inside[1], int) else ""
    return f"{above}/{found}{position}".rstrip("/")


def party(node: Node | None) -> Row | None:
    """Return a party, ``None`` for one without identity, name or address."""
    if node is None:
        return None
    found: Row = {"id": node.text("ID"), "name": node.text("Name")}
    if (address := node.one("Address")) is not None:
        stated = address.texts().get
        found["address"] = stated("Line")
        found["city"] = stated("CityName")
        found["postcode"] = stated("PostcodeID")
        found["country"] = country(stated("CountryCode"))
    reachable = node.all("Communication")
    if contacts := node.all("Contact"):
        reachable = [*reachable, *(means for known in contacts for means in known.all("Communication"))]
    for means in reachable:
        if (reached := means.text("ID")) is not None:
            found.setdefault("email" if "@" in reached else "phone", reached)
    return found if any(found.values()) else None


def document(node: Node) -> Row:
    """Return DE 2/3: the type as the tariff prints it, ``X002`` = category X and type 002; the status code is a waiver's too."""
    stated = node.texts()
    found: Row = {"type": _document_type(stated)}
    if (reference := stated.get("ID")) is not None:
        found["reference"] = reference
    if (status := stated.get("LPCOExemptionCode")) is not None:
        found["status"] = status.upper()
    if "EffectiveDateTime" in stated:
        found["issued_on"] = day(node.one("EffectiveDateTime"))
    if "ExpirationDateTime" in stated:
        found["expires_on"] = day(node.one("ExpirationDateTime"))
    if "WriteOff" in stated:
        written = node.one("WriteOff", "QuantityQuantity")
        if written is not None and written.attribute("unitCode") and number(written):
            found["quantity_kg"] = mass(written)
    return found


def previous_document(node: Node) -> Row:
    """Return DE 2/1: ``ZDCR`` = category Z and type DCR; the line of the previous document has no place in the contract."""
    stated = node.texts()
    return {"type": _document_type(stated), "reference": stated.get("ID")}


def _document_type(stated: dict[str, str | None]) -> str:
    return ((stated.get("CategoryCode") or "") + (stated.get("TypeCode") or "")).upper() or NO_TYPE


def package(node: Node) -> Row:
    """Return DE 6/9 to 6/11."""
    stated = node.texts()
    kind, count = (stated.get("TypeCode") or "").upper(), stated.get("QuantityQuantity")
    plain = count is None or (len(count) < 10 and count.isascii() and count.isdigit())
    return {
        "type": kind if _PACKAGE_TYPE.match(kind) else None,
        "count": (count and int(count)) if plain else whole(node.one("QuantityQuantity")),
        "marks": stated.get("MarksNumbersID"),
    }


def procedures(node: Node) -> tuple[str | None, list[str]]:
    """Return requested and previous procedure of an item (DE 1/10), and the additional ones (1/11): those without a previous."""
    main, additional = None, []
    for procedure in node.all("GovernmentProcedure"):
        stated = procedure.texts().get
        current, previous = stated("CurrentCode"), stated("PreviousCode")
        if previous is None:
            if current is not None:
                additional.append(current)
        elif main is None:
            main = (current or "") + previous
    return main, additional


def item(node: Node, position: int) -> Row:
    """Return one goods item; it has its position as number where it states none."""
    procedure, additional = procedures(node)
    statistical = money(node, "StatisticalValueAmount", "GBP")
    found: Row = {
        "number": whole(node, "SequenceNumeric") or position,
        "statistical_value": statistical,
        "procedure": procedure,
        "additional_procedures": additional,
        "origin": country(node.text("Origin", "CountryCode")),
        "packages": [package(packaging) for packaging in node.all("Packaging")],
        "documents": [document(known) for known in node.all("AdditionalDocument")],
        "previous_documents": [previous_document(known) for known in node.all("PreviousDocument")],
    }
    commodity = node.one("Commodity")
    price = None
    if commodity is not None:
        found["description"] = commodity.text("Description")
        found["commodity_code"], found["cas"] = classification(commodity)
        if (measure := commodity.one("GoodsMeasure")) is not None:
            found["net_mass_kg"] = mass(measure, "NetNetWeightMeasure")
            found["gross_mass_kg"] = mass(measure, "GrossMassMeasure")
            found["quantity"] = quantity(measure, "TariffQuantity")
        price = money(commodity.one("InvoiceLine"), "ItemChargeAmount")
    # The statistical value (DE 8/6, which the UK takes in pounds) says best what an item is worth, then its price (4/14).
    found["value"] = statistical or price or money(node, "CustomsValueAmount")
    return found


def charge(node: Node) -> Row | None:
    """Return the price of an item (DE 4/14)."""
    return money(node.one("Commodity", "InvoiceLine"), "ItemChargeAmount")


def classification(commodity: Node) -> tuple[str | None, str | None]:
    """Return DE 6/14 with the TARIC digits (6/15) behind it, and a CAS number if one stands there.

    DE 6/13 is a CUS number, which is another list.
    """
    code, taric, cas = None, "", None
    for classified in commodity.all("Classification"):
        texts = classified.texts()
        kind, stated = texts.get("IdentificationTypeCode"), texts.get("ID")
        if stated is None:
            continue
        if cas is None and _CAS.match(stated):
            cas = stated
        digits = stated.replace(" ", "").replace(".", "")
        if kind == "TRC":
            taric = digits
        elif code is None and kind not in _NOT_COMMODITY and cas != stated:
            if not _COMMODITY.match(digits):
                raise classified.wrong(f"a commodity code has 4 to 14 digits, not {stated[:60]!r}")
            code = digits
    if code is not None and len(code) == 8 and len(taric) == 2 and taric.isdecimal() and taric.isascii():
        code += taric
    return code, cas


def transport(node: Node, shipment: Node, goods: list[Node]) -> Row | None:
    """Return the means at the border (DE 7/4, 7/14, 7/15), the inland mode (7/5), containers (7/10) and seals (7/18).

    The shipment's containers and seals come first and in its order, then what items add.
    """
    found: Row = {}
    if (border := node.one("BorderTransportMeans")) is not None:
        found["mode"] = MODES.get(border.text("ModeCode") or "")
        found["identity"] = border.text("ID")
        found["nationality"] = country(border.text("RegistrationNationalityCode"))
    consignments = shipment.all("Consignment")
    for consignment in consignments:
        inland = consignment.text("DepartureTransportMeans", "ModeCode") or consignment.text(
            "ArrivalTransportMeans", "ModeCode"
        )
        if inland is not None:
            found.setdefault("inland_mode", MODES.get(inland))
    containers, seals = _equipment(consignments)
    more = _equipment([commodity for goods_item in goods for commodity in goods_item.all("Commodity")])
    if containers or more[0]:
        known = set(containers)
        found["containers"] = [*containers, *(added for added in dict.fromkeys(more[0]) if added not in known)]
    if seals or more[1]:
        found["seals"] = [*seals, *more[1]]
    return found or None


def _equipment(holders: list[Node]) -> tuple[list[str], list[str]]:
    containers: list[str] = []
    seals: list[str] = []
    for holder in holders:
        for equipment in holder.all("TransportEquipment"):
            if (container := equipment.text("ID")) is not None:
                containers.append(container)
            seals.extend(text for seal in equipment.all("Seal") if (text := seal.text("ID")) is not None)
    return containers, seals


def routing(node: Node) -> list[str]:
    """Return DE 5/18, countries in the order of their sequence numbers (as written where numbers are missing)."""
    stages = []
    for consignment in node.all("Consignment"):
        for position, stage in enumerate(consignment.all("Itinerary"), 1):
            stated = whole(stage.one("SequenceNumeric"))
            stages.append((position if stated is None else stated, position, country(stage.text("RoutingCountryCode"))))
    return [code for _, _, code in sorted(stages, key=lambda stage: stage[:2]) if code is not None]


def mrn(text: str | None) -> str | None:
    """Return an MRN as the contract writes it."""
    return ("".join(text.split()).upper() or None) if text else None
