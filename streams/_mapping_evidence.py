"""What the values of a column speak for: whether it can be what its name says, and how a mapping must read it then."""

from __future__ import annotations

import gettext
import re
from dataclasses import dataclass, field
from datetime import datetime
from functools import cache
from typing import Any, Final

import pycountry

from schemas.feeds._mapping import values
from schemas.feeds._mapping.targets import targets
from schemas.types import country_codes, currency_codes
from streams._mapping_words import lookup, plain

#: Share of a column's values that must fit.
_ENOUGH: Final = 0.8
#: Decimal mark and mark between thousands.
STYLES: Final = ((".", ""), (",", ""), (".", ","), (",", "."), (",", " "), (".", " "), (".", "'"))
_DATES: Final = (
    "%d/%m/%Y", "%m/%d/%Y", "%d.%m.%Y", "%d-%m-%Y", "%Y/%m/%d", "%Y.%m.%d", "%d/%m/%Y %H:%M", "%d/%m/%Y %H:%M:%S",
    "%m/%d/%Y %H:%M", "%m/%d/%Y %H:%M:%S", "%m/%d/%Y %I:%M:%S %p", "%d.%m.%Y %H:%M", "%d.%m.%Y %H:%M:%S",
    "%d-%m-%Y %H:%M", "%d-%m-%Y %H:%M:%S", "%Y/%m/%d %H:%M", "%Y/%m/%d %H:%M:%S", "%d-%b-%Y", "%d %b %Y", "%d-%b-%y",
    "%d/%m/%y", "%m/%d/%y", "%d.%m.%y", "%Y年%m月%d日",
)  # fmt: skip
_LANGUAGES: Final = ("fr", "es", "de", "pt", "pt_BR", "ru", "zh_CN", "id")
_NULLS: Final = frozenset({"", "-", "--", "n/a", "na", "null", "none", "nil", "/"})
_CONTAINER: Final = re.compile(r"[A-Z]{4} ?[0-9]{6,7}(?:-?[0-9])?\Z")


@dataclass(slots=True)
class Evidence:
    """``share`` of the values that fit; ``keys`` for the mapping; ``note`` for its reader; ``strong`` if no accident."""

    share: float
    keys: dict[str, Any] = field(default_factory=dict)
    note: str = ""
    strong: bool = False

    @property
    def enough(self) -> bool:
        """Whether the column can be what it is taken for."""
        return self.share >= _ENOUGH


def is_null(value: str) -> bool:
    """Say whether feeds write this for nothing."""
    return value.strip().lower() in _NULLS


def style_of(columns: list[list[str]], prefer_comma: bool) -> tuple[str, str]:
    """Return how the numbers of a feed are written: decimal mark and thousands that read them all."""
    found = [v for column in columns for v in column if any(c.isdigit() for c in v) and not any(c.isalpha() for c in v)]
    styles = sorted(STYLES, key=lambda style: (style[0] == ",") != prefer_comma)
    return max(styles, key=lambda style: sum(_is_number(value, style) for value in found))


def _is_number(value: str, style: tuple[str, str]) -> bool:
    try:
        values.number(value, *style)
    except ValueError:
        return False
    return True


def weigh(target: str, found: list[str], style: tuple[str, str]) -> Evidence:
    """Weigh the values of a column as those of a target."""
    present = [value for value in found if not is_null(value)][:500]
    if not present:
        return Evidence(1.0, note="empty in the sample")
    known = targets()[target]
    if known.many:
        return _several(target, present)
    kind = known.kind
    if kind in ("kg", "m3", "amount", "whole"):
        share = _share(present, lambda value: _is_number(value, style))
        if kind == "whole" and share == 1.0 and any(values.number(v, *style) % 1 for v in present):
            return Evidence(0.0)
        return Evidence(share)
    if kind == "commodity":
        digits = [re.sub(r"[\s.\-]", "", value) for value in present]
        share = _share(digits, lambda value: value.isdigit() and 4 <= len(value) <= 14)
        return Evidence(share, strong=share == 1.0 and _share(digits, lambda d: len(d) >= 6) > 0.9)
    if kind == "country":
        return _countries(present)
    if kind == "currency":
        share = _share(present, lambda value: value.upper() in currency_codes())
        table = {"RMB": "CNY"} if any(value.upper() == "RMB" for value in present) else {}
        return Evidence(1.0 if table else share, {"table": table} if table else {}, strong=share == 1.0)
    if kind in ("time", "day"):
        return _dates(present)
    if kind == "choice":
        return _choice(target, present)
    return _text(target, present)


def _share(found: list[str], fits: Any) -> float:
    return sum(bool(fits(value)) for value in found) / len(found)


