"""Simulated declarations as CDS messages in an archive, to measure the intake with.

The messages have the shape of a full export lodgement of the UK (envelope, parties with addresses, goods shipment, items with
measures, packages, documents and procedures), indented as such systems send them. They are made here, from the simulator.
"""

from __future__ import annotations

import json
import zipfile
from pathlib import Path
from typing import Any, Final
from xml.sax.saxutils import escape

_DMS: Final = "urn:wco:datamodel:WCO:DocumentMetaData-DMS:2"
_DEC: Final = "urn:wco:datamodel:WCO:DEC-DMS:2"
_MODES: Final = {"sea": "1", "rail": "2", "road": "3", "air": "4", "post": "5"}


def write_archive(feed: Path, archive: Path) -> int:
    """Write the declarations of a feed (NDJSON) as a zip of CDS messages; return how many."""
    count = 0
    with feed.open("rb") as lines, zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as packed:
        for line in lines:
            count += 1
            packed.writestr(f"{count:07}.xml", message(json.loads(line), count))
    return count


def message(row: dict[str, Any], number: int) -> bytes:
    """Return one declaration as a CDS message, a lodgement with the reference ``number``."""
    items = "\n".join(_item(item, row) for item in row["items"])
    transport = row.get("transport") or {}
    containers = transport.get("containers") or []
    equipment = "".join(
        f"\n        <TransportEquipment><SequenceNumeric>{n}</SequenceNumeric><ID>{escape(one)}</ID></TransportEquipment>"
        for n, one in enumerate(containers, 1)
    )
    text = f"""<?xml version="1.0" encoding="UTF-8"?>
<md:MetaData xmlns:md="{_DMS}" xmlns="{_DEC}" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance">
  <md:WCODataModelVersionCode>3.6</md:WCODataModelVersionCode>
  <md:WCOTypeName>DEC</md:WCOTypeName>
  <md:ResponsibleCountryCode>GB</md:ResponsibleCountryCode>
  <md:ResponsibleAgencyName>HMRC</md:ResponsibleAgencyName>
  <md:AgencyAssignedCustomizationVersionCode>v2.1</md:AgencyAssignedCustomizationVersionCode>
  <Declaration>
    <FunctionCode>9</FunctionCode>
    <FunctionalReferenceID>B{number:07}</FunctionalReferenceID>
    <TypeCode>EXA</TypeCode>
    <IssueDateTime><DateTimeString formatCode="304">{row["lodged_at"][:19].translate(_PLAIN)}Z</DateTimeString></IssueDateTime>
    <GoodsItemQuantity>{len(row["items"])}</GoodsItemQuantity>
    <TotalGrossMassMeasure unitCode="KGM">{row.get("gross_mass_kg") or 1}</TotalGrossMassMeasure>
    <TotalPackageQuantity>{row.get("package_count") or 1}</TotalPackageQuantity>
    <BorderTransportMeans>
      <ID>{escape(transport.get("identity") or "UNKNOWN")}</ID>
      <IdentificationTypeCode>11</IdentificationTypeCode>
      <RegistrationNationalityCode>{transport.get("nationality") or "GB"}</RegistrationNationalityCode>
      <ModeCode>{_MODES.get(transport.get("mode") or "", "1")}</ModeCode>
    </BorderTransportMeans>
    <Consignment>
      {"".join(_stage(n, code) for n, code in enumerate(row.get("routing") or [], 1))}
    </Consignment>
    {_party("Declarant", row.get("declarant"), "GB" + f"{number % 1000:012}")}
    {_party("Exporter", row.get("exporter"), "GB000000000001")}
    <ExitOffice><ID>{escape(row.get("exit_office") or "GB000060")}</ID></ExitOffice>
    <GoodsShipment>
      {_party("Consignee", row.get("consignee"), None)}
      <Consignment>
        <ContainerCode>{int(bool(containers))}</ContainerCode>{equipment}
        <GoodsLocation><Name>FXTFXT</Name><TypeCode>A</TypeCode><Address><CountryCode>GB</CountryCode></Address></GoodsLocation>
      </Consignment>
      <Destination><CountryCode>{row.get("country_of_destination") or "DE"}</CountryCode></Destination>
      <ExportCountry><ID>{row.get("country_of_export") or "GB"}</ID></ExportCountry>
{items}
    </GoodsShipment>
  </Declaration>
</md:MetaData>
"""
    return text.encode()


