"""``assay model``: train learned detectors, judge them, ship them, watch them."""

from __future__ import annotations

import getpass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from schemas.errors import BrokerError, ModelError
from streams import output

if TYPE_CHECKING:
    from detectors.models.registry import Registry, Version
    from streams.modelling import Act
    from streams.settings import Settings

Name = Annotated[str, typer.Argument(help="The model; `assay model list` names them.")]
Number = Annotated[str, typer.Option("--version", help="A version's number, champion, or challenger.")]
Histories = Annotated[
    list[Path], typer.Option("--history", exists=True, help="Declarations: NDJSON, Parquet, any feed. May be repeated.")
]
Labels = Annotated[
    Path | None,
    typer.Option("--labels", exists=True, dir_okay=False, help="Data set, labels or dispositions (NDJSON, .gz too)."),
]
Why = Annotated[str, typer.Option("--why", help="The reason, for the record.")]
By = Annotated[str | None, typer.Option("--by", help="Who decides. [default: the user of this process]")]
Mapping = Annotated[
    Path | None, typer.Option("--mapping", exists=True, dir_okay=False, help="Read CSV or JSON by this mapping file.")
]
_UNLABELLED = (
    "{} learns from what became of declarations: give --labels (`assay model dataset` makes them of dispositions)"
)
AsJson = Annotated[bool, typer.Option("--json", help="Print the result as JSON.")]


def register(app: typer.Typer) -> None:
    """Add the command group."""
    from streams import _model_watch

    group = typer.Typer(name="model", help="Train, judge, ship and watch learned detectors.", no_args_is_help=True)
    shown = "Example:  [bold]assay model {}[/]".format
    group.command("train", epilog=shown("train outlier --history 2025.parquet --labels labels.ndjson"))(train)
    group.command(
        "evaluate", epilog=shown("evaluate outlier --version 4 --history oct.ndjson --labels oct-labels.ndjson")
    )(evaluate)
    group.command("promote", epilog=shown('promote outlier --version 4 --why "better on October"'))(promote)
    group.command("rollback", epilog=shown('rollback outlier --why "too many alerts in Hamburg"'))(rollback)
    group.command("retire", epilog=shown('retire outlier --why "replaced by a rule"'))(retire)
    group.command("announce", epilog=shown("announce"))(announce)
    group.command("card", epilog=shown("card outlier --version 4 --html card.html"))(card)
    group.command("list", epilog=shown("list"))(list_)
    group.command("show", epilog=shown("show outlier"))(show)
    _model_watch.add(group)
    app.add_typer(group)


def _settings() -> Settings:
    from streams.settings import settings

    return settings()


def _act(by: str | None, why: str) -> Act:
    from streams.modelling import Act

    if not why.strip():
        raise typer.BadParameter("say why: it is what the next person finds", param_hint="--why")
    return Act(by or getpass.getuser(), why.strip(), datetime.now(UTC))


def moment(text: str | None, option: str) -> datetime | None:
    """Return a day or time of the command line, UTC."""
    if text is None:
        return None
    try:
        given = datetime.fromisoformat(text)
    except ValueError:
        raise typer.BadParameter("a day or time such as 2026-10-01", param_hint=option) from None
    return (given if given.tzinfo else given.replace(tzinfo=UTC)).astimezone(UTC)


def train(
    name: Annotated[str, typer.Argument(help="The model, or all.")],
    history: Histories,
    labels: Labels = None,
    mapping: Mapping = None,
    holdout: Annotated[
        float, typer.Option(min=0.01, max=0.9, help="Share of the newest declarations that it is judged on.")
    ] = 0.2,
    cut: Annotated[str | None, typer.Option(help="Judge on what was lodged since; in place of --holdout.")] = None,
    seed: Annotated[int, typer.Option(help="The same seed and history give the same model.")] = 0,
    importance: Annotated[
        bool, typer.Option("--importance/--no-importance", help="Work out what each column is worth.")
    ] = True,
    challenger: Annotated[
        bool, typer.Option("--challenger/--no-challenger", help="Let workers score it in shadow from now on.")
    ] = True,
    note: Annotated[str | None, typer.Option(help="A remark, kept with the run.")] = None,
    json_wanted: AsJson = False,
) -> None:
    """Train a model on the past, judge it on what came after, and register it.

    The split is by time of lodgement, never at random: what was lodged before the cut is learned from (with the labels decided by
    then), the rest is for judging. Without labels a model that needs none is trained all the same, and nothing is measured;
    outcome learns from labels alone, and `all` passes it over. Where there is a champion, it is judged on the same declarations.
    Exit 1: the history does not hold what a model needs. --json: a row a model, `problem` says why it was not trained.
    """
    from detectors import engine
    from detectors.models import catalogue
    from detectors.models.dataset import Answers
    from streams import histories, modelling

    names = list(catalogue.DETECTORS) if name == "all" else [name]
    unlabelled = [each for each in names if catalogue.detector(each).needs_labels] if labels is None else []
    if unlabelled == names:
        raise ModelError(_UNLABELLED.format(" and ".join(names)))
    chosen = _settings()
    options = modelling.Options(holdout, moment(cut, "--cut"), seed, importance, challenger, note)
    kept = modelling.opened(chosen)
    rows: list[dict[str, Any]] = []
    failed = False
    with histories.lodgements(history, _mapping(mapping)) as past:
        known = histories.answers(labels) if labels is not None else Answers()
        for each in names:
            if each in unlabelled:
                rows.append(_untrained(each, _UNLABELLED.format(each)))
                continue
            now = datetime.now(UTC)
            try:
                with histories.progress(each) as say:
                    version, found = modelling.train(
                        each, past, known, engine.default_reference(), kept, options, now, say
                    )
            except ModelError as error:
                if len(names) == 1:
                    raise
                failed = True
                rows.append(_untrained(each, str(error)))
                continue
            seconds = round((datetime.now(UTC) - now).total_seconds(), 1)
            rows.append(_summary(version) | {"seconds": seconds, "problem": None})
            if not json_wanted:
                _tell_measures(found["measures"], found["compared"], f"{each} version {version.number}")
            if challenger:
                _tell_workers(kept, each, chosen, None, note or "a new challenger")
    if json_wanted:
        output.as_json(rows)
    for row in rows if not json_wanted else ():
        if row["problem"] is not None:
            continue
        output.console.print(
            f"[dim]{row['name']} version {row['version']}: `assay model card {row['name']} --version {row['version']} "
            f"--html card.html` writes its card; `assay model promote` makes it champion[/]"
        )
    raise typer.Exit(1 if failed else 0)


