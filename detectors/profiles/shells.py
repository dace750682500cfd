"""Several first-seen exporters behind one contact, each of which begins with a large order of controlled metal.

Typology T07 (case K2): orders are placed through third-party shells that share an address, a telephone or an agent. One newcomer
with a large order is a new distributor; the second and third at the same address are not. What a party did elsewhere is not
known under a contact: "first seen" means first seen with this contact, and the words say so.

What is honest and looks alike: a registration agent's address or a forwarder's telephone, where many firms begin with all kinds
of goods; sister companies, whose names are alike; one firm in two spellings, which has one name key.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import ClassVar

import msgspec

from detectors.parties import similar
from detectors.profiles._beginnings import NEW_FOR, Order, metal, order_of, strange
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
from detectors.profiles.keys import kind_of, pair_key
from detectors.profiles.profile import ENDED, Context, Profile, Ref, Said, Told
from schemas.finding import Evidence
from schemas.signal import Contact, Fact, Feedback
from schemas.types import FindingCode, Severity

#: Declarations of a contact that are remembered; more are a hub's.
MOST = 120
#: From so many exporters on a contact may be an agent's: unless most of them begin like shells it says nothing.
_HUB = 6
#: Names alike to this degree are of one group ("Huayuan Group Metals", "Huayuan Group Logistics").
_GROUP = 0.6
_LISTED = 20


class Sent(msgspec.Struct, array_like=True):
    """A declaration by an exporter that gave the contact; ``party`` "" where it says nothing."""

    declaration_id: str
    version: int
    step: int
    time: int
    party: str = ""
    named: str = ""
    name: str = ""
    what: Order | None = None
    shown: str = ""


class Behind(msgspec.Struct, array_like=True):
    """The exporters behind a contact, oldest declaration first, and what inspections said."""

    sent: list[Sent] = []
    heard: list[Heard] = []


class Shells(Profile[Behind]):
    """Looks for newcomers behind one contact."""

    name = "shells"
    tag = "h"
    kinds = frozenset({"link", "pair"})
    codes: ClassVar[frozenset[FindingCode]] = frozenset({"PARTY-NEW"})
    window = NEW_FOR
    state = Behind

    def wants(self, fact: Fact) -> bool:
        """Want what an exporter with contacts sends."""
        return fact.regime not in ("import", "passenger")

    def learn(
        self, state: Behind | None, facts: Sequence[Fact], feedback: Sequence[Feedback], context: Context
    ) -> Behind | None:
        """Join the facts to those known."""
        state = state or Behind()
        new = [_sent(fact, context.key) for fact in facts]
        sent = joined(state.sent, [one for one in new if one.party or one.version > 1 or one.step])
        since = context.keeps(NEW_FOR)
        sent = [one for one in sent if one.time >= context.opens or (one.party and one.time >= since)][-MOST:]
        said = heard(state.heard, feedback, self.codes, context)
        return Behind(sent, said) if sent or said else None

    def entries(self, state: Behind) -> Sequence[Sent]:
        """Return the declarations."""
        return state.sent

    def say(self, state: Behind, context: Context) -> Mapping[Ref, Told]:
        """Speak of the open declarations with a large order."""
        told: dict[Ref, Told] = {}
        for one in state.sent:
            if one.party and one.time >= context.asked:
                said = list(_said(state, one, context)) if _large(one) else []
                told[one.declaration_id, one.version] = Told(moment(one.time), said)
        return told

    def explain(self, state: Behind, context: Context) -> list[str]:
        """Describe who began behind the contact."""
        sent = [one for one in state.sent if one.party]
        first = _firsts(sent)
        large = sum(_large(one) for one in first)
        words = [
            f"{len(first)} exporters gave this contact in {len(sent)} declarations; {large} began with a large order."
        ]
        words += [f"{_line(one)}." for one in first[-_LISTED:]]
        return words + heard_in_words(state.heard)


def _sent(fact: Fact, key: str) -> Sent:
    entry = Sent(fact.declaration_id, fact.version, step_of(fact.event), fact.seconds)
    who = next((who for who in fact.parties if who.role == "exporter"), None)
    shown = _shown([contact for contact in fact.contacts if contact.role == "exporter"], key)
    if fact.event not in ENDED and fact.watched and who is not None and shown is not None:
        entry.party = who.key[-12:]
        entry.named = (who.name_key or "")[-12:]
        entry.name = (who.shown or "")[:60]
        entry.what = order_of(fact)
        entry.shown = shown[:80]
    return entry


def _shown(contacts: Sequence[Contact], key: str) -> str | None:
    """Return the contact, or the two, of a key in words for people; None if it is not among them."""
    if kind_of(key) == "link":
        return min(
            (f"{_CALLED[one.kind]} {one.shown or ''}".strip() for one in contacts if one.key == key), default=None
        )
    found = (
        f"{_CALLED[one.kind]} and {_CALLED[other.kind]}"
        for n, one in enumerate(contacts)
        for other in contacts[n + 1 :]
        if one.kind != other.kind and pair_key(one, other) == key
    )
    return min(found, default=None)


_CALLED = {"phone": "telephone", "email": "e-mail", "address": "address"}


def _large(one: Sent) -> bool:
    return one.what is not None and strange(one.what) >= 1


def _firsts(sent: Sequence[Sent]) -> list[Sent]:
    """Return the first declaration of each exporter; one under two keys but one name is one exporter."""
    found: list[Sent] = []
    keys: set[str] = set()
    for one in sent:
        own = {one.party, one.named} - {""}
        if not own & keys:
            found.append(one)
        keys |= own
    return found


def _said(state: Behind, one: Sent, context: Context) -> Iterator[Said]:
    until = [
        entry
        for entry in state.sent
        if entry.party and order(entry) <= order(one) and moment(one.time) - moment(entry.time) < NEW_FOR
    ]
    first = _firsts(until)
    began = [entry for entry in first if _large(entry)]
    what = one.what
    if what is None or len(began) < 2 or not context.covered(moment(began[0].time), NEW_FOR):
        return
    mine = [entry for entry in began if {entry.party, entry.named} & ({one.party, one.named} - {""})]
    if not mine or (len(first) >= _HUB and 2 * len(began) <= len(first)):
        return
    others = [entry for entry in began if entry is not mine[0]]
    group = all(_alike(one, entry) for entry in others)
    total = sum(entry.what.grams or 0 for entry in until if entry.what is not None and _large(entry))
    several = len(began) >= 3
    score = 0.62 + 0.1 * several + 0.05 * (kind_of(context.key) == "pair") + 0.05 * (not what.licensed)
    severity: Severity = "low" if group else "high" if what.wrong and several else "medium"
    names = ", ".join(dict.fromkeys(entry.name for entry in began if entry.name))
    grounds = [
        f"Within {(moment(one.time) - moment(began[0].time)).days + 1} days {len(began)} exporters that were not seen with the "
        f"{one.shown} before each began with a large order of controlled metal, {kg(total)} together"
        + (f": {names}." if names else ".")
    ]
    if len(first) > len(began):
        grounds.append(f"{len(first) - len(began)} other exporters gave the same contact for other goods.")
    if group:
        grounds.append("Their names are alike: they may be of one group.")
    if not what.licensed:
        grounds.append("This declaration names no licence.")
    grounds.append("Ask who placed the orders with the producers and who paid, and look the firms up at that address.")
    yield Said(
        code="PARTY-NEW",
        severity=severity,
        score=min(0.95, score * weight(state.heard, one.time)),
        title=f"{len(began)} first-seen exporters with one {_kind(context.key)} order {kg(total)} of {_metals(until)}",
        explanation=" ".join(grounds),
        evidence=[
            Evidence(
                path="/exporter",
                observed=[_line(entry) for entry in reversed(until) if _large(entry)][:_LISTED],
                expected=f"no second newcomer with a large order in {NEW_FOR.days} days",
                reference=f"window {NEW_FOR.days} days of {one.shown}",
            )
        ],
        item=what.item,
        substances=tuple(sorted({metal(what.element)})),
        typologies=("T07", "T09"),
    )


def _alike(one: Sent, other: Sent) -> bool:
    return bool(one.name and other.name) and similar(one.name, other.name).score >= _GROUP


def _kind(key: str) -> str:
    if kind_of(key) == "link":
        return _CALLED.get(key.split("/")[1], "contact")
    return " and ".join(_CALLED.get(kind, kind) for kind in key.split("/")[1].split("+"))


def _metals(sent: Sequence[Sent]) -> str:
    return ", ".join(dict.fromkeys(metal(one.what.element) for one in sent if one.what is not None and _large(one)))


def _line(one: Sent) -> str:
    what = one.what
    mass = "no controlled metal" if what is None else "unknown mass" if what.grams is None else kg(what.grams)
    return " ".join(filter(None, (f"{moment(one.time):%Y-%m-%d}", one.declaration_id, mass, one.name)))


PROFILE = Shells()
