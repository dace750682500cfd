"""Folding: many spellings of one text become one, so that tricks of writing do not hide a name.

Folds width, case, accents, invisible characters and letters of other scripts inside a word, and offers further readings of a
text in which letters were spaced out, broken by punctuation, or replaced by digits.
"""

from __future__ import annotations

import html
import re
import unicodedata
from urllib.parse import unquote

# Letters of other scripts that look like Latin ones (after case folding). From the Unicode confusables (UTS #39), the part
# that Cyrillic and Greek keyboards give.
_LOOK_ALIKE = str.maketrans(
    "авсԁеһіјкӏмнорԛѕтυѵԝхугзёїαβγεηικνορτυχωϲ",
    "abcdehijklmhopqstuvwxyr3eiabyenikvoptuxwc",
)
# Small capitals and the like, Latin letters that no compatibility form of Unicode folds.
_SMALL_CAPITALS = str.maketrans("ᴀʙᴄᴅᴇɢʜɪᴊᴋʟᴍɴᴏᴘʀꜱᴛᴜᴠᴡʏᴢɑɡ", "abcdeghijklmnoprstuvwyzag")
_SMALL_CAPITAL = re.compile("[ᴀʙᴄᴅᴇɢʜɪᴊᴋʟᴍɴᴏᴘʀꜱᴛᴜᴠᴡʏᴢɑɡ]")
# Escapes that a converter or a browser would undo: "&#97;", "%E9%94%91", "\\u9551".
_ESCAPED = re.compile(r"&#?\w{2,8};|%[0-9A-Fa-f]{2}%[0-9A-Fa-f]{2}|\\u[0-9A-Fa-f]{4}")
_CODE_UNIT = re.compile(r"\\u([0-9A-Fa-f]{4})")
# Pairs of letters that scanners and tired eyes read as one: "galliurn".
_PAIR_FOR_LETTER = (("rn", "m"), ("vv", "w"))
_DIGIT_FOR_LETTER = (str.maketrans("013457$@", "olesstsa"), str.maketrans("0134578|", "oieastbl"))
_INVISIBLE = re.compile("[\u00ad\u034f\u061c\u180e\u200b-\u200f\u202a-\u202e\u2060-\u2064\ufeff\U000e0000-\U000e007f]")
# Without one of these (invisible, small capital, Greek or Cyrillic, or a letter that compatibility makes one of them) no word
# can mix scripts: most texts in Chinese or with accents.
_MAY_HIDE = re.compile(
    "[\u00ad\u034f-\u052f\u061c\u180e\u1d00-\u1dbf\u1f00-\u1fff\u200b-\u214f\ua700-\ua7ff\ufe00-\uffff"
    "\u0250-\u02ff\u00b5\U0001d400-\U0001d7ff\U000e0000-\U000e007f]"
)
_DASHES = re.compile("[\u2010-\u2015\u2212\u00ad\ufe58\ufe63\uff0d\u30fb]")
_WORD = re.compile(r"[^\W\d_]+")
# What the dearer steps are about; texts without it are spared them.
_ACCENTED = re.compile("[\u00c0-\u024f\u0300-\u036f\u1e00-\u1eff]")
_MIXED = re.compile("[a-z][\u0370-\u052f]|[\u0370-\u052f][a-z]")
_CJK = "\u2e80-\u9fff\uf900-\ufaff\u3040-\u30ff\U00020000-\U0003ffff"
# The sign comes first and what stands before it second: so the search leaps from sign to sign.
_SPACED_CJK = re.compile(rf"[ .·*\-](?<=[{_CJK}].)[ .·*\-]*(?=[{_CJK}])")
_LETTER_RUN = re.compile(r"(?<![^\W_])(?:[^\W_][ .\-*·,/|:+~]{1,3}){3,}[^\W_](?![^\W_])")
_BROKEN_WORD = re.compile(r"[.\-*·'’`^~|/](?<=[^\W\d_].)[.\-*·'’`^~|/]*(?=[^\W\d_])")
_LETTER_SIGN = re.compile(r"[\d$@|]")
_LETTERS_AND_DIGITS = re.compile(r"(?<![\w.])(?=[\w$@|]*[^\W\d_])(?=[\w$@|]*[\d$@|])[\w$@|]{5,}(?![\w.])")


def _unescaped(text: str) -> str:
    if _ESCAPED.search(text) is None:
        return text
    text = html.unescape(text)
    text = _CODE_UNIT.sub(lambda m: chr(int(m.group(1), 16)), text)
    text = text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")  # half a character is none
    return unquote(text, errors="ignore") if "%" in text else text


