"""From a text in any script to words of Latin letters and digits."""

from __future__ import annotations

import re

from anyascii import anyascii

from detectors._folding import fold
from detectors.parties._words import words

#: What parts words once NFKC is applied. Not ``\\W``, which would cut Thai and Hindi at every vowel sign.
_SEPARATORS = re.compile(
    r"[\s\x00-\x26\x28-\x2f\x3a-\x40\x5b-\x5f\x7b-\xa9\xab-\xb1\xb4\xb6-\xbf\xd7\xf7"
    r"\u058a\u05be\u05c0\u05f3\u05f4\u060c\u061b\u061f\u066a-\u066d\u2000-\u2018\u201a-\u206f\u2190-\u2bff\u3000-\u3020\u30fb]+"
)
_APOSTROPHES = re.compile("['`\u02bc\u2019]")
_ASCII_SEPARATORS = {code: " " for code in range(128) if not chr(code).isalnum() and chr(code) not in "'`"} | {
    39: None,
    96: None,
}
_DOTTED = re.compile(r"\.[^\W\d_](?![^\W\d_])")
_ASCII_WORDS = re.compile("[a-z0-9]+")
#: Scripts that do not part their words: Chinese, Japanese, Korean (brackets stand for "(주)"), Thai.
_UNSPACED = re.compile("[\u0e00-\u0e7f\u3040-\u9fff\uac00-\ud7af\uf900-\ufaff]")
#: Cyrillic and Greek letters with a Latin twin (UTS #39 confusables): a word of these alone, among Latin words, is a disguise.
_TWINS = str.maketrans("авсԁеһіјкмнорѕтухѵԝαβεικνορτυχ", "abcdehijkmhopstyxvwabeiknoptyx")
_ONLY_TWINS = re.compile("[авсԁеһіјкмнорѕтухѵԝαβεικνορτυχ]+")
_LATIN_WORD = re.compile("[a-z]{3,}")


def folded(text: str) -> str:
    """Return the folded text, with whole words of look-alike letters among Latin words read as Latin."""
    found = fold(text)
    if not found.isascii() and _LATIN_WORD.search(found):
        words_ = found.split(" ")
        found = " ".join(w.translate(_TWINS) if _ONLY_TWINS.fullmatch(w) else w for w in words_)
    return found


def _undotted(word: str) -> str:
    """Return "s.a.," as "sa,": letters that dots part are one word."""
    parts = word.rstrip(",;").split(".")
    return "".join(parts) if len(parts) > 2 - (parts[-1] != "") and all(len(part) < 2 for part in parts) else word


def split(text: str) -> list[str]:
    """Return the words of a folded text, still in their script; letters that dots part are one word."""
    if "." in text and _DOTTED.search(text):
        text = " ".join([_undotted(word) if "." in word else word for word in text.split()])
    if text.isascii():
        return text.translate(_ASCII_SEPARATORS).split()
    return _SEPARATORS.sub(" ", _APOSTROPHES.sub("", text)).split()


def read_unspaced(text: str) -> tuple[str, list[str]]:
    """Read the words of scripts that do not part them.

    Returns
    -------
    The text with words of business and places in English and without legal forms; the legal forms that stood in it.
    """
    if _UNSPACED.search(text) is None:
        return text, []
    known = words()
    parts: list[str] = []
    legal: list[str] = []
    at = 0
    for index, start, end in known.unspaced.find_matches_as_indexes(text):
        meaning = known.unspaced_read[index]
        parts += (text[at:start], " ", meaning or "", " ")
        if meaning is None:
            legal.append(text[start:end])
        # A city's or province's own word goes with it: "Shenzhen shi" is Shenzhen.
        at = end + (meaning in known.places and text[end : end + 1] in ("市", "省"))
    parts.append(text[at:])
    return "".join(parts), legal


def latin(tokens: list[str]) -> list[str]:
    """Return words of Latin letters and digits, transliterated where they are not."""
    found: list[str] = []
    for token in tokens:
        if token.isascii():
            found.append(token)
        else:
            found += _ASCII_WORDS.findall(_APOSTROPHES.sub("", anyascii(token)).lower())
    return found


def singles_joined(tokens: list[str]) -> list[str]:
    """Return the words with letters that stand alone, side by side, made one word: "l t d" is "ltd"."""
    if list(map(len, tokens)).count(1) < 2:
        return tokens
    found: list[str] = []
    run = ""
    for token in tokens:
        if len(token) == 1 and token.isalpha():
            run += token
            continue
        if run:
            found.append(run)
            run = ""
        found.append(token)
    if run:
        found.append(run)
    return found
