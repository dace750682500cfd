"""How MISLABEL-TEXT learns: descriptions by heading, spellings against honest words, signs beside them, thresholds."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any
from zlib import crc32

import numpy as np

from detectors.features import Features
from detectors.models.learned import History, Say
from detectors.models.text.evidence import Beside, Weighing, bands, beside, places
from detectors.models.text.headings import Headings
from detectors.models.text.spellings import elements, hidden_names
from detectors.models.text.substances import Substances
from detectors.models.text.views import named, telling
from detectors.reference import Reference
from detectors.text import Reader
from schemas.errors import ModelError

#: Share of honest items with words not learned from that may speak, for each head: the false-alert budget.
BUDGET = 0.0005
#: Whatever the budget allows, no head speaks below these: the margin between headings, and the odds of the spelling.
LEAST_MARGIN, LEAST_ODDS = 0.45, -1.0
#: A heading is only said to be likelier from this likeness (cosine) to one of its descriptions on.
LEAST_LIKENESS = 0.65
#: Of the descriptions, one in this many is kept for thresholds, chosen by its letters.
_KEPT_BACK = 5
_ITEMS = 40_000
_DISTINCT = 200_000
_FEWEST = 30
#: Words that stand under headings of more chapters than this say nothing of any.
_CHAPTERS = 2


@dataclass
class Gathered:
    """Ordinary trade as it is needed: descriptions with their headings, and items with what stands beside."""

    told: dict[str, set[str]] = field(default_factory=dict)
    texts: dict[str, None] = field(default_factory=dict)
    items: list[tuple[str, str | None, Beside]] = field(default_factory=list)
    _seen: int = 0
    _stride: int = 1

    def add(self, computed: Features, ordinary: Any) -> None:
        """Take the items of one batch that are ordinary, and not themselves goods of a controlled substance."""
        frame = computed.items
        rows = [
            n
            for n, (row, role, text) in enumerate(
                zip(frame["row"], frame["named_role"], frame["description"], strict=True)
            )
            if ordinary[row] and text and role not in ("goods", "hint")
        ]
        texts, codes, vague = (frame[name].to_list() for name in ("description", "commodity_code", "vague"))
        for n in rows:
            if texts[n] not in self.texts and len(self.texts) < _DISTINCT:
                self.texts[texts[n]] = None
            if codes[n] and not vague[n]:
                name = named(texts[n])
                if telling(name):
                    self.told.setdefault(codes[n][:4], set()).add(name)
        wanted = [n for n in rows if self._wants()]
        self.items += [(texts[n], codes[n], signs) for n, signs in zip(wanted, beside(computed, wanted), strict=True)]
        if len(self.items) > _ITEMS:
            self.items = self.items[::2]
            self._stride *= 2

    def _wants(self) -> bool:
        self._seen += 1
        return self._seen % self._stride == 0


def kept_back(text: str) -> bool:
    """Tell whether a description is kept for thresholds: by its letters, so that one wording is never on both sides."""
    return crc32(named(text).encode()) % _KEPT_BACK == 0


@dataclass(frozen=True, slots=True)
class Learned:
    """What training gave: the models, the thresholds, and figures for the model card."""

    headings: Headings
    margin: float
    substances: Substances
    weighing: Weighing
    floor: float
    least: float
    figures: dict[str, float]


def learn(history: History, columns: frozenset[str], say: Say, seed: int, of_each: int) -> Learned:
    """Learn both heads from a history."""
    gathered = Gathered()
    for batch, computed in history.computed(columns):
        gathered.add(computed, history.ordinary(batch))
    if len(gathered.texts) < _FEWEST:
        raise ModelError(
            f"mislabel-text needs at least {_FEWEST} different descriptions of ordinary goods to learn from"
        )
    _leave_out_what_says_nothing(gathered.told)
    say("descriptions read", 0.2)
    margin = _margin(gathered)
    headings = Headings.learn(gathered.told)
    say("headings learned", 0.3)
    learnt = [text for text in gathered.texts if not kept_back(text)]
    substances = Substances.learn(
        history.reference, learnt, lambda done: say("spellings learned", 0.3 + 0.5 * done), seed, of_each
    )
    unseen = [item for item in gathered.items if kept_back(item[0])]
    weighing, floor, least, figures = _weigh(unseen, substances, history.reference, seed)
    say("thresholds set", 1.0)
    figures |= {"descriptions": float(len(gathered.texts)), "headings": float(len(headings.headings))}
    return Learned(headings, margin, substances, weighing, floor, least, figures)


def _leave_out_what_says_nothing(told: dict[str, set[str]]) -> None:
    """Take out words that stand under headings of many chapters: "accessories", "gift"."""
    chapters: dict[str, set[str]] = {}
    for heading, texts in told.items():
        for text in texts:
            chapters.setdefault(text, set()).add(heading[:2])
    for texts in told.values():
        texts -= {text for text in texts if len(chapters[text]) > _CHAPTERS}


def _margin(gathered: Gathered) -> float:
    """Return the margin that honest wordings which were not learned from stay below, but for the budget."""
    learnt = {heading: {t for t in texts if not kept_back(t)} for heading, texts in gathered.told.items()}
    trial = Headings.learn(learnt)
    pairs = [
        (text, heading) for heading, texts in sorted(gathered.told.items()) for text in sorted(texts) if kept_back(text)
    ]
    if not pairs:
        return LEAST_MARGIN
    found = trial.likeness([text for text, _ in pairs], [heading for _, heading in pairs])
    margins = [like.best - like.own for like in found if like.own == like.own and like.best >= LEAST_LIKENESS]
    return max(LEAST_MARGIN, _over(margins, len(pairs)))


def _over(scores: Sequence[float], of: int) -> float:
    """Return a score that no more than the budget's share of ``of`` cases exceeds."""
    spare = int(BUDGET * of)
    ranked = sorted(scores, reverse=True)
    return float(np.nextafter(ranked[spare], np.inf)) if len(ranked) > spare else -np.inf


