"""What is wrong with a mapping that is well formed: each check says it of one key."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

from schemas.feeds._mapping import paths, values
from schemas.feeds._mapping.located import Loc
from schemas.feeds._mapping.targets import REQUIRED, general, objects, targets
from schemas.feeds._mapping.units import MASSES, VOLUMES

if TYPE_CHECKING:
    from schemas.feeds._mapping.model import Column, File, Source

Problems = list[tuple[Loc, str]]

#: Events whose message carries the declaration itself.
WHOLE_EVENTS = ("lodged", "amended")
_WIDEST = 10_000


def _column(file: File, column: Column, loc: Loc, many: bool = False) -> Problems:
    """Check a column of a table or a path into JSON."""
    if file.format == "csv":
        if isinstance(column, int):
            return [] if 1 <= column <= _WIDEST else [(loc, f"columns count from 1, not {column}")]
        if file.csv.header == 0:
            return [(loc, f"without a header row, columns are numbers from 1, not {column!r}")]
        return []
    try:
        path = paths.parse(str(column))
    except ValueError as error:
        return [(loc, str(error))]
    if path.many and not many:
        return [(loc, f"{column!r} leads to several places; write [0] for the first, or name the list under lists")]
    return []


def source(file: File, name: str, stated: Source, loc: Loc, inner: bool = False) -> Problems:
    """Check one source (that of a field; ``inner``: of its unit or currency)."""
    found: Problems = []
    target = targets()[general(name)]
    kind = "text" if inner else target.kind
    ways = [bool(stated.from_), bool(stated.join), stated.constant is not None]
    if sum(ways) != 1:
        found.append((loc, "says where it comes from by one of from, join or constant"))
    for column in stated.reads:
        found += _column(file, column, loc, target.many and not inner)
    for key, fits, kinds in (
        ("unit", kind in ("kg", "m3"), "masses and volumes"),
        ("currency", name.endswith(".amount") and not inner, "amounts of money"),
        ("split", target.many and not inner, "lists of values, such as routing"),
        ("date", kind in ("day", "time"), "days and times"),
        ("zone", kind == "time", "times"),
        ("pad", kind == "commodity", "commodity codes"),
        ("zero", kind in ("kg", "m3", "amount"), "masses, volumes and amounts"),
    ):
        if getattr(stated, key) and not fits:
            found.append(((*loc, key), f"is for {kinds}, not for {name}"))
    found += _dates(stated, loc)
    if stated.pattern is not None:
        try:
            values.extraction(stated.pattern)
        except ValueError as error:
            found.append(((*loc, "pattern"), str(error)))
    for key in ("constant", "default"):
        if not found and not inner and (text := getattr(stated, key)) is not None:
            found += _converts(file, name, stated, (*loc, key), text)
    if stated.unit is not None:
        found += _unit(file, name, stated.unit, kind, (*loc, "unit"))
    if stated.currency is not None:
        found += source(file, f"{name.removesuffix('amount')}currency", stated.currency, (*loc, "currency"))
    return found


def _dates(stated: Source, loc: Loc) -> Problems:
    found: Problems = []
    for form in stated.date:
        if form in values.COUNTED_DATES:
            continue
        try:
            text = datetime(2026, 11, 20, 8, 14, 5).strftime(form)
            if "%" not in form:
                raise ValueError
            datetime.strptime(text, form)
        except ValueError:
            found.append(
                ((*loc, "date"), f"{form!r} is no form of date; such as '%d/%m/%Y %H:%M', unix, unix_ms, excel")
            )
    return found


def _converts(file: File, name: str, stated: Source, loc: Loc, text: str) -> Problems:
    convert = values.of_kind(targets()[general(name)], stated, file)
    try:
        for part in text.split(stated.split) if stated.split else [text]:
            convert(part.strip())
    except ValueError as error:
        return [(loc, str(error))]
    return [] if text.strip() else [(loc, "is empty; leave the key out")]


def _unit(file: File, name: str, stated: Source, kind: str, loc: Loc) -> Problems:
    known = MASSES if kind == "kg" else VOLUMES
    if stated.constant is not None and stated.constant.strip().lower() not in known:
        return [(loc, f"{stated.constant!r} is not a unit known here: {', '.join(known)}")]
    return source(file, name, stated, loc, inner=True)


def whole(file: File) -> Problems:
    """Check what a mapping lacks as a whole."""
    found: Problems = []
    names = set(file.fields)
    for name, stated in file.fields.items():
        if stated.currency is not None:
            beside = f"{name.removesuffix('amount')}currency"
            if beside in names:
                found.append((("fields", beside), f"the currency stands with {name} already; keep one of the two"))
            names.add(beside)
    found += _members(names)
    found += _identity(file)
    for key in file.group_by:
        found += _column(file, key, ("group_by",))
    return found + (_lists(file) if file.format != "csv" else _table_only(file))


def _members(names: set[str]) -> Problems:
    """An amount without a currency can never be used: better said now."""
    found: Problems = []
    for name in sorted(names):
        above = name.rpartition(".")[0]
        for needed in REQUIRED.get(objects().get(general(above), ""), ()):
            if f"{above}.{needed}" not in names:
                found.append((("fields", name), f"needs {above}.{needed} beside it (a column or a constant)"))
    return found


def _identity(file: File) -> Problems:
    event = file.fields.get("event")
    fixed = event.constant.lower() if event is not None and event.constant is not None else None
    if event is None or fixed is None or fixed in WHOLE_EVENTS:
        found: Problems = []
        if "declaration_id" not in file.fields and not {"declarant.id", "local_reference"} <= file.fields.keys():
            found.append(
                (("fields",), "map declaration_id, or both declarant.id and local_reference: no identity without")
            )
        if "regime" not in file.fields:
            found.append((("fields",), "map regime; of one kind only: regime: {constant: export}"))
        if not any(name.startswith("items[") for name in file.fields):
            found.append((("fields",), "map at least one field of items[]: nothing is declared without"))
        return found
    if not {"declaration_id", "local_reference", "mrn", "ucr"} & file.fields.keys():
        return [(("fields",), "map one of declaration_id, local_reference, mrn, ucr: which declaration is it?")]
    return []


def _table_only(file: File) -> Problems:
    found: Problems = [(("lists", name), "lists are for JSON; in a table each row is an item") for name in file.lists]
    if file.records != "$":
        found.append((("records",), "is for JSON; in a table each row is a record"))
    return found


def list_name(name: str) -> str:
    """Return the name of a list as targets have it: ``items[].documents`` is ``items[].documents[]``."""
    return name if name.endswith("]") else f"{name}[]"


def _lists(file: File) -> Problems:
    found: Problems = []
    try:
        if not paths.parse(file.records).from_record:
            found.append((("records",), "begins with $, the document: $.data[*]"))
    except ValueError as error:
        found.append((("records",), str(error)))
    for name, text in file.lists.items():
        loc: Loc = ("lists", name)
        if list_name(name) not in objects():
            known = ", ".join(key.removesuffix("[]") for key in objects() if key.endswith("]"))
            found.append((loc, f"is no list of the contract that holds objects; those are {known}"))
        elif not any(field.startswith(f"{list_name(name)}.") for field in file.fields):
            found.append((loc, f"no field of {list_name(name)} is mapped"))
        try:
            paths.parse(text)
        except ValueError as error:
            found.append((loc, str(error)))
    return found
