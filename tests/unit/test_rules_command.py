"""``assay rules`` as people call it."""

from __future__ import annotations

import gzip
import json
from pathlib import Path
from typing import Any

import pytest
from rule_packs import pack, rule
from typer.testing import CliRunner, Result

from streams.cli import build

GOOD = {"title": "Dear: {usd_per_kg:.0f}", "explanation": "x", "evidence": ["usd_per_kg"]}


def call(*arguments: str | Path) -> Result:
    return CliRunner().invoke(build(), ["rules", *map(str, arguments)])


@pytest.fixture
def good(tmp_path: Path) -> Path:
    path = tmp_path / "good.yaml"
    path.write_text(pack(rule(**GOOD)), encoding="utf-8")
    return path


def test_lint_passes_and_fails(good: Path, tmp_path: Path) -> None:
    assert call("lint", good).exit_code == 0
    bad = tmp_path / "bad.yaml"
    bad.write_text(pack(rule(**GOOD | {"when": "usd_per_kilo > 3"})), encoding="utf-8")
    told = call("lint", bad)
    assert told.exit_code == 1
    assert f"{bad}:12: dear-zinc: when: unknown column usd_per_kilo; did you mean usd_per_kg?" in told.stdout
    (problem,) = json.loads(call("lint", bad, "--json").stdout)
    assert (problem["line"], problem["rule"], problem["field"]) == (12, "dear-zinc", "when")


def test_test_shows_the_failing_example_with_its_columns(good: Path, tmp_path: Path) -> None:
    assert "1 rules, 2 examples, 0 failed" in call("test", good).stdout
    wrong = tmp_path / "wrong.yaml"
    examples = {"match": [{"regime": "export", "usd_per_kg": 4}], "no_match": [{"regime": "export"}]}
    wrong.write_text(pack(rule(**GOOD, examples=examples)), encoding="utf-8")
    told = call("test", wrong)
    assert told.exit_code == 1
    assert "dear-zinc: examples.match[0]: does not hit, but must" in told.stdout
    assert "usd_per_kg = 4.0" in told.stdout


def test_columns_can_be_searched() -> None:
    names = {row["column"] for row in json.loads(call("columns", "--json", "--search", "usd").stdout)}
    assert "usd_per_kg" in names
    assert "regime" not in names
    assert call("columns", "--search", "xyzzy").exit_code == 1


def test_show_gives_one_rule_or_all(good: Path) -> None:
    assert json.loads(call("show", "dear-zinc", "--pack", good, "--json").stdout)["score"] == 0.8
    assert [row["id"] for row in json.loads(call("show", "--pack", good, "--json").stdout)] == ["dear-zinc"]
    assert "when: regime = 'export'" in call("show", "dear-zinc", "--pack", good).stdout
    unknown = call("show", "dear-zink", "--pack", good)
    assert unknown.exit_code == 2
    assert "dear-zinc" in unknown.stderr


def _declaration(number: int, amount: float) -> dict[str, Any]:
    return {
        "schema": "declaration/1",
        "event": "lodged",
        "declaration_id": f"d-{number}",
        "lodged_at": "2025-03-01T08:00:00Z",
        "source": {"system": "test", "format": "declaration/1"},
        "regime": "export",
        "items": [
            {
                "number": 1,
                "commodity_code": "79012000",
                "description": "zinc alloy",
                "net_mass_kg": 1.0,
                "value": {"amount": amount, "currency": "USD"},
            }
        ],
    }


@pytest.mark.parametrize("packed", [False, True])
def test_backtest_counts_against_labels(good: Path, tmp_path: Path, packed: bool) -> None:
    lines = [json.dumps(_declaration(n, 450.0 if n < 4 else 3.0)) for n in range(10)] + ["{broken"]
    text = "\n".join(lines).encode()
    history = tmp_path / ("feed.ndjson.gz" if packed else "feed.ndjson")
    history.write_bytes(gzip.compress(text) if packed else text)
    labels = tmp_path / "labels.ndjson"
    # 0-2 are guilty of what the rule is about, 9 as well but not hit, 3 honest but hit, 8 guilty of something else
    typologies = {0: ["T11"], 1: ["T11"], 2: ["T11"], 9: ["T11"], 8: ["T02"]}
    rows = [{"declaration_id": f"d-{n}", "typologies": typologies.get(n, []), "substances": []} for n in range(10)]
    labels.write_text("\n".join(map(json.dumps, rows)), encoding="utf-8")

    run = call("backtest", "--history", history, "--pack", good, "--labels", labels, "--sample", "2", "--json")
    assert run.exit_code == 0, run.stderr
    found = json.loads(run.stdout)
    assert (found["declarations"], found["items"], found["refused"]) == (10, 10, 1)
    (counted,) = found["rules"]
    assert (counted["hits"], counted["hits_per_1000"]) == (4, 400.0)
    assert (counted["labelled"], counted["precision"], counted["recall"]) == (4, 0.75, 0.75)
    assert found["all"]["recall"] == 0.6
    assert [hit["title"] for hit in counted["sample"]] == ["Dear: 450", "Dear: 450"]
    assert "left out" in run.stderr


def test_backtest_without_labels_tells_hits(good: Path, tmp_path: Path) -> None:
    history = tmp_path / "feed.ndjson"
    history.write_text(json.dumps(_declaration(1, 450.0)), encoding="utf-8")
    run = call("backtest", "--history", history, "--pack", good)
    assert run.exit_code == 0
    assert "dear-zinc: d-1 item 1: Dear: 450" in run.stdout
    assert "recall" not in run.stdout


def test_backtest_of_nothing_fails(good: Path, tmp_path: Path) -> None:
    history = tmp_path / "feed.ndjson"
    history.write_text("", encoding="utf-8")
    assert call("backtest", "--history", history, "--pack", good).exit_code == 1


def test_backtest_names_a_broken_label(good: Path, tmp_path: Path) -> None:
    history = tmp_path / "feed.ndjson"
    history.write_text(json.dumps(_declaration(1, 450.0)), encoding="utf-8")
    labels = tmp_path / "labels.ndjson"
    labels.write_text('{"declaration_id": "x"}\n', encoding="utf-8")
    run = call("backtest", "--history", history, "--pack", good, "--labels", labels)
    assert run.exit_code == 1
    assert "labels.ndjson:1: not a label: typologies" in str(run.exception)
