"""The registry of feed formats."""

from __future__ import annotations

import json

import pytest

from schemas import decode, feeds
from schemas.errors import FeedError

LINE = {
    "schema": "declaration/1",
    "event": "lodged",
    "declaration_id": "own:1:2",
    "lodged_at": "2026-11-20T08:00:00Z",
    "source": {"system": "own", "format": "ndjson"},
    "regime": "export",
    "items": [{"number": 1, "net_mass_kg": 3.5}],
}
RAW = json.dumps(LINE).encode()


def test_every_codec_keeps_the_interface() -> None:
    assert {"cds", "ndjson"} <= set(feeds.codecs())
    for name, codec in feeds.codecs().items():
        assert isinstance(codec, feeds.Codec)
        assert codec.name == name
        assert feeds.codec(name) is codec


def test_an_unknown_name_lists_the_known_ones() -> None:
    with pytest.raises(FeedError, match=r"'edi'.*cds.*ndjson"):
        feeds.codec("edi")


@pytest.mark.parametrize(
    ("raw", "name"),
    [
        (RAW, "ndjson"),
        (b"\xef\xbb\xbf\n " + RAW, "ndjson"),
        (b"<MetaData/>", "cds"),
        (b"\xef\xbb\xbf<?xml version='1.0'?>\n<!-- a <note> -->\n<md:MetaData xmlns:md='urn:x'/>", "cds"),
        ("<MetaData/>".encode("utf-16"), "cds"),
    ],
)
def test_formats_are_told_from_the_bytes(raw: bytes, name: str) -> None:
    assert feeds.detect(raw).name == name


@pytest.mark.parametrize("raw", [b"", b"\0\1\2\3", b"a,b,c\n1,2,3", b"\xff\xfe\x00", b"<", b"<?xml", b"[1]"])
def test_what_nobody_knows_is_refused(raw: bytes) -> None:
    with pytest.raises(FeedError, match="no known format"):
        feeds.detect(raw)


def test_unknown_xml_names_its_root() -> None:
    with pytest.raises(FeedError, match="<CC999X>"):
        feeds.detect(b"<n:CC999X xmlns:n='urn:x'/>")


def test_encoding_is_the_contract() -> None:
    (message,) = feeds.codec("ndjson").decode(RAW, feeds.Arrival(None, None, "ignored"))
    found = message.declaration
    assert found is not None
    again = decode.declaration(feeds.encode(found))
    assert again == found
    assert json.loads(feeds.encode(found))["schema"] == "declaration/1"


def test_a_wrong_line_is_located() -> None:
    wrong = json.dumps(LINE | {"items": [{"number": 1, "net_mass_kg": "heavy"}]}).encode()
    with pytest.raises(FeedError) as caught:
        feeds.codec("ndjson").decode(wrong, feeds.UNKNOWN)
    assert caught.value.path == "/items/0/net_mass_kg"


@pytest.mark.parametrize(
    ("name", "raw"),
    [
        (
            "cds",
            "<MetaData><Declaration><FunctionCode>9</FunctionCode><TypeCode>{}</TypeCode></Declaration></MetaData>",
        ),
        ("cds", "<{}/>"),
        ("cds", "<MetaData><Declaration></{}></MetaData>"),
        ("ncts", "<CC015C><{}><TransitOperation><LRN>" + "{{{{hole}}}}" + "</LRN></TransitOperation></{}></CC015C>"),
    ],
)
def test_an_error_does_not_grow_with_what_it_quotes(name: str, raw: str) -> None:
    text = "Z" * 40_000
    with pytest.raises(FeedError) as caught:
        feeds.codec(name).decode(raw.format(text, text).encode(), feeds.UNKNOWN)
    assert len(caught.value.reason) < 1_100
    assert len(caught.value.path) < 1_100


def test_a_long_root_is_named_in_short() -> None:
    with pytest.raises(FeedError, match=r"<Z{57}\.\.\.>") as caught:
        feeds.detect(b"<" + b"Z" * 40_000 + b"/>")
    assert len(caught.value.reason) < 300
