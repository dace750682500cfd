"""The codec of entry summary declarations (ICS1): what stands where, amendments by MRN, and the answers."""

from __future__ import annotations

import os
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from lxml import etree

from schemas import feeds
from schemas.declaration import Declaration
from schemas.errors import FeedError
from schemas.feeds.ens import CODEC as ENS
from schemas.message import Message

ARRIVED = datetime(2026, 11, 20, 8, 30, tzinfo=UTC)
SHARED = Path(os.environ.get("ASSAY_SHARED") or Path(__file__).parents[2].parent / "shared")

ITEM = """
<GOOITEGDS>
 <IteNumGDS7>{number}</IteNumGDS7><GooDesGDS23>Germanium dioxide</GooDesGDS23><GroMasGDS46>120.5</GroMasGDS46>
 <PRODOCDC2><DocTypDC21>n705</DocTypDC21><DocRefDC23>BL-7</DocRefDC23></PRODOCDC2>
 <TRACONCO2><NamCO27>Yunnan Works</NamCO27><StrAndNumCO222>1 Lake Rd</StrAndNumCO222><PosCodCO223>650000</PosCodCO223>
  <CitCO224>Kunming</CitCO224><CouCO225>CN</CouCO225></TRACONCO2>
 <COMCODGODITM><ComNomCMD1>2825 60 00</ComNomCMD1></COMCODGODITM>
 <TRACONCE2><TINCE259>GB2</TINCE259></TRACONCE2>
 <CONNR2><ConNumNR21>MSKU1234565</ConNumNR21></CONNR2>
 <IDEMEATRAGI970><NatIDEMEATRAGI973>PA</NatIDEMEATRAGI973><IdeMeaTraGIMEATRA971>MV ASSAYER</IdeMeaTraGIMEATRA971></IDEMEATRAGI970>
 <PACGS2><KinOfPacGS23> dr</KinOfPacGS23><NumOfPacGS24>3</NumOfPacGS24><MarNumOfPacGSL21>LOT 9</MarNumOfPacGSL21></PACGS2>
 <PACGS2><KinOfPacGS23>NE</KinOfPacGS23><NumOfPieGS25>2</NumOfPieGS25></PACGS2>
 <PRTNOT640><NamPRTNOT642>Notify Ltd</NamPRTNOT642><CouCodGINOT647>UK</CouCodGINOT647></PRTNOT640>
</GOOITEGDS>"""

MESSAGE = """<?xml version="1.0"?>
<ie:CC315A xmlns:ie="http://ics.dgtaxud.ec/CC315A">
 <MesSenMES3>GB9/0000000001</MesSenMES3><DatOfPreMES9>261120</DatOfPreMES9><TimOfPreMES10>0801</TimOfPreMES10>
 <MesIdeMES19>MSG-1</MesIdeMES19><MesTypMES20>CC315A</MesTypMES20>
 <HEAHEA><RefNumHEA4>LRN-7</RefNumHEA4><TraModAtBorHEA76>10</TraModAtBorHEA76><TotNumOfPacHEA306>5</TotNumOfPacHEA306>
  <TotGroMasHEA307>130.000</TotGroMasHEA307><ComRefNumHEA>UCR-1</ComRefNumHEA><DecDatTimHEA114>202611200815</DecDatTimHEA114></HEAHEA>
 {items}
 <ITI><CouOfRouCodITI1>CN</CouOfRouCodITI1></ITI><ITI><CouOfRouCodITI1>AB</CouOfRouCodITI1></ITI><ITI><CouOfRouCodITI1>SG</CouOfRouCodITI1></ITI>
 <TRAREP><TINTRE1>GB000000000042</TINTRE1></TRAREP>
 <PERLODSUMDEC><TINPLD1>gb000000000099</TINPLD1></PERLODSUMDEC>
 <SEAID529><SeaIdSEAID530>S1</SeaIdSEAID530></SEAID529>
 <CUSOFFFENT730><RefNumCUSOFFFENT731>GB000060</RefNumCUSOFFFENT731></CUSOFFFENT730>
 <TRACARENT601><TINTRACARENT602>DK1</TINTRACARENT602></TRACARENT601>
</ie:CC315A>"""


def message(*changes: tuple[str, str], items: int = 1) -> bytes:
    text = MESSAGE.format(items="".join(ITEM.format(number=number) for number in range(1, items + 1)))
    for old, new in changes:
        assert old in text
        text = text.replace(old, new)
    return text.encode()


def told(raw: bytes, received_at: datetime | None = ARRIVED) -> Message:
    (found,) = ENS.decode(raw, feeds.Arrival(None, received_at))
    return found


