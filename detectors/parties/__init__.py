"""Who is the same party. PLACEHOLDER of the lead until the helper "parties" commits the real package: replace this file.

The lead's callers use: Resolver().resolve(party_row, persons_traffic) -> Resolved | None, Resolver.name_key(name) -> str | None
(the key of a name alone, e.g. a licence's holder), Resolved.key/by/name_key/country/links/person, Link.kind/key/shown.
"""

from __future__ import annotations

from dataclasses import dataclass
from hashlib import blake2b
from typing import Any, Literal

from detectors._folding import fold


@dataclass(frozen=True, slots=True)
class Link:
    kind: Literal["phone", "email", "address"]
    key: str
    shown: str | None = None


@dataclass(frozen=True, slots=True)
class Resolved:
    key: str
    by: Literal["id", "name", "contact"]
    name_key: str | None
    country: str | None
    links: tuple[Link, ...]
    person: bool
    explained: tuple[str, ...] = ()


def _hash(text: str) -> str:
    return blake2b(text.encode(), digest_size=12).hexdigest()


class Resolver:
    def resolve(self, party: Any, persons_traffic: bool) -> Resolved | None:
        if party is None:
            return None
        links = tuple(
            Link(kind, f"link/{kind}/{_hash(fold(party[kind]))}")  # type: ignore[arg-type]
            for kind in ("phone", "email", "address")
            if party[kind]
        )
        name_key = self.name_key(party["name"]) if party["name"] else None
        if party["id"]:
            key, by = f"party/i:{_hash(party['id']) if persons_traffic else party['id'][:200]}", "id"
        elif name_key and not persons_traffic:
            key, by = f"party/n:{name_key}", "name"
        else:
            return None
        return Resolved(key, by, name_key, party["country"], links, persons_traffic)  # type: ignore[arg-type]

    def name_key(self, name: str) -> str | None:
        return " ".join(sorted(fold(name).split()))[:200] or None
