"""Transit and entry summary codecs against ``FIELD_MAP.csv``: where its path has a value in a sample, the codec finds the field.

Most transit samples are templates; here their placeholders are filled, since the table was counted on them too.
"""

from __future__ import annotations

import os
import re
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import field_map
import pytest
from lxml import etree

from schemas import feeds
from schemas.feeds import _codelists, _lenient, aes, ens, ncts
from schemas.message import Message

SHARED = Path(os.environ.get("ASSAY_SHARED") or Path(__file__).parents[2].parent / "shared")
SAMPLES = SHARED / "samples"
TABLE = SAMPLES / "FIELD_MAP.csv"
pytestmark = pytest.mark.skipif(not TABLE.is_file(), reason="no public samples here; set ASSAY_SHARED to their folder")

ARRIVED = feeds.Arrival(None, datetime(2026, 11, 20, tzinfo=UTC))

#: Format of the table -> codec, folders of samples.
FORMATS: dict[str, tuple[feeds.Codec, tuple[str, ...]]] = {
    "EU_NCTS5_CC015C": (ncts.CODEC, ("ncts5_cc015c", "ncts5_cc013c")),
    "ICS1_ENS_CC315A": (ens.CODEC, ("ics1_ens_cc315a", "ics1_ens_cc313a")),
}

#: What the contract cannot hold: a country that nobody lists (all entry summary samples are routed through "AB"), a mass
#: of no use (0.0, -1.000, "-", 99999999999 kg).
USABLE = {
    "routing_countries": lambda text: _codelists.country(text) is not None,
    "country_dispatch_export": lambda text: _codelists.country(text) is not None,
    "country_destination": lambda text: _codelists.country(text) is not None,
    "gross_mass": lambda text: (
        re.fullmatch(r"\+?\d+(\.\d*)?", text) is not None and 0 < float(text) <= _lenient.MAX_KILOGRAMS
    ),
    "net_mass": lambda text: (
        re.fullmatch(r"\+?\d+(\.\d*)?", text) is not None and 0 < float(text) <= _lenient.MAX_KILOGRAMS
    ),
}


def texts(root: Any, path: str) -> list[str]:
    """The texts at a path of the table, from the message's root, by local names."""
    query = "./" + "/".join(f"*[local-name()='{step}']" for step in path.split("/"))
    return [text for element in root.xpath(query) if (text := (element.text or "").strip())]


def messages(folder: str) -> list[tuple[str, bytes]]:
    found = []
    for path in sorted((SAMPLES / folder).glob("*.xml")):
        found.append((f"{folder}/{path.name}", re.sub(rb"\{\{[^{}]*\}\}", b"FILLED", path.read_bytes())))
    return found


def decoded(codec: feeds.Codec, raw: bytes) -> Message:
    (found,) = codec.decode(raw, ARRIVED)
    return found


@pytest.mark.parametrize(
    ("format_", "field", "paths"),
    [(row.format, row.field, row.paths) for row in field_map.rows(TABLE, *FORMATS)] if TABLE.is_file() else [],
)
def test_every_field_is_found_wherever_a_sample_has_it(format_: str, field: str, paths: tuple[str, ...]) -> None:
    codec, folders = FORMATS[format_]
    ask, usable = field_map.FIELDS[field], USABLE.get(field, lambda text: True)
    missing, unusable = [], 0
    for folder in folders:
        for name, raw in messages(folder):
            stated = [text for path in paths for text in texts(etree.fromstring(raw), path)]
            if not any(usable(text) for text in stated):
                unusable += bool(stated)
            elif not ask(decoded(codec, raw)):
                missing.append(name)
    assert missing == []
    if (format_, field) == ("ICS1_ENS_CC315A", "routing_countries"):
        assert unusable == 60
    elif field != "gross_mass":
        assert unusable == 0


# No AES lodgement is among the public samples: a message of our own has every field of the table.
def test_every_field_of_an_export_is_found() -> None:
    raw = AES.encode()
    found = decoded(aes.CODEC, raw)
    assert [row.field for row in field_map.rows(TABLE, "EU_AES_CC515C") if not field_map.FIELDS[row.field](found)] == []


AES = """<CC515C><preparationDateAndTime>2026-11-20T08:15:00</preparationDateAndTime><messageType>CC515C</messageType>
<ExportOperation><LRN>LRN-7</LRN><declarationType>EX</declarationType><additionalDeclarationType>A</additionalDeclarationType>
<totalAmountInvoiced>5000.50</totalAmountInvoiced><invoiceCurrency>EUR</invoiceCurrency></ExportOperation>
<CustomsOfficeOfExport><referenceNumber>DE004851</referenceNumber></CustomsOfficeOfExport>
<CustomsOfficeOfExitDeclared><referenceNumber>NL000510</referenceNumber></CustomsOfficeOfExitDeclared>
<Exporter><identificationNumber>DE11</identificationNumber></Exporter>
<Declarant><identificationNumber>DE22</identificationNumber></Declarant>
<Representative><identificationNumber>DE33</identificationNumber></Representative>
<GoodsShipment><countryOfExport>DE</countryOfExport><countryOfDestination>CN</countryOfDestination>
<PreviousDocument><type>NCLE</type><referenceNumber>P-1</referenceNumber></PreviousDocument>
<Consignment><inlandModeOfTransport>3</inlandModeOfTransport><modeOfTransportAtTheBorder>4</modeOfTransportAtTheBorder>
<Consignee><name>Rim Trading</name></Consignee>
<TransportEquipment><containerIdentificationNumber>MSKU1234565</containerIdentificationNumber><Seal><identifier>S1</identifier></Seal>
</TransportEquipment><CountryOfRoutingOfConsignment><country>NL</country></CountryOfRoutingOfConsignment></Consignment>
<GoodsItem><declarationGoodsItemNumber>1</declarationGoodsItemNumber><statisticalValue>4100.00</statisticalValue>
<Procedure><requestedProcedure>10</requestedProcedure><previousProcedure>00</previousProcedure></Procedure>
<Origin><countryOfOrigin>KZ</countryOfOrigin></Origin>
<Commodity><descriptionOfGoods>Beryllium rods</descriptionOfGoods>
<CommodityCode><harmonizedSystemSubHeadingCode>811219</harmonizedSystemSubHeadingCode></CommodityCode>
<GoodsMeasure><grossMass>31</grossMass><netMass>30</netMass></GoodsMeasure></Commodity>
<Packaging><typeOfPackages>CS</typeOfPackages><numberOfPackages>1</numberOfPackages></Packaging>
<SupportingDocument><type>X002</type><referenceNumber>LIC-1</referenceNumber></SupportingDocument></GoodsItem></GoodsShipment></CC515C>"""
