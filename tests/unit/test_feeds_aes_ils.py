"""The codecs of the EU's export system and of UK inventory linking."""

from __future__ import annotations

import os
from collections import Counter
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from lxml import etree

from schemas import feeds
from schemas.errors import FeedError
from schemas.feeds.aes import CODEC as AES
from schemas.feeds.ils import CODEC as ILS
from schemas.message import Message

ARRIVED = datetime(2026, 11, 20, 8, 30, tzinfo=UTC)
SHARED = Path(os.environ.get("ASSAY_SHARED") or Path(__file__).parents[2].parent / "shared")
needs_samples = pytest.mark.skipif(
    not (SHARED / "samples").is_dir(), reason="no public samples here; set ASSAY_SHARED to their folder"
)

EXPORT = """<CC515C xmlns="urn:any">
 <messageSender>DE1</messageSender><preparationDateAndTime>2026-11-20T08:15:00</preparationDateAndTime>
 <messageIdentification>MSG-1</messageIdentification><messageType>CC515C</messageType>
 <ExportOperation><LRN>LRN-7</LRN><declarationType>EX</declarationType><additionalDeclarationType>a</additionalDeclarationType>
  <totalAmountInvoiced>5000.50</totalAmountInvoiced><invoiceCurrency>usd</invoiceCurrency></ExportOperation>
 <CustomsOfficeOfExport><referenceNumber>DE004851</referenceNumber></CustomsOfficeOfExport>
 <CustomsOfficeOfExitDeclared><referenceNumber>NL000510</referenceNumber></CustomsOfficeOfExitDeclared>
 <Exporter><identificationNumber>DE11</identificationNumber></Exporter>
 <Declarant><identificationNumber>de22</identificationNumber></Declarant>
 <Representative><identificationNumber>DE33</identificationNumber></Representative>
 <GoodsShipment>
  <countryOfExport>DE</countryOfExport><countryOfDestination>CN</countryOfDestination>
  <PreviousDocument><type>NCLE</type><referenceNumber>P-1</referenceNumber></PreviousDocument>
  <Consignment>
   <inlandModeOfTransport>3</inlandModeOfTransport><modeOfTransportAtTheBorder>4</modeOfTransportAtTheBorder>
   <grossMass>31</grossMass><referenceNumberUCR>UCR-1</referenceNumberUCR>
   <Consignee><name>Rim Trading</name></Consignee>
   <CountryOfRoutingOfConsignment><country>NL</country></CountryOfRoutingOfConsignment>
   <TransportEquipment><containerIdentificationNumber>MSKU1234565</containerIdentificationNumber></TransportEquipment>
  </Consignment>
  <GoodsItem>
   <declarationGoodsItemNumber>1</declarationGoodsItemNumber><statisticalValue>4100.00</statisticalValue>
   <Procedure><requestedProcedure>10</requestedProcedure><previousProcedure>00</previousProcedure>
    <AdditionalProcedure><additionalProcedure>F61</additionalProcedure></AdditionalProcedure></Procedure>
   <Origin><countryOfOrigin>KZ</countryOfOrigin></Origin>
   <Commodity><descriptionOfGoods>Beryllium rods</descriptionOfGoods>
    <CommodityCode><harmonizedSystemSubHeadingCode>811219</harmonizedSystemSubHeadingCode>
     <combinedNomenclatureCode>00</combinedNomenclatureCode></CommodityCode>
    <GoodsMeasure><grossMass>31</grossMass><netMass>30</netMass></GoodsMeasure></Commodity>
   <Packaging><typeOfPackages>CS</typeOfPackages><numberOfPackages>1</numberOfPackages></Packaging>
   <SupportingDocument><type>X002</type><referenceNumber>LIC-1</referenceNumber></SupportingDocument>
  </GoodsItem>
 </GoodsShipment>
</CC515C>"""


def export(*changes: tuple[str, str]) -> bytes:
    text = EXPORT
    for old, new in changes:
        assert old in text
        text = text.replace(old, new)
    return text.encode()


def told(raw: bytes, codec: feeds.Codec = AES) -> Message:
    (found,) = codec.decode(raw, feeds.Arrival(None, ARRIVED))
    return found


def refused(raw: bytes, codec: feeds.Codec = AES) -> FeedError:
    with pytest.raises(FeedError) as caught:
        codec.decode(raw, feeds.UNKNOWN)
    return caught.value


