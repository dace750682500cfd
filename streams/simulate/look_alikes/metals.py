"""Controlled metals in honest trade: licensed, or before their control date, or at their own price under their own code."""

from __future__ import annotations

from datetime import date, datetime

from streams.simulate import wording
from streams.simulate.compose import Row, document, item, licence
from streams.simulate.look_alikes.consignment import consign
from streams.simulate.plot import LookAlike
from streams.simulate.prices import paid
from streams.simulate.substances import (
    ANTIMONY,
    DYSPROSIUM_OXIDE,
    GALLIUM,
    GALLIUM_GERMANIUM,
    GERMANIUM,
    GERMANIUM_DIOXIDE,
    TERBIUM_OXIDE,
    US_BAN,
    US_SUSPENSION,
    Substance,
)
from streams.simulate.world import World


def _sold(
    world: World,
    when: datetime,
    substance: Substance,
    *,
    licensed: bool,
    country: str | None = None,
    tonnes: bool = False,
) -> Row:
    """Return a metal firm's sale to one of its customers of many years, or to a new one in ``country``."""
    chance = world.chance
    firm = chance.one(world.metal_firms)
    buyer = world.buyer(country, 0.7) if country else chance.one(firm.buyers)
    pack, kg_pack = chance.one(substance.packs)
    net = chance.whole(2, 20) * 1000.0 if tonnes else max(1, round(chance.spread(120, 0.8) / kg_pack)) * kg_pack
    papers = [document("N380", f"INV{chance.digits(6)}")] if chance.maybe(0.6) else []
    if licensed:
        papers.append(
            licence(
                when,
                chance.digits(6),
                net * chance.between(1.0, 4.0),
                firm.party["name"],
                buyer.party["name"],
                age_days=chance.whole(3, 150),
            )
        )
    text = wording.plain(substance, chance)
    goods = item(
        1,
        substance.code,
        text,
        net,
        net * paid(substance.name, when.date(), chance),
        pack,
        kg_pack,
        origin="CN" if chance.maybe(0.7) else None,
        cas=substance.cas if chance.maybe(0.3) else None,
        documents=papers,
    )
    mode = "sea" if tonnes else "air"
    return consign(
        world,
        when,
        [goods],
        mode=mode,
        country=buyer.country.code,
        exporter=(firm.party, firm.city),
        consignee=buyer.party,
        routing=["CN", buyer.country.code] if chance.maybe(0.3) else [],
    )


def _gallium_licensed(world: World, when: datetime) -> Row:
    return _sold(world, when, GALLIUM, licensed=True)


def _germanium_licensed(world: World, when: datetime) -> Row:
    return _sold(world, when, world.chance.one((GERMANIUM, GERMANIUM_DIOXIDE)), licensed=True)


def _before_control(world: World, when: datetime) -> Row:
    """Gallium or germanium in the months before 2023-08-01: nobody needed a licence."""
    return _sold(world, when, world.chance.one(GALLIUM_GERMANIUM), licensed=False)


def _antimony_before_control(world: World, when: datetime) -> Row:
    return _sold(world, when, ANTIMONY, licensed=False, tonnes=True)


def _antimony_licensed(world: World, when: datetime) -> Row:
    return _sold(world, when, ANTIMONY, licensed=True, tonnes=True)


def _rare_earths_licensed(world: World, when: datetime) -> Row:
    return _sold(world, when, world.chance.one((DYSPROSIUM_OXIDE, TERBIUM_OXIDE)), licensed=True)


def _us_in_suspension(world: World, when: datetime) -> Row:
    """To the United States with a licence, while the prohibition is suspended."""
    substance = world.chance.one((*GALLIUM_GERMANIUM, ANTIMONY))
    return _sold(world, when, substance, licensed=True, country="US", tonnes=substance is ANTIMONY)


def _us_before_ban(world: World, when: datetime) -> Row:
    """To the United States with a licence, before the prohibition."""
    return _sold(world, when, world.chance.one(GALLIUM_GERMANIUM), licensed=True, country="US")


#: Announcement 18/2025: scandium, with other medium and heavy rare earths.
_SCANDIUM_CONTROLLED = date(2025, 4, 4)


def _scandium(world: World, when: datetime) -> Row:
    """Scandium metal or oxide at its own price, under its own code; with a licence once it needs one."""
    chance = world.chance
    metal = chance.maybe(0.5)
    firm = chance.one(world.metal_firms)
    buyer = chance.one(firm.buyers)
    net = chance.spread(6 if metal else 30, 0.6)
    papers = []
    if when.date() >= _SCANDIUM_CONTROLLED:
        papers.append(licence(when, chance.digits(6), net * 2, firm.party["name"], buyer.party["name"]))
    goods = item(
        1,
        "2805301800" if metal else "2846901980",
        chance.one(
            ("scandium metal 99.9%", "金属钪") if metal else ("scandium oxide 99.99%", "氧化钪 4N", "Scandiumoxid")
        ),
        net,
        net * paid("scandium" if metal else "scandium oxide", when.date(), chance),
        "BO",
        1.0,
        origin="CN",
        documents=papers,
    )
    return consign(
        world,
        when,
        [goods],
        mode="air",
        country=buyer.country.code,
        exporter=(firm.party, firm.city),
        consignee=buyer.party,
        routing=[],
    )


def _trioxide_licensed(world: World, when: datetime) -> Row:
    """High-purity antimony trioxide with a licence."""
    chance = world.chance
    firm = chance.one(world.metal_firms)
    buyer = chance.one(firm.buyers)
    net = chance.whole(1, 18) * 1000.0
    goods = item(
        1,
        "2825800010",
        chance.one(("antimony trioxide 99.99%", "三氧化二锑 99.99%", "Antimontrioxid 4N")),
        net,
        net * paid("antimony trioxide", when.date(), chance) * 1.1,
        "BG",
        25.0,
        origin="CN",
        documents=[licence(when, chance.digits(6), net * 2, firm.party["name"], buyer.party["name"])],
    )
    return consign(
        world,
        when,
        [goods],
        mode="sea",
        country=buyer.country.code,
        exporter=(firm.party, firm.city),
        consignee=buyer.party,
        routing=[],
    )


LOOK_ALIKES = (
    LookAlike("gallium-licensed", _gallium_licensed, lambda day: day >= GALLIUM.controlled),
    LookAlike("germanium-licensed", _germanium_licensed, lambda day: day >= GERMANIUM.controlled, 1.5),
    LookAlike("germanium-before-control", _before_control, lambda day: day < GERMANIUM.controlled, 2.0),
    LookAlike("antimony-before-control", _antimony_before_control, lambda day: day < ANTIMONY.controlled),
    LookAlike("antimony-licensed", _antimony_licensed, lambda day: day >= ANTIMONY.controlled),
    LookAlike("antimony-trioxide-licensed", _trioxide_licensed, lambda day: day >= ANTIMONY.controlled),
    LookAlike("rare-earths-licensed", _rare_earths_licensed, lambda day: day >= DYSPROSIUM_OXIDE.controlled),
    LookAlike("scandium-own-price", _scandium),
    LookAlike(
        "us-licensed-in-suspension", _us_in_suspension, lambda day: US_SUSPENSION[0] <= day <= US_SUSPENSION[1], 2.0
    ),
    LookAlike("us-licensed-before-ban", _us_before_ban, lambda day: GALLIUM.controlled <= day < US_BAN),
)
