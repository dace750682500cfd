"""The console on a real Kafka: it fills, lives through an outage, is restarted, and rebuilds itself."""

from __future__ import annotations

import contextlib
import json
import os
import queue
import re
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest

from schemas.alert import Alert
from schemas.disposition import Disposition
from streams import broker, clients, topics
from streams.console.access import Role
from streams.console.store import Store
from streams.console.store.people import OPERATOR
from streams.settings import Settings, load

pytestmark = pytest.mark.integration
PATIENCE = 120.0
ALERTS = 1_200
RAISED = datetime(2026, 11, 20, 8, 0, tzinfo=UTC)


@pytest.fixture(scope="module")
def chosen(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Settings]:
    """Settings of a broker of this module's own: the test stops and starts it."""
    given = load()
    if given.kafka:
        pytest.skip("stops and starts its Kafka: unset ASSAY_KAFKA to let it start one of its own")
    why = broker.obstacle(given)
    if why:
        pytest.skip(f"needs a real Kafka: {why}; install Java 17+ and Maven")
    folder = tmp_path_factory.mktemp("console-kafka")
    with broker.running(folder / "broker", chosen=given) as found:
        made = load(kafka=found.bootstrap, partitions=2, state_dir=folder / "state", topic_prefix="c.")
        with clients.admin(made) as admin:
            topics.apply(admin, made)
        yield made


def alert(number: int, revision: int = 1) -> Alert:
    at = RAISED + timedelta(seconds=number + revision)
    declaration = f"console:{number}"
    return Alert.model_validate(
        {
            "alert_id": f"alert-{number}",
            "revision": revision,
            "status": "open" if revision == 1 else "updated",
            "declaration_id": declaration,
            "declaration_version": 1,
            "raised_at": RAISED + timedelta(seconds=number),
            "updated_at": at,
            "event_time": at,
            "risk_score": 30 + number % 60,
            "severity": "high",
            "confidence": 0.8,
            "selected_by": ["risk"],
            "title": "Gallium named under another code (CN to JP)",
            "summary": "Look at it.",
            "substances": ["gallium"],
            "reasons": [
                {
                    "finding_id": f"{declaration}/1", "declaration_id": declaration, "declaration_version": 1,
                    "code": "MISLABEL-NAME", "detector": "name-against-code", "detector_version": "1", "score": 0.9,
                    "severity": "high", "title": "Named", "explanation": "Why.", "observed_at": at,
                }
            ],
            "declaration": {"country_of_export": "CN", "country_of_destination": "JP", "items": []},
            "provenance": {"rules": "r", "reference": "t", "engine": "0"},
        }
    )  # fmt: skip


def produce(chosen: Settings, *records: tuple[str, bytes | None]) -> None:
    producer = clients.producer(chosen)
    for key, value in records:
        producer.send(topics.named(chosen)["alerts"], key=key.encode(), value=value)
    producer.flush()
    producer.close()


def raw(told: Alert) -> tuple[str, bytes]:
    return told.declaration_id, told.model_dump_json(by_alias=True).encode()


def until(condition: Callable[[], Any], what: str) -> Any:
    limit = time.monotonic() + PATIENCE
    while time.monotonic() < limit:
        with contextlib.suppress(httpx.HTTPError):
            found = condition()
            if found:
                return found
        time.sleep(0.1)
    pytest.fail(f"not within {PATIENCE:.0f} s: {what}")


class Running:
    """``assay console`` as a process, on a state folder."""

    def __init__(self, chosen: Settings, state: Path) -> None:
        self.environment = {k: v for k, v in os.environ.items() if not k.startswith("ASSAY_")} | {
            "ASSAY_KAFKA": str(chosen.kafka),
            "ASSAY_TOPIC_PREFIX": chosen.topic_prefix,
            "ASSAY_STATE_DIR": str(state),
            "ASSAY_CONSOLE_REQUESTS_PER_MINUTE": "100000",
        }
        self.log = (state.parent / f"{state.name}.log").open("a+b")
        self.process = subprocess.Popen(
            [*self.assay, "console", "--port", "0"],
            env=self.environment,
            stdout=subprocess.PIPE,
            stderr=self.log,
            text=True,
        )
        assert self.process.stdout is not None
        self.address = self.process.stdout.readline().removeprefix("console: ").strip()
        assert self.address.startswith("http://127.0.0.1:"), self.said()
        #: The same database, as the command line opens it beside the running console.
        self.store = Store(f"sqlite:///{state / 'console' / 'console.sqlite'}")

    assay = (sys.executable, "-c", "from streams.cli import main; main()")

    def said(self) -> str:
        self.log.seek(0)
        return self.log.read().decode(errors="replace")

    def command(self, *words: str) -> str:
        """Run ``assay console ...`` on the same state."""
        done = subprocess.run(
            [*self.assay, "console", *words],
            env=self.environment,
            capture_output=True,
            text=True,
            timeout=PATIENCE,
            check=True,
        )
        return done.stdout

    def browser(self, name: str) -> httpx.Client:
        """Log a user in by a one-time link."""
        client = httpx.Client(base_url=self.address, timeout=60)
        assert client.get(f"/setup/{self.store.links.make(name)}").headers["location"] == "/"
        page = client.get("/", headers={"accept": "text/html"}).text
        found = re.search(r'name="csrf" content="([^"]+)"', page)
        assert found
        client.headers["X-CSRF-Token"] = found[1]
        return client

    def end(self) -> None:
        """End it politely: the process must say that all went well."""
        self.store.close()
        self.process.send_signal(signal.SIGTERM)
        assert self.process.wait(60) == 0, self.said()


