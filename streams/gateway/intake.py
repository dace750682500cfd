"""One request from its messages to its answer: known ones from memory, new ones decoded, sent, acknowledged, remembered."""

from __future__ import annotations

import asyncio
import hashlib
import json
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any, Final, Literal

import structlog

from schemas.errors import FeedError
from streams import topics
from streams.admission import Admitted, Door, dead_letter, said
from streams.gateway import bodies
from streams.gateway.delivery import Delivery, Outgoing, UnavailableError
from streams.gateway.keys import Key
from streams.gateway.limits import Hold
from streams.gateway.metrics import Metrics
from streams.gateway.receipts import Receipts
from streams.settings import Settings
from streams.sources import Record

log = structlog.stdlib.get_logger(__name__)

Check = Literal["decode", "none", "only"]
#: Declarations named in the receipt of one message; a mapped table may hold thousands.
_NAMED: Final = 100
_ERRORS: Final = 100
_LATELY: Final = 10_000


@dataclass(slots=True)
class Entry:
    """One message of a request.

    Attributes
    ----------
    receipt : what the sender is told: made here, or remembered (``repeated``).
    sending : the record to write: of the message, or of its dead letter.
    asked : when the receipts were asked for it (monotonic).
    """

    id: str
    record: Record
    receipt: dict[str, Any] = field(default_factory=dict)
    repeated: bool = False
    sending: Outgoing | None = None
    asked: float = 0.0

    @property
    def refused(self) -> bool:
        """Whether it became a dead letter."""
        return self.receipt.get("status") == "refused"


def identity(key: Key, raw: bytes) -> str:
    """Return the id of a message: by source, way of reading and content."""
    digest = hashlib.sha256(json.dumps([key.source, key.system, key.format, key.mapping]).encode() + b"\n")
    digest.update(raw)
    return digest.hexdigest()[:32]


