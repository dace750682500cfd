"""``assay profile``: what the profiles remember, and how to teach them the past."""

from __future__ import annotations

from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from streams import output

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from streams.settings import Settings


def register(app: typer.Typer) -> None:
    """Add the command group ``profile``."""
    group = typer.Typer(
        no_args_is_help=True, help="What the profiles of parties, contacts, lanes and licences remember."
    )
    app.add_typer(group, name="profile")

    @group.callback()
    def _profile() -> None:
        """What the profiles of parties, contacts, lanes and licences remember."""

    group.command("list", epilog="Example: assay profile list")(kinds)
    group.command(
        "show", epilog="Examples: assay profile show licence/mofcom20261234  ·  assay profile show --id GB987654321000"
    )(show)
    group.command("warm", epilog="Example: assay profile warm --history 2026.parquet")(warm)


def kinds(
    json_wanted: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """List the profiles: what each finds, under which keys it remembers, and how much history it needs."""
    from detectors import engine

    rows = [
        {
            "profile": profile.name,
            "finds": " ".join(sorted(profile.codes)),
            "keys": " ".join(sorted(profile.kinds)),
            "history": f"{profile.window.days} days" if profile.window is not None else "none needed",
        }
        for profile in engine.profiles()
    ]
    output.show(rows, ("profile", "finds", "keys", "history"), json_wanted)


def show(
    keys: Annotated[
        list[str] | None, typer.Argument(help="Profile keys, or beginnings of keys, as evidence names them.")
    ] = None,
    party: Annotated[str | None, typer.Option("--id", help="A party's identifier, in place of its key.")] = None,
    name: Annotated[str | None, typer.Option(help="A firm's name, in place of its key (with --country).")] = None,
    country: Annotated[str | None, typer.Option(help="Country of --id or --name.")] = None,
    phone: Annotated[str | None, typer.Option(help="A telephone number, in place of its key.")] = None,
    email: Annotated[str | None, typer.Option(help="An e-mail address, in place of its key.")] = None,
    limit: Annotated[int, typer.Option(min=1, help="Keys shown at most.")] = 20,
    json_wanted: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Explain in words what is remembered under a key.

    Reads the compacted topic `profiles`. Exit 1: nothing is remembered under these keys.
    """
    from streams.settings import settings

    chosen = settings()
    wanted = list(keys or ())
    resolved: list[str] = []
    if party or name or phone or email:
        found, resolved = _resolved(
            chosen, {"id": party, "name": name, "country": country, "phone": phone, "email": email}
        )
        wanted += found
    if not wanted:
        raise typer.BadParameter("name a key, or a party by --id, --name, --phone or --email")
    rows = [row for row, _ in zip(_described(chosen, wanted), range(limit), strict=False)]
    if not rows:
        output.complain(f"nothing is remembered under {', '.join(wanted)}")
        raise typer.Exit(1)
    if json_wanted:
        output.as_json(rows)
        return
    for line in resolved:
        output.console.print(line, style="dim", markup=False)
    for row in rows:
        output.console.print(f"{row['key']}  (newest declaration {row['latest']})", style="bold", markup=False)
        for profile, lines in row["profiles"].items():
            output.console.print(f"  {profile}", style="cyan", markup=False)
            for line in lines:
                output.console.print(f"    {line}", markup=False)


def _resolved(chosen: Settings, party: dict[str, Any]) -> tuple[list[str], list[str]]:
    from detectors.parties import Resolver
    from detectors.parties.merges import load

    who = Resolver(load(chosen.merges) if chosen.merges else None, chosen.pepper).resolve(party, False)
    if who is None:
        raise typer.BadParameter("nothing there identifies a party")
    contacts_only = not (party["id"] or party["name"])
    keys = [link.key for link in who.links] if contacts_only else [who.key, *(link.key for link in who.links)]
    return keys, [f"{who.key}: {'; '.join(who.explained)}"] if not contacts_only else []


def _described(chosen: Settings, wanted: list[str]) -> Iterator[dict[str, Any]]:
    from detectors import engine
    from detectors.profiles import stage
    from streams import clients, topics

    states: dict[str, bytes] = {}
    begins: dict[int, bytes] = {}
    places: dict[str, int] = {}
    for record in clients.read_topic(topics.named(chosen)["profiles"], chosen):
        key = (record.key or b"").decode("utf-8", "replace")
        if key == stage.SINCE and record.value is not None:
            begins[record.partition] = record.value
        elif any(key.startswith(one) for one in wanted):
            places[key] = record.partition
            if record.value is None:
                states.pop(key, None)
            else:
                states[key] = record.value
    lateness = timedelta(hours=chosen.lateness_hours)
    for key, raw in sorted(states.items()):
        yield engine.explain(key, raw, begins.get(places[key]), lateness)


def warm(
    history: Annotated[
        list[Path], typer.Option(exists=True, help="Declarations of the past, in any format; may be repeated.")
    ],
    format: Annotated[str, typer.Option(help="auto, or one format for everything.")] = "auto",
    jobs: Annotated[int | None, typer.Option(min=1, help="Processes [default: a core each].")] = None,
    json_wanted: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Teach the profiles the past, so that they know who is new and which lane is rare from the first day.

    Sends what the declarations say to the topic `signals`, marked as taught: workers remember it and raise nothing. To teach the
    same twice changes nothing.
    """
    from streams import warming
    from streams.settings import settings

    with _progress() as tell:
        taught = warming.warm(history, settings(), form=format, jobs=jobs, on_progress=tell)
    output.show([taught], tuple(taught), json_wanted)


@contextmanager
def _progress() -> Iterator[Callable[[int, int, int], None]]:
    from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (
        TextColumn("teaching"),
        BarColumn(),
        DownloadColumn(),
        TextColumn("{task.fields[taught]:,} declarations"),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=output.errors, transient=True) as bar:
        task = bar.add_task("", total=None, taught=0)

        def told(read: int, total: int, taught: int) -> None:
            bar.update(task, total=total, completed=read, taught=taught)

        yield told
