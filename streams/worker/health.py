"""Is the worker alive, ready, stalled? ``/health/live``, ``/health/ready``, ``/health`` and ``/metrics`` on loopback.

- *live*: the process does its work; if not, restart it. False when the Faust app has crashed or an agent has ended (upstream
  lets an agent end without a word: faust-streaming #175, #640).
- *ready*: partitions are assigned, their cases recovered, and live and not stalled.
- *stalled*: there are records to read in a partition that is assigned to this worker, and its committed offset has not moved for
  :attr:`Watch.patience` seconds. The ends of the partitions are asked of the broker by a client of its own, because a consumer
  that has stopped fetching believes that it has read everything.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import structlog
from aiohttp import web
from aiokafka import AIOKafkaConsumer
from faust.types import TP

from streams.worker.metrics import Metrics

log = structlog.stdlib.get_logger(__name__)

HOST = "127.0.0.1"
PORT = 8780
#: Seconds between two looks at the partitions.
LOOK_SECONDS = 2.0
PATIENCE_SECONDS = 30.0


@dataclass
class _Progress:
    """How far a partition is: committed offset, since when it stands there (monotonic), records left."""

    committed: int | None = None
    since: float = 0.0
    lag: int = 0


@dataclass
class Health:
    """What is known of the worker's state.

    Attributes
    ----------
    crashed : says why the Faust app has crashed, None if it has not.
    dead_agents : names the agents that have ended.
    assigned : partitions with the offset that each goes on from.
    prepared : whether the cases of the assigned partitions have been recovered.
    warming : names the profiles that know too little of the past yet.
    busy : when long work that commits nothing last got on (monotonic).
    """

    crashed: Callable[[], str | None]
    dead_agents: Callable[[], list[str]]
    assigned: Callable[[], Mapping[TP, int | None]]
    patience: float = PATIENCE_SECONDS
    started: bool = False
    prepared: bool = True
    broker: str | None = None
    warming: Callable[[], list[str]] = list
    busy: float = 0.0
    _partitions: dict[TP, _Progress] = field(default_factory=dict)

    def observe(self, ends: Mapping[TP, int], beginnings: Mapping[TP, int], now: float) -> dict[TP, int]:
        """Compare the ends of the assigned partitions with what is committed; return the lag of each."""
        assigned = self.assigned()
        for tp in [tp for tp in self._partitions if tp not in assigned]:
            del self._partitions[tp]
        for tp, committed in assigned.items():
            if tp not in ends:
                continue
            seen = self._partitions.get(tp)
            if seen is None or committed != seen.committed or not seen.lag:
                seen = self._partitions[tp] = _Progress(committed, now)
            done = beginnings.get(tp, 0) if committed is None else committed
            seen.lag = max(0, ends[tp] - done)
        return {tp: seen.lag for tp, seen in self._partitions.items()}

    def stalled(self, now: float | None = None) -> list[str]:
        """Name the partitions that stand still although there is something to read."""
        now = time.monotonic() if now is None else now
        return [
            f"{tp.topic}/{tp.partition}: {seen.lag} records behind, committed offset {seen.committed} for "
            f"{now - seen.since:.0f} s"
            for tp, seen in sorted(self._partitions.items())
            if seen.lag and now - max(seen.since, self.busy) >= self.patience
        ]

    def working(self) -> None:
        """Note that long work, such as the recovery of cases, gets on."""
        self.busy = time.monotonic()

    def report(self) -> dict[str, Any]:
        """Return the whole state: ``live``, ``ready``, ``stalled`` with ``reasons``, and the lag by partition."""
        crashed, dead, stalled = self.crashed(), self.dead_agents(), self.stalled()
        live = crashed is None and not dead
        reasons = [f"crashed: {crashed}"] if crashed else []
        reasons += [f"agent {name} has ended" for name in dead]
        reasons += [f"stalled: {place}" for place in stalled]
        if not self.started:
            reasons.append("starting")
        elif not self._partitions:
            reasons.append("no partition is assigned yet")
        if not self.prepared:
            reasons.append("recovering cases and profiles")
        if self.broker:
            reasons.append(f"broker: {self.broker}")
        return {
            "live": live,
            "ready": live
            and self.started
            and self.prepared
            and bool(self._partitions)
            and not stalled
            and self.broker is None,
            "stalled": bool(stalled) or bool(dead),
            "reasons": reasons,
            "warming_up": self.warming(),
            "lag": {f"{tp.topic}/{tp.partition}": seen.lag for tp, seen in sorted(self._partitions.items())},
        }


async def watch(health: Health, metrics: Metrics, options: Mapping[str, Any]) -> None:
    """Ask the broker every :data:`LOOK_SECONDS` where the assigned partitions end, for ever."""
    consumer = AIOKafkaConsumer(group_id=None, **options)
    await consumer.start()
    try:
        while True:
            try:
                async with asyncio.timeout(LOOK_SECONDS * 5):
                    places = list(health.assigned())
                    ends = await consumer.end_offsets(places) if places else {}
                    beginnings = await consumer.beginning_offsets(places) if places else {}
                health.broker = None
            except Exception as error:
                health.broker = f"does not answer ({type(error).__name__})"
            else:
                metrics.lag.clear()
                for tp, lag in health.observe(_by_tp(ends), _by_tp(beginnings), time.monotonic()).items():
                    metrics.lag.labels(tp.topic, tp.partition).set(lag)
            await asyncio.sleep(LOOK_SECONDS)
    finally:
        await consumer.stop()


def _by_tp(offsets: Mapping[Any, int]) -> dict[TP, int]:
    return {TP(place.topic, place.partition): offset for place, offset in offsets.items()}


async def serve(health: Health, metrics: Metrics, port: int) -> tuple[web.AppRunner, int]:
    """Serve health and metrics on loopback; return the runner (``cleanup()`` ends it) and the port in use."""

    def answer(wanted: str) -> Callable[[web.Request], Any]:
        async def handler(_: web.Request) -> web.Response:
            report = health.report()
            good = report[wanted] if wanted != "all" else report["ready"]
            return web.json_response(
                report if wanted == "all" else {wanted: good, "reasons": report["reasons"]}, status=200 if good else 503
            )

        return handler

    async def exposition(_: web.Request) -> web.Response:
        return web.Response(body=metrics.text(), headers={"Content-Type": "text/plain; version=0.0.4; charset=utf-8"})

    site = web.Application()
    site.router.add_get("/health/live", answer("live"))
    site.router.add_get("/health/ready", answer("ready"))
    site.router.add_get("/health", answer("all"))
    site.router.add_get("/metrics", exposition)
    runner = web.AppRunner(site, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, HOST, port).start()
    used: int = runner.addresses[0][1]
    return runner, used
