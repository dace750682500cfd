"""The mapping file itself: mistakes with line and field, tables beside it, and what it must not lack."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest
from mapping_samples import CHINESE, FRENCH, INDONESIAN, SINGAPORE

from schemas import feeds
from schemas.errors import FeedError
from schemas.mapping import Mapping, MappingError, mapped

ARRIVED = feeds.Arrival(None, datetime(2026, 11, 20, tzinfo=UTC))

GOOD = """name: t
system: s
format: csv
fields:
  declaration_id: ref
  regime: {constant: export}
  items[].description: goods
"""


def problems(text: str) -> list[str]:
    with pytest.raises(MappingError) as caught:
        Mapping.parse(text.encode())
    assert caught.value.path.startswith("mapping line ")
    return caught.value.problems


@pytest.mark.parametrize("text", [GOOD, FRENCH, INDONESIAN, SINGAPORE, CHINESE])
def test_good_ones_load(text: str) -> None:
    mapping = Mapping.parse(text.encode())
    assert mapping.yaml == text.encode()
    assert mapped(mapping.yaml) is mapped(mapping.yaml)
    assert (mapped(mapping.yaml).name, mapped(mapping.yaml).system) == (mapping.name, mapping.system)


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("items[].net_mas_kg: w", "line 8: fields.items[].net_mas_kg: the contract has no such field; did you mean 'items[].net"),
        ("exporter.nam: w", "did you mean 'exporter.name'?"),
        ("items[].net_mass_kg: {from: w, unt: g}", "net_mass_kg.unt: is not a key of a mapping; did you mean 'unit'?"),
        ("items[].net_mass_kg: {from: w, unit: stone}", "'stone' is not a unit known here"),
        ("items[].net_mass_kg: {from: w, split: ','}", "split: is for lists of values"),
        ("items[].net_mass_kg: {from: w, constant: 3}", "by one of from, join or constant"),
        ("items[].net_mass_kg: {constant: much}", "not a number: 'much'"),
        ("items[].value.amount: w", "needs items[].value.currency beside it"),
        ("items[].documents[].reference: w", "needs items[].documents[].type beside it"),
        ("items[].origin: {from: w, unit: g}", "unit: is for masses and volumes"),
        ("items[].origin: {from: w, table: lands}", "fields.items[].origin.table: Input should be 'countries' or"),
        ("items[].origin: {from: w, table_file: x.csv}", "a table in a file needs the mapping to be loaded from a file"),
        ("items[].origin: {from: w, default: Atlantis}", "default: not an ISO 3166-1 country code"),
        ("mrn: {from: w, pattern: '(a)(b)'}", "a pattern has one group"),
        ("mrn: {from: w, pattern: '(?=a)(b)'}", "pattern: not a pattern of RE2"),
        ("mrn: 0", "columns count from 1"),
        ("lodged_at: {from: w, date: dd/mm/yyyy}", "'dd/mm/yyyy' is no form of date"),
        ("lodged_at: {from: w, zone: Mars/Olympus}", "no time zone is called 'Mars/Olympus'"),
        ("declaration_id: other", "line 8: fields.declaration_id: stands twice"),
        ("mrn: &a w\n  ucr: *a", "an alias (*name) stands here"),
        ("mrn: [w", "not YAML"),
    ],
)  # fmt: skip
def test_mistakes_are_located(line: str, said: str) -> None:
    found = problems(f"{GOOD}  {line}\n")
    assert any(said in problem for problem in found), found
    assert all(problem.startswith("line ") for problem in found)


def test_every_mistake_is_told_at_once() -> None:
    found = problems("name: T!\nformat: xml\ncsv: {delimeter: ';'}\nfields: {regim: {constant: export}}\n")
    assert [problem.partition(": ")[0] for problem in found] == ["line 1", "line 1", "line 2", "line 3"]
    assert "csv.delimeter: is not a key of a mapping; did you mean 'delimiter'?" in found[3]


@pytest.mark.parametrize(
    ("was", "now", "said"),
    [
        ("  declaration_id: ref\n", "", "map declaration_id, or both declarant.id and local_reference"),
        ("  regime: {constant: export}\n", "", "map regime"),
        ("  items[].description: goods\n", "", "map at least one field of items[]"),
        ("format: csv\n", "format: csv\nrecords: $.data\n", "records: is for JSON"),
        ("format: csv\n", "format: csv\nencoding: klingon\n", "no text encoding is called 'klingon'"),
        ("format: csv\n", "format: csv\nencoding: zlib_codec\n", "no text encoding"),
        ("format: csv\n", "format: json\nrecords: data[*]\n", "begins with $"),
        ("format: csv\n", "format: csv\nnumbers: {decimal: ',', thousands: ','}\n", "is the decimal mark as well"),
        ("description: goods", "description: a[*].b\n  items[].origin: 2", "contract"),
    ],
)
def test_what_a_mapping_must_have(was: str, now: str, said: str) -> None:
    text = GOOD.replace(was, now)
    if said == "contract":
        assert "leads to several places" in problems(text.replace("format: csv", "format: json"))[0]
    else:
        assert any(said in problem for problem in problems(text))


def test_a_notice_needs_only_a_name() -> None:
    text = "name: t\nsystem: s\nformat: csv\nfields:\n  event: {constant: released}\n  mrn: mrn\n  lodged_at: at\n"
    (message,) = mapped(text.encode()).decode(b"mrn,at\n26gb 0001abcd,2026-11-20T08:00:00Z\n", ARRIVED)
    assert (message.event, message.named.mrn, message.declaration) == ("released", "26GB0001ABCD", None)
    assert message.at is not None


def test_tables_beside_the_mapping_travel_with_it(tmp_path: Path) -> None:
    (tmp_path / "lands.csv").write_text("\ufefffrom,to\nSiam,TH\nNorge,NO\nNirgends,\n", "utf-8")
    path = tmp_path / "m.yaml"
    path.write_text(
        f"{GOOD}  items[].origin: {{from: land, table_file: lands.csv}}\n"
        "  routing: {from: land, table: countries, unknown: null}\n"
    )
    mapping = Mapping.load(path)
    again = Mapping.parse(mapping.yaml)
    assert again.file == mapping.file
    said = mapped(mapping.yaml).decode(b"ref,goods,land\nA,tin,Norge\n", ARRIVED)
    assert said[0].declaration is not None
    assert said[0].declaration.items[0].origin == "NO"
    (tmp_path / "lands.csv").write_text("Siam,TH\n")
    with pytest.raises(MappingError, match="does not begin with the header from,to"):
        Mapping.load(path)
    path.write_text(path.read_text().replace("lands.csv", "../lands.csv"))
    with pytest.raises(MappingError, match="its name has no folder"):
        Mapping.load(path)
    with pytest.raises(FeedError, match="cannot read the mapping"):
        Mapping.load(tmp_path / "none.yaml")
