"""Honest parties and routes that resemble a ring or a detour."""

from __future__ import annotations

from datetime import datetime

from streams.simulate import honest, names, wording
from streams.simulate.compose import Row, document, item, licence
from streams.simulate.firms import chinese
from streams.simulate.look_alikes.consignment import consign
from streams.simulate.places import COUNTRIES
from streams.simulate.plot import LookAlike
from streams.simulate.prices import paid
from streams.simulate.substances import ANTIMONY
from streams.simulate.world import World


def _ordinary(world: World, when: datetime) -> Row:
    """Return an ordinary export, to be changed a little."""
    return honest.export(world, when)


def _same_surname(world: World, when: datetime) -> Row:
    """Exporter and foreign consignee carry one surname, and nothing else in common."""
    row = _ordinary(world, when)
    surname = world.chance.one(names.SURNAMES[:6])
    kind = world.chance.one(("Trading", "Brothers", "& Sons", "Industries"))
    row["exporter"] = {**row["exporter"], "name": f"{row['exporter']['city']} {surname} {kind} Co., Ltd."}
    row["consignee"] = {
        **row["consignee"],
        "name": f"{surname} {world.chance.one(('Imports', 'Family', 'Enterprise'))} Ltd.",
    }
    return row


def _group(world: World, when: datetime) -> Row:
    """A group: exporter and declarant are sister companies at one legal address, under one switchboard and one name."""
    row = _ordinary(world, when)
    own = {**row["exporter"], "name": f"{row['exporter']['city']} Hengtai Group Manufacturing Co., Ltd."}
    own["phone"] = own["phone"] or f"+86 755 {world.chance.digits(8)}"
    row["exporter"] = own
    row["declarant"] = {**own, "id": f"{own['id'][:-2]}8X", "name": f"{own['city']} Hengtai Group Logistics Co., Ltd."}
    row["declaration_id"] = f"cn-sw:{row['declarant']['id']}:{row['declaration_id'].rsplit(':', 1)[1]}"
    return row


def _forwarder(world: World, when: datetime) -> Row:
    """Ordinary goods consigned to a customer, with the forwarder at destination to be notified."""
    row = _ordinary(world, when)
    near = [f for f in world.forwarders if f["country"] == row["country_of_destination"]]
    row["notify"] = world.chance.one(near or world.forwarders)
    return row


_HUBS = {
    "SG": ("ID", "IN", "AU", "MY"),
    "HK": ("JP", "US", "DE", "GB"),
    "NL": ("DE", "PL", "CZ", "BE"),
    "AE": ("SA", "EG", "NG"),
}


def _hub(world: World, when: datetime) -> Row:
    """Ordinary goods through Singapore, Hong Kong, Rotterdam or Dubai, as half the world's trade goes."""
    row = _ordinary(world, when)
    hub = world.chance.one(tuple(_HUBS))
    country = world.chance.one(_HUBS[hub])
    row["consignee"] = world.buyer(country).party
    row["country_of_destination"] = country
    row["routing"] = ["CN", hub, country]
    return row


def _cape(world: World, when: datetime) -> Row:
    """To Europe around the Cape of Good Hope, as most lines sail since December 2023."""
    row = _ordinary(world, when)
    country = world.chance.one(("NL", "DE", "GB", "BE", "FR", "ES"))
    row["consignee"] = world.buyer(country).party
    row["country_of_destination"] = country
    row["routing"] = ["CN", "SG", "ZA", country] if world.chance.maybe(0.6) else ["CN", "MY", "ZA", "MA", country]
    row["transport"] = world.transport("sea", 1)
    return row


def _distributor(world: World, when: datetime) -> Row:
    """A newly licensed distributor's first sale of antimony: licence, end user and consignee agree."""
    chance = world.chance
    own, city = chinese(chance, line="Nonferrous Metals", hanzi="有色金属", contact=0.9)
    buyer = world.buyer(chance.one(("JP", "KR", "DE", "IN", "BE")), 0.8)
    net = chance.whole(3, 15) * 1000.0
    pack, kg_pack = ANTIMONY.packs[0]
    goods = item(
        1,
        ANTIMONY.code,
        wording.plain(ANTIMONY, chance),
        net,
        net * paid("antimony", when.date(), chance),
        pack,
        kg_pack,
        origin="CN",
        documents=[
            licence(when, chance.digits(6), net, own["name"], buyer.party["name"], age_days=chance.whole(5, 30)),
            document("N380", f"INV{chance.digits(6)}"),
        ],
    )
    return consign(
        world,
        when,
        [goods],
        mode="sea",
        country=buyer.country.code,
        exporter=(own, city),
        consignee=buyer.party,
        routing=["CN", buyer.country.code],
    )


def _smelter(world: World, when: datetime) -> Row:
    """A smelter in Thailand or Mexico that buys antimony under licence for its own furnace, month after month."""
    chance = world.chance
    code = chance.one(("TH", "MX"))
    country = COUNTRIES[code]
    firm = world.metal_firms[0 if code == "TH" else 1]
    name = "Siam Antimony Smelting Co. Ltd." if code == "TH" else "Fundidora de Antimonio del Norte S.A. de C.V."
    buyer = {
        **firm.buyers[0].party,
        "id": f"{code}100200300",
        "name": name,
        "country": code,
        "city": country.cities[0],
        "address": f"{country.streets[0]} 88",
        "phone": f"+{country.dial} 555010203",
        "email": "ventas@smelter.example",
    }
    net = chance.whole(10, 22) * 1000.0
    goods = item(
        1,
        ANTIMONY.code,
        wording.plain(ANTIMONY, chance),
        net,
        net * paid("antimony", when.date(), chance),
        *ANTIMONY.packs[0],
        origin="CN",
        documents=[licence(when, chance.digits(6), net * 4, firm.party["name"], name, age_days=chance.whole(5, 100))],
    )
    return consign(
        world,
        when,
        [goods],
        mode="sea",
        country=code,
        exporter=(firm.party, firm.city),
        consignee=buyer,
        routing=["CN", code],
    )


LOOK_ALIKES = (
    LookAlike("same-surname-firms", _same_surname),
    LookAlike("group-one-legal-address", _group),
    LookAlike("forwarder-notify", _forwarder),
    LookAlike("hub-transshipment", _hub),
    LookAlike("cape-route", _cape),
    LookAlike("licensed-distributor-new", _distributor, lambda day: day >= ANTIMONY.controlled),
    LookAlike("third-country-smelter", _smelter, lambda day: day >= ANTIMONY.controlled),
)
