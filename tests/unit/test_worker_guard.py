"""The guard: an error costs one record; dead letters and logs say what was wrong without saying too much."""

from __future__ import annotations

import base64
import json
import logging
from collections.abc import Sequence
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from polars.exceptions import PanicException

from schemas.errors import ContractError
from schemas.finding import Verdict
from streams.worker import dead_letters, guard, logs
from streams.worker.guard import Decoded

NOW = datetime(2026, 11, 20, tzinfo=UTC)


def _record(value: bytes | None = b"{}", key: bytes | None = b"k", offset: int = 7) -> Any:
    return SimpleNamespace(value=value, key=key, offset=offset, partition=3, timestamp=1_700_000_000_000, headers=())


def _batch(*contents: int) -> list[Decoded[int]]:
    return [Decoded(_record(offset=content), content) for content in contents]


@given(st.lists(st.booleans(), max_size=60))
def test_bisection_finds_exactly_the_bad_records_and_keeps_the_order(bad: list[bool]) -> None:
    judged: list[int] = []

    def judge(part: Sequence[Decoded[int]]) -> list[int]:
        if any(bad[one.content] for one in part):
            raise ValueError("bad")
        judged.extend(one.content for one in part)
        return [one.content for one in part]

    results, failures = guard.bisect(_batch(*range(len(bad))), judge)
    assert [content for part in results for content in part] == judged == [n for n, b in enumerate(bad) if not b]
    assert [failure.record.offset for failure in failures] == [n for n, b in enumerate(bad) if b]


def test_one_bad_record_of_many_costs_few_calls() -> None:
    calls = 0

    def judge(part: Sequence[Decoded[int]]) -> None:
        nonlocal calls
        calls += 1
        if any(one.content == 700 for one in part):
            raise ValueError

    guard.bisect(_batch(*range(1024)), judge)
    assert calls <= 2 * 10 + 1


def test_a_panic_below_is_a_failure_and_an_interrupt_is_not() -> None:
    def judge(error: type[BaseException]) -> Any:
        def raises(part: Sequence[Decoded[int]]) -> None:
            raise error("no")

        return raises

    assert len(guard.bisect(_batch(1, 2), judge(PanicException))[1]) == 2
    assert len(guard.bisect(_batch(1, 2), judge(MemoryError))[1]) == 2
    with pytest.raises(KeyboardInterrupt):
        guard.bisect(_batch(1), judge(KeyboardInterrupt))


def test_records_without_value_and_wrong_verdicts_are_located() -> None:
    _, (failure,) = guard.decode([_record(None)], guard.declaration)
    assert "no value" in str(failure.error)
    _, (failure,) = guard.decode([_record(b'{"findings": 5}')], guard.verdict)
    assert isinstance(failure.error, ContractError)
    assert failure.error.path == "/stage"
    assert set(Verdict.model_fields) >= {"stage"}


def test_a_dead_letter_carries_bytes_place_and_reason() -> None:
    record = _record(b"\xff\x00bad", key=b"\xffk")
    letter = dead_letters.dead_letter(record, "declarations", "decode", ContractError("no good", "/items/0"), NOW)
    assert base64.b64decode(letter.payload) == b"\xff\x00bad"
    assert (letter.origin, letter.path, letter.reason) == ("declarations/3@7", "/items/0", "no good")
    assert (letter.payload_bytes, letter.truncated, letter.key) == (5, False, "\\xffk")
    assert (
        letter.dead_letter_id
        == dead_letters.dead_letter(record, "declarations", "decode", OSError(), NOW).dead_letter_id
    )
    assert letter.dead_letter_id != dead_letters.dead_letter_id("declarations/3@7", "screen")


def test_the_largest_record_fits_and_reasons_are_bounded_and_printable(monkeypatch: pytest.MonkeyPatch) -> None:
    error = ContractError("got '\ud800' " + "x" * 10_000, "/" + "y" * 5_000)
    letter = dead_letters.dead_letter(_record(), "declarations", "decode", error, NOW)
    assert len(letter.reason) == 4096
    assert json.loads(letter.model_dump_json())
    monkeypatch.setattr(dead_letters, "MAX_PAYLOAD_BYTES", 4)
    cut = dead_letters.dead_letter(_record(b"123456"), "declarations", "decode", error, NOW)
    assert (base64.b64decode(cut.payload), cut.payload_bytes, cut.truncated) == (b"1234", 6, True)
    from streams.topics import MAX_DEAD_LETTER_BYTES, MAX_RECORD_BYTES

    monkeypatch.undo()
    assert dead_letters.MAX_PAYLOAD_BYTES > MAX_RECORD_BYTES
    assert dead_letters.MAX_PAYLOAD_BYTES * 4 / 3 < MAX_DEAD_LETTER_BYTES


def test_logs_name_errors_without_their_message(capsys: pytest.CaptureFixture[str]) -> None:
    root = logging.getLogger()
    before, level = root.handlers[:], root.level
    try:
        logs.configure("debug", person=False)
        secret = "Ivan Petrov"
        try:
            guard.bisect(_batch(1), lambda part: int(secret))
            int(secret)
        except ValueError as error:
            logging.getLogger("streams.test").error(guard.named(error))
            logging.getLogger("faust.x").error("agent failed", exc_info=True)
            logging.getLogger("aiokafka").debug("value %s", secret)
        lines = [json.loads(line) for line in capsys.readouterr().err.splitlines()]
    finally:
        root.handlers[:] = before
        root.setLevel(level)
    assert lines[0]["event"].startswith("ValueError")
    assert lines[0]["level"] == "error"
    assert len(lines) == 2
    assert "locals" not in json.dumps(lines)
