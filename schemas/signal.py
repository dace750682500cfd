"""Signals: what the profile stage must remember of a declaration (topic ``signals``, a block a partition and batch)."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from schemas.types import Contract, CountryCode, Identifier, Kilograms, UtcTime


class Signal(Contract):
    """One contribution of one declaration to one profile key."""

    signal_id: Identifier
    key: Identifier
    declaration_id: Identifier
    declaration_version: Annotated[int, Field(ge=1)]
    event_time: UtcTime
    hs6: Annotated[str, Field(pattern=r"^[0-9]{4,6}$")] | None = None
    substance: Identifier | None = None
    country_of_export: CountryCode | None = None
    country_of_destination: CountryCode | None = None
    net_mass_kg: Kilograms | None = None
    value_usd: Annotated[float, Field(ge=0, allow_inf_nan=False)] | None = None


class SignalBlock(Contract):
    """The signals of one batch for one partition of the profile tables."""

    schema_: Annotated[Literal["signals/1"], Field(alias="schema")] = "signals/1"
    origin: Identifier | None = None
    signals: list[Signal]
