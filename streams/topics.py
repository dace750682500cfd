"""Every topic of Assay, declared in one place, and what must change in a cluster to match it.

The declared layout is a table (`TOPICS`) and a raw topic for each source system (`declared`); `changes` compares it with what a
cluster has, `apply` makes it so.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from importlib import import_module
from typing import TYPE_CHECKING, Any, Literal

from schemas.errors import BrokerError

if TYPE_CHECKING:
    from streams.settings import Settings

MAX_RECORD_BYTES = 32 * 1024 * 1024
MAX_DEAD_LETTER_BYTES = 48 * 1024 * 1024  # base64 makes four bytes of three: a record of 32 MiB must still fit

DAY_MS = 86_400_000
FOREVER = -1


@dataclass(frozen=True)
class Topic:
    """One declared topic; its name is without the prefix of the settings.

    ``partitions`` is a number, or None for the common number of the topics keyed by declaration. ``retention_ms``
    counts for topics that are not compacted; -1 keeps for ever. ``value`` is the dotted path of the values' contract.
    """

    name: str
    purpose: str
    key: str
    value: str | None
    cleanup: Literal["delete", "compact"] = "delete"
    retention_ms: int = FOREVER
    partitions: int | None = None
    max_message_bytes: int = MAX_RECORD_BYTES

    def configs(self) -> dict[str, str]:
        """Return the topic's settings as Kafka names them."""
        chosen = {"cleanup.policy": self.cleanup, "max.message.bytes": str(self.max_message_bytes)}
        if self.cleanup == "delete":
            chosen["retention.ms"] = str(self.retention_ms)
        return chosen

    def contract(self) -> type[Any] | None:
        """Return the pydantic class of the values, or None where they have none."""
        if self.value is None:
            return None
        module, _, name = self.value.rpartition(".")
        found: type[Any] = getattr(import_module(module), name)
        return found


TOPICS: tuple[Topic, ...] = (
    Topic(
        "declarations",
        "declarations as lodged, amended, cancelled: what is judged",
        "declaration_id",
        "schemas.declaration.Declaration",
        retention_ms=14 * DAY_MS,
    ),
    Topic(
        "declarations.dlq",
        "records that could not be used, with their bytes and the reason",
        "key of the record",
        "schemas.dead_letter.DeadLetter",
        retention_ms=90 * DAY_MS,
        max_message_bytes=MAX_DEAD_LETTER_BYTES,
    ),
    Topic(
        "intake",
        "internal: what the intake knows of declarations and of messages that wait",
        "system/partition/kind/name",
        None,
        cleanup="compact",
        partitions=1,
    ),
    Topic(
        "signals",
        "what the profiles learn of declarations, a block a partition and batch",
        "none: the partition is that of the profile keys",
        "schemas.signal.SignalBlock",
        retention_ms=2 * DAY_MS,
    ),
    Topic(
        "profiles",
        "internal: the states of profiles, with the partitions of signals",
        "profile key",
        None,
        cleanup="compact",
    ),
    Topic(
        "findings",
        "verdicts of the stages; an empty one withdraws what the stage found before",
        "declaration_id",
        "schemas.finding.Verdict",
        retention_ms=14 * DAY_MS,
    ),
    Topic(
        "alerts",
        "the latest revision of each alert, for consoles and SIEMs",
        "declaration_id",
        "schemas.alert.Alert",
        cleanup="compact",
    ),
    Topic(
        "cases",
        "internal: what the correlate stage knows of a declaration",
        "declaration_id",
        "detectors.correlate.Case",
        cleanup="compact",
    ),
    Topic(
        "dispositions",
        "what became of alerts: the labels of inspections",
        "declaration_id",
        "schemas.disposition.Disposition",
        retention_ms=FOREVER,
    ),
    Topic(
        "reference",
        "control lists, rule packs, lexicons: a change reaches running workers",
        "name of the table or pack",
        None,
        cleanup="compact",
        partitions=1,
    ),
    Topic(
        "models",
        "which model version is champion, which is challenger",
        "name of the model",
        "schemas.model.ModelPointer",
        cleanup="compact",
        partitions=1,
    ),
    Topic(
        "models.shadow",
        "what a challenger would have said beside the champion: scores, never alerts",
        "name of the model",
        "schemas.model.ShadowBlock",
        retention_ms=30 * DAY_MS,
        partitions=1,
    ),
    Topic(
        "notices",
        "news about Assay itself: a model that drifts, or was refused",
        "notice_id",
        "schemas.notice.Notice",
        cleanup="compact",
        partitions=1,
    ),
)


