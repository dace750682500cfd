"""Alerts for the console's tests, a store with them, and browsers that are logged in."""

from __future__ import annotations

import atexit
import re
import shutil
import tempfile
import warnings
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # starlette would like httpx2; httpx is what is locked
    from starlette.testclient import TestClient

from schemas.alert import Alert
from streams.console.access import Person, Role, passwords
from streams.console.app import Console, create_app
from streams.console.settings import load_console
from streams.console.store import Store
from streams.console.store.people import OPERATOR
from streams.console.store.taking import Batch, Gone, Taken
from streams.settings import load

NOW = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)
PASSWORD = "correct horse battery staple"
ANALYST = Person("ada", "Ada", Role.analyst, 1)
SUPERVISOR = Person("sam", "Sam", Role.supervisor, 2)
VIEWER = Person("vic", "Vic", Role.viewer, 3)
PAGE = {"accept": "text/html"}


class Clock:
    """A clock that tests set."""

    def __init__(self) -> None:
        self.now = NOW

    def __call__(self) -> datetime:
        return self.now


def finding(code: str, rule: str, declaration: str) -> dict[str, Any]:
    return {
        "finding_id": f"{declaration}/{code}/{rule}",
        "declaration_id": declaration,
        "declaration_version": 1,
        "code": code,
        "detector": rule,
        "detector_version": "1",
        "score": 0.9,
        "severity": "high",
        "title": f"Title of {rule}",
        "explanation": "Why.",
        "observed_at": NOW,
    }


def alert(number: int, **changes: Any) -> Alert:
    """Return alert ``number``.

    ``codes``: pairs of code and rule; ``export``, ``destination``, ``office``, ``description``: of its declaration;
    ``exporter``: id and name; ``age``: hours since it was raised; others are fields of `Alert`.
    """
    declaration = f"test:{number}"
    codes = changes.pop("codes", [("MISLABEL-NAME", "name-against-code")])
    exporter = changes.pop("exporter", ("CN100", "Hunan Yongli Metals Co., Ltd."))
    export, destination = changes.pop("export", "CN"), changes.pop("destination", "TH")
    raised = NOW - timedelta(hours=changes.pop("age", 1.0))
    substances = changes.get("substances", ["gallium"])
    party = {"id": exporter[0], "name": exporter[1], "country": export} if exporter else None
    given: dict[str, Any] = {
        "alert_id": f"alert-{number}",
        "revision": 1,
        "status": "open",
        "declaration_id": declaration,
        "declaration_version": 1,
        "raised_at": raised,
        "updated_at": raised,
        "event_time": raised,
        "risk_score": 60,
        "severity": "high",
        "confidence": 0.8,
        "selected_by": ["risk"],
        "title": f"Gallium named under another code ({export} to {destination})",
        "summary": f"Item 1 of {exporter[1]}: look at it." if exporter and exporter[1] else "Item 1: look at it.",
        "substances": substances,
        "reasons": [finding(code, rule, declaration) for code, rule in codes],
        "entities": [{"role": "exporter", **party}] if party else [],
        "group_key": f"{exporter[0] if exporter else 'unknown'}|{(substances or ['none'])[0]}|{destination}",
        "declaration": {
            "declaration_id": declaration,
            "country_of_export": export,
            "country_of_destination": destination,
            "office": changes.pop("office", "CN4900"),
            "exporter": party and {**party, "city": "Changsha"},
            "items": [
                {
                    "number": 1,
                    "commodity_code": "7202990000",
                    "description": changes.pop("description", "ferro alloy lumps, 镓锭"),
                    "documents": [{"type": "X002", "reference": "L-1", "holder": exporter[1] if exporter else None}],
                }
            ],
        },
        "provenance": {"rules": "pack@1", "reference": "r1", "engine": "0.1.0"},
    }
    return Alert.model_validate(given | changes)


def revised(told: Alert, **changes: Any) -> Alert:
    """Return the next revision of an alert."""
    later = told.updated_at + timedelta(minutes=30)
    return told.model_copy(update={"revision": told.revision + 1, "status": "updated", "updated_at": later, **changes})


def store_of(folder: Path, *told: Alert, clock: Clock | None = None, **given: Any) -> Store:
    """Return a store with alerts, on a copy of a database that was migrated once for all tests."""
    shutil.copy(_migrated(), folder / "console.sqlite")
    made = Store(f"sqlite:///{folder / 'console.sqlite'}", clock or Clock(), **given)
    made.queue.counting.patience = 120.0  # tests want all of it
    take(made, *told)
    return made


@cache
def _migrated() -> Path:
    path = Path(tempfile.mkdtemp(prefix="assay-test-")) / "migrated.sqlite"
    atexit.register(shutil.rmtree, path.parent, ignore_errors=True)
    Store(f"sqlite:///{path}").close()
    return path


def take(store: Store, *told: Any, offset: int = 0) -> Taken:
    """Hand records to a store as if they had come from Kafka."""
    offsets = {("alerts", 0): offset} if offset else {}
    return store.taking.take(Batch([*told], offsets), store.clock())


def gone(told: Alert) -> Gone:
    return Gone(told.declaration_id)


def console_of(folder: Path, told: Iterable[Alert] = (), kafka: bool = False, **own: Any) -> Console:
    """Return a console without Kafka, with one user of each role (``viewer`` to ``admin``, all with `PASSWORD`)."""
    (folder / "console").mkdir(parents=True, exist_ok=True)
    shutil.copy(_migrated(), folder / "console" / "console.sqlite")
    made = Console(load(state_dir=folder, kafka=None), load_console(**own), kafka=kafka)
    made.store.queue.counting.patience = 120.0
    take(made.store, *told)
    hash_ = passwords.hashed(PASSWORD)
    for role in Role:
        made.store.people.add(role.name, role, OPERATOR, hash_)
    return made


def browser(console: Console, app: Any = None) -> TestClient:
    """Return a browser with cookies of its own; nothing of the console runs but its routes."""
    return TestClient(app or create_app(console), base_url="http://127.0.0.1:8791", follow_redirects=False)


def token_of(client: TestClient) -> str:
    """Return the token of the forms of a page: before log-in that of the log-in page."""
    found = re.search(r'name="csrf(?:_token)?" (?:value|content)="([^"]+)"', client.get("/login", headers=PAGE).text)
    if found is None:
        found = re.search(r'name="csrf" content="([^"]+)"', client.get("/", headers=PAGE).text)
    assert found is not None
    return found[1]


def log_in(client: TestClient, name: str, password: str = PASSWORD, **more: str) -> Any:
    """Log in, and carry the new session's token from now on."""
    sent = {"name": name, "password": password, "csrf_token": token_of(client), **more}
    answer = client.post("/login", data=sent, headers=PAGE)
    if answer.status_code == 303 and "failed" not in answer.headers["location"]:
        person = client.app.state.gate.store.sessions.find(  # type: ignore[attr-defined]
            client.cookies["assay_session"], timedelta(days=1), None
        )
        assert person is not None
        client.headers["X-CSRF-Token"] = person.csrf
    return answer
