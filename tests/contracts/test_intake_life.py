"""The promise of the intake: a life shuffled and doubled ends in the same declaration as in order (see ``streams.intake``)."""

from __future__ import annotations

import random
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st
from intake_lives import NOW, SECOND, Life, lives, received, taken_in

from detectors import correlate
from streams.intake.assembly import WAIT_SECONDS
from streams.intake.life import STEPS


def final(life: Life) -> tuple[Any, ...]:
    return life.version, life.event, life.mrn, life.masses()


def seen(row: dict[str, Any]) -> tuple[Any, ...]:
    items = {item["number"]: (item["net_mass_kg"], item["description"]) for item in row["items"]}
    return row["version"], row["event"], row["mrn"], items


def essence(row: dict[str, Any]) -> dict[str, Any]:
    """Return all that is promised: everything but where the messages stood."""
    return {name: part for name, part in row.items() if name != "source"}


def test_steps_are_those_of_the_correlate_stage() -> None:
    assert STEPS == correlate._STEPS


@settings(max_examples=100, deadline=None)
@given(lives())
def test_a_life_in_order_ends_as_worked_out_by_hand(life: Life) -> None:
    last, outcomes, store = taken_in(received(life.messages))
    assert not any(outcome.refused or outcome.duplicates for outcome in outcomes)
    assert store.waiting == 0
    (row,) = last.values()
    assert seen(row) == final(life)


@settings(max_examples=200, deadline=None)
@given(st.lists(st.integers(0, 2**32), min_size=1, max_size=3), st.data())
def test_shuffled_and_doubled_lives_end_alike(seeds: list[int], data: st.DataObject) -> None:
    chosen = [data.draw(lives(name=f"L{number}")) for number in range(len(seeds))]
    messages = [message for life in chosen for message in life.messages]
    ordered, _, _ = taken_in(received(messages))
    chance = random.Random(seeds[0])
    mixed = messages + [message for message in messages if chance.random() < 0.4]
    chance.shuffle(mixed)
    last, outcomes, store = taken_in(received(mixed))
    assert not any(outcome.refused for outcome in outcomes)
    assert store.waiting == 0
    assert sum(outcome.duplicates for outcome in outcomes) == len(mixed) - len(messages)
    assert {name: essence(row) for name, row in last.items()} == {name: essence(row) for name, row in ordered.items()}
    for life in chosen:
        assert seen(last[f"test:GB1:{life.name}"]) == final(life)


@settings(max_examples=80, deadline=None)
@given(lives(), st.randoms(use_true_random=False))
def test_versions_that_are_written_never_go_back(life: Life, chance: random.Random) -> None:
    mixed = [*life.messages, *life.messages]
    chance.shuffle(mixed)
    _, outcomes, _ = taken_in(received(mixed))
    told = [(one.version, one.event) for outcome in outcomes for one in outcome.written]
    versions = [version for version, _ in told]
    assert versions == sorted(versions)


@settings(max_examples=50, deadline=None)
@given(lives(), st.randoms(use_true_random=False))
def test_all_over_again_says_nothing_new(life: Life, chance: random.Random) -> None:
    """What a worker does that was killed after it had written and before it had acknowledged."""
    again = received(life.messages)
    chance.shuffle(again)
    once, _, _ = taken_in(received(life.messages))
    twice, outcomes, _ = taken_in([*received(life.messages), *again])
    assert twice == once
    assert not any(outcome.written for outcome in outcomes[len(life.messages) :])


@settings(max_examples=50, deadline=None)
@given(lives(), st.randoms(use_true_random=False))
def test_without_its_lodgement_nothing_is_written_and_nothing_lost(life: Life, chance: random.Random) -> None:
    from streams.intake.assembly import Assembly
    from streams.intake.store import Store

    rest = life.messages[1:]
    chance.shuffle(rest)
    store = Store()
    assembly = Assembly(store)
    outcomes = [assembly.apply(one) for one in received(rest)]
    assert not any(outcome.written or outcome.refused for outcome in outcomes)
    assert store.waiting == len(rest)
    early = assembly.release(NOW + int(WAIT_SECONDS * SECOND) - SECOND)
    assert not early.refused
    late = assembly.release(NOW + int(WAIT_SECONDS * SECOND) + len(rest) * SECOND)
    assert len(late.refused) == len(rest)
    assert all("known" in refused.error.reason for refused in late.refused)
    assert {refused.raw for refused in late.refused} == {f"raw {n}".encode() for n in range(len(rest))}
    assert store.waiting == 0
