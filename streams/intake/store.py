"""What the intake remembers of one raw partition: lives, their bodies, names, and messages that wait. SQLite, from the library.

A transaction spans a batch: :meth:`Store.begin`, messages, :meth:`Store.commit` (or :meth:`Store.rollback`, and the batch is done
again). Inside it, :meth:`Store.attempt` undoes a single message that failed. What changed is also handed out by
:meth:`Store.changes`, as records of the compacted topic ``intake``, from which another worker rebuilds the database with
:meth:`Store.take`.

Memory is bounded: SQLite keeps a few MB of pages, and no object outlives the call that made it. Bodies are compressed.
"""

from __future__ import annotations

import sqlite3
import zlib
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, NamedTuple

from pydantic_core import from_json, to_json

from schemas.message import Named
from streams.intake.entries import Entry, Life, Told

_SCHEMA: Final = """
CREATE TABLE IF NOT EXISTS lives (id TEXT PRIMARY KEY, life BLOB NOT NULL, deadline INTEGER, last INTEGER NOT NULL) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS lives_due ON lives (deadline) WHERE deadline IS NOT NULL;
CREATE INDEX IF NOT EXISTS lives_last ON lives (last);
CREATE TABLE IF NOT EXISTS bodies (id TEXT, content TEXT, body BLOB NOT NULL, PRIMARY KEY (id, content));
CREATE TABLE IF NOT EXISTS names (name TEXT PRIMARY KEY, ids BLOB NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS waits (digest TEXT PRIMARY KEY, wait BLOB NOT NULL, deadline INTEGER NOT NULL);
CREATE INDEX IF NOT EXISTS waits_due ON waits (deadline);
CREATE TABLE IF NOT EXISTS wait_names (name TEXT, digest TEXT, PRIMARY KEY (name, digest)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS raws (digest TEXT PRIMARY KEY, id TEXT NOT NULL, raw BLOB NOT NULL);
CREATE INDEX IF NOT EXISTS raws_id ON raws (id);
CREATE TABLE IF NOT EXISTS about (name TEXT PRIMARY KEY, value TEXT) WITHOUT ROWID;
"""
#: Ids that one name keeps; a UCR or reference that very many declarations share names none of them.
_MAX_IDS: Final = 20


@dataclass(slots=True)
class Waiting:
    """A message that waits, or is being placed: what it says, how it names its declaration, and the record that held it."""

    digest: str
    entry: Entry
    named: Named
    body: bytes | None
    raw: bytes
    format: str | None
    declared: str | None = None


class Due(NamedTuple):
    """What waits longest: a message without a declaration, or a declaration that has one waiting. ``deadline`` as in Entry."""

    deadline: int
    waiting: Waiting | None
    declaration_id: str


