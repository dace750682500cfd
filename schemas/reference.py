"""Contracts of the reference tables: control lists with dates, lexicon, prices, headings, countries, currencies.

A table is a list of entries; the topic ``reference`` (compacted, key = the table's name) carries whole tables as
:class:`ReferenceRecord`. Days are calendar days of the place where a notice was issued; a range includes both ends.
"""

from __future__ import annotations

from datetime import date
from typing import Annotated, Any, Literal

from pydantic import ConfigDict, Field, model_validator

from schemas.types import CasNumber, Contract, CountryCode, CurrencyCode, Day, Identifier, LongText, ShortText, UtcTime

Substance = Annotated[str, Field(min_length=2, max_length=80, pattern=r"^[a-z0-9][a-z0-9 ()+-]*$")]
Element = Annotated[str, Field(pattern=r"^[A-Z][a-z]?$")]
#: A chapter (2 digits), heading (4) or subheading (6) of the Harmonized System.
HsPrefix = Annotated[str, Field(pattern=r"^[0-9]{2}([0-9]{2}){0,2}$")]
Hs6 = Annotated[str, Field(pattern=r"^[0-9]{6}$")]
UsdPerKg = Annotated[float, Field(gt=0, le=1e9, allow_inf_nan=False)]
Scope = Annotated[str, Field(pattern=r"^[A-Z]{2,6}([/-][A-Za-z0-9.]+)*$")]

Measure = Literal[
    "licence_required",
    "prohibition_military_end_use",
    "prohibition_no_licence",
    "stricter_end_use_review",
    "state_trading_licence",
    "declaration_requirement",
    "framework",
    "not_listed",
]
#: ``verified`` and ``probable`` may prohibit; ``disputed`` (a lapse that an unseen notice may have prevented) and
#: ``unverified`` (from memory, or a code that was inferred) may warn only.
Certainty = Literal["verified", "probable", "disputed", "unverified"]
EntryKind = Literal["goods", "equipment", "technology", "procedure", "blanket", "negative"]
TableName = Literal[
    "controls", "suspensions", "lexicon", "prices", "heading_bands", "densities", "countries", "producers", "pegs"
]


def cas_is_valid(cas: str) -> bool:
    """Tell whether the last digit of a CAS registry number is its check digit.

    >>> cas_is_valid("7440-55-3"), cas_is_valid("7440-55-4")
    (True, False)
    """
    digits = cas.replace("-", "")
    return sum(int(d) * n for n, d in enumerate(reversed(digits[:-1]), 1)) % 10 == int(digits[-1])


class Entry(Contract):
    """Base of table entries: a misspelt field is an error, and where a fact comes from is part of it."""

    model_config = ConfigDict(strict=True, extra="forbid", frozen=True)

    status: ShortText
    source: ShortText


class Dated(Entry):
    """An entry that holds on the days ``since`` to ``until``; ``None`` is open on that side."""

    since: Day | None = None
    until: Day | None = None

    @model_validator(mode="after")
    def _in_order(self) -> Dated:
        if self.since and self.until and self.since > self.until:
            raise ValueError(f"since {self.since} is after until {self.until}")
        return self

    def holds_on(self, day: date) -> bool:
        """Tell whether the day is within the range."""
        return (self.since is None or self.since <= day) and (self.until is None or day <= self.until)


