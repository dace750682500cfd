"""Exports: alerts as flat rows, in CSV that no spreadsheet runs, or in JSON."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict
from datetime import datetime
from typing import Any

from streams.console.store.model import AlertLine

COLUMNS = (
    "alert_id", "revision", "status", "severity", "risk_score", "confidence", "title", "declaration_id", "mrn",
    "codes", "substances", "office", "country_of_export", "country_of_destination", "parties", "group_key", "raised_at",
    "updated_at", "event_time", "owner", "verdict", "decided_by", "decided_at", "stale", "suppressed_by",
)  # fmt: skip
#: What a spreadsheet takes for the beginning of a formula (OWASP, CSV injection).
_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")


def row(line: AlertLine) -> dict[str, Any]:
    """Return a line as flat values."""
    whole = asdict(line)
    found = {name: whole[name] for name in COLUMNS}
    found["parties"] = [f"{party.role}: {party.name or party.id} ({party.country or '?'})" for party in line.parties]
    return {
        key: value.isoformat() if isinstance(value, datetime) else list(value) if isinstance(value, tuple) else value
        for key, value in found.items()
    }


def as_csv(rows: Iterable[Mapping[str, Any]]) -> Iterator[bytes]:
    """Yield CSV (RFC 4180) in UTF-8 with its mark, so that spreadsheets read Chinese; cells never begin a formula."""
    yield b"\xef\xbb\xbf"
    sink = io.StringIO()
    writer = csv.writer(sink)
    writer.writerow(COLUMNS)
    for number, one in enumerate(rows, 1):
        writer.writerow([_cell(one[name]) for name in COLUMNS])
        if number % 200 == 0:
            yield sink.getvalue().encode()
            sink.seek(0)
            sink.truncate()
    yield sink.getvalue().encode()


def as_json(rows: Iterable[Mapping[str, Any]]) -> Iterator[bytes]:
    """Yield a JSON array."""
    before = b"["
    for one in rows:
        yield before + json.dumps(one, ensure_ascii=False).encode()
        before = b",\n"
    yield b"[]\n" if before == b"[" else b"]\n"


def _cell(value: Any) -> Any:
    if value is None:
        return ""
    if isinstance(value, list):
        value = "; ".join(str(one) for one in value)
    if isinstance(value, str) and value.lstrip(" ").startswith(_FORMULA):
        return "'" + value
    return value
