"""Bytes to declarations, two ways with one contract.

:func:`declaration` gives a :class:`~schemas.declaration.Declaration` model. :func:`row` gives the same content as plain
nested dicts at about half the cost: its validator is not written a second time but derived from the model's own
core schema, by replacing each model with a typed dict of the same fields. ``tests/contracts/test_decode.py`` shows by
property test that both accept and reject the same records.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from reprlib import Repr
from types import NoneType
from typing import Any, Literal, cast, get_args, get_origin

from pydantic import ValidationError
from pydantic_core import CoreConfig, CoreSchema, SchemaValidator, core_schema, from_json

from schemas.declaration import Declaration
from schemas.errors import ContractError
from schemas.types import Contract

Row = dict[str, Any]
ExtraBehavior = Literal["allow", "forbid"]

#: Deeper or longer than any honest record: refused before parsing.
MAX_RECORD_BYTES = 32 * 1024 * 1024
#: A clock may run ahead of ours; a day and a half also covers every time zone sent as if it were UTC.
FUTURE_ALLOWANCE = timedelta(hours=36)

_SHORTLY = Repr()
_SHORTLY.maxstring = 60


def _as_rows(schema: Any, unknown: ExtraBehavior) -> Any:
    """Replace every model in a core schema with a typed dict of its fields, by field alias."""
    if isinstance(schema, list):
        return [_as_rows(part, unknown) for part in schema]
    if not isinstance(schema, dict):
        return schema
    if schema.get("type") == "model":
        inner_row = _as_rows(schema["schema"], unknown)
        return inner_row | {"ref": schema["ref"]} if "ref" in schema else inner_row
    if schema.get("type") == "model-fields":
        fields = {}
        for name, field in schema["fields"].items():
            inner = _as_rows(field["schema"], unknown)
            key = field.get("validation_alias", name)
            fields[key] = core_schema.typed_dict_field(
                inner, required=cast(dict[str, Any], inner).get("type") != "default"
            )
        return core_schema.typed_dict_schema(
            fields, extra_behavior=unknown, strict=True, config=CoreConfig(strict=True)
        )
    kept = {}
    for key, part in schema.items():
        kept[key] = part if key in ("expected", "metadata", "serialization") else _as_rows(part, unknown)
    return kept


def _validator(unknown: ExtraBehavior) -> SchemaValidator:
    schema = cast(CoreSchema, _as_rows(Declaration.__pydantic_core_schema__, unknown))
    # Values of declarations hardly repeat: a cache of all strings costs more than it saves.
    return SchemaValidator(schema, CoreConfig(strict=True, cache_strings="keys"))


#: Most records have no unknown field: refusing them costs less than to look for them afterwards.
_ROWS = _validator("forbid")
_ROWS_AND_MORE = _validator("allow")


def _pointer(loc: tuple[int | str, ...]) -> str:
    return "".join("/" + str(part).replace("~", "~0").replace("/", "~1") for part in loc)


def _found_at(raw: bytes, loc: tuple[int | str, ...]) -> str:
    """Show what stands at a place of the record, shortly. One parse, however many mistakes the record has."""
    found: Any = from_json(raw)
    for part in loc:
        found = found[part]
    shown = _SHORTLY.repr(found)
    return shown if len(shown) <= 80 else shown[:77] + "..."


def _located(error: ValidationError, raw: bytes) -> ContractError:
    """Turn pydantic's report into one located sentence; further mistakes are counted."""
    problems = error.errors(include_url=False, include_context=False, include_input=False)
    kind, loc = problems[0]["type"], problems[0]["loc"]
    reason = problems[0]["msg"].removeprefix("Value error, ")
    if kind == "literal_error" and len(reason) > 200:
        reason = "Input should be a code of the ISO list that this field takes"
    if kind not in ("missing", "json_invalid", "value_error"):
        reason += f", got {_found_at(raw, loc)}"
    if len(problems) > 1:
        reason += f" (and {len(problems) - 1} more)"
    return ContractError(reason, _pointer(loc))


def _check_size(raw: bytes) -> None:
    if len(raw) > MAX_RECORD_BYTES:
        raise ContractError(f"record of {len(raw):,} bytes is larger than {MAX_RECORD_BYTES:,}")


