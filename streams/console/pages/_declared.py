"""The declaration as a form that people read, with the evidence marked where it stands.

Evidence points into the declaration by RFC 6901 paths. An entry of the form has such a path too, so a piece of evidence is
joined to the entry of its path, or of the nearest path above it that the form shows.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from streams.console.pages import _written as written

JsonObject = Mapping[str, Any]

_ROLES: Final = ("exporter", "consignee", "notify", "declarant", "agent", "carrier", "traveller")
_PARTY: Final = ("id", "name", "address", "postcode", "city", "country", "phone", "email")
_OTHERS_OPEN: Final = 3
"""Items that no finding is about stay closed beyond this many items."""


@dataclass(frozen=True, slots=True)
class Mark:
    """A piece of evidence: ``reason`` and ``place`` count from 1, as on the page; ``quote`` is what it found there."""

    reason: int
    place: int
    quote: str | None

    @property
    def anchor(self) -> str:
        """The id of the evidence on the page."""
        return f"e{self.reason}-{self.place}"


@dataclass(frozen=True, slots=True)
class Piece:
    """A part of an entry's text; ``marked`` if evidence quotes it."""

    text: str
    marked: bool = False


@dataclass(frozen=True, slots=True)
class Entry:
    """One field of the form; ``kind`` says how it is set (text, code, number, country)."""

    path: str
    label: str
    value: str
    kind: str = "text"
    beside: str | None = None
    marks: tuple[Mark, ...] = ()

    @property
    def anchor(self) -> str:
        """The id of the field on the page."""
        return anchor(self.path)

    @property
    def pieces(self) -> list[Piece]:
        """The value, cut where evidence quotes it."""
        found = [(at, at + len(q)) for q in {m.quote for m in self.marks if m.quote} for at in _places(self.value, q)]
        pieces: list[Piece] = []
        end = 0
        for start, stop in sorted(found):
            if start < end:
                continue
            if start > end:
                pieces.append(Piece(self.value[end:start]))
            pieces.append(Piece(self.value[start:stop], marked=True))
            end = stop
        if end < len(self.value):
            pieces.append(Piece(self.value[end:]))
        return pieces


@dataclass(frozen=True, slots=True)
class Section:
    """Fields that belong together: the head, a party, an item. ``marks`` are of the section as a whole."""

    path: str
    title: str
    kind: str
    entries: tuple[Entry, ...]
    marks: tuple[Mark, ...] = ()
    opened: bool = True
    beside: str | None = None
    left_out: int = 0

    @property
    def anchor(self) -> str:
        """The id of the section on the page."""
        return anchor(self.path) if self.path else "f-head"

    @property
    def lit(self) -> bool:
        """Whether any evidence points into the section."""
        return bool(self.marks) or any(entry.marks for entry in self.entries)


@dataclass(frozen=True, slots=True)
class Pointer:
    """Where a piece of evidence leads: the id of a field or section, and that field's label."""

    anchor: str | None
    label: str


@dataclass(frozen=True, slots=True)
class Form:
    """The declaration as shown, and for each evidence (by its anchor) where it points."""

    sections: tuple[Section, ...]
    pointers: Mapping[str, Pointer] = field(default_factory=dict)
    items_left_out: int = 0


def anchor(path: str) -> str:
    """Return the id on the page of what stands at a path."""
    return "f-" + (re.sub(r"[^0-9A-Za-z]+", "-", path).strip("-") or "head")


def _places(text: str, quote: str) -> Iterator[int]:
    """Find a quote whatever its case. Folding that changes lengths (German sharp s) finds nothing rather than a wrong place."""
    folded, wanted = text.lower(), quote.lower()
    if not wanted or len(folded) != len(text):
        return
    at = folded.find(wanted)
    while at >= 0:
        yield at
        at = folded.find(wanted, at + len(wanted))


