"""What every profile must hold: the same final verdicts in any order, in any cuts, however often a fact comes."""

from __future__ import annotations

import random
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from detectors import engine
from detectors.profiles.keys import block_of, partition_of, split
from detectors.profiles.profile import Profile
from detectors.profiles.stage import LATENESS, SINCE, Placed, read
from schemas.signal import Contact, Fact, Feedback, Goods, LicenceUse, SignalBlock, Who

START = datetime(2026, 3, 1, 8, tzinfo=UTC)
#: Within the lateness, so that any order must do.
SPAN_DAYS = LATENESS.days - 1
PROFILES = engine.profiles()

Final = dict[tuple[str, int, str], list[str]]


def _party(role: str, n: int) -> Who:
    return Who(role=role, key=f"party/{role[0]}{n}", name_key=f"name/{role[0]}{n}", shown=f"Firm {n}", country="CN")


@st.composite
def facts(draw: st.DrawFn) -> list[Fact]:
    """Draw a small world: few parties, contacts, licences and goods, so that they meet; some declarations in versions."""
    found: list[Fact] = []
    for n in range(draw(st.integers(1, 14))):
        exporter, consignee = draw(st.integers(0, 3)), draw(st.integers(0, 2))
        element = draw(st.sampled_from(["Ga", "Ge", None]))
        mass = draw(st.sampled_from([None, 0.4, 2.0, 25.0, 800.0]))
        value = draw(st.sampled_from([None, 300.0, 9_000.0, 350_000.0]))
        goods = Goods(
            item=1,
            hs6="811292",
            substance={"Ga": "gallium", "Ge": "germanium", None: None}[element],
            element=element,
            named=element is not None,
            controlled=element is not None,
            licensed=draw(st.booleans()),
            net_mass_kg=mass,
            value_usd=value,
        )
        contacts = [
            Contact(role=role, kind=kind, key=f"link/{kind}/{draw(st.integers(0, 2))}", shown="+86 138 **** 1234")
            for role in ("exporter", "consignee")
            for kind in draw(st.sets(st.sampled_from(["phone", "email", "address"]), max_size=3))
        ]
        use = LicenceUse(
            reference=f"lic{draw(st.integers(0, 1))}",
            item=1,
            net_mass_kg=mass,
            licensed_kg=draw(st.sampled_from([None, 30.0, 1000.0])),
            expires_on=draw(st.sampled_from([None, (START + timedelta(days=10)).date()])),
            holder=draw(st.sampled_from([None, "name/e0", "name/e1"])),
            end_user=draw(st.sampled_from([None, "name/c0"])),
        )
        watched = draw(st.booleans()) or element is not None
        regime = draw(st.sampled_from(["export", "export", "postal", "passenger", "import"]))
        hours = draw(st.integers(0, 24 * SPAN_DAYS))
        for version in range(1, draw(st.sampled_from([1, 1, 1, 2])) + 1):
            found.append(
                Fact(
                    declaration_id=f"d{n}",
                    version=version,
                    event="lodged" if version == 1 else draw(st.sampled_from(["amended", "cancelled"])),
                    time=START + timedelta(hours=hours if version == 1 else draw(st.integers(hours, 24 * SPAN_DAYS))),
                    regime=regime,
                    mode="air",
                    country_of_export="CN",
                    country_of_destination=draw(st.sampled_from(["TH", "US", None])),
                    routed=True,
                    via=draw(st.sampled_from([[], ["VN"]])),
                    net_mass_kg=mass,
                    value_usd=value,
                    headings=["811292"],
                    parties=[_party("exporter", exporter), _party("consignee", consignee)],
                    watched=watched,
                    contacts=contacts if watched else [],
                    goods=[goods] if watched else [],
                    licences=[use] if goods.licensed and watched else [],
                    risk=draw(st.sampled_from([0, 30, 70])) if watched else 0,
                    found=draw(st.sampled_from([[], ["MISLABEL-NAME"]])) if watched else [],
                    text=draw(st.sampled_from([None, "a1", "b2"])),
                )
            )
    return found


def _final(blocks: Sequence[SignalBlock], partitions: int = 1) -> tuple[Final, dict[str, Any]]:
    """Apply blocks one after the other; return what each profile says in the end, and the states by key."""
    last: Final = {}
    states: dict[int, dict[str, bytes | None]] = {n: {} for n in range(partitions)}
    for offset, block in enumerate(blocks):
        for partition, part in split(block, partitions).items():
            profiled = engine.profile([Placed(part, offset)], states[partition])
            states[partition] |= profiled.changed
            assert not profiled.late
            for verdict in profiled.verdicts:
                last[verdict.declaration_id, verdict.declaration_version, verdict.slot] = [
                    finding.model_dump_json() for finding in verdict.findings
                ]
    held = {
        key: {tag: bytes(part) for tag, part in envelope.parts.items()}
        for one in states.values()
        for key, raw in one.items()
        if key != SINCE and (envelope := read(raw)) is not None
    }
    return {ref: said for ref, said in last.items() if said}, held


def _current(final: Final, all_facts: Sequence[Fact]) -> Final:
    """Leave out what was said of versions that a later one has replaced: correlate forgets it."""
    newest: dict[str, int] = {}
    for fact in all_facts:
        newest[fact.declaration_id] = max(newest.get(fact.declaration_id, 0), fact.version)
    ended = {fact.declaration_id for fact in all_facts if fact.event == "cancelled"}
    return {ref: said for ref, said in final.items() if ref[1] == newest[ref[0]] and ref[0] not in ended}


