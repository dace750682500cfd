"""The mapping file: its keys, and every mistake in one with its line, its field and what was probably meant."""

from __future__ import annotations

import codecs
import csv
import io
from pathlib import Path
from typing import Annotated, Any, Literal
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError
from rapidfuzz import process

from schemas.errors import FeedError
from schemas.feeds._mapping import checks
from schemas.feeds._mapping.located import MAX_MAPPING_BYTES, Document, Loc, MappingError
from schemas.feeds._mapping.targets import general, targets

Column = str | int
_MAX_TABLE_ROWS = 10_000


class _Keys(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, populate_by_name=True)


class Source(_Keys):
    """Where one field comes from and how its text becomes a value: the steps run in the order of these keys.

    ``from_`` : columns (name, or number from 1) or paths; the first that holds something counts.
    ``join`` : or all of them, those that hold something, with ``with_`` between.
    ``constant`` : or always this.
    """

    from_: Annotated[list[Column], Field(alias="from", max_length=20)] = Field(default_factory=list)
    join: Annotated[list[Column], Field(max_length=20)] = Field(default_factory=list)
    with_: Annotated[str, Field(alias="with", max_length=16)] = " "
    constant: str | None = None
    optional: bool = False
    null_values: list[str] | None = None
    strip: Annotated[str, Field(min_length=1, max_length=64)] | None = None
    pattern: Annotated[str, Field(max_length=1_000)] | None = None
    split: Annotated[str, Field(min_length=1, max_length=8)] | None = None
    table: dict[str, str | None] | None = None
    #: ``countries`` or ``transport_modes``.
    known_table: Literal["countries", "transport_modes"] | None = None
    table_file: str | None = None
    unknown: Literal["keep", "null", "error"] = "keep"
    pad: Annotated[int, Field(ge=1, le=14)] | None = None
    decimal: Literal[".", ","] | None = None
    thousands: Literal["", ".", ",", " ", "'"] | None = None
    zero: Literal["null", "keep"] | None = None
    unit: Source | None = None
    currency: Source | None = None
    date: list[str] = Field(default_factory=list)
    zone: str | None = None
    default: str | None = None

    @property
    def reads(self) -> list[Column]:
        """Every column or path that it reads, those of unit and currency left out."""
        return self.from_ or self.join


class Csv(_Keys):
    """How the table is written. ``header`` is the row of the column names, 0 for none (columns by number)."""

    delimiter: Annotated[str, Field(min_length=1, max_length=1)] = ","
    quote: Annotated[str, Field(max_length=1)] = '"'
    header: Annotated[int, Field(ge=0, le=100)] = 1


class Numbers(_Keys):
    """How numbers are written: ``1.234,5`` has decimal ``,`` and thousands ``.``."""

    decimal: Literal[".", ","] = "."
    thousands: Literal["", ".", ",", " ", "'"] = ""


class File(_Keys):
    """The keys of a mapping file; ``docs/mapping.md`` is their reference."""

    name: Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9_.-]{0,63}$")]
    system: Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9_.-]{0,63}$")]
    format: Literal["csv", "json", "ndjson"]
    encoding: str = "utf-8"
    zone: str = "UTC"
    csv: Csv = Csv()
    numbers: Numbers = Numbers()
    records: str = "$"
    group_by: Annotated[list[Column], Field(max_length=8)] = Field(default_factory=list)
    lists: dict[str, str] = Field(default_factory=dict)
    null_values: list[str] = Field(default_factory=lambda: [""])
    fields: Annotated[dict[str, Source], Field(min_length=1)]


#: Keys that may be written as one value instead of a list.
_ONE_OR_MANY = ("from", "join", "date", "null_values")


