"""The gateway with a real Kafka, over real sockets."""

from __future__ import annotations

import contextlib
import json
import random
import socket
import threading
import time
from pathlib import Path

import pytest
from gateway_process import MESSAGE, GatewayProcess, Senders, post
from worker_process import contents, declaration, read, until

from streams import clients, topics
from streams.settings import Settings

pytestmark = pytest.mark.integration


def test_messages_are_in_kafka_when_they_are_answered_also_after_a_restart(
    cluster: Settings, cluster_environment: dict[str, str], tmp_path: Path
) -> None:
    own = declaration("one") | {"declaration_id": "north:one", "source": {"system": "north", "format": "json"}}
    with GatewayProcess(cluster, cluster_environment, tmp_path) as gateway:
        gateway.ready()
        status, said = gateway.post(MESSAGE % b"L1")
        assert status == 202
        (record,) = read(cluster, "raw.cds")
        (receipt,) = said["messages"]
        assert (record.value, record.partition, record.offset) == (
            MESSAGE % b"L1",
            receipt["partition"],
            receipt["offset"],
        )
        assert dict(record.headers)["origin"] == f"gateway/north/{receipt['id']}".encode()
        assert gateway.post(json.dumps(own).encode(), "application/json")[0] == 202
        status, said = gateway.post(MESSAGE.replace(b"EXA", b"?"))
        assert status == 422
        (letter,) = contents(cluster, "declarations.dlq")
        assert letter["dead_letter_id"] == said["messages"][0]["dead_letter"]
        assert [record.key for record in read(cluster, "declarations")] == [b"north:one"]
        assert gateway.stop() == 0
    with GatewayProcess(cluster, cluster_environment, tmp_path) as gateway:
        gateway.ready()
        status, again = gateway.post(MESSAGE % b"L1")
        assert (status, again["messages"]) == (202, [receipt])
        assert len(read(cluster, "raw.cds")) == 1
        assert "L1" not in gateway.log


def test_a_large_message_passes(cluster: Settings, cluster_environment: dict[str, str], tmp_path: Path) -> None:
    item = (
        b"<GovernmentAgencyGoodsItem><SequenceNumeric>%d</SequenceNumeric><Commodity><Description>"
        + b"zinc ingots " * 280
        + b"</Description></Commodity></GovernmentAgencyGoodsItem>"
    )
    begin, end = MESSAGE % b"LARGE", b"</GoodsShipment>"
    large = begin.replace(end, b"".join(item % n for n in range(2, 1_000)) + end)
    assert len(large) > 3_400_000
    with GatewayProcess(cluster, cluster_environment, tmp_path) as gateway:
        gateway.ready()
        status, said = gateway.post(large)
        assert (status, said["messages"][0]["declarations"][0]["items"]) == (202, 999)
    assert [record.value for record in read(cluster, "raw.cds")] == [large]


def test_a_record_that_the_topic_does_not_take_is_told_and_the_next_one_is_unharmed(
    cluster: Settings, cluster_environment: dict[str, str], tmp_path: Path
) -> None:
    from kafka.admin import ConfigResource, ConfigResourceType

    name = topics.named(cluster)["raw.cds"]
    with clients.admin(cluster) as admin:
        admin.alter_configs([ConfigResource(ConfigResourceType.TOPIC, name, {"max.message.bytes": "100000"})])
    noise = random.Random(1).randbytes(400_000).hex().encode()
    with GatewayProcess(cluster, cluster_environment, tmp_path) as gateway:
        gateway.ready()
        assert gateway.post((MESSAGE % b"LARGE").replace(b"Zinc", b"Zinc<!--" + noise + b"-->"))[0] == 413
        until(lambda: gateway.post(MESSAGE % b"L1")[0] == 202, 30, "a producer of its own for what follows")


def test_a_stop_cuts_nobody_off(cluster: Settings, cluster_environment: dict[str, str], tmp_path: Path) -> None:
    with GatewayProcess(cluster, cluster_environment, tmp_path) as gateway:
        gateway.ready()
        with Senders(gateway.port, gateway.key, threads=6) as senders:
            until(lambda: len(senders.acknowledged) > 50, 60, "some messages")
            assert gateway.stop() == 0
            stopped = gateway.log.count('"event": "answered"')
        assert stopped == sum(count for status, count in senders.statuses.items() if status)
    written = [record.value for record in read(cluster, "raw.cds")]
    assert sorted(written) == sorted(senders.acknowledged), "what was written was acknowledged, and once"


def test_a_slow_body_ends_with_the_gateway(
    cluster: Settings, cluster_environment: dict[str, str], tmp_path: Path
) -> None:
    with GatewayProcess(cluster, cluster_environment, tmp_path) as gateway:
        gateway.ready()
        with socket.create_connection(("127.0.0.1", gateway.port), timeout=30) as slow:
            head = f"POST /v1/sources/north/messages HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {gateway.key}\r\n"
            slow.sendall(head.encode() + b"Content-Type: application/xml\r\nContent-Length: 1000\r\n\r\n<MetaData>")
            time.sleep(0.5)
            began = time.monotonic()
            stopping = threading.Thread(target=gateway.stop)
            stopping.start()
            assert slow.recv(4096).startswith(b"HTTP/1.1 503")
            stopping.join(30)
        assert time.monotonic() - began < 10
        assert gateway.process.returncode == 0


def test_heads_are_bounded(cluster: Settings, cluster_environment: dict[str, str], tmp_path: Path) -> None:
    with GatewayProcess(cluster, cluster_environment, tmp_path) as gateway:
        gateway.ready()
        assert post(gateway.port, gateway.key, b"x", **{"X-Large": "a" * 20_000})[0] == 431
        with socket.create_connection(("127.0.0.1", gateway.port), timeout=30) as one:
            one.sendall(b"GET /health HTTP/1.1\r\nHost: x\r\n")
            with contextlib.suppress(BrokenPipeError, ConnectionResetError):
                for _ in range(20):
                    one.sendall(b"X-A: " + b"a" * 1_000 + b"\r\n")
                    time.sleep(0.02)
            assert one.recv(4096).startswith(b"HTTP/1.1 400")
        assert gateway.post(MESSAGE % b"L1")[0] == 202


def test_without_kafka_it_says_so_and_takes_nothing(
    cluster: Settings, cluster_environment: dict[str, str], tmp_path: Path
) -> None:
    nowhere = cluster_environment | {"ASSAY_KAFKA": "127.0.0.1:9"}
    with GatewayProcess(cluster, nowhere, tmp_path) as gateway:
        assert gateway.post(MESSAGE % b"L1")[0] == 503
        assert gateway.stop() == 0
