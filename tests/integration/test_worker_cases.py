"""The correlate stage stopped at every point of its writing: what comes again changes nothing and completes the rest."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import AsyncIterator, Sequence
from typing import Any

import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from faust.types import TP
from worker_process import contents, declaration, encoded, read

from detectors import engine
from detectors.batch import Batch
from schemas import decode
from schemas.finding import Verdict
from streams import clients, topics
from streams.settings import Settings
from streams.worker.blocks import Block
from streams.worker.case_store import CaseStore
from streams.worker.control import Judging
from streams.worker.metrics import Metrics
from streams.worker.pulse import Pulse
from streams.worker.stages import Stages

pytestmark = pytest.mark.integration

PARTITION = 0


class Killed(BaseException):
    """The end of the process; no handler of errors may catch it."""


class MortalOutbox:
    """Writes like an outbox of the worker, and dies after so many records."""

    def __init__(self, producer: AIOKafkaProducer, chosen: Settings, life: list[int]) -> None:
        self._producer = producer
        self._topics = topics.named(chosen)
        self._life = life
        self._letters: list[tuple[Any, ...]] = []

    def add(
        self, topic: str, key: Any, value: bytes, headers: Sequence[Any] = (), partition: int | None = None
    ) -> None:
        self._letters.append((topic, key.encode() if isinstance(key, str) else key, value, list(headers), partition))

    async def flush(self) -> None:
        letters, self._letters = self._letters, []
        for topic, key, value, headers, partition in letters:
            if self._life[0] == 0:
                raise Killed
            self._life[0] -= 1
            await self._producer.send_and_wait(self._topics[topic], value, key, partition, headers=headers)


@pytest.fixture
async def producer(cluster: Settings) -> AsyncIterator[AIOKafkaProducer]:
    made = AIOKafkaProducer(**clients.aio_producer_options(cluster))
    await made.start()
    yield made
    await made.stop()


def _verdicts(*rows: dict[str, Any]) -> list[Verdict]:
    decoded = [decode.row(encoded(row)[1]) for row in rows]
    return engine.screen(Batch.of(decoded), engine.default_reference(), engine.default_models()).verdicts


async def _written(chosen: Settings, producer: AIOKafkaProducer, verdicts: list[Verdict]) -> list[Block]:
    """Put verdicts on ``findings`` and return all that stands there, as the worker would get it."""
    name = topics.named(chosen)["findings"]
    for verdict in verdicts:
        raw = verdict.model_dump_json(by_alias=True).encode()
        await producer.send_and_wait(name, raw, verdict.declaration_id.encode(), PARTITION)
    consumer = AIOKafkaConsumer(**clients.aio_consumer_options(chosen))
    await consumer.start()
    place = TopicPartition(name, PARTITION)
    consumer.assign([place])
    end = (await consumer.end_offsets([place]))[place]
    records: list[Any] = []
    while len(records) < end:
        records += (await consumer.getmany(timeout_ms=500)).get(place, [])
    await consumer.stop()
    return [Block(TP(name, PARTITION), records)]


def _stages(
    chosen: Settings, producer: AIOKafkaProducer, judging: Judging, life: int = -1, committed: int | None = None
) -> Stages:
    """Return the stages of a process that has just started."""
    named = topics.named(chosen)
    cases = CaseStore(clients.aio_consumer_options(chosen), named["cases"], named["alerts"])
    left = [life]
    return Stages(
        chosen,
        lambda: MortalOutbox(producer, chosen, left),  # type: ignore[arg-type,return-value]
        judging,
        cases,
        Metrics(),
        lambda _: committed,
        Pulse(5.0),
    )


def _alerts(chosen: Settings) -> tuple[dict[str, tuple[str, int]], int]:
    """Return status and revision of the last record of each alert, and how often one revision was written at most."""
    rows = contents(chosen, "alerts")
    last = {row["declaration_id"].removeprefix("test:"): (row["status"], row["revision"]) for row in rows}
    told = Counter((row["alert_id"], row["revision"]) for row in rows)
    return last, max(told.values(), default=0)


@pytest.fixture(scope="module")
def judging() -> Judging:
    return Judging(Metrics())


@pytest.mark.parametrize("life", range(9))
async def test_killed_after_any_record(
    cluster: Settings, producer: AIOKafkaProducer, judging: Judging, life: int
) -> None:
    first = _verdicts(*(declaration(name, gallium=True) for name in ("a", "b", "c", "d")))
    await _stages(cluster, producer, judging).correlate(await _written(cluster, producer, first))
    assert _alerts(cluster) == (dict.fromkeys("abcd", ("open", 1)), 1)

    news = _verdicts(
        declaration("a", version=2, event="amended"),
        declaration("b", version=2, event="cancelled"),
        declaration("c", version=2, event="amended", gallium=True, items=2),
        declaration("e", gallium=True),
    )
    blocks = await _written(cluster, producer, news)
    fresh = [Block(blocks[0].tp, blocks[0].records[len(first) :])]
    doomed = _stages(cluster, producer, judging, life, committed=len(first))
    if life < 8:  # four cases, four alerts
        with pytest.raises(Killed):
            await doomed.correlate(fresh)
    else:
        await doomed.correlate(fresh)
    assert len(contents(cluster, "cases")) == 4 + min(life, 4)
    assert len(contents(cluster, "alerts")) == 4 + max(0, life - 4)

    for committed, again in ((len(first), fresh), (None, blocks)):
        await _stages(cluster, producer, judging, committed=committed).correlate(again)
        wanted = {"a": ("withdrawn", 2), "b": ("withdrawn", 2), "c": ("updated", 2), "d": ("open", 1), "e": ("open", 1)}
        assert _alerts(cluster) == (wanted, 1)


async def test_versions_in_one_batch_that_comes_again_one_by_one(
    cluster: Settings, producer: AIOKafkaProducer, judging: Judging
) -> None:
    lives = _verdicts(
        declaration("a", gallium=True),
        declaration("a", version=2, event="amended"),
        declaration("a", version=3, event="amended", gallium=True),
    )
    blocks = await _written(cluster, producer, lives)
    await _stages(cluster, producer, judging).correlate(blocks)
    told = contents(cluster, "alerts")
    again = _stages(cluster, producer, judging)
    for record in blocks[0].records:
        await again.correlate([Block(blocks[0].tp, [record])])
    assert contents(cluster, "alerts") == told


async def test_events_of_one_version_that_come_again_one_by_one(
    cluster: Settings, producer: AIOKafkaProducer, judging: Judging
) -> None:
    verdicts = _verdicts(*(declaration("a", version=2, event="amended", gallium=bad) for bad in (True, False)))
    blocks = await _written(cluster, producer, verdicts)
    first = _stages(cluster, producer, judging)
    for record in blocks[0].records:
        await first.correlate([Block(blocks[0].tp, [record])])
    assert _alerts(cluster) == ({"a": ("withdrawn", 2)}, 1)
    again = _stages(cluster, producer, judging)
    for record in blocks[0].records:
        await again.correlate([Block(blocks[0].tp, [record])])
    assert _alerts(cluster) == ({"a": ("withdrawn", 2)}, 1)


async def test_an_alert_without_its_case_is_taken_over(
    cluster: Settings, producer: AIOKafkaProducer, judging: Judging
) -> None:
    blocks = await _written(cluster, producer, _verdicts(declaration("a", gallium=True)))
    await _stages(cluster, producer, judging).correlate(blocks)
    for record in read(cluster, "cases"):
        await producer.send_and_wait(topics.named(cluster)["cases"], None, record.key, record.partition)
    await _stages(cluster, producer, judging).correlate(blocks)
    assert _alerts(cluster) == ({"a": ("open", 1)}, 1)
    late = await _written(cluster, producer, _verdicts(declaration("a", version=2, event="cancelled")))
    await _stages(cluster, producer, judging).correlate(late)
    assert _alerts(cluster) == ({"a": ("withdrawn", 2)}, 1)


async def test_a_bad_verdict_costs_only_itself(cluster: Settings, producer: AIOKafkaProducer, judging: Judging) -> None:
    name = topics.named(cluster)["findings"]
    await producer.send_and_wait(name, b'{"schema": "verdict/1"}', b"test:x", PARTITION)
    blocks = await _written(cluster, producer, _verdicts(declaration("a", gallium=True)))
    await _stages(cluster, producer, judging).correlate(blocks)
    assert _alerts(cluster) == ({"a": ("open", 1)}, 1)
    (letter,) = contents(cluster, "declarations.dlq")
    assert (letter["stage"], letter["key"], letter["origin"]) == ("correlate", "test:x", "findings/0@0")
    assert json.loads(json.dumps(letter))["reason"]