@contextlib.contextmanager
def running(chosen: Settings, state: Path) -> Iterator[Running]:
    made = Running(chosen, state)
    try:
        yield made
        made.end()
    finally:
        made.process.kill()
        made.process.wait()


def count(client: httpx.Client, **query: str) -> int:
    found: int = client.get("/api/queue/counts", params=query).json()["total"]
    return found


class Listening:
    """A browser that listens to the events."""

    def __init__(self, client: httpx.Client) -> None:
        self.heard: queue.Queue[tuple[str, dict[str, Any]]] = queue.Queue()
        self._open = threading.Event()
        threading.Thread(target=self._run, args=(client,), daemon=True).start()
        assert self._open.wait(PATIENCE)

    def _run(self, client: httpx.Client) -> None:
        kind = ""
        with contextlib.suppress(httpx.HTTPError), client.stream("GET", "/events", timeout=None) as answer:
            for line in answer.iter_lines():
                if line.startswith("retry:"):
                    self._open.set()
                if line.startswith("event: "):
                    kind = line.removeprefix("event: ")
                if line.startswith("data: "):
                    self.heard.put((kind, json.loads(line.removeprefix("data: "))))

    def until(self, kind: str) -> dict[str, Any]:
        limit = time.monotonic() + PATIENCE
        while True:
            got, what = self.heard.get(timeout=max(0.1, limit - time.monotonic()))
            if got == kind:
                return what


def dispositions(chosen: Settings) -> list[Disposition]:
    name = topics.named(chosen)["dispositions"]
    return [Disposition.model_validate_json(one.value) for one in clients.read_topic(name, chosen)]


@pytest.mark.timeout(600)
def test_a_console_fills_survives_an_outage_and_rebuilds_itself(chosen: Settings, tmp_path: Path) -> None:
    produce(
        chosen, *(raw(alert(n)) for n in range(ALERTS)), ("console:bad", b"no alert"), raw(alert(1)), raw(alert(2, 2))
    )
    state = chosen.state_dir
    with running(chosen, state) as console:
        assert "Nobody may log in yet" in until(console.said, "a hint how to begin")
        console.command("user", "add", "ada", "--role", "analyst", "--link")
        console.store.people.add("bob", Role.analyst, OPERATOR)
        ada, bob = console.browser("ada"), console.browser("bob")
        until(lambda: count(ada) == ALERTS, "every alert in the queue")
        assert until(lambda: ada.get("/api/feeds").json()["bad_records"], "the bad record") == 1
        assert len(ada.get("/api/alerts/alert-2").json()["revisions"]) == 2

        # Another session sees a decision at once, and Kafka has it soon.
        listening = Listening(bob)
        act = {"ids": ["alert-7"], "verdict": "true_positive", "confirmed_codes": ["MISLABEL-NAME"], "note": "weighed"}
        for _ in range(2):  # said twice, decided once
            assert ada.post("/api/alerts/decide", json=act).status_code == 200
        heard = listening.until("decision")
        assert (heard["ids"], heard["by"], heard["verdict"]) == (["alert-7"], "ada", "true_positive")
        assert count(bob, verdict="true_positive") == 1
        sent = until(lambda: dispositions(chosen), "the decision in Kafka")
        assert [(one.alert_id, one.analyst, one.note) for one in sent] == [("alert-7", "ada", "weighed")]
        produce(chosen, ("console:9", None))
        until(lambda: count(ada) == ALERTS - 1, "an alert forgotten by its tombstone")

        # Kafka goes for a while. Decisions are taken, kept and delivered when it is back.
        folder = state.parent / "broker"
        broker.down(folder)
        until(lambda: not ada.get("/health").json()["kafka"], "that Kafka is gone")
        many = {"ids": [f"alert-{n}" for n in range(20, 40)], "verdict": "false_positive"}
        assert ada.post("/api/alerts/decide", json=many).json()["decided"] == 20
        assert count(bob, verdict="false_positive") == 20
        assert ada.get("/health").json()["outbox"] == 20
    # Restarted in the middle of the outage, it still has them, and sends them when Kafka is back.
    with running(chosen, state) as console:
        ada = console.browser("ada")
        assert count(ada, verdict="false_positive") == 20
        assert ada.get("/health").json()["outbox"] == 20
        back = broker.up(folder)
        assert back.bootstrap == chosen.kafka
        until(lambda: ada.get("/health").json()["outbox"] == 0, "an empty outbox")
        assert sorted({one.alert_id for one in dispositions(chosen)}) == sorted(["alert-7", *many["ids"]])
        later = alert(20, 2).model_copy(update={"updated_at": datetime.now(UTC)})  # than the decision on it
        produce(chosen, raw(alert(ALERTS)), raw(later))
        until(lambda: count(ada) == ALERTS, "what came after the outage, and nothing twice")
        until(lambda: ada.get("/api/alerts/alert-20").json()["line"]["stale"], "a decided alert that was revised")
        before = ada.get("/api/queue", params={"verdict": "false_positive", "limit": "100"}).json()["lines"]

    # From nothing but Kafka: the same queue, with the decisions on it.
    with running(chosen, tmp_path / "empty") as console:
        console.store.people.add("cyd", Role.analyst, OPERATOR)
        cyd = console.browser("cyd")
        until(lambda: count(cyd) == ALERTS, "the queue rebuilt")
        until(lambda: count(cyd, verdict="false_positive") == 20, "the decisions rebuilt")
        again = cyd.get("/api/queue", params={"verdict": "false_positive", "limit": "100"}).json()["lines"]
        told = ("alert_id", "revision", "verdict", "decided_by", "decided_at", "stale", "risk_score")
        assert [[one[name] for name in told] for one in again] == [[one[name] for name in told] for one in before]
