"""Ordinary trade: exports, imports, transit, entry summaries, luggage and post of honest people."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from streams.simulate import places
from streams.simulate.chance import Chance, Wheel
from streams.simulate.compose import Item, Row, declaration, document, item
from streams.simulate.firms import Firm, party
from streams.simulate.goods import BULK, GOODS, Ware
from streams.simulate.prices import drift
from streams.simulate.world import World

#: Items on a declaration, 3.66 on average as in the measured national feeds.
_ITEMS = Wheel((1, 2, 3, 4, 5, 6, 8, 11, 16, 24, 40), (400, 160, 110, 80, 60, 50, 45, 40, 30, 16, 9))
_CONTAINER_KG = 24_000.0
_AIR_KG = 4_000.0
#: What the largest bulk carriers load.
_SHIP_KG = 3.0e8


def _net_kg(ware: Ware, lot_usd: float, mode: str, usd_kg: float, chance: Chance) -> float:
    """Return a consignment's mass: what its buyer spends, within what the means of transport carries."""
    net = chance.spread(lot_usd, 1.0) / usd_kg
    if ware.pack in BULK:
        return min(max(net, 500.0) * 100, _SHIP_KG)
    top = _AIR_KG if mode == "air" else _CONTAINER_KG
    net = min(net, top * chance.between(0.6, 1.0))
    packages = net / ware.kg_pack
    if ware.pack == "UN" or (packages >= 3 and chance.maybe(0.7)):  # whole packages, whole vehicles
        net = max(1, round(packages)) * ware.kg_pack
    return max(net, 0.05)


def line_item(number: int, ware: Ware, firm: Firm, day_drift: float, mode: str, world: World) -> Item:
    """Return one item of a firm's usual trade."""
    chance = world.chance
    usd_kg = chance.spread(ware.usd_kg, ware.spread) * day_drift
    net = _net_kg(ware, firm.lot_usd, mode, usd_kg, chance)
    told = chance.share()
    pieces = None if ware.kg_piece is None else max(1, round(net / ware.kg_piece))
    found = item(
        number,
        ware.code,
        ware.texts[int(told * len(ware.texts))],
        net,
        net * usd_kg,
        ware.pack,
        ware.kg_pack,
        currency=firm.currency,
        marks=ware.marks,
        pieces=pieces,
    )
    if told < 0.05:
        found["volume_m3"] = round(found["gross_mass_kg"] / ware.kg_m3, 3)
    elif told > 0.65:
        found["gross_mass_kg"] = None
    if chance.maybe(0.001):  # a keying mistake in the value or the mass, as every feed has
        found["net_mass_kg"] = round(found["net_mass_kg"] / 10, 3)
    return found


def _mixed(firm: Firm, world: World, when: datetime, mode: str, count: int) -> list[Item]:
    level = drift(when.date())
    pick, wheel = world.chance.of, firm.wares_wheel
    items: list[Item] = []
    loaded = 0.0
    for number in range(1, count + 1):
        one = line_item(number, pick(wheel), firm, level, mode, world)
        loaded += one["net_mass_kg"] or 0.0
        if items and loaded > _SHIP_KG:  # one ship carries a declaration
            break
        items.append(one)
    return items


def _papers(items: list[Item], mode: str, chance: Chance) -> None:
    """Put invoice and transport document on the first item, as most do."""
    if chance.maybe(0.6):
        items[0]["documents"].append(document("N380", f"INV{chance.digits(7)}"))
    if chance.maybe(0.35):
        kind = {"air": "N740", "road": "N730", "rail": "N720"}.get(mode, "N705")
        items[0]["documents"].append(document(kind, f"{chance.one('ABHKLMNOS')}{chance.digits(10)}"))


def _gross(items: list[Item]) -> float:
    return round(
        sum((i["net_mass_kg"] or 0.0) * 1.09 if i["gross_mass_kg"] is None else i["gross_mass_kg"] for i in items), 2
    )


