"""The local Kafka and its topics, on a real broker."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from worker_process import until

from schemas.errors import BrokerError
from streams import _broker_jars as jars
from streams import _broker_process as process
from streams import broker, clients, topics
from streams.settings import Settings, load

pytestmark = pytest.mark.integration


@pytest.fixture
def local(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Settings]:
    """Settings that name no cluster, with a state folder of this test's own; its broker is stopped at the end."""
    monkeypatch.delenv("ASSAY_KAFKA", raising=False)
    monkeypatch.setenv("ASSAY_STATE_DIR", str(tmp_path / "state"))
    chosen = load(_env_file=None)
    why = broker.obstacle(chosen)
    if why:
        pytest.skip(f"starts a Kafka of its own: {why}; install Java 17+ and Maven")
    yield chosen
    broker.down(chosen=chosen)


@pytest.fixture
def programs(tmp_path: Path) -> Path:
    """A folder for ``PATH`` that holds Java and no Maven."""
    folder = tmp_path / "programs"
    folder.mkdir()
    (folder / "java").symlink_to(str(shutil.which("java")))
    return folder


def assay(*words: str, **variables: str) -> subprocess.CompletedProcess[str]:
    """Run the command line as a person does, with more or other variables."""
    command = [sys.executable, "-c", "from streams.cli import main; main()", *words]
    return subprocess.run(command, env=os.environ | variables, capture_output=True, text=True, timeout=120, check=False)


def test_up_status_down_by_command_line(local: Settings) -> None:
    before = assay("broker", "status", "--json")
    assert (before.returncode, json.loads(before.stdout)["healthy"]) == (1, False)

    first = json.loads(assay("broker", "up", "--json").stdout)
    again = assay("broker", "up")
    assert first["owned"]
    assert again.returncode == 0
    assert f"already up at {first['bootstrap']} (process {first['pid']})" in again.stdout

    assert assay("topics", "show", "--json").returncode == 1  # nothing is there yet
    dry = assay("topics", "apply", "--dry-run", "--json")
    assert len(json.loads(dry.stdout)) == len(topics.declared(local))
    assert assay("topics", "apply").returncode == 0
    assert "as declared" in assay("topics", "apply").stdout
    assert assay("topics", "show", "--json").returncode == 0

    formatted = (local.state_dir / "broker" / "data" / "meta.properties").read_text()
    found = json.loads(assay("broker", "status", "--json").stdout)
    assert f"cluster.id={found['cluster_id']}" in formatted.splitlines()
    assert found["healthy"]
    assert found["bootstrap"] == first["bootstrap"] == broker.bootstrap(chosen=local)
    assert found["version"].startswith("4.")
    assert set(found["topics"]) == {topic.name for topic in topics.declared(local)}
    assert Path(found["folder"]) == local.state_dir / "broker"

    assert json.loads(assay("broker", "down", "--json").stdout) == {"stopped": True, "pid": first["pid"]}
    assert not process.answers(int(first["bootstrap"].rpartition(":")[2]))
    assert "no local Kafka was running" in assay("broker", "down").stdout


def test_two_folders_are_two_brokers_and_each_outlives_a_kill(local: Settings, tmp_path: Path) -> None:
    one, other = tmp_path / "one", tmp_path / "other"
    with broker.running(other, chosen=local) as second:
        first = broker.up(one, chosen=local)
        assert first.bootstrap != second.bootstrap
        with clients.admin(local, first.bootstrap) as admin:
            topics.apply(admin, local)
        assert broker.status(one, local).topics
        assert broker.status(other, local).topics == []

        assert first.pid is not None
        os.kill(first.pid, signal.SIGKILL)
        while process.running(one):
            time.sleep(0.05)
        found = broker.status(one, local)
        assert f"process {first.pid}) has ended" in (found.problem or "")
        with broker.running(one, chosen=local) as again:
            assert again.owned
            assert again.pid != first.pid
            assert again.bootstrap == first.bootstrap  # clients find it where it was
            assert broker.status(one, local).topics

    (one / "data" / "meta.properties").write_text("version=1\ncluster.id=of-another-cluster-0000\nnode.id=7\n")
    with pytest.raises(BrokerError, match="Stored node id 7 doesn't match") as caught:
        broker.up(one, chosen=local)
    assert "its process has ended" in str(caught.value)
    assert process.running(one) is None