def test_a_whole_export() -> None:
    found = told(export())
    assert (found.event, found.version, found.reference) == ("lodged", 1, "MSG-1")
    assert found.named.declaration_id == "aes:DE22:LRN-7"
    assert found.declaration is not None
    assert found.declaration.model_dump(mode="json", exclude_defaults=True, exclude={"source"}) == {
        "event": "lodged",
        "declaration_id": "aes:DE22:LRN-7",
        "local_reference": "LRN-7",
        "ucr": "UCR-1",
        "lodged_at": "2026-11-20T08:15:00Z",
        "regime": "export",
        "declaration_type": "EXA",
        "procedure": "1000",
        "office": "DE004851",
        "exit_office": "NL000510",
        "declarant": {"id": "de22"},
        "agent": {"id": "DE33"},
        "exporter": {"id": "DE11"},
        "consignee": {"name": "Rim Trading"},
        "country_of_export": "DE",
        "country_of_destination": "CN",
        "routing": ["NL"],
        "transport": {"mode": "air", "containers": ["MSKU1234565"], "inland_mode": "road"},
        "gross_mass_kg": 31.0,
        "invoice_value": {"amount": 5000.5, "currency": "USD"},
        "previous_documents": [{"type": "NCLE", "reference": "P-1"}],
        "items": [
            {
                "number": 1,
                "commodity_code": "81121900",
                "description": "Beryllium rods",
                "origin": "KZ",
                "net_mass_kg": 30.0,
                "gross_mass_kg": 31.0,
                "value": {"amount": 4100.0, "currency": "EUR"},
                "statistical_value": {"amount": 4100.0, "currency": "EUR"},
                "procedure": "1000",
                "additional_procedures": ["F61"],
                "packages": [{"type": "CS", "count": 1}],
                "documents": [{"type": "X002", "reference": "LIC-1"}],
            }
        ],
    }


@pytest.mark.parametrize(
    ("office", "year", "currency"),
    [
        ("XI000081", 2026, "GBP"),
        ("PL1", 2026, "PLN"),
        ("BG1", 2026, "EUR"),
        ("BG1", 2025, None),
        ("NO1", 2026, None),
        ("", 2026, None),
    ],
)
def test_the_statistical_value_is_in_the_currency_of_the_office(office: str, year: int, currency: str | None) -> None:
    found = told(export(("DE004851", office), ("2026-11-20T", f"{year}-11-20T"))).declaration
    assert found is not None
    value = found.items[0].statistical_value
    assert (value and value.currency) == currency


def test_an_amendment_restates() -> None:
    found = told(export(("CC515C", "CC513C"), ("<LRN>LRN-7</LRN>", "<MRN>26DE48510000000A01</MRN>")))
    assert (found.event, found.version, found.named.mrn) == ("amended", None, "26DE48510000000A01")
    assert (found.named.declaration_id, found.named.declarant) == (None, "DE22")
    assert found.declaration is not None
    assert found.declaration.items[0].description == "Beryllium rods"


@pytest.mark.parametrize(
    ("old", "new", "path", "said"),
    [
        ("<LRN>LRN-7</LRN>", "", "/CC515C/ExportOperation", "LRN is missing"),
        ("GoodsItem>", "Item>", "/CC515C/GoodsShipment", "nothing is declared"),
        ("GoodsShipment>", "Shipment>", "/CC515C", "nothing is declared"),
        ("ExportOperation>", "Operation>", "/CC515C", "ExportOperation is missing"),
        ("Beryllium", "B" * 9_000, "/CC515C/GoodsShipment/GoodsItem/Commodity/descriptionOfGoods", "8192"),
    ],
)
def test_what_is_wrong_is_located(old: str, new: str, path: str, said: str) -> None:
    error = refused(export((old, new)))
    assert said in error.reason
    assert error.path == path


ARRIVAL = b"""<aes:Submission xmlns:aes="http://ecs.dgtaxud.ec"><submissionId>S-1</submissionId>
 <ExportOperation><type>1</type><MRN>26gb0000x6524786a9</MRN></ExportOperation>
 <CustomsOfficeOfExitActual><referenceNumber>IEARK100</referenceNumber></CustomsOfficeOfExitActual>
 <GoodsShipment><Consignment><referenceNumberUCR>UCR-1</referenceNumberUCR><parentUCRID>GB/M-1</parentUCRID></Consignment>
  <GoodsItem><referenceNumberUCR>UCR-A</referenceNumberUCR></GoodsItem><GoodsItem><referenceNumberUCR>UCR-B</referenceNumberUCR></GoodsItem>
  <GoodsItem><referenceNumberUCR>UCR-A</referenceNumberUCR></GoodsItem></GoodsShipment>
</aes:Submission>"""


