"""Who a party is: one key for its many spellings, and the contacts by which it may be linked to others.

A stated identifier decides; without one the name and the country; without those, and always for persons, a contact. Every key is
a hash: state, alerts and logs never hold a telephone, a mail address or a person's name because of it.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from functools import lru_cache
from operator import itemgetter
from typing import Literal

from detectors.parties._addresses import read_address
from detectors.parties._emails import read_emails
from detectors.parties._ids import id_basis, normal_id
from detectors.parties._names import Name, read_name
from detectors.parties._phones import read_phones
from detectors.parties.merges import Apart, Merges
from schemas.decode import Row

Kind = Literal["phone", "email", "address"]
By = Literal["id", "name", "contact"]
#: 12 bytes: among 10 million keys the chance of any collision is below 1e-15.
_DIGEST = 12
#: How many resolved parties are remembered, about 2 kB each.
REMEMBERED = 32_768
#: Northern Ireland trades as the United Kingdom or the Union; a firm there is one firm.
_ONE_COUNTRY = {"XI": "GB"}
_FIELDS = ("id", "name", "address", "city", "postcode", "country", "phone", "email")
_STATED = itemgetter(*_FIELDS)


@dataclass(frozen=True, slots=True)
class Link:
    """A contact that parties may share: its kind, its key (a hash), and a masked text for people."""

    kind: Kind
    key: str
    shown: str


@dataclass(frozen=True, slots=True)
class Resolved:
    """A party that was recognised.

    ``key`` is ``party/`` and a hash; ``by`` says what identified it; ``name_key`` is the hash of its name (never a person's);
    ``links`` its contacts, telephones first; ``explained`` why other spellings have the same key; ``apart`` the groups of
    the configuration that keep it apart from others (two parties with a group in common and two keys are known to differ).
    """

    key: str
    by: By
    name_key: str | None
    country: str | None
    links: tuple[Link, ...]
    person: bool
    explained: tuple[str, ...]
    apart: tuple[str, ...] = ()


class Resolver:
    """Recognises parties.

    Parameters
    ----------
    merges : what the configuration says to be one party, or not.
    pepper : a secret of at most 64 bytes, mixed into every key: without it nobody can find out a telephone number by trying
        all. All workers need the same, and another one means other keys, hence state that begins anew.
    remembered : how many parties are remembered.
    """

    def __init__(self, merges: Merges | None = None, pepper: bytes = b"", remembered: int = REMEMBERED) -> None:
        self._merges = merges or Merges.none()
        self._pepper = pepper
        self._cached = lru_cache(remembered)(self._resolved)

    def resolve(self, party: Row | None, persons_traffic: bool, links: bool = True) -> Resolved | None:
        """Return who a party is; None where nothing identifies it.

        Parameters
        ----------
        party : as in a declaration; fields may be absent.
        persons_traffic : whether parties without a legal form are persons (travellers; passenger and postal traffic).
        links : whether the contacts are wanted; without them a party with an identifier or a name costs a third.
        """
        if party is None:
            return None
        try:
            stated = _STATED(party)
        except KeyError:  # not of a declaration: some fields are absent
            stated = tuple(map(party.get, _FIELDS))
        return self._cached(*stated, persons_traffic, links)

    def _hash(self, text: str) -> str:
        return hashlib.blake2b(text.encode("utf-8", "replace"), digest_size=_DIGEST, key=self._pepper).hexdigest()

    def _resolved(
        self,
        id_: str | None,
        name: str | None,
        address: str | None,
        city: str | None,
        postcode: str | None,
        country: str | None,
        phone: str | None,
        email: str | None,
        persons_traffic: bool,
        with_links: bool,
    ) -> Resolved | None:
        country = _ONE_COUNTRY.get(country, country) if country else None
        known_id = normal_id(id_) if id_ else None
        read = read_name(name, country) if name else None
        person = persons_traffic and not (read is not None and read.firm)
        named = None if read is None or person or read.surname else f"name|{country or ''}|{read.text}"
        wanted = with_links or (known_id is None and named is None)
        links = self._links(address, city, postcode, country, phone, email) if wanted else ()
        explained: tuple[str, ...]
        by: By
        if known_id is not None:
            basis, by = id_basis(known_id, country), "id"
            explained = (
                f"by its identifier{f' in {country}' if country and known_id.isdigit() else ''}, whatever its name",
            )
        elif named is not None and read is not None:
            basis, by, explained = named, "name", _of_name(read, country)
        elif (own := _own_contact(links, person)) is not None:
            basis, by = f"contact|{own.key}", "contact"
            explained = (f"by {_CONTACTS[own.kind]}{own.shown}",)
            if own.kind == "address" and read is not None:  # a house has many tenants
                basis += f"|{read.text}"
        else:
            return None
        apart: tuple[str, ...] = ()
        if self._merges:
            basis, told, apart = self._as_configured(basis, known_id, read, name, country, city, person)
            explained += told
        return Resolved(
            key=f"party/{self._hash(basis)}",
            by=by,
            name_key=None if named is None else f"name/{self._hash(named)}",
            country=country,
            links=links if with_links else (),
            person=person,
            explained=explained,
            apart=apart,
        )

    def _links(
        self,
        address: str | None,
        city: str | None,
        postcode: str | None,
        country: str | None,
        phone: str | None,
        email: str | None,
    ) -> tuple[Link, ...]:
        found: list[Link] = []
        if phone:
            found += [
                Link("phone", f"link/phone/{self._hash(number.number)}", number.shown)
                for number in read_phones(phone, country)
            ]
        if email:
            found += [
                Link("email", f"link/email/{self._hash(mail.address)}", mail.shown) for mail in read_emails(email)
            ]
        if address and (place := read_address(address, city, postcode, country)) is not None:
            found.append(Link("address", f"link/address/{self._hash(place.text)}", place.shown))
        return tuple(found)

    def _as_configured(
        self,
        basis: str,
        known_id: str | None,
        read: Name | None,
        name: str | None,
        country: str | None,
        city: str | None,
        person: bool,
    ) -> tuple[str, tuple[str, ...], tuple[str, ...]]:
        told: tuple[str, ...] = ()
        text = None if read is None or person else read.text
        apart: list[Apart] = self._merges.apart(known_id, name if text else None, country, city)
        for kept in apart:
            if kept.suffix:
                basis += f"|{kept.suffix}"
        if not any(kept.suffix for kept in apart):
            merged = self._merges.merged(known_id, text if known_id is None else None, country)
            if merged is not None and merged.basis != basis:
                basis = merged.basis
                told = (f"merged with '{merged.into}' by configuration{merged.because}",)
        told += tuple(f"kept apart from '{kept.others}' by configuration{kept.because}" for kept in apart)
        return basis, told, tuple(kept.group for kept in apart)


_CONTACTS = {"phone": "telephone ", "email": "mail ", "address": ""}


def _own_contact(links: tuple[Link, ...], person: bool) -> Link | None:
    """Return the contact that stands for a party: for a person not the domain of a firm, which is its employer's."""
    return next((link for link in links if not (person and link.shown.startswith("@"))), None)


def _of_name(read: Name, country: str | None) -> tuple[str, ...]:
    where = f" in {country}" if country else ", country unknown"
    return (f"by its name{where}", *read.steps)
