"""Rules of a running worker are replaced all or nothing."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest
from rule_packs import COLUMNS, pack, rule

from detectors.rules import RuleSet
from detectors.rules.watch import RuleSetHolder


@pytest.fixture
def holder() -> RuleSetHolder:
    return RuleSetHolder(RuleSet.of({"a": pack(rule())}, COLUMNS), COLUMNS)


def test_good_packs_are_taken(holder: RuleSetHolder) -> None:
    assert holder.try_replace({"a": pack(rule(score=0.3)), "b": pack(rule(id="other"))}) == []
    assert [(each.id, each.score) for each in holder.current.rules] == [("dear-zinc", 0.3), ("other", 0.8)]


LOOK_ALIKE = {"regime": "export", "usd_per_kg": 450, "commodity_code": "79012000"}


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"when": "usd_per_kilo > 3"}, "b:12: bad: when: unknown column usd_per_kilo"),
        ({"level": "hi"}, "b:10: bad: level: 'hi' is none of"),
        ({"examples": {"match": [LOOK_ALIKE], "no_match": [dict(LOOK_ALIKE)]}}, "the example hits, but must not"),
    ],
)
def test_one_bad_pack_keeps_all_of_the_old(holder: RuleSetHolder, changes: dict[str, Any], told: str) -> None:
    before = holder.current
    found = holder.try_replace({"a": pack(rule(score=0.3)), "b": pack(rule(id="bad", **changes))})
    assert len(found) == 1
    assert told in found[0]
    assert holder.current is before
    assert holder.problems == found


@pytest.mark.parametrize("texts", [{}, {"a": "pack: trial\nversion: 1\ndescription: x\nrules: []\n"}])
def test_nothing_is_no_replacement(holder: RuleSetHolder, texts: dict[str, str]) -> None:
    before = holder.current
    assert "the rules in use stay" in holder.try_replace(texts)[0]
    assert holder.current is before


def _write(path: Path, text: str, tick: int) -> None:
    path.write_text(text, encoding="utf-8")
    os.utime(path, ns=(tick, tick))


def test_polling_reloads_what_changed_and_tells_a_refusal_once(tmp_path: Path) -> None:
    file = tmp_path / "a.yaml"
    _write(file, pack(rule()), 1)
    holder = RuleSetHolder(RuleSet.load([tmp_path], COLUMNS), COLUMNS)
    first = holder.current
    assert holder.poll([tmp_path]) == []
    assert holder.current is first

    _write(file, pack(rule(score=0.3)), 2)
    assert holder.poll([tmp_path]) == []
    assert holder.current.rules[0].score == 0.3

    good = holder.current
    _write(file, pack(rule(score=3)), 3)
    assert len(holder.poll([tmp_path])) == 1
    assert holder.poll([tmp_path]) == []
    assert holder.problems
    assert holder.current is good

    file.unlink()
    assert "the rules in use stay" in holder.poll([tmp_path])[0]
    assert holder.current is good

    _write(file, pack(rule(score=0.4)), 4)
    assert holder.poll([tmp_path]) == []
    assert holder.problems == []
    assert holder.current.rules[0].score == 0.4


def test_polling_a_file_that_went_away_keeps_the_rules_and_tells_once(tmp_path: Path) -> None:
    file = tmp_path / "a.yaml"
    _write(file, pack(rule()), 1)
    holder = RuleSetHolder(RuleSet.load([file], COLUMNS), COLUMNS)
    assert holder.poll([file]) == []
    file.unlink()
    assert len(holder.poll([file])) == 1
    assert holder.poll([file]) == []
    _write(file, pack(rule()), 1)
    assert holder.poll([file]) == []
    assert holder.problems == []
