"""Risk, severity and confidence: bands of the levels, and how grounds add up."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from verdicts import KINDS, finding

from detectors import scoring
from schemas.finding import Finding

LEVELS = ("low", "medium", "high", "critical")
FINDINGS = st.builds(
    lambda kind, severity, score: finding(kind, severity=severity, score=score),
    st.sampled_from(sorted(KINDS)),
    st.sampled_from(LEVELS),
    st.floats(0, 1),
)


@pytest.mark.parametrize("level", LEVELS)
def test_one_full_finding_lands_in_the_band_of_its_level(level: str) -> None:
    assert scoring.severity(scoring.risk([finding("strong", severity=level, score=1.0)])) == level


@pytest.mark.parametrize(
    ("risk", "severity"),
    [
        (0, "low"),
        (24, "low"),
        (25, "medium"),
        (49, "medium"),
        (50, "high"),
        (74, "high"),
        (75, "critical"),
        (100, "critical"),
    ],
)
def test_cuts(risk: int, severity: str) -> None:
    assert scoring.severity(risk) == severity


def test_independent_grounds_add_up_and_like_ones_do_not() -> None:
    name = finding("strong", severity="high", score=1.0)
    route = finding("route", severity="medium", score=1.0)
    assert scoring.risk([name]) == 72
    assert scoring.risk([name, route]) == round(100 * (1 - 0.28 * 0.55))
    assert scoring.risk([name, finding("same code", severity="medium", score=1.0)]) == 72
    assert scoring.risk([]) == 0


@given(st.lists(FINDINGS, max_size=6), FINDINGS)
def test_more_grounds_never_lower_risk_or_leave_the_scale(found: list[Finding], more: Finding) -> None:
    assert 0 <= scoring.risk(found) <= scoring.risk([*found, more]) <= 100
    assert scoring.risk([*found, *found]) == scoring.risk(found)
    assert scoring.risk(found[::-1]) == scoring.risk(found)


@given(st.lists(FINDINGS, max_size=6))
def test_confidence_is_a_share_that_agreement_raises(found: list[Finding]) -> None:
    assert 0 <= scoring.confidence(found) <= 1
    if found:
        assert scoring.confidence([found[0]]) <= scoring.confidence(
            [found[0], finding("route", code="OUTLIER", score=0.0)]
        )


def test_no_grounds_no_confidence() -> None:
    assert scoring.confidence([]) == 0
