"""The rows of the control lists that bear on an alert, as they were in force on the declaration's day."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any, Final

from detectors.reference import Reference
from schemas.reference import ControlEntry, Suspension

JsonObject = Mapping[str, Any]

_SHOWN: Final = 12
#: A row as evidence cites it: "C0001 MOFCOM+GACC Announcement 23/2023".
_ROW: Final = re.compile(r"\b(C\d{4})\b")


@dataclass(frozen=True, slots=True)
class Control:
    """A row: ``cited`` if the evidence names it, ``binds`` if it applies to the declared destination."""

    entry: ControlEntry
    cited: bool
    binds: bool


@dataclass(frozen=True, slots=True)
class Controls:
    """Rows in force on ``day``, cited ones first, and suspensions that run on it and touch the same lists."""

    day: date
    rows: tuple[Control, ...]
    left_out: int
    suspended: tuple[Suspension, ...]
    same_tables: bool


def controls(alert: JsonObject, reference: Reference) -> Controls | None:
    """Return what was in force for the alert's substances and codes; None without a day of lodgement."""
    declaration: JsonObject = alert.get("declaration") or {}
    lodged = declaration.get("lodged_at") or alert.get("event_time")
    if not lodged:
        return None
    day = date.fromisoformat(str(lodged)[:10])
    reasons = alert.get("reasons") or []
    cited = {
        row
        for reason in reasons
        for evidence in reason.get("evidence") or []
        for row in _ROW.findall(str(evidence.get("reference") or ""))
    }
    # The leading substances: a price may fit a dozen more, which are not what the alert is about.
    leading = [name for reason in reasons[:3] for name in (reason.get("substances") or [])[:1]]
    substances = set(leading) | set((alert.get("substances") or [])[:1])
    elements = {e.element for e in reference.lexicon if e.substance in substances and e.element}
    start, end = declaration.get("country_of_export"), declaration.get("country_of_destination")
    ranked: list[tuple[tuple[bool, bool, bool, str], Control]] = []
    for entry in reference.controls_on(day):
        named, binds = entry.row_id in cited, entry.applies_to(end)
        exact = bool(substances & {entry.substance, *entry.substances})
        meant = exact or (entry.kind != "blanket" and elements & set(entry.elements))
        if named or (meant and (start is None or start in entry.territories)):
            ranked.append(((not named, not binds, not exact, entry.row_id), Control(entry, named, binds)))
    found = [control for _, control in sorted(ranked, key=lambda each: each[0])]
    scopes = {control.entry.scope for control in found} | {scope for c in found for scope in c.entry.covers}
    towards = {end, *((declaration.get(role) or {}).get("country") for role in ("consignee", "notify")), "ALL"}
    suspended = tuple(
        s for s in reference.suspensions_on(day) if scopes & set(s.scopes) and towards & set(s.destinations)
    )
    same = (alert.get("provenance") or {}).get("reference") == reference.version
    return Controls(day, tuple(found[:_SHOWN]), max(0, len(found) - _SHOWN), suspended, same)