def decoded(raw: bytes, received_at: datetime | None = ARRIVED) -> Declaration:
    found = told(raw, received_at).declaration
    assert found is not None
    return found


def refused(raw: bytes, received_at: datetime | None = ARRIVED) -> FeedError:
    with pytest.raises(FeedError) as caught:
        ENS.decode(raw, feeds.Arrival(None, received_at))
    return caught.value


def test_a_whole_declaration() -> None:
    found = told(message())
    assert (found.event, found.version, found.reference) == ("lodged", 1, "MSG-1")
    assert found.named.model_dump(exclude_none=True) == {
        "declaration_id": "ics:GB000000000099:LRN-7",
        "declarant": "GB000000000099",
        "local_reference": "LRN-7",
        "ucr": "UCR-1",
    }
    assert found.declaration is not None
    whole = found.declaration.model_dump(mode="json", by_alias=True, exclude_none=True, exclude_defaults=True)
    assert whole == {
        "event": "lodged",
        "declaration_id": "ics:GB000000000099:LRN-7",
        "local_reference": "LRN-7",
        "ucr": "UCR-1",
        "lodged_at": "2026-11-20T08:15:00Z",
        "source": {"system": "ics", "format": "ics1-ens", "received_at": "2026-11-20T08:30:00Z"},
        "regime": "entry_summary",
        "office": "GB000060",
        "declarant": {"id": "gb000000000099"},
        "agent": {"id": "GB000000000042"},
        "exporter": {
            "name": "Yunnan Works",
            "address": "1 Lake Rd",
            "city": "Kunming",
            "postcode": "650000",
            "country": "CN",
        },
        "consignee": {"id": "GB2"},
        "notify": {"name": "Notify Ltd", "country": "GB"},
        "carrier": {"id": "DK1"},
        "routing": ["CN", "SG"],
        "transport": {
            "mode": "sea",
            "identity": "MV ASSAYER",
            "nationality": "PA",
            "containers": ["MSKU1234565"],
            "seals": ["S1"],
        },
        "gross_mass_kg": 130.0,
        "package_count": 5,
        "items": [
            {
                "number": 1,
                "commodity_code": "28256000",
                "description": "Germanium dioxide",
                "gross_mass_kg": 120.5,
                "packages": [{"type": "DR", "count": 3, "marks": "LOT 9"}, {"type": "NE", "count": 2}],
                "documents": [{"type": "N705", "reference": "BL-7"}],
            }
        ],
    }


def test_the_header_comes_before_the_items() -> None:
    header = (
        "<TRACONCO1><TINCO159>CN8</TINCO159></TRACONCO1><TRACONCE1><NamCE17>Buyer</NamCE17></TRACONCE1>"
        "<NOTPAR670><TINNOTPAR671>GB5</TINNOTPAR671></NOTPAR670>"
    )
    found = decoded(
        message(
            ("<ITI>", header + "<ITI>"),
            ("</RefNumHEA4>", "</RefNumHEA4><IdeOfMeaOfTraCroHEA85>X1</IdeOfMeaOfTraCroHEA85>"),
        )
    )
    assert found.exporter is not None
    assert found.consignee is not None
    assert found.notify is not None
    assert found.transport is not None
    assert (found.exporter.id, found.consignee.name, found.notify.id) == ("CN8", "Buyer", "GB5")
    assert found.transport.identity == "X1"


def test_what_cannot_be_read_is_unknown() -> None:
    for nonsense in ("-", ".", " -0.5", "-123.456", "99999999999", "1,5", "٣"):
        found = decoded(message((">120.5<", f">{nonsense}<"), (">130.000<", f">{nonsense}<"), (">5<", f">{nonsense}<")))
        assert (found.gross_mass_kg, found.items[0].gross_mass_kg, found.package_count) == (None, None, None)
    for code, mode in (("11", "sea"), ("4", "air"), ("6", None), ("", None), ("x", None), ("²", None), ("123", None)):
        transport = decoded(message((">10<", f">{code}<"))).transport
        assert transport is not None
        assert transport.mode == mode
    assert decoded(message(("2825 60 00", "abc"))).items[0].commodity_code is None


def test_items_are_numbered_by_place_where_numbers_do_not_serve() -> None:
    assert [item.number for item in decoded(message(("<IteNumGDS7>2<", "<IteNumGDS7>1<"), items=3)).items] == [1, 2, 3]
    assert [item.number for item in decoded(message(("<IteNumGDS7>2<", "<IteNumGDS7>7<"), items=3)).items] == [1, 7, 3]


