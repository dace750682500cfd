"""The control calendar in alerts: both sides of every day on which a restriction starts, is suspended, or comes back."""

from __future__ import annotations

import pytest
from declarations import declaration, item, judged

#: Substance, its national line, its words, the last day without the licence duty and the first with it.
STARTS = [
    ("gallium", "8112929010", "gallium ingots", "2023-07-31", "2023-08-01"),
    ("germanium", "8112921000", "germanium ingots", "2023-07-31", "2023-08-01"),
    ("germanium dioxide", "2825600002", "germanium dioxide", "2023-07-31", "2023-08-01"),
    ("antimony", "8110101000", "antimony ingots", "2024-09-14", "2024-09-15"),
    ("antimony trioxide", "2825800010", "antimony trioxide 99.99%", "2024-09-14", "2024-09-15"),
    ("ammonium paratungstate", "2841801000", "ammonium paratungstate", "2025-02-03", "2025-02-04"),
    ("tellurium", "2804500001", "tellurium metal", "2025-02-03", "2025-02-04"),
    ("bismuth", "8106101091", "bismuth ingots 99.99%", "2025-02-03", "2025-02-04"),
    ("molybdenum", "8102100001", "molybdenum powder", "2025-02-03", "2025-02-04"),
    ("indium phosphide", "2853904051", "indium phosphide", "2025-02-03", "2025-02-04"),
    ("dysprosium oxide", "2846901500", "dysprosium oxide", "2025-04-03", "2025-04-04"),
    ("terbium oxide", "2846901400", "terbium oxide", "2025-04-03", "2025-04-04"),
]
#: Days on which gallium, germanium and antimony may go to the US with a licence, and days on which they may not.
BAN = [
    ("2024-12-02", False),
    ("2024-12-03", True),
    ("2025-06-01", True),
    ("2025-11-08", True),
    ("2025-11-09", False),
    ("2026-11-27", False),
    ("2026-11-28", True),
]


@pytest.mark.parametrize(("_name", "code", "words", "before", "after"), STARTS, ids=[row[0] for row in STARTS])
def test_a_licence_is_asked_for_from_its_day_on(_name: str, code: str, words: str, before: str, after: str) -> None:
    goods = item(words, code, 100)
    assert "CONTROL-NO-LICENCE" not in judged(declaration(goods, on=before)).codes
    said = judged(declaration(goods, on=after))
    assert "CONTROL-NO-LICENCE" in said.codes
    assert said.risk >= 25


@pytest.mark.parametrize(("_name", "code", "words", "before", "after"), STARTS, ids=[row[0] for row in STARTS])
def test_a_licence_answers_it(_name: str, code: str, words: str, before: str, after: str) -> None:
    licensed = item(words, code, 100, licence=True)
    assert judged(declaration(licensed, on=after)).risk < 25
    assert judged(declaration(licensed, on=before)).risk < 25


@pytest.mark.parametrize(("words", "code"), [("gallium ingots", "8112929010"), ("antimony ingots", "8110101000")])
@pytest.mark.parametrize(("day", "banned"), BAN)
def test_the_ban_to_the_united_states_is_on_off_and_on_again(words: str, code: str, day: str, banned: bool) -> None:
    said = judged(declaration(item(words, code, 200, licence=True), on=day, to="US"))
    assert ("CONTROL-PROHIBITED" in said.codes) is banned
    assert (said.severity == "critical") is banned


@pytest.mark.parametrize("day", ["2024-12-03", "2025-11-08", "2025-11-09", "2026-05-01"])
def test_the_suspension_does_not_reach_military_end_users(day: str) -> None:
    said = judged(
        declaration(
            item("gallium ingots", "8112929010", 200, licence=True),
            on=day,
            to="US",
            consignee={"name": "US Naval Research Laboratory", "country": "US"},
        )
    )
    assert "CONTROL-PROHIBITED" in said.codes
    assert said.risk >= 50


@pytest.mark.parametrize(("day", "banned"), [("2026-01-05", False), ("2026-01-06", True)])
def test_military_end_users_in_japan(day: str, banned: bool) -> None:
    said = judged(
        declaration(
            item("dysprosium oxide", "2846901500", 200, licence=True),
            on=day,
            to="JP",
            consignee={"name": "Ministry of Defense", "country": "JP"},
        )
    )
    assert ("CONTROL-PROHIBITED" in said.codes) is banned


def test_a_ban_counts_for_a_notify_party_too() -> None:
    declared = declaration(
        item("antimony ingots", "8110101000", 20000, licence=True),
        on="2025-06-08",
        to="TH",
        notify={"name": "Arizona Alloys", "country": "US"},
    )
    assert "CONTROL-PROHIBITED" in judged(declared).codes
