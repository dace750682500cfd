"""The codec of ASYCUDA World: what stands where, what is absent, whose currency, and by what a document is named."""

from __future__ import annotations

import os
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from schemas.declaration import Declaration
from schemas.errors import FeedError
from schemas.feeds import UNKNOWN, Arrival
from schemas.feeds.asycuda import CODEC

ARRIVED = Arrival(received_at=datetime(2026, 11, 20, 8, 30, tzinfo=UTC))

SHARED = Path(os.environ.get("ASSAY_SHARED") or Path(__file__).parents[2].parent / "shared")
SAMPLES = sorted((SHARED / "samples" / "asycuda_sad_xml").glob("*.xml"))
needs_samples = pytest.mark.skipif(not SAMPLES, reason="no public samples here; set ASSAY_SHARED to their folder")

ITEM = """
<Item>
 <Attached_documents><Attached_document_code>AC01</Attached_document_code><Attached_document_name>Permit</Attached_document_name>
  <Attached_document_reference>P-77/26</Attached_document_reference><Attached_document_date>1/9/2026</Attached_document_date>
 </Attached_documents>
 <Attached_documents><Attached_document_code><null/></Attached_document_code></Attached_documents>
 <Packages><Number_of_packages>40</Number_of_packages><Marks1_of_packages>LOT 9</Marks1_of_packages>
  <Marks2_of_packages>SHIPPER A</Marks2_of_packages><Kind_of_packages_code>dr</Kind_of_packages_code></Packages>
 <Tarification><HScode><Commodity_code>28043000</Commodity_code><Precision_1>010</Precision_1><Precision_2><null/></Precision_2>
  </HScode><Extended_customs_procedure>1000</Extended_customs_procedure>
  <National_customs_procedure>016</National_customs_procedure>
  <Supplementary_unit><Suppplementary_unit_code>NMB</Suppplementary_unit_code>
   <Suppplementary_unit_quantity>40</Suppplementary_unit_quantity></Supplementary_unit>
  <Item_price>9000</Item_price></Tarification>
 <Goods_description><Country_of_origin_code>NA</Country_of_origin_code>
  <Description_of_goods>Other metals</Description_of_goods>
  <Commercial_Description>GALLIUM
   99.99%</Commercial_Description></Goods_description>
 <Previous_doc><Summary_declaration>MAN 2026/15</Summary_declaration>
  <Previous_document_reference>EX 12</Previous_document_reference></Previous_doc>
 <Licence_number>L-1</Licence_number>
 <Valuation_item><Weight_itm><Gross_weight_itm>420.5</Gross_weight_itm><Net_weight_itm>400</Net_weight_itm></Weight_itm>
  <Statistical_value>171,000.50</Statistical_value>
  <Item_Invoice><Amount_foreign_currency>9500.25</Amount_foreign_currency><Currency_code>USD</Currency_code></Item_Invoice>
 </Valuation_item>
</Item>
"""

INVOICED = "<Amount_foreign_currency>9500.25</Amount_foreign_currency>"
IN_DOLLARS = "<Currency_code>USD</Currency_code>"

MESSAGE = (
    """<?xml version="1.0" encoding="UTF-8" standalone="no"?>
<ASYCUDA id="77">
 <Property><Sad_flow>E</Sad_flow><Nbers><Total_number_of_packages>40</Total_number_of_packages></Nbers></Property>
 <Identification>
  <Office_segment><Customs_clearance_office_code>NAWDH</Customs_clearance_office_code></Office_segment>
  <Type><Type_of_declaration>EX</Type_of_declaration><Declaration_gen_procedure_code>1</Declaration_gen_procedure_code></Type>
  <UCR>6NA1-INV9</UCR>
  <Registration><Serial_number>E</Serial_number><Number>4711</Number><Date>11/19/26</Date></Registration>
  <Assessment><Serial_number>A</Serial_number><Number>12</Number><Date>11/20/26</Date></Assessment>
 </Identification>
 <Traders>
  <Exporter><Exporter_code>111</Exporter_code><Exporter_name>Erongo Metals
    12 Dune Rd, Walvis Bay
    NAMIBIA</Exporter_name></Exporter>
  <Consignee><Consignee_code><null/></Consignee_code><Consignee_name>Siam Alloys</Consignee_name></Consignee>
 </Traders>
 <Declarant><Declarant_code>d05</Declarant_code><Declarant_name>Skeleton Clearing</Declarant_name>
  <Declarant_representative>J. Doe</Declarant_representative>
  <Reference><Year>2026</Year><Number>R-9</Number></Reference></Declarant>
 <General_information><Country>
  <Country_first_destination>ZA</Country_first_destination><Trading_country>TH</Trading_country>
  <Export><Export_country_code>NA</Export_country_code></Export>
  <Destination><Destination_country_code>TH</Destination_country_code></Destination></Country></General_information>
 <Transport>
  <Means_of_transport>
   <Border_information><Identity>MV DUNE</Identity><Nationality>PA</Nationality><Mode>1</Mode></Border_information>
   <Inland_mode_of_transport>3</Inland_mode_of_transport></Means_of_transport>
  <Border_office><Code>NAWVB</Code></Border_office></Transport>
 <Transit><Seals><Number>2</Number><Identity>S1, S2</Identity></Seals></Transit>
 <Valuation><Weight><Gross_weight>420.5</Gross_weight></Weight>
  <Gs_Invoice><Amount_foreign_currency>9500.25</Amount_foreign_currency><Currency_code>USD</Currency_code>
   <Currency_rate>18</Currency_rate></Gs_Invoice></Valuation>
"""
    + ITEM
    + """
 <Container><Item_Number>1</Item_Number><Container_identity>MSCU1234567</Container_identity></Container>
</ASYCUDA>
"""
)


