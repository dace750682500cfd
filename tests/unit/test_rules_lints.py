"""Each mistake in a rule is found, at its line, with a hint; and a rule without mistakes passes."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest
from rule_packs import COLUMNS, pack, rule

from detectors.rules import loading
from detectors.rules.lints import LINTS
from detectors.rules.located import Problem


def problems(*rules: dict[str, Any], **header: Any) -> list[Problem]:
    return loading.check({"trial.yaml": pack(*rules, **header)}, COLUMNS).problems


def test_a_rule_without_mistakes_passes() -> None:
    checked = loading.check({"trial.yaml": pack(rule())}, COLUMNS)
    assert checked.problems == []
    assert [each.id for each in checked.rules] == ["dear-zinc"]


MISTAKES = [
    ("sql", {"when": "usd_per_kg > 50 AND"}, "when", "usd_per_kg > 50 AND"),
    ("sql", {"when": "nosuch(usd_per_kg) > 1"}, "when", "unsupported function 'nosuch'"),
    ("sql", {"when": "usd_per_kg > AVG(usd_per_kg)"}, "when", "looks at other rows"),
    ("sql", {"when": "usd_per_kg > 1 AND COUNT(*) > 3"}, "when", "looks at other rows"),
    ("sql", {"when": "ROW_NUMBER() OVER (ORDER BY usd_per_kg) = 1"}, "when", "a window over other rows"),
    ("sql", {"when": "usd_per_kg IN (SELECT 1)"}, "when", "a sub-query"),
    ("sql", {"when": "day < CURRENT_DATE"}, "when", "the clock"),
    ("sql", {"when": "1 = 1"}, "when", "uses no column"),
    ("sql", {"score": "usd_per_kg +"}, "score", "is not SQL"),
    ("sql-columns", {"when": "usd_per_kilo > 50"}, "when", "did you mean usd_per_kg?"),
    ("sql-columns", {"when": "xyzzy > 50"}, "when", "assay rules columns"),
    ("sql-columns", {"scope": "declaration", "evidence": [], "code": "OUTLIER"}, "when", "is a column of items"),
    ("sql-types", {"when": "commodity_code > 79"}, "when", "commodity_code is String"),
    ("sql-types", {"when": "usd_per_kg IN ('a')"}, "when", "usd_per_kg is Float64"),
    ("sql-types", {"when": "usd_per_kg + 1"}, "when", "not true or false"),
    ("sql-types", {"score": "commodity_code"}, "score", "not a number"),
    ("abstains", {"when": "usd_per_kg IS NULL"}, "when", "everything is unknown"),
    ("abstains", {"when": "COALESCE(usd_per_kg, 100) > 50"}, "when", "everything is unknown"),
    ("column-fields", {"substance": "price_substanc"}, "substance", "did you mean price_substance?"),
    ("column-fields", {"substance": "usd_per_kg"}, "substance", "name a column of substances"),
    ("column-fields", {"evidence": ["nett_mass"]}, "evidence[0].column", "unknown column nett_mass"),
    (
        "column-fields",
        {"evidence": [{"column": "vague", "expected": "heading_hi"}]},
        "evidence[0].expected",
        "heading_",
    ),
    ("placeholders", {"title": "{usd_kg} USD"}, "title", "did you mean usd_per_kg?"),
    ("placeholders", {"title": "{commodity_code:.0f}"}, "title", "does not suit a String column"),
    ("placeholders", {"explanation": "{price_substances:>9}"}, "explanation", "takes no format"),
    ("placeholders", {"explanation": "an open { brace"}, "explanation", "double a brace"),
    ("placeholders", {"title": "{commodity_code!r}"}, "title", "is not supported"),
    (
        "placeholders",
        {"evidence": [{"column": "vague", "expected": "up to {heading_hi} USD"}]},
        "evidence[0].expected",
        "did you mean heading_high?",
    ),
    ("score-range", {"score": 1.2}, "score", "not from 0 to 1"),
    ("dates", {"from_": date(2025, 1, 2), "to": date(2025, 1, 1)}, "to", "is before from"),
    ("title-length", {"title": "x" * 121}, "title", "121 characters"),
    ("typologies", {"typologies": ["T11", "T20"]}, "typologies[1]", "did you mean"),
    ("typologies", {"typologies": ["t7"]}, "typologies[0]", "did you mean T07?"),
    ("mislabel-evidence", {"evidence": []}, "evidence", "accuses"),
    ("examples", {"examples": {"match": [{"vague": True}]}}, "examples.no_match", "look-alike"),
    ("examples", {"examples": None}, "examples.match", "no example"),
    ("false-positives", {"false_positives": None}, "false_positives", "honest trade"),
    ("sources", {"sources": []}, "sources", "missing"),
    ("form", {"titel": "x"}, "titel", "did you mean title?"),
    ("form", {"title": None}, "title", "missing"),
    ("form", {"level": "hi"}, "level", "did you mean high?"),
    ("form", {"code": "MISLABEL-VALU"}, "code", "did you mean MISLABEL-VALUE?"),
    ("form", {"id": "Dear_Zinc"}, "id", "kebab-case"),
    ("form", {"score": True}, "score", "a number from 0 to 1"),
    ("form", {"title": 5}, "title", "quote it"),
    ("form", {"evidence": [{"colum": "vague"}]}, "evidence[0].colum", "did you mean column?"),
]


@pytest.mark.parametrize(("lint", "changes", "field", "told"), MISTAKES)
def test_a_mistake_is_found(lint: str, changes: dict[str, Any], field: str, told: str) -> None:
    found = [(problem.lint, problem.field, problem.message) for problem in problems(rule(**changes))]
    assert any(name == lint and at == field and told in message for name, at, message in found), found


def test_every_lint_has_a_test() -> None:
    tested = {lint for lint, *_ in MISTAKES} | {"unique-id"}
    assert {lint.name for lint in LINTS} <= tested


def test_ids_are_unique_across_packs() -> None:
    checked = loading.check({"a.yaml": pack(rule()), "b.yaml": pack(rule())}, COLUMNS)
    (problem,) = checked.problems
    assert (problem.file, problem.lint) == ("b.yaml", "unique-id")
    assert "a.yaml:5" in problem.message


def test_effective_dates_need_the_day() -> None:
    without_day = {name: column for name, column in COLUMNS.items() if name != "day"}
    checked = loading.check({"a.yaml": pack(rule(from_=date(2025, 1, 1)))}, without_day)
    assert [problem.lint for problem in checked.problems] == ["dates"]


def test_a_condition_that_asks_for_something_known_may_ask_for_nulls() -> None:
    assert problems(rule(when="usd_per_kg IS NULL AND regime = 'export'")) == []


def test_words_of_a_quoted_text_are_no_sql() -> None:
    assert problems(rule(when="commodity_code = 'select now over' AND usd_per_kg > 1")) == []


def test_the_rules_of_a_broken_header_are_looked_at_all_the_same() -> None:
    found = problems(rule(score=2), version=1.1, pack="My Pack")
    assert {problem.field for problem in found} == {"version", "pack", "score"}
