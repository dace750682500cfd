"""A hit: a rule that is true of a row, with what it says there."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

from detectors.columns import Column
from detectors.rules import sql
from detectors.rules.rule import Rule
from detectors.rules.template import Template, as_text, is_column_name

#: Longest texts of a finding (``schemas.finding``), and the part of a long field worth repeating as evidence.
_TITLE, _EXPLANATION, _OBSERVED = 512, 8192, 1000


@dataclass(slots=True)
class Hit:
    """A rule that is true of a row.

    Parameters
    ----------
    rule : the rule.
    row : index of the row in the frame of the rule's scope.
    declaration : index of the declaration in the batch (column ``row``).
    item_number : the number of the item, None for a declaration rule.
    score : 0 to 1.
    evidence : ``path`` (RFC 6901 pointer into the declaration), ``observed``, ``expected``, ``reference``.
    substances : values of the rule's substance column, in its order.
    """

    rule: Rule
    row: int
    declaration: int
    item_number: int | None
    score: float
    title: str
    explanation: str
    evidence: list[dict[str, Any]]
    substances: list[str]


#: Declaration, item index (-1 for the declaration itself), position of the rule: hits come in this order.
Order = tuple[int, int, int]


class Spokesman:
    """What one rule says of a row that it hit."""

    def __init__(self, position: int, rule: Rule, columns: Mapping[str, Column]) -> None:
        self.position = position
        self.rule = rule
        self.score_sql = sql.expression(rule.score) if isinstance(rule.score, str) else None
        self._title = Template(rule.title)
        self._explanation = Template(rule.explanation)
        self._evidence = [
            (columns[entry.column], _Said(entry.expected), _Said(entry.reference)) for entry in rule.evidence
        ]
        self.columns = {rule.substance} if rule.substance else set()
        self.columns |= self._title.columns | self._explanation.columns
        self.columns |= set(sql.columns_of(self.score_sql)) if self.score_sql is not None else set()
        for column, expected, reference in self._evidence:
            self.columns |= {column.name} | expected.columns | reference.columns
            self.columns |= {column.by} if column.by is not None else set()

    def hit(self, row: int, at: int, cells: Mapping[str, list[Any]]) -> tuple[Order, Hit] | None:
        """Return the hit on a row of the frame (at index ``at`` of the gathered cells), None if the score abstains."""
        score: Any = self.rule.score if self.score_sql is None else cells[f"score {self.position}"][at]
        if score is None or math.isnan(score):
            return None
        values = {name: cells[name][at] for name in self.columns}
        index = cells["item_index"][at] if self.rule.scope == "item" else None
        evidence = []
        for column, expected, reference in self._evidence:
            named = reference.of(values)
            path = column.path if column.by is None else column.paths.get(values[column.by], column.path)
            evidence.append(
                {
                    "path": path if index is None else path.replace("{i}", str(index)),
                    "observed": observed(values[column.name]),
                    "expected": expected.of(values),
                    "reference": None if named is None else _cut(as_text(named), _TITLE),
                }
            )
        substance = values[self.rule.substance] if self.rule.substance else None
        declaration = cells["row"][at]
        hit = Hit(
            rule=self.rule,
            row=row,
            declaration=declaration,
            item_number=None if index is None else cells["item_number"][at],
            score=min(1.0, max(0.0, float(score))),
            title=_cut(self._title.fill(values), _TITLE),
            explanation=_cut(self._explanation.fill(values), _EXPLANATION),
            evidence=evidence,
            substances=[substance] if isinstance(substance, str) else [s for s in substance or () if s is not None],
        )
        return (declaration, -1 if index is None else index, self.position), hit


class _Said:
    """``expected`` or ``reference`` of an evidence entry: a column, a text with placeholders, or nothing."""

    __slots__ = ("_column", "_text", "columns")

    def __init__(self, entry: str | None) -> None:
        self._column = entry if entry is not None and is_column_name(entry) else None
        self._text = Template(entry) if entry is not None and self._column is None else None
        self.columns = frozenset({self._column}) if self._column else self._text.columns if self._text else frozenset()

    def of(self, values: Mapping[str, Any]) -> Any:
        if self._column is not None:
            return observed(values[self._column])
        return None if self._text is None else self._text.fill(values)


def observed(value: Any) -> Any:
    """Return a cell as evidence can carry it: text, number, truth, a list of texts or numbers, or None."""
    if isinstance(value, str):
        return _cut(value, _OBSERVED)
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, list):
        return [part for part in map(observed, value) if part is not None]
    return value.isoformat() if isinstance(value, date) else value


def _cut(text: str, longest: int) -> str:
    return text if len(text) <= longest else text[: longest - 1] + "…"
