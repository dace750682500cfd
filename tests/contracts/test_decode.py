"""Two decoders, one contract: `decode.row` and `decode.declaration` accept and refuse the same records."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator
from copy import deepcopy
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from contract_examples import record
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from schemas import decode
from schemas.declaration import Declaration
from schemas.errors import ContractError

Path = tuple[str | int, ...]

#: A number that JSON can write and Python's json cannot: put in its place after dumping.
TOO_BIG = "@1e400@"


def dumped(found: Any, ascii_only: bool = True) -> bytes:
    text = json.dumps(found, ensure_ascii=ascii_only).replace(f'"{TOO_BIG}"', "1e400")
    return text.encode("utf-8", "surrogatepass")


def outcome(read: Callable[[bytes], Any], raw: bytes) -> Any:
    try:
        return read(raw)
    except ContractError as refusal:
        return refusal


def extras(row: Any, known: Any, at: str = "") -> Iterator[str]:
    """Name what a row has beyond the model's row, and assert that the rest is the same, types included."""
    assert type(row) is type(known), at
    if isinstance(known, dict):
        assert known.keys() <= row.keys(), at
        for key, part in row.items():
            place = f"{at}/{key.replace('~', '~0').replace('/', '~1')}"
            if key in known:
                yield from extras(part, known[key], place)
            else:
                yield place
    elif isinstance(known, list):
        assert len(row) == len(known), at
        for index, (part, other) in enumerate(zip(row, known, strict=True)):
            yield from extras(part, other, f"{at}/{index}")
    else:
        assert row == known, at


def agree(raw: bytes) -> bool:
    """Assert that both decoders say the same of these bytes; tell whether they accept."""
    row, model = outcome(decode.row, raw), outcome(decode.declaration, raw)
    if isinstance(model, Declaration):
        assert isinstance(row, dict), f"only the row was refused: {row}"
        assert sorted(extras(row, decode.as_row(model))) == sorted(decode.unknown_fields(row))
        return True
    assert isinstance(row, ContractError), f"only the model was refused: {model}"
    assert (row.path, row.reason) == (model.path, model.reason)
    return False


# --- records, spoilt in every way a feed has been seen to spoil them, and some more ----------------------------------

WRONG_SOMEWHERE = [
    None, True, False, 0, 1, -1, 1.0, 0.5, -0.0, 10**30, 10**400, -(10**20), 1e308, TOO_BIG,
    float("nan"), float("inf"), float("-inf"),
    "", " ", "0", "1", "1.5", "null", "GB", "gb", "ZZ", "XK", "USD", "XXQ", "KGM", "sea", "SEA",
    "81129290", "8112.92", "８１１２", "7440-55-3", "declaration/1", "declaration/2",
    "2026-11-20", "2026-02-30", "2026-11-20T08:14:05Z", "2026-11-20t08:14:05z", "2026-11-20T08:14:05.123456789Z",
    "2026-11-20 08:14:05+00:00", "2026-11-20T08:14:05-00:00", "2026-11-20T08:14:05+01:00", "2026-11-20T08:14:05",
    "2026-11-20T08:14Z", "1889-01-01T00:00:00Z", "9999-12-31T23:59:59Z", "1763626445",
    "\ud800", "\udc00x", "\x00", "\u202e", "e\u0301" * 300, "x" * 255, "x" * 256, "x" * 513, "x" * 8193,
    [], {}, [None], [[]], {"": ""}, {"number": 1}, ["GB", "ZZ"],
]  # fmt: skip
HOSTILE = st.one_of(
    st.sampled_from(WRONG_SOMEWHERE),
    st.integers(),
    st.floats(),
    st.text(max_size=20),
)


def places(found: Any, at: Path = ()) -> Iterator[Path]:
    yield at
    parts = found.items() if isinstance(found, dict) else enumerate(found) if isinstance(found, list) else ()
    for key, part in parts:
        yield from places(part, (*at, key))


def spoil(found: Any, at: Path, how: str, value: Any, name: str) -> Any:
    value = deepcopy(value)  # later steps may spoil what an earlier one has put in
    if not at:
        return value if how == "replace" else found
    holder = found
    for step in at[:-1]:
        holder = holder[step]
    last = at[-1]
    if how == "replace":
        holder[last] = value
    elif how == "remove":
        del holder[last]
    elif how == "unknown" and isinstance(holder[last], dict):
        holder[last][name] = value
    elif how == "unknown" and isinstance(holder, dict):
        holder[name] = value
    elif how == "again" and isinstance(holder, list):
        holder.append(deepcopy(holder[last]))
    elif how == "rename" and isinstance(holder, dict):
        holder[name] = holder.pop(last)
    return found


