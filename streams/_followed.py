"""Watching directories: each file once, when it has stopped growing, also across restarts."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Final

from streams import sources
from streams.settings import Settings

Stamp = tuple[int, int]

#: After so many lines without use the remembered files are written anew, without those that are gone.
_REWRITE_ABOVE: Final = 100_000


def state_file(paths: Iterable[Path], chosen: Settings) -> Path:
    """Return where the files already taken in from these paths are remembered."""
    name = hashlib.sha256("\n".join(sorted(str(path.resolve()) for path in paths)).encode()).hexdigest()[:16]
    return chosen.state_dir / "ingest" / f"{name}.jsonl"


class Followed:
    """The files of some paths that have not been taken in yet.

    A file is known by path, size and time of writing: one that is written again is taken in again. The state is a file
    of JSON lines, one a file taken in; a line cut off by a crash is left out, and its file taken in again.
    """

    def __init__(self, paths: list[Path], state: Path) -> None:
        self._paths = paths
        self._state = state
        self._taken = self._load()
        self._growing: dict[str, Stamp] = {}

    def _load(self) -> dict[str, Stamp]:
        taken: dict[str, Stamp] = {}
        if not self._state.exists():
            return taken
        lines = self._state.read_text(encoding="utf-8", errors="replace").splitlines()
        for line in lines:
            try:
                path, size, written = json.loads(line)
                taken[path] = (int(size), int(written))
            except (ValueError, TypeError):
                continue
        if len(lines) > _REWRITE_ABOVE:
            taken = {path: stamp for path, stamp in taken.items() if Path(path).exists()}
            fresh = self._state.with_suffix(".new")
            fresh.write_text("".join(_line(path, stamp) for path, stamp in taken.items()), encoding="utf-8")
            fresh.replace(self._state)
        return taken

    def ready(self) -> Iterator[tuple[Path, str]]:
        """Yield files (and their names) that are new and were the same at the last look."""
        seen: dict[str, Stamp] = {}
        for path, name in sources.files(self._paths):
            try:
                stamp = _stamp(path)
            except FileNotFoundError:
                continue
            known = str(path.resolve())
            seen[known] = stamp
            if self._taken.get(known) != stamp and self._growing.get(known) == stamp:
                yield path, name
        self._growing = seen

    def remember(self, path: Path) -> None:
        """Write down that a file has been taken in (as it was when last looked at)."""
        known = str(path.resolve())
        stamp = self._growing.get(known)
        if stamp is None:
            return
        self._taken[known] = stamp
        self._state.parent.mkdir(parents=True, exist_ok=True)
        with self._state.open("a", encoding="utf-8") as lines:
            lines.write(_line(known, stamp))


def _line(path: str, stamp: Stamp) -> str:
    return json.dumps([path, *stamp], ensure_ascii=True) + "\n"


def _stamp(path: Path) -> Stamp:
    found = path.stat()
    return found.st_size, found.st_mtime_ns
