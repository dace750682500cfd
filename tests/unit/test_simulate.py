"""The simulated feed: contract, determinism, order, shares, variety."""

from __future__ import annotations

import json
from collections import Counter
from datetime import UTC, date, datetime, timedelta
from functools import cache
from itertools import islice
from typing import Any

import pytest
from pydantic_core import to_json

from schemas import decode
from schemas.disposition import Label
from streams.simulate import DEFAULT_END, DEFAULT_START, feed
from streams.simulate.calendar import day_weight, lodgements
from streams.simulate.chance import Chance
from streams.simulate.goods import GOODS
from streams.simulate.look_alikes import LOOK_ALIKES
from streams.simulate.world import World, _container

Told = list[tuple[dict[str, Any], Label]]


@cache
def four_years() -> Told:
    return list(feed(5, 6000, firms=300))


def test_every_row_keeps_the_contract() -> None:
    for row, _ in four_years():
        raw = to_json(row)
        found = decode.row(raw)
        assert not decode.unknown_fields(found)
        assert decode.declaration(raw).declaration_id == row["declaration_id"]


def test_the_seed_decides_everything() -> None:
    def bytes_of(seed: int) -> list[bytes]:
        return [to_json(row) + to_json(label) for row, label in feed(seed, 400, firms=100)]

    assert bytes_of(7) == bytes_of(7)
    assert bytes_of(7) != bytes_of(8)


def test_the_count_of_events_is_exact_and_time_never_goes_back() -> None:
    rows = [row for row, _ in four_years()]
    assert len(rows) == 6000
    times = [decode.row(to_json(row))["lodged_at"] for row in rows]
    assert times == sorted(times)
    assert times[0] >= DEFAULT_START
    assert times[-1] < DEFAULT_END


def test_the_default_period_does_not_reach_into_the_future() -> None:
    arrived = datetime(2026, 11, 22, tzinfo=UTC)
    raw = to_json(four_years()[-1][0])
    assert decode.row(raw, latest=arrived)["lodged_at"] < arrived


@pytest.mark.parametrize("seconds", [2, 90, 86_400])
def test_a_short_period_holds_a_whole_feed(seconds: int) -> None:
    start = datetime(2026, 11, 22, 9, 30, tzinfo=UTC)
    rows = [row for row, _ in feed(3, 500, start, start + timedelta(seconds=seconds), firms=50)]
    assert len(rows) == 500
    assert rows[0]["lodged_at"] >= "2026-11-22T09:30:00.000Z"
    assert {row["event"] for row in rows} >= {"lodged", "amended"}


def test_a_period_that_ends_first_is_refused() -> None:
    with pytest.raises(ValueError, match="before it starts"):
        next(feed(1, 1, DEFAULT_END, DEFAULT_START, firms=10))


def test_an_unknown_scenario_is_refused_with_the_known_names() -> None:
    with pytest.raises(ValueError, match="gallium-hand-carried"):
        next(feed(1, 1, scenarios=["gallium-in-a-hat"], firms=10))


def test_ids_belong_to_one_declaration_and_versions_follow() -> None:
    last: dict[str, dict[str, Any]] = {}
    events: Counter[str] = Counter()
    for row, label in four_years():
        assert label.declaration_id == row["declaration_id"]
        before = last.get(row["declaration_id"])
        if row["event"] == "lodged":
            assert before is None
            assert row["version"] == 1
        else:
            assert before is not None
            assert row["version"] == before["version"] + 1
            assert row["items"] == before["items"], "an amendment restates the declaration"
        last[row["declaration_id"]] = row
        events[row["event"]] += 1
    assert 0.01 < events["amended"] / 6000 < 0.03
    assert 0.002 < events["cancelled"] / 6000 < 0.01


def test_positive_declarations_are_never_cancelled() -> None:
    cancelled = [label for row, label in feed(2, 4000, scenario_share=0.5, firms=50) if row["event"] == "cancelled"]
    assert cancelled
    assert not any(label.typologies for label in cancelled)


def test_duplicates_repeat_a_row_word_for_word() -> None:
    seen: dict[tuple[str, int], bytes] = {}
    twice = 0
    for row, _ in feed(4, 2000, duplicate_share=0.1, firms=50):
        key, raw = (row["declaration_id"], row["version"]), to_json(row)
        if key in seen:
            assert seen[key] == raw
            twice += 1
        seen[key] = raw
    assert 120 < twice < 260


def test_without_scenarios_and_look_alikes_all_is_honest() -> None:
    labels = [label for _, label in feed(6, 800, scenario_share=0, look_alike_share=0, firms=50)]
    assert not any(label.typologies or label.look_alike or label.scenario for label in labels)


def test_shares_are_those_asked_for() -> None:
    start = datetime(2025, 5, 1, tzinfo=UTC)
    labels = {
        label.declaration_id: label
        for _, label in feed(9, 8000, start, start + timedelta(days=60), look_alike_share=0.1, firms=50)
    }
    honest = [label for label in labels.values() if not label.typologies]
    assert 0.08 < sum(label.look_alike is not None for label in honest) / len(labels) < 0.12
    assert 0.01 < sum(bool(label.typologies) for label in labels.values()) / len(labels) < 0.08


