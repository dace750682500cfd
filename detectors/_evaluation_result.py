"""What an evaluation says, as models: for JSON, tables and the page alike."""

from __future__ import annotations

from datetime import datetime

from pydantic import BaseModel, ConfigDict

from schemas.types import Severity


class _Result(BaseModel):
    model_config = ConfigDict(frozen=True)


class AtCut(_Result):
    """Alerts of a severity or above, against the labels. Shares are null where they would divide by zero."""

    severity: Severity
    alerts: int
    true: int
    false: int
    precision: float | None
    recall: float | None
    false_per_1000_honest: float | None


class Caught(_Result):
    """Positives of one kind (a scenario or a typology), and how many were alerted.

    ``due`` of them could be expected to be alerted (all, unless a label says otherwise), ``due_any`` of those were;
    ``expected`` counts the due ones whose alert carries a code the case asks for (scenarios only); ``low``..``high`` is the
    95 % Wilson interval of the recall at any severity.
    """

    name: str
    declarations: int
    due: int
    any: int
    due_any: int
    medium: int
    high: int
    recall: float
    recall_medium: float
    recall_high: float
    low: float
    high_end: float
    expected: int | None = None
    expected_codes: list[list[str]] | None = None


class CaseMoment(_Result):
    """What became of one case of several declarations.

    ``caught_by`` is the first due declaration whose alert carries a code that the scenario asks for, so many declarations and
    days after the first due one; ``early`` counts such alerts on members before any was due, the first of them ``lead`` ahead.
    """

    scenario: str
    case: str
    declarations: int
    due: int
    due_alerted: int
    due_asked: int
    due_from: str | None
    due_at: datetime | None
    caught_by: str | None
    caught_at: datetime | None
    lag_declarations: int | None
    lag_days: float | None
    early: int
    lead_declarations: int | None
    lead_days: float | None


class Moment(_Result):
    """The cases of one scenario: of ``cases_due`` (those that reached a due declaration) so many ``alerted`` at all on a due
    one, ``caught`` by a code that is asked for, ``at_once`` on the first due one; lags are medians over the caught.
    """

    name: str
    cases: int
    cases_due: int
    alerted: int
    caught: int
    at_once: int
    lag_declarations: float | None
    lag_declarations_most: int | None
    lag_days: float | None
    lag_days_most: float | None
    due: int
    due_alerted: int
    due_asked: int
    early_cases: int
    early_alerts: int
    lead_days: float | None


class Alike(_Result):
    """Honest look-alikes of one name, and how many were alerted."""

    name: str
    declarations: int
    any: int
    high: int
    codes: dict[str, int]


class Budget(_Result):
    """What inspecting the riskiest would find: ``picks`` allowed, ``inspected`` (there may be fewer alerts), ``true`` found."""

    name: str
    picks: int
    inspected: int
    true: int
    precision: float | None
    recall: float | None


class FalseCode(_Result):
    """A finding code among the false alerts at high or above."""

    code: str
    alerts: int


class Evaluation(_Result):
    """Everything that :func:`evaluate` measures."""

    declarations: int
    positives: int
    due: int
    due_alerted: int
    honest: int
    alerts: int
    withdrawn: int
    unlabelled_alerts: int
    alerts_per_1000: float | None
    false_high_per_1000_honest: float | None
    cuts: list[AtCut]
    scenarios: list[Caught]
    typologies: list[Caught]
    moments: list[Moment]
    cases: list[CaseMoment]
    look_alikes: list[Alike]
    budgets: list[Budget]
    false_high_codes: list[FalseCode]
    substances_named: int
    substances_expected: int