def read(raw: bytes, beside: Path | None) -> tuple[File, bytes]:
    """Check a mapping; return it, and a text of it that needs no file beside it.

    Parameters
    ----------
    beside : the directory where ``table_file`` is looked for; None: there is none.

    Raises
    ------
    MappingError : with every mistake.
    """
    document = Document(raw)
    problems: list[tuple[Loc, str]] = []
    plain = _normal(document.value)
    inlined = False
    fields = plain.get("fields")
    for name, source in fields.items() if isinstance(fields, dict) else ():
        if isinstance(source, dict) and isinstance(source.get("table_file"), str):
            inlined = True
            try:
                source["table"] = _table(source.pop("table_file"), beside)
            except FeedError as error:
                problems.append((("fields", name, "table_file"), error.reason))
    try:
        file = File.model_validate(plain)
    except ValidationError as error:
        document.refuse(problems + [_said(problem) for problem in error.errors(include_url=False)])
        raise AssertionError from None  # refuse() raises: there is at least one problem
    document.refuse(problems + _checked(file))
    return file, _dumped(plain) if inlined else raw


def _dumped(plain: dict[str, Any]) -> bytes:
    """Write a mapping whose tables came from files; keys that a person may not write are told as they may."""
    for source in plain["fields"].values():
        if "known_table" in source:
            source["table"] = source.pop("known_table")
    written: str = yaml.dump(plain, Dumper=_Quoted, allow_unicode=True, sort_keys=False)
    if len(written.encode()) > MAX_MAPPING_BYTES:
        raise MappingError([f"line 1: larger than {MAX_MAPPING_BYTES:,} bytes with its tables; map long ones upstream"])
    return written.encode()


class _Quoted(yaml.SafeDumper):
    """Texts in quotes: none may come back as null or a number."""


_Quoted.add_representer(str, lambda dumper, text: dumper.represent_scalar("tag:yaml.org,2002:str", text, style='"'))


def _normal(plain: dict[str, Any]) -> dict[str, Any]:
    """Write out the short forms: ``mrn: column`` for ``mrn: {from: [column]}``."""
    plain = dict(plain)
    for key in ("null_values", "group_by"):
        if key in plain:
            plain[key] = _listed(plain[key], texts=key == "null_values")
    fields = plain.get("fields")
    if isinstance(fields, dict):
        plain["fields"] = {name: _source(stated, "from") for name, stated in fields.items()}
    return plain


def _listed(stated: Any, texts: bool) -> Any:
    members = stated if isinstance(stated, list) else [stated]
    if texts:
        return ["" if member is None else _text(member) for member in members]
    return members


def _text(stated: Any) -> Any:
    if type(stated) is bool:
        return "true" if stated else "false"
    return str(stated) if type(stated) is int else stated


def _source(stated: Any, short: str) -> Any:
    """Return the keys of a source; one value means a column (``short`` is from), or a unit or currency by itself."""
    if not isinstance(stated, dict):
        stated = {short: stated}
    source = dict(stated)
    for key in _ONE_OR_MANY:
        if key in source:
            source[key] = _listed(source[key], texts=key in ("date", "null_values"))
    for key in ("constant", "default", "strip", "split", "with", "pattern", "thousands", "decimal"):
        if type(source.get(key)) in (int, bool):
            source[key] = _text(source[key])
    if "zero" in source and source["zero"] is None:
        source["zero"] = "null"
    if "unknown" in source and source["unknown"] is None:
        source["unknown"] = "null"
    for key in ("unit", "currency"):
        if key in source:
            source[key] = _source(source[key], "constant")
    table = source.get("table")
    if isinstance(table, str):
        source["known_table"] = source.pop("table")
    elif isinstance(table, dict):
        source["table"] = {key: _text(value) for key, value in table.items()}
    return source


