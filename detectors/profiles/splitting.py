"""Split shipments: small lots of like goods that add up to a commercial amount, and persons who carry them again and again.

Typologies T04 (many parcels to one address, telephone or name; senders that take turns; equal weights) and T03 (the same person
carries such goods repeatedly). No source sets a number: windows are those of T04 and T03, amounts those of the trade
(:mod:`detectors.profiles._lots`).

What is honest and looks alike: samples weigh grams and add up to little; a wholesaler's lots are large, or licensed; one seller
with one buyer and ordinary goods at equal weights is a weekly order, and says little; a forwarder's warehouse has many parties
with unlike goods (see :func:`_hub`).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import ClassVar

import msgspec

from detectors.profiles._lots import (
    FOUND_CARRIED,
    FOUND_VAGUE,
    FOUND_WRONG,
    WRONG,
    Like,
    Lot,
    Lots,
    commercial_g,
    gathered,
    lots_of,
    may_hide,
)
from detectors.profiles._remembered import (
    Heard,
    heard,
    heard_in_words,
    joined,
    kg,
    moment,
    step_of,
    weight,
)
from detectors.profiles._splitting_words import carried, split
from detectors.profiles.keys import kind_of
from detectors.profiles.profile import ENDED, Context, Profile, Ref, Said, Told
from detectors.scoring import WEIGHTS
from schemas.signal import Fact, Feedback
from schemas.types import FindingCode, Severity

#: Typology T04: 7, 30 and 90 days. The shortest window in which the lots add up is told.
_WINDOWS = (7, 30, 90)
#: Typology T03: repeated passages within 180 days.
_CARRIED_DAYS = 180
#: So many declarations are "many": own estimate; four deliveries of a month are a weekly order.
_MANY = 5
#: So many senders take turns.
_TURNS = 3
#: Lots are equal if this share of them weighs the same.
_MOSTLY = 0.7
#: From so many parties on a contact or a party may be a hub: larger than a household, or one firm in several spellings.
_HUB = 8
#: Passages that are repeated, and the least that they carry together; from so many on they are frequent.
_PASSAGES, _PASSAGES_G, _OFTEN = 2, 300, 3
#: Parcels are more common, so more are asked for, and a share of a commercial amount: a laboratory's references are less.
_PARCELS, _PARCELS_SHARE = 3, 0.25
_DAY = 86_400
#: Rules leave out what is lighter: samples of some grams.
_TELLING_G = 100
#: Entries of a key at most; 90 days of more than one declaration a day is a hub's.
MOST = 150


class Remembered(msgspec.Struct, array_like=True):
    """The declarations under a key, oldest first, and what inspections said."""

    entries: list[Lots] = []
    heard: list[Heard] = []


class Splitting(Profile[Remembered]):
    """Looks for lots that add up."""

    name = "splitting"
    tag = "s"
    kinds = frozenset({"party", "link"})
    codes: ClassVar[frozenset[FindingCode]] = frozenset({"SPLIT-SHIPMENTS", "HAND-CARRIED"})
    state = Remembered

    def wants(self, fact: Fact) -> bool:
        """Want watched goods, small lots of what may cover them, and whatever may take an earlier version away."""
        return (fact.watched and bool(fact.goods)) or fact.version > 1 or fact.event in ENDED or may_hide(fact)

    def learn(
        self, state: Remembered | None, facts: Sequence[Fact], feedback: Sequence[Feedback], context: Context
    ) -> Remembered | None:
        """Join the facts' lots to those known."""
        new = [entry for fact in facts if (entry := _entry(fact, context.key)) is not None]
        if state is None and not new and not feedback:
            return None
        state = state or Remembered()
        entries = _kept(joined(state.entries, new), context)[-MOST:]
        said = heard(state.heard, feedback, self.codes, context)
        return Remembered(entries, said) if entries or said else None

    def entries(self, state: Remembered) -> Sequence[Lots]:
        """Return the declarations."""
        return state.entries

    def say(self, state: Remembered, context: Context) -> Mapping[Ref, Told]:
        """Speak of the open declarations."""
        told: dict[Ref, Told] = {}
        for place, entry in enumerate(state.entries):
            if entry.side and entry.time >= context.asked:
                said = list(_said(state, place, context)) if entry.lots else []
                told[entry.declaration_id, entry.version] = Told(moment(entry.time), said)
        return told

    def explain(self, state: Remembered, context: Context) -> list[str]:
        """Describe what has come together."""
        entries = [entry for entry in state.entries if entry.side]
        lots = sum(len(entry.lots) for entry in entries)
        grams = sum(lot.grams for entry in entries for lot in entry.lots)
        words = [f"{len(entries)} declarations, {lots} small lots without a licence, {kg(grams)} together."]
        for entry in entries[-20:]:
            listed = ", ".join(f"{lot.element or lot.hs6 or 'no code'} {kg(lot.grams)}" for lot in entry.lots)
            words.append(f"{moment(entry.time):%Y-%m-%d} {entry.declaration_id}: {listed or 'no small lots'}.")
        if entries and _hub(entries, entries[-1:]):
            words.append("Many parties with unlike goods: a hub, whose lots are not added up.")
        return words + heard_in_words(state.heard)


