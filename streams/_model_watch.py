"""The commands of ``assay model`` around a model in service: data sets from inspections, shadow scores, drift."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from schemas.errors import FeedError, ModelError
from streams import output
from streams._model_telling import beside, number, percent

if TYPE_CHECKING:
    from detectors.models.dataset import Answers, Lodgements
    from streams.settings import Settings

AsJson = Annotated[bool, typer.Option("--json", help="Print the result as JSON.")]
#: Longest list of columns in a line.
_NAMED = 6
#: A difference of labels is told when chance alone would bring it about less often than this.
_CERTAIN = 0.001


def add(group: typer.Typer) -> None:
    """Add the commands to the group ``model``."""
    group.command("dataset", epilog="Example:  [bold]assay model dataset --since 2026-01-01 --out labelled.parquet[/]")(
        dataset
    )
    group.command("shadow", epilog="Example:  [bold]assay model shadow outlier[/]")(shadow)
    group.command(
        "drift",
        epilog="Example:  [bold]assay model drift outlier --history last-month.ndjson --labels labelled.parquet[/]",
    )(drift)


def _settings() -> Settings:
    from streams.settings import settings

    return settings()


def dataset(
    since: Annotated[str, typer.Option(help="Declarations lodged since this day or time.")],
    out: Annotated[Path, typer.Option(help="Where the data set goes (Parquet).")],
    until: Annotated[
        str | None, typer.Option(help="Nothing lodged or decided after this: what was known then. [default: now]")
    ] = None,
    declarations: Annotated[
        list[Path] | None, typer.Option(exists=True, help="Declarations from files. [default: the topic declarations]")
    ] = None,
    dispositions: Annotated[
        Path | None, typer.Option(exists=True, help="Dispositions, one JSON a line. [default: the topic dispositions]")
    ] = None,
    alerts: Annotated[
        Path | None,
        typer.Option(exists=True, help="Alerts, one JSON a line: why each was picked. [default: the topic]"),
    ] = None,
    random_share: Annotated[
        float, typer.Option(min=0, max=1, help="Chance with which declarations are picked at random.")
    ] = 0.01,
    json_wanted: AsJson = False,
) -> None:
    """Join what became of alerts to the declarations as they were when lodged: what a model may learn from.

    Of each declaration the first version counts, without its MRN and anything later; of several dispositions the last one.
    What was picked at random stands for all that was not picked: it weighs one by that chance, everything else weighs one.
    The file is a history and its labels in one: give it to --history and --labels. Exit 1: nothing to join.
    """
    from streams import _model_topics, histories
    from streams.commands.model import moment

    chosen = _settings()
    begin, end = moment(since, "--since"), moment(until, "--until") or datetime.now(UTC)
    from detectors.models.dataset import Lodgements

    if declarations:
        with histories.lodgements(declarations) as history:
            counted, known = _joined(history, chosen, begin, end, dispositions, alerts, random_share, out)
    else:
        with Lodgements() as history:
            refused = _model_topics.lodged(history, chosen)
            history.settle()
            if refused:
                output.complain(f"left out: {refused:,} records of the topic that are no declarations")
            counted, known = _joined(history, chosen, begin, end, dispositions, alerts, random_share, out)
    counted |= {"file": str(out), "since": since, "until": end.isoformat(), "dispositions": known}
    if json_wanted:
        output.as_json(counted)
    else:
        output.console.print(
            f"{counted['declarations']:,} declarations with an outcome, {counted['wrong']:,} wrong, standing for "
            f"{counted['weight']:,.0f}; written: {out}",
            markup=False,
        )
    if counted["answers_without_declaration"]:
        output.complain(
            f"{counted['answers_without_declaration']:,} dispositions are about declarations that are not here "
            "(lodged before --since, or no longer in the topic: keep your declarations as files)"
        )
    raise typer.Exit(0 if counted["declarations"] else 1)


def _joined(
    history: Lodgements,
    chosen: Settings,
    begin: datetime | None,
    end: datetime,
    dispositions: Path | None,
    alerts: Path | None,
    random_share: float,
    out: Path,
) -> tuple[dict[str, Any], int]:
    from detectors import engine
    from detectors.models.dataset import Answers
    from schemas.alert import Alert
    from schemas.disposition import Disposition
    from streams import _model_topics, histories

    decided = _model_topics.dispositions(chosen) if dispositions is None else _read(dispositions, Disposition)
    if alerts is not None:
        selected = {alert.alert_id: tuple(alert.selected_by) for alert in _read(alerts, Alert)}
    elif dispositions is None:
        selected = _model_topics.selections(chosen)
    else:
        selected = {}
    usd_rate = engine.default_reference().usd_rate
    known = Answers.of_dispositions(decided, selected, random_share, usd_rate, end)
    picked: dict[str, Sequence[str]] = {one.declaration_id: selected.get(one.alert_id, ()) for one in decided}
    history.keep(begin, end)
    return histories.write_dataset(out, history, known, picked), len(known)


def _read(path: Path, contract: Any) -> list[Any]:
    import gzip

    from pydantic import ValidationError

    found = []
    with gzip.open(path, "rt", encoding="utf-8") if path.suffix == ".gz" else path.open(encoding="utf-8") as lines:
        for place, line in enumerate(lines, 1):
            if line.strip():
                try:
                    found.append(contract.model_validate_json(line))
                except ValidationError as error:
                    problem = error.errors(include_url=False)[0]
                    where = "/".join(map(str, problem["loc"]))
                    raise FeedError(
                        f"{path}:{place}: no {contract.__name__.lower()}: {where} {problem['msg']}"
                    ) from None
    return found


def shadow(
    name: Annotated[str, typer.Argument(help="The model.")],
    labels: Annotated[
        Path | None, typer.Option(exists=True, help="What became of them. [default: the topic dispositions]")
    ] = None,
    json_wanted: AsJson = False,
) -> None:
    """Compare what champion and challenger thought of live declarations: the scores of the topic models.shadow.

    Exit 1: there are none; workers score a challenger from the moment they are told of it.
    """
    from detectors import engine
    from detectors.models import shadow as shadows
    from detectors.models.dataset import Answers
    from streams import _model_topics, histories

    chosen = _settings()
    known: Answers
    if labels is not None:
        known = histories.answers(labels)
    else:
        decided = _model_topics.dispositions(chosen)
        known = Answers.of_dispositions(decided, {}, 1.0, engine.default_reference().usd_rate)
    outcomes = {each: answer.outcome for each, answer in known.by_id.items()}
    found = shadows.comparison(_model_topics.shadows(name, chosen), outcomes)
    if json_wanted:
        output.as_json(found)
    elif found["declarations"]:
        _tell_shadow(name, found)
    if not found["declarations"]:
        raise ModelError(
            f"no shadow scores of {name}: is there a challenger (`assay model list`), and does a worker run?"
        )


def _tell_shadow(name: str, found: dict[str, Any]) -> None:
    spoke, abstained = found["spoke"], found["abstained"]
    output.console.print(
        f"{name}: champion {found['champion'] or 'none'}, challenger {found['challenger']}, "
        f"{found['declarations']:,} declarations\n"
        f"both speak of {spoke['both']:,}, only the champion of {spoke['champion_only']:,}, only the challenger of "
        f"{spoke['challenger_only']:,}; abstained on {abstained['champion']:,} and {abstained['challenger']:,}; rank correlation "
        f"{number(found['rank_correlation'])}; outcome known of {found['known']:,}",
        markup=False,
    )
    if found["compared"] is not None:
        about = {"with": found["champion"], "declarations": found["known"]}
        beside(found["compared"] | about)
    if found["differing"]:
        columns = ["declaration_id", "version", "champion", "challenger"]
        output.table(found["differing"], columns, "Only one of them speaks of")


def drift(
    name: Annotated[str, typer.Argument(help="The model.")],
    history: Annotated[list[Path], typer.Option("--history", exists=True, help="Recent declarations.")],
    labels: Annotated[
        Path | None, typer.Option(exists=True, help="What became of them, for the drift of labels.")
    ] = None,
    version: Annotated[
        str, typer.Option("--version", help="A version's number, champion, or challenger.")
    ] = "champion",
    notify: Annotated[
        bool, typer.Option("--notify", help="Write a notice to Kafka for what has shifted by much.")
    ] = False,
    json_wanted: AsJson = False,
) -> None:
    """Compare recent declarations with those that a model was judged on: features, scores, and how many are wrong.

    A week of event time each, with 500 rows or more. Workers do the same for features and scores as they judge (/metrics, and
    the topic notices). Exit 0, whatever has shifted: read the answer.
    """
    from detectors import engine, features
    from detectors.models import artefact
    from detectors.models.dataset import Answers
    from detectors.models.drift import Watch, label_shift, observe
    from streams import _model_notices, _model_topics, histories, modelling

    chosen, reference = _settings(), engine.default_reference()
    kept = modelling.opened(chosen)
    one = kept.version(name, version)
    stored = artefact.read(kept.fetch(name, one.number), reference, name, one.sha256, one.number)
    watch = Watch(stored.seen, windows=10_000)
    known = Answers() if labels is None else histories.answers(labels)
    told, wrong = 0, 0
    with histories.lodgements(history) as past, histories.progress(name) as say:
        for number_, batch in enumerate(past.batches(), 1):
            computed = features.compute(batch, reference, frozenset(stored.detector.columns))
            observe(watch, batch, computed, stored.detector.score(batch, computed, reference), every_row=True)
            outcomes = [
                known.by_id[row["declaration_id"]] for row in batch.rows if row["declaration_id"] in known.by_id
            ]
            told += len(outcomes)
            wrong += sum(answer.outcome.wrong for answer in outcomes)
            say("scoring", min(1.0, 1000 * number_ / max(1, len(past))))
    shifts = watch.shifts()
    window = stored.manifest.window
    then = window.wrong / window.known if window.known else None
    chance = label_shift(then, told, wrong) if then is not None and told else None
    now = datetime.now(UTC)
    notices = [_model_notices.of_shift(stored.detector, shift, now) for shift in shifts if shift.large]
    if chance is not None and chance < _CERTAIN and then is not None:
        notices.append(_model_notices.of_labels(stored.detector, then, told, wrong, chance, now))
    for notice in notices if notify else ():
        _model_topics.notify(notice, chosen)
    rows = [
        {
            "from": f"{shift.since:%Y-%m-%d}",
            "rows": shift.rows,
            "score": round(shift.score, 3),
            "ks": round(shift.ks, 3),
            "ks_p": float(f"{shift.ks_p:.2g}"),
            "shifted": ", ".join(shift.large[:_NAMED]),
        }
        for shift in shifts
    ]
    labelled = {"then": then, "known": told, "wrong": wrong, "chance": chance}
    if json_wanted:
        output.as_json(
            {"name": name, "version": one.number, "windows": rows, "labels": labelled, "notices": len(notices)}
        )
        return
    output.table(rows, ["from", "rows", "score", "ks", "ks_p", "shifted"], f"{name} version {one.number}, week by week")
    if told:
        output.console.print(
            f"wrong: {percent(wrong / told)} of {told:,} now, {percent(then)} in the hold-out; chance of such a difference "
            f"{number(chance)}",
            markup=False,
        )
