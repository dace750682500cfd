"""From findings to alerts: combine, score, select, revise, withdraw.

A :class:`Case` is what is remembered of a declaration: the newest version seen and what each stage says of it. Its alert is a
function of that, so that the same verdict arriving twice, or out of order, changes nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from uuid import UUID, uuid5

from pydantic import Field

from detectors import personal, scoring, wording
from detectors.suppression import Suppressions
from schemas import ENGINE_VERSION
from schemas.alert import Alert, AlertStatus, Provenance, Selection
from schemas.finding import Finding, Verdict
from schemas.types import Contract, Identifier

#: Name space of the deterministic ids (an arbitrary, fixed UUID).
NAMESPACE = UUID("6f1cbb0e-6b0f-5f0a-9c3b-8f6a2d1c7e55")

_NONE = Suppressions()
#: Codes that are always raised, whatever the risk: the law forbids the export.
_MANDATORY = frozenset({"CONTROL-PROHIBITED"})

#: The life of one version: an earlier step that arrives late, or again, says nothing new.
_STEPS = ("lodged", "amended", "accepted", "arrived", "controlled", "released", "exited", "rejected", "cancelled")
#: Steps after which there is no declaration any more.
ENDED = frozenset({"rejected", "cancelled"})


class Case(Contract):
    """What is remembered of a declaration that had news.

    ``verdicts`` holds, by stage (of the profile stage by profile and key), the verdict on the newest version; ``alert`` the
    alert as last published.
    """

    declaration_id: Identifier
    version: int
    verdicts: dict[str, Verdict] = Field(default_factory=dict)
    alert: Alert | None = None


def alert_id(declaration_id: str) -> str:
    """Return the id of a declaration's alert, the same for ever."""
    return str(uuid5(NAMESPACE, f"alert/{declaration_id}"))


def correlate(
    verdicts: Iterable[Verdict],
    cases: Mapping[str, Case],
    now: datetime,
    threshold: int,
    suppressions: Suppressions = _NONE,
) -> tuple[list[Case], list[Alert]]:
    """Apply verdicts to cases.

    Parameters
    ----------
    verdicts : in order of arrival; several may be of one declaration.
    cases : the cases known before, by declaration id (read only).
    now : time of this call, for ``raised_at`` and ``updated_at``.
    threshold : risk from which a declaration becomes an alert.
    suppressions : grounds that somebody has decided not to be told of.

    Returns
    -------
    cases that changed, alerts that changed; of each declaration the last state only.
    """
    changed: dict[str, Case] = {}
    alerts: dict[str, Alert] = {}
    for verdict in verdicts:
        key = verdict.declaration_id
        before = changed.get(key) or cases.get(key)
        case = _applied(verdict, before)
        if case is None:
            continue
        current = before.alert if before else None
        alert = _alert(case, current, now, threshold, suppressions)
        if alert is not None:
            alerts[key] = alert
            case = case.model_copy(update={"alert": alert})
        if case != before:
            changed[key] = case
    return list(changed.values()), list(alerts.values())


def _applied(verdict: Verdict, before: Case | None) -> Case | None:
    """Return the case with the verdict applied, or None if a newer version was judged before."""
    if before is None or verdict.declaration_version > before.version:
        alert = before.alert if before else None
        return Case(
            declaration_id=verdict.declaration_id,
            version=verdict.declaration_version,
            verdicts={verdict.slot: verdict},
            alert=alert,
        )
    if verdict.declaration_version < before.version:
        return None
    held = before.verdicts.get(verdict.slot)
    if held is not None and _STEPS.index(verdict.event) < _STEPS.index(held.event):
        return None
    return before.model_copy(update={"verdicts": before.verdicts | {verdict.slot: verdict}})