RAW = "raw."
#: Our own contract goes straight to ``declarations``: it has its identity and its versions.
_NOT_RAW = frozenset({"ndjson"})


def systems(chosen: Settings) -> tuple[str, ...]:
    """Return the source systems that have a raw topic: those of the codecs, and those of ``ASSAY_SOURCES``."""
    from schemas import feeds

    coded = {codec.system for codec in feeds.codecs().values()} - _NOT_RAW
    return tuple(sorted(coded | set(chosen.sources)))


def raw(system: str) -> str:
    """Return the declared name of a source system's raw topic."""
    return RAW + system


def declared(chosen: Settings) -> tuple[Topic, ...]:
    """Return every topic that these settings ask for.

    A raw topic has one partition: between messages that say neither version nor time, the order of arrival decides, and which
    declaration a message speaks of is known only after it was decoded, so no key could keep a declaration's messages together.
    One partition takes more than a worker decodes; sources scale beside each other.
    """
    found = [
        Topic(
            raw(system),
            f"messages of {system} as received",
            "none: the offset is the order of arrival",
            None,
            retention_ms=chosen.raw_retention_days * DAY_MS,
            partitions=1,
        )
        for system in systems(chosen)
    ]
    return (*TOPICS, *found)


def named(chosen: Settings) -> dict[str, str]:
    """Return declared name -> name in the cluster (with the prefix), for every topic."""
    return {topic.name: chosen.topic_prefix + topic.name for topic in declared(chosen)}


def partitions(topic: Topic, chosen: Settings) -> int:
    """Return how many partitions a topic shall have."""
    return topic.partitions or chosen.partitions


@dataclass(frozen=True)
class Actual:
    """A topic as a cluster has it: partitions, replicas of each, and the settings in force."""

    partitions: int
    replication: int
    configs: Mapping[str, str]


@dataclass(frozen=True)
class Change:
    """One step towards the declared layout; ``refused`` steps cannot be made and say why in ``reason``."""

    topic: str
    action: Literal["create", "add partitions", "alter", "refused"]
    reason: str
    partitions: int = 0
    configs: Mapping[str, str] = field(default_factory=dict)


def changes(chosen: Settings, actual: Mapping[str, Actual]) -> list[Change]:
    """Return what must change so that a cluster's topics are as declared; empty if they are."""
    steps: list[Change] = []
    for topic in declared(chosen):
        name = chosen.topic_prefix + topic.name
        wanted = partitions(topic, chosen)
        found = actual.get(name)
        if found is None:
            says = f"{wanted} partitions, replication {chosen.replication}, {topic.cleanup}"
            steps.append(Change(name, "create", says, wanted, topic.configs()))
            continue
        if found.partitions < wanted:
            says = f"{found.partitions} -> {wanted} partitions: keys move, so stop the workers until they are drained"
            steps.append(Change(name, "add partitions", says, wanted))
        elif found.partitions > wanted:
            steps.append(Change(name, "refused", _shrink(name, found.partitions, wanted, topic)))
        differ = {key: value for key, value in topic.configs().items() if found.configs.get(key) != value}
        if differ:
            says = ", ".join(f"{key} {found.configs.get(key)} -> {value}" for key, value in differ.items())
            steps.append(Change(name, "alter", says, configs=differ))
    return steps


def _shrink(name: str, found: int, wanted: int, topic: Topic) -> str:
    remedy = "delete the topic and apply again (its records are lost)"
    if topic.partitions is None:
        remedy = f"set ASSAY_PARTITIONS={found}, or {remedy}"
    return f"{name} has {found} partitions, declared are {wanted}, and Kafka cannot take partitions away: {remedy}"


