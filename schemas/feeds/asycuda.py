"""ASYCUDA World: the Single Administrative Document as its client exports and imports it (XML, root ``ASYCUDA``).

Specified by UNCTAD, "Single Administrative Document (SAD) XML message description"; box numbers are those of the SAD. A value
that is not there is an empty element or one with ``<null/>`` in it. Masses are kilograms; dates are American (``11/19/25``,
see :func:`schemas.feeds._asycuda_values.day`), without a time of day. Names and addresses stand in one text of several lines.

Identity, the first that the document has: declarant and reference (``Declarant/Declarant_code``, ``Reference/Number`` with its
year); office and registration (serial, number, year); and for a document that was not registered and has no reference, as
declarants prepare them, the declarant and a digest of the document itself: the same bytes are the same declaration, others
are another one. ``ASYCUDA/@id`` is none: programs that write the format copy it from their template.

The value of an item is its invoice amount in foreign currency, else its price (box 42) in that of the invoice. Statistical
values (box 46) are in national currency, which the document does not name: it is the invoice's where its rate is 1, else that
of the country of the office (of destination for imports, of export for exports) where ISO 4217 leaves no doubt.
``Assessment/Number`` is the number in the register of assessments and no version: every document is version 1 of its
declaration. A document without items (some exports leave them out) is one item of which nothing is known.
"""

from __future__ import annotations

import hashlib
import re
from datetime import datetime
from typing import Any, Final

from pydantic import ValidationError

from schemas.declaration import Declaration
from schemas.feeds import Arrival, _xml
from schemas.feeds._asycuda_values import day, figure, lines, midnight, money, national_currency, party, said
from schemas.feeds._codelists import TRANSPORT_MODES, country
from schemas.feeds._fields import at_most_items, contract_mistake, whole
from schemas.feeds._xml import Node
from schemas.message import Message

Row = dict[str, Any]

FORMAT: Final = "asycuda-sad"

#: Box 1 and box 37: the first digit of a procedure. 1 to 3 leave, 4 to 7 enter, 8 passes through (UNCTAD; Kyoto Convention).
_BY_PROCEDURE: Final = {**dict.fromkeys("123", "export"), **dict.fromkeys("45679", "import"), "8": "transit"}
_MRN: Final = re.compile(r"[0-9A-Z]{8,35}\Z")
_PACKAGE_TYPE: Final = re.compile(r"[A-Z0-9]{1,2}\Z")
_UNIT: Final = re.compile(r"[A-Z0-9]{1,3}\Z")

#: Where the fields of the contract stand, for errors that only the contract finds.
_PLACES: Final = {
    "declaration_id": "Declarant",
    "lodged_at": "Identification/Registration/Date",
    "declaration_type": "Identification/Type/Type_of_declaration",
    "office": "Identification/Office_segment/Customs_clearance_office_code",
    "exit_office": "Transport/Border_office/Code",
    "declarant": "Declarant",
    "agent": "Declarant/Declarant_representative",
    "exporter": "Traders/Exporter",
    "consignee": "Traders/Consignee",
    "transport": "Transport/Means_of_transport",
    "invoice_value": "Valuation/Gs_Invoice",
    "gross_mass_kg": "Valuation/Weight/Gross_weight",
    "package_count": "Property/Nbers/Total_number_of_packages",
    "commodity_code": "Tarification/HScode",
    "description": "Goods_description",
    "net_mass_kg": "Valuation_item/Weight_itm/Net_weight_itm",
    "item gross_mass_kg": "Valuation_item/Weight_itm/Gross_weight_itm",
    "value": "Valuation_item/Item_Invoice",
    "statistical_value": "Valuation_item/Statistical_value",
    "procedure": "Tarification/Extended_customs_procedure",
    "packages": "Packages",
    "documents": "Attached_documents",
    "previous_documents": "Previous_doc",
}


class Asycuda:
    """The codec ``asycuda``: import, export and transit declarations, registered or being prepared."""

    name = "asycuda"
    system = "asycuda"

    def sniff(self, raw: bytes) -> bool:
        """Say whether the root element is ``ASYCUDA``."""
        return _xml.looks_like(raw, "ASYCUDA")

    def decode(self, raw: bytes, arrival: Arrival) -> list[Message]:
        """Decode one document; see :class:`schemas.feeds.Codec`."""
        root = _xml.parse(raw)
        if root.name != "ASYCUDA":
            raise root.wrong(f"the root <{root.name}> is not an ASYCUDA document")
        return [_message(root, arrival, raw)]


CODEC = Asycuda()


