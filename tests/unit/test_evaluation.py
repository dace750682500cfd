"""Scores of alerts against labels, worked out by hand."""

from __future__ import annotations

import gzip
import json
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from detectors._evaluation_html import page
from detectors.evaluation import EXPECTED, evaluate, wilson
from schemas.errors import ContractError
from streams.cli import build


def alert(declaration_id: str, severity: str = "high", risk: int = 60, *codes: str, **more: Any) -> dict[str, Any]:
    return {
        "declaration_id": declaration_id,
        "revision": 1,
        "status": "open",
        "severity": severity,
        "risk_score": risk,
        "confidence": 0.5,
        "reasons": [{"code": code} for code in codes],
        "substances": [],
        **more,
    }


def label(declaration_id: str, *typologies: str, **more: Any) -> dict[str, Any]:
    return {"declaration_id": declaration_id, "typologies": list(typologies), "substances": [], **more}


LABELS = [
    label("p1", "T01", "T11", scenario="gallium-as-legitimate-product", substances=["gallium"]),
    label("p2", "T01", "T11", scenario="gallium-as-legitimate-product", substances=["gallium"]),
    label("p3", "T03", scenario="gallium-hand-carried", substances=["gallium"]),
    label("p4", "T03", scenario="gallium-hand-carried", substances=["gallium"]),
    label("h1", look_alike="tiles"),
    label("h2", look_alike="tiles"),
    *(label(f"h{n}") for n in range(3, 97)),
]
ALERTS = [
    alert("p1", "critical", 95, "MISLABEL-NAME", substances=["gallium"]),
    alert("p2", "medium", 40, "ROUTE-DETOUR"),
    alert("p3", "high", 70, "HAND-CARRIED"),
    alert("h1", "high", 60, "MISLABEL-MASS"),
    alert("h5", "low", 26, "VAGUE-DESCRIPTION"),
]


def test_precision_and_recall_at_each_cut() -> None:
    found = evaluate(ALERTS, LABELS)
    assert (found.declarations, found.positives, found.honest, found.alerts) == (100, 4, 96, 5)
    assert [(c.severity, c.alerts, c.true, c.false) for c in found.cuts] == [
        ("low", 5, 3, 2),
        ("medium", 4, 3, 1),
        ("high", 3, 2, 1),
        ("critical", 1, 1, 0),
    ]
    assert found.cuts[0].precision == pytest.approx(0.6)
    assert found.cuts[0].recall == pytest.approx(0.75)
    assert found.false_high_per_1000_honest == pytest.approx(1000 / 96)
    assert found.alerts_per_1000 == pytest.approx(50)
    assert found.false_high_codes[0].code == "MISLABEL-MASS"


def test_recall_by_scenario_and_typology_and_the_expected_code() -> None:
    found = evaluate(ALERTS, LABELS)
    scenarios = {s.name: s for s in found.scenarios}
    guise, carried = scenarios["gallium-as-legitimate-product"], scenarios["gallium-hand-carried"]
    assert (guise.declarations, guise.any, guise.medium, guise.high, guise.expected) == (2, 2, 2, 1, 1)
    assert (carried.declarations, carried.any, carried.expected) == (2, 1, 0), "hand-carried asks for a second code"
    both = evaluate([alert("p3", "medium", 50, "HAND-CARRIED", "CONTROL-NO-LICENCE")], LABELS)
    assert next(s.expected for s in both.scenarios if s.name == "gallium-hand-carried") == 1
    assert [(t.name, t.declarations, t.any) for t in found.typologies] == [("T01", 2, 2), ("T03", 2, 1), ("T11", 2, 2)]
    assert (found.substances_named, found.substances_expected) == (1, 3)


def test_look_alikes_by_name() -> None:
    (tiles,) = evaluate(ALERTS, LABELS).look_alikes
    assert (tiles.name, tiles.declarations, tiles.any, tiles.high) == ("tiles", 2, 1, 1)
    assert tiles.codes == {"MISLABEL-MASS": 1}


def test_budgets_follow_the_risk() -> None:
    found = {
        b.name: b for b in evaluate(ALERTS, LABELS, budget_shares=(0.02, 0.03, 0.5), budget_tops=(1, 1000)).budgets
    }
    assert (found["top 2.0%"].picks, found["top 2.0%"].true, found["top 2.0%"].precision) == (2, 2, 1.0)
    assert found["top 3.0%"].precision == pytest.approx(2 / 3)
    assert (found["top 50.0%"].picks, found["top 50.0%"].inspected, found["top 50.0%"].true) == (50, 5, 3)
    assert found["top 1"].recall == pytest.approx(0.25)
    assert "top 1000" not in found, "more than there are declarations"


