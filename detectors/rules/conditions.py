"""Which rows make which conditions true, for all conditions of a frame at once.

A polars select costs about 12 us per operation whatever the batch, so 35 rules of eight tests each would cost 4 ms on
ten rows. Rules of a pack share many of their tests and most rules can hit nothing in most batches. Therefore each
condition is taken apart at its ANDs and ORs (never below a NOT, where null would change sides), equal tests are
evaluated once, and in two rounds: the first test of every condition, then only what the surviving conditions need.
A condition is true when all parts of an AND are true, or one part of an OR; null counts as "not true" in both, so the
three-valued logic of SQL needs no further care here.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import polars as pl
from numpy.typing import NDArray

Truth = NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class _Junction:
    """An AND or OR of tests (by number) and further junctions."""

    kind: Literal["and", "or"]
    parts: tuple[int | _Junction, ...]

    def tests(self) -> Iterator[int]:
        for part in self.parts:
            if isinstance(part, int):
                yield part
            else:
                yield from part.tests()


class Conditions:
    """Boolean expressions prepared to be evaluated together; each must judge a row by that row alone."""

    def __init__(self, conditions: Sequence[pl.Expr]) -> None:
        self._tests: list[pl.Expr] = []
        self._columns: list[str | None] = []
        self._numbers: dict[bytes, int] = {}
        self._trees = [self._tree(condition) for condition in conditions]
        firsts = [tree.parts[0] if tree.kind == "and" else tree for tree in self._trees]
        self._guards = [(first,) if isinstance(first, int) else tuple(first.tests()) for first in firsts]
        self._needs = [tuple(tree.tests()) for tree in self._trees]
        self._first_round = sorted({test for guard in self._guards for test in guard})

    def __len__(self) -> int:
        return len(self._trees)

    @property
    def test_count(self) -> int:
        """How many different tests the conditions consist of."""
        return len(self._tests)

    def rows(self, frame: pl.DataFrame) -> list[tuple[int, NDArray[np.intp]]]:
        """Return (condition number, rows where it is true) for the conditions that are true somewhere."""
        if not frame.height or not self._trees:
            return []
        board = _Board(frame, len(self._tests))
        board.judge(self._first_round, self._tests, self._columns)
        alive = [c for c, guard in enumerate(self._guards) if any(board.somewhere(test) for test in guard)]
        board.judge(sorted({t for c in alive for t in self._needs[c]}), self._tests, self._columns)
        found = []
        for condition in alive:
            truth = board.truth(self._trees[condition])
            if truth is not None:
                rows = truth.nonzero()[0]
                if rows.size:
                    found.append((condition, rows))
        return found

    def _tree(self, condition: pl.Expr) -> _Junction:
        tree = self._split(condition)
        return tree if isinstance(tree, _Junction) else _Junction("and", (tree,))

    def _split(self, expression: pl.Expr) -> int | _Junction:
        split = _halves(expression)
        if split is None:
            return self._number(expression)
        kind, halves = split
        parts: list[int | _Junction] = []
        for half in halves:
            part = self._split(half)
            parts += part.parts if isinstance(part, _Junction) and part.kind == kind else (part,)
        return _Junction(kind, tuple(parts))

    def _number(self, test: pl.Expr) -> int:
        key = test.meta.serialize()  # the text of an expression hides the values of an IN list
        number = self._numbers.setdefault(key, len(self._tests))
        if number == len(self._tests):
            self._tests.append(test.alias(str(number)))
            self._columns.append(test.meta.output_name() if test.meta.is_column() else None)
        return number


class _Board:
    """The truth of the tests judged so far, turned into arrays only when asked for."""

    def __init__(self, frame: pl.DataFrame, tests: int) -> None:
        self._frame = frame
        self._judged = bytearray(tests)
        #: for each judged test: where it is true, None if nowhere
        self._state: list[pl.Series | Truth | None] = [None] * tests

    def judge(self, wanted: Iterable[int], tests: Sequence[pl.Expr], columns: Sequence[str | None]) -> None:
        computed = []
        for test in wanted:
            if not self._judged[test]:
                column = columns[test]
                if column is None:
                    computed.append(test)
                else:
                    self._keep(test, self._frame.get_column(column))
        if computed:
            judged = self._frame.select([tests[test] for test in computed])
            for test, series in zip(computed, judged.get_columns(), strict=True):
                self._keep(test, series)

    def _keep(self, test: int, series: pl.Series) -> None:
        self._judged[test] = True
        self._state[test] = series if series.sum() else None  # of booleans: how many are true; null counts as none

    def somewhere(self, test: int) -> bool:
        return self._state[test] is not None

    def truth(self, tree: int | _Junction) -> Truth | None:
        """Return where a junction is true, or None if nowhere."""
        if isinstance(tree, int):
            return self._test(tree)
        if tree.kind == "or":
            truths = [truth for part in tree.parts if (truth := self.truth(part)) is not None]
            return np.logical_or.reduce(truths) if truths else None
        if any(isinstance(part, int) and self._state[part] is None for part in tree.parts):
            return None
        joint: Truth | None = None
        for part in tree.parts:
            truth = self.truth(part)
            if truth is None:
                return None
            joint = truth if joint is None else joint & truth
        return joint

    def _test(self, test: int) -> Truth | None:
        state = self._state[test]
        if isinstance(state, pl.Series):
            state = _as_truth(state)
            self._state[test] = state
        return state


def _as_truth(series: pl.Series) -> Truth:
    if not series.null_count():
        return series.to_numpy()
    truth: Truth = series.to_arrow().fill_null(False).to_numpy(zero_copy_only=False)
    return truth


def _halves(expression: pl.Expr) -> tuple[Literal["and", "or"], tuple[pl.Expr, pl.Expr]] | None:
    """Return the two sides of an AND or OR; None for anything else, and where a side has no column (no length)."""
    inputs = expression.meta.pop()
    if len(inputs) != 2 or not all(side.meta.root_names() for side in inputs):
        return None
    for left, right in ((inputs[0], inputs[1]), (inputs[1], inputs[0])):
        if (left & right).meta.eq(expression):
            return "and", (left, right)
        if (left | right).meta.eq(expression):
            return "or", (left, right)
    return None
