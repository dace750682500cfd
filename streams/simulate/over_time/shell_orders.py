"""Shell companies order antimony from domestic producers (case K2; T07, T09, T16): new firms, tonnes at once, one address."""

from __future__ import annotations

from datetime import datetime, timedelta

from streams.simulate.compose import LICENCE, item
from streams.simulate.over_time.lots import COVERS
from streams.simulate.over_time.stage import Sender, Stage
from streams.simulate.over_time.story import Kind, Member, Story
from streams.simulate.places import CITY_WHEEL
from streams.simulate.prices import paid
from streams.simulate.scenarios.antimony_goods import ingots
from streams.simulate.substances import ANTIMONY

_TO = ("TH", "MX", "HK", "MY", "VN", "KR", "JP", "AE", "IN")
_ORES_FROM = ("AU", "RU", "MM", "TR")


def _orders(stage: Stage, begin: datetime) -> Story:
    """Three to six firms that nobody has seen, behind one address or telephone, each with tonnes of ingots as its first order."""
    chance = stage.chance
    home = chance.of(CITY_WHEEL)
    address = f"Room {chance.whole(100, 2999)}, No. {chance.whole(1, 400)} {chance.one(home.streets)}"
    phone = f"+86 {home.dial} {chance.digits(8)}"
    share_address, share_phone = chance.one(((1.0, 0.5), (0.6, 1.0), (1.0, 1.0)))
    broker = chance.one(stage.world.brokers)
    country = chance.one(_TO)
    buyer = stage.world.buyer(country, 0.6).party
    licensed = chance.maybe(0.6)
    shells: list[Sender] = []
    count = chance.whole(3, 6)
    at = stage.after(begin, 0)
    lodged = 0
    while len(shells) < count or lodged < count + 2:
        now = yield at
        if len(shells) < count and (not shells or chance.maybe(0.75)):
            own = stage.firm(chance.one(("", "Trading", "Metals")), "", home, 0.7)
            if chance.maybe(share_address):
                own.party["address"] = address
            if chance.maybe(share_phone):
                own.party["phone"] = phone
            own.broker = broker if chance.maybe(0.6) else own.broker
            shells.append(own)
            shell = own
        else:
            shell = chance.one(shells)
        consignee = buyer if chance.maybe(0.6) else stage.world.buyer(country, 0.6).party
        goods = ingots(
            stage.world,
            now,
            chance.whole(3, 20),
            licensed=(shell.party, consignee) if licensed else None,
        )
        row = stage.ship(now, [goods], shell, consignee, country)
        lodged += 1
        # a licensed order of one new firm is what a new distributor's is; the second firm at the address is not
        yield Member(row, len(shells) >= 2 or not licensed, substances=("antimony",))
        at = stage.after(now, chance.between(1, 18))


def _distributor(stage: Stage, begin: datetime) -> Story:
    """A dealer in ores and powders for months, then licensed for antimony: its first sales abroad are tonnes, and in order."""
    chance = stage.chance
    own = stage.firm("Nonferrous Metals", "有色金属", contact=0.9)
    source = chance.one(_ORES_FROM)
    seller = stage.world.buyer(source, 0.6).party
    code, texts, usd_kg = COVERS[0]
    at = stage.after(begin, 0)
    for _ in range(chance.whole(4, 10)):
        now = yield at
        if chance.maybe(0.7):
            net = chance.whole(15, 48) * 1000.0
            ore = item(1, "2617100000", chance.one(("antimony concentrate", "锑精矿", "ANTIMONY ORE")), net,
                       net * 0.18 * paid("antimony", now.date(), chance), "BG", 1000.0, origin=source)  # fmt: skip
            row = stage.bring(now, [ore], own, seller, source, "sea")
        else:
            net = chance.whole(2, 20) * 100.0
            powder = item(1, code, chance.one(texts), net, net * chance.spread(usd_kg, 0.2), "BG", 25.0)
            row = stage.ship(now, [powder], own, stage.world.buyer("VN", 0.5).party, "VN")
        yield Member(row, positive=False)
        at = stage.after(now, chance.between(6, 22))
    country = chance.one(("JP", "KR", "DE", "IN", "BE"))
    buyer = stage.world.buyer(country, 0.8).party
    words = stage.words(ANTIMONY)
    for _ in range(chance.whole(2, 5)):
        now = yield at
        net = chance.whole(2, 9) * 1000.0
        issued = (now - timedelta(days=chance.whole(5, 30))).date()
        paper = {
            "type": LICENCE,
            "reference": f"{issued.year}-DU-{stage.licence_number()}",
            "issued_on": issued.isoformat(),
            "expires_on": (issued + timedelta(days=180)).isoformat(),
            "quantity_kg": net,
            "holder": own.party["name"],
            "end_user": buyer["name"],
        }
        row = stage.ship(now, [stage.metal(now, ANTIMONY, net, [paper], text=chance.one(words))], own, buyer, country)
        yield Member(row, positive=False)
        at = stage.after(now, chance.between(15, 40))


KINDS = (Kind("antimony-shell-orders", ("T07", "T09", "T16"), _orders, 110, ANTIMONY.controlled, past=200, weight=1.5),)
LOOK_ALIKES = (Kind("distributor-with-history", (), _distributor, 150, ANTIMONY.controlled, past=30),)
