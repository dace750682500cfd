"""The gateway, then the broker, killed with SIGKILL while messages are posted: every acknowledged one is in Kafka."""

from __future__ import annotations

import os
import random
import re
import signal
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest
from gateway_process import GatewayProcess, Senders, free_port
from worker_process import Worker, read, until

from streams import _broker_process as process
from streams import broker, clients, topics
from streams.settings import Settings, load

pytestmark = [pytest.mark.integration, pytest.mark.chaos]


def _assert_kept(cluster: Settings, acknowledged: list[bytes]) -> Counter[bytes]:
    """Assert that everything acknowledged is on the raw topic; return how often each message is."""
    written = Counter(record.value for record in read(cluster, "raw.cds"))
    assert len(set(acknowledged)) == len(acknowledged)
    assert [message for message in acknowledged if message not in written] == []
    return written


@pytest.mark.timeout(300)
def test_a_killed_gateway_keeps_what_it_acknowledged(
    cluster: Settings, cluster_environment: dict[str, str], tmp_path: Path
) -> None:
    chance = random.Random(7)
    port = free_port()
    first = GatewayProcess(cluster, cluster_environment, tmp_path, port=port)
    with Senders(port, first.key, threads=8, batch=5) as senders:
        gateway = first
        for _ in range(4):
            before = len(senders.acknowledged)
            with gateway:
                until(lambda before=before: len(senders.acknowledged) > before + 200, 60, "messages")
                time.sleep(chance.uniform(0.0, 0.5))
                gateway.process.kill()
                assert gateway.process.wait(10) == -signal.SIGKILL
            gateway = GatewayProcess(cluster, cluster_environment, tmp_path, port=port)
        with gateway:
            before = len(senders.acknowledged)
            until(lambda: len(senders.acknowledged) > before + 200, 60, "messages")
            senders.__exit__()
            assert gateway.stop() == 0
    written = _assert_kept(cluster, senders.acknowledged)
    print(f"{len(senders.acknowledged)} acknowledged, {written.total()} written, answers {senders.statuses}")
    # A repeat after a kill may be written twice: what was on its way when the gateway died, and no more.
    assert written.total() - len(written) <= 4 * 8 * 5


@pytest.fixture
def own_broker(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Settings]:
    """A broker of this test's own, to be killed; its topics are declared."""
    monkeypatch.delenv("ASSAY_KAFKA", raising=False)
    why = broker.obstacle(load())
    if why:
        pytest.skip(f"needs a local Kafka to kill: {why}; install Java 17+ and Maven")
    folder = tmp_path / "broker"
    chosen = load(state_dir=tmp_path, partitions=2)
    found = broker.up(folder, chosen=chosen)
    with_it = load(kafka=found.bootstrap, state_dir=tmp_path, partitions=2)
    with clients.admin(with_it) as admin:
        topics.apply(admin, with_it)
    yield with_it
    broker.down(folder, chosen)


@pytest.mark.timeout(420)
def test_a_killed_broker_loses_nothing_that_was_acknowledged(own_broker: Settings, tmp_path: Path) -> None:
    environment = {"ASSAY_KAFKA": str(own_broker.kafka), "ASSAY_STATE_DIR": str(tmp_path), "ASSAY_PARTITIONS": "2"}
    folder = tmp_path / "broker"
    local = load(state_dir=tmp_path, partitions=2)
    with GatewayProcess(own_broker, environment, tmp_path, "--patience", "5") as gateway:
        gateway.ready()
        with Senders(gateway.port, gateway.key, threads=8, batch=3, pause=0.05) as senders:
            for _ in range(2):
                before = len(senders.acknowledged)
                until(lambda before=before: len(senders.acknowledged) > before + 150, 90, "messages")
                pid = broker.status(folder, local).pid
                assert pid is not None
                os.kill(pid, signal.SIGKILL)
                until(lambda: process.running(folder) is None, 20, "the end of the broker")
                refused = senders.statuses.get(503, 0)
                until(lambda refused=refused: senders.statuses.get(503, 0) > refused + 10, 60, "a gateway that says no")
                broker.up(folder, chosen=local)
            before = len(senders.acknowledged)
            until(lambda: len(senders.acknowledged) > before + 150, 90, f"messages again; log:\n{gateway.log[-3000:]}")
        assert gateway.stop() == 0
    written = _assert_kept(own_broker, senders.acknowledged)
    print(f"{len(senders.acknowledged)} acknowledged, {written.total()} written, answers {senders.statuses}")


@pytest.mark.timeout(600)
def test_what_was_acknowledged_becomes_a_declaration_though_worker_and_gateway_are_killed(
    cluster: Settings, cluster_environment: dict[str, str], tmp_path: Path
) -> None:
    chance = random.Random(19)
    port = free_port()
    gateway = GatewayProcess(cluster, cluster_environment, tmp_path, port=port)
    with Senders(port, gateway.key, threads=3, batch=5, pause=0.1) as senders:
        for number in range(3):
            with gateway, Worker(cluster, cluster_environment, tmp_path, "--stage", "intake") as worker:
                before = len(senders.acknowledged)
                until(lambda worker=worker: worker.metric("assay_messages_total") > 0, 90, "the intake to begin")
                until(lambda before=before: len(senders.acknowledged) > before + 50, 60, "messages")
                time.sleep(chance.uniform(0.0, 1.0))
                worker.process.kill()
                if number == 1:
                    gateway.process.kill()
                else:
                    assert gateway.stop() == 0
            gateway = GatewayProcess(cluster, cluster_environment, tmp_path, port=port)
    with Worker(cluster, cluster_environment, tmp_path, "--stage", "intake") as worker:
        until(lambda: worker.get("/health/ready")[0] == 200, 90, "readiness")
        worker.drained(240)
        assert worker.stop() == 0
    _assert_kept(cluster, senders.acknowledged)
    wanted = {re.search(rb"ID>(T[0-9-]+)<", message)[1] for message in senders.acknowledged}  # type: ignore[index]
    found = {record.key for record in read(cluster, "declarations")}
    assert {b"cds:GB1:" + name for name in wanted} <= found
    assert list(read(cluster, "declarations.dlq")) == []
    print(f"{len(senders.acknowledged)} acknowledged, {len(found)} declarations, answers {senders.statuses}")
