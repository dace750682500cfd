"""What every detector must keep to, whatever it looks for: :func:`yield_checks` gives the checks, one by one.

A detector is judged from outside: declarations go in, findings come out, batch by batch. To register another kind, give it
an adapter like those below; ``test_detectors.py`` runs all checks over all of them.
"""

from __future__ import annotations

import json
import random
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cache
from types import NoneType
from typing import Any, Protocol, get_args, get_origin

from pydantic import BaseModel

from detectors import engine, features
from detectors.batch import Batch
from detectors.correlate import Case
from detectors.profiles.keys import block_of
from detectors.profiles.stage import SINCE, Envelope, Placed, read
from detectors.rules import Hit
from detectors.rules.rule import Rule
from detectors.rules.ruleset import RuleSet
from schemas import decode
from schemas.declaration import Declaration
from schemas.decode import Row
from schemas.finding import Finding, Verdict
from schemas.signal import Fact, SignalBlock
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


# -- the declarations that are judged


_RECORDS: dict[tuple[str, int, str], bytes] = {}


def row(declaration: Mapping[str, Any]) -> Row:
    """Return a declaration as the workers decode it."""
    record = json.dumps(declaration).encode()
    decoded = decode.row(record)
    _RECORDS[_key(decoded)] = record
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
def _order(size: int) -> tuple[int, ...]:
    places = list(range(size))
    random.Random(11).shuffle(places)
    return tuple(places)


def _split(rows: Sequence[Row], size: int) -> list[Sequence[Row]]:
    return [rows[start : start + size] for start in range(0, len(rows), size)]


def _key(found: Row) -> tuple[str, int, str]:
    return found["declaration_id"], found["version"], found["event"]


# -- adapters


class _Screened:
    """What the screen stage makes of each batch, worked out once: all detectors share it."""

    def __init__(self) -> None:
        self._kept: dict[tuple[int, ...], tuple[engine.Screened, Sequence[Row]]] = {}

    def of(self, rows: Sequence[Row]) -> engine.Screened:
        key = tuple(map(id, rows))
        if key not in self._kept:
            screened = engine.screen(Batch.of(rows), engine.default_reference(), engine.default_models())
            self._kept[key] = screened, rows  # the rows stay, so that their ids stay theirs
        return self._kept[key][0]


SCREENED = _Screened()


def _hits(rules: RuleSet, rows: Sequence[Row]) -> list[Hit]:
    computed = features.compute(Batch.of(rows), engine.default_reference())
    return rules.evaluate(computed.items, computed.declarations)


@dataclass(frozen=True, slots=True)
class RuleDetector:
    """One rule of the packs, through the real features."""

    rule: Rule

    @property
    def name(self) -> str:
        return self.rule.id

    def judge(self, batches: Sequence[Sequence[Row]]) -> Judgement:
        findings: list[tuple[Row, Finding]] = []
        said: Said = {}
        for rows in batches:
            by_key = {_key(each): each for each in rows}
            for verdict in SCREENED.of(rows).verdicts:
                key = verdict.declaration_id, verdict.declaration_version, verdict.event
                own = [each for each in verdict.findings if each.detector == self.rule.id]
                findings += [(by_key[key], each) for each in own]
                if own:
                    said.setdefault(key, []).extend(each.model_dump_json() for each in own)
        return Judgement(findings, said)


@cache
def _hits_in_company(keys: tuple[tuple[str, int, str], ...]) -> list[Hit]:
    return _hits(engine.default_models().rules, decoded_anew(keys)[1])


class Screen:
    """The stage function ``screen``: verdicts and signals."""

    name = "screen"

    def judge(self, batches: Sequence[Sequence[Row]]) -> Judgement:
        findings: list[tuple[Row, Finding]] = []
        said: Said = {}
        for rows in batches:
            screened = SCREENED.of(rows)
            by_key = {_key(each): each for each in rows}
            for verdict in screened.verdicts:
                key = verdict.declaration_id, verdict.declaration_version, verdict.event
                said.setdefault(key, []).append(verdict.model_dump_json())
                findings += [(by_key[key], each) for each in verdict.findings]
            for fact in screened.facts:
                said.setdefault((fact.declaration_id, fact.version, ""), []).append(fact.model_dump_json())
        return Judgement(findings, said)


#: The checks shuffle declarations of years: nothing of them may count as late.
_ANY_ORDER = timedelta(days=36_500)
_BEGUN = datetime(1990, 1, 1, tzinfo=UTC)


