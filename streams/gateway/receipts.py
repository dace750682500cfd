"""What Kafka has acknowledged, by content: a repeat within the window gets the same receipt and is not sent again.

The memory is a SQLite file, so it survives a restart; it is bounded in time and number. Losing it is harmless: a repeat is then
sent again, and the intake drops duplicates by content anyway.
"""

from __future__ import annotations

import sqlite3
import threading
import time
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Final

from schemas.errors import SettingsError

_TABLES: Final = """
CREATE TABLE IF NOT EXISTS receipts (id TEXT PRIMARY KEY, at REAL NOT NULL, receipt BLOB NOT NULL) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS receipts_at ON receipts (at);
"""
_PRUNE_EVERY: Final = 1_000
_ASKED_AT_ONCE: Final = 500


class Receipts:
    """The memory of receipts; may be used from any thread.

    Parameters
    ----------
    file : where it lies.
    window : seconds for which a receipt is remembered; 0: none is.
    most : receipts kept at most (about a kilobyte each); the oldest go first.
    """

    def __init__(
        self, file: Path, window: float, most: int = 1_000_000, clock: Callable[[], float] = time.time
    ) -> None:
        self._window = window
        self._most = most
        self._clock = clock
        self._lock = threading.Lock()
        self._since_pruned = 0
        try:
            file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            self._tables = sqlite3.connect(file, timeout=10, isolation_level=None, check_same_thread=False)
            self._tables.execute("PRAGMA journal_mode=WAL")
            # After a power failure the last receipts may be missing, which costs a duplicate.
            self._tables.execute("PRAGMA synchronous=NORMAL")
            self._tables.executescript(_TABLES)
            self._prune()
        except (OSError, sqlite3.Error) as error:
            raise SettingsError(f"the receipts {file} cannot be used: {error}") from None

    def known(self, ids: Iterable[str]) -> dict[str, bytes]:
        """Return the receipts that are remembered of these messages."""
        wanted = list(dict.fromkeys(ids))
        found: dict[str, bytes] = {}
        if not self._window:
            return found
        since = self._clock() - self._window
        with self._lock:
            for begin in range(0, len(wanted), _ASKED_AT_ONCE):
                some = wanted[begin : begin + _ASKED_AT_ONCE]
                marks = ",".join("?" * len(some))
                question = f"SELECT id, receipt FROM receipts WHERE at >= ? AND id IN ({marks})"
                found.update(self._tables.execute(question, (since, *some)).fetchall())
        return found

    def remember(self, receipts: Mapping[str, bytes]) -> None:
        """Remember what was acknowledged."""
        if not (self._window and receipts):
            return
        now = self._clock()
        with self._lock:
            self._tables.execute("BEGIN IMMEDIATE")
            lines = [(name, now, receipt) for name, receipt in receipts.items()]
            self._tables.executemany("INSERT OR REPLACE INTO receipts VALUES (?, ?, ?)", lines)
            self._tables.execute("COMMIT")
            self._since_pruned += len(receipts)
            if self._since_pruned >= _PRUNE_EVERY:
                self._prune()

    def _prune(self) -> None:
        self._since_pruned = 0
        self._tables.execute("DELETE FROM receipts WHERE at < ?", (self._clock() - self._window,))
        (count,) = self._tables.execute("SELECT count(*) FROM receipts").fetchone()
        if count > self._most:
            oldest = "DELETE FROM receipts WHERE id IN (SELECT id FROM receipts ORDER BY at LIMIT ?)"
            self._tables.execute(oldest, (count - self._most,))

    def close(self) -> None:
        """Close the file."""
        with self._lock:
            self._tables.close()
