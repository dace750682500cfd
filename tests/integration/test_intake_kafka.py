"""The intake on a real broker: raw messages in any order and number end in the declarations that they end in when in order."""

from __future__ import annotations

import base64
import json
import os
import shutil
import subprocess
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from intake_messages import GALLIUM, amended, item, life, lodged, mixed, mrn, notice, send
from worker_process import ASSAY, Row, Worker, contents, read, until

from schemas import feeds
from schemas.message import Message
from streams import replay
from streams.intake.assembly import Assembly
from streams.intake.saying import Received
from streams.intake.store import Store
from streams.settings import Settings

pytestmark = pytest.mark.integration


def assembled(messages: list[bytes]) -> dict[str, Row]:
    """Return what messages in order come to, without Kafka."""
    assembly = Assembly(Store())
    last: dict[str, Row] = {}
    for offset, raw in enumerate(messages):
        for part in feeds.parts(feeds.detect(raw), raw, feeds.Arrival("cds", None, f"raw.cds/0@{offset}")):
            assert isinstance(part, Message), part
            for written in assembly.apply(Received(part, offset, offset)).written:
                last[written.declaration_id] = json.loads(written.raw)
    return last


def latest(chosen: Settings) -> dict[str, Row]:
    """Return the last record of each declaration."""
    return {row["declaration_id"]: row for row in contents(chosen, "declarations")}


def essence(rows: dict[str, Row]) -> dict[str, Row]:
    return {name: {key: part for key, part in row.items() if key != "source"} for name, row in rows.items()}


def taken(worker: Worker, messages: int, seconds: float = 90.0) -> None:
    """Wait until so many messages were taken in, and all that follows is written."""
    until(
        lambda: worker.metric("assay_messages_total") >= messages, seconds, f"{messages} messages; {worker.log[-3000:]}"
    )
    worker.drained(seconds)


def standing(chosen: Settings) -> set[str]:
    """Return the declarations with an alert that is not withdrawn."""
    alerts = {row["declaration_id"]: row for row in contents(chosen, "alerts")}
    return {name.rpartition(":")[2] for name, alert in alerts.items() if alert["status"] != "withdrawn"}


def test_a_shuffled_and_doubled_stream_ends_in_the_same_declarations(
    cluster: Settings, cluster_environment: dict[str, str], tmp_path: Path
) -> None:
    ordered, shuffled = mixed(40, seed=7)
    with Worker(cluster, cluster_environment, tmp_path) as worker:
        taken(worker, send(cluster, shuffled))
        assert worker.metric("assay_duplicate_messages_total", system="cds") == len(shuffled) - len(ordered)
        assert worker.metric("assay_waiting_messages") == 0
        assert worker.metric("assay_last_message_timestamp_seconds", system="cds") > 0
        assert worker.metric("assay_doubtful_mrns_total") == 0
        assert worker.stop() == 0
    found = latest(cluster)
    assert essence(found) == essence(assembled(ordered))
    assert contents(cluster, "declarations.dlq") == []
    assert Counter((row["version"], row["event"]) for row in found.values()) == {
        (1, "released"): 10, (2, "released"): 20, (1, "cancelled"): 10,
    }  # fmt: skip
    assert all(row["mrn"] == mrn(row["local_reference"]) for row in found.values())
    raw = {f"raw.cds/0@{record.offset}": record.value for record in read(cluster, "raw.cds")}
    for row in found.values():
        assert row["local_reference"].encode() in raw[row["source"]["origin"]]
    for record in read(cluster, "declarations"):
        assert record.key.decode() == json.loads(record.value)["declaration_id"]
    assert standing(cluster) == {name for name in (f"L7{n:04}" for n in range(40)) if int(name[-2:]) % 4 == 2}

    folder = tmp_path / "messages"
    folder.mkdir()
    for number, message in enumerate(shuffled):
        (folder / f"{number:05}.xml").write_bytes(message)
    replayed = {alert.declaration_id: alert for alert in replay.run([folder]).alerts if alert.status != "withdrawn"}
    live = {row["declaration_id"]: row for row in contents(cluster, "alerts") if row["status"] != "withdrawn"}
    for name, alert in replayed.items():
        same = ("alert_id", "declaration_version", "mrn", "risk_score", "severity", "title", "summary")
        assert {key: alert.model_dump(mode="json")[key] for key in same} == {key: live[name][key] for key in same}
    assert {name.rpartition(":")[2] for name in replayed} == standing(cluster)


