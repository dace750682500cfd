"""How ordinary goods of a heading are packed, weighed and sent: features of OUTLIER, each as a distance from what is usual."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
import polars as pl

from detectors._columnar import Numbers
from detectors.models._levels import leaning


@dataclass(frozen=True, slots=True)
class Measured:
    """A number that is compared with the usual of its heading: its column, what it is in words, unit and path."""

    column: str
    words: str
    unit: str
    path: str
    log: bool = True


@dataclass(frozen=True, slots=True)
class Chosen:
    """A choice that is usual or rare for its chapter: its columns, what it is in words, and path."""

    columns: tuple[str, ...]
    words: str
    path: str


MEASURED = (
    Measured("usd_per_kg", "value per kg", "USD/kg", "/items/{i}/value"),
    Measured("mass_kg", "mass", "kg", "/items/{i}/net_mass_kg"),
    Measured("kg_per_package", "mass of a package", "kg", "/items/{i}/packages"),
    Measured("bulk_density", "mass per cubic metre", "kg/m3", "/items/{i}/volume_m3"),
    Measured("tare_share", "share of packing in the gross mass", "", "/items/{i}/gross_mass_kg", log=False),
    Measured("detour_ratio", "length of the route against the direct way", "", "/routing"),
    Measured("kg_per_container", "load of a container", "kg", "/transport/containers"),
    Measured("item_count", "items on the declaration", "", "/items"),
)
CHOSEN = (
    Chosen(("country_of_export", "country_of_destination"), "lane", "/country_of_destination"),
    Chosen(("mode",), "mode of transport", "/transport/mode"),
    Chosen(("package_type",), "packages", "/items/{i}/packages/0/type"),
)
COLUMNS = frozenset(
    {"commodity_code", *(each.column for each in MEASURED), *(column for each in CHOSEN for column in each.columns)}
)
#: Of each choice the text by which its shares are kept: "chapter|choice", null where the choice is not known.
_OF_CHAPTER = [
    pl.concat_str(
        pl.col("commodity_code").fill_null("").str.slice(0, 2),
        pl.concat_str(chosen.columns, separator=">"),
        separator="|",
    ).alias(str(n))
    for n, chosen in enumerate(CHOSEN)
]
WORDS = tuple(each.words for each in (*MEASURED, *CHOSEN))
#: Distances are cut here: what is absurd is not more telling than what is odd.
_FARTHEST = 12.0
#: So many cases of a chapter's choice are taken for granted before any is seen, spread over all choices.
_SMOOTH = 20.0
_LEAN = 10.0
_LEAST_SPREAD = 0.1


class Habits:
    """What is usual by heading and chapter.

    Parameters
    ----------
    usual : of each measured feature: "*", chapter or heading -> (median, spread).
    shares : of each choice: "chapter|choice" -> its share in the chapter; "chapter" -> what a choice never seen has.
    """

    def __init__(self, usual: list[dict[str, tuple[float, float]]], shares: list[dict[str, float]]) -> None:
        self.usual = usual
        self.shares = shares
        self._kept: dict[str | None, Numbers] = {}

    @classmethod
    def learn(cls, frame: pl.DataFrame) -> Self:
        """Learn from items of ordinary trade (columns :data:`COLUMNS`)."""
        code = frame["commodity_code"].fill_null("")
        usual = []
        for measured in MEASURED:
            values = _values(frame, measured)
            there = np.isfinite(values)
            y = values[there]
            found: dict[str, tuple[float, float]] = {}
            if len(y):
                parent = np.full(len(y), np.median(y))
                wide = np.full(len(y), max(_LEAST_SPREAD, 1.4826 * float(np.median(np.abs(y - parent)))))
                kept = code.filter(pl.Series(there))
                for digits in (0, 2, 4):
                    keys = ["*"] * len(y) if digits == 0 else kept.str.slice(0, digits).to_list()
                    centre, spread = parent.copy(), wide.copy()
                    for key, rows, middle, narrow, _ in leaning(keys, y, parent, wide, _LEAN):
                        found[key] = (middle, max(_LEAST_SPREAD, narrow))
                        centre[rows], spread[rows] = found[key]
                    parent, wide = centre, spread
            usual.append(found)
        shares = [_shares(frame, chosen) for chosen in CHOSEN]
        return cls(usual, shares)

    def distances(self, frame: pl.DataFrame) -> Numbers:
        """Return a row for each item, a column for each feature: spreads from the usual, surprise of choices; NaN if unknown."""
        codes: list[str | None] = frame["commodity_code"].to_list()
        found = np.full((frame.height, len(WORDS)), np.nan)
        headings = [code[:4] if code else None for code in codes]
        of_heading = {heading: n for n, heading in enumerate(dict.fromkeys(headings))}
        usual = np.array([self._usual(heading) for heading in of_heading]).reshape(-1, len(MEASURED), 2)
        pairs = usual[[of_heading[heading] for heading in headings]]
        with np.errstate(invalid="ignore"):
            for n, measured in enumerate(MEASURED):
                found[:, n] = (_values(frame, measured) - pairs[:, n, 0]) / pairs[:, n, 1]
        asked = frame.select(_OF_CHAPTER)
        for n, shares in enumerate(self.shares):
            choices: list[str | None] = asked[str(n)].to_list()
            surprise = {each: np.nan if each is None else self._surprise(shares, each) for each in set(choices)}
            found[:, len(MEASURED) + n] = [surprise[each] for each in choices]
        return np.asarray(np.clip(found, -_FARTHEST, _FARTHEST, out=found))

    def usual_of(self, feature: int, code: str | None) -> tuple[float, float]:
        """Return median and spread of a measured feature for a code (in logs where the feature is); NaN if nothing is known."""
        middle, spread = self._usual(code[:4] if code else None)[feature]
        return float(middle), float(spread)

    def _usual(self, heading: str | None) -> Numbers:
        """Return median and spread of each measured feature for a heading, from the nearest level where it is known."""
        kept = self._kept.get(heading)
        if kept is None:
            tried = (heading, heading[:2], "*") if heading else ("*",)
            found = [next((usual[each] for each in tried if each in usual), (np.nan, np.nan)) for usual in self.usual]
            kept = self._kept[heading] = np.array(found)
        return kept

    def share(self, choice: int, code: str | None, value: str) -> float:
        """Return the share of a choice in a code's chapter."""
        shares = self.shares[choice]
        chapter = code[:2] if code else ""
        return shares.get(f"{chapter}|{value}", shares.get(chapter, shares[""]))

    def _surprise(self, shares: Mapping[str, float], choice: str) -> float:
        """Return the surprise of "chapter|choice"."""
        share = shares.get(choice)
        return -float(np.log(share if share is not None else shares.get(choice.partition("|")[0], shares[""])))

    def parts(self) -> dict[str, Any]:
        """Return what was learned."""
        return {
            "usual": [{key: list(pair) for key, pair in each.items()} for each in self.usual],
            "shares": self.shares,
        }

    @classmethod
    def from_parts(cls, parts: Mapping[str, Any]) -> Self:
        """Return the habits that gave ``parts``."""
        usual = [{key: (float(pair[0]), float(pair[1])) for key, pair in each.items()} for each in parts["usual"]]
        if len(usual) != len(MEASURED) or len(parts["shares"]) != len(CHOSEN):
            raise ValueError("these habits are of other features")
        return cls(usual, [dict(each) for each in parts["shares"]])


