"""MISLABEL-VALUE, learned: what goods of a heading cost in a lane and a month, and prices far outside it.

Prices are USD per kg on a log scale. A level is a median, shrunk towards the level of its parent by how few prices it rests
on: all goods, chapter (HS2), heading (HS4), subheading (HS6), subheading in a lane (country of export and destination). What
a chapter costs in a month against its whole history is added. The spread is a median absolute deviation, shrunk the same
way, so that a heading of like goods is judged more strictly than one of all sorts.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar, Self

import numpy as np

from detectors._columnar import Flags, Numbers
from detectors.batch import Batch
from detectors.features import Features
from detectors.models import _levels as levels
from detectors.models._levels import Levels
from detectors.models.learned import History, LearnedDetector, LearnedHit, Say, Scores, Voice
from detectors.models.text.evidence import fitting, places, watched
from detectors.models.text.speech import name_of
from detectors.reference import Reference
from schemas.errors import ModelError
from schemas.types import FindingCode, Severity

#: Share of honest items that may be told of: for a price that fits a controlled substance, and for one that only is extreme.
BUDGET_FIT, BUDGET_EXTREME = 0.0004, 0.0002
#: Whatever the budget allows, a price is not far outside below so many spreads.
LEAST_FIT, LEAST_EXTREME = 3.5, 6.0
#: Below this a price fits too many ordinary goods to say anything (USD per kg).
_TELLING_PRICE = 15.0
#: Masses contradict each other if more than this share of the gross mass is packing: then the price per kg says nothing.
_PACKING = 0.6
_LEAST_KG = 1.0
_ITEMS = 1_000_000
_FEWEST = 200
#: A single finding of level medium has a risk of 25 to 36: with an outlier for the same price, which is no second kind of
#: evidence, it stays below high.
_FROM, _TO = 0.56, 0.78


class MislabelValue(LearnedDetector):
    """Prices far above what their heading costs in their lane and month.

    The score is the distance from the usual price in spreads, by the threshold that applies: the lower one if the price fits the
    dated band of a controlled substance that is not declared under this code, the higher one for any other price, above or
    below. It abstains without value, mass or code, for luggage, and where the masses contradict each other.
    """

    name: ClassVar[str] = "mislabel-value"
    code: ClassVar[FindingCode] = "MISLABEL-VALUE"
    columns: ClassVar[frozenset[str]] = levels.COLUMNS | {
        "tare_share",
        "luggage",
        "mass_kg",
        "exporting_from",
        "names_dear",
        "material_heading",
        "article_word",
        "code_fits_named",
        "description",
    }
    threshold = 1.0

    def __init__(self, usual: Levels, far_fit: float, far: float, figures: Mapping[str, float]) -> None:
        self.usual = usual
        self.far_fit = far_fit
        self.far = far
        self.figures = dict(figures)

    @classmethod
    def train(cls, history: History, say: Say, seed: int = 0) -> Self:
        """Learn levels from the first four fifths of history, thresholds from the rest; then levels from all of it."""
        gathered = levels.Gathered(_ITEMS, cls.columns)
        for batch, computed in history.computed(cls.columns):
            gathered.add(computed, history.ordinary(batch), _judged(computed))
        frame = gathered.frame()
        if frame is None or frame.height < _FEWEST:
            there = 0 if frame is None else frame.height
            raise ModelError(
                f"mislabel-value needs at least {_FEWEST} items with code, value and mass; there are {there}"
            )
        say("prices read", 0.6)
        split = int(frame.height * 0.8)
        trial = cls(Levels.learn(levels.prices(frame[:split])), LEAST_FIT, LEAST_EXTREME, {})
        later = Features(frame[split:], frame[:0], [])
        scores = trial.score(Batch.of([]), later, history.reference)
        far, fits = np.abs(scores.kept["spreads"]), scores.kept["fits"] > 0
        far_fit = max(LEAST_FIT, _exceeded_by(far[fits], BUDGET_FIT * len(far)))
        far_other = max(LEAST_EXTREME, far_fit, _exceeded_by(far[~fits], BUDGET_EXTREME * len(far)))
        say("levels tried", 0.8)
        usual = Levels.learn(levels.prices(frame))
        say("thresholds set", 1.0)
        return cls(usual, far_fit, far_other, {"items": float(frame.height), "levels": float(len(usual.keys))})

    def score(self, batch: Batch, computed: Features, reference: Reference) -> Scores:
        """Return, for each item, how far its price lies from the usual, by the threshold that applies."""
        level, spread, told, support = self.usual.of(computed)
        price = levels.price_of(computed)
        with np.errstate(all="ignore"):
            spreads = np.where(_judged(computed), (np.log(price) - level) / spread, np.nan)
            worth_asking = (spreads >= min(self.far_fit, LEAST_FIT)) & (price >= _TELLING_PRICE)
        fits = np.zeros(len(spreads), dtype=np.int32)
        for n in np.flatnonzero(worth_asking).tolist():
            fits[n] = len(self._fitted(computed, n, float(price[n]), reference))
        with np.errstate(invalid="ignore"):
            values = np.abs(spreads) / np.where(fits > 0, self.far_fit, self.far)
        usual = {"level": level, "spread": spread, "told": told, "support": support}
        return Scores(values, "item", {"spreads": spreads, "fits": fits} | usual)

    def _fitted(
        self, computed: Features, row: int, price: float, reference: Reference
    ) -> list[tuple[str, float, float]]:
        """Return the controlled elements whose dated band a price fits, but those honestly declared under the code."""
        day, code, article, country = computed.items.select(
            "day", "commodity_code", "article_word", "exporting_from"
        ).row(row)
        allowed = places(reference)
        found = []
        asked = watched(reference, reference.epoch(day), day, country)
        for element in sorted(asked):
            band = fitting(reference, day, element, price)
            if band is not None and not (element in allowed and allowed[element].honest(code, article is not None)):
                found.append((element, *band))
        return found

    def hits(self, batch: Batch, computed: Features, scores: Scores, reference: Reference) -> list[LearnedHit]:
        """Say what such goods cost, and which controlled substance costs what is declared."""
        rows = scores.over(self.threshold)
        if not rows:
            return []
        level, spread, told, support = (scores.kept[name] for name in ("level", "spread", "told", "support"))
        price = levels.price_of(computed)
        found = []
        for n, fact in zip(rows, computed.items[rows].to_dicts(), strict=True):
            centre, wide = float(np.exp(level[n])), float(np.exp(3 * spread[n]))
            where = self.usual.named(int(told[n]), fact)
            found.append(
                self._say(n, fact, float(price[n]), (centre, wide, where, int(support[n])), scores, computed, reference)
            )
        return found

    def _say(
        self,
        row: int,
        fact: Mapping[str, Any],
        price: float,
        usual: tuple[float, float, str, int],
        scores: Scores,
        computed: Features,
        reference: Reference,
    ) -> LearnedHit:
        centre, wide, where, support = usual
        code = fact["commodity_code"]
        item = f"/items/{fact['item_index']}"
        spreads = float(scores.kept["spreads"][row])
        low, high = centre / wide, centre * wide
        said = [
            f"{price:,.4g} USD/kg is {abs(spreads):.1f} spreads {'above' if spreads > 0 else 'below'} what goods of {where} "
            f"cost: {centre:,.4g} USD/kg in the middle, {low:,.4g} to {high:,.4g} nearly all ({support:,} prices of history)."
        ]
        evidence = [
            {
                "path": f"{item}/value",
                "observed": price,
                "expected": centre,
                "reference": f"model mislabel-value: {low:.4g} to {high:.4g} USD/kg, {where}",
            },
            {"path": f"{item}/commodity_code", "observed": code, "expected": None, "reference": None},
        ]
        fitted = self._fitted(computed, row, price, reference) if scores.kept["fits"][row] > 0 else []
        fitted.sort(key=lambda band: abs(np.log(price / np.sqrt(band[1] * band[2]))))
        if fitted:
            told = [f"{name_of(reference, element)} ({a:,.4g} to {b:,.4g})" for element, a, b in fitted[:3]]
            said.append(f"On the day it is a price of {', '.join(told)} USD/kg.")
            element, a, b = fitted[0]
            evidence.append(
                {
                    "path": f"{item}/value",
                    "observed": price,
                    "expected": f"{a:g} to {b:g} USD/kg",
                    "reference": f"price band of {name_of(reference, element)}",
                }
            )
        # Finished goods, and what a dear word or an article's names, may cost anything; then, and if nothing fits, the price
        # only adds to what others say.
        explained = fact["names_dear"] or fact["article_word"] is not None or not fact["material_heading"]
        level: Severity = "medium" if fitted and not explained else "low"
        score = float(scores.values[row])
        return LearnedHit(
            rule=Voice(self.name, self.code, level, self.version),
            row=row,
            declaration=fact["row"],
            item_number=fact["item_number"],
            score=_FROM + (_TO - _FROM) * min(1.0, max(0.0, score - 1.0)),
            title=f"Price of {name_of(reference, fitted[0][0])}, not of code {code}"
            if fitted
            else f"Price unlike code {code}",
            explanation=" ".join(said),
            evidence=evidence,
            substances=[name_of(reference, fitted[0][0])] if fitted else [],
        )

    def parts(self) -> dict[str, Any]:
        """Return what was learned."""
        return {
            "usual": self.usual.parts(),
            "far_fit": float(self.far_fit),
            "far": float(self.far),
            "figures": self.figures,
        }

    @classmethod
    def from_parts(cls, parts: Mapping[str, Any]) -> Self:
        """Return the detector that gave ``parts``."""
        try:
            return cls(
                Levels.from_parts(parts["usual"]), float(parts["far_fit"]), float(parts["far"]), parts["figures"]
            )
        except (KeyError, TypeError, ValueError) as error:
            raise ModelError(f"these are not the parts of {cls.name}: {error!r}") from error

    def described(self) -> dict[str, Any]:
        """Return thresholds and sizes."""
        return {
            "threshold": self.threshold,
            "spreads, if the price fits a controlled substance": self.far_fit,
            "spreads, otherwise": self.far,
        } | self.figures


def _judged(computed: Features) -> Flags:
    """Return which items have a price per kg that can be believed, in trade (luggage has no market)."""
    frame = computed.items
    tare = frame["tare_share"].fill_null(0.0).to_numpy()
    mass = frame["mass_kg"].fill_null(0.0).to_numpy()
    luggage = frame["luggage"].fill_null(True).to_numpy()
    with np.errstate(invalid="ignore"):
        believed: Flags = (
            (tare <= _PACKING) & (mass >= _LEAST_KG) & ~luggage & frame["commodity_code"].is_not_null().to_numpy()
        )
    return believed


def _exceeded_by(values: Numbers, spare: float) -> float:
    """Return a value that no more than ``spare`` of the values exceed."""
    ranked = np.sort(values[np.isfinite(values)])[::-1]
    return float(np.nextafter(ranked[int(spare)], np.inf)) if len(ranked) > spare else 0.0
