"""``assay dlq list|show|retry``: records that could not be used."""

from __future__ import annotations

import base64
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from streams.output import as_json, console, show

if TYPE_CHECKING:
    from schemas.dead_letter import DeadLetter, Stage
    from schemas.mapping import Mapping

_COLUMNS = ["id", "at", "stage", "error", "path", "reason", "origin", "bytes"]
_JSON = Annotated[bool, typer.Option("--json", help="Print JSON.")]
_RETRIED = Annotated[bool, typer.Option("--retried", help="Also those that were retried.")]


def register(app: typer.Typer) -> None:
    """Add the command group ``dlq``."""
    group = typer.Typer(no_args_is_help=True, help="List, show and retry dead letters.")
    app.add_typer(group, name="dlq")

    @group.command("list", epilog="Example: assay dlq list --stage decode --json")
    def list_(
        stage: Annotated[
            str, typer.Option(help="Only of this stage: feed, intake, decode, screen, profile, correlate.")
        ] = "",
        limit: Annotated[int, typer.Option(min=0, help="The newest so many; 0: all.")] = 50,
        retried: _RETRIED = False,
        json: _JSON = False,
    ) -> None:
        """List dead letters, the newest first."""
        letters = [letter for letter in _letters(retried) if stage in ("", letter.stage)]
        letters.sort(key=lambda letter: letter.at, reverse=True)
        chosen = letters[:limit] if limit else letters
        show([_row(letter) for letter in chosen], _COLUMNS, json, f"{len(chosen)} of {len(letters)} dead letters")

    @group.command("show", epilog="Example: assay dlq show 4f1c --raw > bad.json")
    def show_(
        dead_letter_id: Annotated[str, typer.Argument(help="The id, or the beginning of it.")],
        raw: Annotated[bool, typer.Option("--raw", help="Write the record's bytes to standard output.")] = False,
        json: _JSON = False,
    ) -> None:
        """Show one dead letter, with the bytes of the record."""
        letter = _one(_letters(retried=True), dead_letter_id)
        payload = base64.b64decode(letter.payload)
        if raw:
            sys.stdout.buffer.write(payload)
        elif json:
            as_json(letter.model_dump(mode="json", by_alias=True))
        else:
            for name, value in letter.model_dump(exclude={"payload"}).items():
                console.print(f"[bold]{name:<16}[/]", value, soft_wrap=True, markup=True)
            console.print()
            console.print(payload.decode("utf-8", "backslashreplace"), markup=False, soft_wrap=True)

    @group.command(
        epilog="Examples: assay dlq retry 4f1c  ·  assay dlq retry --all --stage feed --reason 'no known format'  ·  "
        "assay dlq retry --all --mapping office.yaml"
    )
    def retry(
        dead_letter_id: Annotated[str, typer.Argument(help="The id, or the beginning of it.")] = "",
        every: Annotated[bool, typer.Option("--all", help="All that were not retried yet.")] = False,
        stage: Annotated[str, typer.Option(help="With --all: only of this stage.")] = "",
        reason: Annotated[str, typer.Option(help="With --all: only those whose reason has this text.")] = "",
        mapping: Annotated[
            Path | None,
            typer.Option(
                exists=True,
                dir_okay=False,
                help="Read those of this mapped feed by this file, not by what came with them.",
            ),
        ] = None,
        json: _JSON = False,
    ) -> None:
        """Put the bytes of dead letters back where they came from, with their key and headers.

        Use it after what was wrong outside the record has been mended: a rule, a table, a codec, a message that was missing. What
        fails again becomes a new dead letter. Messages of feeds (stages feed and intake) are decoded first by the codecs of
        today, and go back to their raw topic only if that succeeds; the outcome says what they hold. Those of a mapped feed are
        read by the mapping on the raw topic, or by --mapping: for rows that `assay ingest` refused, and for a mended mapping.
        Exit 1 if any could not be put back.
        """
        if bool(dead_letter_id) == every:
            raise typer.BadParameter("give one id, or --all")
        letters = _letters(retried=not every)
        text = reason.casefold()
        wanted = [one for one in letters if stage in ("", one.stage) and text in one.reason.casefold()]
        outcomes = _retry(wanted if every else [_one(letters, dead_letter_id)], _mapping(mapping))
        show(outcomes, ["id", "stage", "outcome"], json)
        raise typer.Exit(1 if any(not outcome["done"] for outcome in outcomes) else 0)


