"""The connection to SQLite or PostgreSQL: opened, migrated, and one writer at a time where there can be only one."""

from __future__ import annotations

import contextlib
import secrets as chance
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Engine, create_engine, event, insert, make_url, select, text
from sqlalchemy.exc import ArgumentError, IntegrityError, OperationalError, SQLAlchemyError

from schemas.errors import SettingsError
from streams.console.store import tables

#: Of each connection, in KiB; there are at most `_CONNECTIONS`.
_CACHE_KIB = 16_000
_CONNECTIONS = 8
_BUSY_MS = 30_000
_MIGRATIONS = Path(__file__).parents[1] / "migrations"


class Database:
    """An open database, its tables migrated. ``reading`` and ``writing`` give connections in a transaction of their own."""

    def __init__(self, url: str) -> None:
        """Open a database.

        Parameters
        ----------
        url : ``sqlite:////path/console.sqlite``, or ``postgresql+psycopg://...`` (``postgresql://`` is read as that).

        Raises
        ------
        SettingsError : the address is none, or the database does not answer.
        """
        self.engine = _engine(url)
        self.sqlite = self.engine.dialect.name == "sqlite"
        # SQLite has one writer. A lock of this process lets writers queue up, where SQLite's own would make them poll.
        self._writer: contextlib.AbstractContextManager[Any] = (
            threading.RLock() if self.sqlite else contextlib.nullcontext()
        )
        try:
            self._migrate()
        except (OperationalError, OSError) as error:
            self.engine.dispose()
            shown = self.engine.url.render_as_string(hide_password=True)
            reason = str(getattr(error, "orig", None) or error).strip()
            raise SettingsError(f"the console's database {shown} cannot be used: {reason}") from None

    @contextlib.contextmanager
    def reading(self) -> Iterator[Connection]:
        """Have a connection that sees one state of the database."""
        with self.engine.connect() as connection:
            yield connection

    @contextlib.contextmanager
    def writing(self) -> Iterator[Connection]:
        """Have a connection whose changes are kept together at the end of the block, or not at all if it raises."""
        with self._writer, self.engine.connect().execution_options(assay_writes=True) as connection, connection.begin():
            yield connection

    def secret(self, name: str) -> str:
        """Return a key of this installation, made by chance when it is first asked for."""
        wanted = select(tables.secrets.c.value).where(tables.secrets.c.name == name)
        with self.reading() as connection:
            found = connection.scalar(wanted)
        if found is None:
            with contextlib.suppress(IntegrityError), self.writing() as connection:
                connection.execute(insert(tables.secrets).values(name=name, value=chance.token_urlsafe(32)))
            with self.reading() as connection:
                found = connection.scalar(wanted)
        return str(found)

    def tidy(self) -> None:
        """Let the planner know how values are spread; cheap when little changed."""
        with contextlib.suppress(SQLAlchemyError), self.writing() as connection:
            if self.sqlite:
                connection.execute(text("PRAGMA analysis_limit = 1000"))
                connection.execute(text("ANALYZE"))
            else:
                connection.execute(text("ANALYZE alerts"))
                connection.execute(text("ANALYZE tags"))

    def close(self) -> None:
        """Give all connections back."""
        self.engine.dispose()

    def _migrate(self) -> None:
        from alembic import command
        from alembic.config import Config

        chosen = Config()
        chosen.set_main_option("script_location", str(_MIGRATIONS).replace("%", "%%"))
        chosen.set_main_option("path_separator", "os")
        with self.writing() as connection:
            if not self.sqlite:  # two consoles that start at once must not both migrate
                connection.execute(text("SELECT pg_advisory_xact_lock(7267017)"))
            chosen.attributes["connection"] = connection
            command.upgrade(chosen, "head")


def _engine(url: str) -> Engine:
    try:
        parsed = make_url(url)
    except ArgumentError:
        raise SettingsError(
            "ASSAY_CONSOLE_DATABASE is no address of a database, such as postgresql://console@db/assay"
        ) from None
    if parsed.get_backend_name() == "postgresql":
        try:
            return create_engine(
                parsed.set(drivername="postgresql+psycopg"), pool_size=_CONNECTIONS, max_overflow=8, pool_pre_ping=True
            )
        except ModuleNotFoundError:
            raise SettingsError("PostgreSQL needs the driver psycopg: install assay[postgres]") from None
    if parsed.get_backend_name() != "sqlite":
        raise SettingsError(
            f"ASSAY_CONSOLE_DATABASE: {parsed.get_backend_name()} is not supported, sqlite and postgresql are"
        )
    if parsed.database in (None, "", ":memory:"):
        raise SettingsError("the console's SQLite database is a file")
    path = Path(str(parsed.database))
    try:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    except OSError as error:
        raise SettingsError(f"the folder of {path} cannot be made: {error.strerror}") from None
    engine = create_engine(
        parsed,
        pool_size=_CONNECTIONS,
        max_overflow=0,
        pool_timeout=60,
        connect_args={"check_same_thread": False, "isolation_level": None, "timeout": _BUSY_MS / 1000},
    )
    event.listen(engine, "connect", _connected)
    event.listen(engine, "begin", _begun)
    return engine


def _connected(connection: Any, _: Any) -> None:
    cursor = connection.cursor()
    for pragma in (
        "journal_mode = WAL",
        "synchronous = FULL",  # a decision that was answered with success outlives a power cut
        f"cache_size = -{_CACHE_KIB}",
        "temp_store = MEMORY",
        f"busy_timeout = {_BUSY_MS}",
        # 32 MB: pages that one batch after another changes are written into the database once for some of them.
        "wal_autocheckpoint = 8000",
        "journal_size_limit = 67108864",
        "trusted_schema = OFF",
    ):
        cursor.execute(f"PRAGMA {pragma}")
    cursor.close()


def _begun(connection: Connection) -> None:
    # The driver is told to begin nothing by itself: a transaction that will write takes the writer's place at once, so that it
    # cannot fail halfway because another one wrote first.
    writes = connection.get_execution_options().get("assay_writes")
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")
