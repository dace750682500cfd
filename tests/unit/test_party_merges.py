"""Merges: what the configuration joins and keeps apart, and mistakes in it with their lines."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from detectors.parties import Merges, Resolved, Resolver
from detectors.parties.merges import load, parse
from schemas.errors import SettingsError

YONGLI = """
merge:
  - [91430100MA4L2ABCXY, Yongli Metals, 湖南永利金属有限公司]
  - parties: [{name: Northgate Alloys Ltd, country: GB}, GB123456789000, {name: North Gate Alloy, country: GB}]
    reason: re-registered on 2026-03-01
    author: j.smith
"""


def party(**fields: Any) -> dict[str, Any]:
    return {"country": "CN"} | fields


def who(resolver: Resolver, **fields: Any) -> Resolved:
    found = resolver.resolve(party(**fields), False)
    assert found is not None
    return found


def test_merged_parties_have_the_key_of_the_first() -> None:
    merged, plain = Resolver(parse(YONGLI, "m.yaml")), Resolver()
    first = who(plain, id="91430100MA4L2ABCXY")
    assert who(merged, id="9143 0100 ma4l2abcxy", name="Whatever").key == first.key, "the first keeps its state"
    assert (
        who(merged, name="Hunan Yongli Metal Co Ltd").key
        == who(merged, name="YONGLI METALS CO., LTD.").key
        == first.key
    )
    assert who(plain, name="Yongli Metals").key != first.key, "undone by leaving the group out"

    again = who(merged, id="GB 123456789000", country="GB")
    assert again.key == who(plain, name="Northgate Alloys", country="GB").key
    told = again.explained[-1]
    assert told == "merged with 'Northgate Alloys Ltd, GB' by configuration: re-registered on 2026-03-01 (j.smith)"
    assert (
        who(merged, name="Northgate Alloys", country="IE").key == who(plain, name="Northgate Alloys", country="IE").key
    )


def test_an_identifier_that_the_configuration_does_not_name_is_not_merged_by_its_name() -> None:
    merged, plain = Resolver(parse(YONGLI, "m.yaml")), Resolver()
    assert who(merged, id="9144X", name="Yongli Metals") == who(plain, id="9144X", name="Yongli Metals")


def test_two_firms_of_one_name_are_kept_apart_by_their_town() -> None:
    text = """
keep_apart:
  - parties: [{name: Huaxin Metals, city: Shenzhen}, {name: Huaxin Metals, city: Foshan}]
    reason: called both
    author: j.smith
"""
    apart, plain = Resolver(parse(text, "m.yaml")), Resolver()
    shenzhen, foshan = (who(apart, name="HUAXIN METALS", city=city) for city in ("Shenzhen", "FOSHAN"))
    assert who(plain, name="Huaxin Metals", city="Shenzhen").key == who(plain, name="Huaxin Metals", city="Foshan").key
    assert shenzhen.key == who(plain, name="Huaxin Metals").key
    assert foshan.key != shenzhen.key
    assert set(shenzhen.apart) & set(foshan.apart)
    assert foshan.explained[-1] == "kept apart from 'Huaxin Metals, Shenzhen' by configuration: called both (j.smith)"
    assert who(apart, name="Huaxin Metals", city="Wuhan").apart == ()


def test_two_spellings_and_two_users_of_one_identifier_are_kept_apart() -> None:
    text = """
keep_apart:
  - [Atlas Ltd, Atlas GmbH]
  - [{id: CN0000000007, name: Rui Tai}, {id: CN0000000007, name: Hua Xin}]
"""
    apart = Resolver(parse(text, "m.yaml"))
    assert who(apart, name="ATLAS LTD.").key != who(apart, name="Atlas GmbH").key
    assert who(apart, name="ATLAS LTD.").key == who(Resolver(), name="Atlas Inc").key
    keys = [who(apart, id="CN 0000 000 007", name=name).key for name in ("Rui Tai", "HUA XIN", "Third")]
    assert keys[0] == keys[2] != keys[1]


def test_parties_kept_apart_already_keep_their_keys() -> None:
    apart, plain = Resolver(parse("keep_apart: [[Atlas Metals, Atlas Chemicals]]", "m.yaml")), Resolver()
    for name in ("Atlas Metals Ltd", "Atlas Chemicals"):
        assert who(apart, name=name).key == who(plain, name=name).key
    assert set(who(apart, name="Atlas Metals").apart) == set(who(apart, name="Atlas Chemicals").apart) != set()


def test_a_person_is_not_merged_by_name() -> None:
    merged = Resolver(parse("merge: [[Zhang Wei, Li Na]]", "m.yaml"))
    person = party(name="Zhang Wei", phone="+86 138 0013 8000")
    assert merged.resolve(person, True) == Resolver().resolve(person, True)


def test_an_empty_file_merges_nothing(tmp_path: Path) -> None:
    file = tmp_path / "merges.yaml"
    file.write_text("\n", "utf-8")
    assert not load(file)
    assert not Merges.none()
    assert not parse("merge:\nkeep_apart:\n", "m.yaml")


@pytest.mark.parametrize(
    ("text", "line", "said"),
    [
        ("merge: [[A1, B2]\n", 2, "not YAML"),
        ("- [a, b]", 1, "must be a mapping with the keys merge and keep_apart"),
        ("merge: []\nkeep_appart: []", 2, "unknown key; did you mean keep_apart?"),
        ("merge:\n  - [Atlas Metals]", 2, "two parties or more"),
        ("merge:\n  - [Atlas Metals, 12345]", 2, "quote it"),
        ("merge:\n  - [Atlas Metals, n/a]", 2, "identifies nobody"),
        ("merge:\n  - [Atlas Metals, {city: Berlin}]", 2, "needs an id or a name"),
        ("merge:\n  - [Atlas Metals, {name: Foo Bar, country: XX}]", 2, "no ISO 3166-1 alpha-2 code"),
        ("merge:\n  - parties: [Atlas Metals, Foo Bar]\n    author: x", 2, "missing; say who decided this, and why"),
        ("merge:\n  - [Atlas Metals, Foo Bar]\n  - [Baz Qux, Foo Bar Ltd]", 3, "stands in another group already"),
        (
            "merge: [[Atlas Metals, Foo Bar]]\nkeep_apart:\n  - [Foo Bar, Atlas Metals]",
            3,
            "these parties are merged above",
        ),
        ("keep_apart:\n  - [Foo Bar, Foo Bar]", 2, "a party stands twice"),
    ],
)
def test_mistakes_are_located(text: str, line: int, said: str) -> None:
    with pytest.raises(SettingsError) as told:
        parse(text, "m.yaml")
    assert str(told.value).startswith(f"m.yaml:{line}: ")
    assert said in str(told.value)


def test_every_mistake_is_told_at_once() -> None:
    with pytest.raises(SettingsError) as told:
        parse("merge:\n  - [One Firm]\n  - 5\nother: 1", "m.yaml")
    assert [line.split(": ")[0] for line in str(told.value).splitlines()] == ["m.yaml:2", "m.yaml:3", "m.yaml:4"]


def test_a_file_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match=r"absent\.yaml:1: cannot be read"):
        load(tmp_path / "absent.yaml")
    broken = tmp_path / "latin.yaml"
    broken.write_bytes("merge: [[Müller, Foo]]".encode("latin-1"))
    with pytest.raises(SettingsError, match="save it as UTF-8"):
        load(broken)