def _letters(retried: bool) -> list[DeadLetter]:
    """Return the dead letters by id (a redelivered record gives the same id), with or without those retried."""
    from schemas.dead_letter import DeadLetter
    from streams import clients, topics
    from streams.settings import settings
    from streams.worker.dead_letters import RETRIED

    chosen = settings()
    found: dict[str, DeadLetter] = {}
    done: set[str] = set()
    with console.status("reading dead letters") if console.is_terminal else _Quiet():
        for record in clients.read_topic(topics.named(chosen)["declarations.dlq"], chosen):
            marks = dict(record.headers or ())
            if RETRIED in marks:
                done.add(marks[RETRIED].decode())
            elif record.value is not None:
                letter = DeadLetter.model_validate_json(record.value)
                found[letter.dead_letter_id] = letter
    return [letter for letter in found.values() if retried or letter.dead_letter_id not in done]


class _Quiet:
    def __enter__(self) -> None:
        """Show nothing."""

    def __exit__(self, *_: object) -> None:
        """Show nothing."""


def _one(letters: list[DeadLetter], beginning: str) -> DeadLetter:
    found = [letter for letter in letters if letter.dead_letter_id.startswith(beginning)]
    if len(found) != 1:
        many = f"{len(found)} dead letters begin with" if found else "no dead letter begins with"
        raise typer.BadParameter(f"{many} {beginning!r}; `assay dlq list` shows the ids")
    return found[0]


def _row(letter: DeadLetter) -> dict[str, Any]:
    return {
        "id": letter.dead_letter_id,
        "at": letter.at.isoformat(timespec="seconds"),
        "stage": letter.stage,
        "error": letter.error,
        "path": letter.path,
        "reason": letter.reason,
        "origin": letter.origin,
        "bytes": letter.payload_bytes,
    }


#: Topic that the records of a stage come from; those of feeds have a raw topic each.
_SOURCES: dict[Stage, str] = {
    "decode": "declarations",
    "screen": "declarations",
    "profile": "signals",
    "correlate": "findings",
}


def _mapping(file: Path | None) -> Mapping | None:
    if file is None:
        return None
    from schemas.mapping import Mapping

    return Mapping.load(file)


def _retry(letters: list[DeadLetter], mapping: Mapping | None) -> list[dict[str, Any]]:
    from schemas.errors import FeedError
    from streams import clients, topics
    from streams.intake import retry
    from streams.settings import settings
    from streams.worker.dead_letters import RETRIED

    chosen = settings()
    named = topics.named(chosen)
    producer = clients.producer(chosen)
    reader = clients.consumer(chosen=chosen) if any(one.stage in ("feed", "intake") for one in letters) else None
    outcomes = []
    for letter in letters:
        source = _SOURCES.get(letter.stage)
        outcome: dict[str, Any] = {"id": letter.dead_letter_id, "stage": letter.stage, "done": False}
        outcomes.append(outcome)
        key = letter.key.encode() if letter.key is not None else None
        if source is not None:
            if letter.truncated:
                outcome["outcome"] = f"its {letter.payload_bytes:,} bytes were too many to keep"
                continue
            producer.send(named[source], base64.b64decode(letter.payload), key=key).get(timeout=60)
            outcome |= {"done": True, "outcome": f"back on {named[source]}"}
        else:
            assert reader is not None
            try:
                found = retry.again(letter, retry.fetch(reader, named, letter.origin), mapping)
            except FeedError as error:
                outcome["outcome"] = f"still cannot be decoded: {error}"
                continue
            if found.topic not in named:
                outcome["outcome"] = f"there is no topic {found.topic}; name the source in ASSAY_SOURCES"
                continue
            producer.send(named[found.topic], found.value, key=key, headers=found.headers).get(timeout=60)
            outcome |= {"done": True, "outcome": f"back on {named[found.topic]} as {found.says}"}
        identity = letter.dead_letter_id.encode()
        # Kafka wants a key or a value; raw records have no key.
        mark = {"key": key or identity, "headers": [(RETRIED, identity)]}
        producer.send(named["declarations.dlq"], None, **mark).get(timeout=60)
    producer.close()
    if reader is not None:
        reader.close()
    return outcomes
