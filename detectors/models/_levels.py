"""Levels of prices by code, lane and month: medians that lean on their parents where they rest on few prices."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
import polars as pl

from detectors._columnar import Flags, Numbers
from detectors.features import Features

#: Feature columns that levels are learned from and asked by.
COLUMNS = frozenset({"day", "commodity_code", "country_of_export", "country_of_destination", "usd_per_kg"})
#: So many prices count as much as the parent's level: for levels, and for spreads.
_LEAN, _LEAN_SPREAD, _LEAN_MONTH = 8.0, 15.0, 40.0
#: A median absolute deviation times this is the standard deviation of a normal distribution.
_MAD = 1.4826
#: Spreads in log units: never below (wording and terms differ), never above.
_NARROWEST, _WIDEST = 0.18, 1.6
#: Digits of the code that each level goes by; the last also by lane.
_DIGITS = (0, 2, 4, 6, 6)
#: Answers that are kept: trade asks the same of the same goods, lanes and months.
_KEPT = 200_000
_JOIN = "\x1f"
#: Digits, lane and month of an item in one text, null without a code.
_ASKED = pl.concat_str(
    pl.col("commodity_code").replace("", None).str.slice(0, 6),
    pl.concat_str(
        pl.col("country_of_export").fill_null("?"), pl.col("country_of_destination").fill_null("?"), separator=">"
    ),
    pl.col("day").dt.strftime("%Y-%m"),
    separator=_JOIN,
)
#: Level, spread, place and prices where there is no code.
_NOTHING = (np.nan, np.nan, -1, 0)


@dataclass(frozen=True, slots=True)
class Prices:
    """Prices of history: log USD per kg, month, and of each level its key."""

    y: Numbers
    month: list[str]
    keys: list[list[str]]


class Gathered:
    """Items with prices as they come, batch by batch: some columns of those that are ordinary and can be judged."""

    def __init__(self, most: int, columns: frozenset[str]) -> None:
        self._most = most
        self._columns = sorted(columns)
        self._frames: list[pl.DataFrame] = []
        self._count = 0

    def add(self, computed: Features, ordinary: Flags, judged: Flags) -> None:
        """Take the ordinary items of a batch whose prices can be judged; of too many, the newest stay."""
        taken = ordinary[computed.items["row"].to_numpy()] & judged & ~np.isnan(price_of(computed))
        frame = computed.items.select(*self._columns).filter(pl.Series(taken))
        self._frames.append(frame)
        self._count += frame.height
        while self._count > self._most and len(self._frames) > 1:
            self._count -= self._frames.pop(0).height

    def frame(self) -> pl.DataFrame | None:
        """Return what was gathered, None if nothing came."""
        return pl.concat(self._frames) if self._frames else None


def prices(frame: pl.DataFrame) -> Prices:
    """Return the prices of gathered items."""
    return Prices(np.log(frame["usd_per_kg"].to_numpy()), _months(frame), _keys(frame))


def price_of(computed: Features) -> Numbers:
    """Return USD per kg of each item, NaN if not known or not positive."""
    found = computed.items["usd_per_kg"].fill_null(np.nan).to_numpy()
    with np.errstate(invalid="ignore"):
        return np.where(found > 0, found, np.nan)


def _months(frame: pl.DataFrame) -> list[str]:
    found: list[str] = (frame["commodity_code"].str.slice(0, 2) + "@" + frame["day"].dt.strftime("%Y-%m")).to_list()
    return found


def _keys(frame: pl.DataFrame) -> list[list[str]]:
    """Return, of each level, the keys of the rows; "" where the code is too short, or the lane not known."""
    code = frame["commodity_code"].fill_null("")
    lane = frame["country_of_export"].fill_null("?") + ">" + frame["country_of_destination"].fill_null("?")
    keys = []
    for level, digits in enumerate(_DIGITS):
        cut = code.str.slice(0, digits)
        if level == len(_DIGITS) - 1:
            cut = pl.select(
                pl.when((cut.str.len_chars() == 6) & ~lane.str.contains("?", literal=True))
                .then(cut + " " + lane)
                .otherwise(pl.lit(""))
            ).to_series()
        elif digits:
            cut = pl.select(pl.when(cut.str.len_chars() == digits).then(cut).otherwise(pl.lit(""))).to_series()
        else:
            cut = pl.select(pl.when(code != "").then(pl.lit("*")).otherwise(pl.lit(""))).to_series()
        keys.append(cut.to_list())
    return keys


class Levels:
    """Levels by key.

    Parameters
    ----------
    keys : sorted: "*" for all, digits of codes, and digits with a lane.
    centres, spreads : log USD per kg.
    counts : prices that each rests on.
    months : "chapter@year-month" -> what is added in that month.
    """

    def __init__(
        self, keys: list[str], centres: Numbers, spreads: Numbers, counts: Numbers, months: Mapping[str, float]
    ) -> None:
        self.keys = keys
        self.centres, self.spreads, self.counts = centres, spreads, counts
        self.months = dict(months)
        self._places = {key: n for n, key in enumerate(keys)}
        self._newest: dict[str, str] = {}
        for month in sorted(self.months):
            self._newest[month.partition("@")[0]] = month
        #: What was asked before -> its place in ``_rows``.
        self._kept: dict[str | None, int] = {}
        self._rows = np.zeros((0, 4))

    @classmethod
    def learn(cls, prices: Prices) -> Self:
        """Learn from the top down: each level from what its parent leaves open."""
        found: dict[str, tuple[float, float, int]] = {}
        y = prices.y
        parent = np.full(len(y), np.median(y))
        wide = np.full(len(y), _WIDEST)
        months: dict[str, float] = {}
        drift = np.zeros(len(y))
        for level, keys in enumerate(prices.keys):
            if level == 2:
                months = {
                    k: m for k, _, m, _, _ in leaning(prices.month, y - parent, np.zeros(len(y)), wide, _LEAN_MONTH)
                }
                drift = np.array([months[month] for month in prices.month])
            centre, spread = parent.copy(), wide.copy()
            for key, rows, middle, narrow, count in leaning(keys, y - drift, parent, wide, _LEAN):
                found[key] = (middle, narrow, count)
                centre[rows], spread[rows] = middle, narrow
            parent, wide = centre, spread
        ordered = sorted(found)
        return cls(
            ordered,
            np.array([found[key][0] for key in ordered]),
            np.array([found[key][1] for key in ordered]),
            np.array([found[key][2] for key in ordered], dtype=np.float64),
            months,
        )

    def of(self, computed: Features) -> tuple[Numbers, Numbers, np.ndarray[Any, Any], np.ndarray[Any, Any]]:
        """Return, for each item, level, spread, the place of the key that gave them, and the prices that it rests on.

        Of what is not known, lane and digits are left out until something is; NaN without a code.
        """
        asked: list[str | None] = computed.items.select(_ASKED).to_series().to_list()
        kept = self._kept
        if len(kept) > _KEPT:
            kept.clear()
            self._rows = self._rows[:0]
        fresh = list(set(asked).difference(kept))
        if fresh:
            kept.update(zip(fresh, range(len(kept), len(kept) + len(fresh)), strict=True))
            told = [_NOTHING if each is None else self._looked_up(*each.split(_JOIN, 2)) for each in fresh]
            self._rows = np.concatenate([self._rows, np.array(told, dtype=np.float64)])
        found = self._rows[[kept[each] for each in asked]]
        return found[:, 0], found[:, 1], found[:, 2].astype(np.int64), found[:, 3].astype(np.int64)

    def _looked_up(self, code: str, lane: str, month: str) -> tuple[float, float, int, int]:
        for key in (
            f"{code} {lane}" if len(code) == 6 else "",
            code if len(code) == 6 else "",
            code[:4],
            code[:2],
            "*",
        ):
            place = self._places.get(key)
            if place is not None:
                added = self._added(code[:2], month)
                return float(self.centres[place] + added), float(self.spreads[place]), place, int(self.counts[place])
        return np.nan, np.nan, -1, 0

    def _added(self, chapter: str, month: str) -> float:
        """Return what a chapter's month adds; of a month after all history, what its newest month did."""
        known = self.months.get(f"{chapter}@{month}")
        if known is not None:
            return known
        newest = self._newest.get(chapter)
        return self.months[newest] if newest is not None and newest.partition("@")[2] < month else 0.0

    def named(self, place: int, fact: Mapping[str, Any]) -> str:
        """Return in words what a level is of."""
        key = self.keys[place]
        if key == "*":
            return "all kinds"
        code, _, lane = key.partition(" ")
        return (
            f"{code} from {lane.replace('>', ' to ')}, {fact['day']:%B %Y}" if lane else f"{code}, {fact['day']:%B %Y}"
        )

    def parts(self) -> dict[str, Any]:
        """Return what was learned."""
        return {
            "keys": self.keys,
            "centres": self.centres,
            "spreads": self.spreads,
            "counts": self.counts,
            "months": self.months,
        }

    @classmethod
    def from_parts(cls, parts: Mapping[str, Any]) -> Self:
        """Return the levels that gave ``parts``."""
        centres, spreads, counts = (np.asarray(parts[name], np.float64) for name in ("centres", "spreads", "counts"))
        return cls(list(parts["keys"]), centres, spreads, counts, parts["months"])


def leaning(
    keys: list[str], y: Numbers, parent: Numbers, wide: Numbers, lean: float
) -> Iterator[tuple[str, Any, float, float, int]]:
    """Yield, of each key, its rows, and middle, spread and number of their prices, leaning on the parent's."""
    names, places = np.unique(np.array(keys), return_inverse=True)
    order = np.argsort(places, kind="stable")
    starts = np.searchsorted(places[order], np.arange(len(names) + 1))
    for n, name in enumerate(names.tolist()):
        if not name:
            continue
        rows = order[starts[n] : starts[n + 1]]
        count = len(rows)
        above, narrow = float(parent[rows[0]]), float(wide[rows[0]])
        middle = (count * float(np.median(y[rows])) + lean * above) / (count + lean)
        spread = _MAD * float(np.median(np.abs(y[rows] - middle)))
        spread = (count * spread + _LEAN_SPREAD * narrow) / (count + _LEAN_SPREAD)
        yield name, rows, middle, min(_WIDEST, max(_NARROWEST, spread)), count
