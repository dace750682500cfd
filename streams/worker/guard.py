"""The guard around the stage functions: an error costs the one record that caused it, never the batch, never the worker."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Generic, TypeVar

from aiokafka.structs import ConsumerRecord
from polars.exceptions import PanicException
from pydantic import ValidationError

from schemas.decode import Row, row
from schemas.disposition import Disposition
from schemas.errors import ContractError, RecordError
from schemas.finding import Verdict
from schemas.signal import SignalBlock
from schemas.types import Contract

T = TypeVar("T")
R = TypeVar("R")
C = TypeVar("C", bound=Contract)

#: What a stage function may raise for one bad record. A panic inside polars is no ``Exception``.
FAILURES = (Exception, PanicException)


@dataclass(frozen=True, slots=True)
class Failure:
    """A record that cannot be used, and why."""

    record: ConsumerRecord
    error: BaseException


@dataclass(frozen=True, slots=True)
class Decoded(Generic[T]):
    """A record with what it holds."""

    record: ConsumerRecord
    content: T


def arrived(record: ConsumerRecord) -> datetime | None:
    """Return when a record came to Kafka (UTC), if it says."""
    return datetime.fromtimestamp(record.timestamp / 1000, UTC) if record.timestamp > 0 else None


def _value(record: ConsumerRecord) -> bytes:
    value: bytes | None = record.value
    if value is None:
        raise ContractError("the record has no value; a declaration is withdrawn by an event `cancelled`, not by null")
    return value


def declaration(record: ConsumerRecord, unknown: list[str] | None = None) -> Row:
    """Decode a record of ``declarations``, adding pointers of unknown fields to ``unknown``; raises RecordError."""
    return row(_value(record), arrived(record), unknown)


def verdict(record: ConsumerRecord) -> Verdict:
    """Decode a record of ``findings``; raises RecordError."""
    return _contract(Verdict, record)


def signals(record: ConsumerRecord) -> SignalBlock:
    """Decode a record of ``signals``; raises RecordError."""
    return _contract(SignalBlock, record)


def disposition(record: ConsumerRecord) -> Disposition:
    """Decode a record of ``dispositions``; raises RecordError."""
    return _contract(Disposition, record)


def _contract(kind: type[C], record: ConsumerRecord) -> C:
    try:
        return kind.model_validate_json(_value(record))
    except ValidationError as error:
        first = error.errors(include_url=False, include_context=False, include_input=False)[0]
        raise ContractError(str(first["msg"]), "".join(f"/{part}" for part in first["loc"])) from None


def decode(
    records: Sequence[ConsumerRecord], one: Callable[[ConsumerRecord], T]
) -> tuple[list[Decoded[T]], list[Failure]]:
    """Decode records one by one; what fails is set aside."""
    good: list[Decoded[T]] = []
    bad: list[Failure] = []
    for record in records:
        try:
            good.append(Decoded(record, one(record)))
        except FAILURES as error:
            bad.append(Failure(record, error))
    return good, bad


def bisect(batch: Sequence[Decoded[T]], judge: Callable[[Sequence[Decoded[T]]], R]) -> tuple[list[R], list[Failure]]:
    """Judge a batch; if that raises, judge its halves in order, and so on down to the records that cannot be judged.

    One bad record among ``n`` costs about ``2 log2(n)`` further calls. ``judge`` must leave nothing behind when it raises.
    """
    results: list[R] = []
    failures: list[Failure] = []
    pending = [batch] if batch else []
    while pending:
        part = pending.pop()
        try:
            results.append(judge(part))
        except FAILURES as error:
            if len(part) == 1:
                failures.append(Failure(part[0].record, error))
            else:
                middle = len(part) // 2
                pending += [part[middle:], part[:middle]]
    return results, failures


def named(error: BaseException) -> str:
    """Name an error for the log: its kind, and where our code stood; never its message, which may quote the record."""
    frame = error.__traceback__
    place = ""
    while frame is not None:
        module = frame.tb_frame.f_globals.get("__name__", "")
        if module.startswith(("schemas", "detectors", "streams")):
            place = f" in {module}:{frame.tb_lineno}"
        frame = frame.tb_next
    path = f" at {error.path}" if isinstance(error, RecordError) and error.path else ""
    return f"{type(error).__name__}{place}{path}"
