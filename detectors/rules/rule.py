"""What a rule is: the contract of one entry of a pack, and of the pack around it."""

from __future__ import annotations

from datetime import date
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

from detectors.columns import Scope
from schemas.types import Day, FindingCode, Severity

Status = Literal["test", "stable", "deprecated"]

_Name = Annotated[str, Field(pattern=r"^[a-z0-9]+(-[a-z0-9]+)*$", max_length=80)]
_Text = Annotated[str, Field(min_length=1, max_length=4096)]


def _bare_column(entry: Any) -> Any:
    return {"column": entry} if isinstance(entry, str) else entry


def _number_or_sql(score: Any) -> Any:
    if isinstance(score, bool) or not isinstance(score, int | float | str):
        raise ValueError("write a number from 0 to 1, or an SQL expression that gives one")
    return score if isinstance(score, str) else float(score)


def _version(version: Any) -> Any:
    if isinstance(version, float):
        raise ValueError('YAML reads this as a number, and 1.10 would become 1.1; quote it: "1.10"')
    return str(version) if isinstance(version, int | date) else version


class _Entry(BaseModel):
    model_config = ConfigDict(strict=True, extra="forbid", frozen=True)


class EvidenceColumn(_Entry):
    """A column to show with a hit.

    ``expected`` and ``reference`` name a column each, or hold a text with {column} placeholders.
    """

    column: str
    expected: _Text | None = None
    reference: _Text | None = None


class Examples(_Entry):
    """Rows that must and must not hit: column values, or ``{declaration: {...}}`` with a part of a declaration."""

    match: list[dict[str, Any]] = Field(default_factory=list)
    no_match: list[dict[str, Any]] = Field(default_factory=list)


class Rule(_Entry):
    """One rule: which rows it hits (``when``), and what to say about them.

    ``score`` is a number from 0 to 1, or SQL that gives one for each row; ``from`` and ``to`` are days, both included,
    compared with the declaration's own lodgement.
    """

    id: _Name
    code: FindingCode
    title: _Text
    explanation: _Text
    scope: Scope
    level: Severity
    score: Annotated[float | str, BeforeValidator(_number_or_sql)]
    status: Status = "stable"
    from_day: Annotated[Day | None, Field(alias="from")] = None
    to_day: Annotated[Day | None, Field(alias="to")] = None
    when: _Text
    substance: str | None = None
    evidence: list[Annotated[EvidenceColumn, BeforeValidator(_bare_column)]] = Field(default_factory=list)
    typologies: list[str] = Field(default_factory=list)
    sources: list[_Text] = Field(default_factory=list)
    false_positives: list[_Text] = Field(default_factory=list)
    examples: Examples = Field(default_factory=Examples)


class Pack(_Entry):
    """A file of rules; the entries of ``rules`` are validated one by one, so that one mistake does not hide others."""

    pack: _Name
    version: Annotated[str, Field(min_length=1, max_length=32), BeforeValidator(_version)]
    description: _Text
    rules: list[dict[str, Any]]
