"""Alerts as OCSF 1.8.0 Detection Finding (class 2004, category 2 Findings).

Source: schema.ocsf.io 1.8.0, class ``detection_finding`` and the objects that it uses. A revision of an alert is an event of
one finding: ``finding_info.uid`` is the alert's id, ``metadata.uid`` the event's. Which rows of the alert go where:
``docs/delivery.md``.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from schemas import ENGINE_VERSION
from schemas.alert import Alert, AlertStatus
from schemas.export import cloudevents
from schemas.export._parts import codes, millis, observables, plain, rfc3339, typologies, without_null
from schemas.export.projection import Projection
from schemas.types import Severity

VERSION = "1.8.0"
CATEGORY_UID = 2
CLASS_UID = 2004


class Caption(NamedTuple):
    """A value of an OCSF enumeration and its caption."""

    id: int
    caption: str


_CREATE, _UPDATE, _CLOSE = Caption(1, "Create"), Caption(2, "Update"), Caption(3, "Close")
_SEVERITIES: Mapping[Severity, Caption] = {
    "low": Caption(2, "Low"),
    "medium": Caption(3, "Medium"),
    "high": Caption(4, "High"),
    "critical": Caption(5, "Critical"),
}
_RISK_LEVELS: Mapping[Severity, Caption] = {
    "low": Caption(1, "Low"),
    "medium": Caption(2, "Medium"),
    "high": Caption(3, "High"),
    "critical": Caption(4, "Critical"),
}
#: Nobody has looked at an alert that Assay writes; a withdrawn one needs no look. OCSF's other states are an analyst's.
_STATUSES: Mapping[AlertStatus, Caption] = {
    "open": Caption(1, "New"),
    "updated": Caption(1, "New"),
    "withdrawn": Caption(4, "Resolved"),
}
_RULE = Caption(1, "Rule")
_LEARNED = Caption(4, "Learning (ML/DL)")
_OTHER = 99


def activity(alert: Alert) -> Caption:
    """Return what this revision does to the finding; one that is opened again after a withdrawal is an update of it."""
    if alert.status == "withdrawn":
        return _CLOSE
    return _CREATE if alert.revision == 1 else _UPDATE


def _confidence(share: float) -> Caption:
    """Return low, medium, high by thirds: OCSF gives no cuts of its own."""
    if share < 1 / 3:
        return Caption(1, "Low")
    return Caption(2, "Medium") if share < 2 / 3 else Caption(3, "High")


def project(alert: Alert, link: str | None = None) -> dict[str, Any]:
    """Return the finding."""
    whole = plain(alert)
    done, severity, risk = activity(alert), _SEVERITIES[alert.severity], _RISK_LEVELS[alert.severity]
    status, confidence = _STATUSES[alert.status], _confidence(alert.confidence)
    return without_null(
        {
            "activity_id": done.id,
            "activity_name": done.caption,
            "category_uid": CATEGORY_UID,
            "category_name": "Findings",
            "class_uid": CLASS_UID,
            "class_name": "Detection Finding",
            "type_uid": CLASS_UID * 100 + done.id,
            "type_name": f"Detection Finding: {done.caption}",
            "time": millis(alert.raised_at),
            "start_time": millis(alert.event_time),
            "end_time": millis(alert.event_time),
            "message": alert.summary,
            "severity_id": severity.id,
            "severity": severity.caption,
            "status_id": status.id,
            "status": status.caption,
            "status_detail": alert.status,
            "is_alert": alert.status != "withdrawn",
            "risk_score": alert.risk_score,
            "risk_level_id": risk.id,
            "risk_level": risk.caption,
            "confidence_score": round(alert.confidence * 100),
            "confidence_id": confidence.id,
            "confidence": confidence.caption,
            "metadata": _metadata(alert),
            "finding_info": _finding_info(alert, link),
            "evidences": [
                {"name": reason["code"], "uid": reason["finding_id"], "data": reason} for reason in whole["reasons"]
            ],
            "resources": _resources(alert, whole),
            "observables": [
                {"name": found.path, "type_id": _OTHER, "type": found.kind, "value": found.value}
                for found in observables(alert)
            ],
            "unmapped": {
                "revision": alert.revision,
                "selected_by": whole["selected_by"],
                "substances": alert.substances,
                "provenance": whole["provenance"],
            },
        }
    )


def _metadata(alert: Alert) -> dict[str, Any]:
    return without_null(
        {
            "version": VERSION,
            "product": {"name": "Assay", "vendor_name": "Assay", "uid": "assay", "version": ENGINE_VERSION},
            "uid": cloudevents.event_id(alert),
            "sequence": alert.revision,
            "correlation_uid": alert.group_key,
            "log_name": "alerts",
            "original_time": rfc3339(alert.updated_at),
            "modified_time": millis(alert.updated_at),
        }
    )


def _finding_info(alert: Alert, link: str | None) -> dict[str, Any]:
    analytics = [
        {
            "name": reason.detector,
            "uid": reason.detector,
            "version": reason.detector_version,
            "type_id": kind.id,
            "type": kind.caption,
        }
        for reason in alert.reasons
        for kind in [_LEARNED if reason.detector in alert.provenance.models else _RULE]
    ]
    unique = list({one["uid"]: one for one in reversed(analytics)}.values())[::-1]
    origin = alert.provenance.origin
    tags = {"substance": alert.substances, "typology": typologies(alert), "selected_by": list(alert.selected_by)}
    return without_null(
        {
            "uid": alert.alert_id,
            "title": alert.title,
            "desc": alert.summary,
            "types": codes(alert),
            "created_time": millis(alert.raised_at),
            "modified_time": millis(alert.updated_at),
            "first_seen_time": millis(alert.event_time),
            "analytic": unique[0] if unique else None,
            "related_analytics": unique[1:],
            "related_events": [{"uid": other, "product_uid": "assay"} for other in alert.related],
            "data_sources": [origin] if origin else [],
            "product_uid": "assay",
            "src_url": link,
            "tags": [{"name": name, "values": values} for name, values in tags.items() if values],
        }
    )


def _resources(alert: Alert, whole: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return the declaration as judged, and its parties."""
    declaration = {
        "uid": alert.declaration_id,
        "name": alert.mrn or alert.declaration_id,
        "type": "customs declaration",
        "version": str(alert.declaration_version),
        "data": whole["declaration"],
    }
    parties = [
        without_null(
            {
                "uid": one.id,
                "name": one.name,
                "type": one.role,
                "data": {"country": one.country} if one.country else None,
            }
        )
        for one in alert.entities
        if one.id or one.name
    ]
    return [without_null(declaration), *parties]


PROJECTION = Projection("ocsf", "OCSF 1.8.0 Detection Finding (2004)", "application/json", project)