def decoded(text: str, arrival: Arrival = UNKNOWN) -> Declaration:
    (message,) = CODEC.decode(text.encode(), arrival)
    assert message.declaration is not None
    return message.declaration


def item_of(text: str, arrival: Arrival = UNKNOWN) -> Any:
    return decoded(text, arrival).items[0]


def refused(text: str, arrival: Arrival = UNKNOWN) -> FeedError:
    with pytest.raises(FeedError) as caught:
        CODEC.decode(text.encode(), arrival)
    return caught.value


def test_everything_that_the_contract_keeps() -> None:
    found = decoded(MESSAGE).model_dump(mode="json", exclude_none=True, exclude_defaults=True)
    assert found == {
        "event": "lodged",
        "declaration_id": "asycuda:D05:2026/R-9",
        "mrn": "NAWDH2026E4711",
        "local_reference": "2026/R-9",
        "ucr": "6NA1-INV9",
        "lodged_at": "2026-11-19T00:00:00Z",
        "source": {"system": "asycuda", "format": "asycuda-sad"},
        "regime": "export",
        "declaration_type": "EX",
        "procedure": "1000",
        "office": "NAWDH",
        "exit_office": "NAWVB",
        "declarant": {"id": "D05", "name": "Skeleton Clearing"},
        "agent": {"name": "J. Doe"},
        "exporter": {
            "id": "111",
            "name": "Erongo Metals",
            "address": "12 Dune Rd, Walvis Bay, NAMIBIA",
            "country": "NA",
        },
        "consignee": {"name": "Siam Alloys"},
        "country_of_export": "NA",
        "country_of_destination": "TH",
        "routing": ["ZA", "TH"],
        "transport": {
            "mode": "sea",
            "identity": "MV DUNE",
            "nationality": "PA",
            "containers": ["MSCU1234567"],
            "inland_mode": "road",
            "seals": ["S1", "S2"],
        },
        "gross_mass_kg": 420.5,
        "package_count": 40,
        "invoice_value": {"amount": 9500.25, "currency": "USD"},
        "items": [
            {
                "number": 1,
                "commodity_code": "28043000010",
                "description": "GALLIUM 99.99%; Other metals",
                "origin": "NA",
                "net_mass_kg": 400.0,
                "gross_mass_kg": 420.5,
                "quantity": {"value": 40.0, "unit": "NMB"},
                "value": {"amount": 9500.25, "currency": "USD"},
                "statistical_value": {"amount": 171000.5, "currency": "NAD"},
                "procedure": "1000",
                "additional_procedures": ["016"],
                "packages": [{"type": "DR", "count": 40, "marks": "LOT 9 SHIPPER A"}],
                "documents": [
                    {"type": "AC01", "reference": "P-77/26", "issued_on": "2026-01-09"},
                    {"type": "Licence_number", "reference": "L-1"},
                ],
                "previous_documents": [
                    {"type": "summary", "reference": "MAN 2026/15"},
                    {"type": "previous", "reference": "EX 12"},
                ],
            }
        ],
    }


def test_the_message_names_what_the_document_names() -> None:
    (message,) = CODEC.decode(MESSAGE.encode(), Arrival(system="namra"))
    assert (message.event, message.version, message.reference) == ("lodged", 1, "77")
    assert message.named.declaration_id == "namra:D05:2026/R-9"
    assert (message.named.declarant, message.named.local_reference) == ("D05", "2026/R-9")
    assert (message.named.mrn, message.named.ucr) == ("NAWDH2026E4711", "6NA1-INV9")


