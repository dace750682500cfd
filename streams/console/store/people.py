"""Who may log in, who is logged in, and one-time links."""

from __future__ import annotations

import hashlib
import re
import secrets
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, delete, func, insert, select, update
from sqlalchemy.exc import IntegrityError

from streams.console.access.person import Person, Role
from streams.console.store.database import Database
from streams.console.store.reads import Audit
from streams.console.store.tables import links, sessions, users

_NAME = re.compile(r"[a-z0-9][a-z0-9._@-]{0,63}")
_SEEN_EVERY = timedelta(seconds=60)
LINK_MINUTES = 60
#: Who acts on the command line; stands in the audit trail.
OPERATOR = Person("command line", "command line", Role.admin)


@dataclass(frozen=True, slots=True)
class User:
    """Somebody who may log in: by password (``local``), by OpenID Connect, or only by one-time links."""

    name: str
    display: str
    role: Role
    active: bool
    way: str
    created_at: datetime
    last_login: datetime | None


def hashed(token: str) -> str:
    """Return what is kept of a token that is long and made by chance."""
    return hashlib.sha256(token.encode()).hexdigest()


class People:
    """Who may log in."""

    def __init__(self, database: Database, audit: Audit, clock: Callable[[], datetime]) -> None:
        self._database = database
        self._audit = audit
        self._clock = clock

    def add(
        self,
        name: str,
        role: Role,
        by: Person,
        hash_: str | None = None,
        display: str | None = None,
        subject: str | None = None,
    ) -> User:
        """Add a user. ValueError: no name that may be, or one that exists."""
        if not _NAME.fullmatch(name):
            raise ValueError("a name has 1 to 64 small letters, digits, '.', '_', '@', '-'")
        row = {
            "name": name,
            "display": (display or name)[:255],
            "role": role.name,
            "hash": hash_,
            "subject": subject,
            "active": True,
            "created_at": self._clock(),
        }
        try:
            with self._database.writing() as connection:
                connection.execute(insert(users).values(row))
                self._audit.write(connection, by, "user.added", name, role=role.name)
        except IntegrityError:
            raise ValueError(f"there is a user {name} already") from None
        found = self.find(name)
        assert found is not None
        return found

    def find(self, name: str) -> User | None:
        """Return a user."""
        return next(iter(self._users(users.c.name == name)), None)

    def of_subject(self, subject: str) -> User | None:
        """Return the user of an issuer and subject of OpenID Connect."""
        return next(iter(self._users(users.c.subject == subject)), None)

    def all(self) -> list[User]:
        """Return all users by name."""
        return self._users()

    def any(self) -> bool:
        """Say whether there is a user who may log in."""
        with self._database.reading() as connection:
            return bool(connection.scalar(select(func.count()).select_from(users).where(users.c.active)))

    def hash_of(self, name: str) -> str | None:
        """Return the password's hash of an active user who has one."""
        with self._database.reading() as connection:
            wanted = select(users.c.hash).where(users.c.name == name, users.c.active)
            found: str | None = connection.scalar(wanted)
            return found

    def change(self, name: str, by: Person, **values: Any) -> bool:
        """Change a user's ``role``, ``active``, ``hash`` or ``display``; all their sessions end. False: there is none."""
        told = {key: value for key, value in values.items() if key != "hash"}
        with self._database.writing() as connection:
            done = connection.execute(update(users).where(users.c.name == name).values(values)).rowcount
            if done:
                connection.execute(delete(sessions).where(sessions.c.person == name))
                connection.execute(delete(links).where(links.c.person == name))
                what = told or {"password": "changed"}
                self._audit.write(connection, by, "user.changed", name, **what)
        return bool(done)

    def rehash(self, name: str, hash_: str) -> None:
        """Keep a hash with newer parameters of the same password; sessions go on."""
        with self._database.writing() as connection:
            connection.execute(update(users).where(users.c.name == name).values(hash=hash_))

    def _users(self, *wanted: Any) -> list[User]:
        with self._database.reading() as connection:
            rows = connection.execute(select(users).where(*wanted).order_by(users.c.name)).fetchall()
        return [
            User(
                row.name,
                row.display,
                Role[row.role],
                row.active,
                "oidc" if row.subject else "password" if row.hash else "link",
                row.created_at,
                row.last_login,
            )
            for row in rows
        ]


