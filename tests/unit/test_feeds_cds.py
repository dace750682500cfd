"""The codec of UK CDS lodgements: what stands where, and what is refused."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Any

import pytest
from cds_messages import ARRIVED, ITEM, MESSAGE, decoded, lodgement, refused
from lxml import etree


def test_a_whole_export() -> None:
    found = decoded(lodgement()).model_dump(mode="json", by_alias=True, exclude_none=True)
    item = found.pop("items")[0]
    assert found == {
        "schema": "declaration/1",
        "event": "lodged",
        "declaration_id": "cds:GB000000000099:LRN-7",
        "version": 1,
        "local_reference": "LRN-7",
        "ucr": "6GB000000000099-7",
        "lodged_at": "2026-11-20T08:15:00Z",
        "source": {
            "system": "cds",
            "format": "wco-dm-3.6",
            "received_at": "2026-11-20T08:30:00Z",
            "origin": "raw.cds/3@88121",
        },
        "regime": "export",
        "declaration_type": "EXD",
        "procedure": "1040",
        "exit_office": "GB000060",
        "declarant": {"id": "gb000000000099"},
        "agent": {"id": "GB000000000055"},
        "exporter": {
            "id": "GB000000000077",
            "name": "Hartle Metals Ltd",
            "address": "2 Dock Rd",
            "city": "Hull",
            "postcode": "HU1 1AA",
            "country": "GB",
        },
        "consignee": {"name": "Rim Trading", "country": "TH"},
        "carrier": {"id": "GB025115100010"},
        "country_of_export": "GB",
        "country_of_destination": "TH",
        "routing": ["GB", "NL", "TH"],
        "transport": {
            "mode": "sea",
            "identity": "MV ASSAYER",
            "nationality": "PA",
            "containers": ["MSKU1234565", "MSKU7654320"],
            "inland_mode": "road",
            "seals": ["SEAL-1", "SEAL-2", "SEAL-3"],
        },
        "gross_mass_kg": 420.0,
        "package_count": 16,
        "invoice_value": {"amount": 9900.0, "currency": "EUR"},
        "documents": [{"type": "1DAN", "reference": "1108654"}],
        "previous_documents": [{"type": "ZDCR", "reference": "6GB000000000099-7"}],
    }
    assert item == {
        "number": 1,
        "commodity_code": "7901200010",
        "description": "Zinc alloy ingots, unwrought",
        "origin": "DE",
        "net_mass_kg": 400.25,
        "gross_mass_kg": 420.0,
        "quantity": {"value": 16.0, "unit": "NAR"},
        "value": {"amount": 8400.5, "currency": "GBP"},
        "statistical_value": {"amount": 8400.5, "currency": "GBP"},
        "procedure": "1040",
        "additional_procedures": ["1CS"],
        "packages": [{"type": "CS", "count": 16, "marks": "LOT 7"}, {}],
        "documents": [
            {
                "type": "X002",
                "reference": "GBSIE2026/0042",
                "issued_on": "2026-01-05",
                "expires_on": "2027-01-04",
                "status": "AE",
                "quantity_kg": 2.5,
            },
            {"type": "?", "reference": "says not what it is"},
            {"type": "Y901"},
        ],
        "previous_documents": [{"type": "ZCLE", "reference": "26GB1"}],
    }


def test_namespaces_and_the_envelope_do_not_matter() -> None:
    bare = etree.fromstring(lodgement())
    for element in bare.iter():
        element.tag = etree.QName(element).localname
    inner = bare.find("Declaration")
    assert inner is not None
    expected = decoded(lodgement())
    assert decoded(etree.tostring(bare)) == expected
    assert decoded(etree.tostring(inner)) == expected


def test_a_byte_order_mark_and_utf_16_do_not_matter() -> None:
    expected = decoded(lodgement())
    assert decoded(b"\xef\xbb\xbf" + lodgement()) == expected
    assert decoded(lodgement().decode().encode("utf-16")) == expected


@pytest.mark.parametrize(
    ("issued", "lodged"),
    [
        ("20261120091500+01", datetime(2026, 11, 20, 8, 15, tzinfo=UTC)),
        ("20261120091500Z", datetime(2026, 11, 20, 9, 15, tzinfo=UTC)),
        ("20261120091500-0330", datetime(2026, 11, 20, 12, 45, tzinfo=UTC)),
        ("20261120", datetime(2026, 11, 20, tzinfo=UTC)),
        ("2026-11-20T09:15:00+01:00", datetime(2026, 11, 20, 8, 15, tzinfo=UTC)),
    ],
)
def test_times(issued: str, lodged: datetime) -> None:
    assert decoded(lodgement(old="20261120091500+01", new=issued)).lodged_at == lodged


@pytest.mark.parametrize("issued", ["yesterday", "20261340000000Z", "20261120091500+99", "99999999999999"])
def test_a_time_that_is_none_is_located(issued: str) -> None:
    error = refused(lodgement(old="20261120091500+01", new=issued))
    assert error.path == "/MetaData/Declaration/IssueDateTime/DateTimeString"
    assert issued in error.reason


def test_the_time_of_lodgement_falls_back() -> None:
    issue = '<IssueDateTime><DateTimeString formatCode="304">20261120091500+01</DateTimeString></IssueDateTime>'
    accepted = issue.replace("Issue", "Acceptance").replace("20261120", "20261119")
    assert decoded(lodgement(old=issue, new=accepted)).lodged_at == datetime(2026, 11, 19, 8, 15, tzinfo=UTC)
    assert decoded(lodgement(old=issue, new="")).lodged_at == ARRIVED
    assert "time of arrival" in refused(lodgement(old=issue, new=""), received_at=None).reason


@pytest.mark.parametrize(
    ("unit", "kilograms"), [("KGM", 420.0), ("GRM", 0.42), ("TNE", 420_000.0), ("LBR", 190.508_795), ("LTR", None)]
)
def test_masses_come_in_kilograms(unit: str, kilograms: float | None) -> None:
    mass = decoded(lodgement(old='"KGM">420', new=f'"{unit}">420')).items[0].gross_mass_kg
    assert mass == (None if kilograms is None else pytest.approx(kilograms))


def test_zero_and_empty_are_not_carried() -> None:
    assert decoded(lodgement(old="400.25", new="0.000")).items[0].net_mass_kg is None
    assert decoded(lodgement(old="400.25", new="")).items[0].net_mass_kg is None
    assert decoded(lodgement(old="Zinc alloy ingots, unwrought", new="  ")).items[0].description is None
    assert decoded(lodgement(old="<ModeCode>1<", new="<ModeCode>0<")).transport.mode is None  # type: ignore[union-attr]
    assert decoded(lodgement(old="<CountryCode>ZG", new="<CountryCode>ZZ")).items[0].origin is None


def test_the_value_falls_back() -> None:
    statistical = '<StatisticalValueAmount currencyID="GBP">8400.50</StatisticalValueAmount>'
    charge = '<InvoiceLine><ItemChargeAmount currencyID="EUR">9900</ItemChargeAmount></InvoiceLine>'
    invoice = '<InvoiceAmount currencyID="eur">9900</InvoiceAmount>'

    def value(raw: str) -> Any:
        return [item.value and (item.value.amount, item.value.currency) for item in decoded(raw.encode()).items]

    text = lodgement(old=invoice, new='<InvoiceAmount currencyID="JPY">15000</InvoiceAmount>').decode()
    assert value(text) == [(8400.5, "GBP")]
    assert value(text.replace(statistical, "")) == [(9900.0, "EUR")]
    assert value(text.replace(statistical, "").replace(charge, "")) == [(15000.0, "JPY")]
    two = MESSAGE.format(items=ITEM.format(number=1) + ITEM.format(number=2))
    assert value(two.replace(statistical, "").replace(charge, "")) == [None, None]


def test_places_with_a_second_home() -> None:
    text = lodgement().decode()
    for header in (
        "<Destination><CountryCode>TH</CountryCode></Destination>",
        "<ExportCountry><ID>GB</ID></ExportCountry>",
    ):
        text = text.replace(header, "").replace("<Origin>", header + "<Origin>")
    consignee = "<Consignee><Name>Rim Trading</Name><Address><CountryCode>TH</CountryCode></Address></Consignee>"
    text = text.replace(consignee, "").replace("<Origin>", consignee + "<Origin>")
    exporter = text[text.index("<Exporter>") : text.index("</Exporter>") + len("</Exporter>")]
    text = text.replace(exporter, "").replace("<Carrier>", "<Consignor><Name>Quiet Shipper</Name></Consignor><Carrier>")
    found = decoded(text.encode())
    assert (found.country_of_destination, found.country_of_export) == ("TH", "GB")
    assert found.consignee is not None
    assert found.consignee.name == "Rim Trading"
    assert found.exporter is not None
    assert found.exporter.name == "Quiet Shipper"


def test_roll_on_roll_off_is_by_sea() -> None:
    assert decoded(lodgement(old="<ModeCode>1<", new="<ModeCode>6<")).transport.mode == "sea"  # type: ignore[union-attr]


def test_which_way_co_goes() -> None:
    assert decoded(lodgement(old="EXD", new="COA")).regime == "export"
    text = lodgement(old="EXD", new="COA").decode().replace("<ExitOffice><ID>GB000060</ID></ExitOffice>", "")
    assert decoded(text.encode()).regime == "import"
    assert decoded(lodgement(old="EXD", new="IMA")).regime == "import"


@pytest.mark.parametrize(
    ("old", "new", "path", "said"),
    [
        ("<FunctionCode>9", "<FunctionCode>13", "/FunctionCode", "function code 13"),
        ("<FunctionCode>9</FunctionCode>", "", "", "FunctionCode is missing"),
        ("<TypeCode>EXD", "<TypeCode>QQQ", "/TypeCode", "QQQ"),
        ("<Declarant><ID>gb000000000099</ID></Declarant>", "", "", "EORI"),
        ("LRN-7", "", "", "LRN"),
        ("79012000", "7901.XX", "/GoodsShipment/GovernmentAgencyGoodsItem/Commodity/Classification[2]", "digits"),
        ("400.25", "4e2", "/GoodsShipment/GovernmentAgencyGoodsItem/Commodity/GoodsMeasure/NetNetWeightMeasure", "4e2"),
        ("400.25", "-1", "/GoodsShipment/GovernmentAgencyGoodsItem/Commodity/GoodsMeasure/NetNetWeightMeasure", "zero"),
        ('"GBP">8400', '"GBX">8400', "/GoodsShipment/GovernmentAgencyGoodsItem/StatisticalValueAmount", "GBX"),
        ("LRN-7", "L" * 300, "/FunctionalReferenceID", "255"),
        ("<SequenceNumeric>1</SequenceNumeric>\n  <Stat", "<SequenceNumeric>x</SequenceNumeric><Stat", None, "whole"),
    ],
)
def test_what_is_wrong_is_located(old: str, new: str, path: str | None, said: str) -> None:
    error = refused(lodgement(old=old, new=new))
    assert said in error.reason
    assert path is None or error.path == "/MetaData/Declaration" + path


def test_two_items_of_one_number_are_refused() -> None:
    raw = MESSAGE.format(items=ITEM.format(number=3) + ITEM.format(number=3)).encode()
    assert "item number 3 stands twice" in refused(raw).reason


def test_more_items_than_the_contract_takes_are_refused_early() -> None:
    error = refused(MESSAGE.format(items="<GovernmentAgencyGoodsItem/>" * 10_000).encode())
    assert error.path == "/MetaData/Declaration/GoodsShipment/GovernmentAgencyGoodsItem[10000]"
    assert "10,000 items, more than 9,999" in error.reason


@pytest.mark.parametrize("hole", ["{{LRN}}", "${lrn}", "#{ lrn }"])
def test_a_template_is_malformed(hole: str) -> None:
    error = refused(lodgement(old="LRN-7", new=hole))
    assert error.path == "/MetaData/Declaration/FunctionalReferenceID"
    assert hole in error.reason


def test_document_dates_are_the_days_written() -> None:
    document, *_ = decoded(lodgement(old="20270104235959Z", new="20270104235959-05")).items[0].documents
    assert document.expires_on == date(2027, 1, 4)


def test_the_ucr_of_inventory_linking_comes_first() -> None:
    assert decoded(lodgement()).ucr == "6GB000000000099-7"
    assert decoded(lodgement(old="<TypeCode>DCR<", new="<TypeCode>MCR<")).ucr == "ORDER-1"


def test_item_level_fallbacks_reach_every_item() -> None:
    exporter = lodgement().decode()
    exporter = exporter[exporter.index("<Exporter>") : exporter.index("</Exporter>") + len("</Exporter>")]
    second = ITEM.format(number=2).replace("<Origin>", "<Consignor><Name>Second Shipper</Name></Consignor><Origin>")
    text = MESSAGE.format(items=ITEM.format(number=1) + second).replace(exporter, "")
    found = decoded(text.encode())
    assert found.exporter is not None
    assert found.exporter.name == "Second Shipper"


def test_containers_of_items_come_behind_those_of_the_shipment() -> None:
    boxes = ("TGHU0000001", "MSKU7654320")
    more = "".join(f"<TransportEquipment><ID>{box}</ID></TransportEquipment>" for box in boxes)
    found = decoded(lodgement(old="</Commodity>", new=more + "</Commodity>"))
    assert found.transport is not None
    assert found.transport.containers == ["MSKU1234565", "MSKU7654320", "TGHU0000001"]


def test_a_function_code_may_have_a_leading_zero() -> None:
    assert decoded(lodgement(old="<FunctionCode>9<", new="<FunctionCode>09<")).event == "lodged"
