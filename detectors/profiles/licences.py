"""The ledger of a licence: how much was drawn of it, by whom, for whom, where to, and until when (typology T13).

Rules judge a declaration against its own papers (``licence-*`` in the rule packs). Here stands what only all of them show: draws
that are within the licence one by one and beyond it together; papers that leave out what earlier ones said; a number that
moves to another exporter, consignee or country.

Honest and alike: one licence for many shipments; a general licence that everybody uses, which is learnt from the number of its
users; an agent who declares for the holder; a draw that was cancelled and made again.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import timedelta
from typing import ClassVar

import msgspec

from detectors.profiles._ledger import (
    GENERAL,
    SEVERAL,
    Draw,
    Ledger,
    before_each,
    day_of,
    drawn_of,
    is_general,
    month_of,
    same_consignee,
    same_exporter,
    same_name,
    shown_day,
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
from detectors.profiles.profile import ENDED, Context, Profile, Ref, Said, Told
from schemas.finding import Evidence
from schemas.signal import Fact, Feedback
from schemas.types import FindingCode, Severity

#: Weighing tolerance, as for one declaration against its own licence (detectors/_licences.py).
_TOLERANCE = 1.05
#: Beyond this share no rounding and no unit of measure explains it.
_FAR_OVER = 1.2
#: A general licence for dual-use goods holds three years at most, one for a single export one year (China's Regulations on Export
#: Control of Dual-Use Items, in force since 2024-12-01; from memory).
KEPT = timedelta(days=1096)
#: Draws kept one by one; older ones are added up by month.
MOST = 150
_LISTED = 20
#: More is no mass but a feed's mistake, and has no room in a state.
_MOST_G = 2**62


class Drawn(msgspec.Struct, array_like=True):
    """The draws on a licence, oldest first; ``folded`` those before them by month: month, how many, grams."""

    draws: list[Draw] = []
    folded: list[tuple[int, int, int]] = []
    heard: list[Heard] = []


class Licences(Profile[Drawn]):
    """Keeps the ledger of every licence."""

    name = "licences"
    tag = "l"
    kinds = frozenset({"licence"})
    codes: ClassVar[frozenset[FindingCode]] = frozenset({"LICENCE-OVERDRAWN", "LICENCE-MISUSED"})
    state = Drawn

    def wants(self, fact: Fact) -> bool:
        """Want what uses a licence."""
        return bool(fact.licences)

    def learn(
        self, state: Drawn | None, facts: Sequence[Fact], feedback: Sequence[Feedback], context: Context
    ) -> Drawn | None:
        """Write the facts into the ledger."""
        state = state or Drawn()
        reference = context.key.partition("/")[2]
        draws = joined(state.draws, (_draw(fact, reference) for fact in facts if _uses(fact, reference)))
        # What was cancelled is remembered only while what it cancels may still come.
        since = context.keeps(KEPT)
        draws = [one for one in draws if one.time >= context.opens or (one.used and one.time >= since)]
        draws, folded = _folded(draws, state.folded, context)
        said = heard(state.heard, feedback, self.codes, context)
        return Drawn(draws, folded, said) if draws or said else None

    def entries(self, state: Drawn) -> Sequence[Draw]:
        """Return the draws."""
        return state.draws

    def say(self, state: Drawn, context: Context) -> Mapping[Ref, Told]:
        """Speak of the open draws."""
        told: dict[Ref, Told] = {}
        for place, draw, ledger in before_each(state.draws, state.folded):
            if draw.time >= context.asked:
                factor = weight(state.heard, draw.time)
                said = list(_said(draw, ledger, state.draws[: place + 1], context.key, factor))
                told[draw.declaration_id, draw.version] = Told(moment(draw.time), said)
        return told

    def explain(self, state: Drawn, context: Context) -> list[str]:
        """Describe the ledger."""
        ledger = Ledger()
        for _, _, before in before_each(state.draws, state.folded):
            ledger = before
        used = [draw for draw in state.draws if draw.used]
        limit = ledger.limit
        words = [
            f"{ledger.draws} draws, {kg(ledger.grams)} in all; "
            + (f"licensed: {kg(limit)}." if limit is not None else "no licensed quantity is known.")
        ]
        if len(ledger.stated) > 1:
            words.append(f"The papers state different quantities: {_quantities(ledger)}; the least counts.")
        if ledger.ends is not None:
            words.append(f"Valid until {shown_day(ledger.ends)} by the latest that was stated.")
        for what, names in (("Holder", ledger.holders), ("End user", ledger.end_users)):
            if names:
                words.append(f"{what}: {'; '.join(names)}.")
        words.append(
            f"{len(ledger.exporters)} exporters, {len(ledger.consignees)} consignees, "
            f"destinations {', '.join(ledger.destinations) or 'unknown'}."
        )
        if ledger.general or len(ledger.exporters) >= GENERAL:
            words.append("A general licence: who uses it for whom is not judged.")
        words += [_line(draw) + "." for draw in used[-_LISTED:]]
        return words + heard_in_words(state.heard)


def _uses(fact: Fact, reference: str) -> bool:
    return any(use.reference == reference for use in fact.licences)


def _draw(fact: Fact, reference: str) -> Draw:
    item, grams, licensed = drawn_of(fact, reference)
    uses = [use for use in fact.licences if use.reference == reference]
    parties = {who.role: who for who in fact.parties}
    keys = {role: who.key[-16:] for role, who in parties.items()}
    names = {role: (who.shown or "")[:80] for role, who in parties.items()}
    expires = [use.expires_on.toordinal() for use in uses if use.expires_on is not None]
    return Draw(
        fact.declaration_id,
        fact.version,
        step_of(fact.event),
        fact.seconds,
        fact.event not in ENDED,
        item,
        grams,
        licensed,
        max(expires, default=None),
        keys.get("exporter", ""),
        keys.get("declarant", ""),
        keys.get("consignee", ""),
        keys.get("notify", ""),
        fact.country_of_destination or "",
        names.get("exporter", ""),
        names.get("consignee", ""),
        min((use.holder_shown[:80] for use in uses if use.holder_shown), default=""),
        min((use.end_user_shown[:80] for use in uses if use.end_user_shown), default=""),
        any(is_general(use.kind, reference) for use in uses),
    )


def _folded(
    draws: list[Draw], folded: Sequence[tuple[int, int, int]], context: Context
) -> tuple[list[Draw], list[tuple[int, int, int]]]:
    """Add up by month what is too much to keep one by one, but for the first draw, by which the others are judged."""
    months = {month: (count, grams) for month, count, grams in folded}
    for draw in draws[1 : max(1, len(draws) - MOST + 1)]:
        if draw.time >= context.opens and len(draws) < 2 * MOST:
            break  # may still be amended
        count, grams = months.get(month_of(draw), (0, 0))
        months[month_of(draw)] = count + draw.used, min(_MOST_G, grams + (draw.grams or 0) * draw.used)
        draws = [draws[0], *draws[2:]]
    latest = context.latest - context.lateness - KEPT
    first = latest.year * 12 + latest.month - 1
    return draws, [(month, *found) for month, found in sorted(months.items()) if month >= first]


def _said(draw: Draw, ledger: Ledger, until: Sequence[Draw], key: str, factor: float) -> Iterator[Said]:
    if ledger.first is None:
        return  # the first draw is judged by its own papers
    over = _overdrawn(draw, ledger, until, key, factor)
    if over is not None:
        yield over
    if len(ledger.exporters | ({draw.exporter} - {""})) < GENERAL:
        misused = _misused(draw, ledger, until, key, factor)
        if misused is not None:
            yield misused


def _overdrawn(draw: Draw, ledger: Ledger, until: Sequence[Draw], key: str, factor: float) -> Said | None:
    if draw.grams is None or not ledger.grams:
        return None
    after = Ledger(stated=set(ledger.stated), written_off=ledger.written_off)
    after.add(draw)
    limit, total = after.limit, ledger.grams + draw.grams
    if limit is None or total <= limit * _TOLERANCE:
        return None
    reference = key.partition("/")[2]
    far = total > limit * _FAR_OVER
    words = [
        f"With these {kg(draw.grams)}, {kg(total)} have been drawn from licence {reference} in {ledger.draws + 1} declarations; "
        f"it allows {kg(limit)} ({total / limit - 1:.0%} over)."
    ]
    if len(after.stated) > 1:
        words.append(f"The papers state different quantities ({_quantities(after)}); the least is taken.")
    if draw.licensed is None:
        words.append("This declaration itself states no licensed quantity; earlier ones did.")
    words.append(
        "Cancelled and rejected declarations are given back. Hold the licence's own ledger against these draws."
    )
    agreed = len(after.stated) == 1
    severity: Severity = "high" if far and agreed else "medium"
    return Said(
        code="LICENCE-OVERDRAWN",
        severity=severity,
        score=min(0.97, (0.8 if agreed else 0.65) * factor),
        title=f"Licence {reference} overdrawn: {kg(total)} of {kg(limit)}",
        explanation=" ".join(words),
        evidence=[_draws(until, f"at most {kg(limit * _TOLERANCE)} in all, 5 % tolerance included", reference)],
        item=draw.item,
        typologies=("T13",),
    )


def _misused(draw: Draw, ledger: Ledger, until: Sequence[Draw], key: str, factor: float) -> Said | None:
    who, where, when = _exporter(draw, ledger), _receiver(draw, ledger), _validity(draw, ledger)
    grounds = [ground for ground in (who, *where, when) if ground is not None]
    if not grounds:
        return None
    left = 1.0
    for _, share in grounds:
        left *= 1 - share
    kinds = (who is not None) + bool(where) + (when is not None)
    reference = key.partition("/")[2]
    severity: Severity = "high" if kinds > 1 else "medium"
    told = "; ".join(text for text, _ in grounds)
    return Said(
        code="LICENCE-MISUSED",
        severity=severity,
        score=min(0.95, (1 - left) * factor),
        title=f"Licence {reference}: {_title(who, where, when)}",
        explanation=(
            f"{told[0].upper()}{told[1:]}. Earlier draws on it: {ledger.draws}. Ask for the licence itself, and whether "
            "it covers this shipment."
        ),
        evidence=[_draws(until, _ordinary(ledger), reference)],
        item=draw.item,
        typologies=("T13", "T07") if who is not None else ("T13",),
    )


_Ground = tuple[str, float]


def _exporter(draw: Draw, ledger: Ledger) -> _Ground | None:
    """Hold the exporter against the holder stated before, or the exporter that first used the licence."""
    first = ledger.first
    if ledger.general or first is None or not draw.exporter or not first.exporter or same_exporter(draw, first):
        return None
    name = f" {draw.exporter_name}" if draw.exporter_name else ""
    holders = [*ledger.holders, *([draw.holder] if draw.holder else [])]
    alike = [same_name(draw.exporter_name, holder) for holder in holders]
    if any(alike):
        return None  # the holder itself: whoever came first was not
    if False in alike:
        return f"the exporter{name} is not the holder that the papers named ({'; '.join(holders)})", 0.75
    earlier = f" ({first.exporter_name})" if first.exporter_name else ""
    return f"the exporter{name} is another than the one that first used the licence{earlier}", 0.65


def _receiver(draw: Draw, ledger: Ledger) -> list[_Ground]:
    """Hold consignee and destination against the end user stated before, or those of the first use."""
    first, found = ledger.first, list[_Ground]()
    if ledger.general or first is None:
        return found
    other = bool(draw.consignee and first.consignee) and not same_consignee(draw, first)
    if other and len(ledger.consignees) < SEVERAL:
        name = f" {draw.consignee_name}" if draw.consignee_name else ""
        users = ledger.end_users
        if users and draw.consignee_name:
            if not any(same_name(draw.consignee_name, user) for user in users):
                found.append(
                    (f"the consignee{name} is not the end user that the papers named ({'; '.join(users)})", 0.65)
                )
        else:
            earlier = f" ({first.consignee_name})" if first.consignee_name else ""
            found.append((f"the consignee{name} is another than at first{earlier}", 0.6))
    moved = bool(draw.destination and first.destination) and draw.destination != first.destination
    if moved and len(ledger.destinations) < SEVERAL:
        text = f"the destination is {draw.destination}; the licence was first used for {first.destination}"
        found.append((text, 0.4 if found else 0.6))
    return found


def _validity(draw: Draw, ledger: Ledger) -> _Ground | None:
    """Hold the day against the validity that earlier papers stated; what the declaration states itself is for the rules."""
    if ledger.ends is None or day_of(draw) <= ledger.ends:
        return None
    if draw.expires is None:
        return (
            f"the licence had ended on {shown_day(ledger.ends)} by what earlier papers said; this one is silent",
            0.75,
        )
    if draw.expires >= day_of(draw):
        return f"it is said to hold until {shown_day(draw.expires)}; earlier papers said {shown_day(ledger.ends)}", 0.5
    return None


def _title(who: _Ground | None, where: Sequence[_Ground], when: _Ground | None) -> str:
    parts = []
    if who is not None:
        parts.append("another exporter")
    if where:
        parts.append("another receiver or destination")
    if when is not None:
        parts.append("used after its end")
    return " and ".join(parts)


def _ordinary(ledger: Ledger) -> str:
    first = ledger.first
    known = [first.exporter_name, first.consignee_name, first.destination] if first is not None else []
    known += [f"until {shown_day(ledger.ends)}"] if ledger.ends is not None else []
    return "as before: " + (", ".join(filter(None, known)) or "the same parties")


def _draws(until: Sequence[Draw], expected: str, reference: str) -> Evidence:
    used = [draw for draw in until if draw.used]
    return Evidence(
        path="/items",
        observed=[_line(draw) for draw in reversed(used[-_LISTED:])],
        expected=expected,
        reference=f"ledger of licence {reference}",
    )


def _line(draw: Draw) -> str:
    mass = "unknown mass" if draw.grams is None else kg(draw.grams)
    words = [f"{moment(draw.time):%Y-%m-%d} {draw.declaration_id} {mass}"]
    words += [f"by {draw.exporter_name}"] if draw.exporter_name else []
    words += [f"to {draw.destination}"] if draw.destination else []
    return " ".join(words)


def _quantities(ledger: Ledger) -> str:
    return ", ".join(kg(stated) for stated in sorted(ledger.stated)[:10])


PROFILE = Licences()