def _text(target: str, found: list[str]) -> Evidence:
    worded = _share(found, lambda value: any(char.isalpha() for char in value))
    if target.endswith((".name", "description", "address")):
        return Evidence(worded, strong=False)
    if target.endswith("type"):
        return Evidence(_share(found, lambda value: len(value) <= (2 if "packages" in target else 16)))
    if target.endswith("unit"):
        return Evidence(_share(found, lambda value: re.fullmatch(r"[A-Za-z0-9]{1,3}", value)))
    if target.endswith("cas"):
        return Evidence(_share(found, lambda value: re.fullmatch(r"[0-9]{2,7}-[0-9]{2}-[0-9]", value)), strong=True)
    if target == "mrn":
        return Evidence(_share(found, lambda value: re.fullmatch(r"[0-9A-Za-z ]{8,35}", value)))
    return Evidence(_share(found, lambda value: len(value) <= 255))


def _countries(found: list[str]) -> Evidence:
    if (share := _share(found, lambda value: value.upper() in country_codes())) >= _ENOUGH:
        return Evidence(share, strong=share == 1.0)
    english = values.country_names()
    if (share := _share(found, lambda value: value.casefold() in english)) >= _ENOUGH:
        return Evidence(share, {"table": "countries"}, strong=True)
    told = country_words()
    table = {value: told[plain(value)] for value in dict.fromkeys(found) if plain(value) in told}
    share = _share(found, lambda value: value in table)
    return Evidence(share, {"table": table}, "add the countries that the sample does not show")


@cache
def country_words() -> dict[str, str]:
    """Return the names of countries in the languages of the word list, plain, with their ISO code."""
    found: dict[str, str] = {}
    for language in _LANGUAGES:
        try:
            told = gettext.translation("iso3166-1", pycountry.LOCALES_DIR, languages=[language]).gettext
        except OSError:
            continue
        for country in pycountry.countries:
            for name in (country.name, getattr(country, "common_name", country.name)):
                found.setdefault(plain(told(name)), str(country.alpha_2))
    return found


def _several(target: str, found: list[str]) -> Evidence:
    if target == "transport.containers":
        split = next((mark for mark in (";", ",", "|", "/") if any(mark in value for value in found)), None)
        parts = [part.strip() for value in found for part in (value.split(split) if split else [value])]
        share = _share(parts, lambda part: _CONTAINER.match(part.upper()))
        return Evidence(max(share, 0.8), {"split": split} if split else {}, strong=share > 0.9)
    if target == "routing":
        for mark in (">", "->", "-", ";", ",", "/", " ", "|"):
            parts = [part.strip() for value in found for part in value.split(mark) if part.strip()]
            if any(mark in value for value in found) and _share(parts, lambda p: p.upper() in country_codes()) > 0.9:
                return Evidence(1.0, {"split": mark}, strong=True)
        share = _share(found, lambda value: value.upper() in country_codes())
        return Evidence(share)
    split = next((mark for mark in (";", ",", "|") if any(mark in value for value in found)), None)
    return Evidence(1.0, {"split": split} if split else {})


def _dates(found: list[str]) -> Evidence:
    if _all(found, lambda value: values.moment(value, (), "UTC")) and not _all(found, lambda v: int(v) and len(v) < 8):
        return Evidence(1.0, strong=True)
    fitting = [form for form in _DATES if _all(found, lambda value, form=form: datetime.strptime(value, form))]
    if fitting:
        unsure = len(fitting) > 1
        note = f"day or month first? {fitting[1]} fits as well" if unsure else ""
        return Evidence(1.0, {"date": fitting[0]}, note, strong=not unsure)
    for form, low, high in (("unix", 1e8, 5e9), ("unix_ms", 1e11, 5e12), ("excel", 3e4, 6e4)):
        if _all(found, lambda v, low=low, high=high: 1 / (low < float(v) < high)):
            return Evidence(1.0, {"date": form}, "numbers taken for dates")
    return Evidence(0.0)


def _all(found: list[str], read: Any) -> bool:
    try:
        return all(read(value) is not None for value in found)
    except (ValueError, OverflowError, ZeroDivisionError):
        return False


def _choice(target: str, found: list[str]) -> Evidence:
    known = targets()[target]
    if all(value.lower() in known.choices for value in found):
        return Evidence(1.0, strong=True)
    if target.endswith("mode") and all(re.fullmatch(r"[1-9]", value) for value in found):
        return Evidence(1.0, {"table": "transport_modes"}, "taken for the codes of UN/ECE Recommendation 19")
    section = {"event": "events", "regime": "regimes"}.get(target, "modes")
    table = {value: meant for value in dict.fromkeys(found) if (meant := lookup(section, value)) is not None}
    share = _share(found, lambda value: value in table)
    return Evidence(share, {"table": table}, "add the codes that the sample does not show")
