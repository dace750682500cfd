"""What segment groups of CUSDEC say wherever they stand, in the header or in an item: parties, documents, measures, money.

Code lists are those of the UN/EDIFACT directories (UNCL); where a national guide says more, it is named.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any, Final

from schemas.feeds._codelists import KILOGRAMS, country, kilograms
from schemas.feeds._edifact_syntax import Segment
from schemas.feeds._edifact_values import day, number, shown, unit, whole

Row = dict[str, Any]

#: 3035, "Party function code qualifier", to the role it has in the contract; of several the first that is there counts.
ROLES: Final[dict[str, tuple[str, ...]]] = {
    "declarant": ("DT",),
    "agent": ("AE", "CB", "AG"),
    "exporter": ("EX", "CZ"),
    "consignee": ("CN", "IM", "UC"),
    "notify": ("NI",),
    "carrier": ("CA",),
}
#: 6313, "Measured attribute code" (D.97B, D.19B): net and gross masses of an item, and of the whole declaration.
NET: Final = frozenset({"AAA", "AAC", "AAF", "AAL"})
GROSS: Final = frozenset({"AAB", "AAD", "AAE", "AAG", "G"})
#: 6311, "Measurement purpose code qualifier", where no 6313 follows: customs line item measurement (AAF), which South Africa
#: sends (SARS CUSDEC guide 30.2, SG30 MEA), item weight (AAI), weights (WT); Australia's export declaration gives the net
#: quantity with ABW and the gross weight with WT, in this order (ABF, CUSDEC EXD).
QUANTITY_PURPOSES: Final = frozenset({"AAF", "ABW"})
NET_PURPOSES: Final = frozenset({"AAA", "AAF", "ABW"})
GROSS_PURPOSES: Final = frozenset({"AAB", "AAD", "AAI", "WT"})
#: 1153, "Reference code qualifier": references that are documents; the qualifier is the type of the document. Export and import
#: permits and licences, invoice, bills of lading, air waybills.
DOCUMENT_REFERENCES: Final = frozenset({"EX", "EP", "IP", "IV", "BM", "BH", "MB", "AWB", "MWB", "HWB"})
#: 1153: the number that customs gave a goods declaration.
DECLARATION_NUMBERS: Final = ("ABT", "AAE")
#: What the contract takes of a package's marks.
_LONGEST_MARKS: Final = 512
#: 2005: dates behind a document: issue (182, 137, and 171, of a reference); expiry (36, 192).
_ISSUED: Final = frozenset({"137", "171", "182"})
_EXPIRES: Final = frozenset({"36", "192"})

_PACKAGE_TYPE: Final = re.compile(r"[A-Z0-9]{1,2}\Z")
_UNIT: Final = re.compile(r"[A-Z0-9]{1,3}\Z")


class Gathered:
    """Collects the groups of one section, header or item, in the order of the segments.

    A segment that belongs to the one before it (CTA and COM to NAD, DTM to RFF and DOC, CUX to MOA, PCI to PAC) is put there;
    amounts behind TAX are duties and are left out.
    """

    __slots__ = (
        "_last",
        "containers",
        "currencies",
        "documents",
        "measures",
        "money",
        "packages",
        "parties",
        "places",
        "references",
        "seals",
        "transports",
    )

    def __init__(self) -> None:
        self.parties: dict[str, Row] = {}
        self.places: dict[str, list[Segment]] = {}
        self.references: dict[str, str] = {}
        self.documents: list[Row] = []
        self.measures: list[Segment] = []
        self.money: list[tuple[str, Segment, list[str]]] = []
        self.currencies: list[str] = []
        self.packages: list[Row] = []
        self.transports: dict[str, Segment] = {}
        self.containers: list[str] = []
        self.seals: list[str] = []
        self._last: tuple[str, Any] = ("", None)

    @property
    def in_group(self) -> bool:
        """Whether a date here would be that of a document, a reference or an amount, and not of the whole section."""
        return self._last[0] in ("DOC", "MOA", "TAX")

    def take(self, segment: Segment) -> bool:
        """Take a segment of a kind that is read the same way everywhere; say whether it was one."""
        handler = _HANDLERS.get(segment.tag)
        if handler is None:
            return False
        handler(self, segment)
        return True

    def _nad(self, segment: Segment) -> None:
        found = _party(segment)
        self._last = ("NAD", found)
        role = segment.get(1)
        if found is not None and role is not None:
            self.parties.setdefault(role.upper(), found)

    def _com(self, segment: Segment) -> None:
        kind, party = self._last
        if kind != "NAD" or party is None or (reached := segment.get(1)) is None:
            return
        means = segment.get(1, 2)
        if means == "EM" or (means is None and "@" in reached):
            party.setdefault("email", reached)
        elif means in ("TE", "AL", None):
            party.setdefault("phone", reached)

    def _cta(self, segment: Segment) -> None:
        """A contact belongs to its party; its name is not the party's."""

    def _loc(self, segment: Segment) -> None:
        if (kind := segment.get(1)) is not None:
            self.places.setdefault(kind, []).append(segment)

    def _rff(self, segment: Segment) -> None:
        kind, reference = (segment.get(1) or "").upper(), segment.get(1, 2)
        found: Row | None = None
        if reference is not None:
            self.references.setdefault(kind, reference)
            if kind in DOCUMENT_REFERENCES:
                found = {"type": kind, "reference": reference}
                self.documents.append(found)
        if self._last[0] != "NAD":
            self._last = ("DOC", found)

    def _doc(self, segment: Segment) -> None:
        kind = segment.get(1, 1) or segment.get(1, 4)
        found: Row | None = None
        if kind is not None:
            found = {"type": kind[:16], "reference": segment.get(2), "status": (segment.get(2, 2) or "")[:16] or None}
            self.documents.append(found)
        self._last = ("DOC", found)

    def _dms(self, segment: Segment) -> None:
        """The commercial document whose lines follow (SG11), an invoice as a rule."""
        kind = segment.get(2, 1) or segment.get(2, 4)
        found: Row | None = {"type": kind[:16], "reference": segment.get(1)} if kind is not None else None
        if found is not None:
            self.documents.append(found)
        self._last = ("DOC", found)

    def _dtm(self, segment: Segment) -> None:
        kind, document = self._last
        if kind != "DOC" or document is None:
            return
        meaning = segment.get(1)
        if meaning in _ISSUED:
            document.setdefault("issued_on", day(segment))
        elif meaning in _EXPIRES:
            document.setdefault("expires_on", day(segment))

    def _moa(self, segment: Segment) -> None:
        if self._last[0] == "TAX":
            return
        stated: list[str] = []
        if (currency := segment.get(1, 3)) is not None:
            stated.append(currency.upper())
        if (kind := segment.get(1)) is not None:
            self.money.append((kind, segment, stated))
        self._last = ("MOA", stated)

    def _cux(self, segment: Segment) -> None:
        currency = segment.get(1, 2)
        if currency is None:
            return
        kind, stated = self._last
        if kind != "MOA":
            self.currencies.append(currency.upper())
        elif not stated:
            stated.append(currency.upper())

    def _tax(self, segment: Segment) -> None:
        self._last = ("TAX", None)

    def _mea(self, segment: Segment) -> None:
        self.measures.append(segment)

    def _pac(self, segment: Segment) -> None:
        self._last = ("PAC", None)
        count, listed = whole(segment, 1), segment.get(3, 2)
        if count is None and listed is not None:
            return  # a code of another list, as Australia's kinds of cargo (67) and of packaging (146)
        kind = (segment.get(3) or "").upper()
        found = {"type": kind if _PACKAGE_TYPE.match(kind) else None, "count": count, "marks": None}
        if found["type"] is not None or count is not None:
            self.packages.append(found)
            self._last = ("PAC", found)

    def _pci(self, segment: Segment) -> None:
        kind, package = self._last
        if kind == "PAC" and package is not None and (marks := " ".join(segment.all(2))):
            before = package["marks"]
            # Longer marks are refused in the end; to write them out anew with every PCI takes time by the square.
            if before is None or len(before) <= _LONGEST_MARKS:
                package["marks"] = f"{before} {marks}" if before else marks

    def _tdt(self, segment: Segment) -> None:
        self._last = ("TDT", None)
        if (stage := segment.get(1)) is not None:
            self.transports.setdefault(stage, segment)

    def _eqd(self, segment: Segment) -> None:
        self._last = ("EQD", None)
        if (segment.get(1) or "").upper() == "CN" and (identity := segment.get(2)) is not None:
            self.containers.append(identity)

    def _sgp(self, segment: Segment) -> None:
        if (identity := segment.get(1)) is not None:
            self.containers.append(identity)

    def _sel(self, segment: Segment) -> None:
        if (identity := segment.get(1)) is not None:
            self.seals.append(identity)