def test_arrival_at_exit_names_the_declaration_as_it_can() -> None:
    def names(raw: bytes) -> list[tuple[str | None, str | None]]:
        found = AES.decode(raw, feeds.UNKNOWN)
        assert {one.event for one in found} == {"arrived"}
        return [(one.named.mrn, one.named.ucr) for one in found]

    assert names(ARRIVAL) == [("26GB0000X6524786A9", "UCR-1")]
    assert told(ARRIVAL).reference == "S-1"
    without = ARRIVAL.replace(b"<MRN>26gb0000x6524786a9</MRN>", b"")
    assert names(without) == [(None, "UCR-1")]
    without = without.replace(b"<referenceNumberUCR>UCR-1</referenceNumberUCR>", b"")
    assert names(without) == [(None, "UCR-A"), (None, "UCR-B")]
    assert names(without.replace(b"GoodsItem>", b"Item>")) == [(None, "GB/M-1")]
    assert "no arrival at exit" in refused(ARRIVAL.replace(b"ExportOperation", b"Operation")).reason


def test_header_and_body_apart() -> None:
    raw = b"""<n1:CC507C xmlns:n1="http://ecs.dgtaxud.ec"><Header><messageIdentification>M-1</messageIdentification>
    <preparationDateAndTime>2026-01-01T00:00:00</preparationDateAndTime></Header>
    <Body><ExportOperation><MRN>45ABABCDEFGH0789D1</MRN></ExportOperation></Body></n1:CC507C>"""
    found = told(raw)
    assert (found.named.mrn, found.reference, found.at) == (
        "45ABABCDEFGH0789D1",
        "M-1",
        datetime(2026, 1, 1, tzinfo=UTC),
    )


@pytest.mark.parametrize(
    ("kind", "event"),
    [
        ("CC528C", "accepted"), ("CC529C", "released"), ("CC504C", "accepted"), ("CC514C", "cancelled"), ("CC551C", "controlled"),
        ("CC560C", "controlled"), ("CC590C", "exited"), ("CC599C", "exited"), ("CC556C", "rejected"),
    ],
)  # fmt: skip
def test_notices(kind: str, event: str) -> None:
    raw = f"""<s:Envelope xmlns:s="urn:s"><x:{kind} xmlns:x="urn:x">
    <preparationDateAndTime>2026-11-21T10:00:00Z</preparationDateAndTime>
    <ExportOperation><LRN>LRN-7</LRN><MRN>26DE48510000000A01</MRN><businessRejectionType>515</businessRejectionType></ExportOperation>
    <Declarant><identificationNumber>de22</identificationNumber></Declarant></x:{kind}></s:Envelope>""".encode()
    assert AES.sniff(raw)
    found = told(raw)
    assert found.event == event
    assert (found.named.declaration_id, found.named.mrn) == ("aes:DE22:LRN-7", "26DE48510000000A01")


def test_what_is_sniffed() -> None:
    assert AES.sniff(export())
    assert AES.sniff(ARRIVAL)
    assert not AES.sniff(b"<Submission><Declaration/></Submission>")
    assert not AES.sniff(b"<CC999C/>")
    assert not ILS.sniff(export())


MOVEMENT = """<inv:inventoryLinkingMovementRequest xmlns:inv="http://gov.uk/customs/inventoryLinking/v1">
 <inv:messageCode>{code}</inv:messageCode><inv:ucrBlock><inv:ucr>6GB000-X1</inv:ucr><inv:ucrType>{kind}</inv:ucrType></inv:ucrBlock>
 <inv:goodsLocation>GBAU</inv:goodsLocation><inv:{when}DateTime>2026-11-20T09:15:35.035+01:00
 </inv:{when}DateTime><inv:movementReference>MOVE-1</inv:movementReference>
</inv:inventoryLinkingMovementRequest>"""


@pytest.mark.parametrize(
    ("code", "when", "event"),
    [("EAL", "goodsArrival", "arrived"), ("ret", "goodsArrival", "arrived"), ("EDL", "goodsDeparture", "exited")],
)
def test_movements(code: str, when: str, event: str) -> None:
    for kind in "DM":
        raw = MOVEMENT.format(code=code, when=when, kind=kind).encode()
        assert ILS.sniff(raw)
        found = told(raw, ILS)
        assert found.model_dump(mode="json", exclude_defaults=True) == {
            "event": event,
            "named": {"ucr": "6GB000-X1"},
            "source": {"system": "cds", "format": "inventory-linking", "received_at": "2026-11-20T08:30:00Z"},
            "at": "2026-11-20T08:15:35.035000Z",
            "reference": "MOVE-1",
            "reason": code.upper(),
        }