def test_the_latest_revision_counts_in_any_order() -> None:
    first = alert("h1", "critical", 90, revision=1)
    second = alert("h1", "medium", 40, revision=2, status="updated")
    for order in ([first, second], [second, first]):
        found = evaluate(order, LABELS)
        assert [c.alerts for c in found.cuts] == [1, 1, 0, 0]


def test_withdrawn_alerts_do_not_count() -> None:
    gone = alert("p1", "critical", 95, revision=2, status="withdrawn")
    for order in ([ALERTS[0], gone], [gone, ALERTS[0]]):
        found = evaluate(order, LABELS)
        assert (found.alerts, found.withdrawn, found.cuts[0].true) == (0, 1, 0)


def test_alerts_without_label_are_said_and_left_out() -> None:
    found = evaluate([*ALERTS, alert("who", "critical", 99)], LABELS)
    assert (found.alerts, found.unlabelled_alerts) == (6, 1)
    assert found.cuts[0].alerts == 5
    assert found.alerts_per_1000 == pytest.approx(50)
    assert found.budgets[0].true == 1


def test_a_second_label_of_a_declaration_changes_nothing() -> None:
    assert evaluate(ALERTS, [*LABELS, *LABELS]) == evaluate(ALERTS, LABELS)


def test_nothing_at_all() -> None:
    found = evaluate([], [])
    assert found.declarations == 0
    assert found.alerts_per_1000 is None
    assert all(cut.precision is None and cut.recall is None for cut in found.cuts)
    assert "–" in page(found)


def test_an_unknown_severity_is_told() -> None:
    with pytest.raises(ContractError, match="severity 'severe' of p1"):
        evaluate([alert("p1", "severe")], LABELS)


def test_wilson_interval() -> None:
    # Worked example: Newcombe 1998, table I, 81 of 263: 0.2553 to 0.3662.
    low, high = wilson(81, 263)
    assert (low, high) == (pytest.approx(0.2553, abs=1e-4), pytest.approx(0.3662, abs=1e-4))
    assert wilson(0, 0) == (0.0, 1.0)
    assert wilson(5, 5)[1] == pytest.approx(1.0)


def test_every_expected_code_is_a_finding_code() -> None:
    from typing import get_args

    from schemas.types import FindingCode

    assert {code for wanted in EXPECTED.values() for codes in wanted for code in codes} <= set(get_args(FindingCode))


def test_the_page_needs_nothing_else_and_escapes() -> None:
    labels = [*LABELS, label("x", "T01", scenario="<script>alert(1)</script>")]
    html = page(evaluate(ALERTS, labels), "A <b>title</b>")
    assert "<script" not in html
    assert "&lt;script&gt;" in html
    assert "http" not in html
    assert html.count("<svg") == 2


def _written(path: Path, rows: list[dict[str, Any]]) -> Path:
    text = "".join(json.dumps(row) + "\n" for row in rows)
    if path.suffix == ".gz":
        path.write_bytes(gzip.compress(text.encode()))
    else:
        path.write_text(text)
    return path


def test_the_command_prints_tables_json_and_a_page(tmp_path: Path) -> None:
    alerts = _written(tmp_path / "alerts.jsonl", ALERTS)
    labels = _written(tmp_path / "labels.ndjson.gz", LABELS)
    told = CliRunner().invoke(build(), ["evaluate", str(alerts), str(labels), "--html", str(tmp_path / "e.html")])
    assert told.exit_code == 0, told.output
    assert "gallium-hand-carried" in told.output
    assert (tmp_path / "e.html").read_text().startswith("<!doctype html>")
    told = CliRunner().invoke(build(), ["evaluate", str(alerts), str(labels), "--json"])
    assert json.loads(told.stdout)["positives"] == 4


@pytest.mark.parametrize(
    ("line", "complaint"), [("{oops", "no JSON"), ('{"severity": "low"}', "declaration_id"), ("[1]", "needs")]
)
def test_a_bad_line_is_told_with_its_number(line: str, complaint: str, tmp_path: Path) -> None:
    alerts = tmp_path / "alerts.jsonl"
    alerts.write_text(json.dumps(ALERTS[0]) + "\n" + line + "\n")
    labels = _written(tmp_path / "labels.ndjson", LABELS)
    told = CliRunner().invoke(build(), ["evaluate", str(alerts), str(labels)])
    assert told.exit_code == 1
    assert complaint in str(told.exception)
    assert "alerts.jsonl:2" in str(told.exception)


