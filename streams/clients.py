"""Clients of Kafka with the settings of this process: producers, consumers, admin, and small bounded reads."""

from __future__ import annotations

import contextlib
import logging
import time
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from schemas.errors import BrokerError
from streams import broker
from streams.settings import Settings, kafka_options, settings
from streams.topics import MAX_DEAD_LETTER_BYTES

if TYPE_CHECKING:
    from kafka import KafkaConsumer, KafkaProducer, TopicPartition
    from kafka.consumer.fetcher import ConsumerRecord

MAX_REQUEST_BYTES = MAX_DEAD_LETTER_BYTES + 64 * 1024  # the largest record and the frame around it
COORDINATOR_SECONDS = 15.0
IDLE_SECONDS = 30.0  # of a bounded read: no record for so long means a broker in trouble


def compression() -> str | None:
    """Return ``lz4`` if kafka-python and aiokafka (Faust) can both read it here, else None: no dependency for it."""
    from aiokafka import codec as aio
    from kafka import codec

    return "lz4" if codec.has_lz4() and aio.has_lz4() else None


def servers(chosen: Settings, bootstrap: str | None = None) -> list[str]:
    """Return the bootstrap servers, host:port each: the given ones, else those of `streams.broker.bootstrap`."""
    return (bootstrap or broker.bootstrap(chosen=chosen)).split(",")


def _connection(chosen: Settings | None, bootstrap: str | None) -> dict[str, Any]:
    chosen = chosen or settings()
    return {"bootstrap_servers": servers(chosen, bootstrap), **kafka_options(chosen)}


@contextlib.contextmanager
def _hushed() -> Iterator[None]:
    """Keep kafka-python's own log quiet for a block whose errors are told by us."""
    logger = logging.getLogger("kafka")
    before = logger.level
    logger.setLevel(logging.CRITICAL)
    try:
        yield
    finally:
        logger.setLevel(before)


def _connected(kind: Any, options: Mapping[str, Any]) -> Any:
    """Return a client that has reached its cluster; raise BrokerError naming the servers where none answers."""
    from kafka.errors import KafkaError

    try:
        with _hushed():
            return kind(**options)
    except (KafkaError, OSError) as error:
        raise BrokerError(f"Kafka at {','.join(options['bootstrap_servers'])} does not answer: {error}") from error


def producer(chosen: Settings | None = None, bootstrap: str | None = None, **options: Any) -> KafkaProducer:
    """Return a kafka-python producer: idempotent, acknowledged by all replicas, records up to the largest declared."""
    from kafka import KafkaProducer

    common: dict[str, Any] = {
        "acks": "all",
        "enable_idempotence": True,
        "compression_type": compression(),
        "linger_ms": 5,
        "batch_size": 256 * 1024,
        "max_request_size": MAX_REQUEST_BYTES,
        "allow_auto_create_topics": False,
    }
    return _connected(KafkaProducer, {**_connection(chosen, bootstrap), **common, **options})


def consumer(
    *topics: str, chosen: Settings | None = None, bootstrap: str | None = None, **options: Any
) -> KafkaConsumer:
    """Return a kafka-python consumer; without ``group_id`` it belongs to no group and commits nothing."""
    from kafka import KafkaConsumer

    common: dict[str, Any] = {
        "group_id": None,
        "enable_auto_commit": False,
        "auto_offset_reset": "earliest",
        "max_partition_fetch_bytes": 4 * 1024 * 1024,
        "receive_message_max_bytes": 2 * MAX_REQUEST_BYTES,
        "allow_auto_create_topics": False,
    }
    made: KafkaConsumer = _connected(KafkaConsumer, {**_connection(chosen, bootstrap), **common, **options})
    if topics:
        made.subscribe(list(topics))
    return made


@contextlib.contextmanager
def admin(chosen: Settings | None = None, bootstrap: str | None = None, timeout: float = 30.0) -> Iterator[Any]:
    """Have a kafka-python admin client for a block; ``timeout`` in seconds is for the first answer and each request.

    What Kafka refuses inside the block comes out of it as BrokerError.
    """
    from kafka import KafkaAdminClient
    from kafka.errors import KafkaError

    limits = {"bootstrap_timeout_ms": int(timeout * 1000), "request_timeout_ms": int(timeout * 1000)}
    options = {**_connection(chosen, bootstrap), **limits}
    made = _connected(KafkaAdminClient, options)
    try:
        yield made
    except KafkaError as error:
        raise BrokerError(f"Kafka at {','.join(options['bootstrap_servers'])}: {error}") from error
    finally:
        made.close()


def aio_producer_options(chosen: Settings | None = None, bootstrap: str | None = None) -> dict[str, Any]:
    """Return the options of an ``aiokafka.AIOKafkaProducer`` like `producer`."""
    return {
        **_connection(chosen, bootstrap),
        "acks": "all",
        "enable_idempotence": True,
        "compression_type": compression(),
        "linger_ms": 5,
        "max_batch_size": 256 * 1024,
        "max_request_size": MAX_REQUEST_BYTES,
    }


