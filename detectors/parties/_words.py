"""The words of ``words.yaml``, in the shapes that reading names, mailboxes and addresses needs."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import Any

import yaml
from ahocorasick_rs import AhoCorasick, MatchKind

#: The same safe subset of YAML, read ten times faster where PyYAML was built with libyaml.
_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
#: Runs of words by their first word, longest first: what is looked for, and what it is read as.
Runs = Mapping[str, Sequence[tuple[tuple[str, ...], tuple[str, ...]]]]


@dataclass(frozen=True, slots=True)
class Words:
    """Word lists, ready to use.

    ``unspaced`` finds the words of scripts that do not part them: ``unspaced_read`` says what each is read as, None for legal
    forms. ``business`` and ``address`` read a word as another; ``kinds`` are what firms do.
    """

    legal: Runs
    legal_native: Runs
    legal_last: frozenset[str]
    legal_first: Runs
    unspaced: AhoCorasick
    unspaced_read: Sequence[str | None]
    business: Mapping[str, str]
    kinds: frozenset[str]
    phrases: Runs
    stop: frozenset[str]
    places: frozenset[str]
    surnames: frozenset[str]
    no_name: frozenset[str]
    no_name_begins: tuple[str, ...]
    free_mail: frozenset[str]
    role_boxes: frozenset[str]
    address: Mapping[str, str]
    address_units: Mapping[str, str]
    address_stop: frozenset[str]


def runs(texts: Mapping[str, str] | Iterable[str]) -> Runs:
    """Return runs of words by first word; a mapping says what each is read as, else it is dropped."""
    read_as = texts if isinstance(texts, Mapping) else dict.fromkeys(texts, "")
    by_first: dict[str, list[tuple[tuple[str, ...], tuple[str, ...]]]] = {}
    for text, meaning in read_as.items():
        words = tuple(text.split())
        by_first.setdefault(words[0], []).append((words, tuple(meaning.split())))
    return {first: sorted(found, key=lambda run: -len(run[0])) for first, found in by_first.items()}


def _inverted(table: Mapping[str, Sequence[str]]) -> dict[str, str]:
    return {word: meaning for meaning, words in table.items() for word in (meaning, *words)}


@cache
def words() -> Words:
    """Return the words, read once."""
    text = resources.files(__package__).joinpath("words.yaml").read_text("utf-8")
    told: dict[str, Any] = yaml.safe_load(
        unicodedata.normalize("NFKC", text)
    )  # as the names are when they are compared
    unspaced: dict[str, str | None] = dict.fromkeys(told["legal_unspaced"])
    for meaning, spellings in (told["business_hanzi"] | told["places_hanzi"]).items():
        unspaced |= dict.fromkeys(spellings, meaning)
    business = _inverted(told["business"])
    return Words(
        legal=runs(told["legal_anywhere"]),
        legal_native=runs([re.sub(r"[^\w ]+", " ", text) for text in told["legal_native"]]),
        legal_last=frozenset(told["legal_last"]),
        legal_first=runs(told["legal_first"]),
        unspaced=AhoCorasick(list(unspaced), matchkind=MatchKind.LeftmostLongest),
        unspaced_read=tuple(unspaced.values()),
        business=business,
        kinds=frozenset(business.values()),
        phrases=runs(told["phrases"]),
        stop=frozenset(told["stop"]),
        places=frozenset(told["places_hanzi"]) | frozenset(told["places"]),
        surnames=frozenset(told["surnames"]),
        no_name=frozenset(told["no_name"]),
        no_name_begins=tuple(f"{text} " for text in told["no_name_begins"]),
        free_mail=frozenset(told["free_mail"]),
        role_boxes=frozenset(told["role_boxes"]),
        address=_inverted(told["address_words"]),
        address_units=_inverted(told["address_units"]),
        address_stop=frozenset(told["address_stop"]),
    )


def replaced(tokens: list[str], table: Runs) -> tuple[list[str], list[str]]:
    """Replace runs of words; return the tokens and the runs that were found."""
    if table.keys().isdisjoint(tokens):
        return tokens, []
    kept: list[str] = []
    found: list[str] = []
    at = 0
    while at < len(tokens):
        for run, meaning in table.get(tokens[at], ()):
            if tuple(tokens[at : at + len(run)]) == run:
                found.append(" ".join(run))
                kept += meaning
                at += len(run)
                break
        else:
            kept.append(tokens[at])
            at += 1
    return kept, found
