"""Hostile and broken bytes: each is one located error, quickly and in bounded memory, and the next message is unharmed."""

from __future__ import annotations

import http.server
import subprocess
import sys
import textwrap
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from schemas import feeds
from schemas.decode import MAX_RECORD_BYTES
from schemas.errors import FeedError

CDS = feeds.codec("cds")

GOOD = b"""<MetaData><Declaration><FunctionCode>9</FunctionCode><FunctionalReferenceID>L1</FunctionalReferenceID>
<IssueDateTime><DateTimeString>20261120091500Z</DateTimeString></IssueDateTime><TypeCode>EXA</TypeCode>
<Declarant><ID>GB1</ID></Declarant><GoodsShipment><GovernmentAgencyGoodsItem><SequenceNumeric>1</SequenceNumeric>
<Commodity><Description>Zinc ingots</Description></Commodity></GovernmentAgencyGoodsItem></GoodsShipment>
</Declaration></MetaData>"""

_STEPS = (
    "42A",
    "67A",
    "68A",
    "02A",
    "23A",
    "65A",
    "70A",
    "99A",
    "31B",
    "44B",
    "57A",
    "04A",
    "81A",
    "93A",
    "21A",
    "22C",
    "ZZZ",
)
_TAGS = ("", "109", "146", "128", "D005", "D006", "360", "137", "166", "165", "R031", "241", "064", "114", "112")
AMENDMENT = (
    b"<MetaData><Declaration><FunctionCode>13</FunctionCode><FunctionalReferenceID>A1</FunctionalReferenceID>"
    b"<ID>26GB1234567890AR5</ID><TypeCode>COR</TypeCode><Amendment><Pointer><DocumentSectionCode>42A</DocumentSectionCode>"
    b"</Pointer><Pointer><DocumentSectionCode>67A</DocumentSectionCode></Pointer><Pointer><SequenceNumeric>2</SequenceNumeric>"
    b"<DocumentSectionCode>68A</DocumentSectionCode></Pointer><Pointer><SequenceNumeric>1</SequenceNumeric>"
    b"<DocumentSectionCode>02A</DocumentSectionCode><TagID>360</TagID></Pointer></Amendment><GoodsShipment>"
    b"<GovernmentAgencyGoodsItem><SequenceNumeric>2</SequenceNumeric><AdditionalDocument><LPCOExemptionCode>AE"
    b"</LPCOExemptionCode></AdditionalDocument></GovernmentAgencyGoodsItem></GoodsShipment></Declaration></MetaData>"
)
NOTICE = (
    b"<MetaData><Response><FunctionCode>01</FunctionCode><FunctionalReferenceID>N1</FunctionalReferenceID><IssueDateTime>"
    b"<DateTimeString>20261121091500Z</DateTimeString></IssueDateTime><Declaration><FunctionalReferenceID>L1"
    b"</FunctionalReferenceID><ID>26GB1234567890AR5</ID><VersionID>1</VersionID></Declaration></Response></MetaData>"
)


def refused(raw: bytes) -> FeedError:
    """Return the error of a message through detection and codec, and check that a good one still decodes after it."""
    with pytest.raises(FeedError) as caught:
        feeds.detect(raw).decode(raw, feeds.UNKNOWN)
    (message,) = CDS.decode(GOOD, feeds.UNKNOWN)
    assert message.named.declaration_id == "cds:GB1:L1"
    assert len(caught.value.reason) < 500
    return caught.value


def laughs(doctype: str) -> bytes:
    return f"<?xml version='1.0'?>\n{doctype}\n".encode() + GOOD.replace(b"L1<", b"&z;<")


BILLION = "".join(f'<!ENTITY l{n} "{f"&l{n - 1};" * 10}">' for n in range(1, 10))


@pytest.fixture
def listener() -> Iterator[list[str]]:
    """The paths that anything asked of a server on this machine."""
    asked: list[str] = []

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked.append(self.path)
            self.send_response(404)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    server = http.server.HTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    asked.append(str(server.server_port))
    yield asked
    server.shutdown()
    server.server_close()


@pytest.mark.parametrize(
    "doctype",
    [
        "<!DOCTYPE MetaData>",
        '<!DOCTYPE MetaData [<!ENTITY z "ha">]>',
        '<!DOCTYPE MetaData [<!ENTITY l0 "ha">' + BILLION + '<!ENTITY z "&l9;">]>',
        '<!DOCTYPE MetaData [<!ENTITY z SYSTEM "file:///etc/passwd">]>',
        '<!DOCTYPE MetaData SYSTEM "http://127.0.0.1:1/evil.dtd">',
        '<!-- <MetaData> --><?pi x?>\n<!DOCTYPE MetaData [<!ENTITY % p SYSTEM "file:///etc/passwd"> %p;]>',
        "<!doctype MetaData>",
    ],
)
@pytest.mark.parametrize("code_page", ["utf-8", "utf-16"])
def test_document_types_are_refused(doctype: str, code_page: str) -> None:
    raw = laughs(doctype).decode().encode(code_page)
    started = time.process_time()
    error = refused(raw)
    assert "DOCTYPE" in error.reason
    assert error.path.startswith("line ")
    assert "root:" not in str(error)
    assert time.process_time() - started < 5