class ControlEntry(Dated):
    """One row of a control list: a substance, under one commodity code, under one instrument.

    ``substances`` are keys of the lexicon and ``elements`` chemical symbols; both are empty where the row names no
    single substance. ``covers`` is filled for blanket rows (a prohibition for everything that the named scopes list).
    ``hs6_exclusive``: the six digits alone name the substance, so the code is enough without text (8110.10 is antimony;
    8112.92 is gallium, germanium, indium, niobium, vanadium and more). ``exempt_destinations``: where no individual licence is
    needed (other members of the union, general authorisations). ``threshold_purity_pct`` is the number in
    ``threshold``, met from it on when ``threshold_inclusive``, else above it.
    """

    row_id: Identifier
    regimes: tuple[Literal["CN", "EU", "US", "WA"], ...] = Field(min_length=1)
    territories: tuple[CountryCode, ...] = Field(min_length=1)
    instrument: ShortText
    issued: Day | None = None
    scope: Scope
    kind: EntryKind
    substance: ShortText
    substances: tuple[Substance, ...] = ()
    elements: tuple[Element, ...] = ()
    covers: tuple[Scope, ...] = ()
    name_zh: ShortText | None = None
    form: ShortText | None = None
    threshold: ShortText | None = None
    threshold_purity_pct: Annotated[float, Field(gt=0, le=100)] | None = None
    threshold_inclusive: bool = True
    hs6: Hs6 | None = None
    hs6_exclusive: bool = False
    code8: Annotated[str, Field(pattern=r"^[0-9]{8}$")] | None = None
    code10: Annotated[str, Field(pattern=r"^[0-9]{10}$")] | None = None
    code_status: ShortText | None = None
    control_code: ShortText | None = None
    control_code_status: ShortText | None = None
    cas: tuple[CasNumber, ...] = ()
    cas_status: ShortText | None = None
    measure: Measure
    destinations: tuple[Literal["ALL"] | CountryCode, ...] = ("ALL",)
    exempt_destinations: tuple[CountryCode, ...] = ()
    destination_note: ShortText | None = None
    certainty: Certainty
    urls: tuple[ShortText, ...] = ()
    notes: LongText | None = None

    @property
    def can_prohibit(self) -> bool:
        """Whether a match on this row may support ``CONTROL-PROHIBITED``; otherwise it may only warn."""
        return self.certainty in ("verified", "probable")

    def applies_to(self, destination: str | None) -> bool:
        """Tell whether goods bound for the country fall under the row; an unknown destination only under ALL."""
        if destination in self.exempt_destinations:
            return False
        return "ALL" in self.destinations or destination in self.destinations


class Suspension(Dated):
    """A time in which control rows do not operate, by scope and measure.

    ``formal`` is false for a suspension that was only reported: it does not switch the rows off, it makes them
    ``disputed``.
    """

    suspension_id: Identifier
    instrument: ShortText
    issued: Day | None = None
    scopes: tuple[Scope, ...] = Field(min_length=1)
    measures: tuple[Measure, ...] = Field(min_length=1)
    destinations: tuple[Literal["ALL"] | CountryCode, ...] = ("ALL",)
    formal: bool
    urls: tuple[ShortText, ...] = ()
    notes: LongText | None = None

    def touches(self, entry: ControlEntry) -> bool:
        """Tell whether the entry is among those suspended."""
        return (
            entry.scope in self.scopes
            and entry.measure in self.measures
            and ("ALL" in self.destinations or set(entry.destinations) <= set(self.destinations))
        )


class Term(Contract):
    """One way to write a substance.

    ``strength``: a strong term names the substance by itself, a weak one (a symbol, a single character, a word with
    another meaning) needs context. ``match``: ``word`` a whole word, case-folded; ``stem`` a word that begins so;
    ``exact`` a whole word in this very case; ``substring`` anywhere (scripts without spaces).
    """

    model_config = ConfigDict(strict=True, extra="forbid", frozen=True)

    text: Annotated[str, Field(min_length=1, max_length=120)]
    language: Annotated[str, Field(pattern=r"^(zxx|[a-z]{2}(-[A-Z][A-Za-z]+)?)$")]
    kind: Literal["name", "alias", "symbol", "formula", "cas", "pinyin"]
    strength: Literal["strong", "weak"]
    match: Literal["word", "stem", "exact", "substring"]


