"""The changes of an amendment that does not restate, on a declaration as JSON has it (:class:`schemas.message.Edit`)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final, NamedTuple, get_args, get_origin

from pydantic import ValidationError
from pydantic_core import to_json

from schemas.declaration import Declaration
from schemas.errors import ContractError
from schemas.message import Edit
from schemas.types import Contract

Row = dict[str, Any]

#: What an amendment cannot change: identity and version are the intake's to give.
_FIXED: Final = frozenset({"schema", "event", "declaration_id", "version", "mrn", "source"})
#: Room for one more place than the contract's longest list; a longer one is refused by the contract anyway.
_MAX_PLACE: Final = 10_000


class EditError(ContractError):
    """An edit does not fit the declaration.

    ``final`` tells that no other message could make it fit: the value itself is wrong. Otherwise what it speaks of
    may come yet.
    """

    def __init__(self, reason: str, path: str, final: bool) -> None:
        super().__init__(reason, path)
        self.final = final


class _Kind(NamedTuple):
    """What the contract says of a place: a contract's fields, a list of something, or a plain value."""

    fields: Mapping[str, _Kind | None] | None
    member: _Kind | None
    many: bool


_PLAIN: Final = _Kind(None, None, False)


def _kind(wanted: Any) -> _Kind:
    while get_origin(wanted) is not None and get_origin(wanted) is not list:  # Annotated, Optional
        wanted = next(part for part in get_args(wanted) if part is not type(None))
    if get_origin(wanted) is list:
        return _Kind(None, _kind(get_args(wanted)[0]), True)
    if isinstance(wanted, type) and issubclass(wanted, Contract):
        fields = {field.alias or name: _kind(field.annotation) for name, field in wanted.model_fields.items()}
        return _Kind(fields, None, False)
    return _PLAIN


_ROOT: Final = _kind(Declaration)


def apply(row: Row, edits: Sequence[Edit]) -> list[str]:
    """Carry out edits on a row, in their order; the row is changed in place.

    Returns
    -------
    for each edit the JSON pointer (by place, not by item number) that it changed.

    Raises
    ------
    EditError : an edit names what is not there, or what no declaration has; the path is the edit's own.
    """
    return [_applied(row, edit) for edit in edits]


def _applied(row: Row, edit: Edit) -> str:
    steps = [part.replace("~1", "/").replace("~0", "~") for part in edit.path[1:].split("/")]
    if steps[0] in _FIXED:
        raise EditError(f"an amendment cannot change {steps[0]}", edit.path, final=True)
    here: Any = row
    kind = _ROOT
    walked: list[str] = []
    for number, step in enumerate(steps):
        last = number == len(steps) - 1
        key, below = _step(here, kind, step, edit, adding=edit.op == "set")
        if key is None:  # to remove what is not there
            return edit.path
        walked.append(str(key))
        if last:
            _change(here, key, step, edit)
        else:
            here = _entered(here, key, below, step, edit)
            if here is None:
                return edit.path
        kind = below
    return "".join("/" + part.replace("~", "~0").replace("/", "~1") for part in walked)


def _step(here: Any, kind: _Kind, step: str, edit: Edit, adding: bool) -> tuple[str | int | None, _Kind]:
    """Return the key or the place that a step of the path means, and what the contract says of it."""
    if not isinstance(here, list if kind.many else dict):
        raise EditError("an edit before this one put a value there that has no parts", edit.path, final=True)
    if kind.many:
        assert kind.member is not None
        if step.startswith("#"):
            return _numbered(here, step, edit, adding), kind.member
        if not step.isascii() or not step.isdecimal() or len(step) > 5 or int(step) > _MAX_PLACE:
            raise EditError(f"{step!r} is no place in a list", edit.path, final=True)
        place = int(step)
        if place < len(here) or (adding and place == len(here)):
            return place, kind.member
        if not adding:
            return None, kind.member
        raise EditError(f"place {place} of a list of {len(here)}", edit.path, final=False)
    found = kind.fields.get(step) if kind.fields is not None else None
    if found is None:
        raise EditError(f"a declaration has no field {step!r} there", edit.path, final=True)
    return step, found


def _numbered(items: Any, step: str, edit: Edit, adding: bool) -> int | None:
    """Return the place of the item with that number; of one that is not there, the place where it is added."""
    digits = step[1:]
    if not digits.isascii() or not digits.isdecimal() or len(digits) > 5 or not edit.path.startswith(f"/items/{step}"):
        raise EditError(f"{step!r} is no item number", edit.path, final=True)
    for place, item in enumerate(items):
        if isinstance(item, dict) and item.get("number") == int(digits):
            return place
    return len(items) if adding else None


def _entered(here: Any, key: str | int, below: _Kind, step: str, edit: Edit) -> Any:
    """Go one step down; what is missing is made for ``set``, and None is returned for ``remove``."""
    absent = key == len(here) if isinstance(key, int) else here.get(key) is None
    if not absent:
        return here[key]
    if edit.op == "remove":
        return None
    if not below.many and below.fields is None:
        raise EditError(f"{step!r} is a plain value, nothing stands below it", edit.path, final=True)
    made: Any = [] if below.many else _item({}, step)
    if isinstance(key, int):
        here.append(made)
    else:
        here[key] = made
    return made


def _change(here: Any, key: str | int, step: str, edit: Edit) -> None:
    if edit.op == "remove":
        if isinstance(key, int):
            del here[key]
        else:
            here.pop(key, None)
    elif isinstance(key, int) and key == len(here):
        here.append(_item(edit.value, step))
    else:
        here[key] = _item(edit.value, step)


def _item(value: Any, step: str) -> Any:
    """Return a value; an item set by its number need not repeat it."""
    return {"number": int(step[1:]), **value} if step.startswith("#") and isinstance(value, dict) else value


def checked(row: Row, changed: Sequence[str], edits: Sequence[Edit]) -> Declaration:
    """Return the row as the contract has it.

    Raises
    ------
    EditError : the amended declaration is not what the contract says; ``final`` if a value of the amendment is the cause.
    """
    try:
        return Declaration.model_validate_json(to_json(row))
    except ValidationError as error:
        problems = error.errors(include_url=False, include_context=False, include_input=False)
        loc, kind = problems[0]["loc"], problems[0]["type"]
        place = "".join(f"/{part}" for part in loc)
        reason = problems[0]["msg"].removeprefix("Value error, ")
        if len(problems) > 1:
            reason += f" (and {len(problems) - 1} more)"
        cause = next(
            (
                edit
                for edit, where in zip(reversed(edits), reversed(changed), strict=True)
                if edit.op == "set" and (place == where or place.startswith(where + "/"))
            ),
            None,
        )
        if cause is not None and kind != "missing":
            raise EditError(reason, cause.path + place[len(changed[edits.index(cause)]) :], final=True) from None
        raise EditError(f"after the amendment: {reason}", place, final=False) from None
