"""The codec of NCTS phase 5: what stands where in a transit declaration, and what is said of it later."""

from __future__ import annotations

import re
from datetime import UTC, datetime

import pytest
from lxml import etree
from ncts_messages import ARRIVED, decoded, message, refused, told

from schemas import feeds
from schemas.feeds.ncts import CODEC as NCTS


def test_a_whole_declaration() -> None:
    found = told(message())
    assert found.model_dump(mode="json", by_alias=True, exclude={"declaration"}, exclude_none=True) == {
        "schema": "message/1",
        "event": "lodged",
        "named": {
            "declaration_id": "ncts:GB953574106000:LRN-7",
            "declarant": "GB953574106000",
            "local_reference": "LRN-7",
            "ucr": "UCR-1",
        },
        "source": {
            "system": "ncts",
            "format": "ncts5",
            "received_at": "2026-11-20T08:30:00Z",
            "origin": "raw.ncts/0@7",
        },
        "at": "2026-11-20T08:15:00Z",
        "version": 1,
        "edits": [],
        "reference": "MSG-1",
    }
    assert found.declaration is not None
    whole = found.declaration.model_dump(mode="json", by_alias=True, exclude_none=True)
    item = whole.pop("items")[0]
    assert whole == {
        "schema": "declaration/1",
        "event": "lodged",
        "declaration_id": "ncts:GB953574106000:LRN-7",
        "version": 1,
        "local_reference": "LRN-7",
        "ucr": "UCR-1",
        "lodged_at": "2026-11-20T08:15:00Z",
        "source": found.source.model_dump(mode="json", exclude_none=True),
        "regime": "transit",
        "declaration_type": "T1",
        "office": "GB000246",
        "exit_office": "FR000001",
        "declarant": {"id": "gb953574106000", "phone": "+44 1", "email": "a@b.example"},
        "agent": {"id": "GB000000000042"},
        "exporter": {
            "name": "Rheingold GmbH",
            "address": "Kai 3",
            "city": "Hamburg",
            "postcode": "20457",
            "country": "DE",
        },
        "consignee": {"id": "RS1"},
        "carrier": {"id": "FR77"},
        "country_of_export": "DE",
        "country_of_destination": "RS",
        "routing": ["FR", "HU"],
        "transport": {
            "mode": "sea",
            "identity": "MV ASSAYER",
            "nationality": "PA",
            "containers": ["MSKU1234565"],
            "inland_mode": "road",
            "seals": ["S1", "S2"],
        },
        "gross_mass_kg": 25.0,
        "documents": [{"type": "C085", "reference": "SUP-1"}, {"type": "N705", "reference": "BL-1"}],
        "previous_documents": [
            {"type": "NMRN", "reference": "24GBEXPORTMRN"},
            {"type": "N830", "reference": "PREV-1"},
        ],
    }
    assert item == {
        "number": 1,
        "commodity_code": "81129289",
        "description": "Gallium, unwrought",
        "net_mass_kg": 10.0,
        "gross_mass_kg": 12.5,
        "additional_procedures": [],
        "packages": [{"type": "BX", "count": 4, "marks": "LOT 9"}, {}],
        "documents": [
            {"type": "X002", "reference": "LIC-1", "expires_on": "2027-01-04", "quantity_kg": 2.5},
            {"type": "Y901"},
        ],
        "previous_documents": [{"type": "N337", "reference": "PREV-ITEM"}],
    }


def test_documents_of_several_house_consignments_stand_with_their_items() -> None:
    found = decoded(message(houses=2, items=2))
    assert [document.reference for document in found.documents] == ["SUP-1"]
    assert [document.reference for document in found.previous_documents] == ["24GBEXPORTMRN"]
    assert [(item.number, item.documents[0].reference, item.previous_documents[0].reference) for item in found.items] == [
        (1, "BL-1", "PREV-1"), (2, "BL-1", "PREV-1"), (3, "BL-2", "PREV-2"), (4, "BL-2", "PREV-2"),
    ]  # fmt: skip


