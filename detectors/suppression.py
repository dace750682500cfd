"""Suppressions: grounds that somebody has decided not to be told of, for a while, with a reason and a name.

A suppression silences findings, not declarations: what else speaks against a declaration still makes its alert. It holds for
declarations of its time by their own time, so that a replay of that time gives the same.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from pathlib import Path
from typing import Annotated, Any, Self

import yaml
from pydantic import Field, TypeAdapter, ValidationError, model_validator

from detectors import personal
from detectors._folding import fold
from schemas.errors import SettingsError
from schemas.finding import Finding
from schemas.types import Contract, FindingCode, Identifier, ShortText

_SCOPES = ("codes", "detectors", "parties", "lanes", "substances")


class Suppression(Contract):
    """One decision.

    Scopes that are given must all fit; of the entries of one scope any. ``parties`` are identifiers or names of a party of the
    declaration, ``lanes`` countries as ``CN>TH``, with ``*`` for any. ``until`` is the first day on which it no longer holds.
    """

    codes: list[FindingCode] = Field(default_factory=list)
    detectors: list[Identifier] = Field(default_factory=list)
    parties: list[ShortText] = Field(default_factory=list)
    lanes: list[Annotated[str, Field(pattern=r"^([A-Z]{2}|\*)>([A-Z]{2}|\*)$")]] = Field(default_factory=list)
    substances: list[Identifier] = Field(default_factory=list)
    reason: ShortText
    author: Identifier
    since: date
    until: date

    @model_validator(mode="after")
    def _bounded(self) -> Self:
        if not any(getattr(self, scope) for scope in _SCOPES):
            raise ValueError(f"give at least one of {', '.join(_SCOPES)}: without a scope it would silence everything")
        if self.until <= self.since:
            raise ValueError("`until` must be after `since`")
        return self


_FILE: TypeAdapter[list[Suppression]] = TypeAdapter(list[Suppression])


@dataclass(frozen=True, slots=True)
class Suppressions:
    """All decisions, of whatever time."""

    entries: Sequence[Suppression] = ()
    _names: dict[int, frozenset[str]] = field(default_factory=dict, repr=False, compare=False)

    @classmethod
    def load(cls, path: Path) -> Suppressions:
        """Read a YAML file with the list ``suppressions``.

        Raises
        ------
        SettingsError : every mistake, with the number of the entry and its field.
        """
        try:
            read = yaml.safe_load(path.read_text("utf-8"))
        except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
            raise SettingsError(f"{path}: {error}") from None
        if not isinstance(read, dict) or set(read) != {"suppressions"}:
            raise SettingsError(f"{path}: expected one list named `suppressions`")
        try:
            return cls(tuple(_FILE.validate_python(read["suppressions"] or [])))
        except ValidationError as error:
            told = (f"{path}: suppressions[{'.'.join(map(str, one['loc']))}]: {one['msg']}" for one in error.errors())
            raise SettingsError("\n".join(told)) from None

    def without(
        self, findings: Iterable[Finding], declaration: Mapping[str, Any], time: datetime
    ) -> tuple[list[Finding], list[Suppression]]:
        """Return the findings that are not silenced, and the suppressions that silenced others."""
        day = time.date()
        holding = [one for one in self.entries if one.since <= day < one.until and self._fits(one, declaration)]
        if not holding:
            return list(findings), []
        kept: list[Finding] = []
        used: dict[int, Suppression] = {}
        for finding in findings:
            silencing = next((one for one in holding if _about(one, finding)), None)
            if silencing is None:
                kept.append(finding)
            else:
                used[id(silencing)] = silencing
        return kept, list(used.values())

    def _fits(self, one: Suppression, declaration: Mapping[str, Any]) -> bool:
        if one.lanes:
            ends = (declaration.get("country_of_export"), declaration.get("country_of_destination"))
            if not any(_on(lane, ends) for lane in one.lanes):
                return False
        if one.parties:
            wanted = self._names.setdefault(id(one), frozenset(map(fold, one.parties)))
            present = {fold(said) for who in personal.entities(declaration) for said in (who.id, who.name) if said}
            return not wanted.isdisjoint(present)
        return True


def _on(lane: str, ends: tuple[Any, Any]) -> bool:
    return all(wanted in ("*", end) for wanted, end in zip(lane.split(">"), ends, strict=True))


def _about(one: Suppression, finding: Finding) -> bool:
    return (
        (not one.codes or finding.code in one.codes)
        and (not one.detectors or finding.detector in one.detectors)
        and (not one.substances or not set(one.substances).isdisjoint(finding.substances))
    )
