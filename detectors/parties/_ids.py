"""Identifiers of parties (EORI, VAT, customs and tax numbers, passports): one spelling, and nothing for placeholders."""

from __future__ import annotations

import re
import unicodedata

from detectors.parties._words import words

_NOT_ALNUM = re.compile(r"[\W_]+")
_SEQUENCE = "01234567890123456789"
_SHORTEST = 3


def normal_id(stated: str) -> str | None:
    """Return an identifier without case, spaces and punctuation; None for what stands there when there is none."""
    text = stated if stated.isascii() else unicodedata.normalize("NFKC", stated)
    # Nearly all are letters and digits already.
    found = (text if text.isascii() and text.isalnum() else _NOT_ALNUM.sub("", text)).upper()
    if len(found) < _SHORTEST or len(set(found)) == 1 or found in _SEQUENCE or found.lower() in words().no_name:
        return None
    if found.startswith(("UNKNOWN", "PRIVATE", "NOTAVAILABLE")) and not any(c.isdigit() for c in found):
        return None
    return found


def id_basis(known_id: str, country: str | None) -> str:
    """Return what the key of an identifier is made from: numbers without letters are issued in every country anew."""
    return f"id|{country if country and known_id.isdigit() else ''}|{known_id}"
