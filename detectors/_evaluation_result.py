"""What an evaluation says, as models: for JSON, tables and the page alike."""

from __future__ import annotations

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

    ``expected`` counts those whose alert carries a code the case asks for (scenarios only); ``low``..``high`` is the 95 %
    Wilson interval of the recall at any severity.
    """

    name: str
    declarations: int
    any: int
    medium: int
    high: int
    recall: float
    recall_medium: float
    recall_high: float
    low: float
    high_end: float
    expected: int | None = None
    expected_codes: list[list[str]] | None = None


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
    honest: int
    alerts: int
    withdrawn: int
    unlabelled_alerts: int
    alerts_per_1000: float | None
    false_high_per_1000_honest: float | None
    cuts: list[AtCut]
    scenarios: list[Caught]
    typologies: list[Caught]
    look_alikes: list[Alike]
    budgets: list[Budget]
    false_high_codes: list[FalseCode]
    substances_named: int
    substances_expected: int
