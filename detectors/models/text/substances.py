"""Which controlled element, if any, do the words spell? A linear model over n-grams of several faces of a text.

One logistic regression an element (stochastic gradient descent, one against all others and against honest words), trained on the
spellings of :mod:`detectors.models.text.spellings` and on the descriptions of ordinary trade.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Self

import numpy as np

from detectors.models.text.grams import grams, normalised
from detectors.models.text.spellings import (
    articles,
    elements,
    hidden_names,
    honest_phrases,
    with_numbers,
)
from detectors.models.text.views import faces
from detectors.reference import Reference
from schemas.errors import ModelError

_SIZES = ((2, 3, 4, 5),) * 3
_BITS = 17
_EPOCHS = 6
#: Honest descriptions of history to learn from, at most.
_HONEST = 30_000
_CHUNK = 2000

Face = tuple[str, str, str]


class Substances:
    """Weights of n-grams by element.

    Parameters
    ----------
    symbols : chemical symbols, sorted.
    weights : float32, a row a column of n-grams, a column an element.
    bases : what each element starts from.
    """

    def __init__(self, symbols: list[str], weights: np.ndarray[Any, Any], bases: np.ndarray[Any, Any]) -> None:
        if weights.shape != (1 << _BITS, len(symbols)) or bases.shape != (len(symbols),):
            raise ModelError(f"weights of {weights.shape} do not fit {len(symbols)} elements")
        self.symbols = symbols
        self.weights = np.ascontiguousarray(weights, dtype=np.float32)
        self.bases = bases.astype(np.float64)

    @classmethod
    def learn(
        cls,
        reference: Reference,
        honest: Sequence[str],
        say: Callable[[float], None],
        seed: int,
        of_each: int = 2500,
    ) -> Self:
        """Learn from the lexicon's names and from honest descriptions (``of_each`` spellings an element)."""
        from sklearn.linear_model import SGDClassifier

        told = elements(reference)
        symbols = list(told)
        texts: list[Face] = []
        classes: list[int] = []
        for number, symbol in enumerate(symbols):
            for text in hidden_names(symbol, told[symbol], of_each, seed):
                texts.append(faces(text)[0])
                classes.append(number)
        step = max(1, len(honest) // _HONEST)
        every = [entry for entries in told.values() for entry in entries]
        for text in (
            *honest[::step],
            *honest_phrases() * 8,
            *with_numbers(list(honest[::step]), 2 * of_each, seed),
            *articles(every, _articles(), 2 * of_each, seed),
        ):
            for face in faces(text):
                texts.append(face)
                classes.append(-1)
        say(0.2)
        seen = _vectors(texts)
        known = np.array(classes)
        weights = np.zeros((1 << _BITS, len(symbols)), dtype=np.float32)
        bases = np.zeros(len(symbols))

        def fitted(number: int) -> Any:
            model = SGDClassifier(loss="log_loss", alpha=2e-6, max_iter=_EPOCHS, tol=None, random_state=seed)
            return model.fit(seen, known == number)

        with ThreadPoolExecutor(os.cpu_count()) as pool:  # scikit-learn lets go of the interpreter while it descends
            for number, model in enumerate(pool.map(fitted, range(len(symbols)))):
                weights[:, number] = model.coef_[0]
                bases[number] = model.intercept_[0]
                say(0.2 + 0.8 * (number + 1) / len(symbols))
        return cls(symbols, weights, bases)

    def strongest(self, texts: Sequence[str]) -> list[tuple[float, int, Face]]:
        """Return, of each text, the log odds of the element that it spells best, its place in ``symbols``, and the face."""
        of_each = [faces(text) for text in texts]
        flat = [face for each in of_each for face in each]
        odds = self._odds(flat)
        best = odds.argmax(axis=1) if len(flat) else np.zeros(0, dtype=np.int64)
        found = []
        at = 0
        for each in of_each:
            rows = range(at, at + len(each))
            row = max(rows, key=lambda n: odds[n, best[n]])
            found.append((float(odds[row, best[row]]), int(best[row]), flat[row]))
            at += len(each)
        return found

    def telling(self, face: Face, place: int) -> list[tuple[str, float]]:
        """Return the words of a face with what each adds to the log odds of an element, the weightiest first."""
        words = face[0].split()
        if len(words) < 2:
            return [(word, float(self._odds([face])[0, place] - self.bases[place])) for word in words]
        whole = self._odds([face])[0, place]
        without = [" ".join(words[:n] + words[n + 1 :]) for n in range(len(words))]
        left = self._odds([(text, text.replace(" ", ""), face[2] and text) for text in without])[:, place]
        return sorted(zip(words, (whole - left).tolist(), strict=True), key=lambda each: -each[1])

    def _odds(self, texts: Sequence[Face]) -> np.ndarray[Any, Any]:
        if not texts:
            return np.zeros((0, len(self.symbols)))
        # Sparse times dense adds up row by row, in the order of columns: a text's sum does not depend on its neighbours.
        return np.asarray(_vectors(texts) @ self.weights, dtype=np.float64) + self.bases

    def parts(self) -> dict[str, Any]:
        """Return what was learned."""
        return {"symbols": self.symbols, "weights": self.weights, "bases": self.bases}

    @classmethod
    def from_parts(cls, parts: Mapping[str, Any]) -> Self:
        """Return the model that gave ``parts``."""
        return cls(parts["symbols"], np.asarray(parts["weights"]), np.asarray(parts["bases"]))


def _articles() -> list[str]:
    from detectors._mentions import vocabulary

    return [word.rstrip("*") for word in vocabulary()["article"]]


def _vectors(texts: Sequence[Face]) -> Any:
    views = [[face[n] for face in texts] for n in range(3)]
    return normalised(grams(views, _SIZES, _BITS))
