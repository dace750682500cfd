"""A folder of messages replayed: lodgements, acceptances, amendments and cancellations in any order, to the final alerts."""

from __future__ import annotations

import sys
from datetime import UTC, datetime
from pathlib import Path

import pytest

from schemas.dead_letter import DeadLetter
from streams import replay

sys.path.insert(0, str(Path(__file__).parents[1] / "integration"))
from intake_messages import amended, life, lodged, mixed, mrn, notice

NOW = datetime(2026, 11, 22, 9, 0, tzinfo=UTC)


def folder(path: Path, messages: list[bytes]) -> Path:
    path.mkdir()
    for number, message in enumerate(messages):
        (path / f"{number:05}.xml").write_bytes(message)
    return path


def standing(result: replay.ReplayResult) -> dict[str, int]:
    return {
        a.declaration_id.rpartition(":")[2]: a.declaration_version for a in result.alerts if a.status != "withdrawn"
    }


@pytest.mark.parametrize(("jobs", "orders"), [(1, ("ordered", "shuffled")), (2, ("shuffled",))])
def test_a_folder_in_any_order_ends_in_the_same_alerts(tmp_path: Path, jobs: int, orders: tuple[str, ...]) -> None:
    ordered, shuffled = mixed(12, seed=5)
    wanted = {f"L5{n:04}": 2 for n in range(12) if n % 4 == 2}
    for name in orders:
        messages = ordered if name == "ordered" else shuffled
        result = replay.run([folder(tmp_path / name, messages)], now=NOW, jobs=jobs, batch=7)
        assert standing(result) == wanted
        assert result.records == len(messages)
        assert result.dead_letters == 0
        assert {alert.mrn is not None for alert in result.alerts if alert.status != "withdrawn"} == {True}


def test_what_waits_in_vain_and_what_is_damaged_are_dead_letters(tmp_path: Path) -> None:
    orphan, stray, damaged = (
        amended("X", "zinc", "20261120090000Z"),
        notice("V", "09", 2, "20261120090000Z", named=False),
        b"<MetaData>",
    )
    letters: list[DeadLetter] = []
    messages = [orphan, damaged, stray, *life("Y", 0)]
    result = replay.run([folder(tmp_path / "in", messages)], now=NOW, on_dead_letter=letters.append)
    assert (result.records, result.dead_letters) == (len(messages), 3)
    assert sorted((one.stage, one.origin.rpartition("/")[2]) for one in letters) == [
        ("feed", "00001.xml"),
        ("intake", "00000.xml"),
        ("intake", "00002.xml"),
    ]
    assert {one.reason for one in letters if one.stage == "intake"} == {
        f"no declaration with MRN {mrn(name)} is known" for name in ("X", "V")
    }


def test_messages_that_come_again_change_nothing(tmp_path: Path) -> None:
    messages = [lodged("Z", gallium=True), *life("W", 2)]
    once = replay.run([folder(tmp_path / "once", messages)], now=NOW)
    faults = replay.ReplayFaults(redeliver=((2, 2), (4, 3)), crash=frozenset({0}))
    again = replay.run([folder(tmp_path / "again", messages)], now=NOW, batch=3, faults=faults)
    assert standing(again) == standing(once) == {"Z": 1, "W": 2}
