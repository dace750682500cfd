"""Additional messages of CDS: what an amendment's pointers become, cancellations and arrivals."""

from __future__ import annotations

from typing import Any

import pytest
from cds_messages import ITEM, refused, said

from schemas.message import Message

ADDITIONAL = """<MetaData><WCOTypeName>DEC</WCOTypeName><Declaration>
 <FunctionCode>13</FunctionCode><FunctionalReferenceID>AMEND-1</FunctionalReferenceID><ID>26gb 1234 5678 90AR5</ID>
 <TypeCode>{kind}</TypeCode>{body}</Declaration></MetaData>"""


def pointing(*steps: str, tag: str = "") -> str:
    """An Amendment whose pointer goes from the declaration down these steps: ``68A.2`` is the second item."""
    links = ""
    for number, step in enumerate(("42A.1", *steps), 1):
        code, _, place = step.partition(".")
        sequence = f"<SequenceNumeric>{place}</SequenceNumeric>" if place else ""
        last = f"<TagID>{tag}</TagID>" if tag and number == len(steps) + 1 else ""
        links += f"<Pointer>{sequence}<DocumentSectionCode>{code}</DocumentSectionCode>{last}</Pointer>"
    return f"<Amendment><ChangeReasonCode>28</ChangeReasonCode>{links}</Amendment>"


def item(number: int, inside: str) -> str:
    return f"<GovernmentAgencyGoodsItem><SequenceNumeric>{number}</SequenceNumeric>{inside}</GovernmentAgencyGoodsItem>"


def amendment(*pointers: str, header: str = "", shipment: str = "") -> bytes:
    goods = f"<GoodsShipment>{shipment}</GoodsShipment>" if shipment else ""
    return ADDITIONAL.format(kind="COR", body="".join(pointers) + header + goods).encode()


def changes(raw: bytes) -> list[tuple[str, Any]]:
    """Path and new value of each edit; None for one that removes."""
    return [(edit.path, edit.value if edit.op == "set" else None) for edit in said(raw).edits]


FOUR_E_TWO = "<NetNetWeightMeasure>4e2</NetNetWeightMeasure>"
IN_ITEM = ("67A.1", "68A.1")


def test_the_message_names_the_declaration_by_its_mrn() -> None:
    reason = """<AdditionalInformation><StatementDescription>Weighed again</StatementDescription>
     <StatementTypeCode>AES</StatementTypeCode></AdditionalInformation>"""
    found = said(amendment(pointing(tag="146"), header=reason + "<TotalPackageQuantity>53</TotalPackageQuantity>"))
    assert found == Message.model_validate(
        {
            "event": "amended",
            "named": {"mrn": "26GB1234567890AR5"},
            "source": {
                "system": "cds",
                "format": "wco-dm-3.6",
                "received_at": found.source.received_at,
                "origin": "raw.cds/3@88121",
            },
            "edits": [{"op": "set", "path": "/package_count", "value": 53}],
            "reference": "AMEND-1",
            "reason": "Weighed again",
        }
    )


@pytest.mark.parametrize(
    ("pointer", "body", "expected"),
    [
        (
            pointing(*IN_ITEM, "23A.1", "65A.1", tag="128"),
            "<NetNetWeightMeasure>89</NetNetWeightMeasure>",
            ("net_mass_kg", 89.0),
        ),
        (
            pointing(*IN_ITEM, "23A", "65A", tag="126"),
            '<GrossMassMeasure unitCode="TNE">1.5</GrossMassMeasure>',
            ("gross_mass_kg", 1500.0),
        ),
        (
            pointing(*IN_ITEM, "23A", "65A", tag="130"),
            '<TariffQuantity unitCode="NAR">7</TariffQuantity>',
            ("quantity", {"value": 7.0, "unit": "NAR"}),
        ),
        (pointing(*IN_ITEM, "23A", "65A", tag="128"), "", ("net_mass_kg", None)),
    ],
)
def test_masses_of_an_item(pointer: str, body: str, expected: tuple[str, Any]) -> None:
    measured = item(1, f"<Commodity><GoodsMeasure>{body}</GoodsMeasure></Commodity>")
    field, value = expected
    assert changes(amendment(pointer, shipment=measured)) == [(f"/items/#1/{field}", value)]