def export(world: World, when: datetime) -> Row:
    """Return an export of a Chinese firm to one of its customers."""
    chance = world.chance
    firm = chance.of(world.exporter_wheel)
    buyer = chance.of(firm.partner_wheel)
    told_as = buyer.party if world.life is None else world.life.as_told(buyer.party, chance)
    same = None if world.life is None else world.life.notified(told_as, chance)
    ware = firm.wares[0]
    mode = places.mode(buyer.country, ware.usd_kg, chance)
    items = _mixed(firm, world, when, mode, chance.of(_ITEMS))
    if chance.maybe(0.3):
        for one in items:
            one["origin"] = "CN"
    _papers(items, mode, chance)
    gross = _gross(items)
    routing = places.ways(buyer.country, mode, chance) if chance.maybe(0.25) else []
    return declaration(
        world.reference(when),
        items,
        declarant=firm.broker if chance.maybe(0.8) else firm.party,
        exporter=firm.party,
        consignee=told_as,
        notify=chance.one(world.forwarders) if chance.maybe(0.12) else same,
        office=firm.city.office,
        exit_office=firm.city.office if chance.maybe(0.6) else None,
        destination=buyer.country.code,
        routing=routing,
        transport=world.transport(mode, int(gross / _CONTAINER_KG) + 1 if chance.maybe(0.5) else 0),
        gross_kg=gross,
    )


def import_(world: World, when: datetime) -> Row:
    """Return an import of a Chinese firm from one of its suppliers."""
    chance = world.chance
    firm = chance.of(world.importer_wheel)
    seller = chance.of(firm.partner_wheel)
    mode = places.mode(seller.country, firm.wares[0].usd_kg, chance)
    items = _mixed(firm, world, when, mode, chance.of(_ITEMS))
    if chance.maybe(0.7):
        for one in items:
            one["origin"] = seller.country.code
    _papers(items, mode, chance)
    return declaration(
        world.reference(when, "I"),
        items,
        declarant=firm.broker,
        regime="import",
        exporter=seller.party,
        consignee=firm.party,
        office=firm.city.office,
        export=seller.country.code,
        destination="CN",
        routing=[seller.country.code, "CN"] if chance.maybe(0.2) else [],
        transport=world.transport(mode, 1 if chance.maybe(0.4) else 0),
        gross_kg=_gross(items),
    )


def _without_value(items: list[Item]) -> None:
    for one in items:
        one["value"] = None
        one["quantity"] = None
        one["commodity_code"] = one["commodity_code"][:6]


def transit(world: World, when: datetime) -> Row:
    """Return goods on their way through: transit declarations carry masses and six digits, but no values."""
    chance = world.chance
    firm = chance.of(world.exporter_wheel)
    buyer = chance.of(firm.partner_wheel)
    origin = chance.one(("VN", "LA", "KZ", "HK", "KR", "JP", "TH"))
    if origin == buyer.country.code:
        origin = "MY"
    mode = chance.one(("road", "rail", "sea"))
    items = _mixed(firm, world, when, mode, chance.of(_ITEMS))
    _without_value(items)
    return declaration(
        world.reference(when, "T"),
        items,
        declarant=firm.broker,
        regime="transit",
        system="cn-transit",
        procedure=None,
        consignee=buyer.party,
        office=firm.city.office,
        exit_office=chance.of(places.CITY_WHEEL).office,
        export=origin,
        destination=buyer.country.code,
        routing=[origin, "CN", buyer.country.code] if chance.maybe(0.5) else [],
        transport=world.transport(mode),
        gross_kg=_gross(items),
    )


def entry_summary(world: World, when: datetime) -> Row:
    """Return what a carrier says before arrival: masses, short texts, six digits, no values."""
    chance = world.chance
    firm = chance.of(world.importer_wheel)
    seller = chance.of(firm.partner_wheel)
    mode = "air" if chance.maybe(0.3) else "sea"
    items = _mixed(firm, world, when, mode, chance.of(_ITEMS))
    _without_value(items)
    for one in items:
        one["net_mass_kg"] = None
    carrier = chance.one(world.forwarders)
    return declaration(
        world.reference(when, "S"),
        items,
        declarant=carrier,
        regime="entry_summary",
        system="cn-manifest",
        procedure=None,
        exporter=seller.party,
        consignee=firm.party,
        carrier=carrier,
        office=firm.city.office,
        export=seller.country.code,
        destination="CN",
        routing=[seller.country.code, "CN"],
        transport=world.transport(mode, 1 if mode == "sea" else 0),
        gross_kg=_gross(items),
    )


