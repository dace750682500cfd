"""Folding: many spellings of one text become one; what is honest stays as it is."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from detectors._folding import compact, fold, hidden, plain, readings


@pytest.mark.parametrize(
    ("text", "folded"),
    [
        ("GALLIUM", "gallium"),
        ("Ｇａｌｌｉｕｍ　９９", "gallium 99"),
        ("métal  Pureté", "metal purete"),
        ("Straße", "strasse"),
        ("gal\u200blium", "gallium"),
        ("gаllium", "gallium"),  # Cyrillic a
        ("gal\u00adlium", "gallium"),
        ("a_b\tc\nd", "a b c d"),
        ("金 属 镓", "金属镓"),
        ("галлий", "галлий"),
        ("99‑99", "99-99"),
    ],
)
def test_fold(text: str, folded: str) -> None:
    assert fold(text) == folded


def test_scripts_with_marks_of_their_own_keep_them() -> None:
    """Accents are dropped from Latin letters only: a Japanese or Thai word without its marks is another word."""
    assert fold("ガリウム") == "ガリウム"
    assert fold("แกลเลียม") == "แกลเลียม"
    assert fold("й") == "й"


@settings(max_examples=300, deadline=None)
@given(st.text(max_size=80))
def test_folding_twice_changes_nothing_more_for_matching(text: str) -> None:
    folded = fold(text)
    assert "\n" not in folded
    assert folded == folded.strip()
    folded.encode()


def test_case_is_kept_for_formulae() -> None:
    assert plain("Ｇａ\u200bＡｓ") == "GaAs"


@pytest.mark.parametrize("text", ["gаllium", "gal\u200blium", "ѕcandium"])
def test_disguised_texts_are_seen(text: str) -> None:
    assert hidden(text)


@pytest.mark.parametrize(
    "text", ["gallium", "галлий", "métal", "金属镓", "\ufeffgallium", "Ｇａｌｌｉｕｍ", "5 мм gallium"]
)
def test_honest_texts_are_not(text: str) -> None:
    assert not hidden(text)


@pytest.mark.parametrize(
    ("folded", "wanted"),
    [("g a l l i u m 5n", "gallium 5n"), ("gal-lium", "gallium"), ("ga11ium", "gallium"), ("g3rmanium", "germanium")],
)
def test_readings_undo_gaps_breaks_and_digits(folded: str, wanted: str) -> None:
    assert wanted in readings(folded)


@pytest.mark.parametrize("folded", ["zinc alloy ingots", "a b c", "99.99", ""])
def test_ordinary_texts_have_no_other_reading(folded: str) -> None:
    assert folded not in readings(folded)
    assert all(reading != folded for reading in readings(folded))


def test_compact_tells_where_words_begin_and_end() -> None:
    text, starts, ends = compact("zinc 5 gal-lium")
    assert text == "zincgallium"
    assert [text[start:end] for start, end in zip(starts, ends, strict=True)] == ["zinc", "gal", "lium"]
