"""Levels of prices: what few prices say leans on their parent, what many say stands; months and lanes."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, timedelta

import numpy as np
import polars as pl
import pytest

from detectors.features import Features
from detectors.models import _levels as levels
from detectors.models._levels import Levels

DAY = date(2026, 3, 2)


def frame(rows: Sequence[tuple[str | None, str | None, str | None, float | None, date]]) -> pl.DataFrame:
    names = ("commodity_code", "country_of_export", "country_of_destination", "usd_per_kg", "day")
    dtypes = dict(zip(names, (pl.String, pl.String, pl.String, pl.Float64, pl.Date), strict=True))
    return pl.DataFrame(rows, schema=dtypes, orient="row")


def asked(usual: Levels, *row: object) -> tuple[float, float, str, int]:
    computed = Features(frame([row]), frame([]), [])  # type: ignore[list-item]
    level, spread, place, count = usual.of(computed)
    return float(np.exp(level[0])), float(spread[0]), usual.keys[place[0]] if place[0] >= 0 else "", int(count[0])


@pytest.fixture(scope="module")
def usual() -> Levels:
    draw = np.random.default_rng(3)
    rows = []
    for code, price, count in (("7901200000", 3.0, 300), ("7903900000", 9.0, 4), ("8504400000", 40.0, 200)):
        rows += [(code, "CN", "DE", float(price * np.exp(0.1 * draw.normal())), DAY) for _ in range(count)]
    rows += [("7901200000", "CN", "US", 3.6, DAY) for _ in range(100)]
    # A month in which the chapter cost twice as much.
    rows += [("8504400000", "CN", "DE", 80.0, DAY + timedelta(days=40)) for _ in range(200)]
    return Levels.learn(levels.prices(frame(rows)))


def test_many_prices_stand_few_lean(usual: Levels) -> None:
    price, spread, key, count = asked(usual, "7901200000", "CN", "DE", None, DAY)
    assert (key, count) == ("790120 CN>DE", 300)
    assert price == pytest.approx(3.0, rel=0.05)
    assert spread < 0.4
    leaning = asked(usual, "7903900000", "CN", "DE", None, DAY)
    assert 3.5 < leaning[0] < 8.5, "four prices of 9 in a chapter of 3"
    assert leaning[1] > spread


def test_what_is_not_known_is_asked_of_the_parent(usual: Levels) -> None:
    assert asked(usual, "7901200000", "CN", "FR", None, DAY)[2] == "790120"
    assert asked(usual, "7901", None, None, None, DAY)[2] == "7901"
    assert asked(usual, "7905000000", "CN", "DE", None, DAY)[2] == "79"
    assert asked(usual, "0101210000", "CN", "DE", None, DAY)[2] == "*"
    level, spread, _, _ = usual.of(Features(frame([(None, "CN", "DE", 5.0, DAY)]), frame([]), []))
    assert np.isnan(level[0])
    assert np.isnan(spread[0])


def test_a_lane_has_its_own_level(usual: Levels) -> None:
    assert asked(usual, "7901200000", "CN", "US", None, DAY)[0] == pytest.approx(3.6, rel=0.05)


def test_a_month_moves_its_chapter_and_the_newest_goes_on(usual: Levels) -> None:
    before = asked(usual, "8504400000", "CN", "DE", None, DAY)[0]
    then = asked(usual, "8504400000", "CN", "DE", None, DAY + timedelta(days=40))[0]
    after = asked(usual, "8504400000", "CN", "DE", None, DAY + timedelta(days=300))[0]
    assert 1.4 < then / before < 2.2
    assert after == then


def test_levels_come_back_from_their_parts(usual: Levels) -> None:
    back = Levels.from_parts(usual.parts())
    assert asked(back, "7901200000", "CN", "DE", None, DAY) == asked(usual, "7901200000", "CN", "DE", None, DAY)
