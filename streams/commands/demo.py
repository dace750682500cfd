"""``assay demo``: Kafka, workers, a simulated feed with injected cases, a live view, a closing report."""

from __future__ import annotations

import signal
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from streams import output

if TYPE_CHECKING:
    from rich.status import Status

    from streams.demo.closing import Outcome
    from streams.demo.show import Plan

_EPILOG = "Examples:  [bold]assay demo[/]  ·  [bold]assay demo --seconds 60 --report demo.html[/]"


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("demo", epilog=_EPILOG)(demo)


def demo(
    seconds: Annotated[
        float | None, typer.Option(min=1, help="Length of the feed, then a closing report [default: until Ctrl-C].")
    ] = None,
    rate: Annotated[float, typer.Option(min=1, help="Declarations a second.")] = 300.0,
    seed: Annotated[int, typer.Option(help="Of the simulated feed: the same seed gives the same feed.")] = 1,
    workers: Annotated[int, typer.Option(min=1, max=64, help="Worker processes.")] = 1,
    console: Annotated[bool, typer.Option(help="Also start the analysts' console, and print its address.")] = True,
    keep: Annotated[bool, typer.Option("--keep", help="Leave Kafka and its topics for a look.")] = False,
    report: Annotated[Path | None, typer.Option(help="Also write a page with charts and the strongest alerts.")] = None,
    json_wanted: Annotated[bool, typer.Option("--json", help="Print the closing report as JSON.")] = False,
) -> None:
    """Show Assay at work: declarations in, alerts out, through a real Kafka.

    Starts a local Kafka (or uses the one of ASSAY_KAFKA, under topics of its own), workers, the console and a simulated
    national feed with the smuggling cases injected. Where no Kafka can be had, the same feed goes through the replay driver.
    Nothing is left running. Exit 0: every record was judged or is a dead letter, and no alert came twice; 1: not so.
    """
    from streams import broker
    from streams.demo.show import Plan

    plan = Plan(seconds, rate, seed, workers, console)
    # A polite end from outside tidies up like Ctrl-C does. Shells let what they start in the background ignore SIGINT.
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, _interrupted)
    obstacle = broker.obstacle()
    try:
        outcome = _replayed(plan, obstacle) if obstacle else _live(plan, keep, json_wanted)
    except KeyboardInterrupt:
        output.errors.print("stopped; nothing is left running")
        raise typer.Exit(1) from None
    if report is not None:
        _write_report(report, outcome)
    if json_wanted:
        from streams.demo import closing

        output.as_json(closing.as_dict(outcome))
    else:
        from streams.demo import closing

        closing.show(outcome)
        if report is not None:
            output.console.print(f"[dim]written: {report}[/]", soft_wrap=True)
    raise typer.Exit(0 if outcome.complete else 1)


def _interrupted(*_: Any) -> None:
    raise KeyboardInterrupt


def _live(plan: Plan, keep: bool, json_wanted: bool) -> Outcome:
    from streams.demo import show
    from streams.demo.cluster import cluster

    status: Status = output.errors.status("looking for a Kafka")

    def say(message: str) -> None:
        if message:
            status.start()
            status.update(message)
        else:
            status.stop()

    try:
        with cluster(say, keep=keep) as made:
            outcome = show.through_kafka(made, plan, output.errors if json_wanted else output.console, say)
            if keep:
                _tell_kept(made.chosen.kafka, made.chosen.topic_prefix, made.folder, made.owned)
            else:
                say("stopping")
    finally:
        status.stop()
    return outcome


def _replayed(plan: Plan, obstacle: str) -> Outcome:
    from streams.demo import show

    first = obstacle.splitlines()[0].rstrip(".:")
    output.errors.print(f"no Kafka here ({first}), so the same feed goes through the replay driver", soft_wrap=True)
    with output.errors.status("making the feed") as status:
        return show.through_replay(plan, status.update)


def _tell_kept(servers: str | None, prefix: str, folder: Path, owned: bool) -> None:
    told = [f"kept: Kafka at {servers}, topics {prefix}*, files in {folder}"]
    told.append(f"look: kcat -C -b {servers} -t {prefix}alerts -o beginning -e")
    if owned:
        told.append(f"stop: assay broker down --dir {folder / 'broker'}")
    for line in told:
        output.errors.print(line, soft_wrap=True)


def _write_report(path: Path, outcome: Outcome) -> None:
    from datetime import UTC, datetime

    from schemas.alert import Alert
    from streams import report
    from streams.settings import settings

    alerts = [Alert.model_validate_json(_json(alert)) for alert in outcome.alerts]
    run = report.Run(
        title="Demo: a simulated national feed",
        inputs=[f"seed {outcome.seed}", f"{outcome.seconds:.0f} s through {outcome.through}"],
        judged=outcome.judged,
        dead_letters=outcome.dead_letters,
        generated_at=datetime.now(UTC),
        seconds=outcome.seconds,
        threshold=settings().alert_threshold,
        reasons_of_dead_letters=sorted(outcome.reasons.items(), key=lambda pair: -pair[1])[:20],
    )
    report.write(path, alerts, run)


def _json(alert: object) -> bytes:
    import pydantic_core

    return pydantic_core.to_json(alert)
