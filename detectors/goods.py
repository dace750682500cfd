"""What an item's goods are, from its words and its code: substances named, their role, and controls that apply.

Everything here depends on the words, the code, the exporting country and the interval between control dates only, so it is
worked out once for each combination and kept.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import date
from typing import Literal

import numpy as np

from detectors._columnar import Rows
from detectors._duties import Duties
from detectors._purity import nines_of
from detectors.reference import Reference
from detectors.text import EMPTY, Mention, Reading
from schemas.reference import ControlEntry, LexiconEntry

Role = Literal["goods", "hint", "ingredient"]
Basis = Literal["code", "code+text", "text", "heading"]

#: Chapters of finished goods, in which a substance's name may honestly stand for what is inside.
_FINISHED_CHAPTERS = frozenset(
    "30 33 34 35 36 37 42 43 46 49 61 62 63 64 65 66 67 71 82 83 84 85 86 87 88 89 90 91 92 93 94 95 96 97".split()
)
#: Headings under which mixtures, preparations and reference materials of any substance are honestly declared.
_GENERAL_HEADINGS = ("3822", "3825", "9705", "9023", "9801", "9999")
#: Headings of mixtures, which an article's word may be about as well ("flame retardant with antimony trioxide").
_MIXTURES = ("3824",)
#: Chapters whose goods are sold as material: by weight, at a price per kg.
_MATERIAL_CHAPTERS = frozenset("25 26 27 28 29 31 32 38 39 40 68 69 70 72 74 75 76 78 79 80 81".split())
_MATERIAL_HEADINGS = ("7301", "7303", "7304", "7305", "7306", "7325", "7326", "7106", "7112")
#: From this grade on (99.9 %, a little less for "99.87 %"), a stated purity is that of a substance sold as such.
_GRADED_NINES = 2.9
#: From this grade on (99.999 %), a stated purity is unusual for ordinary base metals, minerals and articles.
_UNUSUAL_NINES = 5.0
_LICENSED = ("licence_required",)


@dataclass(frozen=True, slots=True)
class Goods:
    """Facts about the goods of one item; the feature columns of the same names document each (:mod:`detectors.columns`)."""

    named_substance: str | None = None
    named_element: str | None = None
    named_role: Role | None = None
    named_strength: str | None = None
    named_term: str | None = None
    named_where: str | None = None
    named_hidden: bool = False
    named_headings: tuple[str, ...] = ()
    named_watched: bool = False
    named_controlled: bool = False
    code_fits_named: bool | None = None
    article_word: str | None = None
    material_word: str | None = None
    purity_pct: float | None = None
    purity_text: str | None = None
    purity_nines: float | None = None
    purity_unusual: bool = False
    purity_gap_nines: float | None = None
    purity_threshold_pct: float | None = None
    vague: bool = False
    flags: frozenset[str] = frozenset()
    control: ControlEntry | None = None
    control_basis: Basis | None = None
    code_substance: str | None = None
    text_denies_code: bool = False
    material_heading: bool = False


NOTHING = Goods()


@dataclass(frozen=True, slots=True)
class Judged:
    """The facts of the items of a batch: each fact once, and where it stands.

    Attributes
    ----------
    distinct : facts, each with its own commodity code (``codes``).
    places : of each item the place of its facts in ``distinct``, in the order of the items.
    """

    distinct: list[Goods]
    codes: list[str | None]
    places: Rows

    def where(self, holds: Callable[[Goods], bool]) -> list[int]:
        """Return the items whose facts fulfil a condition."""
        fulfilled = np.fromiter(map(holds, self.distinct), dtype=bool, count=len(self.distinct))
        found: list[int] = np.flatnonzero(fulfilled[self.places]).tolist() if len(fulfilled) else []
        return found

    def each(self) -> list[Goods]:
        """Return the facts of each item."""
        return [self.distinct[place] for place in self.places.tolist()]


@dataclass(frozen=True, slots=True)
class _Candidate:
    mention: Mention
    entry: LexiconEntry
    where: str
    role: Role


def _starts(code: str | None, prefixes: Iterable[str]) -> bool:
    return code is not None and code.startswith(tuple(prefixes))


def material_heading(code: str | None) -> bool:
    """Tell whether goods of the code are sold as material."""
    return code is not None and (code[:2] in _MATERIAL_CHAPTERS or code.startswith(_MATERIAL_HEADINGS))


class GoodsJudge:
    """Works out :class:`Goods` against one reference."""

    def __init__(self, reference: Reference) -> None:
        self._reference = reference
        self._lexicon = {entry.substance: entry for entry in reference.lexicon}
        self._by_epoch: dict[tuple[int, str | None], tuple[Duties, Duties]] = {}

    def _duties(self, day: date, epoch: int, exporting_from: str | None) -> tuple[Duties, Duties]:
        """Return the licence duties in force on a day, everywhere and of one country."""
        key = (epoch, exporting_from)
        found = self._by_epoch.get(key)
        if found is None:
            everywhere = [e for e in self._reference.controls_on(day) if e.measure in _LICENSED]
            found = (Duties(everywhere), Duties(e for e in everywhere if exporting_from in e.territories))
            self._by_epoch[key] = found
        return found

    def judge(
        self,
        description: Reading,
        marks: Reading,
        cas_substance: str | None,
        code: str | None,
        exporting_from: str | None,
        day: date,
        epoch: int,
    ) -> Goods:
        """Return the facts of one item.

        Parameters
        ----------
        description, marks : readings of the goods description and of the marks on packages.
        cas_substance : the substance of the declared CAS number, if the lexicon knows it.
        code : declared commodity code.
        exporting_from : country whose export controls apply (None: no export, or not known).
        day, epoch : the declaration's day, and the interval between control dates that it lies in.
        """
        everywhere, here = self._duties(day, epoch, exporting_from)
        chosen = self._choose(description, marks, cas_substance, code)
        purity = description.purity or marks.purity
        percent = purity.percent if purity else None
        named = chosen.entry if chosen else None
        control, basis, below = self._control(here, chosen, code, percent)
        gap, threshold = _gap_below(below, percent)
        of_code = everywhere.goods_of_line(code)
        return Goods(
            named_substance=named.substance if named else None,
            named_element=named.element if named else None,
            named_role=chosen.role if chosen else None,
            named_strength=chosen.mention.strength if chosen else None,
            named_term=chosen.mention.term if chosen else None,
            named_where=chosen.where if chosen else None,
            named_hidden=chosen.mention.hidden if chosen else False,
            named_headings=named.headings if named else (),
            named_watched=bool(named and everywhere.about(named)),
            named_controlled=bool(named and here.about(named)),
            code_fits_named=_fits(code, chosen),
            article_word=description.article,
            material_word=description.material or marks.material,
            purity_pct=percent,
            purity_text=purity.text if purity else None,
            purity_nines=purity.nines if purity else None,
            purity_unusual=bool(purity and purity.nines >= _UNUSUAL_NINES - 0.01 and _ordinary(code)),
            purity_gap_nines=gap,
            purity_threshold_pct=threshold,
            vague=description.vague,
            flags=description.flags | marks.flags,
            control=control,
            control_basis=basis,
            code_substance=of_code.substance if of_code else None,
            text_denies_code=_denies(of_code, description, self._lexicon),
            material_heading=material_heading(code),
        )

    def _choose(
        self, description: Reading, marks: Reading, cas_substance: str | None, code: str | None
    ) -> _Candidate | None:
        """Pick the mention that matters most: goods before hints before ingredients, strong before weak, hidden first."""
        found: list[_Candidate] = []
        if cas_substance and cas_substance in self._lexicon:
            mention = Mention(cas_substance, "CAS", "strong")
            found.append(_Candidate(mention, self._lexicon[cas_substance], "cas", "goods"))
        for reading, where in ((description, "description"), (marks, "marks")):
            for mention in reading.mentions:
                entry = self._lexicon.get(mention.substance)
                if entry is None or mention.denied:
                    continue
                role = _role(mention, entry, reading if reading is not EMPTY else description, description, code)
                found.append(_Candidate(mention, entry, where, role))
        if not found:
            return None
        rank = {"goods": 0, "hint": 1, "ingredient": 2}
        return min(
            found,
            key=lambda c: (
                rank[c.role],
                c.mention.strength != "strong",
                not c.mention.hidden,
                _fits(code, c) is not False,
                c.entry.kind == "element",
            ),
        )

    def _control(
        self, here: Duties, chosen: _Candidate | None, code: str | None, percent: float | None
    ) -> tuple[ControlEntry | None, Basis | None, ControlEntry | None]:
        """Return the control that applies, on which ground, and the one that a purity just misses."""
        best: tuple[int, ControlEntry, Basis] | None = None
        below: ControlEntry | None = None
        for entry, basis in _grounds(here, chosen, code):
            if _misses(entry, percent):
                below = below or entry
                continue
            order = 2 * {"code": 0, "code+text": 1, "text": 2, "heading": 3}[basis] + (not entry.can_prohibit)
            if best is None or order < best[0]:
                best = (order, entry, basis)
        return (best[1], best[2], below) if best else (None, None, below)


def _role(mention: Mention, entry: LexiconEntry, reading: Reading, description: Reading, code: str | None) -> Role:
    """Tell whether the substance is the goods, or part of an article that is.

    A stated grade (99.9 % and better) makes it the goods whatever else is said. Otherwise an article's word, or a code of
    finished goods without a word of a raw form, leaves the substance inside the article (or in its brand). Ingots, and
    marks that say nothing else or are disguised, are no part of an article.
    """
    graded = reading.purity is not None and reading.purity.nines >= _GRADED_NINES
    article = description.article is not None
    own_code = _starts(code, entry.headings) and not _starts(code, _GENERAL_HEADINGS)
    own_code = own_code and not (article and _starts(code, _MIXTURES))
    finished = code is not None and code[:2] in _FINISHED_CHAPTERS
    foreign = not finished and not _starts(code, entry.article_headings)
    on_marks_alone = reading is not description and (
        reading.bare
        or mention.hidden
        or (reading.purity is not None and reading.article is None)
        or (foreign and mention.term.startswith("CAS "))
    )
    gapped = mention.hidden and foreign and not mention.term.isascii()
    if mention.minor:
        return "ingredient"
    if (mention.cast or on_marks_alone or gapped) and mention.strength == "strong" and entry.element != "C":
        return "goods"
    if mention.strength == "weak" and not graded and (article or not own_code):
        return "ingredient" if article or finished else "hint"
    if graded and entry.element is not None:
        return "goods"
    if finished and not own_code:
        alone = (reading.bare and entry.kind == "element") or (mention.hidden and not article)
        if alone and mention.strength == "strong" and entry.element != "C":
            return "goods"
        raw_form = reading.material is not None or description.material is not None
        return "goods" if raw_form and not article else "ingredient"
    if own_code or not article:
        return "goods"
    # An article's word beside the name of a substance that stands for itself or is disguised, under a code of material.
    apart = (mention.alone or mention.hidden) and mention.strength == "strong" and entry.element != "C"
    return "hint" if apart and not finished else "ingredient"


def _fits(code: str | None, chosen: _Candidate | None) -> bool | None:
    """Tell whether the declared code is one under which the named substance is honestly declared."""
    if code is None or chosen is None:
        return None
    allowed = (
        chosen.entry.headings if chosen.role != "ingredient" else chosen.entry.headings + chosen.entry.article_headings
    )
    return _starts(code, allowed) or _starts(code, _GENERAL_HEADINGS)


def _grounds(here: Duties, chosen: _Candidate | None, code: str | None) -> Iterator[tuple[ControlEntry, Basis]]:
    """Yield the rows that may apply, each with its ground."""
    for entry in here.on_line(code):
        yield entry, "code"
    named = chosen is not None and chosen.role == "goods"
    if chosen is not None and named and chosen.mention.strength == "strong":
        for entry in here.about(chosen.entry):
            same = code is not None and entry.hs6 is not None and code.startswith(entry.hs6)
            yield entry, "code+text" if same else "text"
    if not named:
        for entry in here.on_subheading(code):
            yield entry, "heading"


def _misses(entry: ControlEntry, percent: float | None) -> bool:
    threshold = entry.threshold_purity_pct
    if threshold is None or percent is None:
        return False
    return percent < threshold if entry.threshold_inclusive else percent <= threshold


def _gap_below(entry: ControlEntry | None, percent: float | None) -> tuple[float | None, float | None]:
    """Return by how many nines a purity stays below the threshold of a control, and the threshold."""
    if entry is None or percent is None or entry.threshold_purity_pct is None:
        return None, None
    gap = nines_of(entry.threshold_purity_pct) - nines_of(percent)
    return gap, entry.threshold_purity_pct


def _ordinary(code: str | None) -> bool:
    """Tell whether the code is of goods for which nobody states five nines."""
    if code is None:
        return False
    return code[:2] in {
        "25",
        "44",
        "48",
        "61",
        "62",
        "63",
        "64",
        "68",
        "69",
        "70",
        "72",
        "73",
        "74",
        "75",
        "76",
        "78",
        "79",
        "80",
        "82",
        "83",
        "94",
        "95",
        "96",
    }


def _denies(of_code: ControlEntry | None, description: Reading, lexicon: dict[str, LexiconEntry]) -> bool:
    """Tell whether a description names something, but nothing of the element that the code stands for."""
    if of_code is None or description is EMPTY or description.vague:
        return False
    elements = {lexicon[s].element for s in of_code.substances if s in lexicon} | set(of_code.elements)
    named = {lexicon[m.substance].element for m in description.mentions if m.substance in lexicon and not m.denied}
    if named & elements:
        return False
    return bool(named) or description.article is not None
