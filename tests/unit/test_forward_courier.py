"""Retries, refusals, files: what happens between a receiver's answer and the offset."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Collection, Sequence
from pathlib import Path

import pytest
from forward_receivers import alert, envelope, envelopes

from schemas.errors import SettingsError
from streams.forward import file_source
from streams.forward.backoff import Backoff
from streams.forward.courier import Courier
from streams.forward.file import File
from streams.forward.progress import Progress
from streams.forward.reading import linked
from streams.forward.refusals import Refusals
from streams.forward.target import Delivered, Envelope, Later, Outcome, Refused

Judge = Callable[[Envelope, int], Outcome]


class Fickle:
    """A receiver whose answers are a function of the alert and of how often it was asked about it."""

    name, most = "fickle", 3

    def __init__(self, judge: Judge) -> None:
        self._judge = judge
        self.asked: dict[str, int] = {}
        self.got: list[str] = []

    def deliver(self, batch: Sequence[Envelope], stop: threading.Event) -> list[Outcome]:
        found: list[Outcome] = []
        held: set[str] = set()
        for one in batch:
            said: Outcome = Later("held")
            if one.alert.alert_id not in held:
                self.asked[one.event_id] = self.asked.get(one.event_id, 0) + 1
                said = self._judge(one, self.asked[one.event_id])
            if isinstance(said, Delivered):
                self.got.append(one.event_id)
            elif isinstance(said, Later):
                held.add(one.alert.alert_id)
            found.append(said)
        return found

    def close(self) -> None:
        """Nothing to let go of."""


def courier(tmp_path: Path, judge: Judge, attempts: int = 0) -> tuple[Courier, Fickle]:
    target = Fickle(judge)
    made = Courier(
        target, Refusals(tmp_path / "refused.ndjson", "fickle"), Progress(), threading.Event(), attempts=attempts
    )
    return made, target


def refused(tmp_path: Path) -> list[dict[str, object]]:
    path = tmp_path / "refused.ndjson"
    return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []


def never(seconds: float) -> Collection[int]:
    raise AssertionError("there is nothing to wait for")


def test_each_alert_is_settled_in_order_and_what_is_refused_is_kept(tmp_path: Path) -> None:
    def judge(one: Envelope, tries: int) -> Outcome:
        if one.event_id == "b/1":
            return Refused("not this one")
        return Delivered() if tries > (2 if one.event_id == "a/1" else 0) else Later("busy", 7.0)

    made, target = courier(tmp_path, judge)
    waits: list[float] = []
    lefts: list[list[str]] = []

    def wait(seconds: float) -> Collection[int]:
        waits.append(seconds)
        return ()

    assert (
        made.settle(envelopes("a/1 b/1 c/1 a/2 d/1"), wait, lambda left: lefts.append([one.event_id for one in left]))
        == []
    )
    assert target.got == ["c/1", "d/1", "a/1", "a/2"]
    assert lefts == [["a/1", "a/2"], []], "the offset moves to the first that is not settled"
    assert len(waits) == 2
    assert min(waits) >= 7.0, "the receiver asked for it"
    (kept,) = refused(tmp_path)
    assert (kept["alert_id"], kept["revision"], kept["reason"], kept["origin"]) == (
        "b",
        1,
        "not this one",
        "alerts/0@1",
    )
    assert (tmp_path / "refused.ndjson").stat().st_mode & 0o077 == 0
    assert made.progress.counts() == {"delivered": 4, "known": 0, "refused": 1, "retries": 2}


def test_tries_may_be_bounded_and_a_stop_leaves_the_rest(tmp_path: Path) -> None:
    made, target = courier(
        tmp_path, lambda one, tries: Delivered() if one.event_id == "b/1" else Later("away"), attempts=3
    )
    assert made.settle(envelopes("a/1 b/1"), lambda seconds: ()) == []
    assert target.asked["a/1"] == 3
    assert [str(one["reason"]) for one in refused(tmp_path)] == ["given up after 3 tries: away"]

    endless, _ = courier(tmp_path / "x", lambda one, tries: Later("away"))

    def stops(seconds: float) -> Collection[int]:
        endless.stop.set()
        return ()

    assert [one.event_id for one in endless.settle(envelopes("a b"), stops)] == ["a/1", "b/1"]
    assert refused(tmp_path / "x") == []


def test_alerts_of_a_lost_partition_are_let_go(tmp_path: Path) -> None:
    made, target = courier(tmp_path, lambda one, tries: Later("away") if tries == 1 else Delivered())
    other = Envelope(alert("z"), "", "alerts/1@0", 1, 0)
    assert made.settle([*envelopes("a b"), other], lambda seconds: {0}) == []
    assert target.got == ["z/1"]


def test_what_cannot_be_kept_stops_the_forwarder(tmp_path: Path) -> None:
    (tmp_path / "refused.ndjson").mkdir()
    made, _ = courier(tmp_path, lambda one, tries: Refused("no"))
    with pytest.raises(SettingsError, match="cannot keep what was refused"):
        made.settle(envelopes("a"), never)


def test_pauses_grow_are_drawn_and_are_bounded() -> None:
    backoff = Backoff(first=0.5, longest=60)
    for tries, ceiling in {1: 0.5, 2: 1.0, 5: 8.0, 8: 60.0, 10_000: 60.0}.items():
        drawn = {backoff.delay(tries) for _ in range(50)}
        assert len(drawn) > 1
        assert ceiling / 2 <= min(drawn)
        assert max(drawn) <= ceiling
    assert backoff.delay(1, 20.0) == 20.0
    assert backoff.delay(1, 1e9) == 300.0


def test_refusals_are_sent_again_from_their_file(tmp_path: Path) -> None:
    made, _ = courier(tmp_path, lambda one, tries: Refused("not yet"))
    made.settle(envelopes("a/1 a/2 b/1"), never)
    again, target = courier(
        tmp_path, lambda one, tries: Refused("still not") if one.alert.alert_id == "b" else Delivered()
    )
    with (tmp_path / "refused.ndjson").open("a") as file:
        file.write('{"no": "alert"}\n\n{"torn by a cr')
    made.settle(envelopes("c/1"), never)
    file_source.run(tmp_path / "refused.ndjson", again, lambda one: one.alert_id)
    assert target.got == ["a/1", "a/2", "c/1"]
    kept = refused(tmp_path)
    assert [one["reason"] for one in kept if "alert" in one] == ["still not"]
    assert [one["record"] for one in kept if "record" in one] == ['{"no": "alert"}\n', '{"torn by a cr\n']
    assert again.progress.counts() == {"delivered": 3, "known": 0, "refused": 3, "retries": 0}
    assert (tmp_path / "refused.ndjson.again").exists(), "what was sent again is kept under another name"
    with pytest.raises(SettingsError, match="cannot read"):
        file_source.run(tmp_path / "none", again, lambda one: "")


def test_a_file_grows_by_whole_lines_and_is_turned(tmp_path: Path) -> None:
    path = tmp_path / "folder" / "alerts.ndjson"
    target = File(path, rotate=2_000, keep=2)
    for n in range(12):
        assert target.deliver([envelope(alert(f"a{n}"))], threading.Event()) == [Delivered()]
    with pytest.raises(SettingsError, match="another process writes"):
        File(path)
    target.close()
    turned = sorted(path.parent.glob("alerts.ndjson.*"), key=lambda one: int(one.suffix[1:]))
    assert len(turned) == 2
    lines = [line for one in [*turned, path] for line in one.read_text().splitlines()]
    assert [json.loads(line)["alert_id"] for line in lines] == [f"a{n}" for n in range(12)][-len(lines) :]
    assert all(one.stat().st_size <= 2_000 for one in [*turned, path])

    whole = path.read_bytes()
    for torn in (b'{"schema": "alert/1", "ale', b"x" * 200_000):
        path.write_bytes(whole + torn)
        again = File(path)
        again.deliver([envelope(alert("next"))], threading.Event())
        again.close()
        assert path.read_bytes().startswith(whole)
        assert [json.loads(line)["alert_id"] for line in path.read_bytes()[len(whole) :].splitlines()] == ["next"]
    path.write_bytes(b"torn and never ended")
    File(path).close()
    assert path.read_bytes() == b""
    with pytest.raises(SettingsError, match="cannot write"):
        File(path / "below" / "a file")


def test_a_full_disk_is_no_loss() -> None:
    target = File.__new__(File)
    target._path, target._rotate, target._keep, target.name, target.most = Path("/dev/full"), 0, 0, "full", 1
    target._descriptor = -1
    (said,) = target.deliver([envelope(alert("a"))], threading.Event())
    assert isinstance(said, Later)


def test_links_name_the_alert() -> None:
    one = alert("a/b ?")
    assert linked("https://x/{alert_id}?d={declaration_id}", one) == "https://x/a%2Fb%20%3F?d=test%3Aa%2Fb%20%3F"