def _message(root: Node, arrival: Arrival, raw: bytes) -> Message:
    system = arrival.system or CODEC.system
    declarant, local, identity = _identity(root, raw)
    goods = at_most_items(root.all("Item"))
    kind = said(root, "Identification", "Type", "Type_of_declaration")
    regime = _regime(root, goods, kind)
    sent = country(said(root, "General_information", "Country", "Export", "Export_country_code"))
    bound = country(said(root, "General_information", "Country", "Destination", "Destination_country_code"))
    own = _own_currency(root, bound if regime == "import" else sent)
    invoice = root.one("Valuation", "Gs_Invoice")
    priced = said(invoice, "Currency_code") or (own if _no_foreign(invoice) else None)
    items = [_item(item, number, priced, own) for number, item in enumerate(goods, 1)] or [{"number": 1}]
    total = figure(invoice, "Amount_foreign_currency") or figure(root, "Financial", "Total_invoice")
    fields: Row = {
        "event": "lodged",
        "declaration_id": f"{system}:{identity}",
        "mrn": _registration(root),
        "local_reference": local,
        "ucr": said(root, "Identification", "UCR"),
        "lodged_at": _lodged_at(root, arrival),
        "source": {
            "system": system,
            "format": FORMAT,
            "received_at": arrival.received_at,
            "origin": arrival.origin,
        },
        "regime": regime,
        "declaration_type": kind,
        "procedure": items[0].get("procedure"),
        "office": said(root, "Identification", "Office_segment", "Customs_clearance_office_code"),
        "exit_office": said(root, "Transport", "Border_office", "Code")
        or said(root, "Export_release", "Actual_office_of_exit_code"),
        "declarant": party(declarant, lines(root, "Declarant", "Declarant_name")),
        "agent": party(None, lines(root, "Declarant", "Declarant_representative")),
        "exporter": _trader(root, "Exporter"),
        "consignee": _trader(root, "Consignee"),
        "country_of_export": sent,
        "country_of_destination": bound,
        "routing": _routing(root),
        "transport": _transport(root, goods),
        "gross_mass_kg": figure(root, "Valuation", "Weight", "Gross_weight"),
        "package_count": _count(root.one("Property", "Nbers", "Total_number_of_packages")),
        "invoice_value": money(total, priced),
        "items": items,
    }
    try:
        return Message.of(Declaration.model_validate(fields), version=1, reference=root.attribute("id"))
    except ValidationError as error:
        problems = error.errors(include_url=False, include_context=False)
        raise contract_mistake(problems, _place(root, problems[0]["loc"])) from None


def _identity(root: Node, raw: bytes) -> tuple[str | None, str | None, str]:
    """Return declarant, local reference and what follows the system in ``declaration_id``."""
    declarant = said(root, "Declarant", "Declarant_code")
    declarant = declarant.upper() if declarant else None
    number = said(root, "Declarant", "Reference", "Number")
    year = said(root, "Declarant", "Reference", "Year")
    local = f"{year}/{number}" if year and number else number
    if declarant and local:
        return declarant, local, f"{declarant}:{local}"
    office = said(root, "Identification", "Office_segment", "Customs_clearance_office_code")
    registered = _register(root)
    if office and registered:
        return declarant, local, f"{office.upper()}:{registered}"
    if root.one("Item") is not None and (declarant or office):
        digest = hashlib.sha256(raw).hexdigest()[:24]
        return declarant, local, f"{declarant or office}:sha256-{digest}"
    place = root.one("Declarant") or root
    raise place.wrong(
        "neither Declarant_code with Reference/Number nor an office with Identification/Registration, nor items of a known "
        "declarant: no identity without any"
    )


def _register(root: Node) -> str | None:
    """Return year, serial and number of the registration, as ``2025C8879``."""
    number = said(root, "Identification", "Registration", "Number")
    registered = day(root, "Identification", "Registration", "Date")
    if number is None:
        return None
    year = str(registered.year) if registered else said(root, "Assessment_notice", "Registration_year") or ""
    return f"{year}{said(root, 'Identification', 'Registration', 'Serial_number') or ''}{number}"


def _registration(root: Node) -> str | None:
    """Return office and registration as customs' own number of the declaration, if the contract takes it as one."""
    office = said(root, "Identification", "Office_segment", "Customs_clearance_office_code")
    registered = _register(root)
    joined = re.sub(r"\s", "", f"{office}{registered}").upper() if office and registered else ""
    return joined if _MRN.match(joined) else None