def aio_consumer_options(chosen: Settings | None = None, bootstrap: str | None = None) -> dict[str, Any]:
    """Return the options of an ``aiokafka.AIOKafkaConsumer`` like `consumer`."""
    return {
        **_connection(chosen, bootstrap),
        "enable_auto_commit": False,
        "auto_offset_reset": "earliest",
        "max_partition_fetch_bytes": 4 * 1024 * 1024,
    }


def faust_broker_url(chosen: Settings | None = None, bootstrap: str | None = None) -> str:
    """Return the broker URL of a Faust app: ``kafka://host:port``, several joined by semicolons."""
    return ";".join(f"kafka://{server}" for server in servers(chosen or settings(), bootstrap))


def faust_credentials(chosen: Settings | None = None) -> Any:
    """Return the ``broker_credentials`` of a Faust app, or None for a plain connection."""
    import faust

    options = kafka_options(chosen or settings())
    if options["security_protocol"].startswith("SASL"):
        return faust.SASLCredentials(
            username=options["sasl_plain_username"],
            password=options["sasl_plain_password"],
            mechanism=options["sasl_mechanism"],
            ssl_context=options.get("ssl_context"),
        )
    if options["security_protocol"] == "SSL":
        return faust.SSLCredentials(options["ssl_context"])
    return None


def read_topic(
    name: str,
    chosen: Settings | None = None,
    bootstrap: str | None = None,
    idle: float = IDLE_SECONDS,
) -> Iterator[ConsumerRecord]:
    """Yield every record of a topic from its beginning to the ends that it has now, then stop.

    Order holds within a partition. ``name`` is the name in the cluster. Raises BrokerError if the topic does not exist,
    or no record comes for ``idle`` seconds before the ends are reached.
    """
    from kafka import TopicPartition

    with contextlib.closing(consumer(chosen=chosen, bootstrap=bootstrap)) as reader:
        ends = _ends(reader, name)
        starts = reader.beginning_offsets(list(ends))
        left = {place: end for place, end in ends.items() if starts[place] < end}
        if not left:
            return
        reader.assign(list(left))
        reader.seek_to_beginning(*left)
        waited = 0.0
        while left:
            polled = reader.poll(timeout_ms=500, max_records=2000)
            waited = 0.0 if polled else waited + 0.5
            if waited >= idle:
                raise BrokerError(f"topic {name}: no record for {idle:.0f} s, before the ends {ends} were reached")
            for place, records in polled.items():
                end = left.get(place)
                for record in records:
                    if end is not None and record.offset < end:
                        yield record
            # by position, not by the last record seen: compaction and markers leave holes before the end
            done = [place for place, end in left.items() if reader.position(place) >= end]
            for place in done:
                del left[place]
            if done:
                reader.pause(*(TopicPartition(place.topic, place.partition) for place in done))


def _ends(reader: KafkaConsumer, name: str) -> dict[TopicPartition, int]:
    from kafka import TopicPartition

    numbers = reader.partitions_for_topic(name)
    if not numbers:
        raise BrokerError(f"there is no topic {name}; `assay topics apply` creates the declared ones")
    ends: dict[TopicPartition, int] = reader.end_offsets([TopicPartition(name, number) for number in sorted(numbers)])
    return ends


def end_offsets(name: str, chosen: Settings | None = None, bootstrap: str | None = None) -> dict[int, int]:
    """Return partition -> offset that the next record will get."""
    with contextlib.closing(consumer(chosen=chosen, bootstrap=bootstrap)) as reader:
        return {place.partition: end for place, end in _ends(reader, name).items()}


def committed(
    group: str, names: Sequence[str] = (), chosen: Settings | None = None, bootstrap: str | None = None
) -> dict[str, dict[int, int]]:
    """Return topic -> partition -> offset that a group has committed, of the named topics or of all."""
    found: dict[str, dict[int, int]] = {}
    with admin(chosen, bootstrap) as client:
        for place, at in _group_offsets(client, group).items():
            if at.offset >= 0 and (not names or place.topic in names):
                found.setdefault(place.topic, {})[place.partition] = at.offset
    return found


def _group_offsets(client: Any, group: str) -> Mapping[TopicPartition, Any]:
    """Ask for a group's offsets; patiently, since the first group of a fresh cluster has no coordinator for a moment."""
    from kafka.errors import CoordinatorLoadInProgressError, CoordinatorNotAvailableError

    limit = time.monotonic() + COORDINATOR_SECONDS
    while True:
        try:
            answer: Mapping[TopicPartition, Any] = client.list_group_offsets({group: None}).get(group, {})
            return answer
        except (CoordinatorNotAvailableError, CoordinatorLoadInProgressError):
            if time.monotonic() > limit:
                raise
            time.sleep(0.2)


def lag(group: str, name: str, chosen: Settings | None = None, bootstrap: str | None = None) -> dict[int, int]:
    """Return partition -> records of a topic that a group has not committed yet (all of them where it has none)."""
    done = committed(group, [name], chosen, bootstrap).get(name, {})
    return {
        partition: max(0, end - done.get(partition, 0))
        for partition, end in end_offsets(name, chosen, bootstrap).items()
    }
