"""Profiles over Kafka: what several declarations say together is the same in a replay and in workers that come, go and die."""

from __future__ import annotations

import json
import random
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from worker_process import Row, Worker, contents, feed, until

from schemas.disposition import Disposition
from streams import clients, replay, topics
from streams.settings import Settings

pytestmark = pytest.mark.integration

START = datetime(2026, 9, 1, 8, tzinfo=UTC)
CASES = 40
#: Lots of one case: 3 kg of gallium each, to one consignee under one telephone number, from another sender each time.
LOTS = 9


def lot(case: int, n: int, **fields: Any) -> Row:
    """Return one small lot of a split shipment, under an honest enough name."""
    return {
        "schema": "declaration/1",
        "event": "lodged",
        "declaration_id": f"test:case{case}-{n}",
        "version": 1,
        "lodged_at": f"{START + timedelta(days=2 * n, minutes=case):%Y-%m-%dT%H:%M:%SZ}",
        "source": {"system": "test", "format": "json"},
        "regime": "export",
        "exporter": {"id": f"9143010{case:03d}MA4L{n:02d}", "name": f"Sender {case} {n} Ltd", "country": "CN"},
        "consignee": {
            "name": f"Bangkok Receiver {case} Co., Ltd",
            "country": "TH",
            "phone": f"+66 2 555 {1000 + case}",
            "email": f"office@receiver{case}.co.th",
        },
        "country_of_export": "CN",
        "country_of_destination": "TH",
        "transport": {"mode": "air"},
        "items": [
            {
                "number": 1,
                "commodity_code": "8112929010",
                "description": "gallium metal 99.99%",
                "origin": "CN",
                "net_mass_kg": 3.0,
                "gross_mass_kg": 3.4,
                "value": {"amount": 1500.0, "currency": "USD"},
                "packages": [{"type": "CT", "count": 1, "marks": "N/M"}],
            }
        ],
    } | fields


def shuffled_feed(seed: int) -> list[Row]:
    """Return lots of many cases, some amended to nothing or cancelled, out of order and some of them twice."""
    chance = random.Random(seed)
    rows = [lot(case, n) for case in range(CASES) for n in range(LOTS)]
    rows += [
        lot(case, 2, version=2, event=chance.choice(["cancelled", "amended"]), lodged_at=f"{START:%Y-%m-%d}T23:59:59Z")
        for case in range(0, CASES, 3)
    ]
    rows += chance.sample(rows, 40)
    chance.shuffle(rows)
    return rows


def said(alert: Row) -> Row:
    """Return what an alert says, without the times and places of the run."""
    reasons = [(one["finding_id"], one["code"], one["score"], one["evidence"]) for one in alert["reasons"]]
    return {name: alert[name] for name in ("alert_id", "risk_score", "severity", "title", "declaration_version")} | {
        "reasons": reasons,
        "withdrawn": alert["status"] == "withdrawn",
    }


def records(rows: list[Row]) -> list[tuple[bytes, bytes]]:
    return [(row["declaration_id"].encode(), json.dumps(row).encode()) for row in rows]


@pytest.mark.timeout(600)
@pytest.mark.partitions(4)
def test_replay_and_stream_agree_while_workers_join_leave_and_die(
    cluster: Settings, cluster_environment: dict[str, str], tmp_path: Path
) -> None:
    rows = shuffled_feed(seed=7)
    path = tmp_path / "feed.ndjson"
    path.write_text("\n".join(json.dumps(row) for row in rows) + "\n")
    wanted = {
        alert.declaration_id: said(json.loads(alert.model_dump_json(by_alias=True)))
        for alert in replay.run([path], jobs=1, batch=64).alerts
    }
    split = [
        ref for ref, alert in wanted.items() if any(code == "SPLIT-SHIPMENTS" for _, code, _, _ in alert["reasons"])
    ]
    assert len(split) > CASES

    environment = cluster_environment
    third = len(rows) // 3
    with Worker(cluster, environment, tmp_path) as one:
        feed(cluster, records(rows[:third]))
        until(lambda: one.metric("assay_declarations_judged_total") > 20, 120, "work to begin")
        with Worker(cluster, environment, tmp_path) as two:
            feed(cluster, records(rows[third : 2 * third]))
            until(lambda: two.get("/health/ready")[0] == 200, 120, "a share for the second worker")
            one.process.kill()
            one.process.wait(10)
            feed(cluster, records(rows[2 * third :]))
            with Worker(cluster, environment, tmp_path) as three:
                until(lambda: three.get("/health/ready")[0] == 200, 120, "a share for the third worker")
                assert two.stop(60) == 0
                until(lambda: three.get("/health/ready")[0] == 200, 120, "readiness")
                three.drained(120)
                assert three.stop() == 0

    latest = {alert["declaration_id"]: said(alert) for alert in contents(cluster, "alerts")}
    assert latest.keys() == wanted.keys()
    for ref, alert in wanted.items():
        assert latest[ref] == alert, ref


@pytest.mark.timeout(300)
def test_an_inspection_teaches_the_profiles_and_states_are_shown(
    cluster: Settings, cluster_environment: dict[str, str], tmp_path: Path
) -> None:
    rows = [lot(1, n) for n in range(LOTS - 1)]
    last = lot(1, LOTS - 1)
    judged_at = START + timedelta(days=2 * LOTS - 3, hours=6)
    with Worker(cluster, cluster_environment, tmp_path) as worker:
        worker.settled(feed(cluster, records(rows)))
        before = {alert["declaration_id"]: alert for alert in contents(cluster, "alerts")}
        alert = before[rows[-1]["declaration_id"]]
        verdict = Disposition(
            alert_id=alert["alert_id"],
            declaration_id=alert["declaration_id"],
            verdict="false_positive",
            confirmed_codes=["SPLIT-SHIPMENTS"],
            analyst="test",
            decided_at=judged_at,
        )
        feed(cluster, [(b"test:case1-7", verdict.model_dump_json(by_alias=True).encode())], "dispositions")
        worker.drained(120)
        feed(cluster, records([last]))
        worker.settled(len(rows) + 1, 120)
        after = {alert["declaration_id"]: alert for alert in contents(cluster, "alerts")}
        assert worker.stop() == 0

    def split_score(alert: Row) -> float:
        return max(float(one["score"]) for one in alert["reasons"] if one["code"] == "SPLIT-SHIPMENTS")

    assert split_score(after[last["declaration_id"]]) < split_score(before[rows[-1]["declaration_id"]])
    keys = [(record.key or b"").decode() for record in clients.read_topic(topics.named(cluster)["profiles"], cluster)]
    assert any(key.startswith("link/phone/") for key in keys)
    # Keys are hashes: the number itself stands in none, and in no state.
    assert not any("2555" in key for key in keys)
