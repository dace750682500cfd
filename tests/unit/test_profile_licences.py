"""A licence's ledger: what is drawn beyond it, after it, by and for others; and what is honest use of one."""

from __future__ import annotations

from datetime import date
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from told_facts import disordered, fact, said, when, who

from detectors import scoring
from detectors.profiles._ledger import GENERAL
from detectors.profiles.licences import MOST, PROFILE, Drawn
from detectors.profiles.profile import Context
from detectors.profiles.stage import LATENESS
from schemas.finding import Finding
from schemas.signal import Fact, LicenceUse

KEY = "licence/2025du000123"
SELLER, BUYER = who("exporter", "Hunan Yongli Metals"), who("consignee", "Nippon Rare Materials")
OTHER, ELSEWHERE = who("exporter", "Shenzhen Bright Trading"), who("consignee", "Siam Chemicals")


def use(kg: float | None, reference: str = "2025du000123", **fields: Any) -> LicenceUse:
    """Return the use of the licence by an item."""
    told: dict[str, Any] = {"reference": reference, "item": 1, "kind": "3", "net_mass_kg": kg}
    return LicenceUse(**(told | fields))


def draw(n: int, day: float, kg: float | None = 100.0, *parties: Any, to: str = "JP", **stated: Any) -> Fact:
    """Return a draw by the seller for the buyer, if nobody else is named."""
    named = {party.role for party in parties}
    usual = [party for party in (SELLER, BUYER) if party.role not in named]
    return fact(
        n, day, *parties, *usual, regime="export", country_of_destination=to, licences=[use(kg, **stated)], found=[]
    )


def drawn(facts: list[Fact], **how: Any) -> dict[str, Finding]:
    """Return the first finding of the ledger by declaration."""
    return {key: findings[0] for key, findings in said(facts, detector="licences", **how).items()}


def test_overdrawn_from_the_declaration_on_that_exceeds_it() -> None:
    facts = [draw(n, 10 * n, licensed_kg=300.0) for n in range(6)]
    found = drawn(facts)
    # 300 kg are drawn exactly by the third
    assert list(found) == ["d3", "d4", "d5"]
    assert {one.code for one in found.values()} == {"LICENCE-OVERDRAWN"}
    assert found["d3"].title == "Licence 2025du000123 overdrawn: 400 kg of 300 kg"
    assert "(33% over)" in found["d3"].explanation
    assert found["d3"].evidence[0].observed == [
        f"2025-{day} d{n} 100 kg by Hunan Yongli Metals to JP"
        for n, day in ((3, "07-02"), (2, "06-22"), (1, "06-12"), (0, "06-02"))
    ]
    assert scoring.severity(scoring.risk([found["d3"]])) == "high"


def test_five_per_cent_are_tolerated_and_what_is_not_stated_is_not_overdrawn() -> None:
    assert drawn([draw(0, 0, 200, licensed_kg=300.0), draw(1, 9, 115)]) == {}
    assert set(drawn([draw(0, 0, 200, licensed_kg=300.0), draw(1, 9, 116)])) == {"d1"}
    assert drawn([draw(n, n, 1e6) for n in range(9)]) == {}
    assert drawn([draw(0, 0, None, licensed_kg=300.0), draw(1, 9, 290)]) == {}


def test_different_quantities_are_told_and_the_least_counts() -> None:
    found = drawn([draw(0, 0, 300, licensed_kg=400.0), draw(1, 9, 150, licensed_kg=4000.0)])["d1"]
    assert "The papers state different quantities (400 kg, 4,000 kg); the least is taken." in found.explanation
    assert scoring.severity(scoring.risk([found])) == "medium"
    # a feed that states what each declaration takes off the licence states no limit
    assert drawn([draw(n, n, 100.0 + n, licensed_kg=100.0 + n) for n in range(5)]) == {}


def test_cancelled_and_rejected_draws_are_given_back_and_amended_ones_replaced() -> None:
    facts = [draw(n, n, 150, licensed_kg=300.0) for n in range(3)]
    assert set(drawn(facts)) == {"d2"}
    for event in ("cancelled", "rejected"):
        ended = facts[1].model_copy(update={"version": 2, "event": event})
        assert drawn([facts[0], facts[1], ended, facts[2]]) == {}
        assert drawn([facts[0], ended, facts[1], facts[2]]) == {}
    less = facts[1].model_copy(update={"version": 2, "event": "amended", "licences": [use(10, licensed_kg=300.0)]})
    assert drawn([*facts[:2], less, facts[2]]) == {}


def test_two_licences_of_one_item_share_its_mass() -> None:
    def both(n: int, **second: Any) -> Fact:
        uses = [use(1000.0, licensed_kg=600.0), use(1000.0, "2025du000999", **second)]
        return draw(n, n).model_copy(update={"licences": uses})

    assert drawn([both(0, licensed_kg=400.0)]) == {}
    assert set(drawn([both(0, licensed_kg=400.0), both(1, licensed_kg=400.0)])) == {"d1"}
    assert drawn([both(0), both(1)]) == {}


