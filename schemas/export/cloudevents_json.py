"""Alerts as CloudEvents 1.0 in structured mode: one JSON object that holds attributes and alert.

Source: CloudEvents 1.0.2, JSON event format. The attributes are those of :mod:`schemas.export.cloudevents`, so an event has
the same ``source`` and ``id`` on Kafka and over HTTP.
"""

from __future__ import annotations

from typing import Any

from schemas.alert import Alert
from schemas.export import cloudevents
from schemas.export._parts import plain, rfc3339
from schemas.export.json_schema import urn
from schemas.export.projection import Projection


def project(alert: Alert, link: str | None = None) -> dict[str, Any]:
    """Return the event; its ``data`` is the alert by the contract. A link has no place in it."""
    return {
        "specversion": "1.0",
        "id": cloudevents.event_id(alert),
        "source": cloudevents.SOURCE,
        "type": cloudevents.TYPES[alert.status],
        "subject": alert.declaration_id,
        "time": rfc3339(alert.updated_at),
        "datacontenttype": "application/json",
        "dataschema": urn("alert"),
        "data": plain(alert),
    }


PROJECTION = Projection("cloudevents", "CloudEvents 1.0, structured JSON", "application/cloudevents+json", project)
