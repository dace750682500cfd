"""What memory costs: an update of the profiles beside the screen stage, a million keys on disk, and a partition recovered."""

from __future__ import annotations

import asyncio
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

from streams.bench.measure import Measure, Timing, timed

if TYPE_CHECKING:
    from schemas.signal import Fact

Say = Callable[[str], None]

BATCH = 1000
#: Exporters of the million, and how many of them trade in what controls concern.
KEYS = 1_000_000
_WATCHED_SHARE = 0.05
#: Declarations of an exporter, in the order of the draws: most trade seldom, a few often.
_TRADES = (1, 1, 1, 1, 1, 2, 2, 3, 5, 8)
#: States of the partition that is recovered.
RECOVERED = 250_000


def profiles(feeds: Sequence[Path], say: Say, keys: int = KEYS, recovered: int = RECOVERED) -> list[Measure]:
    """Measure the profile stage: its cost beside the screen stage's, its states on disk, and their recovery from Kafka.

    Raises
    ------
    BrokerError : no Kafka for the recovery.
    """
    from streams.bench.local import alone

    say("profiles: an update beside the screen stage")
    screened, updated = alone(_updates, feeds)
    ratio = _micros(updated) / _micros(screened)
    measures = [
        Measure(
            "profiles", f"screen, batches of {BATCH:,}", screened, remark=f"{_micros(screened):.0f} us a declaration"
        ),
        Measure(
            "profiles",
            f"update of states on disk, batches of {BATCH:,}",
            updated,
            remark=f"{_micros(updated):.0f} us a declaration, {ratio:.2f} times the screen",
        ),
    ]
    with tempfile.TemporaryDirectory(prefix="assay-bench-profiles-") as folder:
        say(f"profiles: {keys:,} exporters")
        timing, count, size = _million(Path(folder), keys, say)
        measures.append(
            Measure(
                "profiles",
                f"states of {count:,} exporters",
                [timing],
                remark=f"{size / count:,.0f} bytes a key on disk ({size / 1e6:,.0f} MB)",
            )
        )
    say(f"profiles: recovering {recovered:,} states")
    measures.append(_recovery(recovered, say))
    return measures


def _micros(timings: Sequence[Timing]) -> float:
    from statistics import median

    return median(1e6 * (one.seconds if one.cpu is None else one.cpu) / one.count for one in timings)


def _updates(feeds: Sequence[Path]) -> tuple[list[Timing], list[Timing]]:
    """Screen and update feed by feed; the first is the warm-up."""
    from detectors import engine
    from detectors.batch import Batch
    from detectors.profiles.keys import block_of
    from detectors.profiles.stage import Placed
    from detectors.profiles.stage import keys as keys_of
    from schemas import decode
    from streams.profile_store import ProfileStore

    reference, models = engine.default_reference(), engine.default_models()
    store = ProfileStore()
    screened: list[Timing] = []
    updated: list[Timing] = []
    offset = 0
    try:
        for feed in feeds:
            rows = [decode.row(line) for line in feed.read_bytes().splitlines()]
            batches = [Batch.of(rows[start : start + BATCH]) for start in range(0, len(rows), BATCH)]
            facts: list[list[Fact]] = []

            def screen(batches: Sequence[Batch] = batches, facts: list[list[Fact]] = facts) -> int:
                for batch in batches:
                    facts.append(engine.screen(batch, reference, models).facts)
                return sum(map(len, facts))

            def update(facts: list[list[Fact]] = facts, first: int = offset) -> int:
                for number, one in enumerate(facts, first):
                    block = block_of(one)
                    store.put(engine.profile([Placed(block, number)], store.get(keys_of([block]))).changed)
                return sum(map(len, facts))

            screened.append(timed(screen))
            updated.append(timed(update))
            offset += len(batches)
    finally:
        store.close()
    return screened[1:], updated[1:]


