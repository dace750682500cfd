"""What every contract promises: strict types, known codes, bounded texts, UTC times, and a refusal that says where."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any, get_args

import pytest
from contract_examples import ITEM, PARTY, RECORDS, record
from pydantic import ValidationError

from schemas.declaration import PARTY_ROLES, Event, Regime, TransportMode
from schemas.export.json_schema import CONTRACTS, TABLES
from schemas.reference import TableName
from schemas.types import FindingCode, country_codes, currency_codes

NAMES = sorted(RECORDS)


def fields(found: Any, at: tuple[str | int, ...] = ()) -> Iterator[tuple[str | int, ...]]:
    """Yield the place of every field of a record, at every depth."""
    for key, part in found.items() if isinstance(found, dict) else enumerate(found):
        yield (*at, key)
        if isinstance(part, dict | list):
            yield from fields(part, (*at, key))


def holder_of(found: Any, at: tuple[str | int, ...]) -> Any:
    for step in at[:-1]:
        found = found[step]
    return found


def open_ended(at: tuple[str | int, ...]) -> bool:
    """Tell whether a place lies within one of the few objects whose contents the contract leaves open."""
    return bool({"observed", "expected"} & set(at)) or bool({"declaration", "provenance", "entries"} & set(at[:-1]))


def reading(name: str, found: Any) -> Any:
    return CONTRACTS[name].contract.model_validate_json(json.dumps(found))


def test_every_written_and_read_contract_has_an_example() -> None:
    assert set(NAMES) | {f"reference-{table.replace('_', '-')}" for table in TABLES} == set(CONTRACTS)
    assert set(TABLES) == set(get_args(TableName))


@pytest.mark.parametrize("name", NAMES)
def test_a_good_record_survives_the_round_trip(name: str) -> None:
    model = reading(name, record(name))
    written = model.model_dump_json(by_alias=True)
    assert json.loads(written) == record(name)
    assert reading(name, json.loads(written)) == model


@pytest.mark.parametrize("name", NAMES)
def test_unknown_fields_are_left_out(name: str) -> None:
    assert reading(name, record(name) | {"colour": "red"}) == reading(name, record(name))


@pytest.mark.parametrize("name", NAMES)
def test_what_was_validated_cannot_be_changed(name: str) -> None:
    model = reading(name, record(name))
    with pytest.raises(ValidationError, match="frozen"):
        setattr(model, next(iter(type(model).model_fields)), "other")


@pytest.mark.parametrize("name", NAMES)
def test_no_field_takes_a_value_of_another_type(name: str) -> None:
    """Numbers are not read from texts, texts not from numbers, flags not from numbers, lists not from objects."""
    wrong: dict[type, list[Any]] = {
        str: [1, True, ["x"], {}],
        int: ["1", 1.5, True, []],
        float: ["1.0", True, []],
        bool: ["true", 1, 0],
        list: ["x", {}, 1],
        dict: ["x", [], 1],
    }
    for at in fields(record(name)):
        if open_ended(at):
            continue
        for value in wrong[type(holder_of(record(name), at)[at[-1]])]:
            found = record(name)
            holder_of(found, at)[at[-1]] = value
            with pytest.raises(ValidationError) as refusal:
                reading(name, found)
            assert refusal.value.errors()[0]["loc"][: len(at)] == at


@pytest.mark.parametrize("name", NAMES)
def test_no_number_may_be_infinite_or_not_a_number(name: str) -> None:
    for at in fields(record(name)):
        if open_ended(at) or not isinstance(holder_of(record(name), at)[at[-1]], float):
            continue
        for value in (float("nan"), float("inf"), float("-inf")):
            found = record(name)
            holder_of(found, at)[at[-1]] = value
            with pytest.raises(ValidationError):
                reading(name, found)


@pytest.mark.parametrize("name", NAMES)
def test_times_are_utc_and_written_as_times(name: str) -> None:
    for at in fields(record(name)):
        good = holder_of(record(name), at)[at[-1]]
        if open_ended(at) or not (isinstance(good, str) and good.endswith("Z") and good.startswith("2026-11")):
            continue
        for value in ("1763626445", "2026-11-20", good[:-1], good[:-1] + "+08:00", "1700-01-01T00:00:00Z", ""):
            found = record(name)
            holder_of(found, at)[at[-1]] = value
            with pytest.raises(ValidationError) as refusal:
                reading(name, found)
            assert refusal.value.errors()[0]["loc"] == at


@pytest.mark.parametrize(
    ("field", "limit"),
    [("description", 8192), ("commodity_code", 14)],
)
def test_texts_are_bounded(field: str, limit: int) -> None:
    good = record("declaration")
    good["items"][0][field] = "9" * limit
    reading("declaration", good)
    good["items"][0][field] += "9"
    with pytest.raises(ValidationError):
        reading("declaration", good)


def test_an_absent_text_is_null_never_empty() -> None:
    for role in PARTY_ROLES:
        for field in PARTY:
            found = record("declaration")
            found[role][field] = None
            reading("declaration", found)
            found[role][field] = ""
            with pytest.raises(ValidationError):
                reading("declaration", found)


def test_what_a_feed_may_not_carry_may_be_left_out() -> None:
    """The least a declaration must say; NCTS has no value, most CDS exports no origin, no lodgement an MRN."""
    least = {
        "event": "lodged",
        "declaration_id": "ncts:1",
        "lodged_at": "2026-11-20T08:14:05Z",
        "source": {"system": "ncts", "format": "cc015c"},
        "regime": "transit",
        "items": [{"number": 1}],
    }
    found = reading("declaration", least)
    assert found.version == 1
    assert found.items[0].value is None
    assert found.exporter is None
    for field in least:
        with pytest.raises(ValidationError) as refusal:
            reading("declaration", {key: part for key, part in least.items() if key != field})
        assert refusal.value.errors()[0]["loc"] == (field,)
        assert refusal.value.errors()[0]["type"] == "missing"


def test_codes_of_countries_and_currencies() -> None:
    assert {"CN", "TH", "XK", "XI"} <= country_codes()
    assert {"CNY", "USD", "XAU"} <= currency_codes()
    assert not {"ZZ", "UK", "cn", "CHN", ""} & country_codes()


# --- the names that consumers depend on: a change here is a change of contract ----------------------------------------


def test_normative_names() -> None:
    assert set(get_args(Event)) == {
        "lodged", "amended", "cancelled", "accepted", "rejected", "arrived", "controlled", "released", "exited",
    }  # fmt: skip
    assert set(get_args(Regime)) == {"export", "import", "transit", "entry_summary", "passenger", "postal"}
    assert set(get_args(TransportMode)) == {
        "sea", "rail", "road", "air", "post", "fixed", "inland", "own", "passenger",
    }  # fmt: skip
    assert set(get_args(FindingCode)) == {
        "CONTROL-NO-LICENCE", "CONTROL-PROHIBITED", "LICENCE-OVERDRAWN", "LICENCE-MISUSED", "MISLABEL-NAME",
        "MISLABEL-CODE", "MISLABEL-TEXT", "MISLABEL-VALUE", "MISLABEL-MASS", "MISLABEL-PURITY", "VAGUE-DESCRIPTION",
        "ROUTE-TRANSIT", "ROUTE-DETOUR", "ROUTE-DESTINATION", "ROUTE-SURGE", "ORIGIN-RELABEL", "SPLIT-SHIPMENTS",
        "HAND-CARRIED", "PARTY-NEW", "PARTY-LINKED", "AMEND-EVASIVE", "OUTLIER", "OUTCOME",
    }  # fmt: skip


@pytest.mark.parametrize("name", NAMES)
def test_the_example_fills_every_field(name: str) -> None:
    """So that the tests above see all of them, and a new field needs an example."""
    contract = CONTRACTS[name].contract
    assert set(RECORDS[name]) == {field.alias or key for key, field in contract.model_fields.items()}


def test_the_example_item_fills_every_field() -> None:
    contract = type(reading("declaration", record("declaration")).items[0])
    assert set(ITEM) == set(contract.model_fields)
