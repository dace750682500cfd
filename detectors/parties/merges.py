"""Merges: what people know better than spelling. A YAML file says which parties are one, and which only look so.

::

    merge:
      - [91430100MA4L2ABCXY, Hunan Yongli Metals, 湖南永利金属有限公司]
      - parties: [GB123456789000, {name: Northgate Alloys, country: GB}]
        reason: re-registered on 2026-03-01, same premises and staff
        author: j.smith
    keep_apart:
      - parties: [{name: Huaxin Metals, city: Shenzhen}, {name: Huaxin Metals, city: Foshan}]
        reason: two firms of one name; called both
        author: j.smith

An entry is an identifier or a name, or a mapping of ``id``, ``name``, ``country``, ``city``, all of which must fit. Merged
parties get the key of the first entry. Of parties kept apart, the first keeps its key. Identifiers go before names: a party
that states an identifier is merged by that identifier only.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rapidfuzz import fuzz, process

from detectors.parties._ids import id_basis, normal_id
from detectors.parties._letters import folded, latin, split
from detectors.parties._names import read_name
from detectors.rules.located import Document, Loc, Problem, shown
from schemas.errors import SettingsError
from schemas.types import country_codes

_TOP = ("merge", "keep_apart")
_GROUP = ("parties", "reason", "author")
_ENTRY = ("id", "name", "country", "city")


@dataclass(frozen=True, slots=True)
class Entry:
    """One party of a group, as the file names it; ``text`` is a string that may be an identifier or a name."""

    text: str | None = None
    id: str | None = None
    name: str | None = None
    country: str | None = None
    city: str | None = None

    def __str__(self) -> str:
        parts = (self.text, self.id, self.name, self.city, self.country)
        return ", ".join(part for part in parts if part)

    @property
    def known_id(self) -> str | None:
        """The identifier it may mean, normalised."""
        stated = self.id or self.text
        return normal_id(stated) if stated else None

    @property
    def named(self) -> str | None:
        """The name it may mean, as :func:`read_name` reads it."""
        stated = self.name or self.text
        read = read_name(stated, self.country) if stated else None
        return None if read is None else read.text

    @property
    def basis(self) -> str:
        """What the key of the party is made from."""
        if self.id or (self.text and _looks_like_id(self.text)):
            return id_basis(self.known_id or "", self.country)
        return f"name|{self.country or ''}|{self.named}"


@dataclass(frozen=True, slots=True)
class Group:
    """Parties that are one, or that are not, with the reason and who says so (None if the file does not say)."""

    entries: tuple[Entry, ...]
    reason: str | None
    author: str | None

    @property
    def because(self) -> str:
        """Reason and author, to follow a sentence."""
        said = f": {self.reason}" if self.reason else ""
        return f"{said} ({self.author})" if self.author else said


@dataclass(frozen=True, slots=True)
class Merged:
    """The party that another is merged into."""

    basis: str
    into: str
    because: str


@dataclass(frozen=True, slots=True)
class Apart:
    """A group that keeps a party apart from ``others``; ``suffix`` makes its key another one, if it would be the same."""

    group: str
    suffix: str
    others: str
    because: str


def _looks_like_id(text: str) -> bool:
    return " " not in text and any(c.isdigit() for c in text)


def _spelt(name: str) -> str:
    """Return a name as it is written, but for case, punctuation and script: its legal form kept."""
    return " ".join(latin(split(folded(name))))


class Merges:
    """Groups of parties that are one, and that are kept apart. Falsy if there are none."""

    def __init__(self, merge: Iterable[Group] = (), keep_apart: Iterable[Group] = ()) -> None:
        self.merge = tuple(merge)
        self.keep_apart = tuple(keep_apart)
        self._by_id: dict[str, list[tuple[Entry, Merged]]] = {}
        self._by_name: dict[str, list[tuple[Entry, Merged]]] = {}
        for group in self.merge:
            into = Merged(group.entries[0].basis, str(group.entries[0]), group.because)
            for entry in group.entries:
                if entry.known_id is not None and entry.name is None:
                    self._by_id.setdefault(entry.known_id, []).append((entry, into))
                if entry.named is not None and entry.id is None:
                    self._by_name.setdefault(entry.named, []).append((entry, into))
        self._apart_by_id: dict[str, list[tuple[Entry, Apart]]] = {}
        self._apart_by_name: dict[str, list[tuple[Entry, Apart]]] = {}
        for group in self.keep_apart:
            self._keep_apart(group)

    @classmethod
    def none(cls) -> Merges:
        """Return merges of nothing."""
        return cls()

    def __bool__(self) -> bool:
        return bool(self.merge or self.keep_apart)

    def _keep_apart(self, group: Group) -> None:
        label = hashlib.blake2b("|".join(sorted(map(str, group.entries))).encode(), digest_size=8).hexdigest()
        taken: set[tuple[str | None, str | None]] = set()
        for entry in group.entries:
            others = "', '".join(str(other) for other in group.entries if other is not entry)
            mark = (entry.id and entry.known_id, entry.named)
            # The first of a name keeps its key, so that its state is found again.
            same = mark in taken or bool(entry.id and any(mark[0] == one for one, _ in taken))
            taken.add(mark)
            apart = Apart(f"apart/{label}", f"apart|{_spelt(str(entry))}" if same else "", others, group.because)
            if entry.id or (entry.text and _looks_like_id(entry.text)):
                self._apart_by_id.setdefault(entry.known_id or "", []).append((entry, apart))
            else:
                self._apart_by_name.setdefault(_spelt(entry.name or entry.text or ""), []).append((entry, apart))

    def merged(self, known_id: str | None, named: str | None, country: str | None) -> Merged | None:
        """Return what a party is merged into, by its normalised identifier, else by its read name and country."""
        for entry, into in self._by_id.get(known_id, ()) if known_id else ():
            if entry.country is None or entry.country == country:
                return into
        for entry, into in self._by_name.get(named, ()) if named else ():
            if entry.country is None or entry.country == country:
                return into
        return None

    def apart(self, known_id: str | None, name: str | None, country: str | None, city: str | None) -> list[Apart]:
        """Return the groups that keep a party apart from others; ``name`` and ``city`` as declared."""
        if not self.keep_apart:
            return []
        spelt = _spelt(name) if name else None
        found = list(self._apart_by_id.get(known_id, ())) if known_id else []
        found += self._apart_by_name.get(spelt, ()) if spelt else ()
        return [
            apart
            for entry, apart in found
            if (entry.country is None or entry.country == country)
            and (entry.city is None or (city is not None and _spelt(entry.city) == _spelt(city)))
            and (entry.name is None or entry.id is None or spelt == _spelt(entry.name))
        ]


def load(path: Path | str) -> Merges:
    """Read a file of merges.

    Raises
    ------
    SettingsError : the file cannot be read, or is wrong; one located line for each mistake.
    """
    file = Path(path)
    try:
        text = file.read_text(encoding="utf-8")
    except UnicodeDecodeError as error:
        raise SettingsError(f"{file}:1: not UTF-8 ({error.reason} at byte {error.start}); save it as UTF-8") from None
    except OSError as error:
        raise SettingsError(f"{file}:1: cannot be read: {error.strerror}") from None
    return parse(text, str(file))


def parse(text: str, file: str) -> Merges:
    """Read merges from YAML; ``file`` is what mistakes are located in. Raises SettingsError as :func:`load`."""
    if not text.strip():
        return Merges.none()
    reading = _Reading(Document(text, file))
    merges = reading.merges()
    if reading.problems:
        raise SettingsError("\n".join(str(problem) for problem in sorted(reading.problems, key=lambda p: p.line)))
    return merges


class _Reading:
    """Turns a document into groups and collects what is wrong with it."""

    def __init__(self, document: Document) -> None:
        self._document = document
        self.problems: list[Problem] = list(document.problems)

    def _complain(self, loc: Loc, message: str) -> None:
        place = Problem(self._document.file, self._document.line(loc), None, shown(loc), message, "merges")
        self.problems.append(place)

    def _known(self, loc: Loc, value: dict[str, Any], keys: tuple[str, ...]) -> None:
        for key in value:
            if key not in keys:
                close = process.extractOne(key, keys, scorer=fuzz.ratio, score_cutoff=50)
                hint = f"did you mean {close[0]}?" if close else "known keys: " + ", ".join(keys)
                self._complain((*loc, key), f"unknown key; {hint}")

    def merges(self) -> Merges:
        top = self._document.value
        if not isinstance(top, dict):
            if not self.problems:
                self._complain((), "must be a mapping with the keys merge and keep_apart")
            return Merges.none()
        self._known((), top, _TOP)
        merge, keep_apart = (self._groups(kind, top.get(kind)) for kind in _TOP)
        self._contradictions(merge, keep_apart)
        if self.problems:
            return Merges.none()
        return Merges([group for _, group in merge], [group for _, group in keep_apart])

    def _groups(self, kind: str, value: Any) -> list[tuple[Loc, Group]]:
        if value is None:
            return []
        if not isinstance(value, list):
            self._complain((kind,), "must be a list of groups")
            return []
        found = [(loc := (kind, number), self._group(loc, group)) for number, group in enumerate(value)]
        return [(loc, group) for loc, group in found if group is not None]

    def _group(self, loc: Loc, value: Any) -> Group | None:
        said: dict[str, str | None] = {"reason": None, "author": None}
        parties, at = value, loc
        if isinstance(value, dict):
            self._known(loc, value, _GROUP)
            for key in said:
                said[key] = self._text((*loc, key), value.get(key), "say who decided this, and why")
            parties, at = value.get("parties"), (*loc, "parties")
        if not isinstance(parties, list) or len(parties) < 2:
            self._complain(at, "must be a list of two parties or more")
            return None
        entries = [self._entry((*at, number), entry) for number, entry in enumerate(parties)]
        if any(entry is None for entry in entries):
            return None
        return Group(tuple(entry for entry in entries if entry is not None), said["reason"], said["author"])

    def _text(self, loc: Loc, value: Any, advice: str) -> str | None:
        if isinstance(value, str) and value.strip():
            return value
        self._complain(loc, f"missing; {advice}" if value is None else f"{value!r} is not text for YAML; quote it")
        return None

    def _entry(self, loc: Loc, value: Any) -> Entry | None:
        if isinstance(value, dict):
            before = len(self.problems)
            self._known(loc, value, _ENTRY)
            for key in _ENTRY:
                if key in value:
                    self._text((*loc, key), value[key], "leave the key out, or give it a value")
            if "id" not in value and "name" not in value:
                self._complain(loc, "needs an id or a name")
            if value.get("country") is not None and value["country"] not in country_codes():
                self._complain((*loc, "country"), f"{value['country']!r} is no ISO 3166-1 alpha-2 code")
            if len(self.problems) > before:
                return None
            entry = Entry(**value)
        else:
            text = self._text(loc, value, "give an identifier or a name")
            if text is None:
                return None
            entry = Entry(text=text)
        if entry.known_id is None and entry.named is None:
            self._complain(loc, f"'{entry}' identifies nobody; give an identifier or a fuller name")
            return None
        return entry

    def _contradictions(self, merge: list[tuple[Loc, Group]], keep_apart: list[tuple[Loc, Group]]) -> None:
        groups: dict[str, set[int]] = {}
        for number, (loc, group) in enumerate(merge):
            for entry in group.entries:
                others = groups.setdefault(entry.basis, set())
                if others - {number}:
                    self._complain(loc, f"'{entry}' stands in another group already; make one group of the two")
                others.add(number)
        for loc, group in keep_apart:
            of = [groups.get(entry.basis, set()) for entry in group.entries if entry.city is None]
            if len(of) > 1 and set.intersection(*of):
                self._complain(loc, "these parties are merged above; take them out of one of the two lists")
            if len(set(group.entries)) < len(group.entries):
                self._complain(loc, "a party stands twice, and cannot be kept apart from itself")