_HANDLERS: Final = {
    "NAD": Gathered._nad,
    "CTA": Gathered._cta,
    "COM": Gathered._com,
    "LOC": Gathered._loc,
    "RFF": Gathered._rff,
    "DOC": Gathered._doc,
    "DMS": Gathered._dms,
    "DTM": Gathered._dtm,
    "MOA": Gathered._moa,
    "CUX": Gathered._cux,
    "TAX": Gathered._tax,
    "MEA": Gathered._mea,
    "PAC": Gathered._pac,
    "PCI": Gathered._pci,
    "TDT": Gathered._tdt,
    "EQD": Gathered._eqd,
    "SGP": Gathered._sgp,
    "SEL": Gathered._sel,
}


def _party(segment: Segment) -> Row | None:
    """Return a party: structured (C080, C059, city...) or in free lines (C058: the name, then the address)."""
    lines = segment.all(3)
    names, streets = segment.all(4), segment.all(5)
    name = " ".join(names) or (lines[0] if lines else None)
    address = ", ".join([*([] if names else lines[1:]), *(lines if names else []), *streets]) or None
    found = {
        "id": segment.get(2),
        "name": name,
        "address": address,
        "city": segment.get(6),
        "postcode": segment.get(8),
        "country": country(segment.get(9)),
    }
    return found if any(found.values()) else None


