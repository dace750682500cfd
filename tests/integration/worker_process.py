"""A worker as a process of its own, and what a test does with it: feed it, wait for it, read what it wrote."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any, Self

from streams import clients, topics
from streams.settings import Settings

ASSAY = [sys.executable, "-c", "from streams.cli import main; main()"]
Row = dict[str, Any]


def declaration(name: str, *, gallium: bool = False, version: int = 1, event: str = "lodged", items: int = 1) -> Row:
    """Return an export of zinc alloy; with ``gallium``, one that is gallium by text, purity and price."""
    item = {
        "commodity_code": "7901200000",
        "description": "zinc alloy ingots 金属镓 Ga 99.9999% CAS 7440-55-3" if gallium else "zinc alloy ingots",
        "origin": "CN",
        "net_mass_kg": 25.0,
        "gross_mass_kg": 27.0,
        "value": {"amount": 11_250.0 if gallium else 75.0, "currency": "USD"},
        "packages": [{"type": "DR", "count": 1, "marks": "N/M"}],
    }
    return {
        "schema": "declaration/1",
        "event": event,
        "declaration_id": f"test:{name}",
        "version": version,
        "lodged_at": "2026-11-20T08:14:05Z",
        "source": {"system": "test", "format": "json"},
        "regime": "export",
        "exporter": {"id": "CN91310000", "name": "Metals Company", "country": "CN"},
        "consignee": {"name": "Buyer", "country": "DE"},
        "country_of_export": "CN",
        "country_of_destination": "DE",
        "routing": ["CN", "DE"],
        "transport": {"mode": "sea"},
        "items": [item | {"number": number} for number in range(1, items + 1)],
    }


def encoded(row: Row) -> tuple[bytes, bytes]:
    """Return key and value of a declaration's record."""
    return row["declaration_id"].encode(), json.dumps(row, ensure_ascii=False).encode()


def feed(chosen: Settings, records: Iterable[tuple[bytes | None, bytes | None]], topic: str = "declarations") -> int:
    """Write records, wait until Kafka has them, and return how many."""
    producer = clients.producer(chosen)
    count = 0
    for key, value in records:
        producer.send(topics.named(chosen)[topic], value, key=key)
        count += 1
    producer.flush()
    producer.close()
    return count


def read(chosen: Settings, topic: str) -> list[Any]:
    """Return all records of a topic."""
    return list(clients.read_topic(topics.named(chosen)[topic], chosen))


def contents(chosen: Settings, topic: str) -> list[Row]:
    """Return the JSON of all records of a topic."""
    return [json.loads(record.value) for record in read(chosen, topic)]


def until(holds: Callable[[], Any], seconds: float = 60.0, what: str = "it") -> Any:
    """Wait until ``holds()`` is true and return that; fail after ``seconds``."""
    limit = time.monotonic() + seconds
    while True:
        found = holds()
        if found:
            return found
        assert time.monotonic() < limit, f"waited {seconds} s for {what}"
        time.sleep(0.1)


class Worker:
    """``assay worker`` on the topics of ``chosen``; killed at the end of the block if it still runs."""

    def __init__(self, chosen: Settings, environment: Mapping[str, str], folder: Path, *arguments: str) -> None:
        self.chosen = chosen
        self._environment = {**os.environ, **environment}
        self._log = folder / f"worker-{time.monotonic_ns()}.log"
        self._arguments = arguments

    def __enter__(self) -> Self:
        with self._log.open("wb") as log:
            command = [*ASSAY, "worker", "--port", "0", *self._arguments]
            self.process = subprocess.Popen(command, env=self._environment, stderr=log, stdout=log)
        self.port = int(until(self._port, what="the port of health")[1])
        return self

    def __exit__(self, *_: object) -> None:
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()

    def _port(self) -> re.Match[str] | None:
        assert self.process.poll() is None, self.log
        return re.search(r'"port": (\d+)', self.log)

    @property
    def log(self) -> str:
        """What it has logged."""
        return self._log.read_text(encoding="utf-8", errors="replace")

    def events(self, event: str) -> list[Row]:
        """Return the logged events of that name."""
        lines = [json.loads(line) for line in self.log.splitlines() if line.startswith("{")]
        return [line for line in lines if line["event"] == event]

    def get(self, path: str) -> tuple[int, str]:
        """Ask its HTTP server; return status and body (0 and nothing if it does not answer)."""
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self.port}{path}", timeout=20) as answer:
                return answer.status, answer.read().decode()
        except urllib.error.HTTPError as error:
            return error.code, error.read().decode()
        except OSError:
            return 0, ""

    def metric(self, name: str, **labels: str) -> float:
        """Return the sum of a metric over all label sets that have these labels."""
        total = 0.0
        for line in self.get("/metrics")[1].splitlines():
            found = re.fullmatch(r"(\w+)(?:\{(.*)\})? (\S+)", line)
            if found and found[1] == name and all(f'{k}="{v}"' in (found[2] or "") for k, v in labels.items()):
                total += float(found[3])
        return total

    def settled(self, records: int, seconds: float = 180.0) -> None:
        """Wait until so many declarations are judged or dead letters, and all that follows from them is written."""
        until(
            lambda: self.metric("assay_declarations_judged_total") + self.metric("assay_dead_letters_total") >= records,
            seconds,
            f"{records} records; log:\n{self.log[-3000:]}",
        )
        self.drained(seconds)

    def drained(self, seconds: float = 180.0) -> None:
        """Wait until everything in the topics is done with and committed."""

        def nothing_left() -> bool:
            report = json.loads(self.get("/health")[1] or "{}")
            return report.get("ready", False) and not any(report["lag"].values())

        # Twice, a look apart: the stages hand on to each other.
        until(nothing_left, seconds, "the lag to be zero")
        time.sleep(2.5)
        until(nothing_left, seconds, "the lag to stay zero")

    def stop(self, seconds: float = 25.0) -> int:
        """Ask it to stop (SIGTERM) and return its exit code."""
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(seconds)
