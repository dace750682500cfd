"""Edits of a declaration, gathered: what is set and what is removed, in an order in which they can be applied."""

from __future__ import annotations

from typing import Any

from pydantic_core import to_jsonable_python

from schemas.feeds import _cds_parts as parts
from schemas.feeds._fields import Row

_Step = tuple[int, int, str]


class Edits:
    """Values by path; ``None`` removes.

    Pointers count members of lists as they were before, so everything is set first, lists from their front (a member behind
    the end is added), and then removed, lists from their back.
    """

    def __init__(self) -> None:
        self._values: dict[str, Any] = {}
        self._whole: set[str] = set()

    def __contains__(self, path: str) -> bool:
        return self._values.get(path) is not None

    @property
    def empty(self) -> bool:
        """Whether nothing is set: there is nothing to check."""
        return all(value is None for value in self._values.values())

    def put(self, path: str, value: Any, *, whole: bool = False) -> None:
        """Set a value, or remove it with ``None``; ``whole`` sets a member of a list with all its fields."""
        self._values[path] = value
        if whole:
            self._whole.add(path)

    def ordered(self) -> list[Row]:
        """Return the edits as rows of :class:`schemas.message.Edit`."""
        changes = [(_steps(path), path, value) for path, value in self._values.items() if not self._inside(path)]
        changes.sort(key=lambda change: change[0])
        rows: list[Row] = [
            {"op": "set", "path": path, "value": to_jsonable_python(value)}
            for _, path, value in changes
            if value is not None
        ]
        rows.extend({"op": "remove", "path": path} for _, path, value in reversed(changes) if value is None)
        return rows

    def numbers(self) -> list[int]:
        """Return the numbers of the items in which something is set, ascending."""
        paths = (path.split("/") for path, value in self._values.items() if value is not None)
        return sorted({int(steps[2].removeprefix("#")) for steps in paths if steps[1] == "items"})

    def sketch(self) -> Row:
        """Return what is set as a part of a declaration, lists without their gaps."""
        items: dict[int, Row] = {number: {"number": number} for number in self.numbers()}
        sketch: Row = {}
        for path, value in sorted(self._values.items(), key=lambda known: _steps(known[0])):
            if value is None or self._inside(path):
                continue
            steps = path.split("/")[1:]
            here = sketch
            if steps[0] == "items":
                here, steps = items[int(steps[1].removeprefix("#"))], steps[2:]
            _draw(here, steps, value)
        return _solid(sketch) | {"items": [_solid(item) for item in items.values()] or [{"number": 1}]}

    def _inside(self, path: str) -> bool:
        return path.rpartition("/")[0] in self._whole


def _steps(path: str) -> list[_Step]:
    """Return a path so that it sorts by place in lists, and an item's number before its other fields."""
    known = []
    for step in path.split("/")[1:]:
        place = step.removeprefix("#")
        known.append((0, int(place), "") if place.isdecimal() else (1, 0, "" if step == "number" else step))
    return known


def _draw(here: Row, steps: list[str], value: Any) -> None:
    """Write a value at its place; one inside a list that is set as a whole is not drawn twice."""
    for step in steps[:-1]:
        within = here.setdefault(step, {})
        if not isinstance(within, dict):
            return
        here = within
    here[steps[-1]] = value


def _solid(row: Row) -> Row:
    """Return a drawn row with its lists: mappings from places to members."""
    solid: Row = {}
    for field, value in row.items():
        if isinstance(value, dict) and value and all(isinstance(key, str) and key.isdecimal() for key in value):
            members = [_solid(member) if isinstance(member, dict) else member for member in value.values()]
            typed = field in ("documents", "previous_documents")
            solid[field] = [{"type": parts.NO_TYPE} | member if typed else member for member in members]
        else:
            solid[field] = _solid(value) if isinstance(value, dict) else value
    return solid
