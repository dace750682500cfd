"""Identity, aliases, waiting and edits of the intake, one at a time; lives as a whole: tests/contracts/test_intake_life.py."""

from __future__ import annotations

import json
import sys
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from schemas.declaration import Declaration
from schemas.message import Edit, Message, Named
from streams.intake import edits as editing
from streams.intake import mrn as check
from streams.intake.assembly import MAX_MAKERS, Assembly
from streams.intake.edits import EditError
from streams.intake.saying import Received
from streams.intake.store import Store

sys.path.insert(0, str(Path(__file__).parents[1] / "contracts"))
from intake_lives import NOW, SECOND, START, content, received, taken_in, whole

SOURCE = {"system": "test", "format": "test"}
ID = Named(declaration_id="test:GB1:A")
MRN = "26GB5S3RI7TMMX8YR" + check.check_digit("26GB5S3RI7TMMX8YR")


def lodged(name: str = "A", second: int = 0, **more: Any) -> Message:
    return Message.of(whole(content(name, 5.0) | more, at=START + timedelta(seconds=second)), version=1)


def said(event: str, named: Named, second: int | None = None, **more: Any) -> Message:
    at = None if second is None else START + timedelta(seconds=second)
    return Message(event=event, named=named, source=SOURCE, at=at, **more)


def edit(path: str, value: Any = None, op: str = "set") -> Edit:
    return Edit(op=op, path=path, value=value)


def final(*messages: Message, name: str = "A") -> dict[str, Any]:
    last, outcomes, store = taken_in(received(messages))
    assert [refused.error for outcome in outcomes for refused in outcome.refused] == []
    assert store.waiting == 0
    return last[f"test:GB1:{name}"]


# Names


@pytest.mark.parametrize(
    "named",
    [
        ID,
        Named(declarant="gb1", local_reference="A"),
        Named(local_reference="A"),
        Named(mrn=MRN),
        Named(mrn="26 " + MRN[2:].lower()),
        Named(ucr="6GB1-X"),
        Named(mrn="26GBUNKNOWN0000000", ucr="6GB1-X"),
        Named(mrn="26GBUNKNOWN0000000", local_reference="A"),
    ],
    ids=str,
)
def test_every_name_finds_the_declaration(named: Named) -> None:
    accepted = said("accepted", Named(local_reference="A", mrn=MRN), 1)
    row = final(lodged(ucr="6GB1-X"), accepted, said("released", named, 2))
    assert row["event"] == "released"


def test_the_acceptance_teaches_the_mrn_to_all_that_wait_for_it() -> None:
    waiting = [said("released", Named(mrn=MRN), 9), said("amended", Named(mrn=MRN), 5, edits=[edit("/office", "X")])]
    row = final(*waiting, said("accepted", Named(local_reference="A", mrn=MRN), 1), lodged())
    assert (row["version"], row["event"], row["mrn"], row["office"]) == (2, "released", MRN, "X")


def test_a_reference_or_ucr_of_several_declarations_names_none() -> None:
    other = whole(content("A", 1.0) | {"declaration_id": "test:GB2:A", "ucr": "U"}, at=START)
    store = Store()
    assembly = Assembly(store)
    for one in received([lodged(ucr="U"), Message.of(other, version=1)]):
        assembly.apply(one)
    for place, named in enumerate((Named(local_reference="A"), Named(ucr="U")), 10):
        assembly.apply(Received(said("released", named, place), NOW, place))
    refused = assembly.release(NOW + 3600 * SECOND).refused
    assert sorted(one.error.reason for one in refused) == [
        "UCR U is that of several declarations: test:GB1:A, test:GB2:A",
        "local reference A is that of several declarations: test:GB1:A, test:GB2:A",
    ]


def test_another_declaration_with_the_same_ucr_is_another_declaration() -> None:
    last, _, _ = taken_in(received([lodged("A", ucr="U"), lodged("B", 1, ucr="U")]))
    assert set(last) == {"test:GB1:A", "test:GB1:B"}


def test_a_message_that_names_nothing_is_refused_at_once() -> None:
    _, outcomes, store = taken_in(received([said("released", Named())]))
    assert "names no declaration" in outcomes[0].refused[0].error.reason
    assert store.waiting == 0


# Versions