@st.composite
def records(draw: st.DrawFn) -> Any:
    found: Any = record("declaration")
    for _ in range(draw(st.integers(0, 3))):
        everywhere = list(places(found))
        at = draw(st.sampled_from(everywhere))
        how = draw(st.sampled_from(["replace", "replace", "remove", "unknown", "again", "rename"]))
        name = draw(st.sampled_from(["colour", "schema_", "a/b~c", "number", "items", "", "NAME", "\ud800"]))
        found = spoil(found, at, how, draw(HOSTILE), name)
    return found


@st.composite
def byte_strings(draw: st.DrawFn) -> bytes:
    raw = dumped(draw(records()), draw(st.booleans()))
    how = draw(st.sampled_from(["cut", "byte", "insert", "twice", "as is"]))
    at = draw(st.integers(0, len(raw) - 1))
    if how == "cut":
        return raw[:at]
    if how == "byte":
        return raw[:at] + bytes([draw(st.integers(0, 255))]) + raw[at + 1 :]
    if how == "insert":
        return (
            raw[:at] + draw(st.sampled_from([b"\xff", b"\xef\xbb\xbf", b"\x00", b"//", b",", b"[", b"\n"])) + raw[at:]
        )
    if how == "twice":
        field = draw(st.sampled_from(["version", "items", "exporter", "colour", "lodged_at"]))
        return b'{"' + field.encode() + b'":' + dumped(draw(HOSTILE)) + b"," + raw[1:]
    return raw


often = settings(
    max_examples=1000,
    deadline=None,
    derandomize="CI" in os.environ,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)


@often
@given(records(), st.booleans())
def test_both_decoders_agree_on_spoilt_records(found: Any, ascii_only: bool) -> None:
    agree(dumped(found, ascii_only))


@often
@given(byte_strings())
@example(b"")
@example(b"null")
@example(b"[]")
@example(b"NaN")
def test_both_decoders_agree_on_spoilt_bytes(raw: bytes) -> None:
    agree(raw)


def test_every_single_replacement_agrees() -> None:
    """No sampling here: every place of the full record takes every one of some wrong values."""
    wrong = [None, True, 1, 1.5, -1, "", "x", "1763626445", [], {}, TOO_BIG, 10**30, {"colour": "red"}, ["x"], [{}]]
    accepted = refused = 0
    for at in list(places(record("declaration")))[1:]:
        for value in wrong:
            if agree(dumped(spoil(record("declaration"), at, "replace", value, ""))):
                accepted += 1
            else:
                refused += 1
    assert accepted > 100
    assert refused > 1000


# --- what is refused, and where it says so -------------------------------------------------------------------------


def test_the_full_record_is_accepted_and_nothing_is_unknown() -> None:
    raw = dumped(record("declaration"))
    assert agree(raw)
    assert decode.unknown_fields(decode.row(raw)) == []


