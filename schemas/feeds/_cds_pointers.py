"""Pointers of the WCO Data Model: which part of a declaration a chain of section codes and a tag name.

A chain leads from the declaration (42A) down to a class; each step may have the position of a member in its list, and the last
a tag: the WCO's number of one element of that class. The numbers are those of HMRC's schema of the declaration
(``WCO_DEC_2_DMS.xsd`` of "Customs Declarations", element ``WCOID``); traders leave out steps, positions of what cannot
repeat, and the empty levels between.
"""

from __future__ import annotations

from typing import Final, NamedTuple

from schemas.feeds._fields import whole
from schemas.feeds._xml import Node

DECLARATION: Final = "42A"
GOODS_ITEM: Final = "68A"
#: Classes whose elements hold something that the contract has: section code -> name of the element.
SECTIONS: Final = {
    "67A": "GoodsShipment",
    GOODS_ITEM: "GovernmentAgencyGoodsItem",
    "02A": "AdditionalDocument",
    "04A": "Address",
    "05A": "Agent",
    "10A": "ArrivalTransportMeans",
    "15A": "BorderTransportMeans",
    "15C": "PresentationOffice",
    "18A": "Carrier",
    "21A": "Classification",
    "22C": "WriteOff",
    "23A": "Commodity",
    "27A": "Consignee",
    "28A": "Consignment",
    "31B": "TransportEquipment",
    "44B": "Seal",
    "46A": "DepartureTransportMeans",
    "56A": "ExitOffice",
    "57A": "Exporter",
    "57B": "Declarant",
    "65A": "GoodsMeasure",
    "70A": "GovernmentProcedure",
    "74A": "Importer",
    "79A": "InvoiceLine",
    "81A": "Itinerary",
    "92A": "Origin",
    "93A": "Packaging",
    "95B": "ExportCountry",
    "99A": "PreviousDocument",
    "99B": "Destination",
}
#: Those that repeat; the position in a pointer counts only for them.
_LISTS: Final = frozenset({GOODS_ITEM, "02A", "21A", "31B", "44B", "70A", "81A", "92A", "93A", "99A"})
#: Those whose members state their own number.
_NUMBERED: Final = frozenset({GOODS_ITEM, "31B", "44B", "81A", "93A"})


class Step(NamedTuple):
    """A class on the way, with the member's place from 1 in a list (0 where it does not repeat, or none is given)."""

    code: str
    place: int


class Pointer(NamedTuple):
    """The steps below the declaration, and the tag of the element, ``None`` for all of the class."""

    steps: tuple[Step, ...]
    tag: str | None

    def upto(self, code: str) -> tuple[Step, ...]:
        """Return the steps as far as the first of that section."""
        codes = [step.code for step in self.steps]
        return self.steps[: codes.index(code) + 1]


def pointer(amendment: Node) -> Pointer | None:
    """Return what one ``Amendment`` points at; ``None`` if it points nowhere, or at a class of which nothing is kept."""
    steps: list[Step] = []
    tag = None
    links = amendment.all("Pointer")
    for link in links:
        code = (link.text("DocumentSectionCode") or "").upper()
        tag = (link.text("TagID") or "").upper() or tag
        if code == DECLARATION and not steps:
            continue
        if code not in SECTIONS:
            return None
        place = whole(link.one("SequenceNumeric")) or 0
        steps.append(Step(code, place if code in _LISTS else 0))
    return Pointer(tuple(steps), tag) if links else None


class Body:
    """The part of the declaration that an amendment carries: pointers to the elements it has."""

    def __init__(self, node: Node, pointers: list[Pointer]) -> None:
        self._node = node
        self._asked: dict[tuple[Step, ...], dict[str, set[int]]] = {}
        self._members: dict[tuple[tuple[Step, ...], str], dict[int, Node]] = {}
        for known in pointers:
            for length, step in enumerate(known.steps):
                if step.code in _LISTS:
                    self._asked.setdefault(known.steps[:length], {}).setdefault(step.code, set()).add(step.place)

    def at(self, steps: tuple[Step, ...]) -> Node | None:
        """Return the element at the end of the steps; a list's first member where no place is given."""
        here: Node | None = self._node
        for length, step in enumerate(steps):
            if here is None:
                return None
            if step.code in _LISTS:
                here = self.members(here, steps[:length], step.code).get(step.place or 1)
            else:
                here = here.one(SECTIONS[step.code])
        return here

    def members(self, above: Node, steps: tuple[Step, ...], code: str) -> dict[int, Node]:
        """Return the members of a list by place: by the number they state; otherwise in order.

        Some senders restate the list as far as the changed member, others send the changed members only. Those are told by
        places that reach beyond the list while as many members are pointed at as are there.
        """
        known = self._members.get((steps, code))
        if known is None:
            nodes = above.all(SECTIONS[code])
            asked = sorted(place for place in self._asked.get(steps, {}).get(code, ()) if place)
            numbers = [whole(node.one("SequenceNumeric")) for node in nodes] if code in _NUMBERED else []
            if any(numbers):
                known = {
                    number or place: node for place, (number, node) in enumerate(zip(numbers, nodes, strict=True), 1)
                }
            elif asked and len(asked) == len(nodes) and asked[-1] > len(nodes):
                known = dict(zip(asked, nodes, strict=True))
            else:
                known = dict(enumerate(nodes, 1))
            self._members[steps, code] = known
        return known
