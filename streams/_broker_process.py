"""One Kafka process and its folder: properties, formatted storage, start, identity, stop.

The folder holds ``broker.properties``, ``log4j2.properties``, ``broker.log`` (and the one before it), ``broker.json``
(what runs: process id, ports, version) and ``data/``.
"""

from __future__ import annotations

import base64
import contextlib
import json
import os
import signal
import socket
import subprocess
import time
import uuid
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

from schemas.errors import BrokerError
from streams.topics import MAX_RECORD_BYTES

HOST = "127.0.0.1"
STOP_SECONDS = 20.0
LOG_LINES = 15  # of the broker's log, shown when it does not start

_children: dict[int, subprocess.Popen[bytes]] = {}  # brokers that this process started, to be waited for when they end

_LOGGING = """\
status=error
appender.out.type=Console
appender.out.name=out
appender.out.layout.type=PatternLayout
appender.out.layout.pattern=%d %-5p %c{1}: %m%n
rootLogger.level=warn
rootLogger.appenderRefs=out
rootLogger.appenderRef.out.ref=out
# at info these tell a start and an end; the others list every setting and every partition
logger.broker.name=kafka.server.BrokerServer
logger.broker.level=info
logger.controller.name=kafka.server.ControllerServer
logger.controller.level=info
logger.runner.name=kafka.server.KafkaRaftServer
logger.runner.level=info
"""


@dataclass(frozen=True)
class State:
    """What ``broker.json`` remembers of a started broker."""

    pid: int
    port: int
    controller_port: int
    version: str

    @property
    def bootstrap(self) -> str:
        """The address that clients are given."""
        return f"{HOST}:{self.port}"


def properties(folder: Path, port: int, controller_port: int) -> str:
    """Return the broker's settings: KRaft, broker and controller in one process, bound to loopback."""
    return f"""\
process.roles=broker,controller
node.id=1
listeners=PLAINTEXT://{HOST}:{port},CONTROLLER://{HOST}:{controller_port}
advertised.listeners=PLAINTEXT://{HOST}:{port}
listener.security.protocol.map=PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT
controller.listener.names=CONTROLLER
inter.broker.listener.name=PLAINTEXT
# a fixed voter instead of a stored one: the ports may differ at the next start
controller.quorum.voters=1@{HOST}:{controller_port}
log.dirs={folder / "data"}

# a mistyped topic is an error, not a new topic
auto.create.topics.enable=false
message.max.bytes={MAX_RECORD_BYTES}
replica.fetch.max.bytes={MAX_RECORD_BYTES}

# one node
default.replication.factor=1
min.insync.replicas=1
offsets.topic.replication.factor=1
transaction.state.log.replication.factor=1
transaction.state.log.min.isr=1
share.coordinator.state.topic.replication.factor=1
share.coordinator.state.topic.min.isr=1

# quick start, small machine
group.initial.rebalance.delay.ms=0
offsets.topic.num.partitions=4
transaction.state.log.num.partitions=4
share.coordinator.state.topic.num.partitions=4
num.network.threads=2
num.io.threads=4
background.threads=2
log.cleaner.dedupe.buffer.size=16777216
"""


def free_port() -> int:
    """Return a loopback port that nothing listens on now."""
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        return int(probe.getsockname()[1])


