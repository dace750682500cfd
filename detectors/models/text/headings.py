"""Which heading do the words belong to? Descriptions of history, heading by heading, and how like them a new one is.

Of each heading some descriptions are kept that differ from one another; a text's likeness to a heading is its likeness (cosine
of weighted n-grams) to the nearest of them. A heading holds goods of many kinds in many languages, which an average would blur,
and the nearest description is an explanation that a person can check. A text that is like nothing kept is not judged.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, Self

import numpy as np

from detectors.models.text.grams import grams, normalised
from detectors.models.text.views import latin

#: Lengths of n-grams of the Latin spelling, and of other scripts as written.
_SIZES = ((3, 4), (2, 3))
#: An n-gram that stands in more than this share of the descriptions says little, and costs most: it is left out.
_COMMON = 0.04
_BITS = 18
#: Descriptions kept of one heading, and in all; one that is this like another of its heading says nothing new.
_OF_HEADING, _IN_ALL, _ALIKE = 60, 20_000, 0.75
#: A heading is known from this many descriptions on: below, likeness to none of them says little.
_KNOWN_FROM = 3
#: Descriptions of one heading that are compared with one another, spread over all.
_LOOKED_AT = 800
_CHUNK = 512


@dataclass(frozen=True, slots=True)
class Likeness:
    """How like a text is to its declared heading (``own``) and to the likest other (``best``): cosines, NaN if not known.

    ``heading`` is the place of the other in ``Headings.headings``, ``nearest`` that of its description in ``texts``.
    """

    own: float
    best: float
    heading: int
    nearest: int


class Headings:
    """Descriptions by heading.

    Parameters
    ----------
    headings : four-digit headings, sorted.
    texts : the descriptions kept, in the order of their headings.
    starts : of each heading the place of its first description, and last their number.
    weights : of each column of n-grams, how telling it is.
    """

    def __init__(self, headings: list[str], texts: list[str], starts: list[int], weights: np.ndarray[Any, Any]) -> None:
        self.headings = headings
        self.texts = texts
        self.starts = np.array(starts, dtype=np.int64)
        self.weights = weights
        self._places = {heading: n for n, heading in enumerate(headings)}
        self._kept = _vectors(texts, weights) if texts else None

    @classmethod
    def learn(cls, told: Mapping[str, Iterable[str]]) -> Self:
        """Learn from descriptions by heading (each named by :func:`detectors.models.text.views.named`)."""
        pairs = [(heading, text) for heading in sorted(told) for text in sorted(set(told[heading]))]
        weights = _weights([text for _, text in pairs])
        headings: list[str] = []
        texts: list[str] = []
        starts = [0]
        share = max(_KNOWN_FROM, min(_OF_HEADING, _IN_ALL // max(1, len(told))))
        for heading in sorted(told):
            kept = _differing(sorted(set(told[heading])), weights, share)
            if len(kept) >= _KNOWN_FROM:
                headings.append(heading)
                texts += kept
                starts.append(len(texts))
        return cls(headings, texts, starts, weights)

    def likeness(self, texts: Sequence[str], declared: Sequence[str]) -> list[Likeness]:
        """Return how like each text is to its declared heading and to the likest other."""
        found: list[Likeness] = []
        for start in range(0, len(texts), _CHUNK):
            found += self._likeness(texts[start : start + _CHUNK], declared[start : start + _CHUNK])
        return found

    def _likeness(self, texts: Sequence[str], declared: Sequence[str]) -> list[Likeness]:
        if self._kept is None:
            return [Likeness(np.nan, np.nan, 0, 0)] * len(texts)
        # Descriptions are rows, texts columns: the greatest of each heading's rows is then taken over whole rows.
        like = (self._kept @ _vectors(texts, self.weights).T.tocsr()).toarray()
        of_heading = np.empty((len(self.headings), len(texts)), dtype=like.dtype)
        for n, (first, end) in enumerate(pairwise(self.starts.tolist())):
            like[first:end].max(axis=0, out=of_heading[n])  # np.maximum.reduceat takes seven times as long
        columns = np.arange(len(texts))
        own_places = np.array([self._places.get(heading, -1) for heading in declared])
        own = np.where(own_places >= 0, of_heading[own_places, columns], np.nan)
        of_heading[own_places[own_places >= 0], columns[own_places >= 0]] = -1.0
        found = []
        for n, place in enumerate(of_heading.argmax(axis=0).tolist()):
            first, end = self.starts[place], self.starts[place + 1]
            nearest = int(first + like[first:end, n].argmax())
            found.append(Likeness(float(own[n]), float(of_heading[place, n]), place, nearest))
        return found

    def shared(self, text: str, other: str) -> list[tuple[str, float]]:
        """Return the words of a text with what each adds to its likeness to another, the weightiest first."""
        mine, theirs = _vectors([text, other], self.weights)
        parts = text.split() if " " in text else [text]
        theirs = theirs.toarray().ravel()
        alone = [(word, float((_seen([word]).multiply(mine) @ theirs)[0])) for word in parts]
        total = sum(share for _, share in alone) or 1.0
        return sorted(((word, share / total) for word, share in alone), key=lambda each: -each[1])

    def parts(self) -> dict[str, Any]:
        """Return what was learned."""
        return {
            "headings": self.headings,
            "texts": self.texts,
            "starts": self.starts.tolist(),
            "weights": self.weights,
        }

    @classmethod
    def from_parts(cls, parts: Mapping[str, Any]) -> Self:
        """Return the headings that gave ``parts``."""
        return cls(parts["headings"], parts["texts"], parts["starts"], np.asarray(parts["weights"], dtype=np.float32))


def _seen(texts: Sequence[str]) -> Any:
    """Return n-grams of the words in Latin letters; of other scripts also those as written."""
    plain = [text if text.isascii() else latin(text) for text in texts]
    return grams([plain, ["" if text.isascii() else text for text in texts]], _SIZES, _BITS)


def _vectors(texts: Sequence[str], weights: np.ndarray[Any, Any]) -> Any:
    return normalised(_seen(texts), weights)


def _weights(texts: Sequence[str]) -> np.ndarray[Any, Any]:
    """Return inverse document frequencies; what was never seen is as telling as what was seen once."""
    seen = np.zeros(1 << _BITS)
    for start in range(0, len(texts), 5000):
        seen += np.bincount(_seen(texts[start : start + 5000]).indices, minlength=len(seen))
    weights = np.log((1 + len(texts)) / (1 + np.maximum(seen, 1))) + 1.0
    weights[seen > max(_KNOWN_FROM, _COMMON * len(texts))] = 0.0
    return np.asarray(weights, dtype=np.float32)


def _differing(texts: list[str], weights: np.ndarray[Any, Any], most: int) -> list[str]:
    """Return texts of which none is too like an earlier one, at most ``most``."""
    step = max(1, len(texts) // _LOOKED_AT)
    texts = texts[::step][:_LOOKED_AT]
    vectors = _vectors(texts, weights)
    alike = (vectors @ vectors.T).toarray() > _ALIKE
    kept: list[int] = []
    for n in range(len(texts)):
        if not alike[n, kept].any():
            kept.append(n)
    return [texts[n] for n in kept[:most]]
