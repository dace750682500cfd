"""``assay ingest``: feed files or a directory into Kafka."""

from __future__ import annotations

import contextlib
import re
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from schemas.errors import FeedError
from streams import output

if TYPE_CHECKING:
    from schemas.mapping import Mapping
    from streams._journal import Journal, Progress
    from streams.admission import Admitted, Validate
    from streams.ingest import Intake, Tally
    from streams.sources import Record

_EPILOG = (
    "Examples:  [bold]assay ingest messages/ --dry-run[/]  ·  [bold]assay ingest day.zip feed.ndjson[/]  ·  "
    "[bold]assay ingest /var/spool/cds --format cds --system cds-north --follow[/]  ·  "
    "[bold]assay ingest --init-mapping sample.csv --output post.yaml[/], then [bold]assay ingest day.csv --mapping post.yaml[/]"
)
_LOOK_EVERY_SECONDS = 1.0
_FILES_NAMED = 5
_REFUSALS_SHOWN = 20
_BY_FORMAT = ("format", "accepted", "declarations", "refused")


@dataclass(frozen=True)
class _Wanted:
    """The options."""

    paths: list[Path]
    format: str
    mapping: Mapping | None
    system: str | None
    check: bool
    validate: Validate | None
    xsd: Path | None
    acknowledge: Path | None
    journal: Path | None
    again: bool
    rate: float | None
    json: bool
    limit: int


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("ingest", epilog=_EPILOG)(ingest)


def ingest(
    paths: Annotated[
        list[Path] | None,
        typer.Argument(exists=True, help="Files, directories, archives (zip, tar, gz, bz2, xz), Parquet."),
    ] = None,
    format: Annotated[str, typer.Option(help="auto, or one format for everything, such as cds.")] = "auto",
    mapping: Annotated[
        Path | None, typer.Option(exists=True, dir_okay=False, help="Read CSV or JSON by this mapping file.")
    ] = None,
    init_mapping: Annotated[
        Path | None,
        typer.Option(
            exists=True, dir_okay=False, metavar="SAMPLE", help="Propose a mapping file for such a feed, and end."
        ),
    ] = None,
    out: Annotated[Path | None, typer.Option("--output", help="With --init-mapping: write it there.")] = None,
    system: Annotated[str | None, typer.Option(help="Source system, instead of the format's own.")] = None,
    xsd: Annotated[
        Path | None, typer.Option(exists=True, file_okay=False, help="Validate XML by the schema files of this folder.")
    ] = None,
    acknowledge: Annotated[
        Path | None, typer.Option(file_okay=False, help="Write a CONTRL into this folder for every EDIFACT message.")
    ] = None,
    check: Annotated[
        bool, typer.Option("--check/--no-check", help="Decode here first; without it the worker tells what is wrong.")
    ] = True,
    journal: Annotated[
        Path | None, typer.Option(dir_okay=False, help="Where progress is kept. [default: in the state folder]")
    ] = None,
    again: Annotated[bool, typer.Option("--again", help="Send what has been taken in before, too.")] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Show what would be accepted; needs no Kafka.")] = False,
    follow: Annotated[bool, typer.Option("--follow", help="Keep watching for new files until Ctrl-C.")] = False,
    json_wanted: Annotated[bool, typer.Option("--json", help="Print the result as JSON.")] = False,
    rate: Annotated[float | None, typer.Option(min=0.001, help="At most so many messages a second.")] = None,
    limit: Annotated[int, typer.Option(min=0, help="Rows to print with --dry-run, of each kind.")] = 100,
) -> None:
    """Put customs messages on the topic [bold]raw.<system>[/], and declarations of our own contract on [bold]declarations[/].

    Each message is decoded first: what cannot be goes to [bold]declarations.dlq[/], with its bytes and the reason. An
    ingest that was interrupted goes on where Kafka had acknowledged; one that was finished sends nothing.
    Exit 0: all accepted; 1: dead letters, interrupted, or no Kafka; 2: bad usage.
    """
    from schemas import feeds

    if init_mapping is not None:
        _propose(init_mapping, out)
        return
    if not paths:
        raise typer.BadParameter("name files or folders", param_hint="PATHS")
    if format != "auto" and format not in feeds.codecs():
        raise typer.BadParameter(f"known formats: auto, {', '.join(feeds.codecs())}", param_hint="--format")
    if format != "auto" and mapping is not None:
        raise typer.BadParameter("a mapping is a format of its own; leave --format out", param_hint="--mapping")
    if follow and dry_run:
        raise typer.BadParameter("--dry-run looks once; leave --follow out", param_hint="--follow")
    if follow and again:
        raise typer.BadParameter("--follow takes each file once; leave --again out", param_hint="--follow")
    _check_system(system)
    wanted = _Wanted(
        paths, format, _mapping(mapping), system, check, _validator(xsd), xsd, acknowledge, journal, again, rate,
        json_wanted, limit,
    )  # fmt: skip
    if dry_run:
        refused = _dry_run(wanted)
    elif follow:
        refused = _follow(wanted)
    else:
        refused = _once(wanted)
    raise typer.Exit(1 if refused else 0)


