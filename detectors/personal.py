"""Personal data: what of a declaration may stand in an alert.

A firm's name and country are needed to act on an alert; a person's are not, nor anybody's address, telephone or e-mail. In
passenger and postal traffic every party may be a person.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from schemas.alert import Entity
from schemas.declaration import PARTY_ROLES
from schemas.decode import Row, without_unknown

_PRIVATE = ("address", "postcode", "phone", "email")
#: Who a document is for; in persons' traffic a person.
_NAMES = ("holder", "end_user")
#: Regimes in which every party may be a natural person.
PERSONS_TRAFFIC = frozenset({"passenger", "postal"})


def _party(party: Mapping[str, Any], role: str, private_person: bool) -> dict[str, Any]:
    if role == "traveller" or private_person:
        return {"country": party["country"]}
    return {name: value for name, value in party.items() if name not in _PRIVATE and value is not None}


def _without_names(holder: Mapping[str, Any]) -> dict[str, Any]:
    """Return an item, or a declaration, whose documents name nobody."""
    documents = {
        field: [document | dict.fromkeys(_NAMES) for document in holder[field]]
        for field in ("documents", "previous_documents")
    }
    return dict(holder) | documents


def redact(row: Row, keep_personal: bool = False) -> dict[str, Any]:
    """Return a declaration for an alert: without personal data unless ``keep_personal``; the row is not changed.

    Fields that the contract does not know are left out in any case: nobody knows what they hold.
    """
    shown = dict(without_unknown(row))
    if keep_personal:
        return shown
    person = row["regime"] in PERSONS_TRAFFIC
    if person:
        shown = _without_names(shown)
        shown["items"] = [_without_names(item) for item in shown["items"]]
    for role in PARTY_ROLES:
        if shown[role] is not None:
            shown[role] = _party(shown[role], role, person)
    return shown


def entities(declaration: Mapping[str, Any]) -> list[Entity]:
    """Return the parties of a (redacted) declaration by role."""
    found = []
    for role in PARTY_ROLES:
        party = declaration.get(role)
        if party and any(party.get(part) for part in ("id", "name", "country")):
            found.append(Entity(role=role, id=party.get("id"), name=party.get("name"), country=party.get("country")))
    return found
