"""Names of columns, made comparable; what they may mean stands in ``mapping_words.yaml``."""

from __future__ import annotations

import re
import unicodedata
from functools import cache
from pathlib import Path
from typing import Final

import yaml

_CAMEL: Final = re.compile(r"(?<=[a-zа-я0-9])(?=[A-ZА-Я])|(?<=[A-Z])(?=[A-Z][a-z])")
#: A unit at the end of a name: ``Peso neto (kg)``, ``net_wt_g``.
_UNIT: Final = re.compile(
    r"[\s_\[(,/.-]+(kgs?|kgm|g|gr|grm|gramm?e?s?|t|to|tonnes?|tons?|lbs?|千克|公斤|克|吨|кг|г|т|m3|m³|cbm|l)[\])\s.]*\Z",
    re.IGNORECASE,
)
_UNIT_WORDS: Final = {
    "gr": "g", "grm": "g", "gram": "g", "grams": "g", "gramm": "g", "gramme": "g", "grammes": "g", "to": "t", "tonne": "t",
    "tonnes": "t", "ton": "t", "tons": "t", "kgs": "kg", "kgm": "kg", "lbs": "lb", "m³": "m3", "cbm": "m3",
}  # fmt: skip


def plain(name: str) -> str:
    """Return a name for comparison: words apart, lower case, without accents and punctuation."""
    spaced = _CAMEL.sub(" ", unicodedata.normalize("NFKC", name))
    bare = "".join(c for c in unicodedata.normalize("NFKD", spaced) if not unicodedata.combining(c))
    return " ".join(re.sub(r"[^\w]+|_", " ", bare.casefold()).split())


def without_unit(name: str) -> tuple[str, str | None]:
    """Return a name without the unit that ends it, and that unit as mappings write it."""
    spaced = _CAMEL.sub(" ", unicodedata.normalize("NFKC", name))
    found = _UNIT.search(spaced)
    if found is None or not spaced[: found.start()].strip():
        return name, None
    unit = found[1].lower()
    return spaced[: found.start()], _UNIT_WORDS.get(unit, unit)


@cache
def _words() -> dict[str, dict[str, list[str]]]:
    """Return the sections of ``mapping_words.yaml``, every word plain."""
    path = Path(__file__).with_name("mapping_words.yaml")
    sections = yaml.load(path.read_text("utf-8"), Loader=yaml.CSafeLoader)
    return {
        section: {meant: sorted({plain(str(word)) for word in words}) for meant, words in entries.items()}
        for section, entries in sections.items()
    }


def names() -> dict[str, list[str]]:
    """Return what fields are called: plain names by target."""
    return _words()["names"]


def lookup(section: str, value: str) -> str | None:
    """Return the value of the contract that a feed's word means; section is modes, events or regimes."""
    wanted = plain(value)
    return next((meant for meant, words in _words()[section].items() if wanted in words), None)
