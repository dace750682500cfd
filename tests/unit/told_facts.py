"""Facts for the tests of profiles, what the profile stage says of them, and the ways in which a feed may disorder them."""

from __future__ import annotations

import random
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from detectors.profiles import stage
from detectors.profiles.keys import block_of
from detectors.profiles.profile import ENDED
from detectors.profiles.stage import Placed
from schemas.finding import Finding
from schemas.signal import Contact, Fact, Feedback, Goods, SignalBlock, Who

FIRST = datetime(2025, 6, 2, 9, tzinfo=UTC)


def when(day: float) -> datetime:
    """Return a time so many days after the first."""
    return FIRST + timedelta(days=day)


def who(role: Any, name: str, person: bool = False) -> Who:
    """Return a party by its name."""
    return Who(role=role, key=f"party/{name}", shown=None if person else name, person=person)


def contact(role: Any, kind: Any, text: str) -> Contact:
    """Return a contact of a role."""
    return Contact(role=role, kind=kind, key=f"link/{kind}/{text}", shown=f"***{text[-3:]}")


def fact(number: int | str, day: float, *parties: Who, **fields: Any) -> Fact:
    """Return a watched fact with a number as its declaration's id."""
    told: dict[str, Any] = {
        "version": 1,
        "event": "lodged",
        "regime": "postal",
        "watched": True,
        "country_of_export": "CN",
    }
    return Fact(declaration_id=f"d{number}", time=when(day), parties=list(parties), **(told | fields))


def goods(element: str | None, kg: float | None, hs6: str | None = "811292", **fields: Any) -> Goods:
    """Return goods of an element."""
    return Goods(
        item=1, hs6=hs6, element=element, substance=element, named=element is not None, net_mass_kg=kg, **fields
    )


def said(
    facts: Sequence[Fact], feedback: Iterable[Feedback] = (), *, cut: int = 1, detector: str | None = None
) -> dict[str, list[Finding]]:
    """Return what stands said at the end of each declaration, by its id, after blocks of ``cut`` facts; strongest first."""
    return standing([block_of(list(facts[n : n + cut])) for n in range(0, len(facts), cut)], feedback, detector)


def standing(
    blocks: Iterable[SignalBlock], feedback: Iterable[Feedback] = (), detector: str | None = None
) -> dict[str, list[Finding]]:
    """Apply blocks one by one, feedback first, and return what stands said at the end."""
    states: dict[str, bytes | None] = {}
    slots: dict[tuple[str, int, str], list[Finding]] = {}
    newest: dict[str, int] = {}
    for offset, block in enumerate([SignalBlock(feedback=list(feedback)), *blocks]):
        profiled = stage.apply([Placed(block, offset)], states)
        states.update(profiled.changed)
        for verdict in profiled.verdicts:
            slots[verdict.declaration_id, verdict.declaration_version, verdict.slot] = verdict.findings
        for one in block.facts:
            newest[one.declaration_id] = max(one.version, newest.get(one.declaration_id, 0))
            if one.event in ENDED:
                newest[one.declaration_id] = 10**6  # no version of it stands any more
    found: dict[str, list[Finding]] = {}
    for (declaration_id, version, _), findings in sorted(slots.items()):
        kept = [one for one in findings if detector in (None, one.detector)]
        if version == newest[declaration_id] and kept:
            found.setdefault(declaration_id, []).extend(kept)
    for findings in found.values():
        findings.sort(key=lambda one: (-one.score, one.finding_id))
    return found


def disordered(facts: Sequence[Fact], seed: int) -> list[Fact]:
    """Return facts as a bad feed brings them: each up to two days late, and some of them twice."""
    chance = random.Random(seed)
    doubled = [*facts, *(one for one in facts if chance.random() < 0.3)]
    late = [(one.time + timedelta(days=2 * chance.random()), n, one) for n, one in enumerate(doubled)]
    return [one for _, _, one in sorted(late)]
