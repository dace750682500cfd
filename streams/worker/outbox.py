"""Results on their way to Kafka: gathered, sent together, and waited for together."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any, NamedTuple

from faust import App

from streams.settings import Settings
from streams.topics import named


class _Letter(NamedTuple):
    topic: str
    key: bytes | None
    value: bytes | None
    headers: Sequence[tuple[str, bytes]]
    partition: int | None


class Outbox:
    """Records of one batch until Kafka has them."""

    def __init__(self, app: App, chosen: Settings) -> None:
        self._app = app
        self._topics = named(chosen)
        self._letters: list[_Letter] = []

    def add(
        self,
        topic: str,
        key: str | bytes | None,
        value: bytes | None,
        headers: Sequence[tuple[str, bytes]] = (),
        partition: int | None = None,
    ) -> None:
        """Put a record in; ``topic`` is a declared name, the partition follows from the key unless given."""
        encoded = key.encode() if isinstance(key, str) else key
        self._letters.append(_Letter(self._topics[topic], encoded, value, headers, partition))

    async def flush(self) -> list[Any]:
        """Send all and wait until each is acknowledged; return where they stand, raise what Kafka says of any of them."""
        letters, self._letters = self._letters, []
        if not letters:
            return []
        producer = self._app.producer
        waiting: list[Any] = []
        for letter in letters:
            sent = await producer.send(
                letter.topic, letter.key, letter.value, letter.partition, None, list(letter.headers)
            )
            waiting.append(sent)
        outcomes = await asyncio.gather(*waiting, return_exceptions=True)
        for outcome in outcomes:
            if isinstance(outcome, BaseException):
                raise outcome
        return outcomes
