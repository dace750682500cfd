"""The header of CUSDEC, and how a message is cut into header, commercial documents, items and summary."""

from __future__ import annotations

import re
from typing import Final

from schemas.declaration import MAX_ITEMS
from schemas.feeds._codelists import country, kilograms
from schemas.feeds._edifact_items import Codes, Group
from schemas.feeds._edifact_parts import ROLES, Gathered, Row, amount_of, measured, party
from schemas.feeds._edifact_syntax import Segment, Transmission
from schemas.feeds._edifact_values import mode, number, place_country, unit, whole

#: 5025: the value of the whole declaration: invoice total (39, 77), FOB value (63), customs value (40).
_INVOICE: Final = ("39", "77", "63", "40")
_CODE: Final = re.compile(r"[A-Z0-9]{1,16}\Z")


class Sections:
    """A message cut into header, commercial documents, items and summary."""

    __slots__ = ("bgm", "cst", "dates", "groups", "header", "indicators", "loose", "totals", "where")

    def __init__(self, message: Transmission) -> None:
        self.bgm: Segment | None = None
        self.cst: Segment | None = None
        self.dates: dict[str, Segment] = {}
        self.header = Gathered()
        self.loose = Gathered()
        self.groups: list[Group] = []
        self.indicators: list[Segment] = []
        self.totals: dict[str, Segment] = {}
        #: Where the fields of the contract stand, for errors that only the contract finds.
        self.where: dict[str, Segment] = {}
        section = ""
        for segment in message.segments():
            tag = segment.tag
            if tag == "UNS":
                section = (segment.get(1) or "").upper()
            elif section == "S" or tag == "CNT":
                if tag == "CNT" and (kind := segment.get(1)) is not None:
                    self.totals.setdefault(kind, segment)
            elif tag == "CST" and (section == "D" or segment.get(1) is not None):
                if len(self.groups) == MAX_ITEMS:
                    raise segment.wrong(f"more than {MAX_ITEMS:,} items")
                self.groups.append(Group(segment))
            elif self.groups:
                self.groups[-1].segments.append(segment)
            elif section == "D":
                self.loose.take(segment)
            else:
                self._head(segment)

    def _head(self, segment: Segment) -> None:
        tag = segment.tag
        if tag == "BGM" and self.bgm is None:
            self.bgm = segment
        elif tag == "CST":
            self.cst = segment
        elif tag in ("GIS", "GEI"):
            self.indicators.append(segment)
        else:
            if tag == "DTM" and not self.header.in_group and (kind := segment.get(1)) is not None:
                self.dates.setdefault(kind, segment)
            self.header.take(segment)


def kind_of(bgm: Segment) -> tuple[str | None, str | None]:
    """Return the code (C002, 1001) and the name (1000, where it is a code itself) of the document, in upper case."""
    code, name = bgm.get(1, 1), bgm.get(1, 4)
    name = name.upper() if name else None
    return (code.upper() if code else None), (name if name and _CODE.match(name) else None)


def currencies_of(sections: Sections) -> tuple[dict[str, str], str | None]:
    """Return the header's currency for each kind of amount, and the one it gives for all, if it gives any."""
    known: dict[str, str] = {}
    for section in (sections.header, sections.loose):
        for kind, _, stated in section.money:
            if stated:
                known.setdefault(kind, stated[0])
    trade = next((known[kind] for kind in ("39", "77", "63", "38") if kind in known), None)
    if trade is not None:  # prices of items are in the invoice's currency; customs and statistical values need not be
        for kind in ("38", "39", "63", "77"):
            known.setdefault(kind, trade)
    general = next((code for section in (sections.header, sections.loose) for code in section.currencies), None)
    return known, general


def header_of(sections: Sections, bgm: Segment, items: list[Gathered]) -> Row:
    """Return what the contract keeps of the whole declaration; a place or party that only an item names counts too."""
    header, loose = sections.header, sections.loose
    known, general = currencies_of(sections)
    code, name = kind_of(bgm)
    codes = Codes()
    if sections.cst is not None:
        codes.status(sections.cst)
    for indicator in sections.indicators:
        codes.indicator(indicator)
    fields: Row = {
        "declaration_type": name or (code[:16] if code else None),
        "procedure": codes.procedure,
        "office": _office(header, "22", "118", "41"),
        "exit_office": _office(header, "42", "50"),
        "country_of_export": _country(header, items, "35"),
        "country_of_destination": _country(header, items, "36", "28"),
        "routing": [found for place in header.places.get("49", ()) if (found := place_country(place))],
        "transport": _transport(header, loose, items),
        "gross_mass_kg": measured(header.measures)[1] or _total_mass(sections),
        "package_count": _package_count(sections),
        "documents": [*header.documents, *loose.documents],
    }
    for role in ROLES:
        fields[role] = party(role, header, *items)
    fields["carrier"] = fields["carrier"] or _carrier(header)
    fields["invoice_value"], sections.where["invoice_value"] = _invoice(header, loose, known, general, bgm)
    for kind, field in (("22", "office"), ("42", "exit_office"), ("35", "country_of_export"), ("49", "routing")):
        if kind in header.places:
            sections.where[field] = header.places[kind][0]
    return fields


def _invoice(
    header: Gathered, loose: Gathered, known: dict[str, str], general: str | None, bgm: Segment
) -> tuple[Row | None, Segment]:
    found, place = amount_of(_INVOICE, header, known, general)
    if found is None:
        found, place = amount_of(_INVOICE, loose, known, general)
    return found, place or bgm


def _office(header: Gathered, *kinds: str) -> str | None:
    """Return an office's code (C517, 3225), else its name (3224)."""
    places = (place for kind in kinds for place in header.places.get(kind, ()))
    return next((found for place in places if (found := place.get(2) or place.get(2, 4))), None)


def _country(header: Gathered, items: list[Gathered], *kinds: str) -> str | None:
    places = (place for here in (header, *items) for kind in kinds for place in here.places.get(kind, ()))
    return next((found for place in places if (found := place_country(place))), None)


def _total_mass(sections: Sections) -> float | None:
    """Return CNT+7, the total gross weight."""
    total = sections.totals.get("7")
    if total is None or (amount := number(total, 1, 2)) is None:
        return None
    return kilograms(amount, unit(total.get(1, 3)))


def _package_count(sections: Sections) -> int | None:
    """Return CNT+11, else the sum of the header's packages."""
    total = sections.totals.get("11")
    stated = whole(total, 1, 2) if total is not None else None
    return stated or sum(package["count"] or 0 for package in sections.header.packages) or None


def _transport(header: Gathered, loose: Gathered, items: list[Gathered]) -> Row | None:
    """Return the means at the border (TDT+11, else the main carriage, 20) and inland (TDT+1), containers and seals."""
    border = header.transports.get("11") or header.transports.get("20")
    inland = header.transports.get("1")
    containers = list(dict.fromkeys(code for here in (header, loose, *items) for code in here.containers))
    seals = list(dict.fromkeys(code for here in (header, loose, *items) for code in here.seals))
    found: Row = {
        "mode": mode(border) if border else None,
        "identity": (border.get(8, 4) or border.get(8) or border.get(2)) if border else None,
        "nationality": country(border.get(8, 5)) if border else None,
        "containers": containers,
        "inland_mode": mode(inland) if inland else None,
        "seals": seals,
    }
    return found if any(found.values()) else None


def _carrier(header: Gathered) -> Row | None:
    """Return the carrier that a TDT names (C040)."""
    for segment in header.transports.values():
        found = {"id": segment.get(5), "name": segment.get(5, 4)}
        if any(found.values()):
            return found
    return None
