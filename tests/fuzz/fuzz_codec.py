"""Fuzz one feed codec with atheris; not collected by pytest.

::

    python tests/fuzz/fuzz_codec.py NAME [--findings DIR] [libFuzzer options] CORPUS

NAME is cds, ncts, ens, aes, ils, asycuda, edifact, ndjson, mapped-csv or mapped-json. CORPUS is a folder outside the repository;
it is filled with seeds: the messages of the tests, and the public samples where they lie beside the project (``ASSAY_SHARED``).
Half of the mutations keep the structure of the format (``fuzz_mutations``), the others are libFuzzer's own.

What must hold of any bytes at all: ``sniff`` says True or False; ``decode`` gives messages or a FeedError; every message is
valid again when it comes back from its JSON, and so is its declaration on the topic; the same bytes give the same messages; a
part that cannot be used can be kept (its reason and its bytes can be written, and are refused again). For EDIFACT, an
interchange can be acknowledged whatever was wrong with it, and the acknowledgement is well-formed; for mapped feeds, the cutter
loses nothing that the codec reads.

Without ``--findings`` the first violation ends the run as libFuzzer does. With it, each kind of violation is kept once in DIR
(bytes and traceback), DIR/counts.json says how many inputs decoded, and the run goes on. Hangs (``-timeout``) and memory
(``-rss_limit_mb``) are libFuzzer's business and always end it. Results: ``docs/fuzzing.md``.
"""

from __future__ import annotations

import hashlib
import io
import json
import sys
import time
import traceback
from collections import Counter
from datetime import UTC, datetime
from pathlib import Path
from random import Random
from typing import Any

import atheris

sys.path.insert(0, str(Path(__file__).parents[2]))
with atheris.instrument_imports(include=["schemas"]):
    from schemas import decode, feeds
    from schemas.errors import FeedError, RecordError
    from schemas.feeds import Arrival, Codec, PartError
    from schemas.feeds import edifact as edifact_codec
    from schemas.mapping import Mapping, chunks, mapped
    from schemas.message import Message

    feeds.codecs()

import fuzz_mutations
from fuzz_seeds import seeds

ARRIVED = datetime(2026, 11, 20, 8, 30, tzinfo=UTC)
MUTATIONS: dict[str, fuzz_mutations.Mutation] = {
    "edifact": fuzz_mutations.edifact,
    "mapped-csv": fuzz_mutations.table,
    "mapped-json": fuzz_mutations.json_tree,
    "ndjson": fuzz_mutations.json_tree,
}


#: A dead letter carries 4,096 characters; no reason needs them.
LONGEST_REASON = 4096


class Broken(Exception):
    """A promise of the codecs does not hold."""


def _subject(name: str) -> tuple[Codec, Mapping | None]:
    """Return the codec to fuzz, and the mapping if it has one."""
    if not name.startswith("mapped-"):
        return feeds.codec(name), None
    import mapping_samples

    mapping = Mapping.parse({"csv": mapping_samples.FRENCH, "json": mapping_samples.INDONESIAN}[name[7:]].encode())
    return mapped(mapping.yaml), mapping


def _check_message(message: Message, known: Codec) -> None:
    text = message.model_dump_json(by_alias=True)
    if Message.model_validate_json(text) != message:
        raise Broken("a message is another when it comes back from its JSON")
    names = message.named
    for name in (names.declaration_id, names.declarant, names.local_reference, names.mrn, names.ucr):
        # A record of our own contract is taken as it is written, blanks and all.
        if not (name is None or (type(name) is str and (name.strip() or known.name == "ndjson"))):
            raise Broken(f"a name is {name!r}")
    if names.mrn is not None and known.name != "ndjson" and (names.mrn != names.mrn.upper() or " " in names.mrn):
        raise Broken(f"an MRN is {names.mrn!r}")
    found = message.declaration
    if found is not None:
        if not found.declaration_id or len({item.number for item in found.items}) != len(found.items):
            raise Broken("a declaration without an id, or two items of one number")
        if decode.declaration(feeds.encode(found)) != found:
            raise Broken("a declaration is another when it comes back from its topic")


def _check_error(error: FeedError, known: Codec, arrival: Arrival) -> None:
    f"{error.path}{error.reason}{error}".encode()
    if not error.reason or len(error.reason) > LONGEST_REASON or len(error.path) > LONGEST_REASON:
        raise Broken(f"a reason of {len(error.reason):,} characters at a path of {len(error.path):,}")
    alone = getattr(error, "raw", None)
    if isinstance(error, PartError) and alone is not None:
        again = list(feeds.parts(known, alone, arrival))
        # What stands beside an unusable row, or apart from rows of its key, may be retried by whoever has looked at them.
        apart = "may belong to" in error.reason or "stand apart" in error.reason
        if not apart and not any(isinstance(part, FeedError) for part in again):
            raise Broken("a part is refused among others and taken alone")


def _check_answers(raw: bytes, error: FeedError | None) -> None:
    """An interchange is acknowledged, or nobody can see who sent it."""
    for kind in ("CONTRL", "APERAK"):
        try:
            answer = edifact_codec.acknowledge(raw, error, kind, ARRIVED, "A1")  # type: ignore[arg-type]
        except FeedError:
            continue
        try:
            list(edifact_codec.CODEC.decode_parts(answer, feeds.UNKNOWN))
        except FeedError as wrong:
            if "no CUSDEC" not in wrong.reason:
                raise Broken(f"the {kind} is not well-formed: {wrong}") from None


