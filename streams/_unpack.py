"""Compressed files and archives, read as streams with a bound on what may come out of them."""

from __future__ import annotations

import bz2
import contextlib
import gzip
import lzma
import shutil
import struct
import tarfile
import tempfile
import zipfile
import zlib
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from io import BufferedReader, RawIOBase
from pathlib import Path
from typing import IO, Any, Final, Self, TypeAlias, cast

from schemas.errors import FeedError

Stream: TypeAlias = "BufferedReader[Any]"

ZIP: Final = b"PK\x03\x04"
_GZIP: Final = b"\x1f\x8b"
_BZIP2: Final = b"BZh"
_XZ: Final = b"\xfd7zXZ\0"
_PACKED: Final = (ZIP, _GZIP, _BZIP2, _XZ)
_USTAR: Final = b"ustar"
#: What the standard library raises for damaged, truncated or encrypted input.
DAMAGED: Final = (
    EOFError,
    zlib.error,
    lzma.LZMAError,
    zipfile.BadZipFile,
    tarfile.TarError,
    gzip.BadGzipFile,
    NotImplementedError,
    RuntimeError,
    UnicodeDecodeError,  # a name in a zip that says it is UTF-8 and is not
)

#: JSON lines of declarations compress about 15 times, repetitive test feeds up to some 60 times.
_MAX_RATIO: Final = 200
_ALWAYS_ALLOWED: Final = 64 * 1024 * 1024
#: A zip inside an archive is held in memory up to here, above it in a temporary file.
_IN_MEMORY: Final = 4 * 1024 * 1024
#: Members of a zip up to here (packed and unpacked) are read in one go.
_SMALL: Final = 256 * 1024
#: Magic, flags, method, length of the name and of the extra field, in front of each member of a zip.
_LOCAL_HEADER: Final = struct.Struct("<4s2xHH16xHH")
_UTF8_NAME: Final = 0x800
#: Level of compression, sizes behind the data, UTF-8 name.
_ORDINARY_FLAGS: Final = 0x2 | 0x4 | 0x8 | _UTF8_NAME
#: The times that the contract knows (:mod:`schemas.types`).
_FIRST_YEAR: Final = 1990
_LAST_YEAR: Final = 2100
_MAX_MEMBERS: Final = 1_000_000
_MAX_TAR_NAME: Final = 64 * 1024
_LONG_HEADERS: Final = (
    tarfile.GNUTYPE_LONGNAME,
    tarfile.GNUTYPE_LONGLINK,
    tarfile.XHDTYPE,
    tarfile.XGLTYPE,
    tarfile.SOLARIS_XHDTYPE,
)


class ArchiveBombError(FeedError):
    """More came out of a file than its size can honestly hold."""


def allowance(size_on_disk: int) -> int:
    """Return how many bytes may come out of a file of that size before it counts as an archive bomb."""
    return max(_ALWAYS_ALLOWED, _MAX_RATIO * size_on_disk)


class Counted(RawIOBase):
    """A file on disk that tells how far it has been read."""

    def __init__(self, path: Path, progress: Callable[[int], None] | None) -> None:
        self._file = path.open("rb", buffering=0)
        self._progress = progress
        self.counted = 0

    def readable(self) -> bool:
        return True

    def readinto(self, into: Any) -> int:
        count = self._file.readinto(into) or 0
        self.counted += count
        if self._progress is not None:
            self._progress(count)
        return count

    def close(self) -> None:
        self._file.close()
        super().close()


class _Bounded(RawIOBase):
    """A stream that may give only so much."""

    def __init__(self, inner: IO[bytes], left: list[int]) -> None:
        self._inner = inner
        self._left = left

    def readable(self) -> bool:
        return True

    def readinto(self, into: Any) -> int:
        chunk = self._inner.read(len(into))
        self._left[0] -= len(chunk)
        if self._left[0] < 0:
            raise ArchiveBombError(f"archive bomb: it unpacks to more than {_MAX_RATIO} times its size; stopped there")
        into[: len(chunk)] = chunk
        return len(chunk)


def buffer_size(size: int) -> int:
    """Return how large a buffer serves a file of that size: for a small message one of the full size costs more than reading."""
    return max(4096, min(256 * 1024, size + 1))


def _bounded(inner: IO[bytes], left: list[int], size: int = 256 * 1024) -> Stream:
    return BufferedReader(_Bounded(inner, left), buffer_size(size))


def expand(stream: Stream, left: list[int]) -> Stream:
    """Return the stream unpacked, if gzip, bzip2 or xz packed it; itself otherwise. ``left[0]`` bytes may come out of it."""
    head = stream.peek(6)
    if head.startswith(_GZIP):
        return _bounded(cast(IO[bytes], gzip.GzipFile(fileobj=stream, mode="rb")), left)
    if head.startswith(_BZIP2):
        return _bounded(cast(IO[bytes], bz2.BZ2File(stream)), left)
    if head.startswith(_XZ):
        return _bounded(cast(IO[bytes], lzma.LZMAFile(stream)), left)
    return stream


def is_tar(stream: Stream) -> bool:
    """Say whether a tar archive begins here."""
    return stream.peek(512)[257:262] == _USTAR


def is_packed(content: bytes) -> bool:
    """Say whether these bytes are compressed, or an archive."""
    return content.startswith(_PACKED) or content[257:262] == _USTAR


