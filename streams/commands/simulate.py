"""``assay simulate``: a labelled feed, for trials, demonstrations and load."""

from __future__ import annotations

import gzip
import sys
from collections import Counter
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import IO, TYPE_CHECKING, Annotated

import typer

from streams import output

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from schemas.disposition import Label
    from streams.simulate.compose import Row

_EPILOG = (
    "Examples:  [bold]assay simulate --out feed.ndjson --labels labels.ndjson --seed 7 --count 20000[/]  ·  "
    "[bold]assay simulate --out year.parquet --labels year.labels.ndjson.gz --days 365 --count 1000000[/]  ·  "
    "[bold]assay simulate --out - --count 100 | head -1[/]"
)
_EVERY = 500
#: Declarations of a row group of a Parquet file: some twenty megabytes before it is packed.
_GROUP = 10_000


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("simulate", epilog=_EPILOG)(simulate)


def simulate(
    out: Annotated[
        str, typer.Option(help="Where the declarations go, one JSON a line; .gz packs, .parquet; - standard output.")
    ],
    labels: Annotated[str | None, typer.Option(help="Where the labels go, one JSON a line; .gz packs.")] = None,
    seed: Annotated[int, typer.Option(help="The same seed gives the same feed.")] = 1,
    count: Annotated[int, typer.Option(min=1, help="Declaration events, amendments included.")] = 10_000,
    start: Annotated[
        str | None, typer.Option(help="First day, or time, UTC; 2023-01-01 if neither it nor --days is given.")
    ] = None,
    end: Annotated[
        str | None, typer.Option(help="Day, or time, before which it ends; 2026-11-20 if not given.")
    ] = None,
    days: Annotated[
        float | None, typer.Option(min=0.0001, help="Length of the period, in place of --end or of --start.")
    ] = None,
    scenario_share: Annotated[
        float | None,
        typer.Option(
            min=0,
            max=1,
            help="Of the declarations that are smuggling each by itself; 0.01 with --stateless, else 0.002.",
        ),
    ] = None,
    cases: Annotated[
        float, typer.Option(min=0, max=500, help="Cases of several declarations that begin, per 10,000 declarations.")
    ] = 5.0,
    look_alike_cases: Annotated[
        float, typer.Option(min=0, max=500, help="Honest look-alikes of such cases, per 10,000 declarations.")
    ] = 15.0,
    look_alike_share: Annotated[
        float, typer.Option(min=0, max=1, help="Of those that are honest and look like one.")
    ] = 0.05,
    duplicate_share: Annotated[float, typer.Option(min=0, max=1, help="Of those sent twice, word for word.")] = 0.0,
    shuffle: Annotated[
        float, typer.Option(min=0, max=720, help="Write out of order, by at most so many hours.", metavar="HOURS")
    ] = 0.0,
    repeat: Annotated[
        float,
        typer.Option(min=0, max=1, help="Of the records that are written twice, on top of --count.", metavar="SHARE"),
    ] = 0.0,
    scenario: Annotated[list[str] | None, typer.Option(help="Only this scenario; may be repeated.")] = None,
    stateless: Annotated[
        bool, typer.Option("--stateless", help="Only what shows without memory; no cases of several declarations.")
    ] = False,
    firms: Annotated[
        int | None, typer.Option(min=10, help="Exporting firms; 3,000, or one for 80 declarations if that is more.")
    ] = None,
    json_wanted: Annotated[bool, typer.Option("--json", help="Print the summary as JSON.")] = False,
) -> None:
    """Write a national feed of declarations with a known answer for each.

    Most of it is honest trade of firms with stable habits; some of that looks suspicious and is not; a small share are the
    smuggling scenarios that Assay must catch, with variation: in one declaration, or over many (split shipments, licences,
    lanes, networks). Labels: declaration_id, typologies (empty: honest), substances, scenario, look_alike; of cases over time
    also case, lodged_at, and due: from which declaration on an alert can be expected. Cases for which the period has no room
    are left out: a surge needs a year before a control date. Written as it is made, in bounded memory.
    """
    from streams.simulate import feed
    from streams.simulate.delivery import repeated, shuffled

    begins, ends = _period(start, end, days)
    if scenario_share is None:
        scenario_share = 0.01 if stateless else 0.002
    if ends <= begins:
        raise typer.BadParameter(f"the period ends ({ends:%Y-%m-%d}) before it starts ({begins:%Y-%m-%d})")
    if scenario_share + look_alike_share > 1:
        raise typer.BadParameter("--scenario-share and --look-alike-share add up to more than 1")
    try:
        rows = feed(
            seed,
            count,
            begins,
            ends,
            scenario_share=scenario_share,
            look_alike_share=look_alike_share,
            duplicate_share=duplicate_share,
            cases=0.0 if stateless else cases,
            look_alike_cases=0.0 if stateless else look_alike_cases,
            scenarios=scenario,
            memory=not stateless,
            firms=firms or max(3000, 0 if stateless else count // 80),
        )
    except ValueError as error:
        raise typer.BadParameter(str(error)) from None
    tally: Counter[tuple[str, str]] = Counter()
    with ExitStack() as stack:
        write = stack.enter_context(_declarations(out))
        answers = stack.enter_context(_sink(labels)) if labels else None
        told = _answered(_watched(rows, count), tally, answers, bool(duplicate_share))
        if shuffle:
            told = shuffled(told, shuffle, seed)
        if repeat:
            told = repeated(told, repeat, seed)
        for row, _ in told:
            write(row)
    _summary(tally, count, out, json_wanted)


def _period(start: str | None, end: str | None, days: float | None) -> tuple[datetime, datetime]:
    """Return first and last time; of --start, --end and --days two decide, and what is missing is the default period's."""
    from streams.simulate import DEFAULT_END, DEFAULT_START

    begins, ends = _time(start, "--start"), _time(end, "--end")
    if days is not None:
        length = timedelta(days=days)
        if begins is not None and ends is not None:
            raise typer.BadParameter("give two of --start, --end and --days, not all three")
        if begins is not None:
            return begins, begins + length
        ends = ends or DEFAULT_END
        return ends - length, ends
    begins = begins or DEFAULT_START
    return begins, ends or max(DEFAULT_END, begins + timedelta(days=1))


def _answered(
    rows: Iterator[tuple[Row, Label]],
    tally: Counter[tuple[str, str]],
    answers: IO[bytes] | gzip.GzipFile | None,
    duplicates: bool,
) -> Iterator[tuple[Row, Label]]:
    """Pass rows on, count them, and write one label a declaration, in the order of lodging."""
    from pydantic_core import to_json

    again: set[str] = set()  # only where the feed itself sends some twice
    for row, label in rows:
        tally[_kind(label)] += 1
        if answers is not None and row["event"] == "lodged" and label.declaration_id not in again:
            answers.write(to_json(label) + b"\n")
            if duplicates:
                again.add(label.declaration_id)
        yield row, label


def _kind(label: Label) -> tuple[str, str]:
    if label.typologies:
        return "scenario", label.scenario or ""
    if label.look_alike:
        return "look-alike", label.look_alike
    if label.case:
        return "past of a case", label.case.split("/")[0]
    return "honest", ""


def _time(text: str | None, option: str) -> datetime | None:
    if text is None:
        return None
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        raise typer.BadParameter(f"{option} {text!r} is no ISO 8601 day or time, such as 2026-11-20") from None
    return found.astimezone(UTC) if found.tzinfo else found.replace(tzinfo=UTC)


@contextmanager
def _declarations(target: str) -> Iterator[Callable[[Row], object]]:
    """Give a function that writes a declaration: as a line of JSON, or into the column ``declaration`` of a Parquet file."""
    from pydantic_core import to_json

    if not target.endswith(".parquet"):
        with _sink(target) as sink:
            yield lambda row: sink.write(to_json(row) + b"\n")
        return
    import pyarrow
    import pyarrow.parquet

    schema = pyarrow.schema([("declaration", pyarrow.binary())])
    with pyarrow.parquet.ParquetWriter(target, schema, compression="zstd") as table:
        group: list[bytes] = []

        def flush() -> None:
            table.write_batch(pyarrow.record_batch([pyarrow.array(group, pyarrow.binary())], schema=schema))
            group.clear()

        def write(row: Row) -> None:
            group.append(to_json(row))
            if len(group) >= _GROUP:
                flush()

        yield write
        if group:
            flush()


@contextmanager
def _sink(target: str) -> Iterator[IO[bytes] | gzip.GzipFile]:
    if target == "-":
        yield sys.stdout.buffer
        sys.stdout.buffer.flush()
    elif target.endswith(".gz"):
        # neither name nor time in the archive: the same seed gives the same bytes
        with Path(target).open("wb") as raw, gzip.GzipFile("", "wb", compresslevel=5, fileobj=raw, mtime=0) as packed:
            yield packed
    else:
        with Path(target).open("wb") as plain:
            yield plain


def _watched(rows: Iterator[tuple[Row, Label]], count: int) -> Iterator[tuple[Row, Label]]:
    """Pass rows on, with a progress bar on standard error."""
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (TextColumn("simulating"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=output.errors, transient=True) as progress:
        task = progress.add_task("", total=count)
        for n, pair in enumerate(rows, 1):
            if n % _EVERY == 0:
                progress.update(task, completed=n)
            yield pair


def _summary(tally: Counter[tuple[str, str]], count: int, out: str, json_wanted: bool) -> None:
    rows = [
        {"kind": kind, "name": name, "events": events, "share": f"{events / count:.2%}"}
        for (kind, name), events in sorted(tally.items(), key=lambda pair: (pair[0][0] != "scenario", -pair[1]))
    ]
    if out == "-":
        return  # standard output carries the declarations
    output.show(rows, ("kind", "name", "events", "share"), json_wanted, f"{count:,} declaration events in {out}")
