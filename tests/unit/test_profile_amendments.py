"""What was flagged and is amended away, or lodged again without it, is said; honest corrections and second orders are not."""

from __future__ import annotations

from typing import Any

import pytest
from told_facts import disordered, fact, goods, said, when, who

from detectors import scoring
from detectors.profiles import stage
from detectors.profiles.keys import block_of
from detectors.profiles.stage import Placed
from schemas.finding import Finding
from schemas.signal import Fact, Feedback

SENDER, BUYER = who("exporter", "Aurora Metals"), who("consignee", "Nordlicht")
FLAGGED: dict[str, Any] = {
    "goods": [goods("Ga", 100.0, controlled=True)],
    "found": ["CONTROL-NO-LICENCE", "MISLABEL-NAME"],
    "risk": 80,
    "text": "aa",
}
TOTALS: dict[str, Any] = {
    "regime": "export",
    "net_mass_kg": 100.0,
    "value_usd": 45_000.0,
    "headings": ["811292"],
    "country_of_destination": "JP",
}
#: The same shipment once the metal is named no more: told in brief.
CLEAN: dict[str, Any] = {"watched": False, "headings": ["790120"], "net_mass_kg": 100.4, "value_usd": 45_300.0}


def lodged(number: int, day: float, *, consignee: Any = BUYER, **fields: Any) -> Fact:
    return fact(number, day, SENDER, consignee, **(TOTALS | fields))


def amended(number: int, day: float, **fields: Any) -> Fact:
    return lodged(number, day, **({"version": 2, "event": "amended"} | fields))


def cancelled(number: int, day: float, **fields: Any) -> Fact:
    return amended(number, day, **({"event": "cancelled"} | FLAGGED | {"found": [], "risk": 0} | fields))


def evasive(facts: list[Fact], **how: Any) -> dict[str, list[Finding]]:
    return said(facts, detector="amendments", **how)


def test_an_amendment_that_takes_the_metal_out() -> None:
    found = evasive([lodged(1, 0, **FLAGGED), amended(1, 0.4, **CLEAN)])
    finding = found["d1"][0]
    assert finding.declaration_version == 2
    assert finding.title == "Amended without what was flagged: gallium, CONTROL-NO-LICENCE, MISLABEL-NAME"
    assert "10 hours later version 2 of this declaration" in finding.explanation
    assert "code 811292 became 790120" in finding.explanation
    assert [line.split()[2] for line in finding.evidence[0].observed or []] == ["v2", "v1"]
    assert scoring.severity(scoring.risk(found["d1"])) == "high"


def test_cancelled_and_lodged_again_as_something_else() -> None:
    found = evasive([lodged(1, 0, **FLAGGED), cancelled(1, 2), lodged(2, 5, **CLEAN)])
    assert list(found) == ["d2"]
    assert found["d2"][0].title.startswith("Lodged again without what was flagged: gallium")
    assert {one.typologies[0] for one in found["d2"]} == {"T14"}
    # the two parties see the same, so it counts once
    assert len(found["d2"]) == 2


def test_what_is_told_in_brief_is_shown_without_persons() -> None:
    states: dict[str, bytes | None] = {}
    for n, one in enumerate([lodged(1, 0, **FLAGGED), amended(1, 1, **CLEAN)]):
        profiled = stage.apply([Placed(block_of([one]), n)], states)
        states.update(profiled.changed)
    shown = next(one for one in profiled.verdicts if one.findings).declaration
    assert shown["exporter"] == {"name": "Aurora Metals"}
    assert shown["items"] == [{"number": 1, "commodity_code": "790120", "net_mass_kg": 100.4}]
    assert shown["country_of_destination"] == "JP"


def test_another_destination_or_consignee() -> None:
    banned = FLAGGED | {"found": ["CONTROL-PROHIBITED"], "country_of_destination": "US"}
    sold = {"goods": [goods("Ga", 100.0, controlled=False)], "country_of_destination": "TH", "text": "aa"}
    finding = evasive([lodged(1, 0, **banned), amended(1, 3, **sold)])["d1"][0]
    assert "destination US became TH" in finding.explanation
    unlicensed = FLAGGED | {"found": ["CONTROL-NO-LICENCE"], "risk": 65, "country_of_destination": "TH"}
    again = evasive([lodged(1, 0, **banned), cancelled(1, 3), lodged(2, 6, **unlicensed)])["d2"][0]
    assert again.title == "Lodged again without what was flagged: CONTROL-PROHIBITED"
    moved = evasive([lodged(1, 0, **banned), amended(1, 3, consignee=who("consignee", "Other"), **sold)])["d1"][0]
    assert "the consignee is another" in moved.explanation


@pytest.mark.parametrize(
    "facts",
    [
        pytest.param(
            [lodged(1, 0, **FLAGGED | {"net_mass_kg": 1000.0}), amended(1, 1, **CLEAN)], id="a mass put right"
        ),
        pytest.param([lodged(1, 0, **FLAGGED), amended(1, 1, **FLAGGED | {"text": "bb"})], id="still flagged"),
        pytest.param(
            [
                lodged(1, 0, **FLAGGED),
                amended(1, 1, goods=[goods("Ga", 100.0, controlled=True, licensed=True)], text="aa"),
            ],
            id="a licence was added",
        ),
        pytest.param(
            [lodged(1, 0, found=["VAGUE-DESCRIPTION"], risk=30, text="aa"), amended(1, 1, **CLEAN)],
            id="vague words made precise",
        ),
        pytest.param([lodged(1, 0, **FLAGGED), cancelled(1, 1), lodged(2, 45, **CLEAN)], id="long after"),
        pytest.param(
            [lodged(1, 0, **FLAGGED), lodged(2, 5, consignee=who("consignee", "Other"), **CLEAN)],
            id="another customer's order",
        ),
        pytest.param([lodged(2, 0, **CLEAN), lodged(1, 5, **FLAGGED)], id="before"),
        pytest.param([lodged(1, 0, **FLAGGED), amended(1, 1, **CLEAN | {"net_mass_kg": None})], id="mass unknown"),
        pytest.param([lodged(1, 0, **FLAGGED), amended(1, 1, **CLEAN), cancelled(1, 2, version=3)], id="cancelled"),
    ],
)
def test_silent_about_honest_corrections(facts: list[Fact]) -> None:
    assert evasive(facts) == {}


def test_a_like_order_beside_one_that_stands_is_worth_a_note_at_most() -> None:
    found = evasive([lodged(1, 0, **FLAGGED), lodged(2, 5, **CLEAN)])
    assert scoring.risk(found["d2"]) < 25


def test_an_inspection_that_found_nothing_lowers_the_next() -> None:
    feed = [lodged(1, 0, **FLAGGED), amended(1, 9, **CLEAN)]
    told = [
        Feedback(key=key, declaration_id="d0", verdict="false_positive", codes=["AMEND-EVASIVE"], decided_at=when(5))
        for key in (SENDER.key, BUYER.key)
    ]
    assert evasive(feed, feedback=told)["d1"][0].score < evasive(feed)["d1"][0].score


@pytest.mark.parametrize("seed", range(3))
def test_any_order_and_cut_says_the_same(seed: int) -> None:
    feed = [lodged(1, 0, **FLAGGED), cancelled(1, 2), lodged(2, 5, **CLEAN), lodged(3, 6, **FLAGGED)]
    feed += [amended(3, 7, **CLEAN), lodged(4, 8, **FLAGGED), lodged(5, 9, **CLEAN), amended(5, 10, **CLEAN)]
    assert evasive(disordered(feed, seed), cut=seed + 1) == evasive(feed)
