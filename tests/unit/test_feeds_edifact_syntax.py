"""Interchanges as they arrive: service characters, code pages, control counts, damage, size; and pydifact as a second opinion."""

from __future__ import annotations

import subprocess
import sys
import textwrap
import time
from pathlib import Path

import pytest
from edifact_messages import D19B, D96B, recounted, text
from hypothesis import given, settings
from hypothesis import strategies as st
from pydifact.parser import Parser

from schemas import feeds
from schemas.decode import MAX_RECORD_BYTES
from schemas.errors import FeedError
from schemas.feeds import UNKNOWN, PartError
from schemas.feeds._edifact_syntax import read
from schemas.feeds.edifact import CODEC
from schemas.message import Message

GOOD = text(D96B).encode()
UNDATED = GOOD.replace(b"DTM+137:2026112", b"DTM+999:2026112")
PIECES = st.text(st.sampled_from("AZ az09?+:'.é"), max_size=6)


def refused(raw: bytes) -> FeedError:
    with pytest.raises(FeedError) as caught:
        CODEC.decode(raw, UNKNOWN)
    assert len(caught.value.reason) < 500
    return caught.value


def said(raw: bytes) -> str:
    """What a file says, without where it came from."""
    return "".join(m.model_dump_json() for m in CODEC.decode(raw, UNKNOWN))


@pytest.mark.parametrize("end", ["'", "'\n", "'\r\n", "' \n\n", "'\t"])
def test_breaks_between_segments_mean_nothing(end: str) -> None:
    assert said(text(D96B, end).encode()) == said(GOOD)


@pytest.mark.parametrize(
    ("una", "component", "element", "terminator"),
    [
        (b"UNA:+.? '", ":", "+", "'"),
        (b"UNA:+,? '\r\n", ":", "+", "'"),
        (b"UNA|*.# ~", "|", "*", "~"),
        (b"UNA:+.  !", ":", "+", "!"),
    ],
)
def test_service_characters(una: bytes, component: str, element: str, terminator: str) -> None:
    plain = [s.replace("?+86 731", "86 731") for s in D96B]
    sent = text(plain).replace(":", "\0").replace("+", element).replace("'", terminator).replace("\0", component)
    assert said(una + sent.encode()) == said(text(plain).encode())


def test_released_characters_are_text() -> None:
    sent = text(D96B).replace("Zinc alloy ingots", "5?' pipe ?+ 10?:1 ?? a?b").encode()
    (message,) = CODEC.decode(sent, UNKNOWN)
    assert message.declaration is not None
    assert message.declaration.items[0].description == "5' pipe + 10:1 ? ab unwrought"


@pytest.mark.parametrize(
    ("sent", "read_as"),
    [
        ("A" * 67 + "gal:lium", "A" * 67 + "gallium"),
        ("A" * 70 + ": gallium", "A" * 70 + " gallium"),
        ("liquid:gallium", "liquid gallium"),
        ("A" * 70 + ":liquid:gallium", "A" * 70 + " liquid gallium"),
    ],
)
def test_a_text_in_full_components_was_cut_anywhere(sent: str, read_as: str) -> None:
    raw = text(D96B).replace("Zinc alloy ingots:unwrought", sent).encode()
    (message,) = CODEC.decode(raw, UNKNOWN)
    assert message.declaration is not None
    assert message.declaration.items[0].description == read_as


@pytest.mark.parametrize(
    ("name", "page", "word"),
    [
        ("UNOC", "iso8859-1", "Größe"),
        ("UNOD", "iso8859-2", "Stříbro"),
        ("UNOE", "iso8859-5", "Галлий"),
        ("UNOF", "iso8859-7", "Γάλλιο"),
        ("UNOK", "iso8859-9", "ağır"),
        ("UNOW", "utf-8", "镓锭"),
        ("UNOY", "utf-8", "镓锭"),
        ("UNOX", "iso2022_jp_2", "ガリウム"),
        ("unoc", "iso8859-1", "é"),
        ("UNOA", "utf-8-sig", "镓锭"),
        ("UNOA", "utf-16", "镓锭"),
    ],
)
def test_code_pages(name: str, page: str, word: str) -> None:
    sent = text(D96B).replace("UNOC", name).replace("unwrought", word).encode(page)
    assert CODEC.sniff(sent)
    (message,) = CODEC.decode(sent, UNKNOWN)
    assert message.declaration is not None
    assert str(message.declaration.items[0].description).endswith(word)


