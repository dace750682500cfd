"""The local Kafka and its topics, on a real broker."""

from __future__ import annotations

import pytest

from streams import clients, topics
from streams.settings import Settings

pytestmark = pytest.mark.integration


def test_a_record_of_five_megabytes_passes(cluster: Settings) -> None:
    name = topics.named(cluster)["declarations"]
    text = b"x" * 5_000_000
    producer = clients.producer(cluster)
    producer.send(name, key=b"one", value=text).get(30)
    producer.close()
    records = list(clients.read_topic(name, cluster))
    assert [(record.key, record.value) for record in records] == [(b"one", text)]
