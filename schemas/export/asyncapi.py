"""The topics as an AsyncAPI 3.0 document: what to send to Assay, what to read from it, and in which form.

https://www.asyncapi.com/docs/reference/specification/v3.0.0 ; Kafka bindings 0.5.0.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Literal, Protocol

import yaml
from pydantic.json_schema import models_json_schema

from schemas import ENGINE_VERSION
from schemas.export import cloudevents
from schemas.export.json_schema import mode_of, tidy
from schemas.types import Contract

Action = Literal["send", "receive"]

#: What Assay does with each topic; with a topic that is not named here, both.
ACTIONS: Mapping[str, Sequence[Action]] = {
    "declarations": ("receive", "send"),  # the worker judges them, the gateway and `assay ingest` write them
    "declarations.dlq": ("send", "receive"),  # `assay dlq` reads them
    "alerts": ("send",),
    "dispositions": ("receive",),
    "reference": ("receive",),
    "models": ("receive",),
    "models.shadow": ("send", "receive"),  # `assay model shadow` reads them
    "notices": ("send",),
}

_WHEN = {"type": "string", "format": "date-time"}
#: What :mod:`schemas.export.cloudevents` puts into the headers of an alert.
CLOUD_EVENTS = {
    "type": "object",
    "required": ["ce_specversion", "ce_id", "ce_source", "ce_type", "ce_time", "ce_subject", "content-type"],
    "properties": {
        "ce_specversion": {"type": "string", "const": "1.0"},
        "ce_id": {"type": "string", "description": "alert_id/revision: the same for an alert that is delivered twice"},
        "ce_source": {"type": "string", "format": "uri-reference"},
        "ce_type": {"type": "string", "enum": list(cloudevents.TYPES.values())},
        "ce_time": _WHEN | {"description": "when this revision was made"},
        "ce_subject": {"type": "string", "description": "declaration_id"},
        cloudevents.ARRIVED: _WHEN | {"description": "when Kafka took the declaration in, if known"},
        "content-type": {"type": "string", "const": "application/json"},
    },
}
HEADERS: Mapping[str, Mapping[str, Any]] = {"alerts": CLOUD_EVENTS}
#: Topics of messages as customs systems send them begin so; what they hold is each format's own affair.
RAW = "raw."
RAW_HEADERS = {
    "type": "object",
    "required": ["format"],
    "properties": {
        "format": {"type": "string", "description": "name of a codec, or auto"},
        "origin": {"type": "string", "description": "file name, or gateway source and delivery"},
        "received_at": _WHEN | {"description": "when the message arrived; without it the time of the record"},
        "mapping": {"type": "string", "description": "YAML mapping by which JSON or CSV of another shape is read"},
    },
}

SCHEMAS = "#/components/schemas/{model}"


class DeclaredTopic(Protocol):
    """What the document says of a topic; `streams.topics.Topic` is one."""

    @property
    def name(self) -> str:
        """Name without prefix."""

    @property
    def purpose(self) -> str:
        """What it carries, in a line."""

    @property
    def key(self) -> str:
        """What the key is."""

    @property
    def partitions(self) -> int | None:
        """Number of partitions, or None for the common number."""

    def configs(self) -> Mapping[str, str]:
        """Return topic settings as Kafka names them."""

    def contract(self) -> type[Any] | None:
        """Return the contract of the values, if it is a public one."""


def _kafka(topic: DeclaredTopic, address: str, partitions: int, replicas: int) -> dict[str, Any]:
    settings: dict[str, Any] = {}
    for key, value in topic.configs().items():
        settings[key] = [value] if key == "cleanup.policy" else int(value) if value.lstrip("-").isdigit() else value
    return {
        "kafka": {
            "topic": address,
            "partitions": topic.partitions or partitions,
            "replicas": replicas,
            "topicConfiguration": settings,
            "bindingVersion": "0.5.0",
        }
    }


def _message(topic: DeclaredTopic, names: Mapping[type[Any], str]) -> dict[str, Any]:
    contract = topic.contract()
    message: dict[str, Any] = {
        "name": topic.name,
        "title": contract.__name__ if contract else topic.name,
        "summary": topic.purpose,
        "contentType": "application/json",
        "payload": {"$ref": names[contract]} if contract else {"type": "object"},
        "bindings": {"kafka": {"key": {"type": "string", "description": topic.key}, "bindingVersion": "0.5.0"}},
    }
    if topic.name.startswith(RAW):
        message |= {
            "contentType": "application/octet-stream",
            "payload": {"type": "string", "format": "binary"},
            "headers": RAW_HEADERS,
        }
    if topic.name in HEADERS:
        message["headers"] = dict(HEADERS[topic.name])
    return message


def _schemas(contracts: Iterable[type[Contract]]) -> tuple[dict[type[Any], str], dict[str, Any]]:
    """Return the reference of each contract, and the schemas that these and all below them need."""
    wanted = [(contract, mode_of(contract)) for contract in dict.fromkeys(contracts)]
    refs, definitions = models_json_schema(wanted, ref_template=SCHEMAS)
    shared: dict[str, Any] = {}
    schemas = tidy(definitions.get("$defs", {}), shared, SCHEMAS)
    return {contract: refs[contract, mode]["$ref"] for contract, mode in wanted}, schemas | shared


def document(
    topics: Sequence[DeclaredTopic], prefix: str = "", partitions: int = 1, replicas: int = 1
) -> dict[str, Any]:
    """Describe topics.

    Parameters
    ----------
    topics : the table of topics.
    prefix : put before each name in the cluster.
    partitions, replicas : of those topics that state no number of their own.
    """
    names, schemas = _schemas(contract for topic in topics if (contract := topic.contract()))
    channels: dict[str, Any] = {}
    operations: dict[str, Any] = {}
    for topic in topics:
        address = prefix + topic.name
        channels[topic.name] = {
            "address": address,
            "title": topic.name,
            "description": topic.purpose,
            "messages": {"record": {"$ref": f"#/components/messages/{topic.name}"}},
            "bindings": _kafka(topic, address, partitions, replicas),
        }
        for action in ACTIONS.get(topic.name, ("send", "receive")):
            operations[f"{action}.{topic.name}"] = {
                "action": action,
                "channel": {"$ref": f"#/channels/{topic.name}"},
                "summary": f"Assay {'writes' if action == 'send' else 'reads'} {topic.name}",
                "messages": [{"$ref": f"#/channels/{topic.name}/messages/record"}],
            }
    return {
        "asyncapi": "3.0.0",
        "id": "urn:assay",
        "info": {
            "title": "Assay",
            "version": ENGINE_VERSION,
            "description": "Customs declarations in, alerts about mislabelled controlled metals and odd routing out.",
            "license": {"name": "Apache-2.0", "url": "https://www.apache.org/licenses/LICENSE-2.0"},
        },
        "defaultContentType": "application/json",
        "servers": {
            "kafka": {
                "host": "{bootstrap}",
                "protocol": "kafka",
                "description": "The cluster named by ASSAY_KAFKA, or the local one of `assay broker up`",
                "variables": {"bootstrap": {"default": "localhost:9092", "description": "bootstrap servers"}},
            }
        },
        "channels": channels,
        "operations": operations,
        "components": {
            "messages": {topic.name: _message(topic, names) for topic in topics},
            "schemas": schemas,
        },
    }


class _Plain(yaml.SafeDumper):
    """Writes what stands in two places twice: YAML anchors confuse AsyncAPI tools."""

    def ignore_aliases(self, data: Any) -> bool:
        return True


def as_yaml(found: Mapping[str, Any]) -> str:
    """Return a document as YAML, in the order given."""
    written: str = yaml.dump(dict(found), Dumper=_Plain, sort_keys=False, allow_unicode=True, width=120)
    return written
