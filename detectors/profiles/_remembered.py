"""What profiles that remember single declarations share: one entry a declaration, and what inspections said of a key.

Both are joins: the same entries come of any order of arrival, and of any repetition.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta
from typing import TypeVar, get_args

import msgspec

from detectors.profiles.profile import Context, Entry
from schemas.declaration import Event
from schemas.signal import Feedback
from schemas.types import FindingCode

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_encode = msgspec.msgpack.Encoder().encode
#: The life of one version; what ends it comes last.
_STEPS: dict[str, int] = {
    event: n
    for n, event in enumerate(
        ("lodged", "amended", "accepted", "arrived", "controlled", "released", "exited", "rejected", "cancelled")
    )
}
assert set(_STEPS) == set(get_args(Event))

#: Verdicts of inspections remembered of a key, and for how long.
_MOST_HEARD = 20
_HEARD_FOR = timedelta(days=730)
#: What one inspection does to the score of what the key says later, and within what it stays.
_LOWERS, _RAISES = 0.6, 1.15
_LEAST, _MOST = 0.2, 1.3


E = TypeVar("E", bound=Entry)


class Heard(msgspec.Struct, array_like=True):
    """What an inspection said of a declaration of the key."""

    declaration_id: str
    decided: int
    right: bool


def seconds(time: datetime) -> int:
    """Return a time as it is stored."""
    return int(time.timestamp())


def moment(stored: int) -> datetime:
    """Return a stored time."""
    return _EPOCH + timedelta(seconds=stored)


def step_of(event: Event) -> int:
    """Return how far a version has come by an event."""
    return _STEPS[event]


def order(entry: Entry) -> tuple[int, str]:
    """Return the place of an entry among those of its key."""
    return entry.time, entry.declaration_id


def joined(known: Sequence[E], new: Iterable[E]) -> list[E]:
    """Return the entries with the new ones in them, in order: of each declaration the newest version and its last step."""
    arrived = list(new)
    if not arrived:
        return list(known)
    best = {entry.declaration_id: entry for entry in known}
    if (
        len(arrived) == 1
        and arrived[0].declaration_id not in best
        and (not known or order(known[-1]) < order(arrived[0]))
    ):
        return [*known, arrived[0]]  # the common case: one declaration more
    for entry in arrived:
        held = best.get(entry.declaration_id)
        if held is None or _rank(entry) > _rank(held):
            best[entry.declaration_id] = entry
    return sorted(best.values(), key=order)


def _rank(entry: Entry) -> tuple[int, int, bytes]:
    return entry.version, entry.step, _encode(entry)


def heard(
    known: Sequence[Heard], feedback: Sequence[Feedback], codes: frozenset[FindingCode], context: Context
) -> list[Heard]:
    """Return what inspections said with the new feedback in it, as far as it is about the codes."""
    if not known and not feedback:
        return []
    best = {one.declaration_id: one for one in known}
    for said in feedback:
        if said.verdict not in ("true_positive", "false_positive") or not codes.intersection(said.codes):
            continue
        one = Heard(said.declaration_id, seconds(said.decided_at), said.verdict == "true_positive")
        held = best.get(one.declaration_id)
        if held is None or (one.decided, one.right) > (held.decided, held.right):
            best[one.declaration_id] = one
    since = context.keeps(_HEARD_FOR)
    kept = [one for one in best.values() if one.decided >= since]
    return sorted(kept, key=lambda one: (one.decided, one.declaration_id))[-_MOST_HEARD:]


def weight(known: Sequence[Heard], time: int) -> float:
    """Return by what the score of a finding on a declaration of that time is multiplied."""
    factor = 1.0
    for one in known:
        if one.decided < time:
            factor *= _RAISES if one.right else _LOWERS
    return min(_MOST, max(_LEAST, factor))


def heard_in_words(known: Sequence[Heard]) -> list[str]:
    """Describe what inspections said."""
    return [
        f"Inspection of {one.declaration_id} on {moment(one.decided):%Y-%m-%d}: {'confirmed' if one.right else 'unfounded'}."
        for one in known
    ]


def grams(mass_kg: float) -> int:
    """Return a mass as it is stored, at most a thousand million tonnes: sums of what a feed invents still fit."""
    return round(1000 * min(mass_kg, 1e12))


def kg(grams: float) -> str:
    """Return a mass for people: three figures, so that grams stay grams."""
    mass = grams / 1000
    return f"{mass:,.0f} kg" if mass >= 1000 else f"{mass:.3g} kg"
