"""The smuggling scenarios, one file each, named as in the project's list of cases."""

from streams.simulate.plot import Scenario
from streams.simulate.scenarios import (
    antimony_family_network,
    antimony_in_cover_cargo,
    antimony_shell_orders,
    antimony_third_country,
    controls_calendar,
    gallium_as_legitimate_product,
    gallium_hand_carried,
    germanium_controlled_same_law,
    rare_earths_relabelled,
)

SCENARIOS: tuple[Scenario, ...] = (
    gallium_hand_carried.SCENARIO,
    gallium_as_legitimate_product.SCENARIO,
    germanium_controlled_same_law.SCENARIO,
    antimony_family_network.SCENARIO,
    antimony_shell_orders.SCENARIO,
    antimony_third_country.SCENARIO,
    antimony_in_cover_cargo.SCENARIO,
    rare_earths_relabelled.SCENARIO,
    controls_calendar.SCENARIO,
)
