"""What NCTS phase 5 says of a declaration after its lodgement: notices, decisions, refusals."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from lxml import etree

from schemas import feeds
from schemas.errors import FeedError
from schemas.feeds.ncts import CODEC as NCTS
from schemas.message import Message


def told(raw: bytes) -> Message:
    (found,) = NCTS.decode(raw, feeds.UNKNOWN)
    return found


NOTICE = """<ncts:{kind} xmlns:ncts="http://ncts.dgtaxud.ec">
 <preparationDateAndTime>2026-11-21T10:00:00</preparationDateAndTime><messageIdentification>ANS-1</messageIdentification>
 <correlationIdentifier>MSG-2</correlationIdentifier>
 <TransitOperation>{operation}</TransitOperation>{more}
 <HolderOfTheTransitProcedure><identificationNumber>GB953574106000</identificationNumber></HolderOfTheTransitProcedure>
</ncts:{kind}>"""
MRN = "<MRN>26GB000246SON0FHJ9</MRN>"
LRN = "<LRN>LRN-7</LRN>"


def notice(kind: str, operation: str = MRN, more: str = "") -> bytes:
    return NOTICE.format(kind=kind, operation=operation, more=more).encode()


def stamped(name: str, hour: int) -> str:
    return f"<{name}>2026-11-21T{hour:02}:00:00</{name}>"


def invalidation(*parts: str) -> str:
    return f"<Invalidation>{''.join(parts)}</Invalidation>"


NO_RELEASE = """<noReleaseMotivationCode>G1</noReleaseMotivationCode>
 <noReleaseMotivationText>Guarantee not valid</noReleaseMotivationText>"""
WHY = "<justification>broken</justification>"
GRANTED = "<decision>1</decision>"


@pytest.mark.parametrize(
    ("kind", "operation", "more", "event", "at", "reason"),
    [
        ("CC004C", stamped("amendmentAcceptanceDateAndTime", 9), "", "accepted", 9, None),
        ("CC028C", "<declarationAcceptanceDate>2026-11-21</declarationAcceptanceDate>", "", "accepted", 10, None),
        ("CC029C", "<releaseDate>2026-11-21</releaseDate>", "<Consignment/>", "released", 10, None),
        ("CC014C", "", invalidation(stamped("requestDateAndTime", 7), WHY), "cancelled", 7, "broken"),
        ("CC009C", "", invalidation(stamped("decisionDateAndTime", 8), GRANTED, WHY), "cancelled", 8, "broken"),
        ("CC009C", "", invalidation("<initiatedByCustoms>1</initiatedByCustoms>"), "cancelled", 10, None),
        ("CC051C", NO_RELEASE, "", "controlled", 10, "G1 Guarantee not valid"),
        ("CC060C", stamped("controlNotificationDateAndTime", 6), "", "controlled", 6, None),
        ("CC170C", "", "", "arrived", 10, None),
    ],
)
def test_notices(kind: str, operation: str, more: str, event: str, at: int, reason: str | None) -> None:
    found = told(notice(kind, LRN + MRN + operation, more))
    assert (found.event, found.reason, found.reference) == (event, reason, "ANS-1")
    assert found.at == datetime(2026, 11, 21, at, tzinfo=UTC)
    assert found.declaration is None
    assert found.named.model_dump(exclude_none=True) == {
        "declaration_id": "ncts:GB953574106000:LRN-7",
        "declarant": "GB953574106000",
        "local_reference": "LRN-7",
        "mrn": "26GB000246SON0FHJ9",
    }
    by_mrn = told(notice(kind, MRN + operation, more))
    assert by_mrn.named.model_dump(exclude_none=True) == {"declarant": "GB953574106000", "mrn": "26GB000246SON0FHJ9"}


def test_a_rejected_lodgement() -> None:
    errors = "".join(
        f"<FunctionalError><errorPointer>/CC015C/x{n}</errorPointer><errorCode>12</errorCode>"
        f"<errorReason>R{n}</errorReason></FunctionalError>"
        for n in range(7)
    )
    for kind in ("<businessRejectionType>015</businessRejectionType>", ""):
        found = told(notice("CC056C", LRN + kind + "<rejectionCode>12</rejectionCode>", errors))
        assert found.event == "rejected"
        assert found.named.declaration_id == "ncts:GB953574106000:LRN-7"
        assert found.reason is not None
        assert found.reason.startswith("rejection code 12: 12 R0 /CC015C/x0; 12 R1")
        assert found.reason.endswith("and 2 more")


@pytest.mark.parametrize(
    "raw",
    [
        notice("CC056C", LRN + MRN + "<businessRejectionType>013</businessRejectionType>"),
        notice("CC056C", MRN + "<businessRejectionType>014</businessRejectionType>"),
        notice("CC056C", MRN),
        notice("CC009C", LRN + MRN, "<Invalidation><decision>0</decision></Invalidation>"),
    ],
)
def test_a_refused_request_is_named_by_its_own_reference(raw: bytes) -> None:
    found = told(raw)
    assert found.event == "rejected"
    assert (found.named.declaration_id, found.named.local_reference) == (None, "MSG-2")
    assert found.named.mrn == "26GB000246SON0FHJ9"
    unnamed = raw.replace(b"<correlationIdentifier>MSG-2</correlationIdentifier>", b"")
    assert NCTS.decode(unnamed, feeds.UNKNOWN) == []


def test_the_refusal_of_another_request_changes_nothing() -> None:
    raw = notice("CC056C", LRN + "<businessRejectionType>170</businessRejectionType>")
    assert NCTS.decode(raw, feeds.UNKNOWN) == []


def test_a_decision_must_be_stated() -> None:
    with pytest.raises(FeedError) as caught:
        NCTS.decode(notice("CC009C", MRN, "<Invalidation/>"), feeds.UNKNOWN)
    assert caught.value.path == "/CC009C/Invalidation"
    assert "decision is missing" in caught.value.reason


GOOD = (
    notice("CC056C", LRN + "<rejectionDateAndTime>2026-11-21T06:00:00</rejectionDateAndTime>"),
    notice("CC009C", MRN, invalidation(GRANTED, WHY)),
    notice("CC014C", LRN, invalidation(WHY)),
)


@settings(max_examples=300, deadline=None)
@given(st.sampled_from(GOOD), st.integers(0, 10_000), st.integers(0, 60), st.binary(max_size=40))
def test_any_damage_is_decoded_or_refused(raw: bytes, at: int, cut: int, put: bytes) -> None:
    at %= len(raw)
    damaged = raw[:at] + put + raw[at + cut :]
    try:
        found = NCTS.decode(damaged, feeds.UNKNOWN)
    except FeedError:
        return
    assert all(isinstance(one, Message) for one in found)


@settings(max_examples=150, deadline=None)
@given(st.sampled_from(GOOD), st.data())
def test_any_text_anywhere_is_decoded_or_refused(raw: bytes, data: st.DataObject) -> None:
    root = etree.fromstring(raw)
    elements = [element for element in root.iter() if not len(element)]
    alphabet = st.characters(codec="utf-8", exclude_categories=["Cc", "Cs"], exclude_characters="\ufffe\uffff")
    for _ in range(3):
        odd = st.sampled_from(["-", "0", "9" * 400, "2026-11-21T99:00:00", ""])
        data.draw(st.sampled_from(elements)).text = data.draw(st.text(alphabet, max_size=30) | odd)
    try:
        NCTS.decode(etree.tostring(root), feeds.UNKNOWN)
    except FeedError as refusal:
        caught = refusal
    else:
        return
    assert caught.path
