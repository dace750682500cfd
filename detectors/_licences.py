"""Control and licence features: the control that applies, prohibitions of the destination, and what the licence says."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import date
from typing import Any

import polars as pl
from rapidfuzz import fuzz

from detectors._folding import fold
from detectors._values import mass_kg
from detectors.goods import Goods
from detectors.reference import Reference
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
        self, rows: Sequence[Row], items: list[tuple[int, Any]], goods: list[Goods], days: list[date]
    ) -> list[pl.Series]:
        """Return the item columns of controls, prohibitions and licences."""
        controls = [
            g.control if g.control is not None and g.control.applies_to(rows[n]["country_of_destination"]) else None
            for (n, _), g in zip(items, goods, strict=True)
        ]
        # A licence named for the whole declaration stands for each of its items.
        whole = {n: self._licences(row["documents"]) for n, row in enumerate(rows) if row["documents"]}
        licences = [self._licences(item["documents"]) if item["documents"] else _NONE for _, item in items]
        if whole:
            licences = [own + whole.get(n, _NONE) for (n, _), own in zip(items, licences, strict=True)]
        bans: list[tuple[str | None, str | None, str | None]] = []
        for (n, _), control, day in zip(items, controls, days, strict=True):
            bans.append(self._ban(rows[n], control, day) if control is not None else (None, None, None))
        checks = [
            _check(rows[n], item, found, day) if found else _NO_LICENCE
            for (n, item), found, day in zip(items, licences, days, strict=True)
        ]
        text, flag = pl.String, pl.Boolean
        military = [
            self._military(rows[n], control, day) for (n, _), control, day in zip(items, controls, days, strict=True)
        ]
        return [
            pl.Series("controlled", [c is not None for c in controls], dtype=flag),
            pl.Series("control_id", [c and c.row_id for c in controls], dtype=text),
            pl.Series("control_instrument", [c and c.instrument for c in controls], dtype=text),
            pl.Series("control_substance", [c and c.substance for c in controls], dtype=text),
            pl.Series(
                "controlled_substance",
                [_lexicon_name(c, g) if c else None for c, g in zip(controls, goods, strict=True)],
                dtype=text,
            ),
            pl.Series("control_certain", [c.can_prohibit if c else None for c in controls], dtype=flag),
            pl.Series(
                "control_has_threshold",
                [(c.threshold is not None) if c else None for c in controls],
                dtype=flag,
            ),
            pl.Series("prohibition_id", [b[0] for b in bans], dtype=text),
            pl.Series("prohibited_country", [b[1] for b in bans], dtype=text),
            pl.Series("prohibited_as", [b[2] for b in bans], dtype=text),
            pl.Series("military_ban_id", military, dtype=text),
            pl.Series("has_licence", [bool(found) for found in licences], dtype=flag),
            pl.Series("licence_expired_on", [c[0] for c in checks], dtype=text),
            pl.Series("licence_holder_differs", [c[1] for c in checks], dtype=flag),
            pl.Series("licence_end_user_differs", [c[2] for c in checks], dtype=flag),
            pl.Series("licence_kg", [c[3] for c in checks], dtype=pl.Float64),
            pl.Series("licence_overdrawn", [c[4] for c in checks], dtype=flag),
        ]

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

    def _military(self, row: Row, control: ControlEntry | None, day: date) -> str | None:
        if control is None:
            return None
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


_NO_LICENCE: tuple[str | None, bool | None, bool | None, float | None, bool | None] = (None, None, None, None, None)


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