def test_it_looks_like_a_national_feed() -> None:
    rows = [row for row, label in four_years() if not label.typologies]
    items = [item for row in rows for item in row["items"]]
    regimes = Counter(row["regime"] for row in rows)
    assert set(regimes) == {"export", "import", "transit", "entry_summary", "passenger", "postal"}
    assert 3.0 < len(items) / len(rows) < 4.2
    assert 1700 < sum(len(to_json(row)) for row in rows) / len(rows) < 2900
    texts = " ".join(item["description"] or "" for item in items)
    assert any("\u4e00" <= c <= "\u9fff" for c in texts)
    assert any("\u0400" <= c <= "\u04ff" for c in texts)
    assert all(row["mrn"] is None for row in rows)
    for row in rows:
        if row["regime"] in ("transit", "entry_summary"):
            assert all(item["value"] is None for item in row["items"])
        assert (row["traveller"] is not None) == (row["regime"] == "passenger")
    origin_told = sum(item["origin"] is not None for item in items) / len(items)
    assert 0.15 < origin_told < 0.5
    assert sum(item["volume_m3"] is not None for item in items) / len(items) < 0.1


def test_few_firms_lodge_most() -> None:
    counts = Counter(
        row["exporter"]["id"] for row, label in four_years() if row["regime"] == "export" and not label.look_alike
    )
    most = [count for _, count in counts.most_common(30)]
    assert len(counts) > 150
    assert sum(most) > 0.25 * sum(counts.values())


def test_a_firm_stays_in_its_line_of_business() -> None:
    lines = {good.code: good.line for good in GOODS if good.code != "850440"}
    of_firm: dict[str, set[str]] = {}
    for row, label in four_years():
        if row["regime"] == "export" and label.look_alike is None and not label.typologies:
            known = {lines[i["commodity_code"][:6]] for i in row["items"] if i["commodity_code"][:6] in lines}
            of_firm.setdefault(row["exporter"]["id"], set()).update(known)
    assert of_firm
    assert all(len(found) <= 1 for found in of_firm.values())


def test_every_look_alike_keeps_the_contract_and_its_dates() -> None:
    world = World(1, firms=20)
    for when in (datetime(2023, 3, 1, tzinfo=UTC), datetime(2024, 10, 1, tzinfo=UTC), datetime(2026, 3, 1, tzinfo=UTC)):
        for kind in LOOK_ALIKES:
            if kind.possible(when.date()):
                row = kind.make(world, when)
                row["lodged_at"] = when.isoformat()
                decode.row(to_json(row))
    names = [kind.name for kind in LOOK_ALIKES]
    assert len(names) == len(set(names))


def test_licensed_goods_carry_a_licence_in_force() -> None:
    found = 0
    for row, label in feed(11, 2500, look_alike_share=1.0, scenario_share=0, firms=30):
        if label.look_alike and ("licensed" in label.look_alike or label.look_alike == "third-country-smelter"):
            day = row["lodged_at"][:10]
            papers = [d for i in row["items"] for d in i["documents"] if d["type"] == "DUAL-USE-LICENCE"]
            assert papers
            for paper in papers:
                assert paper["issued_on"] <= day <= paper["expires_on"]
                assert paper["quantity_kg"] >= row["items"][0]["net_mass_kg"] - 0.1
                assert paper["holder"] == row["exporter"]["name"]
                assert paper["end_user"] == row["consignee"]["name"]
            found += 1
    assert found > 120


def test_the_year_has_its_seasons() -> None:
    assert day_weight(date(2025, 1, 30)) < 0.5 * day_weight(date(2025, 3, 6))  # Chinese New Year
    assert day_weight(date(2025, 11, 30)) < day_weight(date(2025, 11, 28))  # a Sunday
    months = Counter(when.month for when in lodgements(5000, DEFAULT_START, datetime(2024, 1, 1, tzinfo=UTC)))
    assert months[2] < months[9]


def test_containers_have_their_check_digit() -> None:
    letters = {letter: 10 + k + (k + 9) // 10 for k, letter in enumerate("ABCDEFGHIJKLMNOPQRSTUVWXYZ")}
    assert letters["U"] == 32  # ISO 6346 leaves out the multiples of eleven
    chance = Chance(1)
    for _ in range(50):
        number = _container(chance)
        values = [letters[c] if c.isalpha() else int(c) for c in number[:10]]
        assert sum(v * 2**k for k, v in enumerate(values)) % 11 % 10 == int(number[10])
    assert sum((letters[c] if c.isalpha() else int(c)) * 2**k for k, c in enumerate("MSKU123456")) % 11 % 10 == 5


def test_the_feed_is_lazy() -> None:
    first = list(islice(feed(1, 50_000_000, firms=20), 3))
    assert [json.loads(to_json(row))["version"] for row, _ in first] == [1, 1, 1]
