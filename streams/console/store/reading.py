"""From an alert to the rows that the queue needs, and from rows to what people see."""

from __future__ import annotations

import base64
import hashlib
import hmac
import zlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import pydantic_core

from schemas.alert import Alert
from schemas.declaration import PARTY_ROLES
from streams.console.access.person import Person
from streams.console.store import words
from streams.console.store.model import AlertLine, Party

_ITEMS_SEARCHED = 100
#: Fast, and small enough: an alert of 5 kB becomes 1.6 kB.
_LEVEL = 1
#: Names shorter than this are not looked for in running text: they would be found in every other word.
_SHORTEST_NAME = 4


@dataclass(frozen=True, slots=True)
class Prepared:
    """The rows of one alert."""

    row: dict[str, Any]
    revision: dict[str, Any]
    tags: frozenset[tuple[str, str]]
    words: str
    names: str
    keys: tuple[str, ...]


class Pseudonyms:
    """Names for parties and groups that tell nothing and stay the same; made with a key of this installation."""

    def __init__(self, key: str) -> None:
        self._key = key.encode()

    def of(self, kind: str, value: str) -> str:
        """Return the pseudonym of a party's or group's key, such as ``Party K7QF-2MAX``."""
        made = hmac.digest(self._key, f"{kind}/{value}".encode(), hashlib.sha256)
        short = base64.b32encode(made[:5]).decode()
        return f"{kind} {short[:4]}-{short[4:]}"

    def party(self, key: str) -> str:
        """Return the pseudonym of a party."""
        return self.of("Party", key)


def party_key(identity: str | None, name: str | None, country: str | None) -> str | None:
    """Return by what a party is known: its id, else its folded name and country; None where it has neither."""
    if identity:
        return identity
    folded = " ".join(words.tokens(name)) if name else ""
    return f"{folded}|{country or ''}"[:600] if folded else None


def packed(document: Any) -> bytes:
    """Return an alert as it is kept."""
    return zlib.compress(document if isinstance(document, bytes) else pydantic_core.to_json(document), _LEVEL)


def unpacked(kept: bytes) -> dict[str, Any]:
    """Return the alert that `packed` made."""
    found: dict[str, Any] = pydantic_core.from_json(zlib.decompress(kept))
    return found


def prepare(alert: Alert, pseudonyms: Pseudonyms) -> Prepared:
    """Return the rows of one revision of an alert."""
    declaration = alert.declaration
    export, destination = (_short(declaration.get(f), 2) for f in ("country_of_export", "country_of_destination"))
    parties: list[list[str | None]] = []
    for entity in alert.entities:
        key = party_key(entity.id, entity.name, entity.country)
        if key is not None:
            parties.append([entity.role, key, entity.id, entity.name, entity.country])
    keys = tuple(dict.fromkeys(str(party[1]) for party in parties))
    codes = list(dict.fromkeys(reason.code for reason in alert.reasons))
    rules = [list(pair) for pair in dict.fromkeys((reason.detector, reason.code) for reason in alert.reasons)]
    office = _short(declaration.get("office"), 64)
    tags = {("code", code) for code in codes} | {("rule", rule) for rule, _ in rules}
    tags |= {("substance", substance[:600]) for substance in alert.substances}
    tags |= {("country", country) for country in (export, destination) if country}
    tags |= {("party", key) for key in keys}
    shared = {
        "status": alert.status,
        "severity": alert.severity,
        "risk_score": alert.risk_score,
        "title": alert.title,
        "updated_at": alert.updated_at,
        "revision": alert.revision,
        "codes": codes,
    }
    row = shared | {
        "alert_id": alert.alert_id,
        "declaration_id": alert.declaration_id,
        "mrn": _short(alert.mrn, 64),
        "confidence": alert.confidence,
        "office": office,
        "country_of_export": export,
        "country_of_destination": destination,
        "lane": f"{export or ''}>{destination or ''}",
        "group_key": alert.group_key[:1024] if alert.group_key else None,
        "group_alias": pseudonyms.of("Group", alert.group_key) if alert.group_key else None,
        "raised_at": alert.raised_at,
        "event_time": alert.event_time,
        "substances": alert.substances,
        "rules": rules,
        "headings": _headings(declaration),
        "parties": parties,
        "versions": {
            "rules": alert.provenance.rules,
            "reference": alert.provenance.reference,
            "engine": alert.provenance.engine,
        }
        | {f"model {name}": version for name, version in alert.provenance.models.items()},
        "personal": any(party[3] for party in parties),
        "code_count": len(codes),
        "rule_count": len(rules),
    }
    named = sorted({str(text) for party in parties for text in party[2:4] if text}, key=len, reverse=True)
    open_words = [_without(text, named) for text in _texts(alert)] + [
        alert.alert_id,
        alert.declaration_id,
        alert.mrn,
        office,
    ]
    return Prepared(
        row=row,
        revision=shared | {"document": packed(alert.model_dump_json(by_alias=True).encode())},
        tags=frozenset(tags),
        words=words.indexed(open_words),
        names=words.indexed([*named, *_private(declaration)]),
        keys=keys,
    )


def _short(value: Any, longest: int) -> str | None:
    return str(value)[:longest] if value else None


def _headings(declaration: Mapping[str, Any]) -> list[str]:
    items = declaration.get("items") or []
    return sorted({str(item["commodity_code"])[:4] for item in items if item.get("commodity_code")})[:20]


def _without(text: str | None, named: Sequence[str]) -> str | None:
    if not text:
        return None
    for name in named:
        if len(name) >= _SHORTEST_NAME:
            text = text.replace(name, " ")
    return text


