"""The console's database: migrated from empty, the same on SQLite and PostgreSQL; users by the command line."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from console_parts import ANALYST, VIEWER, Clock, alert, revised, take
from typer.testing import CliRunner

from schemas.errors import SettingsError
from streams import settings as kept_settings
from streams.cli import build
from streams.console.store import QueueQuery, Store
from streams.console.store.database import Database
from streams.console.store.tables import metadata


def differences(database: Database) -> list[Any]:
    """What the migrated tables have that the declared ones have not, and the other way round; what only SQLite has apart."""

    def ours(thing: Any, name: str | None, kind: str, *_: Any) -> bool:
        return not (name or "").startswith(("alert_search", "alert_changes", "alert_words_trgm", "alembic"))

    with database.reading() as connection:
        return compare_metadata(MigrationContext.configure(connection, opts={"include_object": ours}), metadata)


def test_migrations_make_the_declared_tables_and_run_once(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'new' / 'console.sqlite'}"
    for _ in range(2):
        database = Database(url)
        assert differences(database) == []
        with database.reading() as connection:
            assert connection.exec_driver_sql("PRAGMA journal_mode").scalar() == "wal"
        key = database.secret("pseudonyms")
        database.close()
    again = Database(url)
    assert again.secret("pseudonyms") == key
    again.close()


@pytest.mark.parametrize("url", ["mysql://x/y", "sqlite://", "no address", "postgresql://u:geheim@127.0.0.1:1/none"])
def test_a_database_that_cannot_be_is_refused_without_its_password(url: str) -> None:
    with pytest.raises(SettingsError) as refused:
        Database(url)
    assert "geheim" not in str(refused.value)


@pytest.fixture
def postgres() -> Iterator[str]:
    """A PostgreSQL of this test's own."""
    if not shutil.which("initdb") or not shutil.which("pg_ctl"):
        pytest.skip("needs initdb and pg_ctl of PostgreSQL on the path (Debian: apt-get install postgresql)")
    pytest.importorskip("psycopg", reason="needs the driver: pip install assay[postgres]")
    folder = Path(tempfile.mkdtemp(prefix="assay-pg-"))
    as_user: list[str] = []
    if os.getuid() == 0:  # PostgreSQL refuses to run as root
        if (
            not shutil.which("runuser")
            or subprocess.run(["id", "postgres"], capture_output=True, check=False).returncode
        ):
            pytest.skip("as root, needs runuser and a user postgres")
        shutil.chown(folder, "postgres")
        as_user = ["runuser", "-u", "postgres", "--"]
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    cluster = folder / "cluster"

    def run(*words: str) -> None:
        subprocess.run([*as_user, *words], check=True, capture_output=True, cwd=folder, timeout=120)

    options = f"-p {port} -k {folder} -c listen_addresses=127.0.0.1 -c fsync=off"
    try:
        run("initdb", "-D", str(cluster), "-A", "trust", "-U", "postgres", "-E", "UTF8", "--locale=C.UTF-8")
        run("pg_ctl", "-D", str(cluster), "-o", options, "-l", str(folder / "log"), "-w", "start")
        yield f"postgresql://postgres@127.0.0.1:{port}/postgres"
    finally:
        with contextlib.suppress(subprocess.SubprocessError):
            run("pg_ctl", "-D", str(cluster), "-m", "immediate", "stop")
        shutil.rmtree(folder, ignore_errors=True)


def test_postgresql_keeps_and_finds_the_same(postgres: str) -> None:
    store = Store(postgres, Clock())
    assert differences(store.database) == []
    told = [
        alert(0),
        alert(1, description="锑锭 99.65%", substances=["antimony"], destination="JP"),
        alert(2, risk_score=90),
    ]
    take(store, *told)
    take(store, revised(told[0], severity="critical"), told[1])
    queue = store.queue
    assert queue.ids(QueueQuery(), ANALYST) == ("alert-2", "alert-1", "alert-0")
    assert queue.ids(QueueQuery(text="锑锭"), ANALYST) == ("alert-1",)
    assert queue.ids(QueueQuery(text="hunan yong", severity=("critical",)), ANALYST) == ("alert-0",)
    assert queue.ids(QueueQuery(text="hunan"), VIEWER) == ()
    assert {group.group_key: group.count for group in queue.groups(QueueQuery(), ANALYST)} == {
        "CN100|gallium|TH": 2,
        "CN100|antimony|JP": 1,
    }
    first = store.decisions.decide(["alert-0", "alert-1"], ANALYST, "benign")
    assert store.decisions.decide(["alert-0", "alert-1"], ANALYST, "benign") == first
    assert queue.counts(QueueQuery(verdict=("benign",)), ANALYST).total == 2
    assert len(store.outbox.waiting()) == 2
    assert [one.line.alert_id for one in store.alerts.similar("alert-0", ANALYST)]
    assert store.overview().by_severity
    store.close()


def test_users_are_made_and_changed_on_the_command_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ASSAY_STATE_DIR", str(tmp_path))
    kept_settings.settings.cache_clear()
    app, runner = build(), CliRunner()

    def run(*words: str, **given: Any) -> Any:
        return runner.invoke(app, ["console", "user", *words], **given)

    try:
        assert run("add", "ada", "--password-stdin", input="too short\n").exit_code == 2
        assert run("add", "ada", "--role", "queen", "--link").exit_code == 2
        assert run("add", "Ada Lovelace", "--link").exit_code == 2
        assert (
            run("add", "ada", "--role", "analyst", "--password-stdin", input="a long enough password\n").exit_code == 0
        )
        assert "/setup/" in run("add", "bob", "--role", "viewer", "--link").output
        assert run("add", "bob", "--link").exit_code == 2
        assert run("role", "bob", "admin").exit_code == 0
        assert run("disable", "ada").exit_code == 0
        assert run("link", "ada").exit_code == 1
        rows = {row["name"]: row for row in json.loads(run("list", "--json").stdout)}
    finally:
        kept_settings.settings.cache_clear()
    assert {name: (row["role"], row["active"], row["way"]) for name, row in rows.items()} == {
        "ada": ("analyst", False, "password"),
        "bob": ("admin", True, "link"),
    }
    assert "long enough" not in (tmp_path / "console" / "console.sqlite").read_bytes().decode(errors="replace")
