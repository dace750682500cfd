"""The inline examples of a rule, run through the very code that runs live."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING, Any

import polars as pl

from detectors.batch import Batch
from detectors.columns import COLUMNS, Column
from detectors.rules import sql
from detectors.rules.located import Loc
from detectors.rules.rule import Rule
from detectors.rules.ruleset import RuleSet
from schemas import decode
from schemas.errors import AssayError, ContractError

if TYPE_CHECKING:
    from detectors.reference import Reference

#: The columns that place a row; an example need not give them.
_PLACES = {"row": pl.UInt32(), "item_index": pl.UInt32(), "item_number": pl.UInt32()}


@dataclass(frozen=True, slots=True)
class Failure:
    """An example that did not do what it should: where it stands in the rule, why, and the columns that matter."""

    rule: Rule
    loc: Loc
    reason: str
    values: dict[str, Any]


class ExampleError(AssayError):
    """An example cannot be run; the message says what is wrong with it."""


def failures(
    rule: Rule,
    columns: Mapping[str, Column] = COLUMNS,
    reference: Callable[[], Reference] | None = None,
) -> Iterator[Failure]:
    """Run the examples of a rule (even a deprecated one) and yield those that fail.

    ``reference`` gives the tables for examples that are declarations; by default those that come with Assay.
    """
    alone = RuleSet([rule.model_copy(update={"status": "stable"})], "examples", columns)
    for kind in ("match", "no_match"):
        for index, example in enumerate(getattr(rule.examples, kind)):
            loc = ("examples", kind, index)
            try:
                items, declarations = _frames(rule, example, columns, reference)
            except ExampleError as error:
                yield Failure(rule, loc, str(error), {})
                continue
            hits = alone.evaluate(items, declarations)
            judged = items if rule.scope == "item" else declarations
            if bool(hits) != (kind == "match"):
                reason = "hits, but must not" if hits else "does not hit, but must"
                yield Failure(rule, loc, reason, _telling(rule, judged))
                continue
            yield from _off_scale(rule, loc, judged) if hits else ()


def _off_scale(rule: Rule, loc: Loc, judged: pl.DataFrame) -> Iterator[Failure]:
    if isinstance(rule.score, str):
        for score in judged.select(sql.expression(rule.score)).to_series().to_list():
            if score is not None and not 0 <= score <= 1:
                yield Failure(rule, loc, f"scores {score:g}, not from 0 to 1", _telling(rule, judged))


def _frames(
    rule: Rule, example: dict[str, Any], columns: Mapping[str, Column], reference: Callable[[], Reference] | None
) -> tuple[pl.DataFrame, pl.DataFrame]:
    if "declaration" in example:
        if len(example) > 1:
            raise ExampleError("holds more than `declaration`; give a declaration or column values, not both")
        return _computed(rule, example["declaration"], reference)
    given = {"day": rule.from_day or rule.to_day} | example if "day" in columns else example
    for name, value in example.items():
        column = columns.get(name)
        if column is None and name not in _PLACES:
            raise ExampleError(f"unknown column {name}; `assay rules columns` lists them")
        if column is not None and rule.scope == "declaration" and column.scope == "item":
            raise ExampleError(f"{name} is a column of items, and this rule judges declarations")
        dtype = column.dtype if column is not None else _PLACES[name]
        if not _is(value, dtype):
            raise ExampleError(f"{name} is {dtype}, {value!r} is not: {_advice(value, dtype)}")
    scopes = {"item": ("item", "declaration"), "declaration": ("declaration",)}[rule.scope]
    cells: dict[str, pl.Series] = {
        name: pl.Series(name, [given.get(name, 0)], dtype=dtype)
        for name, dtype in _PLACES.items()
        if name not in columns
    }
    for column in columns.values():
        if column.scope in scopes:
            cells[column.name] = pl.Series(column.name, [given.get(column.name)], dtype=column.dtype)
    frame = pl.DataFrame(cells)
    return (frame, frame.clear()) if rule.scope == "item" else (frame.clear(), frame)


def _is(value: Any, dtype: pl.DataType) -> bool:
    if value is None:
        return True
    if isinstance(dtype, pl.List):
        return isinstance(value, list) and all(_is(part, _inner(dtype)) for part in value)
    if isinstance(dtype, pl.Boolean):
        return isinstance(value, bool)
    if dtype.is_integer():
        return type(value) is int
    if dtype.is_float():
        return type(value) in (int, float)
    return type(value) is date if isinstance(dtype, pl.Date) else isinstance(value, str)


def _inner(dtype: pl.List) -> pl.DataType:
    inner = dtype.inner
    return inner if isinstance(inner, pl.DataType) else inner()


def _advice(value: Any, dtype: pl.DataType) -> str:
    if isinstance(dtype, pl.List):
        return "write a list"
    if isinstance(dtype, pl.String) and isinstance(value, bool):
        return 'YAML reads NO, yes, on and off as true or false; quote it: "NO"'
    if isinstance(dtype, pl.String):
        return f'quote it: "{value}"'
    return "write " + (
        "true or false" if isinstance(dtype, pl.Boolean) else "a day" if dtype == pl.Date else "a number"
    )


def _computed(
    rule: Rule, fragment: Any, reference: Callable[[], Reference] | None
) -> tuple[pl.DataFrame, pl.DataFrame]:
    from detectors.features import compute

    if not isinstance(fragment, dict):
        raise ExampleError("`declaration` must hold fields of a declaration")
    try:
        row = decode.row(json.dumps(completed(fragment, rule), default=_as_json).encode())
    except ContractError as error:
        raise ExampleError(f"not a declaration: {error}") from None
    unknown = decode.unknown_fields(row)
    if unknown:
        raise ExampleError(f"not a field of a declaration: {', '.join(unknown)}")
    computed = compute(Batch.of([row]), _shipped() if reference is None else reference())
    return computed.items, computed.declarations


def _shipped() -> Reference:
    from detectors.reference import load

    return load()


def completed(fragment: Mapping[str, Any], rule: Rule) -> dict[str, Any]:
    """Fill the required fields of a part of a declaration: an export, lodged at noon of a day when the rule holds."""
    day = rule.from_day or rule.to_day or date(2026, 1, 15)
    items = fragment.get("items") or [{}]
    return {
        "event": "lodged",
        "declaration_id": "example",
        "lodged_at": f"{day.isoformat()}T12:00:00Z",
        "source": {"system": "example", "format": "declaration/1"},
        "regime": "export",
        **fragment,
        "items": [{"number": index + 1, **item} if isinstance(item, dict) else item for index, item in enumerate(items)]
        if isinstance(items, list)
        else items,
    }


def _as_json(value: Any) -> Any:
    if isinstance(value, date):
        return value.isoformat().replace("+00:00", "Z")
    raise ExampleError(f"{value!r} cannot stand in a declaration")


def _telling(rule: Rule, judged: pl.DataFrame) -> dict[str, Any]:
    """Return the values that decided: of the first row (of several items, each value that stands in one of them)."""
    names: Sequence[str] = sql.columns_of(sql.expression(rule.when))
    if rule.from_day or rule.to_day:
        names = [*names, "day"]
    shown = judged.select(list(dict.fromkeys(names))).to_dict(as_series=False)
    return {name: values[0] if len(values) == 1 else values for name, values in shown.items()}
