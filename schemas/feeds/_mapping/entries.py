"""The rows of a table and the records of a JSON document, one by one, gathered into declarations."""

from __future__ import annotations

import codecs
import csv
import unicodedata
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final, Literal

from pydantic_core import from_json
from rapidfuzz import process

from schemas.declaration import MAX_ITEMS
from schemas.errors import FeedError
from schemas.feeds._mapping import paths

if TYPE_CHECKING:
    from schemas.feeds._mapping.model import Column, Csv, File
    from schemas.feeds._mapping.shape import Shape

Key = tuple[str, ...]
ReadKey = Callable[[Any], Key]

_BOMS: Final = ((codecs.BOM_UTF8, "utf-8-sig"), (codecs.BOM_UTF16_LE, "utf-16"), (codecs.BOM_UTF16_BE, "utf-16"))
#: Values in one JSON document: three million of the smallest take some 250 MB.
_MAX_VALUES: Final = 3_000_000


@dataclass(frozen=True, slots=True)
class Bound:
    """A mapping's fields bound to the columns of one header, or to JSON.

    Attributes
    ----------
    width : cells that a row is filled up to; ``exact``: the header has no more, so neither may a row.
    """

    shape: Shape
    read_key: ReadKey | None
    width: int = 0
    exact: bool = False


@dataclass(slots=True)
class Entry:
    """A row or record; ``raw`` is its text in a feed of lines. ``key`` None: nobody can tell which declaration it is of."""

    place: str
    content: Any
    key: Key | None
    problem: FeedError | None = None
    raw: str = ""


@dataclass(slots=True)
class Group:
    """The rows of one declaration; ``cut``: not all of them, they are too many."""

    key: Key | None
    entries: list[Entry] = field(default_factory=list)
    problem: FeedError | None = None
    cut: bool = False


def encoding_of(head: bytes, declared: str) -> str:
    """Return how to decode a text: as its byte order mark says, else as declared."""
    return next((name for bom, name in _BOMS if head.startswith(bom)), declared)


def errors_of(encoding: str) -> str:
    """Return how to get past wrong bytes, so that they can be told of with their row: kept, or marked as U+FFFD."""
    wide = codecs.lookup(encoding).name.startswith(("utf-16", "utf-32"))
    return "replace" if wide else "surrogateescape"


def decoded(raw: bytes, declared: str) -> tuple[str, str, bool]:
    """Return the text, its encoding, and whether every byte of it was right."""
    encoding = encoding_of(raw[:4], declared)
    try:
        return raw.decode(encoding).removeprefix("\ufeff"), encoding, True
    except UnicodeError:
        return raw.decode(encoding, errors_of(encoding)).removeprefix("\ufeff"), encoding, False


def is_damaged(text: str, encoding: str) -> bool:
    """Say whether bytes of this text could not be decoded (see :func:`errors_of`)."""
    if "\ufffd" in text and errors_of(encoding) == "replace":
        return True
    return not text.isascii() and any("\ud800" <= char <= "\udfff" for char in text)


class Table:
    """Rows of a CSV text, with the text of each; a row is what the format calls one, line ends in quotes included.

    Attributes
    ----------
    number : of the last row, from 1, blank ones counted.
    taken : the lines that it took, ends kept.
    """

    def __init__(self, lines: Iterable[str], options: Csv) -> None:
        self.number = 0
        self.taken: list[str] = []
        quoting: Literal[0, 3] = csv.QUOTE_MINIMAL if options.quote else csv.QUOTE_NONE
        self._rows = csv.reader(
            self._counted(lines), delimiter=options.delimiter, quotechar=options.quote or None, quoting=quoting
        )

    def _counted(self, lines: Iterable[str]) -> Iterator[str]:
        for line in lines:
            self.taken.append(line)
            yield line

    def next(self) -> list[str] | FeedError | None:
        """Return the next row, blank ones included; an error for one that is none; None at the end."""
        self.taken.clear()
        try:
            row = next(self._rows, None)
        except csv.Error as error:
            self.number += 1
            hint = "; a quote that is never closed?" if "limit" in str(error) else ""
            return FeedError(f"not a row of a table: {error}{hint}", f"row {self.number}")
        self.number += row is not None
        return row


def header_of(table: Table, options: Csv) -> tuple[list[str] | None, str]:
    """Read up to the header row; return its names (None if the table has none) and the text up to there.

    Raises
    ------
    FeedError : the text ends before it.
    """
    head = ""
    row: list[str] | FeedError | None = None
    for _ in range(options.header):
        row = table.next()
        head += "".join(table.taken)
        if isinstance(row, FeedError):
            raise row
        if row is None:
            raise FeedError(f"ends before the header in row {options.header}", f"row {table.number}")
    return ([_folded(cell) for cell in row] if isinstance(row, list) else None), head


def _folded(name: str) -> str:
    return " ".join(unicodedata.normalize("NFKC", name.removeprefix("\ufeff")).casefold().split())


def index_of(column: Column, header: list[str] | None, row: int) -> int:
    """Return where a column stands, from 0. Names are compared without regard to case, width and blanks.

    Raises
    ------
    FeedError : the header has it not, or twice.
    """
    if isinstance(column, int):
        if header is not None and column > len(header):
            raise FeedError(f"no column {column}: the header has {len(header)}", f"row {row}")
        return column - 1
    wanted = _folded(column)
    count = header.count(wanted) if header is not None else 0
    if header is None or count != 1:
        if count:
            raise FeedError(f"{count} columns are called {column!r}; map one by its number", f"row {row}")
        near = process.extractOne(wanted, header or [], score_cutoff=65)
        hint = f"; did you mean {near[0]!r}?" if near else ""
        raise FeedError(f"no column is called {column!r}{hint}", f"row {row}")
    return header.index(wanted)