@pytest.mark.parametrize(
    ("facts", "title", "words"),
    [
        (
            [draw(0, 0, holder_shown="Hunan Yongli Metals Co., Ltd"), draw(1, 9, 50, OTHER)],
            "another exporter",
            "Shenzhen Bright Trading is not the holder that the papers named (Hunan Yongli Metals Co., Ltd)",
        ),
        (
            [draw(0, 0), draw(1, 9, 50, OTHER)],
            "another exporter",
            "another than the one that first used the licence (Hunan Yongli Metals)",
        ),
        (
            [draw(0, 0, end_user_shown="Nippon Rare Materials K.K."), draw(1, 9, 50, ELSEWHERE)],
            "another receiver or destination",
            "not the end user that the papers named",
        ),
        (
            [draw(0, 0), draw(1, 9, 50, to="TH")],
            "another receiver or destination",
            "the destination is TH; the licence was first used for JP",
        ),
        (
            [draw(0, 0, expires_on=date(2025, 7, 1)), draw(1, 60, 50)],
            "used after its end",
            "had ended on 2025-07-01",
        ),
    ],
)
def test_misused(facts: list[Fact], title: str, words: str) -> None:
    found = drawn(facts)
    assert list(found) == ["d1"]
    assert found["d1"].code == "LICENCE-MISUSED"
    assert found["d1"].title.endswith(title)
    assert words.lower() in found["d1"].explanation.lower()
    assert scoring.severity(scoring.risk(found.values())) == "medium"


def test_high_if_several_things_differ() -> None:
    found = drawn([draw(0, 0), draw(1, 9, 50, OTHER, ELSEWHERE, to="TH")])["d1"]
    assert found.title.endswith("another exporter and another receiver or destination")
    assert scoring.severity(scoring.risk([found])) == "high"


BROKER = who("declarant", "Agent Logistics")


@pytest.mark.parametrize(
    "facts",
    [
        pytest.param(
            [draw(n, 20 * n, licensed_kg=1200.0, expires_on=date(2026, 6, 1)) for n in range(12)], id="well used"
        ),
        pytest.param(
            [draw(0, 0, 50, BROKER), draw(1, 9, 50, who("exporter", "Agent Logistics"))], id="agent as exporter"
        ),
        pytest.param([draw(0, 0), draw(1, 9, 50, who("consignee", "NIPPON RARE MATERIALS"))], id="another spelling"),
        pytest.param(
            [draw(0, 0, 50, who("notify", "Siam Chemicals")), draw(1, 9, 50, ELSEWHERE)], id="the party to be notified"
        ),
        pytest.param(
            [draw(n, n, 50, who("exporter", f"x{n}"), kind="open general licence") for n in range(9)], id="general"
        ),
        pytest.param([draw(0, 0, expires_on=date(2026, 6, 1)), draw(1, 60, 50)], id="still valid"),
    ],
)
def test_honest_use_is_silent(facts: list[Fact]) -> None:
    assert drawn(facts) == {}


def test_a_licence_of_many_unrelated_exporters_is_learnt_to_be_general() -> None:
    found = drawn([draw(n, n, 50, who("exporter", f"Firm {'abcdefghijkl'[n] * 9}")) for n in range(12)])
    assert list(found) == [f"d{n}" for n in range(1, GENERAL - 1)]
    consignees = drawn([draw(n, n, 50, who("consignee", f"Firm {'abcdefghijkl'[n] * 9}")) for n in range(12)])
    assert list(consignees) == ["d1", "d2"]


@settings(max_examples=20, deadline=None)
@given(seed=st.integers(0, 10**6), cut=st.integers(1, 4))
def test_any_order_and_any_repetition_says_the_same(seed: int, cut: int) -> None:
    facts = [draw(n, 1.5 * n, 60.0, *([OTHER] if n == 6 else []), licensed_kg=300.0) for n in range(9)]
    facts.append(facts[2].model_copy(update={"version": 2, "event": "cancelled"}))
    facts.append(
        facts[4].model_copy(update={"version": 2, "event": "amended", "licences": [use(20.0, licensed_kg=290.0)]})
    )
    facts.sort(key=lambda one: (one.time, one.version))
    expected = said(facts, detector="licences")
    assert set(expected) == {"d6", "d7", "d8"}
    assert said(disordered(facts, seed), cut=cut, detector="licences") == expected


def test_the_ledger_is_bounded_and_forgets_nothing_that_was_drawn() -> None:
    facts = [draw(n, 2.0 * n, 10.0, licensed_kg=2000.0) for n in range(300)]
    found = drawn(facts, cut=7)
    assert next(iter(found)) == "d210"  # 2,110 kg: the first beyond 2,100
    state: Drawn | None = None
    for n in range(0, 300, 50):
        context = Context(KEY, when(0), facts[n + 49].time, LATENESS)
        state = PROFILE.learn(state, facts[n : n + 50], [], context)
    assert state is not None
    assert len(state.draws) == MOST
    assert len(msgspec.msgpack.encode(state)) < 150 * MOST
    words = PROFILE.explain(state, context)
    assert words[0] == "300 draws, 3,000 kg in all; licensed: 2,000 kg."
    assert PROFILE.explain(Drawn(), context)
