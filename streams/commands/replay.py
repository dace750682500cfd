"""``assay replay``: the same detection as the worker, without Kafka, over files."""

from __future__ import annotations

import os
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, BinaryIO

import typer

from streams import output

if TYPE_CHECKING:
    from detectors.suppression import Suppressions
    from schemas.alert import Alert
    from schemas.dead_letter import DeadLetter
    from schemas.disposition import Disposition
    from schemas.finding import Verdict
    from streams.replay import Progress, ReplayResult

_EPILOG = (
    "Examples:  [bold]assay replay feed.ndjson --alerts alerts.jsonl --report report.html[/]  ·  "
    "[bold]assay replay history/ --alerts - --rules my_pack.yaml --json[/]"
)


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("replay", epilog=_EPILOG)(replay)


def replay(
    inputs: Annotated[
        list[Path], typer.Argument(exists=True, help="Files, directories, archives (zip, tar, gz, bz2, xz), Parquet.")
    ],
    alerts: Annotated[Path, typer.Option(help="Where the alerts go, one JSON a line; - for standard output.")],
    findings: Annotated[Path | None, typer.Option(help="Also write every finding here, one JSON a line.")] = None,
    dead_letters: Annotated[Path | None, typer.Option(help="Also write the dead letters here.")] = None,
    report: Annotated[Path | None, typer.Option(help="Also write a page with charts and the strongest alerts.")] = None,
    format: Annotated[str, typer.Option(help="auto, or one format for everything: cds, ndjson.")] = "auto",
    mapping: Annotated[
        Path | None, typer.Option(exists=True, dir_okay=False, help="Read CSV or JSON by this mapping file.")
    ] = None,
    rules: Annotated[
        list[Path] | None, typer.Option(exists=True, help="Rule packs in place of the default ones.")
    ] = None,
    models: Annotated[
        list[str] | None,
        typer.Option(
            help="Learned models: champion (those in use), none, or a file; may be repeated. [default: champion]"
        ),
    ] = None,
    history: Annotated[
        list[Path] | None,
        typer.Option(
            exists=True, help="Declarations of the past: the profiles learn from them first; may be repeated."
        ),
    ] = None,
    dispositions: Annotated[
        Path | None,
        typer.Option(
            exists=True, dir_okay=False, help="What inspections found (NDJSON), heard at the time of each decision."
        ),
    ] = None,
    suppressions: Annotated[
        Path | None,
        typer.Option(exists=True, dir_okay=False, help="Grounds not to be told of (YAML; docs/profiles.md)."),
    ] = None,
    lateness: Annotated[
        float | None,
        typer.Option(
            min=0.01, help="Hours that a declaration may come late and still count in its own window [default: 720]."
        ),
    ] = None,
    profiles: Annotated[
        bool, typer.Option(help="With the detectors that remember; without, only what each declaration alone shows.")
    ] = True,
    threshold: Annotated[
        int | None, typer.Option(min=0, max=100, help="Risk from which there is an alert [default: 25].")
    ] = None,
    batch: Annotated[int, typer.Option(min=1, help="Records judged at once.")] = 1000,
    jobs: Annotated[int | None, typer.Option(min=1, help="Processes [default: a core each].")] = None,
    now: Annotated[str | None, typer.Option(help="Time of the run (RFC 3339) [default: the clock].")] = None,
    json_wanted: Annotated[bool, typer.Option("--json", help="Print the summary as JSON.")] = False,
) -> None:
    """Judge declarations from files with the same rules and tables as the worker, without Kafka.

    The alerts file holds the final state of each alert, withdrawn ones included, highest risk first. The result
    depends neither on --jobs nor on --batch. Exit 0: done; 1: nothing could be judged; 2: bad usage.
    """
    # Before polars is loaded: processes share the cores already.
    os.environ.setdefault("POLARS_MAX_THREADS", "1")
    from schemas import feeds
    from schemas.mapping import Mapping
    from streams import modelling
    from streams import replay as driver
    from streams.settings import settings

    if format != "auto" and format not in feeds.codecs():
        raise typer.BadParameter(f"known formats: auto, {', '.join(feeds.codecs())}", param_hint="--format")
    if format != "auto" and mapping is not None:
        raise typer.BadParameter("a mapping is a format of its own; leave --format out", param_hint="--mapping")
    if not profiles and (history or dispositions or lateness is not None):
        raise typer.BadParameter(
            "only profiles have a use for --history, --dispositions and --lateness", param_hint="--no-profiles"
        )
    chosen = settings()
    risk = chosen.alert_threshold if threshold is None else threshold
    at = _moment(now)
    with ExitStack() as stack:
        told_finding = stack.enter_context(_findings_to(findings))
        told_letter = stack.enter_context(_lines_to(dead_letters))
        result = driver.run(
            inputs,
            form=format,
            mapping=Mapping.load(mapping) if mapping is not None else None,
            batch=batch,
            jobs=jobs,
            threshold=risk,
            packs=rules or (),
            models=modelling.sources(models or ["champion"], chosen),
            now=at,
            personal_data=chosen.personal_data,
            on_verdict=told_finding,
            on_dead_letter=told_letter,
            on_progress=stack.enter_context(_progress()),
            history=history or (),
            profiles=profiles,
            dispositions=_dispositions(dispositions),
            lateness=timedelta(hours=chosen.lateness_hours if lateness is None else lateness),
            merges=chosen.merges,
            suppressions=_suppressions(suppressions or chosen.suppressions),
            pepper=chosen.pepper,
        )
    _write_alerts(alerts, result.alerts)
    if report is not None:
        _write_report(report, inputs, result, risk, at)
    _close(result, json_wanted, to_errors=str(alerts) == "-")
    raise typer.Exit(1 if result.dead_letters and not result.judged else 0)


