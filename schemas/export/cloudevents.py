"""Alerts as CloudEvents 1.0 in the binary mode of the Kafka binding: attributes are headers, the value is the alert.

Sources: CloudEvents 1.0.2 and its Kafka Protocol Binding 1.0.2 (section 3.2: header names ``ce_`` + attribute, values UTF-8,
``datacontenttype`` as ``content-type``).
"""

from __future__ import annotations

from datetime import datetime

from schemas.alert import Alert, AlertStatus

SOURCE = "/assay/correlate"

TYPES: dict[AlertStatus, str] = {
    "open": "assay.alert.opened",
    "updated": "assay.alert.updated",
    "withdrawn": "assay.alert.withdrawn",
}

#: When Kafka took the declaration in (an extension attribute): what latency is measured from.
ARRIVED = "ce_arrivedtime"


def event_id(alert: Alert) -> str:
    """Return ``alert_id/revision``: the same for an alert that is delivered twice."""
    return f"{alert.alert_id}/{alert.revision}"


def headers(alert: Alert, arrived: datetime | None = None, source: str = SOURCE) -> list[tuple[str, bytes]]:
    """Return the Kafka headers of an alert.

    Parameters
    ----------
    arrived : when the declaration's record came to Kafka (UTC), if known.
    source : URI reference of what writes the alert.
    """
    named = {
        "ce_specversion": "1.0",
        "ce_id": event_id(alert),
        "ce_source": source,
        "ce_type": TYPES[alert.status],
        "ce_time": _rfc3339(alert.updated_at),
        "ce_subject": alert.declaration_id,
        "content-type": "application/json",
    }
    if arrived is not None:
        named[ARRIVED] = _rfc3339(arrived)
    return [(name, value.encode()) for name, value in named.items()]


def _rfc3339(at: datetime) -> str:
    return at.isoformat().replace("+00:00", "Z")
