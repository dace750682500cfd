"""The CDS codec over the public messages of HMRC, read in place: each is decoded, and each field found where it stands."""

from __future__ import annotations

import os
from collections import Counter
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import field_map
import pytest
from lxml import etree

from schemas import feeds
from schemas.declaration import Declaration
from schemas.errors import FeedError
from schemas.feeds.cds import CODEC as CDS
from schemas.message import Message

SHARED = Path(os.environ.get("ASSAY_SHARED") or Path(__file__).parents[2].parent / "shared")
SAMPLES = SHARED / "samples"
pytestmark = pytest.mark.skipif(
    not SAMPLES.is_dir(), reason="no public samples here; set ASSAY_SHARED to the folder that holds samples/"
)
ARRIVED = datetime(2026, 11, 20, 8, 30, tzinfo=UTC)


def files(folder: str) -> list[Path]:
    return sorted((SAMPLES / folder).glob("*.xml"))


def decoded(path: Path) -> list[Message]:
    raw = path.read_bytes()
    assert feeds.detect(raw) is CDS
    return CDS.decode(raw, feeds.Arrival(None, ARRIVED, path.name))


@pytest.mark.parametrize(
    ("folder", "regime", "count"), [("wco_cds_export", "export", 29), ("wco_cds_import", "import", 60)]
)
def test_every_lodgement_decodes(folder: str, regime: str, count: int) -> None:
    found = [message for path in files(folder) for message in decoded(path)]
    assert len(found) == count
    for message in found:
        assert (message.event, message.version) == ("lodged", 1)
        assert message.declaration is not None
        assert message.declaration.regime == regime
        assert Declaration.model_validate_json(feeds.encode(message.declaration)) == message.declaration
        assert Message.model_validate_json(message.model_dump_json(by_alias=True)) == message


def test_every_additional_message_decodes() -> None:
    found = [message for path in files("wco_cds_amend_cancel") for message in decoded(path)]
    assert Counter(message.event for message in found) == {"amended": 9, "arrived": 2, "cancelled": 1}
    assert all(message.named.mrn and message.reference for message in found)
    edits = [edit for message in found for edit in message.edits]
    assert Counter(edit.op for edit in edits) == {"set": 16, "remove": 1}
    # One amends only statements of DE 2/2, which the contract has no field for.
    assert [message.named.mrn for message in found if message.event == "amended" and not message.edits] == [
        "22GB6LSBPILA876A08"
    ]


def test_every_notification_decodes() -> None:
    found = [message for path in files("wco_cds_notifications") for message in decoded(path)]
    assert len(found) == 40
    named = Counter((message.event, (message.reason or "").partition(";")[0]) for message in found)
    assert named == {
        ("accepted", "DMSACC"): 11,
        ("accepted", "DMSRCV"): 4,
        ("accepted", "DMSTAX"): 11,
        ("accepted", "DMSREQ"): 1,
        ("amended", "DMSRES"): 3,
        ("released", "DMSROG"): 1,
        ("released", "DMSCLE"): 8,
        ("exited", "DMSEOG"): 1,
    }
    assert all(message.named.mrn and message.named.local_reference and message.at for message in found)


def test_the_others() -> None:
    """Four are lodgements of special fiscal territories; one is a public example of a message that is wrong."""
    lodged, wrong = [], []
    for path in files("wco_cds_other"):
        try:
            lodged += decoded(path)
        except FeedError as error:
            wrong.append((error.path, error.reason))
    assert [message.declaration and message.declaration.declaration_type for message in lodged] == [
        "COA",
        "COA",
        "COA",
        "COJ",
    ]
    ((where, why),) = wrong
    assert where == "/MetaData/Declaration"
    assert "FunctionCode is missing" in why


def test_the_malformed_are_located() -> None:
    paths = files("wco_cds_malformed")
    assert len(paths) == 2
    for path in paths:
        with pytest.raises(FeedError, match="not well-formed") as caught:
            decoded(path)
        assert caught.value.path.startswith("line ")


def _stands_at(root: Any, path: str) -> bool:
    """Say whether a path of the field map has text in a message, by local names."""
    *steps, last = path.split("/")
    inner = f"[normalize-space(@{last[1:]})]" if last.startswith("@") else ""
    steps = steps if inner else [*steps, last]
    query = "//" + "/".join(f"*[local-name()='{step}']" for step in steps) + (inner or "[normalize-space(text())]")
    return bool(root.xpath(query))


@pytest.mark.parametrize(
    ("name", "folder"), [("WCO_DM3.6_UK_CDS_export", "wco_cds_export"), ("WCO_DM3.6_UK_CDS_import", "wco_cds_import")]
)
def test_every_field_is_found_wherever_a_sample_has_it(name: str, folder: str) -> None:
    rows = field_map.rows(SAMPLES / "FIELD_MAP.csv", name)
    assert {row.field for row in rows} == set(field_map.FIELDS)
    missing, stands = [], Counter[str]()
    for path in files(folder):
        (message,) = decoded(path)
        root = etree.parse(path)
        for row in rows:
            if any(_stands_at(root, place) for place in row.paths):
                stands[row.field] += 1
                if not field_map.FIELDS[row.field](message):
                    missing.append(f"{path.name}: {row.field}")
    assert missing == []
    # The comparison would hold of nothing if no path led anywhere: what the whole collection carries often, these carry.
    assert all(stands[row.field] for row in rows if row.samples * 4 > row.of)


def test_commodity_codes_of_the_exports() -> None:
    """Some classify nothing; the rest have a tariff code."""
    lodged = [message.declaration for path in files("wco_cds_export") for message in decoded(path)]
    codes = [item.commodity_code for declaration in lodged if declaration for item in declaration.items]
    stated = [code for code in codes if code]
    assert len(stated) == 27
    assert all(len(code) in (8, 10) for code in stated)
