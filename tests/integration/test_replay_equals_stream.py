"""The one idea: Kafka and replay are two drivers of one function, so the same feed gives the same alerts."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from datetime import timedelta
from pathlib import Path
from typing import Any

import pydantic_core
import pytest

from schemas.alert import Alert
from schemas.dead_letter import DeadLetter
from streams import clients, ingest, replay, simulate, topics
from streams.settings import Settings

pytestmark = pytest.mark.integration

COUNT = 1_500
#: The feed tells of years, and a worker that drains it reads one partition's year beside another's month: nothing is late.
LATENESS = timedelta(days=3_650)
BAD = (b"{", b'{"schema":"declaration/1"}', b"\xff\xfe", b"[]")


@pytest.fixture(scope="module")
def lines() -> list[bytes]:
    """Declarations with cases, amendments, cancellations, duplicates, and records that are none."""
    rows = simulate.feed(23, COUNT, scenario_share=0.15, amended_share=0.08, cancelled_share=0.04, duplicate_share=0.03)
    made = [pydantic_core.to_json(row) for row, _ in rows]
    for place, bad in zip((1_200, 700, 300, 5), BAD, strict=True):
        made.insert(place, bad)
    return made


def streamed(lines: list[bytes], cluster: Settings, environment: dict[str, str], folder: Path) -> None:
    """Put the lines on the topic and let a worker process judge them all."""
    named = topics.named(cluster)
    producer = clients.producer(cluster)
    for line in lines:
        producer.send(named["declarations"], key=ingest.key_of(line), value=line)
    producer.flush(timeout=60)
    producer.close()
    command = [sys.executable, "-c", "from streams.cli import main; main()", "worker", "--port", "0"]
    log = folder / "worker.log"
    with log.open("wb") as sink:
        worker = subprocess.Popen(command, env={**os.environ, **environment}, stdout=sink, stderr=sink)
    try:
        limit = time.monotonic() + 180
        stages = ("declarations", "signals", "findings")  # in the order of the flow
        while any(sum(clients.lag(cluster.group, named[stage], cluster).values()) for stage in stages):
            assert worker.poll() is None, log.read_text()[-3000:]
            assert time.monotonic() < limit, log.read_text()[-3000:]
            time.sleep(0.3)
    finally:
        worker.send_signal(signal.SIGTERM)
        try:
            worker.wait(30)
        except subprocess.TimeoutExpired:
            worker.kill()
            worker.wait()


def compared(alert: Alert) -> dict[str, Any]:
    """What must be equal: everything but the time of the run, the place of the record, and the number of revisions."""
    plain: dict[str, Any] = alert.model_dump(mode="json", by_alias=True)
    for name in ("raised_at", "updated_at", "revision"):  # how often it was revised depends on where batches were cut
        del plain[name]
    plain["status"] = plain["status"] == "withdrawn"
    del plain["provenance"]["origin"]
    return plain


def test_same_alerts_and_dead_letters(
    lines: list[bytes], cluster: Settings, cluster_environment: dict[str, str], tmp_path: Path
) -> None:
    hours = str(LATENESS.total_seconds() / 3600)
    streamed(lines, cluster, cluster_environment | {"ASSAY_LATENESS_HOURS": hours}, tmp_path)
    named = topics.named(cluster)
    live: dict[str, Alert] = {}
    for record in clients.read_topic(named["alerts"], cluster):
        alert = Alert.model_validate_json(record.value)
        assert alert.revision > (live[alert.declaration_id].revision if alert.declaration_id in live else 0)
        live[alert.declaration_id] = alert
    live_dead = [
        DeadLetter.model_validate_json(record.value)
        for record in clients.read_topic(named["declarations.dlq"], cluster)
    ]

    path = tmp_path / "feed.ndjson"
    path.write_bytes(b"\n".join(lines) + b"\n")
    replayed_dead: list[DeadLetter] = []
    replayed = replay.run([path], jobs=2, batch=300, on_dead_letter=replayed_dead.append, lateness=LATENESS)

    assert len(replayed.alerts) > 80
    assert {alert.status for alert in replayed.alerts} >= {"open", "withdrawn"}
    assert {a.declaration_id: compared(a) for a in replayed.alerts} == {i: compared(a) for i, a in live.items()}
    assert replayed.judged == COUNT
    assert sorted((d.stage, d.reason, d.path, d.payload) for d in replayed_dead) == sorted(
        (d.stage, d.reason, d.path, d.payload) for d in live_dead
    )
    assert len(live_dead) == len(BAD)
