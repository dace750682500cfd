"""The canonical fields of ``FIELD_MAP.csv``, each as a question to a decoded message: is it there?

The table of public samples counts, for each format and field, in how many messages the field has a value. A codec is
held against it: wherever the path of the table has text in a message, the answer here must be yes.
"""

from __future__ import annotations

import csv
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any, Final, NamedTuple

from schemas.declaration import Declaration, Document, Item, Party
from schemas.message import Message

Question = Callable[[Message], bool]


class Row(NamedTuple):
    """One line of the table; ``paths`` are alternatives, ``samples`` is how many of ``of`` messages have a value."""

    format: str
    field: str
    paths: tuple[str, ...]
    samples: int
    of: int


def rows(table: Path, *formats: str) -> list[Row]:
    """Return the lines of ``FIELD_MAP.csv`` of these formats; those without a count (``n/a``) have 0 of 0."""
    found = []
    with table.open(encoding="utf-8", newline="") as lines:
        for line in csv.DictReader(lines):
            if line["format"] in formats:
                have, _, of = line["samples_with_value"].partition("/")
                counted = have.strip().isdigit() and of.strip().isdigit()
                found.append(
                    Row(
                        line["format"],
                        line["canonical_field"],
                        tuple(path.strip() for path in line["path_or_segment"].split("|")),
                        int(have) if counted else 0,
                        int(of) if counted else 0,
                    )
                )
    return found


def _whole(ask: Callable[[Declaration], Any]) -> Question:
    return lambda message: message.declaration is not None and bool(ask(message.declaration))


def _item(ask: Callable[[Item], Any]) -> Question:
    return _whole(lambda declaration: any(ask(item) for item in declaration.items))


def _party(party: Party | None) -> bool:
    return party is not None and bool(party.id or party.name)


def _documents(declaration: Declaration) -> Iterable[Document]:
    yield from declaration.documents
    for item in declaration.items:
        yield from item.documents


def _previous(declaration: Declaration) -> bool:
    return bool(declaration.previous_documents or any(item.previous_documents for item in declaration.items))


def _procedures(declaration: Declaration) -> list[str]:
    return [code for code in (declaration.procedure, *(item.procedure for item in declaration.items)) if code]


#: Canonical field -> whether a message has it. A message without a whole declaration has only its names and its event.
FIELDS: Final[dict[str, Question]] = {
    "declaration_id": lambda m: bool(m.named.mrn or m.named.declaration_id),
    "local_ref": lambda m: bool(m.named.local_reference),
    "version_or_function": lambda m: bool(m.version or m.event),
    "type_code": _whole(lambda d: d.declaration_type),
    "declarant": lambda m: bool(m.named.declarant) or (m.declaration is not None and _party(m.declaration.declarant)),
    "agent_representative": _whole(lambda d: _party(d.agent)),
    "exporter_consignor": _whole(lambda d: _party(d.exporter)),
    "importer_consignee": _whole(lambda d: _party(d.consignee)),
    "hs_commodity": _item(lambda i: i.commodity_code),
    "goods_description": _item(lambda i: i.description),
    "net_mass": _item(lambda i: i.net_mass_kg),
    "gross_mass": _whole(lambda d: d.gross_mass_kg or any(i.gross_mass_kg for i in d.items)),
    "statistical_value": _item(lambda i: i.statistical_value),
    "currency": _whole(lambda d: d.invoice_value or any(i.value or i.statistical_value for i in d.items)),
    "customs_or_invoice_value": _whole(lambda d: d.invoice_value or any(i.value for i in d.items)),
    "country_origin": _item(lambda i: i.origin),
    "country_dispatch_export": _whole(lambda d: d.country_of_export),
    "country_destination": _whole(lambda d: d.country_of_destination),
    "routing_countries": _whole(lambda d: d.routing),
    "mode_border": _whole(lambda d: d.transport and d.transport.mode),
    "mode_inland": _whole(lambda d: d.transport and d.transport.inland_mode),
    "container_id": _whole(lambda d: d.transport and d.transport.containers),
    "seal_id": _whole(lambda d: d.transport and d.transport.seals),
    "supporting_doc_type": _whole(lambda d: any(document.type for document in _documents(d))),
    "supporting_doc_number_licence": _whole(lambda d: any(document.reference for document in _documents(d))),
    "procedure_requested": _whole(_procedures),
    "procedure_previous": _whole(lambda d: any(len(code) >= 4 for code in _procedures(d))),
    "package_type": _item(lambda i: any(package.type for package in i.packages)),
    "package_count": _whole(
        lambda d: d.package_count is not None or any(p.count is not None for i in d.items for p in i.packages)
    ),
    "customs_office": _whole(lambda d: d.office),
    "exit_or_transit_office": _whole(lambda d: d.exit_office),
    "item_number": _item(lambda i: i.number),
    "previous_document": _whole(_previous),
}
