"""``assay evaluate``: alerts against known answers."""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from schemas.errors import RecordError
from streams import output

if TYPE_CHECKING:
    from detectors.evaluation import Evaluation

_EPILOG = "Example:  [bold]assay evaluate alerts.jsonl labels.ndjson --html evaluation.html[/]"


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("evaluate", epilog=_EPILOG)(evaluate)


def evaluate(
    alerts: Annotated[Path, typer.Argument(exists=True, dir_okay=False, help="Alerts, one JSON a line; .gz too.")],
    labels: Annotated[Path, typer.Argument(exists=True, dir_okay=False, help="Labels, one JSON a line; .gz too.")],
    html: Annotated[Path | None, typer.Option(help="Also write a page with charts here.")] = None,
    cases: Annotated[bool, typer.Option("--cases", help="Also list each case of several declarations.")] = False,
    json_wanted: Annotated[bool, typer.Option("--json", help="Print everything as JSON.")] = False,
) -> None:
    """Score alerts against labels: precision, recall by scenario and typology, false alerts, yield of inspections.

    The latest revision of each alert counts, withdrawn ones do not. Where labels say to which case of several declarations they
    belong, and from which one on an alert is due, it is told whether cases were caught at that moment, late or early;
    --cases tells it for each. Exit 1: a file is not what it should be.
    """
    from detectors import evaluation

    found = evaluation.evaluate(
        _lines(alerts, ("declaration_id", "severity", "risk_score")), _lines(labels, ("declaration_id", "typologies"))
    )
    if html is not None:
        from detectors._evaluation_html import page

        html.write_text(page(found, f"Evaluation of {alerts.name}"), encoding="utf-8")
    if json_wanted:
        output.as_json(found.model_dump(mode="json"))
        return
    _tables(found)
    if cases:
        _cases(found)
    if html is not None:
        output.console.print(f"[dim]written: {html}[/]")


def _lines(path: Path, required: tuple[str, ...]) -> Iterator[dict[str, Any]]:
    """Yield the JSON objects of a file; a line that is none, or lacks a field, is told with its number."""
    opener = gzip.open if path.suffix == ".gz" else open
    with opener(path, "rt", encoding="utf-8") as lines:
        for number, line in enumerate(lines, 1):
            if not line.strip():
                continue
            try:
                found = json.loads(line)
            except ValueError as error:
                raise RecordError(f"no JSON: {error}", f"{path}:{number}") from None
            if not isinstance(found, dict) or (missing := [name for name in required if name not in found]):
                wanted = ", ".join(required)
                raise RecordError(
                    f"needs {wanted}" + (f"; {', '.join(missing)} missing" if isinstance(found, dict) else ""),
                    f"{path}:{number}",
                )
            yield found


def _percent(share: float | None) -> str | None:
    return None if share is None else f"{share:.1%}"


def _tables(found: Evaluation) -> None:
    console = output.console
    console.print(
        f"{found.declarations:,} declarations, {found.positives:,} positive; {found.alerts:,} alerts standing, "
        f"{found.withdrawn:,} withdrawn; {found.alerts_per_1000 or 0:.2f} alerts per 1,000; "
        f"{found.false_high_per_1000_honest or 0:.2f} false at high per 1,000 honest"
    )
    if found.unlabelled_alerts:
        console.print(f"[yellow]{found.unlabelled_alerts:,} alerts have no label and count nowhere below[/]")
    if found.substances_expected:
        named = f"{found.substances_named:,} of {found.substances_expected:,}"
        console.print(f"true alerts that name the right substance: {named}")
    output.table(
        (
            {
                "at or above": cut.severity,
                "alerts": cut.alerts,
                "true": cut.true,
                "false": cut.false,
                "precision": _percent(cut.precision),
                "recall": _percent(cut.recall),
                "per 1,000 honest": None if cut.false_per_1000_honest is None else f"{cut.false_per_1000_honest:.2f}",
            }
            for cut in found.cuts
        ),
        ("at or above", "alerts", "true", "false", "precision", "recall", "per 1,000 honest"),
        "By severity (the last column: false ones)",
    )
    by_scenario = "By scenario (expected: of the due ones, with a code that the case asks for)"
    for title, kinds in ((by_scenario, found.scenarios), ("By typology", found.typologies)):
        columns = ["name", "n", "recall", "medium+", "high+"]
        if title == by_scenario:
            columns += ["due", "recall of due", "expected"]
        output.table(
            (
                {
                    "name": one.name,
                    "n": one.declarations,
                    "recall": f"{one.recall:.0%}",
                    "medium+": f"{one.recall_medium:.0%}",
                    "high+": f"{one.recall_high:.0%}",
                    "due": one.due,
                    "recall of due": None if not one.due else f"{one.due_any / one.due:.0%}",
                    "expected": None if one.expected is None or not one.due else f"{one.expected / one.due:.0%}",
                }
                for one in kinds
            ),
            columns,
            title,
        )
    _moments(found)
    output.table(
        (
            {
                "budget": one.name,
                "inspected": one.inspected,
                "true": one.true,
                "precision": _percent(one.precision),
                "recall": _percent(one.recall),
            }
            for one in found.budgets
        ),
        ("budget", "inspected", "true", "precision", "recall"),
        "At an inspection budget",
    )
    output.table(
        (
            {
                "look-alike": one.name,
                "declarations": one.declarations,
                "alerted": one.any,
                "high +": one.high,
                "codes": ", ".join(f"{code} {count}" for code, count in one.codes.items()),
            }
            for one in found.look_alikes
            if one.any
        ),
        ("look-alike", "declarations", "alerted", "high +", "codes"),
        f"Honest look-alikes alerted (of {sum(one.declarations for one in found.look_alikes):,})",
    )
    if found.false_high_codes:
        output.table(
            (one.model_dump() for one in found.false_high_codes),
            ("code", "alerts"),
            "Codes of the false alerts at high or above",
        )


def _brief(value: float | None) -> str | None:
    return None if value is None else f"{value:g}"


def _moments(found: Evaluation) -> None:
    """Print when cases of several declarations were caught, if there are any."""
    if not found.moments:
        return
    output.table(
        (
            {
                "scenario": one.name,
                "cases": one.cases,
                "due": one.cases_due,
                "caught": one.caught,
                "at once": one.at_once,
                "declarations late": _brief(one.lag_declarations),
                "at most": _brief(one.lag_declarations_most),
                "days late": _brief(one.lag_days),
                "days at most": _brief(one.lag_days_most),
                "early": one.early_cases,
                "due alerted": f"{one.due_alerted} of {one.due}",
                "as asked": one.due_asked,
            }
            for one in found.moments
        ),
        (
            *("scenario", "cases", "due", "caught", "at once", "declarations late", "at most"),
            *("days late", "days at most", "early", "due alerted", "as asked"),
        ),
        "Cases of several declarations (due: enough was lodged; caught: with a code asked for; late: median)",
    )


def _cases(found: Evaluation) -> None:
    """Print each case of several declarations."""
    output.table(
        (
            {
                "case": one.case,
                "declarations": one.declarations,
                "due": one.due_at and f"{one.due_at:%Y-%m-%d %H:%M}",
                "caught at": one.caught_at and f"{one.caught_at:%Y-%m-%d %H:%M}",
                "declarations late": one.lag_declarations,
                "days": _brief(one.lag_days),
                "early": one.early or None,
                "days ahead": _brief(one.lead_days),
            }
            for one in found.cases
        ),
        ("case", "declarations", "due", "caught at", "declarations late", "days", "early", "days ahead"),
        "Each case",
    )
