"""A message of NCTS phase 5 to change, and what the codec makes of it."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from schemas import feeds
from schemas.declaration import Declaration
from schemas.errors import FeedError
from schemas.feeds.ncts import CODEC as NCTS
from schemas.message import Message

ARRIVED = datetime(2026, 11, 20, 8, 30, tzinfo=UTC)

ITEM = """
<ConsignmentItem>
 <goodsItemNumber>1</goodsItemNumber><declarationGoodsItemNumber>{number}</declarationGoodsItemNumber>
 <referenceNumberUCR>UCR-ITEM</referenceNumberUCR>
 <Commodity>
  <descriptionOfGoods>Gallium, unwrought</descriptionOfGoods>
  <CommodityCode><harmonizedSystemSubHeadingCode>811292</harmonizedSystemSubHeadingCode>
   <combinedNomenclatureCode>89</combinedNomenclatureCode></CommodityCode>
  <GoodsMeasure><grossMass>12.500000</grossMass><netMass>10</netMass></GoodsMeasure>
 </Commodity>
 <Packaging><sequenceNumber>1</sequenceNumber><typeOfPackages>bx</typeOfPackages><numberOfPackages>4</numberOfPackages>
  <shippingMarks>LOT 9</shippingMarks></Packaging>
 <Packaging><typeOfPackages>NE?</typeOfPackages></Packaging>
 <PreviousDocument><type>N337</type><referenceNumber>PREV-ITEM</referenceNumber></PreviousDocument>
 <SupportingDocument><type>x002</type><referenceNumber>LIC-1</referenceNumber><validityDate>2027-01-04</validityDate>
  <measurementUnitAndQualifier>KGM</measurementUnitAndQualifier><quantity>2.5</quantity></SupportingDocument>
 <AdditionalReference><type>Y901</type></AdditionalReference>
</ConsignmentItem>"""

HOUSE = """
<HouseConsignment>
 <sequenceNumber>1</sequenceNumber><countryOfDispatch>DE</countryOfDispatch>
 <Consignor><name>Rheingold GmbH</name>
  <Address><streetAndNumber>Kai 3</streetAndNumber><postcode>20457</postcode><city>Hamburg</city>
  <country>DE</country></Address></Consignor>
 <TransportDocument><type>N705</type><referenceNumber>BL-{house}</referenceNumber></TransportDocument>
 <PreviousDocument><type>N830</type><referenceNumber>PREV-{house}</referenceNumber></PreviousDocument>
 {items}
</HouseConsignment>"""

MESSAGE = """<ncts:CC015C PhaseID="NCTS5.1" xmlns:ncts="http://ncts.dgtaxud.ec">
 <messageSender>GB-SENDER</messageSender><messageRecipient>NTA.GB</messageRecipient>
 <preparationDateAndTime>2026-11-20T08:15:00</preparationDateAndTime>
 <messageIdentification>MSG-1</messageIdentification><messageType>CC015C</messageType>
 <TransitOperation><LRN>LRN-7</LRN><declarationType>T1</declarationType>
  <additionalDeclarationType>A</additionalDeclarationType></TransitOperation>
 <CustomsOfficeOfDeparture><referenceNumber>GB000246</referenceNumber></CustomsOfficeOfDeparture>
 <CustomsOfficeOfDestinationDeclared><referenceNumber>RS012345</referenceNumber></CustomsOfficeOfDestinationDeclared>
 <CustomsOfficeOfTransitDeclared><sequenceNumber>2</sequenceNumber>
  <referenceNumber>HU000001</referenceNumber></CustomsOfficeOfTransitDeclared>
 <CustomsOfficeOfTransitDeclared><sequenceNumber>1</sequenceNumber>
  <referenceNumber>FR000001</referenceNumber></CustomsOfficeOfTransitDeclared>
 <HolderOfTheTransitProcedure><identificationNumber>gb953574106000</identificationNumber>
  <ContactPerson><name>A</name><phoneNumber>+44 1</phoneNumber>
  <eMailAddress>a@b.example</eMailAddress></ContactPerson></HolderOfTheTransitProcedure>
 <Representative><identificationNumber>GB000000000042</identificationNumber><status>2</status></Representative>
 <Consignment>
  <countryOfDestination>xs</countryOfDestination><inlandModeOfTransport>3</inlandModeOfTransport>
  <modeOfTransportAtTheBorder>1</modeOfTransportAtTheBorder><grossMass>25.000</grossMass>
  <referenceNumberUCR>UCR-1</referenceNumberUCR>
  <Carrier><identificationNumber>FR77</identificationNumber></Carrier>
  <Consignee><identificationNumber>RS1</identificationNumber></Consignee>
  <TransportEquipment><containerIdentificationNumber>MSKU1234565</containerIdentificationNumber>
   <Seal><identifier>S1</identifier></Seal><Seal><identifier>S2</identifier></Seal></TransportEquipment>
  <TransportEquipment><containerIdentificationNumber>MSKU1234565</containerIdentificationNumber>
   <Seal><identifier>S1</identifier></Seal></TransportEquipment>
  <CountryOfRoutingOfConsignment><sequenceNumber>2</sequenceNumber><country>HU</country></CountryOfRoutingOfConsignment>
  <CountryOfRoutingOfConsignment><sequenceNumber>1</sequenceNumber><country>FR</country></CountryOfRoutingOfConsignment>
  <CountryOfRoutingOfConsignment><sequenceNumber>3</sequenceNumber><country>AB</country></CountryOfRoutingOfConsignment>
  <ActiveBorderTransportMeans><identificationNumber>MV ASSAYER</identificationNumber>
   <nationality>PA</nationality></ActiveBorderTransportMeans>
  <SupportingDocument><type>C085</type><referenceNumber>SUP-1</referenceNumber></SupportingDocument>
  <PreviousDocument><type>NMRN</type><referenceNumber>24GBEXPORTMRN</referenceNumber></PreviousDocument>
  {houses}
 </Consignment>
</ncts:CC015C>"""


def message(*changes: tuple[str, str], houses: int = 1, items: int = 1) -> bytes:
    """The lodgement, with some of its text replaced."""
    numbers = iter(range(1, houses * items + 1))
    text = MESSAGE.format(
        houses="".join(
            HOUSE.format(house=house, items="".join(ITEM.format(number=next(numbers)) for _ in range(items)))
            for house in range(1, houses + 1)
        )
    )
    for old, new in changes:
        assert old in text
        text = text.replace(old, new)
    return text.encode()


def told(raw: bytes, received_at: datetime | None = ARRIVED) -> Message:
    (found,) = NCTS.decode(raw, feeds.Arrival(None, received_at, "raw.ncts/0@7"))
    return found


def decoded(raw: bytes, received_at: datetime | None = ARRIVED) -> Declaration:
    found = told(raw, received_at).declaration
    assert found is not None
    return found


def refused(raw: bytes, received_at: datetime | None = ARRIVED) -> FeedError:
    with pytest.raises(FeedError) as caught:
        NCTS.decode(raw, feeds.Arrival(None, received_at))
    return caught.value
