"""The names of parties: many spellings of one name give one text, with the reasons in words.

Dropped: legal forms in many languages, articles, punctuation, case, accents. Read alike: abbreviations, scripts, look-alike
letters, the order of words. Kept: every word that tells one firm from another, the line of business and the place among them.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import NamedTuple

from detectors.parties._letters import folded, latin, read_unspaced, singles_joined, split
from detectors.parties._words import replaced, words

#: Where names of firms are syllables of Chinese: written together or apart, but never in another order.
_CHINESE = frozenset({"CN", "HK", "MO", "TW", "SG", "MY", None})
_GERMAN = frozenset({"DE", "AT", "CH", "LI", "LU"})
_UMLAUT = re.compile("(?<=[aou])e(?![aeiou])")
_RUSSIAN = frozenset({"RU", "BY", "KZ", "KG", "UA", "UZ", "TJ", "AM", "MN", "MD", "GE", "AZ", "TM"})
#: Ways to write one Russian letter in Latin ones.
_RUSSIAN_WAYS = (
    (re.compile("(?:iy|ij|yy|yj|ii)(?![a-z])"), "y"),
    (re.compile("kh"), "h"),
    (re.compile("j(?=[aeou])"), "y"),
    (re.compile("shch|sch"), "sh"),
)
_PINYIN = re.compile(
    "(?>(?>zh|ch|sh|[bpmfdtnlgkhjqxrzcsyw])?(?>iang|iong|uang|ang|eng|ing|ong|ian|iao|uai|uan|ai|ei|ui|ao|ou|iu|ie|ue|er"
    "|an|en|in|un|ia|ua|uo|a|o|e|i|u|v))+"
)


class Name(NamedTuple):
    """A name that was read.

    ``text`` is what two spellings have in common: sorted words; ``firm`` whether an unmistakable legal form stood in it;
    ``surname`` whether it is a common surname and nothing else; ``steps`` what was done, in words.
    """

    text: str
    firm: bool
    surname: bool
    steps: tuple[str, ...]


def _without_legal_ends(tokens: list[str]) -> tuple[list[str], list[str]]:
    known = words()
    dropped: list[str] = []
    for run, _ in known.legal_first.get(tokens[0], ()) if tokens else ():
        if len(run) < len(tokens) and tuple(tokens[: len(run)]) == run:
            dropped.append(" ".join(run))
            tokens = tokens[len(run) :]
            break
    while len(tokens) > 1 and tokens[-1] in known.legal_last:
        dropped.append(tokens[-1])
        tokens = tokens[:-1]
    return tokens, dropped


def _respelt(tokens: list[str], country: str | None) -> list[str]:
    if country in _GERMAN:
        return [_UMLAUT.sub("", token) if len(token) > 3 else token for token in tokens]
    if country in _RUSSIAN:
        for wrong, right in _RUSSIAN_WAYS:
            tokens = [wrong.sub(right, token) for token in tokens]
    return tokens


@lru_cache(8_192)
def _is_syllables(token: str) -> bool:
    return _PINYIN.fullmatch(token) is not None


def _syllables_joined(tokens: list[str]) -> list[str]:
    """Join neighbours that are Chinese syllables: "Hua Xin" is Huaxin, and never Xinhua."""
    known = words()
    found: list[str] = []
    run = ""
    for token in tokens:
        if not _is_syllables(token) or token in known.kinds or token in known.places:
            if run:
                found.append(run)
                run = ""
            found.append(token)
        else:
            run += token
    if run:
        found.append(run)
    return found


@lru_cache(16_384)
def read_name(stated: str, country: str | None) -> Name | None:
    """Read a name as it is declared; ``None`` if it names nobody ("to order", "same as consignee", "n/a")."""
    known = words()
    text = folded(stated)
    steps: list[str] = []
    legal: list[str] = []
    firm = False
    if not text.isascii():
        bare, legal = read_unspaced(text)
        tokens, native = replaced(split(bare), known.legal_native)
        firm = bool(legal) or any(len(form) > 2 for form in native)
        legal += native
        tokens = latin(tokens) or latin(split(text))
        steps.append("read in Latin letters")
    else:
        tokens = split(text)
    tokens = singles_joined(tokens)
    whole = " ".join(tokens)
    if not tokens or whole in known.no_name or f"{whole} ".startswith(known.no_name_begins):
        return None
    spelt = _respelt(tokens, country)
    if spelt != tokens:
        steps.append("transliterated in one way")
    tokens = spelt
    bare_tokens, strong = replaced(tokens, known.legal)
    firm = firm or bool(strong)
    tokens, weak = _without_legal_ends(bare_tokens)
    legal += strong + weak
    if legal:
        steps.append(f"without legal form '{' '.join(legal)}'")
    if not tokens or (not legal and " ".join(tokens) in known.no_name):
        return None
    read, abbreviated = [], []
    for token in tokens:
        meaning = known.business.get(token, token)
        if meaning is not token and meaning != token:
            abbreviated.append(f"'{token}' read as '{meaning}'")
        read.append(meaning)
    steps += abbreviated
    read, _ = replaced(read, known.phrases)
    tokens = [token for token in read if token not in known.stop] or read
    if country in _CHINESE:
        tokens = _syllables_joined(tokens)
    ordered = sorted(set(tokens))
    if ordered != tokens:
        steps.append("in whatever order of words")
    if len(ordered) == 1 and not legal and (ordered[0] in known.kinds or ordered[0] in known.places):
        return None
    return Name(" ".join(ordered), firm, not legal and len(ordered) == 1 and ordered[0] in known.surnames, tuple(steps))
