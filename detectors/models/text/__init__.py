"""MISLABEL-TEXT: words that belong to another heading than the declared one, or that spell a controlled substance."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, Self

import numpy as np

from detectors._columnar import Numbers
from detectors.batch import Batch
from detectors.features import Features
from detectors.models.learned import History, LearnedDetector, LearnedHit, Say, Scores
from detectors.models.text import speech
from detectors.models.text.evidence import COLUMNS, Beside, Weighing, beside, places, watched
from detectors.models.text.headings import Headings, Likeness
from detectors.models.text.learning import LEAST_LIKENESS, learn
from detectors.models.text.substances import Face, Substances
from detectors.models.text.views import named, telling
from detectors.reference import Reference
from schemas.errors import ModelError
from schemas.types import FindingCode

_KEPT = 200_000
#: What a text says about headings where it says nothing, or its heading is not known.
_UNKNOWN = Likeness(np.nan, np.nan, 0, 0)
#: A spelling that is not looked at closer has at most this score.
_FAINT = 0.5
#: So many log odds above the threshold multiply the score by e.
_STEP = 4.0
#: In luggage and parcels, a gram of metal is no export (as in the rules).
_LEAST_KG = 0.1


class MislabelText(LearnedDetector):
    """Two heads over the description: :class:`Headings` and :class:`Substances`.

    The score is 1 where a head reaches its own threshold: the margin between the likest heading and the declared one by its
    threshold, or the odds that words and signs beside them hide a controlled substance against theirs. It abstains
    without a description, where the words are few, and where neither head knows enough.
    """

    name: ClassVar[str] = "mislabel-text"
    code: ClassVar[FindingCode] = "MISLABEL-TEXT"
    columns: ClassVar[frozenset[str]] = COLUMNS
    #: Spellings of each element to learn from.
    spellings: ClassVar[int] = 2000
    threshold = 1.0

    def __init__(
        self,
        headings: Headings,
        margin: float,
        substances: Substances,
        weighing: Weighing,
        floor: float,
        least: float,
        figures: Mapping[str, float],
    ) -> None:
        self.headings = headings
        self.margin = margin
        self.substances = substances
        self.weighing = weighing
        self.floor = floor
        self.least = least
        self.figures = dict(figures)
        self._spelled: dict[str, tuple[float, int, Face]] = {}
        self._liked: dict[tuple[str, str], Likeness] = {}
        self._named: dict[tuple[str, str], Likeness] = {}

    @classmethod
    def train(cls, history: History, say: Say, seed: int = 0) -> Self:
        """Learn both heads and their thresholds; see :mod:`detectors.models.text.learning`."""
        learned = learn(history, cls.columns | {"named_role"}, say, seed, cls.spellings)
        return cls(
            learned.headings,
            learned.margin,
            learned.substances,
            learned.weighing,
            learned.floor,
            learned.least,
            learned.figures,
        )

    def score(self, batch: Batch, computed: Features, reference: Reference) -> Scores:
        """Return, for each item, the higher of the two heads' scores."""
        texts: list[str | None] = computed.items["description"].to_list()
        codes: list[str | None] = computed.items["commodity_code"].to_list()
        if not texts:
            empty = np.zeros(0)
            return Scores(empty, "item", {"hidden": empty, "miscoded": empty})
        vague = computed.items["vague"].fill_null(False).to_numpy()
        miscoded = np.where(vague, np.nan, self._miscoded(texts, codes))
        hidden = self._hidden(texts, codes, computed, reference)
        return Scores(np.fmax(hidden, miscoded), "item", {"hidden": hidden, "miscoded": miscoded})

    def _miscoded(self, texts: Sequence[str | None], codes: Sequence[str | None]) -> Numbers:
        liked = self.liked(texts, codes)
        margins = np.array([like.best - like.own if like.best >= LEAST_LIKENESS else 0.0 for like in liked])
        known = np.array([like.own == like.own and like.best == like.best for like in liked])
        return np.where(known, np.maximum(margins, 0.0) / self.margin, np.nan)

    def _hidden(
        self, texts: Sequence[str | None], codes: Sequence[str | None], computed: Features, reference: Reference
    ) -> Numbers:
        spelled = self.spelled(texts)
        odds = np.array([each[0] if each is not None else np.nan for each in spelled])
        found = np.asarray(_FAINT / (1.0 + np.exp(self.floor - odds)))
        with np.errstate(invalid="ignore"):
            rows = np.flatnonzero(odds >= self.floor).tolist()
        if not rows:
            return found
        allowed = places(reference)
        roles = computed.items["named_role"].to_list()
        fits = computed.items["code_fits_named"].to_list()
        masses = computed.items["mass_kg"].to_list()
        signs = []
        asked = []
        for n, signed in zip(rows, beside(computed, rows), strict=True):
            each, code, mass = spelled[n], codes[n], masses[n]
            element = self.substances.symbols[each[1]] if each is not None else ""
            if fits[n] or allowed[element].honest(code, signed.article):
                found[n] = np.nan  # where it is honestly declared, its name is no sign
            elif roles[n] == "ingredient" or (mass is not None and mass < _LEAST_KG):
                found[n] = min(found[n], _FAINT)
            else:
                signs.append(signed.signs(odds[n], element, reference))
                asked.append(n)
        if asked:
            found[asked] = np.exp((self.weighing.odds(signs) - self.least) / _STEP)
        return found

    def spelled(self, texts: Sequence[str | None]) -> list[tuple[float, int, Face] | None]:
        """Return the element that each text spells best (log odds, place in ``substances.symbols``, the face that tells)."""
        kept = self._spelled
        fresh = list({text for text in texts if text and text not in kept})
        if fresh:
            if len(kept) + len(fresh) > _KEPT:
                kept.clear()
                fresh = list({text for text in texts if text})
            kept.update(zip(fresh, self.substances.strongest(fresh), strict=True))
        return [kept[text] if text else None for text in texts]

    def liked(self, texts: Sequence[str | None], codes: Sequence[str | None]) -> list[Likeness]:
        """Return how like each text is to its declared heading and to the likest other."""
        kept = self._liked
        pairs = [(text, code[:4]) if text and code else None for text, code in zip(texts, codes, strict=True)]
        fresh = list({pair for pair in pairs if pair is not None and pair not in kept})
        if fresh:
            if len(kept) + len(fresh) > _KEPT:
                kept.clear()
                fresh = list({pair for pair in pairs if pair is not None})
            # Many texts differ by a model number only: each name is compared once.
            asked = [(named(text), heading) for text, heading in fresh]
            known = self._named
            new = list({pair for pair in asked if pair not in known})
            if len(known) + len(new) > _KEPT:
                known.clear()
                new = list(set(asked))
            known.update((pair, _UNKNOWN) for pair in new)
            judged = [pair for pair in new if telling(pair[0])]
            found = self.headings.likeness([name for name, _ in judged], [heading for _, heading in judged])
            known.update(zip(judged, found, strict=True))
            kept.update((pair, known[name]) for pair, name in zip(fresh, asked, strict=True))
        return [kept[pair] if pair is not None else _UNKNOWN for pair in pairs]

    def hits(self, batch: Batch, computed: Features, scores: Scores, reference: Reference) -> list[LearnedHit]:
        """Say what words hide, or which heading they fit, of items over the threshold."""
        rows = scores.over(self.threshold)
        if not rows:
            return []
        facts = computed.items[rows].to_dicts()
        found = []
        for n, fact, signed in zip(rows, facts, beside(computed, rows), strict=True):
            hit = None
            if scores.kept["hidden"][n] >= self.threshold:
                hit = self._say_hidden(n, fact, signed, float(scores.kept["hidden"][n]), reference)
            if hit is None and scores.kept["miscoded"][n] >= self.threshold:
                hit = self._say_miscoded(n, fact, float(scores.kept["miscoded"][n]))
            if hit is not None:
                found.append(hit)
        return found

    def _say_hidden(
        self, row: int, fact: Mapping[str, Any], signed: Beside, score: float, reference: Reference
    ) -> LearnedHit | None:
        each = self.spelled([fact["description"]])[0]
        if each is None:
            return None
        odds, place, face = each
        element = self.substances.symbols[place]
        plainly = fact["named_element"] == element and fact["named_role"] == "goods"
        epoch = reference.epoch(fact["day"])
        if (plainly and fact["named_strength"] == "strong") or element not in watched(
            reference, epoch, fact["day"], None
        ):
            return None  # rules name it, or no regime asks about it on the day
        controlled = element in watched(reference, epoch, fact["day"], fact["exporting_from"] or "")
        signs = signed.signs(odds, element, reference)
        return speech.hidden(
            self.version,
            row,
            fact,
            speech.Spelled(element, odds, face, self.substances.telling(face, place), self.weighing.told(signs)),
            signed,
            score,
            controlled,
            reference,
        )

    def _say_miscoded(self, row: int, fact: Mapping[str, Any], score: float) -> LearnedHit:
        like = self.liked([fact["description"]], [fact["commodity_code"]])[0]
        nearest = self.headings.texts[like.nearest]
        words = self.headings.shared(named(fact["description"]), nearest)
        return speech.miscoded(
            self.version, row, fact, like, self.headings.headings[like.heading], nearest, words, score
        )

    def forget(self) -> None:
        """Drop what was kept of texts."""
        self._spelled.clear()
        self._liked.clear()
        self._named.clear()

    def parts(self) -> dict[str, Any]:
        """Return what was learned."""
        return {
            "headings": self.headings.parts(),
            "margin": float(self.margin),
            "substances": self.substances.parts(),
            "weighing": {"weights": self.weighing.weights, "base": float(self.weighing.base)},
            "floor": float(self.floor),
            "least": float(self.least),
            "figures": self.figures,
        }

    @classmethod
    def from_parts(cls, parts: Mapping[str, Any]) -> Self:
        """Return the detector that gave ``parts``."""
        try:
            weighing = Weighing(np.asarray(parts["weighing"]["weights"]), float(parts["weighing"]["base"]))
            return cls(
                Headings.from_parts(parts["headings"]),
                float(parts["margin"]),
                Substances.from_parts(parts["substances"]),
                weighing,
                float(parts["floor"]),
                float(parts["least"]),
                parts["figures"],
            )
        except (KeyError, TypeError, ValueError) as error:
            raise ModelError(f"these are not the parts of {cls.name}: {error!r}") from error

    def described(self) -> dict[str, Any]:
        """Return thresholds and sizes."""
        return {
            "threshold": self.threshold,
            "margin between headings": self.margin,
            "least log odds of a spelling": self.floor,
            "log odds, with all signs, from which it speaks": self.least,
            "elements": len(self.substances.symbols),
        } | self.figures
