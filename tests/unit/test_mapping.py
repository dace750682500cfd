"""Mapped feeds: what each key of a mapping does, on feeds of several languages and shapes."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime
from typing import Any

import pytest
from mapping_samples import (
    CEISA,
    CHINESE,
    CHINESE_TEXT,
    FRENCH,
    FRENCH_HEAD,
    FRENCH_ROWS,
    INDONESIAN,
    SINGAPORE,
    parts,
    read,
    tradenet,
)

from schemas import feeds
from schemas.declaration import Declaration, Item
from schemas.errors import FeedError

ARRIVED = datetime(2026, 11, 21, 6, 0, tzinfo=UTC)


def whole(message: Any) -> Declaration:
    assert message.declaration is not None
    found: Declaration = message.declaration
    return found


def test_one_row_an_item_in_french() -> None:
    arrival = feeds.Arrival(None, ARRIVED, "raw.fr-hebdo/0@7")
    lodged, cancelled = read(FRENCH, (FRENCH_HEAD + FRENCH_ROWS).encode("cp1252"), arrival)
    declared = whole(lodged)
    assert declared.declaration_id == lodged.named.declaration_id == "fr-hebdo:FR123:R1"
    assert (lodged.version, declared.version, declared.event) == (1, 1, "lodged")
    assert declared.lodged_at == datetime(2026, 11, 19, 23, tzinfo=UTC)
    assert declared.source.model_dump() == {
        "system": "fr-hebdo", "format": "douane-hebdo", "received_at": ARRIVED, "origin": "raw.fr-hebdo/0@7",
    }  # fmt: skip
    assert (declared.country_of_destination, declared.routing) == ("VN", ["CN", "VN", "TH"])
    assert declared.exporter is not None
    assert declared.exporter.name == "Métaux; SA"
    assert declared.transport is not None
    assert (declared.transport.mode, declared.transport.containers) == ("sea", ["MSKU1", "MSKU2"])
    first, second = declared.items
    assert (first.number, first.commodity_code, first.net_mass_kg) == (1, "81129210", 1.2345)
    assert first.value is not None
    assert (first.value.amount, first.value.currency) == (5600.5, "EUR")
    assert [(d.type, d.reference) for d in first.documents] == [("X002", "L-7")]
    assert (second.number, second.description) == (2, "Zinc\r\nbrut")
    assert (second.net_mass_kg, second.value, second.documents) == (None, None, [])
    assert (cancelled.event, cancelled.declaration) == ("cancelled", None)
    assert cancelled.named.declaration_id == "fr-hebdo:FR124:R2"


def test_nested_json_in_indonesian() -> None:
    (message,) = read(INDONESIAN, json.dumps(CEISA).encode())
    declared = whole(message)
    assert declared.declaration_id == "id-ceisa:0955555:00003012345620261120000017"
    assert declared.lodged_at == datetime(2026, 11, 19, 17, tzinfo=UTC)
    assert declared.exporter is not None
    assert declared.consignee is not None
    assert (declared.exporter.name, declared.consignee.name) == ("PT Logam Jaya", "Siam Metal Co")
    assert declared.transport is not None
    assert declared.transport.containers == ["MSKU1234565", "TCLU7654321"]
    assert declared.invoice_value is not None
    assert declared.invoice_value.amount == 446000.0
    assert [(d.type, d.reference) for d in declared.documents] == [("380", "INV-1")]
    assert [i.number for i in declared.items] == [1, 7]
    assert declared.items[0].commodity_code == "79012000"
    assert declared.items[0].value is None, "a value of zero says that there is none"
    assert declared.items[1].net_mass_kg is None
    assert declared.items[1].value is not None
    assert (declared.items[1].value.amount, declared.items[1].value.currency) == (246000.75, "USD")


def test_lines_of_json_from_singapore() -> None:
    first, second = read(SINGAPORE, tradenet(1) + b"\n\n" + tradenet(2, "OUTUPD") + b"\n")
    assert first.named.local_reference == "200812345K-20261120-1"
    assert (first.event, second.event) == ("lodged", "amended")
    assert (whole(first).regime, whole(first).procedure) == ("export", "SZZ")
    assert [d.reference for d in whole(first).previous_documents] == ["OD6A000001"]


def test_one_row_a_declaration_in_chinese() -> None:
    first, second = map(whole, read(CHINESE, CHINESE_TEXT.encode("gb18030")))
    assert first.declaration_id == "cn-danyi:2233001"
    assert first.lodged_at == second.lodged_at == datetime(2026, 11, 20, 0, 14, 5, tzinfo=UTC)
    assert [(i.number, i.description, i.net_mass_kg) for i in first.items] == [(1, "锌合金锭", 1000.5), (2, "镓", 2.5)]
    assert [i.number for i in second.items] == [1], "an item whose columns are empty is none"


LEAST = """
name: t
system: s
format: csv
csv: {delimiter: "|"}
fields:
  declaration_id: ref
  regime: {constant: export}
  lodged_at: {constant: "2026-11-20T08:00:00Z"}
