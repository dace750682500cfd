"""``assay forward`` on a real Kafka: a receiver that is away, refuses some, hangs up; the forwarder killed in the middle."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from worker_process import ASSAY, feed, until

from streams import clients, topics
from streams.settings import Settings

sys.path.insert(0, str(Path(__file__).parents[1] / "unit"))  # the receivers are those of the unit tests
from forward_receivers import SECRET, Cluster, Hook, alert

pytestmark = pytest.mark.integration


class Forwarder:
    """``assay forward`` as a process of its own; killed at the end of the block if it still runs."""

    def __init__(self, environment: dict[str, str], folder: Path, *arguments: str) -> None:
        self._log = folder / f"forward-{len(list(folder.glob('forward-*.log')))}.log"
        secrets = {"ASSAY_FORWARD_SECRET": SECRET.decode(), "ASSAY_FORWARD_TOKEN": "a-key"}
        with self._log.open("wb") as log:
            self.process = subprocess.Popen(
                [*ASSAY, "forward", *arguments], env={**os.environ, **environment, **secrets}, stderr=log, stdout=log
            )

    @property
    def log(self) -> str:
        return self._log.read_text("utf-8", "replace")

    def end(self, how: signal.Signals = signal.SIGTERM) -> int:
        self.process.send_signal(how)
        return self.process.wait(60)


@contextmanager
def forwarder(environment: dict[str, str], folder: Path, *arguments: str) -> Iterator[Forwarder]:
    running = Forwarder(environment, folder, *arguments)
    try:
        yield running
    finally:
        if running.process.poll() is None:
            running.process.kill()
            running.process.wait()


def write(chosen: Settings, revisions: list[tuple[str, int]]) -> None:
    rows = [alert(name, revision) for name, revision in revisions]
    feed(chosen, [(one.declaration_id.encode(), one.model_dump_json(by_alias=True).encode()) for one in rows], "alerts")


def lag(chosen: Settings, name: str) -> int:
    return sum(clients.lag(f"{chosen.group}-forward-{name}", topics.named(chosen)["alerts"], chosen).values())


def test_every_alert_arrives_in_order_whatever_befalls_receiver_and_forwarder(
    cluster: Settings, cluster_environment: dict[str, str], tmp_path: Path
) -> None:
    names = [f"a{n}" for n in range(150)]
    never = frozenset(names[::30])
    first = [(name, 1) for name in names]
    rest = [(name, revision) for revision in (2, 3) for name in names]
    write(cluster, first)
    feed(cluster, [(b"test:a1", b"no alert"), (b"test:gone", None)], "alerts")
    hook = Hook(refused=never)
    port = hook.port
    arguments = ["webhook", hook.url, "--name", "soar"]
    with hook, forwarder(cluster_environment, tmp_path, *arguments) as one:
        until(lambda: len(hook.seen) >= 20, what=f"alerts to arrive: {one.log}")
        hook.answers = [None, (503, b""), (429, b"busy"), (500, b"")]
        write(cluster, rest)
        until(lambda: len(hook.seen) >= 160, 90, f"more alerts: {one.log}")
        one.end(signal.SIGKILL)
    assert lag(cluster, "soar") > 0, "it was killed in the middle"
    with forwarder(cluster_environment, tmp_path, *arguments, "--no-follow") as two:
        until(lambda: "waiting for the receiver" in two.log, what="to find nobody")
        again = Hook(port, refused=never)
        again.seen, again.held = hook.seen, hook.held
        with again:
            assert two.process.wait(120) == 1, f"some were refused: {two.log}"
    assert lag(cluster, "soar") == 0
    assert hook.mistakes + again.mistakes == []
    assert again.held == {name: 3 for name in names if name not in never}
    for name in again.held:
        arrived = [revision for other, revision in again.seen if other == name]
        steps = [revision for place, revision in enumerate(arrived) if place == 0 or revision > max(arrived[:place])]
        assert steps == [1, 2, 3], f"{name} came as {arrived}"
    refused = [
        json.loads(line) for line in (cluster.state_dir / "forward" / "soar.refused.ndjson").read_text().splitlines()
    ]
    kept = {(row["alert_id"], row["revision"]) for row in refused if "alert" in row}
    assert kept == {(name, revision) for name in never for revision in (1, 2, 3)}
    assert all("this one never" in row["reason"] for row in refused if "alert" in row)
    assert {row["record"] for row in refused if "record" in row} == {"no alert"}


def test_two_forwarders_share_the_work_and_the_end_can_be_the_end(
    cluster: Settings, cluster_environment: dict[str, str], tmp_path: Path
) -> None:
    names = [f"a{n}" for n in range(40)]
    write(cluster, [(name, revision) for revision in (1, 2) for name in names])
    with Cluster() as index:
        arguments = ["elasticsearch", index.url, "--no-follow"]
        with (
            forwarder(cluster_environment, tmp_path, *arguments) as one,
            forwarder(cluster_environment, tmp_path, *arguments) as two,
        ):
            assert one.process.wait(90) == 0, one.log
            assert two.process.wait(90) == 0, two.log
        assert {name: version for name, (version, _) in index.documents.items()} == dict.fromkeys(names, 2)
        assert index.mistakes == []
    tail = [
        *ASSAY,
        "alerts",
        "tail",
        "--from",
        "beginning",
        "--no-follow",
        "--format",
        "ocsf",
        "--link",
        "https://c/{alert_id}",
    ]
    ran = subprocess.run(tail, env={**os.environ, **cluster_environment}, capture_output=True, text=True, timeout=120)
    told = [json.loads(line)["finding_info"] for line in ran.stdout.splitlines()]
    assert {one["uid"] for one in told} == set(names), ran.stderr
    assert {one["src_url"] for one in told} == {f"https://c/{name}" for name in names}
    out = tmp_path / "alerts.ndjson"
    with forwarder(cluster_environment, tmp_path, "file", str(out), "--from", "end", "--format", "cef") as late:
        group, topic = f"{cluster.group}-forward-file", topics.named(cluster)["alerts"]
        until(
            lambda: sum(clients.committed(group, (), cluster).get(topic, {}).values()) == 80,
            what=f"a place to be kept: {late.log}",
        )
        assert late.end() == 0, late.log
    write(cluster, [("new", 1)])
    with forwarder(
        cluster_environment, tmp_path, "file", str(out), "--from", "end", "--format", "cef", "--no-follow"
    ) as later:
        assert later.process.wait(60) == 0, later.log
    assert [line.split("|")[0] for line in out.read_text().splitlines()] == ["CEF:0"], (
        "what came while it was away, and no more"
    )
