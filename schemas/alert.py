"""The alert (topic ``alerts``, compacted, key ``declaration_id``): one for each declaration, revised as it lives."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field

from schemas.finding import Finding
from schemas.types import (
    Contract,
    CountryCode,
    Identifier,
    LongText,
    Severity,
    Share,
    ShortText,
    UtcTime,
)

AlertStatus = Literal["open", "updated", "withdrawn"]
Selection = Literal["risk", "mandatory", "random", "capacity"]


class Entity(Contract):
    """A party of the declaration, by role. ``name`` is absent for natural persons unless configured."""

    role: Identifier
    id: Identifier | None = None
    name: ShortText | None = None
    country: CountryCode | None = None


class Provenance(Contract):
    """Which rules, tables, models and engine judged, and which record they judged."""

    rules: str
    reference: str
    models: dict[str, str] = Field(default_factory=dict)
    engine: str
    origin: str | None = None


class Alert(Contract):
    """A declaration worth a look, with reasons strongest first."""

    schema_: Annotated[Literal["alert/1"], Field(alias="schema")] = "alert/1"
    alert_id: Identifier
    revision: Annotated[int, Field(ge=1)]
    status: AlertStatus
    declaration_id: Identifier
    declaration_version: Annotated[int, Field(ge=1)]
    mrn: str | None = None
    raised_at: UtcTime
    updated_at: UtcTime
    event_time: UtcTime
    risk_score: Annotated[int, Field(ge=0, le=100)]
    severity: Severity
    confidence: Share
    selected_by: list[Selection]
    title: ShortText
    summary: LongText
    substances: list[str] = Field(default_factory=list)
    reasons: list[Finding]
    entities: list[Entity] = Field(default_factory=list)
    group_key: str | None = None
    related: list[str] = Field(default_factory=list)
    declaration: dict[str, Any] = Field(default_factory=dict)
    provenance: Provenance
