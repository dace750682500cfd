"""The live driver: a Faust app whose agents run the stage functions of :mod:`detectors.engine` over Kafka topics.

::

    raw.* -> [intake] -> declarations

    declarations -> [screen] -> findings -> [correlate] -> alerts
                       |           ^            ^
                       v           |            v
                    signals -> [profile]      cases

An agent takes blocks of raw records (:mod:`streams.worker.transport`), gathers them to batches
(:mod:`streams.worker.gathering`), runs its stage (:mod:`streams.worker.stages`), and acknowledges when every result is in
Kafka. Delivery is at least once; ids that follow from what they are about, and cases that remember what was applied,
make the results the same however often a record comes.
"""

from __future__ import annotations

import asyncio
import contextlib
import gc
import sys
import time
from collections.abc import Awaitable, Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any, Literal

import structlog
from faust.exceptions import ConsumerNotStarted
from faust.types import TP

from schemas import ENGINE_VERSION
from schemas.errors import BrokerError
from streams import clients, topics
from streams.settings import Settings
from streams.worker import application, control, gathering, guard, health, models
from streams.worker.blocks import Block, BlockSchema
from streams.worker.case_store import CaseStore
from streams.worker.intake import TICK_SECONDS, Intake
from streams.worker.metrics import Metrics
from streams.worker.outbox import Outbox
from streams.worker.profiling import Profiling
from streams.worker.pulse import Pulse
from streams.worker.stages import Stages
from streams.worker.turns import Turns

StageName = Literal["intake", "screen", "profile", "correlate", "feedback"]
#: The topic of each stage; ``intake`` has one for each source system (``topics.raw``).
STAGES: dict[StageName, str] = {
    "intake": topics.RAW,
    "screen": "declarations",
    "profile": "signals",
    "correlate": "findings",
    "feedback": "dispositions",
}

log = structlog.stdlib.get_logger(__name__)

#: How long (seconds) a stage gathers records: what a quiet feed pays in latency. Judging has a fixed cost for a batch, so
#: screen gathers longer.
WITHIN: dict[StageName, float] = {
    "intake": 0.015,
    "screen": 0.015,
    "profile": 0.02,
    "correlate": 0.005,
    "feedback": 0.05,
}
#: Records in a batch of a stage whose records are blocks themselves: each holds the facts of up to a batch of declarations.
MOST: dict[StageName, int] = {"profile": 32}
#: Pause before a batch is done again, doubled up to the last.
RETRY_SECONDS = (0.5, 30.0)
STOP_SECONDS = 20.0
#: What Faust may take to find the committed offsets after an assignment.
PREPARE_SECONDS = 30.0


