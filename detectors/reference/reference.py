"""The object that detectors ask: every table, looked up at a declaration's own day."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from datetime import date
from functools import cache
from pathlib import Path
from types import MappingProxyType
from typing import Any

from detectors.reference import tables, validation
from detectors.reference.calendar import ControlCalendar
from detectors.reference.geography import Geography
from detectors.reference.prefixes import PrefixTable
from detectors.reference.rates import Rates
from schemas.reference import (
    ControlEntry,
    CountryEntry,
    DensityBand,
    HeadingBand,
    LexiconEntry,
    PriceBand,
    Producer,
    ReferenceRecord,
    Suspension,
)


class Reference:
    """All reference tables, immutable; a changed table makes a new object (:meth:`with_table`).

    Parameters
    ----------
    entries : the entries of each table, by the table's name, already validated.

    Raises
    ------
    ReferenceError_ : the tables contradict each other; every problem is named.
    """

    def __init__(self, entries: validation.Tables) -> None:
        validation.check_together(entries)
        self._tables = MappingProxyType(dict(entries))
        self.controls: tuple[ControlEntry, ...] = entries["controls"]
        self.suspensions: tuple[Suspension, ...] = entries["suspensions"]
        self.lexicon: tuple[LexiconEntry, ...] = entries["lexicon"]
        self.substances: Mapping[str, LexiconEntry] = MappingProxyType({e.substance: e for e in self.lexicon})
        self.prices: tuple[PriceBand, ...] = entries["prices"]
        self.heading_bands: tuple[HeadingBand, ...] = entries["heading_bands"]
        self.densities: tuple[DensityBand, ...] = entries["densities"]
        self.countries: Mapping[str, CountryEntry] = MappingProxyType({e.iso2: e for e in entries["countries"]})
        self.producer_entries: Mapping[str, Producer] = MappingProxyType({e.substance: e for e in entries["producers"]})
        #: Substance -> countries that mine, smelt, refine or recycle it; a substance without an entry is unknown.
        self.producers: Mapping[str, frozenset[str]] = MappingProxyType(
            {e.substance: frozenset(e.countries) | frozenset(e.recycling) for e in entries["producers"]}
        )
        self.version = _version(entries)
        self._calendar = ControlCalendar(self.controls, self.suspensions)
        self._geography = Geography(self.countries)
        self._rates = Rates(entries["pegs"])
        self._headings = PrefixTable(self.heading_bands)
        self._densities = PrefixTable(self.densities)
        self._prices_of_month: dict[tuple[int, int], tuple[PriceBand, ...]] = {}
        self.usd_rate = self._rates.usd
        self.heading_band = self._headings.find
        self.density_band = self._densities.find
        self.distance_km = self._geography.distance_km
        self.borders = self._geography.borders
        self.epoch = self._calendar.epoch
        self.boundaries = self._calendar.boundaries
        self._sealed = True

    def __setattr__(self, name: str, value: Any) -> None:
        if getattr(self, "_sealed", False):
            raise AttributeError(f"Reference is immutable; use with_table to replace a table, not .{name} =")
        super().__setattr__(name, value)

    def __reduce__(self) -> tuple[type[Reference], tuple[dict[str, tuple[Any, ...]]]]:
        """Travel to other processes as tables, without the caches."""
        return Reference, (dict(self._tables),)

    def table(self, name: str) -> tuple[Any, ...]:
        """Return a table by its name (``schemas.reference.TableName``)."""
        return self._tables[name]

    def controls_on(self, day: date) -> tuple[ControlEntry, ...]:
        """Return the control rows in force on a day: within their dates and not suspended, ``disputed`` if in doubt."""
        return self._calendar.in_force(self._calendar.epoch(day))

    def suspensions_on(self, day: date) -> tuple[Suspension, ...]:
        """Return the suspensions that run on a day, formal or only reported."""
        return tuple(s for s in self.suspensions if s.holds_on(day))

    def price_bands_on(self, day: date) -> tuple[PriceBand, ...]:
        """Return the price bands of the day's month (bands begin and end with a month)."""
        month = (day.year, day.month)
        found = self._prices_of_month.get(month)
        if found is None:
            found = self._prices_of_month[month] = tuple(b for b in self.prices if b.holds_on(day))
        return found

    def with_table(self, name: str, entries: Sequence[Mapping[str, Any]]) -> Reference:
        """Return a new object with one table replaced.

        All or nothing: a mistake anywhere raises :class:`schemas.errors.ReferenceError_` with every located problem, and
        this object stays as it was.
        """
        made = validation.entries(name, entries, [f"{name}[{n}]" for n in range(len(entries))])
        return Reference({**self._tables, name: made})

    def with_record(self, record: ReferenceRecord) -> Reference:
        """Return a new object with the table of a record of the topic ``reference`` in place."""
        return self.with_table(record.table, record.entries)


def _version(entries: validation.Tables) -> str:
    digest = hashlib.sha256()
    for name in sorted(entries):
        digest.update(name.encode())
        for entry in entries[name]:
            digest.update(entry.model_dump_json().encode())
    return digest.hexdigest()[:12]


@cache
def load(folder: Path | None = None) -> Reference:
    """Read the tables of a folder (the ones that come with Assay, if None); cached.

    Raises
    ------
    ReferenceError_ : a file is missing, unreadable, or an entry is wrong; every problem is named with its place.
    """
    made = {
        name: validation.entries(name, [row for _, row in located], [place for place, _ in located])
        for name, located in tables.read(folder or tables.FOLDER).items()
    }
    return Reference(made)
