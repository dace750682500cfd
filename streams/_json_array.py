"""A JSON array of objects, cut into its elements without ever holding more than one of them."""

from __future__ import annotations

import codecs
import json
from collections.abc import Iterator
from io import BufferedReader
from typing import Any, Final

from schemas.decode import MAX_RECORD_BYTES
from schemas.errors import FeedError

_READ: Final = 256 * 1024
_BLANK: Final = " \t\r\n"


def begins(head: bytes) -> bool:
    """Say whether a JSON array of objects (or an empty one) begins with these bytes."""
    found = head.removeprefix(b"\xef\xbb\xbf").lstrip()
    return found.startswith(b"[") and found[1:].lstrip()[:1] in (b"{", b"]", b"")


def elements(stream: BufferedReader[Any]) -> Iterator[bytes]:
    """Yield the objects of an array as they are written, in UTF-8.

    Raises
    ------
    FeedError : the array is not JSON, an element is no object, or one is larger than a record may be; the path is the
        element's place. What was yielded before stands.
    """
    reading = _Reading(stream)
    reading.expect("[", "")
    number = 0
    if reading.following() == "]":
        reading.at += 1
    else:
        while True:
            yield reading.element(f"/{number}")
            number += 1
            if reading.following() == ",":
                reading.at += 1
                continue
            reading.expect("]", f"/{number}")
            break
    if reading.following():
        raise FeedError("something stands behind the end of the array", f"/{number}")


class _Reading:
    """The text in hand, and where in it we are."""

    def __init__(self, stream: BufferedReader[Any]) -> None:
        self._stream = stream
        self._decode = codecs.getincrementaldecoder("utf-8-sig")()
        self._scan = json.JSONDecoder().raw_decode
        self._text = ""
        self._ended = False
        self.at = 0

    def more(self, wanted: int = _READ) -> bool:
        """Read on; say whether there was anything."""
        if self._ended:
            return False
        raw = self._stream.read(wanted)
        self._ended = not raw
        try:
            fresh = self._decode.decode(raw, final=self._ended)
        except UnicodeDecodeError as error:
            raise FeedError(f"not UTF-8: {error.reason}") from None
        self._text = self._text[self.at :] + fresh
        self.at = 0
        return not self._ended

    def following(self) -> str:
        """Return the next character that is no blank, "" at the end, and stand on it."""
        while True:
            while self.at < len(self._text) and self._text[self.at] in _BLANK:
                self.at += 1
            if self.at < len(self._text):
                return self._text[self.at]
            if not self.more():
                return ""

    def expect(self, wanted: str, path: str) -> None:
        """Step over a character that must stand here."""
        found = self.following()
        if found != wanted:
            raise FeedError(
                f"{wanted!r} is missing" + (f" before {found!r}" if found else ": the file ends here"), path
            )
        self.at += 1

    def element(self, path: str) -> bytes:
        """Return the object that begins here."""
        found = self.following()
        if found != "{":
            raise FeedError(f"an object must stand here, not {found!r}" if found else "the file ends here", path)
        while True:
            try:
                _, end = self._scan(self._text, self.at)
            except RecursionError:
                raise FeedError("nested too deep", path) from None
            except ValueError as error:
                # More text may be all that is missing. It doubles each time, so that a long element is not scanned often.
                held = len(self._text) - self.at
                if held <= MAX_RECORD_BYTES and self.more(max(_READ, held)):
                    continue
                problem = getattr(error, "msg", str(error))
                if held > MAX_RECORD_BYTES:
                    problem = f"larger than {MAX_RECORD_BYTES:,} bytes, or not JSON ({problem})"
                raise FeedError(f"not JSON: {problem}", path) from None
            text = self._text[self.at : end]
            self.at = end
            return text.encode("utf-8", "surrogatepass")