def _alert(
    case: Case, current: Alert | None, now: datetime, threshold: int, suppressions: Suppressions
) -> Alert | None:
    """Return the alert that the case asks for now, or None if there is nothing new to say."""
    findings = _ordered(case)
    if suppressions.entries and findings:
        telling = _telling(case)
        findings, _ = suppressions.without(findings, telling.declaration, telling.event_time)
    risk = scoring.risk(findings)
    selected: list[Selection] = []
    if risk >= threshold and findings:
        selected.append("risk")
    if any(f.code in _MANDATORY for f in findings):
        selected.append("mandatory")
    if not selected:
        return _withdrawn(case, current, now)
    wanted = _composed(case, findings, risk, selected, current, now)
    if current is not None and current.status != "withdrawn" and _content(current) == _content(wanted):
        return None
    return wanted


def _ordered(case: Case) -> list[Finding]:
    """Return the findings of all stages, strongest first; a declaration that ended has none, whatever a stage still says."""
    if _ended(case):
        return []
    found = [finding for verdict in case.verdicts.values() for finding in verdict.findings]
    return sorted(found, key=lambda f: (-scoring.strength(f), f.code, f.item or 0, f.finding_id))


def _ended(case: Case) -> str | None:
    """Return by what step the declaration ended, if it did."""
    return next((verdict.event for verdict in case.verdicts.values() if verdict.event in ENDED), None)


def _telling(case: Case) -> Verdict:
    """Return the verdict whose declaration is shown: the screen's if it shows one, else of a profile that does."""
    return min(case.verdicts.values(), key=lambda v: (not v.declaration, v.stage != "screen", v.slot))


def _composed(
    case: Case, findings: list[Finding], risk: int, selected: list[Selection], current: Alert | None, now: datetime
) -> Alert:
    verdict = _telling(case)
    declaration = verdict.declaration
    revision = 1 if current is None else current.revision + 1
    status: AlertStatus = "open" if current is None or current.status == "withdrawn" else "updated"
    substances = list(dict.fromkeys(s for f in findings for s in f.substances))
    provenance = verdict.provenance
    return Alert(
        alert_id=alert_id(case.declaration_id),
        revision=revision,
        status=status,
        declaration_id=case.declaration_id,
        declaration_version=case.version,
        mrn=declaration.get("mrn"),
        raised_at=now if current is None else current.raised_at,
        updated_at=now,
        event_time=verdict.event_time,
        risk_score=risk,
        severity=scoring.severity(risk),
        confidence=scoring.confidence(findings),
        selected_by=selected,
        title=wording.title(findings, substances, declaration),
        summary=wording.summary(findings, substances, declaration),
        substances=substances,
        reasons=findings,
        entities=personal.entities(declaration),
        group_key=_group_key(findings, substances, declaration),
        declaration=declaration,
        provenance=Provenance(
            rules=str(provenance.get("rules", "")),
            reference=str(provenance.get("reference", "")),
            models=dict(provenance.get("models", {})),
            engine=str(provenance.get("engine", ENGINE_VERSION)),
            origin=provenance.get("origin"),
        ),
    )


def _group_key(findings: list[Finding], substances: list[str], declaration: dict[str, object]) -> str:
    """Return what related alerts share: exporter (or declarant), substance or leading code, destination."""
    exporter = declaration.get("exporter") or declaration.get("declarant") or {}
    who = exporter.get("id") or exporter.get("name") if isinstance(exporter, dict) else None
    what = substances[0] if substances else findings[0].code
    return f"{who or 'unknown'}|{what}|{declaration.get('country_of_destination') or 'unknown'}"


def _withdrawn(case: Case, current: Alert | None, now: datetime) -> Alert | None:
    if current is None or current.status == "withdrawn":
        return None
    what = f"was {_ended(case)}" if _ended(case) else f"was changed (version {case.version})"
    return current.model_copy(
        update={
            "revision": current.revision + 1,
            "status": "withdrawn",
            "declaration_version": case.version,
            "updated_at": now,
            "event_time": max(verdict.event_time for verdict in case.verdicts.values()),
            "summary": f"Withdrawn: the declaration {what}, and the grounds for the alert are gone. {current.summary}"[
                :8192
            ],
        }
    )


def _content(alert: Alert) -> dict[str, object]:
    """Return what an alert says, without what differs between two tellings of the same: counters, times, origin."""
    said = alert.model_dump(exclude={"revision", "status", "raised_at", "updated_at"})
    said["provenance"] = said["provenance"] | {"origin": None}
    return said
