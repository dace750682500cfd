"""Alerts as they stand on the topic: JSON by the contract ``alert/1``."""

from __future__ import annotations

from typing import Any

from schemas.alert import Alert
from schemas.export._parts import plain
from schemas.export.projection import Projection


def project(alert: Alert, link: str | None = None) -> dict[str, Any]:
    """Return the alert by the contract, which has no field for a link."""
    return plain(alert)


PROJECTION = Projection("json", "the contract alert/1 itself", "application/json", project)