def test_times_fall_back() -> None:
    prepared = datetime(2026, 11, 20, 8, 1, tzinfo=UTC)
    assert told(message(("202611200815", "nonsense"))).at == prepared
    assert told(message(("202611200815", ""), ("261120<", "20261120<"))).at == prepared
    unknown = message(("202611200815", ""), ("261120<", "269920<"))
    assert told(unknown).at is None
    assert decoded(unknown).lodged_at == ARRIVED
    assert "time of arrival" in refused(unknown, None).reason


@pytest.mark.parametrize(
    ("lodger", "who"),
    [
        ("<PERLODSUMDEC><NamPLD1>Smith Cargo</NamPLD1></PERLODSUMDEC>", "Smith Cargo"),
        ("", "GB000000000042"),
    ],
)
def test_who_lodges_without_an_eori(lodger: str, who: str) -> None:
    raw = message(("<PERLODSUMDEC><TINPLD1>gb000000000099</TINPLD1></PERLODSUMDEC>", lodger))
    assert told(raw).named.declaration_id == f"ics:{who}:LRN-7"
    alone = raw.replace(b"<TRAREP><TINTRE1>GB000000000042</TINTRE1></TRAREP>", b"")
    assert told(alone).named.declarant == (who if lodger else "GB9/0000000001")


def test_an_amendment_restates_under_its_mrn() -> None:
    raw = message(
        ("CC315A", "CC313A"),
        ("<RefNumHEA4>LRN-7</RefNumHEA4>", "<DocNumHEA5>26gb8a2b3cd456efg2</DocNumHEA5>"),
        ("DecDatTimHEA114", "DatTimAmeHEA113"),
    )
    found = told(raw)
    assert (found.event, found.version) == ("amended", None)
    assert found.named.model_dump(exclude_none=True) == {
        "declarant": "GB000000000099",
        "mrn": "26GB8A2B3CD456EFG2",
        "ucr": "UCR-1",
    }
    assert found.declaration is not None
    assert (found.declaration.mrn, found.declaration.local_reference) == ("26GB8A2B3CD456EFG2", None)
    assert found.declaration.items == decoded(message()).items
    assert found.declaration.lodged_at == datetime(2026, 11, 20, 8, 15, tzinfo=UTC)


ANSWER = """<cc3:{kind} xmlns:cc3="http://ics.dgtaxud.ec/{kind}"><MesIdeMES19>ANS-1</MesIdeMES19><CorIdeMES25>MSG-2</CorIdeMES25>
<HEAHEA>{header}</HEAHEA>{more}<PERLODSUMDEC><TINPLD1>GB000000000099</TINPLD1></PERLODSUMDEC></cc3:{kind}>"""


@pytest.mark.parametrize(
    ("kind", "header", "event", "named", "reason"),
    [
        (
            "CC328A",
            "<RefNumHEA4>LRN-7</RefNumHEA4><DocNumHEA5>M1</DocNumHEA5><DecRegDatTimHEA115>202611200900</DecRegDatTimHEA115>",
            "accepted",
            ("ics:GB000000000099:LRN-7", "LRN-7", "M1"),
            None,
        ),
        (
            "CC304A",
            "<DocNumHEA5>M1</DocNumHEA5><AmeAccDatTimHEA111>202611200900</AmeAccDatTimHEA111>",
            "accepted",
            (None, None, "M1"),
            None,
        ),
        (
            "CC316A",
            "<RefNumHEA4>LRN-7</RefNumHEA4><DecRejReaHEA252>no</DecRejReaHEA252><DecRejDatTimHEA116>202611200900</DecRejDatTimHEA116>",
            "rejected",
            ("ics:GB000000000099:LRN-7", "LRN-7", None),
            "no: 12 R1 /x",
        ),
        (
            "CC305A",
            "<DocNumHEA5>M1</DocNumHEA5><AmeRejDatTimHEA112>202611200900</AmeRejDatTimHEA112>",
            "rejected",
            (None, "MSG-2", "M1"),
            "12 R1 /x",
        ),
    ],
)
def test_answers(
    kind: str, header: str, event: str, named: tuple[str | None, str | None, str | None], reason: str | None
) -> None:
    error = "<FUNERRER1><ErrTypER11>12</ErrTypER11><ErrPoiER12>/x</ErrPoiER12><ErrReaER13>R1</ErrReaER13></FUNERRER1>"
    raw = ANSWER.format(kind=kind, header=header, more=error if reason else "").encode()
    for wrapped in (raw, b"<notificationResponse><response>" + raw + b"</response></notificationResponse>"):
        assert ENS.sniff(wrapped)
        found = told(wrapped)
        assert (found.event, found.reason, found.declaration) == (event, reason, None)
        assert (found.named.declaration_id, found.named.local_reference, found.named.mrn) == named
        assert found.at == datetime(2026, 11, 20, 9, 0, tzinfo=UTC)
    if kind == "CC305A":
        assert ENS.decode(raw.replace(b"CorIdeMES25", b"Other"), feeds.UNKNOWN) == []


