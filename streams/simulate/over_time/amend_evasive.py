"""What was flagged is amended away, or cancelled and lodged again without it (typology T14); and honest corrections."""

from __future__ import annotations

from copy import deepcopy
from datetime import datetime
from typing import Any

from streams.simulate import honest, wording
from streams.simulate.compose import Item, Row
from streams.simulate.over_time.licences import Trade, cancelled
from streams.simulate.over_time.stage import Stage
from streams.simulate.over_time.story import Kind, Member, Story
from streams.simulate.scenarios.controls_calendar import US_MILITARY
from streams.simulate.spelling import address, name
from streams.simulate.substances import ANTIMONY, GALLIUM, GERMANIUM, GERMANIUM_DIOXIDE, Substance, us_banned

_GOODS = (GALLIUM, GALLIUM, GERMANIUM, GERMANIUM_DIOXIDE, ANTIMONY)
_COVERS = (
    ("7901200000", ("zinc alloy ingots", "锌合金锭")),
    ("8007000000", ("tin articles", "锡制品")),
    ("7601200000", ("aluminium alloy ingots", "铝合金锭")),
    ("3824990000", ("chemical preparation", "化工助剂")),
    ("3207200000", ("ceramic glaze frit", "陶瓷釉料")),
    ("7801910000", ("lead-antimony alloy", "铅锑合金")),
)
_TO = ("JP", "KR", "DE", "NL", "TH", "VN", "MY", "IN", "GB")
_THIRD = ("TH", "VN", "MY", "MX", "KR", "HK")


def restated(row: Row, **changes: Any) -> Row:
    """Return an amendment: the declaration again in full, with changes, as the next version."""
    return {**row, **changes, "event": "amended", "version": row["version"] + 1, "lodged_at": None}


class _Flagged:
    """A shipment that shows what it is, and how it looks once that has been taken out."""

    def __init__(self, stage: Stage, now: datetime) -> None:
        chance = self.chance = stage.chance
        self.stage = stage
        self.substance: Substance = chance.one([s for s in _GOODS if s.controlled <= now.date()])
        ways = ["code", "code", "text", "text", "consignee"] + ["destination"] * (3 if us_banned(now.date()) else 0)
        self.way = chance.one(ways)
        self.sender = stage.firm(contact=0.7) if chance.maybe(0.6) else stage.metal_firm()
        self.country = "US" if self.way in ("destination", "consignee") else chance.one(_TO)
        self.buyer = stage.world.buyer(self.country, 0.6).party
        if self.way == "consignee":
            self.buyer["name"] = chance.one(US_MILITARY)
        self.kg = chance.whole(2, 18) * 1000.0 if self.substance is ANTIMONY else 25.0 * chance.whole(1, 16)
        self.cover = chance.one(_COVERS)

    def goods(self, now: datetime, times: float, clean: bool) -> Item:
        """Return the item as first lodged, or as it says after."""
        code: str | None = None
        text: str | None = None
        if self.way == "text":
            code, texts = self.cover
            text = self.chance.one(texts)
            if not clean:
                text = wording.slipped_in(text, self.substance, self.chance)
        elif self.way == "code" and clean:
            code, text = self.cover[0], self.chance.one(self.cover[1])
        found = self.stage.metal(now, self.substance, self.kg * times, text=text, code=code)
        if clean and self.way in ("text", "code"):
            found["cas"] = None
        return found

    def lodged(self, now: datetime) -> Row:
        """Return the first lodgement."""
        return self.stage.ship(now, [self.goods(now, 1.0, False)], self.sender, self.buyer, self.country)

    def replaced(self, now: datetime) -> tuple[str, dict[str, Any]]:
        """Return the country and the consignee that are declared after."""
        country = self.chance.one(_THIRD) if self.way == "destination" else self.country
        if self.way in ("destination", "consignee"):
            return country, self.stage.world.buyer(country, 0.6).party
        return country, self.buyer

    def amended(self, now: datetime, row: Row) -> Row:
        """Return the amendment of the same declaration."""
        country, consignee = self.replaced(now)
        item = deepcopy(row["items"][0])
        if self.way in ("code", "text"):
            clean = self.goods(now, 1.0, True)
            item |= {key: clean[key] for key in ("commodity_code", "description", "cas")}
        for place in item["packages"]:
            place["marks"] = None
        routing = [country if c == row["country_of_destination"] else c for c in row["routing"]]
        return restated(row, items=[item], consignee=consignee, country_of_destination=country, routing=routing)

    def again(self, now: datetime, first: Row) -> Row:
        """Return the new lodgement: other reference, often another declarant or port; nearly the same mass and value."""
        chance = self.chance
        country, consignee = self.replaced(now)
        if self.way in ("code", "text") and chance.maybe(0.3):
            consignee = {**consignee, "name": name(consignee["name"], chance)}
        goods = self.goods(now, chance.between(0.985, 1.015), True)
        value = first["items"][0]["value"]
        goods["value"] = {**value, "amount": round(value["amount"] * chance.between(0.98, 1.02), 2)}
        other = chance.one(self.stage.world.brokers) if chance.maybe(0.5) else None
        port = chance.one(("CN2200", "CN3100", "CN5300", "CN4200", "CN7200")) if chance.maybe(0.5) else None
        return self.stage.ship(now, [goods], self.sender, consignee, country, declarant=other, exit_office=port)