def test_a_stated_version_waits_for_those_before_it_and_names_what_is_missing() -> None:
    store = Store()
    assembly = Assembly(store, wait=60)
    late = Message.of(whole(content("A", 9.0), "amended", START), version=3)
    outcomes = [assembly.apply(one) for one in received([lodged(), late])]
    assert [one.version for outcome in outcomes for one in outcome.written] == [1]
    assert not assembly.release(NOW + 59 * SECOND).refused
    (refused,) = assembly.release(NOW + 62 * SECOND).refused
    assert refused.error.reason == "version 2 of test:GB1:A is missing"
    assert refused.raw == b"raw 1"


def test_without_version_and_time_the_order_of_arrival_decides() -> None:
    first, second = (said("amended", ID, edits=[edit("/office", office)]) for office in ("GB1", "GB2"))
    assert final(lodged(), first, second)["office"] == "GB2"
    assert final(lodged(), second, first)["office"] == "GB1"


def test_a_time_that_only_repeats_the_arrival_is_no_time() -> None:
    """A codec gives a message without a time that of its arrival; the same message again arrives later."""

    def arrived(second: int) -> Message:
        at = START + timedelta(seconds=second)
        source = SOURCE | {"received_at": at, "origin": f"raw.test/0@{second}"}
        declaration = whole(content("A", 5.0), at=at)
        declaration = Declaration.model_validate(declaration.model_dump(by_alias=True) | {"source": source})
        return Message.of(declaration, version=1)

    _, outcomes, _ = taken_in(received([arrived(1), arrived(50)]))
    assert [outcome.duplicates for outcome in outcomes] == [0, 1]


def test_a_second_lodgement_after_a_rejection_is_the_next_version() -> None:
    row = final(
        lodged(),
        said("rejected", Named(local_reference="A"), 10, reference="notice"),
        Message.of(whole(content("A", 7.0), at=START + timedelta(seconds=20)), version=1),
        said("accepted", Named(local_reference="A", mrn=MRN), 30, version=1),
    )
    assert (row["version"], row["event"], row["mrn"], row["items"][0]["net_mass_kg"]) == (2, "accepted", MRN, 7.0)


@pytest.mark.parametrize("by", ["reference", "local_reference"])
def test_a_rejected_amendment_is_taken_back(by: str) -> None:
    amended = said("amended", ID, 10, edits=[edit("/office", "X")], reference="COR-1")
    later = said("amended", ID, 15, edits=[edit("/exit_office", "Y")], reference="COR-2")
    if by == "reference":
        rejected = said("rejected", ID, 20, reference="COR-1")
    else:
        rejected = said("rejected", Named(mrn=MRN, local_reference="COR-1"), 20, reference="notice")
    accepted = said("accepted", Named(local_reference="A", mrn=MRN), 1)
    row = final(lodged(), rejected, accepted, amended, later)
    assert (row["version"], row["event"], row["office"], row["exit_office"]) == (4, "amended", None, "Y")


def test_a_rejection_of_an_unknown_amendment_rejects_no_declaration() -> None:
    store = Store()
    assembly = Assembly(store)
    accepted = said("accepted", Named(local_reference="A", mrn=MRN), 1)
    rejected = said("rejected", Named(mrn=MRN, local_reference="COR-9"), 20)
    outcomes = [assembly.apply(one) for one in received([lodged(), accepted, rejected])]
    assert not outcomes[-1].written
    (refused,) = assembly.release(NOW + 3600 * SECOND).refused
    assert "COR-9" in refused.error.reason


def test_very_many_amendments_are_folded_and_nothing_of_the_end_is_lost() -> None:
    many = 3 * MAX_MAKERS
    messages = [lodged()]
    for n in range(1, many):
        messages.append(
            said("amended", ID, n, edits=[edit(f"/items/#{n}", {"net_mass_kg": float(n)})], reference=f"R{n}")
        )
    messages.append(said("rejected", ID, many, reference=f"R{many - 1}"))
    row = final(*messages)
    assert (row["version"], len(row["items"])) == (many + 1, many - 2)
    _, outcomes, store = taken_in([*received(messages), *received(messages[100:])])
    life = store.life("test:GB1:A")
    assert life is not None
    assert len(life.entries) <= MAX_MAKERS + 1
    assert not any(outcome.written for outcome in outcomes[len(messages) :])


def test_the_oldest_is_given_up_when_too_many_wait() -> None:
    store = Store()
    assembly = Assembly(store, max_waiting=3)
    messages = [said("released", Named(mrn=f"26GB{n:014}"), n) for n in range(5)]
    outcomes = [assembly.apply(one) for one in received(messages)]
    assert [len(outcome.refused) for outcome in outcomes] == [0, 0, 0, 1, 1]
    assert store.waiting == 3


# Edits


