"""Declarations for tests of the detectors, with what matters given and the rest filled in; and the columns they get."""

from __future__ import annotations

import json
from typing import Any

from detectors import engine, features
from detectors.batch import Batch
from schemas import decode
from schemas.decode import Row

HEAD = {
    "schema": "declaration/1",
    "event": "lodged",
    "declaration_id": "d1",
    "lodged_at": "2025-06-02T08:00:00Z",
    "source": {"system": "test", "format": "declaration/1"},
    "regime": "export",
    "country_of_export": "CN",
    "country_of_destination": "JP",
}


def row(*items: dict[str, Any], on: str | None = None, **fields: Any) -> Row:
    """Return a declaration of these items (one bare item, if none), lodged on a day, as the workers decode it."""
    numbered = [{"number": n} | item for n, item in enumerate(items or ({},), 1)]
    dated = {"lodged_at": f"{on}T08:00:00Z"} if on else {}
    return decode.row(json.dumps(HEAD | dated | fields | {"items": numbered}).encode())


def seen(judged: Row) -> dict[str, Any]:
    """Return the feature columns of a declaration's first item (those of the declaration included)."""
    found: dict[str, Any] = features.compute(Batch.of([judged]), engine.default_reference()).items.row(0, named=True)
    return found


def codes(judged: Row) -> set[str]:
    """Return the finding codes that the screen gives a declaration."""
    screened = engine.screen(Batch.of([judged]), engine.default_reference(), engine.default_models())
    return {finding.code for verdict in screened.verdicts for finding in verdict.findings}
