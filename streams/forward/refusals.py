"""The dead letters of a forwarder: alerts that a receiver refused for good, one JSON a line, on disk before the offset moves."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from schemas.errors import SettingsError
from streams.forward.target import Envelope


class Refusals:
    """A file of refusals. ``assay forward TARGET --input FILE`` sends them again.

    Readable by the owner only: it holds whole alerts.
    """

    def __init__(self, path: Path, target: str) -> None:
        self.path = path
        self._target = target

    def add(self, envelope: Envelope, reason: str) -> None:
        """Keep an alert with the receiver's reason."""
        self._write(
            {
                "alert_id": envelope.alert.alert_id,
                "revision": envelope.alert.revision,
                "origin": envelope.origin,
                "reason": reason,
                "alert": json.loads(envelope.alert.model_dump_json(by_alias=True)),
            }
        )

    def add_unreadable(self, origin: str, raw: bytes, reason: str) -> None:
        """Keep a record that is no alert, as text."""
        self._write({"origin": origin, "reason": reason, "record": raw.decode("utf-8", "backslashreplace")})

    def _write(self, refusal: dict[str, Any]) -> None:
        row = {"at": datetime.now(UTC).isoformat(timespec="seconds"), "target": self._target, **refusal}
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            opened = os.open(self.path, os.O_RDWR | os.O_APPEND | os.O_CREAT, 0o600)
            with os.fdopen(opened, "ab", buffering=0) as file:
                size = os.fstat(opened).st_size
                torn = size and os.pread(opened, 1, size - 1) != b"\n"  # by a crash: that refusal comes again
                line = json.dumps(row, ensure_ascii=False).encode() + b"\n"
                file.write(b"\n" + line if torn else line)  # in one call, since processes of one name share the file
                os.fsync(opened)
        except OSError as error:
            # Better to stop than to lose a refused alert: nothing of this batch is committed.
            raise SettingsError(f"cannot keep what was refused in {self.path}: {error.strerror or error}") from None


def alerts_in(path: Path) -> Iterator[tuple[int, bytes]]:
    """Yield line number and JSON of each alert in a file: of lines that are alerts, or refusals that hold one.

    Raises SettingsError if the file cannot be read.
    """
    try:
        with path.open("rb") as file:
            for number, line in enumerate(file, 1):
                if line.strip():
                    yield number, _unwrapped(line)
    except OSError as error:
        raise SettingsError(f"cannot read {path}: {error.strerror or error}") from None


def _unwrapped(line: bytes) -> bytes:
    try:
        found = json.loads(line)
    except ValueError:
        return line
    if isinstance(found, dict) and isinstance(found.get("alert"), dict) and "reason" in found:
        return json.dumps(found["alert"], ensure_ascii=False).encode()
    return line
