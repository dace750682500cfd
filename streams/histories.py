"""Files for training: histories as replay reads them, labels in three forms, and data sets that hold both."""

from __future__ import annotations

import contextlib
import gzip
import json
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pydantic import ValidationError

from detectors.models.dataset import Answer, Answers, Lodgements
from detectors.models.learned import Outcome
from schemas import decode
from schemas.disposition import Disposition, Label
from schemas.errors import FeedError, RecordError
from streams import output, sources
from streams._replay_read import ReplayFaults, chunks

if TYPE_CHECKING:
    from schemas.mapping import Mapping

#: Columns of a data set: what :func:`write_dataset` writes, and what tells a data set from another Parquet file.
COLUMNS = (
    "declaration_id", "lodged_at", "declaration", "wrong", "kinds", "codes", "substances", "revenue_usd", "weight",
    "selected_by", "decided_at",
)  # fmt: skip
_TOLD = 5


@contextlib.contextmanager
def progress(what: str) -> Iterator[Callable[[str, float], None]]:
    """Give ``say(what, share)`` that moves a progress bar on standard error."""
    from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeElapsedColumn

    columns = (TextColumn("{task.description}"), BarColumn(), TaskProgressColumn(), TimeElapsedColumn())
    with Progress(*columns, console=output.errors, transient=True) as bar:
        task = bar.add_task(what, total=1.0)
        yield lambda doing, done: bar.update(task, description=f"{what}: {doing}", completed=done)


@contextlib.contextmanager
def lodgements(
    paths: Sequence[Path], mapping: Mapping | None = None, now: datetime | None = None
) -> Iterator[Lodgements]:
    """Give the declarations of files as they were when lodged; what cannot be read is told and left out.

    Raises
    ------
    FeedError : a file does not exist, or no declaration could be read.
    """
    refused: list[str] = []
    total = max(1, sources.total_bytes(paths))
    with Lodgements() as history, progress("reading") as say:
        for chunk in chunks(paths, "auto", 1000, ReplayFaults(), now or datetime.now(UTC), mapping):
            for record in chunk.records:
                try:
                    for raw in sources.declarations(record):
                        history.take(raw, decode.row(raw))
                except RecordError as error:
                    refused.append(f"{record.origin}: {error}")
            say("the history", chunk.read / total)
        count = history.settle()
        for reason in refused[:_TOLD]:
            output.complain(f"left out: {reason}")
        if len(refused) > _TOLD:
            output.complain(f"left out: {len(refused) - _TOLD:,} more records; `assay ingest --dry-run` lists them")
        if history.headless:
            output.complain(f"left out: {history.headless:,} declarations whose first version is not in the history")
        if not count:
            raise FeedError(f"no declaration in {', '.join(map(str, paths))}")
        yield history


def answers(path: Path) -> Answers:
    """Return what is known of declarations: a data set, labels, or dispositions (one JSON a line; .gz too).

    Raises
    ------
    FeedError : a line or the table is none of these; the message says which line and field.
    """
    with path.open("rb") as opened:
        if opened.read(4) == b"PAR1":
            return _of_dataset(path)
    labels: list[Label] = []
    decided: list[Disposition] = []
    with gzip.open(path, "rt", encoding="utf-8") if path.suffix == ".gz" else path.open(encoding="utf-8") as lines:
        for number, line in enumerate(lines, 1):
            if line.strip():
                one = _label(line, f"{path}:{number}")
                (decided if isinstance(one, Disposition) else labels).append(one)  # type: ignore[arg-type]
    if decided and labels:
        raise FeedError(f"{path}: holds labels and dispositions; give one kind")
    if decided:
        from detectors import engine

        return Answers.of_dispositions(decided, {}, 1.0, engine.default_reference().usd_rate)
    return Answers.of_labels(labels)


def _label(line: str, place: str) -> Label | Disposition:
    try:
        found = json.loads(line)
        is_disposition = isinstance(found, dict) and "verdict" in found
        return (Disposition if is_disposition else Label).model_validate_json(line)
    except ValidationError as error:
        problem = error.errors(include_url=False)[0]
        where = "/".join(map(str, problem["loc"]))
        raise FeedError(f"{place}: neither a label nor a disposition: {where} {problem['msg']}") from None
    except ValueError as error:
        raise FeedError(f"{place}: no JSON: {error}") from None


def _of_dataset(path: Path) -> Answers:
    import pyarrow
    import pyarrow.parquet

    try:
        columns = [name for name in COLUMNS if name not in ("declaration", "lodged_at", "selected_by")]
        table = pyarrow.parquet.read_table(path, columns=columns)
    except (pyarrow.ArrowException, OSError) as error:
        raise FeedError(f"{path}: no data set of `assay model dataset`: {error}") from None
    found = {}
    for row in table.to_pylist():
        outcome = Outcome(
            row["wrong"], tuple(row["substances"]), tuple(row["codes"]), row["revenue_usd"], row["weight"]
        )
        found[row["declaration_id"]] = Answer(outcome, row["decided_at"], tuple(row["kinds"]))
    return Answers(found)


def write_dataset(
    path: Path, history: Lodgements, known: Answers, selected: dict[str, Sequence[str]]
) -> dict[str, Any]:
    """Write the declarations of a history that have an answer, with it, as Parquet; return what was counted.

    ``selected`` : ``declaration_id`` -> why it was picked. The file is a history and its labels in one: give it as both.
    """
    import pyarrow
    import pyarrow.parquet

    texts, moment = pyarrow.list_(pyarrow.string()), pyarrow.timestamp("us", "UTC")
    types = [pyarrow.string(), moment, pyarrow.string(), pyarrow.bool_(), texts, texts, texts, pyarrow.float64(),
             pyarrow.float64(), texts, moment]  # fmt: skip
    schema = pyarrow.schema(list(zip(COLUMNS, types, strict=True)))
    counted: dict[str, Any] = {"declarations": 0, "wrong": 0, "weight": 0.0}
    matched: set[str] = set()
    path.parent.mkdir(parents=True, exist_ok=True)
    with pyarrow.parquet.ParquetWriter(path, schema, compression="zstd") as writer:
        gathered: list[dict[str, Any]] = []
        for name, at, raw in history.raws():
            answer = known.by_id.get(name)
            if answer is None:
                continue
            matched.add(name)
            told = answer.outcome
            values = (
                name, at, raw.decode(), told.wrong, list(answer.kinds), list(told.codes), list(told.substances),
                told.revenue, told.weight, list(selected.get(name, ())), answer.decided_at,
            )  # fmt: skip
            gathered.append(dict(zip(COLUMNS, values, strict=True)))
            counted["declarations"] += 1
            counted["wrong"] += told.wrong
            counted["weight"] += told.weight
            if len(gathered) == 1000:
                writer.write_table(pyarrow.Table.from_pylist(gathered, schema))
                gathered = []
        writer.write_table(pyarrow.Table.from_pylist(gathered, schema))
    counted["answers_without_declaration"] = len(known) - len(matched)
    return counted
