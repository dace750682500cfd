"""What stands beside the words: price, packages, code and other signs, as numbers that a second model weighs with them."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from functools import lru_cache
from typing import Any

import numpy as np

from detectors._columnar import Numbers
from detectors.features import Features
from detectors.goods import material_heading
from detectors.reference import Reference

#: What the second model weighs; where the declaration does not say, the sign is 0.
SIGNS = (
    "words",
    "price in its band",
    "price outside its band",
    "a raw form is named",
    "an article is named",
    "a grade of 3N or more",
    "goods sold by weight",
    "small drums, bottles or cases",
)
#: Feature columns that signs and explanations are made of.
COLUMNS = frozenset(
    {
        "day",
        "exporting_from",
        "description",
        "commodity_code",
        "mass_kg",
        "usd_per_kg",
        "price_over_heading",
        "heading_high",
        "kg_per_package",
        "package_type",
        "article_word",
        "material_word",
        "purity_nines",
        "material_heading",
        "named_element",
        "named_role",
        "named_strength",
        "code_fits_named",
        "vague",
        "luggage",
    }
)
_TOLERANCE = 1.3
_SMALL_PACKS = frozenset({"DR", "BO", "CS", "BX", "CN", "JR", "CA", "VI"})
_SMALL_KG = 60.0
_DEARER = 1.5
_NINES = 2.9
Band = tuple[float, float]


@lru_cache(maxsize=64)
def bands(reference: Reference, year: int, month: int) -> Mapping[str, tuple[Band, ...]]:
    """Return the price bands of a month by chemical element, USD per kg."""
    found: dict[str, list[Band]] = {}
    for band in reference.price_bands_on(date(year, month, 1)):
        element = reference.substances[band.substance].element if band.substance in reference.substances else None
        if element is not None:
            found.setdefault(element, []).append((band.low, band.high))
    return {element: tuple(spans) for element, spans in found.items()}


def fitting(reference: Reference, day: date, element: str, price: float) -> Band | None:
    """Return the band of an element that a price fits, widened as contracts and small lots need it; None if none does."""
    for low, high in bands(reference, day.year, day.month).get(element, ()):
        if low / _TOLERANCE <= price <= high * _TOLERANCE:
            return low, high
    return None


@lru_cache(maxsize=256)
def watched(reference: Reference, epoch: int, day: date, country: str | None) -> frozenset[str]:
    """Return the elements that need a licence on a day: on leaving a country, or (None) anywhere."""
    names = {
        name
        for row in reference.controls_on(day)
        if row.measure == "licence_required" and (country is None or country in row.territories)
        for name in row.substances
    }
    found = {reference.substances[name].element for name in names if name in reference.substances}
    return frozenset(element for element in found if element is not None)


@dataclass(frozen=True, slots=True)
class Places:
    """Code prefixes under which an element is honestly declared: by itself (``own``), or as a part of alloys and articles."""

    own: tuple[str, ...]
    inside: tuple[str, ...]

    def honest(self, code: str | None, article: bool) -> bool:
        """Tell whether the element's name is no sign under a code; ``article`` if the words name a finished good.

        Under codes of finished goods a name stands for what is inside, whatever the words; under codes of material only if
        the words say of what article it is a part.
        """
        if code is None:
            return False
        if code.startswith(self.own):
            return True
        return (article or not material_heading(code)) and code.startswith(self.inside)


@lru_cache(maxsize=4)
def places(reference: Reference) -> Mapping[str, Places]:
    """Return the honest places of each element."""
    own: dict[str, set[str]] = {}
    inside: dict[str, set[str]] = {}
    for entry in reference.lexicon:
        if entry.element is not None:
            target = inside if entry.kind == "alloy" else own
            target.setdefault(entry.element, set()).update(entry.headings)
            inside.setdefault(entry.element, set()).update(entry.article_headings)
    return {
        element: Places(tuple(sorted(own.get(element, ()))), tuple(sorted(inside.get(element, ()))))
        for element in own.keys() | inside.keys()
    }


@dataclass(frozen=True, slots=True)
class Beside:
    """The signs of one item that do not come from its spelling."""

    day: date
    price: float | None
    over: float | None
    material: bool
    article: bool
    nines: float | None
    by_weight: bool
    small_packs: bool

    def dear(self, times: float) -> bool:
        """Tell whether the price is this many times what such goods usually cost at the most, or nothing usual is known.

        A price that is ordinary for the declared heading says nothing, though it may fit: antimony costs what tools cost.
        """
        return self.over is None or self.over >= times

    def signs(self, odds: float, element: str, reference: Reference, price: float | None = None) -> list[float]:
        """Return the values of :data:`SIGNS` for an element with these log odds (and this price in place of the declared)."""
        asked = self.price if price is None else price
        fits = asked is not None and fitting(reference, self.day, element, asked) is not None
        return [
            float(np.clip(odds, -8.0, 8.0)),
            float(fits and (price is not None or self.dear(_DEARER))),
            float(asked is not None and not fits),
            float(self.material),
            float(self.article),
            float(self.nines is not None and self.nines >= _NINES),
            float(self.by_weight),
            float(self.small_packs),
        ]


def beside(computed: Features, rows: Sequence[int]) -> list[Beside]:
    """Return what stands beside the words in some rows of the item frame."""
    frame = computed.items[list(rows)].select(
        "day",
        "usd_per_kg",
        "price_over_heading",
        "material_word",
        "article_word",
        "purity_nines",
        "material_heading",
        "package_type",
        "kg_per_package",
    )
    return [
        Beside(
            day,
            price if price is not None and math.isfinite(price) else None,
            over,
            material is not None,
            article is not None,
            nines,
            bool(by_weight),
            pack in _SMALL_PACKS and kg is not None and kg <= _SMALL_KG,
        )
        for day, price, over, material, article, nines, by_weight, pack, kg in frame.iter_rows()
    ]


class Weighing:
    """Logistic regression over :data:`SIGNS`."""

    def __init__(self, weights: Numbers, base: float) -> None:
        self.weights = weights
        self.base = base

    @classmethod
    def learn(cls, honest: Sequence[Sequence[float]], hidden: Sequence[Sequence[float]]) -> Weighing:
        """Learn from the signs of honest and of hidden goods."""
        from sklearn.linear_model import LogisticRegression

        signs = np.array([*honest, *hidden])
        known = np.repeat([0, 1], [len(honest), len(hidden)])
        fitted = LogisticRegression(C=1.0, max_iter=500).fit(signs, known)
        return cls(fitted.coef_[0].copy(), float(fitted.intercept_[0]))

    def odds(self, signs: Any) -> Numbers:
        """Return the log odds of rows of signs; they are of the training's own mix, so that only their order counts."""
        rows = np.asarray(signs, dtype=np.float64).reshape(-1, len(SIGNS))
        return np.asarray((rows * self.weights).sum(axis=1) + self.base)

    def told(self, signs: Sequence[float]) -> list[tuple[str, float]]:
        """Return each sign that is there with what it adds to the log odds, the weightiest first."""
        added = [(name, float(w * s)) for name, w, s in zip(SIGNS, self.weights, signs, strict=True) if s]
        return sorted(added, key=lambda each: -abs(each[1]))
