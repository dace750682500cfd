"""``assay ingest``: feed files or a directory into the topic ``declarations``."""

from __future__ import annotations

import contextlib
import signal
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from schemas.errors import FeedError
from streams import output

if TYPE_CHECKING:
    from streams.ingest import Intake, Tally

_EPILOG = (
    "Examples:  [bold]assay ingest messages/ --dry-run[/]  ·  [bold]assay ingest day.zip feed.ndjson[/]  ·  "
    "[bold]assay ingest /var/spool/cds --format cds --follow[/]"
)
_LOOK_EVERY_SECONDS = 1.0


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("ingest", epilog=_EPILOG)(ingest)


def ingest(
    paths: Annotated[
        list[Path], typer.Argument(exists=True, help="Files, directories, archives (zip, tar, gz, bz2, xz), Parquet.")
    ],
    format: Annotated[str, typer.Option(help="auto, or one format for everything: cds, ndjson.")] = "auto",
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Show what would be accepted; needs no Kafka.")] = False,
    follow: Annotated[bool, typer.Option("--follow", help="Keep watching for new files until Ctrl-C.")] = False,
    json_wanted: Annotated[bool, typer.Option("--json", help="Print the result as JSON.")] = False,
    rate: Annotated[float | None, typer.Option(min=0.001, help="At most so many declarations a second.")] = None,
    limit: Annotated[int, typer.Option(min=0, help="Rows to print with --dry-run, of each kind.")] = 100,
) -> None:
    """Decode declarations from files and put them on the topic [bold]declarations[/].

    What cannot be decoded goes to [bold]declarations.dlq[/], with its bytes and the reason. Lines of our own contract
    go as they are; the worker validates them. Exit 0: all accepted; 1: dead letters or no Kafka; 2: bad usage.
    """
    from schemas import feeds

    if format != "auto" and format not in feeds.codecs():
        raise typer.BadParameter(f"known formats: auto, {', '.join(feeds.codecs())}", param_hint="--format")
    if follow and dry_run:
        raise typer.BadParameter("--dry-run looks once; leave --follow out", param_hint="--follow")
    if dry_run:
        refused = _dry_run(paths, format, json_wanted, limit)
    elif follow:
        refused = _follow(paths, format, json_wanted, rate)
    else:
        refused = _once(paths, format, json_wanted, rate)
    raise typer.Exit(1 if refused else 0)


def _stop_on_signals() -> None:
    """Let SIGTERM, as service managers send it, stop as Ctrl-C does; and Ctrl-C also when started in the background."""

    def stop(*_: object) -> None:
        raise KeyboardInterrupt

    signal.signal(signal.SIGTERM, stop)
    signal.signal(signal.SIGINT, stop)


@contextlib.contextmanager
def _progress(paths: list[Path], verb: str) -> Iterator[Callable[[int], None]]:
    from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn

    from streams import sources

    columns = (TextColumn("{task.description}"), BarColumn(), DownloadColumn(), TimeRemainingColumn())
    with Progress(*columns, console=output.errors, transient=True) as bar:
        task = bar.add_task(verb, total=sources.total_bytes(paths))
        yield lambda count: bar.advance(task, count)


@contextlib.contextmanager
def _intake(rate: float | None) -> Iterator[Intake]:
    from schemas.errors import BrokerError
    from streams import clients, topics
    from streams.ingest import Intake
    from streams.settings import settings

    chosen = settings()
    with clients.admin(chosen, timeout=10) as admin:
        wanted = [topics.named(chosen)[name] for name in ("declarations", "declarations.dlq")]
        missing = sorted(set(wanted) - set(topics.actual(admin, wanted)))
    if missing:
        raise BrokerError(f"no topic {', '.join(missing)} in this cluster; run: assay topics apply")
    producer = clients.producer(chosen)
    try:
        yield Intake(producer, chosen, rate)
    finally:
        producer.close(timeout=5)


