"""``assay ingest`` into a real Kafka."""

from __future__ import annotations

import base64
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from streams import clients, topics
from streams.settings import Settings

pytestmark = pytest.mark.integration

GOOD = b"""<MetaData><Declaration><FunctionCode>9</FunctionCode><FunctionalReferenceID>%s</FunctionalReferenceID>
<TypeCode>EXA</TypeCode><Declarant><ID>GB1</ID></Declarant><GoodsShipment><GovernmentAgencyGoodsItem>
<Commodity><Description>Zinc</Description></Commodity></GovernmentAgencyGoodsItem></GoodsShipment></Declaration></MetaData>"""
BAD = GOOD.replace(b"</TypeCode>", b"")
ASSAY = (sys.executable, "-c", "from streams.cli import main; main()", "ingest")


def on_topic(name: str, cluster: Settings) -> list[tuple[bytes | None, bytes]]:
    return [(r.key, r.value) for r in clients.read_topic(topics.named(cluster)[name], cluster)]


def test_good_messages_and_dead_letters_arrive(
    cluster: Settings, cluster_environment: dict[str, str], tmp_path: Path
) -> None:
    folder = tmp_path / "in"
    folder.mkdir()
    for number in range(20):
        (folder / f"{number}.xml").write_bytes(GOOD % b"L%d" % number)
    (folder / "bad.xml").write_bytes(BAD)
    ran = subprocess.run(
        [*ASSAY, str(folder), "--json"],
        env=os.environ | cluster_environment,
        capture_output=True,
        timeout=120,
        check=False,
    )
    assert ran.returncode == 1, ran.stderr
    said = json.loads(ran.stdout)
    assert (said["accepted"], said["dead_letters"]) == (20, 1)
    arrived = on_topic("declarations", cluster)
    assert sorted(key for key, _ in arrived if key) == sorted(b"cds:GB1:L%d" % n for n in range(20))
    assert all(json.loads(value)["declaration_id"].encode() == key for key, value in arrived)
    ((_, letter),) = on_topic("declarations.dlq", cluster)
    assert base64.b64decode(json.loads(letter)["payload"]) == BAD
    assert json.loads(letter)["origin"] == "in/bad.xml"


def test_a_followed_folder_takes_each_file_once_and_stops_cleanly(
    cluster: Settings, cluster_environment: dict[str, str], tmp_path: Path
) -> None:
    folder = tmp_path / "in"
    folder.mkdir()

    def remembered() -> int:
        return sum(len(state.read_bytes().splitlines()) for state in (cluster.state_dir / "ingest").glob("*.jsonl"))

    def follow(until: int, stop: signal.Signals) -> dict[str, int]:
        running = subprocess.Popen(
            [*ASSAY, str(folder), "--follow", "--json"],
            env=os.environ | cluster_environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
        )
        try:
            deadline = time.monotonic() + 60
            while remembered() < until and time.monotonic() < deadline:
                time.sleep(0.2)
            running.send_signal(stop)
            said, _ = running.communicate(timeout=60)
        finally:
            running.kill()
        assert running.returncode == 0
        found: dict[str, int] = json.loads(said)
        return found

    (folder / "1.xml").write_bytes(GOOD % b"L1")
    assert follow(1, signal.SIGINT)["accepted"] == 1
    (folder / "2.xml").write_bytes(GOOD % b"L2")
    assert follow(2, signal.SIGTERM)["accepted"] == 1
    assert sorted(key or b"" for key, _ in on_topic("declarations", cluster)) == [b"cds:GB1:L1", b"cds:GB1:L2"]


def test_without_a_kafka_it_says_so(cluster_environment: dict[str, str], tmp_path: Path) -> None:
    (tmp_path / "1.xml").write_bytes(GOOD % b"L1")
    ran = subprocess.run(
        [*ASSAY, str(tmp_path / "1.xml")],
        env=os.environ | cluster_environment | {"ASSAY_KAFKA": "127.0.0.1:9"},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert ran.returncode == 1
    assert "127.0.0.1:9" in ran.stderr
    assert "Traceback" not in ran.stderr
