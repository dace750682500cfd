"""A worker killed with SIGKILL in the middle of a feed, again and again: nothing is lost and nothing is doubled."""

from __future__ import annotations

import json
import random
import signal
import threading
import time
from collections import Counter
from datetime import UTC, datetime
from pathlib import Path

import pytest
from worker_process import Row, Worker, contents, declaration, encoded, feed, read, until

from detectors import engine
from detectors.batch import Batch
from schemas import decode
from streams import topics
from streams._replay_fold import Fold
from streams.settings import Settings

pytestmark = [pytest.mark.integration, pytest.mark.chaos]

COUNT = 4_000
KILLS = 4


def _feed(seed: int) -> list[Row]:
    """Return declarations, a tenth of them gallium; some are amended into innocence, some into guilt, some cancelled."""
    chance = random.Random(seed)
    rows: list[Row] = []
    for n in range(COUNT):
        rows.append(declaration(f"d{n}", gallium=chance.random() < 0.1))
        if n > 100 and chance.random() < 0.1:
            earlier = f"d{n - chance.randrange(1, 100)}"
            version = 1 + sum(row["declaration_id"] == f"test:{earlier}" for row in rows)
            event = chance.choice(["amended", "amended", "cancelled"])
            rows.append(declaration(earlier, gallium=chance.random() < 0.5, version=version, event=event))
    return rows


def _expected(rows: list[Row]) -> dict[str, Row]:
    """Return the last state of each alert, from the stage functions alone, profiles included."""
    decoded = [decode.row(encoded(row)[1]) for row in rows]
    screened = engine.screen(Batch.of(decoded), engine.default_reference(), engine.default_models())
    fold = Fold(datetime.now(UTC), threshold=25)
    fold.apply(screened.verdicts, screened.facts)
    return {name: json.loads(alert.model_dump_json(by_alias=True)) for name, alert in fold.alerts.items()}


def _essence(alert: Row) -> Row:
    said = {name: alert[name] for name in ("alert_id", "declaration_version", "risk_score", "severity", "title")}
    reasons = [(reason["finding_id"], reason["code"], reason["score"]) for reason in alert["reasons"]]
    return said | {"withdrawn": alert["status"] == "withdrawn", "reasons": reasons}


def _assert_told_once(cluster: Settings, rows: list[Row], woken: bool = False) -> None:
    """Assert that the alerts are those of the engine, and no revision was written twice.

    A worker that was ``woken`` after others took over still sends what Kafka's client had in its buffers: nothing fences that.
    Then a revision may stand twice, but must say the same, so that whoever keeps alerts by their ids keeps one.
    """
    alerts = contents(cluster, "alerts")
    if woken:
        first: dict[tuple[str, int], Row] = {}
        for alert in alerts:
            assert _essence(alert) == _essence(first.setdefault((alert["alert_id"], alert["revision"]), alert))
    else:
        told = Counter((alert["alert_id"], alert["revision"]) for alert in alerts)
        assert max(told.values()) == 1
    latest = {alert["declaration_id"]: alert for alert in alerts}
    expected = _expected(rows)
    assert {name: _essence(alert) for name, alert in latest.items()} == {
        name: _essence(alert) for name, alert in expected.items()
    }


@pytest.mark.timeout(900)
def test_killed_workers_lose_and_double_nothing(
    cluster: Settings, cluster_environment: dict[str, str], tmp_path: Path
) -> None:
    rows = _feed(seed=11)
    bad = [(f"bad-{n}".encode(), b'{"schema": "declaration/1", "broken') for n in range(30)]
    records = [encoded(row) for row in rows]
    for n, record in enumerate(bad):
        records.insert(n * len(rows) // len(bad), record)
    chance = random.Random(5)
    share = -(-len(records) // (KILLS + 1))
    shares = [records[begin : begin + share] for begin in range(0, len(records), share)]

    def in_the_background(part: list[tuple[bytes, bytes]]) -> None:
        for begin in range(0, len(part), 100):
            feed(cluster, part[begin : begin + 100])
            time.sleep(0.1)

    killed_after = []
    for part in shares[:-1]:
        feeding = threading.Thread(target=in_the_background, args=[part])
        feeding.start()
        with Worker(cluster, cluster_environment, tmp_path) as worker:
            until(lambda worker=worker: worker.metric("assay_declarations_judged_total") > 0, 180, "work to begin")
            time.sleep(chance.uniform(0.0, 1.0))
            killed_after.append(worker.metric("assay_declarations_judged_total"))
            worker.process.kill()
            assert worker.process.wait(10) == -9
        feeding.join()
    feed(cluster, shares[-1])
    with Worker(cluster, cluster_environment, tmp_path) as worker:
        until(lambda: worker.get("/health/ready")[0] == 200, 240, "readiness")
        worker.drained(240)
        killed_after.append(worker.metric("assay_declarations_judged_total"))
        assert worker.stop() == 0

    assert all(killed_after), "every worker had work"
    _assert_told_once(cluster, rows)
    assert {record.key for record in read(cluster, "declarations.dlq")} == {key for key, _ in bad}
    assert sum(killed_after) >= len(rows)


@pytest.mark.timeout(900)
@pytest.mark.parametrize("blow", [signal.SIGKILL, signal.SIGSTOP])
def test_another_worker_takes_over(
    cluster: Settings, cluster_environment: dict[str, str], tmp_path: Path, blow: signal.Signals
) -> None:
    """Killed, or frozen until it has lost its partitions and then woken in the middle of its work."""
    rows = _feed(seed=23)
    records = [encoded(row) for row in rows]
    with (
        Worker(cluster, cluster_environment, tmp_path) as struck,
        Worker(cluster, cluster_environment, tmp_path) as heir,
    ):
        both = (struck, heir)
        until(
            lambda: all(json.loads(one.get("/health")[1] or "{}").get("lag") for one in both), 180, "a share for both"
        )
        feed(cluster, records[: COUNT // 2])
        until(lambda: struck.metric("assay_declarations_judged_total") > 50, 180, "work to begin")
        struck.process.send_signal(blow)
        feed(cluster, records[COUNT // 2 :])
        # declarations, signals, findings, dispositions, and the raw topics
        places = 4 * cluster.partitions + len(topics.systems(cluster))
        until(lambda: len(json.loads(heir.get("/health")[1])["lag"]) == places, 240, "the heir to have all partitions")
        if blow == signal.SIGSTOP:
            struck.process.send_signal(signal.SIGCONT)
            until(lambda: json.loads(struck.get("/health")[1] or "{}").get("lag"), 120, "a share for the woken one")
            struck.drained(300)
        heir.drained(300)
        if blow == signal.SIGSTOP:
            assert struck.stop() == 0
        assert heir.stop() == 0
    _assert_told_once(cluster, rows, woken=blow == signal.SIGSTOP)
