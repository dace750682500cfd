"""``assay replay``: files written, summary printed, exit codes."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pydantic_core
import pytest
from typer.testing import CliRunner

from schemas.alert import Alert
from schemas.dead_letter import DeadLetter
from schemas.finding import Finding
from streams import simulate
from streams.cli import build


@pytest.fixture(scope="module")
def feed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("replay") / "feed.ndjson"
    rows = [row for row, _ in simulate.feed(3, 300, scenario_share=0.2)]
    path.write_bytes(b"\n".join(pydantic_core.to_json(row) for row in rows) + b"\n{\n")
    return path


def assay(*words: object) -> subprocess.CompletedProcess[str]:
    """Run the command as people do, in a process of its own."""
    command = [sys.executable, "-c", "from streams.cli import main; main()", *map(str, words)]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def test_writes_alerts_findings_dead_letters_and_report(feed: Path, tmp_path: Path) -> None:
    files = {name: tmp_path / name for name in ("alerts.jsonl", "findings.jsonl", "dead.jsonl", "report.html")}
    done = assay(
        *("replay", feed, "--alerts", files["alerts.jsonl"], "--findings", files["findings.jsonl"]),
        *("--dead-letters", files["dead.jsonl"], "--report", files["report.html"], "--json"),
    )
    assert done.returncode == 0, done.stderr
    said = json.loads(done.stdout)
    alerts = [Alert.model_validate_json(line) for line in files["alerts.jsonl"].read_bytes().splitlines()]
    findings = [Finding.model_validate_json(line) for line in files["findings.jsonl"].read_bytes().splitlines()]
    letters = [DeadLetter.model_validate_json(line) for line in files["dead.jsonl"].read_bytes().splitlines()]
    assert said["judged"] == 300
    assert said["alerts"]["all"] + said["alerts"]["withdrawn"] == len(alerts) > 0
    assert sum(said["findings"].values()) == len(findings) >= len(alerts)
    assert said["dead_letters"] == len(letters) == 1
    assert letters[0].origin == "feed.ndjson#301"
    assert alerts[0].title in files["report.html"].read_text(encoding="utf-8")


def test_alerts_on_standard_output_are_nothing_but_alerts(feed: Path) -> None:
    done = assay("replay", feed, "--alerts", "-")
    lines = done.stdout.splitlines()
    assert done.returncode == 0
    assert lines
    assert all(Alert.model_validate_json(line) for line in lines)
    assert "300 declarations judged" in done.stderr


def test_people_get_tables(feed: Path, tmp_path: Path) -> None:
    done = assay("replay", feed, "--alerts", tmp_path / "a.jsonl")
    assert "300 declarations judged" in done.stdout
    assert "1 dead letter" in done.stdout


def test_nothing_that_can_be_judged_is_a_failure(tmp_path: Path) -> None:
    (tmp_path / "feed.ndjson").write_text("nonsense\n")
    assert assay("replay", tmp_path / "feed.ndjson", "--alerts", tmp_path / "a.jsonl").returncode == 1


@pytest.mark.parametrize(
    "wrong", [["--format", "telepathy"], ["--now", "yesterday"], ["--threshold", "101"], ["--batch", "0"]]
)
def test_bad_usage_is_told(feed: Path, tmp_path: Path, wrong: list[str]) -> None:
    done = CliRunner().invoke(build(), ["replay", str(feed), "--alerts", str(tmp_path / "a.jsonl"), *wrong])
    assert done.exit_code == 2
    assert wrong[0] in done.stderr


def test_help_shows_an_example() -> None:
    assert "assay replay feed.ndjson" in assay("replay", "--help").stdout