def test_a_worker_without_the_database_rebuilds_it_from_the_changelog(
    cluster: Settings, cluster_environment: dict[str, str], tmp_path: Path
) -> None:
    first = [
        lodged("A", gallium=True),
        notice("A", "09", 2, "20261120100000Z", named=False),
        amended("B", "zinc", "20261120090000Z"),
    ]
    with Worker(cluster, cluster_environment, tmp_path) as worker:
        taken(worker, send(cluster, first))
        assert worker.metric("assay_waiting_messages") == 2
        assert worker.stop() == 0
    shutil.rmtree(cluster.state_dir / "intake")
    with Worker(cluster, cluster_environment, tmp_path) as worker:
        rest = [
            notice("A", "01", 1, "20261120081600Z"),
            amended("A", "zinc alloy ingots", "20261120093000Z"),
            lodged("B"),
            notice("B", "01", 1, "20261120081600Z"),
        ]
        taken(worker, send(cluster, [*rest, *first]))
        assert worker.metric("assay_waiting_messages") == 0
        assert worker.metric("assay_duplicate_messages_total") == len(first)
        assert sum(event["waiting"] for event in worker.events("intake restored")) == 2
        assert worker.stop() == 0
    found = {row["local_reference"]: row for row in latest(cluster).values()}
    assert {name: (row["version"], row["event"], row["mrn"]) for name, row in found.items()} == {
        "A": (2, "released", mrn("A")),
        "B": (2, "amended", mrn("B")),
    }
    assert found["B"]["items"][0]["description"] == "zinc"
    assert contents(cluster, "declarations.dlq") == []


@pytest.mark.timeout(420)
def test_a_declaration_of_999_items_and_3_7_mb_passes_from_raw_to_alert(
    cluster: Settings, cluster_environment: dict[str, str], tmp_path: Path
) -> None:
    filling = " of a weight and shape that takes many words to describe" * 54
    goods = "".join(
        item(n, GALLIUM if n == 500 else "zinc alloy ingots", 25.0, 9_000.0, filling) for n in range(1, 1_000)
    )
    big = lodged("BIG", items=goods)
    assert len(big) > 3_700_000
    with Worker(cluster, cluster_environment, tmp_path) as worker:
        taken(worker, send(cluster, [notice("BIG", "09", 1, "20261120090000Z"), lodged("SMALL"), big]), 180)
        until(lambda: "BIG" in standing(cluster), 60, "the alert")
        assert worker.stop() == 0
    row = latest(cluster)["cds:GB123456789000:BIG"]
    assert (len(row["items"]), row["event"], row["mrn"]) == (999, "released", mrn("BIG"))
    (alert,) = [a for a in contents(cluster, "alerts") if a["declaration_id"].endswith(":BIG")][-1:]
    assert 500 in {reason["item"] for reason in alert["reasons"]}


def test_what_waits_is_given_up_by_the_clock_of_a_worker_that_gets_no_message(
    cluster: Settings, cluster_environment: dict[str, str], tmp_path: Path
) -> None:
    orphan = amended("NOBODY", "zinc", "20261120090000Z")
    with Worker(cluster, cluster_environment | {"ASSAY_INTAKE_WAIT_SECONDS": "25"}, tmp_path) as worker:
        taken(worker, send(cluster, [orphan]))
        assert worker.metric("assay_waiting_messages") == 1
        assert worker.stop() == 0
    assert contents(cluster, "declarations.dlq") == []
    shutil.rmtree(cluster.state_dir / "intake")
    with Worker(cluster, cluster_environment, tmp_path) as worker:
        until(lambda: worker.metric("assay_dead_letters_total", stage="intake") == 1, 60, worker.log[-2000:])
        assert worker.metric("assay_waiting_messages") == 0
        assert worker.stop() == 0
    (letter,) = contents(cluster, "declarations.dlq")
    assert base64.b64decode(letter["payload"]) == orphan


def _assay(environment: dict[str, str], *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*ASSAY, *arguments], env={**os.environ, **environment}, capture_output=True, text=True, timeout=120
    )


def _listed(environment: dict[str, str], *arguments: str) -> list[dict[str, Any]]:
    ran = _assay(environment, "dlq", "list", "--json", *arguments)
    assert ran.returncode == 0, ran.stderr
    found: list[dict[str, Any]] = json.loads(ran.stdout)
    return found


