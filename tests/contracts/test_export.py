"""What `assay schema export` writes: sound JSON Schemas that judge as the contracts do, and a sound AsyncAPI document."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, get_args

import pytest
import yaml
from contract_examples import RECORDS, record
from typer.testing import CliRunner

from detectors.reference import tables
from schemas import ENGINE_VERSION
from schemas.alert import Alert, AlertStatus
from schemas.export import asyncapi, cloudevents, json_schema
from streams.cli import build
from streams.settings import Settings
from streams.topics import declared

TOPICS = declared(Settings())

JSON_TYPES: dict[str, type | tuple[type, ...]] = {
    "string": str, "integer": int, "number": (int, float), "boolean": bool, "array": list, "object": dict,
    "null": type(None),
}  # fmt: skip
#: Everything the judge below understands, and annotations that judge nothing.
JUDGING = {
    "$ref", "type", "enum", "const", "anyOf", "required", "properties", "additionalProperties", "items", "minItems",
    "maxItems", "minLength", "maxLength", "pattern", "minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum",
}  # fmt: skip
REMARKS = {"$schema", "$id", "$defs", "title", "description", "default", "format"}


def pointed(root: Any, ref: str) -> Any:
    """Return what a local reference points to; KeyError if nothing stands there."""
    assert ref.startswith("#/"), ref
    found = root
    for step in ref[2:].split("/"):
        found = found[step.replace("~1", "/").replace("~0", "~")]
    return found


def subschemas(schema: Any) -> Iterator[dict[str, Any]]:
    """Yield a schema and all below it."""
    if not isinstance(schema, dict):
        return
    yield schema
    for holder in ("properties", "$defs"):
        for part in schema.get(holder, {}).values():
            yield from subschemas(part)
    for part in (*schema.get("anyOf", []), schema.get("items"), schema.get("additionalProperties")):
        yield from subschemas(part)


def is_of(value: Any, name: str) -> bool:
    if isinstance(value, bool):
        return name == "boolean"
    if name == "integer" and isinstance(value, float):
        return value.is_integer()
    return isinstance(value, JSON_TYPES[name])


def fits(value: Any, schema: Any, root: Any) -> bool:
    """Judge a value by a JSON Schema, as far as the exported ones go (`JUDGING`)."""
    if isinstance(schema, bool):
        return schema
    if "$ref" in schema and not fits(value, pointed(root, schema["$ref"]), root):
        return False
    if "type" in schema and not is_of(value, schema["type"]):
        return False
    if "enum" in schema and value not in schema["enum"]:
        return False
    if "const" in schema and value != schema["const"]:
        return False
    if "anyOf" in schema and not any(fits(value, part, root) for part in schema["anyOf"]):
        return False
    if isinstance(value, str):
        return schema.get("minLength", 0) <= len(value) <= schema.get("maxLength", len(value)) and (
            "pattern" not in schema or re.search(schema["pattern"], value) is not None
        )
    if isinstance(value, list):
        return schema.get("minItems", 0) <= len(value) <= schema.get("maxItems", len(value)) and all(
            fits(part, schema.get("items", True), root) for part in value
        )
    if isinstance(value, dict):
        known = schema.get("properties", {})
        return all(name in value for name in schema.get("required", ())) and all(
            fits(part, known.get(name, schema.get("additionalProperties", True)), root) for name, part in value.items()
        )
    if isinstance(value, int | float) and not isinstance(value, bool):
        return (
            schema.get("minimum", value) <= value <= schema.get("maximum", value)
            and ("exclusiveMinimum" not in schema or value > schema["exclusiveMinimum"])
            and ("exclusiveMaximum" not in schema or value < schema["exclusiveMaximum"])
        )
    return True


# --- JSON Schema -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", json_schema.CONTRACTS)
def test_a_document_says_what_it_is(name: str) -> None:
    found = json_schema.document(name)
    assert found["$schema"] == "https://json-schema.org/draft/2020-12/schema"
    assert found["$id"] == f"urn:assay:schema:{name}:{2 if name == 'signals' else 1}"
    assert found["title"]
    assert len(found["description"]) > 15
    assert "``" not in json.dumps(found)
    assert found["type"] == "object"


@pytest.mark.parametrize("name", json_schema.CONTRACTS)
def test_a_document_uses_known_words_and_its_references_lead_somewhere(name: str) -> None:
    found = json_schema.document(name)
    for schema in subschemas(found):
        assert set(schema) <= JUDGING | REMARKS
        if "$ref" in schema:
            assert isinstance(pointed(found, schema["$ref"]), dict)
        if "pattern" in schema:
            re.compile(schema["pattern"])
        assert set(schema.get("required", ())) <= set(schema.get("properties", ()))


@pytest.mark.parametrize("name", RECORDS)
def test_a_good_record_fits_its_schema(name: str) -> None:
    found = json_schema.document(name)
    assert fits(record(name), found, found)
    contract = json_schema.CONTRACTS[name].contract
    written = json.loads(contract.model_validate(record(name), strict=False).model_dump_json(by_alias=True))
    assert fits(written, found, found)


@pytest.mark.parametrize(
    ("name", "at", "value"),
    [
        ("declaration", ("event",), "posted"),
        ("declaration", ("version",), 0),
        ("declaration", ("version",), "1"),
        ("declaration", ("lodged_at",), "2026-11-20T08:14:05+08:00"),
        ("declaration", ("country_of_destination",), "ZZ"),
        ("declaration", ("gross_mass_kg",), -1),
        ("declaration", ("items",), []),
        ("declaration", ("items", 0, "commodity_code"), "8112.92"),
        ("declaration", ("items", 0, "value", "currency"), "XXQ"),
        ("declaration", ("items", 0, "description"), ""),
        ("declaration", ("exporter", "name"), ["x"]),
        ("alert", ("status",), "closed"),
        ("alert", ("risk_score",), 101),
        ("alert", ("confidence",), 1.5),
        ("alert", ("reasons", 0, "code"), "MISLABEL"),
        ("verdict", ("stage",), "gateway"),
        ("disposition", ("verdict",), "guilty"),
        ("dead-letter", ("stage",), "nowhere"),
        ("reference", ("table",), "rumours"),
    ],
)
def test_schema_and_contract_refuse_the_same_record(name: str, at: tuple[str | int, ...], value: Any) -> None:
    spoilt = record(name)
    holder = spoilt
    for step in at[:-1]:
        holder = holder[step]  # type: ignore[index]
    holder[at[-1]] = value  # type: ignore[index]
    found = json_schema.document(name)
    assert not fits(spoilt, found, found)
    with pytest.raises(ValueError, match="validation error"):
        json_schema.CONTRACTS[name].contract.model_validate_json(json.dumps(spoilt))


@pytest.mark.parametrize("table", json_schema.TABLES)
def test_every_shipped_reference_entry_fits_the_schema_of_its_table(table: str) -> None:
    found = json_schema.document(f"reference-{table.replace('_', '-')}")
    entries = tables.read(tables.FOLDER)[table]
    assert entries
    misfits = [where for where, entry in entries if not fits(json.loads(json.dumps(entry, default=str)), found, found)]
    assert misfits == []
    assert not fits({**entries[0][1], "colour": "red"}, found, found), "a misspelt field is an error"


def test_readers_are_promised_every_field_and_writers_may_leave_out_what_has_a_default() -> None:
    alert = json_schema.document("alert")
    assert set(alert["required"]) == set(alert["properties"])
    declaration = json_schema.document("declaration")
    assert set(declaration["required"]) == {"event", "declaration_id", "lodged_at", "source", "regime", "items"}


def test_a_code_list_is_written_once() -> None:
    text = json.dumps(json_schema.document("declaration"))
    assert text.count('"AD", "AE"') == 1


# --- AsyncAPI 3.0: the rules of its structure that apply here ------------------------------------------------------------

WORD = re.compile(r"^[A-Za-z0-9._-]+$")


@pytest.fixture(scope="module")
def described() -> dict[str, Any]:
    """The document after its way through YAML."""
    found: dict[str, Any] = yaml.safe_load(asyncapi.as_yaml(asyncapi.document(TOPICS, "eu.", 6, 3)))
    return found


def references(found: Any) -> Iterator[str]:
    if isinstance(found, Mapping):
        if isinstance(found.get("$ref"), str):
            yield found["$ref"]
        for part in found.values():
            yield from references(part)
    elif isinstance(found, list):
        for part in found:
            yield from references(part)


def test_the_document_has_what_asyncapi_requires(described: dict[str, Any]) -> None:
    assert described["asyncapi"] == "3.0.0"
    assert described["info"]["title"] == "Assay"
    assert described["info"]["version"] == ENGINE_VERSION
    assert set(described) <= {
        "asyncapi", "id", "info", "servers", "defaultContentType", "channels", "operations", "components",
    }  # fmt: skip
    for server in described["servers"].values():
        assert server["protocol"] == "kafka"
        assert set(re.findall(r"\{(\w+)\}", server["host"])) == set(server["variables"])
    for part in ("servers", "channels", "operations"):
        assert all(WORD.match(name) for name in described[part])
    for group in described["components"].values():
        assert all(WORD.match(name) for name in group)


def test_every_reference_leads_somewhere(described: dict[str, Any]) -> None:
    found = list(references(described))
    assert len(found) > 50
    for ref in found:
        pointed(described, ref)


def test_every_declared_topic_is_a_channel_with_its_kafka_settings(described: dict[str, Any]) -> None:
    assert list(described["channels"]) == [topic.name for topic in TOPICS]
    for topic in TOPICS:
        channel = described["channels"][topic.name]
        binding = channel["bindings"]["kafka"]
        assert channel["address"] == binding["topic"] == "eu." + topic.name
        assert binding["partitions"] == (topic.partitions or 6)
        assert binding["replicas"] == 3
        assert binding["topicConfiguration"]["cleanup.policy"] == [topic.cleanup]
        assert binding["topicConfiguration"]["max.message.bytes"] == topic.max_message_bytes


def test_every_operation_moves_messages_of_its_channel(described: dict[str, Any]) -> None:
    served = set()
    for operation in described["operations"].values():
        assert operation["action"] in ("send", "receive")
        channel = operation["channel"]["$ref"]
        assert all(message["$ref"].startswith(f"{channel}/messages/") for message in operation["messages"])
        served.add((operation["action"], channel.rpartition("/")[2]))
    assert {name for _, name in served} == set(described["channels"])
    assert {("receive", "declarations"), ("send", "alerts"), ("receive", "dispositions")} <= served
    assert ("receive", "alerts") not in served


def test_messages_have_key_payload_and_the_alerts_cloud_events_headers(described: dict[str, Any]) -> None:
    messages = described["components"]["messages"]
    for topic in TOPICS:
        message = messages[topic.name]
        raw = topic.name.startswith("raw.")
        assert message["contentType"] == ("application/octet-stream" if raw else "application/json")
        assert message["bindings"]["kafka"]["key"] == {"type": "string", "description": topic.key}
        if contract := topic.contract():
            assert message["payload"]["$ref"].rpartition("/")[2].startswith(contract.__name__)
    assert {name for name, message in messages.items() if "headers" in message} == {
        "alerts",
        *(topic.name for topic in TOPICS if topic.name.startswith("raw.")),
    }


@pytest.mark.parametrize("status", get_args(AlertStatus))
def test_the_headers_of_an_alert_are_as_described(described: dict[str, Any], status: str) -> None:
    alert = Alert.model_validate_json(json.dumps(record("alert") | {"status": status}))
    sent = {name: value.decode() for name, value in cloudevents.headers(alert, alert.event_time)}
    schema = described["components"]["messages"]["alerts"]["headers"]
    assert fits(sent, schema, described)
    assert set(sent) == set(schema["properties"])
    assert not fits(sent | {"ce_type": "other"}, schema, described)


@pytest.mark.parametrize(
    ("topic", "name"),
    [
        ("declarations", "declaration"),
        ("declarations.dlq", "dead-letter"),
        ("findings", "verdict"),
        ("alerts", "alert"),
        ("signals", "signals"),
        ("dispositions", "disposition"),
    ],
)
def test_a_good_record_fits_the_payload_of_its_topic(described: dict[str, Any], topic: str, name: str) -> None:
    payload = described["components"]["messages"][topic]["payload"]
    assert fits(record(name), payload, described)
    assert not fits(record(name) | {"schema": "other/1"}, payload, described)


# --- the command -------------------------------------------------------------------------------------------------------


def test_the_command_writes_every_file(tmp_path: Path) -> None:
    target = tmp_path / "new" / "contracts"
    ran = CliRunner().invoke(build(), ["schema", "export", str(target), "--json"])
    assert ran.exit_code == 0, ran.output
    listed = {Path(row["file"]).name for row in json.loads(ran.stdout)}
    assert listed == {path.name for path in target.iterdir()}
    assert listed == {f"{name}.schema.json" for name in json_schema.CONTRACTS} | {"asyncapi.yaml"}
    for name in json_schema.CONTRACTS:
        assert json.loads((target / f"{name}.schema.json").read_text()) == json_schema.document(name)
    assert yaml.safe_load((target / "asyncapi.yaml").read_text())["asyncapi"] == "3.0.0"


def test_the_command_refuses_a_file_for_a_directory(tmp_path: Path) -> None:
    (tmp_path / "taken").write_text("")
    assert CliRunner().invoke(build(), ["schema", "export", str(tmp_path / "taken")]).exit_code == 2
