"""Decisions from the outbox to the topic ``dispositions``: sent until Kafka has acknowledged them, whatever happens between."""

from __future__ import annotations

import contextlib
import threading

import structlog

from streams import clients, topics
from streams.console.intake.thread import Steady
from streams.console.store.outbox import Waiting
from streams.console.store.store import Store
from streams.settings import Settings

log = structlog.stdlib.get_logger(__name__)

_LOOK_SECONDS = 2.0  # another console on the same database may have put something into the outbox
_ACKNOWLEDGED_SECONDS = 20.0


class Sender(Steady):
    """Sends in the order in which decisions were made.

    A decision may reach Kafka twice, when its acknowledgement is lost: both have the same key and the same bytes, and
    readers know a decision by its content. Its header ``decision_id`` is `streams.console.store.taking.decision_id`.
    """

    def __init__(self, store: Store, chosen: Settings) -> None:
        super().__init__("console outbox")
        self._store = store
        self._chosen = chosen
        self._topic = topics.named(chosen)["dispositions"]
        self._wanted = threading.Event()

    def wake(self) -> None:
        """Something is in the outbox."""
        self._wanted.set()

    def work(self) -> None:
        """Send until told to stop; what is in the outbox then stays there."""
        made = clients.producer(
            self._chosen,
            self._chosen.kafka,
            max_block_ms=10_000,
            request_timeout_ms=10_000,
            delivery_timeout_ms=15_000,
        )
        with contextlib.closing(_Closing(made)):
            self.well()
            while not self.stopping:
                waiting = self._store.outbox.waiting()
                if waiting:
                    self._send(made, waiting)
                    continue
                self._wanted.wait(_LOOK_SECONDS)
                self._wanted.clear()

    def _send(self, producer: object, waiting: list[Waiting]) -> None:
        sends = [
            producer.send(  # type: ignore[attr-defined]
                self._topic,
                key=one.key.encode(),
                value=one.body,
                headers=[("content-type", b"application/json"), ("decision_id", one.decision_id.encode())],
            )
            for one in waiting
        ]
        acknowledged = []
        trouble: Exception | None = None
        for one, future in zip(waiting, sends, strict=True):
            try:
                future.get(timeout=_ACKNOWLEDGED_SECONDS)
                acknowledged.append(one)
            except Exception as error:
                trouble = error
                break
        self._store.outbox.sent(acknowledged)
        if trouble is not None:
            raise trouble


class _Closing:
    """Closes a producer without waiting long for a Kafka that is gone."""

    def __init__(self, producer: object) -> None:
        self._producer = producer

    def close(self) -> None:
        with contextlib.suppress(Exception):
            self._producer.close(timeout=2)  # type: ignore[attr-defined]
