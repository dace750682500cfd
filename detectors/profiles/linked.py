"""Parties that share two independent contacts over several declarations: with one flagged before, or between the two ends.

Typology T08 (case K2): a family runs export and reception through relatives, whose firms share telephone, mailbox or address in
changing roles. One contact in common is nothing, a surname is nothing; the key of a pair is two contacts of different kinds of
one party. What both ends of one shipment share, a rule says by itself (``ends-share-contacts``); here it counts once the roles
are split over declarations.

What is honest and looks alike: a broker, a forwarder or a serviced office gives its contacts for many parties, and is learnt to
be a hub by their number; one party under one name is no link.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import timedelta
from itertools import combinations
from typing import ClassVar, NamedTuple, get_args

import msgspec

from detectors.profiles._beginnings import metal
from detectors.profiles._lots import WRONG
from detectors.profiles._remembered import (
    Heard,
    heard,
    heard_in_words,
    joined,
    moment,
    order,
    step_of,
    weight,
)
from detectors.profiles.keys import pair_key
from detectors.profiles.profile import ENDED, Context, Profile, Ref, Said, Told
from schemas.finding import Evidence
from schemas.signal import Contact, Fact, Feedback
from schemas.types import FindingCode, Severity

#: T08 sets no window; the ring of case K2 worked for months.
_WINDOW = timedelta(days=365)
_WINDOW_SECONDS = int(_WINDOW.total_seconds())
MOST = 120
#: Risk from which a declaration was flagged: the default cut of ``high``.
_FLAGGED = 50
#: From so many parties on a pair may be a broker's or a serviced office's, unless most of what they send was flagged.
_HUB = 5
_LISTED = 20
_ALL: frozenset[FindingCode] = frozenset(get_args(FindingCode))
_SENDS = frozenset({"exporter"})
_BOOKS = frozenset({"declarant", "agent"})
_RECEIVES = frozenset({"consignee", "notify"})


class Holder(NamedTuple):
    """Who gave both: its side ("s" sends, "b" books, "c" receives), its role, hashes of key and name, a firm's name."""

    side: str
    role: str
    party: str
    named: str
    name: str


class Given(msgspec.Struct, array_like=True):
    """A declaration in which the pair was given; no ``holders`` where it says nothing.

    ``licensed`` if all of its controlled goods are.
    """

    declaration_id: str
    version: int
    step: int
    time: int
    holders: list[Holder] = []
    item: int | None = None
    elements: list[str] = []
    risk: int = 0
    wrong: bool = False
    licensed: bool = False


class Shared(msgspec.Struct, array_like=True):
    """The declarations under a pair, oldest first, and what inspections said."""

    given: list[Given] = []
    heard: list[Heard] = []
    confirmed: list[Heard] = []


class Linked(Profile[Shared]):
    """Looks for parties that share two contacts."""

    name = "linked"
    tag = "k"
    kinds = frozenset({"pair"})
    codes: ClassVar[frozenset[FindingCode]] = frozenset({"PARTY-LINKED"})
    state = Shared

    def wants(self, fact: Fact) -> bool:
        """Want watched declarations, and whatever may take an earlier version away."""
        return fact.watched or fact.version > 1 or fact.event in ENDED

    def learn(
        self, state: Shared | None, facts: Sequence[Fact], feedback: Sequence[Feedback], context: Context
    ) -> Shared | None:
        """Join the facts to those known."""
        state = state or Shared()
        new = [_given(fact, context.key) for fact in facts]
        given = joined(state.given, [one for one in new if one.holders or one.version > 1 or one.step])
        since = context.keeps(_WINDOW)
        given = [one for one in given if one.time >= context.opens or (one.holders and one.time >= since)][-MOST:]
        said = heard(state.heard, feedback, self.codes, context)
        right = [one for one in feedback if one.verdict == "true_positive"]
        confirmed = heard(state.confirmed, right, _ALL, context)
        return Shared(given, said, confirmed) if given or said or confirmed else None

    def entries(self, state: Shared) -> Sequence[Given]:
        """Return the declarations."""
        return state.given

    def say(self, state: Shared, context: Context) -> Mapping[Ref, Told]:
        """Speak of the open declarations."""
        told: dict[Ref, Told] = {}
        for one in state.given:
            if one.holders and one.time >= context.asked:
                told[one.declaration_id, one.version] = Told(moment(one.time), list(_said(state, one, context)))
        return told

    def explain(self, state: Shared, context: Context) -> list[str]:
        """Describe who shares the pair."""
        given = [one for one in state.given if one.holders]
        parties = _distinct([holder for one in given for holder in one.holders])
        words = [f"{len(parties)} parties gave both contacts in {len(given)} declarations."]
        if _hub(given):
            words.append("So many that it is a broker's or an office's: it links nobody.")
        words += [f"{_line(one)}." for one in given[-_LISTED:]]
        return words + heard_in_words(state.heard)


def _given(fact: Fact, key: str) -> Given:
    entry = Given(fact.declaration_id, fact.version, step_of(fact.event), fact.seconds)
    if fact.event in ENDED or not fact.watched:
        return entry
    by_role: dict[str, list[Contact]] = {}
    for contact in fact.contacts:
        by_role.setdefault(contact.role, []).append(contact)
    for who in fact.parties:
        side = "s" if who.role in _SENDS else "b" if who.role in _BOOKS else "c" if who.role in _RECEIVES else ""
        pairs = combinations(by_role.get(who.role, ()), 2)
        if side and any(one.kind != other.kind and pair_key(one, other) == key for one, other in pairs):
            name = (who.shown or "")[:60]
            entry.holders.append(Holder(side, who.role, who.key[-12:], (who.name_key or "")[-12:], name))
    entry.item = next((goods.item for goods in fact.goods if goods.element), None)
    entry.elements = sorted({goods.element for goods in fact.goods if goods.element and goods.controlled})[:5]
    controlled = [goods for goods in fact.goods if goods.controlled]
    entry.licensed = bool(controlled) and all(goods.licensed for goods in controlled)
    entry.risk = fact.risk
    entry.wrong = bool(WRONG.intersection(fact.found))
    return entry