def test_values() -> None:
    price = '<InvoiceLine><ItemChargeAmount currencyID="EUR">998</ItemChargeAmount></InvoiceLine>'
    charged = item(2, f"<Commodity>{price}</Commodity>")
    to_price = pointing("67A", "68A.2", "23A", "79A.1", tag="112")
    assert changes(amendment(to_price, shipment=charged)) == [("/items/#2/value", {"amount": 998.0, "currency": "EUR"})]

    pounds = {"amount": 900.0, "currency": "GBP"}
    both = item(2, f"<StatisticalValueAmount>900</StatisticalValueAmount><Commodity>{price}</Commodity>")
    to_value = pointing("67A", "68A.2", tag="114")
    for order in ((to_value, to_price), (to_price, to_value)):
        assert changes(amendment(*order, shipment=both)) == [
            ("/items/#2/statistical_value", pounds),
            ("/items/#2/value", pounds),
        ]
    total = '<InvoiceAmount currencyID="GBP">1100</InvoiceAmount>'
    assert changes(amendment(pointing(tag="109"), header=total)) == [
        ("/invoice_value", {"amount": 1100.0, "currency": "GBP"})
    ]


def test_codes_texts_and_countries_of_an_item() -> None:
    shipment = item(
        1,
        """<Commodity><Description>Gallium ingots</Description>
        <Classification><ID>81129289</ID><IdentificationTypeCode>TSP</IdentificationTypeCode></Classification>
        <Classification><ID>00</ID><IdentificationTypeCode>TRC</IdentificationTypeCode></Classification></Commodity>
        <GovernmentProcedure><CurrentCode>31</CurrentCode><PreviousCode>51</PreviousCode></GovernmentProcedure>
        <GovernmentProcedure><CurrentCode>1CS</CurrentCode></GovernmentProcedure>
        <Origin><CountryCode>CN</CountryCode></Origin>
        <Destination><CountryCode>TH</CountryCode></Destination>""",
    )
    pointers = [
        pointing(*IN_ITEM, "23A", tag="137"),
        pointing(*IN_ITEM, "23A", "21A.1", tag="145"),
        pointing(*IN_ITEM, "70A.1", tag="166"),
        pointing(*IN_ITEM, "70A.2", tag="166"),
        pointing(*IN_ITEM, "92A.1", tag="063"),
        pointing(*IN_ITEM, "99B", tag="465"),
    ]
    assert dict(changes(amendment(*pointers, shipment=shipment))) == {
        "/items/#1/description": "Gallium ingots",
        "/items/#1/commodity_code": "8112928900",
        "/items/#1/procedure": "3151",
        "/items/#1/additional_procedures/0": "1CS",
        "/items/#1/origin": "CN",
        "/procedure": "3151",
        "/country_of_destination": "TH",
    }


def test_a_document_is_added_behind_those_restated() -> None:
    documents = "".join(
        f"<AdditionalDocument><CategoryCode>X</CategoryCode><ID>NO{n}</ID><TypeCode>00{n}</TypeCode></AdditionalDocument>"
        for n in (1, 2, 3)
    )
    pointers = [pointing(*IN_ITEM, "02A.3", tag=tag) for tag in ("D031", "D005", "D006", "360", "D028")]
    assert (
        changes(amendment(*pointers, shipment=item(1, documents)))
        == [
            ("/items/#1/documents/2", {"type": "X003", "reference": "NO3"}),
            ("/items/#1/documents/2/status", None),
        ][:1]
    )


def test_a_field_of_one_document_changes() -> None:
    one = """<AdditionalDocument><CategoryCode>9</CategoryCode><TypeCode>100</TypeCode><LPCOExemptionCode>ee</LPCOExemptionCode>
    <EffectiveDateTime><DateTimeString formatCode="102">20260105</DateTimeString></EffectiveDateTime></AdditionalDocument>"""
    raw = amendment(
        pointing(*IN_ITEM, "02A.4", tag="360"),
        pointing(*IN_ITEM, "02A.4", tag="276"),
        pointing(*IN_ITEM, "02A.4", tag="D005"),
        shipment=item(1, one),
    )
    assert changes(raw) == [
        ("/items/#1/documents/3/issued_on", "2026-01-05"),
        ("/items/#1/documents/3/status", "EE"),
        ("/items/#1/documents/3/reference", None),
    ]