def _check_cutting(raw: bytes, known: Codec, mapping: Mapping, told: list[Message]) -> None:
    """What is cut into pieces says as much as the whole, but where a row is refused the whole feed may be."""
    again: list[Message] = []
    wrong = 0
    for piece in chunks(io.BytesIO(raw), mapping, 400):
        wrong += piece.problem is not None
        for part in () if piece.problem else feeds.parts(known, piece.raw, feeds.UNKNOWN):
            if isinstance(part, Message):
                again.append(part)
            else:
                wrong += 1
    if not wrong and told and [m.named for m in again] != [m.named for m in told]:
        raise Broken(f"{len(told)} messages of the whole, {len(again)} of its pieces")


def check(raw: bytes, known: Codec, mapping: Mapping | None) -> int:
    """Hold the codec to its promises over these bytes; return how many messages they made."""
    if type(known.sniff(raw)) is not bool:
        raise Broken("sniff says neither True nor False")
    arrival = Arrival(None, ARRIVED if len(raw) % 4 else None, "raw.x/0@1")
    found = list(feeds.parts(known, raw, arrival))
    told = [part for part in found if isinstance(part, Message)]
    wrong = [part for part in found if isinstance(part, FeedError)]
    for message in told:
        _check_message(message, known)
    for error in wrong:
        _check_error(error, known, arrival)
    try:
        whole = known.decode(raw, arrival)
        if wrong or whole != told:
            raise Broken("decode says otherwise than its parts")
    except FeedError as error:
        if not wrong:
            raise Broken(f"decode refuses what its parts take: {error}") from None
    if mapping is None:
        if known.name == "edifact":
            _check_answers(raw, wrong[0] if wrong else None)
    else:
        _check_cutting(raw, known, mapping, told)
    return len(told)


def main() -> None:
    """Fuzz until libFuzzer's options say stop."""
    options = sys.argv[1:]
    if not options or options[0].startswith("-"):
        sys.exit(__doc__)
    name = options.pop(0)
    kept: Path | None = None
    if "--findings" in options:
        at = options.index("--findings")
        kept = Path(options[at + 1])
        kept.mkdir(parents=True, exist_ok=True)
        del options[at : at + 2]
    start = seeds(name)
    known, mapping = _subject(name)
    folders = [Path(option) for option in options if not option.startswith("-")]
    for folder in folders[:1]:
        folder.mkdir(parents=True, exist_ok=True)
        for seed in start if folder.is_dir() else ():
            (folder / hashlib.sha256(seed).hexdigest()[:16]).write_bytes(seed)
    counted: Counter[str] = Counter()
    if kept is not None and (kept / "counts.json").exists():  # a run that goes on
        counted.update(json.loads((kept / "counts.json").read_text()))
    said = time.monotonic()

    def one(raw: bytes) -> None:
        nonlocal said
        try:
            told = check(raw, known, mapping)
        except BaseException as error:  # also RecursionError, MemoryError: all are findings
            if kept is None or isinstance(error, KeyboardInterrupt | SystemExit):
                raise
            told = 0
            _keep(kept, raw, error, counted)
        counted["inputs"] += 1
        counted["decoded"] += told > 0
        counted["messages"] += told
        if kept is not None and time.monotonic() - said > 5:
            said = time.monotonic()
            (kept / "counts.json").write_text(json.dumps(counted))

    mutation = MUTATIONS.get(name, fuzz_mutations.xml)

    def mutate(raw: bytes, largest: int, seed: int) -> bytes:
        chance = Random(seed)
        changed: bytes | None = None
        if chance.random() < 0.7:
            changed = mutation(raw, chance, start, atheris.Mutate)
        if changed is None or len(changed) > largest:
            changed = atheris.Mutate(raw, largest)
        return bytes(changed)

    setup: dict[str, Any] = {"custom_mutator": mutate}
    atheris.Setup([sys.argv[0], *options], one, **setup)
    atheris.Fuzz()


def _keep(folder: Path, raw: bytes, error: BaseException, counted: Counter[str]) -> None:
    """Keep the shortest input for each kind of violation: where it was raised, and as what."""
    where = traceback.extract_tb(error.__traceback__)[-4:]
    kind = f"{type(error).__name__} " + " ".join(f"{Path(f.filename).name}:{f.lineno}" for f in where)
    mark = hashlib.sha256(kind.encode()).hexdigest()[:8]
    counted[f"finding {mark} {kind}"] += 1
    path = folder / f"{mark}.bin"
    if not path.exists() or len(raw) < path.stat().st_size:
        path.write_bytes(raw)
        (folder / f"{mark}.txt").write_text("".join(traceback.format_exception(error)), errors="backslashreplace")


if __name__ == "__main__":
    if {"-h", "--help"} & set(sys.argv):
        sys.exit(__doc__)
    # Whatever a codec raises on purpose is a RecordError; anything else is a finding.
    assert issubclass(FeedError, RecordError)
    main()
