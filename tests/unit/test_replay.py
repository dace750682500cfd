"""Replay: the same alerts whatever the chunks and processes, nothing lost, accidents without effect."""

from __future__ import annotations

import gzip
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pydantic_core
import pytest

from schemas.alert import Alert
from schemas.dead_letter import DeadLetter
from schemas.errors import AssayError
from schemas.finding import Verdict
from streams import replay, simulate
from streams.replay import Progress, ReplayFaults, ReplayResult

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)
COUNT = 600


@pytest.fixture(scope="module")
def feed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A feed with many cases, amendments, cancellations and duplicates, and some lines that are no declarations."""
    rows = simulate.feed(11, COUNT, scenario_share=0.2, amended_share=0.1, cancelled_share=0.05, duplicate_share=0.05)
    lines = [pydantic_core.to_json(row) for row, _ in rows]
    lines[100:100] = [b"not json", b'{"schema":"declaration/1"}', b"\xff\xfe"]
    path = tmp_path_factory.mktemp("replay") / "feed.ndjson"
    path.write_bytes(b"\n".join(lines) + b"\n")
    return path


@pytest.fixture(scope="module")
def plain(feed: Path) -> ReplayResult:
    """The undisturbed run in one process."""
    return run(feed)


def run(feed: Path, **options: Any) -> ReplayResult:
    return replay.run([feed], **{"now": NOW, "jobs": 1, **options})


def as_json(alerts: Sequence[Alert]) -> list[bytes]:
    """Return what alerts say: how often one was revised on the way depends on where the input is cut."""
    return [
        (b"withdrawn " if alert.status == "withdrawn" else b"")
        + alert.__pydantic_serializer__.to_json(alert, by_alias=True, exclude={"revision", "status"})
        for alert in alerts
    ]


def test_feed_raises_and_withdraws_alerts(plain: ReplayResult) -> None:
    """The other tests compare runs; this one makes sure that there is something to compare."""
    assert len({alert.severity for alert in plain.alerts}) >= 3
    assert len(plain.alerts) > 50
    assert any(alert.revision > 1 for alert in plain.alerts)
    assert plain.judged == COUNT
    assert sum(plain.findings.values()) > len(plain.alerts)


@pytest.mark.parametrize("batch", [7, 256, 5_000])
def test_size_of_chunks_changes_nothing(feed: Path, plain: ReplayResult, batch: int) -> None:
    found = run(feed, batch=batch)
    assert as_json(found.alerts) == as_json(plain.alerts)
    assert (found.records, found.judged, found.dead_letters) == (plain.records, plain.judged, plain.dead_letters)
    assert found.reasons == plain.reasons


def test_size_of_chunks_changes_nothing_that_a_declaration_alone_shows(feed: Path) -> None:
    """How often a profile speaks depends on the cuts: before one, a second version is not yet known."""
    found: dict[int, set[str]] = {}
    for batch in (7, 5_000):
        verdicts: list[Verdict] = []
        run(feed, batch=batch, on_verdict=verdicts.append)
        found[batch] = {
            finding.finding_id for verdict in verdicts if verdict.stage == "screen" for finding in verdict.findings
        }
    assert found[7] == found[5_000]
    assert len(found[7]) > 200


def test_without_profiles_only_what_a_declaration_alone_shows_is_said(feed: Path, plain: ReplayResult) -> None:
    verdicts: list[Verdict] = []
    found = run(feed, profiles=False, on_verdict=verdicts.append)
    assert {verdict.stage for verdict in verdicts} == {"screen"}
    assert found.judged == plain.judged
    assert 50 < len(found.alerts) < len(plain.alerts)


def test_number_of_processes_changes_nothing(feed: Path, plain: ReplayResult) -> None:
    verdicts: dict[int, list[Verdict]] = {1: [], 2: []}
    letters: dict[int, list[DeadLetter]] = {1: [], 2: []}
    for jobs in (1, 2):
        told = {"on_verdict": verdicts[jobs].append, "on_dead_letter": letters[jobs].append}
        found = run(feed, jobs=jobs, batch=100, **told)
        assert as_json(found.alerts) == as_json(plain.alerts)
        assert found.jobs == jobs
    assert verdicts[1] == verdicts[2]
    assert letters[1] == letters[2]


@pytest.mark.parametrize("chunk", [0, 3, 5])
def test_crash_between_cases_and_acknowledgement_changes_nothing(feed: Path, plain: ReplayResult, chunk: int) -> None:
    found = run(feed, batch=100, faults=ReplayFaults(crash=frozenset({chunk})))
    assert as_json(found.alerts) == as_json(plain.alerts)


@pytest.mark.parametrize("plan", [[(1, 1)], [(50, 50), (500, 30)], [(COUNT, COUNT)]])
def test_redelivery_changes_nothing(feed: Path, plain: ReplayResult, plan: list[tuple[int, int]]) -> None:
    found = run(feed, batch=64, faults=ReplayFaults(redeliver=plan))
    assert found.records == plain.records + sum(back for _, back in plan)
    assert as_json(found.alerts) == as_json(plain.alerts)


def test_redelivered_records_give_the_same_dead_letters(feed: Path) -> None:
    letters: list[DeadLetter] = []
    run(feed, faults=ReplayFaults(redeliver=[(200, 150)]), on_dead_letter=letters.append)
    assert len(letters) == 6
    assert len({letter.dead_letter_id for letter in letters}) == 3


def test_bad_records_become_dead_letters_that_say_where_and_why(feed: Path, plain: ReplayResult) -> None:
    letters: list[DeadLetter] = []
    assert run(feed, on_dead_letter=letters.append).dead_letters == 3
    assert [letter.origin for letter in letters] == [f"feed.ndjson#{line}" for line in (101, 102, 103)]
    assert {letter.stage for letter in letters} == {"decode"}
    assert letters[1].path == "/event"
    assert plain.records == COUNT + 3


def test_record_that_no_detector_can_judge_costs_only_itself(
    feed: Path, plain: ReplayResult, monkeypatch: pytest.MonkeyPatch
) -> None:
    from detectors import engine

    victim = plain.alerts[0].declaration_id
    screen = engine.screen

    def failing(batch: Any, *given: Any) -> Any:
        if any(row["declaration_id"] == victim for row in batch.rows):
            raise ZeroDivisionError("a detector's own mistake")
        return screen(batch, *given)

    monkeypatch.setattr(engine, "screen", failing)
    letters: list[DeadLetter] = []
    found = run(feed, on_dead_letter=letters.append)
    screened = [letter for letter in letters if letter.stage == "screen"]
    assert {letter.error for letter in screened} == {"ZeroDivisionError"}
    assert found.judged + len(screened) == plain.judged
    assert as_json(found.alerts) == as_json([a for a in plain.alerts if a.declaration_id != victim])


def test_alerts_come_highest_risk_first(plain: ReplayResult) -> None:
    order = [(-alert.risk_score, alert.event_time, alert.declaration_id) for alert in plain.alerts]
    assert order == sorted(order)


def test_threshold_leaves_weaker_alerts_out(feed: Path) -> None:
    found = run(feed, threshold=75)
    assert found.alerts
    assert all(
        alert.risk_score >= 75 or "mandatory" in alert.selected_by
        for alert in found.alerts
        if alert.status != "withdrawn"
    )


def test_declarations_of_the_future_are_refused(feed: Path) -> None:
    found = run(feed, now=datetime(2024, 12, 31, tzinfo=UTC))
    assert 0 < found.judged < COUNT
    assert any("future" in reason for reason in found.reasons)
    assert all(alert.event_time < datetime(2025, 1, 3, tzinfo=UTC) for alert in found.alerts)


def test_gzip_and_folder_give_the_same_alerts(feed: Path, plain: ReplayResult, tmp_path: Path) -> None:
    lines = feed.read_bytes().splitlines(keepends=True)
    (tmp_path / "1.ndjson.gz").write_bytes(gzip.compress(b"".join(lines[:300])))
    (tmp_path / "2.ndjson").write_bytes(b"".join(lines[300:]))
    found = run(tmp_path)
    assert [(a.alert_id, a.risk_score) for a in found.alerts] == [(a.alert_id, a.risk_score) for a in plain.alerts]


def test_damaged_archive_is_a_dead_letter_after_what_could_be_read(feed: Path, tmp_path: Path) -> None:
    packed = gzip.compress(feed.read_bytes())
    (tmp_path / "cut.ndjson.gz").write_bytes(packed[: len(packed) // 2])
    letters: list[DeadLetter] = []
    found = run(tmp_path, on_dead_letter=letters.append)
    assert 0 < found.judged < COUNT
    assert letters[-1].stage == "feed"


def test_fields_that_the_contract_does_not_know_are_named_once(tmp_path: Path) -> None:
    rows = [row for row, _ in simulate.feed(2, 20)]
    strange = [row | {"mood": "good", "items": [item | {"colour": "red"} for item in row["items"]]} for row in rows]
    (tmp_path / "feed.ndjson").write_bytes(b"\n".join(pydantic_core.to_json(row) for row in strange))
    found = run(tmp_path)
    assert found.judged == 20
    assert found.unknown_fields == {"/mood", "/items/*/colour"}


def test_progress_reaches_the_end(feed: Path) -> None:
    told: list[Progress] = []
    run(feed, batch=300, on_progress=told.append)
    assert [one.read for one in told] == sorted(one.read for one in told)
    assert told[-1].read == told[-1].total == feed.stat().st_size
    assert told[-1].records == COUNT + 3


def test_missing_input_and_wrong_pack_are_told(feed: Path, tmp_path: Path) -> None:
    with pytest.raises(AssayError, match="does not exist"):
        replay.run([tmp_path / "nowhere.ndjson"])
    pack = tmp_path / "pack.yaml"
    pack.write_text("rules: 7\n")
    for jobs in (1, 2):
        with pytest.raises(AssayError, match=r"pack\.yaml"):
            run(feed, packs=[pack], jobs=jobs)


def test_time_of_the_run_stands_in_the_alerts(feed: Path, plain: ReplayResult) -> None:
    assert {alert.updated_at for alert in plain.alerts} == {NOW}
    later = run(feed, now=NOW + timedelta(days=1))
    assert [a.alert_id for a in later.alerts] == [a.alert_id for a in plain.alerts]
