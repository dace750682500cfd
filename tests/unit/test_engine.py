"""The stage functions as the drivers call them: what is news, what is signalled, and how much is said of how many items."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import pytest
from declared import codes, row

from detectors import engine
from detectors._shortening import shortened
from detectors.batch import Batch
from detectors.engine import Screened
from detectors.profiles.keys import block_of, partition_of, split
from schemas import ENGINE_VERSION
from schemas.decode import Row
from schemas.finding import Finding, Verdict
from schemas.signal import Fact

NOW = datetime(2026, 11, 22, tzinfo=UTC)
GALLIUM = {"commodity_code": "8112929010", "description": "Gallium ingots 6N", "net_mass_kg": 500.0}
ZINC = {"commodity_code": "7901200000", "description": "Zinc alloy ingots", "net_mass_kg": 500.0}


def screen(*rows: Row, origins: list[str | None] | None = None) -> Screened:
    return engine.screen(Batch.of(rows, origins), engine.default_reference(), engine.default_models())


# -- what is news


@pytest.mark.parametrize(
    ("fields", "news"),
    [({}, False), ({"version": 2, "event": "amended"}, True), ({"event": "released"}, True), ({"version": 2}, True)],
)
def test_an_honest_declaration_is_news_only_if_something_came_before(fields: dict[str, Any], news: bool) -> None:
    screened = screen(row(ZINC, **fields))
    assert screened.judged == 1
    assert [verdict.findings for verdict in screened.verdicts] == ([[]] if news else [])
    assert all(verdict.declaration == {} for verdict in screened.verdicts)


def test_findings_are_news() -> None:
    [verdict] = screen(row(GALLIUM), origins=["declarations/3@1180"]).verdicts
    assert verdict.findings
    assert verdict.declaration["declaration_id"] == "d1"
    assert verdict.provenance["origin"] == "declarations/3@1180"
    assert verdict.provenance["engine"] == ENGINE_VERSION
    assert verdict.provenance["reference"] == engine.default_reference().version
    assert verdict.provenance["rules"] == engine.default_models().rules.version


def test_a_cancelled_declaration_has_no_findings() -> None:
    [verdict] = screen(row(GALLIUM, event="cancelled", version=2)).verdicts
    assert (verdict.event, verdict.findings, verdict.declaration) == ("cancelled", [], {})


def test_a_verdict_comes_back_from_json_as_it_was() -> None:
    for verdict in screen(row(GALLIUM), row(GALLIUM, regime="passenger")).verdicts:
        assert Verdict.model_validate_json(verdict.model_dump_json(by_alias=True)) == verdict


# -- facts


def test_facts_of_goods_that_controls_concern_are_told_in_full_others_in_brief() -> None:
    exporter = {"id": "CN1", "name": "Hunan Yongli", "country": "CN", "phone": "+86 731 8888 1234"}
    watched, brief = screen(row(ZINC, GALLIUM, exporter=exporter), row(ZINC, exporter=exporter)).facts
    assert (watched.watched, brief.watched) == (True, False)
    gallium, zinc = watched.goods
    assert (gallium.substance, gallium.hs6, gallium.net_mass_kg) == ("gallium", "811292", 500.0)
    assert (zinc.substance, zinc.element) == (None, None)
    assert [contact.kind for contact in watched.contacts] == ["phone"]
    assert (brief.goods, brief.contacts, brief.net_mass_kg) == ([], [], 500.0)
    assert {who.key for who in watched.parties} == {who.key for who in brief.parties}
    assert Fact.model_validate_json(watched.model_dump_json(exclude_defaults=True)) == watched


def test_brief_facts_are_what_the_contract_takes() -> None:
    exporter = {"id": "91430100MA4L16JQ01", "name": "Hunan Yongli", "country": "CN"}
    [brief] = screen(row(ZINC, exporter=exporter)).facts
    assert not brief.watched
    assert Fact.model_validate_json(brief.model_dump_json()) == brief
    assert Fact.model_validate_json(brief.model_dump_json(exclude_defaults=True)) == brief


def test_contacts_and_persons_leave_as_hashes() -> None:
    traveller = {"id": "P-E1234567", "name": "Zhang Wei-Example", "phone": "+86 138 0013 8000", "country": "CN"}
    [fact] = screen(row(GALLIUM, regime="passenger", traveller=traveller)).facts
    told = fact.model_dump_json()
    assert fact.parties
    assert not any(private in told for private in ("E1234567", "Zhang", "0013 8000", "13800138000"))


def test_keys_divide_by_partition_and_each_part_has_its_facts() -> None:
    exporter = {"id": "CN1", "name": "Hunan Yongli"}
    rows = [row(GALLIUM, declaration_id=f"d{n}", exporter=exporter | {"id": f"91430100MA4L16JQ{n}"}) for n in range(20)]
    block = block_of(screen(*rows).facts, "declarations/0@1")
    parts = split(block, 4)
    assert len(parts) == 4
    told = [
        (signal.key, part.facts[signal.fact].declaration_id, partition_of(signal.key, 4) == partition)
        for partition, part in parts.items()
        for signal in part.signals
    ]
    assert sorted(told) == sorted((s.key, block.facts[s.fact].declaration_id, True) for s in block.signals)


# -- very many items


@pytest.fixture(scope="module")
def crowd() -> Row:
    """Return the largest declaration there is: 9,999 items, each of them gallium under zinc's code."""
    value = {"amount": 225_000.0, "currency": "USD"}
    packages = [{"type": "DR", "count": 20, "marks": "GALLIUM LOT 4711"}]
    item = ZINC | {"description": "Zinc alloy, 金属镓 99.9999%", "value": value, "packages": packages}
    return row(*[item] * 9_999)