def test_nothing_is_fetched(listener: list[str]) -> None:
    port = listener.pop()
    refused(laughs(f'<!DOCTYPE MetaData [<!ENTITY z SYSTEM "http://127.0.0.1:{port}/z">]>'))
    included = f'<i:include xmlns:i="http://www.w3.org/2001/XInclude" href="http://127.0.0.1:{port}/x"/>'.encode()
    CDS.decode(GOOD.replace(b"<TypeCode>", included + b"<TypeCode>"), feeds.UNKNOWN)
    styled = f'<?xml-stylesheet href="http://127.0.0.1:{port}/s.xsl"?>'.encode() + GOOD
    CDS.decode(styled, feeds.UNKNOWN)
    assert listener == []


@pytest.mark.parametrize(
    ("raw", "path", "said"),
    [
        (GOOD[:-30], "line ", "not well-formed"),
        (GOOD.replace(b"</TypeCode>", b""), "line ", "not well-formed"),
        (GOOD + b"<MetaData/>", "line ", "not well-formed"),
        (GOOD.replace(b"L1<", b"&undefined;<"), "line 1", "not well-formed"),
        (GOOD.replace(b"L1<", b"L\x001<"), "line 1", "not well-formed"),
        (GOOD.replace(b"Zinc", b"Zinc caf\xe9"), "line 4, column 33", "0xe9 is not UTF-8"),
        (b"<?xml version='1.0' encoding='us-ascii'?>" + GOOD.replace(b"Zinc", b"\xc3\xa9"), "line ", "not well-formed"),
        (b"<?xml version='1.0' encoding='UTF-7'?>" + GOOD, "line 1", "'UTF-7'"),
        (b"<?xml version='1.0' encoding='IBM037'?>" + GOOD, "line 1", "'IBM037'"),
        (GOOD.decode().encode("utf-16") + b"\x00", "line 1", "UTF-16"),
        (b"<MetaData>" * 5_000, "line ", "not well-formed"),
        (b"<MetaData/>", "/MetaData", "no Declaration and no Response"),
        (GOOD.replace(b"GoodsShipment", b"GoodsShip"), "/MetaData/Declaration", "GoodsShipment is missing"),
        (
            GOOD.replace(b"GovernmentAgencyGoodsItem", b"GoodsItem"),
            "/MetaData/Declaration/GoodsShipment/GovernmentAgencyGoodsItem",
            "at least 1",
        ),
    ],
)
def test_broken_messages_are_located(raw: bytes, path: str, said: str) -> None:
    error = refused(raw)
    assert error.path.startswith(path)
    assert said in error.reason


def test_another_code_page_is_read_if_declared() -> None:
    raw = b"<?xml version='1.0' encoding='windows-1251'?>" + GOOD.replace(b"Zinc", "Галлий".encode("cp1251"))
    (message,) = CDS.decode(raw, feeds.UNKNOWN)
    assert message.declaration is not None
    assert message.declaration.items[0].description == "Галлий ingots"


@pytest.mark.parametrize(
    "number", [b"9" * 400, b"1e400", b"NaN", b"Infinity", b"1_000", b"0x10", "１２".encode(), b"--1"]
)
def test_numbers_that_are_none(number: bytes) -> None:
    measure = b"<GoodsMeasure><NetNetWeightMeasure>%s</NetNetWeightMeasure></GoodsMeasure></Commodity>" % number
    error = refused(GOOD.replace(b"</Commodity>", measure))
    assert error.path.endswith("/Commodity/GoodsMeasure/NetNetWeightMeasure")


def test_a_message_too_large_is_refused_unread() -> None:
    raw = GOOD.replace(b"Zinc", b" " * MAX_RECORD_BYTES)
    assert "larger than" in refused(raw).reason


def test_a_text_of_many_megabytes_is_refused() -> None:
    assert "8192" in refused(GOOD.replace(b"Zinc", b"Z" * 5_000_000)).reason


def test_1999_items_pass() -> None:
    start, end = GOOD.index(b"<GovernmentAgency"), GOOD.index(b"</GoodsShipment>")
    items = b"".join(GOOD[start:end].replace(b">1<", b">%d<" % n) for n in range(1, 2_000))
    (message,) = CDS.decode(GOOD[:start] + items + GOOD[end:], feeds.UNKNOWN)
    assert message.declaration is not None
    assert [item.number for item in message.declaration.items] == list(range(1, 2_000))