def beside(chosen: Settings, found: Mapping[str, Actual]) -> list[dict[str, Any]]:
    """Return a row for each declared topic: what is declared, and in ``cluster`` how the cluster's differs."""
    steps: dict[str, list[str]] = {}
    for step in changes(chosen, found):
        steps.setdefault(step.topic, []).append("missing" if step.action == "create" else step.reason)
    return [
        {
            "topic": name,
            "key": topic.key,
            "value": topic.value.rpartition(".")[2] if topic.value else None,
            "partitions": partitions(topic, chosen),
            "kept": _kept(topic),
            "max_record": f"{topic.max_message_bytes // 1024 // 1024} MiB",
            "cluster": "; ".join(steps.get(name, ["as declared"])),
            "purpose": topic.purpose,
        }
        for topic, name in zip(declared(chosen), named(chosen).values(), strict=True)
    ]


def _kept(topic: Topic) -> str:
    if topic.cleanup == "compact":
        return "latest of each key"
    return "for ever" if topic.retention_ms == FOREVER else f"{topic.retention_ms // DAY_MS} days"


def actual(admin: Any, names: Sequence[str]) -> dict[str, Actual]:
    """Ask a cluster, through kafka-python's admin client, for those of the named topics that exist."""
    from kafka.admin import ConfigResource, ConfigResourceType

    existing = sorted(set(names) & set(admin.list_topics()))
    if not existing:
        return {}
    resources = [ConfigResource(ConfigResourceType.TOPIC, name) for name in existing]
    configs = admin.describe_configs(resources, config_filter="all")["topic"]
    return {
        one["name"]: Actual(
            len(one["partitions"]),
            min(len(partition["replica_nodes"]) for partition in one["partitions"]),
            {key: entry["value"] for key, entry in configs[one["name"]].items()},
        )
        for one in admin.describe_topics(existing)
        if one["partitions"]
    }


def require(admin: Any, names: Sequence[str]) -> None:
    """Raise BrokerError unless topics (as the cluster names them) exist."""
    missing = sorted(set(names) - set(admin.list_topics()))
    if missing:
        raise BrokerError(f"missing topics: {', '.join(missing)}\nrun `assay topics apply` to create them")


def apply(admin: Any, chosen: Settings, say: Callable[[Change], None] = lambda change: None) -> list[Change]:
    """Make a cluster's topics as declared, and return the changes made (none if all was right).

    Parameters
    ----------
    admin : a ``KafkaAdminClient`` (`streams.clients.admin`).
    say : called with every change before it is made.

    Raises
    ------
    BrokerError : a declared topic has too many partitions, or the cluster refuses a change. Nothing is changed in the
        first case.
    """
    from kafka.admin import ConfigResource, ConfigResourceType
    from kafka.errors import KafkaError, TopicAlreadyExistsError

    steps = changes(chosen, actual(admin, list(named(chosen).values())))
    refused = [step.reason for step in steps if step.action == "refused"]
    if refused:
        raise BrokerError("\n".join(refused))
    for step in steps:
        say(step)
        try:
            if step.action == "create":
                one = {
                    "num_partitions": step.partitions,
                    "replication_factor": chosen.replication,
                    "configs": dict(step.configs),
                }
                admin.create_topics({step.topic: one})
            elif step.action == "add partitions":
                admin.create_partitions({step.topic: step.partitions})
            else:
                resource = ConfigResource(ConfigResourceType.TOPIC, step.topic, dict(step.configs))
                result = admin.alter_configs([resource])["topic"][step.topic]
                if result != "OK":
                    raise BrokerError(f"{step.action} of topic {step.topic} was refused: {result}")
        except TopicAlreadyExistsError:
            continue  # another `apply` was faster
        except KafkaError as error:
            raise BrokerError(f"{step.action} of topic {step.topic} was refused: {error}") from error
    created = [step.topic for step in steps if step.action in ("create", "add partitions")]
    admin.wait_for_topics(created)
    return steps
