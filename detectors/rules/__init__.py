"""Rules as YAML packs: a condition in SQL over the columns of ``detectors.columns``, and what to say where it holds."""

from __future__ import annotations

from detectors.rules.hit import Hit
from detectors.rules.rule import Rule
from detectors.rules.ruleset import DEFAULT_PACKS, RuleSet

__all__ = ["DEFAULT_PACKS", "Hit", "Rule", "RuleSet"]
