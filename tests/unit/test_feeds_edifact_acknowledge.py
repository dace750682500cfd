"""Answers to an interchange: read again by pydifact and by our own reader, and held against the grammar of ISO 9735-4."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from typing import Any, Literal

import pytest
from edifact_messages import D19B, D96B, text
from hypothesis import given, settings
from hypothesis import strategies as st
from pydifact.segmentcollection import Interchange

from schemas.errors import FeedError
from schemas.feeds import UNKNOWN
from schemas.feeds._edifact_syntax import read
from schemas.feeds.edifact import CODEC, acknowledge

AT = datetime(2026, 11, 20, 16, 30, tzinfo=timezone(timedelta(hours=8)))
GOOD = text(D96B).encode()


def refusal(raw: bytes) -> FeedError:
    with pytest.raises(FeedError) as caught:
        CODEC.decode(raw, UNKNOWN)
    return caught.value


def answered(raw: bytes, kind: Literal["CONTRL", "APERAK"]) -> list[str]:
    """Answer a file as the codec takes it; return the segments of the answer as sent."""
    error = None
    try:
        CODEC.decode(raw, UNKNOWN)
    except FeedError as found:
        error = found
    sent = acknowledge(raw, error, kind, AT, "ACK1")
    (interchange,) = read(sent)  # checks every count and reference
    assert all(message.mistake is None for message in interchange.messages)
    return [
        segment.strip() for segment in sent.decode(interchange.messages[0].service.page).split("'") if segment.strip()
    ]


def test_a_good_interchange_is_acknowledged_to_its_sender() -> None:
    assert answered(GOOD, "CONTRL") == [
        "UNA:+.?",
        "UNB+UNOC:3+CUSTOMS:ZZ+CN7700:ZZ+261120:0830+ACK1",
        "UNH+1+CONTRL:D:3:UN",
        "UCI+IC77+CN7700:ZZ+CUSTOMS:ZZ+7",
        "UNT+3+1",
        "UNZ+1+ACK1",
    ]


def test_syntax_version_4_has_its_own_message_and_date() -> None:
    found = answered(text(D19B).encode(), "CONTRL")
    assert found[1] == "UNB+UNOY:4+HMRC+GB7:ZZ+20261120:0830+ACK1"
    assert found[2] == "UNH+1+CONTRL:4:1:UN"


@pytest.mark.parametrize(
    ("old", "new", "body"),
    [
        (
            b"KGM:400,25",
            b"KGM:4OO",
            ["UCI+IC77+CN7700:ZZ+CUSTOMS:ZZ+4", "UCM+M1+CUSDEC:D:96B:UN+4", "UCS+37", "UCD+12+4:2"],
        ),
        (b"UNT+52", b"UNT+51", ["UCI+IC77+CN7700:ZZ+CUSTOMS:ZZ+4", "UCM+M1+CUSDEC:D:96B:UN+4+29+UNT+2"]),
        (b"UNT+52+M1", b"UNT+52+M2", ["UCI+IC77+CN7700:ZZ+CUSTOMS:ZZ+4", "UCM+M1+CUSDEC:D:96B:UN+4+28+UNT+3"]),
        (b"UNZ+1", b"UNZ+7", ["UCI+IC77+CN7700:ZZ+CUSTOMS:ZZ+4+29+UNZ+2"]),
        (b"UNZ+1+IC77", b"UNZ+1+IC78", ["UCI+IC77+CN7700:ZZ+CUSTOMS:ZZ+4+28+UNZ+3"]),
        (b"UNZ+1+IC77'", b"", ["UCI+IC77+CN7700:ZZ+CUSTOMS:ZZ+4+13"]),
        (b"CST+1+", b"CSX+1+", ["UCI+IC77+CN7700:ZZ+CUSTOMS:ZZ+4", "UCM+M1+CUSDEC:D:96B:UN+4", "UCS+2+13"]),
        (b"Zinc", b"Z\xa0\xff\x80", ["UCI+IC77+CN7700:ZZ+CUSTOMS:ZZ+7"]),
    ],
)
def test_what_is_wrong_is_named_by_the_codes_of_the_standard(old: bytes, new: bytes, body: list[str]) -> None:
    assert old in GOOD
    assert answered(GOOD.replace(old, new), "CONTRL")[3:-2] == body


def test_an_unknown_repertoire_is_answered_in_level_a() -> None:
    found = answered(GOOD.replace(b"UNOC", b"UNOA").replace(b"Zinc", b"Z\xefnc"), "CONTRL")
    assert found[1].startswith("UNB+UNOA:3+")
    assert found[3] == "UCI+IC77+CN7700:ZZ+CUSTOMS:ZZ+4+21"


def test_aperak_accepts_each_declaration() -> None:
    assert answered(GOOD, "APERAK")[2:-1] == [
        "UNH+1+APERAK:D:96B:UN",
        "BGM+312+ACK1-1+9+AP",
        "DTM+137:202611200830:203",
        "RFF+ACW:LRN-7",
        "UNT+5+1",
    ]


def test_aperak_says_why() -> None:
    second = [s.replace("LRN-7", "LRN-8").replace("M1", "M2") for s in D96B[1:-1]]
    wrong = [s.replace("7901200000", "79?'01") for s in second]
    found = answered(text([*D96B[:-1], *wrong, "UNZ+2+IC77"]).encode(), "APERAK")
    assert [s for s in found if s.startswith(("BGM", "RFF", "ERC"))] == [
        "BGM+313+ACK1-1+9+RE",
        "RFF+ACW:LRN-7",
        "ERC+18:ZZZ",
        "BGM+313+ACK1-2+9+RE",
        "RFF+ACW:LRN-8",
        "ERC+12:ZZZ",
    ]


def test_aperak_is_understood_by_its_own_codec() -> None:
    raw = GOOD.replace(b"KGM:400,25", b"KGM:4'OO".replace(b"'", b"?'"))
    error = refusal(raw)
    (notice,) = CODEC.decode(acknowledge(raw, error, "APERAK", AT, "ACK1"), UNKNOWN)
    assert (notice.event, notice.named.local_reference, notice.reference) == ("rejected", "LRN-7", "ACK1-1")
    assert notice.at == AT
    assert "not a decimal number" in str(notice.reason)
    (accepted,) = CODEC.decode(acknowledge(GOOD, None, "APERAK", AT, "ACK1"), UNKNOWN)
    assert (accepted.event, accepted.named.local_reference) == ("accepted", "LRN-7")


def test_an_error_out_of_a_dead_letter_is_answered_too() -> None:
    error = FeedError("not a decimal number", "message 1, segment 37 (MEA), element 3, component 2")
    assert b"UCS+37'UCD+12+4:2'" in acknowledge(GOOD, error, "CONTRL", AT, "ACK1")
    assert b"+4+18'" in acknowledge(GOOD, FeedError("who knows"), "CONTRL", AT, "ACK1")
    assert b"+4+18'" in acknowledge(GOOD, FeedError("gone", "message 9, segment 1"), "CONTRL", AT, "ACK1")


@pytest.mark.filterwarnings(
    "ignore:segments.xml not found"
)  # it has no directories of its own to hold segments against
@pytest.mark.parametrize("kind", ["CONTRL", "APERAK"])
def test_pydifact_reads_the_answer(kind: Literal["CONTRL", "APERAK"]) -> None:
    raw = GOOD.replace(b"7901200000", b"79?'?+?:??")
    error = refusal(raw)
    sent = acknowledge(raw, error, kind, AT, "ACK1").decode("iso8859-1")
    interchange: Any = Interchange.from_str(sent)
    assert (interchange.sender, interchange.recipient) == (["CUSTOMS", "ZZ"], ["CN7700", "ZZ"])
    assert interchange.control_reference == "ACK1"
    (message,) = interchange.get_messages()
    assert message.type == kind
    texts = [segment.elements[-1] for segment in message.segments if segment.tag == "FTX"]
    assert not texts or "79'+:?" in "".join(texts[0])
    assert interchange.serialize() == sent


def test_level_a_is_capitals() -> None:
    raw = text([s.replace("UNOC", "UNOA") for s in D96B]).encode().replace(b"KGM:400,25", b"KGM:4oo")
    found = answered(raw, "APERAK")
    assert all(s == s.upper() for s in found)


@pytest.mark.parametrize(
    "raw", [b"", b"hello", b"UNB+UNOC:3'", b"UNB+UNOC:3+A'", b"UNH+1+CUSDEC:D:96B:UN'", b"UNB+ZZZZ:1+A+B'"]
)
def test_what_does_not_say_who_sent_it_cannot_be_answered(raw: bytes) -> None:
    with pytest.raises(FeedError):
        acknowledge(raw, FeedError("broken"), "CONTRL", AT, "ACK1")


@pytest.mark.parametrize("reference", ["", "A" * 15, "A+1", "Ä"])
def test_a_reference_that_is_none(reference: str) -> None:
    with pytest.raises(ValueError, match="control reference"):
        acknowledge(GOOD, None, "CONTRL", AT, reference)


@settings(max_examples=300, deadline=None)
@given(st.integers(60, 1_300), st.integers(0, 60), st.binary(max_size=20), st.sampled_from(["CONTRL", "APERAK"]))
def test_whatever_is_wrong_the_answer_is_well_formed(at: int, cut: int, put: bytes, kind: Any) -> None:
    answered(GOOD[:at] + put + GOOD[at + cut :], kind)


@pytest.mark.parametrize("version", ["é", "9", "4\u00ff\u00ff"])
@pytest.mark.parametrize("kind", ["CONTRL", "APERAK"])
def test_an_unknown_syntax_version_is_not_copied(version: str, kind: Literal["CONTRL", "APERAK"]) -> None:
    raw = text(D96B).replace("UNB+UNOC:3", f"UNB+UNOA:{version}").encode("latin-1")
    assert answered(raw, kind)[1].startswith("UNB+UNOA:3+CUSTOMS")