def test_half_a_type_is_left_as_it_was() -> None:
    half = item(1, "<AdditionalDocument><TypeCode>100</TypeCode></AdditionalDocument>")
    assert changes(amendment(pointing(*IN_ITEM, "02A.1", tag="D006"), shipment=half)) == []
    half = item(1, "<GovernmentProcedure><CurrentCode>31</CurrentCode></GovernmentProcedure>")
    assert changes(amendment(pointing(*IN_ITEM, "70A.1", tag="166"), shipment=half)) == []


def test_members_are_removed_from_the_back() -> None:
    pointers = [pointing(*IN_ITEM, f"02A.{n}") for n in (2, 10, 9)]
    pointers += [pointing("67A", "99A.1"), pointing("67A", "68A.3"), pointing("67A", "68A.12")]
    assert changes(amendment(*pointers)) == [
        ("/previous_documents/0", None),
        ("/items/#12", None),
        ("/items/#3", None),
        ("/items/#1/documents/9", None),
        ("/items/#1/documents/8", None),
        ("/items/#1/documents/1", None),
    ]


def test_an_item_is_added() -> None:
    found = changes(amendment(pointing("67A", "68A.2"), shipment=ITEM.format(number=2)))
    assert found[0] == ("/items/#2/number", 2)
    fields = dict(found)
    assert fields["/items/#2/commodity_code"] == "7901200010"
    assert fields["/items/#2/packages"] == [{"type": "CS", "count": 16, "marks": "LOT 7"}, {}]
    assert fields["/items/#2/documents"][0]["expires_on"] == "2027-01-04"
    assert None not in fields.values()


def test_packages_and_previous_documents() -> None:
    shipment = (
        item(1, "<Packaging><SequenceNumeric>2</SequenceNumeric><QuantityQuantity>5</QuantityQuantity></Packaging>")
        + "<PreviousDocument><CategoryCode>Z</CategoryCode><ID>26GB9</ID><TypeCode>DCR</TypeCode></PreviousDocument>"
    )
    raw = amendment(pointing(*IN_ITEM, "93A.2", tag="144"), pointing("67A", "99A.1", tag="D018"), shipment=shipment)
    assert changes(raw) == [("/items/#1/packages/1/count", 5), ("/previous_documents/0/reference", "26GB9")]


def test_parties() -> None:
    exporter = """<Exporter><Name>Hartle Metals Ltd</Name><Address><CityName>Hull</CityName><CountryCode>GB</CountryCode>
    <Line>2 Dock Rd</Line></Address></Exporter>"""
    raw = amendment(
        pointing("57A.2", tag="R031"),
        pointing("57A", "04A.3", tag="241"),
        pointing("57A", "04A", tag="245"),
        header=exporter,
    )
    assert changes(raw) == [
        ("/exporter/city", "Hull"),
        ("/exporter/name", "Hartle Metals Ltd"),
        ("/exporter/postcode", None),
    ]
    assert dict(changes(amendment(pointing("57A", "04A"), header=exporter))) == {
        "/exporter/address": "2 Dock Rd",
        "/exporter/city": "Hull",
        "/exporter/country": "GB",
    }
    assert changes(amendment(pointing("67A", "27A"))) == [("/consignee", None)]


