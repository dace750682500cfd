"""The groups that NCTS phase 5 and AES share: both take their element names from the EU Customs Data Model.

The model is annex B of Delegated Regulation (EU) 2015/2446 and Implementing Regulation (EU) 2015/2447; the order and nesting of
the groups are those of the messages' functional specifications (DDNTA for NCTS phase 5 and AES). Masses are kilograms throughout.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Final

from schemas.errors import FeedError
from schemas.feeds import _lenient
from schemas.feeds._codelists import country
from schemas.feeds._fields import Row, day
from schemas.feeds._lenient import unique
from schemas.feeds._xml import Node

#: Supporting documents (12 03), transport documents (12 05), additional references (12 02: codes that waive or claim).
DOCUMENTS: Final = ("SupportingDocument", "TransportDocument", "AdditionalReference")
PREVIOUS: Final = ("PreviousDocument",)

#: Documents written with every item of a house consignment, at most; beyond it they stand with the declaration.
_MOST_REPEATED: Final = 20_000

#: Field of the contract -> path in an item, for errors that only the contract finds.
ITEM_PLACES: Final[Mapping[str, str]] = {
    "item number": "declarationGoodsItemNumber",
    "item description": "Commodity/descriptionOfGoods",
    "item commodity_code": "Commodity/CommodityCode",
    "item net_mass_kg": "Commodity/GoodsMeasure/netMass",
    "item gross_mass_kg": "Commodity/GoodsMeasure/grossMass",
    "item packages": "Packaging",
    "item documents": "SupportingDocument",
    "item previous_documents": "PreviousDocument",
    "item statistical_value": "statisticalValue",
    "item procedure": "Procedure",
    "item additional_procedures": "Procedure/AdditionalProcedure",
}


def party(node: Node | None) -> Row | None:
    """Return a party, ``None`` for one without identity, name or address; holders under TIR may have only a TIR number."""
    if node is None:
        return None
    found: Row = {
        "id": node.text("identificationNumber") or node.text("TIRHolderIdentificationNumber"),
        "name": node.text("name"),
    }
    if (address := node.one("Address") or node.one("PostcodeAddress")) is not None:
        found["address"] = address.text("streetAndNumber") or address.text("houseNumber")
        found["city"] = address.text("city")
        found["postcode"] = address.text("postcode")
        found["country"] = country(address.text("country"))
    if (contact := node.one("ContactPerson")) is not None:
        found["phone"] = contact.text("phoneNumber")
        found["email"] = contact.text("eMailAddress")
    return found if any(found.values()) else None


def first_party(nodes: Iterable[Node | None]) -> Row | None:
    """Return the first party that says anything."""
    return next((found for node in nodes if (found := party(node)) is not None), None)


def party_name(node: Node | None) -> str | None:
    """Return by what a party is identified: its EORI or TIR number in upper case, else its name as written."""
    if node is None:
        return None
    number = node.text("identificationNumber") or node.text("TIRHolderIdentificationNumber")
    return number.upper() if number else node.text("name")


def documents(node: Node | None, kinds: Sequence[str] = DOCUMENTS) -> list[Row]:
    """Return the documents of one level, kind by kind; those without a type say nothing."""
    if node is None:
        return []
    return [found for kind in kinds for document in node.all(kind) if (found := _document(document)) is not None]


def _document(node: Node) -> Row | None:
    kind = node.text("type")
    if kind is None:
        return None
    found: Row = {"type": kind.upper(), "reference": node.text("referenceNumber")}
    if (until := node.one("validityDate")) is not None:
        try:
            found["expires_on"] = day(until)
        except FeedError:
            found["expires_on"] = None
    unit = (node.text("measurementUnitAndQualifier") or "").upper()
    if unit.startswith("KGM"):
        found["quantity_kg"] = _lenient.mass(node.one("quantity"))
    return found


def hand_down(rows: list[Row], items: Sequence[Row], field: str) -> list[Row]:
    """Give documents of a house consignment to each of its items; return those that the declaration must hold instead.

    Thousands of documents over thousands of items would not fit in memory: those stay with the declaration.
    """
    if not rows or not items or len(rows) * len(items) > _MOST_REPEATED:
        return rows
    for item in items:
        item[field] = rows + item[field]
    return []


def item(node: Node) -> Row:
    """Return what transit and export say of a goods item alike."""
    commodity = node.one("Commodity")
    measure = node.one("Commodity", "GoodsMeasure")
    code = node.one("Commodity", "CommodityCode")
    return {
        "number": _lenient.count(node.one("declarationGoodsItemNumber"), _lenient.MAX_NUMBER),
        "commodity_code": _lenient.commodity_code(
            code.text("harmonizedSystemSubHeadingCode"), code.text("combinedNomenclatureCode"), code.text("taricCode")
        )
        if code is not None
        else None,
        "description": commodity.text("descriptionOfGoods") if commodity is not None else None,
        "net_mass_kg": _lenient.mass(measure.one("netMass")) if measure is not None else None,
        "gross_mass_kg": _lenient.mass(measure.one("grossMass")) if measure is not None else None,
        "packages": [
            {
                "type": _lenient.package_type(package.text("typeOfPackages")),
                "count": _lenient.count(package.one("numberOfPackages")),
                "marks": package.text("shippingMarks"),
            }
            for package in node.all("Packaging")
        ],
        "documents": documents(node),
        "previous_documents": documents(node, PREVIOUS),
    }


def transport(consignment: Node) -> Row | None:
    """Return modes, the active means at the border, containers and seals of a consignment."""
    border = consignment.one("ActiveBorderTransportMeans")
    equipment = consignment.all("TransportEquipment")
    found: Row = {
        "mode": _lenient.mode(consignment.text("modeOfTransportAtTheBorder")),
        "inland_mode": _lenient.mode(consignment.text("inlandModeOfTransport")),
        "identity": border.text("identificationNumber") if border is not None else None,
        "nationality": country(border.text("nationality")) if border is not None else None,
        "containers": unique(one.text("containerIdentificationNumber") for one in equipment),
        "seals": unique(seal.text("identifier") for one in equipment for seal in one.all("Seal")),
    }
    return found if any(found.values()) else None


def routing(consignment: Node) -> list[str]:
    """Return the countries of routing in the order of their sequence numbers."""
    stages = _lenient.ordered(consignment.all("CountryOfRoutingOfConsignment"), "sequenceNumber")
    return _lenient.countries(stage.text("country") for stage in stages)


def only(levels: Iterable[Node | None], *path: str) -> str | None:
    """Return what stands at these levels, ``None`` if they say different things."""
    found = unique(node.text(*path) for node in levels if node is not None)
    return found[0] if len(found) == 1 else None
