"""A feed of any length, cut into pieces that decode by themselves, in bounded memory."""

from __future__ import annotations

import io
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import chain
from typing import TYPE_CHECKING, BinaryIO, Final

from schemas.decode import MAX_RECORD_BYTES
from schemas.errors import FeedError
from schemas.feeds._mapping import entries, paths
from schemas.feeds._mapping.codec import MappedCodec, wrapping
from schemas.feeds._mapping.json_pieces import Elements

if TYPE_CHECKING:
    from schemas.feeds._mapping.entries import Entry, Key
    from schemas.feeds._mapping.model import File

#: Characters of a line: a row of a customs feed has some hundreds.
_MAX_LINE: Final = 4 * 1024 * 1024
#: How many declarations are remembered, to notice rows that come back: 32 bytes for each of so many, twice.
_MAX_SEEN: Final = 500_000
_MAX_KEPT: Final = 1024 * 1024
_BLOCK: Final = 256 * 1024


@dataclass(frozen=True, slots=True)
class Chunk:
    """A piece of a feed.

    Attributes
    ----------
    raw : header and rows, lines, or a document with some of its records; the same mapping decodes it by itself. Of what
        cannot be cut, the beginning.
    row : where it begins in the whole feed: row, line or record, from 1. Errors of the codec count within the piece.
    problem : why it cannot be used, if that is known already.
    """

    raw: bytes
    row: int
    problem: FeedError | None = None


class _TooLong(Exception):
    pass


