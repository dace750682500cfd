"""Paths into JSON: ``goods[*].weight.net``, ``parties[role=2].name``, ``$.currency``, ``['odd.name'][0]``. No more than that.

A path from a field starts at the element of the list that the field stands in (``lists``), or at the record; ``$`` is
always the record. In ``records`` it is the document. Places count from 0.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

_STEP = re.compile(
    r"""\.?(?P<name>[^.\[\]'"=\s][^.\[\]=]*)
      | \['(?P<quoted>[^']+)'\]
      | \[(?P<place>[0-9]{1,6})\]
      | \[(?P<every>\*)\]
      | \[(?P<key>[^\]=\[']+)=(?P<value>[^\]\[]*)\]
    """,
    re.VERBOSE,
)
_MAX_STEPS = 32
_MAX_TAKEN = 1_000_000

Step = tuple[str, Any]


@dataclass(frozen=True, slots=True)
class Path:
    """A path, read. ``from_record`` says that it starts with ``$``; ``many`` that it may lead to several places."""

    text: str
    from_record: bool
    steps: tuple[Step, ...]

    @property
    def many(self) -> bool:
        """Whether a ``[*]`` stands in it."""
        return any(kind == "every" for kind, _ in self.steps)


def parse(text: str) -> Path:
    """Read a path.

    Raises
    ------
    ValueError : not a path, with the place of the mistake.
    """
    rest = text.strip()
    from_record = rest.startswith("$")
    at = len(text) - len(text.lstrip()) + from_record
    found: list[Step] = []
    end = len(text.rstrip())
    while at < end:
        step = _STEP.match(text, at, end)
        if step is None or len(found) >= _MAX_STEPS:
            raise ValueError(f"not a path from {text[at:end][:40]!r} on; write names with dots, [0], [*], [key=value]")
        kind = str(step.lastgroup)
        if kind == "place":
            found.append(("place", int(step["place"])))
        elif kind == "value":
            found.append(("where", (step["key"].strip(), step["value"].strip().strip("'\""))))
        elif kind == "every":
            found.append(("every", None))
        else:
            found.append(("name", (step["name"] or "").rstrip() or step["quoted"]))
        at = step.end()
    if not found and not from_record:
        raise ValueError("an empty path; write $ for the record itself")
    return Path(text.strip(), from_record, tuple(found))


def every(steps: tuple[Step, ...], here: Any) -> Iterator[Any]:
    """Yield what stands at the end of the steps; nothing where a step leads nowhere."""
    if not steps:
        yield here
        return
    (kind, what), rest = steps[0], steps[1:]
    if kind == "name":
        if type(here) is dict and what in here:
            yield from every(rest, here[what])
    elif type(here) is not list:
        return
    elif kind == "place":
        if what < len(here):
            yield from every(rest, here[what])
    elif kind == "every":
        for member in here:
            yield from every(rest, member)
    else:
        key, value = what
        for member in here:
            if type(member) is dict and _same(member.get(key), value):
                yield from every(rest, member)


class Record:
    """A record, and what paths from its beginning lead to: every goods item asks for it, and it is searched once.

    Goods items that each take all of a long list of the record multiply it: what they take is counted.
    """

    __slots__ = ("_found", "_room", "content")

    def __init__(self, content: Any) -> None:
        self.content = content
        self._room = _MAX_TAKEN
        self._found: dict[Path, list[Any]] = {}

    def found(self, path: Path) -> list[Any]:
        """Return everything at a path from the record that is not null."""
        found = self._found.get(path)
        if found is None:
            found = self._found[path] = [one for one in every(path.steps, self.content) if one is not None]
        return found

    def take(self, members: int) -> None:
        """Count members of lists; ValueError if they are more than any declaration has."""
        self._room -= members
        if self._room < 0:
            raise ValueError(f"more than {_MAX_TAKEN:,} members of lists in one declaration")


def _same(found: Any, value: str) -> bool:
    return type(found) in (str, int) and str(found).strip() == value


def first(path: Path) -> Callable[[Any, Record], Any]:
    """Return ``read(element, record)``: the first thing there that is not null."""
    steps = path.steps
    if all(kind == "name" for kind, _ in steps):
        names = tuple(what for _, what in steps)

        def walk(element: Any, record: Record) -> Any:
            here = record.content if path.from_record else element
            for name in names:
                if type(here) is not dict:
                    return None
                here = here.get(name)
            return here

        return walk

    def search(element: Any, record: Record) -> Any:
        found = record.found(path) if path.from_record else every(steps, element)
        return next((one for one in found if one is not None), None)

    return search