def _untrained(name: str, problem: str) -> dict[str, Any]:
    """Say why a model was not trained, and return its row."""
    output.complain(f"{name} was not trained: {problem}")
    return {"name": name, "version": None, "problem": problem}


def _mapping(path: Path | None) -> Any:
    from schemas.mapping import Mapping as Read

    return Read.load(path) if path is not None else None


def evaluate(
    name: Name,
    history: Histories,
    labels: Annotated[Path, typer.Option("--labels", exists=True, dir_okay=False, help="As for train.")],
    version: Number = "challenger",
    since: Annotated[str | None, typer.Option(help="Only what was lodged since (day or time).")] = None,
    mapping: Mapping = None,
    json_wanted: AsJson = False,
) -> None:
    """Judge a version on declarations that it did not learn from, and the champion on the same.

    The comparison is remembered: `promote` goes by the last one. Exit 1: nothing was lodged since the version learned.
    """
    from detectors import engine
    from streams import histories, modelling

    kept = modelling.opened(_settings())
    with histories.lodgements(history, _mapping(mapping)) as past, histories.progress(name) as say:
        found = modelling.evaluate(
            name, version, past, histories.answers(labels), engine.default_reference(), kept,
            moment(since, "--since"), say,
        )  # fmt: skip
    if json_wanted:
        output.as_json({key: found[key] for key in ("name", "version", "since", "measures", "compared")})
        return
    _tell_measures(
        found["measures"], found["compared"], f"{name} version {found['version']} since {found['since'][:16]}"
    )


def promote(
    name: Name,
    why: Why,
    version: Number = "challenger",
    by: By = None,
    force: Annotated[bool, typer.Option("--force", help="Although it is worse, or was never compared.")] = False,
    tolerance: Annotated[float, typer.Option(min=0, max=1, help="How much lower its average precision may be.")] = 0.0,
    json_wanted: AsJson = False,
) -> None:
    """Make a version champion, and tell the workers, which load it without a pause.

    Refused (exit 1) when it ranks worse than the champion on the hold-out of the last comparison, or was never compared with it.
    """
    from detectors import engine
    from streams import modelling

    chosen, act = _settings(), _act(by, why)
    kept = modelling.opened(chosen)
    done = modelling.promote(name, version, act, engine.default_reference(), kept, force, tolerance)
    _close(kept, done, act, chosen, f"{name}: version {done.number} is champion", json_wanted)


def rollback(name: Name, why: Why, by: By = None, json_wanted: AsJson = False) -> None:
    """Make the champion before this one champion again, and tell the workers. Exit 1: there was none."""
    from detectors import engine
    from streams import modelling

    chosen, act = _settings(), _act(by, why)
    kept = modelling.opened(chosen)
    done = modelling.rollback(name, act, engine.default_reference(), kept)
    _close(kept, done, act, chosen, f"{name}: version {done.number} is champion again", json_wanted)


def retire(name: Name, why: Why, by: By = None, json_wanted: AsJson = False) -> None:
    """Take the champion away, so that no version of the model judges; workers are told."""
    from streams import modelling

    chosen, act = _settings(), _act(by, why)
    kept = modelling.opened(chosen)
    done = modelling.retire(name, act, kept)
    _close(kept, done, act, chosen, f"{name}: version {done.number} no longer judges", json_wanted)