def _weigh(
    unseen: Sequence[tuple[str, str | None, Beside]], substances: Substances, reference: Reference, seed: int
) -> tuple[Weighing, float, float, dict[str, float]]:
    """Learn what signs beside the words are worth, on items whose words are not known: honest, and with hidden names put in."""
    spelled = substances.strongest([text for text, _, _ in unseen])
    honest = []
    allowed = places(reference)
    for (_, code, signs), (odds, place, _) in zip(unseen, spelled, strict=True):
        element = substances.symbols[place]
        if not allowed[element].honest(code, signs.article):
            honest.append(signs.signs(odds, element, reference))
    hidden = _hidden(unseen, substances, reference, seed)
    if not honest or not hidden:
        raise ModelError(
            "mislabel-text needs more items of ordinary goods, with dates and codes, to set its thresholds"
        )
    weighing = Weighing.learn(honest, hidden)
    spelling = np.array([row[0] for row in honest])
    floor = max(LEAST_ODDS, float(np.quantile(spelling, 0.99)))
    weighed = weighing.odds(honest)
    least = max(0.0, _over(weighed[spelling >= floor].tolist(), len(honest)))
    words = np.array([row[0] for row in hidden])
    found = (weighing.odds(hidden) >= least) & (words >= floor)
    return weighing, floor, least, {"hidden names found, of those put in": float(found.mean())}


def _hidden(
    unseen: Sequence[tuple[str, str | None, Beside]], substances: Substances, reference: Reference, seed: int
) -> list[list[float]]:
    """Return the signs of items in place of whose words a hidden name stands, half of them at the substance's price."""
    draw = random.Random(seed)
    reader = Reader.of(reference)
    told = elements(reference)
    signs = []
    for symbol, entries in told.items():
        names = hidden_names(symbol, entries, 150, seed + 1)
        readings = reader.read(names)
        for reading, (odds, place, _) in zip(readings, substances.strongest(names), strict=True):
            if substances.symbols[place] != symbol or not unseen:
                continue
            cover = draw.choice(unseen)[2]
            spans = bands(reference, cover.day.year, cover.day.month).get(symbol)
            price = None
            if spans and draw.random() < 0.5:
                low, high = draw.choice(spans)
                price = low * (high / low) ** draw.random()
            purity = reading.purity
            worded = Beside(
                cover.day,
                cover.price,
                cover.over,
                reading.material is not None,
                reading.article is not None,
                purity.nines if purity is not None else None,
                cover.by_weight,
                cover.small_packs,
            )
            signs.append(worded.signs(odds, symbol, reference, price))
    return signs
