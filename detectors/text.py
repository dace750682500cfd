"""Reading goods descriptions: which substances a text names, in which role, and which other signs it carries.

All texts of a batch that were not read before go through one pass of one Aho-Corasick automaton; readings are kept by text,
because a firm describes its goods in the same words again and again.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from ahocorasick_rs import AhoCorasick
from rapidfuzz.distance import OSA

from detectors import _context
from detectors._folding import compact, fold, hidden, plain, readings, scanned
from detectors._mentions import (
    CJK,
    EMPTY,
    Found,
    Match,
    Mention,
    Pattern,
    Reading,
    Term,
    first,
    is_bare,
    known,
    names_nothing,
    unique,
    vocabulary,
    vocabulary_pattern,
)
from detectors._purity import formed_symbols, purity, stated_symbols
from schemas.reference import cas_is_valid

if TYPE_CHECKING:
    from detectors.reference import Reference

__all__ = ["EMPTY", "Mention", "Reader", "Reading", "Term"]

_CAS = re.compile(r"(?<![\d-])(\d{2,7}) ?- ?(\d{2}) ?- ?(\d)(?![\d-])")
# After the word CAS, the number may lack its hyphens.
_CAS_SAID = re.compile(r"(?i:cas)[^0-9\n]{0,12}(\d{2,7})[ ./-]?(\d{2})[ ./-]?(\d)(?!\d)")
# Oxides typed in lower case, with gaps, or with a zero for the O: "dy2o3", "Dy 2 O 3", "Ge02".
_LOOSE_OXIDE = re.compile(r"(?<![A-Za-z0-9])([A-Za-z]{1,2}) ?([2-6]?) ?([Oo0]) ?(\d{1,2})(?![A-Za-z0-9])")
_OXIDE = re.compile(r"([A-Z][a-z]?)([2-6]?)O(\d{1,2})")
# The Chinese name of an element: weak inside other words, certain where nothing else is said.
_ONE_CHARACTER = re.compile("[\u4e00-\u9fff]")
_LONG_WORD = re.compile(r"[^\W\d_]{6,}")
_FLAGS = frozenset(
    {
        "sample",
        "bottle",
        "metal_hint",
        "origin_denial",
        "not_controlled",
        "forwarder",
        "courier",
        "military",
        "not_military",
        "dear",
    }
)
_DIGIT = re.compile(r"\d")
# Without one of these no oxide stands there ("O3", "O 3", "02"): asked first, because it needs no look around each letter.
_OXYGENS = re.compile(r"[Oo0] ?\d")
# No purity can be stated without one of these.
_GRADED = re.compile(r"9\d|\dn|\d n|nine")
_TOKEN = re.compile(r"[A-Za-z0-9]+")
_NO_LETTER = re.compile(r"[\W\d_]+")
#: The same for a text of ASCII only, as a table: translating is several times faster than a pattern.
_LETTERS_ONLY = {code: None for code in range(128) if not chr(code).isalpha()}
_NO_FLAGS: frozenset[str] = frozenset()
#: Shared, never added to.
_NOTHING_FOUND = Found()
_KEPT_READINGS = 200_000
#: Ordinary words one letter away from a substance's name.
_NEAR_NAMES = frozenset(
    "geranium geraniums allium alliums gallum sodium iridium helium cesium caesium cerium antinomy gallic germania "
    "germanic germanicum galleon gallon gallons gallery germany germanys italium".split()
)


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
        self._alike: dict[Reading, Reading] = {EMPTY: EMPTY}
        self._kept_typos: dict[str, Mention | None] = {}
        self._kept_flags: dict[str, frozenset[str]] = {}
        patterns: list[Pattern] = []
        self._exact: dict[str, Term] = {}
        names: dict[str, Term] = {}
        for term in terms:
            if term.match == "exact":
                self._exact.setdefault(plain(term.text), term)
                continue
            text = fold(term.text)
            match: Match = "substring" if CJK.search(text) else term.match
            patterns.append(Pattern("term", text, match, term))
            if term.strength == "strong" and match in ("word", "stem") and text.isalpha() and len(text) >= 6:
                names.setdefault(text, term)
        self._names = names
        self._near_names = _neighbours(names)
        # Formulae of letters and digits are looked up token by token; the rest ("Ga(CH3)3") by one pattern.
        formulae = sorted((f for f in self._exact if _TOKEN.fullmatch(f) is None), key=len, reverse=True)
        self._formula_signs = tuple({_sign(formula) for formula in formulae})
        self._formulae = re.compile(
            rf"(?<![A-Za-z0-9])(?:{'|'.join(map(re.escape, formulae)) or '(?!)'})(?![A-Za-z0-9])"
        )
        self._oxides: dict[tuple[str, str, str], Term] = {}
        for text, term in self._exact.items():
            if oxide := _OXIDE.fullmatch(text):
                element, many, oxygens = oxide.groups()
                self._oxides.setdefault((element.lower(), many, oxygens), term)
        for group, words in vocabulary().items():
            patterns += [vocabulary_pattern(group, word) for word in words]
        self._patterns = [p for p in patterns if p.text]
        self._automaton = AhoCorasick([p.text for p in self._patterns])
        self._long_names = [n for n in names if len(n) >= 6]
        self._names_automaton = AhoCorasick(self._long_names or ["\0"])
        # All that a disguise can hide: names among them, wherever they stand.
        disguised = {p.text for p in self._patterns if p.term is not None and _can_hide(p.term, len(p.text))}
        self._disguised = AhoCorasick(sorted(disguised) or ["\0"])

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
        """Read texts; ``None`` and empty texts give :data:`EMPTY`.

        Most texts say nothing of what is asked here: readings that are equal are one object, so that what is worked out
        from a reading can be kept by its identity.
        """
        fresh = list({t for t in texts if t and t not in self._kept})
        if fresh:
            if len(self._kept) + len(fresh) > _KEPT_READINGS:
                self._kept.clear()
                self._alike = {EMPTY: EMPTY}
            for text, reading in zip(fresh, self._read_fresh(fresh), strict=True):
                self._kept[text] = self._alike.setdefault(reading, reading)
        kept = self._kept
        return [kept.get(t, EMPTY) if t else EMPTY for t in texts]

    def flags(self, texts: Sequence[str | None]) -> list[frozenset[str]]:
        """Read names of parties: only which groups of the vocabulary they have words of."""
        kept = self._kept_flags
        fresh = list({t for t in texts if t and t not in kept})
        if fresh:
            if len(kept) + len(fresh) > _KEPT_READINGS:
                kept.clear()
            for text, found in zip(fresh, self._scan([fold(text) for text in fresh]), strict=True):
                kept[text] = frozenset(found.words.keys() & _FLAGS) if found.words else _NO_FLAGS
        return [kept.get(t, _NO_FLAGS) if t else _NO_FLAGS for t in texts]

    def _read_fresh(self, texts: list[str]) -> list[Reading]:
        folded = [fold(text) for text in texts]
        found = self._scan(folded)
        return [self._weigh(*each) for each in zip(texts, folded, found, strict=True)]

    def _scan(self, folded: list[str]) -> list[Found]:
        """Run the automaton once over all texts, joined by line breaks (which folding leaves in no text)."""
        joined = "\n".join(folded)
        starts = [0]
        for text in folded[:-1]:
            starts.append(starts[-1] + len(text) + 1)
        found = [_NOTHING_FOUND] * len(folded)  # as of many texts
        last = len(joined)
        for index, start, end in self._automaton.find_matches_as_indexes(joined, overlapping=True):
            pattern = self._patterns[index]
            if pattern.match != "substring":
                if start and joined[start - 1].isalnum() and not CJK.match(joined[start - 1]):
                    continue
                if pattern.match == "word" and end < last and joined[end].isalnum() and not CJK.match(joined[end]):
                    continue
            which = bisect_right(starts, start) - 1
            here = found[which]
            if here is _NOTHING_FOUND:
                here = found[which] = Found()
            at = (start - starts[which], end - starts[which])
            if pattern.term is not None:
                here.terms.append((*at, pattern.term))
            else:
                here.words.setdefault(pattern.group, []).append(at)
        return found

    def _weigh(self, text: str, folded: str, found: Found) -> Reading:
        original = plain(text)
        digits = _DIGIT.search(original) is not None
        mentions = self._from_terms(folded, found, hidden(text), original) if found.terms else []
        if digits:
            mentions += self._from_numbers(original)
        graded = _GRADED.search(folded) is not None
        stated = purity(original, folded) if graded else None
        supported = stated is not None or "material" in found.words
        mentions += self._from_formulae(original, supported, graded, digits)
        if not mentions or not any(m.strength == "strong" for m in mentions):
            mentions += self._from_disguises(folded, {term for _, _, term in found.terms})
        words = found.words
        article = first(folded, _context.not_containers(folded, words["article"])) if "article" in words else None
        material = first(folded, words.get("material"))
        bare = article is None and bool(found.terms) and is_bare(folded, found)
        if bare and not original.isascii():
            mentions = [replace(m, strength="strong") if _ONE_CHARACTER.fullmatch(m.term) else m for m in mentions]
        return Reading(
            mentions=unique(mentions),
            article=article,
            material=material,
            purity=stated,
            flags=frozenset(words.keys() & _FLAGS) if words else _NO_FLAGS,
            vague=not mentions and article is None and names_nothing(folded, words.get("vague", [])),
            bare=bare,
        )

    def _from_terms(self, folded: str, found: Found, disguised: bool, original: str) -> list[Mention]:
        """Longest match wins: "gallium nitride" is no mention of gallium metal."""
        negations = found.words.get("negation", [])
        taken: list[tuple[int, int]] = []
        mentions = []
        for start, end, term in sorted(found.terms, key=lambda m: (m[0] - m[1], m[0])):
            if any(start < e and s < end for s, e in taken):
                continue
            taken.append((start, end))
            denied = _context.denied(folded, start, end, negations)
            denied = denied or _context.is_name_of_another(folded, end)
            minor = _context.minor(folded, start, end)
            minor = minor or ("article" in found.words and _context.portion(folded, start))
            salt = _context.is_salt(term.substance, folded, end) or _context.is_trait(
                term.substance, folded, start, end
            )
            strength = "weak" if salt or _context.goes_on(folded, start, end) else term.strength
            gaps = not term.text.isascii() and _context.is_gapped(term.text, original)
            cast = _context.is_cast(term.text, folded, end)
            alone = "article" in found.words and _context.alone(folded, start, end, known(folded, found))
            mention = Mention(term.substance, term.text, strength, disguised or gaps, denied, minor, cast, alone)
            mentions.append((start, mention))
        return [mention for _, mention in sorted(mentions, key=lambda m: m[0])]

    def _from_numbers(self, original: str) -> list[Mention]:
        mentions = []
        matches = [*_CAS.finditer(original)] if "-" in original else []
        if "cas" in original.lower():
            matches += _CAS_SAID.finditer(original)
        for match in matches:
            number = "-".join(match.groups())
            substance = self._cas.get(number)
            if substance and cas_is_valid(number):
                mentions.append(Mention(substance, f"CAS {number}", "strong"))
        return mentions

    def _from_formulae(self, original: str, supported: bool, graded: bool, digits: bool) -> list[Mention]:
        """Find formulae and symbols; ``supported`` by a grade or a raw form, they may be badly typed ("dy2o3", "Ge02")."""
        mentions = []
        exact = self._exact
        for token in _TOKEN.findall(original):
            if token in exact:
                term = exact[token]
                mentions.append(Mention(term.substance, term.text, term.strength))
        signed = any(map(original.__contains__, self._formula_signs))
        for match in self._formulae.finditer(original) if signed else ():
            term = exact[match.group()]
            mentions.append(Mention(term.substance, term.text, term.strength))
        oxides = digits and _OXYGENS.search(original) is not None
        for match in _LOOSE_OXIDE.finditer(original) if oxides else ():
            element, many, oxygen, count = match.groups()
            loose = self._oxides.get((element.lower(), many, count))
            if loose is None or match.group() in self._exact:
                continue
            sure = supported or (element[0].isupper() and not element[1:].isupper() and many != "" and oxygen == "O")
            if len(element) == 2 or many:
                mentions.append(Mention(loose.substance, loose.text, "strong" if sure else "weak", hidden=sure))
        for symbol, words in formed_symbols(original):
            substance = self._symbols.get(symbol)
            if substance:
                mentions.append(Mention(substance, words, "strong", cast="ngot" in words or "NGOT" in words))
        for symbol, nines in stated_symbols(original) if graded else ():
            substance = self._symbols.get(symbol)
            if substance:
                mentions.append(Mention(substance, f"{symbol} at {nines:g}N", "strong" if nines >= 2 else "weak"))
        return mentions

    def _from_disguises(self, folded: str, plainly: set[Term]) -> list[Mention]:
        """Look again with letters joined, digits read as letters, words run together, and one letter wrong.

        What stands there ``plainly`` was weighed already and is no disguise.
        """
        others = readings(folded)
        letters = folded.translate(_LETTERS_ONLY) if folded.isascii() else _NO_LETTER.sub("", folded)
        # One search through all of them says of nearly every text that nothing is disguised in it.
        if not self._disguised.find_matches_as_indexes("\n".join((*others, letters))):
            return self._from_typos(folded)
        for reading in others:
            for start, end, term in self._scan([reading])[0].terms:
                if _can_hide(term, end - start) and term not in plainly:
                    return [Mention(term.substance, term.text, "strong", hidden=True)]
        if not self._names_automaton.find_matches_as_indexes(letters):
            return self._from_typos(folded)
        run_together, starts, ends = compact(folded)
        for index, start, end in self._names_automaton.find_matches_as_indexes(run_together, overlapping=True):
            if start in starts and end in ends and starts[bisect_right(starts, start) - 1] != _word_start(starts, end):
                term = self._names[self._long_names[index]]
                return [Mention(term.substance, term.text, "strong", hidden=True)]
        return self._from_typos(folded)

    def _from_typos(self, folded: str) -> list[Mention]:
        """Find names with one letter left out, added, changed or swapped with its neighbour."""
        kept = self._kept_typos
        for word in _LONG_WORD.findall(folded):
            if word not in kept:
                if len(kept) > _KEPT_READINGS:
                    kept.clear()
                kept[word] = self._typo(word)
            if (found := kept[word]) is not None:
                return [found]
        return []

    def _typo(self, word: str) -> Mention | None:
        """Return the name that a word is one edit away from."""
        near = self._near_names
        if ("rn" in word or "vv" in word) and (term_read := self._names.get(scanned(word))) is not None:
            return Mention(term_read.substance, term_read.text, "strong", hidden=True)
        for reduced in _reduced(word):
            name = near.get(reduced)
            if name is None or name[0] != word[0] or word in _NEAR_NAMES or abs(len(name) - len(word)) > 1:
                continue
            if OSA.distance(word, name, score_cutoff=1) == 1:
                term = self._names[name]
                return Mention(term.substance, term.text, "weak", hidden=True)
        return None


def _can_hide(term: Term, length: int) -> bool:
    """Tell whether a term is looked for under a disguise: short and weak ones would be found in anything."""
    return term.strength == "strong" and length >= 4


def _sign(formula: str) -> str:
    """Return the first sign of a formula that is not letters and digits alone, with what follows: a text without has it not."""
    at = next(n for n, c in enumerate(formula) if _TOKEN.fullmatch(c) is None)
    return formula[at : at + 2]


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
