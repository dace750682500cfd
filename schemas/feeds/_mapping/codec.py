"""The codec of a mapping: bytes of a table or JSON document to what they say of declarations."""

from __future__ import annotations

import io
from collections.abc import Iterator
from functools import lru_cache
from typing import Any, Final

from pydantic import ValidationError
from pydantic_core import to_json

from schemas.declaration import Declaration, Source
from schemas.decode import MAX_RECORD_BYTES
from schemas.errors import FeedError
from schemas.feeds import Arrival, PartError, all_of
from schemas.feeds._fields import contract_mistake
from schemas.feeds._mapping import entries, model, paths
from schemas.feeds._mapping.checks import WHOLE_EVENTS
from schemas.feeds._mapping.entries import Bound, Group, Key, ReadKey
from schemas.feeds._mapping.reading import Locate, Read
from schemas.feeds._mapping.shape import Leaf, Row, Shape, Spot, bind, filled, shape_of
from schemas.message import Message, Named

#: Headers that come in one feed are few; each binding holds what its columns remember.
_MAX_HEADERS: Final = 8


class MappedCodec:
    """A codec (see :class:`schemas.feeds.Codec`) that reads what a mapping file describes.

    ``decode`` takes a whole file of up to 32 MiB, or one of the pieces of ``schemas.mapping.chunks``.
    """

    def __init__(self, file: model.File) -> None:
        self.file = file
        self._shape = shape_of(file)
        self._labels = {leaf.target: leaf.label for leaf in self._shape.every_leaf() if leaf.label}
        self._bound: dict[tuple[str, ...] | None, Bound] = {}

    @property
    def name(self) -> str:
        """The mapping's name."""
        return self.file.name

    @property
    def system(self) -> str:
        """The source system that the mapping names."""
        return self.file.system

    def sniff(self, raw: bytes) -> bool:
        """Say whether a table has the columns of the mapping, or a JSON document begins; never raises."""
        text, _, _ = entries.decoded(raw[:65_536], self.file.encoding)
        if self.file.format != "csv":
            return text.lstrip()[:1] in ("{", "[")
        try:
            self.bound(entries.header_of(entries.Table(io.StringIO(text, newline=""), self.file.csv), self.file.csv)[0])
        except FeedError:
            return False
        return bool(text)

    def decode(self, raw: bytes, arrival: Arrival) -> list[Message]:
        """Decode everything; see :class:`schemas.feeds.Codec`. The first declaration that is wrong is raised."""
        return all_of(self.decode_parts(raw, arrival))

    def decode_parts(self, raw: bytes, arrival: Arrival) -> Iterator[Message | FeedError]:
        """Yield what is said of each declaration, or why it cannot be used; the others are unharmed.

        Raises
        ------
        FeedError : nothing can be read: too large, not JSON, a column of the mapping is not there.
        """
        if len(raw) > MAX_RECORD_BYTES:
            raise FeedError(f"{len(raw):,} bytes at once are more than {MAX_RECORD_BYTES:,}; cut the feed into pieces")
        text, encoding, right = entries.decoded(raw, self.file.encoding)
        if self.file.format == "csv":
            table = entries.Table(io.StringIO(text, newline=""), self.file.csv)
            header, head = entries.header_of(table, self.file.csv)
            bound = self.bound(header, table.number)
            found = entries.table_entries(table, bound, None if right else encoding)
        else:
            if not right:
                raise FeedError(f"bytes that are not {encoding}; see encoding in the mapping")
            bound, head = self.bound(None), ""
            lines = io.StringIO(text, newline="\n")
            whole = self.file.format == "json"
            read = entries.document_entries if whole else entries.line_entries
            found = read(self.file, text if whole else lines, bound.read_key)  # type: ignore[arg-type]
        none = True
        for group in entries.groups(found, bound.read_key is not None):
            none = False
            try:
                yield self._message(group, bound.shape, arrival)
            except FeedError as error:
                yield PartError(error.reason, error.path, self._piece(group, head, encoding))
        if none:
            raise FeedError("no row below the header" if head else f"no record at {self.file.records}")

    def bound(self, header: list[str] | None, row: int = 1) -> Bound:
        """Return the fields bound to the columns of a header.

        Raises
        ------
        FeedError : a column is not there.
        """
        known = self._bound.get(None if header is None else tuple(header))
        if known is None:
            known = self._bind_table(header, row) if self.file.format == "csv" else self._bind_json()
            if len(self._bound) >= _MAX_HEADERS:
                self._bound.clear()
            self._bound[None if header is None else tuple(header)] = known
        return known

    def _bind_table(self, header: list[str] | None, row: int) -> Bound:
        last = len(header) if header is not None else 0

        def cell(leaf: Leaf | None) -> Locate:
            def locate(column: model.Column) -> Read:
                nonlocal last
                try:
                    index = entries.index_of(column, header, row)
                except FeedError:
                    if leaf is not None and leaf.source.optional:
                        return lambda element, record: None
                    raise
                last = max(last, index + 1)
                return lambda element, record: element[index]

            return locate

        shape = bind(self._shape, cell)
        keys = [cell(None)(column) for column in self.file.group_by]
        return Bound(shape, _key_reader(keys), last, header is not None)

    def _bind_json(self) -> Bound:
        def path(leaf: Leaf) -> Locate:
            def locate(column: model.Column) -> Read:
                found = paths.parse(str(column))
                return _every(found) if found.many else paths.first(found)

            return locate

        keys = [paths.first(paths.parse(str(column))) for column in self.file.group_by]
        return Bound(bind(self._shape, path), _key_reader(keys))

    def _piece(self, group: Group, head: str, encoding: str) -> bytes | None:
        """Return the declaration by itself, as the same mapping would read it; None if that is not all of it."""
        if group.cut:
            return None
        if self.file.format != "json":
            raws = [entry.raw for entry in group.entries]
            # Several records of one line of JSON share its text.
            rows = "".join(raw for raw, before in zip(raws, [None, *raws], strict=False) if raw is not before)
            return (head + rows).encode(encoding, entries.errors_of(encoding))
        around = wrapping(self.file.records)
        if around is None:
            return None
        inside = b",".join(to_json(entry.content) for entry in group.entries)
        return around[0] + inside + around[1]

    def _message(self, group: Group, shape: Shape, arrival: Arrival) -> Message:
        if group.problem is not None:
            raise group.problem
        spots = [Spot(entry.content, paths.Record(entry.content), entry.place) for entry in group.entries]
        item_spots: list[Spot] = []
        row = filled(shape, spots, item_spots) or {}
        system = arrival.system or self.file.system
        place = spots[0].place
        _identify(row, system)
        event = row.setdefault("event", "lodged")
        said_at = row.pop("at", None) or row.get("lodged_at")
        reason, reference = row.pop("reason", None), row.pop("reference", None)
        source = {
            "system": system,
            "format": self.file.name,
            "received_at": arrival.received_at,
            "origin": arrival.origin,
        }
        try:
            if event not in WHOLE_EVENTS:
                return _notice(row, Source.model_validate(source), place, said_at, reason, reference)
            said = {"at": said_at, "reason": reason}
            message = self._whole(row, source, arrival, place, reference)
            return message.model_copy(update={key: value for key, value in said.items() if value is not None})
        except ValidationError as error:
            problems = error.errors(include_url=False, include_context=False)
            raise contract_mistake(problems, self._place(problems[0]["loc"], place, item_spots)) from None

    def _whole(self, row: Row, source: Row, arrival: Arrival, place: str, reference: str | None) -> Message:
        """Return a lodgement or an amendment that restates."""
        version = row.get("version")
        if version is None and row["event"] == "lodged":
            version = 1
        if "declaration_id" not in row:
            parts = {"declarant.id": _declarant(row), "local_reference": row.get("local_reference")}
            missing = [name for name, part in parts.items() if part is None]
            raise FeedError(f"no identity: {' and '.join(missing)} is empty", self._at(place, *missing))
        lodged_at = row.get("lodged_at") or arrival.received_at
        if lodged_at is None:
            raise FeedError("no lodged_at, and the time of arrival is not known", self._at(place, "lodged_at"))
        if "regime" not in row:
            raise FeedError("no regime: export, import, transit, ...", self._at(place, "regime"))
        if not row.get("items"):
            raise FeedError("no goods item: every column of items[] is empty", place)
        for number, item in enumerate(row["items"], 1):
            item.setdefault("number", number)
        stated = row | {"lodged_at": lodged_at, "source": source, "version": version or 1}
        return Message.of(Declaration.model_validate(stated), version=version, reference=reference)

    def _at(self, place: str, *names: str) -> str:
        labels = [self._labels[name] for name in names if name in self._labels]
        return ", ".join([place, *labels])

    def _place(self, loc: tuple[int | str, ...], place: str, item_spots: list[Spot]) -> str:
        """Return row and column of what the contract calls ``loc``."""
        name = "".join("[]" if isinstance(part, int) else f".{part}" for part in loc).lstrip(".")
        spot = None
        if loc[0] == "items" and len(loc) > 1 and isinstance(loc[1], int) and loc[1] < len(item_spots):
            spot = item_spots[loc[1]]
        here, inside = (spot.place, spot.inside) if spot is not None else (place, "")
        found = self._labels.get(name)
        return f"{here}, {inside}{found}" if found else here


