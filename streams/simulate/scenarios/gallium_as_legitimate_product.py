"""Controlled metals exported under the guise of legitimate products (cases K5 and K8, typologies T01 and T11)."""

from __future__ import annotations

from datetime import date, datetime

from streams.simulate import places, wording
from streams.simulate.compose import declaration, document, item
from streams.simulate.firms import chinese
from streams.simulate.places import COUNTRIES
from streams.simulate.plot import Scenario, Scene
from streams.simulate.prices import paid
from streams.simulate.substances import GALLIUM, GALLIUM_OXIDE, GERMANIUM, GERMANIUM_DIOXIDE
from streams.simulate.world import World

# Cover: declared code, texts, price in USD/kg of the true article.
_METAL_COVERS: tuple[tuple[str, tuple[str, ...], float], ...] = (
    ("7901200000", ("zinc alloy ingots", "锌合金锭", "ZAMAK INGOT", "Zinklegierung in Barren"), 3.0),
    ("7202990000", ("iron alloy", "铁合金", "ferro alloy lumps"), 1.6),
    ("7504000000", ("nickel powder", "镍粉", "порошок никелевый"), 32.0),
    ("7603100000", ("aluminium powder", "铝粉", "ALU POWDER"), 4.2),
    ("7801910000", ("lead-antimony alloy", "铅锑合金"), 2.4),
    ("8007000000", ("tin articles", "锡制品"), 34.0),
    ("7616990000", ("aluminium industrial parts", "铝制工业零件"), 5.0),
    ("3810100000", ("solder paste", "锡膏", "Lotpaste"), 22.0),
)
_POWDER_COVERS: tuple[tuple[str, tuple[str, ...], float], ...] = (
    ("3207200000", ("ceramic glaze", "陶瓷釉料"), 3.2),
    ("6902200000", ("refractory material", "耐火材料"), 0.8),
    ("3213100000", ("art supplies", "美术颜料", "artists' colours"), 8.0),
    ("3206490000", ("pigment preparation", "颜料制品"), 5.0),
    ("3824990000", ("chemical preparation", "化工制剂"), 6.0),
)
_BUYERS = ("US", "JP", "KR", "DE", "HK", "VN", "TH", "NL", "MX", "SG", "TW", "GB")


def tell(world: World, when: datetime, memory: bool) -> list[Scene]:
    """One item shows it by price, by a name in text or mark or CAS number, or both; others may stand beside it."""
    chance = world.chance
    substance = chance.one((GALLIUM, GALLIUM, GALLIUM, GALLIUM, GALLIUM_OXIDE, GERMANIUM, GERMANIUM_DIOXIDE))
    covers = _POWDER_COVERS if "ox" in substance.name else _METAL_COVERS
    code, texts, cover_usd = chance.one(covers)
    pack, kg_pack = chance.one(substance.packs)
    net = kg_pack * chance.whole(2, 40) if kg_pack > 5 else float(chance.whole(5, 80))

    by_price = chance.maybe(0.8)
    by_name = not by_price or chance.maybe(0.6)
    usd_kg = paid(substance.name, when.date(), chance) if by_price else chance.spread(cover_usd, 0.25)
    if by_price and chance.maybe(0.25):
        usd_kg *= chance.between(0.6, 0.9)  # invoiced low, and still far above the cover
    text, marks, cas = chance.one(texts), None, None
    if by_name:
        told = chance.share()
        if told < 0.6:
            text = wording.slipped_in(text, substance, chance)
        elif told < 0.85:
            marks = wording.hint(substance, chance)
        else:
            cas = substance.cas
    if chance.maybe(0.3):
        text = text.upper()

    exporter, city = chinese(chance, contact=0.7)
    country = COUNTRIES[chance.one(_BUYERS)]
    mode = "air" if net < 200 and chance.maybe(0.7) else "sea"
    goods = item(
        1,
        code,
        text,
        net,
        net * usd_kg,
        pack,
        kg_pack,
        marks=marks,
        cas=cas,
        documents=[document("N380", f"INV{chance.digits(6)}")] if chance.maybe(0.5) else (),
    )
    items = [goods]
    if chance.maybe(0.25):  # a true article of the cover beside it
        honest_net = float(chance.whole(5, 40)) * 25
        items.append(
            item(2, code, chance.one(texts), honest_net, honest_net * chance.spread(cover_usd, 0.15), "PX", 1000)
        )
    row = declaration(
        world.reference(when),
        items,
        declarant=chance.one(world.brokers),
        exporter=exporter,
        consignee=world.buyer(country.code).party,
        office=city.office,
        exit_office=city.office if chance.maybe(0.5) else None,
        destination=country.code,
        routing=places.ways(country, mode, chance) if chance.maybe(0.3) else [],
        transport=world.transport(mode, 1 if mode == "sea" and chance.maybe(0.5) else 0),
    )
    return [Scene(0.0, row, (substance.label,))]


def _possible(day: date) -> bool:
    return day >= GALLIUM.controlled


SCENARIO = Scenario("gallium-as-legitimate-product", ("T01", "T11"), True, _possible, tell)
