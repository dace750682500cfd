"""Small lots that add up to a commercial amount are said when they do; samples, shops, wholesalers and warehouses are not."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from told_facts import contact, disordered, fact, goods, said, when, who

from detectors import scoring
from detectors.profiles.profile import Context
from detectors.profiles.splitting import MOST, PROFILE, Remembered
from detectors.profiles.stage import LATENESS
from schemas.finding import Finding
from schemas.signal import Fact, Feedback

BUYER = who("consignee", "buyer", person=True)
PHONE = contact("consignee", "phone", "5550199")


def parcels(count: int, kg: float = 4.0, every: float = 3, **fields: Any) -> list[Fact]:
    """Return parcels of gallium to one buyer, whose telephone stands on each, from three senders in turn."""
    told = {"goods": [goods("Ga", kg)], "contacts": [PHONE]} | fields
    return [fact(n, every * n, who("exporter", f"sender{n % 3}"), BUYER, **told) for n in range(count)]


def ordinary(count: int, kg: Any = 5.0, senders: int = 3, person: bool = True, heading: str = "320649") -> list[Fact]:
    """Return parcels that the screen does not watch: known by parties, code and mass only."""
    consignee = who("consignee", "buyer", person)
    return [
        fact(
            n,
            3 * n,
            who("exporter", f"sender{n % senders}"),
            consignee,
            watched=False,
            headings=[heading],
            net_mass_kg=kg(n) if callable(kg) else kg,
        )
        for n in range(count)
    ]


def split(facts: list[Fact], **how: Any) -> dict[str, list[Finding]]:
    """Return the findings of split shipments only, by declaration."""
    found = said(facts, detector="splitting", **how)
    kept = {key: [one for one in findings if one.code == "SPLIT-SHIPMENTS"] for key, findings in found.items()}
    return {key: findings for key, findings in kept.items() if findings}


def test_said_from_the_lot_on_that_makes_a_commercial_amount() -> None:
    found = split(parcels(8))
    # 20 kg of gallium are reached by the fifth lot of 4 kg
    assert list(found) == ["d4", "d5", "d6", "d7"]
    finding = found["d4"][0]
    assert finding.title == "5 small lots of gallium add up to 20 kg in 30 days"
    assert "3 different senders take turns" in finding.explanation
    assert finding.substances == ["gallium"]
    members = finding.evidence[0]
    assert members.observed == [f"2025-06-{2 + 3 * n:02d} d{n} 4 kg" for n in (4, 3, 2, 1, 0)]
    assert members.expected == "at most 20 kg in 30 days"
    assert {one.evidence[0].reference for one in found["d4"]} == {
        "window 30 days of the party",
        "window 30 days of telephone ***199",
    }
    assert 25 <= scoring.risk(found["d7"]) < 50


def test_high_only_if_the_goods_were_found_wrong_as_well() -> None:
    wrong = split(parcels(6, found=["MISLABEL-NAME"]))
    assert scoring.severity(scoring.risk(wrong["d5"])) == "high"
    vague = split(parcels(6, found=["VAGUE-DESCRIPTION"]))
    assert scoring.severity(scoring.risk(vague["d5"])) == "medium"


@pytest.mark.parametrize(
    "facts",
    [
        pytest.param(parcels(30, kg=0.02), id="samples of grams"),
        pytest.param(parcels(12, kg=0.3), id="a collector's pieces"),
        pytest.param(parcels(12, kg=25.0), id="whole packages"),
        pytest.param(parcels(12, goods=[goods("Ga", 4.0, licensed=True)]), id="licensed"),
        pytest.param(parcels(12, every=40), id="too far apart"),
        pytest.param(parcels(12, goods=[goods("Ga", None)]), id="mass unknown"),
        pytest.param(
            [fact(n, n, BUYER, goods=[goods(e, 4.0)]) for n, e in enumerate(("Ga", "Ge", "Te", "Bi") * 3)], id="unlike"
        ),
        pytest.param(ordinary(20, heading="610910"), id="clothes"),
        pytest.param(ordinary(20, kg=lambda n: 2 + n % 7, senders=2), id="two suppliers of a shop"),
    ],
)
def test_silent_about_what_does_not_add_up(facts: list[Fact]) -> None:
    assert split(facts) == {}


def test_a_weekly_order_of_ordinary_goods_is_worth_a_note_at_most() -> None:
    found = split(ordinary(20, kg=10.0, senders=1))
    assert {one.severity for findings in found.values() for one in findings} == {"low"}
    assert max(map(scoring.risk, found.values())) < 25


def test_ordinary_goods_at_equal_weights_from_senders_that_take_turns() -> None:
    found = split(ordinary(8))
    assert list(found) == ["d4", "d5", "d6", "d7"]
    assert found["d4"][0].title == "5 small lots of goods of code 320649 add up to 25 kg in 30 days"
    assert scoring.risk(found["d4"]) >= 25


def test_lots_that_name_nothing_join_those_of_their_weight() -> None:
    lots = ordinary(6)
    lots[2] = fact(2, 6, who("exporter", "sender1"), who("consignee", "buyer", True), goods=[goods("Ga", 5.02)])
    found = split(lots)["d5"][0]
    assert found.title.startswith("6 small lots of gallium add up to 30 kg")
    assert "1 of them name gallium" in found.explanation


def test_senders_with_one_telephone_are_one_ring_and_a_forwarder_s_telephone_is_a_hub() -> None:
    ring = [
        fact(
            n,
            2 * n,
            who("exporter", f"sender{n % 4}"),
            who("consignee", f"buyer{n}", True),
            goods=[goods("Ga", 5.0)],
            contacts=[contact("exporter", "phone", "13800000000")],
        )
        for n in range(8)
    ]
    assert "different parties give this contact" in split(ring)["d7"][0].explanation
    others = [
        fact(
            100 + n,
            0.5 * n,
            who("exporter", f"client{n}"),
            who("consignee", f"customer{n}", True),
            goods=[goods(None, 3.0, f"84{n:02d}99")],
            contacts=[contact("exporter", "phone", "13800000000")],
        )
        for n in range(30)
    ]
    hub = split(sorted([*ring, *others], key=lambda one: one.time))
    assert "d7" not in hub


def test_carried_again_and_again() -> None:
    traveller = who("traveller", "person", person=True)
    trips = [
        fact(n, 30 * n, traveller, regime="passenger", goods=[goods("Ga", 2.0, controlled=True)], found=found)
        for n, found in enumerate([["HAND-CARRIED"], ["HAND-CARRIED"], ["MISLABEL-NAME"], ["MISLABEL-NAME"]])
    ]
    found = said(trips, detector="splitting")
    assert list(found) == ["d1", "d2", "d3"]
    assert found["d1"][0].code == "HAND-CARRIED"
    assert found["d1"][0].title == "Gallium taken abroad in luggage 2 times in 180 days"
    assert [found[key][0].severity for key in found] == ["medium", "medium", "high"]
    assert "person" not in str(found["d3"][0].evidence)
    vague = [one.model_copy(update={"found": ["VAGUE-DESCRIPTION"], "goods": [goods(None, 2.0)]}) for one in trips]
    assert said(vague, detector="splitting") == {}
    assert list(said([trips[0], *vague[1:]], detector="splitting")) == ["d1", "d2", "d3"]
    honest = [one.model_copy(update={"found": [], "goods": [goods("Ga", 0.02)]}) for one in trips]
    assert said(honest, detector="splitting") == {}


def test_amended_and_cancelled_lots_leave() -> None:
    facts = parcels(6)
    licensed = facts[1].model_copy(
        update={"version": 2, "event": "amended", "goods": [goods("Ga", 4.0, licensed=True)]}
    )
    cancelled = facts[2].model_copy(update={"version": 2, "event": "cancelled"})
    assert set(split(facts)) == {"d4", "d5"}
    assert set(split([*facts[:3], licensed, *facts[3:]])) == {"d5"}
    assert set(split([*facts[:2], cancelled, facts[2], licensed, *facts[3:]])) == set()


def test_feedback_weighs_what_comes_later() -> None:
    def told(verdict: Any) -> float:
        known = [
            Feedback(
                key=f"{key}", declaration_id=f"x{n}", verdict=verdict, codes=["SPLIT-SHIPMENTS"], decided_at=when(10)
            )
            for n, key in enumerate(("party/buyer", PHONE.key))
        ]
        return split(parcels(6), feedback=known)["d5"][0].score

    plain = split(parcels(6))["d5"][0].score
    assert told("false_positive") < plain < told("true_positive")
    assert told("benign") == plain


@settings(max_examples=20, deadline=None)
@given(seed=st.integers(0, 10**6), cut=st.integers(1, 5))
def test_any_order_and_any_repetition_says_the_same(seed: int, cut: int) -> None:
    facts = [
        *parcels(9, every=2, found=["MISLABEL-VALUE"]),
        *(o.model_copy(update={"declaration_id": f"o{o.declaration_id}"}) for o in ordinary(7)),
    ]
    facts.append(facts[3].model_copy(update={"version": 2, "event": "amended", "goods": [goods("Ga", 9.0)]}))
    facts.append(facts[4].model_copy(update={"version": 2, "event": "cancelled"}))
    facts.sort(key=lambda one: (one.time, one.version))
    expected = said(facts, detector="splitting")
    assert expected
    assert said(disordered(facts, seed), cut=cut, detector="splitting") == expected


def test_the_state_is_bounded_and_can_be_told() -> None:
    context = Context("party/buyer", when(0), when(400), LATENESS)
    state = PROFILE.learn(None, parcels(400, every=0.2), [], Context("party/buyer", when(0), when(80), LATENESS))
    assert state is not None
    assert len(state.entries) == MOST
    assert len(msgspec.msgpack.encode(state)) < 70 * MOST
    words = PROFILE.explain(state, context)
    assert words[0] == f"{MOST} declarations, {MOST} small lots without a licence, 600 kg together."
    assert PROFILE.learn(state, [], [], context) is None
    assert PROFILE.explain(Remembered(), context)
