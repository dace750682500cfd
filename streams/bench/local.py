"""Decode, screen and replay, each in a fresh process on one core."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from multiprocessing import get_context
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from streams.bench.measure import Measure, Timing, timed

if TYPE_CHECKING:
    from streams.replay import ReplayResult

T = TypeVar("T")

#: Declarations that go before the measured ones: libraries, rules, tables and automata are made by then.
WARM_UP = 500


def write_feeds(folder: Path, count: int, repeats: int, seed: int = 20_261_122) -> list[Path]:
    """Write a warm-up feed and one feed for each repeat.

    The repeats are slices of one simulated month, so that kept readings of words and codes are found again as often as in
    a real feed of that length, and not because the same declarations come twice. (Spread over years, a feed this short
    would meet another state of the control lists every thousand declarations, as no real one does.)
    """
    from datetime import UTC, datetime

    import pydantic_core

    from streams import simulate

    month = datetime(2026, 10, 20, tzinfo=UTC), datetime(2026, 11, 20, tzinfo=UTC)
    rows = simulate.feed(seed, WARM_UP + repeats * count, *month)
    paths = []
    for number in range(repeats + 1):
        path = folder / f"feed-{number}.ndjson"
        with path.open("wb") as file:
            for _ in range(count if number else WARM_UP):
                file.write(pydantic_core.to_json(next(rows)[0]) + b"\n")
        paths.append(path)
    return paths


def decode(feeds: Sequence[Path]) -> list[Measure]:
    """Bytes to validated rows, and to pydantic models for comparison."""
    return [
        Measure("decode", "rows (schemas.decode.row)", alone(_decode_rows, feeds)),
        Measure("decode", "pydantic models one by one", alone(_decode_models, feeds)),
    ]


def ingest(feeds: Sequence[Path]) -> list[Measure]:
    """CDS messages in a zip to what ``assay ingest`` would hand to Kafka."""
    from streams.bench import cds_feed

    archives = [feed.with_suffix(".zip") for feed in feeds]
    for feed, archive in zip(feeds, archives, strict=True):
        cds_feed.write_archive(feed, archive)
    return [
        Measure(
            "ingest",
            "CDS messages in a zip, one core",
            alone(_ingest, archives),
            remark="unpacked, decoded; without Kafka",
        )
    ]


def screen(feeds: Sequence[Path]) -> list[Measure]:
    """Rows to verdicts, by size of batch."""
    return [
        Measure("screen", f"batches of {size:,}", alone(_screen, feeds, size), remark="without decoding")
        for size in (256, 1000)
    ]


def replay(feeds: Sequence[Path]) -> list[Measure]:
    """File to alerts."""
    remark = "reading, decoding and alerts included"
    one = [
        Measure("replay", "one process on one core", alone(_replay, feeds, True), remark=remark),
        Measure("replay", "one process, without profiles", alone(_replay, feeds, False), remark=remark),
    ]
    cores = len(os.sched_getaffinity(0))
    if cores == 1:
        return one
    every = Measure(
        "replay",
        f"{cores} processes",
        [_replay_many(feeds, cores)],
        remark="start of the processes (some seconds) included",
    )
    return [*one, every]


def alone(work: Callable[..., T], feeds: Sequence[Path], *more: Any) -> T:
    """Run a measure in a fresh process that has one core and one polars thread."""
    before = os.environ.get("POLARS_MAX_THREADS")
    os.environ["POLARS_MAX_THREADS"] = "1"
    try:
        with ProcessPoolExecutor(1, get_context("spawn"), _one_core) as pool:
            return pool.submit(work, feeds, *more).result()
    finally:
        if before is None:
            del os.environ["POLARS_MAX_THREADS"]
        else:
            os.environ["POLARS_MAX_THREADS"] = before


def _one_core() -> None:
    # The last one: interrupts and short-lived processes tend to land on the first.
    os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})


def _decode_rows(feeds: Sequence[Path]) -> list[Timing]:
    from schemas import decode

    return _each(feeds, lambda lines: len([decode.row(line)["version"] for line in lines]))


def _decode_models(feeds: Sequence[Path]) -> list[Timing]:
    from schemas import decode

    return _each(feeds, lambda lines: len([decode.declaration(line).version for line in lines]))


def _each(feeds: Sequence[Path], work: Callable[[list[bytes]], int]) -> list[Timing]:
    timings = []
    for feed in feeds:
        lines = feed.read_bytes().splitlines()
        timings.append(timed(lambda lines=lines: work(lines)))  # type: ignore[misc]
    return timings[1:]


def _ingest(archives: Sequence[Path]) -> list[Timing]:
    from datetime import UTC, datetime

    from streams import sources
    from streams.admission import Door
    from streams.settings import Settings

    door, now = Door(Settings()), datetime.now(UTC)

    def work(archive: Path) -> int:
        return sum(len(door.admit(record, now).messages) for record in sources.records([archive]))

    return [timed(lambda archive=archive: work(archive)) for archive in archives][1:]  # type: ignore[misc]


def _screen(feeds: Sequence[Path], size: int) -> list[Timing]:
    from detectors import engine
    from detectors.batch import Batch
    from schemas import decode
    from streams.replay import calm_collector

    reference, models = engine.default_reference(), engine.default_models()
    timings = []
    with calm_collector():  # as worker and replay have it
        for feed in feeds:
            rows = [decode.row(line) for line in feed.read_bytes().splitlines()]

            def work(rows: list[Any] = rows) -> int:
                for start in range(0, len(rows), size):
                    engine.screen(Batch.of(rows[start : start + size]), reference, models)
                return len(rows)

            timings.append(timed(work))
    return timings[1:]


def _replay(feeds: Sequence[Path], profiles: bool) -> list[Timing]:
    from streams import replay

    return [timed(partial(_replayed, replay.run, feed, profiles)) for feed in feeds][1:]


def _replayed(run: Callable[..., ReplayResult], feed: Path, profiles: bool) -> int:
    return run([feed], jobs=1, profiles=profiles).judged


def _replay_many(feeds: Sequence[Path], cores: int) -> Timing:
    from streams import replay

    result = replay.run(feeds[1:], jobs=cores)
    return Timing(result.judged, result.seconds)