def _regime(root: Node, goods: list[Node], kind: str | None) -> str:
    """Return where the goods go: by box 1 (``EX``, ``IM``, ``TR``), the general procedure, box 37 of the first item, or the flow.

    Box 1 is in national letters in some countries (Georgia).
    """
    letters = (kind or "").upper()
    for start, regime in (("EX", "export"), ("IM", "import"), ("TR", "transit"), ("T1", "transit"), ("T2", "transit")):
        if letters.startswith(start):
            return regime
    general = said(root, "Identification", "Type", "Declaration_gen_procedure_code")
    first = _procedure(goods[0])[0] if goods else None
    for code in (general, first):
        if code and code[0] in _BY_PROCEDURE:
            return _BY_PROCEDURE[code[0]]
    flow = (said(root, "Property", "Sad_flow") or "").upper()
    if flow in ("E", "I"):
        return "export" if flow == "E" else "import"
    place = root.one("Identification", "Type", "Type_of_declaration") or root
    raise place.wrong(f"neither an export (EX.), an import (IM.) nor a transit (TR.): {letters[:20]!r}")


def _lodged_at(root: Node, arrival: Arrival) -> datetime:
    """Return the day of registration, else of the declaration, else of assessment; else when the document arrived."""
    found = (
        midnight(day(root, "Identification", "Registration", "Date"))
        or midnight(day(root, "Property", "Date_of_declaration"))
        or midnight(day(root, "Identification", "Assessment", "Date"))
        or arrival.received_at
    )
    if found is None:
        place = root.one("Identification") or root
        raise place.wrong("no date of registration, declaration or assessment, and the time of arrival is not known")
    return found


def _no_foreign(invoice: Node | None) -> bool:
    """Say whether an invoice says that it is in national currency."""
    return (said(invoice, "Currency_name") or "").lower() == "no foreign currency"


def _own_currency(root: Node, here: str | None) -> str | None:
    """Return the national currency: the invoice's at a rate of 1, else the country's."""
    invoice = root.one("Valuation", "Gs_Invoice")
    stated = said(invoice, "Currency_code")
    return stated if stated and figure(invoice, "Currency_rate") == 1 else national_currency(here)


def _trader(root: Node, role: str) -> Row | None:
    return party(said(root, "Traders", role, f"{role}_code"), lines(root, "Traders", role, f"{role}_name"))


def _routing(root: Node) -> list[str]:
    """Return the country of first destination (last consignment) and the trading country (boxes 10 and 11)."""
    stated = (
        said(root, "General_information", "Country", name) for name in ("Country_first_destination", "Trading_country")
    )
    return list(dict.fromkeys(code for text in stated if (code := country(text)) is not None))


def _transport(root: Node, goods: list[Node]) -> Row | None:
    border = root.one("Transport", "Means_of_transport", "Border_information")
    inland = said(root, "Transport", "Means_of_transport", "Inland_mode_of_transport")
    boxes = (box for holder in (root, *goods) for box in holder.all("Container"))
    containers = (said(box, "Container_identity") for box in boxes)
    sealed = said(root, "Transit", "Seals", "Identity")
    found: Row = {
        "mode": TRANSPORT_MODES.get((said(border, "Mode") or "")[:1]),
        "identity": said(border, "Identity"),
        "nationality": country(said(border, "Nationality")),
        "containers": list(dict.fromkeys(text for text in containers if text is not None)),
        "inland_mode": TRANSPORT_MODES.get((inland or "")[:1]),
        "seals": [seal for part in re.split(r"[,;]", sealed or "") if (seal := part.strip())],
    }
    return found if any(found.values()) else None


def _count(node: Node | None) -> int | None:
    """Return how many there are; zero says nothing, and "1,250" is a thousand and more."""
    if said(node) is None or node is None:
        return None
    found = figure(node)
    return int(found) if found is not None and found == int(found) else whole(node) or None


def _procedure(item: Node) -> tuple[str | None, list[str]]:
    """Return requested and previous procedure (``4000``) and the national one behind it (box 37)."""
    tariff = item.one("Tarification") or item.one("Tariff")
    extended = (said(tariff, "Extended_customs_procedure") or "").replace(" ", "")
    national = said(tariff, "National_customs_procedure")
    more = [code for code in (extended[4:], national) if code]
    return extended[:4] or None, more


