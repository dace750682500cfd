"""What a mapping may fill: the contract's fields by name, ``items[].value.amount``, with what each takes."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache
from types import NoneType
from typing import Annotated, Any, Literal, get_args, get_origin, get_type_hints

from pydantic import BaseModel

from schemas import types
from schemas.declaration import Declaration

Kind = Literal[
    "text", "mrn", "commodity", "kg", "m3", "amount", "whole", "day", "time", "country", "currency", "package", "upper",
    "choice",
]  # fmt: skip

#: One step of a target: a name, with ``[]`` or ``[2]`` behind the name of a list.
_STEP = re.compile(r"([a-z][a-z_0-9]*)(\[[0-9]{0,3}\])?\Z")

#: Members without which an object cannot be: one that lacks them is left out.
REQUIRED = {"Money": ("amount", "currency"), "Quantity": ("value", "unit"), "Document": ("type",)}


@dataclass(frozen=True, slots=True)
class Target:
    """A field of the contract, or of the message around it.

    Attributes
    ----------
    kind : how a text becomes its value.
    many : a list of such values (``routing``), not one.
    choices : the values of a ``choice``.
    """

    kind: Kind
    many: bool = False
    choices: tuple[str, ...] = ()


_KINDS: list[tuple[Any, Kind]] = [
    (types.Kilograms, "kg"),
    (types.CubicMetres, "m3"),
    (types.Amount, "amount"),
    (types.Day, "day"),
    (types.UtcTime, "time"),
    (types.CountryCode, "country"),
    (types.CurrencyCode, "currency"),
    (types.CommodityCode, "commodity"),
    (types.PackageType, "package"),
]
#: Fields whose pattern asks for a form of its own.
_BY_NAME: dict[str, Kind] = {"mrn": "mrn", "unit": "upper", "type": "upper"}
#: The codec says these itself.
_OWN = ("schema_", "source")


def _target(name: str, wanted: Any, many: bool = False) -> Target:
    for known, kind in _KINDS:
        if wanted == known:
            return Target(kind, many)
    if get_origin(wanted) is Literal:
        return Target("choice", many, get_args(wanted))
    bare = get_args(wanted)[0] if get_origin(wanted) is Annotated else wanted
    if bare is int:
        return Target("whole", many)
    return Target("text" if many else _BY_NAME.get(name, "text"), many)


def _walk(contract: type[BaseModel], above: str, found: dict[str, Target], objects: dict[str, str]) -> None:
    hints = get_type_hints(contract, include_extras=True)
    for name in contract.model_fields:
        if name in _OWN:
            continue
        wanted = hints[name]
        if get_origin(wanted) is not Annotated:
            parts = [part for part in get_args(wanted) if part is not NoneType]
            wanted = parts[0] if len(parts) == 1 else wanted
        inner = get_args(wanted)[0] if get_origin(wanted) is Annotated else wanted
        if get_origin(inner) is list:
            member = get_args(inner)[0]
            if isinstance(member, type) and issubclass(member, BaseModel):
                objects[f"{above}{name}[]"] = member.__name__
                _walk(member, f"{above}{name}[].", found, objects)
            else:
                found[f"{above}{name}"] = _target(name, member, many=True)
        elif isinstance(inner, type) and issubclass(inner, BaseModel):
            objects[f"{above}{name}"] = inner.__name__
            _walk(inner, f"{above}{name}.", found, objects)
        else:
            found[f"{above}{name}"] = _target(name, wanted)


@cache
def targets() -> dict[str, Target]:
    """Return every target by its name, lists written ``[]``."""
    return _all()[0]


@cache
def objects() -> dict[str, str]:
    """Return the contract's name of every object: ``items[].value`` is Money, ``documents[]`` a Document."""
    return _all()[1]


@cache
def _all() -> tuple[dict[str, Target], dict[str, str]]:
    found: dict[str, Target] = {}
    made: dict[str, str] = {}
    _walk(Declaration, "", found, made)
    for name in ("reason", "reference"):  # of the message, not of the declaration
        found[name] = Target("text")
    found["at"] = Target("time")
    return found, made


def steps(target: str) -> list[tuple[str, str | None]] | None:
    """Return the steps of a target, each with its place in a list ("" for any, None for no list); None if it is no target."""
    found = []
    for part in target.split("."):
        step = _STEP.match(part)
        if step is None:
            return None
        found.append((step[1], None if step[2] is None else step[2][1:-1]))
    return found


def general(target: str) -> str:
    """Return a target without the places in its lists: ``items[].documents[2].type`` is ``items[].documents[].type``."""
    return re.sub(r"\[[0-9]+\]", "[]", target)
