"""What ``assay ingest`` remembers: files taken in before, interrupted ones, changed ones, and followed folders."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from schemas.errors import BrokerError, FeedError, SettingsError
from streams import ingest
from streams._followed import Followed
from streams._journal import Journal, job
from streams.admission import Door, raw_topic
from streams.settings import Settings
from streams.sources import Record

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)
XML = b"""<MetaData><Declaration><FunctionCode>9</FunctionCode><FunctionalReferenceID>L1</FunctionalReferenceID>
<TypeCode>EXA</TypeCode><Declarant><ID>GB1</ID></Declarant><GoodsShipment><GovernmentAgencyGoodsItem>
<Commodity><Classification><ID>79012000</ID></Classification></Commodity>
</GovernmentAgencyGoodsItem></GoodsShipment></Declaration></MetaData>"""
CHOSEN = Settings(topic_prefix="t.")


def line(number: int, **more: object) -> bytes:
    found = {
        "event": "lodged",
        "declaration_id": f"own:{number}",
        "lodged_at": "2026-11-20T08:00:00Z",
        "source": {"system": "own", "format": "ndjson"},
        "regime": "export",
        "items": [{"number": 1}],
    }
    return json.dumps(found | more).encode()


class _Sent:
    def add_errback(self, _: object) -> None:
        """Kafka has taken it."""


class Recorder:
    """A producer that keeps what it is given; with ``breaks_after`` it fails when waited for, as a lost Kafka does."""

    def __init__(self, breaks_after: int | None = None) -> None:
        self.sent: list[tuple[str, bytes | None, bytes, list[tuple[str, bytes]]]] = []
        self.acknowledged = 0
        self._breaks_after = breaks_after

    def send(self, topic: str, key: bytes | None, value: bytes, headers: list[tuple[str, bytes]]) -> _Sent:
        self.sent.append((topic, key, value, headers))
        return _Sent()

    def flush(self, timeout: float) -> None:
        from kafka.errors import KafkaTimeoutError

        if self._breaks_after is not None and len(self.sent) > self._breaks_after:
            raise KafkaTimeoutError
        self.acknowledged = len(self.sent)


@pytest.fixture
def journal(tmp_path: Path) -> Iterator[Journal]:
    with Journal(tmp_path / "state" / "journal.sqlite", "job") as found:
        yield found


def intake_into(producer: Any, **options: Any) -> ingest.Intake:
    return ingest.Intake(producer, Door(CHOSEN, **options), CHOSEN)


def take(journal: Journal, *paths: Path, producer: Recorder | None = None, stop_after: int | None = None) -> Any:
    intake = intake_into(producer or Recorder())
    files = ((journal.look(path), path.name) for path in paths)
    enough = (lambda: intake.tally.records >= stop_after) if stop_after is not None else (lambda: False)
    ingest.ingest(intake, journal, files, ingest.Reading(), enough)
    return intake


def test_an_ingest_goes_on_where_it_was_stopped(tmp_path: Path, journal: Journal) -> None:
    feed = tmp_path / "feed.ndjson"
    feed.write_bytes(b"\n".join(line(n) for n in range(50)))
    first, second = Recorder(), Recorder()
    assert take(journal, feed, producer=first, stop_after=20).tally.accepted == 20
    tally = take(journal, feed, producer=second).tally
    assert (tally.accepted, tally.known_records) == (30, 20)
    assert [key for _, key, _, _ in first.sent + second.sent] == [b"own:%d" % n for n in range(50)]
    tally = take(journal, feed).tally
    assert (tally.records, tally.known_files, tally.known_records) == (0, 1, 50)


def test_what_kafka_did_not_acknowledge_is_sent_again(
    tmp_path: Path, journal: Journal, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ingest, "_SETTLE_SECONDS", 0.0)
    feed = tmp_path / "feed.ndjson"
    feed.write_bytes(b"\n".join(line(n) for n in range(50)))
    lost = Recorder(breaks_after=20)
    with pytest.raises(BrokerError, match="did not acknowledge"):
        take(journal, feed, producer=lost)
    rest = Recorder()
    take(journal, feed, producer=rest)
    assert lost.acknowledged == 20
    assert [key for _, key, _, _ in rest.sent] == [b"own:%d" % n for n in range(20, 50)]


def test_the_content_decides_whether_a_file_is_new(tmp_path: Path, journal: Journal) -> None:
    path = tmp_path / "a.xml"
    path.write_bytes(XML)
    assert take(journal, path).tally.accepted == 1
    os.utime(path, (1, 1))
    assert take(journal, path).tally.accepted == 0
    path.write_bytes(XML + b"\n")
    assert take(journal, path).tally.accepted == 1
    copy = tmp_path / "copy.xml"
    copy.write_bytes(XML + b"\n")
    assert take(journal, copy).tally.accepted == 1
    journal.forget([path])
    assert take(journal, path, copy).tally.accepted == 1


def test_a_file_that_grows_while_it_is_read_is_not_finished(tmp_path: Path, journal: Journal) -> None:
    feed = tmp_path / "feed.ndjson"
    feed.write_bytes(line(1) + b"\n")
    intake = intake_into(Recorder())

    def more(record: Record, _: object) -> None:
        if record.origin.endswith("#1"):
            with feed.open("ab") as file:
                file.write(line(2) + b"\n")

    ingest.ingest(intake, journal, [(journal.look(feed), "feed")], ingest.Reading(each=more))
    assert not journal.look(feed).finished


def test_jobs_and_journals_do_not_mix(tmp_path: Path) -> None:
    assert job("a", "b") != job("ab", None)
    path = tmp_path / "a.xml"
    path.write_bytes(XML)
    with Journal(tmp_path / "j", "one") as one, Journal(tmp_path / "j", "two") as two:
        take(one, path)
        assert one.look(path).finished
        assert not two.look(path).finished
    (tmp_path / "no").write_bytes(b"not a database, but long enough to be looked at as one" * 20)
    with pytest.raises(SettingsError, match="cannot be used"):
        Journal(tmp_path / "no", "one")


def test_each_file_of_a_followed_folder_comes_once_and_whole(tmp_path: Path, journal: Journal) -> None:
    folder = tmp_path / "in"
    folder.mkdir()
    followed = Followed([folder], journal)

    def look(into: Followed) -> list[str]:
        ready = list(into.ready())
        ingest.ingest(intake_into(Recorder()), journal, ready, ingest.Reading())
        return [name for _, name in ready]

    (folder / "a.xml").write_bytes(XML)
    assert look(followed) == []
    (folder / "a.xml").write_bytes(XML + b"\n")
    assert look(followed) == []
    assert look(followed) == ["in/a.xml"]
    assert look(followed) == []
    again = Followed([folder], journal)
    assert look(again) == look(again) == []
    (folder / "a.xml").write_bytes(XML + b"\n\n")
    assert [look(again), look(again), look(again)] == [[], ["in/a.xml"], []]


def test_bytes_go_to_the_raw_topic_as_they_are_and_bad_ones_to_the_dead_letters(
    tmp_path: Path, journal: Journal
) -> None:
    (tmp_path / "a.xml").write_bytes(b"\xef\xbb\xbf" + XML)
    (tmp_path / "b.xml").write_bytes(XML[:-9])
    (tmp_path / "c.ndjson").write_bytes(line(1) + b"\n" + line(2, regime="sideways"))
    os.utime(tmp_path / "a.xml", (NOW.timestamp(), NOW.timestamp()))
    producer = Recorder()
    tally = take(journal, *sorted(tmp_path.glob("*.*")), producer=producer).tally
    raw, bad, own, wrong = producer.sent
    assert raw == (
        "t.raw.cds",
        None,
        b"\xef\xbb\xbf" + XML,
        [("format", b"cds"), ("origin", b"a.xml"), ("received_at", b"2026-11-22T12:00:00Z")],
    )
    assert bad[0] == wrong[0] == "t.declarations.dlq"
    assert own == ("t.declarations", b"own:1", line(1), [])
    assert json.loads(wrong[2])["path"] == "/regime"
    assert tally.by_format() == [
        {"format": "cds", "accepted": 1, "declarations": 1, "refused": 1},
        {"format": "ndjson", "accepted": 1, "declarations": 1, "refused": 1},
    ]
    assert [row["origin"] for row in tally.refusals] == ["b.xml", "c.ndjson#2"]
    assert tally.events == {"lodged": 1}


def test_without_a_check_the_worker_tells(tmp_path: Path, journal: Journal) -> None:
    bad = Record(b"<MetaData><Declaration/></MetaData>", "b.xml", "cds", NOW)
    unknown = Record(b"\0", "c", "", NOW, FeedError("no known format"))
    producer = Recorder()
    intake = intake_into(producer, check=False, system="cds-north")
    for record in (bad, unknown, Record(b"{broken", "d#1", "ndjson", NOW)):
        intake.put(record)
    assert [topic for topic, *_ in producer.sent] == ["t.raw.cds-north", "t.declarations.dlq", "t.declarations"]


def test_a_topic_that_is_not_there_is_told_before_anything_is_sent(tmp_path: Path) -> None:
    producer = Recorder()
    intake = ingest.Intake(producer, Door(CHOSEN), CHOSEN, exists=lambda topic: topic != "t.raw.cds")  # type: ignore[arg-type]
    with pytest.raises(BrokerError, match=r"no topic t\.raw\.cds.*topics apply"):
        intake.put(Record(XML, "a.xml", "cds", NOW))
    assert producer.sent == []


@pytest.mark.parametrize("system", ["", "a b", "../x", "é", "x" * 101, "-x"])
def test_a_system_must_fit_into_the_name_of_a_topic(system: str) -> None:
    with pytest.raises(FeedError, match="cannot name a source system"):
        raw_topic(system, CHOSEN)
