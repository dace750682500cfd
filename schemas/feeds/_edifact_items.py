"""The customs items of CUSDEC: what stands behind each CST of the detail section.

The group is number 30 in the directories up to D.99B and 32 later; its segments are the same but for GIS, which became GEI,
and a few more that are not read here. Order within the group does not matter.
"""

from __future__ import annotations

import re
from typing import Final

from schemas.feeds._edifact_parts import DECLARATION_NUMBERS, Gathered, Row, amount_of, commodity_code, measured
from schemas.feeds._edifact_syntax import Segment
from schemas.feeds._edifact_values import number, place_country, unit, whole

#: 5025, "Monetary amount type code qualifier": what an item is worth, best first: customs value, invoice item amount, FOB value,
#: invoice total; 123 is the statistical value.
_VALUES: Final = ("40", "38", "63", "39", "77")
_STATISTICAL: Final = ("123",)
#: 1131, "Code list identification code": tariff schedule, commodity; customs procedure; special codes, simplified procedure.
_TARIFFS: Final = frozenset({"108", "122", "HS"})
_PROCEDURES: Final = frozenset({"117"})
_ADDITIONAL: Final = frozenset({"110", "119"})
_LONG_PROCEDURE: Final = re.compile(r"([0-9]{4})([A-Z0-9]{3})\Z")
_UNIT: Final = re.compile(r"[A-Z0-9]{1,3}\Z")


class Group:
    """One CST and the segments behind it."""

    __slots__ = ("cst", "segments")

    def __init__(self, cst: Segment) -> None:
        self.cst = cst
        self.segments: list[Segment] = []


def item(group: Group, position: int, currencies: dict[str, str], default: str | None) -> tuple[Row, Gathered]:
    """Return one item of the contract, and the parties, places and documents that stand with it."""
    cst = group.cst
    here = Gathered()
    texts: list[str] = []
    described: str | None = None
    coded: str | None = None
    quantity: Row | None = None
    codes = Codes()
    codes.status(cst)
    for segment in group.segments:
        if here.take(segment):
            continue
        tag = segment.tag
        if tag == "FTX":
            kind = segment.get(1)
            if kind == "AAA":
                texts.append(segment.prose(4))
            elif kind == "CCI":
                codes.instructions(segment)
        elif tag == "IMD":
            described = described or " ".join(
                part for part in (segment.get(3, 4), segment.get(3, 5)) if part is not None
            )
        elif tag == "PIA" and coded is None and (segment.get(2, 2) or "").upper() == "HS":
            coded = segment.get(2)
        elif tag == "QTY" and quantity is None:
            quantity = _quantity(segment)
        elif tag in ("GIS", "GEI"):
            codes.indicator(segment)
    net, gross, measure = measured(here.measures)
    value, _ = amount_of(_VALUES, here, currencies, default)
    statistical, _ = amount_of(_STATISTICAL, here, currencies, default)
    origin = here.places.get("27")
    row: Row = {
        "number": _number(cst, position),
        "commodity_code": codes.commodity or _referenced(here, group, coded),
        "description": " ".join(part for part in texts if part) or described or None,
        "origin": place_country(origin[0]) if origin else None,
        "net_mass_kg": net,
        "gross_mass_kg": gross,
        "quantity": measure or quantity,
        "value": value or statistical,
        "statistical_value": statistical,
        "procedure": codes.procedure,
        "additional_procedures": codes.additional,
        "packages": here.packages,
        "documents": here.documents,
        "previous_documents": [
            {"type": kind, "reference": here.references[kind]}
            for kind in DECLARATION_NUMBERS
            if kind in here.references
        ],
    }
    return row, here


def _number(cst: Segment, position: int) -> int:
    return whole(cst, 1) or position


def _quantity(segment: Segment) -> Row | None:
    amount, measure = number(segment, 1, 2), unit(segment.get(1, 3))
    return {"value": amount, "unit": measure} if amount and measure and _UNIT.match(measure) else None


def _referenced(here: Gathered, group: Group, coded: str | None) -> str | None:
    """Return the tariff code of ``RFF+HS``, as Australia sends it, or of PIA."""
    stated = here.references.get("HS") or coded
    if stated is None:
        return None
    for segment in group.segments:
        if segment.tag == "RFF" and (segment.get(1) or "").upper() == "HS":
            return commodity_code(segment, 1, 2, stated)
    return commodity_code(group.cst, 0, 0, stated)


class Codes:
    """Tariff code and procedures of a CST, whose five C246 say by their code list (1131) what they are, or do not say."""

    __slots__ = ("additional", "commodity", "procedure")

    def __init__(self) -> None:
        self.commodity: str | None = None
        self.procedure: str | None = None
        self.additional: list[str] = []

    def status(self, cst: Segment) -> None:
        """Read CST. A code without a list is a tariff code if it has six digits or more, a procedure if it has four."""
        for element in range(2, 7):
            code = cst.get(element)
            if code is None:
                continue
            listed = (cst.get(element, 2) or "").upper()
            if listed in _TARIFFS:
                self.commodity = self.commodity or commodity_code(cst, element, 1, code)
            elif listed in _PROCEDURES:
                self.proceed(code)
            elif listed in _ADDITIONAL:
                self.additional.append(code)
            elif not listed:
                digits = re.sub(r"[ .]", "", code)
                if digits.isascii() and digits.isdigit() and 6 <= len(digits) <= 14 and self.commodity is None:
                    self.commodity = digits
                elif len(code) in (4, 7) and code[:4].isdigit() and self.procedure is None:
                    self.proceed(code)

    def proceed(self, code: str) -> None:
        """Take a procedure: requested and previous one, ``1000``, maybe with an additional one behind, ``1000C07``."""
        long = _LONG_PROCEDURE.match(code.upper())
        if self.procedure is not None:
            self.additional.append(code)
        elif long:
            self.procedure = long[1]
            self.additional.append(long[2])
        else:
            self.procedure = code[:16]

    def instructions(self, ftx: Segment) -> None:
        """Read ``FTX+CCI``: South Africa's requested and previous procedure and measure (SARS CUSDEC guide 30.2, SG30 FTX)."""
        requested, previous, measure = ftx.get(4, 1), ftx.get(4, 2), ftx.get(4, 3)
        if self.procedure is None and requested is not None and re.fullmatch(r"[0-9]{2}", requested):
            self.procedure = requested + (previous if previous and re.fullmatch(r"[0-9]{2}", previous) else "")
            if measure is not None:
                self.additional.append(measure)

    def indicator(self, segment: Segment) -> None:
        """Read GIS (C529) or GEI (C012, one element later): a code of the list of customs procedures."""
        element = 1 if segment.tag == "GIS" else 2
        code = segment.get(element)
        if code is not None and segment.get(element, 2) in _PROCEDURES:
            self.proceed(code)
