"""What MISLABEL-TEXT says: titles, explanations with the words and signs that tell, evidence."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from detectors.models.learned import LearnedHit, Voice
from detectors.models.text.evidence import Beside, fitting
from detectors.models.text.headings import Likeness
from detectors.models.text.substances import Face
from detectors.reference import Reference
from schemas.types import Severity

#: From these many times the top of the declared heading's usual price on, a price is worth telling, and evidence of its own.
_DEARER, _DEAR = 1.5, 4.0
_WORDS = 3
_QUOTED = 120
#: Scores: a single finding of level medium lands from 27 to 40, so that it takes another kind of evidence to reach high.
_FROM, _TO = 0.6, 0.9


@dataclass(frozen=True, slots=True)
class Spelled:
    """What a text spells: the element, its log odds, the face that told, the words and the signs with what they add."""

    element: str
    odds: float
    face: Face
    words: Sequence[tuple[str, float]]
    signs: Sequence[tuple[str, float]]


@lru_cache(maxsize=128)
def name_of(reference: Reference, element: str) -> str:
    """Return the lexicon's name of an element ("gallium" for Ga), or its symbol."""
    return next((e.substance for e in reference.lexicon if e.element == element and e.kind == "element"), element)


def _quoted(text: str) -> str:
    text = " ".join(text.split())
    return text if len(text) <= _QUOTED else text[: _QUOTED - 1] + "…"


def _listed(words: Sequence[tuple[str, float]]) -> str:
    told = [f"“{_quoted(word)}” {share:+.1f}" for word, share in words[:_WORDS] if share > 0.05]
    return ", ".join(told) or "no word alone, but their letters together"


def _scaled(score: float) -> float:
    """Return a score of at least 1 (the threshold) as 0..1, the same for every version of a model."""
    return _FROM + (_TO - _FROM) * min(1.0, max(0.0, score - 1.0))


def hidden(
    version: str,
    row: int,
    fact: Mapping[str, Any],
    spelled: Spelled,
    beside: Beside,
    score: float,
    controlled: bool,
    reference: Reference,
) -> LearnedHit:
    """Return the finding that words spell a controlled substance; high only if the price says the same on its own."""
    substance = name_of(reference, spelled.element)
    code = fact["commodity_code"]
    text = fact["description"]
    item = f"/items/{fact['item_index']}"
    price = beside.price
    band = (
        fitting(reference, beside.day, spelled.element, price) if price is not None and beside.dear(_DEARER) else None
    )
    dear = band is not None and beside.over is not None and beside.over >= _DEAR
    level: Severity = ("high" if dear else "medium") if controlled else "low"
    read = "" if spelled.face[0] in text.lower() else f", read as “{_quoted(spelled.face[0])}”"
    said = [
        f"“{_quoted(text)}”{read} is spelled like {substance} ({spelled.element}); what tells, in log odds: "
        f"{_listed(spelled.words)}.",
    ]
    other = [f"{name} {share:+.1f}" for name, share in spelled.signs if name != "words"]
    if other:
        said.append(f"Beside the words: {', '.join(other)}.")
    if code is not None:
        said.append(f"Code {code} is not one under which {substance} is declared.")
    evidence = [
        {
            "path": f"{item}/description",
            "observed": text[:1000],
            "expected": None,
            "reference": f"model mislabel-text: spelled like {substance}, log odds {spelled.odds:+.1f}",
        }
    ]
    if code is not None:
        evidence.append(
            {
                "path": f"{item}/commodity_code",
                "observed": code,
                "expected": f"a code of {substance}",
                "reference": None,
            }
        )
    if price is not None and band is not None:
        over = "" if beside.over is None else f", and is {beside.over:,.1f} times the most that such goods usually cost"
        said.append(f"{price:,.4g} USD/kg fits {substance} on the day ({band[0]:,.4g} to {band[1]:,.4g} USD/kg){over}.")
        evidence.append(
            {
                "path": f"{item}/value",
                "observed": price,
                "expected": fact["heading_high"],
                "reference": f"price band of {substance}: {band[0]:g} to {band[1]:g} USD/kg",
            }
        )
    return LearnedHit(
        rule=Voice("mislabel-text", "MISLABEL-TEXT", level, version),
        row=row,
        declaration=fact["row"],
        item_number=fact["item_number"],
        score=_scaled(score),
        title=f"Words that spell {substance} under another code" if code else f"Words that spell {substance}",
        explanation=" ".join(said),
        evidence=evidence,
        substances=[substance],
    )


def miscoded(
    version: str,
    row: int,
    fact: Mapping[str, Any],
    like: Likeness,
    heading: str,
    nearest: str,
    words: Sequence[tuple[str, float]],
    score: float,
) -> LearnedHit:
    """Return the finding that words are those of another heading."""
    code = fact["commodity_code"]
    item = f"/items/{fact['item_index']}"
    telling = ", ".join(f"“{word}” {share:.0%}" for word, share in words[:_WORDS] if share > 0)
    return LearnedHit(
        rule=Voice("mislabel-text", "MISLABEL-TEXT", "medium", version),
        row=row,
        declaration=fact["row"],
        item_number=fact["item_number"],
        score=_scaled(score),
        title=f"Words of heading {heading} under code {code}",
        explanation=(
            f"“{_quoted(fact['description'])}” is like what is declared under heading {heading} (“{_quoted(nearest)}”, likeness "
            f"{like.best:.2f} of 1), and like nothing under the declared {code[:4]} (at most {like.own:.2f}). "
            f"What it shares: {telling or 'letters across words'}."
        ),
        evidence=[
            {
                "path": f"{item}/description",
                "observed": fact["description"][:1000],
                "expected": f"words of heading {code[:4]}",
                "reference": f"model mislabel-text: likeness {like.best:.2f} to {heading}, {like.own:.2f} to {code[:4]}",
            },
            {"path": f"{item}/commodity_code", "observed": code, "expected": heading, "reference": None},
        ],
        substances=[],
    )
