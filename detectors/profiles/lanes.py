"""Lanes: what an element's trade from one country to another is like, and when it is unlike (typologies T05, T14, T16).

``ROUTE-SURGE``: after a control was tightened, a lane carries several times what it ever carried. The lane is held against its
own past before that day: the mean and the highest of like windows, the same season of the years before included, so that
the rush before a holiday and the occasional large lot of a thin lane are no surge. A smelter with a long history is its
own measure; trade that a suspension releases comes after no tightening.

``ROUTE-TRANSIT``: a third country that such goods have not passed on this lane, or from this country at all, in all the time
it was watched.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from datetime import date, timedelta
from typing import ClassVar

from detectors.profiles._lots import NAMES, commercial_g
from detectors.profiles._passages import (
    Passage,
    Passages,
    before,
    fold,
    lots,
    mass_by_week,
    passage_of,
    week_of,
    week_of_day,
)
from detectors.profiles._remembered import heard, heard_in_words, joined, kg, moment, weight
from detectors.profiles.profile import Context, Profile, Ref, Said, Told
from schemas.finding import Evidence
from schemas.signal import Fact, Feedback
from schemas.types import FindingCode

#: A surge shows within this time of the tightening: exports of antimony oxides from third countries stepped up within 60 to
#: 180 days (typology T05, Reuters 2025-07-09).
_AFTER = timedelta(days=200)
#: The window that is summed: the last eight weeks, or what has passed since the tightening.
_WEEKS = 8
_LEAST_WEEKS = 2
#: History before the tightening without which a step up cannot be told from a season.
_HISTORY = timedelta(days=365)
#: A surge carries over three times the mean of like windows (T05: "more than three times its 24-month mean") and half as much
#: again as the highest.
_OVER_MEAN, _OVER_HIGHEST = 3.0, 1.5
#: In three lots at least, and twice a commercial amount: two orders are chance.
_LEAST_LOTS = 3
#: Routes seen without which none is rare, on a lane and from a country, and the time they must span.
_ROUTES, _ROUTES_FROM = 25, 40
_ROUTES_FOR = timedelta(days=180)
#: A third country with more than this share of the routes is not rare.
_RARE = 0.01
_LISTED = 20


class Lanes(Profile[Passages]):
    """Remembers what each lane carries and which countries it passes."""

    name = "lanes"
    tag = "n"
    kinds = frozenset({"lane", "origin"})
    codes: ClassVar[frozenset[FindingCode]] = frozenset({"ROUTE-SURGE", "ROUTE-TRANSIT"})
    window = _HISTORY
    state = Passages

    def wants(self, fact: Fact) -> bool:
        """Tell whether there are goods on a lane, controlled or not yet: what was before a control is what counts."""
        return bool(fact.goods) and fact.regime in ("export", "transit", "passenger", "postal", "entry_summary")

    def learn(
        self, state: Passages | None, facts: Sequence[Fact], feedback: Sequence[Feedback], context: Context
    ) -> Passages | None:
        """Return the state with these facts in it."""
        learnt = state or Passages(passages=[], weeks=[], vias={}, heard=[])
        element = _element(context)
        learnt.passages = joined(learnt.passages, (passage_of(fact, element) for fact in facts))
        learnt.heard = heard(learnt.heard, feedback, self.codes, context)
        fold(learnt, context)
        return learnt if learnt.passages or learnt.weeks else None

    def entries(self, state: Passages) -> Sequence[Passage]:
        """Return the passages that are remembered one by one."""
        return state.passages

    def say(self, state: Passages, context: Context) -> Mapping[Ref, Told]:
        """Return what holds of the open passages."""
        told: dict[Ref, Told] = {}
        lane = context.key.startswith("lane/")
        for one in state.passages:
            if not one.there or one.time < context.asked:
                continue
            up_to = before(state, one)
            factor = weight(state.heard, one.time)
            said = [_rare(state, one, up_to, context, factor)]
            if lane:
                said.append(_surge(state, one, up_to, context, factor))
            told[one.declaration_id, one.version] = Told(moment(one.time), [each for each in said if each is not None])
        return told

    def explain(self, state: Passages, context: Context) -> list[str]:
        """Describe the lane."""
        there = [one for one in state.passages if one.there]
        masses = mass_by_week(state, there)
        total = kg(sum(masses.values()))
        lines = [f"{lots(state, there)} lots of {_named(context)} with {total} in {len(masses)} weeks of trade."]
        vias = dict(state.vias)
        for one in there:
            for via in one.via:
                vias[via] = vias.get(via, 0) + 1
        routed = state.routed + sum(one.routed for one in there)
        if routed:
            most = sorted(vias.items(), key=lambda pair: (-pair[1], pair[0]))[:10]
            shown = ", ".join(f"{via} {count}" for via, count in most) or "none"
            lines.append(f"{routed} with a declared route; third countries: {shown}.")
        lines += [_member(one) for one in reversed(there[-_LISTED:])]
        return [*lines, *heard_in_words(state.heard)]


def _element(context: Context) -> str:
    return context.key.split("/")[1]


def _named(context: Context) -> str:
    element = _element(context)
    return NAMES.get(element, element)


def _ends(context: Context) -> tuple[str, str | None]:
    parts = context.key.split("/")
    return parts[2], parts[3] if len(parts) > 3 else None


def _member(one: Passage) -> str:
    mass = kg(one.grams) if one.grams is not None else "mass not declared"
    way = f" by {', '.join(one.via)}" if one.via else ""
    return f"{moment(one.time):%Y-%m-%d} {one.declaration_id} {mass}{way}"


def _members(passages: Sequence[Passage]) -> list[str]:
    return [_member(one) for one in reversed(passages[-_LISTED:])]


def _surge(state: Passages, one: Passage, up_to: Sequence[Passage], context: Context, factor: float) -> Said | None:
    """Return what is to say of a passage if its lane carries far more since a tightening than it ever did before."""
    day = moment(one.time).date()
    since = next((c for c in map(date.fromordinal, reversed(one.tightened)) if day - c <= _AFTER), None)
    if since is None or one.grams is None:
        return None
    # The first tightening of a row of them: what followed it is no history to measure the next by.
    first = min((c for c in map(date.fromordinal, one.tightened) if since - c <= _AFTER), default=since)
    tightened = moment(0).replace(year=first.year, month=first.month, day=first.day)
    if not context.covered(tightened, _HISTORY):
        return None
    last = week_of(one.time)
    begin = max(last - _WEEKS + 1, week_of_day(first))
    length = last - begin + 1
    recent = [each for each in up_to if week_of(each.time) >= begin]
    mass = sum(each.grams or 0 for each in recent)
    if length < _LEAST_WEEKS or len(recent) < _LEAST_LOTS or mass < 2 * commercial_g(_element(context)):
        return None
    masses = mass_by_week(state, up_to)
    begun = week_of_day(max(context.since.date(), first - 3 * _HISTORY))
    windows = [
        sum(masses.get(week, 0) for week in range(start, start + length))
        for start in range(week_of_day(first) - length, begun - 1, -max(1, length // 2))
    ]
    if not windows:
        return None
    mean, highest = sum(windows) / len(windows), max(windows)
    if mass <= _OVER_MEAN * mean or mass <= _OVER_HIGHEST * highest:
        return None
    times = mass / mean if mean else math.inf
    score = min(0.95, 0.6 + 0.1 * min(3.0, math.log2(times / _OVER_MEAN) if mean else 3.0))
    if one.licensed:
        score *= 0.7  # somebody looked at the end use already
    start, end = _ends(context)
    than = f"{times:.0f} times the mean of the years before" if mean else "where nothing went before"
    return Said(
        code="ROUTE-SURGE",
        severity="medium",
        score=score * factor,
        title=f"{_named(context).capitalize()} to {end} surges after a control was tightened",
        explanation=(
            f"In the {length} weeks up to this declaration {len(recent)} lots with {kg(mass)} of {_named(context)} went "
            f"from {start} to {end}, {than}, after a control of {start} on it came into force on {first:%Y-%m-%d}. Find out "
            f"who uses it there, and whether it goes on to a country that the control is about."
        ),
        evidence=(
            Evidence(
                path="/country_of_destination",
                observed=_members(recent),
                expected=f"{kg(mean)} in {length} weeks on average, {kg(highest)} at most",
                reference=f"{context.key}, {len(windows)} windows of {length} weeks before {first:%Y-%m-%d}",
            ),
        ),
        item=one.item,
        substances=(one.substance,),
        typologies=("antimony-third-country",) if _element(context) == "Sb" else (),
    )


def _rare(state: Passages, one: Passage, up_to: Sequence[Passage], context: Context, factor: float) -> Said | None:
    """Return what is to say of a passage whose third country this trade has not passed before."""
    if not one.via or not context.covered(moment(one.time), _ROUTES_FOR):
        return None
    earlier = [each for each in up_to if each is not one and each.routed]
    routed = state.routed + len(earlier)
    start, end = _ends(context)
    if routed < (_ROUTES if end else _ROUTES_FROM):
        return None
    seen = {via: state.vias.get(via, 0) + sum(via in each.via for each in earlier) for via in one.via}
    rare = [via for via in one.via if seen[via] <= _RARE * routed]
    if not rare:
        return None
    named = ", ".join(rare)
    trade = f"{_named(context)} from {start}" + (f" to {end}" if end else "")
    return Said(
        code="ROUTE-TRANSIT",
        severity="medium",
        # On one lane a new hub is often a new forwarder; from a whole country it is news.
        score=(0.5 if end else 0.65) * factor,
        title=f"{_named(context).capitalize()} by way of {named}, where it does not pass",
        explanation=(
            f"Of {routed} earlier routes of {trade} {'hardly any' if any(seen[via] for via in rare) else 'none'} passed "
            f"{named}. Ask why these goods do, and who receives them there."
        ),
        evidence=(
            Evidence(
                path="/routing",
                observed=list(one.via),
                expected=_usual(state, earlier),
                reference=f"{context.key}, {routed} routes since {context.since:%Y-%m-%d}",
            ),
        ),
        item=one.item,
        substances=(one.substance,),
    )


def _usual(state: Passages, earlier: Sequence[Passage]) -> str:
    counts = dict(state.vias)
    for one in earlier:
        for via in one.via:
            counts[via] = counts.get(via, 0) + 1
    most = sorted(counts.items(), key=lambda pair: (-pair[1], pair[0]))[:5]
    return ", ".join(f"{via} ({count} times)" for via, count in most) or "straight, through no third country"


PROFILE = Lanes()
