"""Party features of one declaration: contacts that the two ends of a shipment share, forwarders as consignees, uniforms.

Only whether and which kinds of contact are shared leaves this module, never the contact itself: it is personal data.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import lru_cache
from itertools import chain
from typing import Any

import polars as pl

from detectors._columnar import texts
from detectors._folding import fold
from detectors.table import Cells
from detectors.text import Reader
from schemas.decode import Row

_DIGITS = re.compile(r"\D")
_NOT_ALNUM = re.compile(r"[\W_]+")
_SENDERS = ("exporter", "declarant", "carrier")
_RECEIVERS = ("consignee", "notify")
#: A telephone number is compared by its last digits, so that country codes and trunk zeros do not matter.
_PHONE_TAIL = 8
_KEPT = 100_000
_NONE: list[str] = []
#: Roles whose names are read, in the order of :meth:`PartyReader.columns`.
_NAMED = ("carrier", "declarant", "consignee", "notify")


@lru_cache(_KEPT)
def _phone(stated: str | None) -> str | None:
    digits = _DIGITS.sub("", stated) if stated else ""
    return digits[-_PHONE_TAIL:] if len(digits) >= _PHONE_TAIL - 1 else None


def _email(stated: str | None) -> str | None:
    return stated.strip().casefold() if stated and "@" in stated else None


def _address(party: Any) -> str | None:
    address = _NOT_ALNUM.sub("", fold(party["address"])) if party["address"] else ""
    return address if len(address) >= 8 else None


def _shared(sender: Any, receiver: Any) -> list[str]:
    """Return the kinds of contact that two parties have in common, if two at least.

    Addresses are the dear ones to compare, and can make a second contact only.
    """
    found = []
    email = _email(sender["email"])
    if email is not None and email == _email(receiver["email"]):
        found.append("email")
    phone = _phone(sender["phone"])
    if phone is not None and phone == _phone(receiver["phone"]):
        found.append("phone")
    if found:
        address = _address(sender)
        if address is not None and address == _address(receiver):
            found.append("address")
    return sorted(found) if len(found) >= 2 and not _same_party(sender, receiver) else []


def _same_party(a: Any, b: Any) -> bool:
    if a["id"] is not None and b["id"] is not None:
        return bool(a["id"] == b["id"])
    return bool(a["name"] and b["name"] and fold(a["name"]) == fold(b["name"]))


def shared_contacts(row: Row) -> list[str]:
    """Return the kinds of contact that a sender and a receiver, being two parties, have in common (two at least)."""
    receivers = [party for role in _RECEIVERS if (party := row[role]) is not None and _reachable(party)]
    if not receivers:
        return _NONE
    best = _NONE
    for role in _SENDERS:
        sender = row[role]
        if sender is None or not _reachable(sender):
            continue
        for receiver in receivers:
            shared = _shared(sender, receiver)
            if len(shared) > len(best):
                best = shared
    return best


def _reachable(party: Any) -> bool:
    return party["phone"] is not None or party["email"] is not None


def _licensed_users(row: Row) -> str | None:
    """Return the end users that licences name, as one text."""
    if not row["documents"] and not any(item["documents"] for item in row["items"]):
        return None
    names = {d["end_user"] for holder in (row, *row["items"]) for d in holder["documents"] if d["end_user"]}
    return " | ".join(sorted(names)) if names else None


def _uniformed(flags: frozenset[str]) -> bool:
    return "military" in flags and "not_military" not in flags


class PartyReader:
    """Party columns; names are read with the vocabulary of the text reader."""

    def __init__(self, reader: Reader) -> None:
        self._reader = reader

    def columns(self, rows: Sequence[Row]) -> list[Cells]:
        """Return the declaration columns of parties."""
        shared = [shared_contacts(row) for row in rows]
        names = [[(party := row[role]) and party["name"] for row in rows] for role in _NAMED]
        users = [_licensed_users(row) for row in rows]
        # One reading of all names, so that the new ones among them go through the automaton together.
        read = self._reader.flags([*chain.from_iterable(names), *users])
        height = len(rows)
        carriers, declarants, consignees, others, licensed = (read[n * height : (n + 1) * height] for n in range(5))
        return [
            texts("shared_contacts", shared),
            Cells("shared_contact_count", [len(s) for s in shared], pl.UInt32),
            Cells(
                "express",
                ["courier" in c or "courier" in d for c, d in zip(carriers, declarants, strict=True)],
                pl.Boolean,
            ),
            Cells("consignee_forwards", ["forwarder" in c for c in consignees], pl.Boolean),
            Cells(
                "military_end_user",
                [
                    bool(c or o or u) and any(map(_uniformed, (c, o, u)))
                    for c, o, u in zip(consignees, others, licensed, strict=True)
                ],
                pl.Boolean,
            ),
        ]
