"""First-seen parties with a strange first order: tonnes of controlled metal from a firm that nobody knew.

Typologies T07 (an exporter without earlier trade in metals, whose first order is several tonnes), T09 (a consignee that first
appears within 180 days, with a first order of controlled goods) and T16 (first-time exporters enter after a control). Age is
what the stream shows: a firm that is old and never traded before is new here, and the words say so.

What is honest and looks alike: a newly licensed distributor has a licence, and has imported before; a firm with a new identifier
orders what it always did, under its licence; a start-up orders little. A licence alone does not clear a newcomer (those of a ring
have papers), but what it orders is then worth a note only.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import timedelta
from typing import ClassVar

import msgspec

from detectors.profiles._beginnings import (
    FIRST,
    NEW_FOR,
    Order,
    Seen,
    before,
    earliest,
    metal,
    order_of,
    related,
    strange,
)
from detectors.profiles._remembered import (
    Heard,
    heard,
    heard_in_words,
    joined,
    kg,
    moment,
    order,
    step_of,
    weight,
)
from detectors.profiles.profile import ENDED, Context, Profile, Ref, Said, Told
from schemas.finding import Evidence
from schemas.signal import Fact, Feedback
from schemas.types import FindingCode, Severity

#: Orders of newcomers kept, and how long: T07 looks at the first declarations of 90 days.
MOST = 20
_ORDERS_FOR = timedelta(days=90)
#: A month, in which an established party is written once: often enough not to be forgotten.
_MONTH = 30 * 86_400


class Ordered(msgspec.Struct, array_like=True):
    """A declaration of watched goods by, or to, a party that was new; ``side`` "s" or "c", "" where it says nothing."""

    declaration_id: str
    version: int
    step: int
    time: int
    side: str = ""
    what: Order | None = None
    name: str = ""


class Begun(msgspec.Struct, array_like=True):
    """How a party began: its earliest declarations, the newest month with one, orders, and what inspections said."""

    first: list[Seen] = []
    month: int = 0
    orders: list[Ordered] = []
    heard: list[Heard] = []


class Newcomers(Profile[Begun]):
    """Looks for strange first orders."""

    name = "newcomers"
    tag = "b"
    kinds = frozenset({"party"})
    codes: ClassVar[frozenset[FindingCode]] = frozenset({"PARTY-NEW"})
    window = NEW_FOR
    state = Begun

    def wants(self, fact: Fact) -> bool:
        """Want everything: who traded before, in whatever, is known."""
        return True

    def learn(
        self, state: Begun | None, facts: Sequence[Fact], feedback: Sequence[Feedback], context: Context
    ) -> Begun | None:
        """Note the earliest declarations, and the orders of those that are new."""
        state = state or Begun()
        first = earliest(state.first, facts)
        month = max([state.month, *(fact.seconds // _MONTH for fact in facts)])
        new = [entry for fact in facts if (entry := _entry(fact, context.key)) is not None]
        orders = state.orders
        if new or orders:
            orders = [one for one in joined(orders, new) if _kept(one, first, context)][-MOST:]
        said = heard(state.heard, feedback, self.codes, context) if feedback or state.heard else state.heard
        return Begun(first, month, orders, said) if first or said else None

    def entries(self, state: Begun) -> Sequence[Ordered]:
        """Return the orders."""
        return state.orders

    def say(self, state: Begun, context: Context) -> Mapping[Ref, Told]:
        """Speak of the open orders."""
        told: dict[Ref, Told] = {}
        for one in state.orders:
            if one.what is not None and one.time >= context.asked:
                told[one.declaration_id, one.version] = Told(moment(one.time), list(_said(state, one, context)))
        return told

    def explain(self, state: Begun, context: Context) -> list[str]:
        """Describe how the party began."""
        if not state.first:
            return ["Nothing was declared.", *heard_in_words(state.heard)]
        since = f"{moment(state.first[0].time):%Y-%m-%d}"
        many = f"{len(state.first)} declarations" if len(state.first) < FIRST else f"{FIRST} declarations or more"
        words = [f"First seen on {since}; {many} so far."]
        chapters = sorted({one.chapter for one in state.first if one.chapter})
        if chapters:
            words.append(f"The first were of chapters {', '.join(f'{chapter:02d}' for chapter in chapters)}.")
        if not context.covered(moment(state.first[0].time), NEW_FOR):
            words.append("The history is too short before that day to call it a newcomer.")
        words += [f"{_line(one)}." for one in state.orders if one.what is not None]
        return words + heard_in_words(state.heard)


def _entry(fact: Fact, key: str) -> Ordered | None:
    """Return what to remember of a fact; of a first version that says nothing, nothing."""
    entry = Ordered(fact.declaration_id, fact.version, step_of(fact.event), fact.seconds)
    what = order_of(fact) if fact.watched and fact.event not in ENDED and fact.regime != "import" else None
    held = {who.role: who for who in fact.parties if who.key == key}
    who = held.get("exporter") or held.get("consignee")
    if what is None or who is None or strange(what) < 1:
        return entry if fact.version > 1 or fact.event in ENDED else None
    entry.side = "s" if who.role == "exporter" else "c"
    entry.what = what
    entry.name = (who.shown or "")[:60]
    return entry


def _kept(one: Ordered, first: Sequence[Seen], context: Context) -> bool:
    kept = one.time >= context.keeps(_ORDERS_FOR)
    if one.version > 1 or one.what is None:  # an earlier version of it may still come
        return one.time >= context.opens or (one.what is not None and kept)
    # once established at a time, always: more facts only make the earliest earlier
    return kept and len(before(first, one.time, one.declaration_id)) < FIRST


def _said(state: Begun, one: Ordered, context: Context) -> Iterator[Said]:
    what = one.what
    seen = before(state.first, one.time, one.declaration_id)
    since = moment(min(one.time, seen[0].time)) if seen else moment(one.time)
    if what is None or len(seen) >= FIRST or moment(one.time) - since > NEW_FOR or not context.covered(since, NEW_FOR):
        return
    factor = weight(state.heard, one.time)
    severity, score = _judged(one, what, seen)
    name = f" {one.name}" if one.name else ""
    role = "exporter" if one.side == "s" else "consignee"
    mass = "an unknown mass" if what.grams is None else kg(what.grams)
    days = (since - context.since).days
    place = "first" if not seen else f"{_nth(len(seen) + 1)} (first seen on {since:%Y-%m-%d})"
    grounds = [
        f"The {role}{name} was not seen in the {days} days of history before {since:%Y-%m-%d}; this declaration, its {place}, "
        f"is of {mass} of {metal(what.element)}{_worth(what)}."
    ]
    if seen and not related(seen):
        grounds.append("What it traded before has nothing to do with metals, minerals or chemicals.")
    elif seen:
        grounds.append("It has traded in minerals, chemicals or metals before.")
    if what.tightened:
        grounds.append("A control of this metal came into force within the 400 days before.")
    grounds.append(
        "A licence is named: ask for it, and whether its holder is this firm."
        if what.licensed
        else "No licence is named."
    )
    grounds.append(
        "Ask for the purchase contract and the producer, who owns the firm and what it did before; a firm may also be new "
        "here because it was registered again under another number."
    )
    # those of the time that every state still holds, whenever it is asked
    since_then = one.time - int(_ORDERS_FOR.total_seconds())
    orders = [entry for entry in state.orders if entry.what is not None and entry.time >= since_then]
    mates = [entry for entry in orders if order(entry) <= order(one)]
    yield Said(
        code="PARTY-NEW",
        severity=severity,
        score=min(0.95, score * factor),
        title=f"First-seen {role} with {mass} of {metal(what.element)}",
        explanation=" ".join(grounds),
        evidence=[
            Evidence(
                path=f"/{role}",
                observed=[_line(entry) for entry in reversed(mates)],
                expected=f"an established party, or less than {_limit(what)}",
                reference=f"first seen on {since:%Y-%m-%d}; history since {context.since:%Y-%m-%d}",
            )
        ],
        item=what.item,
        substances=(metal(what.element),),
        typologies=("T07",) if one.side == "s" else ("T09",),
    )


def _judged(one: Ordered, what: Order, seen: Sequence[Seen]) -> tuple[Severity, float]:
    score = 0.56 + 0.06 * (strange(what) >= 5) + 0.06 * what.tightened
    score += 0.08 * (not seen) + 0.12 * (bool(seen) and not related(seen)) - 0.12 * related(seen)
    if one.side == "c":
        # consignees abroad are first seen every day
        return ("low", score) if what.licensed else ("medium", score - 0.05)
    if what.wrong and not what.licensed and not related(seen):
        return "high", score + 0.05  # unknown, and what it sends is not what it says
    return ("low", score) if what.licensed else ("medium", score + 0.08)


def _limit(what: Order) -> str:
    times = strange(what._replace(usd=None))
    return "USD 100,000" if times < 1 or what.grams is None else kg(what.grams / times)


def _worth(what: Order) -> str:
    return f" worth USD {what.usd:,}" if what.usd else ""


def _nth(number: int) -> str:
    return {2: "second", 3: "third"}.get(number, f"{number}th")


def _line(one: Ordered) -> str:
    what = one.what
    mass = "" if what is None else "unknown mass" if what.grams is None else f"{kg(what.grams)} {metal(what.element)}"
    return f"{moment(one.time):%Y-%m-%d} {one.declaration_id} {mass}".rstrip()


PROFILE = Newcomers()
