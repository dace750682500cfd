"""Dead letters of feeds decoded again, and raw records decoded by their headers."""

from __future__ import annotations

import base64
import sys
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from schemas.errors import FeedError
from schemas.mapping import Mapping
from schemas.message import Message
from streams.intake import decoding, retry
from streams.intake.decoding import Raw
from streams.settings import Settings, load
from streams.worker.dead_letters import letter

sys.path.insert(0, str(Path(__file__).parents[1] / "integration"))
from intake_messages import lodged

AT = datetime(2026, 11, 22, 9, 0, tzinfo=UTC)
ORIGIN = "raw.cds/0@7"


def raw(headers: dict[str, bytes], value: bytes = b"", system: str | None = "cds") -> Raw:
    return Raw(value or lodged("A"), headers, system, ORIGIN, AT)


@pytest.mark.parametrize("form", [None, b"auto", b"cds"])
def test_a_raw_record_is_decoded_by_its_headers(form: bytes | None) -> None:
    headers = {"received_at": b"2026-11-21T10:00:00+02:00"} | ({"format": form} if form else {})
    (message,) = decoding.messages(raw(headers))
    assert isinstance(message, Message)
    assert message.source.origin == ORIGIN
    assert message.source.received_at == datetime(2026, 11, 21, 8, 0, tzinfo=UTC)


@pytest.mark.parametrize("stated", [b"", b"yesterday", b"\xff", b"0001-01-01T00:00:00Z", b"9" * 400])
def test_a_bad_time_of_arrival_is_that_of_the_record(stated: bytes) -> None:
    assert decoding.arrival_of(raw({"received_at": stated})).received_at == AT


def test_another_source_system_stands_in_the_id() -> None:
    (message,) = decoding.messages(raw({}, system="port"))
    assert isinstance(message, Message)
    assert message.declaration is not None
    assert message.declaration.declaration_id.startswith("port:")


@pytest.mark.parametrize(
    "headers",
    [{"format": b"none-such"}, {"mapping": b"not: [a mapping"}, {"mapping": b"\xff"}, {"format": b"\xff\xfe"}],
)
def test_a_record_nobody_can_read_is_one_error(headers: dict[str, bytes]) -> None:
    (error,) = decoding.messages(raw(headers))
    assert isinstance(error, FeedError)
    assert error.reason


def failed(value: bytes | None, origin: str = ORIGIN, form: str | None = None) -> Any:
    return letter(origin, "feed", FeedError("then"), AT, value, format=form)


def test_a_dead_letter_goes_back_with_the_headers_of_its_raw_record() -> None:
    record = SimpleNamespace(value=lodged("A"), headers=[("format", b"cds"), ("received_at", b"2026-11-20T08:00:00Z")])
    found = retry.again(failed(lodged("A")), record)
    assert (found.topic, found.headers, found.says) == ("raw.cds", record.headers, "cds: lodged")
    kept_elsewhere = retry.again(failed(None), record)
    assert kept_elsewhere.value == record.value


def test_a_dead_letter_of_a_file_goes_to_the_topic_of_its_format() -> None:
    found = retry.again(failed(lodged("A"), "messages/1.xml"), None)
    assert (found.topic, found.headers) == ("raw.cds", [])
    assert retry.again(failed(lodged("A"), "messages/1.xml", "cds"), None).headers == [("format", b"cds")]


MAPPING = "name: office\nsystem: hall\nformat: csv\nfields:\n  event: {constant: cancelled}\n  mrn: %s\n"


def test_rows_of_a_mapped_feed_need_its_mapping() -> None:
    rows, mended = b"number\n26GB0001ABCD\n", Mapping.parse((MAPPING % "number").encode())
    refused_at_the_door = failed(rows, "day.csv#2", "office")
    with pytest.raises(FeedError, match="--mapping office"):
        retry.again(refused_at_the_door, None)
    found = retry.again(refused_at_the_door, None, mended)
    assert (found.topic, found.says) == ("raw.hall", "office: cancelled")
    assert dict(found.headers) == {"format": b"office", "mapping": mended.yaml}

    wrong = (MAPPING % "none").encode()
    record = SimpleNamespace(value=rows, headers=[("format", b"office"), ("mapping", wrong), ("origin", b"day.csv#2")])
    with pytest.raises(FeedError):
        retry.again(failed(rows, form="office"), record)
    found = retry.again(failed(rows, form="office"), record, mended)
    assert dict(found.headers) == {"format": b"office", "mapping": mended.yaml, "origin": b"day.csv#2"}
    # Other formats are none of its business.
    assert retry.again(failed(lodged("A"), form="cds"), None, mended).says == "cds: lodged"
    assert retry.again(failed(lodged("A"), form="auto"), None, mended).says == "cds: lodged"


def test_what_is_still_wrong_or_gone_stays_a_dead_letter() -> None:
    with pytest.raises(FeedError, match="no known format"):
        retry.again(failed(b"ISA*00*"), None)
    with pytest.raises(FeedError, match="has no record any more"):
        retry.again(failed(None), None)


def test_parts_of_a_record_have_dead_letters_of_their_own() -> None:
    ids = {letter(ORIGIN, "intake", FeedError("x"), AT, b"y", part=part).dead_letter_id for part in range(3)}
    assert len(ids) == 3
    assert base64.b64decode(letter(ORIGIN, "feed", FeedError("x"), AT, b"y").payload) == b"y"


@pytest.mark.parametrize(("text", "names"), [("", ()), ("a, b,a", ("a", "b")), ("single-window", ("single-window",))])
def test_sources_are_names_with_commas(text: str, names: tuple[str, ...], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ASSAY_SOURCES", text)
    assert load(_env_file=None).sources == names


def test_a_source_that_no_topic_can_have_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    from schemas.errors import SettingsError

    monkeypatch.setenv("ASSAY_SOURCES", "uk cds")
    with pytest.raises(SettingsError, match="ASSAY_SOURCES"):
        load(_env_file=None)
    assert Settings.model_fields["sources"].default == ()