def test_transport_and_offices() -> None:
    header = """<BorderTransportMeans><RegistrationNationalityCode>PA</RegistrationNationalityCode><ModeCode>1</ModeCode>
    </BorderTransportMeans><ExitOffice><ID>GB000074</ID></ExitOffice>
    <Consignment><Itinerary><SequenceNumeric>2</SequenceNumeric><RoutingCountryCode>TH</RoutingCountryCode></Itinerary></Consignment>"""
    shipment = """<Consignment><DepartureTransportMeans><ModeCode>3</ModeCode></DepartureTransportMeans>
    <TransportEquipment><SequenceNumeric>1</SequenceNumeric><Seal><SequenceNumeric>1</SequenceNumeric><ID>A</ID></Seal></TransportEquipment>
    <TransportEquipment><SequenceNumeric>2</SequenceNumeric><ID>MSKU1234565</ID><Seal><SequenceNumeric>1</SequenceNumeric><ID>B</ID></Seal>
    </TransportEquipment></Consignment><ExportCountry><ID>CN</ID></ExportCountry>"""
    pointers = [
        pointing("15A", tag="T014"),
        pointing("15A", tag="T022"),
        pointing("56A", tag="G005"),
        pointing("28A", "81A.2", tag="064"),
        pointing("67A", "28A", "46A", tag="T021"),
        pointing("67A", "28A", "31B.2", tag="159"),
        pointing("67A", "28A", "31B.2", "44B.1", tag="165"),
        pointing("67A", "95B", tag="062"),
    ]
    assert dict(changes(amendment(*pointers, header=header, shipment=shipment))) == {
        "/transport/nationality": "PA",
        "/transport/mode": "sea",
        "/exit_office": "GB000074",
        "/routing/1": "TH",
        "/transport/inland_mode": "road",
        "/transport/containers/1": "MSKU1234565",
        "/transport/seals/1": "B",
        "/country_of_export": "CN",
    }


def test_what_has_no_field_makes_no_edit() -> None:
    pointers = [
        pointing(tag="228"),
        pointing(tag="D026"),
        pointing(*IN_ITEM, "03A.1", tag="225"),
        pointing(*IN_ITEM, "23A", "50A.2", "94A", tag="378"),
        pointing(*IN_ITEM, "23A", tag="999"),
        pointing("ZZZ", tag="1"),
        pointing(),
        "<Amendment/>",
    ]
    found = said(amendment(*pointers))
    assert (found.event, found.edits, found.reason) == ("amended", [], "change reason 28")


@pytest.mark.parametrize(
    ("raw", "path", "why"),
    [
        (
            amendment(
                pointing(*IN_ITEM, "23A", "79A", tag="112"),
                shipment=item(
                    1,
                    '<Commodity><InvoiceLine><ItemChargeAmount currencyID="GBX">1</ItemChargeAmount></InvoiceLine></Commodity>',
                ),
            ),
            "/GoodsShipment/GovernmentAgencyGoodsItem/StatisticalValueAmount",
            "GBX",
        ),
        (
            amendment(
                pointing(*IN_ITEM, "23A", "65A", tag="128"),
                shipment=item(
                    1,
                    "<Commodity><GoodsMeasure><NetNetWeightMeasure>4e2</NetNetWeightMeasure></GoodsMeasure></Commodity>",
                ),
            ),
            "/GoodsShipment/GovernmentAgencyGoodsItem/Commodity/GoodsMeasure/NetNetWeightMeasure",
            "4e2",
        ),
        (amendment(pointing("67A", "68A.x")), "/Amendment/Pointer[3]/SequenceNumeric", "whole"),
        (
            amendment(
                pointing("67A", "68A.100000", tag="114"),
                shipment=item(100000, "<StatisticalValueAmount>1</StatisticalValueAmount>"),
            ),
            "/GoodsShipment/GovernmentAgencyGoodsItem/SequenceNumeric",
            "99999",
        ),
        (amendment().replace(b"26gb 1234 5678 90AR5", b""), "/ID", "MRN"),
        (amendment().replace(b"26gb 1234 5678 90AR5", b"9" * 300), "", "255"),
    ],
)
def test_what_is_wrong_is_located(raw: bytes, path: str, why: str) -> None:
    error = refused(raw)
    assert why in error.reason
    assert error.path == "/MetaData/Declaration" + path


@pytest.mark.parametrize(("kind", "event"), [("INV", "cancelled"), ("GPR", "arrived"), ("gpr", "arrived")])
def test_cancellation_and_arrival(kind: str, event: str) -> None:
    found = said(ADDITIONAL.format(kind=kind, body="<Submitter><ID>GB1</ID></Submitter>").encode())
    assert (found.event, found.named.mrn, found.reference) == (event, "26GB1234567890AR5", "AMEND-1")
    assert (found.edits, found.declaration, found.reason, found.version) == ([], None, None, None)
