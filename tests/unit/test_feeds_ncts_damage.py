"""The codec of NCTS phase 5: long, damaged and public messages."""

from __future__ import annotations

import os
import re
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from lxml import etree
from ncts_messages import decoded, message, refused, told

from schemas import feeds
from schemas.errors import FeedError
from schemas.feeds.ncts import CODEC as NCTS
from schemas.message import Message

SHARED = Path(os.environ.get("ASSAY_SHARED") or Path(__file__).parents[2].parent / "shared")


def test_1999_items_pass() -> None:
    found = decoded(message(houses=1, items=1_999))
    assert [item.number for item in found.items] == list(range(1, 2_000))


GOOD = message(houses=2)


@settings(max_examples=300, deadline=None)
@given(st.integers(0, len(GOOD) - 1), st.integers(0, 60), st.binary(max_size=40))
def test_any_damage_is_decoded_or_refused(at: int, cut: int, put: bytes) -> None:
    damaged = GOOD[:at] + put + GOOD[at + cut :]
    NCTS.sniff(damaged)
    try:
        found = NCTS.decode(damaged, feeds.UNKNOWN)
    except FeedError:
        return
    assert all(isinstance(one, Message) for one in found)


@settings(max_examples=200, deadline=None)
@given(st.data())
def test_any_text_anywhere_is_decoded_or_refused(data: st.DataObject) -> None:
    """Well-formed messages with a wrong value: what damage to bytes seldom reaches."""
    root = etree.fromstring(GOOD)
    elements = list(root.iter())
    alphabet = st.characters(codec="utf-8", exclude_categories=["Cc", "Cs"], exclude_characters="\ufffe\uffff")
    for _ in range(3):
        element = data.draw(st.sampled_from(elements))
        if not len(element):
            element.text = data.draw(
                st.text(alphabet, max_size=30) | st.sampled_from(["-", "1e9", "0", "9" * 30, "٣", "²", ""])
            )
        elif element.getparent() is not None:
            element.tag = data.draw(st.sampled_from(["Consignment", "ConsignmentItem", "X"]))
    try:
        NCTS.decode(etree.tostring(root), feeds.UNKNOWN)
    except FeedError as refusal:
        caught = refusal
    else:
        return
    assert caught.path
    assert len(caught.reason) < 1_000


# The public samples, read in place: folder -> well-formed messages, and templates whose placeholders nobody filled in.
SAMPLES = {
    "ncts5_cc004c": (0, 1), "ncts5_cc009c": (0, 1), "ncts5_cc013c": (2, 5), "ncts5_cc014c": (1, 6), "ncts5_cc015c": (1, 44),
    "ncts5_cc028c": (0, 1), "ncts5_cc029c": (2, 0), "ncts5_cc051c": (0, 1), "ncts5_cc056c": (0, 1),
}  # fmt: skip


@pytest.mark.skipif(
    not (SHARED / "samples").is_dir(), reason="no public samples here; set ASSAY_SHARED to their folder"
)
@pytest.mark.parametrize("folder", SAMPLES)
def test_every_well_formed_sample_decodes_and_every_template_once_filled(folder: str) -> None:
    counts, filled = [0, 0], 0
    for path in sorted((SHARED / "samples" / folder).glob("*.xml")):
        raw = path.read_bytes()
        assert NCTS.sniff(raw)
        template = re.search(rb"\{\{", raw) is not None
        counts[template] += 1
        if template:
            assert "placeholder" in refused(raw).reason
            raw = re.sub(rb"\{\{[^{}]*\}\}", b"FILLED-1", raw)
            filled += 1
        found = told(raw)
        assert found.event in ("lodged", "amended", "cancelled", "accepted", "released", "controlled", "rejected")
    assert (tuple(counts), filled) == (SAMPLES[folder], SAMPLES[folder][1])