class Profile:
    """The stage function ``profile``: what it says in the end, and what remains remembered."""

    name = "profile"

    def judge(self, batches: Sequence[Sequence[Row]]) -> Judgement:
        # A stream that begins in the middle of the rows would know of a history only later: this one began long before.
        begun = Fact(declaration_id="begun", version=1, event="lodged", time=_BEGUN, regime="export")
        states = dict(engine.profile([Placed(SignalBlock(facts=[begun]), -1)], {}).changed)
        last: dict[tuple[str, int, str], Verdict] = {}
        by_key: dict[tuple[str, int], Row] = {}
        for n, rows in enumerate(batches):
            by_key |= {(each["declaration_id"], each["version"]): each for each in rows}
            before = dict(states)
            profiled = engine.profile([Placed(block_of(SCREENED.of(rows).facts), n)], states, _ANY_ORDER)
            assert states == before, "profile changed the states it was given"
            states |= profiled.changed
            last |= {(v.declaration_id, v.declaration_version, v.slot): v for v in profiled.verdicts}
        said: Said = {}
        findings: list[tuple[Row, Finding]] = []
        for (declaration_id, version, _), verdict in sorted(last.items()):
            newest = max(known for name, known in by_key if name == declaration_id)
            if not verdict.findings or version < newest:
                continue  # said, and taken back; or of a version that a later one has replaced
            said.setdefault((declaration_id, version, ""), []).append(verdict.model_dump_json())
            findings += [(by_key[declaration_id, version], each) for each in verdict.findings]
        remembered = [
            (key, {tag: bytes(part) for tag, part in sorted(envelope.parts.items())})
            for key, raw in sorted(states.items())
            if (envelope := _envelope(key, raw))
        ]
        if remembered:
            said["", 0, ""] = [repr(remembered)]
        return Judgement(findings, said)


def _envelope(key: str, raw: bytes | None) -> Envelope | None:
    return None if key == SINCE else read(raw)


class Correlate:
    """The stage function ``correlate``: the alert that stands in the end, without counters and times."""

    name = "correlate"

    def judge(self, batches: Sequence[Sequence[Row]]) -> Judgement:
        cases: dict[str, Case] = {}
        by_key: dict[tuple[str, int], Row] = {}
        for rows in batches:
            by_key |= {(each["declaration_id"], each["version"]): each for each in rows}
            before = dict(cases)
            changed = engine.correlate(SCREENED.of(rows).verdicts, cases, NOW)
            assert cases == before, "correlate changed the cases it was given"
            cases |= {case.declaration_id: case for case in changed.cases}
        said: Said = {}
        findings: list[tuple[Row, Finding]] = []
        for case in cases.values():
            if case.alert is not None and case.alert.status != "withdrawn":
                content = case.alert.model_dump_json(exclude={"revision", "status", "raised_at", "updated_at"})
                said[case.declaration_id, 0, ""] = [content]
                findings += [(by_key[case.declaration_id, case.version], each) for each in case.alert.reasons]
        return Judgement(findings, said)


# -- checks


def check_abstains_on_nulls(detector: Detector, telling: Sequence[Row]) -> None:
    """Nothing is suspicious of a declaration that carries nothing."""
    regimes = get_args(Declaration.model_fields["regime"].annotation)
    judgement = detector.judge([[bare(regime) for regime in regimes]])
    assert not judgement.findings
    assert not any(said for (_, _, event), said in judgement.said.items() if event)


def check_says_something(detector: Detector, telling: Sequence[Row]) -> None:
    """The checks below are worth nothing of a detector that is silent."""
    judgement = detector.judge([[*simulated(), *telling]])
    assert judgement.findings or detector.name == "profile", (
        f"no declaration makes {detector.name} say anything: give the rule an example that is a `declaration`, or add one "
        "to tests/contracts/telling.py"
    )


def check_survives_empty_batches(detector: Detector, telling: Sequence[Row]) -> None:
    """A batch without declarations is no news, and leaves what others say as it is."""
    assert not detector.judge([[]]).findings
    rows = [*simulated(), *telling]
    assert detector.judge([[], rows, []]).said == detector.judge([rows]).said


def check_batch_size_does_not_matter(detector: Detector, telling: Sequence[Row]) -> None:
    """Declarations one by one, in sevens, and all at once give the same."""
    rows = [*simulated(), *telling]
    wanted = detector.judge([rows]).said
    for size in (1, 7):
        assert detector.judge(_split(rows, size)).said == wanted, f"batches of {size}"


def check_order_does_not_matter(detector: Detector, telling: Sequence[Row]) -> None:
    """Declarations in another order give the same, batch size included."""
    rows = [*simulated(), *telling]
    shuffled = [rows[place] for place in _order(len(rows))]
    wanted = detector.judge([rows]).said
    assert detector.judge([shuffled]).said == wanted
    assert detector.judge(_split(shuffled, 50)).said == wanted


def check_does_not_change_its_input(detector: Detector, telling: Sequence[Row]) -> None:
    """Declarations are as they were decoded."""
    rows = [*simulated(), *telling]
    detector.judge([rows])
    assert rows == list(decoded_anew(tuple(map(_key, rows)))[0])


def check_deterministic(detector: Detector, telling: Sequence[Row]) -> None:
    """The same declarations, decoded anew, give the same to the letter, ids included."""
    rows = [*simulated(), *telling]
    first = detector.judge([rows])
    again = detector.judge([decoded_anew(tuple(map(_key, rows)))[1]])
    assert again.said == first.said
    assert [each for _, each in again.findings] == [each for _, each in first.findings]


