"""What judges: the rule set, and (from issue 5 on) learned models, as one value that a worker can swap as a whole."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from detectors.models.learned import LearnedDetector
from detectors.rules import RuleSet


@dataclass(frozen=True, slots=True)
class Models:
    """The detectors in use.

    Attributes
    ----------
    rules : compiled rule packs.
    learned : name -> version of each learned detector in use.
    detectors : the learned detectors in use.
    """

    rules: RuleSet
    learned: dict[str, str] = field(default_factory=dict)
    detectors: tuple[LearnedDetector, ...] = ()

    @classmethod
    def load(cls, packs: list[Path] | None = None) -> Models:
        """Load rule packs (by default those that come with Assay)."""
        return cls(RuleSet.load(packs))
