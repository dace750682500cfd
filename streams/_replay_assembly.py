"""The intake stage of a replay: messages of feeds to declarations, before they are cut into chunks.

It runs in the parent, in the order of the input, because what a message means depends on those before it. Lines of our own
contract pass through: they have their identity and their version. What waits is given up at the end of the input, not by time.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Mapping
from datetime import datetime
from pathlib import Path

from schemas.errors import FeedError, RecordError
from schemas.feeds import PartError
from streams.intake.assembly import Assembly, Outcome
from streams.intake.decoding import Raw, messages
from streams.intake.saying import Received, micros
from streams.intake.store import Store
from streams.sources import LINES, Record
from streams.worker import guard

#: Messages in one transaction.
_BATCH = 1_000


class NotAssembledError(FeedError):
    """A message of a feed was decoded, but speaks of what is not there, or does not fit it (stage ``intake``)."""


class Assembling:
    """The intake of a whole replay; its memory is a file that is gone with it.

    Parameters
    ----------
    now : the time of the run, UTC: when every message arrives, one after the other.
    """

    def __init__(self, now: datetime) -> None:
        self._arrived = micros(now)
        self._folder: tempfile.TemporaryDirectory[str] | None = None
        self._stores: dict[str, tuple[Store, Assembly]] = {}
        self._number = 0

    def take(self, record: Record) -> Iterator[Record]:
        """Yield what a record comes to: declarations as lines of our contract, and records that cannot be used."""
        if record.problem is not None or (record.format == LINES and record.mapping is None):
            yield record
            return
        self._number += 1
        headers: Mapping[str, bytes] = {"format": record.format.encode()}
        if record.mapping is not None:
            headers = {**headers, "mapping": record.mapping}
        if record.at is not None:
            headers = {**headers, "received_at": record.at.isoformat().encode()}
        raw = Raw(record.raw, headers, None, record.origin)
        try:
            for part, said in enumerate(messages(raw)):
                if isinstance(said, FeedError):
                    kept = said.raw if isinstance(said, PartError) and said.raw is not None else record.raw
                    yield Record(kept, record.origin, record.format, record.at, said)
                    continue
                # A raw topic has a memory of its own; so has a source system here.
                store, assembly = self._memory(said.source.system)
                received = Received(said, self._arrived, self._number, part, record.raw, said.source.format)
                try:
                    with store.attempt():
                        outcome = assembly.apply(received)
                except guard.FAILURES as error:
                    yield _unusable(record.raw, record.origin, said.source.format, error)
                else:
                    yield from self._outcome(outcome)
        except guard.FAILURES as error:
            yield Record(
                record.raw, record.origin, record.format, record.at, FeedError(str(error) or type(error).__name__)
            )
        if self._number % _BATCH == 0:
            for store, _ in self._stores.values():
                store.commit()
                store.begin()

    def finish(self) -> Iterator[Record]:
        """Give up what still waits."""
        for store, assembly in self._stores.values():
            yield from self._outcome(assembly.release(2**62))
            store.rollback()
            store.close()
        self._stores.clear()
        if self._folder is not None:
            self._folder.cleanup()
            self._folder = None

    def _memory(self, system: str) -> tuple[Store, Assembly]:
        found = self._stores.get(system)
        if found is None:
            if self._folder is None:
                self._folder = tempfile.TemporaryDirectory(prefix="assay-replay-")
            store = Store(Path(self._folder.name) / f"{len(self._stores)}.sqlite")
            store.begin()
            found = self._stores[system] = (store, Assembly(store))
        return found

    def _outcome(self, outcome: Outcome) -> Iterator[Record]:
        for written in outcome.written:
            yield Record(written.raw, written.origin, LINES)
        for refused in outcome.refused:
            yield _unusable(refused.raw, refused.origin, refused.format, refused.error)


def _unusable(raw: bytes, origin: str, form: str | None, error: BaseException) -> Record:
    reason, path = (error.reason, error.path) if isinstance(error, RecordError) else (str(error), "")
    return Record(raw, origin, form or "", None, NotAssembledError(reason or type(error).__name__, path))
