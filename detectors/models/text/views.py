"""How a text is seen by the models: folded, in Latin letters, and as it would read with a trick undone."""

from __future__ import annotations

import re
from functools import lru_cache

from anyascii import anyascii

from detectors._folding import fold, readings

# anyascii writes each Chinese character with a capital ("YangHuaDi"), and folded text has no capitals of its own.
_CAPITAL = re.compile(r"(?=[A-Z])")


class _Latin(dict[int, str]):
    """Code point -> Latin letters, worked out when first met: anyascii goes character by character in Python."""

    def __missing__(self, point: int) -> str:
        self[point] = written = _CAPITAL.sub(" ", anyascii(chr(point))).lower()
        return written


_LATIN = _Latin()
_NO_LETTER = re.compile(r"[^a-z0-9]+")
# Numbers, grades and model numbers: Latin letters and signs around a digit, even where Chinese runs into them.
_WITH_DIGIT = re.compile(r"[a-z0-9./%#-]*\d[a-z0-9./%#-]*")
_WORD = re.compile(r"[^\W\d_]+")
_CHINESE = re.compile("[\u2e80-\u9fff\u3040-\u30ff\uac00-\ud7af\u0e00-\u0e7f]")
_LONGEST = 300


def latin(folded: str) -> str:
    """Return a folded text in lower-case Latin letters and digits, words apart: "氧化镝" is "yang hua di"."""
    if not folded.isascii():
        folded = folded.translate(_LATIN)
    return _NO_LETTER.sub(" ", folded).strip()


@lru_cache(maxsize=2048)
def _folded(text: str) -> str:
    """Return the start of a text, folded; kept for a batch, of which both heads ask."""
    return fold(text[:_LONGEST])


def named(text: str) -> str:
    """Return what a text says of its goods: folded, without numbers, grades and model numbers."""
    return " ".join(_WITH_DIGIT.sub(" ", _folded(text)).split())


def telling(name: str) -> bool:
    """Tell whether there are enough words to know goods by: two, or one long one, or three characters of Chinese."""
    characters = len(_CHINESE.findall(name))
    if characters:
        return characters >= 3
    words = [word for word in _WORD.findall(name) if len(word) >= 3]
    return sum(map(len, words)) >= 8


def faces(text: str) -> list[tuple[str, str, str]]:
    """Return the faces of a text: as it stands, with letters joined or digits read as letters, and read backwards.

    Each face is the text in Latin letters, the same without blanks, and (of other scripts) as it was written.
    """
    folded = _folded(text)
    found = [_face(folded)]
    found += [_face(reading) for reading in readings(folded)]
    plain = found[0][0]
    if folded.isascii() and len(plain) >= 5:
        turned = plain[::-1]
        found.append((turned, turned.replace(" ", ""), ""))
    return list(dict.fromkeys(found))


def _face(folded: str) -> tuple[str, str, str]:
    spelled = latin(folded)
    return spelled, spelled.replace(" ", ""), "" if folded.isascii() else folded