# What people carry: text, kilograms, dollars (None: not asked), package.
_LUGGAGE: tuple[tuple[str, float, float | None, str], ...] = (
    ("personal effects", 18, None, "BX"),
    ("个人衣物", 15, None, "BX"),
    ("wrist watch", 0.15, 6500, "BX"),
    ("bottles of baijiu, 2 x 500 ml", 1.9, 180, "BO"),
    ("thermos bottle with tea", 0.9, None, "BO"),
    ("laptop computer and charger", 2.4, 1500, "BX"),
    ("camera with two lenses", 2.1, 3200, "BX"),
    ("cosmetics and perfume", 1.6, 420, "BX"),
    ("dried mushrooms and tea", 3.0, 90, "BX"),
    ("silver bracelets, gift", 0.3, 350, "BX"),
    ("образцы ткани", 2.5, 40, "BX"),
    ("handbag leather", 1.1, 2400, "BX"),
    ("samples of ceramic tiles", 6.5, 30, "BX"),
    ("medicine for own use", 0.4, 60, "BX"),
    ("olive oil, 1 bottle", 1.0, 15, "BO"),
    ("honey in bottle", 1.5, 20, "BO"),
    ("printed circuit board samples", 1.2, 200, "BX"),
    ("toys for children", 2.2, 45, "BX"),
)


def passenger(world: World, when: datetime) -> Row:
    """Return what a traveller declares on leaving or entering."""
    chance = world.chance
    country = chance.of(places.BUYERS)
    leaving = chance.maybe(0.6)
    person = world.traveller("CN" if chance.maybe(0.5) else country.code)
    if world.life is not None:
        person = world.life.traveller(chance) or person
    text, kg, usd, pack = chance.one(_LUGGAGE)
    net = chance.spread(kg, 0.3)
    items = [item(1, None, text, net, usd and chance.spread(usd, 0.4), pack, 30.0, count=1)]
    return declaration(
        world.reference(when, "P"),
        items,
        declarant=person,
        regime="passenger",
        system="cn-passenger",
        procedure=None,
        office=chance.of(places.CITY_WHEEL).office,
        traveller=person,
        export="CN" if leaving else country.code,
        destination=country.code if leaving else "CN",
        transport=world.transport("passenger"),
    )


_PARCELS = tuple(good for good in GOODS if 4 < good.usd_kg < 500 and good.pack == "CT")


def postal(world: World, when: datetime) -> Row:
    """Return a parcel of a web shop to a person abroad, in post or express."""
    chance = world.chance
    firm = chance.of(world.exporter_wheel)
    country = chance.of(places.BUYERS)
    good = chance.one(_PARCELS)
    net = min(25.0, chance.spread(0.7, 0.9))
    usd = net * chance.spread(good.usd_kg * 1.8, 0.5)
    person: dict[str, Any] = party(
        None,
        f"{chance.one(('A.', 'J.', 'M.', 'S.'))} {chance.one(country.surnames)}",
        country.code,
        f"{chance.one(country.streets)} {chance.whole(1, 200)}",
        chance.one(country.cities),
        f"+{country.dial} {chance.digits(9)}" if chance.maybe(0.6) else None,
    )
    if world.life is not None and (regular := world.life.customer(chance)) is not None:
        person, country = regular, places.COUNTRIES[regular["country"]]
    if world.life is not None:
        person = world.life.as_typed(person, chance)
    text = chance.one(good.english).capitalize()
    items = [
        item(
            1,
            good.code if chance.maybe(0.6) else None,
            text if chance.maybe(0.85) else chance.one(("gift", "礼品", "sample", "accessories", "daily necessities")),
            net,
            usd,
            "CT" if chance.maybe(0.6) else "BX",
            30.0,
            pieces=chance.whole(1, 6),
        )
    ]
    if world.life is not None:
        if chance.maybe(0.07):
            items[0]["packages"][0]["type"] = "BO"
        if chance.maybe(0.25):
            items[0]["origin"] = "CN"
    express = chance.maybe(0.5)
    return declaration(
        world.reference(when, "M"),
        items,
        declarant=firm.broker,
        regime="postal",
        system="cn-express" if express else "cn-post",
        procedure=None,
        office=firm.city.office,
        exporter=firm.party,
        consignee=person,
        destination=country.code,
        transport=world.transport("air" if express else "post"),
    )


REGIMES = Wheel(
    (export, import_, transit, entry_summary, passenger, postal),
    (0.62, 0.22, 0.04, 0.04, 0.03, 0.05),
)
