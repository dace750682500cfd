"""The codec of UK CDS lodgements: what stands where, and what is said of messages that it does not take."""

from __future__ import annotations

import csv
import os
from collections.abc import Callable
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest
from lxml import etree

from schemas import feeds
from schemas.declaration import Declaration
from schemas.errors import FeedError

ARRIVED = datetime(2026, 11, 20, 8, 30, tzinfo=UTC)
CDS = feeds.codec("cds")

SHARED = Path(os.environ.get("ASSAY_SHARED") or Path(__file__).parents[2].parent / "shared")
EXPORTS = sorted((SHARED / "samples" / "wco_cds_export").glob("*.xml"))
needs_samples = pytest.mark.skipif(not EXPORTS, reason="no public samples here; set ASSAY_SHARED to their folder")

ITEM = """
<GovernmentAgencyGoodsItem>
  <SequenceNumeric>{number}</SequenceNumeric>
  <StatisticalValueAmount currencyID="GBP">8400.50</StatisticalValueAmount>
  <AdditionalDocument>
    <CategoryCode>X</CategoryCode><ID>GBSIE2026/0042</ID><TypeCode>002</TypeCode>
    <EffectiveDateTime><DateTimeString formatCode="102">20260105</DateTimeString></EffectiveDateTime>
    <ExpirationDateTime><DateTimeString formatCode="304">20270104235959Z</DateTimeString></ExpirationDateTime>
    <WriteOff><QuantityQuantity unitCode="GRM#G">2500</QuantityQuantity></WriteOff>
  </AdditionalDocument>
  <AdditionalDocument><CategoryCode>Y</CategoryCode><TypeCode>901</TypeCode></AdditionalDocument>
  <Commodity>
    <Description>Zinc alloy ingots, unwrought</Description>
    <Classification><ID>0100</ID><IdentificationTypeCode>GN</IdentificationTypeCode></Classification>
    <Classification><ID>79012000</ID><IdentificationTypeCode>TSP</IdentificationTypeCode></Classification>
    <Classification><ID>10</ID><IdentificationTypeCode>TRC</IdentificationTypeCode></Classification>
    <GoodsMeasure>
      <GrossMassMeasure unitCode="KGM">420</GrossMassMeasure>
      <NetNetWeightMeasure>400.25</NetNetWeightMeasure>
      <TariffQuantity unitCode="NAR">16</TariffQuantity>
    </GoodsMeasure>
    <InvoiceLine><ItemChargeAmount currencyID="EUR">9900</ItemChargeAmount></InvoiceLine>
  </Commodity>
  <GovernmentProcedure><CurrentCode>10</CurrentCode><PreviousCode>40</PreviousCode></GovernmentProcedure>
  <GovernmentProcedure><CurrentCode>1CS</CurrentCode></GovernmentProcedure>
  <Origin><CountryCode>ZG</CountryCode></Origin>
  <Packaging><MarksNumbersID>LOT 7</MarksNumbersID><QuantityQuantity>16</QuantityQuantity><TypeCode>CS</TypeCode></Packaging>
</GovernmentAgencyGoodsItem>
"""

MESSAGE = """<?xml version="1.0" encoding="UTF-8"?>
<MetaData xmlns="urn:wco:datamodel:WCO:DocumentMetaData-DMS:2">
 <WCOTypeName>DEC</WCOTypeName>
 <Declaration xmlns="urn:wco:datamodel:WCO:DEC-DMS:2">
  <FunctionCode>9</FunctionCode>
  <FunctionalReferenceID>LRN-7</FunctionalReferenceID>
  <IssueDateTime><DateTimeString formatCode="304">20261120091500+01</DateTimeString></IssueDateTime>
  <TypeCode>EXD</TypeCode>
  <TotalGrossMassMeasure unitCode="TNE">0.42</TotalGrossMassMeasure>
  <TotalPackageQuantity>16</TotalPackageQuantity>
  <BorderTransportMeans>
   <ID>MV ASSAYER</ID><RegistrationNationalityCode>PA</RegistrationNationalityCode><ModeCode>1</ModeCode>
  </BorderTransportMeans>
  <Consignment>
   <Carrier><ID>GB025115100010</ID></Carrier>
   <Itinerary><SequenceNumeric>3</SequenceNumeric><RoutingCountryCode>TH</RoutingCountryCode></Itinerary>
   <Itinerary><SequenceNumeric>1</SequenceNumeric><RoutingCountryCode>GB</RoutingCountryCode></Itinerary>
   <Itinerary><SequenceNumeric>2</SequenceNumeric><RoutingCountryCode>ZH</RoutingCountryCode></Itinerary>
  </Consignment>
  <Declarant><ID>gb000000000099</ID></Declarant>
  <ExitOffice><ID>GB000060</ID></ExitOffice>
  <Exporter><ID>GB000000000077</ID><Name>Hartle Metals Ltd</Name>
   <Address><CityName>Hull</CityName><CountryCode>GB</CountryCode><Line>2 Dock Rd</Line><PostcodeID>HU1 1AA</PostcodeID></Address>
  </Exporter>
  <GoodsShipment>
   <Consignee><Name>Rim Trading</Name><Address><CountryCode>TH</CountryCode></Address></Consignee>
   <Consignment>
    <TransportEquipment><SequenceNumeric>1</SequenceNumeric><ID>MSKU1234565</ID></TransportEquipment>
    <TransportEquipment><SequenceNumeric>2</SequenceNumeric><ID>MSKU7654320</ID></TransportEquipment>
   </Consignment>
   <Destination><CountryCode>TH</CountryCode></Destination>
   <ExportCountry><ID>GB</ID></ExportCountry>
   {items}
  </GoodsShipment>
 </Declaration>
</MetaData>"""