class Worker:
    """One worker process: agents, state, health, and what they need.

    Parameters
    ----------
    wanted : the stages to run; by default all.
    packs : rule packs (files or folders); by default those that come with Assay.
    patience : seconds without progress after which the worker calls itself stalled.

    Raises
    ------
    RulePackError : a rule pack has mistakes.
    """

    def __init__(
        self,
        chosen: Settings,
        wanted: Sequence[StageName] = (),
        packs: Sequence[Path] = (),
        patience: float = health.PATIENCE_SECONDS,
    ) -> None:
        self._chosen = chosen
        self._named = topics.named(chosen)
        self._wanted = tuple(dict.fromkeys(wanted)) or tuple(STAGES)
        self._options = clients.aio_consumer_options(chosen)
        self.metrics = Metrics()
        self.metrics.version("engine", ENGINE_VERSION)
        self._judging = control.Judging(self.metrics, packs, partial(models.fetch, chosen))
        self._app = application.faust_app(chosen)
        self._agents: list[Any] = []
        self.health = health.Health(self._crash, self._ended, self._assigned, patience)
        self._cases = CaseStore(self._options, self._named["cases"], self._named["alerts"], self.health.working)
        self._pulse = Pulse(application.SESSION_SECONDS / 2)
        turns = Turns()
        self._stages = Stages(
            chosen,
            lambda: Outbox(self._app, chosen),
            self._judging,
            self._cases,
            self.metrics,
            self._committed,
            self._pulse,
            turns,
        )
        reading = self.health.working
        self._intake = Intake(
            chosen, lambda: Outbox(self._app, chosen), self._options, self.metrics, self._pulse, reading
        )
        self._profiling = Profiling(
            chosen,
            lambda: Outbox(self._app, chosen),
            self._options,
            self.metrics,
            self._pulse,
            lambda outbox, failed: self._stages.bury(outbox, "signals", [("profile", failure) for failure in failed]),
            reading,
            turns,
        )
        self.health.warming = lambda: self._profiling.warming
        self._stopping = False
        for stage in self._wanted:
            names = self._intake.names if stage == "intake" else [self._named[STAGES[stage]]]
            topic = self._app.topic(*names, schema=BlockSchema())
            self._agents.append(self._app.agent(topic, name=stage)(self._agent(stage)))
        self._app.on_partitions_revoked.connect(self._revoked)
        self._app.on_partitions_assigned.connect(self._newly_assigned)
        self._preparing: asyncio.Task[None] | None = None

    def _agent(self, stage: StageName) -> Callable[[Any], Awaitable[None]]:
        run: Callable[[Sequence[Block]], Awaitable[None]]
        own = {"intake": self._intake.run, "profile": self._profiling.run}
        run = own[stage] if stage in own else getattr(self._stages, stage)

        async def agent(stream: Any) -> None:
            async for events in gathering.batches(stream, WITHIN[stage], MOST.get(stage, gathering.BATCH_RECORDS)):
                done = await self._settled(stage, run, events)
                for event in events:
                    if event in done:
                        await stream.ack(event)
                    else:
                        self._app.consumer.abandon(event.message)

        return agent

    async def _settled(
        self, stage: StageName, run: Callable[[Sequence[Block]], Awaitable[None]], events: Sequence[Any]
    ) -> Sequence[Any]:
        """Run a stage on a batch until it succeeds; return the events that are done with.

        Blocks from before a rebalance are left out: whoever owns their partition now gets them again.
        """
        pause, last_pause = RETRY_SECONDS
        attempt = 0
        while True:
            while (rest := self._pulse.rest()) and not self._stopping:  # noqa: ASYNC110 - time is what it waits for
                await asyncio.sleep(min(rest, 0.2))
            ours = [event for event in events if event.message.generation_id == self._app.consumer_generation_id]
            if not ours or (attempt and self._leaving()):
                return ()
            blocks = [event.value for event in ours]
            begun = time.monotonic()
            try:
                await run(blocks)
            except Exception as error:
                attempt += 1
                self.metrics.failures.labels(stage).inc()
                log.error("batch failed, doing it again", stage=stage, attempt=attempt, error=guard.named(error))
                self._cases.drop()  # what was written is not known: read it again
                over = time.monotonic() + pause
                while time.monotonic() < over and not self._leaving():  # noqa: ASYNC110 - Faust sets no event for it
                    await asyncio.sleep(0.1)
                pause = min(2 * pause, last_pause)
                continue
            self.metrics.stage_seconds.labels(stage).observe(time.monotonic() - begun)
            self.metrics.batch_records.labels(stage).observe(sum(len(block) for block in blocks))
            self.metrics.last_progress.set_to_current_time()
            return ours

    def _leaving(self) -> bool:
        """Whether somebody waits for this worker to let go of its partitions."""
        return self._stopping or self._app.rebalancing

    async def _revoked(self, _app: Any, revoked: set[TP], **_: Any) -> None:
        self._cases.drop(tp.partition for tp in revoked if tp.topic == self._named["findings"])
        self._intake.drop(list(revoked))
        self._profiling.drop(tp.partition for tp in revoked if tp.topic == self._named["signals"])

    async def _newly_assigned(self, _app: Any, assigned: set[TP], **_: Any) -> None:
        """Begin to recover cases and profiles now, rather than when the first record waits for them."""
        self._cases.drop()
        partitions = sorted(tp.partition for tp in assigned if tp.topic == self._named["findings"])
        profiled = sorted(tp.partition for tp in assigned if tp.topic == self._named["signals"])
        if self._preparing is not None:
            self._preparing.cancel()
        self.health.prepared = not (partitions or profiled)
        self._preparing = None if self.health.prepared else asyncio.create_task(self._prepare(partitions, profiled))

    async def _prepare(self, partitions: Sequence[int], profiled: Sequence[int]) -> None:
        places = {TP(self._named["findings"], partition) for partition in partitions}
        try:
            async with asyncio.timeout(PREPARE_SECONDS):
                while not places <= self._app.consumer._read_offset.keys():  # noqa: ASYNC110 - Faust sets no event
                    await asyncio.sleep(0.02)  # until the committed offsets are known
            await self._stages.prepare(partitions)
            await self._profiling.prepare(profiled)
        except Exception as error:
            log.warning("not recovered yet; the first record will try again", error=guard.named(error))
        self.health.prepared = True

    def _committed(self, partition: int) -> int | None:
        found: int | None = self._app.consumer._committed_offset[TP(self._named["findings"], partition)]
        return found

    def _assigned(self) -> dict[TP, int | None]:
        consumer = self._app.consumer
        try:
            return {tp: consumer._committed_offset[tp] for tp in consumer.assignment()}
        except ConsumerNotStarted:
            return {}

    def _crash(self) -> str | None:
        return type(self._app.crash_reason).__name__ if self._app.crashed else None

    def _ended(self) -> list[str]:
        """Name the agents without a running task."""
        if not self.health.started or self._stopping:
            return []
        return [
            agent.name
            for agent in self._agents
            if not any(ref.actor_task is not None and not ref.actor_task.done() for ref in agent._actors)
        ]

    def check_topics(self) -> None:
        """Raise BrokerError unless the declared topics exist and those keyed alike have the same number of partitions."""
        with clients.admin(self._chosen) as admin:
            found = topics.actual(admin, list(self._named.values()))
        missing = [name for name in self._named.values() if name not in found]
        if missing:
            raise BrokerError(f"missing topics: {', '.join(missing)}\nrun `assay topics apply` to create them")
        for alike in (("findings", "alerts", "cases", "dispositions"), ("signals", "profiles")):
            counts = {name: found[self._named[name]].partitions for name in alike}
            if len(set(counts.values())) > 1:
                told = ", ".join(f"{name} has {count}" for name, count in counts.items())
                raise BrokerError(f"{', '.join(alike)} need the same number of partitions, but {told}")
        self._stages.signal_partitions = found[self._named["signals"]].partitions

    async def run(self, stop: asyncio.Event, port: int = health.PORT) -> None:
        """Work until ``stop`` is set, then finish what was begun, commit, and leave.

        Parameters
        ----------
        port : of health and metrics on loopback; 0 takes a free one. The log says which.

        Raises
        ------
        BrokerError : topics are missing or do not fit, or the worker crashed.
        """
        await asyncio.to_thread(self.check_topics)
        judging, named = self._judging, self._named
        followed = [
            control.Followed(judging.offer, self._options, named["reference"]),
            control.Followed(judging.offer_model, self._options, named["models"]),
        ]
        tasks: list[asyncio.Task[None]] = []
        server = None
        try:
            server, used = await health.serve(self.health, self.metrics, port)
            log.info("health and metrics", url=f"http://{health.HOST}:{used}/health", port=used)
            for each in followed:
                await each.catch_up()
            await asyncio.to_thread(self._judging.warm_up)
            tasks = [
                *(asyncio.create_task(each.follow()) for each in followed),
                asyncio.create_task(self._notify()),
                asyncio.create_task(control.watch_files(self._judging)),
                asyncio.create_task(health.watch(self.health, self.metrics, self._options)),
                asyncio.create_task(self._tick()),
            ]
            _settle()
            self._pulse.start()
            await self._app.start()
            self.health.started = True
            log.info("worker started", stages=self._wanted, group=self._chosen.group)
            await self._until(stop)
        finally:
            await self._leave(tasks)
            for each in followed:
                await each.close()
            if server is not None:
                await server.cleanup()

    async def _notify(self) -> None:
        """Write the notices that come up, for ever."""
        while True:
            await asyncio.sleep(models.NOTICE_SECONDS)
            try:
                if self.health.started and self._judging.notices and not self._leaving():
                    await self._judging.notices.send(Outbox(self._app, self._chosen))
            except Exception as error:
                log.warning("notices could not be written yet", error=guard.named(error))

    async def _tick(self) -> None:
        """Let time pass for what waits in the intake, for ever."""
        while True:
            await asyncio.sleep(TICK_SECONDS)
            try:
                lags = self._app.consumer.backlog() if self.health.started and not self._leaving() else {}
                await self._intake.tick({tp for tp, lag in lags.items() if not lag})
            except Exception as error:
                log.warning("what waits in the intake could not be looked at", error=guard.named(error))

    async def _until(self, stop: asyncio.Event) -> None:
        while not stop.is_set():
            if self._app.crashed:
                raise BrokerError(f"the worker crashed: {self._app.crash_reason!r}")
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(stop.wait(), timeout=0.5)

    async def _leave(self, tasks: Sequence[asyncio.Task[None]]) -> None:
        log.info("worker stopping")
        self._stopping = True
        stopping = asyncio.create_task(self._app.stop())
        if not (await asyncio.wait({stopping}, timeout=STOP_SECONDS))[0]:
            log.error("what was begun could not be finished; it will be delivered again", seconds=STOP_SECONDS)
            self._app.consumer.abandon_all()  # a time-out alone would not do: Faust's wait for streams cannot be cancelled
            await asyncio.wait({stopping}, timeout=STOP_SECONDS / 4)
        if stopping.done() and (error := stopping.exception()) is not None:
            log.error("error while stopping", error=guard.named(error))
        left = [*tasks, *([self._preparing] if self._preparing else [])]
        for task in left:
            task.cancel()
        await asyncio.gather(*left, return_exceptions=True)
        self._stages.close()
        self._intake.close()
        self._profiling.close()
        self._pulse.stop()
        log.info("worker stopped")


def _settle() -> None:
    """Keep rules, tables and libraries out of garbage collection, and collect less often: batches are short-lived.

    And let a thread that has work ask for the interpreter after 1 ms instead of 5: a send is a dozen turns of the event loop, and
    each waits so long for the thread that judges.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(500_000, 20, 50)
    sys.setswitchinterval(0.001)