@pytest.mark.parametrize(
    ("raw", "path", "says"),
    [
        (GOOD.replace(b"UNOC", b"UNOA").replace(b"Zinc", b"Z\xefnc"), "segment 36 of the file", "0xef"),
        (GOOD.replace(b"UNOC", b"UNOY").replace(b"Zinc", b"Z\xefnc"), "segment 36 of the file", "0xef"),
        (GOOD.replace(b"UNOC", b"UNOZ"), "segment 1 (UNB), element 1", "'UNOZ'"),
        (b"UNA:+.? :" + GOOD, "segment 1 (UNA)", "told apart"),
        (b"UNAxy.? '" + GOOD, "segment 1 (UNA)", "told apart"),
        (GOOD.replace(b"+", b"*"), "segment 1 (UNB)", "UNA is missing"),
        (GOOD[GOOD.index(b"UNH") :], "segment 1 (UNB)", "is missing"),
        (b"", "segment 1", "no UN/EDIFACT"),
        (b"hello", "segment 1", "no UN/EDIFACT"),
        (GOOD[:-3], "segment 54 (UNZ)", "truncated"),
        (GOOD[: GOOD.index(b"UNZ")], "segment 53", "UNZ"),
        (GOOD[: GOOD.index(b"MEA+AAE+AAA")], "message 1, segment 36", "UNT"),
        (GOOD[: GOOD.index(b"KGM:400,25")], "segment 38 (MEA)", "no terminator"),
        (GOOD.replace(b"UNT+52", b"UNT+51"), "message 1, segment 52 (UNT), element 1", "counts 51"),
        (GOOD.replace(b"UNT+52+M1", b"UNT+52+M2"), "message 1, segment 52 (UNT), element 2", "M2"),
        (GOOD.replace(b"UNZ+1", b"UNZ+2"), "segment 54 (UNZ), element 1", "counts 2"),
        (GOOD.replace(b"UNZ+1+IC77", b"UNZ+1+IC78"), "segment 54 (UNZ), element 2", "IC78"),
        (GOOD.replace(b"UNS+D'\r\n", b""), "message 1, segment 51 (UNT), element 1", "counts 52"),
        (GOOD.replace(b"UNH+M1", b"UNT+1+1'UNH+M1"), "segment 2 (UNT)", "outside of a message"),
        (GOOD.replace(b"UNS+D", b"UNB+UNOC"), "segment 34 (UNB)", "in a message"),
        (GOOD.replace(b"LOC+35", b"L?C+35"), "message 1, segment 4", "not a segment tag"),
        (GOOD.replace(b"LOC+35", b"LOC35"), "message 1, segment 4", "not a segment tag"),
        (GOOD.replace(b"KGM:400,25", b"KGM:4OO"), "message 1, segment 37 (MEA), element 3, component 2", "'4OO'"),
        (GOOD.replace(b"KGM:400,25", b"KGM:-4"), "message 1, segment 37 (MEA), element 3, component 2", "below zero"),
        (GOOD.replace(b"PAC+16", b"PAC+1x"), "message 1, segment 39 (PAC), element 1, component 1", "whole number"),
        (GOOD.replace(b"7901200000", b"79O1"), "message 1, segment 34 (CST), element 2, component 1", "4 to 14 digits"),
        (
            UNDATED.replace(b"261120:0915", b"269920:0915"),
            "segment 1 (UNB), element 4",
            "time",
        ),
        (GOOD.replace(b"CUSDEC", b"INVOIC"), "segment 2 (UNH), element 2", "only INVOIC"),
        (GOOD.replace(b"CST+1+", b"CSX+1+"), "message 1, segment 2 (BGM)", "nothing is declared"),
        (GOOD.replace(b"MOA+39:9500,25:USD", b"MOA+39:9500,25:UXD"), "message 1, segment 31 (MOA)", "ISO list"),
        (GOOD.replace(b"MOA+40:9400:USD", b"MOA+40:9400:UXD"), "message 1, segment 34 (CST)", "ISO list"),
        (GOOD.replace(b"Zinc", b"Z" * 9_000), "message 1, segment 34 (CST)", "8192"),
        (GOOD.replace(b"Zinc", b"Z" * 90_000), "segment 36", "is missing somewhere"),
        (
            GOOD.replace(b"BGM+830+LRN-7:2+9", b"BGM+830+" + b"9" * 300 + b"+9"),
            "message 1, segment 2 (BGM), element 2",
            "255",
        ),
    ],
)
def test_mistakes_are_located(raw: bytes, path: str, says: str) -> None:
    error = refused(raw)
    assert error.path == path
    assert says in error.reason