def test_what_has_not_happened_says_nothing() -> None:
    raw = MOVEMENT.format(code="EAA", when="goodsArrival", kind="D").encode()
    assert ILS.decode(raw, feeds.UNKNOWN) == []
    root = "inventoryLinkingConsolidationRequest"
    shut = f"<{root}><messageCode>CST</messageCode><masterUCR>A:1</masterUCR></{root}>".encode()
    assert ILS.sniff(shut)
    assert ILS.decode(shut, feeds.UNKNOWN) == []


def test_an_import_arrives_by_entry_number_and_version() -> None:
    raw = b"""<inventoryLinkingImportsGoodsArrival><entryNumber>24gb CLURMAK2W2BA03</entryNumber>
    <entryVersionNumber>2</entryVersionNumber><inventoryConsignmentReference>ICR-1</inventoryConsignmentReference>
    </inventoryLinkingImportsGoodsArrival>"""
    found = told(raw, ILS)
    assert (found.event, found.version) == ("arrived", 2)
    assert found.named.model_dump(exclude_none=True) == {"mrn": "24GBCLURMAK2W2BA03", "ucr": "ICR-1"}
    for version in (b"0", b"x", b""):
        changed = raw.replace(b"<entryVersionNumber>2", b"<entryVersionNumber>" + version)
        assert told(changed, ILS).version is None


@pytest.mark.parametrize(
    ("old", "new", "path", "said"),
    [
        ("EAL", "XYZ", "/inventoryLinkingMovementRequest/messageCode", "'XYZ' is none of EAA, EAL"),
        ("6GB000-X1", "", "/inventoryLinkingMovementRequest/ucrBlock", "ucr is missing"),
        ("6GB000-X1", "X" * 300, "/inventoryLinkingMovementRequest", "255"),
    ],
)
def test_wrong_movements_are_located(old: str, new: str, path: str, said: str) -> None:
    error = refused(MOVEMENT.format(code="EAL", when="goodsArrival", kind="D").replace(old, new).encode(), ILS)
    assert said in error.reason
    assert error.path == path
    assert "no declaration is named" in refused(b"<inventoryLinkingImportsGoodsArrival/>", ILS).reason


GOOD = (export(), ARRIVAL, MOVEMENT.format(code="EAL", when="goodsArrival", kind="D").encode())


@settings(max_examples=300, deadline=None)
@given(st.sampled_from(GOOD), st.integers(0, 10_000), st.integers(0, 60), st.binary(max_size=40))
def test_any_damage_is_decoded_or_refused(raw: bytes, at: int, cut: int, put: bytes) -> None:
    at %= len(raw)
    damaged = raw[:at] + put + raw[at + cut :]
    for codec in (AES, ILS):
        codec.sniff(damaged)
        try:
            found = codec.decode(damaged, feeds.UNKNOWN)
        except FeedError:
            continue
        assert all(isinstance(one, Message) for one in found)


@settings(max_examples=200, deadline=None)
@given(st.sampled_from(GOOD), st.data())
def test_any_text_anywhere_is_decoded_or_refused(raw: bytes, data: st.DataObject) -> None:
    root = etree.fromstring(raw)
    elements = [element for element in root.iter() if not len(element)]
    alphabet = st.characters(codec="utf-8", exclude_categories=["Cc", "Cs"], exclude_characters="\ufffe\uffff")
    for _ in range(3):
        odd = st.sampled_from(["-", "1e9", "0", "9" * 400, "٣", "²", ""])
        data.draw(st.sampled_from(elements)).text = data.draw(st.text(alphabet, max_size=30) | odd)
    caught: list[FeedError] = []
    for codec in (AES, ILS):
        try:
            codec.decode(etree.tostring(root), feeds.UNKNOWN)
        except FeedError as refusal:
            caught.append(refusal)
    assert all(len(refusal.reason) < 1_000 for refusal in caught)


@needs_samples
def test_every_public_sample_decodes() -> None:
    arrivals = [told(path.read_bytes()) for path in sorted((SHARED / "samples" / "eu_aes_ie507_xi").glob("*.xml"))]
    assert [one.event for one in arrivals] == ["arrived"] * 4
    assert all(one.named.mrn or one.named.ucr for one in arrivals)
    found: Counter[str] = Counter()
    for path in sorted((SHARED / "samples" / "uk_inventory_linking_movement").glob("*.xml")):
        said = ILS.decode(path.read_bytes(), feeds.UNKNOWN)
        found[said[0].event if said else "nothing"] += 1
    assert found == {"exited": 4, "arrived": 3, "nothing": 3}