"""


def item(keys: str, cell: str, extra: str = "") -> Item:
    """Return the item that one cell makes."""
    goods = "" if "description" in keys else "  items[].description: y\n"
    (message,) = read(f"{LEAST}  {keys}\n{extra}{goods}", f"ref|x|y\nA|{cell}|zinc\n".encode())
    return whole(message).items[0]


@pytest.mark.parametrize(
    ("keys", "cell", "kilograms"),
    [
        ("x", "12.5", 12.5),
        ('{from: x, decimal: ","}', "12,5", 12.5),
        ('{from: x, decimal: ",", thousands: "."}', "1.234.567,25", 1234567.25),
        ('{from: x, thousands: " "}', "1\u00a0234.5", 1234.5),
        ('{from: x, thousands: "\'"}', "1’234", 1234.0),
        ('{from: x, thousands: ","}', "1,00,000", 100000.0),
        ("{from: x, unit: t}", "2.5", 2500.0),
        ("{from: x, unit: lb}", "10", 4.5359237),
        ("{from: x, unit: mg}", "5", 0.000005),
        ("{from: x, pattern: '([0-9.]+) ?kg'}", "net 12.5 kg", 12.5),
        ("{from: x, strip: '~*'}", "~12.5*", 12.5),
        ("x", "1.2E+03", 1200.0),
        ("x", "0", None),
        ("{from: x, null_values: [x, '9999']}", "9999", None),
        ("{from: x, default: 3}", "", 3.0),
        ("{from: x, unknown: null}", "lots", None),
    ],
)
def test_masses(keys: str, cell: str, kilograms: float | None) -> None:
    found = item(f"items[].net_mass_kg: {keys}", cell)
    assert found.net_mass_kg == kilograms


def test_zero_may_be_kept() -> None:
    assert item("items[].net_mass_kg: {from: x, zero: keep}", "0").net_mass_kg == 0.0


@pytest.mark.parametrize(
    ("form", "cell", "day"),
    [
        ("", "2026-11-03", date(2026, 11, 3)),
        (", date: '%d.%m.%Y'", "03.11.2026", date(2026, 11, 3)),
        (", date: ['%d/%m/%Y', '%Y/%m/%d']", "2026/11/03", date(2026, 11, 3)),
        (", date: excel", "46329", date(2026, 11, 3)),
        (", date: unix", "1793664000", date(2026, 11, 3)),
        (", date: unix_ms", "1793664000000", date(2026, 11, 3)),
    ],
)
def test_days(form: str, cell: str, day: date) -> None:
    found = item(
        f"items[].documents[].issued_on: {{from: x{form}}}", cell, "  items[].documents[].type: {constant: X002}\n"
    )
    assert found.documents[0].issued_on == day


@pytest.mark.parametrize(
    ("keys", "cell", "code"),
    [("x", "8112.92 10", "81129210"), ("{from: x, pad: 8}", "1012100", "01012100"), ("x", "7901 20-00", "79012000")],
)
def test_commodity_codes(keys: str, cell: str, code: str) -> None:
    assert item(f"items[].commodity_code: {keys}", cell).commodity_code == code


@pytest.mark.parametrize(
    ("cell", "code"), [("vn", "VN"), ("VNM", "VN"), ("704", "VN"), ("viet nam", "VN"), ("UK", "GB"), ("", None)]
)
def test_countries_by_name(cell: str, code: str | None) -> None:
    assert item("items[].origin: {from: x, table: countries}", cell).origin == code


def test_norway_is_no_falsehood() -> None:
    assert item("items[].origin: {from: x, table: {Norge: NO, NO: NO}}", "norge").origin == "NO"


@pytest.mark.parametrize(
    ("keys", "cell", "said"),
    [
        ("items[].net_mass_kg: x", "1,5", "row 2, column x: not a number: '1,5'"),
        ("items[].net_mass_kg: x", "-3", "row 2, column x: below zero"),
        ("items[].net_mass_kg: x", "9e30", "row 2, column x: Input should be less than or equal to"),
        ("items[].origin: x", "Vietnam", "row 2, column x: not an ISO 3166-1 country code: 'Vietnam'"),
        ("items[].origin: {from: x, table: {a: VN}, unknown: error}", "TH", "row 2, column x: not in the code table"),
        ("items[].commodity_code: x", "8.11E+09", "row 2, column x: a commodity code has 4 to 14 digits"),
        ("items[].number: x", "1.5", "row 2, column x: not a whole number"),
        ("items[].net_mass_kg: {from: x, unit: {from: ref}}", "1", "row 2, column x: 'A' is no unit known here"),
        ("transport.mode: {from: x}", "1", "row 2, column x: not one of sea, rail"),
        ("items[].description: x", "z" * 9000, "row 2, column x: String should have at most 8192"),
    ],
)
def test_nonsense_is_located(keys: str, cell: str, said: str) -> None:
    with pytest.raises(FeedError) as caught:
        item(keys, cell)
    assert str(caught.value).startswith(said)


def test_a_wrong_row_costs_its_declaration_only() -> None:
    rows = FRENCH_ROWS.replace("1 234,5", "1.234,5") + FRENCH_ROWS.replace("R1;", "R3;").replace("R2;", "R4;")
    said, wrong = parts(FRENCH, (FRENCH_HEAD + rows).encode("cp1252"))
    assert [m.named.local_reference for m in said] == ["R2", "R3", "R4"]
    (error,) = wrong
    assert error.path == "row 2, column Poids"
    assert isinstance(error, feeds.PartError)
    assert error.raw is not None
    again, still = parts(FRENCH, error.raw.replace(b"1.234,5", b"1 234,5"))
    assert still == []
    assert [i.net_mass_kg for i in whole(again[0]).items] == [1.2345, None], "its dead letter holds all of it"


def test_a_row_that_is_none_takes_its_neighbours_along() -> None:
    """Nobody can tell whose item it was; a declaration without one of its items must not pass."""
    row = "{0};fr1;20/11/2026;N;X;VN;;1;;79012000;Zinc;5;5;EUR;\r\n"
    rows = [row.format(ref) for ref in "AABBCCDD"]
    rows[3] = rows[3].replace("B;", ";", 1)
    said, wrong = parts(FRENCH, (FRENCH_HEAD + "".join(rows)).encode("cp1252"))
    assert [m.named.local_reference for m in said] == ["A", "D"]
    assert [error.path for error in wrong] == ["row 5", "row 5", "row 5"]


def test_rows_that_stand_apart_are_refused() -> None:
    row = "{0};fr1;20/11/2026;N;X;VN;;1;;79012000;Zinc;5;5;EUR;\r\n"
    said, wrong = parts(FRENCH, (FRENCH_HEAD + "".join(row.format(r) for r in "ABA")).encode("cp1252"))
    assert [m.named.local_reference for m in said] == ["A", "B"]
    assert "stand apart, the first at row 2" in wrong[0].reason
    assert wrong[0].path == "row 4"


def test_ragged_rows() -> None:
    (message,) = read(f"{LEAST}  items[].description: x\n  items[].origin: y\n", b"ref|x|y\nA|zinc\n")
    assert whole(message).items[0].origin is None
    _, wrong = parts(f"{LEAST}  items[].description: x\n", b"ref|x\nA|zinc|more\nB|zinc| \n")
    assert [str(error) for error in wrong] == ["row 2: 3 cells where the header has 2; a quote or a delimiter too many"]


@pytest.mark.parametrize("page", ["utf-8-sig", "utf-16", "utf-16-le", "gb18030", "cp1251"])
def test_code_pages(page: str) -> None:
    declared = "utf-8" if page in ("utf-8-sig", "utf-16") else page
    mapping = f"encoding: {declared}{LEAST}  items[].description: товар\n"
    (message,) = read(mapping, "ref|Товар\nA|Галлий\n".encode(page))
    assert whole(message).items[0].description == "Галлий"


def test_wrong_bytes_cost_their_row() -> None:
    said, wrong = parts(f"{LEAST}  items[].description: x\n", b"ref|x\nA|zinc\nB|caf\xe9\nC|tin\n")
    assert [m.named.declaration_id for m in said] == ["s:A", "s:C"]
    assert str(wrong[0]).startswith("row 3: bytes that are not utf-8")


def test_a_missing_column_is_named() -> None:
    with pytest.raises(FeedError, match="row 1: no column is called 'goods'; did you mean 'good'"):
        read(f"{LEAST}  items[].description: goods\n", b"ref|good\nA|x\n")
    with pytest.raises(FeedError, match="2 columns are called 'x'"):
        read(f"{LEAST}  items[].description: x\n", b"ref|x|X\nA|x|y\n")


def test_columns_by_number_and_rows_before_the_header() -> None:
    bare = LEAST.replace('"|"', '"|", header: 0').replace("ref", "1")
    assert [
        whole(m).items[0].description for m in read(f"{bare}  items[].description: 3\n", b"A||tin\n\nC|x|y|z\n")
    ] == [
        "tin",
        "y",
    ]
    _, wrong = parts(f"{bare}  items[].description: 3\n", b"A||tin\nB\n")
    assert "no goods item" in wrong[0].reason
    late = LEAST.replace('"|"', '"|", header: 3')
    (message,) = read(f"{late}  items[].description: 2\n", b"Report\n\nref|x\nA|tin\n")
    assert whole(message).items[0].description == "tin"


def test_what_is_missing_is_said() -> None:
    for text, said in (
        (FRENCH_ROWS.replace("fr123", "-"), "no identity: declarant.id is empty"),
        (FRENCH_ROWS.replace("20/11/2026", "-"), "no lodged_at"),
    ):
        _, wrong = parts(FRENCH, (FRENCH_HEAD + text).encode("cp1252"))
        assert said in wrong[0].reason
    with pytest.raises(FeedError, match="no row below the header"):
        read(FRENCH, FRENCH_HEAD.encode("cp1252"))


def test_the_time_of_arrival_stands_in() -> None:
    raw = (FRENCH_HEAD + FRENCH_ROWS.replace("20/11/2026", "")).encode("cp1252")
    first, _ = read(FRENCH, raw, feeds.Arrival("elsewhere", ARRIVED))
    assert whole(first).lodged_at == ARRIVED
    assert first.named.declaration_id == "elsewhere:FR123:R1"
