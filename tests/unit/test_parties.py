"""Contacts that both ends share, forwarders and uniforms; and never a contact, or a person's name, in what leaves."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from declared import row, seen

from detectors import engine
from detectors._parties import shared_contacts
from detectors.batch import Batch

SENDER = {
    "id": "CN1",
    "name": "Hunan Yongli Metals",
    "address": "Jiefang Road 88, Changsha",
    "phone": "+86 731 8888 1234",
    "email": "sales@yongli.example",
    "country": "CN",
}
RECEIVER = {
    "id": "TH1",
    "name": "Siam Metals",
    "address": "9 Rama IV",
    "phone": "+66 2 555 0199",
    "email": "a@siam.example",
    "country": "TH",
}


def shared(receiver: dict[str, Any], **parties: Any) -> list[str]:
    return shared_contacts(row({}, **{"exporter": SENDER, "consignee": receiver} | parties))


@pytest.mark.parametrize(
    ("change", "kinds"),
    [
        ({}, []),
        ({"phone": "0086-731-88881234", "address": "JIEFANG ROAD 88 CHANGSHA"}, ["address", "phone"]),
        ({"phone": "(731) 8888.1234", "email": " Sales@Yongli.Example "}, ["email", "phone"]),
        ({"phone": "0086-731-88881234"}, []),  # one is no link: a shared agent's switchboard
        ({"phone": "1234", "email": "none"}, []),
        ({"phone": None, "email": None, "address": None}, []),
    ],
)
def test_contacts_are_compared_whatever_their_spelling(change: dict[str, Any], kinds: list[str]) -> None:
    assert shared(RECEIVER | change) == kinds


def test_one_party_in_two_roles_shares_nothing_with_itself() -> None:
    assert shared(SENDER) == []
    assert shared(SENDER | {"id": None}) == []
    assert shared(SENDER | {"id": "TH9"}) == ["address", "email", "phone"]


@pytest.mark.parametrize("role", ["exporter", "declarant", "carrier"])
def test_every_sender_and_receiver_counts(role: str) -> None:
    contacts = {"phone": SENDER["phone"], "email": SENDER["email"]}
    parties = {"exporter": None, "consignee": None, role: SENDER, "notify": RECEIVER | contacts}
    assert shared(RECEIVER, **parties) == ["email", "phone"]


def test_two_firms_of_one_sender_s_side_may_share() -> None:
    assert shared(RECEIVER, declarant=SENDER | {"id": "CN2", "name": "Yongli Logistics"}) == []


@pytest.mark.parametrize(
    ("name", "forwards", "military"),
    [
        ("Kuehne Logistics GmbH", True, False),
        ("深圳国际货代有限公司", True, False),
        ("Army Ordnance Depot", False, True),
        ("国防科技研究所", False, True),
        ("Siam Metals", False, False),
        (None, False, False),
    ],
)
def test_names_of_forwarders_and_of_uniforms(name: str | None, forwards: bool, military: bool) -> None:
    found = seen(row({}, consignee={"name": name, "country": "TH"}))
    assert (found["consignee_forwards"], found["military_end_user"]) == (forwards, military)


# -- personal data

TRAVELLER = {
    "id": "P-E1234567",
    "name": "Zhang Wei-Example",
    "address": "Lane 12 Flat 3",
    "city": "Kunming-Example",
    "postcode": "650999",
    "country": "CN",
    "phone": "+86 138 0013 8000",
    "email": "zw@private.example",
}
GALLIUM = {"description": "Gallium metal 6N in a bottle", "net_mass_kg": 2.0}
CONTACTS = ("phone", "email", "address", "postcode")


def said(personal_data: bool, **fields: Any) -> str:
    """Return everything that leaves for one declaration: verdicts, signals, cases and alerts, as JSON."""
    batch = Batch.of([row(GALLIUM, **fields)])
    screened = engine.screen(batch, engine.default_reference(), engine.default_models(), personal_data)
    correlated = engine.correlate(screened.verdicts, {}, datetime(2026, 11, 22, tzinfo=UTC))
    assert correlated.alerts
    models = [*screened.verdicts, *screened.facts, *correlated.cases, *correlated.alerts]
    return "\n".join(model.model_dump_json(by_alias=True) for model in models)


def test_no_contact_of_a_firm_leaves() -> None:
    linked = RECEIVER | {"phone": SENDER["phone"], "email": SENDER["email"], "postcode": "10500-X"}
    text = said(
        False,
        exporter=SENDER | {"postcode": "410005-X"},
        consignee=linked,
        declarant=SENDER | {"id": "CN3", "name": "Agent"},
    )
    assert "PARTY-LINKED" in text
    assert "Hunan Yongli Metals" in text  # a firm's name is needed to act
    for party in (SENDER, linked, {"postcode": "410005-X"}):
        for part in CONTACTS:
            assert part not in party or str(party[part]) not in text
    assert "88881234" not in text


@pytest.mark.parametrize("regime", ["passenger", "postal"])
def test_nothing_of_a_person_leaves_but_the_country(regime: str) -> None:
    roles = dict.fromkeys(("traveller", "exporter", "consignee", "declarant", "notify", "carrier"), TRAVELLER)
    text = said(False, regime=regime, **roles)
    for part, value in TRAVELLER.items():
        if part != "country":
            assert value not in text, part


def test_a_traveller_is_a_person_under_any_regime() -> None:
    text = said(False, traveller=TRAVELLER)
    assert not [part for part, value in TRAVELLER.items() if part != "country" and value in text]


def test_personal_data_is_kept_when_configured() -> None:
    text = said(True, regime="passenger", traveller=TRAVELLER, exporter=SENDER, consignee=RECEIVER)
    for party in (TRAVELLER, SENDER, RECEIVER):
        assert all(value in text for value in party.values())
