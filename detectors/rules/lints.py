"""What can be wrong with a rule, one small class each; each says where in the rule and what to do."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from difflib import get_close_matches
from typing import Protocol

import polars as pl
from rapidfuzz import fuzz, process

from detectors.columns import Column
from detectors.rules import sql
from detectors.rules.located import Loc
from detectors.rules.rule import Rule
from detectors.rules.template import Template, TemplateError, is_column_name

TYPOLOGIES = tuple(f"T{number:02}" for number in range(1, 20))


@dataclass(slots=True)
class Bench:
    """What the lints judge against: the columns, the ids met so far with their place, and types that never change."""

    columns: Mapping[str, Column]
    met: dict[str, str] = field(default_factory=dict)

    def dtypes(self, rule: Rule) -> dict[str, pl.DataType]:
        """Return the types of the columns that a rule of this scope sees."""
        return {c.name: c.dtype for c in self.columns.values() if rule.scope == "item" or c.scope == "declaration"}

    def misnamed(self, name: str, rule: Rule) -> str | None:
        """Say what is wrong with a column name in a rule, None if nothing."""
        found = self.columns.get(name)
        if found is None:
            close = process.extractOne(name, list(self.columns), scorer=fuzz.WRatio, score_cutoff=70)
            hint = f"did you mean {close[0]}?" if close else "`assay rules columns` lists them"
            return f"unknown column {name}; {hint}"
        if rule.scope == "declaration" and found.scope == "item":
            return f"{name} is a column of items, and this rule judges declarations; set `scope: item` or drop it"
        return None


#: A place in the rule, and what is wrong there and what to do.
Complaint = tuple[Loc, str]


class Lint(Protocol):
    """One check of one rule."""

    name: str

    def check(self, rule: Rule, bench: Bench) -> Iterator[Complaint]:
        """Yield what is wrong with the rule."""


def _sqls(rule: Rule) -> Iterator[tuple[str, str]]:
    yield "when", rule.when
    if isinstance(rule.score, str):
        yield "score", rule.score


def _sound(rule: Rule, bench: Bench) -> Iterator[tuple[str, pl.Expr]]:
    """Yield the SQL fields that compile over known columns: all that a deeper check can look at."""
    for place, text in _sqls(rule):
        try:
            expr = sql.expression(text)
        except sql.SqlError:
            continue
        if not any(bench.misnamed(name, rule) for name in sql.columns_of(expr)):
            yield place, expr


def _templates(rule: Rule) -> Iterator[tuple[Loc, str]]:
    yield ("title",), rule.title
    yield ("explanation",), rule.explanation
    for index, entry in enumerate(rule.evidence):
        for place, text in (("expected", entry.expected), ("reference", entry.reference)):
            if text is not None and not is_column_name(text):
                yield ("evidence", index, place), text


class SqlCompiles:
    """``when`` and ``score`` must be SQL that judges one row."""

    name = "sql"

    def check(self, rule: Rule, bench: Bench) -> Iterator[Complaint]:
        for place, text in _sqls(rule):
            try:
                sql.expression(text)
            except sql.SqlError as error:
                yield (place,), str(error)


class SqlColumns:
    """SQL may use only columns that its scope has."""

    name = "sql-columns"

    def check(self, rule: Rule, bench: Bench) -> Iterator[Complaint]:
        for place, text in _sqls(rule):
            try:
                names = sql.columns_of(sql.expression(text))
            except sql.SqlError:
                continue
            for wrong in filter(None, (bench.misnamed(name, rule) for name in names)):
                yield (place,), wrong


class SqlTypes:
    """SQL must suit the types of its columns and give what its field needs."""

    name = "sql-types"

    def check(self, rule: Rule, bench: Bench) -> Iterator[Complaint]:
        for place, expr in _sound(rule, bench):
            dtypes = bench.dtypes(rule)
            used = ", ".join(f"{name} is {dtypes[name]}" for name in sql.columns_of(expr))
            try:
                given = sql.result_type(expr, dtypes)
            except sql.SqlError as error:
                yield (place,), f"types do not fit: {error} ({used})"
                continue
            if place == "when" and given != pl.Boolean:
                yield (place,), f"gives {given}, not true or false; write a comparison ({used})"
            if place == "score" and not given.is_numeric():
                yield (place,), f"gives {given}, not a number from 0 to 1 ({used})"


class Abstains:
    """A row where everything is unknown must not hit."""

    name = "abstains"

    def check(self, rule: Rule, bench: Bench) -> Iterator[Complaint]:
        for place, expr in _sound(rule, bench):
            dtypes = bench.dtypes(rule)
            if place != "when" or not sql.suits(expr, dtypes):
                continue
            unknown = pl.DataFrame(
                {name: [None] for name in sql.columns_of(expr)}, schema_overrides=dtypes, strict=False
            )
            if unknown.select(expr).item() is True:
                yield (
                    ("when",),
                    "true of a row where everything is unknown; what is not carried is no ground for "
                    "suspicion: also require something known, such as `x IS NOT NULL`",
                )


class ColumnFields:
    """Evidence and substance must name columns."""

    name = "column-fields"

    def check(self, rule: Rule, bench: Bench) -> Iterator[Complaint]:
        named: list[tuple[Loc, str]] = [(("substance",), rule.substance)] if rule.substance else []
        for index, entry in enumerate(rule.evidence):
            named.append((("evidence", index, "column"), entry.column))
            for place, text in (("expected", entry.expected), ("reference", entry.reference)):
                if text is not None and is_column_name(text):
                    named.append((("evidence", index, place), text))
        for loc, name in named:
            wrong = bench.misnamed(name, rule)
            if wrong:
                may_be_text = loc[-1] in ("expected", "reference")
                yield loc, f"{wrong} (one lower-case word names a column; a text has more)" if may_be_text else wrong
        if rule.substance is not None and rule.substance in bench.columns:
            dtype = bench.columns[rule.substance].dtype
            if dtype not in (pl.String, pl.List(pl.String)):
                yield (
                    ("substance",),
                    f"{rule.substance} is {dtype}; name a column of substances (String or a list of it)",
                )


class Placeholders:
    """Texts must be fillable from columns."""

    name = "placeholders"

    def check(self, rule: Rule, bench: Bench) -> Iterator[Complaint]:
        for loc, text in _templates(rule):
            try:
                template = Template(text)
                template.check(bench.dtypes(rule))
            except TemplateError as error:
                yield loc, str(error)
                continue
            for wrong in filter(None, (bench.misnamed(name, rule) for name in sorted(template.columns))):
                yield loc, wrong


class ScoreRange:
    """A score runs from 0 to 1."""

    name = "score-range"

    def check(self, rule: Rule, bench: Bench) -> Iterator[Complaint]:
        if isinstance(rule.score, float) and not 0 <= rule.score <= 1:
            yield ("score",), f"{rule.score:g} is not from 0 to 1"


class Dates:
    """Effective dates must leave a day on which the rule holds."""

    name = "dates"

    def check(self, rule: Rule, bench: Bench) -> Iterator[Complaint]:
        if rule.from_day and rule.to_day and rule.to_day < rule.from_day:
            yield ("to",), f"{rule.to_day} is before from, {rule.from_day}; the rule would never hold"
        day = bench.columns.get("day")
        if (rule.from_day or rule.to_day) and (day is None or day.dtype != pl.Date):
            yield (
                ("from" if rule.from_day else "to",),
                "effective dates need the column day (Date), which does not exist",
            )


class HasExamples:
    """A rule shows what it hits and what not."""

    name = "examples"

    def check(self, rule: Rule, bench: Bench) -> Iterator[Complaint]:
        for place in ("match", "no_match"):
            if not getattr(rule.examples, place):
                yield (
                    ("examples", place),
                    "no example; give at least one row that must "
                    + ("hit" if place == "match" else "not hit, best an honest look-alike"),
                )


class HasFalsePositives:
    """A rule says which honest trade it may hit."""

    name = "false-positives"

    def check(self, rule: Rule, bench: Bench) -> Iterator[Complaint]:
        if not rule.false_positives:
            yield ("false_positives",), "missing; say what honest trade looks like this"


class HasSources:
    """A rule says where it comes from."""

    name = "sources"

    def check(self, rule: Rule, bench: Bench) -> Iterator[Complaint]:
        if not rule.sources:
            yield ("sources",), "missing; say where the rule and its numbers come from"


class MislabelShowsEvidence:
    """Who accuses of a wrong statement shows what tells it."""

    name = "mislabel-evidence"

    def check(self, rule: Rule, bench: Bench) -> Iterator[Complaint]:
        if rule.code.startswith("MISLABEL-") and not rule.evidence:
            yield ("evidence",), f"missing; {rule.code} accuses a declarant of a wrong statement, so show what tells it"


class TitleLength:
    """A title fits a line of a console."""

    name = "title-length"

    def check(self, rule: Rule, bench: Bench) -> Iterator[Complaint]:
        if len(rule.title) > 120:
            yield ("title",), f"{len(rule.title)} characters; keep it to 120 and put the rest into explanation"


class KnownTypologies:
    """Typologies are those of the catalogue."""

    name = "typologies"

    def check(self, rule: Rule, bench: Bench) -> Iterator[Complaint]:
        for index, typology in enumerate(rule.typologies):
            if typology not in TYPOLOGIES:
                padded = re.sub(r"\D", "", typology).zfill(2)
                close = get_close_matches(f"T{padded}", TYPOLOGIES, n=1)
                hint = f"did you mean {close[0]}?" if close else f"they run from {TYPOLOGIES[0]} to {TYPOLOGIES[-1]}"
                yield ("typologies", index), f"unknown typology {typology}; {hint}"


class UniqueId:
    """An id stands for one rule in all packs."""

    name = "unique-id"

    def check(self, rule: Rule, bench: Bench) -> Iterator[Complaint]:
        if rule.id in bench.met:
            yield ("id",), f"stands already at {bench.met[rule.id]}; rename one of the two"


LINTS: tuple[Lint, ...] = (
    UniqueId(),
    SqlCompiles(),
    SqlColumns(),
    SqlTypes(),
    Abstains(),
    ColumnFields(),
    Placeholders(),
    ScoreRange(),
    Dates(),
    TitleLength(),
    KnownTypologies(),
    MislabelShowsEvidence(),
    HasExamples(),
    HasFalsePositives(),
    HasSources(),
)