def _distinct(holders: Sequence[Holder]) -> list[Holder]:
    """Return each party once; one under two keys but one name is one party."""
    found: list[Holder] = []
    known: set[str] = set()
    for holder in holders:
        own = {holder.party, holder.named} - {""}
        if not own & known:
            found.append(holder)
        known |= own
    return found


def _differ(one: Holder, other: Holder) -> bool:
    return len(_distinct([one, other])) == 2


def _hub(given: Sequence[Given]) -> bool:
    parties = _distinct([holder for one in given for holder in one.holders])
    flagged = sum(one.wrong or one.risk >= _FLAGGED for one in given)
    return len(parties) >= _HUB and 2 * flagged < len(given)


def _confirmed(state: Shared, one: Given, time: int) -> bool:
    return any(heard.declaration_id == one.declaration_id and heard.decided < time for heard in state.confirmed)


def _said(state: Shared, one: Given, context: Context) -> Iterator[Said]:
    place = order(one)
    earlier = [
        entry
        for entry in state.given
        if entry.holders and order(entry) < place and one.time - entry.time < _WINDOW_SECONDS
    ]
    if not earlier or not (one.elements or one.wrong) or _hub([*earlier, one]):
        return
    flagged = [
        (entry, holder)
        for entry in earlier
        if (entry.risk >= _FLAGGED and entry.wrong) or _confirmed(state, entry, one.time)
        for holder in entry.holders
        if all(_differ(holder, own) for own in one.holders)
    ]
    crossed = [
        (entry, holder)
        for entry in earlier
        if entry.elements or entry.wrong
        for holder in entry.holders
        if any(_differ(holder, own) and {holder.side, own.side} in ({"s", "c"}, {"b", "c"}) for own in one.holders)
    ]
    if not flagged and not crossed:
        return
    both = bool(flagged and crossed)
    confirmed = any(_confirmed(state, entry, one.time) for entry, _ in flagged)
    own_wrong = one.wrong or one.risk >= _FLAGGED
    score = 0.62 + 0.08 * both + 0.08 * confirmed + 0.06 * (len({h.party for _, h in flagged}) > 1)
    if one.licensed and not (own_wrong or confirmed):
        score *= 0.7  # somebody looked at who the parties are already
    severity: Severity = "high" if own_wrong and (both or confirmed) else "medium"
    shared, mine = _contacts(context.key), _who(one.holders[0])
    grounds = [f"{mine[0].upper()}{mine[1:]} gives the same {shared} as other parties did in earlier declarations."]
    if flagged:
        entry, holder = flagged[-1]
        why = "an inspection confirmed" if _confirmed(state, entry, one.time) else "was flagged by itself"
        grounds.append(f"One was {_who(holder)} in {entry.declaration_id} of {_day(entry)}, which {why}.")
    if crossed:
        entry, holder = crossed[-1]
        grounds.append(
            f"They stand on both ends of such trade: {_who(holder)} in {entry.declaration_id} ({_day(entry)})."
        )
    grounds.append("Look up owners and managers of both, and who pays: two contacts in common are seldom chance.")
    yield Said(
        code="PARTY-LINKED",
        severity=severity,
        score=min(0.95, score * weight(state.heard, one.time)),
        title=f"{_title(one.holders[0])} shares {shared} with "
        + ("a party flagged before" if flagged else "the other end of earlier shipments"),
        explanation=" ".join(grounds),
        evidence=[
            Evidence(
                path=f"/{one.holders[0].role}",
                observed=[_line(entry) for entry in reversed([*earlier, one])][:_LISTED],
                expected="two contacts of one party only",
                reference=f"window {_WINDOW.days} days of one {shared}",
            )
        ],
        item=one.item,
        substances=tuple(metal(element) for element in one.elements),
        typologies=("T08",),
    )


_ROLES = {
    "exporter": "the exporter",
    "declarant": "the declarant",
    "agent": "the agent",
    "consignee": "the consignee",
    "notify": "the notify party",
}
_KINDS = {"phone": "telephone", "email": "e-mail", "address": "address"}


def _contacts(key: str) -> str:
    return " and ".join(_KINDS.get(kind, kind) for kind in key.split("/")[1].split("+"))


def _who(holder: Holder) -> str:
    return f"{_ROLES[holder.role]} {holder.name}".strip()


def _title(holder: Holder) -> str:
    role = _ROLES[holder.role].removeprefix("the ")
    return role[0].upper() + role[1:]


def _day(one: Given) -> str:
    return f"{moment(one.time):%Y-%m-%d}"


def _line(one: Given) -> str:
    held = ", ".join(_who(holder) for holder in one.holders)
    metals = f" {', '.join(metal(element) for element in one.elements)}" if one.elements else ""
    flagged = " (flagged)" if one.wrong or one.risk >= _FLAGGED else ""
    return f"{_day(one)} {one.declaration_id}{metals} by {held}{flagged}"[:300]


PROFILE = Linked()
