"""The injected scenarios: named, labelled, varied, and only on days on which they would be an offence."""

from __future__ import annotations

import unicodedata
from collections import defaultdict
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from pydantic_core import to_json

from detectors.evaluation import EXPECTED
from schemas import decode
from streams.simulate import SCENARIOS, feed
from streams.simulate.over_time import CASES
from streams.simulate.plot import Scenario, Scene
from streams.simulate.prices import level
from streams.simulate.substances import ANTIMONY, us_banned
from streams.simulate.world import World

_TOLD = 60
_DAYS = [datetime(2025, 5, 20, 8, tzinfo=UTC), datetime(2026, 11, 22, 8, tzinfo=UTC)]
_BY_NAME = {scenario.name: scenario for scenario in SCENARIOS}


def stories(name: str, when: datetime = _DAYS[0], memory: bool = False, count: int = _TOLD) -> list[list[Scene]]:
    world = World(17, firms=20)
    return [_BY_NAME[name].tell(world, when, memory) for _ in range(count)]


def rows(name: str, when: datetime = _DAYS[0], memory: bool = False, count: int = _TOLD) -> list[dict[str, Any]]:
    return [scene.row for story in stories(name, when, memory, count) for scene in story]


def licensed(row: dict[str, Any]) -> bool:
    return any(d["type"] == "DUAL-USE-LICENCE" for item in row["items"] for d in item["documents"])


def test_they_are_the_cases() -> None:
    assert {*_BY_NAME, *(kind.name for kind in CASES)} == set(EXPECTED)
    assert [s.name for s in SCENARIOS if not s.stateless] == ["antimony-shell-orders"]


@pytest.mark.parametrize("scenario", SCENARIOS, ids=lambda s: s.name)
@pytest.mark.parametrize("when", _DAYS, ids=lambda d: f"{d:%Y-%m}")
def test_each_keeps_the_contract_and_varies(scenario: Scenario, when: datetime) -> None:
    found = rows(scenario.name, when, memory=True)
    texts = set()
    for row in found:
        row["lodged_at"] = when.isoformat()
        decode.row(to_json(row))
        texts.update(item["description"] for item in row["items"])
    assert len(texts) > 5
    assert len({row["declaration_id"] for row in found}) == len(found)


@pytest.mark.parametrize("scenario", SCENARIOS, ids=lambda s: s.name)
def test_each_begins_at_once_and_names_its_substance(scenario: Scenario) -> None:
    for story in stories(scenario.name, memory=True, count=10):
        assert story[0].days == 0
        assert [scene.days for scene in story] == sorted(scene.days for scene in story)
        assert all(scene.substances for scene in story)


def test_labels_of_positives_are_complete() -> None:
    by_scenario = defaultdict(int)
    for row, label in feed(21, 4000, scenario_share=0.2, firms=50):
        if label.typologies:
            scenario = _BY_NAME[label.scenario or ""]
            assert label.typologies == list(scenario.typologies)
            assert label.substances
            assert label.due is not None
            assert scenario.possible(date.fromisoformat(row["lodged_at"][:10])) or row["event"] != "lodged"
            by_scenario[scenario.name] += 1
        else:
            assert not label.substances
            assert label.scenario is None
    assert set(by_scenario) == set(_BY_NAME)


def test_nothing_is_an_offence_before_the_law() -> None:
    before = datetime(2023, 7, 31, tzinfo=UTC)
    assert not any(scenario.possible(before.date()) for scenario in SCENARIOS)
    told = feed(3, 500, before - timedelta(days=90), before, scenario_share=1.0, look_alike_share=0, firms=20)
    assert not any(label.typologies for _, label in told)
    assert _BY_NAME["germanium-controlled-same-law"].possible(date(2023, 8, 1))
    assert not _BY_NAME["antimony-third-country"].possible(date(2024, 9, 14))
    assert _BY_NAME["antimony-third-country"].possible(ANTIMONY.controlled)
    assert not _BY_NAME["rare-earths-relabelled"].possible(date(2025, 4, 3))


@pytest.mark.parametrize(
    ("day", "banned"),
    [
        (date(2024, 12, 2), False),
        (date(2024, 12, 3), True),
        (date(2025, 11, 8), True),
        (date(2025, 11, 9), False),
        (date(2026, 11, 27), False),
        (date(2026, 11, 28), True),
    ],
)
def test_the_ban_to_the_united_states_by_day(day: date, banned: bool) -> None:
    assert us_banned(day) is banned


def test_in_the_suspension_only_military_end_users_are_an_offence() -> None:
    military = ("Naval", "Army", "Air Force", "Defense", "Self-Defense")
    for row in rows("controls-calendar", datetime(2026, 3, 1, tzinfo=UTC)):
        told = [row["consignee"]["name"], *(d.get("end_user") or "" for d in row["items"][0]["documents"])]
        assert any(word in name for name in told for word in military)
        assert licensed(row)
    banned = rows("controls-calendar", datetime(2025, 5, 1, tzinfo=UTC))
    assert all(row["country_of_destination"] == "US" for row in banned)
    assert any(licensed(row) for row in banned)
    assert any(not licensed(row) for row in banned)


