"""What a demo or a benchmark runs on: a Kafka, topics under a prefix of their own, worker processes, and their end."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from schemas.errors import BrokerError
from streams import broker, clients, topics
from streams.settings import Settings, load

Say = Callable[[str], None]

#: A worker imports its libraries, reads rules and tables and joins a group; on a busy machine that takes a while.
READY_SECONDS = 120.0
STOP_SECONDS = 25.0
_HOST = "127.0.0.1"


@dataclass
class Worker:
    """A worker process, its log, and the loopback port of its health and metrics."""

    process: subprocess.Popen[bytes]
    log: Path
    port: int

    def answers(self, path: str) -> str | None:
        """Return what the worker says at a path, or None if it does not, or says no."""
        try:
            with urllib.request.urlopen(f"http://{_HOST}:{self.port}{path}", timeout=2) as reply:
                return str(reply.read().decode())
        except (urllib.error.URLError, OSError):
            return None


@dataclass
class Cluster:
    """A Kafka with topics of our own.

    ``chosen`` are the settings that reach it; ``folder`` is where broker and workers keep their files; what is put on ``closing``
    ends before the workers.
    """

    chosen: Settings
    folder: Path
    owned: bool
    pid: int | None
    workers: list[Worker] = field(default_factory=list)
    closing: contextlib.ExitStack = field(default_factory=contextlib.ExitStack)

    @property
    def topics(self) -> Mapping[str, str]:
        """Declared name -> name in this cluster."""
        return topics.named(self.chosen)

    def environment(self) -> dict[str, str]:
        """Return the settings as variables for a process of its own."""
        return {
            **os.environ,
            "ASSAY_KAFKA": str(self.chosen.kafka),
            "ASSAY_TOPIC_PREFIX": self.chosen.topic_prefix,
            "ASSAY_GROUP": self.chosen.group,
            "ASSAY_PARTITIONS": str(self.chosen.partitions),
            "ASSAY_STATE_DIR": str(self.chosen.state_dir),
        }

    def launch_workers(self, count: int, stages: Sequence[str] = ()) -> None:
        """Start worker processes without waiting for them; with ``stages``, those only."""
        for _ in range(count):
            self.workers.append(self._worker(len(self.workers) + 1, stages))

    def start_workers(self, count: int, say: Say) -> None:
        """Start worker processes and wait until they are ready.

        Raises
        ------
        BrokerError : one of them ended or did not get ready; the end of its log is in the message.
        """
        self.launch_workers(count)
        limit = time.monotonic() + READY_SECONDS
        waiting = list(self.workers)
        while waiting:
            say(f"starting {len(waiting)} worker{'s' if len(waiting) > 1 else ''}")
            self.check_workers()
            if time.monotonic() > limit:
                raise BrokerError(f"a worker did not get ready within {READY_SECONDS:.0f} s; {_end_of(waiting[0].log)}")
            waiting = [worker for worker in waiting if worker.answers("/health/ready") is None]
            time.sleep(0.1)

    def _worker(self, number: int, stages: Sequence[str] = ()) -> Worker:
        port = _free_port()
        log = self.folder / f"worker-{number}.log"
        words = ["worker", "--port", str(port), "--log-level", "warning"]
        words += [word for stage in stages for word in ("--stage", stage)]
        # A session of its own: Ctrl-C at the terminal is for us, who then stop the workers in order.
        with log.open("wb") as sink:
            process = subprocess.Popen(
                [sys.executable, "-c", "from streams.cli import main; main()", *words],
                env=self.environment(),
                stdin=subprocess.DEVNULL,
                stdout=sink,
                stderr=sink,
                start_new_session=True,
            )
        return Worker(process, log, port)

    def check_workers(self) -> None:
        """Raise BrokerError if a worker has ended."""
        for worker in self.workers:
            code = worker.process.poll()
            if code is not None:
                raise BrokerError(f"worker {worker.process.pid} ended with {code}; {_end_of(worker.log)}")

    def stop_workers(self) -> None:
        """Stop the workers: politely, then at all events."""
        for worker in self.workers:
            with contextlib.suppress(ProcessLookupError):
                worker.process.send_signal(signal.SIGTERM)
        limit = time.monotonic() + STOP_SECONDS
        for worker in self.workers:
            try:
                worker.process.wait(max(0.1, limit - time.monotonic()))
            except subprocess.TimeoutExpired:
                worker.process.kill()
                worker.process.wait()
        self.workers.clear()

    def backlog(self, names: Sequence[str]) -> int:
        """Return how many records of these topics the workers have not committed."""
        return sum(
            sum(clients.lag(self.chosen.group, self.topics[name], self.chosen, self.chosen.kafka).values())
            for name in names
        )


@contextlib.contextmanager
def cluster(say: Say, name: str = "demo", partitions: int | None = None, keep: bool = False) -> Iterator[Cluster]:
    """Have a Kafka with topics of our own for a block.

    The Kafka of ``ASSAY_KAFKA``, else one started in a temporary folder. At the end workers and broker are stopped, topics and
    folder removed; with ``keep`` broker, topics and folder stay.

    Raises
    ------
    BrokerError : no Kafka can be had.
    """
    given = load()
    folder = Path(tempfile.mkdtemp(prefix=f"assay-{name}-"))
    mark = f"{name}-{uuid.uuid4().hex[:8]}"
    made: Cluster | None = None
    found: broker.Broker | None = None
    try:
        found = broker.up(folder / "broker", say, given)
        wanted = {} if partitions is None else {"partitions": partitions}
        chosen = load(kafka=found.bootstrap, topic_prefix=f"{mark}.", group=mark, state_dir=folder / "state", **wanted)
        say("making topics")
        with clients.admin(chosen, found.bootstrap) as admin:
            topics.apply(admin, chosen)
        made = Cluster(chosen, folder, found.owned, found.pid)
        yield made
    finally:
        with _undisturbed():
            if made is not None:
                made.closing.close()
                made.stop_workers()
            if not keep:
                _remove(made, found, folder, given)


def _remove(made: Cluster | None, found: broker.Broker | None, folder: Path, given: Settings) -> None:
    if found is not None and found.owned:
        broker.down(folder / "broker", given)
    elif made is not None:
        # A cluster that is not ours lives on, so our topics are taken out of it.
        with contextlib.suppress(BrokerError), clients.admin(made.chosen) as admin:
            admin.delete_topics(sorted(made.topics.values()))
    shutil.rmtree(folder, ignore_errors=True)


@contextlib.contextmanager
def _undisturbed() -> Iterator[None]:
    """Let no second Ctrl-C interrupt the tidying up: it would leave processes behind."""
    try:
        before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    except ValueError:  # not the main thread: signals do not come here
        yield
        return
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind((_HOST, 0))
        port: int = probe.getsockname()[1]
        return port


def _end_of(log: Path, lines: int = 12) -> str:
    text = log.read_text(errors="replace").splitlines()[-lines:] if log.exists() else []
    return f"the end of {log}:\n" + "\n".join(text)