def _facts(count: int) -> Iterator[Fact]:
    """Yield declarations of so many exporters over a year: who trades seldom, and who often."""
    from schemas.signal import Fact, Goods, Who

    start = datetime(2025, 11, 22, 8, tzinfo=UTC)
    for n in range(count):
        for trade in range(_TRADES[n % len(_TRADES)]):
            watched = (n * 37 + trade) % 1000 < 1000 * _WATCHED_SHARE
            mass, value = 100.0 + n % 900, 1000.0 + 7 * (n % 5000)
            goods = Goods(item=1, hs6="811292", substance="gallium", element="Ga", licensed=True, net_mass_kg=mass)
            yield Fact(
                declaration_id=f"cds:GB{n:012d}:LRN-{trade:04d}",
                version=1,
                event="lodged",
                time=start + timedelta(minutes=(n % 1440) + 1440 * ((n // 1440 + 31 * trade) % 365)),
                regime="export",
                mode="sea",
                country_of_export="GB",
                country_of_destination="TH",
                net_mass_kg=mass,
                value_usd=value,
                headings=[f"{n % 97 + 1:02d}{n % 89 + 10:02d}10"],
                parties=[Who(role="exporter", key=f"party/{n:024x}", shown=f"Exporter {n} Ltd", country="GB")],
                watched=watched,
                goods=[goods] if watched else [],
            )


def _million(folder: Path, count: int, say: Say) -> tuple[Timing, int, int]:
    from detectors import engine
    from detectors.profiles.keys import block_of
    from detectors.profiles.stage import Placed
    from detectors.profiles.stage import keys as keys_of
    from streams.profile_store import ProfileStore

    store = ProfileStore(folder / "states")
    try:
        done = number = 0
        begun = time.perf_counter()
        batch: list[Fact] = []
        for fact in _facts(count):
            batch.append(fact)
            if len(batch) == BATCH:
                block = block_of(batch)
                store.put(engine.profile([Placed(block, number)], store.get(keys_of([block]))).changed)
                done, number, batch = done + BATCH, number + 1, []
                if not number % 100:
                    say(f"profiles: {done:,} declarations of {count:,} exporters")
        seconds = time.perf_counter() - begun
        store.compact()
        kept = sum(key.startswith("party/") for key, _ in store.items())
        return Timing(done, seconds), max(kept, 1), store.size()
    finally:
        store.close()


def _recovery(count: int, say: Say) -> Measure:
    """Fill one partition of ``profiles`` with states, and time a worker's recovery of it onto an empty disk."""
    from detectors import engine
    from detectors.profiles.keys import block_of
    from detectors.profiles.stage import Placed
    from streams import clients
    from streams.demo.cluster import cluster

    with cluster(say, "bench") as made:
        producer = clients.producer(made.chosen)
        states: dict[str, bytes | None] = {}
        batch: list[Fact] = []
        sent = size = 0
        for number, fact in enumerate(_facts(2 * count)):
            batch.append(fact)
            if len(batch) == BATCH or sent + len(states) >= count:
                states |= engine.profile([Placed(block_of(batch), number)], {}).changed
                batch = []
                for key, state in states.items():
                    producer.send(made.topics["profiles"], key=key.encode(), value=state, partition=0)
                    sent, size = sent + 1, size + len(key) + len(state or b"")
                states = {}
                if sent >= count:
                    break
        producer.flush(timeout=120)
        producer.close()
        say(f"profiles: recovering {sent:,} states")
        seconds = asyncio.run(_recovered(made.chosen))
    return Measure(
        "profiles",
        f"recovery of a partition with {sent:,} states",
        [Timing(sent, seconds)],
        remark=f"{seconds:.1f} s from Kafka onto an empty disk ({size / 1e6:,.0f} MB)",
    )


async def _recovered(chosen: Any) -> float:
    from streams import clients
    from streams.worker.metrics import Metrics
    from streams.worker.outbox import Outbox
    from streams.worker.profiling import Profiling
    from streams.worker.pulse import Pulse

    def nothing(*_: Any) -> None:
        raise AssertionError("nothing is written")

    outbox: Callable[[], Outbox] = nothing  # type: ignore[assignment]
    with tempfile.TemporaryDirectory(prefix="assay-bench-recovery-") as folder:
        settings = chosen.model_copy(update={"state_dir": Path(folder)})
        stage = Profiling(settings, outbox, clients.aio_consumer_options(settings), Metrics(), Pulse(60.0), nothing)
        begun = time.perf_counter()
        await stage.prepare([0])
        seconds = time.perf_counter() - begun
        stage.close()
    return seconds
