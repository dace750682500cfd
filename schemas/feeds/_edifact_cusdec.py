"""CUSDEC, the customs declaration, of the directories D.96B to D.21B: one message to what it says.

The grammar is taken loosely: everything before ``UNS+D`` is the header, each CST behind it begins an item (group 30 up to D.99B,
32 later), what stands between ``UNS+D`` and the first CST are commercial documents (SG11), ``UNS+S`` begins the summary. So both
layouts, and national ones that leave segments out, are read by the same code.
"""

from __future__ import annotations

import re
from datetime import datetime
from typing import Any, Final

from pydantic import ValidationError

from schemas.declaration import Declaration
from schemas.feeds import Arrival
from schemas.feeds._edifact_codes import MISSING
from schemas.feeds._edifact_header import Sections, currencies_of, header_of, kind_of
from schemas.feeds._edifact_items import item
from schemas.feeds._edifact_parts import DECLARATION_NUMBERS, ROLES, Gathered, Row
from schemas.feeds._edifact_syntax import Interchange, Segment, Transmission
from schemas.feeds._edifact_values import moment, prepared, shown
from schemas.feeds._fields import contract_mistake
from schemas.message import Edit, Message, Named

FORMAT: Final = "edifact-cusdec"

#: 1225, "Message function code": what a message makes of the declaration. ``addition`` (2) and a replacement of items alone (21)
#: say too little to be applied by themselves.
FUNCTIONS: Final[dict[str, str]] = {
    "9": "lodged",
    "6": "lodged",
    "7": "lodged",
    "14": "lodged",
    "18": "lodged",
    "22": "lodged",
    "31": "lodged",
    "46": "lodged",
    "47": "lodged",
    "4": "amended",
    "5": "amended",
    "20": "amended",
    "1": "cancelled",
    "3": "cancelled",
    "17": "cancelled",
}
#: 1001, "Document name code": goods declarations for exportation (830), importation (929), home use (930), customs transit (950;
#: 820 to 825 are the forms of common transit), TIR carnet (952), customs declaration of post parcels (936).
_REGIMES: Final[dict[str, str]] = {
    "830": "export",
    "929": "import",
    "930": "import",
    "936": "postal",
    "950": "transit",
    "952": "transit",
    **{str(code): "transit" for code in range(820, 826)},
}
#: The same by national codes in 1000 or 1001: the letters of the EU's box 1 (EX, IM, T1...), Australia's EXD, IMD and SAC.
_LETTERS: Final = (("EX", "export"), ("IM", "import"), ("SAC", "import"), ("T1", "transit"), ("T2", "transit"))
_LODGED_AT: Final = ("137", "150", "148", "182")
_MRN: Final = re.compile(r"[0-9A-Z]{8,35}\Z")


def decode(message: Transmission, interchange: Interchange, arrival: Arrival, system: str) -> Message:
    """Decode one CUSDEC.

    Raises
    ------
    FeedError : its trailer counts otherwise, a value is nonsense, or there is no identity, no function, no regime or no item.
    """
    if message.mistake is not None:
        raise message.mistake
    sections = Sections(message)
    bgm = sections.bgm
    if bgm is None:
        raise message.segment(0).wrong("BGM is missing: no declaration without it", code=MISSING)
    event = _event(bgm)
    named = _named(sections, bgm, interchange, system)
    at = _time(sections, interchange, arrival)
    source = {
        "system": system,
        "format": FORMAT,
        "received_at": arrival.received_at,
        "origin": arrival.origin,
    }
    said: Row = {
        "event": event,
        "named": named,
        "source": source,
        "at": at,
        "reference": _reference(message, interchange),
        "version": _version(bgm, event),
    }
    if event != "cancelled" and (sections.groups or event == "lodged"):
        said["declaration"] = _whole(sections, bgm, named, said)
    elif event == "amended":
        said["edits"] = _edits(sections, bgm)
    try:
        return Message(**said)
    except ValidationError as error:
        problems = error.errors(include_url=False, include_context=False)
        raise contract_mistake(problems, bgm.path()) from None


def _event(bgm: Segment) -> str:
    function = bgm.get(3)
    event = FUNCTIONS.get(function or "9")
    if event is None:
        raise bgm.wrong(f"the message function {shown(function or '')} is not one that is read: 9, 4, 5 or 1, say", 3)
    return event


def _reference(message: Transmission, interchange: Interchange) -> str | None:
    """Return interchange and message reference (0020, 0062), by which CONTRL names the message."""
    return "/".join(part for part in (interchange.header.get(5), message.segment(0).get(1)) if part) or None


def _version(bgm: Segment, event: str) -> int | None:
    """Return C106, 1056. An original is version 1, whatever count of attempts it states (Australia: 1 or more)."""
    if event == "lodged":
        return 1
    stated = bgm.get(2, 2)
    number_ = int(stated) if stated and re.fullmatch(r"[0-9]{1,6}", stated) else 0
    return number_ if number_ >= 1 else None


