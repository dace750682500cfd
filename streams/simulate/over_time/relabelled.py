"""In and out again under another origin, at equal mass (case K8; typology T06); and goods that honestly come and go."""

from __future__ import annotations

from datetime import datetime

from streams.simulate import honest, wording
from streams.simulate.compose import document, item
from streams.simulate.over_time.licences import Trade
from streams.simulate.over_time.stage import Stage
from streams.simulate.over_time.story import Kind, Member, Story
from streams.simulate.prices import paid
from streams.simulate.substances import (
    ANTIMONY,
    DYSPROSIUM_OXIDE,
    GALLIUM,
    GERMANIUM,
    GERMANIUM_DIOXIDE,
    TERBIUM_OXIDE,
    Substance,
)

_GOODS = (DYSPROSIUM_OXIDE, TERBIUM_OXIDE, GALLIUM, ANTIMONY)
_FROM = ("HK", "VN", "TH", "SG", "MY", "LA")
_FALSE = ("VN", "TH", "LA", "SG", "HK")
_CLAIMS = ("", "", " not of Chinese origin", " 非中国原产", ", foreign goods in transit")
_COVERS = (
    ("2846900000", "lanthanum cerium compound"),
    ("2846900000", "镧铈化合物"),
    ("2825900000", "metal oxide powder"),
)


def _kg(stage: Stage, substance: Substance) -> float:
    chance = stage.chance
    return chance.whole(2, 20) * 1000.0 if substance is ANTIMONY else chance.spread(25.0 * chance.whole(3, 24), 0.02)


def _relabelled(stage: Stage, begin: datetime) -> Story:
    """Brought from a neighbour that makes none, sent on within sixty days, each time the same mass."""
    chance = stage.chance
    substance = chance.one([s for s in _GOODS if s.controlled <= begin.date()])
    firm = stage.firm(contact=0.7)
    source, origin = chance.one(_FROM), chance.one(_FALSE)
    seller = stage.world.buyer(source, 0.6).party
    country = chance.one(("US", "JP", "KR", "DE", "NL", "GB"))
    buyer = stage.world.buyer(country, 0.6).party
    cover = chance.one(_COVERS) if substance not in (GALLIUM, ANTIMONY) and chance.maybe(0.5) else None
    code, text = cover or (substance.code, wording.plain(substance, chance))
    pack, kg_pack = chance.one(substance.packs)
    at = stage.after(begin, 0)
    for _ in range(chance.whole(1, 3)):
        now = yield at
        kg = _kg(stage, substance)
        usd = kg * paid(substance.name, now.date(), chance)
        came = item(1, code, text, kg, usd * 0.9, pack, kg_pack, origin=origin)
        yield Member(
            stage.bring(now, [came], firm, seller, source, "sea" if kg > 500 else "air"),
            substances=(substance.label,),
            may_change=False,
        )
        now = yield stage.after(now, chance.between(2, 55))
        out = item(
            1, code, text + chance.one(_CLAIMS), kg * chance.between(0.985, 1.0), usd, pack, kg_pack, origin=origin
        )
        yield Member(
            stage.ship(now, [out], firm, buyer, country), True, substances=(substance.label,), may_change=False
        )
        at = stage.after(now, chance.between(3, 25))


def _bonded(stage: Stage, begin: datetime) -> Story:
    """Germanium that is truly Belgian, Canadian or Japanese, stored in a bonded warehouse and sent on, with its certificate."""
    chance = stage.chance
    substance = chance.one((GERMANIUM, GERMANIUM_DIOXIDE))
    origin = chance.one(("BE", "CA", "JP", "DE"))
    trade = Trade(stage, begin)
    trade.deal_in(substance)
    firm = trade.sender
    seller = stage.world.buyer(origin, 0.7).party
    country = chance.one(("KR", "TW", "JP", "SG"))
    buyer = trade.buyer = stage.world.buyer(country, 0.8).party
    at = stage.after(begin, 0)
    for _ in range(chance.whole(1, 4)):
        now = yield at
        kg = 10.0 * chance.whole(3, 30)
        text, (pack, kg_pack) = chance.one(trade.words), chance.one(substance.packs)
        usd = kg * paid(substance.name, now.date(), chance)
        certificate = document("N861", f"{origin}{chance.digits(8)}")
        came = item(1, substance.code, text, kg, usd, pack, kg_pack, origin=origin, documents=[certificate])
        yield Member(stage.bring(now, [came], firm, seller, origin, "air"), positive=False, may_change=False)
        now = yield stage.after(now, chance.between(3, 50))
        papers = [certificate, trade.permit(now, kg).paper(stage)]
        out = item(1, substance.code, text, kg, usd * 1.05, pack, kg_pack, origin=origin, documents=papers)
        yield Member(stage.ship(now, [out], firm, buyer, country, mode="air"), positive=False, may_change=False)
        at = stage.after(now, chance.between(5, 40))


def _returned(stage: Stage, begin: datetime) -> Story:
    """Ordinary goods that were wrong: sent back to the seller as they came."""
    chance = stage.chance
    now = yield stage.after(begin, 0)
    row = honest.import_(stage.world, now)
    yield Member(row, positive=False, may_change=False)
    now = yield stage.after(now, chance.between(5, 55))
    goods = [{**one, "documents": []} for one in row["items"][: chance.whole(1, 4)]]
    sender = stage.known_firm()
    sender.party = row["consignee"]
    back = stage.ship(now, goods, sender, row["exporter"], row["country_of_export"])
    yield Member(back, positive=False, may_change=False)


def _tolling(stage: Stage, begin: datetime) -> Story:
    """Concentrate comes in, metal goes back to its owner under licence: half the mass, made here."""
    chance = stage.chance
    trade = Trade(stage, begin)
    trade.deal_in(ANTIMONY)
    trade.country = chance.one(("TR", "AU", "RU"))
    trade.buyer = stage.world.buyer(trade.country, 0.8).party
    at = stage.after(begin, 0)
    for _ in range(chance.whole(1, 4)):
        now = yield at
        kg = chance.whole(10, 40) * 1000.0
        usd = kg * 0.18 * paid("antimony", now.date(), chance)
        ore = item(
            1, "2617100000", chance.one(("antimony concentrate", "锑精矿", "ANTIMONY ORE")), kg, usd, "BG", 1000.0
        )
        ore["origin"] = trade.country
        yield Member(stage.bring(now, [ore], trade.sender, trade.buyer, trade.country, "sea"), positive=False)
        now = yield stage.after(now, chance.between(20, 55))
        metal = round(kg * chance.between(0.45, 0.58) / 1000) * 1000.0
        yield Member(trade.draw(now, trade.permit(now, metal * 1.2), metal), positive=False, may_change=False)
        at = stage.after(now, chance.between(5, 30))


KINDS = (Kind("origin-relabelled", ("T06",), _relabelled, 130, GALLIUM.controlled),)
LOOK_ALIKES = (
    Kind("bonded-foreign-origin", (), _bonded, 100, GERMANIUM.controlled),
    Kind("returned-goods", (), _returned, 60),
    Kind("tolling", (), _tolling, 90, ANTIMONY.controlled),
)
