"""Fields that the contract does not know: named wherever they stand, and kept out of what leaves."""

from __future__ import annotations

import json
from typing import Any

import pytest
from contract_examples import record

from detectors import personal
from schemas import decode

HOLDERS: dict[str, tuple[str | int, ...]] = {
    "": (),
    "/source": ("source",),
    "/exporter": ("exporter",),
    "/traveller": ("traveller",),
    "/transport": ("transport",),
    "/items/0": ("items", 0),
    "/items/0/value": ("items", 0, "value"),
    "/items/0/quantity": ("items", 0, "quantity"),
    "/items/0/packages/0": ("items", 0, "packages", 0),
    "/items/0/documents/0": ("items", 0, "documents", 0),
}


def with_unknown(*places: str) -> decode.Row:
    found = record("declaration")
    for place in places:
        holder: Any = found
        for step in HOLDERS[place]:
            holder = holder[step]
        holder["colour/~"] = {"deep": ["Maria Mustermann"]}
    return decode.row(json.dumps(found).encode())


@pytest.mark.parametrize("place", HOLDERS)
def test_an_unknown_field_is_named_where_it_stands(place: str) -> None:
    assert decode.unknown_fields(with_unknown(place)) == [f"{place}/colour~1~0"]


def test_all_of_them_are_named() -> None:
    assert sorted(decode.unknown_fields(with_unknown(*HOLDERS))) == sorted(f"{at}/colour~1~0" for at in HOLDERS)


def test_a_row_can_be_had_without_them() -> None:
    clean = decode.row(json.dumps(record("declaration")).encode())
    assert decode.without_unknown(clean) is clean
    assert decode.without_unknown(with_unknown(*HOLDERS)) == clean


@pytest.mark.parametrize("keep_personal", [True, False])
def test_they_do_not_leave_in_an_alert(keep_personal: bool) -> None:
    shown = personal.redact(with_unknown(*HOLDERS), keep_personal)
    assert "Maria" not in json.dumps(shown, default=str)
    assert "colour" not in json.dumps(shown, default=str)