class GatewayIntake:
    """What all requests share.

    Parameters
    ----------
    patience : seconds to wait for Kafka's acknowledgement before the sender is told to try again.
    """

    def __init__(
        self, chosen: Settings, delivery: Delivery, receipts: Receipts, metrics: Metrics, patience: float, threads: int
    ) -> None:
        self._chosen = chosen
        self._dead_letters = topics.named(chosen)["declarations.dlq"]
        self._delivery = delivery
        self._receipts = receipts
        self._metrics = metrics
        self.patience = patience
        self._threads = ThreadPoolExecutor(threads, thread_name_prefix="decode")
        #: Messages on their way: a repeat that comes meanwhile waits for the first instead of being sent too.
        self._pending: dict[str, asyncio.Future[dict[str, Any]]] = {}
        #: What was acknowledged while a repeat of it was being decoded, after that had asked the receipts.
        self._lately: dict[str, tuple[float, dict[str, Any]]] = {}
        self.sending: set[asyncio.Task[None]] = set()

    async def look(
        self, key: Key, body: bytes, content_type: str | None, check: Check, at: datetime, most: int, most_bytes: int
    ) -> list[Entry]:
        """Split and decode a body in a thread; see :func:`streams.gateway.bodies.split` for what it raises."""

        def work() -> list[Entry]:
            mapping = _mapping(key)
            found = bodies.split(body, content_type, key.format or "auto", mapping, at, most, most_bytes)
            asked = time.monotonic()
            entries = [Entry(identity(key, record.raw), record, asked=asked) for record in found]
            remembered = self._receipts.known(entry.id for entry in entries)
            # One sender must not speak for another, which our own contract would let it.
            own = key.system or key.source
            door = Door(self._chosen, key.system, check != "none", bound_to=own, detail=True)
            for entry in entries:
                known = remembered.get(entry.id)
                if known is not None:
                    entry.receipt, entry.repeated = json.loads(known), True
                else:
                    self._decide(entry, key, door, at)
            return entries

        return await asyncio.get_running_loop().run_in_executor(self._threads, work)

    def _decide(self, entry: Entry, key: Key, door: Door, at: datetime) -> None:
        record = entry.record = replace(entry.record, origin=f"gateway/{key.source}/{entry.id}")
        try:
            admitted = door.admit(record, at)
        except FeedError as error:
            letter = dead_letter(record, error, at)
            value = letter.__pydantic_serializer__.to_json(letter, by_alias=True)
            entry.sending = Outgoing(self._dead_letters, None, value)
            entry.receipt = {
                "id": entry.id,
                "status": "refused",
                "format": record.format or None,
                "dead_letter": letter.dead_letter_id,
                "errors": [{"path": error.path or None, "reason": error.reason}],
            }
            return
        entry.sending = Outgoing(admitted.topic, admitted.key, admitted.value, admitted.headers)
        entry.receipt = _receipt(entry.id, admitted)

    async def deliver(self, entries: Sequence[Entry], hold: Hold, source: str) -> None:
        """Have every new message of a request in Kafka. ``hold`` is released when Kafka is done with it, even if that is later.

        Raises
        ------
        UnavailableError : not all are acknowledged in time, or Kafka has no such topic; the sender may send them again.
        """
        try:
            for topic in {entry.sending.topic for entry in entries if entry.sending}:
                if not await self._delivery.exists(topic):
                    raise UnavailableError(f"there is no topic {topic} yet")
        except BaseException:
            hold.release()
            raise
        # From here to the task nothing is awaited: no other request comes between.
        loop = asyncio.get_running_loop()
        fresh: dict[str, Entry] = {}
        shared: list[asyncio.Future[dict[str, Any]]] = []
        for entry in entries:
            if entry.repeated or entry.id in fresh:
                continue
            at, receipt = self._lately.get(entry.id, (0.0, {}))
            if at > entry.asked:
                entry.receipt, entry.repeated = receipt, True
            elif (pending := self._pending.get(entry.id)) is not None:
                shared.append(pending)
            else:
                fresh[entry.id] = entry
        futures = {name: loop.create_future() for name in fresh}
        self._pending.update(futures)
        done = loop.create_task(self._send(list(fresh.values()), futures, hold, source))
        self.sending.add(done)
        done.add_done_callback(self.sending.discard)
        began = time.monotonic()
        everything: list[asyncio.Future[Any]] = [done, *shared]
        finished, waiting = await asyncio.wait(everything, timeout=self.patience)
        self._metrics.acknowledged.observe(time.monotonic() - began)
        if waiting:
            raise UnavailableError(f"Kafka did not acknowledge within {self.patience:.0f} s")
        for one in finished:
            one.result()
        # Which message came first is known now: the receipts of the others are the same.
        receipts = {entry.id: entry.receipt for entry in fresh.values()}
        receipts |= {found["id"]: found for future in shared for found in (future.result(),)}
        for entry in entries:
            if not entry.repeated and entry.id in receipts:
                entry.repeated = entry.id not in fresh or fresh[entry.id] is not entry
                entry.receipt = receipts[entry.id]

    async def _send(
        self, entries: list[Entry], futures: dict[str, asyncio.Future[dict[str, Any]]], hold: Hold, source: str
    ) -> None:
        """Send, wait, remember; goes on when the request that wanted it has been told to try again."""
        try:
            outgoing = [entry.sending for entry in entries if entry.sending is not None]
            places = await self._delivery.send(outgoing) if outgoing else []
            for entry, place in zip(entries, places, strict=True):
                entry.receipt |= {"topic": place.topic, "partition": place.partition, "offset": place.offset}
            kept = {e.id: json.dumps(e.receipt).encode() for e in entries if not e.refused}
            await asyncio.to_thread(self._receipts.remember, kept)
            for entry in entries:
                if not entry.refused:
                    self._lately[entry.id] = (time.monotonic(), entry.receipt)
                futures[entry.id].set_result(entry.receipt)
                self._metrics.messages.labels(source, "refused" if entry.refused else "accepted").inc()
        except BaseException as error:
            trouble = error if isinstance(error, UnavailableError) else UnavailableError(type(error).__name__)
            for future in futures.values():
                if not future.done():
                    future.set_exception(trouble)
                    future.exception()  # somebody may wait for it, or nobody
            if isinstance(error, UnavailableError):
                raise
            log.error("sending failed", error=type(error).__name__)
            raise trouble from error
        finally:
            for name in futures:
                self._pending.pop(name, None)
            while len(self._lately) > _LATELY:
                del self._lately[next(iter(self._lately))]
            hold.release()

    async def stop(self) -> None:
        """Wait until nothing is on its way any more."""
        if self.sending:
            await asyncio.wait(self.sending, timeout=self.patience)
        self._threads.shutdown(wait=False)


def _mapping(key: Key) -> Any:
    if key.mapping is None:
        return None
    from schemas.mapping import Mapping

    return Mapping.parse(key.mapping.encode())


def _receipt(identity: str, admitted: Admitted) -> dict[str, Any]:
    receipt: dict[str, Any] = {
        "id": identity,
        "status": "accepted",
        "format": admitted.format,
        "declarations": [said(message) for message in admitted.messages[:_NAMED]],
    }
    if admitted.wrong:
        receipt["errors"] = [{"path": e.path or None, "reason": e.reason} for e in admitted.wrong[:_ERRORS]]
    return receipt
