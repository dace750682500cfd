"""Replacing a table at run time: all or nothing, with every problem named."""

from __future__ import annotations

import json
import pickle
from datetime import date
from pathlib import Path

import pytest

from detectors.reference import Reference, load, tables
from schemas.errors import ReferenceError_
from schemas.reference import ReferenceRecord


@pytest.fixture(scope="module")
def reference() -> Reference:
    return load()


def _entries(reference: Reference, name: str) -> list[dict[str, object]]:
    return [json.loads(e.model_dump_json()) for e in reference.table(name)]


def test_a_table_can_be_replaced(reference: Reference) -> None:
    rows = _entries(reference, "suspensions")
    rows[0]["until"] = "2027-11-27"  # as if the suspension of 46/2024 were extended
    longer = reference.with_table("suspensions", rows)
    day = date(2026, 12, 24)
    assert any(e.measure == "prohibition_no_licence" for e in reference.controls_on(day))
    assert not any(e.measure == "prohibition_no_licence" for e in longer.controls_on(day))
    assert longer.version != reference.version
    assert reference.with_table("suspensions", _entries(reference, "suspensions")).version == reference.version


def test_a_bad_table_changes_nothing_and_names_every_problem(reference: Reference) -> None:
    rows = _entries(reference, "controls")
    rows[0]["hs6"] = "81129"
    rows[1]["surprise"] = 1
    rows[2].pop("source")
    before = reference.version
    with pytest.raises(ReferenceError_) as caught:
        reference.with_table("controls", rows)
    message = str(caught.value)
    assert "controls[0]: hs6" in message
    assert "controls[1]: surprise" in message
    assert "controls[2]: source" in message
    assert reference.version == before


def test_tables_are_checked_against_each_other(reference: Reference) -> None:
    countries = [row for row in _entries(reference, "countries") if row["iso2"] != "VN"]
    with pytest.raises(ReferenceError_, match="CN: borders VN"):
        reference.with_table("countries", countries)
    prices = [
        r for r in _entries(reference, "prices") if not (r["substance"] == "gallium" and r["since"] == "2023-01-01")
    ]
    with pytest.raises(ReferenceError_, match="prices gallium metal: gap"):
        reference.with_table("prices", prices)
    twice = _entries(reference, "controls")
    with pytest.raises(ReferenceError_, match="C0001 stands at controls\\[0\\] too"):
        reference.with_table("controls", [*twice, twice[0]])
    memory = _entries(reference, "controls")
    next(r for r in memory if r["status"] == "from memory")["certainty"] = "verified"
    with pytest.raises(ReferenceError_, match="must not be able to prohibit"):
        reference.with_table("controls", memory)
    with pytest.raises(ReferenceError_, match="no such table"):
        reference.with_table("tarifs", twice)
    with pytest.raises(ReferenceError_, match="must not be empty"):
        reference.with_table("pegs", [])


def test_a_record_of_the_topic(reference: Reference) -> None:
    record = ReferenceRecord.model_validate_json(
        json.dumps(
            {
                "schema": "reference/1",
                "table": "pegs",
                "version": "2026-11-22",
                "issued_at": "2026-11-22T00:00:00Z",
                "entries": [{"currency": "TWD", "anchor": "USD", "units": 32, "status": "test", "source": "test"}],
            }
        )
    )
    replaced = reference.with_record(record)
    assert replaced.usd_rate("TWD", date(2025, 6, 2)) == 1 / 32
    assert replaced.usd_rate("AED", date(2025, 6, 2)) is None


def test_the_object_does_not_change(reference: Reference) -> None:
    with pytest.raises(AttributeError, match="immutable"):
        reference.version = "x"
    with pytest.raises(TypeError):
        reference.countries["CN"] = None  # type: ignore[index]
    assert load() is load()


def test_it_travels_to_other_processes(reference: Reference) -> None:
    copy = pickle.loads(pickle.dumps(reference))
    assert copy.version == reference.version
    assert copy.controls_on(date(2025, 1, 1)) == reference.controls_on(date(2025, 1, 1))


def test_mistakes_in_files_are_located(tmp_path: Path) -> None:
    with pytest.raises(ReferenceError_, match=r"regimes\.yaml: this reference table is missing"):
        load(tmp_path)
    folder = tmp_path / "tables"
    for path in tables.FOLDER.rglob("*"):
        if path.is_file():
            target = folder / path.relative_to(tables.FOLDER)
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(path.read_bytes())
    assert load(folder).version == load().version
    list_23 = folder / "controls" / "cn-2023-23-gallium-germanium.yaml"
    list_23.write_text(
        list_23.read_text("utf-8").replace("row_id: C0004, hs6: '285000'", "row_id: C0004, hs6: 'x'"), "utf-8"
    )
    load.cache_clear()
    with pytest.raises(ReferenceError_, match=r"cn-2023-23-gallium-germanium.yaml row C0004: hs6"):
        load(folder)
    list_23.write_text("- [", "utf-8")
    load.cache_clear()
    with pytest.raises(ReferenceError_, match="not YAML"):
        load(folder)
    load.cache_clear()
