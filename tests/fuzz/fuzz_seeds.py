"""What the fuzzer starts from: the messages of the project's own tests, and public samples where they lie beside the project."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path

SHARED = Path(os.environ.get("ASSAY_SHARED") or Path(__file__).parents[2].parent / "shared")
SAMPLES = {
    "cds": "wco_cds_*",
    "ncts": "ncts5_*",
    "ens": "ics1_ens_*",
    "aes": "eu_aes_*",
    "ils": "uk_inventory_*",
    "asycuda": "asycuda_*",
    "edifact": "edifact_*",
}
#: Larger samples only make the fuzzer slower.
LARGEST = 30_000


def seeds(name: str) -> list[bytes]:
    """Return messages of one format, small ones first."""
    own = _own(name)
    for path in sorted((SHARED / "samples").glob(f"{SAMPLES.get(name, '-')}/*")):
        if path.stat().st_size <= LARGEST:
            own.append(path.read_bytes())
    return sorted(own, key=len)


def _own(name: str) -> list[bytes]:
    unit = str(Path(__file__).parents[1] / "unit")
    if unit not in sys.path:
        sys.path.insert(0, unit)
    made: list[bytes] = []
    if name == "cds":
        import cds_messages
        from test_feeds_cds_changes import FOUR_E_TWO, amendment, item, pointing
        from test_feeds_cds_notices import notice

        lodged = cds_messages.lodgement()
        made = [lodged, lodged.replace(b">EXD<", b">IMA<"), *(notice(code) for code in ("01", "03", "07", "09", "16"))]
        for inside in (FOUR_E_TWO, cds_messages.ITEM.format(number=1)):
            made.append(amendment(pointing("67A.1", "68A.1", "23A.1", "65A", tag="128"), shipment=item(1, inside)))
        made.append(amendment(pointing("67A.1", "68A.1"), pointing("17A.1", tag="R011"), shipment=item(1, FOUR_E_TWO)))
        made.append(amendment().replace(b"COR", b"INV"))
    elif name == "ncts":
        from ncts_messages import message
        from test_feeds_ncts_notices import LRN, MRN, notice

        made = [
            message(),
            message(houses=2, items=2),
            message().replace(b"CC015C", b"CC013C").replace(LRN.encode(), MRN.encode()),
        ]
        made += [notice(f"CC{n}C") for n in ("014", "004", "009", "028", "029", "051", "056")]
    elif name == "ens":
        import test_feeds_ens as ens

        made = [
            ens.message(),
            ens.message(items=3),
            ens.message().replace(b"CC315A", b"CC313A").replace(b"RefNumHEA4", b"DocNumHEA5"),
        ]
        error = (
            "<FUNERRER1><ErrTypER11>12</ErrTypER11><ErrPoiER12>/x</ErrPoiER12><ErrReaER13>R1</ErrReaER13></FUNERRER1>"
        )
        named = "<RefNumHEA4>LRN-7</RefNumHEA4><DocNumHEA5>M1</DocNumHEA5><DecRegDatTimHEA115>202611200900</DecRegDatTimHEA115>"
        made += [
            ens.ANSWER.format(kind=f"CC3{n}A", header=named, more=error).encode() for n in ("28", "04", "16", "05")
        ]
    elif name == "aes":
        import test_feeds_aes_ils as aes

        made = [aes.export(), aes.export().replace(b"CC515C", b"CC513C"), aes.ARRIVAL]
        named = "<ExportOperation><LRN>LRN-7</LRN><MRN>26DE0000000000A9</MRN></ExportOperation>"
        made += [
            f"<CC{n}C><messageIdentification>M</messageIdentification>{named}</CC{n}C>".encode()
            for n in range(503, 600)
        ]
    elif name == "ils":
        import test_feeds_aes_ils as ils

        made = [
            ils.MOVEMENT.format(code=code, when="goodsArrival", kind="D").encode() for code in ("EAL", "EDL", "CST")
        ]
        made.append(
            b"<inventoryLinkingImportsGoodsArrival><entryNumber>24gb CLURMAK2W2BA03</entryNumber>"
            b"<entryVersionNumber>2</entryVersionNumber></inventoryLinkingImportsGoodsArrival>"
        )
    elif name == "asycuda":
        import test_feeds_asycuda as asycuda

        made = [asycuda.MESSAGE.encode(), asycuda.MESSAGE.replace("</ASYCUDA>", asycuda.ITEM + "</ASYCUDA>").encode()]
    elif name == "edifact":
        import edifact_messages as edi

        both = [edi.text(edi.D96B, "'"), edi.text(edi.D19B, "'")]
        head = "UNB+UNOC:3+A+B+261120:0915+9'"
        aperak = f"{head}UNH+1+APERAK:D:96B:UN'BGM+313+X+27'RFF+ABE:LRN-7'ERC+12'FTX+AAO+++no'UNT+6+1'UNZ+1+9'"
        contrl = f"{head}UNH+1+CONTRL:D:3:UN'UCI+IC77+A+B+7'UNT+3+1'UNZ+1+9'"
        inside = both[0].split("'", 1)[1].rpartition("UNZ")[0]
        many = f"{head}{inside}{inside.replace('M1', 'M2')}UNZ+2+9'"
        made = [text.encode() for text in (*both, "UNA:+.? '" + both[0], aperak, contrl, many)]
    elif name == "ndjson":
        import cds_messages
        from test_feeds_cds import decoded

        from schemas import feeds

        small = {
            "schema": "declaration/1",
            "event": "lodged",
            "declaration_id": "own:1:2",
            "lodged_at": "2026-11-20T08:00:00Z",
            "source": {"system": "own", "format": "ndjson"},
            "regime": "export",
            "items": [{"number": 1, "net_mass_kg": 3.5}],
        }
        made = [json.dumps(small).encode(), feeds.encode(decoded(cds_messages.lodgement()))]
    elif name == "mapped-csv":
        import mapping_samples as samples

        made = [(samples.FRENCH_HEAD + samples.FRENCH_ROWS).encode("cp1252")]
    elif name == "mapped-json":
        import mapping_samples as samples

        made = [json.dumps(samples.CEISA).encode(), json.dumps([samples.CEISA, samples.CEISA]).encode()]
    return made