def _entry(fact: Fact, key: str) -> Lots | None:
    """Return what to remember of a fact; None if nothing. What may take an earlier version away is remembered empty."""
    ended = fact.event in ENDED
    side = "" if ended else _side(fact, key)
    lots = lots_of(fact) if side else []
    # Of ordinary trade only what one receiver gets: a sender of ordinary parcels is a shop. Of what is watched also what is
    # no small lot, where it shows how many meet under the key.
    if (
        not side
        or (not fact.watched and (side != "c" or not lots))
        or not (lots or side == "c" or kind_of(key) == "link")
    ):
        if not ended and fact.version == 1:
            return None
        return Lots(fact.declaration_id, fact.version, step_of(fact.event), fact.seconds)
    entry = Lots(fact.declaration_id, fact.version, step_of(fact.event), fact.seconds, side)
    parties = {who.role: who.key for who in fact.parties}
    roles = ("exporter", "declarant") if side == "s" else ("traveller",) if side == "t" else ("consignee", "notify")
    across = ("exporter",) if side == "c" else ("consignee",)
    if kind_of(key) == "link":
        holders = {contact.role for contact in fact.contacts if contact.key == key}
        entry.own = next((_short(parties[role]) for role in roles if role in holders and role in parties), "")
        entry.shown = min((contact.shown or "" for contact in fact.contacts if contact.key == key), default="")[:60]
    entry.other = next((_short(parties[role]) for role in across if role in parties), "")
    entry.persons = {"passenger": "p", "postal": "m"}.get(fact.regime, "")
    entry.said = (
        FOUND_WRONG * bool(WRONG.intersection(fact.found))
        + FOUND_CARRIED * ("HAND-CARRIED" in fact.found)
        + FOUND_VAGUE * ("VAGUE-DESCRIPTION" in fact.found)
    )
    entry.lots = lots
    return entry


def _short(key: str) -> str:
    """Return enough of a party's key to count parties by."""
    return key[-10:]


def _side(fact: Fact, key: str) -> str:
    """Return on which side of the declaration the key stands; "" if on none that matters."""
    held: set[str] = {who.role for who in fact.parties if who.key == key}
    held |= {contact.role for contact in fact.contacts if contact.key == key}
    if "traveller" in held or (fact.regime == "passenger" and "declarant" in held):
        return "t"
    if held & {"consignee", "notify"}:
        return "c"
    # A declarant's contact is a broker's, unless the feed knows no other party.
    alone = "declarant" in held and all(who.role not in ("exporter", "consignee") for who in fact.parties)
    return "s" if "exporter" in held or alone else ""


def _kept(entries: Sequence[Lots], context: Context) -> list[Lots]:
    """Return the entries that still matter: what says nothing, only while an earlier version may still come."""
    opens = context.opens
    added = opens - _WINDOWS[-1] * _DAY
    again = opens - _CARRIED_DAYS * _DAY
    return [
        entry
        for entry in entries
        if entry.time >= (again if entry.persons and entry.lots else added if entry.side else opens)
    ]


def _hub(within: Sequence[Lots], like: Sequence[Lots]) -> bool:
    """Tell whether many parties meet under the key, and the like goods are only a part of what they trade."""
    parties = {entry.own for entry in within} - {""}
    across = {entry.other for entry in within} - {""}
    return max(len(parties), len(across)) >= _HUB and 2 * len(like) < len(within)


def _within(entries: Sequence[Lots], place: int, days: int) -> list[Lots]:
    """Return the entries of the window that ends with the one at a place, that one last."""
    first = entries[place].time - days * _DAY
    return [entry for entry in entries[: place + 1] if entry.side and entry.time > first]


def _said(state: Remembered, place: int, context: Context) -> Iterator[Said]:
    entry = state.entries[place]
    factor = weight(state.heard, entry.time)
    if entry.persons == "p":
        said = _repeated(state.entries, place, context, factor)
    else:
        said = _added_up(state.entries, place, context, factor) or _repeated(state.entries, place, context, factor)
    if said is not None:
        yield said


