"""The worker on a real broker: every record becomes a judgement or a dead letter, and alerts live as they should."""

from __future__ import annotations

import base64
import json
import subprocess
from datetime import UTC, datetime
from pathlib import Path

import pytest
from worker_process import ASSAY, Row, Worker, contents, declaration, encoded, feed, read, until

from detectors import engine
from detectors.batch import Batch
from schemas import decode
from schemas.alert import Alert
from schemas.dead_letter import DeadLetter
from streams.settings import Settings

pytestmark = pytest.mark.integration


def _latest(chosen: Settings) -> dict[str, Row]:
    """Return the last revision of every alert, by declaration."""
    return {row["declaration_id"]: row for row in contents(chosen, "alerts")}


def _content(alert: Row) -> Row:
    """Return what an alert says, without times and counters of its life."""
    kept = {
        name: value for name, value in alert.items() if name not in ("revision", "status", "raised_at", "updated_at")
    }
    return kept | {"provenance": alert["provenance"] | {"origin": None}}


def _assert_nothing_doubled(chosen: Settings) -> None:
    told = [(row["alert_id"], row["revision"]) for row in contents(chosen, "alerts")]
    assert len(told) == len(set(told))
    letters = [row["dead_letter_id"] for row in contents(chosen, "declarations.dlq")]
    assert len(letters) == len(set(letters))


BAD: dict[str, tuple[bytes | None, str]] = {
    "invalid-utf-8": (b'{"schema":"declaration/1","declaration_id":"\xff\xfe"}', ""),
    "truncated": (encoded(declaration("truncated"))[1][:-40], ""),
    "nan": (encoded(declaration("nan"))[1].replace(b"25.0", b"NaN"), "/items/0/net_mass_kg"),
    "huge-number": (encoded(declaration("huge"))[1].replace(b"25.0", b"1e400"), "/items/0/net_mass_kg"),
    "huge-integer": (encoded(declaration("huge"))[1].replace(b"25.0", b"1" + 400 * b"0"), "/items/0/net_mass_kg"),
    "wrong-type": (encoded(declaration("type") | {"routing": "CN"})[1], "/routing"),
    "future": (encoded(declaration("future") | {"lodged_at": "2099-01-01T00:00:00Z"})[1], "/lodged_at"),
    "ancient": (encoded(declaration("ancient") | {"lodged_at": "0900-01-01T00:00:00Z"})[1], "/lodged_at"),
    "same-number": (
        encoded(declaration("numbers", items=2))[1].replace(b'"number": 2', b'"number": 1'),
        "/items",
    ),
    "null": (None, ""),
    "empty": (b"", ""),
    "not-an-object": (b"[1, 2, 3]", ""),
    "deep": (b"[" * 100_000, ""),
}


def test_bad_records_become_dead_letters_and_good_ones_are_judged(
    cluster: Settings, cluster_environment: dict[str, str], tmp_path: Path
) -> None:
    good = [encoded(declaration(f"honest-{n}")) for n in range(40)]
    good += [encoded(declaration(f"gallium-{n}", gallium=True)) for n in range(5)]
    good += [encoded(declaration("unknown-field") | {"shoe_size": 43})]
    good += [encoded(declaration("unknown-field-again") | {"shoe_size": 44})]
    big = declaration("big", items=9_999)
    for item in big["items"]:
        item["description"] = "zinc alloy ingots of a weight and shape that takes many words to describe " * 5
    good += [encoded(big)]
    assert len(good[-1][1]) > 5_000_000
    records = [(name.encode(), raw) for name, (raw, _) in BAD.items()]
    mixed = [record for pair in zip(good, records, strict=False) for record in pair] + good[len(records) :]
    produced = feed(cluster, mixed)

    with Worker(cluster, cluster_environment, tmp_path) as worker:
        worker.settled(produced)
        assert worker.metric("assay_declarations_judged_total") == len(good)
        assert worker.metric("assay_dead_letters_total", stage="decode") == len(BAD)
        assert worker.metric("assay_unknown_fields_total") == 2
        assert len(worker.events("unknown field left out")) == 1
        assert worker.metric("assay_alert_latency_seconds_count") == len(_latest(cluster)) > 0
        assert worker.stop() == 0
        assert "Metals Company" not in worker.log, "personal data in the log"

    letters = {
        row["key"]: DeadLetter.model_validate_json(json.dumps(row)) for row in contents(cluster, "declarations.dlq")
    }
    assert set(letters) == set(BAD)
    for name, (raw, path) in BAD.items():
        letter = letters[name]
        assert base64.b64decode(letter.payload) == (raw or b"")
        assert letter.stage == "decode"
        assert letter.reason
        assert letter.path == path, name
        assert letter.origin.startswith("declarations/")
    alerts = _latest(cluster)
    assert {f"test:gallium-{n}" for n in range(5)} <= set(alerts)
    assert not any(name.startswith("test:honest") for name in alerts)
    _assert_nothing_doubled(cluster)


