"""A worker that dies while it writes its changes, and another that rebuilds its memory from those that are there."""

from __future__ import annotations

import json
import random
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from intake_lives import NOW, SECOND, START, content, lives, received, taken_in, whole

from schemas.declaration import Declaration
from schemas.message import Message, Named
from streams.intake.assembly import Assembly
from streams.intake.saying import Received
from streams.intake.store import Store


def worked(store: Store, batch: list[Received], last: dict[str, dict[str, Any]]) -> dict[str, bytes | None]:
    """Take in a batch and return its changes; nothing is committed."""
    assembly = Assembly(store)
    store.begin()
    for one in batch:
        for written in assembly.apply(one).written:
            last[written.declaration_id] = json.loads(written.raw)
    return store.changes()


def essence(rows: dict[str, dict[str, Any]]) -> dict[str, dict[str, Any]]:
    return {name: {key: part for key, part in row.items() if key != "source"} for name, row in rows.items()}


@settings(max_examples=60, deadline=None)
@given(st.data())
def test_killed_after_any_change_another_worker_ends_alike(data: st.DataObject) -> None:
    chosen = [data.draw(lives(name=f"L{number}")) for number in range(2)]
    messages = [message for life in chosen for message in life.messages]
    ordered, _, _ = taken_in(received(messages))
    chance = random.Random(data.draw(st.integers(0, 2**32)))
    chance.shuffle(messages)
    stream = received(messages)
    size = data.draw(st.integers(1, 6))
    changelog: list[tuple[str, bytes | None]] = []
    last: dict[str, dict[str, Any]] = {}
    store = Store()
    for begin in range(0, len(stream), size):
        batch = stream[begin : begin + size]
        changes = list(worked(store, batch, last).items())
        if data.draw(st.booleans()):  # killed: outputs are written, of the changes so many
            store.rollback()
            store.close()
            changelog += changes[: data.draw(st.integers(0, len(changes)))]
            store = Store()  # elsewhere
            store.begin()
            for key, value in changelog:
                store.take(key, value)
            store.commit()
            changes = list(worked(store, batch, last).items())
        store.commit()
        changelog += changes
    plain = {name: _declared(row) for name, row in essence(last).items()}
    assert plain == {name: _declared(row) for name, row in essence(ordered).items()}
    assert store.waiting == 0


def _declared(row: dict[str, Any]) -> Any:
    made = row | {"source": {"system": "test", "format": "test"}}
    return Declaration.model_validate_json(json.dumps(made)).model_dump(exclude={"source"})


def test_a_message_that_fails_leaves_nothing_behind() -> None:
    store = Store()
    assembly = Assembly(store)
    store.begin()
    named = Named(mrn="26GB5S3RI7TMMX8YR9")
    message = Message(event="released", named=named, source={"system": "test", "format": "test"})

    def fails() -> None:
        with store.attempt():
            assembly.apply(Received(message, NOW, 1))
            assert store.waiting == 1
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fails()
    assert store.waiting == 0
    assert store.changes() == {}


def test_lives_are_forgotten_after_their_time_with_all_their_names(tmp_path: Path) -> None:
    store = Store(tmp_path / "intake.sqlite")
    assembly = Assembly(store)
    store.begin()
    lodged = Message.of(whole(content("A", 5.0), at=START), version=1)
    source = {"system": "test", "format": "test"}
    accepted = Message(event="accepted", named=Named(local_reference="A", mrn="26GB5S3RI7TMMX8YR9"), source=source)
    for one in received([lodged, accepted]):
        assembly.apply(one)
    store.commit()
    store.begin()
    assert store.forget(NOW) == 0
    assert store.forget(NOW + 60 * SECOND) == 1
    assert store.named("mrn:test:26GB5S3RI7TMMX8YR9") == []
    gone = [key for key, value in store.changes().items() if value is None]
    assert "life/test:GB1:A" in gone
    assert any(key.startswith("body/") for key in gone)
    store.commit()
    store.close()
    again = Store(tmp_path / "intake.sqlite")
    assert again.counts() == {"lives": 0, "waiting": 0}
    again.close()
