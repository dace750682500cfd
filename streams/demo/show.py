"""The course of a demo: with Kafka, or through the replay driver where no Kafka can be had."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

from rich.console import Console

from schemas.alert import Alert
from schemas.errors import BrokerError
from streams import clients
from streams.demo import closing
from streams.demo.closing import Outcome
from streams.demo.cluster import Cluster
from streams.demo.entrance import Entrance, open_console
from streams.demo.feeder import Feeder, Sent, records
from streams.demo.view import Now, View
from streams.demo.watch import Judged, Latency, Watch, percentiles, wait_until

Say = Callable[[str], None]
#: Without progress for so long, what is under way is given up as lost.
PATIENCE_SECONDS = 60.0
#: Declarations of a demo without Kafka and without an end of its own, in seconds of feed.
_WITHOUT_END = 60


@dataclass(frozen=True, slots=True)
class Plan:
    """What was asked for: length of the feed (None: until Ctrl-C), declarations a second, seed, worker processes, console."""

    seconds: float | None
    rate: float
    seed: int
    workers: int
    console: bool = True

    @property
    def count(self) -> int | None:
        """Declarations in the feed."""
        return None if self.seconds is None else max(1, round(self.seconds * self.rate))


def through_kafka(made: Cluster, plan: Plan, console: Console, say: Say) -> Outcome:
    """Feed the workers of a cluster, watch what comes out, and return what was measured.

    Ctrl-C ends the feed; what is under way is still judged. A second one raises KeyboardInterrupt.

    Raises
    ------
    BrokerError : a worker ended, or Kafka stopped answering.
    """
    made.start_workers(plan.workers, say)
    entrance = open_console(made, say) if plan.console else None
    say("")
    if isinstance(entrance, Entrance):
        console.print(f"console: {entrance.address}", soft_wrap=True)
        console.print(f"log in once as its analyst: {entrance.link}", soft_wrap=True)
    elif entrance is not None:
        console.print(f"without the console: {entrance}", soft_wrap=True, markup=False)
    producer = clients.producer(made.chosen)
    source = records(plan.seed, plan.count)
    feeder = Feeder(producer, made.topics["declarations"], plan.rate, source)
    watch = Watch(made, feeder.sent_at)
    judged = Judged(made)
    begun = time.monotonic()
    title = f"Kafka at {made.chosen.kafka}, {plan.workers} worker{'s' if plan.workers > 1 else ''}"
    if isinstance(entrance, Entrance):
        title += f", console at {entrance.address}"

    def check() -> None:
        made.check_workers()
        for failure in (feeder.failure, watch.failure):
            if failure is not None:
                raise BrokerError(f"the demo cannot go on: {failure!r}") from failure
        view.show(_now(phase, begun, plan, feeder, judged, watch))

    with View(console, title) as view:
        phase = "feeding"
        watch.start()
        feeder.start()
        try:
            while feeder.running:
                check()
                judged.look()
                time.sleep(0.25)
        except KeyboardInterrupt:
            console.print("no more is fed; judging what is under way (Ctrl-C again leaves at once)")
        feeder.stop()
        fed = time.monotonic() - begun
        phase = "finishing"
        _finish(made, feeder, judged, watch, check)
    watch.close()
    producer.close(timeout=5)
    alerts = list(watch.latest.values())
    return Outcome(
        through="Kafka",
        seed=plan.seed,
        seconds=fed,
        produced=feeder.sent,
        judged=judged.look(),
        dead_letters=sum(watch.dead.values()),
        repeated=watch.repeated,
        shared_ids=sum(len(declarations) > 1 for declarations in watch.ids.values()),
        alerts=alerts,
        evaluation=closing.evaluate(alerts, feeder.labels),
        latency=percentiles(watch.latency_of.values()),
        reasons=watch.reasons,
        workers=plan.workers,
    )


def _finish(made: Cluster, feeder: Feeder, judged: Judged, watch: Watch, check: Callable[[], None]) -> None:
    """Wait until the workers have committed everything and the watch has seen all that came of it."""
    stages = ("declarations", "signals", "findings")

    def progress() -> tuple[int, int, int]:
        return judged.look(), sum(watch.dead.values()), len(watch.latest)

    def done() -> bool:
        # In the order of the flow: what an earlier topic still holds becomes records of a later one.
        return all(made.backlog([name]) == 0 for name in stages) and watch.caught_up()

    wait_until(done, progress, PATIENCE_SECONDS, check)


def _now(phase: str, begun: float, plan: Plan, feeder: Feeder, judged: Judged, watch: Watch) -> Now:
    alerts = list(watch.latest.copy().values())
    return Now(
        elapsed=time.monotonic() - begun,
        limit=plan.seconds,
        phase=phase,
        produced=feeder.sent,
        judged=judged.total,
        dead_letters=sum(watch.dead.values()),
        alerts=closing.by_severity(alerts),
        latency=percentiles(list(watch.latency_of.copy().values())),
        newest=list(watch.newest),
    )


def through_replay(plan: Plan, say: Say) -> Outcome:
    """Judge the same feed without Kafka."""
    from streams import replay

    count = plan.count or round(_WITHOUT_END * plan.rate)
    say("making the feed")
    sent: list[Sent] = list(islice(records(plan.seed, count), None))
    with tempfile.TemporaryDirectory(prefix="assay-demo-") as folder:
        path = Path(folder) / "feed.ndjson"
        path.write_bytes(b"".join(record.raw + b"\n" for record in sent))
        begun = time.monotonic()

        def told(progress: replay.Progress) -> None:
            say(f"judged {progress.judged:,} of {count:,}, {progress.alerts:,} alerts")

        result = replay.run([path], on_progress=told)
    alerts = [_plain(alert) for alert in result.alerts]
    return Outcome(
        through="the replay driver",
        seed=plan.seed,
        seconds=time.monotonic() - begun,
        produced=len(sent),
        judged=result.judged,
        dead_letters=result.dead_letters,
        repeated=0,
        shared_ids=len(alerts) - len({alert["alert_id"] for alert in alerts}),
        alerts=alerts,
        evaluation=closing.evaluate(alerts, [record.label for record in sent if record.label is not None]),
        latency=None,
        reasons=result.reasons,
        workers=result.jobs,
    )


def _plain(alert: Alert) -> dict[str, object]:
    return alert.model_dump(mode="json", by_alias=True)


__all__ = ["Latency", "Plan", "through_kafka", "through_replay"]
