"""Hostile bytes and mappings: located errors, bounded memory, pieces that say what the whole says."""

from __future__ import annotations

import io
import json
import subprocess
import sys
import textwrap
import time
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from schemas import feeds
from schemas.errors import FeedError
from schemas.mapping import Mapping, MappingError, chunks, mapped
from schemas.message import Message

ARRIVED = feeds.Arrival(None, datetime(2026, 11, 20, tzinfo=UTC))
TABLE = b"""
name: t
system: s
format: csv
group_by: [ref]
fields:
  declaration_id: ref
  regime: {constant: export}
  items[].description: goods
  items[].net_mass_kg: {from: net, unit: {from: unit, default: kg}}
  items[].origin: {from: land, table: countries}
  routing: {from: route, split: ">"}
  lodged_at: {from: at, date: ["%d/%m/%Y", excel, unix]}
"""
HEAD = b"ref,goods,net,unit,land,route,at\n"
GOOD = b"A,zinc,5,g,Viet Nam,CN>VN,20/11/2026\nA,tin,7,,TH,,\nB,lead,1,t,,,20/11/2026\n"
NESTED = b"""
name: j
system: s
format: json
records: $.data[*]
lists: {items: goods, "items[].documents": papers}
fields:
  declaration_id: ref
  regime: {constant: export}
  items[].description: what
  items[].net_mass_kg: net
  items[].documents[].type: kind
  items[].documents[].reference: "$.licence"
  transport.containers: boxes[*]
"""
DOCUMENT = {
    "at": "x",
    "data": [
        {"ref": "A", "goods": [{"what": 'a "quoted\\" ] }', "net": 1.5, "papers": [{"kind": "X002"}]}], "licence": 7},
        {"ref": "B", "goods": [{"what": "tin"}], "boxes": ["MSKU1", None, "MSKU2"]},
        {"ref": "C", "goods": [{"what": "zinc"}]},
    ],
    "end": [[]],
}
ROOT = Path(__file__).parents[2]


def said(mapping: bytes, raw: bytes) -> list[Message | FeedError]:
    return list(feeds.parts(mapped(mapping), raw, ARRIVED))


def refused(mapping: bytes, raw: bytes) -> FeedError:
    (error,) = said(mapping, raw)
    assert isinstance(error, FeedError)
    assert len(error.reason) < 500
    return error


def test_the_good_ones_are_good() -> None:
    assert [m.named.declaration_id for m in said(TABLE, HEAD + GOOD) if isinstance(m, Message)] == ["s:A", "s:B"]
    first, second, _ = said(NESTED, json.dumps(DOCUMENT).encode())
    assert isinstance(first, Message)
    assert isinstance(second, Message)
    assert first.declaration is not None
    assert second.declaration is not None
    assert [(d.type, d.reference) for d in first.declaration.items[0].documents] == [("X002", "7")]
    assert second.declaration.transport is not None
    assert second.declaration.transport.containers == ["MSKU1", "MSKU2"]


@pytest.mark.parametrize(
    ("raw", "path", "reason"),
    [
        (b"", "", "not JSON"),
        (b"{", "", "not JSON"),
        (b"[" * 100_000, "", "recursion"),
        (b'{"data": NaN}', "", "not JSON"),
        (b'{"data": []}', "", "no record at"),
        (b'{"data": [7]}', "record 1", "not an object"),
        (b'{"data": {"ref": {"a": 1}}}', "record 1, ref", "an object stands where one value should"),
        (b'{"data": {"ref": 1e999, "goods": [{"what": 1}]}}', "record 1, ref", "beyond all measure"),
        (b'{"data": {"ref": 1, "goods": [{"what": 1, "net": -2}]}}', "record 1, goods[0].net", "below zero"),
        (b'{"data": {"ref": 1, "goods": [{"what": 1, "net": 1' + b"0" * 400 + b"}]}}", "record 1, goods[0].net", "beyond"),
        (b'{"data": {"ref": 1' + b"0" * 4000 + b"}}", "record 1, ref", "more than 40 digits"),
        (b'{"data": {"ref": 1, "goods": [{"what": 1, "net": true}]}}', "record 1, goods[0].net", "not a number: 'true'"),
        (b'{"data": {"ref": "\xff"}}', "", "bytes that are not utf-8"),
    ],
)  # fmt: skip
def test_json_that_cannot_be_used(raw: bytes, path: str, reason: str) -> None:
    error = refused(NESTED, raw)
    assert error.path == path
    assert reason in error.reason