def row_of(**more: Any) -> dict[str, Any]:
    found: dict[str, Any] = whole(content("A", 5.0, items=3) | more).model_dump(mode="json", by_alias=True)
    return found


def edited(*wanted: Edit, **more: Any) -> dict[str, Any]:
    row = row_of(**more)
    changed = editing.apply(row, wanted)
    return json.loads(editing.checked(row, changed, wanted).model_dump_json(by_alias=True))


def test_edits_set_remove_and_make() -> None:
    row = edited(
        edit("/items/#2/net_mass_kg", 7),
        edit("/items/#2/documents/0/type", "X002"),
        edit("/items/#2/documents/0/reference", "GBSIE"),
        edit("/items/#1", op="remove"),
        edit("/items/#9/description", "a new item"),
        edit("/items/#10", {"description": "another"}),
        edit("/transport/containers/0", "CSQU3054383"),
        edit("/transport/mode", "sea"),
        edit("/office", op="remove"),
        edit("/consignee/name", op="remove"),
        edit("/routing", ["GB", "DE"]),
        office="GB1",
    )
    assert [item["number"] for item in row["items"]] == [2, 3, 9, 10]
    assert row["items"][0]["net_mass_kg"] == 7.0
    assert row["items"][0]["documents"][0] | {"type": "X002", "reference": "GBSIE"} == row["items"][0]["documents"][0]
    assert row["transport"]["containers"] == ["CSQU3054383"]
    assert (row["transport"]["mode"], row["office"], row["consignee"], row["routing"]) == (
        "sea",
        None,
        None,
        ["GB", "DE"],
    )


@pytest.mark.parametrize(
    ("wanted", "where", "final"),
    [
        (edit("/items/#2/net_mass_kg", "heavy"), "/items/#2/net_mass_kg", True),
        (edit("/items/#2/net_mass_kg", -1), "/items/#2/net_mass_kg", True),
        (edit("/items/#2", {"description": ""}), "/items/#2/description", True),
        (edit("/items/#2/documents/5/type", "X"), "/items/#2/documents/5/type", False),
        (edit("/items/#2/colour", "red"), "/items/#2/colour", True),
        (edit("/version", 7), "/version", True),
        (edit("/mrn", MRN), "/mrn", True),
        (edit("/items/x/net_mass_kg", 1), "/items/x/net_mass_kg", True),
        (edit("/office/name", 1), "/office/name", True),
        (edit("/items/#123456/net_mass_kg", 1), "/items/#123456/net_mass_kg", True),
        (edit("/invoice_value/amount", 5), "/invoice_value/currency", False),
        (edit("/items", []), "/items", True),
    ],
    ids=lambda one: one.path if isinstance(one, Edit) else str(one),
)
def test_edits_that_do_not_fit_say_where(wanted: Edit, where: str, final: bool) -> None:
    with pytest.raises(EditError) as caught:
        edited(wanted)
    assert caught.value.path == where
    assert caught.value.reason
    assert caught.value.final == final


def test_an_edit_under_a_value_that_an_edit_broke_is_refused() -> None:
    with pytest.raises(EditError, match="no parts"):
        edited(edit("/transport", 5), edit("/transport/mode", "sea"))


def test_a_wrong_value_costs_the_amendment_and_what_may_still_fit_waits() -> None:
    wrong = said("amended", ID, 5, edits=[edit("/items/#1/net_mass_kg", "heavy")])
    early = said("amended", ID, 9, edits=[edit("/items/#1/documents/1/type", "Y")])
    before = said("amended", ID, 7, edits=[edit("/items/#1/documents/0/type", "X")])
    last, outcomes, store = taken_in(received([lodged(), wrong, early, before]))
    assert outcomes[1].refused[0].error.path == "/items/#1/net_mass_kg"
    assert not outcomes[2].refused
    assert store.waiting == 0
    row = last["test:GB1:A"]
    assert (row["version"], [document["type"] for document in row["items"][0]["documents"]]) == (3, ["X", "Y"])


# Check digits


@pytest.mark.parametrize(
    ("mrn", "wrong"),
    [(MRN, False), (MRN[:-1] + str((int(MRN[-1]) + 1) % 10), True), ("26GB-not-one", False), ("2026CMEXZ99", False)],
)
def test_a_check_digit_that_fails_warns_and_refuses_nothing(mrn: str, wrong: bool) -> None:
    assert check.doubtful(mrn) == wrong
    _, outcomes, _ = taken_in(received([lodged(), said("accepted", Named(local_reference="A", mrn=mrn), 1)]))
    assert bool(outcomes[1].doubtful) == wrong
    assert outcomes[1].written