@pytest.mark.parametrize(
    ("changes", "path", "said"),
    [
        ([("<RefNumHEA4>LRN-7</RefNumHEA4>", "")], "/CC315A/HEAHEA", "RefNumHEA4 (LRN) is missing"),
        ([("HEAHEA", "HEADER")], "/CC315A", "HEAHEA is missing"),
        ([("GOOITEGDS", "ITEMS")], "/CC315A", "nothing is declared"),
        ([("Germanium dioxide", "G" * 9_000)], "/CC315A/GOOITEGDS/GooDesGDS23", "8192"),
        ([("MV ASSAYER", "M" * 600)], "/CC315A/HEAHEA/IdeOfMeaOfTraCroHEA85", "512"),
        ([("CC315A", "CC999A")], "/CC999A", "no ENS message"),
    ],
)
def test_what_is_wrong_is_located(changes: list[tuple[str, str]], path: str, said: str) -> None:
    error = refused(message(*changes))
    assert said in error.reason
    assert error.path == path


def test_namespaces_and_code_pages_do_not_matter() -> None:
    bare = etree.fromstring(message())
    for element in bare.iter():
        element.tag = etree.QName(element).localname
    expected = told(message())
    for raw in (etree.tostring(bare), b"\xef\xbb\xbf" + message(), message().decode().encode("utf-16")):
        assert ENS.sniff(raw)
        assert told(raw) == expected


def test_1999_items_pass() -> None:
    assert len(decoded(message(items=1_999)).items) == 1_999


def test_more_items_than_the_contract_takes_are_refused_early() -> None:
    raw = message(("</GOOITEGDS>", "</GOOITEGDS>" + "<GOOITEGDS/>" * 10_000))
    error = refused(raw)
    assert error.path == "/CC315A/GOOITEGDS[10000]"
    assert "10,001 items, more than 9,999" in error.reason


@settings(max_examples=300, deadline=None)
@given(st.integers(0, 10_000), st.integers(0, 60), st.binary(max_size=40))
def test_any_damage_is_decoded_or_refused(at: int, cut: int, put: bytes) -> None:
    raw = message(items=2)
    at %= len(raw)
    damaged = raw[:at] + put + raw[at + cut :]
    ENS.sniff(damaged)
    try:
        found = ENS.decode(damaged, feeds.UNKNOWN)
    except FeedError:
        return
    assert all(isinstance(one, Message) for one in found)


@settings(max_examples=200, deadline=None)
@given(st.data())
def test_any_text_anywhere_is_decoded_or_refused(data: st.DataObject) -> None:
    root = etree.fromstring(message(items=2))
    elements = [element for element in root.iter() if not len(element)]
    alphabet = st.characters(codec="utf-8", exclude_categories=["Cc", "Cs"], exclude_characters="\ufffe\uffff")
    for _ in range(3):
        odd = st.sampled_from(["-", "1e9", "0", "9" * 30, "٣", "²", "", "000000", "20261120"])
        data.draw(st.sampled_from(elements)).text = data.draw(st.text(alphabet, max_size=30) | odd)
    try:
        ENS.decode(etree.tostring(root), feeds.UNKNOWN)
    except FeedError as refusal:
        caught = refusal
    else:
        return
    assert caught.path
    assert len(caught.reason) < 1_000


@pytest.mark.skipif(
    not (SHARED / "samples").is_dir(), reason="no public samples here; set ASSAY_SHARED to their folder"
)
@pytest.mark.parametrize(
    ("folder", "event", "count"), [("ics1_ens_cc315a", "lodged", 40), ("ics1_ens_cc313a", "amended", 20)]
)
def test_every_public_sample_decodes(folder: str, event: str, count: int) -> None:
    found = [told(path.read_bytes()) for path in sorted((SHARED / "samples" / folder).glob("*.xml"))]
    assert [one.event for one in found] == [event] * count
    assert all(one.declaration is not None and one.declaration.items for one in found)
    assert all(one.named.mrn if event == "amended" else one.named.declaration_id for one in found)
