"""Replay: the same stage functions as the worker, without Kafka, over files of declarations.

Messages of feeds are decoded and assembled to declarations as in the intake stage of the worker. A reader cuts what comes of
them into chunks of records. Worker processes decode and screen them; their answers are taken in the order of the input, and the
parent applies profile and correlate to them. So the final alerts depend neither on the number of processes nor on the size of
chunks (only how often one was revised on the way does).

>>> result = run([Path("feed.ndjson")])                                       # doctest: +SKIP
>>> [(alert.risk_score, alert.title) for alert in result.alerts[:3]]          # doctest: +SKIP
"""

from __future__ import annotations

import gc
import os
import time
from collections import Counter, deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from multiprocessing import get_context
from pathlib import Path
from typing import TYPE_CHECKING

from detectors.profiles.stage import LATENESS
from detectors.suppression import Suppressions
from schemas.alert import Alert
from schemas.dead_letter import DeadLetter
from schemas.errors import AssayError
from schemas.finding import Verdict
from streams import _replay_judge as judging
from streams import sources
from streams._replay_fold import Fold, InMemory, States
from streams._replay_judge import Judge, Judged, Judging, WrittenJudged
from streams._replay_read import Chunk, ReplayFaults, chunks
from streams.profile_store import ProfileStore

if TYPE_CHECKING:
    from detectors.models.artefact import Source
    from schemas.disposition import Disposition
    from schemas.mapping import Mapping

__all__ = ["Progress", "ReplayFaults", "ReplayResult", "run"]

