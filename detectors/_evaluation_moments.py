"""Whether cases of several declarations were caught at the right moment: on the first declaration on which an alert is due.

The first members of a case look like honest trade; only from some member on is there enough to go by (``due`` in the label).
An alert before that is early: luck, or a detector that says more than it can know. One after it is late, by so many
declarations of the case and so many days.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from statistics import median
from typing import Any

from detectors._evaluation_result import CaseMoment, Moment


@dataclass(slots=True)
class _Member:
    order: int
    declaration_id: str
    lodged_at: datetime | None
    due: bool
    alerted: bool
    asked: bool


def _time(told: Any) -> datetime | None:
    return told if told is None or isinstance(told, datetime) else datetime.fromisoformat(told)


def _days(since: _Member, until: _Member) -> float | None:
    if since.lodged_at is None or until.lodged_at is None:
        return None
    return round((until.lodged_at - since.lodged_at).total_seconds() / 86_400, 2)


class Moments:
    """Gathers the members of the cases, label by label."""

    def __init__(self) -> None:
        self._cases: dict[tuple[str, str], list[_Member]] = {}

    def add(self, label: Mapping[str, Any], alerted: bool, asked: bool) -> None:
        """Take a positive label; ``asked``: whether its alert carries a code that the scenario asks for."""
        case, scenario = label.get("case"), label.get("scenario")
        if not case or not scenario:
            return
        members = self._cases.setdefault((scenario, case), [])
        members.append(
            _Member(
                len(members),
                label["declaration_id"],
                _time(label.get("lodged_at")),
                label.get("due") is not False,
                alerted,
                asked,
            )
        )

    def cases(self) -> list[CaseMoment]:
        """Return what became of each case, by scenario and name."""
        return [_moment(scenario, case, members) for (scenario, case), members in sorted(self._cases.items())]


def _moment(scenario: str, case: str, members: list[_Member]) -> CaseMoment:
    if all(member.lodged_at is not None for member in members):
        members = sorted(members, key=lambda m: (m.lodged_at, m.order))
    due = [member for member in members if member.due]
    before = members[: members.index(due[0])] if due else members
    early = [member for member in before if member.asked]
    caught = next((member for member in due if member.asked), None)
    return CaseMoment(
        scenario=scenario,
        case=case,
        declarations=len(members),
        due=len(due),
        due_alerted=sum(member.alerted for member in due),
        due_asked=sum(member.asked for member in due),
        due_from=due[0].declaration_id if due else None,
        due_at=due[0].lodged_at if due else None,
        caught_by=caught.declaration_id if caught else None,
        caught_at=caught.lodged_at if caught else None,
        lag_declarations=due.index(caught) if caught else None,
        lag_days=_days(due[0], caught) if caught else None,
        early=len(early),
        lead_declarations=members.index(due[0]) - members.index(early[0]) if early and due else None,
        lead_days=_days(early[0], due[0]) if early and due else None,
    )


def by_scenario(cases: Iterable[CaseMoment]) -> list[Moment]:
    """Return the moments of all cases of each scenario together."""
    kinds: dict[str, list[CaseMoment]] = {}
    for case in cases:
        kinds.setdefault(case.scenario, []).append(case)
    return [_together(name, told) for name, told in sorted(kinds.items())]


def _together(name: str, cases: list[CaseMoment]) -> Moment:
    expected = [case for case in cases if case.due]
    lags = [case.lag_declarations for case in expected if case.lag_declarations is not None]
    days = [case.lag_days for case in expected if case.lag_days is not None]
    leads = [case.lead_days for case in expected if case.lead_days is not None]
    return Moment(
        name=name,
        cases=len(cases),
        cases_due=len(expected),
        alerted=sum(case.due_alerted > 0 for case in expected),
        caught=len(lags),
        at_once=sum(lag == 0 for lag in lags),
        lag_declarations=median(lags) if lags else None,
        lag_declarations_most=max(lags, default=None),
        lag_days=median(days) if days else None,
        lag_days_most=max(days, default=None),
        due=sum(case.due for case in cases),
        due_alerted=sum(case.due_alerted for case in cases),
        due_asked=sum(case.due_asked for case in cases),
        early_cases=sum(case.early > 0 for case in cases),
        early_alerts=sum(case.early for case in cases),
        lead_days=median(leads) if leads else None,
    )