def _added_up(entries: Sequence[Lots], place: int, context: Context, factor: float) -> Said | None:
    """Say that the lots alike to one of this declaration add up, by the strongest of its lots."""
    entry = entries[place]
    within = [one for one in _within(entries, place, _WINDOWS[-1]) if one.side == entry.side and one.persons != "p"]
    if len(within) < _MANY:
        return None
    best: Said | None = None
    for lot in entry.lots:
        quarter = gathered(within, lot, _WINDOWS[-1])
        like = _shortest(quarter)
        if like is None or _hub(within, quarter.entries):
            continue
        judged = _judged(like, entry, kind_of(context.key))
        if judged is not None:
            severity, score = judged
            if best is None or WEIGHTS[severity] * min(0.97, score * factor) > _strength(best):
                best = split(like, lot, entry.side, context.key, severity, min(0.97, score * factor))
    return best


def _strength(said: Said) -> float:
    return WEIGHTS[said.severity] * said.score


def _shortest(quarter: Like) -> Like | None:
    """Return the lots of the shortest window in which they are many and a commercial amount."""
    if not _enough(quarter):
        return None
    return next(filter(_enough, map(quarter.since, _WINDOWS[:-1])), quarter)


def _enough(like: Like) -> bool:
    return len(like.entries) >= _MANY and like.grams >= commercial_g(like.element)


def _judged(like: Like, entry: Lots, kind: str) -> tuple[Severity, float] | None:
    """Weigh what speaks for a split beside the amount."""
    named, wrong = like.named >= 2, like.wrong >= 2
    equal = like.equal >= _MOSTLY
    turns = like.others >= _TURNS if entry.side == "c" else kind == "link" and like.owns >= _TURNS
    if entry.side == "s" and kind == "party" and not (named or wrong):
        return None  # a shop's parcels of ordinary goods
    score = 0.6 + 0.06 * equal + 0.08 * turns + 0.05 * (like.days <= 30) + 0.05 * named
    score += 0.05 * (like.grams >= 2 * commercial_g(like.element)) + 0.05 * (len(like.entries) >= 2 * _MANY)
    if wrong and (named or equal or turns):
        return "high", score + 0.1
    if named or wrong or (turns and (equal or like.parcels)):
        return "medium", score
    return ("low", score) if equal or turns else None


def _repeated(entries: Sequence[Lots], place: int, context: Context, factor: float) -> Said | None:
    """Say that such goods went with passengers, or came by post, again and again."""
    entry = entries[place]
    if not entry.persons or (entry.persons == "m" and entry.side != "c"):
        return None  # of parcels it is enough to say it of who receives them
    within = [one for one in _within(entries, place, _CARRIED_DAYS) if one.persons == entry.persons]
    telling = [(one, [lot for lot in one.lots if _tells(one, lot)]) for one in within]
    named = Counter(lot.element for _, lots in telling for lot in lots if lot.element)
    # the element of this one; else the one that most name, or of several the first
    own = next((lot.element for lot in telling[-1][1] if lot.element), "")
    wanted = own or min(named, key=lambda element: (-named[element], element), default="")
    telling = [(one, [lot for lot in lots if lot.element in ("", wanted)]) for one, lots in telling]
    telling = [(one, lots) for one, lots in telling if lots]
    if not telling or telling[-1][0] is not entry or _hub(within, [one for one, _ in telling]):
        return None
    like = Like([one for one, _ in telling], [lots for _, lots in telling], _CARRIED_DAYS)
    if entry.persons == "m":
        if len(like.entries) < _PARCELS or like.grams < _PARCELS_SHARE * commercial_g(wanted):
            return None
        return carried(like, context.key, entry, "medium", 0.6 * factor)
    if len(like.entries) < _PASSAGES or like.grams < _PASSAGES_G:
        return None
    if not any(one.said & (FOUND_WRONG | FOUND_CARRIED) or lot.controlled for one, lots in telling for lot in lots):
        return None  # a bottle that is not named is none of gallium until one of them was
    often = len(like.entries) >= _OFTEN
    severity: Severity = "high" if often and like.wrong >= _PASSAGES else "medium"
    score = 0.6 + 0.1 * often + 0.1 * (like.grams >= 5000) + 0.1 * (like.owns >= _PASSAGES) + 0.1 * (severity == "high")
    return carried(like, context.key, entry, severity, min(0.97, score * factor))


def _tells(entry: Lots, lot: Lot) -> bool:
    """Tell whether a lot by itself is such goods: of parcels, which are many, only if the goods are named or found by name."""
    if lot.grams < _TELLING_G:
        return False
    if entry.persons == "m":
        named = bool(lot.element) and (lot.controlled or bool(entry.said & FOUND_WRONG))
        return named or bool(entry.said & FOUND_CARRIED)
    return lot.controlled or bool(entry.said & (FOUND_WRONG | FOUND_CARRIED | FOUND_VAGUE))


PROFILE = Splitting()
