"""A proposed mapping as YAML, with comments for the person who will check it."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from streams._mapping_proposal import Proposed, _Proposal

#: Fields that detection lives on: said if nothing was found for them.
_WANTED: Final = {
    "lodged_at": "the time of arrival is used",
    "exporter.name": "",
    "consignee.name": "",
    "country_of_export": "",
    "country_of_destination": "",
    "routing": "",
    "transport.mode": "",
    "items[].commodity_code": "",
    "items[].description": "",
    "items[].origin": "",
    "items[].net_mass_kg": "",
    "items[].value.amount": "",
    "event": "every record counts as a lodgement",
}
_PLAIN: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_ ]*\Z")
_WORDS_OF_YAML: Final = {"null", "true", "false", "yes", "no", "on", "off", "y", "n"}


def _text(value: Any) -> str:
    """Write a value so that YAML gives it back."""
    if isinstance(value, dict):
        return "{" + ", ".join(f"{_text(key)}: {_text(part)}" for key, part in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(_text(part) for part in value) + "]"
    if isinstance(value, int):
        return str(value)
    bare = str(value)
    if _PLAIN.match(bare) and bare.lower() not in _WORDS_OF_YAML and bare == bare.strip():
        return bare
    return json.dumps(bare, ensure_ascii=False)


def _said(text: str) -> str:
    """Make a comment of one line."""
    return " ".join(text.split())[:200]


def _line(proposed: Proposed) -> str:
    keys = proposed.keys
    source = _text(keys["from"]) if list(keys) == ["from"] else _text(keys)
    mark = "sure" if proposed.sure else "GUESS"
    note = f": {_said(proposed.note)}" if proposed.note else ""
    return f"  {proposed.target}: {source}  # {mark}{note}"


def mapping(proposal: _Proposal) -> str:
    """Return the file."""
    look, style = proposal.look, proposal.style
    lines = [
        f"# A first mapping, proposed by Assay from {look.rows} records. Check every line marked GUESS and what stands at the",
        "# end; try it with: assay ingest SAMPLE --mapping THIS --dry-run. All keys: docs/mapping.md",
        f"name: {_text(proposal.name)}",
        f"system: {_text(proposal.name)}  # GUESS: the name of the source system, the first part of every declaration_id",
        f"format: {look.format}",
        f"encoding: {_text(look.encoding)}",
        "zone: UTC  # GUESS: times without an offset are of this zone, such as Asia/Jakarta",
    ]
    if look.format == "csv":
        header = "" if look.header else ", header: 0"
        lines.append(f"csv: {{delimiter: {json.dumps(look.delimiter)}{header}}}")
    elif look.records != "$":
        lines.append(f"records: {_text(look.records)}")
    if style != (".", ""):
        lines.append(f"numbers: {{decimal: {json.dumps(style[0])}, thousands: {json.dumps(style[1])}}}")
    if key := proposal.group_by():
        lines.append(f"group_by: {_text(key)}  # rows with one reference are the items of one declaration")
    lines.append('null_values: ["", "-", "N/A", "null"]')
    if proposal.lists:
        lines.append("lists:")
        lines += [f"  {name}: {_text(path)}" for name, path in proposal.lists.items()]
    lines.append("fields:")
    order = sorted(proposal.fields.values(), key=lambda p: (p.target.startswith("items"), not p.sure))
    lines += [_line(proposed) for proposed in order]
    missing = [name for name in _WANTED if name not in proposal.fields]
    if missing:
        lines.append("# Not found:")
        lines += [f"#   {name}" + (f" ({_WANTED[name]})" if _WANTED[name] else "") for name in missing]
    unused = [column for column in look.columns if id(column) not in proposal.used]
    if unused:
        lines.append("# Not used:")
        lines += [f"#   {_said(f'{c.within}[*].{c.name}' if c.within else c.name)}" for c in unused[:100]]
    return "\n".join(lines) + "\n"
