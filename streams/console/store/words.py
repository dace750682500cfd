"""Words for search: one folding for every script, so that a search means the same in SQLite, PostgreSQL and in tests.

Text becomes tokens: runs of letters and digits without case and accents; each character of Chinese, Japanese and Thai script is a
token of its own, since these are written without spaces. What is asked becomes runs of tokens that must occur in order, the last
one as the beginning of a token: ``gall`` finds gallium, ``锑锭`` both characters side by side.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Sequence
from functools import lru_cache

#: Han, kana, hangul is spaced; Thai, Lao, Myanmar, Khmer.
_UNSPACED = re.compile(
    "([\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u2e80-\u2fdf\u3005-\u30ff\u3400-\u9fff\uf900-\ufaff\U00020000-\U0003ffff])"
)
_LONGEST = 64  # a longer token is cut: nobody searches by the end of it
_QUERY_RUNS = 12
_RUNS = re.compile(r"[^\W_]+")
_TERM = re.compile(r'"([^"]*)"|(\S+)')


def fold(text: str) -> str:
    """Return a text without case, accents and differences of width."""
    plain = unicodedata.normalize("NFKD", unicodedata.normalize("NFKC", text).casefold())
    if not plain.isascii():
        plain = unicodedata.normalize("NFC", "".join(c for c in plain if not unicodedata.combining(c)))
    return plain


def tokens(text: str) -> list[str]:
    """Return the tokens of a text, in order."""
    plain = fold(text)
    if not plain.isascii():
        plain = _UNSPACED.sub(r" \1 ", plain)
    return [run[:_LONGEST] for run in _RUNS.findall(plain)]


@lru_cache(maxsize=50_000)
def _joined(text: str) -> str:
    return " ".join(tokens(text))


def indexed(texts: Iterable[str | None]) -> str:
    """Return the tokens of texts with a space before and after each; a broken bar between texts, which no run crosses."""
    found = dict.fromkeys(_joined(text) for text in texts if text)
    return " " + " ¦ ".join(run for run in found if run) + " "


def asked(query: str) -> list[list[str]]:
    """Return the runs of tokens that a search asks for, each of them; at most twelve."""
    runs = (tokens(quoted or bare) for quoted, bare in _TERM.findall(query))
    return [run for run in runs if run][:_QUERY_RUNS]


def match(runs: Sequence[Sequence[str]]) -> str:
    """Return the runs in the words of SQLite's FTS5."""
    return " AND ".join('"' + " ".join(run) + '"*' for run in runs)


def likes(runs: Sequence[Sequence[str]]) -> list[str]:
    """Return the runs as patterns of LIKE over `indexed` (tokens hold neither % nor _)."""
    return ["% " + " ".join(run) + "%" for run in runs]


def holds(text: str, runs: Sequence[Sequence[str]]) -> bool:
    """Say whether an `indexed` text holds all runs: what both databases must agree with."""
    return all((" " + " ".join(run)) in text for run in runs)
