"""Reading goods descriptions: which substances a text names, in which role, and which other signs it carries.

All texts of a batch that were not read before go through one pass of one Aho-Corasick automaton; readings are kept by text,
because a firm describes its goods in the same words again and again.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import yaml
from ahocorasick_rs import AhoCorasick
from rapidfuzz.distance import OSA

from detectors._folding import compact, fold, hidden, plain, readings
from detectors._purity import Purity, purity, stated_symbols
from schemas.reference import cas_is_valid

if TYPE_CHECKING:
    from detectors.reference import Reference

Match = Literal["word", "stem", "substring", "exact"]
Strength = Literal["strong", "weak"]

_VOCABULARY = Path(__file__).with_name("vocabulary.yaml")
_CJK = re.compile("[\u2e80-\u9fff\uf900-\ufaff\u3040-\u30ff\uac00-\ud7af\u0e00-\u0e7f]")
_CAS = re.compile(r"(?<![\d-])(\d{2,7}) ?- ?(\d{2}) ?- ?(\d)(?![\d-])")
_SHARE_AFTER = re.compile(r"[\s:,(=<≤~-]{0,4}(?:max\.? ?)?(?<!\d)(\d{1,2}(?:[.,]\d+)?) ?(?:%|wt|ppm|mg)")
_SHARE_BEFORE = re.compile(r"(?<![\d.,])(\d{1,2}(?:[.,]\d+)?) ?(?:%|wt%|ppm) ?(?:of )?$")
_GRAMS_BEFORE = re.compile(
    r"(?<![\d.,])\d{1,2}(?:[.,]\d+)? ?(?:g|gr|gram|grams|gramm|gramos|grammes|mg|г|гр|克|公克)\b[^\d,;]{0,8}$"
)
_LETTERS = re.compile(r"[^\W\d_]+")
_LONG_WORD = re.compile(r"[^\W\d_]{6,}")
_FLAGS = ("sample", "bottle", "metal_hint", "origin_denial", "not_controlled", "forwarder", "military")
_KEPT_READINGS = 200_000
#: Ordinary words one letter away from a substance's name.
_NEAR_NAMES = frozenset(
    "geranium geraniums allium alliums gallum sodium iridium helium cesium caesium cerium antinomy gallic germania "
    "germanic germanicum galleon gallon gallons gallery germany germanys italium".split()
)


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
    ("with 0.05 % antimony").
    """

    substance: str
    term: str
    strength: Strength
    hidden: bool = False
    denied: bool = False
    minor: bool = False


@dataclass(frozen=True, slots=True)
class Reading:
    """What one text says.

    ``article`` and ``material`` are the first word found of a finished good, or of a form in which a substance itself is
    sold; ``flags`` the other vocabulary groups that occur; ``vague`` that no word names anything.
    """

    mentions: tuple[Mention, ...] = ()
    article: str | None = None
    material: str | None = None
    purity: Purity | None = None
    flags: frozenset[str] = frozenset()
    vague: bool = False


EMPTY = Reading()


@cache
def vocabulary() -> dict[str, tuple[str, ...]]:
    """Return the word groups of ``vocabulary.yaml``."""
    groups = yaml.load(_VOCABULARY.read_text("utf-8"), Loader=yaml.CSafeLoader)
    return {group: tuple(words) for group, words in groups.items()}


@dataclass(slots=True)
class _Pattern:
    group: str
    text: str
    match: Match
    term: Term | None = None


@dataclass(slots=True)
class _Found:
    """Matches of one text, before they are weighed against each other."""

    terms: list[tuple[int, int, Term]] = field(default_factory=list)
    words: dict[str, list[tuple[int, int]]] = field(default_factory=dict)


def _vocabulary_pattern(group: str, word: str) -> _Pattern:
    stem = word.endswith("*")
    text = fold(word.removesuffix("*"))
    match: Match = "substring" if _CJK.search(text) else "stem" if stem else "word"
    return _Pattern(group, text, match)