def test_a_quote_that_never_closes_costs_what_it_swallowed() -> None:
    rows = b"".join(b"R%d,zinc,5,g,TH,,20/11/2026\n" % n for n in range(20_000))
    raw = HEAD + rows[:3_000] + b'X,"open' + rows[3_000:]
    found = said(TABLE, raw)
    wrong = [part for part in found if isinstance(part, FeedError)]
    assert any("a quote that is never closed?" in error.reason for error in wrong)
    assert len(found) - len(wrong) > 10_000


def test_a_pattern_cannot_hang() -> None:
    mapping = TABLE.replace(b"description: goods", b"description: {from: goods, pattern: '((?:a+)+)$'}")
    started = time.process_time()
    said(mapping, HEAD + b"A," + b"a" * 100_000 + b"b,1,g,,,20/11/2026\n")
    assert time.process_time() - started < 10


def test_a_record_multiplied_by_itself_costs_little() -> None:
    """Every goods item looks for a party, or takes every paper: 3,000 items times 30,000 is searched once, or refused."""
    nested = NESTED.replace(b'"$.licence"', b'"$.parties[role=77].id"')
    goods = [{"what": "tin", "papers": [{"kind": "X"}]}] * 3_000
    record = {"ref": "A", "goods": goods, "parties": [{"role": 1}] * 30_000, "licence": 1}
    started = time.process_time()
    (message,) = said(nested, json.dumps({"data": [record]}).encode())
    assert isinstance(message, Message)
    assert time.process_time() - started < 10
    every = nested.replace(b'"items[].documents": papers', b'"items[].documents": "$.parties[*]"')
    assert "more than 1,000,000 members" in refused(every, json.dumps({"data": [record]}).encode()).reason


def test_a_key_of_wrong_bytes_behind_a_backslash_is_skipped() -> None:
    raw = b'{"\\\x80at": 1, "data": [{"ref": "A", "goods": [{"what": "tin"}]}]}'
    (only,) = together(NESTED, raw, 100)
    assert '"declaration_id":"s:A"' in only


def together(mapping: bytes, raw: bytes, size: int) -> list[str]:
    """Return what the pieces of a feed say."""
    found = []
    for chunk in chunks(io.BytesIO(raw), Mapping.parse(mapping), size):
        if chunk.problem is not None:
            found.append("problem")
            continue
        found += [_key(part) for part in said(mapping, chunk.raw)]
    return found


def _key(part: Message | FeedError) -> str:
    return part.model_dump_json() if isinstance(part, Message) else f"error: {part.reason.partition(': ')[0][:40]}"


CELLS = st.sampled_from(
    ["A", "B", "C", "", '"', '""', '"x,\ny"', "5", "1.5", "-", "g", "kg", "VN", "CN>TH", "46329", "\u00e9", "ß\udcff"]
)
#: Rows of at most as many cells as the header. (A row of more refuses its neighbours, which pieces may see apart: a declaration
#: whose rows are scattered around it is then refused in the whole, and may be read in pieces.)
TABLES = st.lists(st.lists(CELLS, max_size=7).map(",".join), max_size=12).map("\n".join)


@settings(max_examples=300, deadline=None)
@given(TABLES, st.sampled_from([1, 60, 10**6]))
def test_pieces_of_a_table_say_what_the_whole_says(rows: str, size: int) -> None:
    raw = HEAD + rows.encode("utf-8", "surrogateescape")
    whole = [_key(part) for part in said(TABLE, raw)]
    if whole == ["error: no row below the header"]:
        whole = []
    apart = together(TABLE, raw, size)
    messages = [part for part in whole if not part.startswith("error")]
    assert sorted(m for m in apart if m not in ("problem",) and not m.startswith("error")) == sorted(messages)
    assert (len(apart) > len(messages)) == (len(whole) > len(messages))


@settings(max_examples=150, deadline=None)
@given(st.integers(1, 400), st.sampled_from([1, 80, 10**6]))
def test_pieces_of_a_document_say_what_the_whole_says(block: int, size: int) -> None:
    class Slow(io.BytesIO):
        def read(self, wanted: int | None = -1) -> bytes:
            return super().read(min(wanted, block) if wanted and wanted > 0 else wanted)

    raw = json.dumps(DOCUMENT).encode()
    found = []
    for chunk in chunks(Slow(raw), Mapping.parse(NESTED), size):
        assert chunk.problem is None
        found += [_key(part) for part in said(NESTED, chunk.raw)]
    assert found == [_key(part) for part in said(NESTED, raw)]