def _check_system(system: str | None) -> None:
    """Refuse a name that no topic can have, before every file becomes a dead letter for it."""
    from streams.admission import raw_topic
    from streams.settings import settings

    if system is not None:
        try:
            raw_topic(system, settings())
        except FeedError as error:
            raise typer.BadParameter(error.reason, param_hint="--system") from None


def _propose(sample: Path, out: Path | None) -> None:
    """Print or write a mapping file."""
    from streams._mapping_proposal import propose

    with sample.open("rb") as file:
        text = propose(file.read(1_000_000), sample.name)
    if out is None:
        typer.echo(text, nl=not text.endswith("\n"))
        return
    try:
        with out.open("x", encoding="utf-8") as file:
            file.write(text)
    except FileExistsError:
        raise typer.BadParameter(f"{out} is there already", param_hint="--output") from None
    output.errors.print(
        f"wrote {out}; look at what it guessed, then: assay ingest --mapping {out} ... --dry-run", markup=False
    )


def _mapping(file: Path | None) -> Mapping | None:
    if file is None:
        return None
    from schemas.mapping import Mapping

    return Mapping.load(file)


def _validator(folder: Path | None) -> Validate | None:
    if folder is None:
        return None
    from schemas.feeds._xsd import validator

    return validator(folder)


def _stopper() -> threading.Event:
    """Return what the first Ctrl-C (or SIGTERM, as service managers send it) sets; the second one ends the program at once."""
    import signal

    stopped = threading.Event()

    def stop(*_: object) -> None:
        if stopped.is_set():
            raise KeyboardInterrupt
        stopped.set()

    signal.signal(signal.SIGTERM, stop)
    signal.signal(signal.SIGINT, stop)
    return stopped


@contextlib.contextmanager
def _progress(total: int, verb: str, tally: Tally) -> Iterator[Callable[[int], None]]:
    from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        DownloadColumn(),
        TextColumn("{task.fields[counted]}"),
        TimeRemainingColumn(),
    )
    began = time.monotonic()
    with Progress(*columns, console=output.errors, transient=True) as bar:
        task = bar.add_task(verb, total=total, counted="")

        def advance(count: int) -> None:
            rate = tally.records / max(time.monotonic() - began, 0.001)
            refused = f", {tally.dead_letters:,} refused" if tally.dead_letters else ""
            bar.update(task, advance=count, counted=f"{tally.records:,} messages, {rate:,.0f}/s{refused}")

        yield advance