class Sessions:
    """Who is logged in. Only hashes of tokens are kept."""

    def __init__(self, database: Database, audit: Audit, clock: Callable[[], datetime]) -> None:
        self._database = database
        self._audit = audit
        self._clock = clock

    def begin(self, user: User, lasts: timedelta, address: str | None, way: str, instead_of: str | None = None) -> str:
        """Log somebody in and return the token of the new session; the session of ``instead_of`` ends."""
        now, token = self._clock(), secrets.token_urlsafe(32)
        csrf = secrets.token_urlsafe(24)
        row = {
            "token_hash": hashed(token),
            "person": user.name,
            "csrf": csrf,
            "created_at": now,
            "seen_at": now,
            "expires_at": now + lasts,
            "address": address,
        }
        with self._database.writing() as connection:
            if instead_of:
                connection.execute(delete(sessions).where(sessions.c.token_hash == hashed(instead_of)))
            connection.execute(delete(sessions).where(sessions.c.expires_at <= now))
            made = connection.execute(insert(sessions).values(row).returning(sessions.c.number)).scalar_one()
            connection.execute(update(users).where(users.c.name == user.name).values(last_login=now))
            person = Person(user.name, user.display, user.role, made, csrf, address)
            self._audit.write(connection, person, "login", user.name, way=way)
        return token

    def find(self, token: str, idle: timedelta, address: str | None, touch: bool = True) -> Person | None:
        """Return who a token is of, or None if its time is over or its user may no longer log in.

        ``touch``: this is a sign of life of a person, which keeps the session from ending idle.
        """
        now = self._clock()
        wanted = (
            select(sessions, users.c.display, users.c.role)
            .join(users, users.c.name == sessions.c.person)
            .where(sessions.c.token_hash == hashed(token), users.c.active)
        )
        with self._database.reading() as connection:
            row = connection.execute(wanted).one_or_none()
        if row is None:
            return None
        if now >= row.expires_at or now - row.seen_at > idle:
            self._delete(sessions.c.number == row.number)
            return None
        if touch and now - row.seen_at > _SEEN_EVERY:
            with self._database.writing() as connection:
                connection.execute(update(sessions).where(sessions.c.number == row.number).values(seen_at=now))
        return Person(row.person, row.display, Role[row.role], row.number, row.csrf, address)

    def end(self, token: str, person: Person) -> None:
        """Log out."""
        with self._database.writing() as connection:
            connection.execute(delete(sessions).where(sessions.c.token_hash == hashed(token)))
            self._audit.write(connection, person, "logout", person.name)

    def end_all(self, name: str, by: Person) -> int:
        """End all sessions of a user, and return how many there were."""
        with self._database.writing() as connection:
            done: int = connection.execute(delete(sessions).where(sessions.c.person == name)).rowcount
            self._audit.write(connection, by, "sessions.ended", name, count=done)
        return done

    def count(self) -> int:
        """Return how many sessions there are."""
        with self._database.reading() as connection:
            return connection.scalar(select(func.count()).select_from(sessions)) or 0

    def by_person(self) -> dict[str, int]:
        """Return how many sessions each person has that has any."""
        wanted = select(sessions.c.person, func.count()).where(sessions.c.expires_at > self._clock())
        with self._database.reading() as connection:
            return dict(connection.execute(wanted.group_by(sessions.c.person)).all())

    def _delete(self, condition: Any) -> None:
        with self._database.writing() as connection:
            connection.execute(delete(sessions).where(condition))


class Links:
    """One-time links to log in by."""

    def __init__(self, database: Database, clock: Callable[[], datetime]) -> None:
        self._database = database
        self._clock = clock

    def make(self, name: str, minutes: int = LINK_MINUTES) -> str:
        """Return the token of a link that logs a user in once within so many minutes."""
        token = secrets.token_urlsafe(32)
        expires = self._clock() + timedelta(minutes=minutes)
        with self._database.writing() as connection:
            connection.execute(insert(links).values(token_hash=hashed(token), person=name, expires_at=expires))
        return token

    def use(self, token: str) -> str | None:
        """Return whom a link logs in, the first time, or None."""
        now = self._clock()
        with self._database.writing() as connection:
            name = self._taken(connection, token, now)
            connection.execute(delete(links).where(links.c.expires_at <= now))
        return name

    @staticmethod
    def _taken(connection: Connection, token: str, now: datetime) -> str | None:
        wanted = (links.c.token_hash == hashed(token), links.c.expires_at > now)
        row = connection.execute(delete(links).where(*wanted).returning(links.c.person)).one_or_none()
        return None if row is None else str(row.person)
