"""Messages of CDS to test with, of our own making."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from schemas.declaration import Declaration
from schemas.errors import FeedError
from schemas.feeds import Arrival
from schemas.feeds.cds import CODEC as CDS
from schemas.message import Message

ARRIVED = datetime(2026, 11, 20, 8, 30, tzinfo=UTC)

ITEM = """
<GovernmentAgencyGoodsItem>
  <SequenceNumeric>{number}</SequenceNumeric>
  <StatisticalValueAmount currencyID="GBP">8400.50</StatisticalValueAmount>
  <AdditionalDocument>
    <CategoryCode>X</CategoryCode><ID>GBSIE2026/0042</ID><TypeCode>002</TypeCode>
    <EffectiveDateTime><DateTimeString formatCode="102">20260105</DateTimeString></EffectiveDateTime>
    <ExpirationDateTime><DateTimeString formatCode="304">20270104235959Z</DateTimeString></ExpirationDateTime>
    <LPCOExemptionCode>AE</LPCOExemptionCode>
    <WriteOff><QuantityQuantity unitCode="GRM#G">2500</QuantityQuantity></WriteOff>
  </AdditionalDocument>
  <AdditionalDocument><ID>says not what it is</ID></AdditionalDocument>
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
  <Packaging/>
  <PreviousDocument><CategoryCode>Z</CategoryCode><ID>26GB1</ID><TypeCode>CLE</TypeCode><LineNumeric>2</LineNumeric></PreviousDocument>
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
  <InvoiceAmount currencyID="eur">9900</InvoiceAmount>
  <TotalGrossMassMeasure unitCode="TNE">0.42</TotalGrossMassMeasure>
  <TotalPackageQuantity>16</TotalPackageQuantity>
  <AdditionalDocument><CategoryCode>1</CategoryCode><ID>1108654</ID><TypeCode>DAN</TypeCode></AdditionalDocument>
  <Agent><ID>GB000000000055</ID><FunctionCode>2</FunctionCode></Agent>
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
    <DepartureTransportMeans><ID>AB12 CDE</ID><ModeCode>3</ModeCode></DepartureTransportMeans>
    <TransportEquipment><SequenceNumeric>1</SequenceNumeric><ID>MSKU1234565</ID>
     <Seal><SequenceNumeric>1</SequenceNumeric><ID>SEAL-1</ID></Seal><Seal><SequenceNumeric>2</SequenceNumeric><ID>SEAL-2</ID></Seal>
    </TransportEquipment>
    <TransportEquipment><SequenceNumeric>2</SequenceNumeric><ID>MSKU7654320</ID>
     <Seal><SequenceNumeric>1</SequenceNumeric><ID>SEAL-3</ID></Seal>
    </TransportEquipment>
   </Consignment>
   <Destination><CountryCode>TH</CountryCode></Destination>
   <ExportCountry><ID>GB</ID></ExportCountry>
   {items}
   <PreviousDocument><CategoryCode>Z</CategoryCode><ID>6GB000000000099-7</ID><TypeCode>DCR</TypeCode></PreviousDocument>
   <UCR><TraderAssignedReferenceID>ORDER-1</TraderAssignedReferenceID></UCR>
  </GoodsShipment>
 </Declaration>
</MetaData>"""


def lodgement(**changes: str) -> bytes:
    """The message with some of its text replaced: ``message(old=..., new=...)``."""
    text = MESSAGE.format(items=ITEM.format(number=1))
    if changes:
        assert changes["old"] in text
        text = text.replace(changes["old"], changes["new"])
    return text.encode()


def decoded(raw: bytes, received_at: datetime | None = ARRIVED) -> Declaration:
    """The declaration of the one lodgement in these bytes."""
    (message,) = CDS.decode(raw, Arrival(None, received_at, "raw.cds/3@88121"))
    assert message.declaration is not None
    return message.declaration


def said(raw: bytes) -> Message:
    """The one message of these bytes."""
    (message,) = CDS.decode(raw, Arrival(None, ARRIVED, "raw.cds/3@88121"))
    return message


def refused(raw: bytes, received_at: datetime | None = ARRIVED) -> FeedError:
    """Why these bytes are refused."""
    with pytest.raises(FeedError) as caught:
        CDS.decode(raw, Arrival(None, received_at))
    return caught.value
