"""What an alert says to a person."""

from __future__ import annotations

from typing import Any, get_args

import pytest
from verdicts import finding

from detectors import wording
from schemas.types import FindingCode

DECLARATION: dict[str, Any] = {
    "country_of_export": "CN",
    "country_of_destination": "TH",
    "routing": ["CN", "VN", "VN", "TH"],
    "items": [
        {
            "number": 1,
            "description": "Zinc\n alloy  ingots",
            "commodity_code": "79012000",
            "net_mass_kg": 12500.0,
            "value": {"amount": 446000.0, "currency": "USD"},
        }
    ],
}


@pytest.mark.parametrize(
    ("fields", "route"),
    [
        ({}, " (CN to TH via VN)"),
        ({"routing": []}, " (CN to TH)"),
        ({"country_of_export": None, "routing": []}, " (to TH)"),
        ({"country_of_destination": None}, ""),
    ],
)
def test_title_with_route(fields: dict[str, Any], route: str) -> None:
    assert wording.title([finding("strong")], [], DECLARATION | fields) == f"Title of strong{route}"


def test_summary_tells_goods_two_grounds_and_what_to_do() -> None:
    found = [finding(kind) for kind in ("strong", "same code", "route", "faint")]
    assert wording.summary(found, ["gallium"], DECLARATION) == (
        "Item 1: “Zinc alloy ingots”, code 79012000, 12,500 kg, 446,000 USD. Explanation of strong. Explanation of route. "
        "Open the packages of the named item and test the metal (XRF); ask for the analysis certificate."
    )


def test_what_is_not_carried_is_not_said() -> None:
    bare = DECLARATION | {"items": [{"number": 1, "description": None, "commodity_code": None, "value": None}]}
    assert wording.summary([finding("strong")], [], bare).startswith("Explanation of strong.")
    assert wording.summary([finding("route")], [], DECLARATION).startswith("Explanation of route.")
    assert "None" not in wording.summary([finding("strong")], [], {})


def test_long_texts_fit_the_contract() -> None:
    routing = [f"{a}{b}" for a in "ABCDEFGHIJ" for b in "ABCDEFGHIJ"] * 3
    assert len(wording.title([finding("strong", title="t" * 512)], [], DECLARATION | {"routing": routing})) <= 512
    long = [finding("strong", explanation="x" * 8192), finding("route", explanation="y" * 8192)]
    assert len(wording.summary(long, [], DECLARATION)) <= 8192
    wordy = DECLARATION | {"items": [{"number": 1, "description": "zinc " * 1000}]}
    assert len(wording.summary([finding("strong")], [], wordy)) < 400


def test_every_code_comes_with_advice() -> None:
    """Rules, profiles and learned detectors: whatever comes first in an alert, it says what to do."""
    without = {
        code
        for code in get_args(FindingCode)
        if wording.summary([finding("strong", code=code, item=None)], [], {}) == "Explanation of strong."
    }
    assert without == set()
