"""Small honest things with gallium in them, or that sound like it: kits, thermometers, thermal paste, GaN electronics."""

from __future__ import annotations

from datetime import datetime

from streams.simulate.compose import Row, declaration, item
from streams.simulate.look_alikes.consignment import consign
from streams.simulate.places import BUYERS, CITY_WHEEL
from streams.simulate.plot import LookAlike
from streams.simulate.world import World


def _laboratory_kit(world: World, when: datetime) -> Row:
    """A teacher's kit with ten grams of gallium, declared as such, in luggage or as freight."""
    chance = world.chance
    kit = item(
        1,
        "9023000000",
        chance.one(
            (
                "laboratory kit for teaching, with 10 g gallium demonstration sample",
                "chemistry education kit incl. gallium spoon 10g",
                "教学实验套装 含10克镓演示样品",
                "Lehrmittelsatz mit 10 g Gallium Demonstrationsprobe",
            )
        ),
        chance.between(0.6, 2.5),
        chance.between(60, 180),
        "BX",
        5.0,
        count=1,
        pieces=1,
    )
    if chance.maybe(0.5):
        return consign(world, when, [kit], mode="air")
    country = chance.of(BUYERS)
    person = world.traveller(country.code)
    return declaration(
        world.reference(when, "P"),
        [kit],
        declarant=person,
        regime="passenger",
        system="cn-passenger",
        procedure=None,
        office=chance.of(CITY_WHEEL).office,
        traveller=person,
        destination=country.code,
        transport=world.transport("passenger"),
    )


def _galinstan_thermometer(world: World, when: datetime) -> Row:
    chance = world.chance
    text = chance.one(
        (
            "clinical thermometers, galinstan filled, mercury free",
            "Fieberthermometer mit Galinstan, quecksilberfrei",
            "无汞体温计 镓铟锡",
            "termómetros clínicos de galinstan",
        )
    )
    if chance.maybe(0.3):
        country = chance.of(BUYERS)
        person = world.traveller("CN" if chance.maybe(0.5) else country.code)
        return declaration(
            world.reference(when, "P"),
            [item(1, None, text, chance.between(0.05, 0.3), chance.between(5, 30), "BX", 5.0, count=1)],
            declarant=person,
            regime="passenger",
            system="cn-passenger",
            procedure=None,
            office=chance.of(CITY_WHEEL).office,
            traveller=person,
            destination=country.code,
            transport=world.transport("passenger"),
        )
    net = chance.spread(120, 0.6)
    goods = item(1, "9025110000", text, net, net * chance.spread(55, 0.3), "CT", 8.0, pieces=round(net / 0.02))
    return consign(world, when, [goods], mode="air", country=chance.one(("DE", "US", "GB", "ES", "IT")))


def _thermal_paste(world: World, when: datetime) -> Row:
    chance = world.chance
    net = chance.spread(25, 0.6)
    text = chance.one(
        (
            "liquid metal thermal paste for CPU, syringes 1 g",
            "液态金属导热膏 1g/支",
            "thermal compound liquid metal, retail packed",
            "Flüssigmetall-Wärmeleitpaste",
        )
    )
    goods = item(1, "3824990000", text, net, net * chance.spread(420, 0.35), "CT", 5.0, pieces=round(net / 0.012))
    return consign(world, when, [goods], mode="air", country=chance.one(("US", "DE", "JP", "KR", "GB", "TW")))


def _gan_lamps(world: World, when: datetime) -> Row:
    chance = world.chance
    net = chance.spread(900, 0.8)
    text = chance.one(
        ("GaN LED lamps", "LED LAMPS GaN CHIP E27 9W", "氮化镓LED灯", "LED-Lampen GaN", "gallium nitride LED bulbs")
    )
    goods = item(1, "8539520000", text, net, net * chance.spread(28, 0.3), "CT", 8.0, pieces=round(net / 0.06))
    return consign(world, when, [goods], mode="sea")


def _gan_chargers(world: World, when: datetime) -> Row:
    chance = world.chance
    net = chance.spread(700, 0.8)
    text = chance.one(
        (
            "GaN charger 65W USB-C",
            "氮化镓充电器 65W",
            "GaN fast charger 100W 4 ports",
            "Ladegerät GaN 65 W",
            "GaN зарядное устройство",
        )
    )
    goods = item(1, "8504400000", text, net, net * chance.spread(60, 0.3), "CT", 10.0, pieces=round(net / 0.13))
    return consign(world, when, [goods], mode=chance.one(("air", "sea")))


def _gaas_devices(world: World, when: datetime) -> Row:
    chance = world.chance
    net = chance.spread(15, 0.7)
    text = chance.one(("GaAs RF amplifier ICs", "砷化镓射频芯片", "gallium arsenide PHEMT transistors packaged"))
    goods = item(1, "8542330000", text, net, net * chance.spread(2400, 0.6), "CT", 3.0, pieces=round(net / 0.0005))
    return consign(world, when, [goods], mode="air", country=chance.one(("US", "KR", "TW", "VN", "MY", "JP")))


LOOK_ALIKES = (
    LookAlike("laboratory-kit-gallium-sample", _laboratory_kit),
    LookAlike("galinstan-thermometer", _galinstan_thermometer),
    LookAlike("liquid-metal-thermal-paste", _thermal_paste),
    LookAlike("gan-led-lamp", _gan_lamps),
    LookAlike("gan-charger", _gan_chargers),
    LookAlike("gaas-devices", _gaas_devices),
)
