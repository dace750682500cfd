"""Alerts as DFIR-IRIS takes them (``POST /alerts/add``).

Source: DFIR-IRIS API reference, alerts; the identifiers of severities and statuses are those that IRIS 2.4 gives them at its
first start (``GET /manage/severities/list`` and ``/manage/alert-status/list`` tell those of an installation). Indicators and
assets need type ids of the installation, so observables stand in ``alert_context``.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from schemas.alert import Alert, AlertStatus
from schemas.export._parts import codes, labels, observables, plain, report, typologies, without_null
from schemas.export.projection import Projection
from schemas.types import Severity

#: 1 unspecified, 2 informational, 3 low, 4 medium, 5 high, 6 critical.
SEVERITIES: Mapping[Severity, int] = {"low": 3, "medium": 4, "high": 5, "critical": 6}
#: 1 unspecified, 2 new, 3 assigned, 4 in progress, 5 pending, 6 closed, 7 merged, 8 escalated.
STATUSES: Mapping[AlertStatus, int] = {"open": 2, "updated": 2, "withdrawn": 6}
#: The customer that IRIS makes at its first start; a receiver with several maps it.
CUSTOMER = 1


def project(alert: Alert, link: str | None = None) -> dict[str, Any]:
    """Return the body."""
    return without_null(
        {
            "alert_title": alert.title,
            "alert_description": report(alert, None),
            "alert_source": "Assay",
            "alert_source_ref": alert.alert_id,
            "alert_source_link": link,
            "alert_source_event_time": alert.event_time.strftime("%Y-%m-%dT%H:%M:%S.%f"),
            "alert_severity_id": SEVERITIES[alert.severity],
            "alert_status_id": STATUSES[alert.status],
            "alert_customer_id": CUSTOMER,
            "alert_tags": ",".join(label.replace(",", " ") for label in labels(alert)),
            "alert_note": f"{alert.status}, revision {alert.revision}: {', '.join(codes(alert))}",
            "alert_context": without_null(
                {
                    "revision": alert.revision,
                    "status": alert.status,
                    "risk_score": alert.risk_score,
                    "confidence": alert.confidence,
                    "group_key": alert.group_key,
                    "substances": alert.substances,
                    "typologies": typologies(alert),
                    "related": alert.related,
                    "observables": [found._asdict() for found in observables(alert)],
                }
            ),
            "alert_source_content": plain(alert),
        }
    )


PROJECTION = Projection("iris", "DFIR-IRIS alert body", "application/json", project)
