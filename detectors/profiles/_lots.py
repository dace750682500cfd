"""Small lots: what one declaration sends of what, which lots are alike, and from what mass on they are a commercial amount."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

import msgspec

from detectors.profiles._remembered import grams
from schemas.signal import Fact
from schemas.types import FindingCode

#: Kilograms that are a commercial amount, by element. Of gallium the trade's norm is a lot of 50 kg in cases of 10 kg (Minor
#: Metals Trade Association, norm for gallium); germanium and indium are quoted from 50 kg on (Fastmarkets, germanium and
#: indium ex works China): two cases are two fifths of the least that is traded. Own estimates: a bag or drum of 25 kg of rare
#: earth oxides, some kilograms of the dearest, a drum of 50 kg of tungsten, molybdenum, tellurium and bismuth, four bags or
#: ingots of antimony, the bar of 1,000 ounces of silver, ten bags of graphite.
_COMMERCIAL_KG: dict[str, float] = {
    "Ga": 20,
    "Ge": 20,
    "In": 20,
    "Sc": 5,
    "Lu": 5,
    "W": 50,
    "Mo": 50,
    "Te": 50,
    "Bi": 50,
    "Sb": 100,
    "Ag": 31,
    "C": 250,
}
#: Of what has no such entry, or no name: the bag or drum of 25 kg in which powders and chemicals are traded.
_COMMERCIAL_OTHERS_KG = 25.0
#: A lot is small below this share of a commercial amount: a drum by itself was not split.
_SMALL = 0.6
#: Reference samples and demonstration pieces are grams; rules leave them out below 0.1 kg.
_LEAST_G = 50
#: Lots of one declaration at most: one that splits sends little else.
_MOST_LOTS = 5
#: Masses this close are equal: filled to one weight, and weighed with a parcel scale.
_EQUAL = 0.03

NAMES = {
    "Ga": "gallium",
    "Ge": "germanium",
    "In": "indium",
    "Sb": "antimony",
    "Bi": "bismuth",
    "Te": "tellurium",
    "W": "tungsten",
    "Mo": "molybdenum",
    "Ag": "silver",
    "C": "graphite",
    "Sc": "scandium",
    "Y": "yttrium",
    "La": "lanthanum",
    "Ce": "cerium",
    "Pr": "praseodymium",
    "Nd": "neodymium",
    "Sm": "samarium",
    "Eu": "europium",
    "Gd": "gadolinium",
    "Tb": "terbium",
    "Dy": "dysprosium",
    "Ho": "holmium",
    "Er": "erbium",
    "Tm": "thulium",
    "Yb": "ytterbium",
    "Lu": "lutetium",
}
#: Findings that say of a lot by itself that it is not what it is declared as, or may not go.
WRONG: frozenset[FindingCode] = frozenset(
    {
        "MISLABEL-NAME",
        "MISLABEL-CODE",
        "MISLABEL-TEXT",
        "MISLABEL-VALUE",
        "MISLABEL-PURITY",
        "ORIGIN-RELABEL",
        "CONTROL-NO-LICENCE",
        "CONTROL-PROHIBITED",
    }
)
#: What :attr:`Lots.said` holds of the screen's findings.
FOUND_WRONG, FOUND_CARRIED, FOUND_VAGUE = 1, 2, 4
#: Chapters of the tariff under which metals, oxides and powders pass: minerals, chemicals, pigments, plastics, ceramics, metals.
#: Cover names seen were iron alloy, nickel powder, solder paste, refractory, art supplies and lead-antimony (typology T01).
_COVERS = frozenset(f"{chapter:02d}" for chapter in (*range(25, 41), *range(68, 72), *range(72, 84)))


class Lot(NamedTuple):
    """Like goods of one declaration: number of the first item, element or "", HS6 or "", mass, whether a control holds."""

    item: int
    element: str
    hs6: str
    grams: int
    controlled: bool


class Lots(msgspec.Struct, array_like=True):
    """What is remembered of one declaration under a key.

    Attributes
    ----------
    side : "c" if the key received, "s" if it sent, "t" if it travelled; "" where the version says nothing any more.
    own, other : hashes of the party behind the key and of the one on the other side; "" if unknown.
    persons : "p" in passenger traffic, "m" by post or express, "" else.
    said : flags of what the screen found.
    shown : the contact, masked.
    lots : the small ones only.
    """

    declaration_id: str
    version: int
    step: int
    time: int
    side: str = ""
    own: str = ""
    other: str = ""
    persons: str = ""
    said: int = 0
    shown: str = ""
    lots: list[Lot] = []


@dataclass(frozen=True)
class Like:
    """Lots of one key that are alike, the newest last, and what stands out in them.

    ``lots`` holds of each declaration the lots that belong here; ``days`` is the window in which they came.
    """

    entries: Sequence[Lots]
    lots: Sequence[Sequence[Lot]]
    days: int

    @cached_property
    def masses(self) -> list[int]:
        """Return the masses of the lots, least first, in grams."""
        return sorted(lot.grams for lots in self.lots for lot in lots)

    @cached_property
    def grams(self) -> int:
        """Mass of all."""
        return sum(self.masses)

    @cached_property
    def element(self) -> str:
        """Return the element that they name (lots of two elements are not alike), or ""."""
        return min((lot.element for lots in self.lots for lot in lots if lot.element), default="")

    @cached_property
    def named(self) -> int:
        """Declarations that name the element."""
        return sum(any(lot.element for lot in lots) for lots in self.lots)

    @cached_property
    def wrong(self) -> int:
        """Declarations that the screen found wrong by themselves."""
        return sum(bool(entry.said & FOUND_WRONG) for entry in self.entries)

    @property
    def parcels(self) -> bool:
        """Whether all came by post or express."""
        return all(entry.persons == "m" for entry in self.entries)

    @cached_property
    def owns(self) -> int:
        """How many parties stand behind the key."""
        return len({entry.own for entry in self.entries} - {""})

    @cached_property
    def others(self) -> int:
        """How many parties stand on the other side."""
        return len({entry.other for entry in self.entries} - {""})

    @cached_property
    def equal(self) -> float:
        """Share of the lots that weigh what most of them weigh."""
        middle = self.masses[len(self.masses) // 2]
        return sum(abs(mass - middle) <= _EQUAL * middle for mass in self.masses) / len(self.masses)

    def since(self, days: int) -> Like:
        """Return those of a shorter window that ends with the same declaration."""
        first = self.entries[-1].time - days * 86_400
        start = next(n for n, entry in enumerate(self.entries) if entry.time > first)
        return Like(self.entries[start:], self.lots[start:], days)


def gathered(within: Sequence[Lots], lot: Lot, days: int) -> Like:
    """Return the lots of a window that are of like goods with one of its last declaration.

    The element decides; without one the code. A lot without a code, or one that is named among some that are not, belongs to
    those of its weight.
    """
    _, element, code, mass, _ = lot
    least, most = mass * (1 - _EQUAL), mass / (1 - _EQUAL)
    entries, kept = [], []
    for entry in within:
        like = [
            one
            for one in entry.lots
            if (
                one[1] == element
                if element and one[1]
                else one[2] == code
                if code and one[2] and not element and not one[1]
                else least <= one[3] <= most
            )
        ]
        if like:
            entries.append(entry)
            kept.append(like)
    if not element and (named := Counter(one[1] for like in kept for one in like if one[1])):
        # lots of this weight name several elements: they are of the one that most of them name
        wanted = ("", min(named, key=lambda name: (-named[name], name)))
        pairs = [(entry, [one for one in like if one[1] in wanted]) for entry, like in zip(entries, kept, strict=True)]
        entries, kept = [entry for entry, like in pairs if like], [like for _, like in pairs if like]
    return Like(entries, kept, days)


def may_hide(fact: Fact) -> bool:
    """Tell whether an ordinary declaration is a small lot of what may be a cover: told in brief, it has one code at most."""
    if fact.net_mass_kg is None or len(fact.headings) > 1:
        return False
    if not _LEAST_G <= grams(fact.net_mass_kg) <= _SMALL * commercial_g(""):
        return False
    if fact.headings:
        return fact.regime in ("export", "postal") and fact.headings[0][:2] in _COVERS
    return fact.regime == "postal"


def lots_of(fact: Fact) -> list[Lot]:
    """Return the small lots of a fact. Goods under a licence are none, nor are those without a mass."""
    if not fact.watched:
        if fact.net_mass_kg is None or not may_hide(fact):
            return []
        return [Lot(1, "", fact.headings[0] if fact.headings else "", grams(fact.net_mass_kg), False)]
    found = []
    for goods in fact.goods:
        if goods.licensed or goods.net_mass_kg is None:
            continue
        mass = grams(goods.net_mass_kg)
        element = goods.element or ""
        if _LEAST_G <= mass <= _SMALL * commercial_g(element):
            found.append(Lot(goods.item, element, (goods.hs6 or "")[:6], mass, goods.controlled))
    return found[:_MOST_LOTS]


def commercial_g(element: str) -> float:
    """Return the mass in grams from which on goods of an element ("" if unnamed) are a commercial amount."""
    return 1000 * _COMMERCIAL_KG.get(element, _COMMERCIAL_OTHERS_KG)