def test_what_cannot_be_used_is_a_dead_letter_and_harms_nobody(
    cluster: Settings, cluster_environment: dict[str, str], tmp_path: Path
) -> None:
    environment = cluster_environment | {"ASSAY_INTAKE_WAIT_SECONDS": "2"}
    bad = [
        b"",
        b"\xff\xfe\x00",
        b"<MetaData><WCOTypeName>DEC",
        b"<!DOCTYPE a [<!ENTITY b 'c'>]><MetaData/>",
        b"ISA*00*",
    ]
    orphan = amended("NOBODY", "zinc", "20261120090000Z")
    stray = notice("ELSEWHERE", "09", 1, "20261120100000Z", named=False)
    hopeless = amended("GOOD", "x" * 9_000, "20261120083000Z")
    good = life("GOOD", 0)
    mixed_up = [bad[0], good[0], bad[1], orphan, stray, bad[2], good[1], hopeless, *bad[3:], good[2]]
    with Worker(cluster, environment, tmp_path) as worker:
        send(cluster, mixed_up)
        until(lambda: worker.metric("assay_dead_letters_total") >= len(bad) + 3, 60, worker.log[-2000:])
        worker.drained()
        assert worker.metric("assay_dead_letters_total", stage="feed") == len(bad) + 1
        assert worker.metric("assay_dead_letters_total", stage="intake") == 2
        assert worker.stop() == 0
    letters = contents(cluster, "declarations.dlq")
    assert {base64.b64decode(one["payload"]) for one in letters if one["stage"] == "feed"} == {*bad, hopeless}
    by_payload = {base64.b64decode(one["payload"]): one for one in letters if one["stage"] == "intake"}
    assert by_payload[orphan]["reason"] == f"no declaration with MRN {mrn('NOBODY')} is known"
    assert by_payload[stray]["reason"] == f"no declaration with MRN {mrn('ELSEWHERE')} is known"
    assert all(one["reason"] and one["error"] for one in letters)
    raw = {f"raw.cds/0@{record.offset}": record.value for record in read(cluster, "raw.cds")}
    assert all(raw[one["origin"]] == base64.b64decode(one["payload"]) for one in letters)
    (row,) = latest(cluster).values()
    assert (row["version"], row["event"], row["local_reference"]) == (1, "released", "GOOD")


def test_dead_letters_are_decoded_again_from_the_raw_topic(
    cluster: Settings, cluster_environment: dict[str, str], tmp_path: Path
) -> None:
    environment = cluster_environment | {"ASSAY_INTAKE_WAIT_SECONDS": "2"}
    late = amended("LATE", GALLIUM, "20261120090000Z")
    with Worker(cluster, environment, tmp_path) as worker:
        send(cluster, [late, b"<MetaData><WCOTypeName>DEC"])
        send(cluster, [lodged("OTHER", gallium=True)], headers={"format": b"a-codec-that-was-there-once"})
        until(lambda: worker.metric("assay_dead_letters_total") >= 3, 60, worker.log[-2000:])
        send(cluster, [lodged("LATE"), notice("LATE", "01", 1, "20261120081500Z")])
        worker.drained()
        assert worker.stop() == 0
    stages = Counter(row["stage"] for row in _listed(environment))
    assert stages == {"feed": 2, "intake": 1}

    ran = _assay(environment, "dlq", "retry", "--all", "--stage", "feed", "--reason", "no format is called", "--json")
    assert ran.returncode == 1, ran.stderr  # nobody knows that format today either
    (outcome,) = json.loads(ran.stdout)
    assert "no format is called" in outcome["outcome"]
    ran = _assay(environment, "dlq", "retry", "--all", "--stage", "intake", "--json")
    assert ran.returncode == 0, ran.stderr
    (outcome,) = json.loads(ran.stdout)
    assert outcome["done"]
    assert "amended" in outcome["outcome"]
    assert "raw.cds" in outcome["outcome"]
    with Worker(cluster, environment, tmp_path) as worker:
        until(lambda: "LATE" in standing(cluster), 60, worker.log[-2000:])
        assert worker.stop() == 0
    assert latest(cluster)["cds:GB123456789000:LATE"]["version"] == 2
    assert {row["stage"] for row in _listed(environment)} == {"feed"}
