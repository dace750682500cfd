"""The codec of UN/EDIFACT customs declarations: what stands where, in both layouts and as national guides have it."""

from __future__ import annotations

import os
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from edifact_messages import D19B, D96B, changed, recounted, text, with_header, with_item

from schemas.declaration import Declaration
from schemas.errors import FeedError
from schemas.feeds import UNKNOWN, Arrival
from schemas.feeds.edifact import CODEC
from schemas.message import Message

ARRIVED = Arrival(received_at=datetime(2026, 11, 20, 8, 30, tzinfo=UTC))

SHARED = Path(os.environ.get("ASSAY_SHARED") or Path(__file__).parents[2].parent / "shared")
SAMPLES = sorted(
    path for name in ("edifact_cusdec", "edifact_ack_aperak") for path in (SHARED / "samples" / name).glob("*.edi")
)
needs_samples = pytest.mark.skipif(not SAMPLES, reason="no public samples here; set ASSAY_SHARED to their folder")


def message_of(interchange: str, arrival: Arrival = UNKNOWN) -> Message:
    (message,) = CODEC.decode(interchange.encode(), arrival)
    return message


def decoded(interchange: str, arrival: Arrival = UNKNOWN) -> Declaration:
    found = message_of(interchange, arrival).declaration
    assert found is not None
    return found


def item_of(interchange: str) -> Any:
    return decoded(interchange).items[0]


def refused(interchange: str | bytes) -> FeedError:
    raw = interchange.encode() if isinstance(interchange, str) else interchange
    with pytest.raises(FeedError) as caught:
        CODEC.decode(raw, UNKNOWN)
    return caught.value


def test_d96b_with_item_group_30() -> None:
    found = decoded(text(D96B)).model_dump(mode="json", exclude_none=True, exclude_defaults=True)
    assert found == {
        "event": "lodged",
        "declaration_id": "edifact:CN7700:LRN-7",
        "mrn": "26CN12345678",
        "local_reference": "LRN-7",
        "ucr": "6CN1-INV9",
        "lodged_at": "2026-11-20T09:14:00Z",
        "source": {"system": "edifact", "format": "edifact-cusdec"},
        "regime": "export",
        "declaration_type": "830",
        "procedure": "1040",
        "office": "CN2200",
        "exit_office": "CN5300",
        "declarant": {"id": "cn7700"},
        "agent": {"id": "CN88", "name": "Broker Wang"},
        "exporter": {
            "id": "CN99",
            "name": "Hunan Metals",
            "address": "12 Ore Road, Changsha",
            "phone": "+86 731 555",
            "email": "li@hunan.example",
        },
        "consignee": {
            "name": "Siam Alloys",
            "address": "9 Rama IV Rd",
            "city": "Bangkok",
            "postcode": "10110",
            "country": "TH",
        },
        "notify": {"name": "Notify Co"},
        "carrier": {"id": "COSCO", "name": "COSCO Lines"},
        "country_of_export": "CN",
        "country_of_destination": "TH",
        "routing": ["HK", "VN"],
        "transport": {
            "mode": "sea",
            "identity": "MV ASSAYER",
            "nationality": "PA",
            "containers": ["MSCU1234567"],
            "inland_mode": "road",
            "seals": ["SL-1"],
        },
        "gross_mass_kg": 420.0,
        "package_count": 16,
        "invoice_value": {"amount": 9500.25, "currency": "USD"},
        "documents": [
            {"type": "IV", "reference": "INV-9", "issued_on": "2026-11-01"},
            {"type": "380", "reference": "INV-9", "issued_on": "2026-11-01"},
        ],
        "items": [
            {
                "number": 1,
                "commodity_code": "7901200000",
                "description": "Zinc alloy ingots unwrought",
                "origin": "CN",
                "net_mass_kg": 400.25,
                "gross_mass_kg": 420.0,
                "value": {"amount": 9400.0, "currency": "USD"},
                "statistical_value": {"amount": 68000.0, "currency": "CNY"},
                "packages": [{"type": "CS", "count": 16, "marks": "LOT 7 16 CASES"}],
                "documents": [
                    {"type": "EX", "reference": "CN26-XL-1", "expires_on": "2027-01-01"},
                    {"type": "861", "reference": "CO-1"},
                ],
                "previous_documents": [{"type": "ABT", "reference": "25CN00000001"}],
            }
        ],
    }


