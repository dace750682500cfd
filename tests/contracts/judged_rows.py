"""The declarations that the shared checks judge, and what they take a detector for."""

from __future__ import annotations

import json
import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from typing import Any, Protocol

from schemas import decode
from schemas.decode import Row
from schemas.finding import Finding
from streams.simulate.feed import feed

NOW = datetime(2026, 11, 22, tzinfo=UTC)
SIMULATED = 300
LACKING = {
    "schema": "declaration/1",
    "event": "lodged",
    "lodged_at": "2026-11-20T08:00:00Z",
    "source": {"system": "test", "format": "declaration/1"},
    "regime": "export",
}

#: (declaration, version, event) -> what was said of it, in a form that can be compared; "" for what is of no declaration.
Said = dict[tuple[str, int, str], list[str]]


@dataclass(frozen=True, slots=True)
class Judgement:
    """What a detector said of a feed: its findings with the declaration of each, and everything it said, to compare."""

    findings: list[tuple[Row, Finding]]
    said: Said


class Detector(Protocol):
    """A detector as the checks see it."""

    @property
    def name(self) -> str:
        """Its name in the report of the tests."""

    def judge(self, batches: Sequence[Sequence[Row]]) -> Judgement:
        """Judge the declarations of the batches, in order, from a fresh start."""


_RECORDS: dict[tuple[str, int, str], bytes] = {}


def row(declaration: Mapping[str, Any]) -> Row:
    """Return a declaration as the workers decode it."""
    record = json.dumps(declaration).encode()
    decoded = decode.row(record)
    _RECORDS[key_of(decoded)] = record
    return decoded


@cache
def decoded_anew(keys: tuple[tuple[str, int, str], ...]) -> tuple[Sequence[Row], Sequence[Row]]:
    """Return declarations decoded again from their bytes, twice: one to compare with, one to judge."""
    first, second = ([decode.row(_RECORDS[key]) for key in keys] for _ in range(2))
    return first, second


@cache
def simulated() -> tuple[Row, ...]:
    """Return a feed in which much happens: stories, look-alikes, amendments, cancellations, redeliveries."""
    told = feed(
        7,
        SIMULATED,
        scenario_share=0.4,
        look_alike_share=0.3,
        amended_share=0.1,
        cancelled_share=0.05,
        duplicate_share=0.03,
    )
    return tuple(row(each) for each, _ in told)


def bare(regime: str) -> Row:
    """Return a declaration that has the required fields only."""
    return row(LACKING | {"declaration_id": f"bare:{regime}", "regime": regime, "items": [{"number": 1}]})


@cache
def random_order(size: int) -> tuple[int, ...]:
    places = list(range(size))
    random.Random(11).shuffle(places)
    return tuple(places)


def split(rows: Sequence[Row], size: int) -> list[Sequence[Row]]:
    return [rows[start : start + size] for start in range(0, len(rows), size)]


def key_of(found: Row) -> tuple[str, int, str]:
    return found["declaration_id"], found["version"], found["event"]