class _Header(tarfile.TarInfo):
    """A tar header that is strict where tarfile is lenient.

    tarfile reads long names and attributes whole into memory, whatever their size, and takes a damaged or missing
    header for the end of the archive, which would lose the files behind it without a word.
    """

    @classmethod
    def fromtarfile(cls, archive: tarfile.TarFile) -> Self:
        try:
            return super().fromtarfile(archive)
        except tarfile.HeaderError as error:
            if type(error).__name__ == "EOFHeaderError":
                raise
            raise tarfile.ReadError(f"{error} at byte {archive.offset:,}") from None

    def _proc_member(self, archive: tarfile.TarFile) -> Any:
        if self.type in _LONG_HEADERS and self.size > _MAX_TAR_NAME:
            raise tarfile.ReadError(f"a header of {self.size:,} bytes")
        return super()._proc_member(archive)  # type: ignore[misc]


#: Name, time of writing, and content; small members of a zip come whole.
Member: TypeAlias = "tuple[str, datetime | None, Stream | bytes]"


def tar_members(stream: Stream) -> Iterator[Member]:
    """Yield the regular files of a tar archive, in its order: name, time of writing, content."""
    with tarfile.open(fileobj=stream, mode="r|", tarinfo=_Header) as archive:
        while (entry := archive.next()) is not None:
            # A stream keeps every header it has seen; nothing here goes back to one.
            archive.members.clear()  # type: ignore[attr-defined]
            content = archive.extractfile(entry) if entry.isreg() else None
            if content is not None:
                yield entry.name, written_at(entry.mtime), BufferedReader(cast(RawIOBase, content))


@contextlib.contextmanager
def laid_down(stream: Stream) -> Iterator[IO[bytes]]:
    """Have the rest of a stream as a file that can be read from its end, as zip needs it."""
    with tempfile.SpooledTemporaryFile(_IN_MEMORY) as lying:
        shutil.copyfileobj(stream, lying, 256 * 1024)
        lying.seek(0)
        yield cast(IO[bytes], lying)


def zip_members(place: Path | IO[bytes], left: list[int]) -> Iterator[Member]:
    """Yield the files of a zip archive, by name: name, time of writing, content.

    What all of them together unpack to is bounded (``left[0]`` bytes), so members that share compressed bytes count too.
    """
    with zipfile.ZipFile(place) as archive:
        if len(archive.infolist()) > _MAX_MEMBERS:
            raise FeedError(f"an archive of more than {_MAX_MEMBERS:,} files")
        for entry in sorted(archive.infolist(), key=lambda e: e.filename):
            if entry.is_dir():
                continue
            # zip stores local time without saying where: not a time we can use.
            if (small := _small_member(archive, entry, left)) is not None:
                yield entry.filename, None, small
                continue
            with archive.open(entry) as content:
                yield entry.filename, None, _bounded(content, left, entry.file_size)


def _small_member(archive: zipfile.ZipFile, entry: zipfile.ZipInfo, left: list[int]) -> bytes | None:
    """Return a small member whole, in a third of the time that a stream of it takes.

    None if anything about it is out of the ordinary: then zipfile reads it, or says what is wrong. What the directory says
    of sizes is not trusted: no more comes out than it says, and content of another length or checksum is not used.
    """
    file, size, packed = archive.fp, entry.file_size, entry.compress_size
    if file is None or not 0 < size <= min(_SMALL, left[0]) or packed > _SMALL or entry.flag_bits & ~_ORDINARY_FLAGS:
        return None
    try:
        name = entry.orig_filename.encode("utf-8" if entry.flag_bits & _UTF8_NAME else "cp437")
    except UnicodeEncodeError:
        return None
    file.seek(entry.header_offset)
    header = file.read(_LOCAL_HEADER.size + len(name))
    if len(header) < _LOCAL_HEADER.size or header[_LOCAL_HEADER.size :] != name:
        return None
    magic, flags, method, name_length, extra_length = _LOCAL_HEADER.unpack_from(header)
    ordinary = magic == ZIP and flags == entry.flag_bits and method == entry.compress_type and name_length == len(name)
    end = entry.header_offset + len(header) + extra_length + packed
    behind = getattr(entry, "_end_offset", None)  # newer libraries refuse members that overlap
    if not ordinary or extra_length > _SMALL or (behind is not None and end > behind):
        return None
    content = file.read(extra_length + packed)[extra_length:]
    if method == zipfile.ZIP_DEFLATED:
        inflating = zlib.decompressobj(-zlib.MAX_WBITS)
        try:
            content = inflating.decompress(content, size + 1)
        except zlib.error:
            return None
        if not inflating.eof:
            return None
    elif method != zipfile.ZIP_STORED:
        return None
    if len(content) != size or zlib.crc32(content) != entry.CRC:
        return None
    left[0] -= size
    return content


def written_at(seconds: float) -> datetime | None:
    """Return a file's time of writing, UTC; None where it is no time that a message can have arrived at.

    Archives are made with all times at 0 or in 1980, and a clock that was never set says 1970.
    """
    try:
        found = datetime.fromtimestamp(seconds, UTC)
    except (OverflowError, OSError, ValueError):
        return None
    return found if _FIRST_YEAR <= found.year <= _LAST_YEAR else None
