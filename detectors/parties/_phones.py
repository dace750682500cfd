"""Telephone numbers: one number, E.164, however it is written; extensions, faxes and placeholders are left out.

Google's tables of numbering plans (library ``phonenumbers``) say how a number is dialled in each country. A number that
already is international needs only its plan looked up: that is done here, at a tenth of the cost of a full parse and, as a
test shows, with the same result; every other number is parsed by the library.
"""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache
from typing import NamedTuple

import phonenumbers
from phonenumbers import PhoneMetadata

#: Telephones of one field: a main line and a mobile; more is a list of a group.
MOST = 3
#: Shorter ones are internal; E.164 allows 15 digits.
_SHORTEST, _LONGEST = 7, 15
#: Nothing but one number.
_ONE = re.compile(r"[+ ()]*[\d ().-]+")
_PARTS = re.compile(r"[;,|、，；\n]|\bor\b|\band\b|\u6216")
#: "Tel" and the like say nothing; what follows a word for fax, until the next word, is none to talk to.
_LABEL = re.compile(
    r"(?i)(telefax|fax|faks|факс|传真|傳真)|电话|電話|手机|手機|(?<![a-z])(?:telephone|tel|t|mobile|mob|m|cell|phone|ph|тел|моб)(?![a-z])"
)
_EXTENSION = re.compile(
    r"(?i)(?:extension|extn|ext|доб|int|転|转|轉|內線|内线|内線|#|;ext=|(?<=[\d ])x)[ .:]*\d{1,6}\D*$"
)
_INNER = re.compile(r"-\d{1,4}$")
_NOT_DIGIT = re.compile(r"\D+")
_ASCENDING = "01234567890123456789"
_DESCENDING = _ASCENDING[::-1]
#: Customs territories that are dialled as part of another.
_DIALLED_AS = {"XI": "GB", "XC": "ES", "XL": "ES"}


class Phone(NamedTuple):
    """A number: the text that is compared, and a masked one for people."""

    number: str
    shown: str


class _Plan(NamedTuple):
    lengths: frozenset[int]
    prefix: re.Pattern[str] | None


@lru_cache(None)
def _plan(calling_code: int) -> _Plan | None:
    regions = phonenumbers.COUNTRY_CODE_TO_REGION_CODE.get(calling_code)
    if not regions or regions[0] == "001":
        return None
    metadata = PhoneMetadata.metadata_for_region(regions[0], None)
    if metadata is None or metadata.general_desc is None:
        return None
    prefix = metadata.national_prefix_for_parsing
    return _Plan(frozenset(metadata.general_desc.possible_length), re.compile(prefix) if prefix else None)


def _international(digits: str) -> tuple[int, str] | None:
    """Return calling code and national number of digits in international form; None where the library must judge."""
    for width in (1, 2, 3):
        code = int(digits[:width])
        if code in phonenumbers.COUNTRY_CODE_TO_REGION_CODE:
            plan, national = _plan(code), digits[width:]
            if plan is None or len(national) not in plan.lengths:
                return None
            if plan.prefix is not None and plan.prefix.match(national):
                return None
            return code, national
    return None


def _parsed(text: str, region: str | None) -> tuple[int, str] | None:
    try:
        found = phonenumbers.parse(text, region)
    except phonenumbers.NumberParseException:
        return None
    if not phonenumbers.is_possible_number(found):
        return None
    return found.country_code or 0, phonenumbers.national_significant_number(found)


def _placeholder(digits: str) -> bool:
    """Tell whether a number is what people write who have none: 000000, 123456789, 99999999, 10000000."""
    core = digits.strip("0")
    return len(set(core)) <= 1 or digits in _ASCENDING or digits in _DESCENDING or core in _ASCENDING


def _masked(code: int, national: str) -> str:
    """Return a number with four digits and more hidden, whatever its length."""
    shown = max(0, len(national) - 4)
    tail = min(4, shown)
    head = min(3, shown - tail)
    return " ".join(part for part in (f"+{code}", national[:head], "****", national[len(national) - tail :]) if part)


@lru_cache(16_384)
def _read(text: str, country: str | None) -> Phone | None:
    digits = _NOT_DIGIT.sub("", text)
    if not _SHORTEST <= len(digits) <= _LONGEST + 5 or _placeholder(digits):
        return None
    region = _DIALLED_AS.get(country, country) if country else None
    found = None
    abroad = text.startswith("+")
    if abroad:
        found = _international(digits) or _parsed(f"+{digits}", region)
    elif digits.startswith("00"):
        found = _international(digits[2:]) or _parsed(f"+{digits[2:]}", region)
    if found is None and not abroad and region in phonenumbers.SUPPORTED_REGIONS:
        found = _parsed(digits, region)
        if found is None and (inner := _INNER.search(text)):  # "8888-1234-801": the last group is an extension
            found = _parsed(_NOT_DIGIT.sub("", text[: inner.start()]), region)
    if found is None and not abroad and len(digits) > 10:
        found = _international(digits)
    if found is None:
        # Not dialable as it stands: the same wrong number twice is still one number.
        tail = digits.lstrip("0")
        if len(tail) < _SHORTEST:
            return None
        return Phone(f"{'+' if abroad else country or ''}?{tail}", f"**** {tail[-min(4, len(tail) - 4) :]}")
    code, national = found
    if _placeholder(national) or len(national) < 5:
        return None
    return Phone(f"+{code}{national}", _masked(code, national))


@lru_cache(16_384)
def read_phones(stated: str, country: str | None) -> tuple[Phone, ...]:
    """Read a field of telephone numbers, at most :data:`MOST` of them.

    Parameters
    ----------
    stated : the field as declared; several numbers, labels, extensions and faxes may stand in it.
    country : of the party, for numbers without a country code.
    """
    text = stated if stated.isascii() else unicodedata.normalize("NFKC", stated)
    if _ONE.fullmatch(text):
        one = _read(text.strip(" ().-"), country)
        return (one,) if one is not None else ()
    parts = [text]
    if _PARTS.search(text) or _LABEL.search(text):
        parts = [part for piece in _PARTS.split(text) if piece for part in _unlabelled(piece)]
    if "/" in text:
        parts = [number for part in parts for number in _of_slashes(part)]
    found: list[Phone] = []
    for part in parts[: 2 * MOST]:
        phone = _read(_EXTENSION.sub("", part).strip(" ():.-"), country)
        if phone is not None and phone not in found:
            found.append(phone)
    return tuple(found[:MOST])


def _unlabelled(piece: str) -> list[str]:
    """Return the numbers of a piece without their labels, and without those that a word for fax precedes."""
    found = []
    at, fax = 0, False
    for label in _LABEL.finditer(piece):
        if not fax:
            found.append(piece[at : label.start()])
        at, fax = label.end(), label.group(1) is not None
    if not fax:
        found.append(piece[at:])
    return found


def _of_slashes(part: str) -> list[str]:
    """Return "0755-1234567/7654321" as two numbers, "88881234/5" as one, "040/123456" as one with an area code."""
    pieces = part.split("/")
    if len(_NOT_DIGIT.sub("", pieces[0])) < _SHORTEST:
        return [part.replace("/", "")]
    return [piece for piece in pieces if len(_NOT_DIGIT.sub("", piece)) >= _SHORTEST]
