"""What a learned detector is: it learns from history, scores batches, speaks in findings, and is stored as plain parts.

A learned detector sees what the rules see (:mod:`detectors.features`) and abstains with NaN where its inputs are null. Its
score of an item depends on that item and its declaration alone, so that batches of any size and order give the same.

This module is imported by every worker and must stay light: scikit-learn is imported by the detectors themselves, which
:mod:`detectors.models.catalogue` finds by name.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar, Literal, Self

import numpy as np

from detectors import features
from detectors._columnar import Numbers
from detectors.batch import Batch
from detectors.features import Features
from detectors.reference import Reference
from schemas.types import FindingCode, Severity

#: Told while training: what is being done, and the share of the whole that is done (0..1).
Say = Callable[[str, float], None]
Scope = Literal["item", "declaration"]


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one declaration: a label.

    ``wrong``: inspection, audit or simulator found it wrong; ``weight``: one by the chance that it was selected at all
    (1.0 where all were looked at); ``revenue``: what was recovered, in the currency of the history, None if unknown.
    """

    wrong: bool
    substances: tuple[str, ...] = ()
    codes: tuple[str, ...] = ()
    revenue: float | None = None
    weight: float = 1.0


@dataclass(frozen=True)
class History:
    """What a detector learns from.

    Parameters
    ----------
    batches : declarations as they were when lodged, in order of ``lodged_at``; anew with every iteration.
    reference : the tables in use, looked up at each declaration's own day.
    labels : ``declaration_id`` -> outcome; a declaration that is missing here has no known outcome, which is not honest.
    """

    batches: Iterable[Batch]
    reference: Reference
    labels: Mapping[str, Outcome] = field(default_factory=dict)

    def computed(self, columns: frozenset[str]) -> Iterator[tuple[Batch, Features]]:
        """Yield each batch with its features (the given columns, and those that cost nothing more)."""
        for batch in self.batches:
            if len(batch):
                yield batch, features.compute(batch, self.reference, columns)

    def ordinary(self, batch: Batch) -> np.ndarray[Any, np.dtype[np.bool_]]:
        """Return which declarations of a batch may be learned from as ordinary trade: all but those found wrong."""
        labels = self.labels
        told = (labels.get(row["declaration_id"]) for row in batch.rows)
        return np.array([outcome is None or not outcome.wrong for outcome in told], dtype=np.bool_)


@dataclass(frozen=True, slots=True)
class Scores:
    """What a detector thinks of each item, or of each declaration, of a batch.

    Attributes
    ----------
    values : the more suspicious the higher, in the detector's own unit; NaN where it abstains. A value for each row of
        ``computed.items`` or ``computed.declarations``, by ``scope``.
    scope : whether rows are items or declarations.
    kept : arrays of the same length that the detector worked out on the way and needs to explain itself.
    """

    values: Numbers
    scope: Scope = "item"
    kept: Mapping[str, np.ndarray[Any, Any]] = field(default_factory=dict)

    def over(self, threshold: float) -> list[int]:
        """Return the rows whose values reach a threshold."""
        with np.errstate(invalid="ignore"):
            found: list[int] = np.flatnonzero(self.values >= threshold).tolist()
        return found


@dataclass(frozen=True, slots=True)
class Voice:
    """Who speaks in a learned hit, where a rule stands in a rule's hit; ``level`` is this hit's own severity."""

    id: str
    code: FindingCode
    level: Severity
    version: str
    typologies: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class LearnedHit:
    """A score over the threshold, with what the detector says of it: the fields of a rule's :class:`detectors.rules.Hit`.

    ``declaration`` is the place in the batch; ``item_number`` None for the whole declaration; ``score`` 0 to 1; each piece of
    ``evidence`` has ``path``, ``observed``, ``expected`` and ``reference``.
    """

    rule: Voice
    row: int
    declaration: int
    item_number: int | None
    score: float
    title: str
    explanation: str
    evidence: list[dict[str, Any]]
    substances: list[str]


class LearnedDetector(ABC):
    """A detector that is trained.

    ``name``, ``code``, ``columns`` (the features that it reads) and ``needs_labels`` (whether it learns from known outcomes
    alone) are of the class; ``version`` is the registry's, set by whoever loads it; ``threshold`` is the score from which it
    speaks, calibrated in training.
    """

    name: ClassVar[str]
    code: ClassVar[FindingCode]
    columns: ClassVar[frozenset[str]]
    needs_labels: ClassVar[bool] = False

    version: str = "untrained"
    threshold: float

    @classmethod
    @abstractmethod
    def train(cls, history: History, say: Say, seed: int = 0) -> Self:
        """Learn from history; the same history and seed give the same detector.

        Raises
        ------
        schemas.errors.ModelError : the history does not hold what the detector needs; the message says what is missing.
        """

    @abstractmethod
    def score(self, batch: Batch, computed: Features, reference: Reference) -> Scores:
        """Return a score for every item (or declaration), NaN where it abstains."""

    @abstractmethod
    def hits(self, batch: Batch, computed: Features, scores: Scores, reference: Reference) -> list[LearnedHit]:
        """Return what there is to say of the scores over the threshold, in the order of the rows."""

    @abstractmethod
    def parts(self) -> dict[str, Any]:
        """Return all that was learned, as numpy arrays, scikit-learn objects, and plain lists, dicts, texts and numbers."""

    @classmethod
    @abstractmethod
    def from_parts(cls, parts: Mapping[str, Any]) -> Self:
        """Return the detector that gave ``parts``.

        Raises
        ------
        schemas.errors.ModelError : a part is missing, or is not what it should be.
        """

    def forget(self) -> None:  # noqa: B027 - most keep nothing
        """Drop what was kept of texts and keys seen, for measurements; scores stay the same."""

    def described(self) -> dict[str, Any]:
        """Return figures for the model card: sizes, thresholds, budgets; values that JSON can carry."""
        return {"threshold": float(self.threshold)}