def _evaded(stage: Stage, begin: datetime) -> Story:
    """Flagged, and hours to two weeks later the same shipment without what was flagged."""
    chance = stage.chance
    now = yield stage.after(begin, 0)
    flagged = _Flagged(stage, now)
    substances = (flagged.substance.label,)
    first = flagged.lodged(now)
    in_place = chance.maybe(0.4)
    yield Member(first, in_place, substances=substances, may_change=False)
    now = yield stage.after(now, chance.between(0.1, 13))
    if in_place:
        yield Member(flagged.amended(now, first), True, substances=substances, may_change=False)
        return
    yield Member(cancelled(first), substances=substances, may_change=False)
    now = yield stage.after(now, chance.between(0.05, 9))
    yield Member(flagged.again(now, first), True, substances=substances, may_change=False)


# -- honest corrections


def _shipment(stage: Stage, now: datetime) -> Row:
    """Return an ordinary export, or, now and then, a licensed one of a controlled metal."""
    if stage.chance.maybe(0.35) and now.date() >= GALLIUM.controlled:
        trade = Trade(stage, now)
        return trade.draw(now, trade.permit(now, trade.lot_kg * 3), trade.lot())
    row = honest.export(stage.world, now)
    return {**row, "items": deepcopy(row["items"])}


def _weight(stage: Stage, begin: datetime) -> Story:
    """A typing mistake in a mass is put right."""
    chance = stage.chance
    now = yield stage.after(begin, 0)
    right = _shipment(stage, now)
    wrong = deepcopy(right["items"])
    one = chance.one(wrong)
    if one["net_mass_kg"]:
        one["net_mass_kg"] = round(one["net_mass_kg"] * chance.one((0.1, 10.0, 0.5)), 3)
    yield Member({**right, "items": wrong}, positive=False, may_change=False)
    now = yield stage.after(now, chance.between(0.05, 5))
    yield Member(restated(right), positive=False, may_change=False)


def _line_split(stage: Stage, begin: datetime) -> Story:
    """One line becomes two of the same goods: two colours, two invoices."""
    chance = stage.chance
    now = yield stage.after(begin, 0)
    row = _shipment(stage, now)
    yield Member(row, positive=False, may_change=False)
    items = deepcopy(row["items"])
    one = items[-1]
    share = chance.between(0.2, 0.8)
    second = deepcopy(one)
    second["number"] = one["number"] + 1
    for part, times in ((one, share), (second, 1 - share)):
        for key in ("net_mass_kg", "gross_mass_kg"):
            if part[key] is not None:
                part[key] = round(part[key] * times, 3)
        if part["value"]:
            part["value"] = {**part["value"], "amount": round(part["value"]["amount"] * times, 2)}
        if part["quantity"]:
            part["quantity"] = {**part["quantity"], "value": max(1, round(part["quantity"]["value"] * times))}
    now = yield stage.after(now, chance.between(0.05, 5))
    yield Member(restated(row, items=[*items, second]), positive=False, may_change=False)


def _new_address(stage: Stage, begin: datetime) -> Story:
    """The consignee has moved, or is spelt right at last."""
    chance = stage.chance
    now = yield stage.after(begin, 0)
    row = _shipment(stage, now)
    yield Member(row, positive=False, may_change=False)
    consignee = dict(row["consignee"])
    if consignee["address"] and chance.maybe(0.6):
        consignee["address"] = address(f"{consignee['address'].rsplit(' ', 1)[0]} {chance.whole(1, 400)}", chance)
    else:
        consignee["name"] = name(consignee["name"], chance)
    now = yield stage.after(now, chance.between(0.05, 6))
    yield Member(restated(row, consignee=consignee), positive=False, may_change=False)


def _other_ship(stage: Stage, begin: datetime) -> Story:
    """The ship was full: cancelled, and the same goods lodged again by way of another port."""
    chance = stage.chance
    now = yield stage.after(begin, 0)
    row = _shipment(stage, now)
    yield Member(row, positive=False, may_change=False)
    now = yield stage.after(now, chance.between(0.3, 6))
    yield Member(cancelled(row), positive=False, may_change=False)
    now = yield stage.after(now, chance.between(0.1, 6))
    reference = stage.world.reference(now)
    again = {
        **row,
        "declaration_id": f"{row['declaration_id'].rsplit(':', 1)[0]}:{reference}",
        "lodged_at": None,
        "items": deepcopy(row["items"]),
        "exit_office": chance.one(("CN2200", "CN3100", "CN5300", "CN4200")),
        "transport": stage.world.transport((row["transport"] or {}).get("mode") or "sea", 1),
    }
    yield Member(again, positive=False, may_change=False)


def _made_precise(stage: Stage, begin: datetime) -> Story:
    """A code or a text is corrected after a question of the office: the goods are said more exactly than before."""
    chance = stage.chance
    now = yield stage.after(begin, 0)
    row = _shipment(stage, now)
    first = deepcopy(row["items"])
    first[0]["description"] = chance.one(("goods as per invoice", "accessories", "parts", "materials", "货物一批"))
    if chance.maybe(0.4) and first[0]["commodity_code"]:
        first[0]["commodity_code"] = first[0]["commodity_code"][:4] + "900000"
    yield Member({**row, "items": first}, positive=False, may_change=False)
    now = yield stage.after(now, chance.between(0.1, 8))
    yield Member(restated(row), positive=False, may_change=False)


KINDS = (Kind("amend-evasive", ("T14", "T01"), _evaded, 30, GALLIUM.controlled, weight=2.0),)
LOOK_ALIKES = (
    Kind("weight-corrected", (), _weight, 12),
    Kind("line-split", (), _line_split, 12),
    Kind("consignee-moved", (), _new_address, 12),
    Kind("lodged-again-other-ship", (), _other_ship, 20),
    Kind("text-made-precise", (), _made_precise, 12),
)
