"""Alerts from a file: of `assay replay`, or refusals that shall be tried again. Needs no Kafka."""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path

from schemas.errors import RecordError
from streams.forward.courier import Courier
from streams.forward.progress import log
from streams.forward.reading import Line, read
from streams.forward.refusals import alerts_in
from streams.forward.target import Envelope


def run(path: Path, courier: Courier, line: Line) -> None:
    """Deliver every alert of a file in its order; a stop leaves the rest, which is said."""
    if path.resolve() == courier.refusals.path.resolve():
        # What is refused again would be appended to the file that is being read, without end.
        renamed = path.with_name(path.name + ".again")
        path.rename(renamed)
        path = renamed
    batch: list[Envelope] = []
    for number, raw in alerts_in(path):
        origin = f"{path.name}#{number}"
        try:
            batch.append(read(raw, line, origin, -1, number))
        except RecordError as error:
            courier.refusals.add_unreadable(origin, raw, str(error))
            courier.progress.refused += 1
            log.error("no alert", origin=origin, reason=str(error)[:500])
        if len(batch) >= courier.target.most and not _settled(batch, courier):
            return
    _settled(batch, courier)


def _settled(batch: list[Envelope], courier: Courier) -> bool:
    def wait(seconds: float) -> Collection[int]:
        courier.stop.wait(seconds)
        return ()

    left = courier.settle(batch, wait)
    batch.clear()
    courier.progress.tell()
    if left:
        log.warning("stopped before the end of the file", next=left[0].origin)
    return not left