def _named(sections: Sections, bgm: Segment, interchange: Interchange, system: str) -> Named:
    """Return the names: declarant (NAD+DT, else its agent, else who sent the interchange) and reference (BGM, else RFF+ABE)."""
    references = sections.header.references
    local = bgm.get(2) or references.get("ABE")
    if local is None:
        raise bgm.wrong(
            "neither a document number (C106, 1004) nor RFF+ABE: no identity without either", 2, code=MISSING
        )
    codes = (*ROLES["declarant"], *ROLES["agent"])
    ids = (sections.header.parties[code].get("id") for code in codes if code in sections.header.parties)
    declarant = next((found for found in ids if found), None) or interchange.header.get(2)
    if declarant is None:
        reason = "neither NAD+DT, AE, CB or AG with an identity nor a sender in UNB: no identity without any"
        raise bgm.wrong(reason, code=MISSING)
    declarant = declarant.upper()
    number_ = next((references[kind] for kind in DECLARATION_NUMBERS if kind in references), None)
    mrn = re.sub(r"\s", "", number_).upper() if number_ else None
    try:
        return Named(
            declaration_id=f"{system}:{declarant}:{local}",
            declarant=declarant,
            local_reference=local,
            mrn=mrn if mrn and _MRN.match(mrn) else None,
            ucr=references.get("UCN"),
        )
    except ValidationError as error:
        raise contract_mistake(error.errors(include_url=False, include_context=False), bgm.path(2)) from None


def _time(sections: Sections, interchange: Interchange, arrival: Arrival) -> datetime | None:
    """Return when it was lodged: document (137), declaration (150) or acceptance (148) date, else when UNB was prepared."""
    for kind in _LODGED_AT:
        if kind in sections.dates and (found := moment(sections.dates[kind])) is not None:
            return found
    return prepared(interchange) or arrival.received_at


def _regime(bgm: Segment, exits: bool) -> str:
    code, name = kind_of(bgm)
    for stated in (code, name):
        if stated is not None and stated in _REGIMES:
            return _REGIMES[stated]
    for stated in (name, code):
        for letters, regime in _LETTERS:
            if stated is not None and stated.startswith(letters):
                return regime
        if stated is not None and stated.startswith("CO"):
            return "export" if exits else "import"
    reason = (
        f"the document {shown(code or name or '')} is neither an export (830), an import (929) nor a transit (950, 82.)"
    )
    raise bgm.wrong(reason, 1)


def _whole(sections: Sections, bgm: Segment, named: Named, said: Row) -> Declaration:
    known, general = currencies_of(sections)
    rows: list[Row] = []
    gathered: list[Gathered] = []
    for position, group in enumerate(sections.groups, 1):
        row, here = item(group, position, known, general)
        rows.append(row)
        gathered.append(here)
    if not rows:
        raise bgm.wrong("no CST behind UNS+D: nothing is declared", code=MISSING)
    if said["at"] is None:
        raise bgm.wrong("no DTM+137, no date in UNB, and the time of arrival is not known", code=MISSING)
    fields = header_of(sections, bgm, gathered)
    if len(rows) == 1 and not rows[0]["packages"]:
        rows[0]["packages"] = sections.header.packages
    fields["procedure"] = fields["procedure"] or rows[0]["procedure"]
    fields |= {
        "event": said["event"],
        "declaration_id": named.declaration_id,
        "version": said["version"] or 1,
        "mrn": named.mrn,
        "local_reference": named.local_reference,
        "ucr": named.ucr,
        "lodged_at": said["at"],
        "source": said["source"],
        "regime": _regime(bgm, "42" in sections.header.places),
        "items": rows,
    }
    try:
        return Declaration.model_validate(fields)
    except ValidationError as error:
        problems = error.errors(include_url=False, include_context=False)
        raise contract_mistake(problems, _path(sections, bgm, problems[0]["loc"])) from None


def _path(sections: Sections, bgm: Segment, loc: tuple[Any, ...]) -> str:
    """Return the segment of what the contract calls ``loc``."""
    if loc[0] == "items" and len(loc) > 1 and isinstance(loc[1], int) and loc[1] < len(sections.groups):
        return sections.groups[loc[1]].cst.path()
    if loc[0] == "items" and sections.groups:
        return sections.groups[-1].cst.path()
    return sections.where.get(str(loc[0]), bgm).path()


def _edits(sections: Sections, bgm: Segment) -> list[Edit]:
    """Return a change without items as edits of the header: what it states replaces what stood there."""
    fields = header_of(sections, bgm, [])
    return [
        Edit(op="set", path=f"/{name}", value=_plain(value))
        for name, value in sorted(fields.items())
        if value not in (None, [])
    ]


def _plain(value: Any) -> Any:
    """Return JSON: dates as text."""
    if isinstance(value, dict):
        return {name: _plain(part) for name, part in value.items() if part is not None}
    if isinstance(value, list):
        return [_plain(part) for part in value]
    return value if value is None or isinstance(value, str | int | float) else value.isoformat()
