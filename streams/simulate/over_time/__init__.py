"""Cases over time: patterns that several declarations make together, and honest trade that looks like them."""

from streams.simulate.over_time import (
    amend_evasive,
    family_network,
    hand_carried,
    lane_rarity,
    licences,
    price_history,
    relabelled,
    route_surge,
    shell_orders,
    split_look_alikes,
    split_shipments,
)
from streams.simulate.over_time.story import Kind

CASES: tuple[Kind, ...] = (
    *split_shipments.KINDS,
    *hand_carried.KINDS,
    *licences.KINDS,
    *route_surge.KINDS,
    *lane_rarity.KINDS,
    *shell_orders.KINDS,
    *family_network.KINDS,
    *amend_evasive.KINDS,
    *relabelled.KINDS,
    *price_history.KINDS,
)
LOOK_ALIKE_CASES: tuple[Kind, ...] = (
    *split_look_alikes.KINDS,
    *hand_carried.LOOK_ALIKES,
    *licences.LOOK_ALIKES,
    *route_surge.LOOK_ALIKES,
    *lane_rarity.LOOK_ALIKES,
    *shell_orders.LOOK_ALIKES,
    *family_network.LOOK_ALIKES,
    *amend_evasive.LOOK_ALIKES,
    *relabelled.LOOK_ALIKES,
    *price_history.LOOK_ALIKES,
)

__all__ = ["CASES", "LOOK_ALIKE_CASES", "Kind"]
