"""A Kafka to talk to: the cluster that ``ASSAY_KAFKA`` names, or a local one that is started here.

`up`, `down`, `status` are the command ``assay broker``; `running` is the same as a context manager, and `bootstrap` is
for everything that only needs an address.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path

from schemas.errors import BrokerError
from streams import _broker_jars as jars
from streams import _broker_process as process
from streams._broker_jars import Say
from streams.settings import Settings, settings

START_SECONDS = 180.0  # a small machine under load; a broker that cannot start ends long before
START_ATTEMPTS = 3
ANSWER_SECONDS = 10.0

WAYS = """\
There are three ways to get a Kafka:
  1. name a running cluster: ASSAY_KAFKA=host:port (and ASSAY_SECURITY_PROTOCOL, ASSAY_SASL_*, ASSAY_SSL_* where needed)
  2. install Java 17 or later and Maven, then `assay broker up` (Debian: apt-get install openjdk-17-jre-headless maven)
  3. with Docker: docker compose -f deploy/compose.yaml up -d, then ASSAY_KAFKA=127.0.0.1:9092"""


@dataclass(frozen=True)
class Broker:
    """A Kafka that answers. ``owned``: this call started it, so this caller is the one to stop it."""

    bootstrap: str
    pid: int | None
    owned: bool


@dataclass(frozen=True)
class Status:
    """What there is to know of a Kafka; ``problem`` says why it is not healthy."""

    healthy: bool
    source: str
    bootstrap: str | None = None
    pid: int | None = None
    version: str | None = None
    cluster_id: str | None = None
    folder: str | None = None
    log: str | None = None
    topics: list[str] = field(default_factory=list)
    problem: str | None = None


def _quiet(message: str) -> None:
    """Say nothing: the progress of callers that show none."""


def _folder(folder: Path | None, chosen: Settings) -> Path:
    return (folder or chosen.state_dir / "broker").expanduser().absolute()


def obstacle(chosen: Settings | None = None) -> str | None:
    """Return why no Kafka can be had here (no Java, no Maven and nothing cached), or None if one can."""
    chosen = chosen or settings()
    if chosen.kafka:
        return None
    try:
        jars.java()
        jars.maven(chosen.cache_dir)
    except BrokerError as error:
        return str(error)
    return None


def up(
    folder: Path | None = None, say: Say = _quiet, chosen: Settings | None = None, port: int | None = None
) -> Broker:
    """Return a Kafka that answers: the named cluster, the local one that runs, or a local one started now.

    Parameters
    ----------
    folder : where the local broker keeps its data and log; the user's state folder without it.
    say : told what is being done, for a progress line.
    port : loopback port of a broker started now; the port of last time or a free one without it.

    Raises
    ------
    BrokerError : there is none and none can be started; the message says why, and the ways to get one.
    """
    chosen = chosen or settings()
    if chosen.kafka:
        problem = _asked(chosen.kafka, chosen)
        if problem:
            raise BrokerError(f"{problem} (the address is that of ASSAY_KAFKA)")
        return Broker(chosen.kafka, None, owned=False)
    place = _folder(folder, chosen)
    with process.locked(place):
        state = process.running(place)
        if state is not None:
            _await(place, state, say, chosen)
            return Broker(state.bootstrap, state.pid, owned=False)
        try:
            java = jars.java()
            kafka = jars.resolve(chosen.cache_dir, say)
        except BrokerError as error:
            raise BrokerError(f"{error}\n{WAYS}") from None
        state = _started(place, java, kafka, say, chosen, port)
        return Broker(state.bootstrap, state.pid, owned=True)


def down(folder: Path | None = None, chosen: Settings | None = None) -> int | None:
    """Stop the local broker of a folder and return its process id, or None if none runs. Its data stay."""
    place = _folder(folder, chosen or settings())
    if not place.is_dir():
        return None
    with process.locked(place):
        return process.stop(place)


def status(folder: Path | None = None, chosen: Settings | None = None) -> Status:
    """Return what there is to know of the named cluster or of the local broker of a folder. Never raises."""
    chosen = chosen or settings()
    if chosen.kafka:
        return _inspect(Status(False, "ASSAY_KAFKA", chosen.kafka), chosen)
    place = _folder(folder, chosen)
    state = process.running(place)
    if state is None:
        stale = process.remembered(place)
        problem = "no local broker runs in this folder; start one with `assay broker up`"
        if stale is not None:
            problem = f"the broker that ran here (process {stale.pid}) has ended; start it with `assay broker up`"
        return Status(False, "local", folder=str(place), problem=problem)
    return _inspect(_known(place, state), chosen)


@contextlib.contextmanager
def running(
    folder: Path | None = None, say: Say = _quiet, chosen: Settings | None = None, port: int | None = None
) -> Iterator[Broker]:
    """Have a Kafka for the length of a block: stopped at its end only if it was started for it."""
    broker = up(folder, say, chosen, port)
    try:
        yield broker
    finally:
        if broker.owned:
            down(folder, chosen)


def bootstrap(folder: Path | None = None, chosen: Settings | None = None) -> str:
    """Return the address of the named cluster or of the local broker that runs; raise BrokerError if there is none."""
    chosen = chosen or settings()
    if chosen.kafka:
        return chosen.kafka
    place = _folder(folder, chosen)
    state = process.running(place)
    if state is None:
        raise BrokerError(f"no Kafka: ASSAY_KAFKA is not set and no local broker runs in {place}\n{WAYS}")
    return state.bootstrap


def _started(place: Path, java: str, kafka: Path, say: Say, chosen: Settings, port: int | None) -> process.State:
    """Start the local broker and wait until it answers; nothing is left running when that fails."""
    attempts = 1 if port else START_ATTEMPTS
    while True:
        say(f"starting Apache Kafka {jars.kafka_version()}")
        state = process.start(place, java, kafka, jars.kafka_version(), port)
        try:
            _await(place, state, say, chosen)
            return state
        except BaseException:
            process.stop(place)
            attempts -= 1
            # a free port may be taken by another program in the seconds that a JVM needs to bind it
            if not (attempts and process.lost_its_port(place)):
                raise


def _await(place: Path, state: process.State, say: Say, chosen: Settings) -> None:
    """Wait until a started broker answers a metadata request; raise BrokerError with the end of its log if not."""
    limit = time.monotonic() + START_SECONDS
    problem: str | None = "it accepts no connection"
    while time.monotonic() < limit:
        if not process.is_ours(state.pid, place):
            problem = "its process has ended"
            break
        if process.answers(state.port):
            found = _inspect(_known(place, state), chosen)
            problem = found.problem
            if found.healthy:
                say(f"Apache Kafka {state.version} answers at {state.bootstrap}")
                return
        time.sleep(0.1)
    log = place / "broker.log"
    raise BrokerError(f"the local Kafka did not start: {problem}. The end of {log}:\n{process.last_lines(log)}")


def _asked(servers: str, chosen: Settings) -> str | None:
    """Ask a Kafka for its metadata; return what was wrong, or None if it answered."""
    found = _inspect(Status(False, "", servers), chosen)
    return None if found.healthy else found.problem


def _known(place: Path, state: process.State) -> Status:
    return Status(
        False,
        "local",
        state.bootstrap,
        state.pid,
        state.version,
        process.cluster_id(place),
        str(place),
        str(place / "broker.log"),
    )


def _inspect(known: Status, chosen: Settings) -> Status:
    """Complete a status by what the Kafka itself says."""
    from streams import clients

    try:
        with clients.admin(chosen, known.bootstrap, timeout=ANSWER_SECONDS) as admin:
            cluster = admin.describe_cluster()
            topics = sorted(name for name in admin.list_topics() if not name.startswith("__"))
    except BrokerError as error:
        return replace(known, problem=str(error))
    if not cluster["brokers"]:
        return replace(known, topics=topics, problem="it names no broker in its metadata")
    if known.cluster_id not in (None, cluster["cluster_id"]):
        return replace(known, problem=f"another Kafka (cluster {cluster['cluster_id']}) answers at {known.bootstrap}")
    return replace(known, healthy=True, cluster_id=cluster["cluster_id"], topics=topics)