def test_documents_times_items_are_bounded() -> None:
    paper = "<SupportingDocument><type>N380</type><referenceNumber>I</referenceNumber></SupportingDocument>"
    raw = message(("<TransportDocument>", paper * 300 + "<TransportDocument>"), houses=2, items=100)
    found = decoded(raw)
    assert len(found.documents) == 1 + 2 * 301
    assert all(len(item.documents) == 2 for item in found.items)


def test_namespaces_wrappers_order_and_code_pages_do_not_matter() -> None:
    expected = told(message())
    bare = etree.fromstring(message())
    for element in bare.iter():
        element.tag = etree.QName(element).localname
    variants = [etree.tostring(bare), b"\xef\xbb\xbf" + message(), message().decode().encode("utf-16")]
    variants += [
        b'<s:Envelope xmlns:s="urn:soap"><s:Body><TraderChannelResponse>'
        + message()
        + b"</TraderChannelResponse></s:Body></s:Envelope>",
        message().replace(b"<ncts:CC015C ", b'<CC015C xmlns="http://ncts.dgtaxud.ec" ').replace(b"</ncts:", b"</"),
    ]
    bare[:] = list(bare)[::-1]
    variants.append(etree.tostring(bare))
    for raw in variants:
        assert told(raw) == expected
        assert NCTS.sniff(raw)
    assert not NCTS.sniff(b"<TraderChannelResponse><CC999C/></TraderChannelResponse>")
    assert not NCTS.sniff(b"CC015C")


def test_several_messages_in_one_wrapper() -> None:
    raw = b"<All><One>" + message() + b"</One><One>" + message(("LRN-7", "LRN-8")) + b"</One></All>"
    found = NCTS.decode(raw, feeds.UNKNOWN)
    assert [one.named.local_reference for one in found] == ["LRN-7", "LRN-8"]


def test_what_cannot_be_read_is_unknown() -> None:
    found = decoded(
        message(
            ("25.000", "99999999999"), ("<netMass>10<", "<netMass>heavy<"), ("12.500000", "0.0"), ("811292", "81.1X"),
            ("<numberOfPackages>4<", "<numberOfPackages>four<"), ("Border>1<", "Border>Z<"), (">3</inland", ">30</inland"),
            ("2027-01-04", "soon"), ("<quantity>2.5", "<quantity>-1"), ("xs</country", "??</country"),
        )
    )  # fmt: skip
    item = found.items[0]
    assert (found.gross_mass_kg, item.net_mass_kg, item.gross_mass_kg, item.commodity_code) == (None,) * 4
    assert item.packages[0].count is None
    assert found.country_of_destination is None
    assert found.transport is not None
    assert (found.transport.mode, found.transport.inland_mode) == (None, "road")
    assert (item.documents[0].expires_on, item.documents[0].quantity_kg) == (None, None)


def test_items_are_numbered_by_place_where_numbers_do_not_serve() -> None:
    for number in ("", "x", "0", "2"):
        old = "<declarationGoodsItemNumber>1<"
        raw = message((old, f"<declarationGoodsItemNumber>{number}<"), houses=3)
        assert [item.number for item in decoded(raw).items] == [1, 2, 3]
    kept = message(("<declarationGoodsItemNumber>1<", "<declarationGoodsItemNumber>9<"), houses=2)
    assert [item.number for item in decoded(kept).items] == [9, 2]


def test_the_exit_office_falls_back() -> None:
    office = "CustomsOfficeOfExitForTransitDeclared"
    leaving = f"<{office}><referenceNumber>RO9</referenceNumber></{office}>"
    assert decoded(message(("<HolderOf", leaving + "<HolderOf"))).exit_office == "RO9"
    text = re.sub(r"(?s)<CustomsOfficeOfTransitDeclared>.*</CustomsOfficeOfTransitDeclared>", "", message().decode())
    assert decoded(text.encode()).exit_office == "RS012345"