def message(**changes: str) -> bytes:
    """The message with some of its text replaced: ``message(old=..., new=...)``."""
    text = MESSAGE.format(items=ITEM.format(number=1))
    if changes:
        assert changes["old"] in text
        text = text.replace(changes["old"], changes["new"])
    return text.encode()


def decoded(raw: bytes, received_at: datetime | None = ARRIVED) -> Declaration:
    (message,) = CDS.decode(raw, feeds.Arrival(None, received_at, "raw.cds/3@88121"))
    assert message.declaration is not None
    return message.declaration


def refused(raw: bytes, received_at: datetime | None = ARRIVED) -> FeedError:
    with pytest.raises(FeedError) as caught:
        CDS.decode(raw, feeds.Arrival(None, received_at))
    return caught.value


def test_a_whole_export() -> None:
    found = decoded(message()).model_dump(mode="json", by_alias=True, exclude_none=True)
    item = found.pop("items")[0]
    assert found == {
        "schema": "declaration/1",
        "event": "lodged",
        "declaration_id": "cds:GB000000000099:LRN-7",
        "version": 1,
        "lodged_at": "2026-11-20T08:15:00Z",
        "source": {
            "system": "cds",
            "format": "wco-dm-3.6",
            "received_at": "2026-11-20T08:30:00Z",
            "origin": "raw.cds/3@88121",
        },
        "regime": "export",
        "procedure": "1040",
        "exit_office": "GB000060",
        "declarant": {"id": "gb000000000099"},
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
        },
        "gross_mass_kg": 420.0,
        "package_count": 16,
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
        "packages": [{"type": "CS", "count": 16, "marks": "LOT 7"}],
        "documents": [
            {
                "type": "X002",
                "reference": "GBSIE2026/0042",
                "issued_on": "2026-01-05",
                "expires_on": "2027-01-04",
                "quantity_kg": 2.5,
            },
            {"type": "Y901"},
        ],
    }


def test_namespaces_and_the_envelope_do_not_matter() -> None:
    bare = etree.fromstring(message())
    for element in bare.iter():
        element.tag = etree.QName(element).localname
    inner = bare.find("Declaration")
    assert inner is not None
    expected = decoded(message())
    assert decoded(etree.tostring(bare)) == expected
    assert decoded(etree.tostring(inner)) == expected


def test_a_byte_order_mark_and_utf_16_do_not_matter() -> None:
    expected = decoded(message())
    assert decoded(b"\xef\xbb\xbf" + message()) == expected
    assert decoded(message().decode().encode("utf-16")) == expected


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
    assert decoded(message(old="20261120091500+01", new=issued)).lodged_at == lodged


@pytest.mark.parametrize("issued", ["yesterday", "20261340000000Z", "20261120091500+99", "99999999999999"])
def test_a_time_that_is_none_is_located(issued: str) -> None:
    error = refused(message(old="20261120091500+01", new=issued))
    assert error.path == "/MetaData/Declaration/IssueDateTime/DateTimeString"
    assert issued in error.reason