class LexiconEntry(Entry):
    """A substance: how it is written, what it is, and under which headings it is honestly declared.

    ``headings`` are HS prefixes where the substance itself belongs; ``article_headings`` those of honest finished goods
    that contain it. Density in g/cm3 at room temperature, melting point in degrees Celsius.
    """

    substance: Substance
    element: Element | None
    kind: Literal["element", "compound", "alloy", "mineral", "material"]
    formula: ShortText | None = None
    cas: tuple[CasNumber, ...] = ()
    cas_status: ShortText | None = None
    density_g_cm3: Annotated[float, Field(gt=0, lt=25)] | None = None
    melting_c: float | None = None
    purity_grades: ShortText | None = None
    forms: ShortText | None = None
    packaging: LongText | None = None
    headings: tuple[HsPrefix, ...] = ()
    article_headings: tuple[HsPrefix, ...] = ()
    cover_descriptions: ShortText | None = None
    terms: tuple[Term, ...] = Field(min_length=1)
    notes: LongText | None = None

    @model_validator(mode="after")
    def _cas_checks(self) -> LexiconEntry:
        for cas in self.cas:
            if not cas_is_valid(cas):
                raise ValueError(f"CAS {cas} has a wrong check digit")
        return self


class PriceBand(Dated):
    """What honest traders paid for a substance, USD per kg of goods, in a span of days."""

    substance: Substance
    form: ShortText
    headings: tuple[HsPrefix, ...] = Field(min_length=1)
    low: UsdPerKg
    high: UsdPerKg
    since: Day
    basis: LongText
    extrapolated: bool = False

    @model_validator(mode="after")
    def _low_first(self) -> PriceBand:
        if self.low >= self.high:
            raise ValueError(f"low {self.low} is not below high {self.high}")
        return self


class HeadingBand(Entry):
    """The wide span of honest USD per kg for goods of an HS prefix."""

    prefix: HsPrefix
    goods: ShortText
    low: UsdPerKg
    high: UsdPerKg

    @model_validator(mode="after")
    def _low_first(self) -> HeadingBand:
        if self.low >= self.high:
            raise ValueError(f"low {self.low} is not below high {self.high}")
        return self


class DensityBand(Entry):
    """The most that a cubic metre of packed goods of an HS prefix weighs, kg/m3."""

    prefix: HsPrefix
    goods: ShortText
    bulk_density_max: Annotated[float, Field(gt=0, le=25000)]


class TransitRisk(Contract):
    """A substance that sources saw passing through a country."""

    model_config = ConfigDict(strict=True, extra="forbid", frozen=True)

    substance: Substance
    grade: Literal["A", "B", "C", "D"]
    basis: ShortText


class CountryEntry(Entry):
    """A country or customs territory: a representative point (degrees), its neighbours over land, its role in trade."""

    iso2: CountryCode
    iso3: Annotated[str, Field(pattern=r"^[A-Z]{3}$")] | None
    name: ShortText
    lat: Annotated[float, Field(ge=-90, le=90)]
    lon: Annotated[float, Field(ge=-180, le=180)]
    region: ShortText
    borders: tuple[CountryCode, ...] = ()
    hub: bool = False
    transit_risk: tuple[TransitRisk, ...] = ()


class Producer(Entry):
    """The countries that mine, smelt or refine a substance; ``recycling`` where it comes from scrap mainly."""

    substance: Substance
    countries: tuple[CountryCode, ...] = Field(min_length=1)
    recycling: tuple[CountryCode, ...] = ()


class CurrencyPeg(Entry):
    """A currency fixed to another: ``units`` of it make one of the anchor."""

    currency: CurrencyCode
    anchor: CurrencyCode
    units: Annotated[float, Field(gt=0, allow_inf_nan=False)]


class ReferenceRecord(Contract):
    """A whole table, to replace the one in use: a record of the topic ``reference``, key ``table``."""

    schema_: Annotated[Literal["reference/1"], Field(alias="schema")] = "reference/1"
    table: TableName
    version: Identifier
    issued_at: UtcTime
    note: LongText | None = None
    entries: list[dict[str, Any]] = Field(min_length=1)
