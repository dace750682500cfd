"""The usual shape of an honest consignment: one exporter, one customer, a few items."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from streams.simulate import places
from streams.simulate.compose import Item, Row, declaration, document
from streams.simulate.firms import Party, chinese
from streams.simulate.places import COUNTRIES
from streams.simulate.world import World


def consign(
    world: World,
    when: datetime,
    items: list[Item],
    *,
    mode: str,
    country: str | None = None,
    exporter: tuple[Party, places.City] | None = None,
    consignee: Party | None = None,
    routing: Sequence[str] | None = None,
    **more: Any,
) -> Row:
    """Return an export declaration of ``items``; who and where is left to chance if not given."""
    chance = world.chance
    own, city = exporter or chinese(chance)
    to = COUNTRIES[country] if country else chance.of(places.BUYERS)
    if routing is None:
        routing = places.ways(to, mode, chance) if chance.maybe(0.25) else []
    if chance.maybe(0.6):
        items[0]["documents"].append(document("N380", f"INV{chance.digits(7)}"))
    return declaration(
        world.reference(when),
        items,
        declarant=chance.one(world.brokers),
        exporter=own,
        consignee=consignee or world.buyer(to.code).party,
        office=city.office,
        exit_office=city.office if chance.maybe(0.5) else None,
        destination=to.code,
        routing=routing,
        transport=world.transport(mode, 1 if mode == "sea" and chance.maybe(0.6) else 0),
        **more,
    )
