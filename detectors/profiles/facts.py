"""From judged declarations to facts: what the profiles are told.

Contacts leave here as hashes, persons without names. What is not watched (see :class:`schemas.signal.Fact`) is told in brief:
most of trade is honest, and a profile needs of it little more than who traded when.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import date, timedelta
from hashlib import blake2b
from typing import Any

from detectors import scoring
from detectors._folding import fold
from detectors._licences import licences_of
from detectors.batch import Batch
from detectors.features import Features
from detectors.parties import Resolved, Resolver
from detectors.personal import PERSONS_TRAFFIC
from detectors.reference import Reference
from schemas.decode import Row
from schemas.finding import Finding
from schemas.signal import MOST, Contact, Fact, Goods, LicenceUse, Role, Who, unchecked

#: Columns of the items that facts are made of.
COLUMNS = frozenset(
    {
        "has_concerned",
        "named_substance",
        "named_role",
        "controlled_substance",
        "controlled",
        "code_substance",
        "has_licence",
        "mass_kg",
        "value_usd",
        "price_substance",
        "total_net_kg",
        "total_usd",
        "exporting_from",
        "third_countries",
    }
)
_TOLD = ("has_concerned", "exporting_from", "third_countries", "total_net_kg", "total_usd")
_OF_ITEMS = (
    "named_substance",
    "named_role",
    "controlled_substance",
    "code_substance",
    "controlled",
    "has_licence",
    "mass_kg",
    "value_usd",
    "price_substance",
)
_BRIEF: tuple[Role, ...] = ("exporter", "consignee")
_ROLES: tuple[Role, ...] = ("exporter", "consignee", "notify", "traveller", "declarant", "agent", "carrier")
#: How far back a control is news to a trade.
_RECENT = timedelta(days=400)
#: Measures under which trade may look for another way.
_TIGHTER = frozenset({"licence_required", "prohibition_no_licence"})
#: Headings told of a declaration at most.
_HEADINGS = 20


class FactMaker:
    """Makes facts against one reference."""

    def __init__(self, reference: Reference, resolver: Resolver) -> None:
        self._resolver = resolver
        self._reference = reference
        self._dates: dict[tuple[str, str], list[date]] = {}
        self._elements = {entry.substance: entry.element for entry in reference.lexicon}

    def facts(
        self, batch: Batch, computed: Features, findings: Mapping[int, Sequence[Finding]], told: bool = True
    ) -> list[Fact]:
        """Return the fact of each declaration.

        Parameters
        ----------
        computed : with at least :data:`COLUMNS`.
        findings : of the screen stage, by row.
        told : whether profiles will hear of them; if not, ordinary trade is not looked at any closer.
        """
        values = computed.of_declarations.rows(_TOLD)
        starts = _starts(batch)
        traded = _traded(computed) if told else set()
        items: list[tuple[Any, ...]] | None = None
        facts: list[Fact] = []
        for n, (row, (concerned, start, via, mass, value)) in enumerate(zip(batch.rows, values, strict=True)):
            found = findings.get(n, ())
            watched = bool(found) or concerned
            persons = row["regime"] in PERSONS_TRAFFIC
            parties: dict[Role, Resolved] = {}
            for role in _ROLES if watched else _BRIEF if told else ():
                party = row[role]
                who = party and self._resolver.resolve(party, persons or role == "traveller", links=watched)
                if who is not None:
                    parties[role] = who
            if "exporter" not in parties and not watched and told and row["declarant"] is not None:
                who = self._resolver.resolve(row["declarant"], persons, links=False)
                if who is not None:
                    parties["exporter"] = who  # feeds that know one party only call it the declarant
            transport = row["transport"]
            fact: dict[str, Any] = {
                "declaration_id": row["declaration_id"],
                "version": row["version"],
                "event": row["event"],
                "time": row["lodged_at"],
                "regime": row["regime"],
                "mode": transport["mode"] if transport is not None else None,
                "country_of_export": start or row["country_of_export"],
                "country_of_destination": row["country_of_destination"],
                "net_mass_kg": mass,
                "value_usd": value,
                "headings": _headings(row),
                "parties": [_who(role, who, row[role]) for role, who in parties.items()],
            }
            if watched or n in traded:
                if items is None:
                    items = _item_columns(computed)
                fact |= {
                    "routed": len(row["routing"]) > 1,
                    "via": list(via or ()),
                    "goods": self._goods(row, items[starts[n] : starts[n + 1]], start),
                }
            if watched and items is not None:
                fact |= {
                    "watched": True,
                    "office": row["office"],
                    "contacts": _contacts(parties),
                    "licences": self._licences(row, items[starts[n] : starts[n + 1]], persons),
                    "risk": scoring.risk(found),
                    "found": sorted({finding.code for finding in found}),
                    "text": _text(row),
                }
                facts.append(Fact(**fact))
            else:
                facts.append(unchecked(Fact, fact))
        return facts

    def _goods(self, row: Row, items: Sequence[tuple[Any, ...]], start: str | None) -> list[Goods]:
        alike: dict[tuple[str | None, str | None], Goods] = {}
        for item, columns in zip(row["items"], items, strict=True):
            named, named_role, controlled_substance, code_substance, controlled, licensed, mass, value, fits = columns
            substance = controlled_substance or (named if named_role == "goods" else None) or code_substance
            hs6 = _hs6(item)
            known = alike.get((hs6, substance))
            if known is None:
                element = self._elements.get(substance) if substance else None
                alike[hs6, substance] = Goods(
                    item=item["number"],
                    hs6=hs6,
                    substance=substance,
                    element=element,
                    tightened=self._tightened(element, start, row["lodged_at"].date()),
                    price_fits=fits,
                    named=named is not None and named_role == "goods",
                    controlled=bool(controlled),
                    licensed=bool(licensed),
                    net_mass_kg=mass,
                    value_usd=value,
                )
            else:
                alike[hs6, substance] = known.model_copy(
                    update={
                        "named": known.named or (named is not None and named_role == "goods"),
                        "controlled": known.controlled or bool(controlled),
                        "licensed": known.licensed and bool(licensed),
                        "price_fits": known.price_fits or fits,
                        "net_mass_kg": _sum(known.net_mass_kg, mass),
                        "value_usd": _sum(known.value_usd, value),
                    }
                )
        goods = sorted(alike.values(), key=lambda g: (g.substance is None, -(g.net_mass_kg or 0), g.item))
        return goods[:MOST]

    def _tightened(self, element: str | None, country: str | None, day: date) -> list[date]:
        """Return the days up to ``day`` on which a control of an element by a country came into force, newest first."""
        if element is None or country is None:
            return []
        known = self._dates.get((element, country))
        if known is None:
            known = self._dates[element, country] = self._all_dates(element, country)
        return [since for since in known if timedelta(0) <= day - since <= _RECENT][:4]

    def _all_dates(self, element: str, country: str) -> list[date]:
        rows = [row for row in self._reference.controls if country in row.territories and row.measure in _TIGHTER]
        scopes = {row.scope for row in rows if element in row.elements}
        rows = [row for row in rows if element in row.elements or scopes.intersection(row.covers)]
        dates = {row.since for row in rows if row.since is not None}
        for row in rows:
            dates |= {s.until + timedelta(days=1) for s in self._reference.suspensions if s.until and s.touches(row)}
        return sorted(dates, reverse=True)

    def _licences(self, row: Row, items: Sequence[tuple[Any, ...]], persons: bool) -> list[LicenceUse]:
        uses = []
        homes = {role: row[role] and row[role]["country"] for role in ("exporter", "consignee")}
        for item, columns in zip(row["items"], items, strict=True):
            if not columns[5]:
                continue
            for document in licences_of((*item["documents"], *row["documents"])):
                reference = "".join(c for c in fold(document["reference"] or "") if c.isalnum())
                if not reference:
                    continue
                holder, end_user = document["holder"], document["end_user"]
                uses.append(
                    LicenceUse(
                        reference=reference[:200],
                        item=item["number"],
                        kind=document["type"],
                        net_mass_kg=columns[6],
                        licensed_kg=document["quantity_kg"] or None,
                        expires_on=document["expires_on"],
                        holder=self._named(holder, homes["exporter"]),
                        holder_shown=None if persons else holder,
                        end_user=self._named(end_user, homes["consignee"]),
                        end_user_shown=None if persons else end_user,
                    )
                )
        return uses[:MOST]

    def _named(self, name: str | None, country: str | None) -> str | None:
        """Return the name key of a name in a document, read as a firm of the country of whom it should name."""
        who = self._resolver.resolve({"name": name, "country": country}, False) if name else None
        return None if who is None else who.name_key


def _traded(computed: Features) -> set[int]:
    """Return the declarations with goods that the lexicon knows, controlled on the day or not: what a lane was like before."""
    items = computed.of_items
    known = ~items["controlled_substance"].nulls | ~items["code_substance"].nulls
    known |= ~items["named_substance"].nulls & items["named_role"].equals("goods")
    return set(items["row"].at(known.nonzero()[0].tolist()))


def _starts(batch: Batch) -> list[int]:
    """Return at which item each declaration of the batch begins, and the number of all items."""
    starts, total = [], 0
    for row in batch.rows:
        starts.append(total)
        total += len(row["items"])
    return [*starts, total]


def _item_columns(computed: Features) -> list[tuple[Any, ...]]:
    return computed.of_items.rows(_OF_ITEMS)


def _who(role: Role, who: Resolved, party: Row | None) -> Who:
    told: dict[str, Any] = {"role": role, "key": who.key, "country": who.country}
    if who.person or role == "traveller":
        told["person"] = True
    else:
        name = party["name"] if party is not None else None
        told |= {"name_key": who.name_key, "shown": name[:512] if name else None}
    return unchecked(Who, told)


def _contacts(parties: Mapping[Role, Resolved]) -> list[Contact]:
    return [
        Contact(role=role, kind=link.kind, key=link.key, shown=None if who.person else link.shown)
        for role, who in parties.items()
        for link in who.links
    ][:MOST]


def _hs6(item: Row) -> str | None:
    code = item["commodity_code"]
    return code[:6] if code and len(code) >= 4 else None


def _headings(row: Row) -> list[str]:
    codes = dict.fromkeys([item["commodity_code"] for item in row["items"]])
    return list(dict.fromkeys([code[:6] for code in codes if code and len(code) >= 4]))[:_HEADINGS]


def _sum(one: float | None, other: float | None) -> float | None:
    return None if one is None or other is None else one + other


def _text(row: Row) -> str | None:
    texts: Iterable[str] = sorted({fold(item["description"]) for item in row["items"] if item["description"]})
    joined = " | ".join(texts)
    return blake2b(joined.encode(), digest_size=8).hexdigest() if joined else None