@pytest.mark.parametrize("empty", ["<null/>", "\n  <null/>\n", "", " ", "null"])
def test_absent_is_null(empty: str) -> None:
    text = MESSAGE
    for value in ("GALLIUM\n   99.99%", "Other metals", "28043000", "420.5", "MV DUNE", "ZA", "1/9/2026", "6NA1-INV9"):
        text = text.replace(f">{value}<", f">{empty}<")
    found = decoded(text)
    assert (found.ucr, found.gross_mass_kg, found.routing) == (None, None, ["TH"])
    assert found.transport is not None
    assert found.transport.identity is None
    item = found.items[0]
    assert (item.description, item.commodity_code, item.gross_mass_kg) == (None, None, None)
    assert item.documents[0].issued_on is None


@pytest.mark.parametrize(
    ("written", "day"),
    [
        ("11/9/2026", date(2026, 11, 9)),
        ("11/09/26", date(2026, 11, 9)),
        ("2026-11-09", date(2026, 11, 9)),
        ("2026-11-09T10:15:00", date(2026, 11, 9)),
        ("11/9/2026 10:15:00 AM", date(2026, 11, 9)),
        ("19/11/2026", date(2026, 11, 19)),
        ("9.11.2026", date(2026, 11, 9)),
    ],
)
def test_dates(written: str, day: date) -> None:
    assert decoded(MESSAGE.replace("11/19/26", written)).lodged_at == datetime(day.year, day.month, day.day, tzinfo=UTC)


@pytest.mark.parametrize("written", ["13/32/2026", "yesterday", "2/30/2026", "11/19", "11-19/26"])
def test_no_dates(written: str) -> None:
    error = refused(MESSAGE.replace("11/19/26", written))
    assert error.path == "/ASYCUDA/Identification/Registration/Date"
    assert "not a date" in error.reason


@pytest.mark.parametrize(
    ("kind", "general", "extended", "flow", "regime"),
    [
        ("EX", "4", "4000", "I", "export"),
        ("IMR", "1", "1000", "E", "import"),
        ("TR", "8", "8000", "E", "transit"),
        ("იმ", "4", "4000", "I", "import"),
        ("ექ", "1", "1000", "I", "export"),
        ("<null/>", "<null/>", "1174", "I", "export"),
        ("<null/>", "<null/>", "7400", "E", "import"),
        ("<null/>", "<null/>", "<null/>", "E", "export"),
    ],
)
def test_the_regime(kind: str, general: str, extended: str, flow: str, regime: str) -> None:
    text = MESSAGE.replace(">EX<", f">{kind}<").replace(">1<", f">{general}<", 1).replace(">1000<", f">{extended}<")
    assert decoded(text.replace(">E<", f">{flow}<", 1)).regime == regime


def test_no_regime_is_refused() -> None:
    text = MESSAGE.replace(">EX<", ">??<").replace(">1<", "><", 1).replace(">1000<", "><").replace(">E<", "><", 1)
    assert refused(text).path.endswith("Type_of_declaration")


def test_the_identity_of_what_was_registered() -> None:
    text = MESSAGE.replace(">R-9<", "><null/><")
    assert decoded(text).declaration_id == "asycuda:NAWDH:2026E4711"
    assert decoded(text.replace(">d05<", "><")).declaration_id == "asycuda:NAWDH:2026E4711"


def test_the_identity_of_what_is_neither_registered_nor_referenced() -> None:
    text = MESSAGE.replace(">R-9<", "><null/><").replace(">4711<", "><null/><")
    first, again, other = (decoded(t).declaration_id for t in (text, text, text.replace("420.5", "421")))
    assert first == again != other
    assert first.startswith("asycuda:D05:sha256-")


def test_no_identity_is_refused() -> None:
    text = MESSAGE.replace(">R-9<", "><null/><").replace(">4711<", "><null/><")
    assert refused(text.replace(ITEM, "")).path == "/ASYCUDA/Declarant"
    assert "no identity" in refused(text.replace(">d05<", "><").replace(">NAWDH<", "><")).reason


def test_a_registration_that_is_no_number_is_left_out() -> None:
    assert decoded(MESSAGE.replace(">4711<", ">47/11<")).mrn is None


def test_a_document_without_items_is_one_unknown_item() -> None:
    found = decoded(MESSAGE.replace(ITEM, ""))
    assert found.items[0].model_dump(exclude_defaults=True, exclude_none=True) == {"number": 1}


def test_the_time_of_arrival_is_the_last_resort() -> None:
    text = MESSAGE.replace("11/19/26", "<null/>")
    assert decoded(text).lodged_at == datetime(2026, 11, 20, tzinfo=UTC)
    text = text.replace("11/20/26", "<null/>")
    assert decoded(text, ARRIVED).lodged_at == ARRIVED.received_at
    assert "time of arrival is not known" in refused(text).reason


def test_a_price_without_an_invoice_amount_is_in_the_currency_of_the_invoice() -> None:
    item = item_of(
        MESSAGE.replace(
            "<Amount_foreign_currency>9500.25</Amount_foreign_currency><Currency_code>USD</Currency_code></It", "</It"
        )
    )
    assert item.value is not None
    assert (item.value.amount, item.value.currency) == (9000, "USD")


