"""Lives of declarations as messages, and what must come of them, worked out in the plainest way: for the tests of the intake."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from hypothesis import strategies as st

from schemas.declaration import Declaration
from schemas.message import Edit, Message, Named
from streams.intake.assembly import Assembly, Outcome
from streams.intake.saying import Received
from streams.intake.store import Store

START = datetime(2026, 11, 20, 8, 0, tzinfo=UTC)
SECOND = 1_000_000
NOW = int(START.timestamp()) * SECOND + 3600 * SECOND
STEPS = ("lodged", "amended", "accepted", "arrived", "controlled", "released", "exited", "rejected", "cancelled")


def content(name: str, mass: float, items: int = 1, words: str = "zinc alloy ingots") -> dict[str, Any]:
    """Return a declaration as a dict."""
    return {
        "event": "lodged",
        "declaration_id": f"test:GB1:{name}",
        "local_reference": name,
        "lodged_at": "2026-11-20T08:00:00Z",
        "source": {"system": "test", "format": "test"},
        "regime": "export",
        "declarant": {"id": "GB1"},
        "items": [{"number": n, "description": words, "net_mass_kg": mass} for n in range(1, items + 1)],
    }


def whole(row: dict[str, Any], event: str = "lodged", at: datetime | None = None) -> Declaration:
    """Return the declaration that a message carries in full."""
    lodged = {"lodged_at": at.isoformat().replace("+00:00", "Z")} if at else {}
    return Declaration.model_validate_json(json.dumps(row | lodged | {"event": event}))


@dataclass
class Life:
    """Messages in the order in which they were said, and what they come to."""

    name: str
    messages: list[Message] = field(default_factory=list)
    version: int = 0
    event: str = ""
    mrn: str | None = None
    items: dict[int, dict[str, Any]] = field(default_factory=dict)
    changes: list[tuple[str | None, Any]] = field(default_factory=list)
    taken: set[str] = field(default_factory=set)
    standing: int = 0

    def make(self, reference: str | None, change: Any, event: str) -> None:
        self.version += 1
        self.standing += 1
        self.event = event
        self.changes.append((reference, change))

    def step(self, event: str) -> None:
        self.event = max(self.event, event, key=STEPS.index)

    def masses(self) -> dict[int, tuple[float, str]]:
        """Return what the items hold in the end."""
        held: dict[int, tuple[float, str]] = {}
        for reference, change in self.changes:
            if reference not in self.taken:
                held = change(held)
        return held


MOVES = ("delta", "add", "restate", "stated", "event", "event", "take back", "cancel", "reject")


@st.composite
def lives(draw: st.DrawFn, name: str = "L1") -> Life:
    """Draw a life whose messages say their order: every one its time, some their version."""
    life = Life(name)
    at = START

    def tick() -> datetime:
        nonlocal at
        at += timedelta(seconds=draw(st.integers(1, 30)))
        return at

    def say(event: str, named: Named, **more: Any) -> None:
        life.messages.append(
            Message(event=event, named=named, source={"system": "test", "format": "test"}, at=at, **more)
        )

    mass = draw(st.floats(1, 100, width=16))
    row = content(name, mass, items=draw(st.integers(1, 3)))
    count = len(row["items"])
    lodged = whole(row, at=tick())
    life.messages.append(Message.of(lodged, version=1))
    life.make(None, lambda _, m=mass, n=count: dict.fromkeys(range(1, n + 1), (m, "zinc alloy ingots")), "lodged")
    by_id = Named(declaration_id=f"test:GB1:{name}")
    by_mrn = by_id
    if draw(st.booleans()):
        tick()
        life.mrn = f"26GB{name:0>13}9"
        stated = draw(st.sampled_from([None, 1]))
        say("accepted", Named(local_reference=name, mrn=life.mrn), version=stated)
        life.step("accepted")
        by_mrn = Named(mrn=life.mrn)
    references: list[str] = []
    for number in range(draw(st.integers(0, 6))):
        move = draw(st.sampled_from(MOVES))
        named = draw(st.sampled_from([by_id, by_mrn]))
        tick()
        if move == "delta":
            value = draw(st.floats(1, 100, width=16))
            reference = f"{name}-a{number}"
            edits = [Edit(op="set", path="/items/#1/net_mass_kg", value=value)]
            say("amended", named, edits=edits, reference=reference)
            references.append(reference)
            life.make(reference, lambda held, v=value: held | {1: (v, held[1][1])}, "amended")
        elif move == "add":
            reference, item = f"{name}-a{number}", 10 + number
            edits = [Edit(op="set", path=f"/items/#{item}", value={"description": "more", "net_mass_kg": 1.0})]
            say("amended", named, edits=edits, reference=reference)
            references.append(reference)
            life.make(reference, lambda held, i=item: held | {i: (1.0, "more")}, "amended")
        elif move in ("restate", "stated"):
            value = draw(st.floats(1, 100, width=16))
            reference = f"{name}-a{number}"
            declared = whole(content(name, value, words="restated"), "amended", at)
            version = life.standing + 1 if move == "stated" else None
            made = Message.of(declared, version=version, reference=reference)
            life.messages.append(made.model_copy(update={"named": named, "at": at}))
            life.make(reference, lambda _, v=value: {1: (v, "restated")}, "amended")
        elif move == "event":
            event = draw(st.sampled_from(["arrived", "controlled", "released", "exited"]))
            say(event, named, version=draw(st.sampled_from([None, life.standing])))
            life.step(event)
        elif move == "take back" and references:
            taken = references.pop()
            if life.changes[-1][0] != taken:
                continue  # only the newest: one that a later stated version counted cannot have been refused
            say("rejected", named, reference=taken, reason="refused")
            life.taken.add(taken)
            life.version += 1
            life.standing -= 1
            life.event = "amended"
            life.changes.append((taken, None))
        elif move == "cancel":
            say("cancelled", named, reference=f"{name}-c{number}")
            life.step("cancelled")
        elif move == "reject":
            say("rejected", named, reference=f"{name}-notice{number}")
            life.step("rejected")
    return life


def received(messages: Iterable[Message], arrived: int = NOW) -> list[Received]:
    """Return messages as they stand in a raw topic, a second apart."""
    return [
        Received(message, arrived + place * SECOND, place, 0, f"raw {place}".encode(), "test")
        for place, message in enumerate(messages)
    ]


def taken_in(messages: Sequence[Received], **options: Any) -> tuple[dict[str, dict[str, Any]], list[Outcome], Store]:
    """Take messages in; return the last declaration of each id, what followed from each message, and the store."""
    store = Store()
    assembly = Assembly(store, **options)
    last: dict[str, dict[str, Any]] = {}
    outcomes = []
    for one in messages:
        outcomes.append(assembly.apply(one))
        for written in outcomes[-1].written:
            declaration = Declaration.model_validate_json(written.raw)
            last[written.declaration_id] = declaration.model_dump(mode="json", by_alias=True)
    return last, outcomes, store
