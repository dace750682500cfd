"""The customs declaration, as every detector sees it (topic ``declarations``, key ``declaration_id``).

Times are UTC; masses kilograms; volumes cubic metres; money an amount and an ISO 4217 currency; countries ISO 3166-1
alpha-2. What a message does not carry is ``null``: never zero, never an empty text.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import AfterValidator, FailFast, Field

from schemas.types import (
    Amount,
    CasNumber,
    CommodityCode,
    Contract,
    CountryCode,
    CubicMetres,
    CurrencyCode,
    Day,
    Identifier,
    Kilograms,
    LongText,
    PackageType,
    ShortText,
    UtcTime,
)

#: ``rejected``: the customs system did not take the lodgement; ``arrived``: the goods were presented; ``controlled``: a
#: documentary or physical check was ordered.
Event = Literal["lodged", "amended", "cancelled", "accepted", "rejected", "arrived", "controlled", "released", "exited"]
Regime = Literal["export", "import", "transit", "entry_summary", "passenger", "postal"]
TransportMode = Literal["sea", "rail", "road", "air", "post", "fixed", "inland", "own", "passenger"]

MAX_ITEMS = 9_999


class Party(Contract):
    """A person or firm in a role of the declaration. Personal data: see ``alert.redact``."""

    id: Identifier | None = None
    name: ShortText | None = None
    address: ShortText | None = None
    city: ShortText | None = None
    postcode: ShortText | None = None
    country: CountryCode | None = None
    phone: ShortText | None = None
    email: ShortText | None = None


class Source(Contract):
    """Where a declaration came from; ``origin`` is a claim check on the raw bytes (``topic/partition@offset``)."""

    system: Identifier
    format: Identifier
    received_at: UtcTime | None = None
    origin: Identifier | None = None


class Transport(Contract):
    """The active means of transport at the border, containers, seals, and how the goods travel inland."""

    mode: TransportMode | None = None
    identity: ShortText | None = None
    nationality: CountryCode | None = None
    containers: Annotated[list[Identifier], Field(max_length=9_999)] = Field(default_factory=list)
    inland_mode: TransportMode | None = None
    seals: Annotated[list[Identifier], Field(max_length=9_999)] = Field(default_factory=list)


class Quantity(Contract):
    """A quantity in a UN/ECE Recommendation 20 unit."""

    value: Amount
    unit: Annotated[str, Field(pattern=r"^[A-Z0-9]{1,3}$")]


class Money(Contract):
    """An amount of money."""

    amount: Amount
    currency: CurrencyCode


class Package(Contract):
    """Packages of one kind with the marks on them."""

    type: PackageType | None = None
    count: Annotated[int, Field(ge=0, le=10**8)] | None = None
    marks: ShortText | None = None


class Document(Contract):
    """A supporting document (licence, permit, certificate, invoice, transport document), or a previous one.

    ``status`` is the code by which it is said how the document is used, or why it is waived (UK: DE 2/3 status code).
    """

    type: Annotated[str, Field(min_length=1, max_length=16)]
    reference: ShortText | None = None
    issued_on: Day | None = None
    expires_on: Day | None = None
    status: Annotated[str, Field(min_length=1, max_length=16)] | None = None
    quantity_kg: Kilograms | None = None
    holder: ShortText | None = None
    end_user: ShortText | None = None


class Item(Contract):
    """One goods item of a declaration.

    ``value`` is what the item is worth as the feed says it best (see the codec); ``statistical_value`` only where the
    message has one of that name. ``procedure`` is requested and previous procedure, where items differ.
    """

    number: Annotated[int, Field(ge=1, le=99_999)]
    commodity_code: CommodityCode | None = None
    description: LongText | None = None
    origin: CountryCode | None = None
    net_mass_kg: Kilograms | None = None
    gross_mass_kg: Kilograms | None = None
    volume_m3: CubicMetres | None = None
    quantity: Quantity | None = None
    value: Money | None = None
    statistical_value: Money | None = None
    procedure: Annotated[str, Field(min_length=1, max_length=16)] | None = None
    additional_procedures: Annotated[list[Identifier], Field(max_length=99)] = Field(default_factory=list)
    cas: CasNumber | None = None
    packages: Annotated[list[Package], FailFast(), Field(max_length=999)] = Field(default_factory=list)
    documents: Annotated[list[Document], FailFast(), Field(max_length=999)] = Field(default_factory=list)
    previous_documents: Annotated[list[Document], FailFast(), Field(max_length=9_999)] = Field(default_factory=list)


def _numbers_differ(items: list[Any]) -> list[Any]:
    """Refuse two items with one number: findings point at items by number. Takes models or plain rows."""
    numbers = [item["number"] if type(item) is dict else item.number for item in items]
    if len(set(numbers)) < len(numbers):
        twice = next(number for place, number in enumerate(numbers) if number in numbers[:place])
        raise ValueError(f"item number {twice} stands twice; every item needs a number of its own")
    return items


class Declaration(Contract):
    """A declaration event: a lodgement, an amendment (restated in full), a cancellation or a later step."""

    schema_: Annotated[Literal["declaration/1"], Field(alias="schema")] = "declaration/1"
    event: Event
    declaration_id: Identifier
    version: Annotated[int, Field(ge=1, le=1_000_000)] = 1
    mrn: Annotated[str, Field(pattern=r"^[0-9A-Z]{8,35}$")] | None = None
    local_reference: Identifier | None = None
    ucr: Identifier | None = None
    lodged_at: UtcTime
    source: Source
    regime: Regime
    declaration_type: Annotated[str, Field(min_length=1, max_length=16)] | None = None
    procedure: Annotated[str, Field(min_length=1, max_length=16)] | None = None
    office: Identifier | None = None
    exit_office: Identifier | None = None
    declarant: Party | None = None
    agent: Party | None = None
    exporter: Party | None = None
    consignee: Party | None = None
    notify: Party | None = None
    carrier: Party | None = None
    traveller: Party | None = None
    country_of_export: CountryCode | None = None
    country_of_destination: CountryCode | None = None
    routing: Annotated[list[CountryCode], Field(max_length=99)] = Field(default_factory=list)
    transport: Transport | None = None
    gross_mass_kg: Kilograms | None = None
    package_count: Annotated[int, Field(ge=0, le=10**8)] | None = None
    invoice_value: Money | None = None
    #: Documents of the whole declaration; those of one item stand there.
    documents: Annotated[list[Document], FailFast(), Field(max_length=9_999)] = Field(default_factory=list)
    previous_documents: Annotated[list[Document], FailFast(), Field(max_length=9_999)] = Field(default_factory=list)
    #: The first wrong item ends the check: a large record that is wrong throughout costs no more than a good one.
    items: Annotated[list[Item], FailFast(), Field(min_length=1, max_length=MAX_ITEMS), AfterValidator(_numbers_differ)]


PARTY_ROLES = ("declarant", "agent", "exporter", "consignee", "notify", "carrier", "traveller")