def _notice(row: Row, source: Source, place: str, at: Any, reason: str | None, reference: str | None) -> Message:
    """Return a step in a declaration's life, or its cancellation."""
    named = Named(
        declaration_id=row.get("declaration_id"),
        declarant=_declarant(row),
        local_reference=row.get("local_reference"),
        mrn=row.get("mrn"),
        ucr=row.get("ucr"),
    )
    if not any((named.declaration_id, named.local_reference, named.mrn, named.ucr)):
        raise FeedError(f"{row['event']}, but of which declaration? No reference, MRN or UCR stands here", place)
    version = row.get("version")
    return Message(
        event=row["event"], named=named, source=source, at=at, version=version, reason=reason, reference=reference
    )


def _declarant(row: Row) -> str | None:
    identity: str | None = row.get("declarant", {}).get("id")
    return identity


def _identify(row: Row, system: str) -> None:
    """Write ``declaration_id``: ``{system}:{declarant}:{local_reference}``, or the feed's own behind the system's name."""
    own, declarant, reference = row.get("declaration_id"), _declarant(row), row.get("local_reference")
    if own is not None:
        row["declaration_id"] = own if own.startswith(f"{system}:") else f"{system}:{own}"
    elif declarant is not None and reference is not None:
        row["declaration_id"] = f"{system}:{declarant.upper()}:{reference}"