def port_is_free(port: int) -> bool:
    """Tell whether a loopback port can be bound now."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except OSError:
            return False
        return True


def answers(port: int) -> bool:
    """Tell whether something accepts connections on a loopback port."""
    with socket.socket() as probe:
        probe.settimeout(1)
        return probe.connect_ex((HOST, port)) == 0


@contextlib.contextmanager
def locked(folder: Path) -> Iterator[None]:
    """Hold the folder, so that two ``up`` or ``down`` of one broker come one after the other."""
    import fcntl

    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def remembered(folder: Path) -> State | None:
    """Return what ``broker.json`` says, running or not; none if there is no such file or it cannot be read."""
    try:
        return State(**json.loads((folder / "broker.json").read_text(encoding="utf-8")))
    except (OSError, ValueError, TypeError):
        return None


def running(folder: Path) -> State | None:
    """Return the state of the broker of this folder if its process is alive and really is that broker."""
    state = remembered(folder)
    return state if state is not None and is_ours(state.pid, folder) else None


def is_ours(pid: int, folder: Path) -> bool:
    """Tell whether a process is the broker of this folder: its command line names the folder's properties file.

    A process id alone proves nothing, since the system hands them out again.
    """
    child = _children.get(pid)
    if child is not None:  # no need to look, and /proc shows no command line yet in the moment of its start
        if child.poll() is None:
            return True
        del _children[pid]
        return False
    said = _command_line(pid)
    return said is not None and str(folder / "broker.properties") in said and "kafka.Kafka" in said


def _command_line(pid: int) -> str | None:
    """Return the command line of a process, empty while it starts or ends, or None if it has ended."""
    try:
        if not Path("/proc/self/stat").exists():  # as on macOS
            asked = ["ps", "-ww", "-o", "command=", "-p", str(pid)]
            return subprocess.run(asked, capture_output=True, text=True, timeout=10, check=False).stdout or None
        # the state stands after the name, which is in brackets and may hold anything; Z is dead, not yet waited for
        state = Path(f"/proc/{pid}/stat").read_text(errors="replace").rpartition(")")[2].split()[0]
        return None if state in "ZX" else Path(f"/proc/{pid}/cmdline").read_text(errors="replace").replace("\0", " ")
    except OSError:
        return None


def start(folder: Path, java: str, jars: Path, version: str, port: int | None) -> State:
    """Write the settings, format the storage once, start the process and remember it; it may not answer yet."""
    before = remembered(folder)
    # the ports of last time if they are free, so that clients find a restarted broker again
    wanted = port or (before.port if before and port_is_free(before.port) else free_port())
    controller = before.controller_port if before and port_is_free(before.controller_port) else free_port()
    if not port_is_free(wanted):
        raise BrokerError(f"port {wanted} is taken by another program; choose another one")
    settings_file = folder / "broker.properties"
    settings_file.write_text(properties(folder, wanted, controller), encoding="utf-8")
    (folder / "log4j2.properties").write_text(_LOGGING, encoding="utf-8")
    log = folder / "broker.log"
    if log.exists():
        log.replace(folder / "broker.log.1")
    # SerialGC: records of tens of megabytes do not fit the regions of G1 in so small a heap
    command = [java, "-Xms256m", "-Xmx512m", "-XX:+UseSerialGC", "-XX:+ExitOnOutOfMemoryError", "-Xshare:auto"]
    command += ["-Djava.awt.headless=true", f"-Dlog4j2.configurationFile={folder / 'log4j2.properties'}"]
    command += ["-cp", str(jars / "*")]
    if not (folder / "data" / "meta.properties").exists():
        _format(command, settings_file, log)
    with log.open("ab") as sink:
        process = subprocess.Popen(
            [*command, "kafka.Kafka", str(settings_file)],
            stdin=subprocess.DEVNULL,
            stdout=sink,
            stderr=subprocess.STDOUT,
            cwd=folder,
            start_new_session=True,  # Ctrl-C in the terminal is for the command that started it, not for the broker
        )
    _children[process.pid] = process
    state = State(process.pid, wanted, controller, version)
    scratch = folder / "broker.json.new"
    scratch.write_text(json.dumps(asdict(state)) + "\n", encoding="utf-8")
    scratch.replace(folder / "broker.json")
    return state


def cluster_id(folder: Path) -> str | None:
    """Return the id that the folder's storage was formatted with, by which its broker is told from another one."""
    try:
        lines = (folder / "data" / "meta.properties").read_text(encoding="utf-8").splitlines()
    except OSError:
        return None
    # Java's properties escape with backslashes; an id is letters, digits, '-', '_' and needs none
    return next((line.partition("=")[2] for line in lines if line.startswith("cluster.id=")), None)


def _format(java: list[str], settings_file: Path, log: Path) -> None:
    cluster = base64.urlsafe_b64encode(uuid.uuid4().bytes).decode().rstrip("=")
    tool = ["kafka.tools.StorageTool", "format", f"--cluster-id={cluster}", f"--config={settings_file}"]
    done = subprocess.run(
        [*java, *tool],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        timeout=120,
        check=False,
    )
    log.write_bytes(done.stdout)
    if done.returncode != 0:
        raise BrokerError(f"the storage of the local Kafka could not be formatted:\n{last_lines(log)}")


def stop(folder: Path) -> int | None:
    """Stop the broker of this folder, if one runs: SIGTERM, and SIGKILL where that does not suffice.

    Returns its process id, or none if there was nothing to stop. What ``broker.json`` remembers stays, for the ports.
    """
    state = running(folder)
    if state is None:
        return None
    for sent, patience in ((signal.SIGTERM, STOP_SECONDS), (signal.SIGKILL, 10.0)):
        with contextlib.suppress(ProcessLookupError):
            os.kill(state.pid, sent)
        limit = time.monotonic() + patience
        while time.monotonic() < limit:
            if _has_ended(state.pid):
                return state.pid
            time.sleep(0.05)
    raise BrokerError(f"process {state.pid} of the local Kafka in {folder} does not end, not even by SIGKILL")


def _has_ended(pid: int) -> bool:
    child = _children.get(pid)
    return _command_line(pid) is None if child is None else child.poll() is not None


def lost_its_port(folder: Path) -> bool:
    """Tell whether the last start failed because another program had taken a port meanwhile."""
    log = folder / "broker.log"
    return log.exists() and "Address already in use" in log.read_text(encoding="utf-8", errors="replace")


def last_lines(log: Path) -> str:
    """Return the end of the broker's log, the part that tells why it does not run."""
    try:
        lines = log.read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return f"(there is no log {log})"
    earlier = [line for line in lines[:-LOG_LINES] if " ERROR " in line or "Exception" in line]
    return "\n".join([*earlier[:5], *lines[-LOG_LINES:]]) or f"({log} is empty)"