class Store:
    """The memory of one raw partition.

    Parameters
    ----------
    path : of the database file; without it, it is in memory.
    """

    def __init__(self, path: Path | None = None) -> None:
        if path is not None:
            path.parent.mkdir(parents=True, exist_ok=True)
        self._db = sqlite3.connect(path or ":memory:", isolation_level=None, check_same_thread=False)
        self._db.execute("PRAGMA journal_mode=WAL")
        self._db.execute("PRAGMA synchronous=NORMAL")
        self._db.executescript(_SCHEMA)
        self._changes: list[tuple[str, bytes | None]] = []
        self._waiting: int | None = None

    def close(self) -> None:
        """Let go of the file."""
        self._db.close()

    def begin(self) -> None:
        """Begin a transaction."""
        self._changes.clear()
        self._db.execute("BEGIN IMMEDIATE")

    def commit(self) -> None:
        """Keep what was done since :meth:`begin`."""
        self._db.execute("COMMIT")
        self._changes.clear()

    def rollback(self) -> None:
        """Undo what was done since :meth:`begin`, if anything."""
        if self._db.in_transaction:
            self._db.execute("ROLLBACK")
        self._changes.clear()
        self._waiting = None

    def clear(self) -> None:
        """Forget everything."""
        for table in ("lives", "bodies", "names", "waits", "wait_names", "raws", "about"):
            self._db.execute(f"DELETE FROM {table}")
        self._waiting = None

    @contextmanager
    def attempt(self) -> Iterator[None]:
        """Undo what the block did if it raises."""
        mark = len(self._changes)
        self._db.execute("SAVEPOINT one")
        try:
            yield
        except BaseException:
            self._db.execute("ROLLBACK TO one")
            self._db.execute("RELEASE one")
            del self._changes[mark:]
            self._waiting = None
            raise
        self._db.execute("RELEASE one")

    def changes(self) -> dict[str, bytes | None]:
        """Return what changed since :meth:`begin`, the last state of each key; None where it is gone.

        In an order of which every beginning makes sense: bodies before the lives that use them, and only then what is gone and
        what waits.
        """
        last = dict(self._changes)
        return {key: last[key] for key in sorted(last, key=lambda key: _turn(key, last[key]))}

    def about(self, name: str) -> str | None:
        """Return a note about the database itself."""
        found = self._db.execute("SELECT value FROM about WHERE name = ?", (name,)).fetchone()
        return None if found is None else str(found[0])

    def note(self, name: str, value: str) -> None:
        """Keep a note about the database itself; it is not part of the changes."""
        self._db.execute("INSERT OR REPLACE INTO about VALUES (?, ?)", (name, value))

    def life(self, declaration_id: str) -> Life | None:
        """Return a declaration's life, if it has one."""
        found = self._db.execute("SELECT life FROM lives WHERE id = ?", (declaration_id,)).fetchone()
        return None if found is None else _life(found[0])

    def save(self, life: Life) -> None:
        """Keep a life."""
        raw = to_json(life)
        self._changes.append((f"life/{life.declaration_id}", raw))
        row = (life.declaration_id, raw, life.deadline, life.last)
        self._db.execute("INSERT OR REPLACE INTO lives VALUES (?, ?, ?, ?)", row)

    def body(self, declaration_id: str, content: str) -> bytes:
        """Return a body that was added; KeyError if it was not."""
        found = self._db.execute(
            "SELECT body FROM bodies WHERE id = ? AND content = ?", (declaration_id, content)
        ).fetchone()
        if found is None:
            raise KeyError(f"{declaration_id} {content}")
        return zlib.decompress(found[0])

    def add_body(self, declaration_id: str, content: str, body: bytes) -> None:
        """Keep the content of a declaration, or edits."""
        known = "SELECT 1 FROM bodies WHERE id = ? AND content = ?"
        if self._db.execute(known, (declaration_id, content)).fetchone() is None:
            self._put("body", f"{content}/{declaration_id}", zlib.compress(body, 1))

    def drop_body(self, declaration_id: str, content: str) -> None:
        """Keep a body no longer."""
        self._put("body", f"{content}/{declaration_id}", None)

    def named(self, name: str) -> list[str]:
        """Return the declarations that a name was learned for, in the order of learning."""
        found = self._db.execute("SELECT ids FROM names WHERE name = ?", (name,)).fetchone()
        return [] if found is None else from_json(found[0])

    def learn(self, name: str, declaration_id: str) -> bool:
        """Learn a name of a declaration; tell whether it is new. It lasts if it is among the names of the life that is saved."""
        known = self.named(name)
        if declaration_id in known or len(known) >= _MAX_IDS:
            return False
        self._db.execute("INSERT OR REPLACE INTO names VALUES (?, ?)", (name, to_json([*known, declaration_id])))
        return True

    def _unlearn(self, life: Life) -> None:
        for name in life.names:
            left = [one for one in self.named(name) if one != life.declaration_id]
            self._db.execute("DELETE FROM names WHERE name = ?", (name,))
            if left:
                self._db.execute("INSERT INTO names VALUES (?, ?)", (name, to_json(left)))

    @property
    def waiting(self) -> int:
        """How many messages wait, with or without a declaration."""
        if self._waiting is None:
            counts = "SELECT (SELECT count(*) FROM waits) + (SELECT count(*) FROM raws)"
            self._waiting = int(self._db.execute(counts).fetchone()[0])
        return self._waiting

    def waits(self, digest: str) -> bool:
        """Tell whether a message waits for its declaration."""
        if not self.waiting:
            return False
        return self._db.execute("SELECT 1 FROM waits WHERE digest = ?", (digest,)).fetchone() is not None

    def wait(self, one: Waiting, names: Iterable[str]) -> None:
        """Let a message wait until one of these names is learned."""
        made = {
            "entry": one.entry,
            "named": one.named,
            "names": list(names),
            "format": one.format,
            "declared": one.declared,
            "sizes": [-1 if one.body is None else len(one.body), len(one.raw)],
        }
        head = to_json(made)
        packed = zlib.compress(len(head).to_bytes(4, "big") + head + (one.body or b"") + one.raw, 1)
        self._put("wait", one.digest, packed)

    def unwait(self, digest: str) -> None:
        """Let a message wait no more."""
        if self.waits(digest):
            self._put("wait", digest, None)

    def waiting_for(self, name: str) -> list[Waiting]:
        """Return the messages that wait for a name."""
        if not self.waiting:
            return []
        query = "SELECT wait FROM waits JOIN wait_names USING (digest) WHERE name = ?"
        return [_waiting(found)[0] for (found,) in self._db.execute(query, (name,)).fetchall()]

    def keep_raw(self, declaration_id: str, digest: str, raw: bytes, form: str | None) -> None:
        """Keep the record of a message that waits inside its declaration's life."""
        self._put("raw", f"{digest}/{declaration_id}", zlib.compress((form or "").encode() + b"\0" + raw, 1))

    def drop_raw(self, declaration_id: str, digest: str) -> None:
        """Drop such a record."""
        if self._db.execute("SELECT 1 FROM raws WHERE digest = ?", (digest,)).fetchone() is not None:
            self._put("raw", f"{digest}/{declaration_id}", None)

    def raw(self, digest: str) -> tuple[bytes, str | None] | None:
        """Return such a record and its format."""
        found = self._db.execute("SELECT raw FROM raws WHERE digest = ?", (digest,)).fetchone()
        if found is None:
            return None
        form, _, raw = zlib.decompress(found[0]).partition(b"\0")
        return raw, form.decode() or None

    def due(self) -> Due | None:
        """Return what has waited longest."""
        life = self._db.execute(
            "SELECT deadline, id FROM lives WHERE deadline IS NOT NULL ORDER BY deadline, id LIMIT 1"
        ).fetchone()
        wait = self._db.execute("SELECT deadline, wait FROM waits ORDER BY deadline, digest LIMIT 1").fetchone()
        if life is not None and (wait is None or life[0] < wait[0]):
            return Due(life[0], None, life[1])
        return None if wait is None else Due(wait[0], _waiting(wait[1])[0], "")

    def forget(self, before: int, most: int = 1_000) -> int:
        """Forget lives whose last message came before a time (microseconds since 1970); return how many, at most ``most``."""
        query = "SELECT id FROM lives WHERE last < ? AND deadline IS NULL ORDER BY last LIMIT ?"
        old = self._db.execute(query, (before, most)).fetchall()
        for (declaration_id,) in old:
            for (content,) in self._db.execute("SELECT content FROM bodies WHERE id = ?", (declaration_id,)).fetchall():
                self._put("body", f"{content}/{declaration_id}", None)
            self._put("life", declaration_id, None)
        return len(old)

    def counts(self) -> dict[str, int]:
        """Return how many lives and waiting messages there are."""
        return {"lives": int(self._db.execute("SELECT count(*) FROM lives").fetchone()[0]), "waiting": self.waiting}

    def _put(self, kind: str, key: str, value: bytes | None) -> None:
        self._changes.append((f"{kind}/{key}", value))
        self.take(f"{kind}/{key}", value)

    def take(self, key: str, value: bytes | None) -> None:
        """Apply one change: a key of :meth:`changes` and its value."""
        kind, _, name = key.partition("/")
        if kind == "life":
            if value is None:
                if (gone := self.life(name)) is not None:
                    self._unlearn(gone)
                self._db.execute("DELETE FROM lives WHERE id = ?", (name,))
            else:
                life = _life(value)
                row = (name, value, life.deadline, life.last)
                self._db.execute("INSERT OR REPLACE INTO lives VALUES (?, ?, ?, ?)", row)
                for each in life.names:
                    self.learn(each, name)
                self._sweep(life)
        elif kind == "body":
            content, _, declaration_id = name.partition("/")
            if value is None:
                self._db.execute("DELETE FROM bodies WHERE id = ? AND content = ?", (declaration_id, content))
            else:
                self._db.execute("INSERT OR REPLACE INTO bodies VALUES (?, ?, ?)", (declaration_id, content, value))
        elif kind == "wait":
            self._waiting = None
            self._db.execute("DELETE FROM wait_names WHERE digest = ?", (name,))
            self._db.execute("DELETE FROM waits WHERE digest = ?", (name,))
            if value is not None:
                one, names = _waiting(value)
                self._db.execute("INSERT INTO waits VALUES (?, ?, ?)", (name, value, one.entry.deadline))
                self._db.executemany("INSERT OR IGNORE INTO wait_names VALUES (?, ?)", [(each, name) for each in names])
        elif kind == "raw":
            self._waiting = None
            digest, _, declaration_id = name.partition("/")
            if value is None:
                self._db.execute("DELETE FROM raws WHERE digest = ?", (digest,))
            else:
                self._db.execute("INSERT OR REPLACE INTO raws VALUES (?, ?, ?)", (digest, declaration_id, value))
        else:
            raise ValueError(f"no such kind of state: {kind!r}")

    def _sweep(self, life: Life) -> None:
        """Drop records of messages that a restored life does not let wait: their removal may not have been written."""
        waiting = {entry.digest for entry in life.entries if entry.deadline is not None}
        kept = self._db.execute("SELECT digest FROM raws WHERE id = ?", (life.declaration_id,)).fetchall()
        gone = [(digest,) for (digest,) in kept if digest not in waiting]
        if gone:
            self._waiting = None
            self._db.executemany("DELETE FROM raws WHERE digest = ?", gone)


def _turn(key: str, value: bytes | None) -> int:
    if value is None or key.startswith("wait/"):
        return 2
    return 1 if key.startswith("life/") else 0


def _life(raw: bytes) -> Life:
    found: dict[str, Any] = from_json(raw)
    found["entries"] = [Entry(**entry) for entry in found["entries"]]
    found["told"] = Told(**found["told"])
    return Life(**found)


def _waiting(packed: bytes) -> tuple[Waiting, list[str]]:
    raw = zlib.decompress(packed)
    begin = 4 + int.from_bytes(raw[:4], "big")
    found: dict[str, Any] = from_json(raw[4:begin])
    body, record = found["sizes"]
    middle = begin + max(0, body)
    one = Waiting(
        digest=found["entry"]["digest"],
        entry=Entry(**found["entry"]),
        named=Named(**found["named"]),
        body=None if body < 0 else raw[begin:middle],
        raw=raw[middle : middle + record],
        format=found["format"],
        declared=found["declared"],
    )
    return one, found["names"]
