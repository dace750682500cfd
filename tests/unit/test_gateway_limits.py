"""Keys, rates, sizes, back-pressure: who is turned away, with what, and that nothing leaks."""

from __future__ import annotations

import asyncio
import json
import stat
from datetime import UTC, datetime
from pathlib import Path

import pytest
from gateway_parts import XML, Asked, own
from typer.testing import CliRunner

from schemas.errors import SettingsError
from streams import cli
from streams.gateway.app import Limits
from streams.gateway.keys import KeyFile
from streams.gateway.limits import Bucket, Budget, Hold
from streams.gateway.receipts import Receipts

NOW = datetime(2026, 11, 22, tzinfo=UTC)


@pytest.fixture
def asked(tmp_path: Path) -> Asked:
    return Asked(tmp_path)


async def test_only_a_good_key_may_post_and_only_to_its_source(asked: Asked) -> None:
    url = "/v1/sources/mine/messages"
    bad = [None, "", "Bearer", f"Basic {asked.key}", "Bearer x", f"Bearer {asked.key[:-1]}", f"Bearer {asked.key}a"]
    bad.append("Bearer assay_" + "0" * 12 + asked.key[18:])
    for given in bad:
        headers = {} if given is None else {"Authorization": given}
        answer = await asked.client.post(url, content=XML % b"L1", headers=headers)
        assert answer.status_code == 401, given
        assert answer.headers["www-authenticate"].startswith("Bearer")
    assert (await asked.post(XML % b"L1", source="other")).status_code == 403
    assert asked.delivery.written == []
    assert (await asked.post(XML % b"L1", authorization=f"bearer {asked.key}")).status_code == 202


async def test_a_revoked_key_is_refused_from_the_next_request_on(asked: Asked) -> None:
    assert (await asked.post(XML % b"L1")).status_code == 202
    asked.keys.revoke(asked.key.split("_")[1], NOW)
    assert (await asked.post(XML % b"L2")).status_code == 401
    other = KeyFile(asked.keys.path).create(NOW, source="mine")[0]
    assert (await asked.post(XML % b"L2", key=other)).status_code == 202


def test_the_file_holds_no_key_and_is_for_its_owner_only(tmp_path: Path) -> None:
    keys = KeyFile(tmp_path / "gateway" / "keys.json")
    text, key = keys.create(NOW, source="a")
    assert keys.find(text) == key
    assert text.split("_", 2)[2] not in keys.path.read_text()
    assert stat.S_IMODE(keys.path.stat().st_mode) == 0o600
    with pytest.raises(SettingsError, match="no key has the id"):
        keys.revoke("none", NOW)
    for wrong in ({"source": "../a"}, {"source": "A b"}, {"source": "a", "rate": 0}, {"source": "a", "max_bytes": -1}):
        with pytest.raises(SettingsError):
            keys.create(NOW, **wrong)
    keys.path.write_text("broken")
    with pytest.raises(SettingsError, match="not a file of keys"):
        keys.all()


def test_a_bucket_keeps_its_rate_and_lets_debts_be_waited_off() -> None:
    at = [0.0]
    bucket = Bucket(10, 20, lambda: at[0])
    assert bucket.wait() == 0
    bucket.take(70)
    assert bucket.wait() == 6  # 50 owed and one to come, at 10 a second, rounded up
    at[0] = 5.0
    assert bucket.wait() == 1
    at[0] = 5.2
    assert bucket.wait() == 0
    at[0] = 1_000.0
    bucket.take(20)
    assert bucket.wait() == 1


def test_a_budget_takes_no_more_than_it_has_but_always_one() -> None:
    budget = Budget(100)
    first, second = Hold(budget), Hold(budget)
    assert first.take(150)
    assert not second.take(1)
    first.release()
    first.release()
    assert second.take(60)
    assert second.take(40)
    assert not second.take(1)
    second.release()
    assert budget.held == 0


async def test_a_rate_is_told_with_when_to_come_again(asked: Asked) -> None:
    key = asked.new_key(rate=10.0, burst=2.0)
    body = b"\n".join(own(n) for n in range(50))
    assert (await asked.post(body, "application/x-ndjson", key=key)).status_code == 202
    answer = await asked.post(XML % b"L1", key=key)
    assert answer.status_code == 429
    assert 4 <= int(answer.headers["retry-after"]) <= 5
    assert (await asked.post(XML % b"L1")).status_code == 202


async def test_sizes(asked: Asked) -> None:
    key = asked.new_key(max_bytes=1_000)

    async def pieces():  # type: ignore[no-untyped-def]
        for _ in range(3):
            yield b"x" * 500

    assert (await asked.post(b"x" * 1_001, key=key)).status_code == 413
    answer = await asked.post(pieces(), key=key)
    assert answer.status_code == 413
    assert answer.headers["connection"] == "close"
    assert (await asked.post(XML % b"L1", x_large="a" * 20_000)).status_code == 431
    assert (await asked.post(XML % b"L1", content_encoding="br")).status_code == 415
    assert asked.gateway.budget.held == 0
    large = (XML % b"L1").replace(b"</MetaData>", (b"<!--" + b"x" * 990_000 + b"-->") * 20 + b"</MetaData>")
    assert (await asked.post(large)).status_code == 202


