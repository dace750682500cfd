"""What to say when a model drifts or is refused (topic ``notices``)."""

from __future__ import annotations

import math
from datetime import datetime

from detectors.models.drift import LARGE_SHIFT, Shift
from detectors.models.learned import LearnedDetector
from schemas.notice import Notice

_NAMED = 5
_TITLE, _TEXT = 512, 8192


def of_shift(detector: LearnedDetector, shift: Shift, now: datetime) -> Notice:
    """Return the notice of a window that is far from the hold-out; the same window gives the same id."""
    indices = {**shift.features, "score": shift.score}
    large = shift.large[:_NAMED]
    told = ", ".join(f"{name} {indices[name]:.2f}" for name in large)
    return Notice(
        notice_id=f"MODEL-DRIFT/{detector.name}/{detector.version}/{shift.since:%Y-%m-%d}",
        code="MODEL-DRIFT",
        subject=detector.name,
        severity="medium" if "score" in large else "low",
        title=f"{detector.name} sees other declarations than it was judged on",
        text=(
            f"Lodged from {shift.since:%Y-%m-%d} to {shift.until:%Y-%m-%d}, {shift.rows:,} rows: population stability index "
            f"{told} (from {LARGE_SHIFT} large); scores differ by {shift.ks:.2f} (Kolmogorov-Smirnov, p {shift.ks_p:.2g}). Look "
            f"whether the feed or trade has changed; `assay model drift`, then `assay model train` on newer declarations."
        )[:_TEXT],
        measures={f"psi.{name}": _finite(indices[name]) for name in large}
        | {"ks": _finite(shift.ks), "ks_p": _finite(shift.ks_p), "rows": float(shift.rows)},
        at=now,
        event_time=shift.until,
    )


def of_labels(detector: LearnedDetector, then: float, known: int, wrong: int, chance: float, now: datetime) -> Notice:
    """Return the notice of outcomes that have become more or less often wrong."""
    return Notice(
        notice_id=f"LABEL-DRIFT/{detector.name}/{detector.version}",
        code="LABEL-DRIFT",
        subject=detector.name,
        severity="medium",
        title=f"Inspections find {'more' if wrong / known > then else 'less'} than when {detector.name} was judged",
        text=(
            f"{wrong:,} of {known:,} were wrong ({wrong / known:.1%}), {then:.1%} in the hold-out; chance of such a difference "
            f"{chance:.2g} (exact binomial test). Its calibration no longer holds; train it on newer outcomes."
        ),
        measures={"then": then, "now": wrong / known, "known": float(known), "p": _finite(chance)},
        at=now,
    )


def of_refusal(name: str, problem: str, now: datetime) -> Notice:
    """Return the notice of a model that a worker could not load."""
    return Notice(
        notice_id=f"MODEL-REFUSED/{name}"[:255],
        code="MODEL-REFUSED",
        subject=name[:255] or "(no name)",
        severity="high",
        title=f"{name[:200]}: a model was refused; the one before stays in use"[:_TITLE],
        text=problem[:_TEXT] or "no reason was given",
        at=now,
    )


def _finite(value: float) -> float:
    return value if math.isfinite(value) else 0.0
