"""A controlled metal on a route through a country that such goods never pass (typologies T05, T14); and a new direct lane."""

from __future__ import annotations

from datetime import datetime

from streams.simulate.over_time.route_surge import GOODS, THIRD, Lane
from streams.simulate.over_time.stage import Stage
from streams.simulate.over_time.story import Kind, Member, Story
from streams.simulate.substances import ANTIMONY, GALLIUM

#: Where the metals have always gone, and stops that only other goods make on their way there.
_KNOWN = ("JP", "DE", "KR", "BE", "FR")
_ODD = {
    "JP": ("LK", "OM", "VN", "AE", "MM"),
    "KR": ("LA", "LK", "OM", "AE", "MM"),
    "DE": ("MM", "MU", "MX", "NG", "LA"),
    "BE": ("MM", "MX", "ET", "OM", "LA"),
    "FR": ("MM", "MX", "KZ", "VN", "LA"),
}


def _odd(stage: Stage, begin: datetime) -> Story:
    """One to four shipments to an ordinary destination, each by way of the same odd country."""
    chance = stage.chance
    country = chance.one(_KNOWN)
    substance = chance.one([s for s in GOODS if s.controlled <= begin.date()])
    lane = Lane(stage, substance, country, firms=1)
    stop = chance.one(_ODD[country])
    at = stage.after(begin, 0)
    for _ in range(chance.whole(1, 4)):
        now = yield at
        row = lane.sold(now, lane.kg(), licensed=chance.maybe(0.8))
        row["routing"] = ["CN", stop, country]
        yield Member(row, True, substances=(substance.label,))
        at = stage.after(now, chance.between(5, 35))


def _direct(stage: Stage, begin: datetime) -> Story:
    """A first customer in a new country, supplied directly under licence, and then every month or so."""
    chance = stage.chance
    found = stage.lane([s for s in GOODS if s is not ANTIMONY and s.controlled <= begin.date()], THIRD)
    if found is None:
        return
    lane = Lane(stage, *found, firms=1)
    at = stage.after(begin, 0)
    for _ in range(chance.whole(3, 9)):
        now = yield at
        row = lane.sold(now, lane.kg(0.5))
        if chance.maybe(0.6):
            row["routing"] = ["CN", lane.country]
        yield Member(row, positive=False)
        at = stage.after(now, chance.between(20, 45))


KINDS = (Kind("route-rare", ("T05", "T14"), _odd, 110, GALLIUM.controlled, past=200),)
LOOK_ALIKES = (Kind("lane-new-direct", (), _direct, 60, GALLIUM.controlled, past=150),)
