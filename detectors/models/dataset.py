"""What models learn from: declarations as they were when lodged, and what became of them.

**No peeking.** Of each declaration the first version counts, without what was learned later (the MRN, amendments, releases);
labels that were decided after a day are not known on that day (:meth:`Answers.known_by`).

**Selection.** Inspections are not a sample of trade. What was picked by chance stands for all that was not picked, so it weighs
one by the chance to be picked; what was picked for its risk, or because the law says so, would be picked again and weighs one
(inverse propensity, Horvitz and Thompson 1952).
"""

from __future__ import annotations

import contextlib
import sqlite3
import tempfile
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Self

from detectors.batch import Batch
from detectors.models.learned import Outcome
from schemas import decode
from schemas.alert import Selection
from schemas.declaration import Money
from schemas.decode import Row
from schemas.disposition import Disposition, Label

#: Records of a batch: what the worker judges at once is smaller, and gives the same.
BATCH = 1000
#: What an inspection says of a declaration; the other verdicts say nothing of it.
WRONG = {"true_positive": True, "false_positive": False, "benign": False}
#: A weight above this would let one lucky pick outvote everything else.
MAX_WEIGHT = 1000.0
_FIRST = "lodged"


@dataclass(frozen=True, slots=True)
class Answer:
    """What became of a declaration: the outcome, when it was decided (None: always known), and what kind of case it was."""

    outcome: Outcome
    decided_at: datetime | None = None
    kinds: tuple[str, ...] = ()


@dataclass(frozen=True)
class Answers:
    """Answers by ``declaration_id``."""

    by_id: Mapping[str, Answer] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self.by_id)

    def known_by(self, moment: datetime) -> dict[str, Outcome]:
        """Return the outcomes that had been decided by a moment: what a training on that day could have used."""
        return {
            name: answer.outcome
            for name, answer in self.by_id.items()
            if answer.decided_at is None or answer.decided_at <= moment
        }

    @classmethod
    def of_labels(cls, labels: Iterable[Label]) -> Self:
        """Return the answers of label files (simulated or inspected declarations); the first of each declaration counts."""
        found: dict[str, Answer] = {}
        for label in labels:
            outcome = Outcome(bool(label.typologies), tuple(label.substances))
            kinds = tuple(dict.fromkeys([*label.typologies, *([label.scenario] if label.scenario else [])]))
            found.setdefault(label.declaration_id, Answer(outcome, None, kinds if outcome.wrong else ()))
        return cls(found)

    @classmethod
    def of_dispositions(
        cls,
        dispositions: Iterable[Disposition],
        selected: Mapping[str, Iterable[Selection]],
        random_share: float,
        usd_rate: Callable[[str, date], float | None],
        until: datetime | None = None,
    ) -> Self:
        """Return the answers of inspections; of each declaration the one decided last counts.

        Parameters
        ----------
        selected : ``alert_id`` -> why it was picked, from the alerts.
        random_share : chance with which a declaration was picked at random, 0..1.
        until : leave out what was decided after this moment.
        """
        latest: dict[str, Disposition] = {}
        for one in dispositions:
            before = latest.get(one.declaration_id)
            if one.verdict in WRONG and (until is None or one.decided_at <= until):
                latest[one.declaration_id] = one if before is None or one.decided_at >= before.decided_at else before
        found = {}
        for name, one in latest.items():
            outcome = Outcome(
                WRONG[one.verdict],
                (one.found.substance,) if one.found and one.found.substance else (),
                tuple(one.confirmed_codes),
                _dollars(one.revenue_recovered, one.decided_at, usd_rate),
                weight(selected.get(one.alert_id, ()), random_share),
            )
            found[name] = Answer(outcome, one.decided_at, tuple(one.confirmed_codes) if outcome.wrong else ())
        return cls(found)


def weight(selected_by: Iterable[str], random_share: float) -> float:
    """Return what an inspected declaration weighs: one by the chance that it was picked.

    >>> weight(["random"], 0.01), weight(["risk", "random"], 0.01), weight([], 0.01)
    (100.0, 1.0, 1.0)
    """
    return min(1.0 / random_share, MAX_WEIGHT) if list(selected_by) == ["random"] and random_share > 0 else 1.0


def _dollars(money: Money | None, at: datetime, usd_rate: Callable[[str, date], float | None]) -> float | None:
    if money is None:
        return None
    rate = usd_rate(money.currency, at.date())
    return None if rate is None else money.amount * rate


