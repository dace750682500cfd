"""Rules and tables replaced while the worker runs: all or nothing."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any

import pytest

from detectors import engine
from detectors.rules.ruleset import DEFAULT_PACKS
from schemas.errors import RulePackError
from streams.worker.control import Judging
from streams.worker.metrics import Metrics

PACK = """\
pack: local
version: "{version}"
description: a pack of this test
rules:
  - id: heavy-items
    code: MISLABEL-MASS
    scope: item
    level: low
    status: stable
    score: 0.3
    title: Heavy
    explanation: Heavier than this office expects.
    when: net_mass_kg > {kilograms}
    evidence: [net_mass_kg]
    sources: [a test]
    false_positives: [ballast]
    examples:
      match: [{{net_mass_kg: 100000.0}}]
      no_match: [{{net_mass_kg: 1.0}}]
"""


def _pack(version: str = "1", kilograms: str = "1000") -> str:
    return PACK.format(version=version, kilograms=kilograms)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with one pack."""
    (tmp_path / "local.yaml").write_text(_pack(), encoding="utf-8")
    return tmp_path


def _rules(judging: Judging) -> str:
    return judging.current[1].rules.version


def _refused(metrics: Metrics, kind: str) -> float:
    return metrics.registry.get_sample_value("assay_refused_updates_total", {"kind": kind}) or 0.0


def test_a_changed_file_is_taken_and_a_bad_one_refused_until_it_is_mended(folder: Path) -> None:
    metrics = Metrics()
    judging = Judging(metrics, [folder])
    assert _rules(judging).startswith("local@1+")
    before = judging.current
    judging.poll()
    assert judging.current is before
    (folder / "local.yaml").write_text(_pack("2"), encoding="utf-8")
    judging.poll()
    assert _rules(judging).startswith("local@2+")
    (folder / "local.yaml").write_text(_pack("3", "no_such_column"), encoding="utf-8")
    judging.poll()
    judging.poll()
    assert _rules(judging).startswith("local@2+")
    assert _refused(metrics, "rules") == 1
    (folder / "local.yaml").unlink()
    judging.poll()
    assert _rules(judging).startswith("local@2+"), "an empty folder takes no rules away"
    (folder / "local.yaml").write_text(_pack("4"), encoding="utf-8")
    judging.poll()
    assert _rules(judging).startswith("local@4+")


def test_a_worker_does_not_begin_with_bad_rules(folder: Path) -> None:
    (folder / "local.yaml").write_text(_pack("1", "no_such_column"), encoding="utf-8")
    with pytest.raises(RulePackError):
        Judging(Metrics(), [folder])


def test_a_pack_from_the_topic_goes_before_the_file_of_that_name(folder: Path) -> None:
    metrics = Metrics()
    judging = Judging(metrics, [folder])
    judging.offer("rules/local", _pack("9").encode())
    assert _rules(judging).startswith("local@9+")
    judging.offer("rules/local", _pack("10", "no_such_column").encode())
    judging.offer("rules/local", b"\xff")
    judging.offer("rules/local", b": not yaml: [")
    assert _rules(judging).startswith("local@9+")
    assert _refused(metrics, "rules") == 3
    judging.offer("rules/local", None)
    assert _rules(judging).startswith("local@1+")
    judging.offer("strange", b"{}")
    assert _refused(metrics, "other") == 1


def _table(name: str, entries: list[Any]) -> bytes:
    record = {"table": name, "version": "t1", "issued_at": "2026-11-20T00:00:00Z", "entries": entries}
    return json.dumps(record).encode()


def test_tables_from_the_topic_replace_and_return(folder: Path) -> None:
    metrics = Metrics()
    judging = Judging(metrics, [folder])
    shipped = engine.default_reference()
    entries = [json.loads(entry.model_dump_json()) for entry in shipped.table("pegs")]
    judging.offer("table/pegs", _table("pegs", entries[:-1]))
    changed = judging.current[0]
    assert len(changed.table("pegs")) == len(entries) - 1
    assert changed.version != shipped.version
    for value in (_table("pegs", [{"currency": "nonsense"}]), _table("controls", entries), b"{", b"\xff"):
        judging.offer("table/pegs", value)
        assert judging.current[0] is changed
    assert _refused(metrics, "table") == 4
    judging.offer("table/pegs", None)
    assert judging.current[0].version == shipped.version


def test_shipped_packs_are_the_default() -> None:
    begun = time.monotonic()
    judging = Judging(Metrics())
    names = {path.stem for path in DEFAULT_PACKS.glob("*.yaml")}
    assert {pack.partition("@")[0] for pack in _rules(judging).split(",")} <= names | {""}
    judging.warm_up()
    assert time.monotonic() - begun < 30
