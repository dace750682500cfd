"""Suppressions: what they silence, for how long, and what is wrong with a file."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from declared import row

from detectors import engine
from detectors.batch import Batch
from detectors.suppression import Suppressions
from schemas.errors import SettingsError

GALLIUM = {"description": "Gallium metal 6N", "commodity_code": "7901200000", "net_mass_kg": 25.0}
NOW = datetime(2026, 11, 22, tzinfo=UTC)
FIELDS = "reason: visited\n    author: j.meyer\n    since: 2025-06-01\n    until: 2025-07-01\n"


def written(folder: Path, text: str) -> Path:
    path = folder / "suppressions.yaml"
    path.write_text(text, "utf-8")
    return path


def codes(folder: Path, scope: str, **fields: Any) -> set[str]:
    """Return the codes of the alert that one gallium declaration gets under a suppression; none without an alert."""
    exporter = {"id": "91430100MA4L16JQ01", "name": "Hunan Yongli Metals", "country": "CN"}
    batch = Batch.of([row(GALLIUM, exporter=exporter, **fields)])
    verdicts = engine.screen(batch, engine.default_reference(), engine.default_models()).verdicts
    held = Suppressions.load(written(folder, f"suppressions:\n  - {scope}\n    {FIELDS}"))
    alerts = engine.correlate(verdicts, {}, NOW, 25, held).alerts
    return {reason.code for alert in alerts for reason in alert.reasons}


def test_a_code_is_silenced_and_the_rest_still_speaks(tmp_path: Path) -> None:
    everything = codes(tmp_path, "codes: [LICENCE-OVERDRAWN]")
    assert {"MISLABEL-NAME", "CONTROL-NO-LICENCE"} <= everything
    assert codes(tmp_path, "codes: [MISLABEL-NAME]") == everything - {"MISLABEL-NAME"}


@pytest.mark.parametrize(
    ("scope", "silent"),
    [
        ("parties: [91430100MA4L16JQ01]", True),
        ("parties: ['HUNAN  yongli metals']", True),
        ("parties: [Another Ltd]", False),
        ("lanes: ['CN>JP']", True),
        ("lanes: ['CN>*']", True),
        ("lanes: ['*>US']", False),
        ("{substances: [gallium], codes: [MISLABEL-NAME]}", False),
        ("substances: [germanium]", False),
        ("{lanes: ['CN>JP'], parties: [Another Ltd]}", False),
    ],
)
def test_every_scope_given_must_fit(tmp_path: Path, scope: str, silent: bool) -> None:
    if scope.startswith("{"):
        scope = scope[1:-1].replace("], ", "]\n    ")
    assert (codes(tmp_path, scope) == set()) == silent


def test_it_holds_for_declarations_of_its_time(tmp_path: Path) -> None:
    scope = "lanes: ['CN>JP']"
    assert codes(tmp_path, scope, lodged_at="2025-06-30T23:00:00Z") == set()
    assert codes(tmp_path, scope, lodged_at="2025-07-01T00:00:00Z") != set()
    assert codes(tmp_path, scope, lodged_at="2025-05-31T23:00:00Z") != set()


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (
            "suppressions:\n  - reason: r\n    author: a\n    since: 2025-01-01\n    until: 2025-02-01",
            "at least one of codes",
        ),
        (f"suppressions:\n  - codes: [NO-SUCH]\n    {FIELDS}", "0.codes.0"),
        ("suppressions:\n  - codes: [OUTLIER]\n    reason: r\n    author: a\n    since: 2025-01-01", "0.until"),
        ("rules: []", "one list named"),
        ("suppressions: [", "suppressions.yaml"),
    ],
)
def test_mistakes_are_told_with_their_place(tmp_path: Path, text: str, told: str) -> None:
    with pytest.raises(SettingsError, match=told):
        Suppressions.load(written(tmp_path, text))