def form(alert: JsonObject, country: Mapping[str, str]) -> Form:
    """Return the declaration of an alert as a form.

    Parameters
    ----------
    alert : as JSON values.
    country : names by ISO 3166-1 alpha-2 code.
    """
    declaration: JsonObject = alert.get("declaration") or {}
    reasons: Sequence[JsonObject] = alert.get("reasons") or []
    blank = list(_sections(declaration, country, {reason.get("item") for reason in reasons}))
    known = {entry.path for section in blank for entry in section.entries} | {section.path for section in blank}
    labels = {section.path: section.title for section in blank}
    labels |= {entry.path: entry.label for section in blank for entry in section.entries}
    marks: dict[str, list[Mark]] = {}
    pointers: dict[str, Pointer] = {}
    places = {item.get("number"): place for place, item in enumerate(declaration.get("items") or [])}
    for number, reason in enumerate(reasons, 1):
        for place, evidence in enumerate(reason.get("evidence") or [], 1):
            seen = evidence.get("observed")
            mark = Mark(number, place, seen if isinstance(seen, str) else None)
            path = _shown(_moved(str(evidence.get("path") or ""), places.get(reason.get("item"))), known)
            marks.setdefault(path, []).append(mark)
            pointers[mark.anchor] = Pointer(anchor(path) if path in known else None, labels.get(path, "Declaration"))
    return Form(
        tuple(_marked(section, marks) for section in blank), pointers, int(declaration.get("items_left_out") or 0)
    )


def _moved(path: str, place: int | None) -> str:
    """Return a path into the items as shown: of a long declaration some are left out, so that others stand elsewhere."""
    return path if place is None else re.sub(r"^/items/\d+", f"/items/{place}", path)


def _shown(path: str, known: set[str]) -> str:
    while path and path not in known:
        path = path.rpartition("/")[0]
    return path


def _marked(section: Section, marks: Mapping[str, Sequence[Mark]]) -> Section:
    entries = tuple(
        Entry(e.path, e.label, e.value, e.kind, e.beside, tuple(marks.get(e.path, ()))) for e in section.entries
    )
    own = tuple(marks.get(section.path, ()))
    return Section(
        section.path, section.title, section.kind, entries, own, section.opened, section.beside, section.left_out
    )


def _sections(declaration: JsonObject, country: Mapping[str, str], concerned: set[Any]) -> Iterator[Section]:
    if not declaration:
        return
    items = declaration.get("items") or []
    for place, item in enumerate(items):
        opened = item.get("number") in concerned or len(items) <= _OTHERS_OPEN
        text = " ".join(str(item.get("description") or "").split())
        yield Section(
            f"/items/{place}",
            f"Item {item.get('number', place + 1)}",
            "item",
            tuple(_item(item, f"/items/{place}", country)),
            opened=opened,
            beside=None if opened else text[:80] or None,
        )
    way = tuple(_way(declaration, country))
    if way:
        yield Section("/transport", "Route and transport", "way", way)
    for role in _ROLES:
        party = declaration.get(role)
        if party:
            yield Section(f"/{role}", role.capitalize(), "party", tuple(_party(party, role, country)))
    papers = tuple(_documents(declaration, ""))
    if papers:
        yield Section("/documents", "Documents", "documents", papers)
    yield Section("", "Declaration", "head", tuple(_head(declaration)))


def _head(declaration: JsonObject) -> Iterator[Entry]:
    source = declaration.get("source") or {}
    rows = (
        ("declaration_id", "Declaration", "code"),
        ("mrn", "MRN", "code"),
        ("local_reference", "Local reference", "code"),
        ("ucr", "UCR", "code"),
        ("event", "Event", "plain"),
        ("version", "Version", "text"),
        ("lodged_at", "Lodged (UTC)", "time"),
        ("regime", "Regime", "plain"),
        ("declaration_type", "Type", "code"),
        ("procedure", "Procedure", "code"),
        ("office", "Office", "code"),
        ("exit_office", "Office of exit", "code"),
    )
    for name, label, kind in rows:
        value = declaration.get(name)
        if value is None:
            continue
        text = str(value)
        if kind == "time":
            text = text.replace("T", " ")[:16]
        yield Entry(f"/{name}", label, written.plain(text) if kind == "plain" else text, kind)
    if source.get("system"):
        yield Entry("/source", "Source", f"{source['system']} · {source.get('format', '')}".rstrip(" ·"), "code")
    if declaration.get("gross_mass_kg") is not None:
        yield Entry("/gross_mass_kg", "Gross mass", f"{written.number(declaration['gross_mass_kg'], 6)} kg", "number")
    if declaration.get("package_count") is not None:
        yield Entry("/package_count", "Packages", written.number(declaration["package_count"]), "number")


def _country(path: str, label: str, code: Any, country: Mapping[str, str]) -> Entry:
    return Entry(path, label, str(code), "country", country.get(str(code)))