@contextlib.contextmanager
def _intake(wanted: _Wanted) -> Iterator[tuple[Intake, Journal]]:
    """Have a producer and the journal of this cluster, format, source system and mapping."""
    from schemas.errors import BrokerError
    from streams import clients, topics
    from streams._journal import Journal, job
    from streams.admission import Door
    from streams.ingest import Intake
    from streams.settings import settings

    chosen = settings()
    with clients.admin(chosen, timeout=10) as admin:
        existing = set(admin.list_topics())
        cluster = str(admin.describe_cluster()["cluster_id"])
    needed = [topics.named(chosen)[name] for name in ("declarations", "declarations.dlq")]
    if missing := sorted(set(needed) - existing):
        raise BrokerError(f"no topic {', '.join(missing)} in this cluster; run: assay topics apply")
    known = job(
        cluster, chosen.topic_prefix, wanted.format, wanted.system, wanted.mapping.yaml if wanted.mapping else None,
        str(wanted.xsd or ""),
    )  # fmt: skip
    producer = clients.producer(chosen, linger_ms=20)
    door = Door(chosen, wanted.system, wanted.check, wanted.validate)
    try:
        with Journal(wanted.journal or chosen.state_dir / "ingest" / "journal.sqlite", known) as journal:
            yield Intake(producer, door, chosen, wanted.rate, existing.__contains__), journal
    finally:
        producer.close(timeout=5)


def _once(wanted: _Wanted) -> int:
    from streams import sources
    from streams.ingest import Reading, ingest

    stopped = _stopper()
    found = sources.files(wanted.paths)
    with _intake(wanted) as (intake, journal):
        if wanted.again:
            journal.forget(path for path, _ in found)
        total = sum(path.stat().st_size for path, _ in found)
        with _progress(total, "ingesting", intake.tally) as advance:
            reading = Reading(wanted.format, wanted.mapping, advance, _answering(wanted))
            ingest(intake, journal, _looked(journal, found), reading, stopped.is_set)
    _close(intake.tally, wanted, stopped.is_set())
    return intake.tally.dead_letters + intake.tally.wrong_parts + stopped.is_set()


def _looked(journal: Journal, found: list[tuple[Path, str]]) -> Iterator[tuple[Progress, str]]:
    for path, name in found:
        try:
            yield journal.look(path), name
        except FileNotFoundError:
            continue
        except OSError as error:
            raise FeedError(f"{path} cannot be read: {error.strerror or error}") from None


def _follow(wanted: _Wanted) -> int:
    from streams._followed import Followed
    from streams.ingest import Reading, ingest

    stopped = _stopper()
    with _intake(wanted) as (intake, journal):
        followed = Followed(wanted.paths, journal)
        reading = Reading(wanted.format, wanted.mapping, None, _answering(wanted))
        tally = intake.tally
        output.errors.print(f"watching {', '.join(map(str, wanted.paths))}; Ctrl-C stops", markup=False)
        while not stopped.is_set():
            before = tally.accepted, tally.dead_letters
            ready = list(followed.ready())
            ingest(intake, journal, ready, reading, stopped.is_set)
            if ready:
                names = ", ".join(name for _, name in ready[:_FILES_NAMED])
                more = f" and {len(ready) - _FILES_NAMED:,} more files" if len(ready) > _FILES_NAMED else ""
                accepted, refused = tally.accepted - before[0], tally.dead_letters - before[1]
                output.errors.print(f"{names}{more}: {accepted:,} accepted, {refused:,} dead letters", markup=False)
            stopped.wait(_LOOK_EVERY_SECONDS)
    _close(tally, wanted, False)
    return tally.dead_letters + tally.wrong_parts


def _answering(wanted: _Wanted) -> Callable[[Record, Admitted | FeedError], None] | None:
    """Return what writes a CONTRL for each EDIFACT interchange that was sent or refused."""
    folder = wanted.acknowledge
    if folder is None:
        return None
    from datetime import UTC, datetime

    from streams.admission import answer_edifact

    folder.mkdir(parents=True, exist_ok=True)

    def answer(record: Record, outcome: Admitted | FeedError) -> None:
        if record.format != "edifact":
            return
        error = outcome if isinstance(outcome, FeedError) else next(iter(outcome.wrong), None)
        try:
            answered = answer_edifact(record.raw, error, datetime.now(UTC))
        except FeedError as trouble:
            output.errors.print(f"{record.origin}: no CONTRL: {trouble}", markup=False)
            return
        name = re.sub(r"[^A-Za-z0-9._-]+", "_", record.origin)[-200:].lstrip(".")
        (folder / f"{name}.contrl").write_bytes(answered)

    return answer


