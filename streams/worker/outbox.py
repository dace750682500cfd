"""Results on their way to Kafka: gathered, sent together, and waited for together."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from faust import App

from streams.settings import Settings
from streams.topics import named
from streams.worker.transport import Letter


class Outbox:
    """Records of one batch until Kafka has them."""

    def __init__(self, app: App, chosen: Settings) -> None:
        self._app = app
        self._topics = named(chosen)
        #: By topic and partition; a partition of None means: that of the key.
        self._letters: dict[tuple[str, int | None], list[Letter]] = {}

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
        self._letters.setdefault((self._topics[topic], partition), []).append(Letter(encoded, value, headers))

    async def flush(self) -> dict[tuple[str, int], int]:
        """Send all and wait until each is acknowledged; raise what Kafka says of any of them.

        Returns
        -------
        For each topic (as the cluster calls it) and partition written to, the offset that follows the last record.
        """
        letters, self._letters = self._letters, {}
        producer = self._app.producer
        runs: dict[tuple[str, int], list[Letter]] = {}
        for (topic, partition), some in letters.items():
            if partition is not None:
                runs.setdefault((topic, partition), []).extend(some)
                continue
            for letter in some:
                placed = await producer.partition_of(topic, letter.key)
                runs.setdefault((topic, placed), []).append(letter)
        sending = [producer.send_run(topic, partition, run) for (topic, partition), run in runs.items()]
        reached: dict[tuple[str, int], int] = {}
        for place, outcome in zip(runs, await asyncio.gather(*sending, return_exceptions=True), strict=True):
            if isinstance(outcome, BaseException):
                raise outcome
            reached[place] = outcome
        return reached