def _every(path: paths.Path) -> Read:
    def read(element: Any, record: paths.Record) -> Any:
        found: list[Any] = []
        for member in record.found(path) if path.from_record else paths.every(path.steps, element):
            found += member if type(member) is list else [member]
        record.take(len(found))
        return found or None

    return read


def _key_reader(keys: list[Read]) -> ReadKey | None:
    if not keys:
        return None

    def key(content: Any) -> Key:
        record = paths.Record(content)
        return tuple("" if (found := read(content, record)) is None else _key_text(found) for read in keys)

    return key


def _key_text(found: Any) -> str:
    if type(found) in (dict, list):
        raise ValueError("group_by leads to a list or an object")
    return str(found)[:255].strip()


def wrapping(records: str) -> tuple[bytes, bytes] | None:
    """Return what stands before and behind the records of a document; None where more than names leads to them."""
    steps = list(paths.parse(records).steps)
    if steps and steps[-1][0] == "every":
        steps.pop()
    if any(kind != "name" for kind, _ in steps):
        return None
    before = b"".join(b"{" + to_json(what) + b":" for _, what in steps)
    return before + b"[", b"]" + b"}" * len(steps)


@lru_cache(maxsize=64)
def mapped(mapping_yaml: bytes) -> MappedCodec:
    """Return the codec of a mapping, the same one for the same text; MappingError if it is wrong."""
    return MappedCodec(model.read(mapping_yaml, None)[0])