def test_the_time_of_lodgement_falls_back() -> None:
    issue = '<IssueDateTime><DateTimeString formatCode="304">20261120091500+01</DateTimeString></IssueDateTime>'
    accepted = issue.replace("Issue", "Acceptance").replace("20261120", "20261119")
    assert decoded(message(old=issue, new=accepted)).lodged_at == datetime(2026, 11, 19, 8, 15, tzinfo=UTC)
    assert decoded(message(old=issue, new="")).lodged_at == ARRIVED
    assert "time of arrival" in refused(message(old=issue, new=""), received_at=None).reason


@pytest.mark.parametrize(
    ("unit", "kilograms"), [("KGM", 420.0), ("GRM", 0.42), ("TNE", 420_000.0), ("LBR", 190.508_795), ("LTR", None)]
)
def test_masses_come_in_kilograms(unit: str, kilograms: float | None) -> None:
    mass = decoded(message(old='"KGM">420', new=f'"{unit}">420')).items[0].gross_mass_kg
    assert mass == (None if kilograms is None else pytest.approx(kilograms))


def test_zero_and_empty_are_not_carried() -> None:
    assert decoded(message(old="400.25", new="0.000")).items[0].net_mass_kg is None
    assert decoded(message(old="400.25", new="")).items[0].net_mass_kg is None
    assert decoded(message(old="Zinc alloy ingots, unwrought", new="  ")).items[0].description is None
    assert decoded(message(old="<ModeCode>1<", new="<ModeCode>6<")).transport.mode is None  # type: ignore[union-attr]
    assert decoded(message(old="<CountryCode>ZG", new="<CountryCode>ZZ")).items[0].origin is None


def test_the_value_falls_back() -> None:
    statistical = '<StatisticalValueAmount currencyID="GBP">8400.50</StatisticalValueAmount>'
    charge = '<InvoiceLine><ItemChargeAmount currencyID="EUR">9900</ItemChargeAmount></InvoiceLine>'
    invoice = '<InvoiceAmount currencyID="JPY">15000</InvoiceAmount>'
    total = "<TotalPackageQuantity>"

    def value(raw: str) -> Any:
        return [item.value and (item.value.amount, item.value.currency) for item in decoded(raw.encode()).items]

    text = message(old=total, new=invoice + total).decode()
    assert value(text) == [(8400.5, "GBP")]
    assert value(text.replace(statistical, "")) == [(9900.0, "EUR")]
    assert value(text.replace(statistical, "").replace(charge, "")) == [(15000.0, "JPY")]
    two = MESSAGE.format(items=ITEM.format(number=1) + ITEM.format(number=2)).replace(total, invoice + total)
    assert value(two.replace(statistical, "").replace(charge, "")) == [None, None]


def test_places_with_a_second_home() -> None:
    text = message().decode()
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


def test_which_way_co_goes() -> None:
    assert decoded(message(old="EXD", new="COA")).regime == "export"
    text = message(old="EXD", new="COA").decode().replace("<ExitOffice><ID>GB000060</ID></ExitOffice>", "")
    assert decoded(text.encode()).regime == "import"
    assert decoded(message(old="EXD", new="IMA")).regime == "import"


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
        ('"GBP">8400', '"GBX">8400', "/GoodsShipment/GovernmentAgencyGoodsItem[1]/StatisticalValueAmount", "GBX"),
        ("LRN-7", "L" * 300, "/FunctionalReferenceID", "255"),
        ("<SequenceNumeric>1</SequenceNumeric>\n  <Stat", "<SequenceNumeric>x</SequenceNumeric><Stat", None, "whole"),
    ],
)
def test_what_is_wrong_is_located(old: str, new: str, path: str | None, said: str) -> None:
    error = refused(message(old=old, new=new))
    assert said in error.reason
    assert path is None or error.path == "/MetaData/Declaration" + path


def test_two_items_of_one_number_are_refused() -> None:
    raw = MESSAGE.format(items=ITEM.format(number=3) + ITEM.format(number=3)).encode()
    assert "item number 3 stands twice" in refused(raw).reason


@pytest.mark.parametrize(("kind", "said"), [("COR", "amendment"), ("INV", "cancellation"), ("GPR", "arrival")])
def test_other_messages_are_named(kind: str, said: str) -> None:
    text = message(old="<FunctionCode>9", new="<FunctionCode>13").decode().replace("EXD", kind)
    assert said in refused(text.encode()).reason


def test_a_notification_is_named() -> None:
    raw = b"<MetaData><WCOTypeName>RES</WCOTypeName><Response><FunctionCode>01</FunctionCode></Response></MetaData>"
    assert feeds.detect(raw) is CDS
    assert "notification (function code 01)" in refused(raw).reason