#: Below this size a process of its own costs more to start (about a second) than it saves.
WORTH_A_PROCESS = 8 * 1024 * 1024
#: From this size on the states of profiles stand in a temporary database, so that memory is bounded.
WORTH_A_DATABASE = 512 * 1024 * 1024
#: A feed that invents a name for every record must not fill the memory.
UNKNOWN_NAMED = 1_000


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a replay has got: bytes read of ``total``, records, declarations judged, dead letters, alerts."""

    read: int
    total: int
    records: int
    judged: int
    dead_letters: int
    alerts: int


@dataclass(slots=True)
class ReplayResult:
    """What a replay found.

    Attributes
    ----------
    alerts : the final state of each alert, withdrawn ones included; highest risk first, then by time and declaration.
    records : read (a feed message may hold several declarations, or none that can be read).
    judged : declarations that went through the screen stage.
    dead_letters : records or declarations that did not.
    findings : findings said, by code, over all versions of all declarations; those of profiles once for each change.
    reasons : of the dead letters.
    unknown_fields : names of fields that the contract does not know (at most :data:`UNKNOWN_NAMED`); they took no part.
    seconds : wall time, start of worker processes included.
    jobs : processes that judged.
    late : times that a declaration came too late for a profile, and did not count in its window.
    """

    alerts: list[Alert] = field(default_factory=list)
    records: int = 0
    judged: int = 0
    dead_letters: int = 0
    findings: Counter[str] = field(default_factory=Counter)
    reasons: Counter[str] = field(default_factory=Counter)
    unknown_fields: set[str] = field(default_factory=set)
    seconds: float = 0.0
    jobs: int = 1
    late: int = 0

    @property
    def rate(self) -> float:
        """Declarations judged a second."""
        return self.judged / self.seconds if self.seconds else 0.0


def run(
    inputs: Sequence[Path],
    *,
    form: str = "auto",
    mapping: Mapping | None = None,
    batch: int = 1000,
    jobs: int | None = None,
    threshold: int = 25,
    packs: Sequence[Path] = (),
    models: Sequence[Source] = (),
    now: datetime | None = None,
    personal_data: bool = False,
    on_verdict: Callable[[Verdict], None] | None = None,
    on_dead_letter: Callable[[DeadLetter], None] | None = None,
    on_progress: Callable[[Progress], None] | None = None,
    faults: ReplayFaults | None = None,
    history: Sequence[Path] = (),
    dispositions: Iterable[Disposition] = (),
    lateness: timedelta = LATENESS,
    merges: Path | None = None,
    pepper: bytes = b"",
    suppressions: Suppressions | None = None,
    profiles: bool = True,
) -> ReplayResult:
    """Judge every declaration in the inputs.

    Parameters
    ----------
    inputs : files, folders, archives: whatever :mod:`streams.sources` reads.
    form : a feed format's name for everything, or ``auto``.
    mapping : read the inputs by it, instead of by a format.
    batch : records judged at once.
    jobs : processes; without it as many as there are cores, or one for a small input.
    threshold : risk from which a declaration becomes an alert.
    packs : rule packs in place of the default ones.
    models : stored models that judge beside the rules.
    now : the time of the run, UTC: alerts are raised at it, and declarations lodged well after it are refused. The
        clock without it.
    personal_data : keep personal data in alerts.
    on_verdict, on_dead_letter : told of each in input order.
    on_progress : told after every chunk.
    faults : accidents to act out, for tests.
    history : declarations of the past, in the same formats: the profiles learn from them first, and nothing is said of them.
    dispositions : what inspections found; each counts from the time of its decision in the feed.
    lateness : how much later than newer ones a declaration may come and still count in its own window.
    merges : a file of parties that are, or are not, the same (:mod:`detectors.parties.merges`).
    pepper : the secret in the keys of parties (:class:`detectors.parties.Resolver`).
    suppressions : grounds not to be told of.
    profiles : with the detectors that remember; without them, what a declaration alone shows, at twice the speed.

    Raises
    ------
    AssayError : an input does not exist, a rule pack is wrong, a model is refused, or a worker process ended.
    """

    started = time.perf_counter()
    total = sources.total_bytes(inputs)
    chosen = faults or ReplayFaults()
    about = Judging(tuple(packs), personal_data, now or datetime.now(UTC), tuple(models), merges, pepper, profiles)
    result = ReplayResult(jobs=jobs or _jobs_for(total))
    with _states(total + sources.total_bytes(history)) as states:
        told = _counting(result, on_verdict)
        fold = Fold(about.now, threshold, told, states, lateness, dispositions, suppressions, profiles)
        if history:
            past = chunks(history, form, batch, ReplayFaults(), about.now, mapping)
            for _, judged in _judged(past, about, result.jobs):
                fold.teach(judged.facts)
        cut = chunks(inputs, form, batch, chosen, about.now, mapping)
        for number, (read, judged) in enumerate(_judged(cut, about, result.jobs)):
            _take(judged, fold, result, on_dead_letter, dies=number in chosen.crash)
            if on_progress is not None:
                on_progress(Progress(read, total, result.records, result.judged, result.dead_letters, len(fold.alerts)))
        fold.close()
    result.late = fold.late
    result.alerts = sorted(
        fold.alerts.values(), key=lambda alert: (-alert.risk_score, alert.event_time, alert.declaration_id)
    )
    result.seconds = time.perf_counter() - started
    return result


def screened(
    inputs: Sequence[Path],
    *,
    form: str = "auto",
    batch: int = 1000,
    jobs: int | None = None,
    now: datetime | None = None,
    merges: Path | None = None,
    pepper: bytes = b"",
) -> Iterator[tuple[int, int, Judged]]:
    """Yield what the screen stage makes of the inputs, chunk by chunk, with the bytes read and the bytes in all.

    Raises
    ------
    AssayError : an input does not exist, or a worker process ended.
    """
    total = sources.total_bytes(inputs)
    about = Judging((), False, now or datetime.now(UTC), (), merges, pepper)
    for read, judged in _judged(
        chunks(inputs, form, batch, ReplayFaults(), about.now), about, jobs or _jobs_for(total)
    ):
        yield read, total, judged


@contextmanager
def _states(total: int) -> Iterator[States]:
    """Give the place of the profiles' states: in memory, or on disk where a large input could fill it."""
    if total < WORTH_A_DATABASE:
        yield InMemory()
        return
    store = ProfileStore()
    try:
        yield store
    finally:
        store.close()


