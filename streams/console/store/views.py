"""Saved queries."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any

from sqlalchemy import delete, insert, or_, select

from streams.console.access.person import Person, Role
from streams.console.store.database import Database
from streams.console.store.model import SavedView
from streams.console.store.query import QueueQuery
from streams.console.store.reads import Audit
from streams.console.store.tables import views

_MOST = 200
_LONGEST_NAME = 128


class Views:
    """Saved queries."""

    def __init__(self, database: Database, audit: Audit, clock: Callable[[], datetime]) -> None:
        self._database = database
        self._audit = audit
        self._clock = clock

    def all(self, person: Person) -> tuple[SavedView, ...]:
        """Return a person's own views and those shared, by name."""
        wanted = select(views).where(or_(views.c.owner == person.name, views.c.shared)).order_by(views.c.name)
        with self._database.reading() as connection:
            return tuple(_view(row) for row in connection.execute(wanted))

    def save(self, person: Person, name: str, query: QueueQuery, shared: bool = False) -> SavedView:
        """Save a query under a name, in place of one's own view of that name. Sharing asks for a supervisor.

        ValueError: no name, or too many views; PermissionError: sharing without being supervisor.
        """
        name = name.strip()
        if not name or len(name) > _LONGEST_NAME:
            raise ValueError(f"name: 1 to {_LONGEST_NAME} characters")
        if shared and not person.may(Role.supervisor):
            raise PermissionError("views are shared by supervisors")
        own = views.c.owner == person.name
        with self._database.writing() as connection:
            connection.execute(delete(views).where(own, views.c.name == name))
            if len(connection.execute(select(views.c.number).where(own)).fetchall()) >= _MOST:
                raise ValueError(f"more than {_MOST} views; delete some")
            row = {
                "name": name,
                "owner": person.name,
                "shared": shared,
                "query": query.parameters(),
                "created_at": self._clock(),
            }
            made = connection.execute(insert(views).values(row).returning(views)).one()
            self._audit.write(connection, person, "view.saved", str(made.number), name=name, shared=shared)
        return _view(made)

    def delete(self, person: Person, view_id: int) -> bool:
        """Delete one's own view (a supervisor: any shared one); False: there is none to delete."""
        may = views.c.owner == person.name
        if person.may(Role.supervisor):
            may = or_(may, views.c.shared)
        with self._database.writing() as connection:
            done = connection.execute(delete(views).where(views.c.number == view_id, may)).rowcount
            if done:
                self._audit.write(connection, person, "view.deleted", str(view_id))
        return bool(done)


def _view(row: Any) -> SavedView:
    return SavedView(row.number, row.name, row.owner, row.shared, row.query, row.created_at)