def _once(paths: list[Path], format: str, json_wanted: bool, rate: float | None) -> int:
    from streams import sources

    _stop_on_signals()
    with _intake(rate) as intake, _progress(paths, "ingesting") as advance:
        stopped = False
        try:
            intake.take(sources.records(paths, format, advance))
        except KeyboardInterrupt:
            stopped = True
        intake.settle()
    _close(intake.tally, json_wanted, stopped)
    return intake.tally.dead_letters + stopped


def _follow(paths: list[Path], format: str, json_wanted: bool, rate: float | None) -> int:
    from streams import sources
    from streams._followed import Followed, state_file
    from streams.settings import settings

    _stop_on_signals()
    followed = Followed(paths, state_file(paths, settings()))
    with _intake(rate) as intake:
        output.errors.print(f"watching {', '.join(map(str, paths))}; Ctrl-C stops")
        try:
            while True:
                for path, name in followed.ready():
                    before = intake.tally.accepted, intake.tally.dead_letters
                    intake.take(sources.file_records(path, name, format))
                    intake.settle()
                    followed.remember(path)
                    accepted, refused = intake.tally.accepted - before[0], intake.tally.dead_letters - before[1]
                    output.errors.print(f"{name}: {accepted:,} accepted, {refused:,} dead letters", markup=False)
                time.sleep(_LOOK_EVERY_SECONDS)
        except KeyboardInterrupt:
            intake.settle()
    _close(intake.tally, json_wanted, False)
    return intake.tally.dead_letters


def _close(tally: Tally, json_wanted: bool, stopped: bool) -> None:
    """Print the closing summary."""
    if json_wanted:
        output.as_json({**tally.as_dict(), "stopped": stopped})
        return
    output.console.print(
        f"{tally.accepted:,} declarations accepted, {tally.dead_letters:,} dead letters, all acknowledged by Kafka, "
        f"in {tally.seconds:.1f} s ({tally.rate:,.0f} a second)" + (" — stopped before the end" if stopped else "")
    )
    if tally.reasons:
        rows = [{"dead_letters": count, "reason": reason} for reason, count in tally.reasons.most_common(20)]
        output.table(rows, ("dead_letters", "reason"))


def _dry_run(paths: list[Path], format: str, json_wanted: bool, limit: int) -> int:
    from streams import sources
    from streams.ingest import Tally, examine

    tally = Tally()
    accepted: list[dict[str, Any]] = []
    refused: list[dict[str, Any]] = []
    started = time.monotonic()
    with _progress(paths, "reading") as advance:
        for record in sources.records(paths, format, advance):
            tally.records += 1
            try:
                rows = examine(record)
            except FeedError as error:
                tally.refuse(error)
                if len(refused) < limit:
                    refused.append({"origin": record.origin, "path": error.path or None, "reason": error.reason})
                continue
            tally.accepted += len(rows)
            accepted += rows[: max(0, limit - len(accepted))]
    tally.seconds = time.monotonic() - started
    if json_wanted:
        output.as_json({**tally.as_dict(), "would_accept": accepted, "would_refuse": refused})
    else:
        _show_dry_run(tally, accepted, refused)
    return tally.dead_letters


def _show_dry_run(tally: Tally, accepted: list[dict[str, Any]], refused: list[dict[str, Any]]) -> None:
    if accepted:
        columns = ("origin", "declaration_id", "regime", "items", "codes")
        output.table(accepted, columns, f"Would be accepted: {tally.accepted:,} declarations")
    if refused:
        output.table(refused, ("origin", "path", "reason"), f"Would be dead letters: {tally.dead_letters:,}")
    left = tally.accepted - len(accepted) + tally.dead_letters - len(refused)
    more = f"; {left:,} rows not shown (--limit)" if left else ""
    output.console.print(f"{tally.accepted:,} accepted, {tally.dead_letters:,} refused, nothing was sent{more}")