def table_entries(table: Table, bound: Bound, damaged: str | None) -> Iterator[Entry]:
    """Yield the rows below the header; blank ones are none, shorter ones are filled up with nothing.

    ``damaged`` : the encoding, if some bytes of the text could not be decoded, so that each row must be looked at.
    """
    width, read_key = bound.width, bound.read_key
    while (row := table.next()) is not None:
        place = f"row {table.number}"
        raw = "".join(table.taken)
        if isinstance(row, FeedError):
            yield Entry(place, [], None, row, raw)
            continue
        cells = len(row)
        if not any(row) or not any(cell.strip() for cell in row):
            continue
        problem = None
        if cells < width:
            row += [""] * (width - cells)
        elif cells > width and bound.exact and any(cell.strip() for cell in row[width:]):
            said = f"{cells} cells where the header has {width}; a quote or a delimiter too many"
            problem = FeedError(said, place)
        if damaged is not None and is_damaged(raw, damaged):
            problem = FeedError(f"bytes that are not {damaged}; see encoding in the mapping", place)
        key = None
        if read_key is not None:
            key = read_key(row)
            if not all(key):
                key = None
                problem = problem or FeedError("the columns of group_by are empty: which declaration is it?", place)
        yield Entry(place, row, key, problem, raw)


def parsed(raw: str, place: str) -> Any:
    """Read JSON; FeedError says where it is none."""
    if len(raw) > _MAX_VALUES and raw.count(",") + raw.count("[") + raw.count("{") > _MAX_VALUES:
        raise FeedError(f"more than {_MAX_VALUES:,} values in one document", place)
    try:
        return from_json(raw, allow_inf_nan=False, cache_strings="keys")
    except ValueError as error:
        raise FeedError(f"not JSON: {error}", place) from None


def document_entries(file: File, text: str, read_key: ReadKey | None) -> Iterator[Entry]:
    """Yield the records of a JSON document."""
    for count, content in enumerate(_records(parsed(text, ""), paths.parse(file.records).steps), 1):
        yield _record(content, f"record {count}", read_key, "")


def line_entries(file: File, lines: Iterable[str], read_key: ReadKey | None, first: int = 1) -> Iterator[Entry]:
    """Yield the records of lines of JSON."""
    steps = paths.parse(file.records).steps
    for number, line in enumerate(lines, first):
        if not line.strip():
            continue
        place = f"line {number}"
        try:
            found = parsed(line, place)
        except FeedError as error:
            yield Entry(place, None, None, error, line)
            continue
        for content in _records(found, steps):
            yield _record(content, place, read_key, line)


def _records(document: Any, steps: tuple[paths.Step, ...]) -> Iterator[Any]:
    """Yield what stands there, one record or a list of them: feeds made from XML leave the list out around one."""
    if steps and steps[-1][0] == "every":
        steps = steps[:-1]
    for found in paths.every(steps, document):
        yield from found if type(found) is list else [found]


def _record(content: Any, place: str, read_key: ReadKey | None, raw: str) -> Entry:
    if type(content) is not dict:
        return Entry(place, content, None, FeedError("not an object: each record is one", place), raw)
    if read_key is None:
        return Entry(place, content, None, None, raw)
    try:
        key = read_key(content)
    except ValueError as error:
        return Entry(place, content, None, FeedError(str(error), place), raw)
    if not all(key):
        said = "what group_by names is empty: which declaration is it?"
        return Entry(place, content, None, FeedError(said, place), raw)
    return Entry(place, content, key, None, raw)


def groups(entries: Iterable[Entry], grouped: bool) -> Iterator[Group]:
    """Gather neighbouring rows with one key into declarations; without ``group_by`` each row is one.

    A row that is none (a quote too many, wrong bytes, no key) may belong to the declaration before it or behind it:
    neither is passed on without it. Rows that come back to a declaration after others are refused, for the part before
    has gone out by then.
    """
    if not grouped:
        for entry in entries:
            yield Group(None, [entry], entry.problem)
        return
    seen: dict[Key, str] = {}
    current: Group | None = None
    broken: FeedError | None = None
    for entry in entries:
        if current is not None and entry.key is not None and entry.key == current.key:
            current.problem = current.problem or entry.problem
            broken = None  # the row that was none is of this declaration
            if len(current.entries) > MAX_ITEMS:
                current.problem = current.problem or FeedError(f"more than {MAX_ITEMS:,} rows", entry.place)
                current.cut = True
            else:
                current.entries.append(entry)
            continue
        unsure = entry.problem is not None
        if current is not None:
            if unsure and current.problem is None:
                current.problem = _neighbour(entry)
            yield current
        current = Group(entry.key, [entry], entry.problem)
        if broken is not None and current.problem is None:
            current.problem = broken
        broken = _neighbour(entry) if unsure else None
        if entry.key is not None:
            if entry.key in seen and current.problem is None:
                said = "; ".join(entry.key)
                current.problem = FeedError(
                    f"the rows of {said[:80]!r} stand apart, the first at {seen[entry.key]}; sort the feed by group_by",
                    entry.place,
                )
            seen.setdefault(entry.key, entry.place)
    if current is not None:
        yield current


def _neighbour(entry: Entry) -> FeedError:
    reason = entry.problem.reason if entry.problem is not None else ""
    return FeedError(f"the row beside this declaration may belong to it, and cannot be used: {reason}", entry.place)
