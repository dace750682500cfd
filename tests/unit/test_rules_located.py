"""Problems of packs come all at once, each with the file and the line where it stands."""

from __future__ import annotations

from pathlib import Path

import pytest
from rule_packs import COLUMNS, pack, rule

from detectors.rules import RuleSet, loading
from schemas.errors import RulePackError

TEXT = """\
pack: trial
version: 1
description: for tests
rules:
  - id: first
    code: OUTLIER
    title: a
    explanation: b
    scope: item
    level: low
    score: 7
    when: "usd_per_kilo > 3"
    typologies:
      - T11
      - T99
    sources: [x]
    false_positives: [y]
    examples:
      match: [{usd_per_kg: 4}]
      no_match: [{usd_per_kg: 2}]
  - id: second
    lvel: low
"""


def problems(text: str) -> list[str]:
    return [str(problem) for problem in loading.check({"trial.yaml": text}, COLUMNS).problems]


def test_every_problem_has_its_line_and_all_come_at_once() -> None:
    found = problems(TEXT)
    for begin in (
        "trial.yaml:12: first: when: unknown column usd_per_kilo",
        "trial.yaml:11: first: score: 7 is not from 0 to 1",
        "trial.yaml:15: first: typologies[1]: unknown typology T99",
        "trial.yaml:22: second: lvel: unknown key; did you mean level?",
        "trial.yaml:21: second: title: missing",
    ):
        assert any(line.startswith(begin) for line in found), (begin, found)


def test_loading_refuses_with_every_problem(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text(TEXT, encoding="utf-8")
    (tmp_path / "b.yaml").write_text(pack(rule(level="hi")), encoding="utf-8")
    with pytest.raises(RulePackError) as raised:
        RuleSet.load([tmp_path], COLUMNS)
    files = {Path(problem.split(":", 1)[0]).name for problem in raised.value.problems}
    assert files == {"a.yaml", "b.yaml"}
    assert len(raised.value.problems) > 5


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("", "trial.yaml:1: empty"),
        ("pack: [", "trial.yaml:1: not YAML"),
        ("pack: a\n\tversion: 1", "trial.yaml:2: not YAML"),
        ("- a\n- b", "trial.yaml:1: "),
        ("pack: a\npack: b", "trial.yaml:2: pack: stands twice"),
        ("pack: a\nNO: 1", "trial.yaml:2: the key 'NO' is not text"),
        ("pack: &a x\nversion: *a", "alias (*name)"),
        ("pack: a\nrules:\n - {id: x, from: 2025-13-01}", "trial.yaml:3: rules[0].from: '2025-13-01' cannot be read"),
        ("pack: a\nversion: 1.10", 'quote it: "1.10"'),
        ("pack: a\nrules: 7", "rules: "),
        ("a: " + "[" * 5000, "nested too deeply"),
        ("pack: !!python/object/apply:os.system ['x']", "trial.yaml:1: "),
    ],
)
def test_what_is_no_pack_is_refused_with_a_place(text: str, told: str) -> None:
    found = problems(text)
    assert any(told in line for line in found), found


def test_a_path_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(RulePackError, match=r"nowhere\.yaml:1: cannot be read"):
        loading.read([tmp_path / "nowhere.yaml"])


def test_a_file_that_is_not_utf8_is_named(tmp_path: Path) -> None:
    (tmp_path / "latin.yaml").write_bytes("pack: caf\xe9".encode("latin-1"))
    with pytest.raises(RulePackError, match=r"latin\.yaml:1: not UTF-8"):
        loading.read([tmp_path])


def test_the_version_names_the_pack_and_its_content() -> None:
    one = RuleSet.of({"a": pack(rule())}, COLUMNS).version
    other = RuleSet.of({"a": pack(rule(score=0.7))}, COLUMNS).version
    assert one.startswith("trial@1+")
    assert one != other


def test_the_packs_that_come_with_assay_have_no_mistake() -> None:
    assert loading.check(loading.read([Path(loading.__file__).parent / "packs"])).problems == []