@pytest.mark.parametrize("profile", PROFILES, ids=lambda profile: profile.name)
def test_a_profile_says_what_it_is(profile: Profile[Any]) -> None:
    assert profile.__doc__
    assert profile.codes
    assert profile.kinds <= {"party", "link", "pair", "lane", "origin", "licence"}
    assert 1 <= len(profile.tag) <= 2


@settings(max_examples=60, deadline=None)
@given(facts(), st.randoms(use_true_random=False), st.integers(1, 5), st.integers(1, 4))
def test_order_cuts_repeats_and_partitions_change_nothing(
    drawn: list[Fact], chance: random.Random, size: int, partitions: int
) -> None:
    ordered = sorted(drawn, key=lambda fact: (fact.time, fact.declaration_id, fact.version))
    wanted, held = _final([block_of([fact]) for fact in ordered])
    shuffled = [*drawn, *chance.sample(drawn, len(drawn) // 2)]
    chance.shuffle(shuffled)
    blocks = [block_of(shuffled[n : n + size]) for n in range(0, len(shuffled), size)]
    found, kept = _final(blocks, partitions)
    assert _current(found, drawn) == _current(wanted, drawn)
    assert kept == held


@settings(max_examples=30, deadline=None)
@given(facts(), st.integers(2, 20))
def test_a_backlog_of_months_in_one_block_is_judged_as_if_it_came_one_by_one(drawn: list[Fact], slower: int) -> None:
    stretched = [fact.model_copy(update={"time": START + slower * (fact.time - START)}) for fact in drawn]
    ordered = sorted(stretched, key=lambda fact: (fact.time, fact.declaration_id, fact.version))
    wanted, _ = _final([block_of([fact]) for fact in ordered])
    found, _ = _final([block_of(ordered)])
    assert _current(found, drawn) == _current(wanted, drawn)


@settings(max_examples=30, deadline=None)
@given(facts())
def test_a_block_delivered_again_changes_nothing(drawn: list[Fact]) -> None:
    block = block_of(drawn)
    states: dict[str, bytes | None] = {}
    states |= engine.profile([Placed(block, 7)], states).changed
    again = engine.profile([Placed(block, 7)], states)
    assert (again.verdicts, again.changed) == ([], {})


@settings(max_examples=30, deadline=None)
@given(facts(), st.sampled_from(["true_positive", "false_positive", "benign", "test"]))
def test_states_explain_themselves_and_feedback_never_raises(drawn: list[Fact], verdict: str) -> None:
    states: dict[str, bytes | None] = {}
    states |= engine.profile([Placed(block_of(drawn), 0)], states).changed
    keys = sorted(key for key in states if key != SINCE)
    told = [
        Feedback(key=key, declaration_id="d0", verdict=verdict, codes=["SPLIT-SHIPMENTS"], decided_at=START)
        for key in keys
    ]
    states |= engine.profile([Placed(SignalBlock(feedback=told), 1)], states).changed
    for key in keys:
        raw = states[key]
        if raw is not None:
            explained = engine.explain(key, raw, states[SINCE])
            assert all(line for lines in explained["profiles"].values() for line in lines)


@settings(max_examples=30, deadline=None)
@given(facts())
def test_what_is_taught_quietly_is_remembered_and_not_said(drawn: list[Fact]) -> None:
    loud = block_of(drawn)
    quiet = engine.profile([Placed(loud.model_copy(update={"quiet": True}), 0)], {})
    assert quiet.verdicts == []
    heard = engine.profile([Placed(loud, 0)], {})
    assert {key: read(raw).parts for key, raw in quiet.changed.items() if key != SINCE and raw} == {  # type: ignore[union-attr]
        key: read(raw).parts
        for key, raw in heard.changed.items()
        if key != SINCE and raw  # type: ignore[union-attr]
    }


def test_facts_without_anything_say_nothing() -> None:
    bare = Fact(declaration_id="d", version=1, event="lodged", time=START, regime="export", watched=True)
    assert engine.profile([Placed(block_of([bare]), 0)], {}).verdicts == []


def test_a_fact_far_too_late_is_counted_and_changes_nothing_said() -> None:
    def fact(name: str, days: int) -> Fact:
        return Fact(
            declaration_id=name,
            version=1,
            event="lodged",
            time=START + timedelta(days=days),
            regime="export",
            watched=True,
            parties=[_party("exporter", 1), _party("consignee", 1)],
            country_of_export="CN",
            country_of_destination="TH",
            goods=[Goods(item=1, hs6="811292", substance="gallium", element="Ga", named=True, net_mass_kg=1.0)],
        )

    states: dict[str, bytes | None] = {}
    states |= engine.profile([Placed(block_of([fact("new", 90)]), 0)], states).changed
    late = engine.profile([Placed(block_of([fact("old", 0)]), 1)], states)
    assert late.late > 0
    assert late.verdicts == []


def test_keys_stay_in_their_partition() -> None:
    assert [partition_of(f"party/{n}", 4) for n in range(8)] == [0, 2, 0, 2, 1, 3, 1, 3]