def many(count: int, wrong: int | None = None) -> bytes:
    """An interchange of many declarations."""
    body = []
    for number in range(1, count + 1):
        for segment in D96B[1:-1]:
            bad = number == wrong and segment.startswith("MEA+AAE+AAA")
            body.append(
                "MEA+AAE+AAA+KGM:x" if bad else segment.replace("LRN-7", f"LRN-{number}").replace("M1", str(number))
            )
    return text([D96B[0], *body, f"UNZ+{count}+IC77"]).encode()


def test_many_messages_of_an_interchange() -> None:
    found = CODEC.decode(many(3), UNKNOWN)
    assert [message.named.local_reference for message in found] == ["LRN-1", "LRN-2", "LRN-3"]
    assert [message.reference for message in found] == ["IC77/1", "IC77/2", "IC77/3"]


def test_a_wrong_message_costs_the_others_nothing() -> None:
    found = list(feeds.parts(CODEC, many(3, wrong=2), UNKNOWN))
    assert [type(part) for part in found] == [Message, PartError, Message]
    error = found[1]
    assert isinstance(error, PartError)
    assert error.path == "message 2, segment 37 (MEA), element 3, component 2"
    assert error.raw is not None
    again = refused(error.raw)
    assert again.path == "message 1, segment 37 (MEA), element 3, component 2"
    (mended,) = CODEC.decode(error.raw.replace(b"KGM:x", b"KGM:5"), UNKNOWN)
    assert mended.named.local_reference == "LRN-2"
    assert mended.declaration is not None
    assert mended.declaration.exporter is not None
    assert mended.declaration.exporter.phone == "+86 731 555"
    assert refused(many(3, wrong=2)).path == error.path


def test_several_interchanges_and_groups_in_one_file() -> None:
    grouped = [D96B[0], "UNG+CUSDEC+A+B+261120:0915+1+UN+D:96B", *D96B[1:-1], "UNE+1+1", D96B[-1]]
    raw = b"UNA:+.? '" + GOOD + b"UNA:+.? '" + text(grouped).encode() + text(D19B).encode()
    assert [m.named.local_reference for m in CODEC.decode(raw, UNKNOWN)] == ["LRN-7", "LRN-7", "LRN-8"]


def test_other_messages_are_passed_over() -> None:
    other = ["UNH+M0+INVOIC:D:96B:UN", "BGM+380+1+9", "UNT+3+M0"]
    raw = text([D96B[0], *other, *D96B[1:-1], "UNZ+2+IC77"]).encode()
    assert len(CODEC.decode(raw, UNKNOWN)) == 1