def party(role: str, *sections: Gathered) -> Row | None:
    """Return who has a role: in the first of these sections that names anybody for it."""
    return next(
        (found for here in sections for code in ROLES[role] if (found := here.parties.get(code)) is not None), None
    )


def measured(segments: Iterable[Segment]) -> tuple[float | None, float | None, Row | None]:
    """Return net and gross mass in kilograms, and the quantity in its own unit, of these MEA segments."""
    net: float | None = None
    gross: float | None = None
    quantity: Row | None = None
    purpose_net: float | None = None
    purpose_gross: float | None = None
    for segment in segments:
        amount = number(segment, 3, 2)
        if amount is None:
            continue
        purpose, attribute = (segment.get(1) or "").upper(), (segment.get(2) or "").upper()
        measure = unit(segment.get(3))
        mass = kilograms(amount, measure) if measure is None or measure in KILOGRAMS else None
        if attribute in NET and net is None:
            net = mass
        elif attribute in GROSS and gross is None:
            gross = mass
        elif not attribute and purpose in GROSS_PURPOSES and purpose_gross is None:
            purpose_gross = mass
        elif not attribute and purpose in NET_PURPOSES and purpose_net is None:
            purpose_net = mass
        counted = not attribute and purpose in QUANTITY_PURPOSES
        if (counted or mass is None) and quantity is None and measure is not None and _UNIT.match(measure):
            quantity = {"value": amount, "unit": measure}
    return net or purpose_net, gross or purpose_gross, quantity


def amount_of(
    qualifiers: Iterable[str], here: Gathered, currencies: dict[str, str], default: str | None
) -> tuple[Row | None, Segment | None]:
    """Return the first amount of these kinds (5025) that has a currency, and where it stands.

    The currency is that of the amount, or of its CUX, else what the header says for the same kind of amount, else ``default``.
    """
    for kind in qualifiers:
        for stated_kind, segment, stated in here.money:
            if stated_kind != kind:
                continue
            amount = number(segment, 1, 2)
            currency = stated[0] if stated else currencies.get(kind, default)
            if amount is not None and currency is not None:
                return {"amount": amount, "currency": currency}, segment
    return None, None


def commodity_code(segment: Segment, element: int, component: int, stated: str) -> str:
    """Return the digits of a tariff code; a located error for anything else."""
    digits = re.sub(r"[ .]", "", stated)
    if not re.fullmatch(r"[0-9]{4,14}", digits):
        raise segment.wrong(f"a commodity code has 4 to 14 digits, not {shown(stated)}", element, component)
    return digits
