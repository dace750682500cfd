"""Reading records out of files, following a folder, dead letters, and ``assay ingest --dry-run``."""

from __future__ import annotations

import base64
import bz2
import gzip
import io
import json
import lzma
import os
import tarfile
import time
import tracemalloc
import zipfile
from datetime import UTC, datetime
from pathlib import Path

import pyarrow
import pyarrow.parquet
import pytest
from typer.testing import CliRunner

from schemas.decode import MAX_RECORD_BYTES
from schemas.errors import FeedError
from streams import cli, ingest, sources

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)
XML = b"""<MetaData><Declaration><FunctionCode>9</FunctionCode><FunctionalReferenceID>L1</FunctionalReferenceID>
<TypeCode>EXA</TypeCode><Declarant><ID>GB1</ID></Declarant><GoodsShipment><GovernmentAgencyGoodsItem>
<Commodity><Classification><ID>79012000</ID></Classification></Commodity>
</GovernmentAgencyGoodsItem></GoodsShipment></Declaration></MetaData>"""


def line(number: int, **more: object) -> bytes:
    found = {
        "schema": "declaration/1",
        "event": "lodged",
        "declaration_id": f"own:{number}",
        "lodged_at": "2026-11-20T08:00:00Z",
        "source": {"system": "own", "format": "ndjson"},
        "regime": "export",
        "items": [{"number": 1}],
    }
    return json.dumps(found | more).encode()


def read(*paths: Path, format: str = "auto") -> list[sources.Record]:
    return list(sources.records(paths, format))


def origins(*paths: Path) -> list[str]:
    return [record.origin for record in read(*paths)]


def problems(*paths: Path) -> list[str]:
    return [record.problem.reason for record in read(*paths) if record.problem is not None]