def _close(tally: Tally, wanted: _Wanted, stopped: bool) -> None:
    """Print the closing summary."""
    if wanted.json:
        output.as_json({**tally.as_dict(), "refused": tally.refusals, "stopped": stopped})
        return
    if tally.known_files or tally.known_records:
        known = f"{tally.known_files:,} files were taken in before" if tally.known_files else "went on"
        output.console.print(f"{known}: {tally.known_records:,} records not sent again (--again does)")
    output.console.print(
        f"{_messages(tally.accepted)} accepted, {tally.dead_letters:,} dead letters, all acknowledged by Kafka, "
        f"in {tally.seconds:.1f} s ({tally.rate:,.0f} a second)"
        + (" — stopped before the end; the same command goes on" if stopped else "")
    )
    if len(tally.formats) > 1 or tally.dead_letters:
        output.table(tally.by_format(), _BY_FORMAT)
    if tally.wrong_parts:
        output.console.print(
            f"{tally.wrong_parts:,} wrong parts in accepted messages: the worker writes their dead letters"
        )
    if tally.refusals:
        output.table(tally.refusals[:_REFUSALS_SHOWN], ("origin", "path", "reason"), "Refused")
        if (left := tally.dead_letters + tally.wrong_parts - _REFUSALS_SHOWN) > 0:
            output.console.print(f"and {left:,} more: assay dlq list --stage feed")
            rows = [{"times": count, "reason": reason} for reason, count in tally.reasons.most_common(_REFUSALS_SHOWN)]
            output.table(rows, ("times", "reason"))


def _dry_run(wanted: _Wanted) -> int:
    from datetime import UTC, datetime

    from streams import admission, sources
    from streams.ingest import Tally
    from streams.settings import settings

    tally = Tally()
    door = admission.Door(settings(), wanted.system, True, wanted.validate, detail=True)
    accepted: list[dict[str, Any]] = []
    began = time.monotonic()
    with _progress(sources.total_bytes(wanted.paths), "reading", tally) as advance:
        for record in sources.records(wanted.paths, wanted.format, advance, wanted.mapping):
            tally.records += 1
            try:
                admitted = door.admit(record, datetime.now(UTC))
            except FeedError as error:
                tally.refuse(record, error)
                continue
            tally.accept(admitted, record.origin)
            if len(accepted) < wanted.limit:
                accepted += admission.rows(record, admitted)[: wanted.limit - len(accepted)]
    tally.seconds = time.monotonic() - began
    refused = tally.refusals[: wanted.limit]
    if wanted.json:
        output.as_json({**tally.as_dict(), "would_accept": accepted, "would_refuse": refused})
    else:
        _show_dry_run(tally, accepted, refused)
    return tally.dead_letters + tally.wrong_parts


def _show_dry_run(tally: Tally, accepted: list[dict[str, Any]], refused: list[dict[str, Any]]) -> None:
    if accepted:
        columns = ["origin", "format", "event", "declaration_id", "mrn", "regime", "items", "codes"]
        shown = [column for column in columns if any(row[column] is not None for row in accepted)]
        output.table(accepted, shown, f"Would be accepted: {_messages(tally.accepted, tally.declarations)}")
    refusals = tally.dead_letters + tally.wrong_parts
    if refused:
        output.table(refused, ("origin", "path", "reason"), f"Would be refused: {refusals:,}")
    output.table(tally.by_format(), _BY_FORMAT, "By format")
    left = tally.declarations - len(accepted) + refusals - len(refused)
    more = f"; {left:,} rows not shown (--limit)" if left > 0 else ""
    output.console.print(f"{tally.accepted:,} accepted, {refusals:,} refused, nothing was sent{more}")


def _messages(count: int, parts: int | None = None) -> str:
    said = f"{count:,} message" + ("" if count == 1 else "s")
    return said if parts is None or parts == count else f"{said} with {parts:,} parts"
