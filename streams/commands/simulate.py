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
    from collections.abc import Iterator

    from schemas.disposition import Label
    from streams.simulate.compose import Row

_EPILOG = (
    "Examples:  [bold]assay simulate --out feed.ndjson --labels labels.ndjson --seed 7 --count 20000[/]  ·  "
    "[bold]assay simulate --out - --count 100 | head -1[/]"
)
_EVERY = 500


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("simulate", epilog=_EPILOG)(simulate)


def simulate(
    out: Annotated[str, typer.Option(help="Where the declarations go, one JSON a line; .gz packs; - standard output.")],
    labels: Annotated[str | None, typer.Option(help="Where the labels go, one JSON a line; .gz packs.")] = None,
    seed: Annotated[int, typer.Option(help="The same seed gives the same feed.")] = 1,
    count: Annotated[int, typer.Option(min=1, help="Declaration events, amendments included.")] = 10_000,
    start: Annotated[str | None, typer.Option(help="First day, or time, UTC; 2023-01-01 if not given.")] = None,
    end: Annotated[
        str | None, typer.Option(help="Day, or time, before which it ends; 2026-11-20 if not given.")
    ] = None,
    days: Annotated[float | None, typer.Option(min=0.0001, help="Length of the period, in place of --end.")] = None,
    scenario_share: Annotated[
        float, typer.Option(min=0, max=1, help="Of the declarations that begin a smuggling story.")
    ] = 0.01,
    look_alike_share: Annotated[
        float, typer.Option(min=0, max=1, help="Of those that are honest and look like one.")
    ] = 0.05,
    duplicate_share: Annotated[float, typer.Option(min=0, max=1, help="Of those sent twice, word for word.")] = 0.0,
    scenario: Annotated[list[str] | None, typer.Option(help="Only this scenario; may be repeated.")] = None,
    stateless: Annotated[bool, typer.Option("--stateless", help="Only stories that show without memory.")] = False,
    firms: Annotated[int, typer.Option(min=10, help="Exporting firms.")] = 3000,
    json_wanted: Annotated[bool, typer.Option("--json", help="Print the summary as JSON.")] = False,
) -> None:
    """Write a national feed of declarations with a known answer for each.

    Most of it is honest trade of firms with stable habits; some of that looks suspicious and is not; a small share are the
    smuggling scenarios that Assay must catch, with variation. Labels: declaration_id, typologies (empty: honest),
    substances, scenario, look_alike.
    """
    from pydantic_core import to_json

    from streams.simulate import DEFAULT_END, DEFAULT_START, feed

    begins = _time(start, "--start") or DEFAULT_START
    ends = _time(end, "--end") or (max(DEFAULT_END, begins + timedelta(days=1)))
    if days is not None:
        if end is not None:
            raise typer.BadParameter("give --end or --days, not both")
        ends = begins + timedelta(days=days)
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
            scenarios=scenario,
            memory=not stateless,
            firms=firms,
        )
    except ValueError as error:
        raise typer.BadParameter(str(error)) from None
    tally: Counter[tuple[str, str]] = Counter()
    again: set[str] = set()  # one label a declaration, even if it is sent twice
    with ExitStack() as stack:
        sink = stack.enter_context(_sink(out))
        answers = stack.enter_context(_sink(labels)) if labels else None
        for row, label in _watched(rows, count):
            sink.write(to_json(row) + b"\n")
            tally[_kind(label)] += 1
            if answers is not None and row["event"] == "lodged" and label.declaration_id not in again:
                answers.write(to_json(label) + b"\n")
                if duplicate_share:
                    again.add(label.declaration_id)
    _summary(tally, count, out, json_wanted)


def _kind(label: Label) -> tuple[str, str]:
    if label.typologies:
        return "scenario", label.scenario or ""
    if label.look_alike:
        return "look-alike", label.look_alike
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
