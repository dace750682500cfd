"""The store: its parts, each for one kind of question or act."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from streams.console.access.person import Person
from streams.console.events import News, Publish
from streams.console.store import exports
from streams.console.store import overview as numbers
from streams.console.store.acts import Decisions, Work
from streams.console.store.alerts import Alerts
from streams.console.store.database import Database
from streams.console.store.drafts import Drafts
from streams.console.store.model import Overview
from streams.console.store.outbox import Outbox
from streams.console.store.people import Links, People, Sessions
from streams.console.store.query import QueueQuery
from streams.console.store.queue import Queue
from streams.console.store.reading import Pseudonyms
from streams.console.store.reads import Audit, Reads
from streams.console.store.suppressions import Suppressions
from streams.console.store.taking import Taking
from streams.console.store.views import Views

_OVERVIEW_SECONDS = 10.0
_EXPORT_PAGE = 200
MOST_EXPORTED = 100_000


def now() -> datetime:
    """Return the time."""
    return datetime.now(UTC)


def _nobody(_: News) -> None:
    """Tell nobody."""


class Store:
    """The console's store.

    Attributes
    ----------
    queue, alerts : questions. ``decisions``, ``work``, ``views``, ``suppressions``, ``drafts`` : acts. ``audit`` : the trail.
    people, sessions, links : who may log in. ``taking``, ``outbox`` : from and to Kafka.
    """

    def __init__(self, url: str, clock: Callable[[], datetime] = now, publish: Publish = _nobody) -> None:
        """Open a database and migrate it to the newest tables; SettingsError if it cannot be used.

        Parameters
        ----------
        url : as `streams.console.store.database.Database` takes it.
        clock : gives the time, aware and in UTC.
        publish : told of every change, after it was kept.
        """
        self.database = Database(url)
        self.clock = clock
        self.pseudonyms = Pseudonyms(self.database.secret("pseudonyms"))
        self.audit = Audit(self.database, clock)
        reads = Reads(self.audit)
        self.queue = Queue(self.database, self.pseudonyms, reads, clock)
        self.alerts = Alerts(self.database, self.pseudonyms, self.audit, reads, clock)

        def told(news: News) -> None:
            self.queue.forget_counts()
            publish(news)

        self.decisions = Decisions(self.database, self.alerts, self.audit, told, clock)
        self.work = Work(self.database, self.audit, told)
        self.views = Views(self.database, self.audit, clock)
        self.suppressions = Suppressions(self.database, self.pseudonyms, self.audit, told, clock)
        self.drafts = Drafts(self.database, self.audit, clock)
        self.people = People(self.database, self.audit, clock)
        self.sessions = Sessions(self.database, self.audit, clock)
        self.links = Links(self.database, clock)
        self.taking = Taking(self.database, self.pseudonyms)
        self.outbox = Outbox(self.database, clock)
        self._overviews: dict[int, tuple[float, Overview]] = {}
        self._counting = threading.Lock()

    def overview(self, days: int = 30) -> Overview:
        """Return the numbers of the overview; kept for ten seconds. ValueError: not 1 to 400 days."""
        if not 1 <= days <= 400:
            raise ValueError("days: 1 to 400")
        with self._counting:  # one at a time: who comes second gets what the first one counted
            kept = self._overviews.get(days)
            if kept is not None and time.monotonic() - kept[0] < _OVERVIEW_SECONDS:
                return kept[1]
            with self.database.reading() as connection:
                found = numbers.overview(connection, self.clock(), days)
            self._overviews[days] = (time.monotonic(), found)
            return found

    def export(
        self, person: Person, query: QueueQuery | None = None, alert_ids: Sequence[str] = ()
    ) -> Iterator[Mapping[str, Any]]:
        """Yield rows for an export, of a query or a selection, as flat mappings; names as the person may see them.

        The export is audited at once, and whose names it shows as they are read. At most `MOST_EXPORTED` rows.
        """
        what = {"ids": len(alert_ids)} if alert_ids else {"query": (query or QueueQuery()).parameters()}
        self.audit.record(person, "export", None, **what)
        return self._rows(person, query or QueueQuery(), alert_ids)

    def _rows(self, person: Person, query: QueueQuery, alert_ids: Sequence[str]) -> Iterator[Mapping[str, Any]]:
        if alert_ids:
            for start in range(0, min(len(alert_ids), MOST_EXPORTED), _EXPORT_PAGE):
                for line in self.alerts.lines(alert_ids[start : start + _EXPORT_PAGE], person):
                    yield exports.row(line)
            return
        query = replace(query, limit=_EXPORT_PAGE, cursor=None)
        for _ in range(MOST_EXPORTED // _EXPORT_PAGE):
            page = self.queue.page(query, person)
            yield from (exports.row(line) for line in page.lines)
            if page.next is None:
                return
            query = replace(query, cursor=page.next)

    def close(self) -> None:
        """Close the database."""
        self.queue.counting.close()
        self.database.close()
