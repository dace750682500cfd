"""Small lots of one substance: the weights, the words and the values under which they go."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from math import ceil

from streams.simulate import wording
from streams.simulate.adding import ENOUGH_LOTS
from streams.simulate.compose import Item, item
from streams.simulate.over_time.stage import Stage
from streams.simulate.prices import paid
from streams.simulate.substances import Substance

#: Codes, texts and prices (USD/kg) of what honest parcels of powder and metal hold.
COVERS: tuple[tuple[str, tuple[str, ...], float], ...] = (
    ("3206490000", ("ceramic pigment", "陶瓷颜料", "pigment powder"), 6.0),
    ("3207200000", ("ceramic glaze powder", "陶瓷釉料", "glaze frit"), 3.2),
    ("2846100000", ("cerium polishing powder", "铈抛光粉"), 4.0),
    ("3824990000", ("chemical preparation", "additive for ceramics", "化工助剂"), 6.0),
    ("3213100000", ("art supplies", "美术颜料", "artists' pigments"), 8.0),
    ("7907000000", ("zinc articles", "锌制品", "zinc weights"), 7.0),
    ("8007000000", ("tin articles", "锡制品", "tin casting alloy"), 30.0),
)
#: What parcels say that say nothing.
SAMPLES = (
    "sample",
    "sample, no commercial value",
    "样品",
    "test material",
    "образец",
    "Muster",
    "gift",
    "礼品",
    "muestra",
)


@dataclass(slots=True)
class Lots:
    """The habit of one sender ring: what it splits, into which weights, under which words."""

    substance: Substance
    base_kg: float
    count: int
    named: float
    words: tuple[str, ...]
    samples: tuple[str, ...]
    cover: tuple[str, tuple[str, ...], float]
    value: str
    spread: float
    pack: str
    claim: str = ""
    origin: str | None = None

    @classmethod
    def of(cls, stage: Stage, substance: Substance, most_kg: float = 9.0) -> Lots:
        """Return a habit left to chance, with so many lots that they add up."""
        chance = stage.chance
        commercial = max(kg for _, kg in substance.packs if kg <= 50)
        base = min(most_kg, chance.spread(commercial / 9, 0.5))
        return cls(
            substance,
            base,
            max(ENOUGH_LOTS + 1, min(45, ceil(commercial / base * chance.between(1.3, 2.6)))),
            chance.one((0.0, 0.0, 0.15, 0.5, 1.0)),
            stage.words(substance),
            tuple(chance.some(SAMPLES, 2)),
            chance.one(COVERS),
            chance.one(("low", "cover", "true", "cover")),
            chance.one((0.0, 0.004, 0.004, 0.02, 0.25)),
            chance.one(("BX", "CT", "CT", "CT", "BX", "BO", "CT")),
        )

    @property
    def commercial_kg(self) -> float:
        """Mass of one commercial package of the substance."""
        return max(kg for _, kg in self.substance.packs if kg <= 50)

    def lot(self, stage: Stage, now: datetime) -> Item:
        """Return the next lot. ``named``: the share that says, in some way, what it is."""
        chance = stage.chance
        net = max(0.05, self.base_kg * (1 + self.spread * chance.between(-1, 1)))
        code, texts, cover_usd = self.cover
        text = chance.one(texts)
        if chance.maybe(self.named):
            if chance.maybe(0.5):
                code, text = self.substance.code, f"{chance.one(self.words)} {chance.one(self.samples)}"
            else:
                text = wording.slipped_in(text, self.substance, chance)
        elif chance.maybe(0.1):
            text = chance.one(self.samples)
        usd_kg = {
            "low": lambda: chance.between(12, 70) / net,
            "cover": lambda: chance.spread(cover_usd * 1.8, 0.4),
            "true": lambda: paid(self.substance.name, now.date(), chance),
        }[self.value]()
        return item(
            1,
            code if chance.maybe(0.65) else None,
            (text.capitalize() if chance.maybe(0.5) else text) + self.claim,
            net,
            net * usd_kg,
            self.pack,
            30.0,
            origin=self.origin or ("CN" if chance.maybe(0.2) else None),
            pieces=chance.whole(1, 6),
        )
