"""``assay dlq`` and ``assay alerts`` on real topics, and a stage function that fails on one record."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
from pathlib import Path
from typing import Any

import pytest
from worker_process import ASSAY, Worker, contents, declaration, encoded, feed, until

from detectors import engine
from streams.app import Worker as InProcess
from streams.settings import Settings
from streams.worker import stages

pytestmark = pytest.mark.integration


def _assay(environment: dict[str, str], *arguments: str, text: bool = True) -> subprocess.CompletedProcess[Any]:
    return subprocess.run(
        [*ASSAY, *arguments], env={**os.environ, **environment}, capture_output=True, text=text, timeout=120
    )


def _listed(environment: dict[str, str], *arguments: str) -> list[dict[str, Any]]:
    ran = _assay(environment, "dlq", "list", "--json", *arguments)
    assert ran.returncode == 0, ran.stderr
    found: list[dict[str, Any]] = json.loads(ran.stdout)
    return found


async def test_a_record_that_screen_cannot_judge_is_a_dead_letter_and_can_be_retried(
    cluster: Settings, cluster_environment: dict[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    rows = [declaration(f"d{n}", gallium=True) for n in range(30)]
    feed(cluster, map(encoded, rows))
    real = engine.screen

    def fails_on_13(batch: Any, *rest: Any, **named: Any) -> engine.Screened:
        if any(row["declaration_id"] == "test:d13" for row in batch.rows):
            raise ZeroDivisionError("a bug for weight 13")
        return real(batch, *rest, **named)

    monkeypatch.setattr(stages.engine, "screen", fails_on_13)
    stop = asyncio.Event()
    worker = InProcess(cluster)
    running = asyncio.create_task(worker.run(stop, 0))
    async with asyncio.timeout(60):
        while len(await asyncio.to_thread(contents, cluster, "alerts")) < 29:  # noqa: ASYNC110 - written by Kafka
            await asyncio.sleep(0.2)
    stop.set()
    await running
    monkeypatch.undo()

    (row,) = _listed(cluster_environment, "--stage", "screen")
    assert (row["error"], row["reason"]) == ("ZeroDivisionError", "a bug for weight 13")
    retried = _assay(cluster_environment, "dlq", "retry", row["id"][:12], "--json")
    assert retried.returncode == 0, retried.stderr
    assert _listed(cluster_environment) == []
    assert len(_listed(cluster_environment, "--retried")) == 1
    with Worker(cluster, cluster_environment, tmp_path) as again:
        again.settled(1)
        assert again.stop() == 0
    alerts = contents(cluster, "alerts")
    assert {alert["declaration_id"] for alert in alerts} == {row["declaration_id"] for row in rows}
    assert len(alerts) == 30


def test_dead_letters_are_listed_shown_and_retried(
    cluster: Settings, cluster_environment: dict[str, str], tmp_path: Path
) -> None:
    bad = {b"utf8": b'{"\xff": 1}', b"cut": b'{"schema": ', b"null": None}
    with Worker(cluster, cluster_environment, tmp_path) as worker:
        feed(cluster, bad.items())
        worker.settled(3)
        assert worker.stop() == 0
    listed = _listed(cluster_environment)
    assert len(listed) == 3
    assert {row["stage"] for row in listed} == {"decode"}
    assert _listed(cluster_environment, "--stage", "screen") == []
    assert len(_listed(cluster_environment, "--limit", "2")) == 2
    assert "decode" in _assay(cluster_environment, "dlq", "list").stdout

    shown = {}
    for row in listed:
        letter = json.loads(_assay(cluster_environment, "dlq", "show", row["id"], "--json").stdout)
        shown[letter["key"].encode()] = row["id"]
    raw = _assay(cluster_environment, "dlq", "show", shown[b"utf8"], "--raw", text=False).stdout
    assert raw == bad[b"utf8"]
    assert "\\xff" in _assay(cluster_environment, "dlq", "show", shown[b"utf8"]).stdout
    assert _assay(cluster_environment, "dlq", "show", "nothing").returncode == 2
    assert _assay(cluster_environment, "dlq", "retry").returncode == 2

    assert _assay(cluster_environment, "dlq", "retry", "--all").returncode == 0
    assert _listed(cluster_environment) == []
    with Worker(cluster, cluster_environment, tmp_path) as worker:
        worker.settled(3)
        assert worker.stop() == 0
    assert len(_listed(cluster_environment)) == 3, "what is still wrong is a dead letter of its own"


def test_alerts_are_tailed(cluster: Settings, cluster_environment: dict[str, str], tmp_path: Path) -> None:
    tail = ("alerts", "tail", "--from", "beginning", "--format")
    with Worker(cluster, cluster_environment, tmp_path) as worker:
        worker.settled(feed(cluster, [encoded(declaration(f"d{n}", gallium=True)) for n in range(5)]))
        assert worker.stop() == 0
    ran = _assay(cluster_environment, *tail, "json", "--no-follow")
    assert ran.returncode == 0, ran.stderr
    assert {json.loads(line)["declaration_id"] for line in ran.stdout.splitlines()} == {f"test:d{n}" for n in range(5)}
    followed = _assay(cluster_environment, *tail, "json", "--limit", "3")
    assert len(followed.stdout.splitlines()) == 3
    told = _assay(cluster_environment, *tail, "table", "--no-follow").stdout.splitlines()
    assert len(told) == 5
    assert all("critical" in line and "test:d" in line for line in told)
    feed(cluster, [(b"x", b"not an alert")], "alerts")
    ran = _assay(cluster_environment, *tail, "json", "--no-follow")
    assert len(ran.stdout.splitlines()) == 5
    assert "no alert" in ran.stderr
    assert _assay(cluster_environment, "alerts", "tail", "--format", "xml").returncode == 2
    assert _assay(cluster_environment, "alerts", "tail", "--no-follow", "--from", "end").stdout == ""


PACK = """\
pack: office
version: "1"
description: what one office wants to see
rules:
  - id: zinc-to-germany
    code: ROUTE-DESTINATION
    scope: item
    level: high
    status: stable
    score: 0.8
    title: Zinc to Germany
    explanation: This office looks at zinc for Germany.
    when: net_mass_kg > 20
    evidence: [net_mass_kg]
    sources: [a test]
    false_positives: [honest zinc]
    examples:
      match: [{net_mass_kg: 25.0}]
      no_match: [{net_mass_kg: 1.0}]
