"""A real Kafka for the integration tests: the one of ``ASSAY_KAFKA``, else one broker for the whole run."""

from __future__ import annotations

import contextlib
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest

from streams import broker, clients, topics
from streams.settings import Settings, load


@pytest.fixture(scope="session")
def kafka(tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest) -> Iterator[str]:
    """Bootstrap servers of a Kafka that answers; skipped only where there is no Java or no Maven to get one with.

    Several test processes share one: the first to come starts it, the run's end stops it (``tests/conftest.py``).
    """
    chosen = load()
    why = broker.obstacle(chosen)
    if why:
        pytest.skip(f"needs a real Kafka: {why}; set ASSAY_KAFKA, or install Java 17+ and Maven")
    shared = getattr(request.config, "workerinput", {}).get("kafka_folder")
    if shared is not None:
        yield broker.up(Path(shared), chosen=chosen).bootstrap
        return
    with broker.running(tmp_path_factory.mktemp("kafka"), chosen=chosen) as found:
        yield found.bootstrap


@pytest.fixture
def cluster(kafka: str, tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Settings]:
    """Settings of a Kafka whose declared topics (``topics.named``) have a prefix of this test's own, and so the group.

    Two partitions a topic, or what the marker ``partitions`` says; the topics are deleted at the end.
    """
    marker = request.node.get_closest_marker("partitions")
    count = marker.args[0] if marker is not None else 2
    mark = uuid.uuid4().hex[:8]
    chosen = load(
        kafka=kafka, topic_prefix=f"t{mark}.", group=f"t{mark}", partitions=count, state_dir=tmp_path / "state"
    )
    with clients.admin(chosen) as admin:
        topics.apply(admin, chosen)
    yield chosen
    with contextlib.suppress(Exception), clients.admin(chosen) as admin:  # the test has its result; tidying is extra
        admin.delete_topics([name for name in admin.list_topics() if name.startswith(chosen.topic_prefix)])


@pytest.fixture
def cluster_environment(cluster: Settings) -> dict[str, str]:
    """The settings of `cluster` as variables, for ``assay`` run as a process of its own (add ``os.environ``)."""
    return {
        "ASSAY_KAFKA": str(cluster.kafka),
        "ASSAY_TOPIC_PREFIX": cluster.topic_prefix,
        "ASSAY_GROUP": cluster.group,
        "ASSAY_PARTITIONS": str(cluster.partitions),
        "ASSAY_STATE_DIR": str(cluster.state_dir),
    }
