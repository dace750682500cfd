"""UK CDS messages made for the tests of the intake: a life in WCO XML, no more than the codec needs."""

from __future__ import annotations

import random

from streams import clients, topics
from streams.settings import Settings

GALLIUM = "zinc alloy ingots 金属镓 Ga 99.9999% CAS 7440-55-3"


def _meta(kind: str, inside: str) -> bytes:
    return (
        f'<?xml version="1.0" encoding="UTF-8"?><MetaData xmlns="urn:wco:datamodel:WCO:DocumentMetaData-DMS:2">'
        f"<WCODataModelVersionCode>3.6</WCODataModelVersionCode><WCOTypeName>{kind}</WCOTypeName>{inside}</MetaData>"
    ).encode()


def item(number: int, words: str, mass: float, value: float, filling: str = "") -> str:
    return (
        f"<GovernmentAgencyGoodsItem><SequenceNumeric>{number}</SequenceNumeric>"
        f'<StatisticalValueAmount currencyID="GBP">{value}</StatisticalValueAmount>'
        f"<Commodity><Description>{words}{filling}</Description>"
        "<Classification><ID>79012000</ID><IdentificationTypeCode>TSP</IdentificationTypeCode></Classification>"
        f"<GoodsMeasure><GrossMassMeasure>{mass + 2}</GrossMassMeasure>"
        f'<NetNetWeightMeasure unitCode="KGM">{mass}</NetNetWeightMeasure></GoodsMeasure></Commodity>'
        "<GovernmentProcedure><CurrentCode>10</CurrentCode><PreviousCode>40</PreviousCode></GovernmentProcedure>"
        "<Origin><CountryCode>CN</CountryCode></Origin>"
        "<Packaging><SequenceNumeric>1</SequenceNumeric><MarksNumbersID>N/M</MarksNumbersID>"
        "<QuantityQuantity>1</QuantityQuantity><TypeCode>DR</TypeCode></Packaging></GovernmentAgencyGoodsItem>"
    )


def lodged(name: str, gallium: bool = False, at: str = "20261120081405Z", items: str = "") -> bytes:
    """Return a lodgement (EXA) of 25 kg zinc alloy; with ``gallium``, of what is gallium by its words and price."""
    goods = items or item(1, GALLIUM if gallium else "zinc alloy ingots", 25.0, 60.0)
    return _meta(
        "DEC",
        "<Declaration><FunctionCode>9</FunctionCode>"
        f"<FunctionalReferenceID>{name}</FunctionalReferenceID>"
        f'<IssueDateTime><DateTimeString formatCode="304">{at}</DateTimeString></IssueDateTime>'
        "<TypeCode>EXA</TypeCode><DeclarationOfficeID>GB000060</DeclarationOfficeID>"
        "<BorderTransportMeans><ModeCode>1</ModeCode></BorderTransportMeans>"
        "<Declarant><ID>GB123456789000</ID></Declarant>"
        "<ExitOffice><ID>GB000060</ID></ExitOffice><Exporter><ID>GB987654321000</ID></Exporter>"
        "<GoodsShipment><Consignee><Name>Buyer</Name><Address><CountryCode>DE</CountryCode></Address></Consignee>"
        "<Destination><CountryCode>DE</CountryCode></Destination><ExportCountry><ID>GB</ID></ExportCountry>"
        f"{goods}</GoodsShipment></Declaration>",
    )


def mrn(name: str) -> str:
    """Return a made-up MRN with a right check digit."""
    from streams.intake.mrn import check_digit

    digits = "".join(letter for letter in name.upper() if letter.isascii() and letter.isalnum())
    beginning = f"26GB{digits:0>13}"
    return beginning + check_digit(beginning)