def test_alerts_are_cloud_events_and_say_what_the_engine_says(
    cluster: Settings, cluster_environment: dict[str, str], tmp_path: Path
) -> None:
    rows = [declaration(f"d{n}", gallium=n % 3 == 0) for n in range(30)]
    with Worker(cluster, cluster_environment, tmp_path) as worker:
        worker.settled(feed(cluster, map(encoded, rows)))
        assert worker.stop() == 0

    decoded = [decode.row(encoded(row)[1]) for row in rows]
    screened = engine.screen(Batch.of(decoded), engine.default_reference(), engine.default_models())
    expected = engine.correlate(screened.verdicts, {}, datetime.now(UTC)).alerts
    wanted = {alert.declaration_id: _content(json.loads(alert.model_dump_json(by_alias=True))) for alert in expected}
    assert {name: _content(alert) for name, alert in _latest(cluster).items()} == wanted
    assert len(wanted) == 10

    for record in read(cluster, "alerts"):
        alert = Alert.model_validate_json(record.value)
        headers = {name: value.decode() for name, value in record.headers}
        assert record.key.decode() == headers["ce_subject"] == alert.declaration_id
        assert headers["ce_specversion"] == "1.0"
        assert headers["ce_id"] == f"{alert.alert_id}/{alert.revision}"
        assert headers["ce_type"] == "assay.alert.opened"
        assert datetime.fromisoformat(headers["ce_time"]) == alert.updated_at
        assert headers["ce_time"].endswith("Z")
        assert headers["content-type"] == "application/json"
        assert datetime.fromisoformat(headers["ce_arrivedtime"]) <= alert.updated_at


def test_amendments_cancellations_and_late_versions(
    cluster: Settings, cluster_environment: dict[str, str], tmp_path: Path
) -> None:
    gallium = {"gallium": True}
    with Worker(cluster, cluster_environment, tmp_path) as worker:

        def send(*rows: Row) -> None:
            feed(cluster, map(encoded, rows))
            send.count += len(rows)  # type: ignore[attr-defined]
            worker.settled(send.count)  # type: ignore[attr-defined]

        send.count = 0  # type: ignore[attr-defined]
        send(*(declaration(name, **gallium) for name in ("amended", "cancelled", "worse", "twice")))
        first = _latest(cluster)
        assert {alert["status"] for alert in first.values()} == {"open"}
        send(
            declaration("amended", version=2, event="amended"),
            declaration("cancelled", version=2, event="cancelled", **gallium),
            declaration("worse", version=2, event="amended", items=3, **gallium),
            declaration("twice", **gallium),  # the same once more
            declaration("late", version=2, event="amended"),
        )
        send(
            declaration("late", **gallium),  # version 1 comes after version 2, which had removed the grounds
            declaration("amended", **gallium),  # and again
        )
        alerts = _latest(cluster)
        assert worker.stop() == 0
    assert "test:late" not in alerts
    states = {name.removeprefix("test:"): (alert["status"], alert["revision"]) for name, alert in alerts.items()}
    assert states == {
        "amended": ("withdrawn", 2),
        "cancelled": ("withdrawn", 2),
        "worse": ("updated", 2),
        "twice": ("open", 1),
    }
    types = {dict(record.headers)["ce_type"] for record in read(cluster, "alerts")}
    assert types == {b"assay.alert.opened", b"assay.alert.updated", b"assay.alert.withdrawn"}
    assert {alert["alert_id"] for alert in first.values()} == {alert["alert_id"] for alert in alerts.values()}
    _assert_nothing_doubled(cluster)


def test_two_workers_share_the_work_and_one_takes_over(
    cluster: Settings, cluster_environment: dict[str, str], tmp_path: Path
) -> None:
    half = [declaration(f"d{n}", gallium=True) for n in range(60)]
    with Worker(cluster, cluster_environment, tmp_path) as one, Worker(cluster, cluster_environment, tmp_path) as two:
        until(lambda: min(len(json.loads(w.get("/health")[1])["lag"]) for w in (one, two)) > 0, 60, "a share for both")
        count = feed(cluster, map(encoded, half))
        until(lambda: sum(w.metric("assay_declarations_judged_total") for w in (one, two)) >= count, 60, "all")
        assert min(w.metric("assay_declarations_judged_total") for w in (one, two)) > 0
        one.drained()
        two.drained()
        assert one.stop() == 0
        feed(cluster, [encoded(declaration(f"d{n}", version=2, event="amended")) for n in range(60)])
        until(lambda: all(alert["status"] == "withdrawn" for alert in _latest(cluster).values()), 60, "withdrawals")
        two.drained()
        assert two.stop() == 0
    alerts = _latest(cluster)
    assert {(alert["status"], alert["revision"]) for alert in alerts.values()} == {("withdrawn", 2)}
    assert len(alerts) == 60
    _assert_nothing_doubled(cluster)


def test_a_worker_without_topics_says_how_to_make_them(
    kafka: str, cluster_environment: dict[str, str], tmp_path: Path
) -> None:
    import os

    environment = {**os.environ, **cluster_environment, "ASSAY_TOPIC_PREFIX": "none."}
    ran = subprocess.run([*ASSAY, "worker", "--port", "0"], env=environment, capture_output=True, text=True, timeout=60)
    assert ran.returncode == 1
    assert "assay topics apply" in ran.stderr
    assert "Traceback" not in ran.stderr