def test_hand_carried_bottles_are_small_and_single() -> None:
    found = rows("gallium-hand-carried")
    assert {row["regime"] for row in found} == {"passenger", "postal"}
    for row in found:
        (bottle,) = row["items"]
        assert 0.5 <= bottle["net_mass_kg"] <= 5
        assert bottle["packages"][0]["type"] == "BO"
        assert bottle["packages"][0]["count"] == 1


def test_a_guise_shows_by_price_or_by_name() -> None:
    names = (
        "gallium",
        "germani",
        "镓",
        "鎵",
        "锗",
        "鍺",
        "галли",
        "герман",
        "galio",
        "ga ",
        "ga2o3",
        "geo2",
        "ge ",
        "7440",
        "1310",
        "12024",
    )
    dear = named = 0
    for row in rows("gallium-as-legitimate-product", count=200):
        goods = row["items"][0]
        assert goods["commodity_code"][:6] not in ("811292", "282560", "282590")
        by_price = goods["value"]["amount"] / goods["net_mass_kg"] > 150
        text = " ".join(str(t) for t in (goods["description"], goods["packages"][0]["marks"], goods["cas"]))
        plain = unicodedata.normalize("NFKC", text).lower().replace("\u200b", "")
        by_name = any(name in plain for name in names)
        dear += by_price
        named += by_name
    assert dear > 130
    assert named > 60


def test_germanium_goes_without_a_licence_under_its_own_code() -> None:
    for row in rows("germanium-controlled-same-law"):
        assert not licensed(row)
        assert row["items"][0]["commodity_code"][:6] in ("811292", "282560")


def test_third_country_leads_to_the_united_states() -> None:
    for row in rows("antimony-third-country"):
        assert row["country_of_destination"] in ("TH", "MX", "VN", "MY")
        named = {(row[role] or {}).get("country") for role in ("consignee", "notify")} | set(row["routing"])
        assert "US" in named


def test_cover_cargo_is_too_heavy_somewhere() -> None:
    honest_most_kg = 60
    for row in rows("antimony-in-cover-cargo"):
        signs = []
        for item in row["items"]:
            package = item["packages"][0]
            each = item["net_mass_kg"] / package["count"]
            dense = item["volume_m3"] is not None and item["net_mass_kg"] / item["volume_m3"] > 1200
            signs.append(each > honest_most_kg or dense)
        assert sum(signs) == 1, "one item hides the ingots, the others are honest"


def test_family_network_shares_two_contacts_within_a_shipment_if_memory_is_not_wanted() -> None:
    def links(row: dict[str, Any]) -> int:
        own = row["exporter"]
        others = [row[role] for role in ("consignee", "notify") if row[role]]
        return max(
            sum(o[kind] is not None and o[kind] == own[kind] for kind in ("phone", "email", "address")) for o in others
        )

    assert all(links(row) >= 2 for row in rows("antimony-family-network", memory=False))
    remembered = rows("antimony-family-network", memory=True, count=40)
    assert any(links(row) < 2 for row in remembered), "some rings show only across their shipments"


def test_shells_share_an_address_and_are_new() -> None:
    for story in stories("antimony-shell-orders", memory=True, count=20):
        exporters = [scene.row["exporter"] for scene in story]
        assert len({e["id"] for e in exporters}) == len(exporters) >= 3
        assert len({e["address"] for e in exporters}) == 1
        assert all(scene.row["items"][0]["net_mass_kg"] >= 3000 for scene in story)


def test_parcels_are_many_and_small() -> None:
    parcels = [s for s in stories("rare-earths-relabelled", memory=True) if len(s) > 1]
    assert parcels
    for story in parcels:
        assert 4 <= len(story) <= 12
        assert len({str(scene.row["consignee"]) for scene in story}) == 1
        assert all(scene.row["items"][0]["net_mass_kg"] <= 20 for scene in story)


@pytest.mark.parametrize(
    ("substance", "day", "low", "high"),
    [
        ("gallium", date(2024, 7, 1), 430, 450),
        ("germanium", date(2023, 7, 1), 1380, 1400),
        ("germanium", date(2025, 10, 15), 5300, 5400),
        ("antimony", date(2024, 7, 10), 20, 23),
        ("antimony", date(2025, 6, 15), 59, 62),
        ("antimony", date(2030, 1, 1), 44, 46),
        ("gallium", date(2000, 1, 1), 270, 280),
    ],
)
def test_prices_follow_the_published_levels(substance: str, day: date, low: float, high: float) -> None:
    assert low <= level(substance, day) <= high


def test_a_feed_can_be_kept_to_some_scenarios() -> None:
    start = datetime(2025, 5, 1, tzinfo=UTC)
    end = start + timedelta(days=30)
    wanted = ["gallium-hand-carried", "controls-calendar"]
    told = {label.scenario for _, label in feed(2, 600, start, end, scenario_share=0.3, scenarios=wanted, firms=20)}
    assert told == {None, *wanted}
    stateless = {label.scenario for _, label in feed(2, 600, start, end, scenario_share=0.3, memory=False, firms=20)}
    assert "antimony-shell-orders" not in stateless