def test_9999_hits_are_counted_and_the_alert_stays_small(crowd: Row) -> None:
    screened = screen(crowd)
    [verdict] = screened.verdicts
    by_rule: dict[str, list[Finding]] = {}
    for finding in verdict.findings:
        by_rule.setdefault(finding.detector, []).append(finding)
    assert max(map(len, by_rule.values())) == 20
    assert all(
        "(9999 items in all, the 20 strongest listed.)" in found[0].explanation
        for found in by_rule.values()
        if found[0].item
    )
    correlated = engine.correlate(screened.verdicts, {}, NOW)
    [alert] = correlated.alerts
    for model in (verdict, alert, *correlated.cases):
        assert len(model.model_dump_json(by_alias=True).encode()) < 1_000_000
    assert len(alert.declaration["items"]) + alert.declaration["items_left_out"] == 9_999
    assert {finding.item for finding in verdict.findings if finding.item} <= {
        item["number"] for item in alert.declaration["items"]
    }
    assert len(crowd["items"]) == 9_999


def test_long_texts_do_not_swell_an_alert() -> None:
    """A description may have 8,192 characters, and an explanation may quote it."""
    dear = {
        "description": "货物" * 4096,
        "net_mass_kg": 10.0,
        "value": {"amount": 50_000.0, "currency": "USD"},
        "commodity_code": "7901200000",
    }
    screened = screen(row(*[dear] * 300))
    [verdict] = screened.verdicts
    assert any(finding.code == "VAGUE-DESCRIPTION" for finding in verdict.findings)
    assert Verdict.model_validate_json(verdict.model_dump_json(by_alias=True)) == verdict
    [alert] = engine.correlate(screened.verdicts, {}, NOW).alerts
    assert len(alert.model_dump_json(by_alias=True).encode()) < 1_000_000


def test_filler_does_not_crowd_out_the_strongest() -> None:
    """The 25 weak items before the telling one are named in plain spelling, light and few; the last is disguised."""
    weak = ZINC | {"description": "Gallium metal", "net_mass_kg": 0.03}
    [verdict] = screen(row(*[weak] * 25, ZINC | {"description": "Zinc, G a l l i u m metal"})).verdicts
    named = [finding for finding in verdict.findings if finding.detector == "name-against-code"]
    assert len(named) == 20
    assert named[-1].item == 26
    assert named[-1].score > named[0].score


def test_shortening_keeps_what_matters() -> None:
    many = {"items": [{"number": n, "packages": [{}] * 99, "documents": []} for n in range(1, 101)], "transport": None}
    short = shortened(many, {100, 7})
    numbers = [item["number"] for item in short["items"]]
    assert {7, 100} <= set(numbers)
    assert numbers == sorted(numbers)
    assert len(numbers) + short["items_left_out"] == 100
    assert short["items"][0]["packages_left_out"] == 79
    assert len(many["items"]) == 100
    few = {"items": [{"number": 1, "packages": [], "documents": []}], "transport": {"containers": ["A"]}}
    assert shortened(few, {1}) == few


def test_hidden_names_are_found_through_the_whole_engine() -> None:
    assert {"MISLABEL-NAME", "CONTROL-NO-LICENCE"} <= codes(row(ZINC | {"description": "Zinc, G a l l i u m metal"}))
    assert codes(row(ZINC)) == set()


def test_ids_of_findings_are_the_same_for_ever() -> None:
    [verdict] = screen(row(GALLIUM)).verdicts
    again = screen(row(ZINC, declaration_id="other"), row(GALLIUM)).verdicts[-1]
    assert json.loads(again.model_dump_json()) == json.loads(verdict.model_dump_json())
    assert len({finding.finding_id for finding in verdict.findings}) == len(verdict.findings)