def test_d19b_with_item_group_32() -> None:
    message = message_of(text(D19B))
    assert (message.event, message.version, message.reference) == ("amended", 3, "77/1")
    assert message.declaration is not None
    found = message.declaration.model_dump(mode="json", exclude_none=True, exclude_defaults=True)
    assert found == {
        "event": "amended",
        "declaration_id": "edifact:GB55:LRN-8",
        "version": 3,
        "mrn": "26GB00000000000012",
        "local_reference": "LRN-8",
        "lodged_at": "2026-11-20T08:15:00Z",
        "source": {"system": "edifact", "format": "edifact-cusdec"},
        "regime": "import",
        "declaration_type": "IMD",
        "procedure": "40",
        "office": "GB000060",
        "exit_office": "NL000396",
        "agent": {"id": "GB55", "city": "Hull"},
        "exporter": {"name": "Hunan Metals"},
        "consignee": {
            "id": "GB66",
            "name": "Hartle Ltd",
            "address": "2 Dock Rd",
            "city": "Hull",
            "postcode": "HU1 1AA",
            "country": "GB",
            "phone": "0148 555",
        },
        "country_of_export": "CN",
        "country_of_destination": "GB",
        "routing": ["NL"],
        "transport": {"mode": "air", "identity": "Boeing 747", "nationality": "GB", "inland_mode": "road"},
        "gross_mass_kg": 6.5,
        "invoice_value": {"amount": 1000.0, "currency": "EUR"},
        "documents": [
            {"type": "730", "reference": "AWB-1", "status": "9"},
            {"type": "380", "reference": "INV-1"},
        ],
        "items": [
            {
                "number": 1,
                "commodity_code": "28043000",
                "description": "Gallium 99.99 % waste",
                "origin": "CN",
                "net_mass_kg": 1.5,
                "gross_mass_kg": 2.0,
                "value": {"amount": 600.0, "currency": "EUR"},
                "statistical_value": {"amount": 550.0, "currency": "GBP"},
                "procedure": "4000",
                "additional_procedures": ["C07"],
                "packages": [{"type": "BX", "count": 1, "marks": "MARK A MARK B"}],
                "documents": [{"type": "IP", "reference": "IL-9"}],
            },
            {
                "number": 7,
                "commodity_code": "8112929010",
                "description": "Antimony",
                "origin": "CN",
                "gross_mass_kg": pytest.approx(4.5359237),
                "value": {"amount": 400.0, "currency": "EUR"},
                "procedure": "4000",
                "additional_procedures": ["1CS"],
                "packages": [{"type": "CT", "count": 3}],
                "previous_documents": [{"type": "AAE", "reference": "25GB00000000000034"}],
            },
        ],
    }


def test_the_names_of_a_message() -> None:
    named = message_of(text(D96B), Arrival(system="cn")).named
    assert (named.declaration_id, named.declarant, named.local_reference) == ("cn:CN7700:LRN-7", "CN7700", "LRN-7")
    assert (named.mrn, named.ucr) == ("26CN12345678", "6CN1-INV9")


@pytest.mark.parametrize(
    ("function", "event", "version"),
    [("9", "lodged", 1), ("", "lodged", 1), ("4", "amended", 2), ("5", "amended", 2), ("1", "cancelled", 2)],
)
def test_functions(function: str, event: str, version: int) -> None:
    message = message_of(changed(D96B, "BGM+830+LRN-7:2+9", f"BGM+830+LRN-7:2+{function}"))
    assert (message.event, message.version) == (event, version)
    assert (message.declaration is None) == (event == "cancelled")
    assert message.named.declaration_id == "edifact:CN7700:LRN-7"


def test_a_cancellation_needs_no_items() -> None:
    short = [*D96B[:2], "BGM+830+LRN-7+1", "UNT+3+M1", D96B[-1]]
    message = message_of(text(short))
    assert (message.event, message.version, message.edits) == ("cancelled", None, [])
    assert message.named.declaration_id == "edifact:CN7700:LRN-7"


def test_a_change_without_items_edits_the_header() -> None:
    header = ["BGM+830+LRN-7+4", "LOC+36+JP", "RFF+IV:INV-9", "DTM+171:20261101:102", "NAD+CN+++Nippon Zinc"]
    short = [*D96B[:2], *header, "UNT+7+M1"]
    message = message_of(text([*short, D96B[-1]]))
    assert message.event == "amended"
    assert message.declaration is None
    edits = {edit.path: edit.value for edit in message.edits}
    assert edits["/country_of_destination"] == "JP"
    assert edits["/consignee"] == {"name": "Nippon Zinc"}
    assert edits["/documents"] == [{"type": "IV", "reference": "INV-9", "issued_on": "2026-11-01"}]
    assert "/items" not in edits
    assert "/country_of_export" not in edits