async def test_nothing_is_a_success_while_kafka_does_not_acknowledge(tmp_path: Path) -> None:
    asked = Asked(tmp_path, patience=0.3)
    asked.delivery.go.clear()
    answer = await asked.post(XML % b"L1")
    assert (answer.status_code, answer.headers["retry-after"]) == (503, "5")
    assert asked.gateway.budget.held == len(XML % b"L1"), "Kafka may still have it: it counts"
    second = asyncio.create_task(asked.post(XML % b"L1"))
    await asyncio.sleep(0.1)
    asked.delivery.go.set()
    assert (await second).status_code == 202
    assert len(asked.delivery.written) == 1, "the second waited for the first instead of being sent"
    assert asked.gateway.budget.held == 0


async def test_a_failure_of_kafka_is_told_and_can_be_tried_again(asked: Asked) -> None:
    asked.delivery.fails = True
    assert (await asked.post(XML % b"L1")).status_code == 503
    bad = await asked.post(b"<MetaData/>")
    assert bad.status_code == 503, "a refusal counts only when its dead letter is kept"
    asked.delivery.fails = False
    assert (await asked.post(XML % b"L1")).status_code == 202
    asked.delivery.missing = {"t.raw.cds"}
    assert (await asked.post(XML % b"L2")).status_code == 503
    assert asked.gateway.budget.held == 0


async def test_back_pressure(tmp_path: Path) -> None:
    size = len(XML % b"L1")
    asked = Asked(tmp_path, Limits(held_bytes=2 * size, requests=3))
    asked.delivery.go.clear()
    waiting = [asyncio.create_task(asked.post(XML % name)) for name in (b"L1", b"L2")]
    await asyncio.sleep(0.2)
    full = await asked.post(XML % b"L3")
    assert (full.status_code, full.headers["retry-after"]) == (503, "1")
    asked.gateway.active = 3
    assert "requests are being answered" in (await asked.post(XML % b"L3")).json()["detail"]
    asked.gateway.active = 2
    asked.delivery.go.set()
    assert [answer.status_code for answer in await asyncio.gather(*waiting)] == [202, 202]
    assert (await asked.post(XML % b"L3")).status_code == 202


async def test_health_tells_a_lost_kafka_and_a_stop(asked: Asked) -> None:
    assert (await asked.client.get("/health/ready")).status_code == 200
    asked.delivery.up, asked.delivery.trouble = False, "Kafka does not answer"
    answer = await asked.client.get("/health")
    assert (answer.status_code, answer.json()["reasons"]) == (503, ["Kafka does not answer"])
    assert (await asked.client.get("/health/live")).status_code == 200
    assert (await asked.post(XML % b"L1")).status_code == 503
    assert (await asked.post(XML % b"L1", check="only")).status_code == 200
    asked.delivery.up = True
    asked.gateway.stopping.set()
    told = "the gateway is stopping; nothing of this request was taken: send it again in 5 s"
    assert (await asked.post(XML % b"L1")).json()["detail"] == told


def test_receipts_are_bounded_in_time_and_number(tmp_path: Path) -> None:
    at = [1_000.0]
    receipts = Receipts(tmp_path / "r", 100, 1_500, lambda: at[0])
    receipts.remember({"old": b"1"})
    at[0] = 1_099.0
    assert receipts.known(["old", "new"]) == {"old": b"1"}
    at[0] = 1_101.0
    assert receipts.known(["old"]) == {}
    for start in range(0, 4_000, 100):
        at[0] += 0.01
        receipts.remember({f"n{n}": b"2" for n in range(start, start + 100)})
    kept = receipts.known(f"n{n}" for n in range(4_000))
    assert 1_500 <= len(kept) <= 2_500
    assert "n3999" in kept
    receipts.close()
    again = Receipts(tmp_path / "r", 100, 1_500, lambda: at[0])
    assert "n3999" in again.known(["n3999"])
    (tmp_path / "bad").write_bytes(b"not a database at all, and long enough for a header" * 9)
    with pytest.raises(SettingsError, match="cannot be used"):
        Receipts(tmp_path / "bad", 100)


def assay(*arguments: str) -> tuple[int, str]:
    ran = CliRunner().invoke(cli.build(), ["gateway", "key", *arguments])
    return ran.exit_code, ran.stdout


def test_keys_on_the_command_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from streams import settings

    monkeypatch.setenv("ASSAY_STATE_DIR", str(tmp_path))
    settings.settings.cache_clear()
    try:
        code, said = assay(
            "create", "--source", "a", "--format", "cds", "--rate", "600/min", "--max-bytes", "2MB", "--json"
        )
        assert code == 0
        made = json.loads(said)
        assert (made["rate"], made["burst"], made["max_bytes"]) == (10.0, 20.0, 2_000_000)
        assert KeyFile(tmp_path / "gateway" / "keys.json").find(made["key"]) is not None
        listed = json.loads(assay("list", "--json")[1])
        assert [row["source"] for row in listed] == ["a"]
        assert "hash" not in listed[0]
        assert assay("revoke", made["id"])[0] == 0
        assert KeyFile(tmp_path / "gateway" / "keys.json").find(made["key"]) is None
        for wrong in (
            ("--rate", "fast"),
            ("--rate", "0/s"),
            ("--max-bytes", "3GB"),
            ("--max-bytes", "x"),
            ("--format", "no"),
        ):
            assert assay("create", "--source", "a", *wrong)[0] == 2
    finally:
        settings.settings.cache_clear()
