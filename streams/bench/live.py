"""End to end through Kafka: how fast a worker drains a full topic, how late alerts are at an even rate, and the textbook."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from functools import partial
from itertools import islice
from pathlib import Path
from typing import Any, NamedTuple

from schemas.errors import BrokerError
from streams import clients, ingest
from streams.bench.measure import Measure, Timing, processor_seconds
from streams.demo.cluster import Cluster, cluster
from streams.demo.feeder import Feeder, Sent, records
from streams.demo.watch import Judged, Watch, percentiles, wait_until

Say = Callable[[str], None]

RATE = 500.0
#: Seconds at the even rate: before what is measured, and measured.
WARM_UP_SECONDS = 5.0
MEASURED_SECONDS = 20.0
#: The textbook agent is measured for so long, not to its end: it would take half an hour.
TEXTBOOK_SECONDS = 12.0
PATIENCE_SECONDS = 60.0
#: The stages that judge a declaration by itself and make alerts of it.
STATELESS = ("intake", "screen", "correlate")


def stream(feeds: Sequence[Path], say: Say) -> list[Measure]:
    """Measure the worker and the textbook agent on one Kafka with the same declarations."""
    measures = [
        Measure(
            "stream", f"Assay worker, draining a full topic{words}", _drained(feeds[1:], say, stages), remark=remark
        )
        for words, stages, remark in (
            ("", (), "declarations in, alerts out"),
            (", profiles elsewhere", STATELESS, "declarations in, alerts out; another worker has the profiles"),
        )
    ]
    measures.append(_late(say))
    with cluster(say, "bench") as made:
        count = _fill(made, feeds[1])
        for way, words in (
            ("textbook Faust agent, same rules", []),
            ("textbook Faust agent, no rules at all", ["--no-rules"]),
        ):
            say(way)
            timing = _textbook(made, count, words)
            measures.append(Measure("stream", way, [timing], remark="stock transport, one declaration at a time"))
    return measures


def _fill(made: Cluster, feed: Path) -> int:
    lines = feed.read_bytes().splitlines()
    producer = clients.producer(made.chosen)
    for line in lines:
        producer.send(made.topics["declarations"], key=ingest.key_of(line), value=line)
    producer.flush(timeout=120)
    producer.close()
    return len(lines)


def _drained(feeds: Sequence[Path], say: Say, stages: Sequence[str] = ()) -> list[Timing]:
    """Start a worker on a topic that holds all feeds, and time it from the first batch to the end of all that follows.

    One figure for all: stages of one worker work side by side, and what one has not done yet would be missing in a part.
    """
    with cluster(say, "bench") as made:
        say("filling a topic")
        count = sum(_fill(made, feed) for feed in feeds)
        watch = Watch(made, {})
        watch.start()
        judged = Judged(made)
        made.launch_workers(1, stages)
        pid = made.workers[0].process.pid
        say("draining a full topic")
        while not judged.look():
            made.check_workers()
            time.sleep(0.02)
        begin = _Mark.now(judged.total, pid)
        reached = partial(_reached, judged, count)
        # Rarely: each look makes the worker write all its metrics, which is work that no user asks for so often.
        if not wait_until(reached, judged.look, PATIENCE_SECONDS, made.check_workers, 0.25):
            raise BrokerError(f"the worker judged {judged.total:,} of {count:,} declarations and then no more")
        # Profiles and correlation go on beside; a second of this is the interval in which a worker commits.
        left = ["signals", "findings"] if not stages or "profile" in stages else ["findings"]
        while made.backlog(left) or not watch.caught_up():
            made.check_workers()
            time.sleep(0.2)
        end = _Mark.now(judged.total, pid)
        watch.close()
        cpu = None if begin.cpu is None or end.cpu is None else end.cpu - begin.cpu
        return [Timing(end.judged - begin.judged, end.at - begin.at, cpu)]


def _reached(judged: Judged, count: int) -> bool:
    return judged.look() >= count


class _Mark(NamedTuple):
    """How far a worker was at a moment: declarations judged, time (seconds since 1970), processor seconds used."""

    judged: int
    at: float
    cpu: float | None

    @classmethod
    def now(cls, judged: int, pid: int) -> _Mark:
        return cls(judged, time.time(), processor_seconds(pid))


def _late(say: Say) -> Measure:
    """Feed at an even rate and time each alert."""
    with cluster(say, "bench") as made:
        made.start_workers(1, say)
        say(f"latency at {RATE:,.0f} declarations a second")
        source = (one for one in records(7, round(RATE * (WARM_UP_SECONDS + MEASURED_SECONDS))) if one.row is not None)
        feed: list[Sent] = list(islice(source, None))  # made before, so that making it costs nothing then
        feeder = Feeder(clients.producer(made.chosen), made.topics["declarations"], RATE, iter(feed))
        watch = Watch(made, feeder.sent_at)
        judged = Judged(made)
        watch.start()
        begun = time.time()
        feeder.start()
        while feeder.running:
            made.check_workers()
            time.sleep(0.5)
        feeder.stop()
        fed = time.time() - begun
        wait_until(
            lambda: judged.look() >= feeder.sent and made.backlog(["findings"]) == 0 and watch.caught_up(),
            judged.look,
            PATIENCE_SECONDS,
            made.check_workers,
        )
        watch.close()
        counted = [
            late for version, late in watch.latency_of.items() if feeder.sent_at[version] - begun > WARM_UP_SECONDS
        ]
        found = percentiles(counted)
        if found is None:
            raise BrokerError("no alert came within the time measured")
        return Measure(
            "stream",
            f"Assay worker at {RATE:,.0f} a second",
            [Timing(feeder.sent, fed)],
            {"p50": round(found.p50, 1), "p95": round(found.p95, 1), "p99": round(found.p99, 1), "alerts": found.count},
            remark=f"lodgement to alert, after {WARM_UP_SECONDS:.0f} s",
        )


def _textbook(made: Cluster, count: int, words: Sequence[str]) -> Timing:
    group = f"{made.chosen.group}-textbook-{len(words)}"
    command = [sys.executable, "-m", "streams.bench.textbook", "--group", group, "--count", str(count)]
    command += ["--seconds", str(TEXTBOOK_SECONDS), *words]
    done = subprocess.run(
        command, env=made.environment(), capture_output=True, text=True, timeout=TEXTBOOK_SECONDS + 120, check=False
    )
    if done.returncode:
        raise BrokerError(f"the textbook agent failed:\n{done.stderr[-2000:]}")
    said: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return Timing(int(said["count"]), said["seconds"], said["cpu"])
