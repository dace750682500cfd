"""The contracts as JSON Schema (Draft 2020-12), one document for each.

What others write (declarations, dispositions, labels, reference tables) is described as Assay accepts it: a field with a
default may be left out. What Assay writes is described as it is sent: every field is there.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal, NamedTuple

from schemas import reference
from schemas.alert import Alert
from schemas.dead_letter import DeadLetter
from schemas.declaration import Declaration
from schemas.disposition import Disposition, Label
from schemas.finding import Finding, Verdict
from schemas.model import ModelPointer, ShadowBlock
from schemas.notice import Notice
from schemas.signal import SignalBlock
from schemas.types import Contract

DIALECT = "https://json-schema.org/draft/2020-12/schema"

#: The tables of the topic ``reference``, and the contract of an entry of each.
TABLES: Mapping[str, type[Contract]] = {
    "controls": reference.ControlEntry,
    "suspensions": reference.Suspension,
    "lexicon": reference.LexiconEntry,
    "prices": reference.PriceBand,
    "heading_bands": reference.HeadingBand,
    "densities": reference.DensityBand,
    "countries": reference.CountryEntry,
    "producers": reference.Producer,
    "pegs": reference.CurrencyPeg,
}

Mode = Literal["validation", "serialization"]


class Described(NamedTuple):
    """A contract to be described, and from whose side: the one who writes it, or the one who reads it."""

    contract: type[Contract]
    mode: Mode


CONTRACTS: Mapping[str, Described] = {
    "declaration": Described(Declaration, "validation"),
    "finding": Described(Finding, "serialization"),
    "verdict": Described(Verdict, "serialization"),
    "signals": Described(SignalBlock, "serialization"),
    "alert": Described(Alert, "serialization"),
    "disposition": Described(Disposition, "validation"),
    "label": Described(Label, "validation"),
    "dead-letter": Described(DeadLetter, "serialization"),
    "model": Described(ModelPointer, "validation"),
    "shadow": Described(ShadowBlock, "serialization"),
    "notice": Described(Notice, "serialization"),
    "reference": Described(reference.ReferenceRecord, "validation"),
} | {f"reference-{table.replace('_', '-')}": Described(entry, "validation") for table, entry in TABLES.items()}


def mode_of(contract: type[Contract]) -> Mode:
    """Return from whose side a contract is described; one that stands in no table as Assay accepts it."""
    return next((known.mode for known in CONTRACTS.values() if known.contract is contract), "validation")


def urn(name: str) -> str:
    """Return the ``$id`` of a contract's schema; the number is that of its ``schema`` field.

    >>> urn("dead-letter")
    'urn:assay:schema:dead-letter:1'
    """
    stated = CONTRACTS[name].contract.model_fields.get("schema_")
    _, _, version = str(stated.default).partition("/") if stated else ("", "", "1")
    return f"urn:assay:schema:{name}:{version}"


def prose(description: str) -> str:
    """Return a docstring as one paragraph of plain text."""
    return " ".join(description.replace("``", "").split())


def tidy(schema: Any, shared: dict[str, Any], ref: str) -> Any:
    """Return a schema with plain descriptions, and with each long code list moved to ``shared``, written only once.

    Parameters
    ----------
    schema : any part of a JSON Schema.
    shared : where the code lists go, by title.
    ref : how to point there, e.g. ``#/$defs/{model}``.
    """
    if isinstance(schema, list):
        return [tidy(part, shared, ref) for part in schema]
    if not isinstance(schema, dict):
        return schema
    if len(schema.get("enum", ())) > 100:
        shared[schema["title"]] = schema
        return {"$ref": ref.format(model=schema["title"])}
    cleaned = {key: tidy(part, shared, ref) for key, part in schema.items()}
    if isinstance(cleaned.get("description"), str):
        cleaned["description"] = prose(cleaned["description"])
    return cleaned


def document(name: str) -> dict[str, Any]:
    """Return the JSON Schema document of a contract of :data:`CONTRACTS`."""
    contract, mode = CONTRACTS[name]
    shared: dict[str, Any] = {}
    schema: dict[str, Any] = tidy(contract.model_json_schema(mode=mode), shared, "#/$defs/{model}")
    if shared:
        schema["$defs"] = schema.get("$defs", {}) | shared
    return {"$schema": DIALECT, "$id": urn(name), "title": contract.__name__} | schema


def documents() -> dict[str, dict[str, Any]]:
    """Return every document by file name."""
    return {f"{name}.schema.json": document(name) for name in CONTRACTS}
