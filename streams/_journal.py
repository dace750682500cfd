"""How far each file has been taken in: what an interrupted ``assay ingest`` goes on from, and what ``--follow`` knows.

A file is known by its path and content. Size and time of writing spare reading it again; where they have changed the
content decides: a file that was only touched is not taken in twice, one that was written anew is.
"""

from __future__ import annotations

import hashlib
import os
import sqlite3
import time
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Self

from schemas.errors import SettingsError

_SMALL: Final = 256 * 1024
#: Another `assay ingest` may be writing.
_PATIENCE_SECONDS: Final = 30.0
_TABLES: Final = """
CREATE TABLE IF NOT EXISTS files (
    job TEXT NOT NULL, path TEXT NOT NULL, size INTEGER NOT NULL, written INTEGER NOT NULL, content TEXT NOT NULL,
    records INTEGER NOT NULL, finished INTEGER NOT NULL, at REAL NOT NULL, PRIMARY KEY (job, path)
) WITHOUT ROWID
"""


@dataclass
class Progress:
    """How far one file is: ``records`` of it are acknowledged by Kafka, all of them if ``finished``."""

    path: Path
    known: str
    size: int
    written: int
    content: str
    records: int = 0
    finished: bool = False

    def unchanged(self) -> bool:
        """Say whether the file is still the one that was looked at."""
        try:
            found = self.path.stat()
        except OSError:
            return False
        return (found.st_size, found.st_mtime_ns) == (self.size, self.written)


def job(*parts: str | bytes | None) -> str:
    """Return the name of a way to take files in: cluster, format, source system, mapping. Each has progress of its own."""
    digest = hashlib.sha256()
    for part in parts:
        raw = part.encode() if isinstance(part, str) else part or b""
        digest.update(b"%d:" % len(raw) + raw)
    return digest.hexdigest()[:32]


class Journal:
    """The journal of one job; ``with`` closes it.

    Raises
    ------
    SettingsError : the file is no journal, or cannot be written.
    """

    def __init__(self, file: Path, job: str) -> None:
        self._file = file
        self._job = job
        try:
            file.parent.mkdir(parents=True, exist_ok=True)
            self._tables = sqlite3.connect(file, timeout=_PATIENCE_SECONDS, isolation_level=None)
            self._tables.execute("PRAGMA journal_mode=WAL")
            self._tables.execute("PRAGMA synchronous=NORMAL")
            self._tables.execute(_TABLES)
        except (OSError, sqlite3.Error) as error:
            raise SettingsError(f"the journal {file} cannot be used: {error}") from None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._tables.close()

    def look(self, path: Path) -> Progress:
        """Return how far a file is; one that is new or was written anew is at its beginning.

        Raises
        ------
        OSError : it cannot be read.
        """
        known = os.path.abspath(path)  # noqa: PTH100 - resolving links costs a look at each folder, for every file
        found = path.stat()
        size, written = found.st_size, found.st_mtime_ns
        row = self._tables.execute(
            "SELECT size, written, content, records, finished FROM files WHERE job = ? AND path = ?", (self._job, known)
        ).fetchone()
        if row is not None and (row[0], row[1]) == (size, written):
            return Progress(path, known, size, written, row[2], row[3], bool(row[4]))
        content = _content(path, size)
        progress = Progress(path, known, size, written, content)
        if row is not None and row[2] == content:
            progress.records, progress.finished = row[3], bool(row[4])
            self.note([progress])
        return progress

    def note(self, progresses: Iterable[Progress]) -> None:
        """Write down how far files are, all or none."""
        now = time.time()
        lines = [(self._job, p.known, p.size, p.written, p.content, p.records, p.finished, now) for p in progresses]
        if not lines:
            return
        try:
            self._tables.execute("BEGIN IMMEDIATE")
            self._tables.executemany("INSERT OR REPLACE INTO files VALUES (?, ?, ?, ?, ?, ?, ?, ?)", lines)
            self._tables.execute("COMMIT")
        except sqlite3.Error as error:
            raise SettingsError(f"the journal {self._file} cannot be written: {error}") from None

    def forget(self, paths: Iterable[Path]) -> None:
        """Begin these files anew."""
        self._tables.executemany(
            "DELETE FROM files WHERE job = ? AND path = ?",
            [(self._job, os.path.abspath(path)) for path in paths],  # noqa: PTH100 - as above
        )


def _content(path: Path, size: int) -> str:
    if size < _SMALL:
        return hashlib.sha256(path.read_bytes()).hexdigest()
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
