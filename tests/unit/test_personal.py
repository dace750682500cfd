"""Redaction: what of a declaration may stand in an alert."""

from __future__ import annotations

from copy import deepcopy
from typing import Any

import pytest
from declared import row

from detectors import personal
from schemas.declaration import PARTY_ROLES

PARTY = {
    "id": "X1",
    "name": "Somebody",
    "address": "1 Quay Road",
    "city": "Felixstowe",
    "postcode": "IP11 3SY",
    "country": "GB",
    "phone": "+44 1394 000000",
    "email": "a@example.org",
}
LICENCE = {"type": "X002", "reference": "L-1", "holder": "Somebody", "end_user": "Somebody Else"}


def declaration(regime: str = "export", **fields: Any) -> Any:
    return row({"documents": [LICENCE]}, regime=regime, **dict.fromkeys(PARTY_ROLES, PARTY) | fields)


def test_firms_keep_name_and_place_but_no_contacts() -> None:
    shown = personal.redact(declaration())
    assert shown["exporter"] == {"id": "X1", "name": "Somebody", "city": "Felixstowe", "country": "GB"}
    assert shown["traveller"] == {"country": "GB"}
    assert shown["items"][0]["documents"][0]["holder"] == "Somebody"


@pytest.mark.parametrize("regime", ["passenger", "postal"])
def test_persons_keep_the_country_only(regime: str) -> None:
    shown = personal.redact(declaration(regime))
    assert all(shown[role] == {"country": "GB"} for role in PARTY_ROLES)
    document = shown["items"][0]["documents"][0]
    assert (document["holder"], document["end_user"], document["reference"]) == (None, None, "L-1")


def test_the_row_itself_stays_whole() -> None:
    judged = declaration("passenger")
    before = deepcopy(judged)
    personal.redact(judged)
    assert judged == before


def test_everything_stays_when_configured() -> None:
    judged = declaration("passenger")
    assert personal.redact(judged, keep_personal=True) == judged


def test_absent_parties_stay_absent() -> None:
    assert personal.redact(declaration(notify=None))["notify"] is None


def test_entities_are_the_parties_that_are_still_known() -> None:
    shown = personal.redact(declaration("export", notify=None, carrier={"city": "Hull"}))
    found = {entity.role: (entity.id, entity.name, entity.country) for entity in personal.entities(shown)}
    assert set(found) == set(PARTY_ROLES) - {"notify", "carrier"}
    assert found["exporter"] == ("X1", "Somebody", "GB")
    assert found["traveller"] == (None, None, "GB")