def _values(frame: pl.DataFrame, measured: Measured) -> Numbers:
    values = frame[measured.column].cast(pl.Float64).fill_null(np.nan).to_numpy()
    if not measured.log:
        return np.asarray(values)
    with np.errstate(all="ignore"):
        return np.where(values > 0, np.log(values), np.nan)


def _choices(frame: pl.DataFrame, chosen: Chosen) -> list[str | None]:
    columns = [frame[column].to_list() for column in chosen.columns]
    return [None if None in each else ">".join(each) for each in zip(*columns, strict=True)]


def _shares(frame: pl.DataFrame, chosen: Chosen) -> dict[str, float]:
    """Return smoothed shares of choices by chapter; of the empty chapter over all."""
    counts: dict[str, dict[str, int]] = {"": {}}
    for code, choice in zip(frame["commodity_code"].to_list(), _choices(frame, chosen), strict=True):
        if choice is None:
            continue
        for chapter in ("", code[:2] if code else ""):
            of_chapter = counts.setdefault(chapter, {})
            of_chapter[choice] = of_chapter.get(choice, 0) + 1
    kinds = max(1, len(counts[""]))
    found = {}
    for chapter, of_chapter in sorted(counts.items()):
        total = sum(of_chapter.values()) + _SMOOTH
        found[chapter] = _SMOOTH / kinds / total
        for choice, count in sorted(of_chapter.items()):
            found[f"{chapter}|{choice}"] = (count + _SMOOTH / kinds) / total
    return found
