"""DMS notifications of CDS as events in the life of a declaration."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from cds_messages import refused, said

from schemas import feeds
from schemas.feeds.cds import CODEC as CDS
from schemas.message import Named

NOTICE = """<MetaData><WCODataModelVersionCode>3.6</WCODataModelVersionCode><WCOTypeName>RES</WCOTypeName>
<Response><FunctionCode>{code}</FunctionCode><FunctionalReferenceID>d71f2283</FunctionalReferenceID>
<IssueDateTime><DateTimeString formatCode="304">20261121142229+01</DateTimeString></IssueDateTime>{more}
<Declaration><AcceptanceDateTime><DateTimeString formatCode="304">20261120000000Z</DateTimeString></AcceptanceDateTime>
<FunctionalReferenceID>LRN-7</FunctionalReferenceID><ID>26GB4MJQTAG3X8NAR8</ID><VersionID>2</VersionID></Declaration>
</Response></MetaData>"""


def notice(code: str, more: str = "") -> bytes:
    return NOTICE.format(code=code, more=more).encode()


@pytest.mark.parametrize(
    ("code", "event", "reason"),
    [
        ("01", "accepted", "DMSACC"),
        ("1", "accepted", "DMSACC"),
        ("02", "accepted", "DMSRCV"),
        ("03", "rejected", "DMSREJ"),
        ("05", "controlled", "DMSCTL"),
        ("06", "controlled", "DMSDOC"),
        ("07", "amended", "DMSRES"),
        ("08", "released", "DMSROG"),
        ("09", "released", "DMSCLE"),
        ("10", "cancelled", "DMSINV"),
        ("11", "accepted", "DMSREQ"),
        ("13", "accepted", "DMSTAX"),
        ("14", "accepted", "DMSCPI"),
        ("15", "accepted", "DMSCPR"),
        ("16", "exited", "DMSEOG"),
        ("17", "accepted", "DMSEXT"),
        ("18", "accepted", "DMSGER"),
        ("50", "controlled", "DMSALV"),
        ("51", "controlled", "DMSQRY"),
    ],
)
def test_function_codes(code: str, event: str, reason: str) -> None:
    found = said(notice(code))
    assert (found.event, found.reason) == (event, reason)
    assert found.named == Named(mrn="26GB4MJQTAG3X8NAR8", local_reference="LRN-7")
    assert (found.at, found.version, found.reference) == (
        datetime(2026, 11, 21, 13, 22, 29, tzinfo=UTC),
        None,
        "d71f2283",
    )
    assert (found.edits, found.declaration) == ([], None)


def test_reasons() -> None:
    more = """<AdditionalInformation><StatementCode>A2</StatementCode></AdditionalInformation>
    <AdditionalInformation><StatementDescription>Weight too low</StatementDescription></AdditionalInformation>
    <Status><NameCode>41</NameCode></Status>
    <Error><ValidationCode>CDS12056</ValidationCode><Description>Not allowed</Description></Error>
    <Error><ValidationCode>CDS12056</ValidationCode><Description>Not allowed</Description></Error>"""
    assert said(notice("03", more)).reason == "DMSREJ; status 41; A2; Weight too low; CDS12056 Not allowed"
    errors = "".join(f"<Error><ValidationCode>CDS{n}</ValidationCode></Error>" for n in range(9_000))
    assert len(said(notice("03", errors)).reason or "") == 8_192


def test_namespaces_and_the_envelope_do_not_matter() -> None:
    expected = said(notice("09"))
    named = (
        notice("09").decode().replace("<MetaData>", '<MetaData xmlns="urn:wco:datamodel:WCO:DocumentMetaData-DMS:2">')
    )
    prefixed = named.replace("<Response>", '<r:Response xmlns:r="urn:wco:datamodel:WCO:RES-DMS:2">')
    prefixed = prefixed.replace("</Response>", "</r:Response>")
    assert said(named.encode()) == said(prefixed.encode()) == expected
    start, end = named.index("<Response>"), named.index("</MetaData>")
    bare = named[start:end].replace("<Response>", '<Response xmlns="urn:wco:datamodel:WCO:RES-DMS:2">').encode()
    assert feeds.detect(bare) is CDS
    assert said(bare) == expected


def test_a_correction_brings_a_second_declaration_without_a_name() -> None:
    values = "<Declaration><FunctionCode>9</FunctionCode><TotalPackageQuantity>65</TotalPackageQuantity></Declaration>"
    assert said(notice("07", values)) == said(notice("07"))


def test_several_responses_are_several_messages() -> None:
    one = notice("01").decode()
    response = one[one.index("<Response>") : one.index("</MetaData>")]
    raw = one.replace("</MetaData>", response.replace(">01<", ">09<") + "</MetaData>").encode()
    assert [message.event for message in CDS.decode(raw, feeds.UNKNOWN)] == ["accepted", "released"]


def test_without_a_version_and_with_one_name_only() -> None:
    raw = notice("02").replace(b"<VersionID>2</VersionID>", b"").replace(b"<ID>26GB4MJQTAG3X8NAR8</ID>", b"")
    found = said(raw)
    assert (found.version, found.named) == (None, Named(local_reference="LRN-7"))
    late = notice("01").replace(b"IssueDateTime", b"Issued")
    assert said(late).at == datetime(2026, 11, 20, tzinfo=UTC)


@pytest.mark.parametrize(
    ("raw", "path", "why"),
    [
        (notice("99"), "/FunctionCode", "'99'"),
        (notice("04"), "/FunctionCode", "'04'"),
        (notice(""), "", "FunctionCode is missing"),
        (notice("01").replace(b"LRN-7", b"").replace(b"26GB4MJQTAG3X8NAR8", b""), "", "which one it is about"),
        (notice("01").replace(b"20261121142229+01", b"today"), "/IssueDateTime/DateTimeString", "not a time"),
        (notice("01").replace(b"LRN-7", b"L" * 300), "", "255"),
    ],
)
def test_what_is_wrong_is_located(raw: bytes, path: str, why: str) -> None:
    error = refused(raw)
    assert why in error.reason
    assert error.path == "/MetaData/Response" + path