def test_a_function_that_is_not_read() -> None:
    error = refused(changed(D96B, "BGM+830+LRN-7:2+9", "BGM+830+LRN-7:2+21"))
    assert error.path == "message 1, segment 2 (BGM), element 3"


@pytest.mark.parametrize(
    ("bgm", "regime", "kind"),
    [
        ("BGM+929+X+9", "import", "929"),
        ("BGM+950+X+9", "transit", "950"),
        ("BGM+821+X+9", "transit", "821"),
        ("BGM+936+X+9", "postal", "936"),
        ("BGM+:::EXD+X+9", "export", "EXD"),
        ("BGM+IMA:105+X+9", "import", "IMA"),
        ("BGM+:::SAC+X+9", "import", "SAC"),
        ("BGM+COA:105+X+9", "export", "COA"),
        ("BGM+:::T1+X+9", "transit", "T1"),
    ],
)
def test_regimes(bgm: str, regime: str, kind: str) -> None:
    found = decoded(changed(D96B, "BGM+830+LRN-7:2+9", bgm))
    assert (found.regime, found.declaration_type) == (regime, kind)


def test_an_unknown_document_is_refused() -> None:
    assert refused(changed(D96B, "BGM+830+LRN-7:2+9", "BGM+380+X+9")).path == "message 1, segment 2 (BGM), element 1"


def test_the_sender_stands_in_for_a_declarant_that_is_not_named() -> None:
    kept = [s for s in D96B if not s.startswith(("NAD+DT", "NAD+AE"))]
    assert message_of(text(recounted(kept))).named.declaration_id == "edifact:CN7700:LRN-7"
    assert decoded(text(recounted(kept))).declarant is None


def test_the_reference_of_the_declarant_stands_in_for_a_document_number() -> None:
    assert decoded(changed(D96B, "BGM+830+LRN-7:2+9", "BGM+830++9")).local_reference == "TRADER-9"
    bare = [s for s in D96B if not s.startswith("RFF+ABE")]
    assert "no identity" in refused(changed(bare, "BGM+830+LRN-7:2+9", "BGM+830++9")).reason


@pytest.mark.parametrize(
    ("dtm", "at"),
    [
        ("DTM+137:20261120:102", datetime(2026, 11, 20, tzinfo=UTC)),
        ("DTM+137:202611200914:203", datetime(2026, 11, 20, 9, 14, tzinfo=UTC)),
        ("DTM+137:20261120091433:204", datetime(2026, 11, 20, 9, 14, 33, tzinfo=UTC)),
        ("DTM+137:202611200914?+08:303", datetime(2026, 11, 20, 1, 14, tzinfo=UTC)),
        ("DTM+137:202611200914-0330:303", datetime(2026, 11, 20, 12, 44, tzinfo=UTC)),
        ("DTM+137:20261120091433UTC:304", datetime(2026, 11, 20, 9, 14, 33, tzinfo=UTC)),
        ("DTM+137:261120:101", datetime(2026, 11, 20, tzinfo=UTC)),
        ("DTM+137:201126:2", datetime(2026, 11, 20, tzinfo=UTC)),
        ("DTM+137:20261120", datetime(2026, 11, 20, tzinfo=UTC)),
        ("DTM+137:2026:602", datetime(2026, 11, 20, 9, 15, tzinfo=UTC)),
        (None, datetime(2026, 11, 20, 9, 15, tzinfo=UTC)),
    ],
)
def test_times(dtm: str | None, at: datetime) -> None:
    assert decoded(changed(D96B, "DTM+137:202611200914:203", dtm)).lodged_at == at


@pytest.mark.parametrize("value", ["20261320:102", "2026112:102", "yesterday:102", "202611200960:203", "20261120:203"])
def test_no_times(value: str) -> None:
    error = refused(changed(D96B, "DTM+137:202611200914:203", f"DTM+137:{value}"))
    assert error.path == "message 1, segment 10 (DTM), element 1, component 2"


