"""What has been drawn from one licence, by whom and for whom, as it stood when each declaration was lodged."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date
from functools import lru_cache

import msgspec

from detectors.parties import similar
from detectors.profiles._remembered import grams, moment
from schemas.signal import Fact, LicenceUse

#: Names below this likeness are two firms': a missing word for the business or the place is forgiven, another one is not.
_SAME_NAME = 0.75
_CHINESE = re.compile("[\u2e80-\u9fff]")
#: From so many exporters on, a licence is everybody's: a general one, or a number that stands for none.
GENERAL = 6
#: A licence that went to so many consignees, or countries, is one for several; another one is no news.
SEVERAL = 3
#: Kinds in words, and references, of licences for everybody: the Union's general authorisations EU001 to EU008 (Regulation (EU)
#: 2021/821, annex II) and the United Kingdom's open general ones (GBOGE: from memory).
_GENERAL_KIND = re.compile(r"general|open|global|allgemein|general[ei]|通用|генеральн", re.IGNORECASE)
_GENERAL_REFERENCE = re.compile(r"eu00[1-8]|gboge", re.IGNORECASE)


class Draw(msgspec.Struct, array_like=True):
    """What one declaration drew.

    Masses in grams, None if unknown; ``expires`` an ordinal day; parties by a part of their keys, firms with their names;
    ``used`` is false of what was cancelled or rejected.
    """

    declaration_id: str
    version: int
    step: int
    time: int
    used: bool = True
    item: int = 1
    grams: int | None = None
    licensed: int | None = None
    expires: int | None = None
    exporter: str = ""
    declarant: str = ""
    consignee: str = ""
    notify: str = ""
    destination: str = ""
    exporter_name: str = ""
    consignee_name: str = ""
    holder: str = ""
    end_user: str = ""
    general: bool = False


def drawn_of(fact: Fact, reference: str) -> tuple[int, int | None, int | None]:
    """Return the first item that uses a licence, the grams it takes of it, and the least quantity stated for it.

    An item under several licences draws on each by its share of their quantities; without them nobody knows.
    """
    of_item: dict[int, dict[str, LicenceUse]] = {}
    for use in fact.licences:
        of_item.setdefault(use.item, {}).setdefault(use.reference, use)
    items = [uses for uses in of_item.values() if reference in uses]
    masses = [_share(uses, reference) for uses in items]
    stated = [
        use.licensed_kg for uses in items for use in uses.values() if use.reference == reference and use.licensed_kg
    ]
    known = [mass for mass in masses if mass is not None]
    return (
        min(uses[reference].item for uses in items),
        grams(sum(known)) if known and len(known) == len(masses) else None,
        grams(min(stated)) if stated else None,
    )


def _share(uses: dict[str, LicenceUse], reference: str) -> float | None:
    own = uses[reference]
    if own.net_mass_kg is None or len(uses) == 1:
        return own.net_mass_kg
    stated = [use.licensed_kg for use in uses.values() if use.licensed_kg]
    if own.licensed_kg is None or len(stated) < len(uses):
        return None
    return own.net_mass_kg * own.licensed_kg / sum(stated)


def is_general(kind: str | None, reference: str) -> bool:
    """Tell whether a licence says of itself that it is for everybody."""
    return bool(_GENERAL_REFERENCE.match(reference)) or bool(kind and _GENERAL_KIND.search(kind))


@lru_cache(maxsize=4096)
def same_name(one: str, other: str) -> bool | None:
    """Tell whether two names may be one firm's; None if they are written in scripts that cannot be compared, or not known."""
    if not one or not other or bool(_CHINESE.search(one)) != bool(_CHINESE.search(other)):
        return None
    return similar(one, other).score >= _SAME_NAME


@dataclass(slots=True)
class Ledger:
    """What stands in a licence's ledger before a declaration.

    ``first`` is the earliest draw known; ``stated`` the quantities stated, in grams; ``ends`` the latest end of validity
    stated; ``written_off`` whether every quantity stated so far was just what its own declaration weighed.
    """

    first: Draw | None = None
    grams: int = 0
    draws: int = 0
    stated: set[int] = field(default_factory=set)
    written_off: bool = True
    ends: int | None = None
    exporters: set[str] = field(default_factory=set)
    consignees: list[Draw] = field(default_factory=list)
    destinations: list[str] = field(default_factory=list)
    holders: list[str] = field(default_factory=list)
    end_users: list[str] = field(default_factory=list)
    general: bool = False

    def add(self, draw: Draw) -> None:
        """Write a draw into the ledger."""
        self.first = self.first or draw
        self.grams += draw.grams or 0
        self.draws += 1
        if draw.licensed:
            self.stated.add(draw.licensed)
            self.written_off &= draw.grams is not None and abs(draw.licensed - draw.grams) <= 0.05 * draw.licensed
        if draw.expires is not None:
            self.ends = max(self.ends or 0, draw.expires)
        if draw.exporter:
            self.exporters.add(draw.exporter)
        if draw.consignee and not any(same_consignee(draw, other) for other in self.consignees[: SEVERAL + 1]):
            self.consignees.append(draw)
        if draw.destination and draw.destination not in self.destinations:
            self.destinations.append(draw.destination)
        for name, known in ((draw.holder, self.holders), (draw.end_user, self.end_users)):
            if name and name not in known and len(known) < 5:
                known.append(name)
        self.general |= draw.general

    @property
    def limit(self) -> int | None:
        """Return the least quantity stated, in grams.

        None if none was, or if what is stated is only what each declaration takes off the licence (as some feeds fill it).
        """
        if not self.stated or (len(self.stated) > 1 and self.written_off):
            return None
        return min(self.stated)


def before_each(draws: Sequence[Draw], folded: Sequence[tuple[int, int, int]]) -> Iterator[tuple[int, Draw, Ledger]]:
    """Yield each draw with its place and the ledger before it, which changes with the next step."""
    ledger = Ledger()
    at = iter(sorted(folded))
    waiting = next(at, None)
    for place, draw in enumerate(draws):
        month = month_of(draw)
        # what was folded stands after the first draw and before those that were not
        while waiting is not None and place and waiting[0] <= month:
            ledger.draws += waiting[1]
            ledger.grams += waiting[2]
            waiting = next(at, None)
        if draw.used:
            yield place, draw, ledger
            ledger.add(draw)


def month_of(draw: Draw) -> int:
    """Return the month of a draw, counted from the year 0."""
    when = moment(draw.time)
    return when.year * 12 + when.month - 1


def same_exporter(draw: Draw, other: Draw) -> bool:
    """Tell whether two draws are of one exporter, itself or by its agent."""
    if draw.exporter in (other.exporter, other.declarant) or (draw.declarant and draw.declarant == other.exporter):
        return True
    return bool(same_name(draw.exporter_name, other.exporter_name))


def same_consignee(draw: Draw, other: Draw) -> bool:
    """Tell whether two draws are for one consignee, who may also stand as the party to be notified."""
    if draw.consignee in (other.consignee, other.notify) or (draw.notify and draw.notify == other.consignee):
        return True
    return bool(same_name(draw.consignee_name, other.consignee_name))


def day_of(draw: Draw) -> int:
    """Return the ordinal day of a draw."""
    return moment(draw.time).toordinal()


def shown_day(ordinal: int) -> str:
    """Return a stored day for people."""
    return date.fromordinal(ordinal).isoformat()
