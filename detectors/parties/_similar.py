"""How alike two names are, in a number and in words: for parties that already share a link, never to make a key."""

from __future__ import annotations

from typing import NamedTuple

from rapidfuzz import fuzz

from detectors.parties._names import Name, read_name
from detectors.parties._words import words

#: Below, two cores are two names. Four letters of five alike are a typo; three of five are another firm.
_ALIKE = 0.8
_SHORT = 5


class Likeness(NamedTuple):
    """From 0 (unlike, or nothing to compare) to 1 (one name in two spellings), and why."""

    score: float
    why: str


class _Parts(NamedTuple):
    """The words of a name: what is neither business nor place, in one piece; and those that are."""

    core: str
    kinds: frozenset[str]
    places: frozenset[str]

    @classmethod
    def of(cls, name: Name) -> _Parts:
        known = words()
        said = name.text.split()
        kinds = frozenset(word for word in said if word in known.kinds)
        places = frozenset(word for word in said if word in known.places)
        return cls("".join(word for word in said if word not in kinds and word not in places), kinds, places)


def _listed(said: frozenset[str]) -> str:
    return " ".join(sorted(said))


def similar(a: str | None, b: str | None, country: str | None = None) -> Likeness:
    """Compare two names as declared.

    A different line of business or place caps the score: "Huaxin Metals" and "Huaxin Electronics" are two firms until
    something else joins them, and so are a firm and its branch. A surname that both share counts for nothing.
    """
    one, two = (read_name(name, country) if name else None for name in (a, b))
    if one is None or two is None:
        return Likeness(0.0, "one of them names nobody")
    if one.surname or two.surname:
        return Likeness(0.0, "a surname alone tells nothing")
    if one.text == two.text:
        return Likeness(1.0, "one name: " + ("; ".join(dict.fromkeys(one.steps + two.steps)) or "spelt alike"))
    return _compared(_Parts.of(one), _Parts.of(two))


def _compared(one: _Parts, two: _Parts) -> Likeness:
    if not one.core or not two.core:
        return Likeness(0.0, "nothing but places and lines of business")
    ratio = fuzz.ratio(one.core, two.core) / 100
    if min(len(one.core), len(two.core)) <= _SHORT and ratio < 1:
        return Likeness(round(ratio * 0.5, 3), "short names that differ")
    if ratio < _ALIKE:
        return Likeness(round(ratio * 0.5, 3), "other names")
    score, reasons = ratio, [f"'{one.core}' and '{two.core}' are alike" if ratio < 1 else f"both are '{one.core}'"]
    if {one.core, two.core} & words().surnames:
        return Likeness(0.3, "they share a common surname only")
    if one.kinds != two.kinds:
        apart = bool(one.kinds - two.kinds) and bool(two.kinds - one.kinds)
        score *= 0.6 if apart else 0.85
        reasons.append(f"other business ('{_listed(one.kinds)}' and '{_listed(two.kinds)}')")
    if one.places != two.places:
        score *= 0.7 if one.places and two.places else 0.9
        reasons.append(f"other places ('{_listed(one.places)}' and '{_listed(two.places)}')")
    return Likeness(round(score, 3), "; ".join(reasons))
