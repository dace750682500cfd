"""Records out of files: directories, archives, compressed files, messages, JSON lines and arrays, Parquet.

Records come one by one and in a fixed order, and memory stays bounded whatever a file holds. What cannot be read is a
record too, with ``problem`` set: nothing is dropped. ``assay ingest`` and ``assay replay`` read through here.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator
from contextlib import closing
from dataclasses import dataclass
from datetime import datetime
from io import BufferedReader, BytesIO, RawIOBase
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, cast

import pydantic_core

from schemas import feeds
from schemas.decode import MAX_RECORD_BYTES
from schemas.errors import FeedError
from streams import _json_array, _unpack
from streams._unpack import Stream

if TYPE_CHECKING:
    from schemas.mapping import Mapping

LINES: Final = "ndjson"
#: Endings that promise one JSON record a line, whatever the first line looks like.
_LINE_SUFFIXES: Final = (".ndjson", ".jsonl")
#: How much is kept of a file or line that is too large or unreadable.
MAX_KEPT: Final = 16 * 1024 * 1024
_PEEK: Final = 64 * 1024
_MAX_ORIGIN: Final = 255

Progress = Callable[[int], None]


@dataclass(frozen=True, slots=True)
class Record:
    """One message as found.

    ``origin`` is the file's name relative to what was asked for, with ``!member`` of an archive and ``#line`` or
    ``#row``; ``format`` the codec's name, "" if nobody knows; ``at`` when the file was last written (UTC), which stands
    in for the time of arrival; ``problem`` why it cannot be used, if that is known already; ``size`` the length of the
    original in bytes where ``raw`` is only its beginning (at least that, if the rest was not read); ``mapping`` the mapping
    (YAML) by which a mapped feed is read.
    """

    raw: bytes
    origin: str
    format: str
    at: datetime | None = None
    problem: FeedError | None = None
    size: int | None = None
    mapping: bytes | None = None

    @property
    def codec(self) -> feeds.Codec:
        """How to read it; FeedError where nobody knows."""
        if self.mapping is not None:
            from schemas.mapping import mapped

            return mapped(self.mapping)
        return feeds.codec(self.format)


def files(paths: Iterable[Path]) -> list[tuple[Path, str]]:
    """Return every file with its name for people, directories walked and sorted, hidden files left out.

    Raises
    ------
    FeedError : a path does not exist.
    """
    found: list[tuple[Path, str]] = []
    for path in paths:
        if path.is_dir():
            found += _inside(path)
        elif path.exists():
            found.append((path, path.name))
        else:
            raise FeedError(f"{path} does not exist")
    return found


def _inside(folder: Path) -> list[tuple[Path, str]]:
    """Return the files below a folder, by the order of their paths."""
    top = folder.resolve().name
    names: list[tuple[str, ...]] = []
    for where, folders, files_here in os.walk(folder):
        folders[:] = [name for name in folders if not name.startswith(".")]
        above = Path(where).relative_to(folder).parts
        names += [(*above, name) for name in files_here if not name.startswith(".")]
    made = ((folder.joinpath(*parts), "/".join((top, *parts))) for parts in sorted(names))
    return [(path, name) for path, name in made if path.is_file()]


def total_bytes(paths: Iterable[Path]) -> int:
    """Return the size on disk of everything that :func:`records` would read: the end of a progress bar."""
    return sum(path.stat().st_size for path, _ in files(paths))


def records(
    paths: Iterable[Path], format: str = "auto", progress: Progress | None = None, mapping: Mapping | None = None
) -> Iterator[Record]:
    """Yield the records of files, directories and archives, lazily.

    Parameters
    ----------
    paths : what to read.
    format : a codec's name for everything, or ``auto`` to tell from the bytes of each file.
    progress : called with the number of bytes read from disk since the last call.
    mapping : read the files by it, instead of by a format.
    """
    if format != "auto":
        feeds.codec(format)
    for path, name in files(paths):
        yield from file_records(path, name, format, progress, mapping)


def file_records(
    path: Path,
    name: str,
    format: str = "auto",
    progress: Progress | None = None,
    mapping: Mapping | None = None,
    at: datetime | None = None,
) -> Iterator[Record]:
    """Yield the records of one file; see :func:`records`. ``at`` is the time of its arrival, if it is not that of writing."""
    found = path.stat()
    at = at or _unpack.written_at(found.st_mtime)
    reading = _File(path, found.st_size, name, format, at, progress, mapping)
    try:
        yield from reading.records()
    except OSError as error:
        yield reading.unusable_file(f"cannot be read: {error.strerror or error}")


def declarations(record: Record) -> list[bytes]:
    """Return the canonical declarations in a record, as the values of topic records.

    A line of our own contract is passed on unchanged: the worker validates it, and puts it in the dead letters if need
    be. Anything else goes through its codec.

    Raises
    ------
    FeedError : the record cannot be decoded.
    """
    if record.problem is not None:
        raise record.problem
    if record.format == LINES and record.mapping is None:
        return [record.raw]
    said = record.codec.decode(record.raw, feeds.Arrival(None, record.at, record.origin))
    return [feeds.encode(message.declaration) for message in said if message.declaration is not None]


class _File:
    """The reading of one file on disk and what is packed in it."""

    def __init__(
        self,
        path: Path,
        size: int,
        name: str,
        format: str,
        at: datetime | None,
        progress: Progress | None,
        mapping: Mapping | None,
    ) -> None:
        self.path = path
        self.size = size
        self.name = name
        self.format = format
        self.at = at
        self.progress = progress
        self.mapping = mapping
        self._left: dict[int, list[int]] = {}

    def left(self, depth: int) -> list[int]:
        """Return what may still be unpacked at a depth (0: from the file itself): one bound for all that lies there."""
        if depth not in self._left:
            self._left[depth] = [_unpack.allowance(self.size)]
        return self._left[depth]

    def unusable(self, origin: str, problem: FeedError, raw: bytes, size: int) -> Record:
        known = "" if self.format == "auto" else self.format
        return Record(raw[:MAX_KEPT], _short(origin), known, self.at, problem, size)

    def unusable_file(self, reason: str, name: str | None = None) -> Record:
        """Return the whole file as one unusable record: what it packs cannot be told apart."""
        try:
            with self.path.open("rb") as disk:
                kept = disk.read(MAX_KEPT)
            size = self.path.stat().st_size
        except OSError:
            kept, size = b"", 0
        return self.unusable(name or self.name, FeedError(reason), kept, size)

    def records(self) -> Iterator[Record]:
        with closing(_unpack.Counted(self.path, self.progress)) as disk:
            stream: Stream = BufferedReader(disk, _unpack.buffer_size(self.size))
            head = stream.peek(_PEEK)[:_PEEK]
            if head.startswith(b"PAR1"):
                yield from self._parquet()
            elif head.startswith(_unpack.ZIP):
                yield from self._members(_unpack.zip_members(self.path, self.left(0)), self.name, 1)
            else:
                yield from self._unpacked(stream, self.name, self.at, 0)
            if self.progress is not None:
                self.progress(self.size - disk.counted)

    def _unpacked(self, stream: Stream, name: str, at: datetime | None, depth: int) -> Iterator[Record]:
        """Read a file that may be compressed, or an archive; ``depth`` is the number of archives around it."""
        try:
            opened = _unpack.expand(stream, self.left(depth))
            packed = _unpack.is_tar(opened) or opened.peek(4).startswith(_unpack.ZIP)
            if packed and depth > 1:
                raise FeedError("an archive in an archive in an archive is not opened")
            if packed and _unpack.is_tar(opened):
                yield from self._members(_unpack.tar_members(opened), name, depth + 1)
            elif packed:
                with _unpack.laid_down(opened) as lying:
                    yield from self._members(_unpack.zip_members(lying, self.left(depth)), name, depth + 1)
            else:
                yield from self._plain(opened, name, at)
        except _unpack.ArchiveBombError as error:
            if depth:
                raise
            yield self.unusable_file(error.reason)
        except _unpack.DAMAGED as error:
            yield self.unusable_file(f"damaged archive or compressed file: {error or type(error).__name__}", name)
        except FeedError as error:
            yield self.unusable_file(error.reason, name)

    def _members(self, members: Iterator[_unpack.Member], name: str, depth: int) -> Iterator[Record]:
        try:
            for member, at, content in members:
                origin, at = f"{name}!{member}", at or self.at
                if isinstance(content, bytes):
                    if self._is_message(content, origin):
                        yield self._message(content, origin, at)
                        continue
                    content = BufferedReader(cast(RawIOBase, BytesIO(content)), _unpack.buffer_size(len(content)))
                content.peek(1)  # where the archive is cut off, nothing behind it can be read either: told once, below
                yield from self._unpacked(content, origin, at, depth)
        except _unpack.ArchiveBombError as error:
            if depth > 1:
                raise
            yield self.unusable_file(error.reason)
        except _unpack.DAMAGED as error:
            yield self.unusable_file(f"damaged archive: {error or type(error).__name__}", name)
        except FeedError as error:
            yield self.unusable_file(error.reason, name)

    def _is_message(self, content: bytes, name: str) -> bool:
        """Say whether a file is one message and nothing packed, as :meth:`_unpacked` and :meth:`_plain` would find."""
        head = content[:_PEEK]
        return not (
            self.mapping is not None
            or _unpack.is_packed(content)
            or self._in_lines(head, name)
            or (self.format in ("auto", LINES) and _json_array.begins(head))
        )

    def _plain(self, stream: Stream, name: str, at: datetime | None) -> Iterator[Record]:
        """Read a file of lines, an array, or one message."""
        head = stream.peek(_PEEK)[:_PEEK]
        if not head:
            yield self.unusable(name, FeedError("empty file"), b"", 0)
        elif self.mapping is not None:
            yield from self._mapped(stream, name, at, self.mapping)
        elif self._in_lines(head, name):
            yield from self._lines(stream, name, at)
        elif self.format in ("auto", LINES) and _json_array.begins(head):
            yield from self._array(stream, name, at)
        else:
            yield self._whole(stream, name, at)

    def _in_lines(self, head: bytes, name: str) -> bool:
        """Say whether a file is one of lines: by its ending, else if a JSON object begins and is not indented."""
        if name.lower().removesuffix(".gz").endswith(_LINE_SUFFIXES) and self.format in ("auto", LINES):
            return True
        if self.format != "auto":
            return self.format == LINES and not _begins_indented(head)
        return feeds.codec(LINES).sniff(head) and not _begins_indented(head)

    def _lines(self, stream: Stream, name: str, at: datetime | None) -> Iterator[Record]:
        number = 0
        while line := stream.readline(MAX_RECORD_BYTES + 1):
            number += 1
            if len(line) > MAX_RECORD_BYTES and not line.endswith(b"\n"):
                kept, size = line[:MAX_KEPT], len(line)
                while line and not line.endswith(b"\n"):
                    line = stream.readline(MAX_RECORD_BYTES)
                    size += len(line)
                problem = FeedError(f"a line longer than {MAX_RECORD_BYTES:,} bytes", f"line {number}")
                yield self.unusable(f"{name}#{number}", problem, kept, size)
            elif content := line.strip().removeprefix(b"\xef\xbb\xbf"):
                yield Record(content, _short(f"{name}#{number}"), LINES, at)

    def _array(self, stream: Stream, name: str, at: datetime | None) -> Iterator[Record]:
        number = 0
        try:
            for content in _json_array.elements(stream):
                number += 1
                yield Record(content, _short(f"{name}#{number}"), LINES, at)
        except _unpack.DAMAGED:
            raise
        except _unpack.ArchiveBombError:
            raise
        except FeedError as error:
            known = f"; the {number:,} declarations before it were read" if number else ""
            with self.path.open("rb") as disk:
                kept = disk.read(MAX_KEPT)
            problem = FeedError(f"a JSON array with a mistake: {error.reason}{known}", error.path)
            yield self.unusable(name, problem, kept, self.path.stat().st_size)

    def _mapped(self, stream: Stream, name: str, at: datetime | None, mapping: Mapping) -> Iterator[Record]:
        from schemas.mapping import chunks

        for chunk in chunks(stream, mapping):
            yield Record(chunk.raw, _short(f"{name}#{chunk.row}"), mapping.name, at, chunk.problem, None, mapping.yaml)

    def _whole(self, stream: Stream, name: str, at: datetime | None) -> Record:
        raw = stream.read(_PEEK)  # a buffer of the largest size for every small message costs more than the reading
        if len(raw) == _PEEK:
            raw += stream.read(MAX_RECORD_BYTES + 1 - _PEEK)
        if len(raw) > MAX_RECORD_BYTES:
            problem = FeedError(f"a message larger than {MAX_RECORD_BYTES:,} bytes")
            return self.unusable(name, problem, raw, len(raw))
        return self._message(raw, name, at)

    def _message(self, raw: bytes, name: str, at: datetime | None) -> Record:
        try:
            codec = feeds.detect(raw) if self.format == "auto" else feeds.codec(self.format)
        except FeedError as error:
            return Record(raw, _short(name), "", at, error)
        return Record(_one_line(raw) if codec.name == LINES else raw, _short(name), codec.name, at)

    def _parquet(self) -> Iterator[Record]:
        """Read a Parquet file: JSON in a column ``declaration`` or ``value``, or the contract's own fields."""
        import pyarrow
        import pyarrow.parquet

        try:
            with pyarrow.parquet.ParquetFile(self.path) as table:
                names = set(table.schema_arrow.names)
                column = next((c for c in ("declaration", "value") if c in names), None)
                if column is None and not {"declaration_id", "items"} <= names:
                    raise FeedError(
                        "a Parquet file needs a column 'declaration' or 'value' with JSON, or the contract's fields"
                    )
                number = 0
                for batch in table.iter_batches(batch_size=500, columns=[column] if column else None):
                    for row in batch.to_pylist():
                        number += 1
                        content = row[column] if column else row
                        yield Record(_as_json(content), _short(f"{self.name}#{number}"), LINES, self.at)
        except (pyarrow.ArrowException, FeedError) as error:
            yield self.unusable_file(error.reason if isinstance(error, FeedError) else f"damaged Parquet file: {error}")


def _as_json(content: Any) -> bytes:
    if isinstance(content, bytes):
        return content
    return content.encode() if isinstance(content, str) else pydantic_core.to_json(content)


def _begins_indented(head: bytes) -> bool:
    """Say whether a JSON object begins on the first line and ends on a later one."""
    first, newline, _ = head.lstrip(b"\xef\xbb\xbf \t\r\n").partition(b"\n")
    return bool(newline) and first.startswith(b"{") and first.rstrip().endswith((b",", b"{", b"["))


def _one_line(raw: bytes) -> bytes:
    """Return indented JSON on one line; what is not JSON stays as it is, for the worker's dead letters."""
    try:
        return pydantic_core.to_json(pydantic_core.from_json(raw.removeprefix(b"\xef\xbb\xbf"), allow_inf_nan=False))
    except ValueError:
        return raw.strip()


def _short(origin: str) -> str:
    return origin if len(origin) <= _MAX_ORIGIN else "..." + origin[3 - _MAX_ORIGIN :]
