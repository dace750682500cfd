"""Parts of MISLABEL-TEXT: n-grams, views of a text, likeness to headings."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from detectors import engine
from detectors.models.text.grams import grams, normalised
from detectors.models.text.headings import Headings
from detectors.models.text.spellings import elements, hidden_names
from detectors.models.text.views import faces, latin, named, telling

TEXTS = st.lists(st.text(alphabet="ab cdé镓金 1", max_size=12), min_size=1, max_size=6)


@settings(max_examples=50, deadline=None)
@given(TEXTS, st.data())
def test_ngrams_of_a_text_are_its_own(texts: list[str], drawn: st.DataObject) -> None:
    """Neither neighbours nor order change them; their number is that of different n-grams (but for rare collisions)."""
    at = drawn.draw(st.integers(0, len(texts) - 1))
    together = grams([texts], ((2, 3),), 20)
    alone = grams([[texts[at]]], ((2, 3),), 20)
    assert together[at].indices.tolist() == alone.indices.tolist()
    padded = f" {texts[at]} " if texts[at] else ""
    different = {padded[n : n + size] for size in (2, 3) for n in range(len(padded) - size + 1)}
    assert alone.nnz == len(different)


def test_ngrams_are_the_same_among_many_texts() -> None:
    """So many rows that a key no longer fits into half a word: another way through the same work."""
    texts = ["zinc alloy ingots", "镓锭 5N", "a"]
    few, many = (grams([texts + [""] * more, texts + [""] * more], ((2, 3), (4,)), 17) for more in (0, 40_000))
    assert few.nnz == many.nnz > 0
    assert few.indices.tolist() == many.indices.tolist()
    assert few.indptr.tolist() == many.indptr[:4].tolist()


def test_views_of_one_text_have_columns_of_their_own() -> None:
    one, other = grams([["zinc"], [""]], ((2,), (2,)), 20), grams([[""], ["zinc"]], ((2,), (2,)), 20)
    assert one.nnz == other.nnz == 5
    assert not set(one.indices) & set(other.indices)
    assert normalised(one).power(2).sum() == pytest.approx(1)


def test_faces_undo_what_hides_a_name() -> None:
    assert ("gallium stogni"[:7]) in {face[0].split()[0] for face in faces("muillag")}
    assert "tb4o7" in {face[0] for face in faces("T b 4 O 7")}
    assert latin("氧化镝") == "yang hua di"
    assert faces("галлий")[0][0] == "galliy"
    assert faces("gаllium")[0][0] == "gallium", "a Cyrillic letter in a Latin word"


def test_what_goods_are_named_after() -> None:
    assert named("STAINLESS Steel pots, Art. XK-1234 A4") == "stainless steel pots, art."
    assert named("大 豆SK-7733 FOR EXPORT") == "大豆 for export"
    assert telling("stainless steel")
    assert telling("不锈钢厨具")
    assert not telling("parts")
    assert not telling("瓷")


def test_likeness_is_to_the_declared_heading_and_the_likest_other() -> None:
    told = {
        "7323": ["stainless steel pots", "steel kitchenware", "frying pan of steel"],
        "9403": ["wooden tables", "wooden wardrobe", "book shelf of wood"],
        "8504": ["static converters", "power supply"],
    }
    headings = Headings.learn(told)
    assert headings.headings == ["7323", "9403"], "two descriptions are too few to know a heading by"
    wrong, right, unknown = headings.likeness(["steel pots stainless"] * 3, ["9403", "7323", "8504"])
    assert headings.headings[wrong.heading] == "7323"
    assert wrong.best > 0.6 > 0.2 > wrong.own
    assert right.own == wrong.best
    assert right.best == wrong.own
    assert unknown.own != unknown.own, "a heading that is not known has no likeness"
    words = headings.shared("steel pots stainless", headings.texts[wrong.nearest])
    assert sum(share for _, share in words) == pytest.approx(1)
    assert Headings.from_parts(headings.parts()).likeness(["steel pots"], ["9403"]) == headings.likeness(
        ["steel pots"], ["9403"]
    )


def test_spellings_are_drawn_from_a_seed() -> None:
    told = elements(engine.default_reference())
    assert {"Ga", "Ge", "Sb", "Dy", "Tb"} <= told.keys()
    assert "C" not in told, "graphite is in the words of too many honest goods"
    first = hidden_names("Ga", told["Ga"], 40, 1)
    assert first == hidden_names("Ga", told["Ga"], 40, 1)
    assert first != hidden_names("Ga", told["Ga"], 40, 2)
