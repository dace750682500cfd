"""A ring whose exporters, booking parties and consignees share telephones, mailboxes and addresses (case K2; T08, T02)."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from streams.simulate import names
from streams.simulate.firms import Party
from streams.simulate.goods import LINES, ware
from streams.simulate.honest import line_item
from streams.simulate.over_time.stage import Sender, Stage
from streams.simulate.over_time.story import Kind, Member, Story
from streams.simulate.places import CITY_WHEEL, COUNTRIES
from streams.simulate.scenarios.antimony_goods import ingots
from streams.simulate.spelling import phone as respelt_phone
from streams.simulate.substances import ANTIMONY

_TO = ("TH", "VN", "MX", "MY", "HK", "LA", "MM", "ID", "AE")
_SHARED = ("phone", "email", "address")


def _shares(own: Party, stage: Stage, *, abroad: bool = False) -> dict[str, Any]:
    """Return two or three of a party's contacts; ``abroad`` the telephone is often noted in another way."""
    chance = stage.chance
    found = {kind: own[kind] for kind in chance.some(_SHARED, 2 if chance.maybe(0.6) else 3)}
    if "address" in found:
        found["city"] = own["city"]
    if abroad and "phone" in found and chance.maybe(0.5):
        found["phone"] = respelt_phone(found["phone"], chance)
    return found


def _ring(stage: Stage, begin: datetime) -> Story:
    """Three to seven shipments: the first is flagged for what it is, the later ones carry the contacts in other roles."""
    chance = stage.chance
    surname = stage.surname()
    country = chance.one(_TO)
    first = stage.firm("Metals", "金属", contact=1.0)
    first.party["email"] = first.party["email"] or f"export@{names.domain(first.party['name'])}"
    covered = chance.maybe(0.5)
    at = stage.after(begin, 0)
    for part in range(chance.whole(3, 7)):
        now = yield at
        sender, notify, declarant = first, None, None
        consignee = stage.world.buyer(country, 1.0).party
        linked = part > 0
        if chance.maybe(0.4):
            consignee["name"] = (
                f"{surname} {chance.one(('Brothers', 'Trading', 'Metals'))} {chance.one(COUNTRIES[country].suffixes)}"
            )
        if part > 0:
            role = chance.one(("exporter", "exporter", "consignee", "notify", "booking"))
            other = stage.firm(chance.one(("", "Trading")), "", first.city, 0.8)
            if role == "exporter":
                sender = Sender({**other.party, **_shares(first.party, stage)}, first.city, other.broker)
            elif role == "consignee":
                consignee = {**consignee, **_shares(first.party, stage, abroad=True)}
                sender = other if chance.maybe(0.5) else first
            elif role == "notify":
                person = names.person(chance, surname)
                notify = {**consignee, "id": None, "name": person, **_shares(first.party, stage, abroad=True)}
                sender = other if chance.maybe(0.5) else first
            else:  # a relative's firm books and declares
                declarant = {**other.party, **_shares(first.party, stage)}
                sender = stage.firm("", "", first.city, 0.5)
        goods = ingots(stage.world, now, chance.whole(2, 18), covered=covered and part > 0)
        row = stage.ship(now, [goods], sender, consignee, country, notify=notify, declarant=declarant)
        yield Member(row, linked, substances=("antimony",))
        at = stage.after(now, chance.between(2, 28))


def _ordinary(stage: Stage, sender: Sender, now: datetime, line: str, **more: Any) -> dict[str, Any]:
    """Return an ordinary shipment of goods of one line of business."""
    chance = stage.chance
    country = chance.one(("VN", "TH", "JP", "DE", "US", "MY", "KR"))
    firm = chance.of(stage.world.exporter_wheel)
    good = ware(chance.one(LINES[line]), ("en", "zh"), chance)
    goods = line_item(1, good, firm, 1.0, "sea", stage.world)
    consignee = more.pop("consignee", None) or stage.world.buyer(country, 0.6).party
    return stage.ship(now, [goods], sender, consignee, country, mode="sea", **more)


def _surnames(stage: Stage, begin: datetime) -> Story:
    """Firms that carry one surname, as a tenth of all do, and have nothing else in common; one deals in metal, licensed."""
    chance = stage.chance
    surname = stage.surname()
    at = stage.after(begin, 0)
    for _ in range(chance.whole(4, 9)):
        now = yield at
        sender = stage.firm(contact=0.9)
        sender.party["name"] = (
            f"{sender.city.name} {surname} {chance.one(('Trading', '& Sons', 'Industries'))} Co., Ltd."
        )
        consignee = stage.world.buyer(chance.one(("VN", "TH", "MY", "US")), 0.9).party
        consignee["name"] = f"{surname} {chance.one(('Imports', 'Family', 'Enterprise', 'Brothers'))} Ltd."
        row = _ordinary(stage, sender, now, chance.one(("nonferrous", "furniture", "kitchen")), consignee=consignee)
        yield Member(row, positive=False)
        at = stage.after(now, chance.between(3, 25))


def _group(stage: Stage, begin: datetime) -> Story:
    """Sister companies of one group: one legal address, one switchboard, one mail domain, and each says so by its name."""
    chance = stage.chance
    base = stage.firm(contact=1.0)
    word = chance.one(("Hengtai", "Jinsheng", "Ruifeng", "Huayuan", "Tonghai", "Dexin"))
    sisters = []
    for part in ("Manufacturing", "Metals", "Logistics", "Import & Export"):
        own = {
            **base.party,
            "id": stage.firm(city=base.city).party["id"],
            "name": f"{base.city.name} {word} Group {part} Co., Ltd.",
            "email": f"{part[:3].lower()}@{word.lower()}.example",
        }
        sisters.append(Sender(own, base.city, base.broker))
    at = stage.after(begin, 0)
    for _ in range(chance.whole(5, 12)):
        now = yield at
        sender, logistics = chance.one(sisters), sisters[2]
        row = _ordinary(
            stage, sender, now, chance.one(("nonferrous", "chemicals", "kitchen")), declarant=logistics.party
        )
        yield Member(row, positive=False)
        at = stage.after(now, chance.between(4, 20))


def _hub(stage: Stage, begin: datetime) -> Story:
    """Small firms at the address of a registration agent, with the telephone and mail of the broker they all use."""
    chance = stage.chance
    home = chance.of(CITY_WHEEL)
    address = f"Room {chance.whole(100, 2999)}, No. {chance.whole(1, 400)} {chance.one(home.streets)}"
    if stage.world.life is not None:
        home, address = chance.one(stage.world.life.agents)
    broker = chance.one(stage.world.brokers)
    at = stage.after(begin, 0)
    for _ in range(chance.whole(12, 30)):
        now = yield at
        sender = stage.firm(city=home)
        sender.broker = broker
        sender.party["phone"] = broker["phone"]
        if chance.maybe(0.7):
            sender.party["address"] = address
        if chance.maybe(0.5):
            sender.party["email"] = broker["email"]
        line = chance.one(("furniture", "kitchen", "toys", "lighting", "nonferrous"))
        yield Member(_ordinary(stage, sender, now, line), positive=False)
        at = stage.after(now, chance.between(0.5, 9))


KINDS = (Kind("antimony-family-network", ("T08", "T02"), _ring, 150, ANTIMONY.controlled, weight=1.5),)
LOOK_ALIKES = (
    Kind("firms-of-one-surname", (), _surnames, 90),
    Kind("group-of-sisters", (), _group, 90),
    Kind("firms-of-one-agent", (), _hub, 60),
)
