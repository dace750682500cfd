"""From the texts of packs to rules, with all mistakes of all packs located."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails
from rapidfuzz import fuzz, process

from detectors.columns import COLUMNS, Column
from detectors.rules.lints import LINTS, Bench
from detectors.rules.located import Document, Loc, Problem, shown
from detectors.rules.rule import EvidenceColumn, Examples, Pack, Rule
from schemas.errors import RulePackError


@dataclass(slots=True)
class Checked:
    """What came of the texts: the rules without mistakes of form, where each stands, the version, and the problems."""

    rules: list[Rule] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)
    version: str = ""
    #: rule id -> its document and place, for problems found later (inline examples)
    places: dict[str, tuple[Document, Loc]] = field(default_factory=dict)

    def problem(self, rule: Rule, loc: Loc, message: str, lint: str) -> Problem:
        """Return a problem at a place inside a rule."""
        document, base = self.places[rule.id]
        return _at(document, base, loc, rule.id, message, lint)


def read(paths: Iterable[Path | str]) -> dict[str, str]:
    """Read packs: YAML files, or all ``*.yaml`` of folders. Returns texts by file name.

    Raises
    ------
    RulePackError : a path does not exist or a file cannot be read.
    """
    texts: dict[str, str] = {}
    problems = []
    for file in pack_files(paths):
        try:
            texts[str(file)] = file.read_text(encoding="utf-8")
        except UnicodeDecodeError as error:
            problems.append(f"{file}:1: not UTF-8 ({error.reason} at byte {error.start}); save it as UTF-8")
        except OSError as error:
            problems.append(f"{file}:1: cannot be read: {error.strerror}; give a YAML file or a folder of them")
    if problems:
        raise RulePackError(problems)
    return texts


def pack_files(paths: Iterable[Path | str]) -> list[Path]:
    """Return the files that the paths mean: themselves, or the ``*.yaml`` and ``*.yml`` of folders, by name."""
    files: list[Path] = []
    for path in map(Path, paths):
        files += sorted(file for end in ("*.yaml", "*.yml") for file in path.glob(end)) if path.is_dir() else [path]
    return list(dict.fromkeys(files))


def check(texts: Mapping[str, str], columns: Mapping[str, Column] = COLUMNS) -> Checked:
    """Validate and lint packs, given as texts by file name; inline examples are not run here."""
    checked = Checked()
    bench = Bench(columns)
    versions = []
    for file, text in texts.items():
        document = Document(text, file)
        checked.problems += document.problems
        if document.value is None:
            continue
        pack = _pack(document, checked)
        if pack is None:
            continue
        digest = hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:8]
        versions.append(f"{pack.pack}@{pack.version}+{digest}")
        for index, entry in enumerate(pack.rules):
            _rule(document, ("rules", index), entry, checked, bench)
    order = {file: number for number, file in enumerate(texts)}
    checked.problems.sort(key=lambda problem: (order[problem.file], problem.line))
    checked.version = ",".join(versions) or "none@0"
    return checked


def _pack(document: Document, checked: Checked) -> Pack | None:
    value = document.value
    if isinstance(value, dict):
        value = {"rules": []} | value if value.get("rules", []) is None else value
    try:
        return Pack.model_validate(value)
    except ValidationError as error:
        checked.problems += _explained(error, document, (), None, Pack)
    if isinstance(value, dict) and isinstance(value.get("rules"), list):
        rules = [entry for entry in value["rules"] if isinstance(entry, dict)]
        if len(rules) == len(value["rules"]):  # look at the rules all the same: report every mistake at once
            return Pack.model_construct(pack="unnamed", version="0", description="", rules=rules)
    return None


def _rule(document: Document, base: Loc, entry: dict[str, Any], checked: Checked, bench: Bench) -> None:
    name = entry.get("id")
    rule_id = name if isinstance(name, str) else None
    try:
        rule = Rule.model_validate(entry)
    except ValidationError as error:
        checked.problems += _explained(error, document, base, rule_id, Rule)
        return
    for lint in LINTS:
        checked.problems += [
            _at(document, base, loc, rule.id, message, lint.name) for loc, message in lint.check(rule, bench)
        ]
    if rule.id not in bench.met:
        bench.met[rule.id] = f"{document.file}:{document.line(base)}"
        checked.rules.append(rule)
        checked.places[rule.id] = (document, base)


def _at(document: Document, base: Loc, loc: Loc, rule_id: str | None, message: str, lint: str) -> Problem:
    return Problem(document.file, document.line((*base, *loc)), rule_id, shown(loc), message, lint)


def _explained(
    error: ValidationError, document: Document, base: Loc, rule_id: str | None, model: type[BaseModel]
) -> Iterator[Problem]:
    for detail in error.errors(include_url=False):
        loc = detail["loc"]
        yield _at(document, base, loc, rule_id, _told(detail, model), "form")


#: The keys that an entry of each place may have, by the last named part of the place.
_KEYS: dict[str, type[BaseModel]] = {"evidence": EvidenceColumn, "examples": Examples}


def _told(detail: ErrorDetails, model: type[BaseModel]) -> str:
    """Say in words what pydantic found."""
    kind, loc, given = detail["type"], detail["loc"], detail["input"]
    context = detail.get("ctx", {})
    if kind == "missing":
        return "missing; every " + ("pack" if model is Pack else "entry" if len(loc) > 1 else "rule") + " needs it"
    if kind == "extra_forbidden":
        inside = next((part for part in reversed(loc[:-1]) if isinstance(part, str)), "")
        keys = [field.alias or name for name, field in _KEYS.get(inside, model).model_fields.items()]
        close = process.extractOne(str(loc[-1]), keys, scorer=fuzz.ratio, score_cutoff=50)
        hint = f"did you mean {close[0]}?" if close else "known keys: " + ", ".join(keys)
        return f"unknown key; {hint}"
    if kind == "literal_error":
        choices = str(context.get("expected", "")).replace("'", "").replace(" or ", ", ").split(", ")
        close = process.extractOne(str(given), choices, scorer=fuzz.ratio, score_cutoff=50)
        known = ", ".join(choices) if len(choices) < 8 or not close else f"the {len(choices)} known ones"
        return f"{given!r} is none of {known}" + (f"; did you mean {close[0]}?" if close else "")
    if kind == "string_pattern_mismatch":
        return f"{given!r} is not in kebab-case (lower-case letters, digits, single hyphens)"
    if kind == "string_type":
        return f"{given!r} is not text for YAML; quote it" if not isinstance(given, list | dict) else "must be a text"
    told = str(context["error"]) if kind == "value_error" and "error" in context else detail["msg"]
    shortened = repr(given) if len(repr(given)) <= 80 else repr(given)[:77] + "..."
    return f"{told[:1].lower()}{told[1:]}, got {shortened}"
