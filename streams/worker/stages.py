"""The stages as the agents run them: records in, stage function behind the guard, results written and acknowledged.

Each method returns when all its results are safely in Kafka; only then may the records be acknowledged. Whatever a record holds,
it ends in a result or in a dead letter; what raises here is trouble with Kafka, and the batch is done again.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from typing import TypeVar

import structlog
from aiokafka.structs import ConsumerRecord

from detectors import engine
from detectors.batch import Batch
from detectors.correlate import Case
from detectors.parties import Resolver
from detectors.parties.merges import load as load_merges
from detectors.profiles.keys import block_of, split
from detectors.suppression import Suppressions
from schemas.alert import Alert
from schemas.dead_letter import Stage
from schemas.decode import Row
from schemas.errors import RecordError
from schemas.export import cloudevents
from schemas.finding import Verdict
from streams.settings import Settings
from streams.topics import MAX_RECORD_BYTES
from streams.worker import guard
from streams.worker.blocks import Block
from streams.worker.case_store import CaseStore, Held
from streams.worker.control import Judging
from streams.worker.dead_letters import dead_letter, origin_of
from streams.worker.feedback import feedback_of
from streams.worker.guard import Decoded, Failure
from streams.worker.metrics import Metrics
from streams.worker.models import ModelWatch
from streams.worker.outbox import Outbox
from streams.worker.pulse import Pulse
from streams.worker.turns import Turns

T = TypeVar("T")
log = structlog.stdlib.get_logger(__name__)

#: Header of ``findings``: when the declaration's record came to Kafka, in milliseconds.
ARRIVED = "arrived"
#: Field names that are warned of at most; a feed that invents a name for every record must not fill the memory.
_NAMES_WARNED = 1_000
#: Room that Kafka's frame of a record needs beside key, value and headers.
_FRAME_BYTES = 16 * 1024


class Stages:
    """The three stages of one worker.

    Parameters
    ----------
    outbox : makes the outbox of a batch.
    judging : rules and reference tables in force.
    cases : state of the correlate stage.
    committed : gives the committed offset of a partition of ``findings``.
    pulse : tells whether the process stood still.
    turns : shared with the profile stage.
    """

    def __init__(
        self,
        chosen: Settings,
        outbox: Callable[[], Outbox],
        judging: Judging,
        cases: CaseStore,
        metrics: Metrics,
        committed: Callable[[int], int | None],
        pulse: Pulse,
        turns: Turns | None = None,
    ) -> None:
        self._chosen = chosen
        self._turns = turns or Turns()
        self._outbox = outbox
        self._judging = judging
        self._models = ModelWatch(lambda: judging.shelf.champions, metrics, judging.notices)
        self._cases = cases
        self._metrics = metrics
        self._committed = committed
        self._pulse = pulse
        #: Partitions of ``signals`` in the cluster; the worker asks for it before it starts.
        self.signal_partitions = chosen.partitions
        self._parties = Resolver(load_merges(chosen.merges) if chosen.merges else None, chosen.pepper)
        self._suppressions = Suppressions() if chosen.suppressions is None else Suppressions.load(chosen.suppressions)
        self._warned: set[str] = set()
        self._recovering = asyncio.Lock()
        # One thread beside the event loop, so that health, sending and fetching go on while a batch is judged.
        self._pool = ThreadPoolExecutor(1, thread_name_prefix="judge")

    def close(self) -> None:
        """Let the judging thread end."""
        self._pool.shutdown(wait=False, cancel_futures=True)

    async def screen(self, blocks: Sequence[Block]) -> None:
        """Judge declarations; write verdicts, signals and dead letters."""
        records = [record for block in blocks for record in block.records]
        loop = asyncio.get_running_loop()
        judged, failed = await loop.run_in_executor(self._pool, self._judge_first, records)
        outbox = self._outbox()
        self.bury(outbox, "declarations", failed)
        for verdicts, signals, shadows, _ in judged:
            for declaration_id, raw, at in verdicts:
                outbox.add("findings", declaration_id, raw, [(ARRIVED, str(at).encode())])
            for partition, block in signals.items():
                outbox.add("signals", None, block, partition=partition)
            for model, block in shadows:
                outbox.add("models.shadow", model, block)
        await outbox.flush()
        self._metrics.judged.inc(sum(count for *_, count in judged))

    def _judge_first(self, records: Sequence[ConsumerRecord]) -> tuple[list[_Screened], list[tuple[Stage, Failure]]]:
        with self._turns.first():
            return self._judge(records)

    def _judge(self, records: Sequence[ConsumerRecord]) -> tuple[list[_Screened], list[tuple[Stage, Failure]]]:
        unknown: list[str] = []
        decoded, undecoded = guard.decode(records, lambda record: guard.declaration(record, unknown))
        self._warn_unknown(unknown)
        judged, unjudged = guard.bisect(decoded, self._screen)
        return judged, [("decode", failure) for failure in undecoded] + [("screen", failure) for failure in unjudged]

    def _screen(self, part: Sequence[Decoded[Row]]) -> _Screened:
        origins = [origin_of("declarations", one.record) for one in part]
        batch = Batch.of([one.content for one in part], origins)
        reference, models = self._judging.current
        screened = engine.screen(batch, reference, models, self._chosen.personal_data, self._parties)
        arrivals: dict[tuple[str, int], int] = {}
        if screened.verdicts:
            for one in part:
                row = one.content
                arrivals.setdefault((row["declaration_id"], row["version"]), one.record.timestamp)
        verdicts = []
        for verdict in screened.verdicts:
            raw = _fitting(verdict.model_dump_json(by_alias=True).encode(), "the verdict")
            at = arrivals[verdict.declaration_id, verdict.declaration_version]
            verdicts.append((verdict.declaration_id, raw, at))
        blocks = {
            partition: _fitting(signals.model_dump_json(by_alias=True, exclude_defaults=True).encode(), "the signals")
            for partition, signals in split(block_of(screened.facts, origins[0]), self.signal_partitions).items()
        }
        self._count(screened.verdicts)
        return verdicts, blocks, self._models.look(batch, screened, origins[0]), screened.judged

    async def feedback(self, blocks: Sequence[Block]) -> None:
        """Hand what inspections found on to the profiles of the declaration's parties (see :mod:`streams.worker.feedback`)."""
        await self.prepare({block.tp.partition for block in blocks})
        records = [record for block in blocks for record in block.records]
        decoded, undecoded = guard.decode(records, guard.disposition)
        outbox = self._outbox()
        self.bury(outbox, "dispositions", [("profile", failure) for failure in undecoded])
        for one in decoded:
            case = self._cases.get(one.record.partition, one.content.declaration_id)
            block = None if case is None else feedback_of(one.content, case, origin_of("dispositions", one.record))
            for partition, part in ({} if block is None else split(block, self.signal_partitions)).items():
                raw = part.model_dump_json(by_alias=True, exclude_defaults=True).encode()
                outbox.add("signals", None, raw, partition=partition)
        await outbox.flush()

    async def correlate(self, blocks: Sequence[Block]) -> None:
        """Combine verdicts into alerts; write first the cases, then the alerts (see :mod:`streams.worker.case_store`)."""
        awake = self._pulse.interruptions
        await self.prepare({block.tp.partition for block in blocks})
        records = [record for block in blocks for record in block.records]
        decoded, undecoded = guard.decode(records, guard.verdict)
        news = [one for one in decoded if not self._cases.applied(one.record, one.content.declaration_id)]
        judgement = _Correlation(self._cases, self._chosen.alert_threshold, self._suppressions)
        _, unjudged = guard.bisect(news, judgement)
        outbox = self._outbox()
        self.bury(outbox, "findings", [("correlate", failure) for failure in undecoded + unjudged])
        for declaration_id, (partition, case) in judgement.held.items():
            outbox.add("cases", declaration_id, case.raw, case.headers(), partition)
        self._pulse.check(awake)
        await outbox.flush()
        for alert, raw, record in judgement.alerts.values():
            _tell(outbox, alert, raw, record.partition, _arrival(record))
        self._pulse.check(awake)
        await outbox.flush()
        for declaration_id, (partition, case) in judgement.held.items():
            self._cases.put(partition, declaration_id, case)
        now = datetime.now(UTC)
        for alert, _, record in judgement.alerts.values():
            self._metrics.alerts.labels(alert.severity, alert.status).inc()
            arrived = _arrival(record)
            if arrived is not None:
                self._metrics.latency.observe(max(0.0, (now - arrived).total_seconds()))

    async def prepare(self, partitions: Iterable[int]) -> None:
        """Recover the cases of those partitions whose cases are not known yet, and write the alerts that are due."""
        async with self._recovering:
            missing = {
                partition: self._committed(partition) for partition in partitions if partition not in self._cases
            }
            if not missing:
                return
            try:
                untold = await self._cases.recover(missing)
                outbox = self._outbox()
                for partition, alert in untold:
                    _tell(outbox, alert, alert.model_dump_json(by_alias=True).encode(), partition, None)
                await outbox.flush()
            except BaseException:
                self._cases.drop(missing)
                raise
            log.info(
                "cases recovered", partitions=sorted(missing), cases=len(self._cases), alerts_completed=len(untold)
            )

    def bury(self, outbox: Outbox, topic: str, failed: Sequence[tuple[Stage, Failure]]) -> None:
        """Put dead letters for records of a topic into an outbox."""
        now = datetime.now(UTC)
        for stage, failure in failed:
            letter = dead_letter(failure.record, topic, stage, failure.error, now)
            key = failure.record.key
            outbox.add("declarations.dlq", key, letter.model_dump_json(by_alias=True).encode())
            self._metrics.dead_letters.labels(stage).inc()
            log.warning("dead letter", stage=stage, origin=letter.origin, error=guard.named(failure.error))

    def _count(self, verdicts: Sequence[Verdict]) -> None:
        for verdict in verdicts:
            for finding in verdict.findings:
                self._metrics.findings.labels(finding.code).inc()

    def _warn_unknown(self, pointers: Iterable[str]) -> None:
        for pointer in pointers:
            self._metrics.unknown_fields.inc()
            name = "/".join("*" if part.isdecimal() else part for part in pointer.split("/"))[:100]
            if name not in self._warned and len(self._warned) < _NAMES_WARNED:
                self._warned.add(name)
                log.warning("unknown field left out", field=name)


