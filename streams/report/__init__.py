"""One self-contained HTML page about a run: headline numbers, charts, the strongest alerts with their evidence.

The page asks nothing of the network (a content security policy in it says so), follows the reader's light or dark
setting, and prints. :func:`render` gives the page as text, :func:`write` puts it in a file.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

from schemas import ENGINE_VERSION
from schemas.alert import Alert
from schemas.types import SEVERITIES
from streams.report import charts, wording
from streams.report.tally import Tally, tally

#: Alerts shown with all their reasons and evidence, and alerts listed below them in one line each.
SHOWN_IN_FULL = 25
SHOWN_IN_LINES = 200


@dataclass(frozen=True, slots=True)
class Run:
    """What was judged: the numbers of the page that cannot be counted from the alerts.

    ``seconds`` is the wall time of the judging, None where it means nothing; ``generated_at`` stands on the page;
    ``threshold`` is the risk from which a declaration became an alert.
    """

    title: str
    inputs: Sequence[str]
    judged: int
    dead_letters: int
    generated_at: datetime
    seconds: float | None = None
    threshold: int = 25
    reasons_of_dead_letters: Sequence[tuple[str, int]] = field(default_factory=tuple)


def render(alerts: Sequence[Alert], run: Run) -> str:
    """Return the page for these alerts (final states, any order)."""
    from jinja2 import Environment, PackageLoader, StrictUndefined

    page = Environment(
        loader=PackageLoader("streams.report"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    page.filters |= wording.FILTERS
    standing = sorted(
        (alert for alert in alerts if alert.status != "withdrawn"),
        key=lambda alert: (-alert.risk_score, alert.event_time, alert.declaration_id),
    )
    counted = tally(standing)
    return page.get_template("page.html.j2").render(
        run=run,
        engine=ENGINE_VERSION,
        headline=_headline(run, standing, len(alerts) - len(standing), counted),
        figures=charts.figures(counted),
        strongest=standing[:SHOWN_IN_FULL],
        further=standing[SHOWN_IN_FULL : SHOWN_IN_FULL + SHOWN_IN_LINES],
        unshown=max(0, len(standing) - SHOWN_IN_FULL - SHOWN_IN_LINES),
        provenance=_provenance(standing),
        severities=tuple(reversed(SEVERITIES)),
    )


def write(path: Path, alerts: Sequence[Alert], run: Run) -> None:
    """Write the page to ``path`` (UTF-8), making its folder if need be."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(render(alerts, run), encoding="utf-8")


def _headline(run: Run, standing: Sequence[Alert], withdrawn: int, counted: Tally) -> list[tuple[str, str, str]]:
    """Give the tiles on top: figure, what it counts, and a remark."""
    urgent = sum(counted.by_severity[severity] for severity in ("high", "critical"))
    per_thousand = f"{1000 * len(standing) / run.judged:.2f} per 1,000 declarations" if run.judged else ""
    pace = f"{run.judged / run.seconds:,.0f} a second" if run.seconds else ""
    remark = f"{withdrawn:,} more withdrawn" if withdrawn else "none withdrawn"
    return [
        (f"{run.judged:,}", "declarations judged", pace),
        (f"{len(standing):,}", "alerts", per_thousand),
        (f"{urgent:,}", "high or critical", remark),
        (f"{run.dead_letters:,}", "dead letters", "records that could not be judged"),
    ]


def _provenance(standing: Sequence[Alert]) -> list[str]:
    """Name the rule packs and reference tables that judged."""
    rules = sorted({alert.provenance.rules for alert in standing})
    tables = sorted({alert.provenance.reference for alert in standing})
    return [f"rules {name}" for name in rules] + [f"reference {name}" for name in tables]
