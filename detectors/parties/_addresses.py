"""Addresses: one text for many ways to write a place in a street; nothing for a bare city, or a box at a post office."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import NamedTuple

from anyascii import anyascii

from detectors.parties._letters import folded, read_unspaced
from detectors.parties._words import words

#: Boxes are shared by too many, and their number is often left out.
_BOX = re.compile(
    r"\b(?:p\.? ?o\.? ?b(?:ox|\.)|gpo box|locked bag|post ?box|postfach|postbus|apartado|casilla|caixa postal|bo[iî]te postale"
    r"|b\.?p\.? ?\d|c\.?p\.? ?\d{2,}|а/я|skr\. ?poczt)"
    r"|邮政信箱|郵政信箱|信箱|私書箱|사서함"
)
_BOX_SIGNS = (
    "box",
    "post",
    "p.o",
    "p o",
    "bag",
    "apartad",
    "casilla",
    "caixa",
    "boite",
    "bp",
    "b.p",
    "cp",
    "c.p",
    "а/я",
    "skr",
    "信箱",
    "私",
    "사서함",
)
#: Chinese, Japanese and Korean words beside numbers: "88号5楼501室" is "88, floor 5, room 501".
_HANZI_UNIT = re.compile(r"(\d+[a-z]?|[a-z]) ?(号楼|號樓|号|號|室|房|호|楼|樓|层|層|階|층|栋|棟|幢|座|동)")
_HANZI_UNITS = (
    {"号楼": "block", "號樓": "block"}
    | dict.fromkeys("号號", "")
    | dict.fromkeys("室房호", "room")
    | dict.fromkeys("楼樓层層階층", "floor")
    | dict.fromkeys("栋棟幢座동", "block")
)
_HANZI_WORD = re.compile("大道|[路街巷弄]|中国|中國|[省市]|自治区|大厦|大廈|(?<=[\u4e00-\u9fff]{2})[区區县縣镇鎮村]")
_HANZI_WORDS = {"大道": "avenue", "路": "road", "街": "street", "巷": "lane", "弄": "lane"}
_HANZI = re.compile("[\u3400-\u9fff\uac00-\ud7af]")
#: Words, numbers ("88", "88-2", "12a", "5/f"), and what parts the pieces of an address.
_TOKEN = re.compile(r"\d+(?: ?[-/] ?\d+)*(?:/f|[a-z]{1,2})?(?![a-z])|[a-z]+|\d+|[,;]")
_DIGIT = re.compile("[0-9]")
_ORDINALS = frozenset({"st", "nd", "rd", "th"})
_STREETS = frozenset(
    {"street", "road", "avenue", "boulevard", "lane", "drive", "highway", "parkway", "square", "estate", "zone"}
)
_NAMED_STREET = re.compile("(?:strasse|street|str|straat|weg|gasse|allee|gata|vej|laan|kade|daero|gil)$")
#: Five digits and more say no more than the town.
_POSTCODE = re.compile(r"\d{5,}(?:x\d+)?")
MOST_WORDS = 24
_LONGEST_CITY = 40


class Address(NamedTuple):
    """An address: the text that is compared, and a masked one for people."""

    text: str
    shown: str


def _words(text: str) -> list[str]:
    """Return the words of a folded address in its order, read alike, with the numbers of rooms and floors bound to them."""
    if not text.isascii():
        if _HANZI.search(text):
            text, _ = read_unspaced(text)
            text = _HANZI_UNIT.sub(lambda mark: f" {_HANZI_UNITS[mark.group(2)]}{mark.group(1)} ", text)
            text = _HANZI_WORD.sub(lambda mark: f" {_HANZI_WORDS.get(mark.group(), '')} ", text)
        text = anyascii(text).lower()
    known = words()
    found: list[str] = []
    unit = ""
    ordinal = False
    for token in _TOKEN.findall(text.replace("'", "").replace(".", " ")):
        if token[0].isdigit():
            number = token.rstrip("abcdefghijklmnopqrstuvwxyz/")
            letters = token[len(number) :].lstrip("/")
            number = number.replace(" ", "").replace("-", "x").replace("/", "x")
            if letters == "f":
                unit, letters = "floor", ""
            elif letters in _ORDINALS and not unit:
                ordinal, letters = True, ""  # "3rd floor": the word for it comes next
            elif letters and not unit and letters in known.address_units:
                unit, letters = known.address_units[letters], ""
            found.append(unit + number + letters)
            unit = ""
            continue
        if unit:
            found.append(unit + token if len(token) == 1 and token.isalpha() else unit)
            if len(token) == 1:
                unit = ""
                continue
        unit = known.address_units.get(token, "")
        if unit == "floor" and ordinal:
            found[-1], unit = unit + found[-1], ""
        elif not unit and token.isalpha() and token not in known.address_stop:
            found.append(known.address.get(token) or token.replace("strasse", "str"))
    return [*found, unit] if unit else found


def _is_street_level(tokens: list[str], town_known: bool) -> bool:
    """Tell whether words (those of the town left out) say where in it: a number and a street, or a street and a house."""
    places = words().places
    named = numbers = 0
    streets = False
    for token in tokens:
        if not token.isalpha():
            numbers += _DIGIT.search(token) is not None and _POSTCODE.fullmatch(token) is None
        elif token in _STREETS:
            streets = True
        elif len(token) > 1 and token not in places:
            named += 1
            streets = streets or _NAMED_STREET.search(token) is not None
    if not named:  # "Street 45, Building 12"
        return town_known and numbers >= 2
    if numbers:
        return town_known or streets or named >= 2
    return streets and named >= 3


@lru_cache(4_096)
def _town(city: str) -> tuple[str, ...]:
    return tuple([word for word in _words(folded(city)) if word.isalpha()][:4])


@lru_cache(16_384)
def read_address(stated: str, city: str | None, postcode: str | None, country: str | None) -> Address | None:
    """Read an address; None where it is no more than a town, or a box at a post office.

    Parameters
    ----------
    stated : the street and what belongs to it; the city may stand in it.
    city, postcode, country : the party's, if given apart.
    """
    text = folded(stated)
    if any(sign in text for sign in _BOX_SIGNS) and _BOX.search(text):
        return None
    if city is not None and (len(city) > _LONGEST_CITY or _DIGIT.search(city)):
        city = None  # more than a city: it may hold the street
    own = _words(text)[:MOST_WORDS]
    town = _town(city) if city else ()
    if not _is_street_level([t for t in own if t not in town], bool(town)):
        return None
    place = city.strip() if city else country
    # Whether the town and its postcode stand in the address or beside it makes no difference.
    codes = set(_words(folded(postcode))) if postcode else set()
    street = [t for t in own if t not in codes and not _POSTCODE.fullmatch(t)]
    if _DIGIT.search(" ".join(street)) is None:  # a house may have the number 12345
        street = own
    key = " ".join(sorted({*street, *town}))
    return Address(f"{country or ''}|{key}", f"address in {place}" if place else "an address")
