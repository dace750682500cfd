"""A file of alerts, one a line: appended, on disk before the offset moves, begun anew when it is large."""

from __future__ import annotations

import fcntl
import os
import threading
from collections.abc import Sequence
from pathlib import Path

from schemas.errors import SettingsError
from streams.forward.target import Delivered, Envelope, Later, Outcome

_LOOK_BACK = 64 * 1024


class File:
    """Appends to ``path``.

    Parameters
    ----------
    rotate : bytes from which the file is renamed to ``NAME.1``, ``NAME.2``, ... (the highest is the newest); 0: never.
    keep : renamed files to keep; 0: all.
    """

    def __init__(self, path: Path, rotate: int = 0, keep: int = 0) -> None:
        self._path, self._rotate, self._keep = path, rotate, keep
        self.name = f"file {path}"
        self.most = 1000
        self._descriptor = -1
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            self._lock = os.open(path.with_name(f".{path.name}.lock"), os.O_RDWR | os.O_CREAT, 0o600)
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            self._open()
        except BlockingIOError:
            raise SettingsError(f"another process writes {path}; give each its own file") from None
        except OSError as error:
            raise SettingsError(f"cannot write {path}: {error.strerror or error}") from None

    def _open(self) -> None:
        self._descriptor = os.open(self._path, os.O_RDWR | os.O_CREAT, 0o640)
        self._mend()

    def _mend(self) -> None:
        """Cut off a line that a crash left without its end: that alert was not committed, and comes again."""
        size = os.fstat(self._descriptor).st_size
        start = size
        while start:
            start = max(0, start - _LOOK_BACK)
            tail = os.pread(self._descriptor, size - start, start)
            if (last := tail.rfind(b"\n")) >= 0:
                size = start + last + 1
                break
            size = start if not start else size
        os.ftruncate(self._descriptor, size)
        os.lseek(self._descriptor, 0, os.SEEK_END)

    def deliver(self, batch: Sequence[Envelope], stop: threading.Event) -> list[Outcome]:
        """Append them, all or none; see `streams.forward.target.Target`."""
        block = b"".join(one.line.encode() + b"\n" for one in batch)
        try:
            if self._descriptor < 0:
                self._open()
            self._turn(len(block))
            _write(self._descriptor, block)
            os.fsync(self._descriptor)
        except OSError as error:  # a full disk, for one: what was half written is cut off at the next try
            self._shut()
            return [Later(f"{self._path}: {error.strerror or error}")] * len(batch)
        return [Delivered()] * len(batch)

    def _turn(self, coming: int) -> None:
        """Begin a new file if this one is full; an empty one is never full."""
        size = os.fstat(self._descriptor).st_size
        if not self._rotate or not size or size + coming <= self._rotate:
            return
        numbers = self._numbers()
        self._path.rename(self._path.with_name(f"{self._path.name}.{max(numbers, default=0) + 1}"))
        self._shut()
        self._open()
        for number in sorted(self._numbers())[: -self._keep] if self._keep else []:
            self._path.with_name(f"{self._path.name}.{number}").unlink(missing_ok=True)
        folder = os.open(self._path.parent, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)

    def _numbers(self) -> list[int]:
        beside = self._path.parent.glob(f"{self._path.name}.*")
        return [int(one.suffix[1:]) for one in beside if one.suffix[1:].isdecimal()]

    def _shut(self) -> None:
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1

    def close(self) -> None:
        """Let go of the file, and of the lock that keeps others from it."""
        self._shut()
        os.close(self._lock)


def _write(descriptor: int, block: bytes) -> None:
    view = memoryview(block)
    while view:
        view = view[os.write(descriptor, view) :]
