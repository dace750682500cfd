"""Findings and verdicts to correlate, each a function of what it is about."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from schemas.finding import Evidence, Finding, Verdict

DAY = datetime(2026, 11, 20, 8, 0, tzinfo=UTC)

#: name of a finding -> code, severity, score, item, substances
KINDS: dict[str, tuple[str, str, float, int | None, list[str]]] = {
    "strong": ("MISLABEL-NAME", "high", 0.9, 1, ["gallium"]),
    "twin": ("MISLABEL-NAME", "high", 0.9, 1, ["indium"]),
    "same code": ("MISLABEL-NAME", "medium", 0.8, 2, ["germanium"]),
    "route": ("ROUTE-TRANSIT", "medium", 0.8, None, ["gallium"]),
    "faint": ("MISLABEL-MASS", "low", 0.3, 1, []),
    "forbidden": ("CONTROL-PROHIBITED", "critical", 0.2, 1, ["antimony"]),
}


def finding(kind: str, declaration_id: str = "d1", version: int = 1, **changes: Any) -> Finding:
    """Return a finding of one of :data:`KINDS`."""
    code, severity, score, item, substances = KINDS[kind]
    given: dict[str, Any] = {
        "finding_id": f"{declaration_id}/{version}/{kind}",
        "declaration_id": declaration_id,
        "declaration_version": version,
        "item": item,
        "code": code,
        "detector": kind.replace(" ", "-"),
        "detector_version": "1",
        "score": score,
        "severity": severity,
        "title": f"Title of {kind}",
        "explanation": f"Explanation of {kind}.",
        "evidence": [Evidence(path="/items/0/net_mass_kg", observed=500.0, expected=["a", "b"], reference="band")],
        "substances": substances,
        "observed_at": DAY,
    }
    return Finding(**given | changes)


def verdict(
    *kinds: str,
    declaration_id: str = "d1",
    version: int = 1,
    event: str = "lodged",
    stage: str = "screen",
    **changes: Any,
) -> Verdict:
    """Return the verdict of a stage on an event of a version, with findings of these kinds."""
    declaration = {
        "declaration_id": declaration_id,
        "version": version,
        "event": event,
        "mrn": None,
        "exporter": {"id": "CN1", "name": "Hunan Yongli", "country": "CN"},
        "country_of_export": "CN",
        "country_of_destination": "TH",
        "routing": ["CN", "VN", "TH"],
        "items": [
            {"number": 1, "description": "Zinc alloy ingots", "commodity_code": "79012000", "net_mass_kg": 500.0}
        ],
    }
    given: dict[str, Any] = {
        "stage": stage,
        "declaration_id": declaration_id,
        "declaration_version": version,
        "event": event,
        "event_time": DAY + timedelta(hours=version),
        "findings": [finding(kind, declaration_id, version) for kind in kinds],
        "declaration": declaration if kinds else {},
        "provenance": {"rules": "metals@1", "reference": "r1", "models": {"m": "2"}, "engine": "0", "origin": "t/0@1"},
    }
    return Verdict(**given | changes)
