"""Watching directories: each file once, when it has stopped growing, also across restarts."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from streams import sources
from streams._journal import Journal, Progress

Stamp = tuple[int, int]


class Followed:
    """The files of some paths that have not been taken in yet, by the journal and by size and time of writing."""

    def __init__(self, paths: list[Path], journal: Journal) -> None:
        self._paths = paths
        self._journal = journal
        self._seen: dict[Path, Stamp] = {}
        #: What the journal has said of files that are still there: it is not asked again at every look.
        self._taken: dict[Path, Stamp] = {}

    def ready(self) -> Iterator[tuple[Progress, str]]:
        """Yield files (and their names) that are not finished and were the same at the last look."""
        seen: dict[Path, Stamp] = {}
        for path, name in sources.files(self._paths):
            try:
                found = path.stat()
                stamp = (found.st_size, found.st_mtime_ns)
                seen[path] = stamp
                if self._taken.get(path) == stamp or self._seen.get(path) != stamp:
                    continue
                progress = self._journal.look(path)
            except OSError:
                continue
            if progress.finished:
                self._taken[path] = stamp
            else:
                yield progress, name
        self._seen = seen
        self._taken = {path: stamp for path, stamp in self._taken.items() if path in seen}
