"""Signals: what the profile stage must remember of declarations (topic ``signals``, a block a partition and batch).

A block holds the facts of each declaration once, and says which profile keys each fact belongs to. Everything in it is
already keyed: contacts and persons stand in it as hashes, never in clear.
"""

from __future__ import annotations

from datetime import date
from typing import Annotated, Any, Literal, TypeVar

from pydantic import Field

from schemas.declaration import Event, Regime, TransportMode
from schemas.disposition import Verdicts
from schemas.types import Contract, CountryCode, FindingCode, Identifier, ShortText, UtcTime

C = TypeVar("C", bound=Contract)
Hs6 = Annotated[str, Field(pattern=r"^[0-9]{4,6}$")]
Dollars = Annotated[float, Field(ge=0, allow_inf_nan=False)]
#: A sum of masses in kg: no limit, unlike a declared one.
Mass = Annotated[float, Field(ge=0, allow_inf_nan=False)]
Role = Literal["declarant", "agent", "exporter", "consignee", "notify", "carrier", "traveller"]
LinkKind = Literal["phone", "email", "address"]
#: Goods, licences, parties and links of one fact beyond this many are not remembered: the largest by mass come first.
MOST = 50


class Goods(Contract):
    """Items of one declaration that are alike: the same code and substance.

    ``item`` is the number of the first of them; ``named`` whether words or CAS name the substance as the goods themselves (the
    code alone may be of several); ``controlled`` whether an export control of the exporting country holds on the day;
    ``tightened`` the days, in the 400 before, on which a control of the element by that country came into force;
    ``price_fits`` the controlled substance whose price band the value by mass is in, asked where it is above what the heading
    costs.
    """

    item: Annotated[int, Field(ge=1)]
    hs6: Hs6 | None = None
    substance: Identifier | None = None
    element: Identifier | None = None
    named: bool = False
    controlled: bool = False
    licensed: bool = False
    net_mass_kg: Mass | None = None
    value_usd: Dollars | None = None
    tightened: list[date] = Field(default_factory=list)
    price_fits: Identifier | None = None


class LicenceUse(Contract):
    """What one declaration draws from one licence.

    ``reference`` is normalised; ``holder`` and ``end_user`` are name keys of parties (hashes for persons), ``*_shown`` the
    names as sent, where they are a firm's.
    """

    reference: Identifier
    item: Annotated[int, Field(ge=1)]
    kind: Identifier | None = None
    net_mass_kg: Mass | None = None
    licensed_kg: Mass | None = None
    expires_on: date | None = None
    holder: Identifier | None = None
    holder_shown: ShortText | None = None
    end_user: Identifier | None = None
    end_user_shown: ShortText | None = None


class Who(Contract):
    """A party of a declaration: its profile key, its name key, and its name if it is a firm's."""

    role: Role
    key: Identifier
    name_key: Identifier | None = None
    shown: ShortText | None = None
    country: CountryCode | None = None
    person: bool = False


class Contact(Contract):
    """An identifier that a party gave: kind, key (a hash) and a masked text for people."""

    role: Role
    kind: LinkKind
    key: Identifier
    shown: ShortText | None = None


class Fact(Contract):
    """What profiles may know of one version of one declaration.

    ``watched`` facts concern a controlled substance, or made the screen find something: they carry goods, licences and
    contacts. Others carry parties and totals only, and goods that the lexicon knows. Masses are in kg, values in US dollars at
    the day's rate; null where any item lacks one.

    ``risk`` (0..100) and ``found`` are what the screen stage said; ``text`` is a hash of the folded descriptions.
    """

    declaration_id: Identifier
    version: Annotated[int, Field(ge=1)]
    event: Event
    time: UtcTime
    regime: Regime
    mode: TransportMode | None = None
    office: Identifier | None = None
    country_of_export: CountryCode | None = None
    country_of_destination: CountryCode | None = None
    #: Whether a route was declared, and the countries on it that are neither its export nor its destination.
    routed: bool = False
    via: list[CountryCode] = Field(default_factory=list)
    net_mass_kg: Mass | None = None
    value_usd: Dollars | None = None
    headings: list[Hs6] = Field(default_factory=list)
    parties: list[Who] = Field(default_factory=list)
    watched: bool = False
    contacts: list[Contact] = Field(default_factory=list)
    goods: list[Goods] = Field(default_factory=list)
    licences: list[LicenceUse] = Field(default_factory=list)
    risk: Annotated[int, Field(ge=0, le=100)] = 0
    found: list[FindingCode] = Field(default_factory=list)
    text: Identifier | None = None

    @property
    def seconds(self) -> int:
        """Return the time in whole seconds since 1970, as profiles keep it."""
        return int(self.time.timestamp())


_DEFAULTS: dict[type[Contract], dict[str, Any]] = {}


def unchecked(kind: type[C], values: dict[str, Any]) -> C:
    """Return a contract with values that a checked declaration gave, without checking them a second time.

    On the hot path only: validation is half the cost of a brief fact. Whoever reads it from a topic checks it.
    ``BaseModel.model_construct`` does the same two hundred times slower than the check that it saves.
    """
    defaults = _DEFAULTS.get(kind)
    if defaults is None:
        fields = kind.model_fields.items()
        defaults = {
            name: field.get_default(call_default_factory=True) for name, field in fields if not field.is_required()
        }
        _DEFAULTS[kind] = defaults
    made = kind.__new__(kind)
    object.__setattr__(made, "__dict__", defaults | values)
    object.__setattr__(made, "__pydantic_fields_set__", set(values))
    object.__setattr__(made, "__pydantic_extra__", None)
    object.__setattr__(made, "__pydantic_private__", None)
    return made


class Signal(Contract):
    """One fact of the block (``fact``, its place in ``facts``) belongs to one profile key."""

    key: Identifier
    fact: Annotated[int, Field(ge=0)]


class Feedback(Contract):
    """An inspection's verdict on a declaration, for one profile key that the declaration touched."""

    key: Identifier
    declaration_id: Identifier
    verdict: Verdicts
    codes: list[FindingCode] = Field(default_factory=list)
    decided_at: UtcTime


class SignalBlock(Contract):
    """The signals of one batch for one partition of the profile states.

    ``quiet`` blocks teach only: the profiles remember them and say nothing (``assay profile warm``).
    """

    schema_: Annotated[Literal["signals/2"], Field(alias="schema")] = "signals/2"
    origin: Identifier | None = None
    quiet: bool = False
    facts: list[Fact] = Field(default_factory=list)
    signals: list[Signal] = Field(default_factory=list)
    feedback: list[Feedback] = Field(default_factory=list)
