"""Rules and stage functions as the shared checks see them. To register another kind of detector, give it such an adapter."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cache

from judged_rows import NOW, Judgement, Said, decoded_anew, key_of

from detectors import engine, features
from detectors.batch import Batch
from detectors.correlate import Case
from detectors.profiles.keys import block_of
from detectors.profiles.stage import SINCE, Envelope, Placed, read
from detectors.rules import Hit
from detectors.rules.rule import Rule
from detectors.rules.ruleset import RuleSet
from schemas.decode import Row
from schemas.finding import Finding, Verdict
from schemas.signal import Fact, SignalBlock


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


def hits(rules: RuleSet, rows: Sequence[Row]) -> list[Hit]:
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
            by_key = {key_of(each): each for each in rows}
            for verdict in SCREENED.of(rows).verdicts:
                key = verdict.declaration_id, verdict.declaration_version, verdict.event
                own = [each for each in verdict.findings if each.detector == self.rule.id]
                findings += [(by_key[key], each) for each in own]
                if own:
                    said.setdefault(key, []).extend(each.model_dump_json() for each in own)
        return Judgement(findings, said)


@cache
def hits_in_company(keys: tuple[tuple[str, int, str], ...]) -> list[Hit]:
    return hits(engine.default_models().rules, decoded_anew(keys)[1])


class Screen:
    """The stage function ``screen``: verdicts and signals."""

    name = "screen"

    def judge(self, batches: Sequence[Sequence[Row]]) -> Judgement:
        findings: list[tuple[Row, Finding]] = []
        said: Said = {}
        for rows in batches:
            screened = SCREENED.of(rows)
            by_key = {key_of(each): each for each in rows}
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
