"""Spellings to learn from: names of controlled substances as people who hide them, or cannot spell, write them.

From each name of the lexicon come variants: misspelt, spaced out, broken, backwards, in other letters, transliterated, by the
element's number, in characters that sound alike; alone, with the form it is sold in, or beside cover goods. Everything
is drawn from one seeded generator: the same lexicon and seed give the same texts.
"""

from __future__ import annotations

import random
import re
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import yaml
from anyascii import anyascii

from detectors.reference import Reference
from schemas.reference import LexiconEntry

_FILE = Path(__file__).with_name("spellings.yaml")
_CHINESE = re.compile("[\u4e00-\u9fff]")
_TWINS = {"a": "а", "e": "е", "o": "о", "i": "і", "p": "р", "c": "с", "y": "у", "m": "м", "t": "т", "n": "η", "r": "г"}
_DIGITS = {"o": "0", "i": "1", "l": "1", "e": "3", "a": "4", "s": "5"}


@cache
def _file() -> dict[str, Any]:
    read: dict[str, Any] = yaml.load(_FILE.read_text("utf-8"), Loader=yaml.CSafeLoader)
    return read


#: What ears and keyboards of several languages exchange: "galyum", "antymon", "disprosium".
_HEARD: tuple[tuple[str, str], ...] = tuple((pair[0], pair[1]) for pair in _file()["heard"])


def honest_phrases() -> list[str]:
    """Return wordings of honest goods that look like names of controlled substances."""
    return list(_file()["honest"])


def elements(reference: Reference) -> dict[str, list[LexiconEntry]]:
    """Return, by chemical symbol, the lexicon's entries of elements of which some control ever needed a licence.

    Carbon is left out: graphite is in the words of too many honest goods, and rules look for it by name.
    """
    controlled = {
        reference.substances[name].element
        for row in reference.controls
        if row.measure == "licence_required"
        for name in row.substances
        if name in reference.substances
    }
    numbered = _file()["elements"]
    found: dict[str, list[LexiconEntry]] = {}
    for entry in reference.lexicon:
        if entry.element is not None and entry.element in controlled and entry.element in numbered:
            found.setdefault(entry.element, []).append(entry)
    return dict(sorted(found.items()))


Trick = Callable[[str, random.Random], str]


def _longest_word(text: str) -> tuple[int, int]:
    words = [match.span() for match in re.finditer(r"[^\W\d_]+", text)]
    return max(words, key=lambda span: span[1] - span[0]) if words else (0, len(text))


def _in_word(text: str, change: Callable[[str], str]) -> str:
    start, end = _longest_word(text)
    return text[:start] + change(text[start:end]) + text[end:]


def _spaced(text: str, draw: random.Random) -> str:
    return _in_word(text, lambda word: draw.choice((" ", ".", "-", " ", "·", "_")).join(word))


def _broken(text: str, draw: random.Random) -> str:
    def cut(word: str) -> str:
        for _ in range(draw.randint(1, 2)):
            at = draw.randint(1, max(1, len(word) - 1))
            word = word[:at] + draw.choice((" ", "-", " ", ".")) + word[at:]
        return word

    return _in_word(text, cut)


def _swapped(table: dict[str, str]) -> Trick:
    def trick(text: str, draw: random.Random) -> str:
        return "".join(table[c] if c in table and draw.random() < 0.6 else c for c in text)

    return trick


def _misspelt(text: str, draw: random.Random) -> str:
    def slip(word: str) -> str:
        at = draw.randint(0, max(0, len(word) - 2))
        kind = draw.randint(0, 4)
        if kind == 0:
            return word[:at] + word[at + 1 :]
        if kind == 1:
            return word[:at] + word[at : at + 1] * 2 + word[at + 1 :]
        if kind == 2:
            return word[:at] + word[at + 1 : at + 2] + word[at : at + 1] + word[at + 2 :]
        if kind == 3:
            return word[:at] + draw.choice("aeiouylnrst") + word[at + 1 :]
        return word[:at] + draw.choice("aeiouyhlnrst") + word[at:]

    for _ in range(draw.choice((1, 1, 2))):
        text = _in_word(text, slip)
    return text


def _heard(text: str, draw: random.Random) -> str:
    for _ in range(draw.choice((1, 2, 2, 3))):
        there = [pair for pair in _HEARD if pair[0] in text]
        if not there:
            return text
        old, new = draw.choice(there)
        at = draw.choice([match.start() for match in re.finditer(re.escape(old), text)])
        text = text[:at] + new + text[at + len(old) :]
    return text