class Cutter:
    """Cuts one feed; see ``schemas.mapping.chunks``."""

    def __init__(self, stream: BinaryIO, file: File, max_bytes: int) -> None:
        first = stream.read(4)
        self.file = file
        self.codec = MappedCodec(file)
        self.max_bytes = max_bytes
        self.encoding = entries.encoding_of(first, file.encoding)
        self.errors = entries.errors_of(self.encoding)
        joined = io.BufferedReader(_Joined(first, stream), _BLOCK)
        self.text = io.TextIOWrapper(joined, self.encoding, self.errors, newline="\n" if file.format != "csv" else "")
        self.head = ""
        self._seen: tuple[set[int], set[int]] = (set(), set())

    def chunks(self) -> Iterator[Chunk]:
        """Yield the pieces."""
        try:
            if self.file.format == "csv":
                yield from self._table()
            elif self.file.format == "ndjson":
                yield from self._packed(self._json_lines(), "", "", "")
            else:
                yield from self._document()
        except FeedError as error:
            yield Chunk(self._encoded(self.head + self.text.read(_MAX_KEPT)), 1, error)

    def release(self) -> None:
        """Let go of the stream without closing it."""
        self.text.detach()

    def _encoded(self, text: str) -> bytes:
        return text.encode(self.encoding, self.errors)

    def _lines(self) -> Iterator[str]:
        while line := self.text.readline(_MAX_LINE):
            if len(line) == _MAX_LINE and line[-1] not in "\r\n":
                raise _TooLong(line[:_MAX_KEPT])
            yield line

    def _skip_line(self) -> None:
        while (line := self.text.readline(_MAX_LINE)) and line[-1] not in "\r\n":
            pass

    def _table(self) -> Iterator[Chunk]:
        table = entries.Table(self._lines(), self.file.csv)
        try:
            header, self.head = entries.header_of(table, self.file.csv)
        except _TooLong as found:
            raise FeedError(f"a line of more than {_MAX_LINE:,} characters before the header", "row 1") from found
        finally:
            self.head = self.head or "".join(table.taken)
        bound = self.codec.bound(header, table.number)
        self.head = self.head.removeprefix("\ufeff")
        number = table.number
        while True:
            table = entries.Table(self._lines(), self.file.csv)
            table.number = number
            rows = entries.table_entries(table, bound, self.encoding)
            long: list[str] = []
            yield from self._packed(_until_too_long(rows, long), self.head, "", "")
            if not long:
                return
            number = table.number + 1
            problem = FeedError(f"a line of more than {_MAX_LINE:,} characters", f"row {number}")
            yield Chunk(self._encoded(self.head + long[0]), number, problem)
            self._skip_line()

    def _json_lines(self) -> Iterator[Entry]:
        bound = self.codec.bound(None)
        number = 0
        while True:
            try:
                for line in self._lines():
                    number += 1
                    if bound.read_key is None:
                        yield entries.Entry(f"line {number}", None, None, None, line)
                        continue
                    found = list(entries.line_entries(self.file, [line], bound.read_key, number))
                    if len({entry.key for entry in found}) > 1:
                        # Several declarations in one line: it cannot be cut, nor can its ends be told from its neighbours'.
                        yield entries.Entry(f"line {number}", None, None, FeedError("several"), line)
                    elif found:
                        yield found[0]
                return
            except _TooLong as long:
                number += 1
                problem = FeedError(f"a line of more than {_MAX_LINE:,} characters", f"line {number}")
                yield entries.Entry(f"line {number}", _UNUSABLE, None, problem, str(long.args[0]))
                self._skip_line()

    def _document(self) -> Iterator[Chunk]:
        around = wrapping(self.file.records)
        if around is None:
            raw = self.text.read(MAX_RECORD_BYTES + 1)
            large = len(raw) > MAX_RECORD_BYTES
            problem = FeedError(f"larger than {MAX_RECORD_BYTES:,}; records: cannot be cut out along such a path")
            yield Chunk(self._encoded(raw[:_MAX_KEPT] if large else raw), 1, problem if large else None)
            return
        before, behind = (part.decode() for part in around)
        yield from self._packed(self._records(), before, behind, ",")

    def _records(self) -> Iterator[Entry]:
        bound = self.codec.bound(None)
        names = [str(what) for kind, what in paths.parse(self.file.records).steps if kind == "name"]
        blocks = iter(lambda: self.text.read(_BLOCK).removeprefix("\ufeff"), "")
        number = 0
        found = Elements(blocks, MAX_RECORD_BYTES // 4).of(names)
        while True:
            number += 1
            place = f"record {number}"
            try:
                text, whole = next(found)
            except StopIteration:
                return
            except FeedError as error:
                yield entries.Entry(place, _UNUSABLE, None, FeedError(error.reason, place), "")
                return
            if not whole:
                problem = FeedError(f"a record of more than {MAX_RECORD_BYTES // 4:,} characters", place)
                yield entries.Entry(place, _UNUSABLE, None, problem, text[:_MAX_KEPT])
            elif bound.read_key is None:
                yield entries.Entry(place, None, None, None, text)
            else:
                yield self._keyed(text, place)

    def _keyed(self, text: str, place: str) -> Entry:
        bound = self.codec.bound(None)
        try:
            content = entries.parsed(text, place)
            key = bound.read_key(content) if bound.read_key is not None and type(content) is dict else None
        except ValueError as error:
            return entries.Entry(place, None, None, FeedError(str(error), place), text)
        except FeedError as error:
            return entries.Entry(place, _UNUSABLE, None, error, text[:_MAX_KEPT])
        return entries.Entry(place, None, key if key and all(key) else None, None, text)

    def _packed(self, rows: Iterable[Entry], before: str, behind: str, between: str) -> Iterator[Chunk]:
        """Pack rows into pieces: never two rows of one declaration apart, nor a row that is none from its neighbours."""
        grouped = bool(self.file.group_by)
        pieces: list[str] = []
        size = 0
        begun = 1
        unit: list[str] = []
        unit_size = 0
        unit_row = 1
        problem: FeedError | None = None
        last: Key | None = None
        glued = False
        oversize = False

        def some(texts: list[str], row: int, wrong: FeedError | None = None) -> Iterator[Chunk]:
            if texts:
                yield Chunk(self._encoded(before + between.join(texts) + behind), row, wrong)

        for entry in chain(rows, [None]):
            if entry is not None and entry.content is _UNUSABLE:
                yield from some(pieces, begun)
                yield from some(unit, unit_row, problem or (_lost(entry) if grouped else None))
                pieces, unit, size, unit_size, problem, last, glued = [], [], 0, 0, None, None, grouped
                yield Chunk(self._encoded(entry.raw), int(entry.place.split()[-1]), entry.problem)
                continue
            unsure = grouped and entry is not None and (entry.key is None or entry.problem is not None)
            same = grouped and entry is not None and (glued or unsure or entry.key == last)
            if unit and not same:
                if problem is not None:
                    yield from some(pieces, begun)
                    yield from some(unit, unit_row, problem)
                    pieces, size = [], 0
                else:
                    if pieces and size + unit_size > self.max_bytes:
                        yield from some(pieces, begun)
                        pieces, size = [], 0
                    if not pieces:
                        begun = unit_row
                    pieces += unit
                    size += unit_size
                unit, unit_size, problem, oversize = [], 0, None, False
            if entry is None:
                break
            if not unit:
                unit_row = int(entry.place.split()[-1])
            if unit_size > MAX_RECORD_BYTES - 2 * len(before) - 8 * _MAX_KEPT:
                oversize = True
            if oversize and unit_size > self.max_bytes:
                # Sent on in parts, so that nothing is lost: it can never be one record.
                yield from some(pieces, begun)
                pieces, size = [], 0
                problem = FeedError("the rows of one declaration take more room than a record has", entry.place)
                yield from some(unit, unit_row, problem)
                unit, unit_size, unit_row = [], 0, int(entry.place.split()[-1])
            if (
                grouped
                and entry.key is not None
                and entry.key != last
                and problem is None
                and self._came_before(entry.key)
            ):
                said = "; ".join(entry.key)[:80]
                problem = FeedError(f"the rows of {said!r} stand apart; sort the feed by group_by", entry.place)
            unit.append(entry.raw)
            unit_size += len(entry.raw.encode(self.encoding, self.errors)) + len(between)
            glued = unsure and (entry.key is None or entry.key != last)
            last = entry.key if entry.key is not None else last
        yield from some(pieces, begun)

    def _came_before(self, key: Key) -> bool:
        """Remember a declaration; say whether its rows came before (among the last half million declarations or more)."""
        older, newer = self._seen
        known = hash(key)
        if known in older or known in newer:
            return True
        newer.add(known)
        if len(newer) >= _MAX_SEEN:
            self._seen = (newer, set())
        return False


#: Stands in an entry that can only be a dead letter of its own.
_UNUSABLE: Final = object()


def _lost(entry: Entry) -> FeedError:
    reason = entry.problem.reason if entry.problem is not None else ""
    return FeedError(f"what follows these rows may belong to them, and cannot be used: {reason}", entry.place)


def _until_too_long(rows: Iterator[Entry], long: list[str]) -> Iterator[Entry]:
    """Yield rows up to a line that is too long; its beginning goes to ``long``."""
    try:
        yield from rows
    except _TooLong as found:
        long.append(str(found.args[0]))


class _Joined(io.RawIOBase):
    """Bytes that were read already, and the stream that they come from."""

    def __init__(self, first: bytes, stream: BinaryIO) -> None:
        self._first = first
        self._stream = stream

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]
        found = self._first or self._stream.read(len(buffer))
        kept = found[: len(buffer)]
        self._first = self._first[len(buffer) :] if self._first else b""
        buffer[: len(kept)] = kept
        return len(kept)
