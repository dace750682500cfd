"""Routes: lengths, third countries, countries of record, and where goods seem to go on to."""

from __future__ import annotations

from typing import Any

import pytest
from declared import row, seen

from detectors import engine
from detectors._routes import same_territory

ANTIMONY = {"commodity_code": "8110101000", "description": "Antimony ingots 99.65%", "net_mass_kg": 20_000.0}


def routed(
    *routing: str, to: str | None = "DE", start: str | None = "CN", item: dict[str, Any] | None = None, **fields: Any
) -> dict[str, Any]:
    return seen(row(item or {}, country_of_export=start, country_of_destination=to, routing=list(routing), **fields))


def test_lengths_are_great_circles() -> None:
    distance = engine.default_reference().distance_km
    found = routed("CN", "BR", "DE")
    assert found["direct_km"] == pytest.approx(distance("CN", "DE"))
    assert found["route_km"] == pytest.approx(distance("CN", "BR") + distance("BR", "DE"))
    assert found["detour_ratio"] == pytest.approx(found["route_km"] / found["direct_km"])
    assert found["detour_ratio"] > 2.2
    assert found["detour_extra_km"] == pytest.approx(found["route_km"] - found["direct_km"])


@pytest.mark.parametrize("routing", [(), ("CN",), ("CN", "DE"), ("CN", "CN", "DE", "DE")])
def test_the_direct_way_is_no_detour_however_written(routing: tuple[str, ...]) -> None:
    found = routed(*routing)
    assert found["detour_ratio"] == pytest.approx(1)
    assert found["third_country_count"] == 0
    assert not found["returns_home"]


def test_third_countries() -> None:
    found = routed("CN", "VN", "SG", "VN", "DE")
    assert found["third_countries"] == ["VN", "SG"]
    assert found["third_country_count"] == 2
    assert found["via_hub"] == "SG"


def test_a_way_that_comes_back() -> None:
    assert routed("CN", "VN", "CN", "DE")["returns_home"]


@pytest.mark.parametrize(("start", "to"), [(None, "DE"), ("CN", None)])
def test_an_open_end_leaves_lengths_unknown(start: str | None, to: str | None) -> None:
    found = routed("VN", "SG", start=start, to=to)
    assert [found[name] for name in ("route_km", "direct_km", "detour_ratio")] == [None, None, None]


def test_a_place_without_a_position_leaves_lengths_unknown() -> None:
    assert routed("CN", "QQ", "DE")["route_km"] is None


def test_countries_of_record_count_for_their_metal_only() -> None:
    on_way = routed("CN", "TH", "US", to="US", item=ANTIMONY)
    assert (on_way["risk_country"], on_way["risk_country_is"]) == ("TH", "on the way")
    there = routed("CN", "TH", to="TH", item=ANTIMONY)
    assert (there["risk_country"], there["risk_country_is"]) == ("TH", "destination")
    assert routed("CN", "TH", "US", to="US")["risk_country"] is None
    assert (
        routed("CN", "TH", "US", to="US", item={"commodity_code": "95030010", "description": "Toys"})["risk_country"]
        is None
    )


def test_oxides_pass_where_the_metal_passes() -> None:
    oxide = {"commodity_code": "2825800010", "description": "Antimony trioxide 99.99%"}
    assert routed("CN", "VN", to="VN", item=oxide)["risk_country"] == "VN"


def party(country: str | None) -> dict[str, Any]:
    return {"name": "Some Firm", "country": country}


@pytest.mark.parametrize(
    ("to", "parties", "onward"),
    [
        ("TH", {"notify": party("US")}, ("US", "notify")),
        ("TH", {"consignee": party("US")}, ("US", "consignee")),
        ("TH", {"consignee": party("TH")}, (None, None)),
        ("TH", {"consignee": party("CN")}, (None, None)),  # the sender's own branch
        ("TH", {"consignee": party("HK")}, (None, None)),
        ("NL", {"consignee": party("DE")}, (None, None)),  # one customs territory
        ("TH", {"consignee": party(None)}, (None, None)),
        (None, {"consignee": party("US")}, (None, None)),
    ],
)
def test_parties_beyond_the_destination(to: str | None, parties: dict[str, Any], onward: tuple[Any, Any]) -> None:
    found = routed(to=to, **parties)
    assert (found["onward_country"], found["onward_role"]) == onward


def test_territories() -> None:
    assert same_territory("DE", "NL")
    assert same_territory("US", "US")
    assert not same_territory("US", "MX")
    assert not same_territory("US", None)


@pytest.mark.parametrize(
    ("fields", "country"),
    [
        ({}, "CN"),
        ({"regime": "passenger"}, "CN"),
        ({"regime": "import"}, None),
        ({"regime": "transit"}, None),
        ({"country_of_export": None, "exporter": party("KR")}, "KR"),
        ({"country_of_export": None, "routing": ["MY", "DE"]}, "MY"),
        ({"country_of_export": None}, None),
    ],
)
def test_whose_controls_apply(fields: dict[str, Any], country: str | None) -> None:
    assert seen(row({}, **fields))["exporting_from"] == country


@pytest.mark.parametrize(
    ("fields", "luggage"),
    [
        ({"regime": "passenger"}, True),
        ({"regime": "postal"}, True),
        ({"transport": {"mode": "post", "containers": []}}, True),
        ({"transport": {"mode": "sea", "containers": []}}, False),
        ({}, False),
    ],
)
def test_luggage(fields: dict[str, Any], luggage: bool) -> None:
    assert seen(row({}, **fields))["luggage"] is luggage
