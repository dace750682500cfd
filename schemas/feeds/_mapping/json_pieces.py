"""The elements of an array deep in a JSON text that need not fit into memory, each as its own text."""

from __future__ import annotations

import re
from collections.abc import Iterator

from schemas.errors import FeedError

_BLANK = re.compile(r"[ \t\r\n]*")
_IN_STRING = re.compile(r'["\\]')
_IN_NESTED = re.compile(r'["\[\]{}]')
_SCALAR_END = re.compile(r"[,\]} \t\r\n]")
_BLOCK = 256 * 1024


class Elements:
    """Reads a text once, front to back.

    Parameters
    ----------
    blocks : the text in pieces of any size.
    limit : characters of one element that are kept; a longer one comes with ``whole`` False.
    """

    def __init__(self, blocks: Iterator[str], limit: int) -> None:
        self._blocks = blocks
        self._limit = limit
        self._text = ""
        self._at = 0

    def of(self, names: list[str]) -> Iterator[tuple[str, bool]]:
        """Yield the elements of the array behind these names (or the one value there), each with whether it is whole.

        Raises
        ------
        FeedError : the text is not JSON as far as it had to be looked at.
        """
        yield from self._descend(names)
        if self._peek():
            raise FeedError("not JSON: more text behind the document")

    def _more(self) -> bool:
        block = next(self._blocks, "")
        self._text = self._text[self._at :] + block
        self._at = 0
        return bool(block)

    def _peek(self) -> str:
        """Return the next character that is not blank; "" at the end."""
        while True:
            found = _BLANK.match(self._text, self._at)
            self._at = found.end() if found else self._at
            if self._at < len(self._text):
                return self._text[self._at]
            if not self._more():
                return ""

    def _take(self, wanted: str) -> None:
        if (found := self._peek()) != wanted:
            raise FeedError(f"not JSON: {wanted!r} expected, {found or 'the end'!r} found")
        self._at += 1

    def _descend(self, names: list[str]) -> Iterator[tuple[str, bool]]:
        if not names:
            yield from self._elements() if self._peek() == "[" else [self._value(self._limit)]
            return
        self._take("{")
        while self._peek() != "}":
            key, whole = self._value(1_000)
            self._take(":")
            if whole and key == _written(key, names[0]):
                yield from self._descend(names[1:])
            else:
                self._value(0)
            if self._peek() != "}":
                self._take(",")
        self._at += 1

    def _elements(self) -> Iterator[tuple[str, bool]]:
        self._take("[")
        while self._peek() != "]":
            yield self._value(self._limit)
            if self._peek() != "]":
                self._take(",")
        self._at += 1

    def _value(self, limit: int) -> tuple[str, bool]:
        """Read one value; return its text, or the beginning of one longer than the limit."""
        kept: list[str] = []
        size = 0
        depth = 0
        first = self._peek()
        if not first or first in ",:]}":
            raise FeedError(f"not JSON: a value expected, {first or 'the end'!r} found")
        in_string = False
        started = False
        while True:
            if self._at >= len(self._text) and not self._more():
                if depth or in_string or not started:
                    raise FeedError("not JSON: the text ends in the middle of a value")
                break
            begin = self._at
            if in_string:
                done, in_string = self._string()
                ended = done and not depth
            elif depth == 0 and started:
                found = _SCALAR_END.search(self._text, self._at)
                self._at = found.start() if found else len(self._text)
                ended = found is not None
            else:
                depth, in_string, ended, started = self._step(depth, started)
            piece = self._text[begin : self._at]
            if size < limit:
                kept.append(piece[: limit - size])
            size += len(piece)
            if ended:
                break
        return "".join(kept), size <= limit

    def _string(self) -> tuple[bool, bool]:
        """Go on in a string; return whether it ended, and whether we are still in one."""
        found = _IN_STRING.search(self._text, self._at)
        if found is None:
            self._at = len(self._text)
            return False, True
        if found[0] == '"':
            self._at = found.end()
            return True, False
        if found.end() >= len(self._text):
            # A backslash at the end of a block: what it escapes comes with the next one.
            if found.start() == self._at and not self._more():
                raise FeedError("not JSON: the text ends in the middle of a value")
            if self._at:
                self._at = found.start()
            return False, True
        self._at = found.end() + 1
        return False, True

    def _step(self, depth: int, started: bool) -> tuple[int, bool, bool, bool]:
        """Go on outside strings; return depth, whether in a string, whether the value ended, and that it has begun."""
        if not started and self._text[self._at] not in '"[{':
            self._at += 1
            return 0, False, False, True
        found = _IN_NESTED.search(self._text, self._at)
        if found is None:
            self._at = len(self._text)
            return depth, False, False, True
        self._at = found.end()
        if found[0] == '"':
            return depth, True, False, True
        depth += 1 if found[0] in "[{" else -1
        return depth, False, depth == 0, True


def _written(key: str, name: str) -> str:
    """Return the name as JSON writes it; escapes are compared as they stand."""
    return f'"{name}"' if "\\" not in key else key if _unescaped(key) == name else ""


def _unescaped(key: str) -> str:
    from pydantic_core import from_json

    try:
        return str(from_json(key))
    except (
        ValueError,
        TypeError,
    ):  # a byte that was no UTF-8 stands in it as half a surrogate: pydantic takes it for no text
        return ""
