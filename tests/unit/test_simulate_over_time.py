"""Cases over time: labelled, varied, due at the right member, and not to be known by anything but what they are."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from functools import cache
from itertools import islice
from typing import Any, NamedTuple

import pytest
from pydantic_core import to_json

from schemas import decode
from schemas.disposition import Label
from streams.simulate import feed
from streams.simulate.delivery import repeated, shuffled
from streams.simulate.over_time import CASES, LOOK_ALIKE_CASES
from streams.simulate.over_time.running import Running
from streams.simulate.over_time.stage import Stage
from streams.simulate.world import World

END = datetime(2026, 11, 20, tzinfo=UTC)


class Told(NamedTuple):
    row: dict[str, Any]
    label: Label

    @property
    def at(self) -> datetime:
        return datetime.fromisoformat(self.row["lodged_at"])

    @property
    def kg(self) -> float:
        return float(self.row["items"][0]["net_mass_kg"])


@cache
def four_years() -> list[Told]:
    rows = feed(17, 14_000, scenario_share=0.0, cases=60, look_alike_cases=60, firms=200)
    return [Told(row, label) for row, label in rows]


@cache
def by_case() -> dict[str, list[Told]]:
    found = defaultdict(list)
    for told in four_years():
        if told.label.case:
            found[told.label.case].append(told)
    return dict(found)


def cases(name: str) -> Iterator[list[Told]]:
    return (members for case, members in by_case().items() if case.startswith(f"{name}/"))


def test_every_kind_is_told_and_keeps_the_contract() -> None:
    kinds = Counter(case.split("/")[0] for case in by_case())
    assert set(kinds) == {kind.name for kind in (*CASES, *LOOK_ALIKE_CASES)}
    for told in four_years():
        if told.label.case:
            found = decode.row(to_json(told.row))
            assert not decode.unknown_fields(found)


def test_order_ids_and_versions_hold_with_cases_in_the_feed() -> None:
    last: dict[str, int] = {}
    before = ""
    for told in four_years():
        assert told.row["lodged_at"] >= before
        before = told.row["lodged_at"]
        key = told.row["declaration_id"]
        assert told.label.declaration_id == key
        assert told.row["version"] == last.get(key, 0) + 1
        last[key] = told.row["version"]
    assert len(four_years()) == 14_000


def test_the_seed_decides_and_short_periods_leave_out_what_has_no_room() -> None:
    def some(seed: int) -> list[bytes]:
        rows = feed(seed, 1500, END - timedelta(days=300), END, cases=100, look_alike_cases=100, firms=60)
        return [to_json([row, label]) for row, label in rows]

    assert some(4) == some(4) != some(5)
    moment = feed(1, 200, END, END + timedelta(seconds=5), cases=100, look_alike_cases=100, firms=20)
    assert not any("/" in (label.case or "") for _, label in moment)
    year = feed(
        1, 400, END - timedelta(days=365), END, cases=500, scenarios=["route-surge"], scenario_share=0, firms=20
    )
    assert not any("/" in (label.case or "") for _, label in year), "a surge needs a year before a control date"


def test_labels_say_what_is_expected_and_from_when() -> None:
    names = {kind.name: kind for kind in CASES}
    for case, members in by_case().items():
        kind = names.get(case.split("/")[0])
        for told in members:
            label = told.label
            assert label.lodged_at is not None
            if label.typologies:
                assert kind is not None
                assert label.typologies == list(kind.typologies)
                assert label.scenario == kind.name
                assert label.substances
                assert label.due is not None
            else:
                assert (label.scenario, label.due, label.substances) == (None, None, [])
                assert label.look_alike == (case.split("/")[0] if kind is None else None)
    due = Counter(case.split("/")[0] for case, members in by_case().items() if any(t.label.due for t in members))
    told_cases = Counter(case.split("/")[0] for case in by_case())
    for name in names:
        assert due[name] >= 0.6 * told_cases[name], f"{name}: hardly a case ever has enough to be seen"


def test_small_lots_are_due_once_they_add_up() -> None:
    seen = 0
    for name in ("split-shipments", "rare-earths-relabelled"):
        for members in cases(name):
            lots = [told for told in members if told.row["event"] == "lodged"]
            first = next((k for k, told in enumerate(lots) if told.label.due), None)
            if first is None:
                continue
            window = [t for t in lots[: first + 1] if lots[first].at - t.at <= timedelta(days=90)]
            assert len(window) >= 5
            assert not lots[0].label.due
            assert sum(told.kg for told in window) >= 10
            assert max(told.kg for told in lots) < 25
            assert len({told.row["country_of_destination"] for told in lots}) == 1
            seen += 1
    assert seen >= 5
    spellings = {t.row["consignee"]["name"] for members in cases("split-shipments") for t in members}
    assert len(spellings) > len(list(cases("split-shipments"))), "consignees are spelt in several ways"


def drawn(members: list[Told]) -> list[tuple[Told, float, dict[str, Any]]]:
    """Return each draw with what stands drawn after it, and the fullest papers of its licence."""
    papers: dict[str, dict[str, Any]] = {}
    taken: dict[str, dict[str, float]] = defaultdict(dict)
    found = []
    for told in members:
        for paper in told.row["items"][0]["documents"]:
            if paper["type"] != "DUAL-USE-LICENCE":
                continue
            known = papers.setdefault(paper["reference"], paper)
            ledger = taken[paper["reference"]]
            ledger[told.row["declaration_id"]] = 0.0 if told.row["event"] == "cancelled" else told.kg
            found.append((told, sum(ledger.values()), known))
    return found


def test_licences_are_overdrawn_when_they_are_due_and_never_in_look_alikes() -> None:
    over = 0
    for members in cases("licence-overdrawn"):
        for told, total, paper in drawn(members):
            assert told.label.due == (total > paper["quantity_kg"] * 1.05)
            over += bool(told.label.due)
    assert over >= 2
    again = 0
    for name in ("licence-drawn-exactly", "licence-given-back", "licence-well-used", "licence-renewed"):
        for members in cases(name):
            for told, total, paper in drawn(members):
                assert total <= paper["quantity_kg"] * 1.001
                assert paper["issued_on"] <= told.row["lodged_at"][:10] <= paper["expires_on"]
                again += told.row["event"] == "cancelled"
    assert again, "some draws are given back"


def test_a_misused_licence_differs_from_its_papers_only_when_it_is_due() -> None:
    wrong = Counter[str]()
    for members in cases("licence-misused"):
        first = members[0].row
        for told, _, paper in drawn(members):
            row = told.row
            differs = {
                "expired": paper["expires_on"] < row["lodged_at"][:10],
                "holder": row["exporter"]["id"] != first["exporter"]["id"],
                "consignee": row["consignee"]["name"] != first["consignee"]["name"],
                "country": row["country_of_destination"] != first["country_of_destination"],
            }
            assert any(differs.values()) == bool(told.label.due)
            wrong.update(kind for kind, is_so in differs.items() if is_so)
    assert len(wrong) >= 2


def test_licence_numbers_belong_to_one_holder_outside_of_misuse() -> None:
    holders: dict[str, set[str]] = defaultdict(set)
    for told in four_years():
        if (
            told.row["event"] != "lodged"
            or told.label.typologies
            or (told.label.case or "").startswith("licence-misused")
        ):
            continue
        for item in told.row["items"]:
            for paper in item["documents"]:
                if paper["type"] == "DUAL-USE-LICENCE":
                    holders[paper["reference"]].add(told.row["exporter"]["id"])
    assert len(holders) > 100
    assert all(len(found) == 1 for found in holders.values())


def test_a_surge_comes_after_a_year_of_quiet_trade_on_its_lane() -> None:
    told_surges = 0
    for members in cases("route-surge"):
        past = [told for told in members if not told.label.typologies and told.row["event"] == "lodged"]
        after = [told for told in members if told.label.typologies and told.row["event"] == "lodged"]
        assert len({told.row["country_of_destination"] for told in members}) == 1
        if not any(told.label.due for told in after):
            continue
        first = next(told for told in after if told.label.due)
        assert after[0].at - past[0].at >= timedelta(days=300)
        recent = [told for told in after if timedelta(0) <= first.at - told.at <= timedelta(days=60)]
        assert len(recent) >= 4
        usual = sum(told.kg for told in past) / ((past[-1].at - past[0].at).days or 1) * 60
        assert sum(told.kg for told in recent) > 2 * usual
        told_surges += 1
    assert told_surges >= 2


def test_shells_are_new_and_share_what_they_should_not() -> None:
    first_seen: dict[str, datetime] = {}
    for told in four_years():
        if told.row["exporter"] and told.row["exporter"]["id"]:
            first_seen.setdefault(told.row["exporter"]["id"], told.at)
    for members in cases("antimony-shell-orders"):
        shells = {told.row["exporter"]["id"]: told.row["exporter"] for told in members}
        assert len(shells) >= 2
        assert all(first_seen[key] >= members[0].at for key in shells)
        addresses = Counter(shell["address"] for shell in shells.values())
        phones = Counter(shell["phone"] for shell in shells.values() if shell["phone"])
        assert max(addresses.most_common(1)[0][1], phones.most_common(1)[0][1] if phones else 0) >= 2
        assert all(told.kg >= 2000 for told in members)


def test_a_ring_shares_two_contacts_with_its_first_firm_whenever_it_is_due() -> None:
    def plain(text: str | None) -> str | None:
        return None if text is None else re.sub(r"^00|\W", "", text)

    for members in cases("antimony-family-network"):
        own = members[0].row["exporter"]
        assert not members[0].label.due
        for told in members:
            if not told.label.due:
                continue
            roles = [told.row[role] for role in ("exporter", "consignee", "notify", "declarant") if told.row[role]]
            shared = [
                sum(plain(party[kind]) == plain(own[kind]) for kind in ("phone", "email", "address") if party[kind])
                for party in roles
            ]
            assert max(shared) >= 2


def test_evasive_changes_keep_the_mass_and_lose_what_was_flagged() -> None:
    ways = Counter[str]()
    for members in cases("amend-evasive"):
        first, last = members[0].row, members[-1].row
        if len(members) < 2 or last["event"] == "cancelled":
            continue  # the feed ended before it went on
        before, after = first["items"][0], last["items"][0]
        assert after["net_mass_kg"] == pytest.approx(before["net_mass_kg"], rel=0.02)
        assert after["value"]["amount"] == pytest.approx(before["value"]["amount"], rel=0.03)
        same = all(
            (
                before["commodity_code"] == after["commodity_code"],
                before["description"] == after["description"],
                first["country_of_destination"] == last["country_of_destination"],
                first["consignee"]["name"] == last["consignee"]["name"],
            )
        )
        assert not same
        assert members[-1].label.due
        ways[last["event"] if last["declaration_id"] == first["declaration_id"] else "again"] += 1
    assert set(ways) == {"amended", "again"}


def test_prices_jump_and_goods_come_back_at_equal_mass() -> None:
    for members in cases("price-history"):
        per_kg = {
            due: [t.row["items"][0]["value"]["amount"] / t.kg for t in members if bool(t.label.due) is due]
            for due in (0, 1)
        }
        if per_kg[1]:
            assert min(per_kg[1]) > 2.5 * max(per_kg[0])
            assert len(per_kg[0]) >= 10
    for members in cases("origin-relabelled"):
        lodged = [told for told in members if told.row["event"] == "lodged"]
        for came, out in zip(lodged[::2], lodged[1::2], strict=False):
            assert (came.row["regime"], out.row["regime"]) == ("import", "export")
            assert out.kg == pytest.approx(came.kg, rel=0.02)
            assert timedelta(0) < out.at - came.at <= timedelta(days=62)


def features(row: dict[str, Any]) -> Iterator[tuple[str, Any]]:
    """Yield what a detector could cling to that has nothing to do with the goods."""
    regime = row["regime"]
    yield "system", (regime, row["source"]["system"], row["procedure"])
    yield "office", row["office"]
    yield "exit office", row["exit_office"]
    yield "id", (regime, re.sub(r"[A-Z]+", "A", re.sub(r"\d+", "9", row["declaration_id"])))
    yield "mode", (regime, row["transport"]["mode"])
    yield "gross", (regime, row["gross_mass_kg"] is None, row["package_count"] is None)
    for role in ("declarant", "exporter", "consignee", "notify", "traveller", "carrier"):
        party = row[role]
        yield role, (regime, party is not None)
        for kind in ("id", "address", "city", "phone", "email") if party else ():
            yield f"{role} {kind}", (regime, party[kind] is not None)
        if party and party["id"]:
            yield f"{role} id shape", re.sub(r"[A-Z]+", "A", re.sub(r"\d+", "9", party["id"]))
    for item in row["items"]:
        for kind in ("gross_mass_kg", "volume_m3", "quantity", "value", "cas", "origin"):
            yield kind, (regime, item[kind] is not None)
        yield "unit", (regime, item["quantity"] and item["quantity"]["unit"])
        yield "currency", item["value"] and item["value"]["currency"]
        yield "package", (regime, [package["type"] for package in item["packages"]])
        yield "whole kilograms", (regime, (item["net_mass_kg"] or 0.5) % 1 == 0)
        yield "heading", (item["commodity_code"] or "")[:4]
        for paper in item["documents"]:
            yield "document", (paper["type"], re.sub(r"\d", "9", paper["reference"] or ""))
            yield "papers", (paper["type"], tuple(sorted(k for k, v in paper.items() if v is not None)))


def test_nothing_but_the_pattern_tells_a_case_from_honest_trade() -> None:
    honest, injected = Counter[str](), Counter[str]()
    counts = Counter[bool]()
    for told in four_years():
        if told.row["event"] == "lodged":
            positive = bool(told.label.typologies)
            counts[positive] += 1
            (injected if positive else honest).update({f"{kind}: {value}" for kind, value in features(told.row)})
    only = {value: n for value, n in injected.items() if n >= 0.01 * counts[True] and not honest[value]}
    assert not only, "said in cases and nowhere in honest trade"
    mostly = {value: n for value, n in injected.items() if n >= 0.05 * counts[True] and honest[value] < 5}
    assert not mostly


def test_firms_appear_and_vanish_and_some_share_a_brokers_telephone() -> None:
    first: dict[str, datetime] = {}
    last: dict[str, datetime] = {}
    by_broker = set()
    count = Counter[str]()
    for told in four_years():
        exporter = told.row["exporter"]
        if told.row["regime"] == "export" and exporter and not told.label.case and not told.label.look_alike:
            first.setdefault(exporter["id"], told.at)
            last[exporter["id"]] = told.at
            count[exporter["id"]] += 1
            declarant = told.row["declarant"]
            if exporter["phone"] and exporter["phone"] == declarant["phone"] and exporter["id"] != declarant["id"]:
                by_broker.add(exporter["id"])
    often = [key for key, n in count.items() if n >= 20]
    start = four_years()[0].at
    assert any(first[key] > start + timedelta(days=300) for key in often)
    assert any(last[key] < END - timedelta(days=200) for key in often)
    assert 3 < len(by_broker) < 0.3 * len(first)


def test_cases_are_planned_as_lines_and_told_lazily() -> None:
    stage = Stage(World(1, firms=20), END - timedelta(days=900), END)
    running = Running.planned(stage, 1, 5000, 5000)
    begins = [at for at, _ in running]
    assert begins == sorted(begins)
    assert len(begins) > 9000
    assert stage.world.sequence == 0, "nothing has been lodged yet"
    assert len(list(islice(feed(1, 10_000_000, cases=2, look_alike_cases=2, firms=20), 3))) == 3


def test_delivery_out_of_order_is_bounded_and_repeats_are_word_for_word() -> None:
    rows = list(islice(feed(3, 2000, END - timedelta(days=20), END, firms=50), 2000))
    mixed = list(shuffled(rows, 12.0, 5))
    assert mixed != rows
    assert sorted(mixed, key=lambda pair: id(pair[0])) == sorted(rows, key=lambda pair: id(pair[0]))
    latest = ""
    for row, _ in mixed:
        latest = max(latest, row["lodged_at"])
        assert datetime.fromisoformat(latest) - datetime.fromisoformat(row["lodged_at"]) <= timedelta(hours=12)
    assert list(shuffled(rows, 12.0, 5)) == mixed

    twice = list(repeated(rows, 0.1, 5))
    assert 120 < len(twice) - len(rows) < 290
    seen: Counter[int] = Counter(id(row) for row, _ in twice)
    assert set(seen.values()) == {1, 2}
    assert list(dict.fromkeys(id(row) for row, _ in twice)) == [id(row) for row, _ in rows]
