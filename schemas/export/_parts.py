"""What the projections of alerts share: plain JSON values, times as formats want them, and who did what in the declaration."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any, NamedTuple

from schemas.alert import Alert, AlertStatus
from schemas.finding import Observed
from schemas.types import Severity

#: What happened to the alert with this revision, as a word.
ACTIONS: Mapping[AlertStatus, str] = {"open": "opened", "updated": "updated", "withdrawn": "withdrawn"}

#: low to critical as 1 to 4.
RANKS: Mapping[Severity, int] = {"low": 1, "medium": 2, "high": 3, "critical": 4}


class Named(NamedTuple):
    """Something in the declaration that can be looked up elsewhere: what it is, where it stands, and what is there."""

    kind: str
    path: str
    value: str


def plain(alert: Alert) -> dict[str, Any]:
    """Return the alert as JSON values by the names of the contract; a number that JSON has no word for is null."""
    found: dict[str, Any] = json.loads(alert.model_dump_json(by_alias=True))
    return found


def rfc3339(at: datetime) -> str:
    """Return a UTC time with Z."""
    return at.isoformat().replace("+00:00", "Z")


def millis(at: datetime) -> int:
    """Return milliseconds since 1970."""
    return round(at.timestamp() * 1000)


def told(observed: Observed) -> str | None:
    """Return an observation as text, since receivers want one type a field; None stays None.

    >>> told([1.0, 2.5]), told(True), told("CN")
    ('1.0, 2.5', 'true', 'CN')
    """
    if observed is None or isinstance(observed, str):
        return observed
    if isinstance(observed, list):
        return ", ".join(map(str, observed))
    return str(observed).lower() if isinstance(observed, bool) else str(observed)


def codes(alert: Alert) -> list[str]:
    """Return the codes of the reasons, the strongest first, each once."""
    return list(dict.fromkeys(reason.code for reason in alert.reasons))


def typologies(alert: Alert) -> list[str]:
    """Return the typologies of the reasons, each once."""
    return list(dict.fromkeys(name for reason in alert.reasons for name in reason.typologies))


def labels(alert: Alert) -> list[str]:
    """Return short words for consoles that know tags: codes, substances, why selected, status."""
    return [
        "assay",
        *codes(alert),
        *(f"substance:{name}" for name in dict.fromkeys(alert.substances)),
        *(f"selected:{name}" for name in dict.fromkeys(alert.selected_by)),
        f"status:{alert.status}",
    ]


def observables(alert: Alert) -> list[Named]:
    """Return what an analyst would look up elsewhere: references, parties, conveyance, containers, commodity codes."""
    return list(dict.fromkeys(_observables(alert)))


def _observables(alert: Alert) -> Iterator[Named]:
    yield Named("declaration", "/declaration_id", alert.declaration_id)
    declared = alert.declaration
    if alert.mrn:
        yield Named("mrn", "/mrn", alert.mrn)
    for party in alert.entities:
        path = f"/{party.role}"
        if party.id:
            yield Named("party identifier", f"{path}/id", party.id)
        if party.name:
            yield Named("party", f"{path}/name", party.name)
    transport = _object(declared.get("transport"))
    if isinstance(identity := transport.get("identity"), str) and identity:
        yield Named("conveyance", "/transport/identity", identity)
    for place, container in enumerate(_list(transport.get("containers"))):
        if isinstance(container, str) and container:
            yield Named("container", f"/transport/containers/{place}", container)
    for place, item in enumerate(_list(declared.get("items"))):
        if isinstance(code := _object(item).get("commodity_code"), str) and code:
            yield Named("commodity code", f"/items/{place}/commodity_code", code)


def party(alert: Alert, *roles: str) -> str | None:
    """Return the name, else the identifier, of the first party in one of these roles that has any."""
    for role in roles:
        for entity in alert.entities:
            if entity.role == role and (entity.name or entity.id):
                return entity.name or entity.id
    return None


def declared(alert: Alert, name: str) -> str | None:
    """Return a text of the declaration's head, or None if it is no text or not there."""
    value = alert.declaration.get(name)
    return value if isinstance(value, str) and value else None


def without_null(fields: Mapping[str, Any]) -> dict[str, Any]:
    """Return the fields that say something: what is unknown is left out where a format has no null."""
    return {name: value for name, value in fields.items() if value is not None and value != [] and value != {}}


def report(alert: Alert, link: str | None) -> str:
    """Return the alert as Markdown for a person: summary, reasons with their evidence, what judged."""
    lines = [alert.summary, ""]
    for reason in alert.reasons:
        item = f", item {reason.item}" if reason.item is not None else ""
        lines += [f"**{reason.title}** ({reason.code}{item}, score {reason.score:g})", "", reason.explanation, ""]
        for evidence in reason.evidence:
            said = f"- `{evidence.path or '/'}`: {told(evidence.observed)}"
            said += f"; expected {told(evidence.expected)}" if evidence.expected is not None else ""
            lines.append(said + (f" ({evidence.reference})" if evidence.reference else ""))
        lines.append("")
    lines.append(
        f"Declaration {alert.declaration_id}, version {alert.declaration_version}; alert {alert.status}, revision "
        f"{alert.revision}; rules {alert.provenance.rules}, reference tables {alert.provenance.reference}."
    )
    return "\n".join([*lines, f"[Open the alert]({link})"] if link else lines)


def _object(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []
