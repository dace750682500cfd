"""Declarations in a line, and what the engine says of them: for tables of cases that read like a list of goods."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from detectors import engine
from detectors.batch import Batch
from schemas import decode

#: A day on which every licence duty of the published calendar is in force, and the ban to the US is suspended.
DAY = "2025-11-20"
LICENCE = {"type": "3", "reference": "25AA0001"}


@dataclass(frozen=True, slots=True)
class Judgement:
    """``risk`` 0..100 (0 without an alert), ``severity`` of the alert, and the ``codes`` of its findings."""

    risk: int
    severity: str | None
    codes: frozenset[str]


def item(description: str | None, code: str | None = None, kg: float | None = None, **fields: Any) -> dict[str, Any]:
    """Return an item; ``usd`` is short for a value, ``marks`` for a package with marks, ``licence`` for its document."""
    found: dict[str, Any] = {"number": 1, "description": description, "commodity_code": code, "net_mass_kg": kg}
    usd = fields.pop("usd", None)
    if usd is not None:
        found["value"] = {"amount": usd, "currency": "USD"}
    marks = fields.pop("marks", None)
    if marks:
        found["packages"] = [{"type": "DR", "count": 20, "marks": marks}]
    licence = fields.pop("licence", None)
    if licence:
        found["documents"] = [LICENCE if licence is True else LICENCE | licence]
    return found | fields


def declaration(*items: dict[str, Any], on: str = DAY, to: str | None = "DE", **fields: Any) -> dict[str, Any]:
    """Return an export declaration from China, lodged in the morning of ``on``."""
    return {
        "schema": "declaration/1",
        "event": "lodged",
        "declaration_id": "scenario:1",
        "lodged_at": f"{on}T08:00:00Z",
        "source": {"system": "scenario", "format": "json"},
        "regime": "export",
        "country_of_export": "CN",
        "country_of_destination": to,
        "items": [each | {"number": n} for n, each in enumerate(items, start=1)],
    } | fields


def judged(declared: dict[str, Any]) -> Judgement:
    """Return what the stages that need no memory say of one declaration."""
    batch = Batch.of([decode.row(json.dumps(declared).encode())])
    screened = engine.screen(batch, engine.default_reference(), engine.default_models())
    alerts = engine.correlate(screened.verdicts, {}, datetime(2026, 1, 1, tzinfo=UTC), 0).alerts
    if not alerts:
        return Judgement(0, None, frozenset())
    alert = alerts[0]
    return Judgement(alert.risk_score, alert.severity, frozenset(reason.code for reason in alert.reasons))