"""


def test_a_pack_on_the_reference_topic_changes_a_running_worker_and_a_bad_one_does_not(
    cluster: Settings, cluster_environment: dict[str, str], tmp_path: Path
) -> None:
    rules = tmp_path / "rules"
    rules.mkdir()
    (rules / "office.yaml").write_text(PACK.replace("> 20", "> 2000").replace("25.0", "2500.0"), encoding="utf-8")
    with Worker(cluster, cluster_environment, tmp_path, "--rules", str(rules)) as worker:
        worker.settled(feed(cluster, [encoded(declaration("before"))]))
        feed(cluster, [(b"rules/office", PACK.encode())], "reference")
        until(lambda: worker.events("rules in use"), 60, "the pack to be taken")
        feed(
            cluster, [(b"rules/office", PACK.replace("net_mass_kg > 20", "no_such_column > 20").encode())], "reference"
        )
        (refused,) = until(lambda: worker.events("refused, what was in use stays"), 60, "the pack to be refused")
        assert any("no_such_column" in problem for problem in refused["problems"])
        assert worker.metric("assay_refused_updates_total", kind="rules") == 1
        feed(cluster, [encoded(declaration("after"))])
        worker.settled(2)
        assert worker.stop() == 0
    with Worker(cluster, cluster_environment, tmp_path, "--rules", str(rules)) as again:
        worker_count = feed(cluster, [encoded(declaration("later"))])
        again.settled(worker_count)
        (rules / "office.yaml").write_text(PACK.replace("pack: office", "pack: [not a name"), encoding="utf-8")
        until(lambda: again.events("refused, what was in use stays"), 60, "the file to be refused")
        assert again.stop() == 0
    flagged = {row["declaration_id"]: row["provenance"]["rules"] for row in contents(cluster, "alerts")}
    assert set(flagged) == {"test:after", "test:later"}, "a worker that starts takes the last good pack of the topic"
    assert all(rules.startswith("office@1+") for rules in flagged.values())