def _item(item: Node, position: int, priced: str | None, own: str | None) -> Row:
    tariff = item.one("Tarification") or item.one("Tariff")
    weight = item.one("Valuation_item", "Weight_itm")
    invoice = item.one("Valuation_item", "Item_Invoice")
    currency = said(invoice, "Currency_code") or (own if _no_foreign(invoice) else priced)
    procedure, additional = _procedure(item)
    return {
        "number": position,
        "commodity_code": _commodity_code(tariff),
        "description": _description(item),
        "origin": country(said(item, "Goods_description", "Country_of_origin_code")),
        "net_mass_kg": figure(weight, "Net_weight_itm"),
        "gross_mass_kg": figure(weight, "Gross_weight_itm"),
        "quantity": _quantity(tariff),
        "value": money(figure(invoice, "Amount_foreign_currency"), currency)
        or money(figure(tariff, "Item_price"), priced or currency)
        or money(figure(invoice, "Amount_national_currency"), own),
        "statistical_value": money(figure(item, "Valuation_item", "Statistical_value"), own),
        "procedure": procedure,
        "additional_procedures": additional,
        "packages": [found for packages in item.all("Packages") if (found := _packages(packages))],
        "documents": _documents(item, tariff),
        "previous_documents": _previous(item),
    }


def _commodity_code(tariff: Node | None) -> str | None:
    """Return box 33: the tariff code and, behind it, the first national precision."""
    coded = tariff and (tariff.one("HScode") or tariff.one("Hs_code"))
    stated = said(coded, "Commodity_code") if coded else None
    if coded is None or stated is None:
        return None
    digits = re.sub(r"[ .]", "", stated)
    if not re.fullmatch(r"[0-9]{4,14}", digits):
        raise coded.wrong(f"a commodity code has 4 to 14 digits, not {stated[:60]!r}")
    precision = said(coded, "Precision_1") or ""
    joined = digits + precision
    return joined if re.fullmatch(r"[0-9]{4,14}", joined) else digits


def _description(item: Node) -> str | None:
    """Return box 31: the tariff's words and those of the trade, which say what the goods are."""
    words = (said(item, "Goods_description", name) for name in ("Commercial_Description", "Description_of_goods"))
    return "; ".join(dict.fromkeys(text for text in words if text is not None)) or None


def _quantity(tariff: Node | None) -> Row | None:
    """Return the first supplementary unit (box 41) that has a quantity; ASYCUDA itself spells its elements with three p."""
    for unit in tariff.all("Supplementary_unit") if tariff else []:
        for spelt in ("Suppplementary", "Supplementary"):
            code, amount = said(unit, f"{spelt}_unit_code"), figure(unit, f"{spelt}_unit_quantity")
            if amount is not None and code is not None and _UNIT.match(code.upper()):
                return {"value": amount, "unit": code.upper()}
    return None


def _packages(packages: Node) -> Row | None:
    kind = (said(packages, "Kind_of_packages_code") or "").upper()
    marks = (said(packages, name) for name in ("Marks1_of_packages", "Marks2_of_packages"))
    found: Row = {
        "type": kind if _PACKAGE_TYPE.match(kind) else None,
        "count": _count(packages.one("Number_of_packages")),
        "marks": " ".join(text for text in marks if text is not None)[:512] or None,
    }
    return found if any(found.values()) else None


def _documents(item: Node, tariff: Node | None) -> list[Row]:
    """Return box 44: attached documents, else their codes alone, and the licence (its type is its element's name)."""
    found: list[Row] = []
    for document in item.all("Attached_documents"):
        kind = said(document, "Attached_document_code") or said(document, "Attached_document_name")
        if kind is not None:
            reference = said(document, "Attached_document_reference")
            issued = day(document, "Attached_document_date")
            found.append({"type": kind[:16], "reference": reference, "issued_on": issued})
    if not found:
        codes = re.split(r"[\s,;]+", said(tariff, "Attached_doc_item") or "")
        found = [{"type": code[:16]} for code in codes if code]
    if (licence := said(item, "Licence_number")) is not None:
        found.append({"type": "Licence_number", "reference": licence})
    return found


def _previous(item: Node) -> list[Row]:
    """Return box 40: the summary declaration (manifest, bill of lading) and the previous document."""
    found = []
    for previous in item.all("Previous_doc"):
        for name, kind in (("Summary_declaration", "summary"), ("Previous_document_reference", "previous")):
            if (reference := said(previous, name)) is not None:
                found.append({"type": said(previous, "Previous_document_code") or kind, "reference": reference})
    return found


def _place(root: Node, loc: tuple[int | str, ...]) -> str:
    """Return the XPath of what the contract calls ``loc``."""
    if loc[0] != "items":
        return f"{root.xpath}/{_PLACES[str(loc[0])]}" if loc[0] in _PLACES else root.xpath
    item = f"{root.xpath}/Item" + (f"[{int(loc[1]) + 1}]" if len(loc) > 1 else "")
    inside = (_PLACES.get(f"item {loc[2]}") or _PLACES.get(str(loc[2]), "")) if len(loc) > 2 else ""
    return f"{item}/{inside}".rstrip("/")
