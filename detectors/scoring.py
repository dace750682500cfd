"""From findings to one risk, one severity and one confidence.

Findings are taken as independent grounds: the risk is the chance that at least one of them holds (a noisy or). Findings of
one code share their ground, so of each code only the strongest counts in full, and the others not at all. The codes of
routing all tell of one way: a far way through a hub to where others passed through is one ground seen three times, so the
strongest counts in full and the others by half (own estimate).
"""

from __future__ import annotations

from collections.abc import Iterable

from schemas.finding import Finding
from schemas.types import Severity

#: What a finding of full score contributes, by level. A single finding of a level lands in that level's band.
WEIGHTS: dict[Severity, float] = {"low": 0.22, "medium": 0.45, "high": 0.72, "critical": 0.92}
#: Risk from which each severity holds (contracts: default cuts 25/50/75).
CUTS: tuple[tuple[int, Severity], ...] = ((75, "critical"), (50, "high"), (25, "medium"), (0, "low"))


#: Codes that tell of the way the goods take.
_OF_THE_WAY = frozenset({"ROUTE-TRANSIT", "ROUTE-DETOUR", "ROUTE-DESTINATION", "ROUTE-SURGE"})


def strength(finding: Finding) -> float:
    """Return what one finding contributes, 0..1."""
    return WEIGHTS[finding.severity] * finding.score


def risk(findings: Iterable[Finding]) -> int:
    """Return the combined risk, 0..100."""
    best: dict[str, float] = {}
    for finding in findings:
        best[finding.code] = max(best.get(finding.code, 0.0), strength(finding))
    way = sorted((best.pop(code) for code in _OF_THE_WAY.intersection(best)), reverse=True)
    left = 1.0
    for share in (*best.values(), *way[:1], *(half / 2 for half in way[1:])):
        left *= 1.0 - share
    return round(100 * (1.0 - left))


def severity(score: int) -> Severity:
    """Return the severity of a risk."""
    return next(name for cut, name in CUTS if score >= cut)


def confidence(findings: list[Finding]) -> float:
    """Return how sure the grounds are, whatever their weight: the mean score, raised by agreement of several codes."""
    if not findings:
        return 0.0
    codes = len({f.code for f in findings})
    top = max(f.score for f in findings)
    return round(1.0 - (1.0 - top * 0.9) / (1.0 + 0.5 * (codes - 1)), 2)