_PLAIN: Final = str.maketrans("", "", "-:T")


def _stage(number: int, code: str) -> str:
    where = f"<RoutingCountryCode>{code}</RoutingCountryCode>"
    return f"<Itinerary><SequenceNumeric>{number}</SequenceNumeric>{where}</Itinerary>"


def _party(name: str, party: dict[str, Any] | None, identity: str | None) -> str:
    if party is None and identity is None:
        return ""
    party = party or {}
    known = party.get("id") or identity
    return f"""<{name}>
      <Name>{escape(party.get("name") or "Name")}</Name>{f"<ID>{escape(known)}</ID>" if known else ""}
      <Address>
        <CityName>{escape(party.get("city") or "Town")}</CityName>
        <CountryCode>{party.get("country") or "GB"}</CountryCode>
        <Line>{escape(party.get("address") or "1 Street")}</Line>
        <PostcodeID>{escape(party.get("postcode") or "X1")}</PostcodeID>
      </Address>
    </{name}>"""


def _item(item: dict[str, Any], row: dict[str, Any]) -> str:
    value = item.get("value") or {"amount": 0, "currency": "GBP"}
    code = (item.get("commodity_code") or "79012000")[:8]
    documents = "\n".join(
        f"""        <AdditionalDocument>
          <CategoryCode>{escape(document["type"][:1])}</CategoryCode>
          <ID>{escape(document.get("reference") or "NONE")}</ID>
          <TypeCode>{escape(document["type"][1:])}</TypeCode>
        </AdditionalDocument>"""
        for document in [*(item.get("documents") or []), *_DOCUMENTS]
    )
    packages = "\n".join(
        f"""        <Packaging>
          <SequenceNumeric>{n}</SequenceNumeric>
          <MarksNumbersID>{escape(package.get("marks") or "N/M")}</MarksNumbersID>
          <QuantityQuantity>{package.get("count") or 1}</QuantityQuantity>
          <TypeCode>{package.get("type") or "PK"}</TypeCode>
        </Packaging>"""
        for n, package in enumerate(item.get("packages") or [{}], 1)
    )
    return f"""      <GovernmentAgencyGoodsItem>
        <SequenceNumeric>{item["number"]}</SequenceNumeric>
        <StatisticalValueAmount currencyID="{value["currency"]}">{value["amount"]}</StatisticalValueAmount>
{documents}
        <Commodity>
          <Description>{escape(item.get("description") or "goods")}</Description>
          <Classification><ID>{code}</ID><IdentificationTypeCode>TSP</IdentificationTypeCode></Classification>
          <GoodsMeasure>
            <GrossMassMeasure unitCode="KGM">{item.get("gross_mass_kg") or 1}</GrossMassMeasure>
            <NetNetWeightMeasure unitCode="KGM">{item.get("net_mass_kg") or 1}</NetNetWeightMeasure>
          </GoodsMeasure>
        </Commodity>
        <GovernmentProcedure><CurrentCode>10</CurrentCode><PreviousCode>40</PreviousCode></GovernmentProcedure>
        <GovernmentProcedure><CurrentCode>000</CurrentCode></GovernmentProcedure>
        <Origin><CountryCode>{item.get("origin") or "GB"}</CountryCode><TypeCode>1</TypeCode></Origin>
{packages}
        <PreviousDocument>
          <CategoryCode>Z</CategoryCode><ID>9GB201909014000</ID><TypeCode>DCR</TypeCode><LineNumeric>1</LineNumeric>
        </PreviousDocument>
      </GovernmentAgencyGoodsItem>"""


_DOCUMENTS: Final = ({"type": "N935", "reference": "INV-2026-1"}, {"type": "Y923", "reference": "Export"})