def test_contrl_says_nothing_of_a_declaration() -> None:
    raw = text(
        ["UNB+UNOC:3+A+B+261120:0915+9", "UNH+1+CONTRL:D:3:UN", "UCI+IC77+CN7700:ZZ+CUSTOMS:ZZ+7", "UNT+3+1", "UNZ+1+9"]
    )
    assert CODEC.decode(raw.encode(), UNKNOWN) == []


@pytest.mark.parametrize(
    ("segments", "event", "mrn", "local"),
    [
        (["BGM+313+A1+9+RE", "RFF+ABE:LRN-7", "ERC+12", "FTX+AAO+++wrong code"], "rejected", None, "LRN-7"),
        (["BGM+312+A1+9+AP", "RFF+ABT:26 cn 1234", "RFF+ACW:LRN-7"], "accepted", "26CN1234", "LRN-7"),
        (["BGM+312+A1+27", "RFF+ACW:LRN-7"], "rejected", None, "LRN-7"),
    ],
)
def test_aperak_is_a_notice(segments: list[str], event: str, mrn: str | None, local: str) -> None:
    sent = recounted(["UNB+UNOC:3+A+B+261120:0915+9", "UNH+1+APERAK:D:96B:UN", *segments, "UNT+0+1", "UNZ+1+9"])
    (message,) = CODEC.decode(text(sent).encode(), UNKNOWN)
    assert (message.event, message.named.mrn, message.named.local_reference) == (event, mrn, local)
    assert message.declaration is None
    assert message.at is not None
    nameless = [s for s in sent if not s.startswith("RFF")]
    assert CODEC.decode(text(recounted(nameless)).encode(), UNKNOWN) == []


def test_it_is_detected() -> None:
    assert CODEC.sniff(GOOD)
    assert CODEC.sniff(b"UNA:+.? '\r\nUNB+UNOA")
    assert not CODEC.sniff(b"UNBELIEVABLE")
    assert not CODEC.sniff(b'{"a": 1}')


ODD = st.text(st.sampled_from("AZaz09 ?+:'.,*é\n"), max_size=40)


@pytest.mark.filterwarnings("ignore:segments.xml not found")
@settings(max_examples=200, deadline=None)
@given(st.lists(st.lists(st.lists(PIECES, min_size=1, max_size=3), max_size=4), max_size=6))
def test_segments_are_cut_as_pydifact_cuts_them(segments: list[list[list[str]]]) -> None:
    """Held against pydifact's own parser, over texts with every service character in them."""

    def sent(part: str) -> str:
        return "".join(f"?{c}" if c in "?+:'" else c for c in part)

    body = ["+".join(["FTX", "AAA", *(":".join(map(sent, parts)) for parts in s)]) for s in segments]
    raw = text(recounted(["UNB+UNOC:3+A+B+261120:0915+9", "UNH+1+CUSDEC:D:96B:UN", *body, "UNT+0+1", "UNZ+1+9"]), "'\n")
    theirs = [
        [[part.strip() for part in ([e] if isinstance(e, str) else e)] for e in segment.elements]
        for segment in Parser().parse(raw)
        if segment.tag == "FTX"
    ]
    ours = [
        [segment.composite(number) for number in range(1, len(their) + 1)]
        for segment, their in zip(read(raw.encode("iso8859-1"))[0].messages[0].segments(), theirs, strict=True)
    ]
    assert ours == [[_bare(element) for element in segment] for segment in theirs]


def _bare(parts: list[str]) -> list[str]:
    while parts and not parts[-1]:
        parts = parts[:-1]
    return parts


@settings(max_examples=300, deadline=None)
@given(st.binary(max_size=200), st.sampled_from([b"", b"UNA:+.? '", b"UNB+UNOC:3+A+B+261120:0915+9'", GOOD[:300]]))
def test_any_bytes_are_decoded_or_refused(raw: bytes, start: bytes) -> None:
    CODEC.sniff(start + raw)
    try:
        CODEC.decode(start + raw, UNKNOWN)
    except FeedError:
        return