def _texts(alert: Alert) -> Iterable[str | None]:
    declaration = alert.declaration
    yield from (alert.title, alert.summary, *alert.substances)
    for reason in alert.reasons:
        yield from (reason.code, reason.detector, reason.title)
    yield from (declaration.get("local_reference"), declaration.get("ucr"), declaration.get("exit_office"))
    transport = declaration.get("transport") or {}
    yield from (transport.get("identity"), *(transport.get("containers") or []))
    for item in (declaration.get("items") or [])[:_ITEMS_SEARCHED]:
        yield from (item.get("description"), item.get("commodity_code"), item.get("cas"))
        for document in item.get("documents") or []:
            yield document.get("reference")
    for document in declaration.get("documents") or []:
        yield document.get("reference")


def _private(declaration: Mapping[str, Any]) -> Iterable[str | None]:
    """Yield what only those may search who may see names."""
    for role in PARTY_ROLES:
        party = declaration.get(role) or {}
        yield from (party.get(field) for field in ("id", "name", "address", "city", "postcode", "phone", "email"))


def line(row: Any, person: Person, pseudonyms: Pseudonyms) -> AlertLine:
    """Return a row of ``alerts`` as a person may see it."""
    parties = tuple(Party(role, key, id_, name, country) for role, key, id_, name, country in row.parties)
    title, group = row.title, row.group_key
    if not person.sees_names:
        title = veiled(title, _replacements(row.parties, pseudonyms))
        parties = tuple(_veiled_party(party, pseudonyms) for party in parties)
        group = row.group_alias
    return AlertLine(
        alert_id=row.alert_id,
        revision=row.revision,
        status=row.status,
        declaration_id=row.declaration_id,
        mrn=row.mrn,
        title=title,
        severity=row.severity,
        risk_score=row.risk_score,
        confidence=row.confidence,
        substances=tuple(row.substances),
        codes=tuple(row.codes),
        office=row.office,
        country_of_export=row.country_of_export,
        country_of_destination=row.country_of_destination,
        lane=row.lane,
        parties=parties,
        group_key=group,
        raised_at=row.raised_at,
        updated_at=row.updated_at,
        event_time=row.event_time,
        owner=row.owner,
        verdict=row.verdict,
        decided_by=row.decided_by,
        decided_at=row.decided_at,
        decided_revision=row.decided_revision,
        stale=is_stale(row.updated_at, row.decided_at),
        suppressed_by=row.hidden_by,
        marked_by=row.marked_by,
        personal=row.personal,
    )


def is_stale(updated_at: datetime, decided_at: datetime | None) -> bool:
    """Say whether an alert was revised after it was decided."""
    return decided_at is not None and updated_at > decided_at


def _veiled_party(party: Party, pseudonyms: Pseudonyms) -> Party:
    name = pseudonyms.party(party.key)
    return Party(party.role, name, None, name, party.country)


def _replacements(parties: Iterable[Sequence[str | None]], pseudonyms: Pseudonyms) -> dict[str, str]:
    found = {}
    for _, key, identity, name, _ in parties:
        for text in (identity, name):
            if text and len(text) >= _SHORTEST_NAME:
                found[text] = pseudonyms.party(str(key))
    return dict(sorted(found.items(), key=lambda pair: -len(pair[0])))


def veiled(value: Any, replacements: Mapping[str, str]) -> Any:
    """Return JSON values with every name replaced wherever it stands in a text."""
    if isinstance(value, str):
        for name, pseudonym in replacements.items():
            if name in value:
                value = value.replace(name, pseudonym)
        return value
    if isinstance(value, Mapping):
        return {key: veiled(inner, replacements) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [veiled(inner, replacements) for inner in value]
    return value


def veil(document: Mapping[str, Any], row: Any, pseudonyms: Pseudonyms) -> dict[str, Any]:
    """Return a whole alert for those who may not see names: pseudonyms for parties, nothing of where and how to reach them.

    The ids of alert and declaration stay, since nobody could speak of the alert without; some sources build the
    declarant's number into them.
    """
    declaration = dict(document.get("declaration") or {})
    identifying = list(document.get("entities") or [])
    replacements = _replacements(row.parties, pseudonyms)
    for role in PARTY_ROLES:
        party = declaration.get(role)
        if party:
            identifying.append(party)
            declaration[role] = _veiled_mapping(party, pseudonyms)
    for party in identifying:
        key = party_key(party.get("id"), party.get("name"), party.get("country"))
        if key:
            replacements |= _replacements([[None, key, party.get("id"), party.get("name"), None]], pseudonyms)
    shown = veiled(dict(document) | {"declaration": _without_holders(declaration)}, replacements)
    shown["entities"] = [_veiled_mapping(entity, pseudonyms) for entity in document.get("entities") or []]
    for field in ("alert_id", "declaration_id", "mrn"):
        shown[field] = document.get(field)
    shown["declaration"]["declaration_id"] = document.get("declaration_id")
    shown["group_key"] = row.group_alias
    result: dict[str, Any] = shown
    return result


def _veiled_mapping(party: Mapping[str, Any], pseudonyms: Pseudonyms) -> dict[str, Any]:
    key = party_key(party.get("id"), party.get("name"), party.get("country"))
    kept = {field: party.get(field) for field in ("role", "country") if field in party}
    return kept | ({"name": pseudonyms.party(key)} if key else {})


def _without_holders(value: Any) -> Any:
    """Return a declaration whose documents name nobody."""
    if isinstance(value, Mapping):
        closed = {"holder", "end_user"}
        return {key: None if key in closed and inner else _without_holders(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [_without_holders(inner) for inner in value]
    return value
