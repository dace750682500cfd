"""Records to Kafka, acknowledged by all replicas, through aiokafka.

Why aiokafka and not kafka-python in threads: a request waits for the futures of its own records on the one event loop, so a
thousand waiting requests cost no thousand threads, and a Kafka that stands still blocks nobody's loop. (Decoding, which needs
the processor, goes to threads.)

A producer whose record failed is not used again. An idempotent producer that gave a batch up may leave a hole in its sequence
numbers, after which the broker refuses everything that follows; a new producer begins a new sequence.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import structlog
from aiokafka import AIOKafkaProducer
from aiokafka.errors import KafkaError, MessageSizeTooLargeError

from schemas.errors import BrokerError
from streams import clients
from streams.settings import Settings

log = structlog.stdlib.get_logger(__name__)

LOOK_SECONDS: Final = 2.0
#: aiokafka gives a batch up after this long; the sender has been told 503 before.
_GIVE_UP_SECONDS: Final = 60.0
_STOP_SECONDS: Final = 20.0
_TOPICS_SECONDS: Final = 5.0


class UnavailableError(Exception):
    """Kafka does not take records now; the sender may try again."""


class TooLargeError(UnavailableError):
    """Kafka takes no record of this size: trying again is of no use."""


@dataclass(frozen=True, slots=True)
class Outgoing:
    """One record to write."""

    topic: str
    key: bytes | None
    value: bytes
    headers: Sequence[tuple[str, bytes]] = ()


@dataclass(frozen=True, slots=True)
class Place:
    """Where an acknowledged record is."""

    topic: str
    partition: int
    offset: int


class Delivery:
    """A producer that is renewed when it must be; ``up`` says whether Kafka answers."""

    def __init__(self, chosen: Settings) -> None:
        self._chosen = chosen
        self._producer: AIOKafkaProducer | None = None
        self._watch: asyncio.Task[None] | None = None
        self._retiring: set[asyncio.Task[None]] = set()
        self._topics: set[str] = set()
        self._asked = 0.0
        self._asking = asyncio.Lock()
        self.up = False
        self.trouble = "the gateway has just started and is still connecting to Kafka"

    async def start(self) -> None:
        """Begin to look for Kafka; returns at once, whether it answers or not."""
        self._watch = asyncio.create_task(self._look())

    async def stop(self) -> None:
        """Write what is left, for a while, and close."""
        if self._watch is not None:
            self._watch.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._watch
        if self._producer is not None:
            await self._close(self._producer)
        if self._retiring:
            await asyncio.wait(self._retiring, timeout=_STOP_SECONDS)

    async def _look(self) -> None:
        """Keep a producer, and know whether the cluster answers it."""
        while True:
            try:
                async with asyncio.timeout(LOOK_SECONDS * 5):
                    if self._producer is None:
                        self._producer = await self._made()
                    answered = await self._producer.client.force_metadata_update()
                if not answered:
                    raise UnavailableError("no broker answers")
                if not self.up:
                    log.info("kafka answers")
                self.up, self.trouble = True, ""
            except Exception as error:  # whatever it is: not up, and tried again
                if self.up or not self.trouble:
                    log.warning("kafka does not answer", error=type(error).__name__)
                self.up, self.trouble = False, f"Kafka does not answer ({type(error).__name__})"
            await asyncio.sleep(LOOK_SECONDS)

    async def _made(self) -> AIOKafkaProducer:
        options = clients.aio_producer_options(self._chosen) | {
            "request_timeout_ms": int(_GIVE_UP_SECONDS * 1000),
            "client_id": "assay-gateway",
        }
        made = AIOKafkaProducer(**options)
        try:
            await made.start()
        except BaseException:
            await made.stop()
            raise
        return made

    async def exists(self, topic: str) -> bool:
        """Say whether the cluster has a topic; asked again at most every few seconds while it has not."""
        if topic in self._topics:
            return True
        async with self._asking:
            if topic not in self._topics and time.monotonic() - self._asked > _TOPICS_SECONDS:
                try:
                    self._topics = await asyncio.to_thread(self._listed)
                except BrokerError as error:
                    raise UnavailableError("Kafka does not tell its topics") from error
                self._asked = time.monotonic()
        return topic in self._topics

    def _listed(self) -> set[str]:
        with clients.admin(self._chosen, timeout=5) as admin:
            return set(admin.list_topics())

    async def send(self, records: Sequence[Outgoing]) -> list[Place]:
        """Write records in their order, and return where they are once Kafka has acknowledged all of them.

        Raises
        ------
        UnavailableError : it has not; some may have been written all the same. TooLargeError : it never will.
        """
        producer = self._producer
        if producer is None:
            raise UnavailableError(self.trouble)
        futures: list[Any] = []
        try:
            for one in records:
                futures.append(await producer.send(one.topic, one.value, one.key, headers=list(one.headers)))
            written = await asyncio.gather(*futures)
        except KafkaError as error:
            self._spoilt(producer, error)
            if isinstance(error, MessageSizeTooLargeError):
                raise TooLargeError("the topic takes no record of this size") from error
            raise UnavailableError(f"Kafka did not take it ({type(error).__name__})") from error
        finally:
            for future in futures:
                if future.done() and not future.cancelled():
                    future.exception()
        return [Place(found.topic, found.partition, found.offset) for found in written]

    def _spoilt(self, producer: AIOKafkaProducer, error: KafkaError) -> None:
        """Retire a producer after a failure, unless that was done already."""
        if self._producer is not producer:
            return
        log.warning("producer is renewed", error=type(error).__name__)
        self._producer, self.up, self.trouble = None, False, "the producer is being renewed"
        retiring = asyncio.create_task(self._close(producer))
        self._retiring.add(retiring)
        retiring.add_done_callback(self._retiring.discard)

    async def _close(self, producer: AIOKafkaProducer) -> None:
        with contextlib.suppress(Exception):
            await asyncio.wait_for(producer.stop(), _STOP_SECONDS)