def _suppressions(path: Path | None) -> Suppressions | None:
    from detectors.suppression import Suppressions

    return None if path is None else Suppressions.load(path)


def _dispositions(path: Path | None) -> list[Disposition]:
    """Read dispositions, one JSON a line."""
    from schemas.disposition import Disposition

    if path is None:
        return []
    found = []
    for number, line in enumerate(path.read_text("utf-8").splitlines(), 1):
        if line.strip():
            try:
                found.append(Disposition.model_validate_json(line))
            except ValueError as error:
                raise typer.BadParameter(f"{path}:{number}: {error}", param_hint="--dispositions") from None
    return found


def _moment(text: str | None) -> datetime:
    if text is None:
        return datetime.now(UTC)
    try:
        given = datetime.fromisoformat(text)
    except ValueError:
        raise typer.BadParameter("a time such as 2026-11-22T09:30:00Z", param_hint="--now") from None
    return (given if given.tzinfo else given.replace(tzinfo=UTC)).astimezone(UTC)


@contextmanager
def _lines_to(path: Path | None) -> Iterator[Callable[[Any], None] | None]:
    """Give a function that writes contracts to a file, one a line; None without a file."""
    if path is None:
        yield None
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("wb") as file:
        yield lambda one: _write_line(file, one)


@contextmanager
def _findings_to(path: Path | None) -> Iterator[Callable[[Verdict], None] | None]:
    with _lines_to(path) as write:
        if write is None:
            yield None
            return

        def told(verdict: Verdict) -> None:
            for finding in verdict.findings:
                write(finding)

        yield told


def _write_line(file: BinaryIO, one: Alert | DeadLetter) -> None:
    file.write(one.__pydantic_serializer__.to_json(one, by_alias=True) + b"\n")


def _write_alerts(path: Path, found: list[Alert]) -> None:
    if str(path) == "-":
        for alert in found:
            _write_line(sys.stdout.buffer, alert)
        sys.stdout.buffer.flush()
        return
    with _lines_to(path) as write:
        assert write is not None
        for alert in found:
            write(alert)


