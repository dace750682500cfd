"""What the store answers: plain frozen values for pages and for the JSON interface. Times are aware, in UTC."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal

from schemas.alert import AlertStatus
from schemas.disposition import Verdicts
from schemas.types import Severity

Sort = Literal["risk", "newest", "oldest", "updated"]
#: ``visible``: what no suppression hides.
Shown = Literal["visible", "suppressed", "all"]
#: Verdicts of the contract, and ``none`` for alerts that nobody has decided.
VerdictChoice = Literal["none", "true_positive", "false_positive", "benign", "duplicate", "insufficient_data", "test"]


@dataclass(frozen=True, slots=True)
class Party:
    """A party of an alert's declaration. ``name`` is a pseudonym where the reader may not see names.

    ``key`` names the party in filters, links and suppressions: its id, else its folded name and country.
    """

    role: str
    key: str
    id: str | None
    name: str | None
    country: str | None


@dataclass(frozen=True, slots=True)
class AlertLine:
    """One alert in the queue.

    Attributes
    ----------
    lane : ``CN>TH``: countries of export and destination; "" parts where not known.
    verdict, decided_by, decided_at, decided_revision : the last decision, None where there is none.
    stale : the alert was revised after it was decided; it asks for a second look.
    suppressed_by : id of the suppression that hides it, or None; ``marked_by`` likewise of one that only marks.
    personal : the alert holds names of parties; reading it is audited.
    """

    alert_id: str
    revision: int
    status: AlertStatus
    declaration_id: str
    mrn: str | None
    title: str
    severity: Severity
    risk_score: int
    confidence: float
    substances: tuple[str, ...]
    codes: tuple[str, ...]
    office: str | None
    country_of_export: str | None
    country_of_destination: str | None
    lane: str
    parties: tuple[Party, ...]
    group_key: str | None
    raised_at: datetime
    updated_at: datetime
    event_time: datetime
    owner: str | None
    verdict: Verdicts | None
    decided_by: str | None
    decided_at: datetime | None
    decided_revision: int | None
    stale: bool
    suppressed_by: int | None
    marked_by: int | None
    personal: bool


@dataclass(frozen=True, slots=True)
class QueuePage:
    """A page of the queue; ``next`` and ``previous`` are cursors for `QueueQuery.cursor`, None at the ends."""

    lines: tuple[AlertLine, ...]
    next: str | None
    previous: str | None


@dataclass(frozen=True, slots=True)
class Group:
    """Alerts that share a ``group_key``: how many match the query, the strongest, the newest, how many are undecided."""

    group_key: str
    count: int
    undecided: int
    strongest: AlertLine
    newest: datetime


@dataclass(frozen=True, slots=True)
class Facet:
    """A value that a filter may take, and how many alerts of the query have it."""

    value: str
    count: int


@dataclass(frozen=True, slots=True)
class Counts:
    """How many alerts match a query, and by what they differ. ``facets``: field -> values, most frequent first.

    Fields: severity, status, code, substance, office, country, lane, owner, verdict (`none`: undecided).
    """

    total: int
    undecided: int
    facets: Mapping[str, Sequence[Facet]]


@dataclass(frozen=True, slots=True)
class RevisionLine:
    """One revision of an alert, with what it said."""

    revision: int
    status: AlertStatus
    severity: Severity
    risk_score: int
    title: str
    updated_at: datetime
    codes: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class DecisionLine:
    """One decision on an alert; ``sent_at`` is when Kafka had it, None while it waits in the outbox."""

    decision_id: str
    alert_id: str
    declaration_id: str
    verdict: Verdicts
    confirmed_codes: tuple[str, ...]
    found: Mapping[str, Any] | None
    revenue_recovered: Mapping[str, Any] | None
    analyst: str | None
    note: str | None
    decided_at: datetime
    sent_at: datetime | None
    here: bool


@dataclass(frozen=True, slots=True)
class AuditLine:
    """One line of the audit trail: who did what to what, when, from where."""

    number: int
    at: datetime
    person: str
    role: str
    act: str
    subject: str | None
    details: Mapping[str, Any]
    address: str | None


@dataclass(frozen=True, slots=True)
class AlertDetail:
    """Everything about one alert. ``alert`` is `schemas.alert.Alert` as JSON values, with pseudonyms where names are closed."""

    line: AlertLine
    alert: Mapping[str, Any]
    revisions: tuple[RevisionLine, ...]
    decisions: tuple[DecisionLine, ...]
    audit: tuple[AuditLine, ...]
    pseudonymous: bool


@dataclass(frozen=True, slots=True)
class Similar:
    """An earlier alert that resembles one, by what, and what became of it (in ``line.verdict``). ``likeness`` is 0 to 1."""

    line: AlertLine
    likeness: float
    shared: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class LaneDay:
    """Alerts of a lane on a day (UTC), by event time, and how many of them were confirmed."""

    day: str
    alerts: int
    confirmed: int


@dataclass(frozen=True, slots=True)
class SavedView:
    """A query with a name. ``shared`` views are seen by all, ``owner`` may change and delete it."""

    view_id: int
    name: str
    owner: str
    shared: bool
    query: Mapping[str, Any]
    created_at: datetime


@dataclass(frozen=True, slots=True)
class Suppression:
    """A rule of the queue: alerts that match every given part of the scope are hidden, or only marked, until it ends.

    Scope: ``rule`` (a detector), ``code``, ``party`` (`Party.key`), ``lane`` (``CN>TH``), ``group_key``. With ``rule`` or
    ``code`` an alert matches only when all its reasons are of it: another ground is never hidden. ``matches`` counts
    alerts that it applies to now.
    """

    suppression_id: int
    rule: str | None
    code: str | None
    party: str | None
    lane: str | None
    group_key: str | None
    effect: Literal["hide", "mark"]
    reason: str
    author: str
    created_at: datetime
    expires_at: datetime
    ended_at: datetime | None
    ended_by: str | None
    matches: int


@dataclass(frozen=True, slots=True)
class Draft:
    """A draft exclusion for a rule that needs tuning: YAML for the rule's author to take over; nothing applies by itself."""

    draft_id: int
    rule: str
    code: str
    yaml: str
    reason: str
    author: str
    created_at: datetime
    state: Literal["open", "taken", "dropped"]


