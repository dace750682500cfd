"""A first-seen party with tonnes of controlled metal is said; distributors, start-ups and old customers are not, or quietly."""

from __future__ import annotations

from typing import Any

import pytest
from told_facts import contact, disordered, fact, goods, said, who

from detectors import scoring
from detectors.profiles import stage
from detectors.profiles._beginnings import FIRST
from detectors.profiles.keys import block_of
from detectors.profiles.stage import Placed
from schemas.finding import Finding
from schemas.signal import Fact, Feedback

BUYER = who("consignee", "buyer")
#: Somebody else's trade, so that the history covers the window.
HISTORY = [fact(f"old{n}", 20 * n, who("exporter", "old"), who("consignee", "buyer"), watched=False) for n in range(12)]
DAY = 230.0


def sb(kg: float | None = 5000.0, **fields: Any) -> Any:
    return goods("Sb", kg, "811010", **({"controlled": True} | fields))


def order(number: int | str, day: float, exporter: str = "shell", **fields: Any) -> Fact:
    told = {"goods": [sb()], "regime": "export", "headings": ["811010"]} | fields
    return fact(number, day, who("exporter", exporter), told.pop("consignee", BUYER), **told)


def brief(number: int | str, day: float, heading: str, exporter: str = "shell", role: Any = "exporter") -> Fact:
    return fact(number, day, who(role, exporter), watched=False, headings=[heading], regime="export")


def newcomer(facts: list[Fact], **how: Any) -> dict[str, list[Finding]]:
    return said([*HISTORY, *facts], detector="newcomers", **how)


def test_a_first_order_of_tonnes_without_a_licence() -> None:
    (finding,) = newcomer([order(1, DAY)])["d1"]
    assert finding.title == "First-seen exporter with 5,000 kg of antimony"
    assert "was not seen in the 230 days of history" in finding.explanation
    assert finding.evidence[0].path == "/exporter"
    assert finding.evidence[0].observed == ["2026-01-18 d1 5,000 kg antimony"]
    assert finding.evidence[0].expected == "an established party, or less than 1,000 kg"
    assert 25 <= scoring.risk([finding]) < 50


def test_high_only_if_the_goods_were_found_mislabelled_as_well() -> None:
    wrong = newcomer([order(1, DAY, found=["MISLABEL-NAME"])])["d1"]
    assert scoring.severity(scoring.risk(wrong)) == "high"
    licensed = newcomer([order(1, DAY, found=["MISLABEL-NAME"], goods=[sb(licensed=True)])])["d1"]
    assert scoring.severity(scoring.risk(licensed)) == "low"


def test_an_unrelated_line_of_business_says_more_than_a_related_one() -> None:
    toys = newcomer([brief("a", DAY - 40, "950300"), order(1, DAY)])["d1"][0]
    ores = newcomer([brief("a", DAY - 40, "261710"), order(1, DAY)])["d1"][0]
    assert "nothing to do with metals" in toys.explanation
    assert "has traded in minerals, chemicals or metals before" in ores.explanation
    assert toys.score > ores.score


@pytest.mark.parametrize(
    "facts",
    [
        pytest.param([brief(f"b{n}", 190 + n, "261710", role="consignee") for n in range(FIRST)], id="imported before"),
        pytest.param([brief("b", DAY - 181, "950300")], id="known for half a year"),
    ],
)
def test_who_has_a_history_is_no_newcomer(facts: list[Fact]) -> None:
    assert "d1" not in newcomer([*facts, order(1, DAY)])


@pytest.mark.parametrize(
    "what",
    [
        pytest.param({"goods": [sb(300.0)]}, id="a start-up's small order"),
        pytest.param({"goods": [sb(None)]}, id="mass unknown"),
        pytest.param({"goods": [goods("Sb", 5000.0, controlled=False)]}, id="not controlled"),
        pytest.param({"regime": "import"}, id="brought in"),
        pytest.param({"event": "cancelled"}, id="cancelled"),
    ],
)
def test_ordinary_first_orders_are_no_news(what: dict[str, Any]) -> None:
    assert newcomer([order(1, DAY, **what)]) == {}