@pytest.mark.parametrize(
    ("at", "value", "path"),
    [
        (("event",), "posted", "/event"),
        (("version",), True, "/version"),
        (("version",), 0, "/version"),
        (("lodged_at",), "1763626445", "/lodged_at"),
        (("lodged_at",), 1763626445, "/lodged_at"),
        (("lodged_at",), "2026-11-20", "/lodged_at"),
        (("lodged_at",), "2026-11-20T08:14:05", "/lodged_at"),
        (("lodged_at",), "2026-11-20T08:14:05+01:00", "/lodged_at"),
        (("lodged_at",), "1815-06-18T12:00:00Z", "/lodged_at"),
        (("gross_mass_kg",), float("nan"), "/gross_mass_kg"),
        (("gross_mass_kg",), TOO_BIG, "/gross_mass_kg"),
        (("gross_mass_kg",), 10**400, "/gross_mass_kg"),
        (("gross_mass_kg",), "1040", "/gross_mass_kg"),
        (("package_count",), 40.0, "/package_count"),
        (("country_of_destination",), "ZZ", "/country_of_destination"),
        (("routing", 1), "vn", "/routing/1"),
        (("exporter", "name"), "", "/exporter/name"),
        (("exporter",), [], "/exporter"),
        (("items",), [], "/items"),
        (("items", 0, "commodity_code"), "8112.92", "/items/0/commodity_code"),
        (("items", 0, "commodity_code"), "８１１２", "/items/0/commodity_code"),
        (("items", 0, "commodity_code"), 81129290, "/items/0/commodity_code"),
        (("items", 0, "description"), "x" * 8193, "/items/0/description"),
        (("items", 0, "value", "currency"), "XXQ", "/items/0/value/currency"),
        (("items", 0, "value", "amount"), -1, "/items/0/value/amount"),
        (("items", 0, "documents", 0, "issued_on"), "0", "/items/0/documents/0/issued_on"),
        (("items", 0, "documents", 0, "issued_on"), "2026-02-30", "/items/0/documents/0/issued_on"),
        (("items", 0, "packages", 0, "count"), -1, "/items/0/packages/0/count"),
    ],
)
def test_a_wrong_value_is_refused_at_its_path(at: Path, value: Any, path: str) -> None:
    raw = dumped(spoil(record("declaration"), at, "replace", value, ""))
    assert not agree(raw)
    with pytest.raises(ContractError) as refusal:
        decode.row(raw)
    assert refusal.value.path == path
    assert len(str(refusal.value)) < 300


@pytest.mark.parametrize("raw", [b"", b"{", b'{"a": \xff}', dumped(record("declaration"))[:-1], b"[" * 100_000])
def test_what_is_not_json_is_refused_as_a_whole(raw: bytes) -> None:
    assert not agree(raw)
    with pytest.raises(ContractError, match="Invalid JSON") as refusal:
        decode.row(raw)
    assert refusal.value.path == ""


def test_deep_objects_and_arrays_in_unknown_fields_are_refused_not_a_crash() -> None:
    for opening, closing in ((b"[", b"]"), (b'{"a":', b"}")):
        deep = opening * 100_000 + b"1" + closing * 100_000
        assert not agree(dumped(record("declaration"))[:-1] + b', "colour": ' + deep + b"}")


def test_a_lodgement_far_ahead_of_its_arrival_is_refused() -> None:
    raw = dumped(record("declaration"))
    lodged = datetime(2026, 11, 20, 8, 14, 5, tzinfo=UTC)
    for read in (decode.row, decode.declaration):
        read(raw, latest=lodged - decode.FUTURE_ALLOWANCE)
        with pytest.raises(ContractError) as refusal:
            read(raw, latest=lodged - decode.FUTURE_ALLOWANCE - timedelta(seconds=1))
        assert refusal.value.path == "/lodged_at"


# --- large records ---------------------------------------------------------------------------------------------------


def large(items: int) -> dict[str, Any]:
    found = record("declaration")
    found["items"] = [found["items"][0] | {"number": number + 1} for number in range(items)]
    return found


def test_9999_items_in_several_megabytes_pass() -> None:
    raw = dumped(large(9_999))
    assert len(raw) > 5_000_000
    assert agree(raw)
    assert len(decode.row(raw)["items"]) == 9_999


def test_10000_items_are_one_too_many() -> None:
    raw = dumped(large(10_000))
    assert not agree(raw)
    with pytest.raises(ContractError, match="at most 9999") as refusal:
        decode.row(raw)
    assert refusal.value.path == "/items"
    assert len(str(refusal.value)) < 300


def test_one_wrong_field_among_megabytes_is_named() -> None:
    found = large(9_999)
    found["items"][9_998] = found["items"][9_998] | {"net_mass_kg": "heavy"}
    raw = dumped(found)
    assert not agree(raw)
    with pytest.raises(ContractError, match="heavy") as refusal:
        decode.row(raw)
    assert refusal.value.path == "/items/9998/net_mass_kg"


def test_a_repeated_item_number_is_named() -> None:
    found = large(9_999)
    found["items"][9_998] = found["items"][9_998] | {"number": 4_711}
    raw = dumped(found)
    assert not agree(raw)
    with pytest.raises(ContractError, match="4711") as refusal:
        decode.row(raw)
    assert refusal.value.path == "/items"


def test_a_record_beyond_the_size_limit_is_refused_unparsed() -> None:
    raw = b" " * (decode.MAX_RECORD_BYTES + 1)
    assert not agree(raw)
    with pytest.raises(ContractError, match="larger than"):
        decode.row(raw)
