"""The three stage functions: all that a driver (Faust worker, replay) calls. They know no Kafka and no clock.

>>> from detectors import engine
>>> from detectors.batch import Batch
>>> screened = engine.screen(Batch.of([]), engine.default_reference(), engine.default_models())
>>> screened.verdicts
[]
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cache, lru_cache
from typing import Any
from uuid import uuid5

from pydantic_core import to_jsonable_python

from detectors import features, personal, reference
from detectors._shortening import shortened
from detectors.batch import Batch
from detectors.correlate import ENDED, NAMESPACE, Case
from detectors.correlate import correlate as _correlate
from detectors.features import Features
from detectors.models import Models, Scored
from detectors.models.learned import LearnedHit
from detectors.parties import Resolver
from detectors.profiles import registry
from detectors.profiles.facts import COLUMNS as FACT_COLUMNS
from detectors.profiles.facts import FactMaker
from detectors.profiles.keys import keys_of, kind_of
from detectors.profiles.profile import Profile
from detectors.profiles.stage import LATENESS, Placed, Profiled
from detectors.profiles.stage import apply as _profile
from detectors.profiles.stage import explain as _explain
from detectors.reference import Reference
from detectors.rules import Hit
from detectors.suppression import Suppressions
from schemas import ENGINE_VERSION
from schemas.alert import Alert
from schemas.decode import Row
from schemas.finding import Evidence, Finding, Verdict
from schemas.signal import Fact

#: Findings of one rule on one declaration beyond this many are counted, not listed: 9,999 like items are one story.
_LISTED = 20
#: Longest explanation, in characters: one may quote a description of 8,192, and each listed item has its own.
_EXPLAINED = 2000
#: Kinds of profile keys that an inspection's verdict on a declaration says something of.
_OF_PARTIES = frozenset({"party", "link", "pair"})


@dataclass(frozen=True, slots=True)
class Screened:
    """What :func:`screen` says of a batch.

    ``verdicts``: one for each declaration that is news (findings, a later version, or a later event) or that profiles may
    speak of later; ``facts``: what the profile stage must remember; ``judged``: how many declarations were judged.
    ``scored``: what each learned model thinks, challengers included, of the rows of ``computed``.
    """

    verdicts: list[Verdict]
    facts: list[Fact]
    judged: int
    scored: Sequence[Scored] = ()
    computed: Features | None = None


@dataclass(frozen=True, slots=True)
class Correlated:
    """What :func:`correlate` changed."""

    cases: list[Case]
    alerts: list[Alert]


_NOBODY = Resolver()


@cache
def default_reference() -> Reference:
    """Return the reference tables that come with Assay."""
    return reference.load()


@cache
def default_models() -> Models:
    """Return the rules and models that come with Assay."""
    return Models.load()


def screen(
    batch: Batch,
    reference: Reference,
    models: Models,
    personal_data: bool = False,
    parties: Resolver | None = None,
    told: bool = True,
) -> Screened:
    """Judge each declaration of a batch by itself.

    Parameters
    ----------
    batch : decoded declarations.
    reference : control lists, lexicon, prices, countries, looked up at each declaration's own day.
    models : rules and learned models.
    personal_data : keep personal data in what alerts will show.
    parties : tells who is the same party; without one by ids and names alone.
    told : whether profiles will be told of the facts; if not, those of ordinary trade name no parties.
    """
    if not len(batch):
        return Screened([], [], 0)
    computed = features.compute(batch, reference, FACT_COLUMNS | models.columns)
    hits: list[Hit | LearnedHit] = [*models.rules.evaluate(computed.of_items, computed.of_declarations)]
    scored = models.judge(batch, computed, reference)
    hits += [hit for one in scored if one.champion for hit in one.hits]
    by_row: dict[int, list[Hit | LearnedHit]] = {}
    for hit in hits:
        by_row.setdefault(hit.declaration, []).append(hit)
    provenance = {
        "rules": models.rules.version,
        "reference": reference.version,
        "models": models.learned,
        "engine": ENGINE_VERSION,
    }
    findings = {
        n: _findings(batch.rows[n], found) for n, found in by_row.items() if batch.rows[n]["event"] not in ENDED
    }
    facts = _fact_maker(reference, parties or _NOBODY).facts(batch, computed, findings, told)
    verdicts = [
        _verdict(row, findings.get(n, []), fact, provenance, batch.origins[n], personal_data)
        for n, (row, fact) in enumerate(zip(batch.rows, facts, strict=True))
        if fact.watched or row["version"] > 1 or row["event"] != "lodged"
    ]
    return Screened(verdicts, facts, len(batch), scored, computed)


@lru_cache(maxsize=4)
def _fact_maker(reference: Reference, parties: Resolver) -> FactMaker:
    return FactMaker(reference, parties)


def _verdict(
    row: Row,
    findings: list[Finding],
    fact: Fact,
    provenance: Mapping[str, Any],
    origin: str | None,
    personal_data: bool,
) -> Verdict:
    told = fact.watched and row["event"] not in ENDED
    return Verdict(
        stage="screen",
        declaration_id=row["declaration_id"],
        declaration_version=row["version"],
        event=row["event"],
        event_time=row["lodged_at"],
        findings=findings,
        declaration=_shown(row, findings, personal_data) if told else {},
        keys=[key for key in keys_of(fact) if kind_of(key) in _OF_PARTIES] if told else [],
        provenance=dict(provenance) | {"origin": origin},
    )


def _shown(row: Row, findings: Sequence[Finding], personal_data: bool) -> dict[str, Any]:
    concerned = {finding.item for finding in findings if finding.item is not None}
    return shortened(to_jsonable_python(personal.redact(row, personal_data)), concerned)


def _findings(row: Row, hits: Sequence[Hit | LearnedHit]) -> list[Finding]:
    by_rule: dict[str, list[Hit | LearnedHit]] = {}
    for hit in hits:
        by_rule.setdefault(hit.rule.id, []).append(hit)
    return [finding for of_rule in by_rule.values() for finding in _listed(row, of_rule)]


def _listed(row: Row, hits: Sequence[Hit | LearnedHit]) -> list[Finding]:
    """Return the findings of one rule: the strongest, in the order of the items, so that filler cannot crowd one out."""
    if len(hits) <= _LISTED:
        return [_finding(row, hit) for hit in hits]
    strongest = sorted(range(len(hits)), key=lambda n: -hits[n].score)[:_LISTED]
    more = f" ({len(hits)} items in all, the {_LISTED} strongest listed.)"
    return [_finding(row, hits[n], more) for n in sorted(strongest)]


def _finding(row: Row, hit: Hit | LearnedHit, more: str = "") -> Finding:
    explained = hit.explanation
    if len(explained) > _EXPLAINED:
        explained = explained[: _EXPLAINED - 1] + "…"
    about = f"{row['declaration_id']}/{row['version']}/{hit.item_number}/{hit.rule.id}"
    return Finding(
        finding_id=str(uuid5(NAMESPACE, f"finding/{about}")),
        declaration_id=row["declaration_id"],
        declaration_version=row["version"],
        item=hit.item_number,
        code=hit.rule.code,
        detector=hit.rule.id,
        detector_version=hit.rule.version if isinstance(hit, LearnedHit) else ENGINE_VERSION,
        score=round(hit.score, 4),
        severity=hit.rule.level,
        title=hit.title,
        explanation=explained + more,
        evidence=[_evidence(row, each) for each in hit.evidence if _says_something(each)],
        typologies=list(hit.rule.typologies),
        substances=hit.substances,
        observed_at=row["lodged_at"],
    )


def _says_something(shown: Mapping[str, Any]) -> bool:
    """Tell whether a column has a value, or one was expected: an absent grade is no evidence."""
    return shown["observed"] is not None or shown["expected"] is not None


def _evidence(row: Row, shown: Mapping[str, Any]) -> Evidence:
    """Return evidence that points at what is there: a purity read from the marks does not stand in a missing description."""
    if shown["observed"] is None:
        return Evidence(**shown)
    steps = shown["path"].split("/")
    found: Any = row
    for depth, step in enumerate(steps[1:], 1):
        inside = found if isinstance(found, list) else [found.get(step)] if isinstance(found, dict) else []
        at = int(step) if isinstance(found, list) else 0
        found = inside[at] if at < len(inside) else None
        if found is None:
            return Evidence(**{**shown, "path": "/".join(steps[:depth])})
    return Evidence(**shown)


def profiles() -> Sequence[Profile[Any]]:
    """Return the detectors with memory."""
    return registry.profiles()


def explain(key: str, raw: bytes, begin: bytes | None, lateness: timedelta = LATENESS) -> dict[str, Any]:
    """Describe the state of a profile key in words: by profile the sentences, and the time of the newest declaration.

    Parameters
    ----------
    raw : the state as it is written; ``begin`` what stands under :data:`detectors.profiles.stage.SINCE` of its partition.
    """
    return _explain(key, raw, begin, lateness)


def profile(blocks: Sequence[Placed], states: Mapping[str, bytes | None], lateness: timedelta = LATENESS) -> Profiled:
    """Apply signals to the states of profiles (see :func:`detectors.profiles.stage.apply`)."""
    return _profile(blocks, states, lateness)


def correlate(
    verdicts: Sequence[Verdict],
    cases: Mapping[str, Case],
    now: datetime,
    threshold: int = 25,
    suppressions: Suppressions | None = None,
) -> Correlated:
    """Combine verdicts into alerts (see :func:`detectors.correlate.correlate`)."""
    changed, alerts = _correlate(verdicts, cases, now, threshold, suppressions or Suppressions())
    return Correlated(changed, alerts)