class Reader:
    """Reads texts with one lexicon.

    Parameters
    ----------
    terms : every way to write every substance.
    cas : CAS Registry Number -> substance.
    symbols : chemical symbol -> substance, believed only beside a purity ("Ga 99.99 %", "6N Ge").
    """

    def __init__(self, terms: Iterable[Term], cas: dict[str, str], symbols: dict[str, str]) -> None:
        self._cas = cas
        self._symbols = symbols
        self._kept: dict[str, Reading] = {}
        patterns: list[_Pattern] = []
        self._exact: dict[str, Term] = {}
        names: dict[str, Term] = {}
        for term in terms:
            if term.match == "exact":
                self._exact.setdefault(plain(term.text), term)
                continue
            text = fold(term.text)
            match: Match = "substring" if _CJK.search(text) else term.match
            patterns.append(_Pattern("term", text, match, term))
            if term.strength == "strong" and match in ("word", "stem") and text.isalpha() and len(text) >= 6:
                names.setdefault(text, term)
        self._names = names
        self._near_names = _neighbours(names)
        formulae = sorted(self._exact, key=len, reverse=True)
        self._formulae = re.compile(
            rf"(?<![A-Za-z0-9])(?:{'|'.join(map(re.escape, formulae)) or '(?!)'})(?![A-Za-z0-9])"
        )
        for group, words in vocabulary().items():
            patterns += [_vocabulary_pattern(group, word) for word in words]
        self._patterns = [p for p in patterns if p.text]
        self._automaton = AhoCorasick([p.text for p in self._patterns])
        self._long_names = [n for n in names if len(n) >= 6]
        self._names_automaton = AhoCorasick(self._long_names or ["\0"])

    @classmethod
    def of(cls, reference: Reference) -> Reader:
        """Return the reader of a reference's lexicon."""
        terms: list[Term] = []
        cas: dict[str, str] = {}
        symbols: dict[str, str] = {}
        for entry in reference.lexicon:
            for number in entry.cas:
                cas.setdefault(number, entry.substance)
            if entry.kind == "element" and entry.element:
                symbols.setdefault(entry.element, entry.substance)
            terms += [
                Term(entry.substance, term.text, term.match, term.strength)
                for term in entry.terms
                if term.kind not in ("symbol", "cas")
            ]
        return cls(terms, cas, symbols)

    def read(self, texts: Sequence[str | None]) -> list[Reading]:
        """Read texts; ``None`` and empty texts give :data:`EMPTY`."""
        fresh = list({t for t in texts if t and t not in self._kept})
        if fresh:
            if len(self._kept) + len(fresh) > _KEPT_READINGS:
                self._kept.clear()
            for text, reading in zip(fresh, self._read_fresh(fresh), strict=True):
                self._kept[text] = reading
        kept = self._kept
        return [kept.get(t, EMPTY) if t else EMPTY for t in texts]

    def _read_fresh(self, texts: list[str]) -> list[Reading]:
        folded = [fold(text) for text in texts]
        found = self._scan(folded)
        return [self._weigh(*each) for each in zip(texts, folded, found, strict=True)]

    def _scan(self, folded: list[str]) -> list[_Found]:
        """Run the automaton once over all texts, joined by line breaks (which folding leaves in no text)."""
        joined = "\n".join(folded)
        starts = [0]
        for text in folded[:-1]:
            starts.append(starts[-1] + len(text) + 1)
        found = [_Found() for _ in folded]
        last = len(joined)
        for index, start, end in self._automaton.find_matches_as_indexes(joined, overlapping=True):
            pattern = self._patterns[index]
            if pattern.match != "substring":
                if start and joined[start - 1].isalnum() and not _CJK.match(joined[start - 1]):
                    continue
                if pattern.match == "word" and end < last and joined[end].isalnum() and not _CJK.match(joined[end]):
                    continue
            which = bisect_right(starts, start) - 1
            at = (start - starts[which], end - starts[which])
            if pattern.term is not None:
                found[which].terms.append((*at, pattern.term))
            else:
                found[which].words.setdefault(pattern.group, []).append(at)
        return found

    def _weigh(self, text: str, folded: str, found: _Found) -> Reading:
        original = plain(text)
        mentions = self._from_terms(folded, found, hidden(text))
        mentions += self._from_numbers(original)
        mentions += self._from_formulae(original)
        stated = purity(original, folded)
        if not any(m.strength == "strong" for m in mentions):
            mentions += self._from_disguises(folded)
        words = found.words
        article = _first(folded, words.get("article"))
        material = _first(folded, words.get("material"))
        return Reading(
            mentions=_unique(mentions),
            article=article,
            material=material,
            purity=stated,
            flags=frozenset(flag for flag in _FLAGS if flag in words),
            vague=not mentions and article is None and _names_nothing(folded, words.get("vague", [])),
        )

    def _from_terms(self, folded: str, found: _Found, disguised: bool) -> list[Mention]:
        """Longest match wins: "gallium nitride" is no mention of gallium metal."""
        negations = found.words.get("negation", [])
        taken: list[tuple[int, int]] = []
        mentions = []
        for start, end, term in sorted(found.terms, key=lambda m: (m[0] - m[1], m[0])):
            if any(start < e and s < end for s, e in taken):
                continue
            taken.append((start, end))
            denied = _denied(folded, start, end, negations)
            minor = _minor(folded, start, end)
            strength = "weak" if _goes_on(folded, start, end) else term.strength
            mentions.append((start, Mention(term.substance, term.text, strength, disguised, denied, minor)))
        return [mention for _, mention in sorted(mentions, key=lambda m: m[0])]

    def _from_numbers(self, original: str) -> list[Mention]:
        mentions = []
        for match in _CAS.finditer(original):
            number = "-".join(match.groups())
            substance = self._cas.get(number)
            if substance and cas_is_valid(number):
                mentions.append(Mention(substance, f"CAS {number}", "strong"))
        return mentions

    def _from_formulae(self, original: str) -> list[Mention]:
        mentions = []
        for match in self._formulae.finditer(original):
            term = self._exact[match.group()]
            mentions.append(Mention(term.substance, term.text, term.strength))
        for symbol, nines in stated_symbols(original):
            substance = self._symbols.get(symbol)
            if substance:
                mentions.append(Mention(substance, f"{symbol} at {nines:g}N", "strong" if nines >= 2 else "weak"))
        return mentions

    def _from_disguises(self, folded: str) -> list[Mention]:
        """Look again with letters joined, digits read as letters, words run together, and one letter wrong."""
        for reading in readings(folded):
            for start, end, term in self._scan([reading])[0].terms:
                if term.strength == "strong" and end - start >= 4:
                    return [Mention(term.substance, term.text, "strong", hidden=True)]
        run_together, starts, ends = compact(folded)
        for index, start, end in self._names_automaton.find_matches_as_indexes(run_together, overlapping=True):
            if start in starts and end in ends and starts[bisect_right(starts, start) - 1] != _word_start(starts, end):
                term = self._names[self._long_names[index]]
                return [Mention(term.substance, term.text, "strong", hidden=True)]
        return self._from_typos(folded)

    def _from_typos(self, folded: str) -> list[Mention]:
        """Find names with one letter left out, added, changed or swapped with its neighbour."""
        near = self._near_names
        for word in _LONG_WORD.findall(folded):
            for reduced in _reduced(word):
                name = near.get(reduced)
                if name is None or name[0] != word[0] or word in _NEAR_NAMES or abs(len(name) - len(word)) > 1:
                    continue
                if OSA.distance(word, name, score_cutoff=1) == 1:
                    term = self._names[name]
                    return [Mention(term.substance, term.text, "weak", hidden=True)]
        return []


