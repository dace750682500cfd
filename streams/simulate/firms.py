"""Firms with stable habits: what they trade in, with whom, through which broker, in which words."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from streams.simulate import names, places
from streams.simulate.chance import Chance, Wheel
from streams.simulate.goods import BOUGHT, LINES, Ware, ware

Party = dict[str, Any]

_LETTERS = "ABCDEFGHJKLMNPQRTUWXY"


def party(
    id_: str | None,
    name: str | None,
    country: str | None,
    address: str | None = None,
    city: str | None = None,
    phone: str | None = None,
    email: str | None = None,
    postcode: str | None = None,
) -> Party:
    """Return a party as the contract spells it."""
    return {
        "id": id_,
        "name": name,
        "address": address,
        "city": city,
        "postcode": postcode,
        "country": country,
        "phone": phone,
        "email": email,
    }


@dataclass(slots=True)
class Abroad:
    """A firm in a partner country."""

    party: Party
    country: places.Country


@dataclass(slots=True)
class Firm:
    """A Chinese firm: its wares, its partners, its broker; ``lot_usd`` is the median value of one of its items."""

    party: Party
    city: places.City
    wares: list[Ware]
    partners: list[Abroad]
    broker: Party
    currency: str
    lot_usd: float
    wares_wheel: Wheel[Ware] = field(init=False)
    partner_wheel: Wheel[Abroad] = field(init=False)

    def __post_init__(self) -> None:
        self.wares_wheel = Wheel(self.wares, [1 / (k + 1) for k in range(len(self.wares))])
        self.partner_wheel = Wheel(self.partners, [1 / (k + 1) for k in range(len(self.partners))])


def tax_id(chance: Chance) -> str:
    """Return an eighteen-digit number of the kind Chinese firms carry (no real one: the check digit is left to chance)."""
    return f"91{chance.digits(6)}MA{chance.digits(7)}{chance.one(_LETTERS)}"


def chinese(
    chance: Chance,
    city: places.City | None = None,
    line: str = "",
    hanzi: str = "",
    contact: float = 0.5,
    kind: tuple[str, str] | None = None,
) -> tuple[Party, places.City]:
    """Return a Chinese firm's party and its city. ``contact`` is how likely its telephone and its mail are given."""
    home = city or chance.of(places.CITY_WHEEL)
    english, chinese_name = names.chinese_firm(home.name, home.hanzi, chance, line, hanzi, kind)
    told = chance.share()
    name = english if told < 0.6 else chinese_name if told < 0.9 else english.upper()
    return (
        party(
            tax_id(chance),
            name,
            "CN",
            f"No. {chance.whole(1, 999)} {chance.one(home.streets)}",
            home.name if told < 0.6 else home.hanzi,
            f"+86 {home.dial} {chance.digits(8)}" if chance.maybe(contact) else None,
            f"{chance.one(('sales', 'export', 'info', 'shipping'))}{chance.whole(1, 999)}@{names.domain(english)}"
            if chance.maybe(contact)
            else None,
            chance.digits(6) if chance.maybe(0.3) else None,
        ),
        home,
    )


def abroad(country: places.Country, chance: Chance, contact: float = 0.35) -> Abroad:
    """Return a firm of a partner country."""
    surname = chance.one(country.surnames)
    name = names.foreign_firm(chance.one(country.suffixes), surname, chance)
    return Abroad(
        party(
            f"{country.code}{chance.digits(9)}" if chance.maybe(0.35) else None,
            name.upper() if chance.maybe(0.3) else name,
            country.code,
            f"{chance.one(country.streets)} {chance.whole(1, 400)}" if chance.maybe(0.85) else None,
            chance.one(country.cities) if chance.maybe(0.85) else None,
            f"+{country.dial} {chance.digits(9)}" if chance.maybe(contact) else None,
            f"{chance.one(('import', 'info', 'purchase'))}{chance.whole(1, 999)}@{names.domain(name)}"
            if chance.maybe(contact)
            else None,
        ),
        country,
    )


def languages(partner_countries: list[str], chance: Chance) -> tuple[str, ...]:
    """Return the languages a firm describes its goods in, by where it sells."""
    told = chance.share()
    own = ("zh",) if told < 0.4 else ("en",) if told < 0.75 else ("zh", "en")
    for code, language in (("HK", "hant"), ("TW", "hant"), ("RU", "ru"), ("KZ", "ru"), ("DE", "de"), ("MX", "es")):
        if code in partner_countries[:2] and chance.maybe(0.5):
            return (*own, language)
    return own


def trader(
    chance: Chance, line: str, brokers: list[Party], known: dict[str, list[Abroad]], buying: bool = False
) -> Firm:
    """Return a firm in one line of business, with partners of its own and some that others deal with too."""
    self_party, city = chinese(chance)
    partners = []
    for _ in range(min(9, 1 + int(chance.spread(2.2, 0.7)))):
        country = chance.of(places.SELLERS if buying else places.BUYERS)
        pool = known.setdefault(country.code, [])
        if pool and chance.maybe(0.35):
            partners.append(chance.one(pool))
        else:
            partners.append(abroad(country, chance))
            pool.append(partners[-1])
    spoken = languages([p.country.code for p in partners], chance)
    wares = [ware(good, spoken, chance) for good in chance.some(LINES[line], chance.whole(2, 5)) for _ in (0, 1)]
    currency = "USD"
    told = chance.share()
    first = partners[0].country.code
    if told < 0.12:
        currency = "CNY"
    elif told < 0.4:
        currency = "EUR" if first in places.EURO else places.CURRENCIES.get(first, "USD")
    return Firm(self_party, city, wares, partners, chance.one(brokers), currency, chance.spread(5000, 0.8))


def line_of(chance: Chance, buying: bool) -> str:
    """Return a line of business for a new firm."""
    if buying and chance.maybe(0.45):
        return chance.one(BOUGHT)
    return chance.one([line for line in LINES if line not in BOUGHT])
