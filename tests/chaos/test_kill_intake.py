"""A worker killed with SIGKILL in the middle of raw messages, again and again, once with its database lost."""

from __future__ import annotations

import json
import random
import shutil
import threading
import time
from collections import Counter
from pathlib import Path

import pytest
from intake_messages import mixed, send
from test_intake_kafka import assembled, essence, latest, standing
from worker_process import Worker, contents, read, until

from streams.settings import Settings

pytestmark = [pytest.mark.integration, pytest.mark.chaos]

LIVES = 240
KILLS = 4


@pytest.mark.timeout(420)
def test_killed_workers_lose_and_double_no_message(
    cluster: Settings, cluster_environment: dict[str, str], tmp_path: Path
) -> None:
    ordered, shuffled = mixed(LIVES, seed=3)
    chance = random.Random(3)
    share = -(-len(shuffled) // (KILLS + 1))
    shares = [shuffled[begin : begin + share] for begin in range(0, len(shuffled), share)]

    def in_the_background(part: list[bytes]) -> None:
        for begin in range(0, len(part), 20):
            send(cluster, part[begin : begin + 20])
            time.sleep(0.1)

    for number, part in enumerate(shares[:-1]):
        feeding = threading.Thread(target=in_the_background, args=[part])
        feeding.start()
        with Worker(cluster, cluster_environment, tmp_path) as worker:
            until(lambda worker=worker: worker.metric("assay_messages_total") > 0, 90, "work to begin")
            time.sleep(chance.uniform(0.0, 1.5))
            worker.process.kill()
            assert worker.process.wait(10) == -9
        feeding.join()
        if number == 1:
            shutil.rmtree(cluster.state_dir / "intake")  # the next one is another machine
    send(cluster, shares[-1])
    with Worker(cluster, cluster_environment, tmp_path) as worker:
        until(lambda: worker.get("/health/ready")[0] == 200, 90, "readiness")
        worker.drained(120)
        assert worker.metric("assay_waiting_messages") == 0
        assert worker.stop() == 0

    found, expected = latest(cluster), assembled(ordered)
    assert len(expected) == LIVES
    assert essence(found) == essence(expected)
    assert contents(cluster, "declarations.dlq") == []
    # What is written again is the same: one version and event of a declaration has one content (its MRN may come to be known).
    told: dict[tuple[str, int, str], set[str]] = {}
    for record in read(cluster, "declarations"):
        row = json.loads(record.value)
        essential = json.dumps(
            {name: part for name, part in row.items() if name not in ("source", "mrn")}, sort_keys=True
        )
        told.setdefault((row["declaration_id"], row["version"], row["event"]), set()).add(essential)
    assert {len(contents_of) for contents_of in told.values()} == {1}
    alerts = Counter((alert["alert_id"], alert["revision"]) for alert in contents(cluster, "alerts"))
    assert max(alerts.values()) == 1
    assert standing(cluster) == {name for name in (f"L3{n:04}" for n in range(LIVES)) if int(name[2:]) % 4 == 2}