@dataclass(frozen=True, slots=True)
class Tally:
    """A value and its number, for plots."""

    value: str
    count: int


@dataclass(frozen=True, slots=True)
class RulePrecision:
    """How a rule did by the decisions. ``precision``: confirmed / (confirmed + refuted), None without either.

    ``confirmed`` counts true positives (of its code, where codes were confirmed), ``refuted`` false positives and benign;
    ``needs_tuning``: at least 10 judged and precision below one half.
    """

    rule: str
    code: str
    alerts: int
    confirmed: int
    refuted: int
    precision: float | None
    needs_tuning: bool


@dataclass(frozen=True, slots=True)
class DayCount:
    """Alerts raised on a day (UTC), by severity."""

    day: str
    low: int
    medium: int
    high: int
    critical: int


@dataclass(frozen=True, slots=True)
class QueueAge:
    """Undecided alerts by age; hours are None when nothing waits."""

    undecided: int
    median_hours: float | None
    oldest_hours: float | None
    bands: tuple[Tally, ...]


@dataclass(frozen=True, slots=True)
class Overview:
    """The numbers of the overview, of ``days`` days up to ``at``."""

    at: datetime
    days: int
    by_day: tuple[DayCount, ...]
    by_severity: tuple[Tally, ...]
    by_code: tuple[Tally, ...]
    by_lane: tuple[Tally, ...]
    by_office: tuple[Tally, ...]
    by_substance: tuple[Tally, ...]
    by_verdict: tuple[Tally, ...]
    queue_age: QueueAge
    rules: tuple[RulePrecision, ...]
    codes: tuple[RulePrecision, ...]
    versions: Mapping[str, Sequence[Tally]]
    decided: int
    median_hours_to_decision: float | None


@dataclass(frozen=True, slots=True)
class SourceHealth:
    """A feed: records in its topic, what the workers have still to read, when the last came; None where not known."""

    name: str
    records: int | None
    lag: int | None
    last_at: datetime | None


@dataclass(frozen=True, slots=True)
class FeedHealth:
    """How the feeds are, as far as Kafka and the workers tell. ``trouble`` says in a sentence what cannot be told.

    ``console_lag``: records of ``alerts`` and ``dispositions`` that this console has not taken in. ``outbox``: decisions
    that Kafka has not acknowledged. ``bad_records``: of ``alerts`` and ``dispositions``, passed over since the database began.
    """

    at: datetime
    kafka: bool
    trouble: str | None
    sources: tuple[SourceHealth, ...]
    dead_letters: int | None
    console_lag: int | None
    outbox: int
    oldest_in_outbox: datetime | None
    bad_records: int
    workers: tuple[Mapping[str, Any], ...] = field(default_factory=tuple)