def test_a_folder_is_walked_in_order_without_hidden_files(tmp_path: Path) -> None:
    for name in ("b.xml", "a/2.xml", "a/1.xml", ".hidden.xml", ".git/x.xml"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(XML)
    assert origins(tmp_path) == [f"{tmp_path.name}/{name}" for name in ("a/1.xml", "a/2.xml", "b.xml")]


def test_lines_keep_their_number_and_their_bytes(tmp_path: Path) -> None:
    feed = tmp_path / "feed.ndjson"
    feed.write_bytes(b"\xef\xbb\xbf" + line(1) + b"\r\n\n  {broken\n" + line(4))
    found = read(feed)
    assert [(r.origin, r.raw) for r in found] == [
        ("feed.ndjson#1", line(1)),
        ("feed.ndjson#3", b"{broken"),
        ("feed.ndjson#4", line(4)),
    ]
    assert [sources.declarations(r) for r in found] == [[line(1)], [b"{broken"], [line(4)]]


def test_garbage_first_does_not_hide_the_lines_behind_it(tmp_path: Path) -> None:
    feed = tmp_path / "feed.jsonl"
    feed.write_bytes(b"garbage\n" + line(2))
    assert origins(feed) == ["feed.jsonl#1", "feed.jsonl#2"]


def test_one_indented_object_is_one_record(tmp_path: Path) -> None:
    (tmp_path / "one.json").write_text(json.dumps(json.loads(line(1)), indent=2))
    (found,) = read(tmp_path / "one.json")
    assert b"\n" not in found.raw
    assert json.loads(found.raw) == json.loads(line(1))


def test_a_message_takes_the_time_of_its_file(tmp_path: Path) -> None:
    path = tmp_path / "one.xml"
    path.write_bytes(XML)
    os.utime(path, (NOW.timestamp(), NOW.timestamp()))
    (found,) = read(path)
    (value,) = sources.declarations(found)
    assert json.loads(value)["lodged_at"] == "2026-11-22T12:00:00Z"
    assert json.loads(value)["source"]["origin"] == "one.xml"


@pytest.mark.parametrize(("ending", "packed"), [("gz", gzip.compress), ("bz2", bz2.compress), ("xz", lzma.compress)])
def test_compressed_files(tmp_path: Path, ending: str, packed: object) -> None:
    (tmp_path / f"feed.ndjson.{ending}").write_bytes(packed(line(1) + b"\n" + line(2)))  # type: ignore[operator]
    (tmp_path / f"one.xml.{ending}").write_bytes(packed(XML))  # type: ignore[operator]
    found = read(tmp_path)
    assert [(r.origin.split("/")[1], r.format) for r in found] == [
        (f"feed.ndjson.{ending}#1", "ndjson"),
        (f"feed.ndjson.{ending}#2", "ndjson"),
        (f"one.xml.{ending}", "cds"),
    ]


def _zip(path: Path, members: dict[str, bytes]) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return path


def _tar(path: Path, members: dict[str, bytes], mode: str = "w:gz") -> Path:
    with tarfile.open(path, mode) as archive:  # type: ignore[call-overload]
        for name, content in members.items():
            entry = tarfile.TarInfo(name)
            entry.size, entry.mtime = len(content), int(NOW.timestamp())
            archive.addfile(entry, io.BytesIO(content))
    return path


def test_archives(tmp_path: Path) -> None:
    members = {"x/feed.ndjson": line(1) + b"\n" + line(2), "y.xml": XML, "y.xml.gz": gzip.compress(XML)}
    expected = ["x/feed.ndjson#1", "x/feed.ndjson#2", "y.xml", "y.xml.gz"]
    for path in (
        _zip(tmp_path / "a.zip", members),
        _tar(tmp_path / "a.tgz", members),
        _tar(tmp_path / "a.tar", members, "w:"),
    ):
        found = read(path)
        assert [r.origin for r in found] == [f"{path.name}!{name}" for name in expected]
        assert all(sources.declarations(r) for r in found)
    assert read(tmp_path / "a.tar")[0].at == NOW


@pytest.mark.parametrize("seconds", [0, 1, 315_532_800, 2**33])
def test_a_time_at_which_nothing_can_have_arrived_is_none(tmp_path: Path, seconds: int) -> None:
    with tarfile.open(tmp_path / "a.tar", "w") as archive:
        entry = tarfile.TarInfo("a.xml")
        entry.size, entry.mtime = len(XML), seconds
        archive.addfile(entry, io.BytesIO(XML))
    os.utime(tmp_path / "a.tar", (NOW.timestamp(), NOW.timestamp()))
    (tmp_path / "b.xml").write_bytes(XML)
    os.utime(tmp_path / "b.xml", (seconds, seconds))
    inside, alone = read(tmp_path)
    assert inside.at == NOW, "that of the archive"
    assert alone.at is None


def test_archive_bombs_stop_early_and_the_next_file_is_unharmed(tmp_path: Path) -> None:
    (tmp_path / "1.gz").write_bytes(gzip.compress((b" " * 999 + b"\n") * 200_000, compresslevel=1))
    _zip(tmp_path / "2.zip", {f"{n}.ndjson": (b" " * 999 + b"\n") * 30_000 for n in range(8)})
    (tmp_path / "3.xml").write_bytes(XML)
    tracemalloc.start()
    found = read(tmp_path)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    reasons = [r.problem.reason if r.problem else "" for r in found]
    assert [reason[:12] for reason in reasons][-2:] == ["archive bomb", ""]
    assert found[-1].origin.endswith("3.xml")
    assert peak < 200_000_000


@pytest.mark.parametrize("cut", [0.3, 0.9])
def test_truncated_archives_are_told(tmp_path: Path, cut: float) -> None:
    members = {f"{n}.xml": XML + os.urandom(2_000).hex().encode() for n in range(20)}
    for path in (
        _tar(tmp_path / "a.tgz", members),
        _tar(tmp_path / "a.tar", members, "w:"),
        _zip(tmp_path / "a.zip", members),
    ):
        whole = path.read_bytes()
        path.write_bytes(whole[: int(len(whole) * cut)])
        (problem,) = problems(path)
        assert "damaged" in problem


def test_a_tar_damaged_in_the_middle_loses_nothing_silently(tmp_path: Path) -> None:
    path = _tar(tmp_path / "a.tar", {f"{n}.xml": XML for n in range(4)}, "w:")
    whole = bytearray(path.read_bytes())
    second = whole.index(b"1.xml")
    whole[second : second + 512] = b"\xff" * 512
    path.write_bytes(whole)
    found = read(path)
    assert [r.problem is None for r in found] == [True, False]


def test_an_archive_in_an_archive_is_opened_and_one_in_that_is_not(tmp_path: Path) -> None:
    inner = _zip(tmp_path / "in.zip", {"a.xml": XML, "b.ndjson": line(1) + b"\n" + line(2)}).read_bytes()
    tarred = _tar(tmp_path / "in.tgz", {"a.xml": XML, "in.zip": inner}).read_bytes()
    outer = _zip(tmp_path / "out.zip", {"in.zip": inner, "in.tgz": tarred, "z.xml": XML})
    assert origins(outer) == [
        "out.zip!in.tgz!a.xml",
        "out.zip!in.tgz!in.zip",
        "out.zip!in.zip!a.xml",
        "out.zip!in.zip!b.ndjson#1",
        "out.zip!in.zip!b.ndjson#2",
        "out.zip!z.xml",
    ]
    assert problems(outer) == ["an archive in an archive in an archive is not opened"]


def test_nested_archives_share_one_bound(tmp_path: Path) -> None:
    blank = b" " * 30_000_000
    inner = {f"{n}.zip": _zip(tmp_path / "in.zip", {"a.xml": blank}).read_bytes() for n in range(5)}
    (tmp_path / "in.zip").unlink()
    found = read(_zip(tmp_path / "out.zip", inner))
    assert found[-1].problem is not None
    assert "archive bomb" in found[-1].problem.reason
    assert len(found) < 5


def test_encrypted_archives_are_told(tmp_path: Path) -> None:
    locked = bytearray(_zip(tmp_path / "locked.zip", {"a.xml": XML}).read_bytes())
    locked[6] |= 1
    locked[locked.index(b"PK\x01\x02") + 8] |= 1
    (tmp_path / "locked.zip").write_bytes(locked)
    assert "encrypted" in problems(tmp_path / "locked.zip")[0]


def test_an_array_is_cut_into_its_declarations(tmp_path: Path) -> None:
    for name, content in {
        "flat.json": b"[" + line(1) + b"," + line(2) + b"]",
        "indented.json": b"\xef\xbb\xbf" + json.dumps([json.loads(line(n)) for n in (1, 2)], indent=2).encode(),
        "blank.json": b" [ \n" + line(1) + b" , " + line(2) + b"\n ]\n\n",
    }.items():
        (tmp_path / name).write_bytes(content)
        found = read(tmp_path / name)
        assert [r.origin for r in found] == [f"{name}#1", f"{name}#2"]
        assert [json.loads(r.raw)["declaration_id"] for r in found] == ["own:1", "own:2"]
    (tmp_path / "empty.json").write_bytes(b"[]")
    assert read(tmp_path / "empty.json") == []


@pytest.mark.parametrize(
    ("content", "read_before", "path", "reason"),
    [
        (b"[" + line(1) + b", 7]", 1, "/1", "an object must stand here"),
        (b"[" + line(1) + b"," + line(2)[:-5], 1, "/1", "not JSON"),
        (b"[" + line(1) + b" " + line(2) + b"]", 1, "/1", "']' is missing"),
        (b"[" + line(1) + b"] x", 1, "/1", "behind the end"),
        (b'[{"a": ' + b"[" * 100_000, 0, "/0", "nested too deep"),
        (b'[{"a": "\xff"}]', 0, None, "not UTF-8"),
    ],
)
def test_a_wrong_array_gives_what_stood_before_the_mistake(
    tmp_path: Path, content: bytes, read_before: int, path: str | None, reason: str
) -> None:
    (tmp_path / "a.json").write_bytes(content)
    found = read(tmp_path / "a.json")
    assert [r.problem is None for r in found] == [True] * read_before + [False]
    assert found[-1].problem is not None
    assert found[-1].problem.path == (path or "")
    assert reason in found[-1].problem.reason


def test_a_large_array_is_never_held_whole(tmp_path: Path) -> None:
    with (tmp_path / "a.json").open("wb") as file:
        file.write(b"[" + line(0))
        for number in range(1, 40_000):
            file.write(b",\n" + line(number, note="x" * 500))
        file.write(b"]")
    tracemalloc.start()
    count = sum(1 for record in sources.records([tmp_path]) if record.problem is None)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert count == 40_000
    assert peak < 10_000_000


def test_odd_files_become_records_with_a_problem(tmp_path: Path) -> None:
    for name, content in {"a.bin": b"\0\1", "b.xml": b"", "c.csv": b"a,b\n", "d.parquet": b"PAR1...."}.items():
        (tmp_path / name).write_bytes(content)
    assert len(problems(tmp_path)) == 4


def test_a_line_too_long_is_cut_and_the_next_one_read(tmp_path: Path) -> None:
    feed = tmp_path / "feed.ndjson"
    feed.write_bytes(b"{" + b" " * (MAX_RECORD_BYTES + 100) + b"\n" + line(2))
    first, second = read(feed)
    assert first.problem is not None
    assert first.size == MAX_RECORD_BYTES + 102
    assert len(first.raw) == sources.MAX_KEPT
    assert second.raw == line(2)


def test_parquet(tmp_path: Path) -> None:
    rows = [json.loads(line(n)) for n in (1, 2)]
    texts = [json.dumps(row) for row in rows]
    tables = {
        "text": pyarrow.table({"declaration": texts}),
        "bytes": pyarrow.table({"value": [t.encode() for t in texts]}),
        "fields": pyarrow.Table.from_pylist(rows),
    }
    for name, table in tables.items():
        pyarrow.parquet.write_table(table, tmp_path / f"{name}.parquet")
        found = read(tmp_path / f"{name}.parquet")
        assert [json.loads(r.raw) for r in found] == rows
        assert found[1].origin == f"{name}.parquet#2"
    pyarrow.parquet.write_table(pyarrow.table({"other": [1]}), tmp_path / "other.parquet")
    assert "column 'declaration'" in problems(tmp_path / "other.parquet")[0]


def test_progress_ends_at_the_total(tmp_path: Path) -> None:
    (tmp_path / "a.ndjson").write_bytes(b"\n".join(line(n) for n in range(5_000)))
    (tmp_path / "b.gz").write_bytes(gzip.compress(XML))
    _zip(tmp_path / "c.zip", {"a.xml": XML})
    done: list[int] = []
    assert len(list(sources.records([tmp_path], progress=done.append))) == 5_002
    assert sum(done) == sources.total_bytes([tmp_path])
    assert min(done) >= 0


def test_a_missing_path_and_an_unknown_format_are_told(tmp_path: Path) -> None:
    with pytest.raises(FeedError, match="does not exist"):
        read(tmp_path / "none")
    with pytest.raises(FeedError, match="no format"):
        read(tmp_path, format="edi")


def test_a_dead_letter_keeps_the_bytes_and_its_id() -> None:
    record = sources.Record(b"<MetaData", "x.xml", "cds", NOW)
    with pytest.raises(FeedError) as caught:
        sources.declarations(record)
    letter = ingest.dead_letter(record, caught.value, NOW)
    assert (letter.stage, letter.origin, letter.format, letter.error) == ("feed", "x.xml", "cds", "FeedError")
    assert base64.b64decode(letter.payload) == b"<MetaData"
    assert letter.path.startswith("line 1")
    assert not letter.truncated
    assert ingest.dead_letter(record, caught.value, datetime.now(UTC)).dead_letter_id == letter.dead_letter_id
    large = sources.Record(b"x" * (sources.MAX_KEPT + 1), "x.xml", "cds")
    letter = ingest.dead_letter(large, FeedError("too large"), NOW)
    assert (letter.truncated, letter.payload_bytes) == (True, sources.MAX_KEPT + 1)


@pytest.mark.parametrize(
    ("value", "key"),
    [
        (line(7), b"own:7"),
        (b'{"source": {"declaration_id": "no"}, "declaration_id": "yes"}', b"yes"),
        (b'{"declaration_id": 7}', None),
        (b'{"declaration_id": ""}', None),
        (b"[1]", None),
        (b"\xff{", None),
    ],
)
def test_keys(value: bytes, key: bytes | None) -> None:
    assert ingest.key_of(value) == key


def test_a_rate_is_kept() -> None:
    pace = ingest._Pace(200)
    started = time.monotonic()
    for _ in range(41):
        pace.wait()
    assert 0.19 <= time.monotonic() - started < 1.0


def dry_run(*arguments: str) -> tuple[int, dict[str, object]]:
    ran = CliRunner().invoke(cli.build(), ["ingest", "--dry-run", "--json", *arguments])
    return ran.exit_code, json.loads(ran.stdout)


def test_a_dry_run_shows_what_would_be_accepted_and_why_not(tmp_path: Path) -> None:
    (tmp_path / "a.xml").write_bytes(XML)
    (tmp_path / "b.ndjson").write_bytes(line(1) + b"\n" + line(2, regime="sideways"))
    code, said = dry_run(str(tmp_path))
    assert code == 1
    assert (said["records"], said["accepted"], said["dead_letters"]) == (3, 2, 1)
    accepted, refused = said["would_accept"], said["would_refuse"]
    assert isinstance(accepted, list)
    assert isinstance(refused, list)
    assert accepted[0]["declaration_id"] == "cds:GB1:L1"
    assert accepted[0]["codes"] == "79012000"
    assert refused[0]["origin"].endswith("b.ndjson#2")
    assert refused[0]["path"] == "/regime"
    assert dry_run(str(tmp_path / "a.xml"))[0] == 0


def test_a_dry_run_for_people(tmp_path: Path) -> None:
    (tmp_path / "a.xml").write_bytes(XML)
    ran = CliRunner().invoke(cli.build(), ["ingest", "--dry-run", str(tmp_path)])
    assert ran.exit_code == 0
    assert "nothing was sent" in ran.stdout


@pytest.mark.parametrize("arguments", [["none.xml"], ["--format", "edi", "."], ["--follow", "--dry-run", "."]])
def test_bad_usage(arguments: list[str]) -> None:
    assert CliRunner().invoke(cli.build(), ["ingest", *arguments]).exit_code == 2
