"""The screen stage over a chunk of records, behind a guard: a bad record becomes a dead letter, the rest go on.

Runs in the parent or in a worker process of :mod:`streams.replay`. What crosses the process boundary is compact: plain tuples
one way, the contracts' JSON the other, so that verdicts are read back exactly as they would be from a Kafka topic.
"""

from __future__ import annotations

import base64
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from pydantic import TypeAdapter

from detectors import engine
from detectors.batch import Batch
from detectors.models import Models
from detectors.models.artefact import Source, load_all
from detectors.parties import Resolver
from detectors.parties.merges import load as load_merges
from schemas import ENGINE_VERSION, decode
from schemas.dead_letter import DeadLetter, Stage
from schemas.errors import FeedError, RecordError
from schemas.finding import Verdict
from schemas.signal import Fact
from streams import ingest, sources
from streams._replay_assembly import NotAssembledError
from streams.sources import Record
from streams.worker import dead_letters, guard

if TYPE_CHECKING:
    from detectors.engine import Screened
    from schemas.decode import Row

VERDICTS: TypeAdapter[list[Verdict]] = TypeAdapter(list[Verdict])
FACTS: TypeAdapter[list[Fact]] = TypeAdapter(list[Fact])
DEAD_LETTERS: TypeAdapter[list[DeadLetter]] = TypeAdapter(list[DeadLetter])

#: A record as plain values: raw, origin, format, at, and reason, path and stage of a problem known already.
Packed = tuple[bytes, str, str, datetime | None, tuple[str, str, bool] | None]


@dataclass(frozen=True, slots=True)
class Judging:
    """What a process needs to know to judge: rule packs by path (none: the default ones), the time of the run, stored models,
    a file of parties that are, or are not, the same, the secret in their keys, and whether profiles will hear of it."""

    packs: tuple[Path, ...]
    personal_data: bool
    now: datetime
    models: tuple[Source, ...] = ()
    merges: Path | None = None
    pepper: bytes = field(default=b"", repr=False)
    profiles: bool = True


#: A :class:`Judged` with JSON arrays in place of its lists.
WrittenJudged = tuple[int, int, frozenset[str], bytes, bytes, bytes]


class Judged(NamedTuple):
    """What became of a chunk: counts, and verdicts, facts and dead letters in input order.

    ``unknown`` names the fields that the contract does not know, with ``*`` for any place in a list.
    """

    records: int
    judged: int
    unknown: frozenset[str]
    verdicts: list[Verdict]
    facts: list[Fact]
    dead_letters: list[DeadLetter]

    def written(self) -> WrittenJudged:
        """Return the same with JSON for the contracts, to send to another process."""
        verdicts = VERDICTS.dump_json(self.verdicts, by_alias=True)
        facts = FACTS.dump_json(self.facts, by_alias=True, exclude_defaults=True)
        return *self[:3], verdicts, facts, DEAD_LETTERS.dump_json(self.dead_letters, by_alias=True)

    @classmethod
    def read(cls, written: WrittenJudged) -> Judged:
        """Return what was :meth:`written`."""
        records, judged, unknown, verdicts, facts, dead_letters = written
        return cls(
            records,
            judged,
            unknown,
            VERDICTS.validate_json(verdicts),
            FACTS.validate_json(facts),
            DEAD_LETTERS.validate_json(dead_letters),
        )


def pack(record: Record) -> Packed:
    """Return a record as plain values (exceptions with arguments of their own do not survive pickling)."""
    problem = record.problem
    known = None if problem is None else (problem.reason, problem.path, isinstance(problem, NotAssembledError))
    return record.raw, record.origin, record.format, record.at, known


def unpack(packed: Packed) -> Record:
    """Return the record of :func:`pack`."""
    raw, origin, form, at, known = packed
    if known is None:
        return Record(raw, origin, form, at)
    reason, path, assembled = known
    return Record(raw, origin, form, at, NotAssembledError(reason, path) if assembled else FeedError(reason, path))


class _Place(NamedTuple):
    """A declaration's bytes and where they came from."""

    raw: bytes
    origin: str


class Judge:
    """Judges chunks with one set of rules and tables."""

    def __init__(self, about: Judging) -> None:
        self._about = about
        self._reference = engine.default_reference()
        rules = Models.load(list(about.packs)) if about.packs else engine.default_models()
        self._parties = Resolver(load_merges(about.merges) if about.merges else None, about.pepper)
        self._models = replace(rules, detectors=load_all(about.models, self._reference))

    def __call__(self, records: Sequence[Record]) -> Judged:
        """Decode and screen; never raises for what a record holds."""
        dead: list[DeadLetter] = []
        unknown: set[str] = set()
        decoded = [one for record in records for one in self._decoded(record, dead, unknown)]
        parts, failures = guard.bisect(decoded, self._screened)
        dead += [self._dead_letter(failure.record, "screen", failure.error) for failure in failures]
        verdicts = [verdict for part in parts for verdict in part.verdicts]
        facts = [fact for part in parts for fact in part.facts]
        return Judged(
            len(records),
            sum(part.judged for part in parts),
            frozenset(unknown),
            verdicts,
            facts,
            dead,
        )

    def _decoded(self, record: Record, dead: list[DeadLetter], unknown: set[str]) -> Iterator[guard.Decoded[Row]]:
        try:
            values = sources.declarations(record)
        except NotAssembledError as error:
            dead.append(self._dead_letter(_Place(record.raw, record.origin), "intake", error))
            return
        except FeedError as error:
            dead.append(ingest.dead_letter(record, error, self._about.now))
            return
        for raw in values:
            place = _Place(raw, record.origin)
            try:
                pointers: list[str] = []
                row = decode.row(raw, self._about.now, pointers)
            except guard.FAILURES as error:
                dead.append(self._dead_letter(place, "decode", error))
                continue
            unknown.update(map(_anywhere, pointers))
            yield guard.Decoded(place, row)

    def _screened(self, part: Sequence[guard.Decoded[Row]]) -> Screened:
        batch = Batch.of([one.content for one in part], [one.record.origin for one in part])
        return engine.screen(
            batch, self._reference, self._models, self._about.personal_data, self._parties, self._about.profiles
        )

    def _dead_letter(self, place: _Place, stage: Stage, error: BaseException) -> DeadLetter:
        """Return the dead letter that the worker would send; only the origin is a file's instead of a topic's."""
        reason, path = (error.reason, error.path) if isinstance(error, RecordError) else (str(error), "")
        return DeadLetter(
            dead_letter_id=dead_letters.dead_letter_id(place.origin, stage),
            stage=stage,
            reason=dead_letters.printable(reason or type(error).__name__)[:4096],
            path=dead_letters.printable(path)[:1024],
            error=type(error).__name__,
            origin=place.origin,
            at=self._about.now,
            payload=base64.b64encode(place.raw[: dead_letters.MAX_PAYLOAD_BYTES]).decode(),
            payload_bytes=len(place.raw),
            truncated=len(place.raw) > dead_letters.MAX_PAYLOAD_BYTES,
            engine=ENGINE_VERSION,
        )


def _anywhere(pointer: str) -> str:
    """Return a pointer with ``*`` for every place in a list: one name for a field, however many items carry it."""
    return "/".join("*" if part.isdecimal() else part for part in pointer.split("/"))[:100]