def _check_time(lodged_at: datetime, latest: datetime | None) -> None:
    if latest is not None and lodged_at > latest + FUTURE_ALLOWANCE:
        raise ContractError(f"lodged_at {lodged_at.isoformat()} lies in the future", "/lodged_at")


def declaration(raw: bytes, latest: datetime | None = None) -> Declaration:
    """Decode and validate one JSON declaration into a model.

    Parameters
    ----------
    raw : UTF-8 JSON.
    latest : the time the record arrived, if known; a lodgement much later than that is refused.

    Raises
    ------
    ContractError : with the path of the first mistake.
    """
    _check_size(raw)
    try:
        found = Declaration.model_validate_json(raw)
    except ValidationError as error:
        raise _located(error, raw) from None
    _check_time(found.lodged_at, latest)
    return found


def row(raw: bytes, latest: datetime | None = None, unknown: list[str] | None = None) -> Row:
    """Decode and validate one JSON declaration into nested dicts (same contract, same errors as :func:`declaration`).

    Fields that the contract does not know are still present; their pointers (:func:`unknown_fields`) are added to
    ``unknown``, if given.
    """
    _check_size(raw)
    try:
        found = cast(Row, _ROWS.validate_json(raw))
    except ValidationError:
        try:
            found = cast(Row, _ROWS_AND_MORE.validate_json(raw))
        except ValidationError as error:
            raise _located(error, raw) from None
        if unknown is not None:
            unknown += unknown_fields(found)
    _check_time(found["lodged_at"], latest)
    return found


def as_row(found: Declaration) -> Row:
    """Return a model as the row that :func:`row` would have given for its JSON."""
    return found.model_dump(by_alias=True)


class _Level:
    """The fields of one contract, and where further contracts hang below it."""

    def __init__(self, contract: type[Contract]) -> None:
        self.known = frozenset(field.alias or name for name, field in contract.model_fields.items())
        self.one: list[tuple[str, _Level]] = []
        self.many: list[tuple[str, _Level]] = []
        for name, field in contract.model_fields.items():
            wanted = field.annotation
            parts = [part for part in get_args(wanted) if part is not NoneType] or [wanted]
            if isinstance(parts[0], type) and issubclass(parts[0], Contract):
                below = self.many if get_origin(wanted) is list else self.one
                below.append((field.alias or name, _Level(parts[0])))
        self.size = len(self.known)
        self.leaf = not self.one and not self.many

    def fits(self, found: Row) -> bool:
        """Tell whether no field is unknown. A validated row has every known field, so counting is enough."""
        if len(found) != self.size:
            return False
        for key, level in self.one:
            part = found[key]
            if part is not None and not (len(part) == level.size if level.leaf else level.fits(part)):
                return False
        for key, level in self.many:
            size = level.size
            for part in found[key]:
                if len(part) != size or not (level.leaf or level.fits(part)):
                    return False
        return True

    def unknown(self, found: Row, above: tuple[int | str, ...]) -> Iterator[str]:
        """Yield the pointer of every unknown field."""
        yield from (_pointer((*above, name)) for name in found if name not in self.known)
        for key, level in self.one:
            if found[key] is not None:
                yield from level.unknown(found[key], (*above, key))
        for key, level in self.many:
            for index, part in enumerate(found[key]):
                yield from level.unknown(part, (*above, key, index))

    def kept(self, found: Row) -> Row:
        """Return a copy without the unknown fields."""
        row = {name: found[name] for name in self.known}
        for key, level in self.one:
            if row[key] is not None:
                row[key] = level.kept(row[key])
        for key, level in self.many:
            row[key] = [level.kept(part) for part in row[key]]
        return row


_DECLARATION = _Level(Declaration)


def unknown_fields(found: Row) -> list[str]:
    """Name the fields of a row, at every depth, that the contract does not know (they take no part in detection)."""
    return [] if _DECLARATION.fits(found) else list(_DECLARATION.unknown(found, ()))


def without_unknown(found: Row) -> Row:
    """Return a row as the contract has it: itself if it has no unknown field, else a copy without them.

    Nothing is known of what an unknown field holds (it may be a person's name), so none may leave in an alert.
    """
    return found if _DECLARATION.fits(found) else _DECLARATION.kept(found)
