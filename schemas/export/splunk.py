"""Alerts as events of Splunk's HTTP Event Collector.

Source: Splunk, "Format events for HTTP Event Collector". An index has no upsert: each revision is an event of its own, and a
search takes the newest of each id (``dedup assay_alert_id sortby -assay_revision``).
"""

from __future__ import annotations

from typing import Any

from schemas.alert import Alert
from schemas.export._parts import plain
from schemas.export.projection import Projection

SOURCE = "assay:alerts"
HOST = "assay"


def enveloped(alert: Alert, event: dict[str, Any] | str, sourcetype: str) -> dict[str, Any]:
    """Return an event in the collector's envelope.

    Parameters
    ----------
    event : the alert in any format.
    sourcetype : by which Splunk chooses how to read it.
    """
    return {
        "time": round(alert.updated_at.timestamp(), 3),
        "host": HOST,
        "source": SOURCE,
        "sourcetype": sourcetype,
        "event": event,
        # Indexed beside the event, whatever its format: what a search needs to find the newest revision.
        "fields": {
            "assay_alert_id": alert.alert_id,
            "assay_revision": str(alert.revision),
            "assay_status": alert.status,
            "assay_severity": alert.severity,
            "assay_risk": str(alert.risk_score),
        },
    }


def project(alert: Alert, link: str | None = None) -> dict[str, Any]:
    """Return the alert by the contract, and the link as ``url``, in the collector's envelope."""
    return enveloped(alert, plain(alert) | ({"url": link} if link else {}), "assay:alert")


PROJECTION = Projection("splunk", "Splunk HTTP Event Collector event", "application/json", project)
