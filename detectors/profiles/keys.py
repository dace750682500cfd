"""Under which keys a fact is remembered.

=========  ==================================================  =================================================
kind       key                                                 of
=========  ==================================================  =================================================
party      ``party/<id or name>``                              exporter, consignee; of watched facts also notify
                                                               party and traveller
link       ``link/<phone, email, address>/<hash>``             each contact of a watched fact
pair       ``pair/<kind>+<kind>/<hash>``                       two contacts of one party: who shares both shares the key
lane       ``lane/<element>/<export>/<destination>``           goods that the lexicon knows, between two countries
origin     ``origin/<element>/<export>``                       the same out of one country
licence    ``licence/<reference>``                             each licence used
=========  ==================================================  =================================================
"""

from __future__ import annotations

from collections.abc import Iterator
from hashlib import blake2b
from itertools import combinations
from zlib import crc32

from schemas.signal import Contact, Fact, Feedback, Signal, SignalBlock

#: Keys of one fact at most: a declaration that names more contacts and licences tells nothing by its last ones.
MOST_KEYS = 100
_ALWAYS = frozenset({"exporter", "consignee"})
_WATCHED = frozenset({"exporter", "consignee", "notify", "traveller"})
#: Nobody's: a contact of these roles is the agent's, shared by all its clients.
_AGENTS = frozenset({"agent", "carrier"})


def kind_of(key: str) -> str:
    """Return the kind of a key."""
    return key.partition("/")[0]


def pair_key(one: Contact, other: Contact) -> str:
    """Return the key of two contacts of different kinds, whichever comes first."""
    first, second = sorted((one, other), key=lambda contact: contact.kind)
    joined = blake2b(f"{first.key} {second.key}".encode(), digest_size=12).hexdigest()
    return f"pair/{first.kind}+{second.kind}/{joined}"


def keys_of(fact: Fact) -> list[str]:
    """Return the keys of a fact, each once, the most telling first."""
    return list(dict.fromkeys(_keys(fact)))[:MOST_KEYS]


def _keys(fact: Fact) -> Iterator[str]:
    roles = _WATCHED if fact.watched else _ALWAYS
    for who in fact.parties:
        if who.role in roles:
            yield who.key
    start, end = fact.country_of_export, fact.country_of_destination
    if start is not None:
        for element in dict.fromkeys(goods.element or goods.substance for goods in fact.goods):
            if element is not None:
                yield f"origin/{element}/{start}"
                if end is not None:
                    yield f"lane/{element}/{start}/{end}"
    if not fact.watched:
        return
    for use in fact.licences:
        yield f"licence/{use.reference}"
    by_role: dict[str, list[Contact]] = {}
    for contact in fact.contacts:
        by_role.setdefault(contact.role, []).append(contact)
    for contacts in by_role.values():
        for one, other in combinations(contacts, 2):
            if one.kind != other.kind:
                yield pair_key(one, other)
    for contact in fact.contacts:
        if contact.role not in _AGENTS:
            yield contact.key


def block_of(facts: list[Fact], origin: str | None = None) -> SignalBlock:
    """Return the block of a batch of facts."""
    signals = [Signal(key=key, fact=n) for n, fact in enumerate(facts) for key in keys_of(fact)]
    return SignalBlock(origin=origin, facts=facts, signals=signals)


def partition_of(key: str, partitions: int) -> int:
    """Return the partition of a key. Never changed: states stand where this has put them."""
    return crc32(key.encode()) % partitions


def split(block: SignalBlock, partitions: int) -> dict[int, SignalBlock]:
    """Divide a block by the partition of its keys; each part carries the facts that it needs."""
    places: dict[int, dict[int, int]] = {}
    signals: dict[int, list[Signal]] = {}
    feedback: dict[int, list[Feedback]] = {}
    for signal in block.signals:
        part = partition_of(signal.key, partitions)
        within = places.setdefault(part, {})
        place = within.setdefault(signal.fact, len(within))
        signals.setdefault(part, []).append(Signal(key=signal.key, fact=place))
    for one in block.feedback:
        feedback.setdefault(partition_of(one.key, partitions), []).append(one)
    return {
        part: SignalBlock(
            origin=block.origin,
            quiet=block.quiet,
            facts=[block.facts[n] for n in places.get(part, ())],
            signals=signals.get(part, []),
            feedback=feedback.get(part, []),
        )
        for part in sorted(signals.keys() | feedback.keys())
    }