#: "terbium(III,IV) oxide" is terbium oxide.
_OXIDATION_STATE = re.compile(r"(?<=[^\W\d_]) ?\((?:i{1,3}|iv|vi{0,3})(?:[,/ ]+(?:i{1,3}|iv|vi{0,3}))*\)")


def plain(text: str) -> str:
    """Return NFKC without escapes and invisible characters: case kept, for symbols and formulae."""
    if "&" in text or "%" in text or "\\" in text:
        text = _unescaped(text)
    if text.isascii():
        return text
    return _DASHES.sub("-", _INVISIBLE.sub("", unicodedata.normalize("NFKC", text)))


def _without_accents(text: str) -> str:
    if _ACCENTED.search(text) is None:
        return text
    parts = []
    latin = False
    for char in unicodedata.normalize("NFD", text):
        if unicodedata.combining(char):
            if not latin:
                parts.append(char)
        else:
            latin = char < "\u0250"
            parts.append(char)
    return unicodedata.normalize("NFC", "".join(parts))


def _one_script(match: re.Match[str]) -> str:
    word = match.group()
    if word.isascii() or not any("a" <= c <= "z" for c in word):
        return word
    return word.translate(_LOOK_ALIKE)


def _in_one_script(text: str) -> str:
    return _WORD.sub(_one_script, text) if _MIXED.search(text) else text


def fold(text: str) -> str:
    """Return the form in which texts and terms are compared."""
    folded = plain(text).casefold()
    if not folded.isascii():
        if _SMALL_CAPITAL.search(folded) is not None:
            folded = folded.translate(_SMALL_CAPITALS)
        folded = _in_one_script(_without_accents(folded))
        folded = _SPACED_CJK.sub("", folded)
    if "(" in folded:
        folded = _OXIDATION_STATE.sub("", folded)
    return " ".join((folded.replace("_", " ") if "_" in folded else folded).split())


def _looks_hidden(text: str) -> bool:
    """Tell whether a word mixes scripts, or invisible characters stand inside it: signs of intent, not of a typo."""
    if text.isascii() or _MAY_HIDE.search(text) is None:
        return False
    normal = unicodedata.normalize("NFKC", text).casefold()
    if _SMALL_CAPITAL.search(normal):
        return True
    if _INVISIBLE.search(normal.replace("\ufeff", "", 1).replace("\u00ad", "")):
        return True
    bare = _without_accents(normal)
    return _in_one_script(bare) != bare


def hidden(text: str) -> bool:
    """Tell whether :func:`fold` had to undo a disguise in ``text`` (mixed scripts, invisible characters)."""
    return _looks_hidden(text)


def _joined_letters(match: re.Match[str]) -> str:
    return "".join(c for c in match.group() if c.isalnum())


def readings(folded: str) -> list[str]:
    """Return further readings of a folded text, each differing from it: letters joined, breaks removed, digits as letters.

    >>> readings("g a l l i u m 5n")
    ['gallium 5n']
    >>> readings("ga11ium") == ['gallium', 'gaiiium'] or "gallium" in readings("ga11ium")
    True
    """
    found = [_LETTER_RUN.sub(_joined_letters, folded), _BROKEN_WORD.sub("", folded)]
    if _LETTER_SIGN.search(folded) and _LETTERS_AND_DIGITS.search(folded):
        for table in _DIGIT_FOR_LETTER:
            found.append(_LETTERS_AND_DIGITS.sub(lambda m, t=table: m.group().translate(t), folded))  # type: ignore[misc]
    kept: list[str] = []
    for reading in found:
        if reading != folded and reading not in kept:
            kept.append(reading)
    return kept


def scanned(word: str) -> str:
    """Return a word with the pairs of letters that a scanner takes for one read as that one: "galliurn" is gallium."""
    for pair, letter in _PAIR_FOR_LETTER:
        word = word.replace(pair, letter)
    return word


def compact(folded: str) -> tuple[str, list[int], list[int]]:
    """Return the text without separators, with the places where words start and end.

    Returns
    -------
    text, starts (offsets in it where a word starts), ends (offsets where a word ends).
    """
    parts: list[str] = []
    starts: list[int] = []
    ends: list[int] = []
    at = 0
    for match in _WORD.finditer(folded):
        starts.append(at)
        at += len(match.group())
        ends.append(at)
        parts.append(match.group())
    return "".join(parts), starts, ends
