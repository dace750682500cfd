"""What an analyst or an inspection found out about an alert (topic ``dispositions``): the labels of the models."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from schemas.declaration import Money
from schemas.types import CommodityCode, Contract, FindingCode, Identifier, Kilograms, LongText, UtcTime

Verdicts = Literal["true_positive", "false_positive", "benign", "duplicate", "insufficient_data", "test"]


class Found(Contract):
    """What the inspection found."""

    substance: Identifier | None = None
    commodity_code: CommodityCode | None = None
    net_mass_kg: Kilograms | None = None


class Disposition(Contract):
    """The end of an alert."""

    schema_: Annotated[Literal["disposition/1"], Field(alias="schema")] = "disposition/1"
    alert_id: Identifier
    declaration_id: Identifier
    verdict: Verdicts
    confirmed_codes: list[FindingCode] = Field(default_factory=list)
    found: Found | None = None
    revenue_recovered: Money | None = None
    analyst: Identifier | None = None
    note: LongText | None = None
    decided_at: UtcTime


class Label(Contract):
    """A known answer for one declaration, for evaluation: empty ``typologies`` means honest.

    ``case`` names what several declarations belong to, ``due`` says whether what was lodged up to this one is enough to expect
    an alert on it (null: nothing is said; a positive one is then due), ``lodged_at`` is when it was lodged, to count days by.
    """

    declaration_id: Identifier
    typologies: list[str]
    substances: list[str] = Field(default_factory=list)
    scenario: str | None = None
    look_alike: Annotated[str, Field(max_length=128)] | None = None
    case: Annotated[str, Field(max_length=128)] | None = None
    due: bool | None = None
    lodged_at: UtcTime | None = None