@pytest.mark.parametrize(
    ("country", "currency"), [("NA", "NAD"), ("AI", "XCD"), ("SN", "XOF"), ("VE", None), ("AQ", None), ("GE", "GEL")]
)
def test_statistical_values_are_in_national_currency_where_it_is_known(country: str, currency: str | None) -> None:
    text = MESSAGE.replace("<Export_country_code>NA<", f"<Export_country_code>{country}<")
    found = item_of(text).statistical_value
    assert (found.currency if found else None) == currency


def test_an_invoice_at_a_rate_of_one_is_in_national_currency() -> None:
    text = MESSAGE.replace("<Currency_rate>18<", "<Currency_rate>1<").replace(
        f"{IN_DOLLARS}\n", IN_DOLLARS.replace("USD", "ZMW") + "\n"
    )
    assert item_of(text).statistical_value.currency == "ZMW"


def test_an_invoice_without_foreign_currency_is_in_national_currency() -> None:
    text = MESSAGE.replace(
        "<Currency_code>USD</Currency_code>",
        "<Currency_code><null/></Currency_code><Currency_name>No foreign currency</Currency_name>",
    )
    assert decoded(text).invoice_value == item_of(text).value
    assert item_of(text).value.currency == "NAD"


def test_documents_by_their_codes_alone() -> None:
    start, end = MESSAGE.index("<Attached_documents>"), MESSAGE.index("<Packages>")
    text = (MESSAGE[:start] + MESSAGE[end:]).replace(
        "<Item_price>", "<Attached_doc_item>C01 AC02,N9</Attached_doc_item><Item_price>"
    )
    assert [document.type for document in item_of(text).documents] == ["C01", "AC02", "N9", "Licence_number"]


@pytest.mark.parametrize(
    ("old", "new", "path"),
    [
        (">28043000<", ">28O43000<", "/ASYCUDA/Item/Tarification/HScode"),
        (">400<", ">four<", "/ASYCUDA/Item/Valuation_item/Weight_itm/Net_weight_itm"),
        (">400<", ">-4<", "/ASYCUDA/Item/Valuation_item/Weight_itm/Net_weight_itm"),
        ("_packages>40<", "_packages>4.5<", "/ASYCUDA/Item/Packages/Number_of_packages"),
        (">EX<", f">EX{'X' * 20}<", "/ASYCUDA/Identification/Type/Type_of_declaration"),
        (">400<", ">1e99<", "/ASYCUDA/Item/Valuation_item/Weight_itm/Net_weight_itm"),
        (">400<", ">9999999999<", "/ASYCUDA/Item/Valuation_item/Weight_itm/Net_weight_itm"),
        ("ASYCUDA>", "SAD>", "line"),
    ],
)
def test_mistakes_are_located(old: str, new: str, path: str) -> None:
    assert refused(MESSAGE.replace(old, new)).path.removesuffix("[1]").replace("Item[1]", "Item").startswith(path)


def test_1999_items() -> None:
    found = decoded(MESSAGE.replace(ITEM, ITEM * 1_999))
    assert [item.number for item in found.items] == list(range(1, 2_000))


def test_more_items_than_the_contract_takes_are_refused_early() -> None:
    error = refused(MESSAGE.replace(ITEM, ITEM + "<Item/>" * 9_999))
    assert error.path == "/ASYCUDA/Item[10000]"
    assert "10,000 items, more than 9,999" in error.reason


def test_it_is_detected() -> None:
    assert CODEC.sniff(MESSAGE.encode())
    assert CODEC.sniff(MESSAGE.replace("UTF-8", "utf-16").encode("utf-16"))
    assert not CODEC.sniff(b"<MetaData><ASYCUDA/></MetaData>")


@settings(max_examples=300, deadline=None)
@given(st.integers(0, len(MESSAGE) - 1), st.integers(0, 200), st.binary(max_size=40))
def test_any_damage_is_decoded_or_refused(at: int, cut: int, put: bytes) -> None:
    raw = MESSAGE.encode()
    try:
        (message,) = CODEC.decode(raw[:at] + put + raw[at + cut :], UNKNOWN)
    except FeedError:
        return
    assert str(message.named.declaration_id).startswith("asycuda:")


@needs_samples
@pytest.mark.parametrize("path", SAMPLES, ids=lambda path: path.name)
def test_public_samples(path: Path) -> None:
    raw = path.read_bytes()
    assert CODEC.sniff(raw)
    if b"PLACEHOLDER" in raw:  # a template: blank but for its structure
        assert "no identity" in refused(raw.decode()).reason
        return
    (message,) = CODEC.decode(raw, ARRIVED)
    assert message.declaration is not None
