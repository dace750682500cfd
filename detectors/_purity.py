"""Purity grades in goods descriptions: "99.9999 %", "6N", "five nines", "纯度≥99.99%"."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass

_SYMBOLS = "Ga|Ge|Sb|In|Bi|Te|Mo|Dy|Tb|Sm|Gd|Lu|Sc|Ho|Er|Tm|Eu|Yb|Nd|Pr|W|Y|GA|GE|SB|DY|TB|GD|SC"
_PERCENT = r"9\d(?:[.,]\d{1,7})?\s?(?:%|pct|percent|wt)"
_BARE = r"99[.,]\d{1,7}"
_GRADE = r"[2-9]N(?:[1-9])?"
_NUMBER = rf"(?:{_PERCENT}|{_BARE}|{_GRADE})"

_PERCENT_RE = re.compile(r"(?<![\d.,])(\d{2}(?:[.,]\d{1,7})?)\s?(?:%|pct\b|percent\b|wt\b|процент)", re.IGNORECASE)
_BARE_RE = re.compile(r"(?<![\d.,])(99[.,]\d{1,7})(?![\d.,])")
_GRADE_RE = re.compile(r"(?<![A-Za-z0-9.])([2-9])\s?N([1-9])?(?![A-Za-z0-9])")
_GRADE_LOWER_RE = re.compile(r"(?<![a-z0-9.])([3-8])n([1-9])?(?![a-z0-9])")
_WORDS_RE = re.compile(r"(?<!\w)(three|four|five|six|seven|eight) nines?(?!\w)")
_WORDS = {"three": 3.0, "four": 4.0, "five": 5.0, "six": 6.0, "seven": 7.0, "eight": 8.0}
# Words beside which a percentage is no purity.
_OTHER_SHARE_RE = re.compile(
    r"cotton|polyester|alcohol|vol|humidity|discount|wool|silk|elastane|viscose|cocoa|fat|juice|棉|涤纶|хлоп|baumwolle|algod",
)
_FORM = r"(?i:\s?(?:metal|ingots?|powder|granules?|shots?|lumps?|bars?|pellets?|锭|粉|粒|块))"
_SYMBOL_BEFORE = re.compile(rf"(?<![A-Za-z])({_SYMBOLS}){_FORM}?[\s:=\-≥>~()/,]{{0,4}}({_NUMBER})")
_SYMBOL_AFTER = re.compile(rf"(?<![\d.])({_NUMBER})[\s\-+()/]{{0,3}}({_SYMBOLS})(?![A-Za-z0-9]|-\d)")
# Chinese names of the elements are one character each, and part of other names: they count alone, beside a purity.
_CHARACTERS = dict(
    zip(
        "镓鎵锗鍺锑銻铟銦铋鉍碲钼鉬钨鎢镝鏑铽鋱钐釤钆釓镥鎦钪鈧钇釔",
        "Ga Ga Ge Ge Sb Sb In In Bi Bi Te Mo Mo W W Dy Dy Tb Tb Sm Sm Gd Gd Lu Lu Sc Sc Y Y".split(),
        strict=True,
    )
)
_ALONE = rf"(?<![\u4e00-\u9fff])([{''.join(_CHARACTERS)}])"
_CHARACTER_BEFORE = re.compile(rf"{_ALONE}[\s:=\-≥>~()/,]{{0,4}}({_NUMBER})")
_CHARACTER_AFTER = re.compile(rf"(?<![\d.])({_NUMBER})[\s\-+()/]{{0,3}}{_ALONE}(?![\u4e00-\u9fff])")
# Symbols right before a form in which only the substance is sold: "Sb ingots", "Ge granules". "Bi-metal" is something else.
_FORMED = re.compile(
    r"(?<![A-Za-z0-9-])(?:(Ga|Ge|Sb|Te|Dy|Tb|Gd|Lu|Sc) (?i:metal|ingots?|granules?|lumps?|pellets?|powder)|"
    r"(Bi|W|Mo|GA|GE|SB|BI|TE|DY|TB|GD) (?i:ingots?|granules?)|(W|Mo) (?i:powder))(?![A-Za-z])"
)
_FORM_STEMS = ("metal", "ingot", "granule", "lump", "pellet", "powder")


@dataclass(frozen=True, slots=True)
class Purity:
    """A stated purity: ``percent`` by mass and ``text`` as it stands in the description."""

    percent: float
    text: str

    @property
    def nines(self) -> float:
        """Grade as a number of nines: 99.99 % is 4."""
        return nines_of(self.percent)


def nines_of(percent: float) -> float:
    """Return a purity as a number of nines: 99.99 % is 4."""
    return -math.log10(max(1 - percent / 100, 1e-12))


def _of_grade(digit: str, further: str | None) -> float:
    """Percent of a grade such as 5N or 4N5 (99.995 %)."""
    percent = 100 - 10.0 ** (2 - int(digit))
    if further:
        percent += int(further) * 10.0 ** (1 - int(digit))
    return percent


def purity(original: str, folded: str) -> Purity | None:
    """Return the highest purity that a description states, from 90 % up; shares of fibres and drinks are not purities."""
    found: list[Purity] = []
    for match in _GRADE_RE.finditer(original):
        found.append(Purity(_of_grade(*match.groups()), match.group()))
    if not found:
        found += [Purity(_of_grade(*m.groups()), m.group()) for m in _GRADE_LOWER_RE.finditer(folded)]
    found += [Purity(100 - 10 ** (2 - _WORDS[m.group(1)]), m.group()) for m in _WORDS_RE.finditer(folded)]
    for pattern in (_PERCENT_RE, _BARE_RE):
        for match in pattern.finditer(original):
            percent = float(match.group(1).replace(",", "."))
            if 90 <= percent < 100:
                found.append(Purity(percent, match.group()))
    if not found or _OTHER_SHARE_RE.search(folded):
        return None
    return max(found, key=lambda p: p.percent)


def stated_symbols(original: str) -> list[tuple[str, float]]:
    """Return chemical symbols that stand beside a purity, with its number of nines: "Ga 99.9999%" gives ("Ga", 6.0)."""
    found = []
    for match in _SYMBOL_BEFORE.finditer(original):
        found.append((match.group(1), match.group(2)))
    for match in _SYMBOL_AFTER.finditer(original):
        found.append((match.group(2), match.group(1)))
    if not original.isascii():
        found += [(_CHARACTERS[m.group(1)], m.group(2)) for m in _CHARACTER_BEFORE.finditer(original)]
        found += [(_CHARACTERS[m.group(2)], m.group(1)) for m in _CHARACTER_AFTER.finditer(original)]
    return [(symbol.capitalize(), grade.nines) for symbol, number in found if (grade := purity(number, number.lower()))]


def formed_symbols(original: str) -> list[tuple[str, str]]:
    """Return chemical symbols that stand right before a raw form, with the words: "Sb ingots" gives ("Sb", "Sb ingots")."""
    lowered = original.lower()
    for form in _FORM_STEMS:
        if form in lowered:
            break
    else:
        return []
    return [((m.group(1) or m.group(2) or m.group(3)).capitalize(), m.group()) for m in _FORMED.finditer(original)]
