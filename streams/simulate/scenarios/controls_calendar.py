"""Goods that may not go where they go on that very day (announcements 46/2024, 72/2025, 1/2026; typologies T13 and T16)."""

from __future__ import annotations

from datetime import date, datetime

from streams.simulate import wording
from streams.simulate.compose import declaration, document, item, licence
from streams.simulate.plot import Scenario, Scene
from streams.simulate.prices import paid
from streams.simulate.substances import ANTIMONY, GALLIUM_GERMANIUM, US_BAN, us_banned
from streams.simulate.world import World

#: Announcement 1/2026: no dual-use items to military end users or for military use in Japan.
_JAPAN_MILITARY = date(2026, 1, 6)
US_MILITARY = (
    "US Naval Surface Warfare Center",
    "US Army Research Laboratory",
    "Air Force Materiel Command",
    "Defense Logistics Agency Strategic Materials",
)
_JP_MILITARY = ("Japan Ground Self-Defense Force Supply Depot", "Ministry of Defense ATLA")


def tell(world: World, when: datetime, memory: bool) -> list[Scene]:
    """To the United States while the ban is on, licence or not; at any time to a military end user there (or in Japan)."""
    chance = world.chance
    substance = chance.one((*GALLIUM_GERMANIUM, ANTIMONY))
    firm = chance.one(world.metal_firms)
    day = when.date()
    military = None
    country = "US"
    if not us_banned(day) or chance.maybe(0.15):
        if day >= _JAPAN_MILITARY and chance.maybe(0.3):
            country = "JP"
        military = chance.one(US_MILITARY if country == "US" else _JP_MILITARY)
    buyer = world.buyer(country).party
    if military is not None and chance.maybe(0.7):
        buyer = {**buyer, "name": military}
    pack, kg_pack = chance.one(substance.packs)
    net = float(chance.whole(2, 20) * 1000) if substance is ANTIMONY else chance.spread(80, 0.7)
    papers = [document("N380", f"INV{chance.digits(6)}")]
    if chance.maybe(0.6) or military is not None:
        papers.append(licence(when, chance.digits(6), net * 1.5, firm.party["name"], military or buyer["name"]))
    goods = item(
        1,
        substance.code,
        wording.plain(substance, chance),
        net,
        net * paid(substance.name, day, chance),
        pack,
        kg_pack,
        origin="CN" if chance.maybe(0.6) else None,
        documents=papers,
    )
    mode = "sea" if substance is ANTIMONY else "air"
    row = declaration(
        world.reference(when),
        [goods],
        declarant=chance.one(world.brokers),
        exporter=firm.party,
        consignee=buyer,
        office=firm.city.office,
        destination=country,
        routing=["CN", country] if chance.maybe(0.4) else [],
        transport=world.transport(mode, 1 if mode == "sea" else 0),
    )
    return [Scene(0.0, row, (substance.label,))]


def _possible(day: date) -> bool:
    return day >= US_BAN


SCENARIO = Scenario("controls-calendar", ("T13", "T16"), True, _possible, tell)
