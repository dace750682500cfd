"""Bytes to declarations, two ways with one contract.

:func:`declaration` gives a :class:`~schemas.declaration.Declaration` model. :func:`row` gives the same content as plain
nested dicts at about half the cost: its validator is not written a second time but derived from the model's own
core schema, by replacing each model with a typed dict of the same fields. ``tests/contracts/test_decode.py`` shows by
property test that both accept and reject the same records.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any, cast

from pydantic import ValidationError
from pydantic_core import CoreConfig, CoreSchema, SchemaValidator, core_schema

from schemas.declaration import Declaration
from schemas.errors import ContractError

Row = dict[str, Any]

#: Deeper or longer than any honest record: refused before parsing.
MAX_RECORD_BYTES = 32 * 1024 * 1024
#: A clock may run ahead of ours; a day and a half also covers every time zone sent as if it were UTC.
FUTURE_ALLOWANCE = timedelta(hours=36)


def _as_rows(schema: Any) -> Any:
    """Replace every model in a core schema with a typed dict of its fields, by field alias."""
    if isinstance(schema, list):
        return [_as_rows(part) for part in schema]
    if not isinstance(schema, dict):
        return schema
    if schema.get("type") == "model":
        inner_row = _as_rows(schema["schema"])
        return inner_row | {"ref": schema["ref"]} if "ref" in schema else inner_row
    if schema.get("type") == "model-fields":
        fields = {}
        for name, field in schema["fields"].items():
            inner = _as_rows(field["schema"])
            key = field.get("validation_alias", name)
            fields[key] = core_schema.typed_dict_field(
                inner, required=cast(dict[str, Any], inner).get("type") != "default"
            )
        return core_schema.typed_dict_schema(
            fields, extra_behavior="allow", strict=True, config=CoreConfig(strict=True)
        )
    kept = {}
    for key, part in schema.items():
        kept[key] = part if key in ("expected", "metadata", "serialization") else _as_rows(part)
    return kept


def _validator() -> SchemaValidator:
    schema = cast(CoreSchema, _as_rows(Declaration.__pydantic_core_schema__))
    return SchemaValidator(schema, CoreConfig(strict=True))


_ROWS = _validator()


def _pointer(loc: tuple[int | str, ...]) -> str:
    return "".join("/" + str(part).replace("~", "~0").replace("/", "~1") for part in loc)


def _located(error: ValidationError) -> ContractError:
    """Turn pydantic's report into one located sentence; further mistakes are counted."""
    problems = error.errors(include_url=False, include_context=False)
    first = problems[0]
    shown = repr(first.get("input"))
    shown = shown if len(shown) <= 80 else shown[:77] + "..."
    more = f" (and {len(problems) - 1} more)" if len(problems) > 1 else ""
    if first["type"] == "literal_error" and len(first["msg"]) > 200:
        return ContractError(
            f"not a code of the ISO list that this field takes, got {shown}{more}", _pointer(first["loc"])
        )
    reason = first["msg"] if first["type"] in ("missing", "json_invalid") else f"{first['msg']}, got {shown}"
    return ContractError(reason + more, _pointer(first["loc"]))


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
        raise _located(error) from None
    _check_time(found.lodged_at, latest)
    return found


def row(raw: bytes, latest: datetime | None = None) -> Row:
    """Decode and validate one JSON declaration into nested dicts (same contract, same errors as :func:`declaration`).

    Fields that the contract does not know are still present; :func:`unknown_fields` names them.
    """
    _check_size(raw)
    try:
        found = cast(Row, _ROWS.validate_json(raw))
    except ValidationError as error:
        raise _located(error) from None
    _check_time(found["lodged_at"], latest)
    return found


def as_row(found: Declaration) -> Row:
    """Return a model as the row that :func:`row` would have given for its JSON."""
    return found.model_dump(by_alias=True)


_KNOWN: dict[str, frozenset[str]] = {
    "": frozenset(f.alias or n for n, f in Declaration.model_fields.items()),
    "items": frozenset(Declaration.model_fields["items"].annotation.__args__[0].model_fields),  # type: ignore[union-attr]
}


def unknown_fields(found: Row) -> list[str]:
    """Name the fields of a row and of its items that the contract does not know (they take no part in detection)."""
    names = [f"/{name}" for name in found if name not in _KNOWN[""]]
    known = _KNOWN["items"]
    for index, item in enumerate(found["items"]):
        if len(item) != len(known):
            names += [f"/items/{index}/{name}" for name in item if name not in known]
    return names
