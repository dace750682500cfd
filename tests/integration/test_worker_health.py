"""A worker in trouble says so, and goes on when the trouble is over (in this process, on a real broker)."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable, Sequence
from typing import Any

import pytest
from worker_process import contents, declaration, encoded, feed

from streams import app as live
from streams.app import Worker
from streams.settings import Settings
from streams.worker import health
from streams.worker.stages import Stages

pytestmark = pytest.mark.integration


@contextlib.asynccontextmanager
async def _running(worker: Worker) -> AsyncIterator[None]:
    stop = asyncio.Event()
    task = asyncio.create_task(worker.run(stop, 0))
    try:
        yield
    finally:
        stop.set()
        await asyncio.wait_for(task, 30)


async def _until(holds: Callable[[], Any], seconds: float = 40) -> None:
    async with asyncio.timeout(seconds):
        while not holds():  # noqa: ASYNC110 - what is awaited happens in another process, or deep inside Faust
            await asyncio.sleep(0.1)


@pytest.fixture(autouse=True)
def _short(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(health, "LOOK_SECONDS", 0.3)
    monkeypatch.setattr(live, "RETRY_SECONDS", (0.2, 0.2))


def _judged(worker: Worker) -> float:
    return worker.metrics.registry.get_sample_value("assay_declarations_judged_total") or 0


async def test_a_stage_that_hangs_is_stalled_and_recovers(cluster: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    free = asyncio.Event()
    screen = Stages.screen

    async def hangs(stages: Stages, blocks: Sequence[Any]) -> None:
        await free.wait()
        await screen(stages, blocks)

    monkeypatch.setattr(Stages, "screen", hangs)
    worker = Worker(cluster, patience=2.0)
    async with _running(worker):
        await _until(lambda: worker.health.report()["ready"])
        feed(cluster, [encoded(declaration("a", gallium=True))])
        await _until(worker.health.stalled)
        report = worker.health.report()
        assert report["live"]
        assert not report["ready"]
        assert any("declarations" in reason and "1 records behind" in reason for reason in report["reasons"])
        free.set()
        await _until(lambda: worker.health.report()["ready"])
        await _until(lambda: _judged(worker) == 1)


async def test_a_batch_that_fails_is_done_again_until_it_succeeds(cluster: Settings) -> None:
    feed(cluster, [encoded(declaration(f"d{n}", gallium=True)) for n in range(20)])
    worker = Worker(cluster)
    fails = 3
    recover = worker._cases.recover

    async def trouble(partitions: Any) -> Any:
        nonlocal fails
        if fails:
            fails -= 1
            raise ConnectionError("Kafka is away")
        return await recover(partitions)

    worker._cases.recover = trouble  # type: ignore[method-assign]
    async with _running(worker):
        await _until(lambda: len(contents(cluster, "alerts")) >= 20)
        failures = worker.metrics.registry.get_sample_value("assay_stage_failures_total", {"stage": "correlate"})
    alerts = contents(cluster, "alerts")
    assert failures >= 2, "the first of three failures may have met the preparation after the assignment"
    assert len(alerts) == len({alert["alert_id"] for alert in alerts}) == 20


async def test_it_stops_although_a_batch_cannot_be_finished(cluster: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    async def fails(stages: Stages, blocks: Sequence[Any]) -> None:
        raise ConnectionError("Kafka is away")

    monkeypatch.setattr(Stages, "screen", fails)
    worker = Worker(cluster)
    stop = asyncio.Event()
    task = asyncio.create_task(worker.run(stop, 0))
    feed(cluster, [encoded(declaration("a"))])
    await _until(lambda: worker.metrics.registry.get_sample_value("assay_stage_failures_total", {"stage": "screen"}))
    begun = asyncio.get_running_loop().time()
    stop.set()
    await asyncio.wait_for(task, 30)
    assert asyncio.get_running_loop().time() - begun < live.STOP_SECONDS


async def test_an_agent_that_ended_is_not_live(cluster: Settings) -> None:
    worker = Worker(cluster)
    async with _running(worker):
        await _until(lambda: worker.health.report()["ready"])
        assert worker._ended() == []
        screen = next(agent for agent in worker._agents if agent.name == "screen")
        await screen.supervisor.stop()
        await _until(lambda: not worker.health.report()["live"])
        assert "agent screen has ended" in worker.health.report()["reasons"]


async def test_stages_may_run_apart(cluster: Settings) -> None:
    screen, rest = Worker(cluster, ["screen"]), Worker(cluster, ["profile", "correlate"])
    async with _running(screen):
        await _until(lambda: screen.health.report()["ready"])
        feed(cluster, [encoded(declaration("a", gallium=True))])
        await _until(lambda: _judged(screen) == 1)
        assert contents(cluster, "alerts") == []
        async with _running(rest):
            await _until(lambda: contents(cluster, "alerts"))