def check_ids_tell_findings_apart(detector: Detector, telling: Sequence[Row]) -> None:
    """One id is one finding of one version: it may stand in the verdicts on several events of it, and nowhere else."""
    seen: dict[str, tuple[str, int, int | None, str]] = {}
    for _, each in detector.judge([[*simulated(), *telling]]).findings:
        about = each.declaration_id, each.declaration_version, each.item, each.detector
        assert seen.setdefault(each.finding_id, about) == about


def check_findings_are_sound(detector: Detector, telling: Sequence[Row]) -> None:
    """Every finding points at what is there, and reads well."""
    for judged, each in detector.judge([[*simulated(), *telling]]).findings:
        check_finding(judged, each)


def check_findings_can_be_sent(detector: Detector, telling: Sequence[Row]) -> None:
    """A finding read back from JSON is the finding that was sent."""
    for _, each in detector.judge([[*simulated(), *telling]]).findings:
        assert Finding.model_validate_json(each.model_dump_json()) == each


def check_rule_needs_no_company(detector: Detector, telling: Sequence[Row]) -> None:
    """A rule says alone what it says among the others."""
    assert isinstance(detector, RuleDetector)
    keys = tuple(_key(each) for each in (*simulated(), *telling))
    among_others = [hit for hit in _hits_in_company(keys) if hit.rule.id == detector.rule.id]
    assert list(map(repr, _hits(RuleSet([detector.rule], "alone"), decoded_anew(keys)[1]))) == list(
        map(repr, among_others)
    )


Check = Callable[[Detector, Sequence[Row]], None]


def yield_checks(detector: Detector) -> Iterator[Check]:
    """Yield every check that applies to a detector; call each with it and with declarations that make it speak."""
    yield check_says_something
    yield check_abstains_on_nulls
    yield check_survives_empty_batches
    yield check_batch_size_does_not_matter
    yield check_order_does_not_matter
    yield check_does_not_change_its_input
    yield check_deterministic
    yield check_ids_tell_findings_apart
    yield check_findings_are_sound
    yield check_findings_can_be_sent
    if isinstance(detector, RuleDetector):
        yield check_rule_needs_no_company


# -- one finding


def check_finding(judged: Row, each: Finding) -> None:
    """Fail if a finding points at a place that the declaration lacks, or is not written for people."""
    assert each.evidence, "a finding without evidence"
    if each.item is not None:
        assert each.item in [item["number"] for item in judged["items"]]
    for evidence in each.evidence:
        assert known_to_contract(evidence.path), f"{evidence.path} is no place of a declaration"
        found = resolve(judged, evidence.path)
        assert found is not None or evidence.observed is None, (
            f"{evidence.observed!r} at {evidence.path}, where there is nothing"
        )
    for text in (each.title, each.explanation, *(f"{e.expected or ''} {e.reference or ''}" for e in each.evidence)):
        assert_filled(text)


_UNFILLED = re.compile(r"\{[a-z_]+[^}]*\}|\bnan\b|\binf\b|\bNone\b|\bTrue\b|\bFalse\b", re.IGNORECASE)


def assert_filled(text: str) -> None:
    """Fail if a text shows a placeholder, or a value as Python prints it."""
    found = _UNFILLED.search(text.replace("none", ""))
    assert found is None, f"{found and found.group()!r} in {text!r}"


def _steps(path: str) -> list[str]:
    assert path == "" or path.startswith("/"), f"{path} is no RFC 6901 pointer"
    return [step.replace("~1", "/").replace("~0", "~") for step in path.split("/")[1:]]


def resolve(judged: Any, path: str) -> Any:
    """Return what a pointer leads to; None where the declaration has nothing."""
    found = judged
    for step in _steps(path):
        if isinstance(found, dict):
            found = found.get(step)
        elif isinstance(found, list) and step.isdigit() and int(step) < len(found):
            found = found[int(step)]
        else:
            return None
    return found


def known_to_contract(path: str) -> bool:
    """Tell whether the contract of declarations has the place that a pointer leads to."""
    kind: Any = Declaration
    for step in _steps(path):
        if get_origin(kind) is list:
            if not step.isdigit():
                return False
            kind = _plain(get_args(kind)[0])
        elif isinstance(kind, type) and issubclass(kind, BaseModel):
            fields = {field.alias or name: field for name, field in kind.model_fields.items()}
            if step not in fields:
                return False
            kind = _plain(fields[step].annotation)
        else:
            return False
    return True


def _plain(annotation: Any) -> Any:
    """Return a type without ``| None`` and without the constraints around it."""
    if hasattr(annotation, "__metadata__"):
        return _plain(get_args(annotation)[0])
    if get_origin(annotation) is list:
        return annotation
    parts = [part for part in get_args(annotation) if part is not NoneType]
    return _plain(parts[0]) if parts and NoneType in get_args(annotation) else annotation
