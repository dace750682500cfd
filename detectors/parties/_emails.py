"""Mail addresses: one mailbox, however it is written; and the domain, where it belongs to a firm."""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache
from typing import NamedTuple

from detectors.parties._words import words

MOST = 2
_ADDRESS = re.compile(r"([\w.!#$%&'*+/=?^`{|}~-]{1,64})@((?:[\w-]{1,63}\.)+[^\W\d_][\w-]{1,62})")
_GMAIL = frozenset({"gmail.com", "googlemail.com"})
_NUMBER = re.compile(r"[\d._-]+$")
#: Nobody's: RFC 2606 and 6761 reserve them. ``.example`` is let through, since it stands for firms in documents and tests.
_NOBODYS = frozenset(
    {
        "example.com",
        "example.org",
        "example.net",
        "localhost",
        "test.com",
        "none.com",
        "noemail.com",
        "nomail.com",
        "na.com",
    }
)


class Email(NamedTuple):
    """A mailbox, or (``mailbox`` false) the domain of a firm; ``address`` is compared, ``shown`` is for people."""

    address: str
    mailbox: bool
    shown: str


def _one(local: str, domain: str) -> list[Email]:
    if not domain.isascii():
        try:
            domain = domain.encode("idna").decode("ascii")
        except UnicodeError:
            return []
    if domain in _NOBODYS:
        return []
    known = words()
    local = local.partition("+")[0].strip(".'") or local
    if domain in _GMAIL:
        local, domain = local.replace(".", ""), "gmail.com"
    free = domain in known.free_mail
    masked = Email(f"{local}@{domain}", True, f"{local[:1] if len(local) > 1 else ''}***@{domain}")
    if free:
        return [] if local in {"none", "noemail", "nomail", "na", "test", "unknown"} else [masked]
    firms = Email(f"@{domain}", False, f"@{domain}")
    # A box of an office says no more than its domain.
    return [firms] if _NUMBER.sub("", local) in known.role_boxes else [masked, firms]


@lru_cache(16_384)
def read_emails(stated: str) -> tuple[Email, ...]:
    """Read a field of mail addresses: mailboxes, and the domains of firms among them (not those anybody can join)."""
    text = (stated if stated.isascii() else unicodedata.normalize("NFKC", stated)).lower()
    found: dict[str, Email] = {}
    for local, domain in _ADDRESS.findall(text)[:MOST]:
        for email in _one(local, domain):
            found.setdefault(email.address, email)
    return tuple(found.values())
