"""Dysprosium and terbium under other names, "not of Chinese origin", in many small parcels (case K8; T01, T04, T06)."""

from __future__ import annotations

from datetime import date, datetime, timedelta

from streams.simulate import wording
from streams.simulate.adding import Adding
from streams.simulate.compose import declaration, item
from streams.simulate.firms import Party, chinese, party
from streams.simulate.places import COUNTRIES
from streams.simulate.plot import Scenario, Scene
from streams.simulate.prices import paid
from streams.simulate.substances import DYSPROSIUM_OXIDE, TERBIUM_OXIDE
from streams.simulate.world import World

_COVERS: tuple[tuple[str, tuple[str, ...], float], ...] = (
    ("3206490000", ("ceramic pigment", "陶瓷颜料", "pigment powder"), 6.0),
    ("3207200000", ("ceramic glaze powder", "陶瓷釉料"), 3.2),
    ("2846100000", ("cerium polishing powder", "铈抛光粉"), 4.0),
    ("3824990000", ("chemical preparation", "additive for ceramics", "化工助剂"), 6.0),
    ("2825900000", ("metal oxide powder", "金属氧化物"), 12.0),
    ("3213100000", ("art supplies", "美术颜料"), 8.0),
)
_CLAIMS = ("", "", "", " - not of Chinese origin", " 非中国原产", " (origin Malaysia)")
_FALSE_ORIGINS = ("TH", "VN", "HK", "LA", "KR", "SG")


def tell(world: World, when: datetime, memory: bool) -> list[Scene]:
    """One freight consignment, or several parcels to one consignee; each names the substance somewhere.

    With ``memory``, half of the parcel stories name it nowhere: they show by adding up.
    """
    chance = world.chance
    substance = chance.one((DYSPROSIUM_OXIDE, TERBIUM_OXIDE))
    exporter, city = chinese(chance, contact=0.6)
    country = COUNTRIES[chance.one(("US", "JP", "DE", "KR", "NL", "GB", "MX", "TH"))]
    parcels = chance.maybe(0.5)
    silent = parcels and memory and chance.maybe(0.5)
    consignee: Party = world.buyer(country.code, 0.7).party
    if parcels and chance.maybe(0.5):
        consignee = party(
            None,
            f"A. {chance.one(country.surnames)}",
            country.code,
            f"{chance.one(country.streets)} {chance.whole(1, 200)}",
            chance.one(country.cities),
            f"+{country.dial} {chance.digits(9)}",
        )
    scenes = []
    days = 0.0
    adding = Adding(max(kg for _, kg in substance.packs))
    for _ in range(chance.whole(4, 12) if parcels else 1):
        code, texts, cover_usd = chance.one(_COVERS)
        net = chance.between(2, 20) if parcels else 25.0 * chance.whole(2, 40)
        text, marks, cas = chance.one(texts), None, None
        if not silent:
            told = chance.share()
            if told < 0.65:
                text = wording.slipped_in(text, substance, chance)
            elif told < 0.85:
                marks = wording.hint(substance, chance)
            else:
                cas = substance.cas
        honest_price = chance.maybe(0.5)
        usd_kg = paid(substance.name, when.date(), chance) if honest_price else chance.spread(cover_usd, 0.2)
        goods = item(
            1,
            code,
            text + chance.one(_CLAIMS),
            net,
            net * usd_kg,
            "BX" if parcels else "BG",
            25.0,
            origin=chance.one(_FALSE_ORIGINS) if chance.maybe(0.5) else None,
            marks=marks,
            cas=cas,
        )
        row = declaration(
            world.reference(when, "M" if parcels else "E"),
            [goods],
            declarant=chance.one(world.brokers),
            regime="postal" if parcels else "export",
            system="cn-express" if parcels else "cn-sw",
            procedure=None if parcels else "0110",
            office=city.office,
            exporter=exporter,
            consignee=consignee,
            destination=country.code,
            transport=world.transport("air" if parcels else "sea", 0),
        )
        # what is named nowhere shows by adding up; the rest by its words
        enough = adding.enough(when + timedelta(days=days), net)
        scenes.append(Scene(days, row, (substance.label,), due=enough or not silent))
        days += chance.between(0.5, 5)
    return scenes


def _possible(day: date) -> bool:
    return day >= DYSPROSIUM_OXIDE.controlled


SCENARIO = Scenario("rare-earths-relabelled", ("T01", "T04", "T06"), True, _possible, tell)