@pytest.mark.parametrize("hole", ["{{LRN}}", "${lrn}", "#{ lrn }"])
def test_a_template_is_malformed(hole: str) -> None:
    error = refused(message(old="LRN-7", new=hole))
    assert error.path == "/MetaData/Declaration/FunctionalReferenceID"
    assert hole in error.reason


def test_document_dates_are_the_days_written() -> None:
    (document, _) = decoded(message(old="20270104235959Z", new="20270104235959-05")).items[0].documents
    assert document.expires_on == date(2027, 1, 4)


# The public samples of HMRC, read in place.

GETTERS: dict[str, Callable[[Declaration], Any]] = {
    "local_ref": lambda d: d.declaration_id.split(":", 2)[2],
    "declarant": lambda d: d.declarant and d.declarant.id,
    "exporter_consignor": lambda d: d.exporter,
    "importer_consignee": lambda d: d.consignee,
    "goods_description": lambda d: d.items[0].description,
    "net_mass": lambda d: d.items[0].net_mass_kg,
    "gross_mass": lambda d: d.items[0].gross_mass_kg,
    "statistical_value": lambda d: d.items[0].value,
    "currency": lambda d: d.items[0].value and d.items[0].value.currency,
    "customs_or_invoice_value": lambda d: d.items[0].value,
    "country_origin": lambda d: d.items[0].origin,
    "country_dispatch_export": lambda d: d.country_of_export,
    "country_destination": lambda d: d.country_of_destination,
    "routing_countries": lambda d: d.routing,
    "mode_border": lambda d: d.transport and d.transport.mode,
    "container_id": lambda d: d.transport and d.transport.containers,
    "supporting_doc_type": lambda d: d.items[0].documents,
    "supporting_doc_number_licence": lambda d: any(x.reference for x in d.items[0].documents),
    "procedure_requested": lambda d: d.procedure,
    "procedure_previous": lambda d: d.procedure and len(d.procedure) == 4,
    "package_type": lambda d: d.items[0].packages[0].type,
    "package_count": lambda d: d.package_count or d.items[0].packages[0].count,
    "customs_office": lambda d: d.office,
    "exit_or_transit_office": lambda d: d.exit_office,
    "item_number": lambda d: d.items[0].number,
}


def _stands_at(root: Any, path: str) -> bool:
    """Say whether a path of the field map has text in a message, by local names."""
    steps = [step for step in path.split("/") if not step.startswith("@")]
    query = "//" + "/".join(f"*[local-name()='{step}']" for step in steps) + "[normalize-space(text())]"
    return bool(root.xpath(query))


@needs_samples
@pytest.mark.parametrize("path", EXPORTS, ids=lambda path: path.stem)
def test_every_public_export_decodes(path: Path) -> None:
    found = decoded(path.read_bytes())
    assert found.regime == "export"
    assert Declaration.model_validate_json(feeds.encode(found)) == found


@needs_samples
def test_every_field_of_the_field_map_is_found_wherever_a_sample_has_it() -> None:
    with (SHARED / "samples" / "FIELD_MAP.csv").open(encoding="utf-8", newline="") as lines:
        rows = [row for row in csv.reader(lines) if row[0] == "WCO_DM3.6_UK_CDS_export" and row[1] in GETTERS]
    assert len(rows) == len(GETTERS)
    missing = []
    for path in EXPORTS:
        raw = path.read_bytes()
        found, root = decoded(raw), etree.fromstring(raw)
        for _, field, places, *_ in rows:
            if any(_stands_at(root, place) for place in places.split("|")) and not GETTERS[field](found):
                missing.append(f"{path.name}: {field}")
    assert missing == []


@needs_samples
def test_commodity_codes_of_the_public_exports() -> None:
    """Three of the samples classify nothing and some only by additional codes; the rest have a tariff code."""
    codes = [item.commodity_code for path in EXPORTS for item in decoded(path.read_bytes()).items]
    stated = [code for code in codes if code]
    assert len(stated) == 27
    assert all(len(code) in (8, 10) for code in stated)


@needs_samples
def test_the_malformed_samples_are_located() -> None:
    for path in sorted((SHARED / "samples" / "wco_cds_malformed").glob("*.xml")):
        error = refused(path.read_bytes())
        assert error.path.startswith("line ")
        assert "not well-formed" in error.reason


@needs_samples
def test_imports_decode_too() -> None:
    for path in sorted((SHARED / "samples" / "wco_cds_import").glob("*.xml")):
        assert decoded(path.read_bytes()).regime == "import"
