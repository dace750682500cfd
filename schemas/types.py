"""Field types shared by the contracts: codes, times, amounts and texts with their limits.

Every constraint here is one that pydantic-core checks natively, without calling back into Python, because
a declaration is validated on the hot path.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, date, datetime
from functools import cache
from typing import Annotated, Any, Literal

import pycountry
from pydantic import BaseModel, ConfigDict, Field, GetCoreSchemaHandler, GetJsonSchemaHandler
from pydantic_core import CoreSchema, core_schema

#: Codes that customs administrations use beside ISO 3166-1 (EU geonomenclature, Regulation (EU) 2020/1470:
#: Kosovo, Northern Ireland, Ceuta, Melilla, and the QP-QZ codes for high seas, stores and "not specified").
CUSTOMS_TERRITORIES = frozenset(
    {"XK", "XI", "XC", "XL", "QP", "QQ", "QR", "QS", "QU", "QV", "QW", "QX", "QY", "QZ", "EU"}
)


@cache
def country_codes() -> frozenset[str]:
    """Return ISO 3166-1 alpha-2 codes and :data:`CUSTOMS_TERRITORIES`."""
    return frozenset(c.alpha_2 for c in pycountry.countries) | CUSTOMS_TERRITORIES


@cache
def currency_codes() -> frozenset[str]:
    """Return ISO 4217 alphabetic codes."""
    return frozenset(c.alpha_3 for c in pycountry.currencies)


class _OneOf:
    """Restrict a string to a set known at import time (checked by hash, in pydantic-core)."""

    def __init__(self, codes: Iterable[str], title: str, description: str) -> None:
        self.codes = sorted(codes)
        self.title = title
        self.description = description

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        return core_schema.literal_schema(self.codes)

    def __get_pydantic_json_schema__(self, schema: CoreSchema, handler: GetJsonSchemaHandler) -> dict[str, Any]:
        return {"type": "string", "title": self.title, "description": self.description, "enum": self.codes}


def _written(pattern: str, message: str, parsed: CoreSchema, value: CoreSchema) -> CoreSchema:
    """Take a text of one form from JSON, or the value itself from Python.

    Left to itself pydantic also reads digits in a text as seconds since 1970: a slip in a feed would become a date.
    """
    text = core_schema.custom_error_schema(
        core_schema.str_schema(pattern=pattern), "form", custom_error_message=message
    )
    return core_schema.json_or_python_schema(core_schema.chain_schema([text, parsed]), value)


class _Utc:
    """Require an RFC 3339 time with offset zero, between 1990 and 2100."""

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        def time(strict: bool) -> CoreSchema:
            return core_schema.datetime_schema(
                strict=strict,
                tz_constraint=0,
                ge=datetime(1990, 1, 1, tzinfo=UTC),
                le=datetime(2100, 1, 1, tzinfo=UTC),
                microseconds_precision="truncate",
            )

        return _written(
            r"^[0-9]{4}-[0-9]{2}-[0-9]{2}[Tt ][0-9]{2}:[0-9]{2}:[0-9]{2}",
            "Input should be a time such as 2026-11-20T08:14:05Z",
            time(strict=False),
            time(strict=True),
        )

    def __get_pydantic_json_schema__(self, schema: CoreSchema, handler: GetJsonSchemaHandler) -> dict[str, Any]:
        return {"type": "string", "format": "date-time", "pattern": "([Zz]|[+-]00:?00)$", "description": "UTC"}


class _Day:
    """Require an ISO 8601 calendar date, between 1900 and 2199."""

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        def day(strict: bool) -> CoreSchema:
            return core_schema.date_schema(strict=strict, ge=date(1900, 1, 1), le=date(2199, 12, 31))

        return _written(
            r"^[0-9]{4}-[0-9]{2}-[0-9]{2}$",
            "Input should be a date such as 2026-11-20",
            day(strict=False),
            day(strict=True),
        )

    def __get_pydantic_json_schema__(self, schema: CoreSchema, handler: GetJsonSchemaHandler) -> dict[str, Any]:
        return {"type": "string", "format": "date"}


CountryCode = Annotated[
    str, _OneOf(country_codes(), "CountryCode", "ISO 3166-1 alpha-2, or a customs territory of the EU geonomenclature")
]
CurrencyCode = Annotated[str, _OneOf(currency_codes(), "CurrencyCode", "ISO 4217")]
UtcTime = Annotated[datetime, _Utc()]
Day = Annotated[date, _Day()]

#: 4 digits (a heading) to 14 (a national code with its additional code), no dots.
CommodityCode = Annotated[
    str,
    Field(
        pattern=r"^[0-9]{4,14}$", description="digits of the tariff code, no dots: heading (4) to national code (14)"
    ),
]
#: UN/ECE Recommendation 21: one or two characters.
PackageType = Annotated[str, Field(pattern=r"^[A-Z0-9]{1,2}$", description="UN/ECE Recommendation 21")]
Kilograms = Annotated[float, Field(ge=0, le=1e9, allow_inf_nan=False, description="kilograms")]
CubicMetres = Annotated[float, Field(ge=0, le=1e7, allow_inf_nan=False, description="cubic metres")]
Amount = Annotated[float, Field(ge=0, le=1e15, allow_inf_nan=False)]
Share = Annotated[float, Field(ge=0, le=1, allow_inf_nan=False)]

Identifier = Annotated[str, Field(min_length=1, max_length=255)]
#: A text that is not carried is null, never "".
ShortText = Annotated[str, Field(min_length=1, max_length=512)]
LongText = Annotated[str, Field(min_length=1, max_length=8192)]
CasNumber = Annotated[str, Field(pattern=r"^[0-9]{2,7}-[0-9]{2}-[0-9]$", description="CAS registry number")]

Severity = Literal["low", "medium", "high", "critical"]
SEVERITIES: tuple[Severity, ...] = ("low", "medium", "high", "critical")

FindingCode = Literal[
    "CONTROL-NO-LICENCE",
    "CONTROL-PROHIBITED",
    "LICENCE-OVERDRAWN",
    "LICENCE-MISUSED",
    "MISLABEL-NAME",
    "MISLABEL-CODE",
    "MISLABEL-TEXT",
    "MISLABEL-VALUE",
    "MISLABEL-MASS",
    "MISLABEL-PURITY",
    "VAGUE-DESCRIPTION",
    "ROUTE-TRANSIT",
    "ROUTE-DETOUR",
    "ROUTE-DESTINATION",
    "ROUTE-SURGE",
    "ORIGIN-RELABEL",
    "SPLIT-SHIPMENTS",
    "HAND-CARRIED",
    "PARTY-NEW",
    "PARTY-LINKED",
    "AMEND-EVASIVE",
    "OUTLIER",
    "OUTCOME",
]


class Contract(BaseModel):
    """Base of all contracts: strict types, unknown fields left out, values never changed after validation."""

    model_config = ConfigDict(
        strict=True, extra="ignore", frozen=True, json_schema_serialization_defaults_required=True
    )
