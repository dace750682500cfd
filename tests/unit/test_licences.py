"""Licences held against the declaration, and prohibitions exactly when they are in force."""

from __future__ import annotations

from typing import Any

import pytest
from declared import codes, row, seen

from detectors._licences import is_licence

GALLIUM = {"commodity_code": "8112929010", "description": "Gallium ingots 6N", "net_mass_kg": 500.0}
PARTIES = {
    "exporter": {"id": "CN1", "name": "Hunan Yongli Metals Co., Ltd.", "country": "CN"},
    "consignee": {"id": "JP1", "name": "Nihon Kinzoku K.K.", "country": "JP"},
}


def licensed(*documents: dict[str, Any], on: str = "2025-06-02", net: float | None = 500.0) -> dict[str, Any]:
    made = [{"type": "X002"} | document for document in documents]
    return seen(row(GALLIUM | {"net_mass_kg": net, "documents": made}, on=on, **PARTIES))


@pytest.mark.parametrize(
    "kind", ["X002", "3", "export licence", "License", "Genehmigung", "许可证", "лицензия", "PERMIT"]
)
def test_licences(kind: str) -> None:
    assert is_licence(kind)


@pytest.mark.parametrize("kind", ["N380", "N730", "C400", "380", "invoice", "Y901"])
def test_other_documents(kind: str) -> None:
    assert not is_licence(kind)


def test_a_licence_lifts_the_want_of_one_only() -> None:
    without, with_one = row(GALLIUM, **PARTIES), row(GALLIUM | {"documents": [{"type": "X002"}]}, **PARTIES)
    assert "CONTROL-NO-LICENCE" in codes(without)
    assert "CONTROL-NO-LICENCE" not in codes(with_one)
    assert "CONTROL-NO-LICENCE" in codes(row(GALLIUM | {"documents": [{"type": "N380"}]}, **PARTIES))


@pytest.mark.parametrize(
    ("expiries", "expired"),
    [
        (["2025-06-01"], "2025-06-01"),
        (["2025-06-02"], None),  # valid on its last day
        (["2025-01-01", "2025-12-31"], None),  # one of two still holds
        (["2025-01-01", "2025-05-01"], "2025-05-01"),
        (["2025-01-01", None], None),
        ([None], None),
    ],
)
def test_expiry(expiries: list[str | None], expired: str | None) -> None:
    assert licensed(*({"expires_on": day} for day in expiries))["licence_expired_on"] == expired


@pytest.mark.parametrize(
    ("holder", "differs"),
    [
        ("HUNAN YONGLI METALS", False),
        ("Hunan Yongli Metals Company Limited", False),
        ("CN1", False),
        ("Guangdong Quite Different Chemicals", True),
        (None, None),
    ],
)
def test_holder(holder: str | None, differs: bool | None) -> None:
    assert licensed({"holder": holder})["licence_holder_differs"] is differs


def test_end_user_is_compared_with_the_receivers() -> None:
    assert licensed({"end_user": "Nihon Kinzoku KK"})["licence_end_user_differs"] is False
    assert licensed({"end_user": "Some Other Works GmbH"})["licence_end_user_differs"] is True
    alone = seen(row(GALLIUM | {"documents": [{"type": "X002", "end_user": "Anybody"}]}))
    assert alone["licence_end_user_differs"] is None


@pytest.mark.parametrize(
    ("quantities", "net", "overdrawn"),
    [
        ([500.0], 525.0, False),  # weighing tolerance
        ([500.0], 526.0, True),
        ([300.0, 300.0], 600.0, False),
        ([300.0, None], 600.0, None),
        ([500.0], None, None),
    ],
)
def test_quantity(quantities: list[float | None], net: float | None, overdrawn: bool | None) -> None:
    found = licensed(*({"quantity_kg": each} for each in quantities), net=net)
    assert found["licence_overdrawn"] is overdrawn


def test_without_a_licence_there_is_nothing_to_hold_against_it() -> None:
    found = seen(row(GALLIUM, **PARTIES))
    assert found["has_licence"] is False
    for name in (
        "licence_expired_on",
        "licence_holder_differs",
        "licence_end_user_differs",
        "licence_kg",
        "licence_overdrawn",
    ):
        assert found[name] is None


# -- prohibitions: 46/2024 paragraph 2, from 2024-12-03, suspended from 2025-11-09 to 2026-11-27

ANTIMONY = {"commodity_code": "8110101000", "description": "Antimony ingots 99.65%", "net_mass_kg": 5000.0}


@pytest.mark.parametrize(
    ("on", "prohibited"),
    [
        ("2024-12-02", False),
        ("2024-12-03", True),
        ("2025-11-08", True),
        ("2025-11-09", False),
        ("2026-11-27", False),
        ("2026-11-28", True),
    ],
)
def test_the_ban_holds_exactly_in_force(on: str, prohibited: bool) -> None:
    judged = row(ANTIMONY | {"documents": [{"type": "X002"}]}, on=on, country_of_destination="US")
    assert (seen(judged)["prohibition_id"] is not None) is prohibited
    assert ("CONTROL-PROHIBITED" in codes(judged)) is prohibited


@pytest.mark.parametrize(
    ("fields", "stands_as"),
    [
        ({"country_of_destination": "US"}, "destination"),
        ({"country_of_destination": "MX", "consignee": {"name": "A", "country": "US"}}, "consignee"),
        ({"country_of_destination": "MX", "notify": {"name": "A", "country": "US"}}, "notify"),
        ({"country_of_destination": "MX"}, None),
        ({"country_of_destination": "US", "country_of_export": "BR"}, None),
        ({"country_of_destination": "US", "regime": "import"}, None),
    ],
)
def test_as_what_the_country_stands(fields: dict[str, Any], stands_as: str | None) -> None:
    assert seen(row(ANTIMONY, on="2025-01-15", **fields))["prohibited_as"] == stands_as


def test_the_ban_for_military_users_is_not_suspended() -> None:
    user = {"name": "US Army Ordnance Depot", "country": "US"}
    judged = row(ANTIMONY, on="2026-03-02", country_of_destination="US", consignee=user)
    found = seen(judged)
    assert (found["prohibition_id"], found["military_end_user"]) == (None, True)
    assert found["military_ban_id"] is not None
    assert "CONTROL-PROHIBITED" in codes(judged)
    assert "CONTROL-PROHIBITED" not in codes(row(ANTIMONY, on="2026-03-02", country_of_destination="US"))
