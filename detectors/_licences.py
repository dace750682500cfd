"""Control and licence features: the control that applies, prohibitions of the destination, and what the licence says."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from datetime import date
from typing import Any

import polars as pl
from rapidfuzz import fuzz

from detectors._columnar import spread
from detectors._folding import fold
from detectors._values import mass_kg
from detectors.batch import ItemFields
from detectors.goods import Goods
from detectors.reference import Reference
from detectors.table import Cells
from schemas.decode import Row
from schemas.reference import ControlEntry

#: Document types that are export licences: X002 is the EU's code for a dual-use export authorisation (also in UK CDS); 3, G and
#: 4 are licence letters of China's customs supervision conditions (from memory); types in words are matched below.
_LICENCE_TYPES = frozenset({"X002", "3", "G", "4"})
_LICENCE_WORDS = re.compile(r"licen[cs]|permit|lizenz|genehmigung|许可|許可|лиценз|разреш", re.IGNORECASE)
#: References that say that there is no licence yet. A missing reference is none of them: feeds leave it out.
_PLACEHOLDER = re.compile(
    r"\W*(?:n\W?a|nil|none|no|tb[ac]|pending|applied(?: for)?|to follow|in process|0+|x{2,}|-+|无|無|待办|нет)\W*",
    re.IGNORECASE,
)
#: Names below this token similarity (0-100, rapidfuzz token_set_ratio) are two different names.
_SAME_NAME = 65
#: A licence may be exceeded by this share before it counts: rounding, and weighing tolerance of 5 % in trade terms.
_OVERDRAFT_TOLERANCE = 1.05


def is_licence(document_type: str) -> bool:
    """Tell whether a document type is an export licence."""
    return document_type in _LICENCE_TYPES or bool(_LICENCE_WORDS.search(document_type))


_NONE: list[Any] = []


def licences_of(documents: Iterable[Any]) -> list[Any]:
    """Return the documents that are export licences and name one."""
    return [d for d in documents if is_licence(d["type"]) and not _PLACEHOLDER.fullmatch(d["reference"] or "?")]


class ControlBook:
    """Control columns against one reference."""

    def __init__(self, reference: Reference) -> None:
        self._reference = reference
        self._is_licence: dict[str, bool] = {}

    def _licences(self, documents: list[Any]) -> list[Any]:
        found = []
        for document in documents:
            kind = document["type"]
            known = self._is_licence.get(kind)
            if known is None:
                known = self._is_licence[kind] = is_licence(kind)
            if known and not _PLACEHOLDER.fullmatch(document["reference"] or "?"):
                found.append(document)
        return found

    def columns(
        self,
        rows: Sequence[Row],
        items: ItemFields,
        goods: list[Goods],
        controlled: list[int],
        days: list[date],
    ) -> list[Cells]:
        """Return the item columns of controls, prohibitions and licences.

        Parameters
        ----------
        rows : declarations as decoded.
        items : what the items declare.
        goods : the facts of each item.
        controlled : the items whose facts have a control.
        days : the day of each declaration.
        """
        licences = self._of_items(rows, items)
        concerned = sorted({*controlled, *licences})
        found = [
            self._concerned(rows[row], rows[row]["items"][place], goods[n], licences.get(n, _NONE), days[row])
            for n, row, place in ((n, items.row[n], items.place[n]) for n in concerned)
        ]
        columns = [
            Cells(name, values, dtype)
            for (name, dtype), values in zip(_COLUMNS, zip(*found, _UNCONCERNED, strict=True), strict=True)
        ]
        return spread(columns, concerned, len(goods))

    def _of_items(self, rows: Sequence[Row], items: ItemFields) -> dict[int, list[Any]]:
        """Return the licences of the items that have any; one named for the whole declaration stands for each item."""
        whole = {
            n: found for n, row in enumerate(rows) if row["documents"] and (found := self._licences(row["documents"]))
        }
        licences = {
            n: found
            for n, documents in enumerate(items.documents)
            if documents and (found := self._licences(documents))
        }
        if whole:
            for n, row in enumerate(items.row):
                if row in whole:
                    licences[n] = licences.get(n, _NONE) + whole[row]
        return licences

    def _concerned(self, row: Row, item: Any, goods: Goods, licences: list[Any], day: date) -> tuple[Any, ...]:
        control = goods.control
        if control is not None and not control.applies_to(row["country_of_destination"]):
            control = None
        check = _check(row, item, licences, day) if licences else _NO_LICENCE
        if control is None:
            return (*_UNCONTROLLED, bool(licences), *check)
        return (
            True,
            control.row_id,
            control.instrument,
            control.substance,
            _lexicon_name(control, goods),
            control.can_prohibit,
            control.threshold is not None,
            *self._ban(row, control, day),
            self._military(row, day),
            bool(licences),
            *check,
        )

    def _ban(self, row: Row, control: ControlEntry, day: date) -> tuple[str | None, str | None, str | None]:
        """Return a prohibition in force, the country it is about, and as what that country stands in the declaration."""
        towards = [("destination", row["country_of_destination"])]
        towards += [(role, row[role]["country"]) for role in ("consignee", "notify") if row[role] is not None]
        for entry in self._reference.controls_on(day):
            if entry.measure != "prohibition_no_licence" or not entry.can_prohibit or not control.can_prohibit:
                continue
            if control.scope not in entry.covers and control.scope != entry.scope:
                continue
            for role, country in towards:
                if country is not None and entry.applies_to(country):
                    return entry.row_id, country, role
        return None, None, None

    def _military(self, row: Row, day: date) -> str | None:
        for entry in self._reference.controls_on(day):
            if entry.measure == "prohibition_military_end_use" and entry.applies_to(row["country_of_destination"]):
                return entry.row_id
        return None


def _lexicon_name(control: ControlEntry, goods: Goods) -> str:
    """Return the controlled substance by its name in the lexicon: the one named, else the first that the row lists."""
    if goods.named_substance is not None and (
        goods.named_substance in control.substances or goods.named_element in control.elements
    ):
        return goods.named_substance
    return control.substances[0] if control.substances else control.substance


_COLUMNS = (
    ("controlled", pl.Boolean),
    ("control_id", pl.String),
    ("control_instrument", pl.String),
    ("control_substance", pl.String),
    ("controlled_substance", pl.String),
    ("control_certain", pl.Boolean),
    ("control_has_threshold", pl.Boolean),
    ("prohibition_id", pl.String),
    ("prohibited_country", pl.String),
    ("prohibited_as", pl.String),
    ("military_ban_id", pl.String),
    ("has_licence", pl.Boolean),
    ("licence_expired_on", pl.String),
    ("licence_holder_differs", pl.Boolean),
    ("licence_end_user_differs", pl.Boolean),
    ("licence_kg", pl.Float64),
    ("licence_overdrawn", pl.Boolean),
)
_UNCONTROLLED = (False, *[None] * 10)
_NO_LICENCE: tuple[str | None, bool | None, bool | None, float | None, bool | None] = (None, None, None, None, None)
#: The values of an item without control or licence.
_UNCONCERNED = (*_UNCONTROLLED, False, *_NO_LICENCE)


def _differs(name: str | None, others: list[str | None]) -> bool | None:
    """Tell whether a name is none of the others; None if there is nothing to compare."""
    known = [fold(other) for other in others if other]
    if not name or not known:
        return None
    wanted = fold(name)
    return all(fuzz.token_set_ratio(wanted, other) < _SAME_NAME for other in known)


def _names(row: Row, roles: Sequence[str]) -> list[str | None]:
    found: list[str | None] = []
    for role in roles:
        if row[role] is not None:
            found += [row[role]["name"], row[role]["id"]]
    return found


def _check(
    row: Row, item: Any, licences: list[Any], day: date
) -> tuple[str | None, bool | None, bool | None, float | None, bool | None]:
    """Hold the best of an item's licences against the declaration: expiry, holder, end user, quantity."""
    expired = [d["expires_on"] for d in licences if d["expires_on"] is not None]
    over = max(expired) if expired and len(expired) == len(licences) and max(expired) < day else None
    holder = [_differs(d["holder"], _names(row, ("exporter", "declarant"))) for d in licences]
    user = [_differs(d["end_user"], _names(row, ("consignee", "notify"))) for d in licences]
    known = [d["quantity_kg"] for d in licences if d["quantity_kg"]]
    licensed = sum(known) if known and len(known) == len(licences) else None
    net = mass_kg(item)
    overdrawn = net > licensed * _OVERDRAFT_TOLERANCE if licensed and net else None
    return (
        over.isoformat() if over else None,
        all(holder) if None not in holder else None,
        all(user) if None not in user else None,
        licensed,
        overdrawn,
    )
