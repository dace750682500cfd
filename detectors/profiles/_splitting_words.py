"""How split shipments are told to an analyst: what came together, why it is no ordinary trade, and the members one by one."""

from __future__ import annotations

from detectors.profiles._lots import NAMES, Like, Lot, Lots, commercial_g
from detectors.profiles._remembered import kg, moment
from detectors.profiles.keys import kind_of
from detectors.profiles.profile import Said
from schemas.finding import Evidence
from schemas.types import Severity

#: Members of the window listed in the evidence.
_LISTED = 20
_CONTACTS = {"phone": "telephone", "email": "e-mail", "address": "address"}


def split(like: Like, lot: Lot, side: str, key: str, severity: Severity, score: float) -> Said:
    """Say that lots of like goods add up to a commercial amount."""
    what, count, mass = _goods(like, lot), len(like.entries), kg(like.grams)
    ends = _ends(like, side, key)
    grounds = [
        f"{count} declarations from {_day(like.entries[0])} to {_day(like.entries[-1])} send {mass} of {what} {ends}, in lots of "
        f"{_span(like)}; a commercial amount is {kg(commercial_g(like.element))}."
    ]
    if like.equal >= 0.7:
        share = "All" if like.equal == 1 else f"{like.equal:.0%} of"
        grounds.append(f"{share} the lots weigh the same to within 3 %.")
    if side == "c" and like.others > 1:
        grounds.append(f"{like.others} different senders take turns.")
    if side == "s" and like.others > 1:
        grounds.append(f"They go to {like.others} different consignees.")
    if like.owns > 1:
        grounds.append(f"{like.owns} different parties give this contact.")
    if 0 < like.named < count:
        grounds.append(f"{like.named} of them name {NAMES.get(like.element, like.element)}; the others weigh the same.")
    if like.wrong:
        grounds.append(
            f"{like.wrong} of them were found wrongly described, or without the licence they need, by themselves."
        )
    grounds.append("Ask for the orders and payments behind them, and hold the next ones together.")
    return Said(
        code="SPLIT-SHIPMENTS",
        severity=severity,
        score=score,
        title=f"{count} small lots of {what} add up to {mass} in {like.days} days",
        explanation=" ".join(grounds),
        evidence=[
            _members(like, f"at most {kg(commercial_g(like.element))} in {like.days} days", key),
            _parties(like, side, key),
        ],
        item=lot.item,
        substances=_substances(like),
        typologies=("T04",),
    )


def carried(like: Like, key: str, entry: Lots, severity: Severity, score: float) -> Said:
    """Say that such goods were carried, or posted, again and again."""
    lot = like.lots[-1][0]
    what, count, mass = _goods(like, lot), len(like.entries), kg(like.grams)
    way = "taken abroad in luggage" if entry.persons == "p" else "sent by post or express"
    who = _holder(key, entry.shown) if kind_of(key) == "link" else "the same party"
    grounds = [
        f"From {_day(like.entries[0])} to {_day(like.entries[-1])}, {count} declarations under {who}: {mass} of {what}, {way}."
    ]
    if like.owns > 1:
        grounds.append(f"{like.owns} different persons or firms give this contact: they may act for somebody else.")
    if like.wrong:
        grounds.append(f"{_of(like.wrong, count)} were found wrongly described, or without the licence they need.")
    grounds.append("Ask who handed the goods over, who receives them, and what the earlier ones were for.")
    return Said(
        code="HAND-CARRIED",
        severity=severity,
        score=score,
        title=f"{what[0].upper()}{what[1:]} {way} {count} times in {like.days} days",
        explanation=" ".join(grounds),
        evidence=[_members(like, f"no second time in {like.days} days", key), _parties(like, entry.side, key)],
        item=lot.item,
        substances=_substances(like),
        typologies=("T03",) if entry.persons == "p" else ("T03", "T04"),
    )


def _members(like: Like, expected: str, key: str) -> Evidence:
    listed = [
        f"{moment(entry.time):%Y-%m-%d} {entry.declaration_id} {kg(sum(lot.grams for lot in lots))}"
        for entry, lots in zip(reversed(like.entries), reversed(like.lots), strict=True)
    ]
    return Evidence(
        path="/items",
        observed=listed[:_LISTED],
        expected=expected,
        reference=f"window {like.days} days of {_holder(key, like.entries[-1].shown)}",
    )


def _parties(like: Like, side: str, key: str) -> Evidence:
    across, behind = {
        "c": ("senders", "receivers"),
        "s": ("receivers", "senders"),
        "t": ("receivers", "travellers"),
    }[side]
    counts = [f"{like.others} {across}"] if like.others else []
    counts += [f"{like.owns} {behind} with this contact"] if kind_of(key) == "link" else []
    return Evidence(path="", observed=", ".join(counts) or "one party", reference=f"window {like.days} days")


def _holder(key: str, shown: str) -> str:
    if kind_of(key) != "link":
        return "the party"
    kind = key.split("/")[1]
    contact = _CONTACTS.get(kind, "contact")
    if kind == "address" and shown:
        return shown
    return f"{contact} {shown}" if shown else f"one {contact}"


def _ends(like: Like, side: str, key: str) -> str:
    if kind_of(key) == "link":
        held = _holder(key, like.entries[-1].shown)
        return f"to {held}" if side == "c" else f"from senders with {held}"
    return "to one consignee" if side == "c" else "from one sender"


def _goods(like: Like, lot: Lot) -> str:
    if like.element:
        return NAMES.get(like.element, like.element)
    code = lot.hs6 or next((one.hs6 for lots in like.lots for one in lots if one.hs6), "")
    return f"goods of code {code}" if code else "goods without a code"


def _substances(like: Like) -> list[str]:
    return [NAMES[like.element]] if like.element in NAMES else []


def _of(some: int, count: int) -> str:
    return "All of them" if some == count else f"{some} of them"


def _span(like: Like) -> str:
    least, most = kg(like.masses[0]), kg(like.masses[-1])
    return least if least == most else f"{least} to {most}"


def _day(entry: Lots) -> str:
    return f"{moment(entry.time):%Y-%m-%d}"