def case(declaration_id: str, day: int, due: bool, name: str = "split-shipments/1", **more: Any) -> dict[str, Any]:
    return label(
        declaration_id,
        "T04",
        scenario=name.split("/")[0],
        case=name,
        due=due,
        lodged_at=f"2026-03-{day:02d}T06:00:00Z",
        **more,
    )


CASES = [
    *(case(f"s{n}", 2 * n, n >= 4) for n in range(1, 8)),
    *(case(f"t{n}", n, n >= 3, "split-shipments/2") for n in range(1, 6)),
    *(case(f"u{n}", n, n >= 2, "split-shipments/3") for n in range(1, 4)),
    *(case(f"v{n}", n, False, "split-shipments/4") for n in range(1, 3)),
    label("past", case="split-shipments/1", lodged_at="2026-03-01T06:00:00Z"),
]


def test_cases_are_caught_at_once_late_early_or_not_at_all() -> None:
    alerts = [
        alert("s2", "medium", 40, "MISLABEL-NAME"),  # early, but for what it says itself
        alert("s5", "high", 60, "SPLIT-SHIPMENTS"),
        alert("s7", "high", 60, "SPLIT-SHIPMENTS"),
        alert("t1", "medium", 30, "SPLIT-SHIPMENTS"),
        alert("t3", "high", 60, "SPLIT-SHIPMENTS"),
        alert("u2", "high", 60, "VAGUE-DESCRIPTION"),
    ]
    for labels in (CASES, CASES[::-1]):
        found = evaluate(alerts, labels)
        one, two, three, four = found.cases
        assert (one.due_from, one.caught_by, one.lag_declarations, one.lag_days) == ("s4", "s5", 1, 2.0)
        assert (one.due, one.due_alerted, one.due_asked, one.early) == (4, 2, 2, 0)
        assert (two.caught_by, two.lag_declarations, two.lag_days) == ("t3", 0, 0.0)
        assert (two.early, two.lead_declarations, two.lead_days) == (1, 2, 2.0)
        assert (three.caught_by, three.due_alerted, three.due_asked) == (None, 1, 0)
        assert (four.due, four.due_from, four.caught_by, four.lag_days) == (0, None, None, None)
        (split,) = found.moments
        assert (split.cases, split.cases_due, split.alerted, split.caught, split.at_once) == (4, 3, 3, 2, 1)
        assert (split.lag_declarations, split.lag_declarations_most, split.lag_days_most) == (0.5, 1, 2.0)
        assert (split.due, split.due_alerted, split.due_asked) == (9, 4, 3)
        assert (split.early_cases, split.early_alerts, split.lead_days) == (1, 1, 2.0)
        assert (found.due, found.due_alerted) == (9, 4)
        (kind,) = found.scenarios
        assert (kind.declarations, kind.any, kind.due, kind.due_any, kind.expected) == (17, 6, 9, 4, 3)


def test_labels_without_moments_are_due_and_make_no_table() -> None:
    found = evaluate(ALERTS, LABELS)
    assert found.moments == []
    assert (found.due, found.due_alerted) == (4, 3)


def test_the_command_tells_of_each_case(tmp_path: Path) -> None:
    alerts, labels, html = tmp_path / "alerts.jsonl", tmp_path / "labels.ndjson", tmp_path / "e.html"
    alerts.write_text(json.dumps(alert("s5", "high", 60, "SPLIT-SHIPMENTS")) + "\n", encoding="utf-8")
    labels.write_text("".join(json.dumps(one) + "\n" for one in CASES), encoding="utf-8")
    shown = CliRunner().invoke(
        build(), ["evaluate", str(alerts), str(labels), "--cases", "--html", str(html)], env={"COLUMNS": "240"}
    )
    assert shown.exit_code == 0, shown.output
    assert "Each case" in shown.output
    assert "2026-03-10 06:00" in shown.output
    assert "caught at the right moment" in html.read_text(encoding="utf-8")
    told = CliRunner().invoke(build(), ["evaluate", str(alerts), str(labels), "--json"])
    assert json.loads(told.stdout)["cases"][0]["caught_at"] == "2026-03-10T06:00:00Z"
