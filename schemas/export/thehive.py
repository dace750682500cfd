"""Alerts as TheHive 5 takes them (``POST /api/v1/alert``).

Sources: TheHive 5 API documentation, alerts; the statuses are those of a fresh installation ("Ignored" is of the stage Closed),
from memory. TheHive holds (type, source, sourceRef) unique: a second post of an alert is refused, a later revision is a
``PATCH`` of the first with the same fields. Custom fields exist only where an administrator made them, so the risk is a tag.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import Any

from schemas.alert import Alert, AlertStatus
from schemas.export._parts import RANKS, labels, millis, observables, report, without_null
from schemas.export.projection import Projection

TYPE = "customs"
SOURCE = "assay"
STATUSES: Mapping[AlertStatus, str] = {"open": "New", "updated": "New", "withdrawn": "Ignored"}
#: Longest ``sourceRef``; our own ids have 36.
_LONGEST_REFERENCE = 128
_AMBER = 2  # of the traffic light protocol, and of the permissible actions protocol: both begin at 0 with white


def reference(alert: Alert) -> str:
    """Return the ``sourceRef``: the alert's id, or of one too long its SHA-256, so that it stays one to one."""
    if len(alert.alert_id) <= _LONGEST_REFERENCE:
        return alert.alert_id
    return hashlib.sha256(alert.alert_id.encode()).hexdigest()


def project(alert: Alert, link: str | None = None) -> dict[str, Any]:
    """Return the body."""
    kinds: dict[str, str] = {}
    for found in observables(alert):
        kinds.setdefault(found.value, found.kind)
    return without_null(
        {
            "type": TYPE,
            "source": SOURCE,
            "sourceRef": reference(alert),
            "externalLink": link,
            "title": alert.title,
            "description": report(alert, link),
            "severity": RANKS[alert.severity],
            "date": millis(alert.raised_at),
            "tags": [*labels(alert), f"risk:{alert.risk_score}", f"revision:{alert.revision}"],
            "tlp": _AMBER,
            "pap": _AMBER,
            "status": STATUSES[alert.status],
            "summary": alert.summary,
            "observables": [{"dataType": "other", "data": value, "message": kind} for value, kind in kinds.items()],
        }
    )


PROJECTION = Projection("thehive", "TheHive 5 alert body", "application/json", project)
