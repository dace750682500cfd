"""``assay rules``: write rule packs with the machine looking over the shoulder."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from schemas.errors import FeedError, RecordError, RulePackError
from streams import output

if TYPE_CHECKING:
    from detectors.rules.rule import Rule
    from schemas.decode import Row

Packs = Annotated[
    list[Path] | None, typer.Argument(help="Packs, or folders of them; by default those that come with Assay.")
]
AsJson = Annotated[bool, typer.Option("--json", help="Print the result as JSON.")]

#: Gives the best throughput (the cost of a polars call is spread over more rows) without holding much.
_BATCH = 1024


def register(app: typer.Typer) -> None:
    """Add the command group."""
    group = typer.Typer(name="rules", help="Check, try and look up detection rules.", no_args_is_help=True)
    group.command("lint", epilog="Example:  [bold]assay rules lint my-pack.yaml[/]")(lint)
    group.command("test", epilog="Example:  [bold]assay rules test my-pack.yaml[/]")(examples)
    group.command("columns", epilog="Example:  [bold]assay rules columns --search price[/]")(columns)
    group.command("show", epilog="Example:  [bold]assay rules show zinc-price-gallium[/]")(show)
    group.command(
        "backtest",
        epilog="Example:  [bold]assay rules backtest --history feed.ndjson --labels labels.ndjson --pack my-pack.yaml[/]",
    )(backtest)
    app.add_typer(group)


def lint(paths: Packs = None, json_wanted: AsJson = False) -> None:
    """List every mistake of rule packs with file, line, rule and field. Exit 1 if there is one."""
    from detectors.rules import DEFAULT_PACKS, loading

    checked = loading.check(loading.read(paths or [DEFAULT_PACKS]))
    if json_wanted:
        fields = ("file", "line", "rule", "field", "lint", "message")
        output.as_json([{name: getattr(problem, name) for name in fields} for problem in checked.problems])
    else:
        for problem in checked.problems:
            typer.echo(str(problem))
        typer.echo(f"{len(checked.rules)} rules, {_count(len(checked.problems), 'problem')} ({checked.version})")
    raise typer.Exit(1 if checked.problems else 0)


def examples(paths: Packs = None, json_wanted: AsJson = False) -> None:
    """Run the inline examples of rule packs; shows each that fails, with the columns that decided. Exit 1 if one does."""
    from detectors.rules import DEFAULT_PACKS, loading
    from detectors.rules.examples import failures

    checked = loading.check(loading.read(paths or [DEFAULT_PACKS]))
    if checked.problems:
        raise RulePackError([str(problem) for problem in checked.problems])
    ran = sum(len(rule.examples.match) + len(rule.examples.no_match) for rule in checked.rules)
    failed = [
        (failure, checked.problem(failure.rule, failure.loc, failure.reason, "example"))
        for rule in checked.rules
        for failure in failures(rule)
    ]
    if json_wanted:
        output.as_json(
            {
                "version": checked.version,
                "rules": len(checked.rules),
                "examples": ran,
                "failures": [
                    {
                        "file": problem.file,
                        "line": problem.line,
                        "rule": problem.rule,
                        "example": problem.field,
                        "reason": problem.message,
                        "values": failure.values,
                    }
                    for failure, problem in failed
                ],
            }
        )
    else:
        for failure, problem in failed:
            typer.echo(str(problem))
            if failure.values:
                typer.echo(f"    when: {' '.join(failure.rule.when.split())}")
            for name, value in failure.values.items():
                typer.echo(f"    {name} = {value!r}")
        typer.echo(f"{len(checked.rules)} rules, {_count(ran, 'example')}, {len(failed)} failed ({checked.version})")
    raise typer.Exit(1 if failed else 0)


def columns(
    json_wanted: AsJson = False,
    search: Annotated[str, typer.Option(help="Only columns with this in their name or meaning.")] = "",
) -> None:
    """List the columns that the SQL of a rule may use."""
    from detectors.columns import COLUMNS

    wanted = search.casefold()
    rows = [
        {
            "column": column.name,
            "scope": column.scope,
            "type": str(column.dtype),
            "unit": column.unit,
            "meaning": column.doc,
            "path": column.path,
        }
        for column in COLUMNS.values()
        if wanted in column.name.casefold() or wanted in column.doc.casefold()
    ]
    if not rows:
        output.complain(f"no column has {search!r} in its name or meaning; leave --search out to see all")
        raise typer.Exit(1)
    output.show(rows, ["column", "scope", "type", "unit", "meaning"], json_wanted)


def show(
    rule_id: Annotated[
        str | None, typer.Argument(metavar="[ID]", help="A rule's id; without it, all in short.")
    ] = None,
    pack: Annotated[list[Path] | None, typer.Option(help="Packs to look in instead of Assay's own.")] = None,
    json_wanted: AsJson = False,
) -> None:
    """Show the rules of the packs, or one of them in full."""
    from rapidfuzz import process

    from detectors.rules import RuleSet

    rules = {rule.id: rule for rule in RuleSet.load(pack or None).rules}
    if rule_id is None:
        fields = ["id", "code", "level", "scope", "status", "title"]
        full = [rule.model_dump(mode="json", by_alias=True) for rule in rules.values()]
        output.show([{name: each[name] for name in fields} for each in full], fields, json_wanted)
        return
    if rule_id not in rules:
        close = process.extractOne(rule_id, list(rules), score_cutoff=60)
        hint = f"did you mean {close[0]}?" if close else "`assay rules show` lists them"
        raise typer.BadParameter(f"no rule {rule_id}; {hint}", param_hint="ID")
    if json_wanted:
        output.as_json(rules[rule_id].model_dump(mode="json", by_alias=True))
    else:
        typer.echo(_as_yaml(rules[rule_id]))


def backtest(
    history: Annotated[
        list[Path], typer.Option(exists=True, help="Declarations: NDJSON (.gz too), Parquet, any feed.")
    ],
    pack: Annotated[list[Path] | None, typer.Option(help="Packs to try instead of Assay's own.")] = None,
    labels: Annotated[
        Path | None, typer.Option(exists=True, help="NDJSON (.gz too): declaration_id, typologies[].")
    ] = None,
    sample: Annotated[int, typer.Option(min=0, help="Hits to show of each rule.")] = 3,
    json_wanted: AsJson = False,
) -> None:
    """Run rules over past declarations: hits a rule, hits per 1,000, samples; precision and recall with labels."""
    from detectors.reference import load
    from detectors.rules import RuleSet
    from detectors.rules.backtest import Backtest

    judging = Backtest(RuleSet.load(pack or None), load(), _labels(labels) if labels else None, sample)
    refused: list[str] = []
    for rows in _batches(history, refused):
        judging.judge(rows)
    found = judging.result() | {"refused": len(refused)}
    if json_wanted:
        output.as_json(found)
    else:
        _tell(found, labels is not None)
    for reason in refused[:5]:
        output.complain(f"left out: {reason}")
    if len(refused) > 5:
        output.complain(f"left out: {len(refused) - 5} more records; `assay ingest --dry-run` lists them")
    if not found["declarations"]:
        output.complain("no declaration in the history")
        raise typer.Exit(1)


def _batches(history: Sequence[Path], refused: list[str]) -> Iterator[list[Row]]:
    """Yield decoded declarations in batches, with a progress bar; reasons of records that are none go to ``refused``."""
    from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn

    from schemas import decode
    from streams import sources

    columns = (TextColumn("{task.description}"), BarColumn(), DownloadColumn(), TimeRemainingColumn())
    rows: list[Row] = []
    with Progress(*columns, console=output.errors, transient=True) as bar:
        task = bar.add_task("Judging", total=sources.total_bytes(history))
        for record in sources.records(history, progress=lambda count: bar.advance(task, count)):
            try:
                rows += [decode.row(raw) for raw in sources.declarations(record)]
            except RecordError as error:
                refused.append(f"{record.origin}: {error}")
            if len(rows) >= _BATCH:
                yield rows
                rows = []
        if rows:
            yield rows


def _labels(path: Path) -> dict[str, list[str]]:
    import gzip

    from pydantic import ValidationError

    from schemas.disposition import Label

    found: dict[str, list[str]] = {}
    with gzip.open(path, "rt", encoding="utf-8") if path.suffix == ".gz" else path.open(encoding="utf-8") as lines:
        for number, line in enumerate(lines, 1):
            if line.strip():
                try:
                    label = Label.model_validate_json(line)
                except ValidationError as error:
                    problem = error.errors(include_url=False)[0]
                    where = "/".join(map(str, problem["loc"]))
                    raise FeedError(f"{path}:{number}: not a label: {where} {problem['msg']}") from None
                found[label.declaration_id] = label.typologies
    return found


def _tell(found: dict[str, Any], labelled: bool) -> None:
    shown = ["rule", "level", "hits", "per_1000", *(["precision", "recall"] if labelled else [])]
    ranked = sorted(found["rules"], key=lambda row: -row["hits"])
    title = f"{found['version']} over {found['declarations']:,} declarations ({found['items']:,} items)"
    counted = [*ranked, {"rule": "all together"} | found["all"]]
    output.table([row | {"per_1000": row["hits_per_1000"]} for row in counted], shown, title)
    for row in ranked:
        for hit in row["sample"]:
            item = f" item {hit['item']}" if hit["item"] else ""
            typer.echo(f"{row['rule']}: {hit['declaration_id']}{item}: {hit['title']}")


def _as_yaml(rule: Rule) -> str:
    import yaml

    written = rule.model_dump(mode="json", by_alias=True, exclude_none=True)
    return yaml.safe_dump([written], sort_keys=False, allow_unicode=True, width=110).rstrip()


def _count(number: int, of: str) -> str:
    return f"{number} {of}" + ("" if number == 1 else "s")