def announce(
    name: Annotated[str | None, typer.Argument(help="Only this model. [default: all]")] = None,
    json_wanted: AsJson = False,
) -> None:
    """Tell the workers again which versions are champion and challenger: for a new Kafka, or one that was away."""
    from streams import _model_topics, modelling

    chosen = _settings()
    kept = modelling.opened(chosen)
    told = []
    for each in [name] if name else kept.names():
        pointer = _model_topics.pointer(kept, each, datetime.now(UTC), getpass.getuser(), "announced again")
        _model_topics.announce(pointer, chosen)
        told.append(
            {
                "name": each,
                "champion": pointer.champion and pointer.champion.version,
                "challenger": pointer.challenger and pointer.challenger.version,
            }
        )
    output.show(told, ["name", "champion", "challenger"], json_wanted)


def _close(kept: Registry, done: Version, act: Act, chosen: Settings, said: str, json_wanted: bool) -> None:
    told = _tell_workers(kept, done.name, chosen, act.by, act.why)
    if json_wanted:
        output.as_json(_summary(done) | {"workers_told": told})
    else:
        output.console.print(f"{said}{'; workers were told' if told else ''}", markup=False)


def _tell_workers(kept: Registry, name: str, chosen: Settings, by: str | None, why: str) -> bool:
    """Write the pointer of a model to Kafka, if there is one here; return whether it was written."""
    from streams import _model_topics

    if not _model_topics.reachable(chosen):
        output.complain("no Kafka here: workers learn of it by `assay model announce`")
        return False
    try:
        _model_topics.announce(_model_topics.pointer(kept, name, datetime.now(UTC), by, why), chosen)
    except BrokerError as error:
        raise BrokerError(
            f"the registry is changed, but workers were not told; `assay model announce` does: {error}"
        ) from error
    return True


def card(
    name: Name,
    version: Number = "champion",
    html: Annotated[Path | None, typer.Option(help="Write the page here.")] = None,
    json_wanted: AsJson = False,
) -> None:
    """Show the model card of a version: what it learned from, how good it is, where it fails."""
    import json

    from streams import modelling

    kept = modelling.opened(_settings())
    number = kept.version(name, version).number
    if html is not None:
        html.parent.mkdir(parents=True, exist_ok=True)
        html.write_bytes(kept.card(name, number, modelling.CARD_PAGE))
    found = json.loads(kept.card(name, number, modelling.CARD_JSON))
    if json_wanted:
        output.as_json(found)
        return
    _tell_measures(found["measures"], found["compared"], f"{name} version {number}")
    for limit in found["limits"]:
        output.console.print(f"[yellow]{limit}[/]")
    if html is not None:
        output.console.print(f"[dim]written: {html}[/]")


def list_(json_wanted: AsJson = False) -> None:
    """List the learned detectors, with their champions and challengers."""
    from detectors.models import catalogue, registry
    from streams import modelling

    chosen = _settings()
    kept = modelling.opened(chosen) if registry.exists(chosen.mlflow, modelling.folder(chosen)) else None
    rows = []
    for name in sorted({*catalogue.DETECTORS, *(kept.names() if kept else ())}):
        versions = kept.versions(name) if kept else []
        held = {alias: one.number for one in versions for alias in one.aliases}
        champion = next((one for one in versions if "champion" in one.aliases), None)
        rows.append(
            {
                "name": name,
                "versions": len(versions),
                "champion": held.get("champion"),
                "challenger": held.get("challenger"),
                "average_precision": _rounded(champion.metrics.get("average_precision")) if champion else None,
                "promoted": champion.promotions[-1]["at"][:16] if champion and champion.promotions else None,
            }
        )
    output.show(rows, ["name", "versions", "champion", "challenger", "average_precision", "promoted"], json_wanted)


def show(name: Name, json_wanted: AsJson = False) -> None:
    """Show the versions of a model, the newest first, and who made which champion and why."""
    from streams import modelling

    kept = modelling.opened(_settings())
    versions = kept.versions(name)
    if json_wanted:
        output.as_json([_summary(one) for one in versions])
        return
    columns = ["version", "aliases", "created", "average_precision", "compared", "wrong", "cut"]
    output.table([_summary(one) | {"aliases": ", ".join(one.aliases)} for one in versions], columns, name)
    acts = sorted((told["at"], one.number, told) for one in versions for told in one.promotions)
    for at, number, told in acts:
        forced = f" (forced: {told['forced']})" if told.get("forced") else ""
        output.console.print(f"{at[:16]} {told['kind']} {number} by {told['by']}: {told['why']}{forced}", markup=False)


def _summary(one: Version) -> dict[str, Any]:
    compared = one.compared or {}
    beside = compared.get("difference")
    return {
        "name": one.name,
        "version": one.number,
        "aliases": list(one.aliases),
        "created": datetime.fromtimestamp(one.created_ms / 1000, UTC).isoformat(timespec="minutes")[:16],
        "average_precision": _rounded(one.metrics.get("average_precision")),
        "compared": None if beside is None else f"{beside:+.4f} with {compared['with']}",
        "wrong": one.params.get("wrong"),
        "cut": one.params.get("cut", "")[:16],
        "sha256": one.sha256,
        "promotions": list(one.promotions),
    }


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, 4)


def _tell_measures(found: dict[str, Any], compared: dict[str, Any] | None, title: str) -> None:
    from streams._model_telling import measured

    measured(found, compared, title)
