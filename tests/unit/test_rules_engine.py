"""What a rule set says of rows: which it hits, with what score and evidence, whatever the batch."""

from __future__ import annotations

import random
from datetime import date
from typing import Any

import polars as pl
import pytest
from rule_packs import COLUMNS, declarations, items, pack, rule

from detectors.columns import COLUMNS as ALL_COLUMNS
from detectors.rules import Hit, RuleSet
from detectors.rules.conditions import Conditions

DEAR = {"regime": "export", "usd_per_kg": 450.0, "commodity_code": "79012000", "price_substance": "gallium"}


def hits(*rows: dict[str, Any], **changes: Any) -> list[Hit]:
    frame = items(*rows)
    return RuleSet.of({"trial": pack(rule(**changes))}, COLUMNS).evaluate(frame, declarations(*rows))


def test_a_hit_tells_what_it_saw() -> None:
    placed = {"row": 7, "item_index": 3, "item_number": 40, "heading_high": 4.26}
    (hit,) = hits({"row": 7}, DEAR | placed)
    assert (hit.rule.id, hit.row, hit.declaration, hit.item_number, hit.score) == ("dear-zinc", 1, 7, 40, 0.8)
    assert hit.title == "Value of 450 USD/kg fits gallium"
    assert hit.explanation == "Zinc costs at most 4.3 USD/kg."
    assert hit.evidence == [
        {"path": "/items/3/commodity_code", "observed": "79012000", "expected": None, "reference": None},
        {"path": "/items/3/value", "observed": 450.0, "expected": 4.26, "reference": "price bands of export"},
    ]


def test_unknown_values_print_as_unknown() -> None:
    (hit,) = hits(DEAR | {"price_substance": None}, explanation="At most {heading_high:.1f}; {price_substances}.")
    assert hit.title == "Value of 450 USD/kg fits unknown"
    assert hit.explanation == "At most unknown; unknown."
    assert hit.evidence[1]["expected"] is None


@pytest.mark.parametrize("missing", ["regime", "usd_per_kg", "commodity_code"])
def test_a_rule_abstains_where_an_input_is_null(missing: str) -> None:
    assert hits(DEAR)
    assert not hits(DEAR | {missing: None})


def test_a_rule_abstains_where_its_score_is_null() -> None:
    assert hits(DEAR | {"heading_high": 5.0}, score="heading_high / 10")[0].score == 0.5
    assert not hits(DEAR, score="heading_high / 10")


def test_a_score_stays_between_0_and_1() -> None:
    assert hits(DEAR, score="usd_per_kg / 100")[0].score == 1.0
    assert hits(DEAR, score="0 - usd_per_kg")[0].score == 0.0


def test_substances_come_from_a_text_or_a_list() -> None:
    both = DEAR | {"price_substances": ["gallium", None, "indium"]}
    assert hits(both, substance="price_substance")[0].substances == ["gallium"]
    assert hits(both, substance="price_substances")[0].substances == ["gallium", "indium"]
    assert hits(DEAR, substance="price_substances")[0].substances == []


@pytest.mark.parametrize(("day", "held"), [(30, False), (31, True), (32, True), (33, False), (None, False)])
def test_effective_dates_include_both_ends(day: int | None, held: bool) -> None:
    lodged = None if day is None else date.fromordinal(date(2023, 7, 1).toordinal() + day)
    found = hits(DEAR | {"day": lodged}, from_=date(2023, 8, 1), to=date(2023, 8, 2))
    assert bool(found) is held


def test_deprecated_rules_do_not_run_and_test_rules_are_marked() -> None:
    assert not hits(DEAR, status="deprecated")
    assert hits(DEAR, status="test")[0].rule.status == "test"


def test_a_declaration_rule_points_into_the_declaration() -> None:
    far = {"regime": "export", "route_km": 30_000.0, "row": 4}
    changes = {"scope": "declaration", "code": "ROUTE-DETOUR", "when": "route_km > 20000", "evidence": ["route_km"]}
    (hit,) = hits({}, far, title="{route_km} km", explanation="{day}", **changes)
    assert (hit.row, hit.declaration, hit.item_number) == (1, 4, None)
    assert (hit.title, hit.explanation) == ("30,000 km", "2025-01-01")
    assert hit.evidence[0]["path"] == "/routing"


def test_numbers_that_json_cannot_carry_become_unknown() -> None:
    (hit,) = hits(DEAR | {"heading_high": float("inf")})
    assert hit.evidence[1]["expected"] is None


