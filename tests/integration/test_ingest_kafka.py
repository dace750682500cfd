"""``assay ingest`` into a real Kafka."""

from __future__ import annotations

import base64
import json
import os
import signal
import subprocess
import sys
import zipfile
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from worker_process import contents, read, until

from streams.settings import Settings

pytestmark = pytest.mark.integration

GOOD = b"""<MetaData><Declaration><FunctionCode>9</FunctionCode><FunctionalReferenceID>%s</FunctionalReferenceID>
<TypeCode>EXA</TypeCode><Declarant><ID>GB1</ID></Declarant><GoodsShipment><GovernmentAgencyGoodsItem>
<Commodity><Description>Zinc</Description></Commodity></GovernmentAgencyGoodsItem></GoodsShipment></Declaration></MetaData>"""
OWN = (
    b'{"event": "lodged", "declaration_id": "own:1", "lodged_at": "2026-11-20T08:00:00Z", "regime": "export",'
    b' "source": {"system": "own", "format": "json"}, "items": [{"number": 1}]}'
)
BAD = GOOD.replace(b"</TypeCode>", b"")
ASSAY = (sys.executable, "-c", "from streams.cli import main; main()", "ingest")


def ingest(environment: dict[str, str], *arguments: str | Path) -> tuple[int, dict[str, Any]]:
    """Run ``assay ingest ... --json`` and return its exit code and what it said."""
    ran = subprocess.run(
        [*ASSAY, *map(str, arguments), "--json"],
        env=os.environ | environment,
        capture_output=True,
        timeout=120,
        check=False,
    )
    assert ran.stdout, ran.stderr
    return ran.returncode, json.loads(ran.stdout)


def test_good_messages_and_dead_letters_arrive(
    cluster: Settings, cluster_environment: dict[str, str], tmp_path: Path
) -> None:
    folder = tmp_path / "in"
    folder.mkdir()
    for number in range(20):
        (folder / f"{number}.xml").write_bytes(GOOD % b"L%d" % number)
    (folder / "bad.xml").write_bytes(BAD)
    (folder / "own.ndjson").write_bytes(OWN)
    code, said = ingest(cluster_environment, folder)
    assert (code, said["accepted"], said["dead_letters"]) == (1, 21, 1)
    arrived = {record.value: dict(record.headers) for record in read(cluster, "raw.cds")}
    assert set(arrived) == {GOOD % b"L%d" % n for n in range(20)}
    headers = arrived[GOOD % b"L7"]
    assert (headers["format"], headers["origin"]) == (b"cds", b"in/7.xml")
    assert [(r.key, r.value) for r in read(cluster, "declarations")] == [(b"own:1", OWN)]
    (letter,) = contents(cluster, "declarations.dlq")
    assert base64.b64decode(letter["payload"]) == BAD
    assert letter["origin"] == "in/bad.xml"
    code, said = ingest(cluster_environment, folder)
    assert (code, said["records"], said["files_known"]) == (0, 0, 22)
    assert len(read(cluster, "raw.cds")) == 20
    code, said = ingest(cluster_environment, folder, "--again")
    assert said["accepted"] == 21
    assert len(read(cluster, "raw.cds")) == 40


def test_a_killed_ingest_goes_on(cluster: Settings, cluster_environment: dict[str, str], tmp_path: Path) -> None:
    day = tmp_path / "day.zip"
    with zipfile.ZipFile(day, "w", zipfile.ZIP_DEFLATED) as archive:
        for number in range(4_000):
            archive.writestr(f"{number:05}.xml", GOOD % b"L%d" % number)
    killed = subprocess.Popen(
        [*ASSAY, str(day), "--rate", "500"], env=os.environ | cluster_environment, stderr=subprocess.DEVNULL
    )
    try:
        until(lambda: len(read(cluster, "raw.cds")) > 2_000, 60, "half of it")
    finally:
        killed.kill()
        killed.wait()
    code, said = ingest(cluster_environment, day)
    assert (code, said["accepted"] + said["records_known"]) == (0, 4_000)
    assert said["records_known"] > 500
    written = Counter(record.value for record in read(cluster, "raw.cds"))
    assert len(written) == 4_000
    assert max(written.values()) <= 2


def test_ctrl_c_settles_and_the_next_run_goes_on_exactly_there(
    cluster: Settings, cluster_environment: dict[str, str], tmp_path: Path
) -> None:
    day = tmp_path / "day.ndjson"
    day.write_bytes(b"\n".join(OWN.replace(b"own:1", b"own:%d" % n) for n in range(3_000)))
    running = subprocess.Popen(
        [*ASSAY, str(day), "--rate", "400", "--json"], env=os.environ | cluster_environment, stdout=subprocess.PIPE
    )
    try:
        until(lambda: len(read(cluster, "declarations")) > 300, 60, "some of it")
        running.send_signal(signal.SIGINT)
        said, _ = running.communicate(timeout=30)
    finally:
        running.kill()
        running.wait()
    first = json.loads(said)
    assert (running.returncode, first["stopped"]) == (1, True)
    code, rest = ingest(cluster_environment, day)
    assert (code, rest["accepted"]) == (0, 3_000 - first["accepted"])
    assert len(read(cluster, "declarations")) == 3_000


def test_a_system_without_a_topic_is_told(
    cluster: Settings, cluster_environment: dict[str, str], tmp_path: Path
) -> None:
    (tmp_path / "1.xml").write_bytes(GOOD % b"L1")
    ran = subprocess.run(
        [*ASSAY, str(tmp_path / "1.xml"), "--system", "unheard-of"],
        env=os.environ | cluster_environment,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert ran.returncode == 1
    assert "raw.unheard-of" in ran.stderr
    assert "ASSAY_SOURCES" in ran.stderr


def test_a_followed_folder_takes_each_file_once_and_stops_cleanly(
    cluster: Settings, cluster_environment: dict[str, str], tmp_path: Path
) -> None:
    folder = tmp_path / "in"
    folder.mkdir()

    def follow(until_there: int, stop: signal.Signals) -> dict[str, int]:
        running = subprocess.Popen(
            [*ASSAY, str(folder), "--follow", "--json"],
            env=os.environ | cluster_environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
        )
        try:
            until(lambda: len(read(cluster, "raw.cds")) >= until_there, 60, "the file")
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
    assert [record.value for record in read(cluster, "raw.cds")] == [GOOD % b"L1", GOOD % b"L2"]


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
