"""Models and Kafka: who is champion is told by the topic ``models``, and labels come from ``dispositions``."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import TYPE_CHECKING, Any

import structlog
from pydantic import ValidationError

from detectors.models.registry import predecessor
from schemas import decode
from schemas.alert import Alert
from schemas.disposition import Disposition
from schemas.errors import BrokerError, RecordError
from schemas.model import ModelPointer, ModelRef, ShadowBlock
from schemas.notice import Notice
from streams import broker, clients, topics

if TYPE_CHECKING:
    from detectors.models.dataset import Lodgements
    from detectors.models.registry import Registry, Version
    from streams.settings import Settings

log = structlog.stdlib.get_logger(__name__)


def reachable(chosen: Settings) -> bool:
    """Tell whether there is a Kafka to tell: one that is set, or a local one that runs."""
    try:
        broker.bootstrap(chosen=chosen)
    except BrokerError:
        return False
    return True


def pointer(registry: Registry, name: str, at: datetime, by: str | None, why: str | None) -> ModelPointer:
    """Return what the topic ``models`` shall say of a model now, by the aliases of the registry."""
    versions = {version.number: version for version in registry.versions(name)}
    held = {alias: version for version in versions.values() for alias in version.aliases}
    champion = held.get("champion")
    before = versions.get(predecessor(champion) or "") if champion is not None else None

    def ref(version: Version | None) -> ModelRef | None:
        if version is None:
            return None
        return ModelRef(version=version.number, uri=registry.uri(name, version.number), sha256=version.sha256)

    return ModelPointer(
        name=name,
        champion=ref(champion),
        previous=ref(before),
        challenger=ref(held.get("challenger")),
        at=at,
        by=by,
        why=why,
    )


def announce(told: ModelPointer, chosen: Settings) -> None:
    """Write a pointer to the topic ``models`` and wait until Kafka has it. Raises BrokerError if it does not."""
    send("models", told.name, told.model_dump_json(by_alias=True).encode(), chosen)


def notify(notice: Notice, chosen: Settings) -> None:
    """Write a notice to the topic ``notices`` and wait until Kafka has it."""
    send("notices", notice.notice_id, notice.model_dump_json(by_alias=True).encode(), chosen)


def send(topic: str, key: str, value: bytes, chosen: Settings) -> None:
    """Write one record to a declared topic and wait until Kafka has it. Raises BrokerError if it does not."""
    from kafka.errors import KafkaError

    producer = clients.producer(chosen)
    try:
        producer.send(topics.named(chosen)[topic], value, key=key.encode()).get(timeout=30)
    except KafkaError as error:
        raise BrokerError(f"Kafka did not take the record for {topic}: {error}; is the topic there?") from error
    finally:
        producer.close()


def dispositions(chosen: Settings) -> list[Disposition]:
    """Return every disposition in the topic; what is none is told in the log."""
    return list(_contracts("dispositions", Disposition, chosen))


def selections(chosen: Settings) -> dict[str, tuple[str, ...]]:
    """Return ``alert_id`` -> why it was picked, of the newest revision of each alert."""
    found: dict[str, tuple[int, tuple[str, ...]]] = {}
    for alert in _contracts("alerts", Alert, chosen):
        before = found.get(alert.alert_id)
        if before is None or alert.revision >= before[0]:
            found[alert.alert_id] = (alert.revision, tuple(alert.selected_by))
    return {alert_id: why for alert_id, (_, why) in found.items()}


def shadows(name: str, chosen: Settings) -> Iterator[ShadowBlock]:
    """Yield the shadow scores of a model, as far as the topic still has them."""
    for block in _contracts("models.shadow", ShadowBlock, chosen):
        if block.model == name:
            yield block


def lodged(history: Lodgements, chosen: Settings) -> int:
    """Take the declarations of the topic into a history; return how many records could not be read."""
    refused = 0
    for record in clients.read_topic(topics.named(chosen)["declarations"], chosen):
        if record.value is None:
            continue
        try:
            history.take(record.value, decode.row(record.value))
        except RecordError:
            refused += 1
    return refused


def _contracts(topic: str, contract: Any, chosen: Settings) -> Iterator[Any]:
    for record in clients.read_topic(topics.named(chosen)[topic], chosen):
        if record.value is None:
            continue
        try:
            yield contract.model_validate_json(record.value)
        except ValidationError as error:
            log.warning("record passed over", topic=topic, offset=record.offset, error=type(error).__name__)
