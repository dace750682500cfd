"""``assay bench``: declarations a second of each part, beside a textbook Faust agent."""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from schemas.errors import BrokerError
from streams import output

if TYPE_CHECKING:
    from streams.bench.measure import Measure

_EPILOG = (
    "Examples:  [bold]assay bench[/]  ·  [bold]assay bench replay --count 20000[/]  ·  [bold]assay bench --markdown[/]"
)


class Part(StrEnum):
    """What to measure."""

    decode = "decode"
    ingest = "ingest"
    screen = "screen"
    replay = "replay"
    models = "models"
    profiles = "profiles"
    stream = "stream"
    console = "console"
    kcs = "kcs"
    typologies = "typologies"
    every = "all"


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("bench", epilog=_EPILOG)(bench)


def bench(
    part: Annotated[Part, typer.Argument(help="What to measure.")] = Part.every,
    count: Annotated[int, typer.Option(min=100, help="Declarations of each repeat.")] = 10_000,
    repeats: Annotated[int, typer.Option(min=1, max=20, help="Repeats; figures are their medians.")] = 3,
    path: Annotated[
        Path | None,
        typer.Option(
            exists=True, file_okay=False, help="For kcs: the folder with df_syn_train_eng.csv and its siblings."
        ),
    ] = None,
    json_wanted: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
    markdown: Annotated[bool, typer.Option("--markdown", help="Print a Markdown table.")] = False,
) -> None:
    """Measure declarations a second: decode, ingest, screen, replay, and end to end through Kafka beside a textbook Faust agent.

    These five make all. Of the others, which take minutes each, models scores items with each learned detector; profiles updates
    states, fills a million of them and recovers a partition; console asks a database with 100,000 alerts, questions a second.

    Two parts measure how well is judged, not how fast: kcs, the Customs-Declaration-Datasets benchmark in the
    folder --path, and typologies, rules beside learned models on simulated smuggling.

    All in one run on the same simulated declarations. Decode, ingest, screen and replay have one core; a worker is one process
    beside the broker. Exit 1: no Kafka could be had for the measures that need one.
    """
    import tempfile

    if part in (Part.kcs, Part.typologies):
        _judgement(part, path, json_wanted)
        return
    from streams.bench import local
    from streams.bench.measure import machine

    described = machine()
    with tempfile.TemporaryDirectory(prefix="assay-bench-") as folder, output.errors.status("making feeds") as status:
        feeds = [] if part is Part.console else local.write_feeds(Path(folder), count, repeats)
        measures: list[Measure] = []
        parts = {
            "decode": local.decode,
            "ingest": local.ingest,
            "screen": local.screen,
            "replay": local.replay,
        }
        for name, measured in parts.items():
            if part in (Part.every, name):
                status.update(name)
                measures += measured(feeds)
        if part is Part.models:
            from streams.bench import models

            status.update("models: training takes a minute")
            measures += models.models(feeds)
        if part is Part.console:
            from streams.bench.console import console

            status.update("console: filling a database with 100,000 alerts takes some minutes")
            measures += console(repeats)
        trouble: BrokerError | None = None
        if part is Part.profiles:
            from streams.bench import profiles

            try:
                measures += profiles.profiles(feeds, lambda told: status.update(told))
            except BrokerError as error:
                trouble = error
        if part in (Part.every, Part.stream):
            from streams.bench import live

            try:
                measures += live.stream(feeds, lambda message: status.update(message or "stream"))
            except BrokerError as error:
                trouble = error  # told below, after what could be measured
    _show(measures, described, f"{count:,} declarations, {repeats} repeats, medians", json_wanted, markdown)
    if trouble is not None:
        raise trouble


def _judgement(part: Part, path: Path | None, json_wanted: bool) -> None:
    from streams.bench import kcs, told, typologies

    if part is Part.kcs and path is None:
        raise typer.BadParameter("the folder with the files of the benchmark", param_hint="--path")
    with output.errors.status("starting") as status:
        found = kcs.run(path, status.update) if path is not None and part is Part.kcs else typologies.run(status.update)
    if json_wanted:
        output.as_json(found)
    elif part is Part.kcs:
        told.show_kcs(found)
    else:
        told.show_typologies(found)


def _show(measures: Sequence[Measure], described: dict[str, Any], how: str, json_wanted: bool, markdown: bool) -> None:
    if json_wanted:
        output.as_json({"machine": described, "measures": [one.as_dict() for one in measures]})
        return
    if not measures:
        return
    told = ", ".join(f"{name} {value}" for name, value in described.items())
    rows = _rows(measures)
    if markdown:
        typer.echo(_markdown(rows))
        typer.echo(f"\n{told}; {how}.")
    else:
        output.table(rows, list(rows[0]), f"Declarations a second ({how})")
        output.console.print(f"[dim]{told}[/]")


def _rows(measures: Sequence[Measure]) -> list[dict[str, Any]]:
    """Lay the measures out; ratios are to the textbook agent with the same rules."""
    textbook = next((one for one in measures if one.way.startswith("textbook") and "same" in one.way), None)
    rows = []
    for one in measures:
        late = one.latency_ms
        rows.append(
            {
                "part": one.part,
                "way": one.way,
                "a second": f"{one.rate:,.0f}",
                "a CPU second": "" if one.cpu_rate is None else f"{one.cpu_rate:,.0f}",
                "to textbook": f"{one.rate / textbook.rate:,.1f}x" if textbook and not late else "",
                "p50 / p99": f"{late['p50']:,.0f} / {late['p99']:,.0f} ms" if late else "",
                "remark": one.remark,
            }
        )
    return rows


def _markdown(rows: Sequence[dict[str, Any]]) -> str:
    names = list(rows[0])
    lines = ["| " + " | ".join(names) + " |", "|" + "---|" * len(names)]
    lines += ["| " + " | ".join(str(row[name]) for name in names) + " |" for row in rows]
    return "\n".join(lines)