@pytest.mark.parametrize(
    "filler", [b"<a/>", b'<a b=""/>', b"<!---->", b"<?a?>", b"&#65;", b"<a>" + b"x" * 200 + b"</a>"]
)
def test_memory_is_bounded(filler: bytes) -> None:
    """32 MiB of the dearest markup there is must not cost more than a gigabyte; measured in a process of its own."""
    script = f"""
        import resource
        resource.setrlimit(resource.RLIMIT_AS, (1_400_000_000, 1_400_000_000))
        from schemas import feeds
        from schemas.errors import FeedError
        filler = {filler!r}
        raw = b"<MetaData><Declaration>" + filler * (31_000_000 // len(filler)) + b"</Declaration></MetaData>"
        try:
            feeds.codec("cds").decode(raw, feeds.UNKNOWN)
        except FeedError as error:
            print("refused:", error.reason)
        # Not ru_maxrss: a process inherits that from the one that started it.
        print(next(line.split()[1] for line in open("/proc/self/status") if line.startswith("VmHWM")))
    """
    ran = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(script)],
        capture_output=True,
        text=True,
        timeout=120,
        cwd=Path(__file__).parents[2],
        check=False,
    )
    assert ran.stdout.startswith("refused:"), ran.stderr[-500:]
    assert int(ran.stdout.splitlines()[-1]) < 1_000_000


@settings(max_examples=300, deadline=None)
@given(st.binary(max_size=200))
def test_any_bytes_are_decoded_or_refused(raw: bytes) -> None:
    for codec in feeds.codecs().values():
        codec.sniff(raw)
        try:
            codec.decode(raw, feeds.UNKNOWN)
        except FeedError:
            continue


_damage = st.tuples(st.floats(0, 1, exclude_max=True), st.integers(0, 60), st.binary(max_size=40))


@settings(max_examples=600, deadline=None)
@given(st.sampled_from((GOOD, AMENDMENT, NOTICE)), _damage)
def test_any_damage_is_decoded_or_refused(message: bytes, damage: tuple[float, int, bytes]) -> None:
    share, cut, put = damage
    at = int(share * len(message))
    raw = message[:at] + put + message[at + cut :]
    try:
        found = CDS.decode(raw, feeds.UNKNOWN)
    except FeedError:
        return
    for said in found:
        assert said.named.mrn or said.named.local_reference
        assert said.declaration is None or str(said.named.declaration_id).startswith("cds:")


BODY = GOOD[GOOD.index(b"<Declarant") : GOOD.index(b"</Declaration>")]
_places = st.sampled_from(("", "0", "1", "2", "3", "99999", "100000", "x"))
_link = st.tuples(st.sampled_from(_STEPS), _places, st.sampled_from(_TAGS))


@settings(max_examples=600, deadline=None)
@given(
    st.lists(st.lists(_link, max_size=7), max_size=6),
    st.sampled_from((b"", GOOD[GOOD.index(b"<Declarant") : GOOD.index(b"</Declaration>")])),
)
def test_any_pointers_are_read_or_refused(amendments: list[list[tuple[str, str, str]]], body: bytes) -> None:
    """Whatever an amendment points at, it is refused, or each place changes once and nothing is set after a removal."""
    written = ""
    for links in amendments:
        pointers = "".join(
            f"<Pointer><SequenceNumeric>{place}</SequenceNumeric><DocumentSectionCode>{code}</DocumentSectionCode>"
            f"<TagID>{tag}</TagID></Pointer>"
            for code, place, tag in links
        )
        written += f"<Amendment>{pointers}</Amendment>"
    start, end = AMENDMENT.index(b"<Amendment>"), AMENDMENT.index(b"<GoodsShipment>")
    stop = AMENDMENT.index(b"</Declaration>")
    raw = AMENDMENT[:start] + written.encode() + (body or AMENDMENT[end:stop]) + AMENDMENT[stop:]
    try:
        (said,) = CDS.decode(raw, feeds.UNKNOWN)
    except FeedError:
        return
    paths = [edit.path for edit in said.edits]
    assert len(set(paths)) == len(paths)
    assert [edit.op for edit in said.edits] == sorted((edit.op for edit in said.edits), reverse=True)


def test_an_amendment_of_many_pointers_is_read_in_time() -> None:
    """Ten thousand pointers into an item of ten thousand documents: each member is looked up once, not searched."""
    count = 10_000
    document = b"<AdditionalDocument><CategoryCode>X</CategoryCode><TypeCode>002</TypeCode></AdditionalDocument>"
    start, end = AMENDMENT.index(b"<Amendment>"), AMENDMENT.index(b"<GoodsShipment>")
    pointer = AMENDMENT[start:end]
    last = b"<SequenceNumeric>1</SequenceNumeric><DocumentSectionCode>02A"
    pointers = b"".join(pointer.replace(last, last.replace(b">1<", b">%d<" % n)) for n in range(1, count + 1))
    first, stop = AMENDMENT.index(b"<AdditionalDocument>"), AMENDMENT.index(b"</GovernmentAgencyGoodsItem>")
    raw = AMENDMENT[:start] + pointers + AMENDMENT[end:first] + document * count + AMENDMENT[stop:]
    started = time.process_time()
    (said,) = CDS.decode(raw, feeds.UNKNOWN)
    assert len(said.edits) == count
    assert time.process_time() - started < 20
