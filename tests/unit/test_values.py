"""Prices by day and currency against dated bands; masses and packing against what goods can weigh."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest
from declared import row, seen

from detectors import engine

ZINC = {"commodity_code": "7901200000", "description": "Zinc alloy ingots", "net_mass_kg": 500.0}


def priced(amount: float | None, currency: str = "USD", on: str = "2025-06-02", **item: Any) -> dict[str, Any]:
    value = None if amount is None else {"amount": amount, "currency": currency}
    return seen(row(ZINC | {"value": value} | item, on=on))


def test_a_price_is_told_from_the_declared_goods() -> None:
    honest, odd = priced(1500.0), priced(225_000.0)
    assert honest["usd_per_kg"] == pytest.approx(3)
    assert honest["price_substance"] is None
    assert odd["price_over_heading"] == pytest.approx(450 / 8)
    assert "gallium" in odd["price_substances"]
    assert odd["price_low"] / 1.3 <= 450 <= odd["price_high"] * 1.3


def test_money_is_changed_at_the_day_s_rate() -> None:
    rates = engine.default_reference().usd_rate
    for currency, on in (("EUR", "2023-09-01"), ("EUR", "2025-06-02"), ("CNY", "2025-06-02"), ("JPY", "2025-06-02")):
        rate = rates(currency, date.fromisoformat(on))
        assert rate is not None
        assert priced(225_000.0, currency, on)["value_usd"] == pytest.approx(225_000 * rate)
    assert rates("EUR", date(2023, 9, 1)) != rates("EUR", date(2025, 6, 2))
    assert priced(225_000.0, "JPY")["price_substance"] is None


def test_a_currency_without_a_rate_leaves_the_value_unknown() -> None:
    found = priced(225_000.0, "VES")
    assert (found["value_usd"], found["usd_per_kg"], found["price_substance"]) == (None, None, None)


def test_bands_are_those_of_the_day() -> None:
    """Gallium rose: what was a price of gallium in 2025 lay outside its band in 2023; before its control nobody asks."""
    then, now = priced(600_000.0, on="2023-09-01"), priced(600_000.0, on="2025-09-01")
    assert "gallium" not in then["price_substances"]
    assert "gallium" in now["price_substances"]
    assert "gallium" not in priced(225_000.0, on="2023-07-31")["price_substances"]
    assert "gallium" in priced(225_000.0, on="2023-08-01")["price_substances"]


def test_goods_under_the_metal_s_own_code_do_not_wonder_at_its_price() -> None:
    found = priced(225_000.0, commodity_code="8112929010", description="Gallium metal")
    assert "gallium" not in found["price_substances"]
    assert found["price_fits_named"] is True


def test_a_named_metal_that_is_too_cheap() -> None:
    found = priced(1500.0, commodity_code="8112929010", description="Gallium metal 6N")
    assert found["price_fits_named"] is False
    assert found["usd_per_kg"] < found["named_price_low"] / 4


@pytest.mark.parametrize(("net", "gross", "per_kg"), [(500.0, 520.0, 2.0), (None, 500.0, 2.0), (None, None, None)])
def test_gross_mass_stands_in_for_net(net: float | None, gross: float | None, per_kg: float | None) -> None:
    found = priced(1000.0, net_mass_kg=net, gross_mass_kg=gross)
    assert found["usd_per_kg"] == pytest.approx(per_kg) if per_kg else found["usd_per_kg"] is None


# -- masses

TOYS = {"commodity_code": "95030010", "description": "Plastic toys"}


def test_density_against_what_such_goods_can_weigh() -> None:
    light = seen(row(TOYS | {"gross_mass_kg": 1000.0, "volume_m3": 5.0}))
    dense = seen(row(TOYS | {"gross_mass_kg": 10_000.0, "volume_m3": 5.0}))
    assert light["bulk_density"] == pytest.approx(200)
    assert light["light_goods"] is True
    assert light["density_over"] < 1 < dense["density_over"]
    assert dense["density_over"] == pytest.approx(2000 / dense["density_max"])


@pytest.mark.parametrize(("net", "over"), [(999.0, False), (1000.5, False), (1002.0, True), (None, None)])
def test_net_above_gross(net: float | None, over: bool | None) -> None:
    assert seen(row({"net_mass_kg": net, "gross_mass_kg": 1000.0}))["net_over_gross"] is over


def test_packing() -> None:
    found = seen(
        row({"net_mass_kg": 900.0, "gross_mass_kg": 1000.0, "packages": [{"type": "CT", "count": 40}, {"count": 5}]})
    )
    assert found["tare_share"] == pytest.approx(0.1)
    assert found["kg_per_package"] == pytest.approx(20)
    assert found["package_type"] == "CT"


def test_loads_add_up_over_the_items() -> None:
    item = TOYS | {"net_mass_kg": 9000.0, "gross_mass_kg": 10_000.0, "value": {"amount": 100.0, "currency": "USD"}}
    containers = {"transport": {"mode": "sea", "containers": ["A", "B"]}}
    found = seen(row(item, item, **containers))
    assert (found["total_net_kg"], found["total_gross_kg"], found["total_usd"]) == (18_000, 20_000, 200)
    assert found["kg_per_container"] == 10_000
    assert found["all_light_goods"] is True
    assert seen(row(item, item, gross_mass_kg=30_000.0, **containers))["total_gross_kg"] == 30_000
    mixed = seen(row(item, ZINC | {"gross_mass_kg": 510.0}, **containers))
    assert mixed["all_light_goods"] is False
    assert mixed["container_over"] < found["container_over"]


def test_totals_of_nothing_are_unknown() -> None:
    found = seen(row({}, {}))
    for name in (
        "total_net_kg",
        "total_gross_kg",
        "total_usd",
        "kg_per_container",
        "container_over",
        "total_net_over_gross",
    ):
        assert found[name] is None
    assert found["all_light_goods"] is False
