"""How a substance is named, half named, and hidden in a text."""

from __future__ import annotations

from collections.abc import Callable

from streams.simulate.chance import Chance
from streams.simulate.substances import Substance

# Cyrillic and Greek letters that look Latin.
_TWINS = str.maketrans({"a": "а", "e": "е", "o": "о", "i": "і", "p": "р", "c": "с", "y": "у", "A": "А", "M": "М"})
_FULL_WIDTH = str.maketrans({chr(code): chr(code + 0xFEE0) for code in range(0x21, 0x7F)} | {" ": "\u3000"})


def plain(substance: Substance, chance: Chance) -> str:
    """Return a name in one of six languages, often with a grade."""
    name = chance.one(substance.names[chance.one(("en", "en", "zh", "zh", "hant", "ru", "de", "es"))])
    grade = f" {chance.one(substance.grades)}" if chance.maybe(0.45) else ""
    cased = name.upper() if chance.maybe(0.4) else name.capitalize() if chance.maybe(0.4) else name
    return cased + grade


def _spaced(substance: Substance, chance: Chance) -> str:
    return chance.one((" ", ".", "-", " ")).join(chance.one(substance.names["en"]).split()[0])


def _twins(substance: Substance, chance: Chance) -> str:
    name = chance.one(substance.names["en"])
    return (name.capitalize() if chance.maybe(0.5) else name).translate(_TWINS)


def _full_width(substance: Substance, chance: Chance) -> str:
    return chance.one(substance.names["en"]).upper().translate(_FULL_WIDTH)


def _zero_width(substance: Substance, chance: Chance) -> str:
    name = chance.one(substance.names["en"])
    middle = len(name.split()[0]) // 2
    return f"{name[:middle]}\u200b{name[middle:]}"


def _spaced_hanzi(substance: Substance, chance: Chance) -> str:
    return chance.one((" ", "　", "·")).join(chance.one(substance.names["zh"]))


def _formula(substance: Substance, chance: Chance) -> str:
    return f"{substance.formula} {chance.one(substance.grades)}"


def _cas(substance: Substance, chance: Chance) -> str:
    return chance.one(("CAS {}", "CAS NO. {}", "CAS:{}", "cas {}")).format(substance.cas)


_VEILS: tuple[Callable[[Substance, Chance], str], ...] = (
    _spaced,
    _twins,
    _full_width,
    _zero_width,
    _spaced_hanzi,
    _formula,
    _cas,
)


def hint(substance: Substance, chance: Chance) -> str:
    """Return something that still names the substance: half the time plainly, else by one of the evasive ways."""
    return plain(substance, chance) if chance.maybe(0.5) else chance.one(_VEILS)(substance, chance)


def slipped_in(cover: str, substance: Substance, chance: Chance) -> str:
    """Return a cover text in which the substance is named after all."""
    told = hint(substance, chance)
    return chance.one(("{} ({})", "{} / {}", "{}, {}", "{} {}")).format(cover, told)
