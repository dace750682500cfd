"""When a party was first seen, and what a newcomer does not order: shared by the profiles of first-seen parties.

How a party began is a join of small sets: the earliest few declarations of a party come of any order of arrival, and once there
are that many, later ones change nothing. A declaration that was cancelled is still a day on which the party was seen.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import timedelta
from typing import NamedTuple
from zlib import crc32

from detectors.profiles._lots import NAMES, WRONG, commercial_g
from detectors.profiles._remembered import grams
from schemas.signal import Fact, Goods

#: T09: a first appearance within 180 days; T07: the exporter's first declarations.
NEW_FOR = timedelta(days=180)
#: After so many declarations nobody is a newcomer (T07 looks at the first three; two more, since small ones come first).
FIRST = 5
#: A newcomer's first order is strange from so many commercial amounts on: a tonne of antimony, 200 kg of gallium (own estimate).
_STRANGE = 10
#: Or from this value on, whatever its mass (own estimate: a drum of scandium oxide, two of germanium).
_STRANGE_USD = 100_000
#: Chapters of minerals, chemicals, pigments, refractories and metals: who trades in them may turn to a metal.
_RELATED = frozenset((*range(25, 30), 32, 38, 68, 69, *range(71, 84)))
#: Weights and values of a feed that invents them have room in a state.
_MOST_USD = 10**15


class Seen(NamedTuple):
    """A declaration that a party made or was named in: time, a hash of its id, chapter of its first code (0: unknown)."""

    time: int
    declaration: int
    chapter: int


class Order(NamedTuple):
    """Watched goods of one declaration: what newcomers are judged by."""

    item: int
    element: str
    grams: int | None
    usd: int | None
    licensed: bool
    wrong: bool
    #: Whether the control of it began within the 400 days before.
    tightened: bool


def hashed(declaration_id: str) -> int:
    """Return enough of an id to tell the few first declarations of a party apart."""
    return crc32(declaration_id.encode())


def earliest(known: Sequence[Seen], facts: Iterable[Fact]) -> list[Seen]:
    """Return the earliest declarations of a party, each at the earliest time that a version of it has."""
    last = known[-1] if len(known) >= FIRST else None
    best = {one.declaration: one for one in known}
    for fact in facts:
        one = Seen(fact.seconds, hashed(fact.declaration_id), _chapter(fact))
        if last is not None and one > last:
            continue
        held = best.get(one.declaration)
        if held is None or one < held:
            best[one.declaration] = one
    return sorted(best.values())[:FIRST]


def before(first: Sequence[Seen], time: int, declaration_id: str) -> list[Seen]:
    """Return the earliest declarations that came before one."""
    own = hashed(declaration_id)
    return [one for one in first if one.declaration != own and (one.time, one.declaration) < (time, own)]


def related(seen: Iterable[Seen]) -> bool:
    """Tell whether any of the declarations had goods near metals: minerals, chemicals, metals."""
    return any(one.chapter in _RELATED for one in seen)


def order_of(fact: Fact) -> Order | None:
    """Return the largest of the goods that are controlled, or were found to be other than declared; None if there are none."""
    wrong = bool(WRONG.intersection(fact.found))
    wanted = [goods for goods in fact.goods if goods.element and (goods.controlled or (wrong and goods.named))]
    if not wanted:
        return None
    most = max(wanted, key=lambda goods: (_times(goods), -goods.item))
    mass, value = most.net_mass_kg, most.value_usd
    return Order(
        most.item,
        most.element or "",
        None if mass is None else grams(mass),
        None if value is None else round(min(value, _MOST_USD)),
        all(goods.licensed for goods in wanted),
        any(code.startswith("MISLABEL") for code in fact.found),
        bool(most.tightened),
    )


def strange(order: Order) -> float:
    """Return how many times as much an order is as would be strange from a newcomer; below 1 it is not."""
    mass = 0.0 if order.grams is None else order.grams / (_STRANGE * commercial_g(order.element))
    # money alone says less: one drum of what is dear
    return max(
        mass, min(2.0, (order.usd or 0) / _STRANGE_USD) if (order.grams or 0) >= commercial_g(order.element) else 0.0
    )


def metal(element: str) -> str:
    """Return the name of an element for people."""
    return NAMES.get(element, element)


def _times(goods: Goods) -> float:
    mass = goods.net_mass_kg or 0.0
    return max(grams(mass) / commercial_g(goods.element or ""), (goods.value_usd or 0.0) / _STRANGE_USD)


def _chapter(fact: Fact) -> int:
    heading = fact.headings[0] if fact.headings else ""
    return int(heading[:2]) if heading[:2].isdigit() else 0