def _backwards(text: str, draw: random.Random) -> str:
    return " ".join(word[::-1] for word in text.split()) if draw.random() < 0.5 else text[::-1]


def _shuffled(text: str, draw: random.Random) -> str:
    words = text.split()
    draw.shuffle(words)
    return " ".join(words)


def _transliterated(text: str, draw: random.Random) -> str:
    spelled = re.sub(r"(?=[A-Z])", draw.choice((" ", "", " ")), anyascii(text)).strip().lower()
    return spelled.replace("iy", draw.choice(("iy", "ij", "y", "ii"))) if "iy" in spelled else spelled


def _plain(text: str, draw: random.Random) -> str:
    return text.upper() if draw.random() < 0.3 else text


_TRICKS: tuple[Trick, ...] = (
    _plain,
    _spaced,
    _broken,
    _swapped(_TWINS),
    _swapped(_DIGITS),
    _misspelt,
    _misspelt,
    _heard,
    _heard,
    _heard,
    _shuffled,
    _transliterated,
    lambda text, draw: _heard(_transliterated(text, draw), draw),
    lambda text, draw: _misspelt(_transliterated(text, draw), draw),
    _backwards,
)


def hidden_names(symbol: str, entries: list[LexiconEntry], count: int, seed: int) -> list[str]:
    """Return ``count`` wordings of an element and its compounds, each name by a trick, most with something around it."""
    draw = random.Random(f"{symbol}/{seed}")
    file = _file()
    names = _names(entries)
    number = file["elements"][symbol]["number"]
    alike = file["elements"][symbol]["characters"]
    found = []
    for _ in range(count):
        kind = draw.random()
        if kind < 0.1:
            text = draw.choice(file["numbered"]).format(number)
        elif kind < 0.2:
            character = draw.choice(sorted(alike))
            text = draw.choice([a for a in file["around"] if _CHINESE.search(a)]).format(draw.choice(alike[character]))
            found.append(text)
            continue
        else:
            text = draw.choice(_TRICKS)(draw.choice(names), draw)
        if draw.random() < 0.65:
            text = draw.choice(file["around"]).format(text)
        if draw.random() < 0.2:
            cover = draw.choice(file["covers"])
            text = draw.choice((f"{cover}, {text}", f"{text} / {cover}", f"{cover} ({text})", f"{cover} {text}"))
        found.append(text)
    return found


def _names(entries: list[LexiconEntry]) -> list[str]:
    """Return the names to play with: words of four letters and more, Chinese of any length, formulae with a digit."""
    names = []
    for entry in entries:
        for term in entry.terms:
            formula = term.match == "exact" and any(c.isdigit() for c in term.text)
            if term.kind == "cas" or (term.match == "exact" and not formula):
                continue
            if not formula and not _CHINESE.search(term.text) and len(term.text) < 4:
                continue
            repeats = 4 if entry.kind == "element" and term.strength == "strong" else 1
            names += [term.text] * repeats
    return names


def articles(entries: list[LexiconEntry], words: list[str], count: int, seed: int) -> list[str]:
    """Return ``count`` wordings of honest articles that have a substance's name in them."""
    draw = random.Random(seed)
    names = [term.text for entry in entries for term in entry.terms if term.kind != "cas"]
    forms = (
        "{name} {article}",
        "{article} {name}",
        "{name}-{article}",
        "{article} with {name}",
        "{article}, {name} doped",
    )
    return [draw.choice(forms).format(name=draw.choice(names), article=draw.choice(words)) for _ in range(count)]


def with_numbers(honest: list[str], count: int, seed: int) -> list[str]:
    """Return ``count`` honest wordings with a number in them that is also an element's: sizes, models, articles."""
    draw = random.Random(seed)
    numbers = [each["number"] for each in _file()["elements"].values()]
    forms = (
        "{text} {number}",
        "{text} {letters}-{number}",
        "{letters}{number} {text}",
        "{text} no. {number}",
        "{text} {number}mm",
    )
    found = []
    for _ in range(count if honest else 0):
        letters = "".join(draw.choice("ABCDEFGHKLMSTXZ") for _ in range(2))
        found.append(draw.choice(forms).format(text=draw.choice(honest), number=draw.choice(numbers), letters=letters))
    return found
