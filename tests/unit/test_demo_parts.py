"""The parts of the demo: an even feed, honest counts, percentiles, and a report that does not hide a loss."""

from __future__ import annotations

import time
from collections.abc import Sequence
from itertools import islice
from typing import Any

import pytest
from rich.console import Console

from schemas import decode
from schemas.disposition import Label
from schemas.errors import RecordError
from streams.demo import closing
from streams.demo.closing import Outcome
from streams.demo.cluster import Cluster
from streams.demo.feeder import Feeder, Sent, records
from streams.demo.view import Now, View
from streams.demo.watch import Watch, percentiles, wait_until
from streams.settings import Settings


class Sink:
    """Stands where a producer is: keeps what is sent and when."""

    def __init__(self) -> None:
        self.sent: list[tuple[bytes, float]] = []
        self.flushed = False

    def send(self, topic: str, key: bytes, value: bytes) -> Sink:
        self.sent.append((value, time.monotonic()))
        return self

    def add_errback(self, told: Any) -> Sink:
        return self

    def flush(self, timeout: float) -> None:
        self.flushed = True


def alert(number: int, revision: int = 1, status: str = "open", version: int = 1, **more: Any) -> dict[str, Any]:
    return {
        "alert_id": f"a{number}",
        "declaration_id": f"d{number}",
        "declaration_version": version,
        "revision": revision,
        "status": status,
        "severity": "high",
        "risk_score": 60,
        "title": "gallium",
        "event_time": "2026-01-01T00:00:00Z",
        "reasons": [{"code": "MISLABEL-VALUE"}],
        "declaration": {"country_of_export": "CN", "country_of_destination": None},
        **more,
    }


def outcome(alerts: Sequence[dict[str, Any]] = (), **more: Any) -> Outcome:
    given = {"produced": 10, "judged": 8, "dead_letters": 2, "repeated": 0, "shared_ids": 0, **more}
    found = closing.evaluate(alerts, [Label(declaration_id=f"d{n}", typologies=[]) for n in range(10)])
    return Outcome("Kafka", 1, 5.0, **given, alerts=alerts, evaluation=found, latency=None)


def test_feed_is_the_same_for_the_same_seed_and_holds_bad_records() -> None:
    first, again = list(records(3, 2_000)), list(records(3, 2_000))
    assert [one.raw for one in first] == [one.raw for one in again]
    bad = [one for one in first if one.row is None]
    assert len(first) - len(bad) == 2_000
    assert bad
    for one in bad:
        with pytest.raises(RecordError):
            decode.row(one.raw)
    assert all(decode.row(one.raw) for one in first if one.row is not None)


def test_feed_without_an_end_goes_on_with_other_declarations() -> None:
    keys = [one.key for one in islice((one for one in records(3, None) if one.row and one.row["version"] == 1), 12_000)]
    assert len(set(keys)) > 0.99 * len(keys)


def test_feeder_keeps_its_pace_and_counts() -> None:
    sink = Sink()
    feeder = Feeder(sink, "t", 200.0, records(3, 100))  # type: ignore[arg-type]
    feeder.start()
    feeder._thread.join(10)
    feeder.stop()
    assert feeder.failure is None
    assert sink.flushed
    assert feeder.sent == len(sink.sent) == 100 + feeder.bad
    assert sink.sent[-1][1] - sink.sent[0][1] > 0.4
    assert len(feeder.labels) == 100


def test_feeder_stops_when_kafka_refuses() -> None:
    class Refusing(Sink):
        def add_errback(self, told: Any) -> Sink:
            told(OSError("disk full"))
            return self

    feeder = Feeder(Refusing(), "t", 1000.0, records(3, None))  # type: ignore[arg-type]
    feeder.start()
    feeder._thread.join(10)
    assert isinstance(feeder.failure, OSError)


