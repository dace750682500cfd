"""Look up by the longest matching prefix of a commodity code."""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache
from typing import Generic, Protocol, TypeVar


class _Prefixed(Protocol):
    @property
    def prefix(self) -> str: ...


E_ = TypeVar("E_", bound=_Prefixed)


class PrefixTable(Generic[E_]):
    """Entries with an HS prefix of 2, 4 or 6 digits; :attr:`find` gives the one with the longest match, or None."""

    def __init__(self, entries: Iterable[E_]) -> None:
        self._entries = {entry.prefix: entry for entry in entries}
        self.find = lru_cache(maxsize=65536)(self._find)

    def _find(self, code: str | None) -> E_ | None:
        if not code:
            return None
        for length in (6, 4, 2):
            if len(code) >= length and (found := self._entries.get(code[:length])) is not None:
                return found
        return None
