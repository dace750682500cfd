"""YAML with line numbers, so that every mistake in a rule pack can be pointed at."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import yaml

#: Where a value stands inside a document: keys and indices from the root.
Loc = tuple[str | int, ...]

#: Packs also arrive over a topic: a bound keeps a hostile one from stalling a worker.
MAX_PACK_BYTES = 4 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Problem:
    """One mistake in a pack: where it is, and in ``message`` what is wrong and what to do.

    ``line`` counts from 1; ``rule`` is the rule's id, if it belongs to one; ``lint`` the name of the check that found it.
    """

    file: str
    line: int
    rule: str | None
    field: str
    message: str
    lint: str

    def __str__(self) -> str:
        where = [f"{self.file}:{self.line}", *filter(None, (self.rule, self.field))]
        return ": ".join([*where, self.message])


class Document:
    """A YAML document as plain values, with the line of each of them.

    ``value`` is what ``yaml.safe_load`` would give (None if the text is not YAML at all). Repeated keys, aliases and
    keys that are no text are problems here, because YAML itself would let them pass without a word.
    """

    def __init__(self, text: str, file: str) -> None:
        self.file = file
        self.value: Any = None
        self.problems: list[Problem] = []
        self._lines: dict[Loc, int] = {}
        self._seen: set[int] = set()
        self._scalars = yaml.SafeLoader("")
        if len(text.encode("utf-8", "surrogatepass")) > MAX_PACK_BYTES:
            self._complain(1, (), f"larger than {MAX_PACK_BYTES:,} bytes; split the pack")
            return
        try:
            root = yaml.compose(text, Loader=yaml.SafeLoader)
            if root is None:
                self._complain(1, (), "empty; a pack needs the keys pack, version, description and rules")
                return
            self.value = self._plain(root, ())
        except yaml.MarkedYAMLError as error:
            mark = error.problem_mark or error.context_mark
            told = " ".join(str(part) for part in (error.context, error.problem) if part)
            self._complain(mark.line + 1 if mark else 1, (), f"not YAML: {told}; check indentation and quotes")
        except yaml.YAMLError as error:
            self._complain(1, (), f"not YAML: {error}")
        except RecursionError:
            self._complain(1, (), "nested too deeply for a rule pack")

    def line(self, loc: Loc) -> int:
        """Return the line of a value, or of the nearest value around it."""
        while loc and loc not in self._lines:
            loc = loc[:-1]
        return self._lines.get(loc, 1)

    def _complain(self, line: int, loc: Loc, message: str) -> None:
        self.problems.append(Problem(self.file, line, None, shown(loc), message, "yaml"))

    def _plain(self, node: yaml.Node, loc: Loc) -> Any:
        line = node.start_mark.line + 1
        self._lines.setdefault(loc, line)
        if id(node) in self._seen:
            self._complain(line, loc, "an alias (*name) stands here; write the value out")
            return None
        self._seen.add(id(node))
        if isinstance(node, yaml.MappingNode):
            return self._mapping(node, loc)
        if isinstance(node, yaml.SequenceNode):
            return [self._plain(child, (*loc, index)) for index, child in enumerate(node.value)]
        try:
            return self._scalars.construct_object(node)
        except (yaml.YAMLError, ValueError) as error:
            self._complain(line, loc, f"{node.value!r} cannot be read ({_first_line(error)}); quote it if it is text")
            return None

    def _mapping(self, node: yaml.MappingNode, loc: Loc) -> dict[str, Any]:
        values: dict[str, Any] = {}
        for key_node, value_node in node.value:
            line = key_node.start_mark.line + 1
            key = key_node.value
            if key_node.tag != "tag:yaml.org,2002:str" or not isinstance(key, str):
                self._complain(line, loc, f"the key {key!r} is not text; quote it")
                continue
            if key in values:
                self._complain(line, (*loc, key), "stands twice; keep one of the two")
                continue
            self._lines[(*loc, key)] = line
            values[key] = self._plain(value_node, (*loc, key))
        return values


def shown(loc: Loc) -> str:
    """Write a location as people do: ``evidence[0].column``."""
    text = ""
    for part in loc:
        text += f"[{part}]" if isinstance(part, int) else f".{part}" if text else part
    return text


def _first_line(error: Exception) -> str:
    return (str(error).splitlines() or [type(error).__name__])[0]
