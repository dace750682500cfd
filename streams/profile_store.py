"""Where the states of one partition's profiles stand: a RocksDB database in a folder, with a bounded cache in memory.

The database is a copy: the compacted topic ``profiles`` is the truth, and what is noted beside the states says up to where the
database has it. A replay uses one without a topic, in a temporary folder.
"""

from __future__ import annotations

import shutil
import tempfile
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from rocksdict import BlockBasedOptions, Cache, DBCompressionType, Options, Rdict, WriteBatch

from schemas.errors import StateError

#: Bytes of memory for blocks read, and for states written and not yet in a file, of one database.
CACHE_BYTES = 64 * 1024 * 1024
WRITE_BUFFER_BYTES = 16 * 1024 * 1024
#: Seconds to wait for a database that another process is still closing (a rebalance between two workers of one machine).
LOCKED_SECONDS = 10.0
#: What is noted beside the states; no profile key begins like this.
_NOTE = b"\x00"


class InUseError(StateError):
    """Another process of this machine has the database open."""


def _options() -> Options:
    options = Options(raw_mode=True)
    options.create_if_missing(True)
    options.set_write_buffer_size(WRITE_BUFFER_BYTES)
    options.set_compression_type(DBCompressionType.lz4())
    options.set_keep_log_file_num(1)
    blocks = BlockBasedOptions()
    blocks.set_block_cache(Cache(CACHE_BYTES))
    blocks.set_bloom_filter(10, False)
    options.set_block_based_table_factory(blocks)
    return options


class ProfileStore:
    """States by profile key.

    Parameters
    ----------
    folder : of the database; None for a temporary one, which :meth:`close` removes.

    Raises
    ------
    StateError : the database cannot be opened; :class:`InUseError` if another process has it.
    """

    def __init__(self, folder: Path | None = None) -> None:
        self._temporary = folder is None
        self.folder = Path(tempfile.mkdtemp(prefix="assay-profiles-")) if folder is None else folder
        self.folder.mkdir(parents=True, exist_ok=True)
        self._database = self._opened()

    def _opened(self) -> Rdict:
        limit = time.monotonic() + LOCKED_SECONDS
        while True:
            try:
                return Rdict(str(self.folder), _options())
            except Exception as error:
                if "lock" not in str(error).casefold():
                    raise StateError(f"the profile states in {self.folder} cannot be opened: {error}") from None
                if time.monotonic() >= limit:
                    raise InUseError(
                        f"the profile states in {self.folder} are in use by another process: give each worker of this "
                        "machine that reads the same partition its own ASSAY_STATE_DIR, or wait for the other to end"
                    ) from None
                time.sleep(0.2)

    def get(self, keys: Sequence[str]) -> dict[str, bytes | None]:
        """Return the states of keys, None where there is none."""
        found: Any = self._database.get([key.encode() for key in keys]) if keys else []
        return dict(zip(keys, found, strict=True))

    def put(self, changed: Mapping[str, bytes | None], notes: Mapping[str, str] | None = None) -> None:
        """Write states (None: remove), and notes, at once."""
        batch = WriteBatch(raw_mode=True)
        for key, state in changed.items():
            if state is None:
                batch.delete(key.encode())
            else:
                batch.put(key.encode(), state)
        for name, note in (notes or {}).items():
            batch.put(_NOTE + name.encode(), note.encode())
        self._database.write(batch)

    def note(self, name: str) -> str | None:
        """Return what was noted under a name."""
        raw: Any = self._database.get(_NOTE + name.encode())
        return None if raw is None else raw.decode()

    def items(self, prefix: str = "") -> Iterator[tuple[str, bytes]]:
        """Yield states in the order of their keys, those that begin with ``prefix``."""
        wanted = prefix.encode()
        found: Iterator[tuple[Any, Any]] = self._database.items(from_key=wanted or b"\x01")
        for key, state in found:
            if not key.startswith(wanted):
                return
            yield key.decode(), state

    def clear(self) -> None:
        """Forget everything."""
        self._database.close()
        shutil.rmtree(self.folder, ignore_errors=True)
        self.folder.mkdir(parents=True, exist_ok=True)
        self._database = self._opened()

    def remove(self, keys: Iterable[str]) -> None:
        """Remove states."""
        self.put(dict.fromkeys(keys))

    def size(self) -> int:
        """Return the bytes that the database takes on disk, everything written."""
        self._database.flush()
        return sum(file.stat().st_size for file in self.folder.rglob("*") if file.is_file())

    def compact(self) -> None:
        """Merge the files, as RocksDB does by itself in time: to measure what states take on disk."""
        self._database.flush()
        self._database.compact_range(None, None)

    def close(self) -> None:
        """Let go of the database, and of its folder if that is temporary."""
        self._database.close()
        if self._temporary:
            shutil.rmtree(self.folder, ignore_errors=True)
