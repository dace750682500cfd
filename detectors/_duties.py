"""Licence duties in force at a time, found by tariff line, subheading, substance or element instead of one by one."""

from __future__ import annotations

from collections.abc import Iterable

from schemas.reference import ControlEntry, LexiconEntry


class Duties:
    """The licence duties of one interval between control dates, everywhere or of one exporting country."""

    def __init__(self, entries: Iterable[ControlEntry]) -> None:
        self._by_line: dict[str, list[ControlEntry]] = {}
        self._by_subheading: dict[str, list[ControlEntry]] = {}
        self._by_substance: dict[str, list[ControlEntry]] = {}
        self._by_element: dict[str, list[ControlEntry]] = {}
        self._goods_line: dict[str, ControlEntry] = {}
        for entry in entries:
            if entry.code10 is not None:
                self._by_line.setdefault(entry.code10, []).append(entry)
                if entry.kind == "goods" and entry.substances:
                    self._goods_line.setdefault(entry.code10, entry)
            if entry.hs6 is not None and entry.hs6_exclusive:
                self._by_subheading.setdefault(entry.hs6, []).append(entry)
            for substance in entry.substances:
                self._by_substance.setdefault(substance, []).append(entry)
            if not entry.substances:
                for element in entry.elements:
                    self._by_element.setdefault(element, []).append(entry)

    def about(self, named: LexiconEntry) -> list[ControlEntry]:
        """Return the rows about a substance.

        Compounds are listed one by one, so a row of gallium metal is not about gallium nitride; a row that lists no
        substance is about every form of its elements.
        """
        found = self._by_substance.get(named.substance, [])
        if named.element is not None and named.element in self._by_element:
            return found + self._by_element[named.element]
        return found

    def on_line(self, code: str | None) -> list[ControlEntry]:
        """Return the rows whose ten-digit national line is the code's."""
        return self._by_line.get(code[:10], []) if code is not None and len(code) >= 10 else []

    def on_subheading(self, code: str | None) -> list[ControlEntry]:
        """Return the rows whose six digits alone name the substance, for a code too short to show the national line.

        With ten digits, the country's own tariff says which line is controlled.
        """
        return self._by_subheading.get(code[:6], []) if code is not None and len(code) < 10 else []

    def goods_of_line(self, code: str | None) -> ControlEntry | None:
        """Return the row that says what goods a national line stands for."""
        return self._goods_line.get(code[:10]) if code is not None and len(code) >= 10 else None