def test_a_process_that_is_not_the_broker_is_left_alone(local: Settings, tmp_path: Path) -> None:
    """A process id left over in the state file may belong to somebody else by now."""
    bystander = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])
    try:
        folder = tmp_path / "one"
        folder.mkdir()
        state = {"pid": bystander.pid, "port": 1, "controller_port": 2, "version": "4"}
        (folder / "broker.json").write_text(json.dumps(state))
        assert broker.down(folder, local) is None
        assert bystander.poll() is None
        with pytest.raises(BrokerError, match="no local broker runs"):
            broker.bootstrap(folder, local)
    finally:
        bystander.kill()
        bystander.wait()


def test_a_port_that_is_taken_is_told(local: Settings, tmp_path: Path, kafka: str) -> None:
    taken = int(kafka.split(",")[0].rpartition(":")[2])
    if process.port_is_free(taken):
        pytest.skip("the Kafka of ASSAY_KAFKA is on another machine")
    with pytest.raises(BrokerError, match=f"port {taken} is taken"):
        broker.up(tmp_path / "one", chosen=local, port=taken)


def test_without_java_the_three_ways_are_named(local: Settings, tmp_path: Path) -> None:
    said = assay("broker", "up", PATH=str(tmp_path), JAVA_HOME="")
    assert said.returncode == 1
    assert "no Java" in said.stderr
    for way in ("ASSAY_KAFKA=", "openjdk-17-jre-headless maven", "docker compose -f deploy/compose.yaml"):
        assert way in " ".join(said.stderr.split())


def test_without_maven_the_three_ways_are_named(local: Settings, programs: Path, tmp_path: Path) -> None:
    said = assay("broker", "up", PATH=str(programs), ASSAY_CACHE_DIR=str(tmp_path / "empty"))
    assert said.returncode == 1
    assert "no Maven" in said.stderr
    assert "There are three ways" in said.stderr


