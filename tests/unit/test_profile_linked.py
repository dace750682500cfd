"""Who shares two contacts with a flagged party, or with the other end of earlier shipments, is said; hubs are not."""

from __future__ import annotations

from typing import Any

import pytest
from told_facts import contact, disordered, fact, goods, said, when, who

from detectors import scoring
from detectors.profiles.keys import keys_of
from schemas.finding import Finding
from schemas.signal import Contact, Fact, Feedback, Who

BUYER = who("consignee", "Siam Minerals")
FLAGGED = {"risk": 80, "found": ["CONTROL-NO-LICENCE"]}


def both(role: Any) -> list[Contact]:
    return [contact(role, "phone", "88881234"), contact(role, "email", "yl@firm.example")]


def sends(
    number: int, day: float, name: str, *, shares: Any = "exporter", more: tuple[Who, ...] = (), **fields: Any
) -> Fact:
    told: dict[str, Any] = {"goods": [goods("Sb", 5000.0, "811010", controlled=True)], "regime": "export"} | fields
    contacts = told.pop("contacts", both(shares) if shares else [])
    return fact(number, day, who("exporter", name), *(more or (BUYER,)), contacts=contacts, **told)


def linked(facts: list[Fact], **how: Any) -> dict[str, list[Finding]]:
    return said(facts, detector="linked", **how)


def test_a_later_party_with_both_contacts_of_a_flagged_one() -> None:
    found = linked([sends(1, 0, "Yong Li", **FLAGGED), sends(2, 9, "Chang Da")])
    assert list(found) == ["d2"]
    (finding,) = found["d2"]
    assert finding.title == "Exporter shares e-mail and telephone with a party flagged before"
    assert "the exporter Yong Li in d1 of 2025-06-02, which was flagged by itself" in finding.explanation
    assert finding.evidence[0].path == "/exporter"
    assert len(finding.evidence[0].observed or []) == 2
    assert scoring.severity(scoring.risk(found["d2"])) == "medium"


def test_roles_split_over_declarations() -> None:
    booked = sends(2, 9, "Other", shares="declarant", more=(who("declarant", "Chang Da"), BUYER))
    received = sends(3, 15, "Third", shares="notify", more=(who("notify", "Li Brothers"), BUYER))
    found = linked([booked, received])
    assert list(found) == ["d3"]
    assert found["d3"][0].title.startswith("Notify party shares e-mail and telephone with the other end")
    assert found["d3"][0].evidence[0].path == "/notify"
    ring = linked([sends(1, 0, "Yong Li", **FLAGGED), received.model_copy(update=FLAGGED)])
    assert scoring.severity(scoring.risk(ring["d3"])) == "high", "flagged, on the other end, and wrong by itself"


def test_a_confirmed_inspection_flags_a_party_from_its_decision_on() -> None:
    first, second = sends(1, 0, "Yong Li"), sends(2, 9, "Chang Da")
    assert linked([first, second]) == {}
    pair = next(key for key in keys_of(first) if key.startswith("pair/"))

    def hear(day: float) -> dict[str, list[Finding]]:
        told = Feedback(
            key=pair, declaration_id="d1", verdict="true_positive", codes=["MISLABEL-NAME"], decided_at=when(day)
        )
        return linked([first, second], feedback=[told])

    assert "an inspection confirmed" in hear(5)["d2"][0].explanation
    assert hear(12) == {}


def alias(key: str) -> Who:
    return Who(role="exporter", key=f"party/{key}", name_key="name/yongli", shown="Yong Li")


def namesakes() -> list[Fact]:
    told: dict[str, Any] = {"contacts": both("exporter"), "goods": [goods("Sb", 9.0, controlled=True)]} | FLAGGED
    return [fact(n, n, alias(key), BUYER, **told) for n, key in enumerate(("by id", "by name"))]


def office() -> list[Fact]:
    """Return what a broker's contacts stand on: ordinary goods of many firms, then one that is flagged, then another."""
    ordinary = [sends(n, n, f"client {n}", goods=[goods(None, 900.0, "940360")]) for n in range(12)]
    return [*ordinary, sends(20, 20, "Yong Li", **FLAGGED), sends(21, 21, "Chang Da")]


@pytest.mark.parametrize(
    "facts",
    [
        pytest.param([sends(1, 0, "Yong Li", **FLAGGED), sends(2, 9, "Yong Li", **FLAGGED)], id="one party"),
        pytest.param(namesakes(), id="one name under two keys"),
        pytest.param([sends(1, 0, "Yong Li"), sends(2, 9, "Chang Da")], id="nothing was flagged"),
        pytest.param([sends(1, 0, "Yong Li", **FLAGGED), sends(2, 400, "Chang Da")], id="long ago"),
        pytest.param(
            [
                sends(n, n, name, contacts=[contact("exporter", "phone", "88881234")], **FLAGGED)
                for n, name in enumerate(("Yong Li", "Chang Da"))
            ],
            id="one contact only",
        ),
        pytest.param(
            [sends(1, 0, "Yong Li", **FLAGGED), sends(2, 9, "Chang Da", goods=[goods(None, 900.0, "940360")])],
            id="ordinary goods",
        ),
        pytest.param([sends(1, 0, "Yong Li", event="cancelled", **FLAGGED), sends(2, 9, "Chang Da")], id="cancelled"),
        pytest.param(office(), id="a broker's contacts"),
    ],
)
def test_silent_about_what_links_nobody(facts: list[Fact]) -> None:
    assert linked(facts) == {}


@pytest.mark.parametrize("seed", range(3))
def test_any_order_and_cut_says_the_same(seed: int) -> None:
    feed = [sends(n, 3 * n, f"firm {n % 3}", **(FLAGGED if n % 2 else {})) for n in range(8)]
    assert linked(disordered(feed, seed), cut=seed + 1) == linked(feed)