def _reduced(word: str) -> list[str]:
    """Return a word, and the word with each one of its letters left out."""
    return [word, *(word[:n] + word[n + 1 :] for n in range(len(word)))]


def _neighbours(names: Iterable[str]) -> dict[str, str]:
    """Index names by what :func:`_reduced` makes of them: two words one edit apart have a reduced form in common."""
    index: dict[str, str] = {}
    for name in names:
        for reduced in _reduced(name):
            index.setdefault(reduced, name)
    return index


def _word_start(starts: list[int], end: int) -> int:
    return starts[bisect_right(starts, end - 1) - 1]


def _first(folded: str, spans: list[tuple[int, int]] | None) -> str | None:
    if not spans:
        return None
    start, end = min(spans)
    while end < len(folded) and folded[end].isalpha() and not _CJK.match(folded[end]):
        end += 1
    return folded[start:end]


def _unique(mentions: list[Mention]) -> tuple[Mention, ...]:
    seen: dict[tuple[Any, ...], Mention] = {}
    for mention in mentions:
        seen.setdefault((mention.substance, mention.denied, mention.minor), mention)
    return tuple(seen.values())


def _goes_on(folded: str, start: int, end: int) -> bool:
    """Tell whether a stem is only the beginning of a longer Latin word ("yttriumstabilisiert"): a property, not a name."""
    rest = _LETTERS.match(folded, end)
    return rest is not None and len(rest.group()) > 4 and folded[start:end].isascii()


def _minor(folded: str, start: int, end: int) -> bool:
    """Tell whether a share below half, or some grams, stand right beside the name: an additive or a sample, not the goods."""
    after = _SHARE_AFTER.match(folded, end)
    before = _SHARE_BEFORE.search(folded[max(0, start - 16) : start])
    if _GRAMS_BEFORE.search(folded[max(0, start - 20) : start]):
        return True
    shares = [float(m.group(1).replace(",", ".")) for m in (after, before) if m]
    return bool(shares) and max(shares) < 50


def _denied(folded: str, start: int, end: int, negations: list[tuple[int, int]]) -> bool:
    """Tell whether a negation stands right before the name ("free of", 不含) or right after it ("-free")."""
    before = folded[max(0, start - 3) : start]
    for s, e in negations:
        word = folded[s:e]
        if e <= start and start - e <= 2 and "." not in folded[e:start] and word not in ("free", "-free", "frei"):
            return True
        if (
            s >= end
            and s - end <= 1
            and word in ("free", "-free", "frei", "フリー", "없는", "compatible", "substitute")
        ):
            return True
        if s >= end and s - end <= 1 and word in ("color", "colour", "colored", "coloured", "imitation", "plated"):
            return True
    return before.endswith("non")


def _names_nothing(folded: str, spans: list[tuple[int, int]]) -> bool:
    """Tell whether vague words, numbers and signs are all there is."""
    if not folded:
        return False
    left = list(folded)
    for start, end in spans:
        left[start:end] = " " * (end - start)
    return not any(len(word) >= 2 or _CJK.match(word) for word in re.findall(r"[^\W\d_]+", "".join(left)))
