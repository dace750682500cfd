"""Which rows make which conditions true, for all conditions of a table at once.

Rules of a pack share many of their tests and most rules can hit nothing in most batches. Therefore each condition is taken
apart at its ANDs and ORs (never below a NOT, where null would change sides), equal tests are evaluated once, and in two
rounds: the first test of every condition, then only what the surviving conditions need. A condition is true when all parts
of an AND are true, or one part of an OR; null counts as "not true" in both, so the three-valued logic of SQL needs no
further care here.

A test that :mod:`detectors.rules.plain` understands is answered there, without a frame; all others by polars together.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import reduce
from operator import or_
from typing import Literal

import numpy as np
import polars as pl

from detectors.rules.plain import Truth, plain_truth
from detectors.table import Flags, Table


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


@dataclass(frozen=True, slots=True)
class _Test:
    """An expression, the columns that it reads, and how to answer it without polars, if that is possible."""

    expression: pl.Expr
    columns: tuple[str, ...]
    plain: Truth | None


class Conditions:
    """Boolean expressions prepared to be evaluated together; each must judge a row by that row alone.

    Parameters
    ----------
    conditions : the expressions.
    dtypes : of the columns; without the type of all its columns a test is left to polars.
    """

    def __init__(self, conditions: Sequence[pl.Expr], dtypes: Mapping[str, pl.DataType] | None = None) -> None:
        self._dtypes = dtypes or {}
        self._tests: list[_Test] = []
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

    @property
    def left_to_polars(self) -> list[str]:
        """The tests that only polars can answer, as texts."""
        return [str(test.expression) for test in self._tests if test.plain is None]

    def rows(self, table: Table | pl.DataFrame) -> list[tuple[int, list[int]]]:
        """Return (condition number, rows where it is true, ascending) for the conditions that are true somewhere."""
        if not table.height or not self._trees:
            return []
        board = _Board(table if isinstance(table, Table) else Table.of(table), self._tests)
        board.judge(self._first_round)
        alive = [c for c, guard in enumerate(self._guards) if any(board.truths[test] is not None for test in guard)]
        board.judge(sorted({test for condition in alive for test in self._needs[condition]}))
        joint = ((condition, board.truth(self._trees[condition])) for condition in alive)
        return [(condition, truth.nonzero()[0].tolist()) for condition, truth in joint if truth is not None]

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
            columns = tuple(dict.fromkeys(test.meta.root_names()))
            self._tests.append(_Test(test.alias(str(number)), columns, plain_truth(test, self._dtypes)))
        return number


class _Board:
    """Where the tests judged so far are true."""

    def __init__(self, table: Table, tests: Sequence[_Test]) -> None:
        self._table = table
        self._tests = tests
        self._judged = bytearray(len(tests))
        #: for each judged test: where it is true, or None if nowhere; and in how many rows
        self.truths: list[Flags | None] = [None] * len(tests)
        self._counts = [0] * len(tests)

    def judge(self, wanted: Sequence[int]) -> None:
        """Judge the wanted tests that have not been judged yet."""
        table = self._table
        left: list[int] = []
        for number in wanted:
            if self._judged[number]:
                continue
            self._judged[number] = True
            plain = self._tests[number].plain
            if plain is None or not table.plain:
                left.append(number)
            else:
                self._keep(number, plain(table))
        if left:
            columns = dict.fromkeys(name for number in left for name in self._tests[number].columns)
            judged = table.frame(list(columns)).select([self._tests[number].expression for number in left])
            for number, series in zip(left, judged.get_columns(), strict=True):
                self._keep(number, series.fill_null(False).to_numpy())

    def _keep(self, test: int, truth: Flags) -> None:
        count = int(np.count_nonzero(truth))
        if count:
            self.truths[test] = truth
            self._counts[test] = count

    def truth(self, tree: int | _Junction) -> Flags | None:
        """Return where a junction is true, None if nowhere."""
        if isinstance(tree, int):
            return self.truths[tree]
        if tree.kind == "or":
            truths = [truth for part in tree.parts if (truth := self.truth(part)) is not None]
            return reduce(or_, truths) if truths else None
        tests = [part for part in tree.parts if isinstance(part, int)]
        if not all(map(self._counts.__getitem__, tests)):
            return None
        tests.sort(key=self._counts.__getitem__)  # the rarest first: most conditions are false after two or three
        joint: Flags | None = None
        junctions = [part for part in tree.parts if isinstance(part, _Junction)]
        ordered: list[int | _Junction] = [*tests, *junctions]
        for part in ordered:
            truth = self.truth(part)
            if truth is None:
                return None
            if joint is None:
                joint = truth
                continue
            joint = joint & truth
            if not joint.any():
                return None
        return joint


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