@contextmanager
def _progress() -> Iterator[Callable[[Progress], None]]:
    from rich.progress import BarColumn, DownloadColumn, TextColumn, TimeRemainingColumn
    from rich.progress import Progress as Bar

    columns = (
        TextColumn("judging"),
        BarColumn(),
        DownloadColumn(),
        TextColumn("{task.fields[judged]:,} declarations, {task.fields[rate]:,.0f} a second"),
        TimeRemainingColumn(),
    )
    with Bar(*columns, console=output.errors, transient=True) as bar:
        task = bar.add_task("", total=None, judged=0, rate=0.0)

        def told(progress: Progress) -> None:
            passed = bar.tasks[0].elapsed or 0.0
            rate = progress.judged / passed if passed else 0.0
            bar.update(task, total=progress.total, completed=progress.read, judged=progress.judged, rate=rate)

        yield told


def _write_report(path: Path, inputs: list[Path], result: ReplayResult, threshold: int, at: datetime) -> None:
    from streams import report

    named = [one.name for one in inputs[:5]] + ([f"{len(inputs) - 5} more"] if len(inputs) > 5 else [])
    run = report.Run(
        title="What the declarations show",
        inputs=named,
        judged=result.judged,
        dead_letters=result.dead_letters,
        generated_at=at,
        seconds=result.seconds,
        threshold=threshold,
        reasons_of_dead_letters=result.reasons.most_common(20),
    )
    report.write(path, result.alerts, run)


def _close(result: ReplayResult, json_wanted: bool, to_errors: bool) -> None:
    """Print the closing summary."""
    from schemas.types import SEVERITIES

    standing = [alert for alert in result.alerts if alert.status != "withdrawn"]
    severities = Counter(alert.severity for alert in standing)
    by_severity = {severity: severities[severity] for severity in reversed(SEVERITIES)}
    withdrawn = len(result.alerts) - len(standing)
    if json_wanted and not to_errors:
        output.as_json(
            {
                "records": result.records,
                "judged": result.judged,
                "dead_letters": result.dead_letters,
                "reasons": dict(result.reasons.most_common(20)),
                "unknown_fields": sorted(result.unknown_fields),
                "findings": dict(result.findings.most_common()),
                "alerts": by_severity | {"all": len(standing), "withdrawn": withdrawn},
                "seconds": round(result.seconds, 3),
                "declarations_per_second": round(result.rate, 1),
                "jobs": result.jobs,
            }
        )
        return
    console = output.errors if to_errors else output.console
    urgent = ", ".join(f"{count:,} {severity}" for severity, count in by_severity.items() if count)
    console.print(
        f"{_counted(result.judged, 'declaration')} judged in {result.seconds:.1f} s ({result.rate:,.0f} a second, "
        f"{_counted(result.jobs, 'process', 'processes')}), {_counted(result.dead_letters, 'dead letter')}"
    )
    console.print(
        f"{_counted(len(standing), 'alert')}{f' ({urgent})' if urgent else ''}"
        + (f", {withdrawn:,} more withdrawn" if withdrawn else "")
    )
    if result.unknown_fields:
        named = sorted(result.unknown_fields)
        more = f" and {len(named) - 8:,} more" if len(named) > 8 else ""
        console.print(f"left out, because the contract does not know them: {', '.join(named[:8])}{more}", markup=False)
    if to_errors:
        return
    if result.findings:
        output.table(
            [{"code": c, "findings": f"{n:,}"} for c, n in result.findings.most_common()], ("code", "findings")
        )
    if result.reasons:
        rows = [{"dead_letters": f"{n:,}", "reason": reason} for reason, n in result.reasons.most_common(10)]
        output.table(rows, ("dead_letters", "reason"))


def _counted(number: int, one: str, more: str | None = None) -> str:
    return f"{number:,} {one if number == 1 else more or one + 's'}"
