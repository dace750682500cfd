"""ASYCUDA World and CUSDEC against ``FIELD_MAP.csv``: each field is found where the table has its path.

Public samples of these formats are few, so the table's counts cannot be reached here: wherever a path of the table has text in
a sample, the codec must find the field; and our own messages, which carry every row, must give every field.
"""

from __future__ import annotations

import os
import sys
from datetime import UTC, datetime
from pathlib import Path

import pytest
from field_map import FIELDS, Row, rows
from lxml import etree

from schemas.feeds import Arrival
from schemas.feeds.asycuda import CODEC as ASYCUDA
from schemas.feeds.edifact import CODEC as EDIFACT
from schemas.message import Message

sys.path.append(str(Path(__file__).parents[1] / "unit"))
from edifact_messages import D19B, D96B, text

SHARED = Path(os.environ.get("ASSAY_SHARED") or Path(__file__).parents[2].parent / "shared")
TABLE = SHARED / "samples" / "FIELD_MAP.csv"
needs_samples = pytest.mark.skipif(
    not TABLE.exists(), reason="no public samples here; set ASSAY_SHARED to their folder"
)
ARRIVED = Arrival(received_at=datetime(2026, 11, 20, 8, 30, tzinfo=UTC))

SADS = [
    path
    for path in sorted((SHARED / "samples" / "asycuda_sad_xml").glob("*.xml"))
    if b"PLACEHOLDER" not in path.read_bytes()
]
ROWS = rows(TABLE, "ASYCUDA_World_SAD", "UN_EDIFACT_CUSDEC") if TABLE.exists() else []
CUSDEC_FIELDS = [row.field for row in ROWS if row.format == "UN_EDIFACT_CUSDEC"]

#: Fields of the table that D.96B and D.19B of ours carry only in one of the two layouts.
ONLY_D96B = {"declarant", "container_id", "seal_id", "package_count"}


def carried(root: etree._Element, row: Row) -> bool:
    """Say whether a sample has text at one of a row's paths."""
    paths = (path for path in row.paths if "(" not in path and "+" not in path and "[" not in path)
    return any((found.text or "").strip() for path in paths for found in root.findall(f".//{path}"))


@needs_samples
@pytest.mark.parametrize("path", SADS, ids=lambda path: path.name)
def test_what_a_sample_carries_is_found(path: Path) -> None:
    root = etree.fromstring(path.read_bytes())
    (message,) = ASYCUDA.decode(path.read_bytes(), ARRIVED)
    asked = [row for row in ROWS if row.format == "ASYCUDA_World_SAD" and carried(root, row)]
    assert len(asked) >= 9
    missed = [row.field for row in asked if not FIELDS[row.field](message)]
    assert missed == []


@needs_samples
def test_every_row_of_the_table_is_a_question() -> None:
    assert {row.field for row in ROWS} <= set(FIELDS)
    assert len(CUSDEC_FIELDS) >= 30


def one(segments: list[str]) -> Message:
    (message,) = EDIFACT.decode(text(segments).encode(), ARRIVED)
    return message


@needs_samples
@pytest.mark.parametrize("field", CUSDEC_FIELDS)
def test_each_field_of_cusdec_is_found_in_both_layouts(field: str) -> None:
    assert FIELDS[field](one(D96B))
    assert FIELDS[field](one(D19B)) or field in ONLY_D96B
