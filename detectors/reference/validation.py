"""Turn plain entries into contract objects, and check what one entry alone cannot show.

Every mistake found is named with its place; nothing is loaded if there is one.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import timedelta
from functools import cache
from itertools import pairwise
from typing import Any

from pydantic import TypeAdapter, ValidationError

from schemas.errors import ReferenceError_
from schemas.reference import (
    ControlEntry,
    CountryEntry,
    CurrencyPeg,
    DensityBand,
    Entry,
    HeadingBand,
    LexiconEntry,
    PriceBand,
    Producer,
    Suspension,
    cas_is_valid,
)

CONTRACTS: dict[str, type[Entry]] = {
    "controls": ControlEntry,
    "suspensions": Suspension,
    "lexicon": LexiconEntry,
    "prices": PriceBand,
    "heading_bands": HeadingBand,
    "densities": DensityBand,
    "countries": CountryEntry,
    "producers": Producer,
    "pegs": CurrencyPeg,
}
KEYS: dict[str, str] = {
    "controls": "row_id",
    "suspensions": "suspension_id",
    "lexicon": "substance",
    "heading_bands": "prefix",
    "densities": "prefix",
    "countries": "iso2",
    "producers": "substance",
    "pegs": "currency",
}
Tables = Mapping[str, tuple[Any, ...]]


@cache
def _adapter(name: str) -> TypeAdapter[Any]:
    return TypeAdapter(tuple[CONTRACTS[name], ...])  # type: ignore[valid-type]  # known at run time only


def entries(name: str, rows: Sequence[Mapping[str, Any]], places: Sequence[str]) -> tuple[Any, ...]:
    """Validate the rows of a table; raise :class:`ReferenceError_` with one line for each mistake."""
    if name not in CONTRACTS:
        raise ReferenceError_(f"{name}: no such table; there are {', '.join(CONTRACTS)}")
    if not rows:
        raise ReferenceError_(f"{name}: a table must not be empty")
    try:
        # By way of JSON: the contracts are strict, and there dates and tuples have one spelling.
        made: tuple[Any, ...] = _adapter(name).validate_json(json.dumps(rows, default=str))
    except (ValidationError, TypeError, ValueError) as error:
        if not isinstance(error, ValidationError):
            raise ReferenceError_(f"{name}: not a table of plain values: {error}") from error
        problems = []
        for found in error.errors():
            at, *path = found["loc"] or (0,)
            where = places[at] if isinstance(at, int) and at < len(places) else name
            problems.append(f"{where}: {'.'.join(map(str, path)) or 'entry'}: {found['msg']}")
        raise ReferenceError_("\n".join(problems)) from error
    problems = list(_duplicates(name, made, places))
    if problems:
        raise ReferenceError_("\n".join(problems))
    return made


def _duplicates(name: str, made: Iterable[Any], places: Sequence[str]) -> Iterable[str]:
    if name in KEYS:
        key = KEYS[name]
        seen: dict[str, str] = {}
        for entry, place in zip(made, places, strict=True):
            value = getattr(entry, key)
            if value in seen:
                yield f"{place}: {key} {value} stands at {seen[value]} too"
            seen[value] = place


def _controls(tables: Tables) -> Iterable[str]:
    substances = {entry.substance for entry in tables["lexicon"]}
    scopes = {entry.scope for entry in tables["controls"]}
    for entry in tables["controls"]:
        for key in entry.substances:
            if key not in substances:
                yield f"controls {entry.row_id}: substance {key!r} is not in the lexicon"
        for scope in entry.covers:
            if scope not in scopes:
                yield f"controls {entry.row_id}: covers {scope}, which no row lists"
        for cas in entry.cas:
            if not cas_is_valid(cas):
                yield f"controls {entry.row_id}: CAS {cas} has a wrong check digit"
        for code in (entry.code8, entry.code10):
            if code and entry.hs6 and not code.startswith(entry.hs6):
                yield f"controls {entry.row_id}: code {code} is not under HS {entry.hs6}"
        if entry.code10 and entry.code8 and not entry.code10.startswith(entry.code8):
            yield f"controls {entry.row_id}: code {entry.code10} is not under {entry.code8}"
        if entry.status == "from memory" and entry.can_prohibit:
            yield f"controls {entry.row_id}: a row from memory must not be able to prohibit"


def _suspensions(tables: Tables) -> Iterable[str]:
    for suspension in tables["suspensions"]:
        if not any(suspension.touches(entry) for entry in tables["controls"]):
            yield f"suspensions {suspension.suspension_id}: suspends no control row"


def _prices(tables: Tables) -> Iterable[str]:
    substances = {entry.substance for entry in tables["lexicon"]}
    series: dict[tuple[str, str], list[PriceBand]] = {}
    for band in tables["prices"]:
        series.setdefault((band.substance, band.form), []).append(band)
        if band.substance not in substances:
            yield f"prices {band.substance}: not in the lexicon"
        if band.since.day != 1 or (band.until and (band.until + timedelta(days=1)).day != 1):
            yield f"prices {band.substance} {band.form}: {band.since} to {band.until} is not made of whole months"
    for (substance, form), bands in series.items():
        for earlier, later in pairwise(sorted(bands, key=lambda b: b.since)):
            if earlier.until is None or earlier.until + timedelta(days=1) != later.since:
                yield f"prices {substance} {form}: gap or overlap between {earlier.until} and {later.since}"


def _countries(tables: Tables) -> Iterable[str]:
    by_code = {entry.iso2: entry for entry in tables["countries"]}
    for entry in tables["countries"]:
        for neighbour in entry.borders:
            if neighbour not in by_code:
                yield f"countries {entry.iso2}: borders {neighbour}, which is not in the table"
            elif entry.iso2 not in by_code[neighbour].borders:
                yield f"countries {entry.iso2}: borders {neighbour}, but {neighbour} does not border it"


def _producers(tables: Tables) -> Iterable[str]:
    known = {entry.iso2 for entry in tables["countries"]}
    substances = {entry.substance for entry in tables["lexicon"]}
    for producer in tables["producers"]:
        if producer.substance not in substances:
            yield f"producers {producer.substance}: not in the lexicon"
        for country in (*producer.countries, *producer.recycling):
            if country not in known:
                yield f"producers {producer.substance}: {country} is not in the table of countries"


_CHECKS: tuple[Callable[[Tables], Iterable[str]], ...] = (_controls, _suspensions, _prices, _countries, _producers)


def check_together(tables: Tables) -> None:
    """Check the tables against each other; raise :class:`ReferenceError_` with every problem."""
    problems = [problem for check in _CHECKS for problem in check(tables)]
    if problems:
        many = Counter(problem.split(" ", 1)[0] for problem in problems)
        summary = ", ".join(f"{count} in {table}" for table, count in many.items())
        raise ReferenceError_("\n".join([*problems, f"({summary}; nothing was loaded)"]))