def notice(name: str, function: str, version: int, at: str, named: bool = True) -> bytes:
    """Return a DMS notification: 01 accepted, 09 cleared; with the LRN unless ``named`` is false."""
    reference = f"<FunctionalReferenceID>{name}</FunctionalReferenceID>" if named else ""
    return _meta(
        "RES",
        f"<Response><FunctionCode>{function}</FunctionCode>"
        f"<FunctionalReferenceID>{name}-{function}-{version}</FunctionalReferenceID>"
        f'<IssueDateTime><DateTimeString formatCode="304">{at}</DateTimeString></IssueDateTime>'
        f"<Declaration>{reference}<ID>{mrn(name)}</ID><VersionID>{version}</VersionID></Declaration></Response>",
    )


def amended(name: str, words: str, at: str) -> bytes:
    """Return an amendment (COR) that sets the description of item 1."""
    pointers = "".join(
        f"<Pointer><SequenceNumeric>1</SequenceNumeric><DocumentSectionCode>{code}</DocumentSectionCode>{tag}</Pointer>"
        for code, tag in (("42A", ""), ("67A", ""), ("68A", ""), ("23A", "<TagID>137</TagID>"))
    )
    return _meta(
        "DEC",
        "<Declaration><FunctionCode>13</FunctionCode>"
        f"<FunctionalReferenceID>{name}-cor</FunctionalReferenceID><ID>{mrn(name)}</ID>"
        f'<IssueDateTime><DateTimeString formatCode="304">{at}</DateTimeString></IssueDateTime>'
        "<TypeCode>COR</TypeCode><Declarant><ID>GB123456789000</ID></Declarant>"
        f"<Amendment><ChangeReasonCode>32</ChangeReasonCode>{pointers}</Amendment>"
        "<GoodsShipment><GovernmentAgencyGoodsItem><SequenceNumeric>1</SequenceNumeric>"
        f"<Commodity><Description>{words}</Description></Commodity>"
        "</GovernmentAgencyGoodsItem></GoodsShipment></Declaration>",
    )


def cancelled(name: str, at: str) -> bytes:
    """Return a request to invalidate (INV)."""
    return _meta(
        "DEC",
        "<Declaration><FunctionCode>13</FunctionCode>"
        f"<FunctionalReferenceID>{name}-inv</FunctionalReferenceID><ID>{mrn(name)}</ID>"
        f'<IssueDateTime><DateTimeString formatCode="304">{at}</DateTimeString></IssueDateTime>'
        "<TypeCode>INV</TypeCode><Submitter><ID>GB123456789000</ID></Submitter>"
        "<Amendment><ChangeReasonCode>1</ChangeReasonCode></Amendment></Declaration>",
    )


def life(name: str, kind: int) -> list[bytes]:
    """Return a life: accepted and cleared; or made innocent, or guilty, or cancelled, by an amendment."""
    messages = [
        lodged(name, gallium=kind in (1, 3)),
        notice(name, "01", 1, "20261120081500Z"),
    ]
    if kind in (1, 2):
        words = "zinc alloy ingots" if kind == 1 else GALLIUM
        messages += [amended(name, words, "20261120083000Z"), notice(name, "09", 2, "20261120090000Z", named=False)]
    elif kind == 3:
        messages.append(cancelled(name, "20261120084000Z"))
    else:
        messages.append(notice(name, "09", 1, "20261120090000Z", named=False))
    return messages


def mixed(count: int, seed: int) -> tuple[list[bytes], list[bytes]]:
    """Return the messages of many lives in order, and the same shuffled and some of them doubled."""
    ordered = [message for number in range(count) for message in life(f"L{seed}{number:04}", number % 4)]
    chance = random.Random(seed)
    shuffled = [*ordered, *(message for message in ordered if chance.random() < 0.2)]
    chance.shuffle(shuffled)
    return ordered, shuffled


def send(chosen: Settings, messages: list[bytes], system: str = "cds", headers: dict[str, bytes] | None = None) -> int:
    """Write messages to a raw topic as ``assay ingest`` does, and return how many."""
    producer = clients.producer(chosen)
    told = list(({"format": b"auto", "received_at": b"2026-11-20T08:14:06Z"} | (headers or {})).items())
    for message in messages:
        producer.send(topics.named(chosen)[topics.raw(system)], message, headers=told)
    producer.flush()
    producer.close()
    return len(messages)
