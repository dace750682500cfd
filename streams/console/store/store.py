"""The store: its parts, each for one kind of question or act."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any, Literal

from streams.console.access.person import Person
from streams.console.store.model import (
    AlertDetail,
    AlertLine,
    AuditLine,
    Counts,
    DecisionLine,
    Draft,
    Group,
    LaneDay,
    Overview,
    QueuePage,
    SavedView,
    Similar,
    Suppression,
)
from streams.console.store.query import QueueQuery


class Queue:
    """Questions to the queue."""

    def page(self, query: QueueQuery, person: Person) -> QueuePage:
        """Return one page of alerts in the query's order. ValueError: the cursor is not of this order."""
        raise NotImplementedError

    def groups(self, query: QueueQuery, person: Person) -> tuple[Group, ...]:
        """Return the alerts of a query by ``group_key``, strongest group first, up to ``query.limit`` groups."""
        raise NotImplementedError

    def counts(self, query: QueueQuery, person: Person, facets: bool = True) -> Counts:
        """Return how many alerts match, and the values of each field among them."""
        raise NotImplementedError

    def ids(self, query: QueueQuery, person: Person, limit: int = 10_000) -> tuple[str, ...]:
        """Return the ids of all alerts that match, in order: for bulk acts on a whole query."""
        raise NotImplementedError


class Alerts:
    """One alert, and what stands beside it."""

    def read(self, alert_id: str, person: Person, revision: int | None = None) -> AlertDetail | None:
        """Return an alert (an earlier revision, if asked), or None. The read is audited where it shows personal data."""
        raise NotImplementedError

    def lines(self, alert_ids: Sequence[str], person: Person) -> tuple[AlertLine, ...]:
        """Return the queue lines of these alerts, in the order given; ids not known are left out."""
        raise NotImplementedError

    def similar(self, alert_id: str, person: Person, limit: int = 8) -> tuple[Similar, ...]:
        """Return earlier alerts most like one: by parties, substances, codes, lane and heading; decided first."""
        raise NotImplementedError

    def lane(self, alert_id: str, days: int = 365) -> tuple[LaneDay, ...]:
        """Return the days of an alert's lane and substances that had alerts, oldest first, up to its own day."""
        raise NotImplementedError

    def related(self, alert_id: str, person: Person, days: float = 30.0, limit: int = 200) -> tuple[AlertLine, ...]:
        """Return alerts that share a party, the group, or a related id, within so many days of event time; oldest first."""
        raise NotImplementedError


class Decisions:
    """What became of alerts."""

    def decide(
        self,
        alert_ids: Sequence[str],
        person: Person,
        verdict: str,
        confirmed_codes: Sequence[str] = (),
        found: Mapping[str, Any] | None = None,
        revenue_recovered: Mapping[str, Any] | None = None,
        note: str | None = None,
    ) -> tuple[DecisionLine, ...]:
        """Decide on alerts, one or many, and hand the decisions to the outbox in the same transaction.

        The same decision by the same person on the same revision, made again, is one decision. ``found`` and
        ``revenue_recovered`` are as in `schemas.disposition`. ValueError: a value that the contract refuses; KeyError: an
        unknown alert (nothing is decided then).
        """
        raise NotImplementedError


class Work:
    """Who works on what."""

    def take(self, alert_ids: Sequence[str], person: Person) -> int:
        """Make a person the owner; return how many alerts changed hands."""
        raise NotImplementedError

    def release(self, alert_ids: Sequence[str], person: Person) -> int:
        """Leave alerts without owner. An analyst may release what is theirs, a supervisor any."""
        raise NotImplementedError

    def hand_over(self, alert_ids: Sequence[str], person: Person, to: str, note: str | None = None) -> int:
        """Give alerts to another person, with a note for the trail. LookupError: there is no such active user who may decide."""
        raise NotImplementedError

    def colleagues(self) -> tuple[str, ...]:
        """Return the names of active users who may own alerts."""
        raise NotImplementedError


class Views:
    """Saved queries."""

    def all(self, person: Person) -> tuple[SavedView, ...]:
        """Return a person's own views and those shared, by name."""
        raise NotImplementedError

    def save(self, person: Person, name: str, query: QueueQuery, shared: bool = False) -> SavedView:
        """Save a query under a name, in place of one's own view of that name. Sharing asks for a supervisor."""
        raise NotImplementedError

    def delete(self, person: Person, view_id: int) -> bool:
        """Delete one's own view (a supervisor: any shared one); False: there is none to delete."""
        raise NotImplementedError


class Suppressions:
    """Rules that hide or mark alerts until they end."""

    def all(self, ended: bool = False) -> tuple[Suppression, ...]:
        """Return those in force, newest first; with ``ended`` all there ever were."""
        raise NotImplementedError

    def add(
        self,
        person: Person,
        reason: str,
        expires_at: datetime,
        *,
        rule: str | None = None,
        code: str | None = None,
        party: str | None = None,
        lane: str | None = None,
        group_key: str | None = None,
        effect: Literal["hide", "mark"] = "hide",
    ) -> Suppression:
        """Begin a suppression. ValueError: no scope, no reason, no future end or one more than a year away."""
        raise NotImplementedError

    def preview(self, **scope: str | None) -> int:
        """Return how many alerts a scope (the names of `add`) would match now."""
        raise NotImplementedError

    def end(self, person: Person, suppression_id: int) -> bool:
        """End one before its time; False: it is not in force."""
        raise NotImplementedError


class Drafts:
    """Draft exclusions for rules that need tuning."""

    def all(self) -> tuple[Draft, ...]:
        """Return all drafts, open ones first, newest first."""
        raise NotImplementedError

    def open(self, person: Person, rule: str) -> Draft:
        """Open a draft for a rule from its refuted alerts: what they share, as YAML. KeyError: no such rule."""
        raise NotImplementedError

    def close(self, person: Person, draft_id: int, state: Literal["taken", "dropped"]) -> bool:
        """Say what became of a draft; False: there is none that is open."""
        raise NotImplementedError


class Audit:
    """The audit trail: written once, never changed."""

    def record(self, person: Person, act: str, subject: str | None = None, **details: Any) -> None:
        """Write a line."""
        raise NotImplementedError

    def entries(
        self,
        *,
        subject: str | None = None,
        person: str | None = None,
        act: str | None = None,
        before: int | None = None,
        limit: int = 100,
    ) -> tuple[AuditLine, ...]:
        """Return lines, newest first; ``before`` is the number of the last line of the page before."""
        raise NotImplementedError


class Store:
    """The console's store."""

    queue: Queue
    alerts: Alerts
    decisions: Decisions
    work: Work
    views: Views
    suppressions: Suppressions
    drafts: Drafts
    audit: Audit

    def __init__(self, url: str, clock: Callable[[], datetime]) -> None:
        """Open a database (migrated to the newest tables)."""
        raise NotImplementedError

    def overview(self, days: int = 30) -> Overview:
        """Return the numbers of the overview; kept for some seconds."""
        raise NotImplementedError

    def export(
        self, person: Person, query: QueueQuery | None = None, alert_ids: Sequence[str] = ()
    ) -> Iterator[Mapping[str, Any]]:
        """Yield rows for an export, of a query or a selection, as flat mappings (audited; names as the person may see them)."""
        raise NotImplementedError
