"""YAML with line numbers. Plain scalars are read by YAML 1.2's core schema, so that ``NO: Norway`` keeps its ``NO``."""

from __future__ import annotations

import re
from typing import Any

import yaml

from schemas.errors import FeedError

#: Where a value stands: keys and indices from the root.
Loc = tuple[str | int, ...]

#: A mapping travels in the header of every raw record that it reads.
MAX_MAPPING_BYTES = 256 * 1024
_MAX_PROBLEMS = 50

_WHOLE = re.compile(r"-?(?:0|[1-9][0-9]{0,17})\Z")
_CONSTANTS = {"": None, "~": None, "null": None, "Null": None, "NULL": None, "true": True, "false": False}


class MappingError(FeedError):
    """A mapping file is wrong.

    Attributes
    ----------
    problems : a located sentence for each mistake, in the order of the file: ``line 7: fields.exporter.nam: ...``.
    """

    def __init__(self, problems: list[str]) -> None:
        path, _, reason = problems[0].partition(": ")
        more = f" (and {len(problems) - 1} more)" if len(problems) > 1 else ""
        super().__init__(f"{reason}{more}", f"mapping {path}")
        self.problems = problems


class Document:
    """A YAML document as plain values, with the line of each.

    Keys are always texts (``1: sea`` has the key ``"1"``); a plain scalar is null, true, false, a whole number or a text.

    Raises
    ------
    MappingError : not YAML, not a mapping of keys, too large, a key twice, an alias.
    """

    def __init__(self, raw: bytes) -> None:
        self._lines: dict[Loc, int] = {}
        self._problems: list[tuple[int, str]] = []
        self._seen: set[int] = set()
        if len(raw) > MAX_MAPPING_BYTES:
            raise MappingError([f"line 1: larger than {MAX_MAPPING_BYTES:,} bytes; map long code tables upstream"])
        try:
            root = yaml.compose(raw.decode("utf-8-sig"), Loader=yaml.CSafeLoader)
        except UnicodeDecodeError as error:
            line = raw.count(b"\n", 0, error.start) + 1
            raise MappingError([f"line {line}: not UTF-8; save the mapping as UTF-8"]) from None
        except yaml.MarkedYAMLError as error:
            mark = error.problem_mark or error.context_mark
            told = " ".join(str(part) for part in (error.context, error.problem) if part)
            raise MappingError([f"line {mark.line + 1 if mark else 1}: not YAML: {told}"]) from None
        except (yaml.YAMLError, RecursionError, ValueError) as error:
            told = (str(error).splitlines() or ["nested too deeply"])[0]
            raise MappingError([f"line 1: not YAML: {told}"]) from None
        if not isinstance(root, yaml.MappingNode):
            raise MappingError(["line 1: a mapping has the keys name, system, format and fields"])
        try:
            self.value: dict[str, Any] = self._mapping(root, ())
        except RecursionError:
            raise MappingError(["line 1: nested too deeply for a mapping"]) from None
        if self._problems:
            self.refuse([])

    def line(self, loc: Loc) -> int:
        """Return the line of a value, or of the nearest value around it."""
        while loc and loc not in self._lines:
            loc = loc[:-1]
        return self._lines.get(loc, 1)

    def refuse(self, problems: list[tuple[Loc, str]]) -> None:
        """Raise a MappingError of these problems and those of the text itself, by line; none: nothing happens."""
        found = self._problems + [(self.line(loc), f"{shown(loc)}: {said}" if loc else said) for loc, said in problems]
        if found:
            raise MappingError([f"line {line}: {said}" for line, said in sorted(found)[:_MAX_PROBLEMS]])

    def _plain(self, node: yaml.Node, loc: Loc) -> Any:
        line = node.start_mark.line + 1
        self._lines.setdefault(loc, line)
        if id(node) in self._seen:
            self._problems.append((line, f"{shown(loc)}: an alias (*name) stands here; write the value out"))
            return None
        self._seen.add(id(node))
        if isinstance(node, yaml.MappingNode):
            return self._mapping(node, loc)
        if isinstance(node, yaml.SequenceNode):
            return [self._plain(child, (*loc, index)) for index, child in enumerate(node.value)]
        text = str(node.value)
        if not isinstance(node, yaml.ScalarNode) or node.style:  # quoted, or a block
            return text
        return int(text) if _WHOLE.match(text) else _CONSTANTS.get(text, text)

    def _mapping(self, node: yaml.MappingNode, loc: Loc) -> dict[str, Any]:
        values: dict[str, Any] = {}
        for key_node, value_node in node.value:
            line = key_node.start_mark.line + 1
            if not isinstance(key_node, yaml.ScalarNode):
                self._problems.append((line, f"{shown(loc) or 'here'}: a key is a list or a mapping; write a text"))
                continue
            key = str(key_node.value)
            if key in values:
                self._problems.append((line, f"{shown((*loc, key))}: stands twice; keep one of the two"))
                continue
            self._lines[(*loc, key)] = line
            values[key] = self._plain(value_node, (*loc, key))
        return values


def shown(loc: Loc) -> str:
    """Write a location as people do: ``csv.header``, ``fields.items[].origin.table``."""
    text = ""
    for part in loc:
        text += f"[{part}]" if isinstance(part, int) else f".{part}" if text else part
    return text