@settings(max_examples=200, deadline=None)
@given(st.integers(0, 400), st.integers(0, 30), st.binary(max_size=20))
def test_any_damage_to_a_document_is_read_or_refused(at: int, cut: int, put: bytes) -> None:
    raw = json.dumps(DOCUMENT).encode()
    raw = raw[:at] + put + raw[at + cut :]
    said(NESTED, raw)
    together(NESTED, raw, 100)


@settings(max_examples=300, deadline=None)
@given(st.one_of(st.binary(max_size=300), TABLES.map(lambda rows: HEAD + rows.encode("utf-8", "surrogateescape"))))
def test_any_bytes_are_read_or_refused(raw: bytes) -> None:
    for mapping in (TABLE, NESTED, NESTED.replace(b"format: json", b"format: ndjson")):
        mapped(mapping).sniff(raw)
        said(mapping, raw)
        together(mapping, raw, 50)


@settings(max_examples=300, deadline=None)
@given(
    st.integers(0, len(TABLE)),
    st.integers(0, 30),
    st.one_of(st.binary(max_size=12), st.text(":{}[]-'\"# \n&*!|>ab1", max_size=12).map(str.encode)),
)
def test_any_mapping_is_taken_or_refused(at: int, cut: int, put: bytes) -> None:
    raw = TABLE[:at] + put + TABLE[at + cut :]
    try:
        mapping = Mapping.parse(raw)
    except MappingError:
        return
    said(mapping.yaml, HEAD + GOOD)


def test_200_000_rows_in_bounded_memory() -> None:
    """A stream of 200,000 rows (and a line of 60 MB, and a JSON array of 24 MB) in a process of 400 MB."""
    script = f"""
        import io, resource, sys
        resource.setrlimit(resource.RLIMIT_AS, (1_500_000_000, 1_500_000_000))
        from schemas import feeds
        from schemas.mapping import Mapping, chunks, mapped

        class Feed(io.RawIOBase):
            def __init__(self, pieces):
                self.pieces = pieces
                self.left = b""
            def readable(self):
                return True
            def readinto(self, buffer):
                self.left = self.left or next(self.pieces, b"")
                size = min(len(buffer), len(self.left))
                buffer[:size], self.left = self.left[:size], self.left[size:]
                return size

        def rows():
            yield {HEAD!r}
            for n in range(100_000):
                yield b"R%d,zinc ingots of lot %d,5,g,Viet Nam,CN>VN,20/11/2026\\nR%d,tin,7,,TH,,\\n" % (n, n, n)
                if n == 50_000:
                    for _ in range(60):
                        yield b"x" * 1_000_000
                    yield b"\\n"

        def array():
            yield b'{{"data": ['
            for n in range(120_000):
                yield b'{{"ref": %d, "goods": [{{"what": "%s"}}]}},' % (n, b"z" * 160)
            yield b'{{"ref": "last", "goods": [{{"what": "z"}}]}}]}}'

        for yaml, pieces in (({TABLE!r}, rows()), ({NESTED!r}, array())):
            mapping = Mapping.parse(yaml)
            good = bad = 0
            for index, chunk in enumerate(chunks(io.BufferedReader(Feed(pieces)), mapping)):
                assert len(chunk.raw) < 1_300_000, len(chunk.raw)
                if chunk.problem is not None:
                    bad += 1
                elif mapping.format == "json":
                    good += chunk.raw.count(b'"ref"')
                else:
                    good += chunk.raw.count(b"zinc")
                    if index % 5 == 0:
                        found = list(feeds.parts(mapped(mapping.yaml), chunk.raw, feeds.UNKNOWN))
                        assert len(found) == chunk.raw.count(b"zinc")
                        assert not any(isinstance(part, feeds.FeedError) for part in found)
            print(good, bad)
        # Not ru_maxrss: a process inherits that from the one that started it.
        print(next(line.split()[1] for line in open("/proc/self/status") if line.startswith("VmHWM")))
    """
    ran = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(script)],
        capture_output=True,
        text=True,
        timeout=240,
        cwd=ROOT,
        check=False,
    )
    table, document, memory = ran.stdout.splitlines() or [ran.stderr[-2000:], "", ""]
    assert table in ("99999 2", "100000 1", "99998 3"), f"the long line may cost its neighbours, nothing else: {table}"
    assert document == "120001 0"
    assert int(memory) < 400_000