def _way(declaration: JsonObject, country: Mapping[str, str]) -> Iterator[Entry]:
    for name, label in (("country_of_export", "Country of export"), ("country_of_destination", "Destination")):
        if declaration.get(name):
            yield _country(f"/{name}", label, declaration[name], country)
    if declaration.get("routing"):
        yield Entry("/routing", "Routing", " → ".join(map(str, declaration["routing"])), "code")
    transport = declaration.get("transport") or {}
    for name, label, kind in (
        ("mode", "Mode", "plain"),
        ("identity", "Means of transport", "text"),
        ("inland_mode", "Mode inland", "plain"),
    ):
        if transport.get(name):
            yield Entry(f"/transport/{name}", label, str(transport[name]), kind)
    if transport.get("nationality"):
        yield _country("/transport/nationality", "Nationality", transport["nationality"], country)
    for name, label in (("containers", "Containers"), ("seals", "Seals")):
        if transport.get(name):
            more = transport.get(f"{name}_left_out")
            text = ", ".join(map(str, transport[name])) + (f" and {more} more" if more else "")
            yield Entry(f"/transport/{name}", label, text, "code")


def _party(party: JsonObject, role: str, country: Mapping[str, str]) -> Iterator[Entry]:
    labels = {"id": "Identifier", "email": "E-mail"}
    for name in _PARTY:
        value = party.get(name)
        if value is None:
            continue
        path, label = f"/{role}/{name}", labels.get(name, name.capitalize())
        yield (
            _country(path, label, value, country)
            if name == "country"
            else Entry(path, label, str(value), "code" if name == "id" else "text")
        )


def _item(item: JsonObject, path: str, country: Mapping[str, str]) -> Iterator[Entry]:
    if item.get("description"):
        yield Entry(f"{path}/description", "Description", str(item["description"]), "words")
    if item.get("commodity_code"):
        yield Entry(f"{path}/commodity_code", "Commodity code", str(item["commodity_code"]), "code")
    if item.get("cas"):
        yield Entry(f"{path}/cas", "CAS number", str(item["cas"]), "code")
    if item.get("origin"):
        yield _country(f"{path}/origin", "Origin", item["origin"], country)
    for name, label, unit in (
        ("net_mass_kg", "Net mass", "kg"),
        ("gross_mass_kg", "Gross mass", "kg"),
        ("volume_m3", "Volume", "m³"),
    ):
        if item.get(name) is not None:
            yield Entry(f"{path}/{name}", label, f"{written.number(item[name], 6)} {unit}", "number")
    if item.get("quantity"):
        quantity = item["quantity"]
        yield Entry(
            f"{path}/quantity", "Quantity", f"{written.number(quantity['value'], 6)} {quantity['unit']}", "number"
        )
    for name, label in (("value", "Value"), ("statistical_value", "Statistical value")):
        if item.get(name):
            money = item[name]
            mass = item.get("net_mass_kg")
            each = (
                f"{written.number(money['amount'] / mass)} {money['currency']}/kg" if mass and name == "value" else None
            )
            yield Entry(
                f"{path}/{name}", label, f"{written.number(money['amount'], 6)} {money['currency']}", "number", each
            )
    if item.get("procedure"):
        yield Entry(f"{path}/procedure", "Procedure", str(item["procedure"]), "code")
    if item.get("packages"):
        packed = [
            " ".join(
                str(part)
                for part in (
                    written.number(package["count"]) if package.get("count") is not None else None,
                    package.get("type"),
                    f"“{package['marks']}”" if package.get("marks") else None,
                )
                if part
            )
            for package in item["packages"]
        ]
        more = item.get("packages_left_out")
        yield Entry(f"{path}/packages", "Packages", "; ".join(packed) + (f" and {more} more" if more else ""), "text")
    yield from _documents(item, path)


def _documents(holder: JsonObject, path: str) -> Iterator[Entry]:
    for name, label in (("documents", "Documents"), ("previous_documents", "Previous documents")):
        papers = [_document(paper) for paper in holder.get(name) or []]
        if papers:
            more = holder.get(f"{name}_left_out")
            yield Entry(f"{path}/{name}", label, "; ".join(papers) + (f" and {more} more" if more else ""), "text")


def _document(paper: JsonObject) -> str:
    said = [str(paper.get("type")), str(paper.get("reference") or "")]
    if paper.get("quantity_kg") is not None:
        said.append(f"{written.number(paper['quantity_kg'], 6)} kg")
    for name, word in (
        ("issued_on", "issued"),
        ("expires_on", "until"),
        ("holder", "holder"),
        ("end_user", "end user"),
    ):
        if paper.get(name):
            said.append(f"{word} {paper[name]}")
    return " ".join(part for part in said if part)