def test_watch_tells_new_revisions_from_repeated_ones() -> None:
    cluster = Cluster(Settings(kafka="127.0.0.1:1"), None, False, None)  # type: ignore[arg-type]
    watch = Watch(cluster, {("d1", 1): 100.0, ("d1", 2): 200.0})
    watch._alert(alert(1), 100.5)
    watch._alert(alert(1, revision=2), 101.5)  # the same version again: not a second lodgement
    watch._alert(alert(1, revision=3, version=2), 200.25)
    watch._alert(alert(1, revision=3, version=2), 200.3)
    watch._alert(alert(2, revision=9, alert_id="a1"), 300.0)
    assert watch.repeated == 1
    assert watch.latency_of == {("d1", 1): 0.5, ("d1", 2): 0.25}
    assert watch.latest["d1"]["revision"] == 3
    assert watch.ids["a1"] == {"d1", "d2"}


def test_percentiles_are_of_the_sorted_values() -> None:
    found = percentiles([n / 1000 for n in range(100, 0, -1)])
    assert found is not None
    assert (found.count, found.p50, found.p95, found.p99, found.worst) == (100, 51, 96, 100, 100)
    assert percentiles([]) is None


@pytest.mark.parametrize(
    ("more", "complete", "told"),
    [
        ({}, True, "nothing lost"),
        ({"judged": 7}, False, "1 records lost"),
        ({"judged": 9}, True, "delivered twice"),
        ({"repeated": 2}, False, "2 alert revisions came twice"),
        ({"shared_ids": 1}, False, "1 alert ids stand for several"),
    ],
)
def test_loss_and_doubling_are_told(more: dict[str, int], complete: bool, told: str) -> None:
    found = outcome(**more)
    assert found.complete is complete
    assert closing.as_dict(found)["complete"] is complete
    assert told in closing._delivery(found)


def test_withdrawn_alerts_do_not_stand() -> None:
    found = outcome([alert(1), alert(2, revision=2, status="withdrawn")])
    assert closing.as_dict(found)["alerts"] == {"critical": 0, "high": 1, "medium": 0, "low": 0}
    assert found.evaluation.withdrawn == 1


def test_missed_case_is_named() -> None:
    labels = [
        Label(declaration_id="d1", typologies=["T05"], scenario="controls-calendar"),
        Label(declaration_id="d2", typologies=["T05"], scenario="gallium-as-legitimate-product"),
    ]
    found = closing.evaluate([alert(1), alert(2)], labels)
    told = Outcome("Kafka", 1, 1.0, 2, 2, 0, 0, 0, [], found, None)
    assert told.missed == ["controls-calendar"]  # alerted, but not with a code that the case asks for


@pytest.mark.parametrize("terminal", [True, False])
def test_view_shows_numbers_and_newest_alerts(terminal: bool) -> None:
    console = Console(width=110, height=40, force_terminal=terminal, record=True)
    now = Now(3, 10, "feeding", 900, 850, 2, {"critical": 1, "high": 2, "medium": 0, "low": 0}, None, [alert(1)])
    with View(console, "Kafka at somewhere") as view:
        view.show(now)
        if view._live is not None:
            view._live.refresh()
    said = console.export_text()
    assert "850" in said
    assert "feeding" in said
    if terminal:
        assert "CN→?" in said
    assert now.backlog == 48


def test_wait_gives_up_without_progress_and_ends_with_success() -> None:
    steps = iter(range(1_000))
    assert wait_until(lambda: next(steps) >= 3, lambda: 0, 30, lambda: None)
    begun = time.monotonic()
    assert not wait_until(lambda: False, lambda: 0, 0.5, lambda: None)
    assert time.monotonic() - begun < 5


def test_a_record_without_a_row_is_bad() -> None:
    sink = Sink()
    feeder = Feeder(sink, "t", 1000.0, iter([Sent(b"k", b"{", None, None)]))  # type: ignore[arg-type]
    feeder.start()
    feeder._thread.join(5)
    assert (feeder.sent, feeder.bad, feeder.labels) == (1, 1, [])
