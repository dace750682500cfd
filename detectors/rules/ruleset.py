"""A set of rules ready to run over the feature frames of a batch."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

import polars as pl

from detectors.columns import COLUMNS, Column, Scope
from detectors.rules import loading, sql
from detectors.rules.conditions import Conditions
from detectors.rules.hit import Hit, Order, Spokesman
from detectors.rules.rule import Rule
from detectors.table import Cells, Table
from schemas.errors import RulePackError

DEFAULT_PACKS = Path(__file__).parent / "packs"


class RuleSet:
    """Rules compiled together; made by :meth:`load` or :meth:`of` from packs without mistakes, and never changed after.

    A rule abstains (gives no hit) where its condition or its score is null: unknown is no ground for suspicion.
    """

    def __init__(self, rules: Sequence[Rule], version: str, columns: Mapping[str, Column] = COLUMNS) -> None:
        self.rules = tuple(rules)
        self.version = version
        running = [rule for rule in self.rules if rule.status != "deprecated"]
        self._frames = {scope: _FrameRules(scope, running, columns) for scope in ("item", "declaration")}
        #: The columns that some rule asks for: the others need not be computed.
        self.columns = frozenset().union(*(rules.columns for rules in self._frames.values()))

    @classmethod
    def load(cls, paths: Iterable[Path | str] | None = None, columns: Mapping[str, Column] = COLUMNS) -> RuleSet:
        """Load packs from YAML files, or folders of them; by default those that come with Assay.

        Raises
        ------
        RulePackError : with every mistake of every pack.
        """
        return cls.of(loading.read([DEFAULT_PACKS] if paths is None else paths), columns)

    @classmethod
    def of(cls, texts: Mapping[str, str], columns: Mapping[str, Column] = COLUMNS) -> RuleSet:
        """Make a rule set from the texts of packs, by file name; raises RulePackError like :meth:`load`."""
        checked = loading.check(texts, columns)
        if checked.problems:
            raise RulePackError([str(problem) for problem in checked.problems])
        return cls(checked.rules, checked.version, columns)

    def evaluate(self, items: Table | pl.DataFrame, declarations: Table | pl.DataFrame) -> list[Hit]:
        """Return the hits of all rules, by declaration, then declaration rules before items, then in order of the rules.

        Parameters
        ----------
        items : a row per item; ``row``, ``item_index``, ``item_number`` and the columns of both scopes.
        declarations : a row per declaration; ``row`` and the columns of scope "declaration".
        """
        found = [
            *self._frames["declaration"].hits(_table(declarations)),
            *self._frames["item"].hits(_table(items)),
        ]
        found.sort(key=lambda entry: entry[0])
        return [hit for _, hit in found]


class _FrameRules:
    """The rules of one scope, with their conditions compiled together."""

    def __init__(self, scope: Scope, rules: Sequence[Rule], columns: Mapping[str, Column]) -> None:
        self._scope = scope
        placed = [(position, rule) for position, rule in enumerate(rules) if rule.scope == scope]
        self._rules = [Spokesman(position, rule, columns) for position, rule in placed]
        conditions = [condition(rule) for _, rule in placed]
        self._conditions = Conditions(conditions, {name: column.dtype for name, column in columns.items()})
        self.columns: frozenset[str] = frozenset().union(
            *(sql.columns_of(each) for each in conditions), *(spokesman.columns for spokesman in self._rules)
        )

    def hits(self, table: Table) -> list[tuple[Order, Hit]]:
        found = self._conditions.rows(table)
        if not found:
            return []
        hit_rows = sorted({row for _, rows in found for row in rows})
        spoken = [self._rules[number] for number, _ in found]
        places = ["row"] if self._scope == "declaration" else ["row", "item_index", "item_number"]
        names = dict.fromkeys([*places, *(name for rule in spoken for name in rule.columns)])
        cells = {name: table[name].at(hit_rows) for name in names}
        scored = {rule.position: rule.score_sql for rule in spoken if rule.score_sql is not None}
        if scored:
            asked = dict.fromkeys(name for score in scored.values() for name in sql.columns_of(score))
            gathered = Table(len(hit_rows), (Cells(name, cells[name], table[name].dtype) for name in asked)).frame()
            scores = gathered.select(score.alias(str(position)) for position, score in scored.items())
            cells |= {f"score {series.name}": series.to_list() for series in scores.get_columns()}
        place = {row: index for index, row in enumerate(hit_rows)}
        hits = []
        for (_, rows), rule in zip(found, spoken, strict=True):
            for row in rows:
                hit = rule.hit(row, place[row], cells)
                if hit is not None:
                    hits.append(hit)
        return hits


def _table(found: Table | pl.DataFrame) -> Table:
    return found if isinstance(found, Table) else Table.of(found)


def condition(rule: Rule) -> pl.Expr:
    """Return when a rule is true of a row, its effective dates included."""
    when = sql.expression(rule.when)
    if rule.from_day is not None:
        when = when & (pl.col("day") >= rule.from_day)
    if rule.to_day is not None:
        when = when & (pl.col("day") <= rule.to_day)
    return when