@pytest.mark.parametrize(
    ("measures", "net", "gross", "quantity"),
    [
        (["MEA+AAE+AAA+KGM:10", "MEA+AAE+AAB+KGM:12"], 10, 12, None),
        (["MEA+WT+AAF+GRM:10000", "MEA+WT+AAD+KG:12"], 10, 12, None),
        (["MEA+ABW++KG:10", "MEA+WT++KG:12"], 10, 12, (10, "KGM")),
        (["MEA+ABW++NMB:7", "MEA+WT++T:0.012"], None, 12, (7, "NMB")),
        (["MEA+AAF++SW:7", "MEA+AAI++KGM:12"], None, 12, (7, "SW")),
        (["MEA+AAE+AAL+TNE:,01", "MEA+AAE+G+LBR:1"], 10, 0.45359237, None),
        (["MEA+AAE+AAA+KGM:0"], None, None, None),
        (["MEA+AAE+AAA+:10", "MEA+AAE++KGM:3"], 10, None, None),
        (["QTY+47:5:NAR"], None, None, (5, "NAR")),
    ],
)
def test_masses(
    measures: list[str], net: float | None, gross: float | None, quantity: tuple[float, str] | None
) -> None:
    found = item_of(with_item(*measures))
    assert found.net_mass_kg == (pytest.approx(net) if net else None)
    assert found.gross_mass_kg == (pytest.approx(gross) if gross else None)
    assert (found.quantity and (found.quantity.value, found.quantity.unit)) == quantity


@pytest.mark.parametrize(
    ("amounts", "value"),
    [
        (["MOA+40:5:CNY", "MOA+38:6:USD"], (5, "CNY")),
        (["MOA+40:5", "MOA+38:6:USD"], (6, "USD")),  # a customs value is in nobody knows which currency
        (["MOA+63:7"], (7, "USD")),  # a price is in that of the invoice
        (["MOA+38:6", "CUX+2:EUR"], (6, "EUR")),
        (["MOA+123:8:CNY"], (8, "CNY")),
        (["TAX+1", "MOA+40:5:CNY"], None),
        (["MOA+38:0:USD"], None),
    ],
)
def test_values(amounts: list[str], value: tuple[float, str] | None) -> None:
    found = item_of(with_item(*amounts)).value
    assert (found and (found.amount, found.currency)) == value


def test_a_currency_of_the_header_for_all_amounts() -> None:
    at = D96B.index("MOA+39:9500,25:USD")
    stated = recounted([*D96B[:at], "CUX+2:ZAR", *D96B[at + 1 :]])
    stated[stated.index("MOA+40:9400:USD")] = "MOA+40:9400"
    found = item_of(text(stated)).value
    assert (found.amount, found.currency) == (9400, "ZAR")


@pytest.mark.parametrize(
    ("cst", "inside", "code", "procedure", "additional"),
    [
        ("CST+1+940161009:108:ZZZ+100", [], "940161009", "1040", []),
        ("CST+1+9401.61.00", [], "94016100", "1040", []),
        ("CST+1+I::95", ["RFF+HS:03026200"], "03026200", "1040", []),
        ("CST+1", ["PIA+5+28043000:HS"], "28043000", "1040", []),
        ("CST+1+28043000+1000+C07:110", [], "28043000", "1000", ["C07"]),
        ("CST+1+28043000", ["FTX+CCI+++51:00:22"], "28043000", "5100", ["22"]),
        ("CST+1+28043000", ["GIS+3151:117"], "28043000", "3151", []),
        ("CST+1+28043000:122+1:116", [], "28043000", "1040", []),
    ],
)
def test_codes(cst: str, inside: list[str], code: str, procedure: str, additional: list[str]) -> None:
    found = decoded(with_item(*inside, cst=cst))
    item = found.items[0]
    assert (item.commodity_code, item.additional_procedures) == (code, additional)
    assert (item.procedure or found.procedure) == procedure


def test_kinds_of_cargo_are_no_packages() -> None:
    found = decoded(with_header(D96B, "PAC+++N:67:95"))
    assert [package.type for package in found.items[0].packages] == ["CS"]


def test_packages_of_the_header_are_those_of_the_only_item() -> None:
    kept = [s for s in D96B if not s.startswith(("PAC", "PCI", "CNT+11"))]
    found = decoded(with_header(kept, "PAC+9++DR"))
    assert [(package.type, package.count) for package in found.items[0].packages] == [("DR", 9)]
    assert found.package_count == 9


@needs_samples
@pytest.mark.parametrize("path", SAMPLES, ids=lambda path: f"{path.parent.name}-{path.name}")
def test_public_samples(path: Path) -> None:
    raw = path.read_bytes()
    assert CODEC.sniff(raw)
    (message,) = CODEC.decode(raw, ARRIVED)
    if "aperak" in path.parent.name:
        assert (message.event, message.named.local_reference) == ("rejected", "PO123456")
        assert "invalid product code" in str(message.reason)
    else:
        assert message.declaration is not None
        item = message.declaration.items[0]
        assert (item.commodity_code, item.net_mass_kg, item.gross_mass_kg) == ("03026200", 10, 10)
        assert item.value is not None
        assert (item.value.amount, item.value.currency) == (5000, "AUD")
