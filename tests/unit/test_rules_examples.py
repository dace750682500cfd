"""Inline examples run through the engine, and say clearly what is wrong with them."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest
from rule_packs import COLUMNS, rule

from detectors.rules.examples import failures
from detectors.rules.rule import Rule

DEAR = {"regime": "export", "usd_per_kg": 450, "commodity_code": "79012000"}


def failed(columns: Any = COLUMNS, **changes: Any) -> list[tuple[Any, str]]:
    made = Rule.model_validate(rule(**changes))
    return [(failure.loc, failure.reason) for failure in failures(made, columns)]


def test_examples_that_hold_say_nothing() -> None:
    assert failed() == []


def test_examples_that_do_not_hold_are_named_with_what_decided() -> None:
    wrong = {"match": [DEAR, DEAR | {"usd_per_kg": 2}], "no_match": [DEAR]}
    found = list(failures(Rule.model_validate(rule(examples=wrong)), COLUMNS))
    assert [(each.loc[1:], each.reason) for each in found] == [
        (("match", 1), "does not hit, but must"),
        (("no_match", 0), "hits, but must not"),
    ]
    assert found[0].values == {"regime": "export", "usd_per_kg": 2.0, "commodity_code": "79012000"}


@pytest.mark.parametrize(
    ("row", "told"),
    [
        ({"usd_per_kilo": 3}, "unknown column usd_per_kilo"),
        ({"commodity_code": 79012000}, 'quote it: "79012000"'),
        ({"regime": False}, 'quote it: "NO"'),
        ({"usd_per_kg": "450"}, "write a number"),
        ({"usd_per_kg": True}, "write a number"),
        ({"vague": 1}, "write true or false"),
        ({"day": "2025-01-01"}, "write a day"),
        ({"price_substances": "gallium"}, "write a list"),
        ({"price_substances": ["gallium", 3]}, "write a list"),
        ({"declaration": {}, "usd_per_kg": 3}, "not both"),
        ({"declaration": 3}, "must hold fields"),
        ({"declaration": {"regime": "exports"}}, "not a declaration: /regime"),
        ({"declaration": {"items": [{"net_mass": 3}]}}, "not a field of a declaration: /items/0/net_mass"),
    ],
)
def test_an_example_that_cannot_run_says_why(row: dict[str, Any], told: str) -> None:
    ((loc, reason),) = failed(examples={"match": [row], "no_match": []})
    assert loc == ("examples", "match", 0)
    assert told in reason


def test_examples_stand_within_the_effective_dates_unless_they_say_otherwise() -> None:
    dates = {"from_": date(2023, 8, 1), "to": date(2023, 9, 1)}
    early = DEAR | {"day": date(2023, 7, 31)}
    assert failed(examples={"match": [DEAR], "no_match": [early]}, **dates) == []


def test_a_score_off_the_scale_is_a_failure() -> None:
    ((_, reason),) = failed(score="usd_per_kg / 100")
    assert reason == "scores 4.5, not from 0 to 1"


def test_examples_of_deprecated_rules_still_run() -> None:
    assert failed(status="deprecated") == []


def test_a_declaration_goes_through_the_real_features() -> None:
    from detectors.columns import COLUMNS as real

    dear = {
        "items": [{"commodity_code": "79012000", "net_mass_kg": 2.0, "value": {"amount": 900.0, "currency": "USD"}}]
    }
    cheap = {"items": [{"commodity_code": "79012000", "net_mass_kg": 2.0, "value": {"amount": 6.0, "currency": "USD"}}]}
    examples = {"match": [{"declaration": dear}], "no_match": [{"declaration": cheap}]}
    text = {"title": "x", "explanation": "x", "evidence": ["usd_per_kg"]}
    assert failed(real, examples=examples, **text) == []
