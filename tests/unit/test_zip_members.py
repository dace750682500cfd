"""Small members of a zip are read whole; whatever is out of the ordinary about one goes the way of large ones."""

from __future__ import annotations

import struct
import zipfile
from io import BytesIO
from pathlib import Path

import pytest

from streams import _unpack, sources

CONTENT = b"<MetaData>" + b"x" * 2_000 + b"</MetaData>"


def packed(method: int = zipfile.ZIP_DEFLATED, content: bytes = CONTENT, name: str = "ä.xml") -> bytearray:
    file = BytesIO()
    with zipfile.ZipFile(file, "w", method) as archive:
        archive.writestr(name, content)
    return bytearray(file.getvalue())


def read(archive: bytes | bytearray, left: list[int]) -> list[tuple[bool, bytes]]:
    """Return of each member whether it came whole, and its content."""
    return [
        (True, content) if isinstance(content, bytes) else (False, content.read())
        for _, _, content in _unpack.zip_members(BytesIO(archive), left)
    ]


@pytest.mark.parametrize("method", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED])
def test_a_small_member_comes_whole_and_counts(method: int) -> None:
    left = [10_000]
    assert read(packed(method), left) == [(True, CONTENT)]
    assert left == [10_000 - len(CONTENT)]


@pytest.mark.parametrize("content", [b"", b"y" * 300_000])
def test_empty_and_large_members_are_streams(content: bytes) -> None:
    assert read(packed(content=content), [1_000_000]) == [(False, content)]


def test_other_methods_are_left_to_zipfile() -> None:
    assert read(packed(zipfile.ZIP_LZMA), [10_000]) == [(False, CONTENT)]


def test_more_than_may_come_out_is_a_bomb() -> None:
    with pytest.raises(_unpack.ArchiveBombError):
        read(packed(), [len(CONTENT) - 1])


def test_a_size_that_lies_lets_no_more_out() -> None:
    archive, left = packed(), [10_000]
    directory = archive.index(b"PK\x01\x02")
    archive[directory + 24 : directory + 28] = struct.pack("<I", 10)  # so many bytes, says the directory
    with pytest.raises(zipfile.BadZipFile):
        read(archive, left)
    assert left[0] >= 10_000 - 10


def test_the_checksum_that_counts_is_that_of_the_directory() -> None:
    archive = packed(zipfile.ZIP_STORED)
    archive[14] ^= 0xFF  # the one in front of the member
    assert read(archive, [10_000]) == [(True, CONTENT)]


@pytest.mark.parametrize(
    ("place", "reason"),
    [(30, "codec can't decode"), (32, "File name in directory"), (-200, "Bad CRC")],
)
def test_damage_is_told(tmp_path: Path, place: int, reason: str) -> None:
    archive = packed(zipfile.ZIP_STORED)
    archive[place] ^= 0x20
    path = tmp_path / "some.zip"
    path.write_bytes(archive)
    (record,) = sources.file_records(path, path.name)
    assert record.problem is not None
    assert reason in record.problem.reason
    assert record.raw == archive


def test_a_member_that_is_cut_off_is_told() -> None:
    archive = packed(zipfile.ZIP_STORED)
    directory = archive.index(b"PK\x01\x02")
    archive[directory + 20 : directory + 28] = struct.pack("<II", 60_000, 60_000)
    with pytest.raises((EOFError, zipfile.BadZipFile)):
        read(archive, [100_000])