def test_before_there_is_history_nobody_is_a_newcomer() -> None:
    assert said([order(1, 100.0)], detector="newcomers") == {}
    assert said([*HISTORY[:5], order(1, 179.0)], detector="newcomers") == {}


def test_a_consignee_that_nobody_knew() -> None:
    found = newcomer([order(1, DAY, "old", consignee=who("consignee", "new"))])["d1"]
    assert found[0].title == "First-seen consignee with 5,000 kg of antimony"
    assert found[0].typologies == ["T09"]
    quiet = newcomer([order(1, DAY, "old", consignee=who("consignee", "new"), goods=[sb(licensed=True)])])["d1"]
    assert scoring.risk(quiet) < 25


def test_established_parties_cost_no_write_but_one_a_month() -> None:
    states: dict[str, bytes | None] = {}
    written = 0
    for n in range(200):
        one = block_of([brief(f"e{n}", 0.4 * n, "950300", "firm")])
        changed = stage.apply([Placed(one, n)], states).changed
        written += any(key == "party/firm" and _part(raw) != _part(states.get(key)) for key, raw in changed.items())
        states.update(changed)
    assert written <= FIRST + 4
    assert len(_part(states["party/firm"])) < 120


def _part(raw: bytes | None) -> bytes:
    envelope = stage.read(raw)
    return b"" if envelope is None else bytes(envelope.parts.get("b", b""))


def test_feedback_lowers_and_raises_what_comes_later() -> None:
    def told(verdict: Any) -> float:
        heard = Feedback(
            key="party/shell", declaration_id="d1", verdict=verdict, codes=["PARTY-NEW"], decided_at=order(0, DAY).time
        )
        return newcomer([order(2, DAY + 20)], feedback=[heard])["d2"][0].score

    assert told("false_positive") < told("test") < told("true_positive")


@pytest.mark.parametrize("seed", range(3))
def test_any_order_and_cut_says_the_same(seed: int) -> None:
    feed = [*HISTORY, *(order(n, DAY + n, f"shell{n % 3}") for n in range(6))]
    feed += [brief(f"b{n}", DAY - 5 + n, "950300", f"shell{n % 3}") for n in range(9)]
    assert said(disordered(feed, seed), cut=seed + 1) == said(sorted(feed, key=lambda one: one.time))


SHARED = [contact("exporter", "address", "Room 1204"), contact("exporter", "phone", "5550177")]


def shells(*names: str, **fields: Any) -> list[Fact]:
    return [order(n, DAY + 3 * n, name, contacts=SHARED, **fields) for n, name in enumerate(names)]


def behind(facts: list[Fact]) -> dict[str, list[Finding]]:
    watched = [one.model_copy(update={"watched": True}) for one in HISTORY]
    return said([*watched, *facts], detector="shells")


def test_several_newcomers_behind_one_contact() -> None:
    found = behind(shells("Aurora Metals", "Blue Pine Trading", "Cedar Import", goods=[sb(licensed=True)]))
    assert list(found) == ["d1", "d2"]
    telling = next(one for one in found["d2"] if "address" in one.title and "and" not in one.title)
    assert telling.title == "3 first-seen exporters with one address order 15,000 kg of antimony"
    assert "Aurora Metals, Blue Pine Trading, Cedar Import" in telling.explanation
    assert [line.split()[1] for line in telling.evidence[0].observed or []] == ["d2", "d1", "d0"]
    assert 25 <= scoring.risk(found["d1"]) < 50
    wrong = behind(shells("Aurora Metals", "Blue Pine Trading", "Cedar Import", found=["MISLABEL-CODE"]))
    assert scoring.severity(scoring.risk(wrong["d2"])) == "high"


def test_one_firm_one_group_and_an_agent_s_address_are_no_shells() -> None:
    assert behind(shells("Aurora Metals", "Aurora Metals", "Aurora Metals")) == {}
    group = behind(shells("Huayuan Group Metals Co Ltd", "Huayuan Group Logistics Co Ltd"))
    assert {one.severity for found in group.values() for one in found} == {"low"}
    agent = [
        order(f"a{n}", DAY - 60 + n, f"client {n}", contacts=SHARED, goods=[goods(None, 900.0, "940360")])
        for n in range(6)
    ]
    assert behind([*agent, *shells("Aurora Metals", "Blue Pine Trading")]) == {}