#: Verdicts as (declaration_id, JSON, arrival in milliseconds), signals as JSON by partition, shadow scores as (model, JSON),
#: number of declarations judged.
_Screened = tuple[list[tuple[str, bytes, int]], dict[int, bytes], list[tuple[str, bytes]], int]


def _tell(outbox: Outbox, alert: Alert, raw: bytes, partition: int, arrived: datetime | None) -> None:
    outbox.add("alerts", alert.declaration_id, raw, cloudevents.headers(alert, arrived), partition)


def _fitting(raw: bytes, what: str) -> bytes:
    if len(raw) > MAX_RECORD_BYTES - _FRAME_BYTES:
        raise RecordError(f"{what} of {len(raw):,} bytes is larger than a record may be ({MAX_RECORD_BYTES:,})")
    return raw


def _arrival(record: ConsumerRecord) -> datetime | None:
    raw = dict(record.headers).get(ARRIVED)
    return datetime.fromtimestamp(int(raw) / 1000, UTC) if raw is not None and raw.isdigit() else None


class _Correlation:
    """Correlates parts of a batch in order; what one part changed is what the next one starts from."""

    def __init__(self, cases: CaseStore, threshold: int, suppressions: Suppressions) -> None:
        self._suppressions = suppressions
        self._cases = cases
        self._threshold = threshold
        self._changed: dict[str, Case] = {}
        self.held: dict[str, tuple[int, Held]] = {}
        self.alerts: dict[str, tuple[Alert, bytes, ConsumerRecord]] = {}

    def __call__(self, part: Sequence[Decoded[Verdict]]) -> None:
        last = {one.content.declaration_id: one.record for one in part}
        known: dict[str, Case] = {}
        for declaration_id, record in last.items():
            case = self._changed.get(declaration_id) or self._cases.get(record.partition, declaration_id)
            if case is not None:
                known[declaration_id] = case
        found = engine.correlate(
            [one.content for one in part], known, datetime.now(UTC), self._threshold, self._suppressions
        )
        written = {id(one.content): one.record.value for one in part}
        alerts = {}
        for alert in found.alerts:
            raw = _fitting(alert.model_dump_json(by_alias=True).encode(), "the alert")
            alerts[alert.declaration_id] = (alert, raw, last[alert.declaration_id])
            written[id(alert)] = raw
        held: dict[str, tuple[int, Held]] = {}
        for case in found.cases:
            record = last[case.declaration_id]
            kept = Held.of(case, record.offset, record.timestamp, written)
            _fitting(kept.raw, "the case")
            held[case.declaration_id] = (record.partition, kept)
        # Nothing may be left behind by a part that raised, so this comes last.
        self._changed |= {case.declaration_id: case for case in found.cases}
        self.held |= held
        self.alerts |= alerts
