"""What judges: the rule set and the learned models, as one value that a worker can swap as a whole."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from detectors.batch import Batch
from detectors.features import Features
from detectors.models.learned import LearnedDetector, LearnedHit, Scores
from detectors.reference import Reference
from detectors.rules import RuleSet


@dataclass(frozen=True, slots=True)
class Scored:
    """What one model thinks of a batch, for shadow comparison and for the watch on drift.

    ``hits`` are of a champion what the screen says, of a challenger what it would say; ``error`` why a challenger has no
    scores (a champion that fails makes the screen fail, and the record that did it is a dead letter).
    """

    detector: LearnedDetector
    champion: bool
    scores: Scores | None
    hits: Sequence[LearnedHit]
    error: str | None = None


@dataclass(frozen=True, slots=True)
class Models:
    """The detectors in use.

    Attributes
    ----------
    rules : compiled rule packs.
    detectors : the learned detectors in use: the champions.
    challengers : scored beside them; what they say goes nowhere but into :class:`Scored`.
    """

    rules: RuleSet
    detectors: tuple[LearnedDetector, ...] = ()
    challengers: tuple[LearnedDetector, ...] = ()

    @classmethod
    def load(cls, packs: list[Path] | None = None) -> Models:
        """Load rule packs (by default those that come with Assay), without learned models."""
        return cls(RuleSet.load(packs))

    @property
    def learned(self) -> dict[str, str]:
        """Name -> version of each champion: what alerts name in their provenance."""
        return {detector.name: detector.version for detector in self.detectors}

    @property
    def columns(self) -> frozenset[str]:
        """The feature columns that some rule or model reads."""
        read = (detector.columns for detector in (*self.detectors, *self.challengers))
        return self.rules.columns.union(*read)

    def judge(self, batch: Batch, computed: Features, reference: Reference) -> list[Scored]:
        """Let every champion, then every challenger score a batch."""
        return [
            *(_scored(detector, batch, computed, reference) for detector in self.detectors),
            *(_shadowed(detector, batch, computed, reference) for detector in self.challengers),
        ]


def _scored(
    detector: LearnedDetector, batch: Batch, computed: Features, reference: Reference, champion: bool = True
) -> Scored:
    scores = detector.score(batch, computed, reference)
    return Scored(detector, champion, scores, detector.hits(batch, computed, scores, reference))


def _shadowed(detector: LearnedDetector, batch: Batch, computed: Features, reference: Reference) -> Scored:
    """Score by a challenger: whatever it does wrong must not touch the judgement."""
    try:
        return _scored(detector, batch, computed, reference, champion=False)
    except Exception as error:
        return Scored(detector, False, None, (), f"{type(error).__name__}: {error}"[:300])
