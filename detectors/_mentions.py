"""What is found in texts, before and after it is weighed: patterns, matches, mentions of substances, readings."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any, Literal

import yaml

from detectors._folding import fold
from detectors._purity import Purity

Match = Literal["word", "stem", "substring", "exact"]
Strength = Literal["strong", "weak"]

_VOCABULARY = Path(__file__).with_name("vocabulary.yaml")
# Scripts whose words are found anywhere in a text: without spaces, or with articles and endings written onto the word.
CJK = re.compile("[\u2e80-\u9fff\uf900-\ufaff\u3040-\u30ff\uac00-\ud7af\u0e00-\u0e7f\u0600-\u06ff\u0900-\u097f]")
_LETTERS = re.compile(r"[^\W\d_]+")
# What may name something: two letters in a row, or one of a script whose words are found anywhere.
_NAMING = re.compile(rf"[^\W\d_]{{2}}|(?={CJK.pattern})[^\W\d_]")


@dataclass(frozen=True, slots=True)
class Term:
    """One way to write a substance: ``substance`` is its English name in the lexicon."""

    substance: str
    text: str
    match: Match = "word"
    strength: Strength = "strong"


@dataclass(frozen=True, slots=True)
class Mention:
    """A substance found in a text.

    ``hidden``: only after undoing a disguise; ``denied``: "gallium-free"; ``minor``: a small share of something else
    ("with 0.05 % antimony"); ``cast``: in ingots; ``alone``: beside an article's name, in a part of the text of its own.
    """

    substance: str
    term: str
    strength: Strength
    hidden: bool = False
    denied: bool = False
    minor: bool = False
    cast: bool = False
    alone: bool = False


@dataclass(frozen=True, slots=True)
class Reading:
    """What one text says.

    ``article`` and ``material`` are the first word found of a finished good, or of a form in which a substance itself is
    sold; ``flags`` the other vocabulary groups that occur; ``vague`` that no word names anything; ``bare`` that nothing
    but substances is named.
    """

    mentions: tuple[Mention, ...] = ()
    article: str | None = None
    material: str | None = None
    purity: Purity | None = None
    flags: frozenset[str] = frozenset()
    vague: bool = False
    bare: bool = False


EMPTY = Reading()


@cache
def vocabulary() -> dict[str, tuple[str, ...]]:
    """Return the word groups of ``vocabulary.yaml``."""
    groups = yaml.load(_VOCABULARY.read_text("utf-8"), Loader=yaml.CSafeLoader)
    return {group: tuple(words) for group, words in groups.items()}


@dataclass(slots=True)
class Pattern:
    group: str
    text: str
    match: Match
    term: Term | None = None


@dataclass(slots=True)
class Found:
    """Matches of one text, before they are weighed against each other."""

    terms: list[tuple[int, int, Term]] = field(default_factory=list)
    words: dict[str, list[tuple[int, int]]] = field(default_factory=dict)


def vocabulary_pattern(group: str, word: str) -> Pattern:
    stem = word.endswith("*")
    text = fold(word.removesuffix("*"))
    match: Match = "substring" if CJK.search(text) else "stem" if stem else "word"
    return Pattern(group, text, match)


def first(folded: str, spans: list[tuple[int, int]] | None) -> str | None:
    if not spans:
        return None
    start, end = min(spans)
    while end < len(folded) and folded[end].isalpha() and not CJK.match(folded[end]):
        end += 1
    return folded[start:end]


def unique(mentions: list[Mention]) -> tuple[Mention, ...]:
    seen: dict[tuple[Any, ...], Mention] = {}
    for mention in mentions:
        key = (mention.substance, mention.denied, mention.minor)
        if key not in seen or (mention.strength == "strong" and seen[key].strength == "weak"):
            seen[key] = mention
    return tuple(seen.values())


def known(folded: str, found: Found) -> list[tuple[int, int]]:
    """Return where names, raw forms and words that name nothing stand."""
    spans = []
    for start, end, _ in found.terms:
        rest = _LETTERS.match(folded, end)
        spans.append((start, rest.end() if rest is not None and folded[start:end].isascii() else end))
    for group in ("vague", "material", "bottle", "sample"):
        spans += found.words.get(group, [])
    return spans


def is_bare(folded: str, found: Found) -> bool:
    return names_nothing(folded, known(folded, found))


def names_nothing(folded: str, spans: list[tuple[int, int]]) -> bool:
    """Tell whether vague words, numbers and signs are all there is."""
    if not folded:
        return False
    if spans:
        left = list(folded)
        for start, end in spans:
            left[start:end] = " " * (end - start)
        folded = "".join(left)
    return _NAMING.search(folded) is None
