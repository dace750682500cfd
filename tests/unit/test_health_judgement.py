"""Alive, ready, stalled: what the worker says of itself."""

from __future__ import annotations

import json
import urllib.error
import urllib.request
from typing import Any

from faust.types import TP

from streams.worker import health
from streams.worker.health import Health
from streams.worker.metrics import Metrics

A, B = TP("declarations", 0), TP("findings", 0)


class State:
    """What the worker would tell its health."""

    def __init__(self) -> None:
        self.crash: str | None = None
        self.dead: list[str] = []
        self.committed: dict[TP, int | None] = {A: 10, B: None}
        self.health = Health(lambda: self.crash, lambda: self.dead, lambda: self.committed, patience=30, started=True)

    def look(self, now: float, **ends: int) -> list[str]:
        """Observe the ends of the partitions, and tell what is stalled."""
        found = {tp: ends[tp.topic] for tp in (A, B) if tp.topic in ends}
        self.health.observe(found, {A: 0, B: 5}, now)
        return self.health.stalled(now)


def test_standing_still_with_something_to_read_is_stalled() -> None:
    state = State()
    assert state.look(0, declarations=10, findings=5) == []
    assert state.look(100, declarations=10, findings=5) == [], "idle is not stalled"
    assert state.look(101, declarations=15, findings=5) == [], "the records have only just come"
    assert state.look(130, declarations=20, findings=5) == []
    (reason,) = state.look(131, declarations=20, findings=5)
    assert reason == "declarations/0: 10 records behind, committed offset 10 for 30 s"
    assert state.health.report()["stalled"]
    assert not state.health.report()["ready"]
    assert state.health.report()["live"]
    state.committed[A] = 11
    assert state.look(132, declarations=20, findings=5) == []


def test_nothing_committed_yet_counts_from_the_beginning_of_the_log() -> None:
    state = State()
    state.look(0, declarations=10, findings=8)
    assert state.health.report()["lag"] == {"declarations/0": 0, "findings/0": 3}
    assert len(state.look(31, declarations=10, findings=8)) == 1


def test_partitions_that_left_are_forgotten_and_long_work_is_no_stall() -> None:
    state = State()
    state.look(0, declarations=20, findings=5)
    state.health.busy = 25
    assert state.look(40, declarations=20, findings=5) == []
    assert len(state.look(56, declarations=20, findings=5)) == 1
    del state.committed[A]
    assert state.look(57, declarations=20, findings=5) == []


def test_crashes_and_dead_agents_are_not_live() -> None:
    state = State()
    state.look(0, declarations=10, findings=5)
    assert state.health.report()["ready"]
    state.dead = ["screen"]
    assert not state.health.report()["live"]
    assert "agent screen has ended" in state.health.report()["reasons"]
    state.dead, state.crash = [], "KafkaError"
    assert not state.health.report()["live"]
    assert not state.health.report()["ready"]


def _get(port: int, path: str) -> tuple[int, str]:
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}{path}", timeout=10) as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as error:
        return error.code, error.read().decode()


async def test_it_is_served_on_loopback() -> None:
    import asyncio

    state, metrics = State(), Metrics()
    metrics.version("rules", "a@1")
    metrics.version("rules", "a@2")
    runner, port = await health.serve(state.health, metrics, 0)
    try:

        async def get(path: str) -> tuple[int, Any]:
            return await asyncio.to_thread(_get, port, path)

        assert (await get("/health/live"))[0] == 200
        assert (await get("/health/ready"))[0] == 503
        state.look(0, declarations=10, findings=5)
        assert (await get("/health/ready"))[0] == 200
        status, body = await get("/health")
        assert status == 200
        assert json.loads(body)["lag"] == {"declarations/0": 0, "findings/0": 0}
        state.crash = "KafkaError"
        assert (await get("/health/live"))[0] == 503
        text = (await get("/metrics"))[1]
        assert 'assay_versions{part="rules",version="a@2"} 1.0' in text
        assert "a@1" not in text
        assert {address[0] for address in runner.addresses} == {"127.0.0.1"}
    finally:
        await runner.cleanup()
