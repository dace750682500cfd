"""Count alerts by code, severity, lane and day, each split by severity."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Literal

from schemas.alert import Alert
from schemas.types import SEVERITIES, Severity

Step = Literal["day", "week", "month"]
#: Severity -> number of alerts.
Split = Mapping[Severity, int]

#: Lanes in the chart; of the rest the page says how many there are. (Codes are few enough to show all.)
MOST_LANES = 15
#: Columns that fit in the chart of time.
MOST_COLUMNS = 62


@dataclass(frozen=True, slots=True)
class Tally:
    """Alerts counted four ways. An alert counts once under every code it carries, so codes add up to more.

    ``other_lanes``: how many lanes and how many alerts are not in ``by_lane``.
    """

    by_code: dict[str, Split]
    by_severity: Split
    by_lane: dict[str, Split]
    other_lanes: tuple[int, int]
    by_time: dict[date, Split]
    step: Step


def lane(alert: Alert) -> str:
    """Name the lane of an alert: country of export and of destination, ``?`` where not carried."""
    start = alert.declaration.get("country_of_export") or "?"
    end = alert.declaration.get("country_of_destination") or "?"
    return f"{start} → {end}"


def tally(alerts: Sequence[Alert]) -> Tally:
    """Count alerts; days become weeks or months when there are too many for one chart."""
    severities = Counter(alert.severity for alert in alerts)
    codes = ((code, alert.severity) for alert in alerts for code in {reason.code for reason in alert.reasons})
    days = [(alert.event_time.date(), alert.severity) for alert in alerts]
    step = _step([day for day, _ in days])
    by_time: dict[date, Counter[Severity]] = {start: Counter() for start in _starts([d for d, _ in days], step)}
    for day, severity in days:
        by_time[_start(day, step)][severity] += 1
    lanes = _largest_first((lane(alert), alert.severity) for alert in alerts)
    others = list(lanes.values())[MOST_LANES:]
    return Tally(
        by_code=_largest_first(codes),
        by_severity={severity: severities[severity] for severity in SEVERITIES},
        by_lane=dict(list(lanes.items())[:MOST_LANES]),
        other_lanes=(len(others), sum(sum(split.values()) for split in others)),
        by_time={day: dict(split) for day, split in by_time.items()},
        step=step,
    )


def _largest_first(pairs: Iterable[tuple[str, Severity]]) -> dict[str, Split]:
    found: dict[str, Counter[Severity]] = {}
    for name, severity in pairs:
        found.setdefault(name, Counter())[severity] += 1
    return dict(sorted(found.items(), key=lambda pair: (-sum(pair[1].values()), pair[0])))


def _step(days: Sequence[date]) -> Step:
    span = (max(days) - min(days)).days + 1 if days else 0
    if span <= MOST_COLUMNS:
        return "day"
    return "week" if span <= 7 * MOST_COLUMNS else "month"


def _start(day: date, step: Step) -> date:
    if step == "day":
        return day
    return day - timedelta(days=day.weekday()) if step == "week" else day.replace(day=1)


def _starts(days: Sequence[date], step: Step) -> list[date]:
    """List every day, week or month from the first to the last, so that quiet ones show as gaps."""
    if not days:
        return []
    starts = [_start(min(days), step)]
    while starts[-1] < _start(max(days), step):
        # 31 days after the first of a month always falls into the next month.
        starts.append(_start(starts[-1] + timedelta(days={"day": 1, "week": 7, "month": 31}[step]), step))
    return starts
