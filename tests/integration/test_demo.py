"""``assay demo`` as a new user runs it: its report, and that nothing is left behind."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psutil
import pytest

from streams import broker, clients
from streams.settings import load

pytestmark = pytest.mark.integration
DEMO = [sys.executable, "-c", "from streams.cli import main; main()", "demo"]


@pytest.fixture
def temporary(tmp_path: Path) -> dict[str, str]:
    """The environment with a temporary folder of this test's own, so that what is left behind shows."""
    return {**os.environ, "TMPDIR": str(tmp_path), "COLUMNS": "120"}


@pytest.fixture
def needs_kafka() -> None:
    """Skip where no Kafka can be had."""
    why = broker.obstacle()
    if why:
        pytest.skip(f"needs a real Kafka: {why}")


@contextmanager
def started(words: list[str], environment: dict[str, str]) -> Iterator[subprocess.Popen[str]]:
    """Have a demo running; a test that fails must not leave one behind."""
    demo = subprocess.Popen(
        [*DEMO, *words], env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )
    try:
        yield demo
    finally:
        if demo.poll() is None:
            for process in [*descendants(demo.pid), psutil.Process(demo.pid)]:
                process.kill()
            demo.wait()


def descendants(pid: int) -> list[psutil.Process]:
    return psutil.Process(pid).children(recursive=True)


def left_in(folder: Path) -> list[str]:
    return [one.name for one in folder.iterdir() if one.name.startswith("assay-")]


def running_in(folder: Path) -> list[int]:
    """Processes whose command line names the folder: the broker is no child of ours once the demo has ended."""
    found = []
    for process in psutil.process_iter(["cmdline"]):
        if any(str(folder) in word for word in process.info["cmdline"] or ()):
            found.append(process.pid)
    return found


@pytest.mark.usefixtures("needs_kafka")
def test_short_demo_loses_nothing_and_leaves_nothing(temporary: dict[str, str], tmp_path: Path) -> None:
    page = tmp_path / "out" / "demo.html"
    words = ["--seconds", "6", "--rate", "100", "--seed", "5", "--json", "--report", str(page)]
    done = subprocess.run([*DEMO, *words], env=temporary, capture_output=True, text=True, timeout=240, check=False)
    assert done.returncode == 0, done.stderr
    said: dict[str, Any] = json.loads(done.stdout)
    assert said["through"] == "Kafka"
    assert said["produced"] == said["judged"] + said["dead_letters"]
    assert said["produced"] >= 600
    assert said["dead_letters"] > 0
    assert (said["lost"], said["alert_revisions_repeated"], said["alert_ids_shared"]) == (0, 0, 0)
    assert said["latency_ms"]["count"] > 0
    assert sum(said["alerts"].values()) > 0
    assert "<svg" in page.read_text(encoding="utf-8")
    assert "judged (" in done.stderr  # plain progress, because there is no terminal
    assert left_in(tmp_path) == []
    assert running_in(tmp_path) == []


def _interrupted(words: list[str], environment: dict[str, str], folder: Path, number: signal.Signals) -> None:
    """Interrupt a demo while it feeds; assert that it tells its end and leaves no process and no file."""
    with started(["--rate", "50", *words], environment) as demo:
        assert demo.stdout is not None
        for line in demo.stdout:
            if "feeding" in line:
                break
        below = descendants(demo.pid)
        assert len(below) >= 2  # a worker, and a broker or a console, or the test would show nothing
        demo.send_signal(number)
        said = demo.communicate(timeout=120)[0]
    assert demo.returncode == 0, said
    assert "nothing lost" in said
    assert left_in(folder) == []
    assert [process for process in below if process.is_running()] == []


@pytest.mark.usefixtures("needs_kafka")
def test_demo_interrupted_by_ctrl_c_leaves_nothing_running(temporary: dict[str, str], tmp_path: Path) -> None:
    _interrupted(["--no-console"], temporary, tmp_path, signal.SIGINT)


def test_demo_terminated_on_a_named_cluster_leaves_nothing_there(
    kafka: str, temporary: dict[str, str], tmp_path: Path
) -> None:
    _interrupted([], temporary | {"ASSAY_KAFKA": kafka}, tmp_path, signal.SIGTERM)
    chosen = load(kafka=kafka)
    assert broker.status(chosen=chosen).healthy
    with clients.admin(chosen) as admin:
        assert [name for name in admin.list_topics() if name.startswith("demo-")] == []


@pytest.mark.usefixtures("needs_kafka")
def test_demo_interrupted_while_it_starts_leaves_nothing_running(temporary: dict[str, str], tmp_path: Path) -> None:
    with started([], temporary) as demo:
        limit = time.monotonic() + 60
        while not running_in(tmp_path) and time.monotonic() < limit:
            time.sleep(0.05)
        assert running_in(tmp_path)
        demo.send_signal(signal.SIGINT)
        said = demo.communicate(timeout=120)[0]
    assert demo.returncode == 1, said
    assert "nothing is left running" in said
    assert left_in(tmp_path) == []
    assert running_in(tmp_path) == []


def test_without_kafka_the_replay_driver_shows_the_same_feed(temporary: dict[str, str], tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    bare = {
        **temporary,
        "PATH": str(tmp_path / "empty"),  # no Java, no Maven
        "JAVA_HOME": str(tmp_path / "empty"),
        "ASSAY_CACHE_DIR": str(tmp_path / "cache"),
    }
    bare.pop("ASSAY_KAFKA", None)
    words = ["--seconds", "5", "--rate", "100", "--seed", "5"]
    done = subprocess.run([*DEMO, *words, "--json"], env=bare, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr
    said = json.loads(done.stdout)
    assert said["through"] == "the replay driver"
    assert said["produced"] == said["judged"] + said["dead_letters"]
    assert sum(said["alerts"].values()) > 0
    assert len(done.stderr.strip().splitlines()) == 1
    assert "no Kafka here" in done.stderr
    assert left_in(tmp_path) == []
