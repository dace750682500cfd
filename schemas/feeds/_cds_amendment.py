"""Additional messages of CDS (function code 13): amendment (``COR``), cancellation (``INV``), arrival (``GPR``).

They name the declaration by its MRN (``Declaration/ID``); their ``FunctionalReferenceID`` is their own. A cancellation is
a request: CDS answers it with a notification, which says cancelled once more.

An amendment has pointers to what changes and, as a part of a declaration, the new values. Each pointer becomes edits of
the canonical declaration:

- an element that the body carries is set, one that it does not carry is removed;
- a class without a tag: a member of a list is set whole or removed; of others what the body carries is set;
- a goods item without a tag: what the body says of it is set field by field (which makes an item that is not there yet), or
  it is removed;
- what is made of several elements (a document's type of category and type, a procedure of requested and previous) is
  set where the body carries them all, and otherwise left as it was;
- ``value`` of an item follows its price or its statistical value, whichever the message changes, the latter first;
- what the contract has no field for makes no edit, nor do the names of the declaration (LRN, UCR).

Sources of the codes: see :mod:`schemas.feeds._cds_pointers`, and HMRC's own map from fields to pointers
(``conf/exports-wco-mapping.csv`` of hmrc/customs-declare-exports). What declarations say once and items may say instead
(countries, consignee, procedure) is taken from the first item, as for a lodgement.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any, Final

from pydantic import ValidationError

from schemas.declaration import Declaration
from schemas.feeds import _cds_parts as parts
from schemas.feeds._cds_edits import Edits
from schemas.feeds._cds_pointers import GOODS_ITEM, Body, Pointer, Step, pointer
from schemas.feeds._codelists import country
from schemas.feeds._fields import Row, contract_mistake, mass, moment, money, whole
from schemas.feeds._xml import Node
from schemas.message import Message

#: What a message of each type makes of the declaration.
TYPES: Final = {"COR": "amended", "INV": "cancelled", "GPR": "arrived"}

_MAX_REASON: Final = 8_192
_PARTIES: Final = {
    "05A": "agent",
    "18A": "carrier",
    "27A": "consignee",
    "57A": "exporter",
    "57B": "declarant",
    "74A": "consignee",
}
_PARTY_TAGS: Final = {
    "R003": "name",
    "R004": "id",
    "R011": "name",
    "R012": "id",
    "R014": "name",
    "R015": "id",
    "R031": "name",
    "R032": "id",
    "R037": "name",
    "R038": "id",
    "R123": "id",
    "R124": "name",
    "239": "address",
    "241": "city",
    "242": "country",
    "245": "postcode",
}
_ADDRESS: Final = ("address", "city", "postcode", "country")

#: Elements of the header and of classes that the contract keeps as one field: section and tag -> path, and how to read it.
_HEADER: Final[dict[tuple[str, str], tuple[str, Callable[[Node], Any]]]] = {
    ("", "109"): ("/invoice_value", lambda node: money(node.one("InvoiceAmount"))),
    ("", "131"): ("/gross_mass_kg", lambda node: mass(node.one("TotalGrossMassMeasure"))),
    ("", "146"): ("/package_count", lambda node: whole(node.one("TotalPackageQuantity")) or None),
    ("", "065"): ("/office", lambda node: node.text("DeclarationOfficeID")),
    ("15C", "G015"): ("/office", lambda node: node.text("ID")),
    ("56A", "G005"): ("/exit_office", lambda node: node.text("ID")),
    ("95B", "062"): ("/country_of_export", lambda node: country(node.text("ID"))),
    ("99B", "465"): ("/country_of_destination", lambda node: country(node.text("CountryCode"))),
    ("15A", "T006"): ("/transport/identity", lambda node: node.text("ID")),
    ("15A", "T014"): ("/transport/nationality", lambda node: country(node.text("RegistrationNationalityCode"))),
    ("15A", "T022"): ("/transport/mode", lambda node: parts.MODES.get(node.text("ModeCode") or "")),
    ("10A", "T020"): ("/transport/inland_mode", lambda node: parts.MODES.get(node.text("ModeCode") or "")),
    ("46A", "T021"): ("/transport/inland_mode", lambda node: parts.MODES.get(node.text("ModeCode") or "")),
}
#: Lists of classes: section -> field, how a member is read, and the tags of its fields.
_LISTS: Final[dict[str, tuple[str, Callable[[Node], Row], dict[str, str]]]] = {
    "02A": (
        "documents",
        parts.document,
        {"D005": "reference", "D006": "type", "D031": "type", "276": "issued_on", "360": "status"},
    ),
    "99A": ("previous_documents", parts.previous_document, {"D018": "reference", "D019": "type", "D031": "type"}),
    "93A": ("packages", parts.package, {"141": "type", "142": "marks", "144": "count"}),
}
#: Fields of an item by section and tag; "" is the class without a tag.
_ITEM: Final[dict[tuple[str, str], tuple[str, ...]]] = {
    ("23A", ""): ("description", "commodity_code", "cas", "net_mass_kg", "gross_mass_kg", "quantity"),
    ("23A", "137"): ("description",),
    ("65A", ""): ("net_mass_kg", "gross_mass_kg", "quantity"),
    ("65A", "126"): ("gross_mass_kg",),
    ("65A", "128"): ("net_mass_kg",),
    ("65A", "130"): ("quantity",),
}


def message(node: Node, kind: str, source: Row) -> Message:
    """Return what an additional message of one of :data:`TYPES` says."""
    number = parts.mrn(node.text("ID"))
    if number is None:
        raise (node.one("ID") or node).wrong(f"ID (the MRN) is missing: which declaration is {TYPES[kind]} is not said")
    edits, goods = _edits(node) if kind == "COR" else (Edits(), [])
    try:
        _check(edits, source)
        return Message.model_validate(
            {
                "event": TYPES[kind],
                "named": {"mrn": number},
                "source": source,
                "at": moment(node.one("IssueDateTime")),
                "edits": edits.ordered(),
                "reference": node.text("FunctionalReferenceID"),
                "reason": _reason(node),
            }
        )
    except ValidationError as error:
        if error.title == "Declaration":
            raise parts.mistake(error, node, goods) from None
        raise contract_mistake(error.errors(include_url=False, include_context=False), node.xpath) from None


def _reason(node: Node) -> str | None:
    """Return the statements of the message, or where it has none the codes of its reasons."""
    texts = [known.text("StatementDescription") for known in node.all("AdditionalInformation")]
    if not any(texts):
        texts = [
            code and f"change reason {code}" for code in (a.text("ChangeReasonCode") for a in node.all("Amendment"))
        ]
    return "; ".join(dict.fromkeys(filter(None, texts)))[:_MAX_REASON] or None


def _check(edits: Edits, source: Row) -> None:
    """Hold the new values against the contract, as if they were a declaration of their own: an edit that does not fit is
    better refused here, where it can be located.
    """
    if edits.empty:
        return
    Declaration.model_validate(
        {
            "event": "amended",
            "declaration_id": "amendment",
            "lodged_at": datetime(2000, 1, 1, tzinfo=UTC),
            "source": source,
            "regime": "export",
        }
        | edits.sketch()
    )


def _edits(node: Node) -> tuple[Edits, list[Node]]:
    """Return the edits, and the elements of the items that they speak of in the order of :meth:`Edits.sketch`."""
    pointers = [known for amendment in node.all("Amendment") if (known := pointer(amendment)) is not None]
    reader = _Reader(node, pointers)
    for known in pointers:
        reader.read(known)
    return reader.edits, [reader.items.get(number) or node for number in reader.edits.numbers()]


class _Reader:
    """Turns pointers into edits; ``items`` are the elements of the items that the body carries, by number."""

    def __init__(self, node: Node, pointers: list[Pointer]) -> None:
        self.edits = Edits()
        self.items: dict[int, Node] = {}
        self._node = node
        self._body = Body(node, pointers)
        self._rows: dict[int, Row] = {}

    def read(self, known: Pointer) -> None:
        """Add what one pointer changes."""
        codes = [step.code for step in known.steps]
        if GOODS_ITEM in codes:
            self._item(known, codes)
        else:
            self._header(known, codes, "")

    def _header(self, known: Pointer, codes: list[str], base: str) -> None:
        last, tag = codes[-1] if codes else "", known.tag or ""
        listed = next((code for code in codes if code in _LISTS), None)
        role = next((code for code in codes if code in _PARTIES), None)
        if listed is not None:
            self._member(known, listed, base)
        elif role is not None:
            self._party(known, role, tag)
        elif "31B" in codes:
            self._equipment(known)
        elif last == "81A":
            self._one(known, "RoutingCountryCode", f"/routing/{_index(known.steps[-1])}", ("064",), country)
        else:
            here = self._body.at(known.steps)
            for (section, element), (path, read) in _HEADER.items():
                if section == last and (element == tag or (not tag and section)):
                    value = None if here is None else read(here)
                    if value is not None or tag or here is None:
                        self.edits.put(path, value)

    def _one(
        self,
        known: Pointer,
        name: str,
        path: str,
        tags: tuple[str, ...],
        read: Callable[[str], Any] = lambda text: text,
    ) -> None:
        """Set or remove the member of a list of plain values."""
        if known.tag in (None, *tags):
            here = self._body.at(known.steps)
            text = None if here is None else here.text(name)
            self.edits.put(path, None if text is None else read(text))

    def _equipment(self, known: Pointer) -> None:
        """Containers, and seals: those of the equipment before come first, so it must be the first or the body must have it."""
        steps = known.upto("31B")
        place = steps[-1].place or 1
        if len(known.steps) == len(steps):
            self._one(known, "ID", f"/transport/containers/{place - 1}", ("159",))
        elif known.steps[-1].code == "44B":
            above = [self._body.at((*steps[:-1], Step("31B", before))) for before in range(1, min(place, 10_000))]
            if all(above):
                start = sum(len(equipment.all("Seal")) for equipment in above if equipment is not None)
                self._one(known, "ID", f"/transport/seals/{start + _index(known.steps[-1])}", ("165",))

    def _party(self, known: Pointer, code: str, tag: str) -> None:
        here = self._body.at(known.upto(code))
        row = parts.party(here) or {}
        base = f"/{_PARTIES[code]}"
        if tag:
            if (field := _PARTY_TAGS.get(tag)) is not None:
                self.edits.put(f"{base}/{field}", row.get(field))
            return
        address = known.steps[-1].code == "04A"
        fields = _ADDRESS if address else ("id", "name", *_ADDRESS, "phone", "email")
        if here is None and not address:
            self.edits.put(base, None)
        for field in fields:
            if row.get(field) is not None or (address and here is None):
                self.edits.put(f"{base}/{field}", row.get(field))

    def _member(self, known: Pointer, code: str, base: str) -> None:
        """A member of a list of documents or packages, or a field of it."""
        field, read, tags = _LISTS[code]
        steps = known.upto(code)
        inner, place = len(known.steps) > len(steps), steps[-1].place
        if not place and known.tag is None and not inner:
            above = self._body.at(steps[:-1])
            rows = (
                [] if above is None else [read(node) for node in self._body.members(above, steps[:-1], code).values()]
            )
            self.edits.put(f"{base}/{field}", [_plain(row) for row in rows] or None)
            return
        here = self._body.at(steps)
        path = f"{base}/{field}/{_index(steps[-1])}"
        row = {} if here is None else _plain(read(here))
        named = tags.get(known.tag or "") if not inner else None
        if (known.tag is None and not inner) or named == "type":
            whole_type = here is not None and (
                field == "packages" or (here.text("CategoryCode") and here.text("TypeCode"))
            )
            if here is None or (row.get("type", parts.NO_TYPE) == parts.NO_TYPE and field != "packages"):
                self.edits.put(path, None)
            elif field == "packages" and named == "type":
                self.edits.put(f"{path}/type", row.get("type"))
            elif whole_type:
                self.edits.put(path, row, whole=True)
        elif named is not None:
            self.edits.put(f"{path}/{named}", row.get(named))
        elif inner and known.steps[-1].code == "22C" and "quantity_kg" in row:
            self.edits.put(f"{path}/quantity_kg", row["quantity_kg"])

    def _item(self, known: Pointer, codes: list[str]) -> None:
        steps = known.upto(GOODS_ITEM)
        here = self._body.at(steps)
        number = steps[-1].place or (whole(here.one("SequenceNumeric")) if here is not None else None) or 1
        if here is not None and number not in self._rows:
            self.items[number], self._rows[number] = here, parts.item(here, number)
        row = self._rows.get(number, {})
        base, last, tag = f"/items/#{number}", codes[-1], known.tag or ""
        listed = next((code for code in codes if code in _LISTS), None)
        if listed is not None:
            self._member(known, listed, base)
        elif last == GOODS_ITEM:
            self._item_itself(here, row, base, tag)
        elif last == "70A":
            self._procedure(known, row, base, number)
        elif last == "79A" and tag in ("112", ""):
            if f"{base}/statistical_value" not in self.edits:
                self.edits.put(f"{base}/value", None if here is None else parts.charge(here))
        elif last == "92A" and tag in ("063", "") and known.steps[-1].place in (0, 1):
            self.edits.put(f"{base}/origin", row.get("origin"))
        elif last == "21A":
            self._classification(known, row, base)
        elif last in ("27A", "04A", "95B", "99B"):
            if number == 1:
                self._header(known, codes[codes.index(GOODS_ITEM) + 1 :], "")
        else:
            section = self._body.at(known.steps)
            for field in _ITEM.get((last, tag), ()):
                if row.get(field) is not None or tag or section is None:
                    self.edits.put(f"{base}/{field}", row.get(field))

    def _item_itself(self, here: Node | None, row: Row, base: str, tag: str) -> None:
        if tag == "114":
            self.edits.put(f"{base}/statistical_value", row.get("statistical_value"))
            self.edits.put(f"{base}/value", row.get("value"))
        elif not tag and here is None:
            self.edits.put(base, None)
        elif not tag:
            for field, value in row.items():
                if value not in (None, []):
                    listed = isinstance(value, list) and isinstance(value[0], dict)
                    self.edits.put(f"{base}/{field}", [_plain(member) for member in value] if listed else value)

    def _procedure(self, known: Pointer, row: Row, base: str, number: int) -> None:
        """DE 1/10 stands first, additional procedures (1/11) behind it."""
        place, here = known.steps[-1].place or 1, self._body.at(known.steps)
        if place > 1:
            self.edits.put(
                f"{base}/additional_procedures/{place - 2}", None if here is None else here.text("CurrentCode")
            )
        elif here is None or (here.text("CurrentCode") and here.text("PreviousCode")):
            self.edits.put(f"{base}/procedure", row.get("procedure"))
            if number == 1:
                self.edits.put("/procedure", row.get("procedure"))

    def _classification(self, known: Pointer, row: Row, base: str) -> None:
        """The tariff code stands first; of the others only a CAS number has a field."""
        if row.get("commodity_code") is not None or (
            self._body.at(known.steps) is None and known.steps[-1].place in (0, 1)
        ):
            self.edits.put(f"{base}/commodity_code", row.get("commodity_code"))
        if row.get("cas") is not None:
            self.edits.put(f"{base}/cas", row["cas"])


def _index(step: Step) -> int:
    return max(step.place, 1) - 1


def _plain(row: Row) -> Row:
    """Return a row without what is not carried."""
    return {field: value for field, value in row.items() if value is not None}
