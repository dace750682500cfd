"""Honestly heavy cargo: tiles, castings, batteries, magnets; with volumes that say so."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from streams.simulate.compose import Row, item
from streams.simulate.goods import GOODS, TARE, Good
from streams.simulate.look_alikes.consignment import consign
from streams.simulate.plot import LookAlike
from streams.simulate.world import World


def _heavy(kinds: list[Good]) -> Callable[[World, datetime], Row]:
    def make(world: World, when: datetime) -> Row:
        chance = world.chance
        items = []
        for number in range(1, chance.whole(1, 3) + 1):
            good = chance.one(kinds)
            net = float(min(24_000, max(1, round(chance.spread(9000, 0.5) / good.kg_pack)) * good.kg_pack))
            gross = net * (1 + TARE[good.pack])
            items.append(
                item(
                    number,
                    good.code + "0000",
                    chance.one(good.english) if chance.maybe(0.6) else good.wordings.get("zh", good.english[0]),
                    net,
                    net * chance.spread(good.usd_kg, 0.25),
                    good.pack,
                    good.kg_pack,
                    volume_m3=round(gross / (good.kg_m3 * chance.between(0.85, 1.15)), 2)
                    if chance.maybe(0.7)
                    else None,
                )
            )
        return consign(world, when, items, mode="sea")

    return make


def _of(*codes: str) -> list[Good]:
    return [good for good in GOODS if good.code in codes]


LOOK_ALIKES = (
    LookAlike("tiles", _heavy(_of("690721", "680223", "680221"))),
    LookAlike("castings", _heavy(_of("732599", "848180", "731815"))),
    LookAlike("batteries", _heavy(_of("850710", "850760"))),
    LookAlike("magnets-and-bearings", _heavy(_of("850511", "850519", "848210"))),
)
