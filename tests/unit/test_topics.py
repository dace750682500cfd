"""The declared topics, and what is changed in a cluster that differs."""

from __future__ import annotations

import dataclasses
import re
from pathlib import Path
from typing import Any

import pytest
import yaml
from pydantic import BaseModel

from streams import _broker_jars as jars
from streams import _broker_process as process
from streams import topics
from streams.settings import Settings, load
from streams.topics import Actual, Topic

REPOSITORY = Path(__file__).parents[2]


@pytest.fixture
def chosen(monkeypatch: pytest.MonkeyPatch) -> Settings:
    for name in ("KAFKA", "TOPIC_PREFIX", "PARTITIONS", "REPLICATION"):
        monkeypatch.delenv(f"ASSAY_{name}", raising=False)
    return load(_env_file=None, topic_prefix="uk.")


def as_declared(chosen: Settings) -> dict[str, Actual]:
    """A cluster whose topics are as declared, with a setting of its own beside them."""
    return {
        chosen.topic_prefix + topic.name: Actual(
            topics.partitions(topic, chosen), 1, {**topic.configs(), "segment.bytes": "1073741824"}
        )
        for topic in topics.declared(chosen)
    }


def without(actual: dict[str, Actual], name: str, **changed: Any) -> dict[str, Actual]:
    return actual | {name: dataclasses.replace(actual[name], **changed)}


def test_the_topics_of_the_contracts_are_declared(chosen: Settings) -> None:
    names = (
        "declarations declarations.dlq intake signals profiles findings alerts cases dispositions reference models models.shadow "
        "notices"
    ).split()
    raw = [name for name in topics.named(chosen) if name.startswith("raw.")]
    assert topics.named(chosen) == {name: f"uk.{name}" for name in [*names, *raw]}


def test_every_source_system_has_a_raw_topic_of_one_partition(chosen: Settings) -> None:
    more = chosen.model_copy(update={"sources": ("single-window",), "raw_retention_days": 30})
    found = {topic.name: topic for topic in topics.declared(more)}
    assert {"raw.cds", "raw.single-window"} <= set(found)
    assert "raw.ndjson" not in found  # our own contract goes straight to `declarations`
    for name, topic in found.items():
        if name.startswith("raw."):
            assert topics.partitions(topic, more) == 1
            assert topic.configs()["retention.ms"] == str(30 * 86_400_000)
            assert topic.max_message_bytes >= 32 * 1024 * 1024


@pytest.mark.parametrize("topic", topics.TOPICS, ids=lambda topic: topic.name)
def test_contracts_of_the_values_exist(topic: Topic) -> None:
    contract = topic.contract()
    if topic.value is None:
        assert contract is None
        assert topic.cleanup == "compact"  # internal or control: read by our own code only
    else:
        assert contract is not None
        assert issubclass(contract, BaseModel)


def test_topics_that_are_joined_by_declaration_have_as_many_partitions(chosen: Settings) -> None:
    keyed = [topic for topic in topics.TOPICS if topic.key == "declaration_id"]
    assert {topic.name for topic in keyed} >= {"declarations", "findings", "alerts", "cases"}
    assert {topics.partitions(topic, chosen) for topic in keyed} == {chosen.partitions}


def test_a_dead_letter_holds_the_largest_record() -> None:
    sizes = {topic.name: topic.max_message_bytes for topic in topics.TOPICS}
    in_base64 = -(-sizes["declarations"] // 3) * 4
    assert sizes["declarations"] >= 32 * 1024 * 1024
    assert sizes["declarations.dlq"] > in_base64 + 1024 * 1024


def test_a_cluster_as_declared_needs_no_change(chosen: Settings) -> None:
    assert topics.changes(chosen, as_declared(chosen)) == []


def test_missing_topics_are_created_with_their_settings(chosen: Settings) -> None:
    steps = {step.topic: step for step in topics.changes(chosen, {})}
    assert len(steps) == len(topics.declared(chosen))
    assert {step.action for step in steps.values()} == {"create"}
    assert steps["uk.declarations"].partitions == chosen.partitions
    assert steps["uk.reference"].partitions == 1
    assert steps["uk.alerts"].configs["cleanup.policy"] == "compact"
    assert "retention.ms" not in steps["uk.alerts"].configs
    assert steps["uk.dispositions"].configs["retention.ms"] == "-1"


def test_only_the_setting_that_differs_is_altered(chosen: Settings) -> None:
    actual = as_declared(chosen)
    configs = {**actual["uk.findings"].configs, "retention.ms": "1000"}
    (step,) = topics.changes(chosen, without(actual, "uk.findings", configs=configs))
    assert (step.topic, step.action) == ("uk.findings", "alter")
    assert step.configs == {"retention.ms": str(14 * 86_400_000)}
    assert "1000 -> " in step.reason


def test_added_partitions_warn_that_keys_move(chosen: Settings) -> None:
    (step,) = topics.changes(chosen, without(as_declared(chosen), "uk.alerts", partitions=1))
    assert (step.action, step.partitions) == ("add partitions", 4)
    assert "keys move" in step.reason


def test_taking_partitions_away_is_refused_with_the_remedy(chosen: Settings) -> None:
    (step,) = topics.changes(chosen, without(as_declared(chosen), "uk.alerts", partitions=8))
    assert step.action == "refused"
    assert "uk.alerts has 8 partitions" in step.reason
    assert "ASSAY_PARTITIONS=8" in step.reason
    (step,) = topics.changes(chosen, without(as_declared(chosen), "uk.models", partitions=2))
    assert "ASSAY_PARTITIONS" not in step.reason  # it would not help: models has one partition whatever is set


def test_compose_runs_the_same_kafka_with_the_same_settings(tmp_path: Path) -> None:
    """Only the listeners differ: a container has a door for the host and one for the network of containers."""
    service = yaml.safe_load((REPOSITORY / "deploy/compose.yaml").read_text())["services"]["kafka"]
    assert service["image"] == f"apache/kafka:{jars.kafka_version()}"
    assert all(port.startswith("127.0.0.1:") for port in service["ports"])
    local = dict(
        line.split("=", 1)
        for line in process.properties(tmp_path, 1, 2).splitlines()
        if line and not line.startswith("#")
    )
    container = {
        name.removeprefix("KAFKA_").lower().replace("_", "."): str(value)
        for name, value in service["environment"].items()
        if name != "KAFKA_HEAP_OPTS"
    }
    assert local.keys() == container.keys()
    differ = {key for key in local if local[key] != container[key]}
    assert all(re.search(r"listener|quorum\.voters|log\.dirs", key) for key in differ), differ


def test_the_pom_under_deploy_is_the_one_of_the_package() -> None:
    linked = REPOSITORY / "deploy/kafka/pom.xml"
    assert linked.resolve() == (REPOSITORY / "streams/kafka_pom.xml").resolve()
    assert "<kafka.version>4." in linked.read_text()