def _table(name: str, beside: Path | None) -> dict[str, str | None]:
    """Read a code table: CSV in UTF-8 with the header ``from,to``; an empty ``to`` is null."""
    if beside is None:
        raise FeedError("a table in a file needs the mapping to be loaded from a file; write the table out")
    path = beside / name
    if Path(name).name != name:
        raise FeedError(f"{name!r}: a table lies beside the mapping, its name has no folder")
    try:
        text = path.read_bytes()[: 4 * MAX_MAPPING_BYTES].decode("utf-8-sig")
        rows = [row for row in csv.reader(io.StringIO(text, newline="")) if row]
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise FeedError(f"cannot read {name!r}: {error.strerror if isinstance(error, OSError) else error}") from None
    if not rows or [cell.strip().lower() for cell in rows[0]] != ["from", "to"]:
        raise FeedError(f"{name!r} does not begin with the header from,to")
    wrong = next((n for n, row in enumerate(rows, 1) if len(row) != 2), None)
    if wrong is not None or len(rows) > _MAX_TABLE_ROWS:
        raise FeedError(
            f"{name!r}: row {wrong} has not two cells" if wrong else f"{name!r}: more than {_MAX_TABLE_ROWS:,} rows"
        )
    return {row[0].strip(): row[1].strip() or None for row in rows[1:]}


def _said(problem: Any) -> tuple[Loc, str]:
    """Say one of pydantic's problems for the person who wrote the file."""
    loc: Loc = tuple("table" if part == "known_table" else part for part in problem["loc"])
    kind = problem["type"]
    if kind == "missing":
        return loc, "is missing"
    if kind == "extra_forbidden":
        known = _known_keys(loc[:-1])
        return loc, f"is not a key of a mapping{suggestion(str(loc[-1]), known)}; known: {', '.join(known)}"
    shown = problem["input"]
    got = "" if isinstance(shown, dict | list) else f", got {str(shown)[:60]!r}"
    return loc, f"{problem['msg'].removeprefix('Value error, ')}{got}"


def _known_keys(loc: Loc) -> list[str]:
    model: type[BaseModel] = File
    if loc[:1] == ("csv",):
        model = Csv
    elif loc[:1] == ("numbers",):
        model = Numbers
    elif loc[:1] == ("fields",):
        model = Source
    return [field.alias or name for name, field in model.model_fields.items() if name != "known_table"]


def suggestion(name: str, known: list[str]) -> str:
    """Return ``; did you mean 'x'?`` for a name that one of the known ones resembles."""
    near = process.extractOne(name, known, score_cutoff=65)
    return f"; did you mean {near[0]!r}?" if near else ""


def _checked(file: File) -> list[tuple[Loc, str]]:
    """Return what pydantic does not see."""
    problems: list[tuple[Loc, str]] = []
    try:
        if codecs.lookup(file.encoding).name in ("utf-7", "idna", "punycode", "unicode_escape", "raw_unicode_escape"):
            raise LookupError
        "".encode(file.encoding)
    except (LookupError, ValueError, UnicodeError):
        problems.append(
            (("encoding",), f"no text encoding is called {file.encoding!r}; such as utf-8, cp1252, gb18030")
        )
    problems += _zone(("zone",), file.zone)
    if file.csv.delimiter in ("\r", "\n") or file.csv.delimiter == file.csv.quote or file.csv.quote in ("\r", "\n"):
        problems.append((("csv", "delimiter"), "delimiter and quote are two different characters of one line"))
    if file.numbers.decimal == file.numbers.thousands:
        problems.append((("numbers", "thousands"), "is the decimal mark as well"))
    known = list(targets())
    for name, source in file.fields.items():
        loc: Loc = ("fields", name)
        if general(name) not in targets():
            near = suggestion(general(name), known)
            problems.append((loc, f"the contract has no such field{near or '; docs/mapping.md lists them'}"))
            continue
        problems += checks.source(file, name, source, loc)
        problems += _zone((*loc, "zone"), source.zone)
    return problems or checks.whole(file)


def _zone(loc: Loc, name: str | None) -> list[tuple[Loc, str]]:
    try:
        if name is not None:
            ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return [(loc, f"no time zone is called {str(name)[:60]!r}; such as Europe/Paris, Asia/Jakarta, UTC")]
    return []