@settings(max_examples=500, deadline=None)
@given(
    st.sampled_from([GOOD, text(D19B).encode()]),
    st.integers(0, 1_400),
    st.integers(0, 60),
    st.one_of(st.binary(max_size=20), ODD.map(lambda t: t.encode("latin-1"))),
)
def test_any_damage_is_decoded_or_refused(good: bytes, at: int, cut: int, put: bytes) -> None:
    for part in feeds.parts(CODEC, good[:at] + put + good[at + cut :], UNKNOWN):
        assert isinstance(part, Message | FeedError)


def test_1999_items_pass() -> None:
    start, end = next(i for i, s in enumerate(D96B) if s.startswith("CST+1")), D96B.index("UNS+S")
    items = [s.replace("CST+1+", f"CST+{n}+") for n in range(1, 2_000) for s in D96B[start:end]]
    raw = text(recounted([*D96B[:start], *items, *D96B[end:]])).encode()
    (message,) = CODEC.decode(raw, UNKNOWN)
    assert message.declaration is not None
    assert [item.number for item in message.declaration.items] == list(range(1, 2_000))


@pytest.mark.parametrize("old", ["UNZ+1+IC77", "UNH+M1+", "UNB+UNOC:3"])
def test_a_reference_without_end_is_quoted_in_short(old: str) -> None:
    raw = text(D96B).replace(old, old[:-1] + "1" * 100_000 + old[-1:])
    with pytest.raises(FeedError) as caught:
        CODEC.decode(raw.encode(), UNKNOWN)
    assert len(str(caught.value)) < 1_200


def test_marks_without_end_are_refused_quickly() -> None:
    at = D96B.index("PCI+28+LOT 7:16 CASES")
    raw = text(recounted([*D96B[:at], *["PCI++MARK A:MARK B"] * 200_000, *D96B[at:]])).encode()
    started = time.process_time()
    assert "at most 512 characters" in refused(raw).reason
    assert time.process_time() - started < 15


def test_a_message_too_large_is_refused_unread() -> None:
    assert "larger than" in refused(GOOD + b" " * MAX_RECORD_BYTES).reason


@pytest.mark.parametrize(
    ("filler", "closed"),
    [
        ("'", False),
        ("A'", False),
        ("+", False),
        ("?'", False),
        ("LOC+49+CN'", True),
        ("PAC+1++CT'PCI++MARK NUMBER'", True),
        ("RFF+EX:1234567'DTM+36:20270101:102'", True),
        ("FTX+AAA+++" + "x:" * 200 + "'", True),
        ("UNT+3+1'UNH+1+CUSDEC:D:96B:UN'BGM+830+1+9'", True),
    ],
)
def test_memory_and_time_are_bounded(filler: str, closed: bool) -> None:
    """20 MB of whatever costs most must fit into a gigabyte and a half and two minutes, in a process of its own."""
    script = f"""
        import resource
        resource.setrlimit(resource.RLIMIT_AS, (1_500_000_000, 1_500_000_000))
        resource.setrlimit(resource.RLIMIT_CPU, (120, 120))
        from schemas.feeds import UNKNOWN, parts
        from schemas.feeds.edifact import CODEC
        filler = {filler!r}
        segments = max(1, filler.count("'") - filler.count("?'"))
        times = min(20_000_000 // len(filler), {390_000 if closed else 10**9} // segments)
        body = filler * times
        start = "UNB+UNOC:3+A+B+261120:0915+9'UNH+1+CUSDEC:D:96B:UN'BGM+830+1+9'UNS+D'CST+1'"
        end = f"UNS+S'UNT+{{times * segments + 6}}+1'UNZ+1+9'" if {closed} else ""
        print(sum(1 for _ in parts(CODEC, (start + body + end).encode(), UNKNOWN)))
    """
    ran = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(script)],
        capture_output=True,
        text=True,
        timeout=600,
        cwd=Path(__file__).parents[2],
        check=False,
    )
    assert ran.stdout.strip().isdigit(), (ran.returncode, ran.stderr[-500:])