class Lodgements:
    """Declarations as they were when lodged, on disk and in order of time, however large the history is.

    Parameters
    ----------
    folder : where the (temporary) database goes; by default where temporary files go.
    """

    def __init__(self, folder: Path | None = None) -> None:
        self._folder = tempfile.TemporaryDirectory(prefix="assay-history-", dir=folder)
        self._path = Path(self._folder.name) / "lodgements.sqlite"
        self._base = sqlite3.connect(self._path, isolation_level=None)
        self._base.execute("PRAGMA journal_mode=OFF")
        self._base.execute("PRAGMA synchronous=OFF")
        self._base.execute(
            "CREATE TABLE lodged (id TEXT PRIMARY KEY, version INT, first INT, at INT, raw BLOB) WITHOUT ROWID"
        )
        self._base.execute("BEGIN")
        #: Declarations left out because their first version is not in the history.
        self.headless = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._base.close()
        self._folder.cleanup()

    def take(self, raw: bytes, row: Row) -> None:
        """Keep a record if it is the earliest of its declaration so far; ``row`` is the decoded ``raw``."""
        self._base.execute(
            "INSERT INTO lodged VALUES (?, ?, ?, ?, ?) ON CONFLICT (id) DO UPDATE SET version = excluded.version, "
            "first = excluded.first, at = excluded.at, raw = excluded.raw "
            "WHERE (excluded.version, -excluded.first) < (version, -first)",
            (row["declaration_id"], row["version"], row["event"] == _FIRST, _micros(row["lodged_at"]), raw),
        )

    def settle(self) -> int:
        """Leave out what has no first version, order by time, and return how many declarations there are."""
        self.headless += self._base.execute("DELETE FROM lodged WHERE version > 1").rowcount
        self._base.execute("CREATE INDEX IF NOT EXISTS by_time ON lodged (at, id)")
        self._base.execute("COMMIT")
        self._base.execute("BEGIN")
        return len(self)

    def keep(self, since: datetime | None, until: datetime | None) -> None:
        """Forget what was lodged outside a span (``until`` not included)."""
        self._base.execute("DELETE FROM lodged WHERE at < ? OR at >= ?", _span(since, until))

    def __len__(self) -> int:
        return self.count()

    def count(self, since: datetime | None = None, until: datetime | None = None) -> int:
        """Return how many declarations were lodged in a span (``until`` not included)."""
        found: int = self._base.execute(
            "SELECT count(*) FROM lodged WHERE at >= ? AND at < ?", _span(since, until)
        ).fetchone()[0]
        return found

    def cut(self, share: float) -> datetime | None:
        """Return the moment before which all but the last ``share`` of the declarations were lodged, None if there are none."""
        place = max(0, min(len(self) - 1, round(len(self) * (1 - share))))
        found = self._base.execute("SELECT at FROM lodged ORDER BY at, id LIMIT 1 OFFSET ?", (place,)).fetchone()
        return None if found is None else _moment(found[0])

    def bounds(self) -> tuple[datetime, datetime] | None:
        """Return when the first and the last declaration were lodged."""
        first, last = self._base.execute("SELECT min(at), max(at) FROM lodged").fetchone()
        return None if first is None else (_moment(first), _moment(last))

    def batches(
        self, since: datetime | None = None, until: datetime | None = None, only: Iterable[str] | None = None
    ) -> Iterable[Batch]:
        """Return the declarations of a span in batches, by time; anew with every iteration. ``only``: those of these ids."""
        return _Batches(self._path, self._base, _span(since, until), None if only is None else frozenset(only))

    def raws(
        self, since: datetime | None = None, until: datetime | None = None
    ) -> Iterator[tuple[str, datetime, bytes]]:
        """Yield id, time and JSON of each declaration of a span, by time."""
        query = "SELECT id, at, raw FROM lodged WHERE at >= ? AND at < ? ORDER BY at, id"
        for name, at, raw in self._base.execute(query, _span(since, until)):
            yield name, _moment(at), raw

    def kinds(self, answers: Answers) -> Counter[str]:
        """Count the answers that belong to a declaration of the history, by kind of case."""
        counted: Counter[str] = Counter()
        for (name,) in self._base.execute("SELECT id FROM lodged"):
            answer = answers.by_id.get(name)
            if answer is not None:
                counted.update(answer.kinds or (["wrong"] if answer.outcome.wrong else ["honest"]))
        return counted


@dataclass(frozen=True)
class _Batches:
    """A span of :class:`Lodgements`, to be gone through as often as is needed."""

    path: Path
    base: sqlite3.Connection
    span: tuple[int, int]
    only: frozenset[str] | None

    def __iter__(self) -> Iterator[Batch]:
        query = "SELECT id, raw FROM lodged WHERE at >= ? AND at < ? ORDER BY at, id"
        with contextlib.closing(self.base.execute(query, self.span)) as rows:
            gathered: list[Row] = []
            for name, raw in rows:
                if self.only is not None and name not in self.only:
                    continue
                gathered.append(as_lodged(raw))
                if len(gathered) == BATCH:
                    yield Batch.of(gathered)
                    gathered = []
            if gathered:
                yield Batch.of(gathered)


def as_lodged(raw: bytes) -> Row:
    """Return the row of a first version, without what only later records could tell."""
    row = decode.row(raw)
    row["mrn"] = None
    return row


_EVER = 2**62
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def _micros(moment: datetime) -> int:
    return (moment - _EPOCH) // timedelta(microseconds=1)


def _moment(micros: int) -> datetime:
    return _EPOCH + timedelta(microseconds=micros)


def _span(since: datetime | None, until: datetime | None) -> tuple[int, int]:
    return -_EVER if since is None else _micros(since), _EVER if until is None else _micros(until)