def test_a_second_start_needs_no_maven(local: Settings, programs: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    kept = jars.resolve(local.cache_dir, lambda message: None)
    monkeypatch.setenv("PATH", str(programs))
    assert jars.resolve(local.cache_dir, lambda message: None) == kept
    assert broker.obstacle(local) is None
    assert list(kept.glob("kafka_2.13-4.*.jar"))


def test_an_old_java_is_refused(local: Settings, tmp_path: Path) -> None:
    old = tmp_path / "java"
    old.write_text("#!/bin/sh\necho 'openjdk version \"11.0.20\" 2023-07-18' >&2\n")
    old.chmod(0o755)
    said = assay("broker", "up", PATH=f"{tmp_path}:/usr/bin:/bin", JAVA_HOME="")
    assert said.returncode == 1
    assert "is Java 11" in " ".join(said.stderr.split())


def test_a_cluster_that_does_not_answer_is_told(local: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(broker, "ANSWER_SECONDS", 2.0)
    chosen = load(kafka=f"127.0.0.1:{process.free_port()}")
    found = broker.status(chosen=chosen)
    assert not found.healthy
    with pytest.raises(BrokerError, match="does not answer"):
        broker.up(chosen=chosen)


def test_a_named_cluster_is_used_and_never_stopped(cluster: Settings) -> None:
    with broker.running(chosen=cluster) as found:
        assert (found.bootstrap, found.pid, found.owned) == (cluster.kafka, None, False)
    assert broker.status(chosen=cluster).healthy


@pytest.mark.parametrize(("name", "size"), [("declarations", 5_000_000), ("declarations.dlq", 45_000_000)])
def test_large_records_pass(cluster: Settings, name: str, size: int) -> None:
    topic = topics.named(cluster)[name]
    text = os.urandom(1_000_000) * (size // 1_000_000)
    with clients.producer(cluster) as producer:
        producer.send(topic, key=b"one", value=text).get(60)
    (record,) = clients.read_topic(topic, cluster)
    assert (record.key, record.value == text) == (b"one", True)


def test_what_differs_in_the_cluster_is_altered(cluster: Settings) -> None:
    from kafka.admin import ConfigResource, ConfigResourceType

    name = topics.named(cluster)["findings"]
    with clients.admin(cluster) as admin:
        admin.alter_configs([ConfigResource(ConfigResourceType.TOPIC, name, {"retention.ms": "60000"})])
        (step,) = topics.apply(admin, cluster)
        assert (step.topic, step.action) == (name, "alter")
        after = topics.actual(admin, [name])[name]
        assert after.configs["retention.ms"] == str(14 * topics.DAY_MS)
        assert topics.apply(admin, cluster) == []


def test_partitions_are_added_and_never_taken_away(cluster: Settings) -> None:
    more = cluster.model_copy(update={"partitions": 3})
    with clients.admin(cluster) as admin:
        steps = topics.apply(admin, more)
        assert {step.action for step in steps} == {"add partitions"}
        assert len(clients.end_offsets(topics.named(cluster)["alerts"], cluster)) == 3
        with pytest.raises(BrokerError, match="ASSAY_PARTITIONS=3"):
            topics.apply(admin, cluster)


def test_what_the_cluster_refuses_is_told(cluster: Settings) -> None:
    more = cluster.model_copy(update={"topic_prefix": cluster.topic_prefix + "more.", "replication": 3})
    with clients.admin(more) as admin, pytest.raises(BrokerError, match=r"create of topic .* was refused"):
        topics.apply(admin, more)


def test_a_topic_is_read_from_its_beginning_to_its_ends(cluster: Settings) -> None:
    name = topics.named(cluster)["declarations"]
    assert list(clients.read_topic(name, cluster)) == []
    with clients.producer(cluster) as producer:
        for number in range(5000):
            producer.send(name, key=str(number % 7).encode(), value=str(number).encode())
    read = list(clients.read_topic(name, cluster))
    assert sorted(int(record.value) for record in read) == list(range(5000))
    assert clients.end_offsets(name, cluster) == {
        partition: sum(record.partition == partition for record in read) for partition in range(2)
    }
    with pytest.raises(BrokerError, match="assay topics apply"):
        list(clients.read_topic(name + ".missing", cluster))


def test_reading_ends_where_the_end_is_no_record(cluster: Settings) -> None:
    """The marker of a transaction takes an offset and is never delivered, as a compacted record is not."""
    name = topics.named(cluster)["alerts"]
    with clients.producer(cluster, transactional_id=cluster.group) as producer:
        producer.init_transactions()
        producer.begin_transaction()
        producer.send(name, key=b"one", value=b"{}", partition=0)
        producer.commit_transaction()
    # The broker writes the marker after it has answered.
    until(lambda: clients.end_offsets(name, cluster) == {0: 2, 1: 0}, what="the marker")
    assert [record.value for record in clients.read_topic(name, cluster, idle=5)] == [b"{}"]


def test_lag_is_what_a_group_has_not_committed(cluster: Settings) -> None:
    from kafka import TopicPartition
    from kafka.structs import OffsetAndMetadata

    name = topics.named(cluster)["findings"]
    with clients.producer(cluster) as producer:
        for number in range(10):
            producer.send(name, value=b"{}", partition=number % 2)
    assert clients.lag(cluster.group, name, cluster) == {0: 5, 1: 5}
    reader = clients.consumer(chosen=cluster, group_id=cluster.group)
    reader.assign([TopicPartition(name, 0)])
    reader.commit({TopicPartition(name, 0): OffsetAndMetadata(3, "", -1)})
    reader.close()
    assert clients.committed(cluster.group, [name], cluster) == {name: {0: 3}}
    assert clients.lag(cluster.group, name, cluster) == {0: 2, 1: 5}


async def test_aiokafka_speaks_to_the_same_cluster(cluster: Settings) -> None:
    """Faust is built on aiokafka: its options must work with this version of Kafka."""
    from aiokafka import AIOKafkaConsumer, AIOKafkaProducer

    name = topics.named(cluster)["declarations"]
    options: dict[str, Any] = clients.aio_producer_options(cluster)
    async with AIOKafkaProducer(**options) as producer:
        await producer.send_and_wait(name, b"x" * 5_000_000, key=b"one")
    async with AIOKafkaConsumer(name, group_id=cluster.group, **clients.aio_consumer_options(cluster)) as consumer:
        record = await consumer.getone()
        assert (record.key, len(record.value or b"")) == (b"one", 5_000_000)
        await consumer.commit()
    assert sum(clients.lag(cluster.group, name, cluster).values()) == 0