def _jobs_for(total: int) -> int:
    return len(os.sched_getaffinity(0)) if total >= WORTH_A_PROCESS else 1


def _counting(result: ReplayResult, told: Callable[[Verdict], None] | None) -> Callable[[Verdict], None]:
    def count(verdict: Verdict) -> None:
        result.findings.update(finding.code for finding in verdict.findings)
        if told is not None:
            told(verdict)

    return count


def _take(
    judged: Judged, fold: Fold, result: ReplayResult, told: Callable[[DeadLetter], None] | None, dies: bool
) -> None:
    if dies:
        fold.apply_and_die(judged.verdicts)
    fold.apply(judged.verdicts, judged.facts)
    for letter in judged.dead_letters:
        result.reasons[letter.reason] += 1
        if told is not None:
            told(letter)
    result.records += judged.records
    result.judged += judged.judged
    result.dead_letters += len(judged.dead_letters)
    if len(result.unknown_fields) < UNKNOWN_NAMED:
        result.unknown_fields |= judged.unknown


def _judged(cut: Iterator[Chunk], about: Judging, jobs: int) -> Iterator[tuple[int, Judged]]:
    """Judge chunks, in this process or in several; give bytes read and the answer, in the order of the chunks."""
    # Made here in any case: a wrong rule pack is told by this process, not by a worker that dies of it.
    judge = Judge(about)
    if jobs == 1:
        with calm_collector():
            for chunk in cut:
                yield chunk.read, judge(chunk.records)._replace(records=chunk.taken)
        return
    with _one_thread_each(), ProcessPoolExecutor(jobs, get_context("spawn"), _begin, (about,)) as pool:
        under_way: deque[tuple[Chunk, Future[WrittenJudged]]] = deque()
        try:
            for chunk in cut:
                under_way.append(
                    (
                        chunk._replace(records=()),
                        pool.submit(_judge, [judging.pack(record) for record in chunk.records]),
                    )
                )
                # Enough to keep every process busy while the oldest is awaited; bounds what is held in memory.
                if len(under_way) > 2 * jobs:
                    yield _next(under_way)
            while under_way:
                yield _next(under_way)
        finally:
            for _, waiting in under_way:
                waiting.cancel()


def _next(under_way: deque[tuple[Chunk, Future[WrittenJudged]]]) -> tuple[int, Judged]:
    chunk, waiting = under_way.popleft()
    try:
        return chunk.read, Judged.read(waiting.result())._replace(records=chunk.taken)
    except BrokenProcessPool as error:
        raise AssayError(f"a worker process ended unexpectedly (out of memory?): {error}") from error


@contextmanager
def _one_thread_each() -> Iterator[None]:
    """Let polars use one thread in each process started within: processes share the cores already."""
    before = os.environ.get("POLARS_MAX_THREADS")
    os.environ["POLARS_MAX_THREADS"] = "1"
    try:
        yield
    finally:
        if before is None:
            del os.environ["POLARS_MAX_THREADS"]
        else:
            os.environ["POLARS_MAX_THREADS"] = before


def _calm() -> None:
    if not gc.get_freeze_count():
        gc.freeze()
    gc.set_threshold(500_000, 20, 50)


@contextmanager
def calm_collector() -> Iterator[None]:
    """Keep rules and tables out of garbage collection and collect less often: a fifth faster, measured.

    The rows of a chunk are many thousands of dicts that end with the chunk and hold no cycles.
    """
    before = gc.get_threshold()
    _calm()
    try:
        yield
    finally:
        # What was frozen stays so, once a process: rules and tables live as long as it does, and to look through them once
        # costs as much as judging hundreds of declarations.
        gc.set_threshold(*before)


_own_judge: Judge | None = None


def _begin(about: Judging) -> None:
    global _own_judge  # a process has one, made when it starts
    _own_judge = Judge(about)
    _calm()  # for the life of this process


def _judge(packed: Sequence[judging.Packed]) -> WrittenJudged:
    assert _own_judge is not None
    return _own_judge([judging.unpack(one) for one in packed]).written()