def test_the_ucr_of_the_items_counts_where_they_agree() -> None:
    text = message(("<referenceNumberUCR>UCR-1</referenceNumberUCR>", ""), houses=2)
    assert told(text).named.ucr == "UCR-ITEM"
    assert told(text.replace(b"UCR-ITEM", b"UCR-OTHER", 1)).named.ucr is None


@pytest.mark.parametrize(
    ("holder", "who"),
    [
        ("<TIRHolderIdentificationNumber>DK222</TIRHolderIdentificationNumber>", "DK222"),
        ("<name>Smith Haulage</name>", "Smith Haulage"),
        ("", "GB000000000042"),
    ],
)
def test_who_declares_without_an_eori(holder: str, who: str) -> None:
    raw = message(("<identificationNumber>gb953574106000</identificationNumber>", holder))
    assert told(raw).named.declaration_id == f"ncts:{who}:LRN-7"
    text = re.sub(r"<Representative>.*?</Representative>", "", raw.decode(), flags=re.DOTALL)
    assert told(text.encode()).named.declarant == (who if holder else "GB-SENDER")


@pytest.mark.parametrize(
    ("changes", "path", "said"),
    [
        ([("<LRN>LRN-7</LRN>", "<LRN> </LRN>")], "/CC015C/TransitOperation", "LRN is missing"),
        ([("TransitOperation", "Operation")], "/CC015C", "TransitOperation is missing"),
        ([("HouseConsignment", "House")], "/CC015C/Consignment", "nothing is declared"),
        ([("<Consignment>", "<Cons>"), ("</Consignment>", "</Cons>")], "/CC015C", "Consignment is missing"),
        ([("LRN-7", "L" * 300)], "/CC015C/TransitOperation/LRN", "255"),
        ([("Gallium", "G" * 9_000)], "/CC015C/Consignment/HouseConsignment/ConsignmentItem/Commodity/descriptionOfGoods", "8192"),
        ([("LRN-7", "{{LRN}}")], "/CC015C/TransitOperation/LRN", "placeholder"),
        ([("CC015C", "CC999C")], "/CC999C", "no NCTS message"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_located(changes: list[tuple[str, str]], path: str, said: str) -> None:
    error = refused(message(*changes))
    assert said in error.reason
    assert error.path == path


def test_the_time_of_lodgement_falls_back() -> None:
    for time_ in ("", "yesterday", "1066-10-14T09:00:00"):
        raw = message(("2026-11-20T08:15:00", time_))
        assert decoded(raw).lodged_at == ARRIVED
        assert told(raw).at is None
        assert "time of arrival" in refused(raw, None).reason
    for time_ in ("2026-11-20T09:15:00+01:00", "2026-11-20T08:15:00.000Z", "20261120081500"):
        assert decoded(message(("2026-11-20T08:15:00", time_))).lodged_at == datetime(2026, 11, 20, 8, 15, tzinfo=UTC)


def test_an_amendment_restates() -> None:
    raw = message(("CC015C", "CC013C"), ("<LRN>LRN-7</LRN>", "<LRN>LRN-7</LRN><MRN>26gb 000246 SON0FHJ9</MRN>"))
    found = told(raw)
    assert (found.event, found.version, found.named.mrn) == ("amended", None, "26GB000246SON0FHJ9")
    assert found.declaration is not None
    assert (found.declaration.event, found.declaration.mrn) == ("amended", "26GB000246SON0FHJ9")
    assert found.declaration.items == decoded(message()).items
    by_mrn = told(raw.replace(b"<LRN>LRN-7</LRN>", b""))
    assert (by_mrn.named.declaration_id, by_mrn.named.local_reference) == (None, None)
    assert by_mrn.named.mrn == "26GB000246SON0FHJ9"
    nameless = re.sub(rb"<(LRN|MRN|messageSender|Holder\w+|Representative)>.*?</\1>", b"", raw, flags=re.DOTALL)
    assert told(nameless).named.model_dump(exclude_none=True) == {"ucr": "UCR-1"}
