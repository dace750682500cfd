"""Purity grades: what counts as one, and what is some other share."""

from __future__ import annotations

import pytest

from detectors._folding import fold
from detectors._purity import nines_of, purity, stated_symbols


def percent(text: str) -> float | None:
    found = purity(text, fold(text))
    return None if found is None else round(found.percent, 8)


@pytest.mark.parametrize(
    ("text", "stated"),
    [
        ("99.99%", 99.99),
        ("99,99 %", 99.99),
        ("纯度≥99.999%", 99.999),
        ("purity 99.9 pct", 99.9),
        ("чистота 99,9 процентов", 99.9),
        ("min. 99.65", 99.65),
        ("6N", 99.9999),
        ("4N5", 99.995),
        ("5 N", 99.999),
        ("gallium 7n", 99.99999),
        ("five nines", 99.999),
        ("99.9% and 99.9999%", 99.9999),
        ("95%", 95.0),
    ],
)
def test_stated_grades(text: str, stated: float) -> None:
    assert percent(text) == pytest.approx(stated, abs=1e-7)


@pytest.mark.parametrize(
    "text",
    [
        "89%",
        "100%",
        "199.99%",
        "95% cotton",
        "96% alcohol",
        "棉 95%",
        "99 bottles",
        "1N4148",
        "M6N bolts",
        "RAL 5N12x",
        "50% off",
        "",
    ],
)
def test_other_numbers_are_no_grades(text: str) -> None:
    assert percent(text) is None


def test_the_text_is_kept_as_written() -> None:
    found = purity("Ga 99,9999 %", "ga 99,9999 %")
    assert found is not None
    assert found.text == "99,9999 %"
    assert found.nines == pytest.approx(6)


@pytest.mark.parametrize(("percentage", "nines"), [(90, 1), (99.9, 3), (99.9999, 6)])
def test_nines(percentage: float, nines: float) -> None:
    assert nines_of(percentage) == pytest.approx(nines)
    assert nines_of(100) < 13  # no infinity


@pytest.mark.parametrize(
    ("text", "symbols"),
    [
        ("Ga 99.9999%", ["Ga"]),
        ("6N Ge", ["Ge"]),
        ("Sb≥99.65%", ["Sb"]),
        ("99.99% Ga and Ge: 5N", ["Ga", "Ge"]),
        ("USGa 99.99%", []),
        ("Ga 50%", []),
        ("In 99 boxes", []),
        ("Cu 99.99%", []),
    ],
)
def test_symbols_count_beside_a_grade_only(text: str, symbols: list[str]) -> None:
    assert sorted(dict(stated_symbols(text))) == symbols