def _random_rows(count: int, seed: int) -> list[dict[str, Any]]:
    chance = random.Random(seed)
    return [
        {
            "row": n // 3,
            "item_index": n % 3,
            "item_number": n % 3 + 1,
            "regime": chance.choice(["export", "import", None]),
            "usd_per_kg": chance.choice([None, 1.0, 60.0, 300.0, 900.0]),
            "commodity_code": chance.choice(["79012000", "81129289", None]),
            "vague": chance.choice([True, False, None]),
            "heading_high": chance.choice([None, 5.0]),
            "route_km": [None, 100.0, 30_000.0][n // 3 % 3],
            "price_substances": chance.choice([None, [], ["gallium"]]),
        }
        for n in range(count)
    ]


SEVERAL = pack(
    rule(),
    rule(id="vague-dear", code="VAGUE-DESCRIPTION", when="vague AND (usd_per_kg > 200 OR heading_high IS NULL)"),
    rule(id="scored", code="OUTLIER", when="NOT vague AND usd_per_kg > 50", score="least(1.0, usd_per_kg / 1000)"),
    rule(id="named", code="OUTLIER", when="array_contains(price_substances, 'gallium')", substance="price_substances"),
    rule(
        id="far",
        scope="declaration",
        code="ROUTE-DETOUR",
        when="route_km > 9000",
        title="x",
        explanation="x",
        evidence=[],
    ),
)


def _said(rules: RuleSet, frame: pl.DataFrame) -> list[tuple[Any, ...]]:
    scoped = ["row", *(column.name for column in COLUMNS.values() if column.scope == "declaration")]
    found = rules.evaluate(frame, frame.select(scoped).unique("row", keep="first", maintain_order=True))
    return [(h.declaration, h.item_number, h.rule.id, h.score, h.title, str(h.evidence), *h.substances) for h in found]


def test_hits_depend_neither_on_the_batch_nor_on_the_order_of_rows() -> None:
    rules = RuleSet.of({"several": SEVERAL}, COLUMNS)
    frame = items(*_random_rows(300, seed=1))
    whole = _said(rules, frame)
    assert {said[2] for said in whole} == {"dear-zinc", "vague-dear", "scored", "named", "far"}
    for size in (3, 30, 99):
        parts = [_said(rules, frame.slice(start, size)) for start in range(0, frame.height, size)]
        assert [said for part in parts for said in part] == whole
    assert _said(rules, frame.sample(fraction=1, shuffle=True, seed=2)) == whole
    assert _said(rules, frame.rechunk()) == _said(rules, pl.concat([frame[:100], frame[100:]], rechunk=False))


def test_evaluation_leaves_its_input_alone_and_takes_empty_batches() -> None:
    rules = RuleSet.of({"several": SEVERAL}, COLUMNS)
    frame = items(*_random_rows(60, seed=3))
    before = frame.clone()
    _said(rules, frame)
    assert frame.equals(before)
    assert _said(rules, frame.clear()) == []


def _condition(chance: random.Random, depth: int) -> str:
    simple = ["vague", "NOT vague", "usd_per_kg > 50", "usd_per_kg BETWEEN 10 AND 400", "heading_high IS NULL"]
    simple += ["regime IN ('export', 'transit')", "regime IN ('import', 'transit')", "NOT (vague AND usd_per_kg > 70)"]
    if depth == 0 or chance.random() < 0.2:
        return chance.choice(simple)
    joint = chance.choice([" AND ", " OR "])
    return f"({_condition(chance, depth - 1)}{joint}{_condition(chance, depth - 1)})"


@pytest.mark.parametrize("seed", range(25))
def test_conditions_together_are_true_where_polars_says_so_of_each(seed: int) -> None:
    chance = random.Random(seed)
    frame = items(*_random_rows(chance.choice([1, 7, 64, 131]), seed))[chance.choice([0, 1, 5]) :]
    conditions = [_condition(chance, chance.randrange(4)) for _ in range(15)]
    alone = [frame.select(pl.sql_expr(text).arg_true()).to_series().to_list() for text in conditions]
    together = Conditions([pl.sql_expr(text) for text in conditions]).rows(frame)
    assert dict(together) == {number: rows for number, rows in enumerate(alone) if rows}


def test_equal_tests_are_judged_once_and_different_lists_kept_apart() -> None:
    texts = ["a > 1 AND s IN ('x')", "a > 1 AND s IN ('y')", "s IN ('x') OR a > 1"]
    assert Conditions([pl.sql_expr(text) for text in texts]).test_count == 3


def test_the_packs_of_assay_abstain_on_a_row_of_nulls() -> None:
    rules = RuleSet.load()
    schema = {"row": pl.UInt32, "item_index": pl.UInt32, "item_number": pl.UInt32}
    schema |= {column.name: column.dtype for column in ALL_COLUMNS.values()}
    frame = pl.DataFrame({name: [None] for name in schema}, schema=schema)
    assert rules.rules
    assert rules.evaluate(frame, frame) == []
