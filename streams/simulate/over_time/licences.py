"""Licences drawn beyond their quantity, after their end, or by and for others than those named (typology T13)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from streams.simulate.compose import LICENCE, Row
from streams.simulate.firms import Party
from streams.simulate.over_time.stage import Sender, Stage
from streams.simulate.over_time.story import Kind, Member, Story
from streams.simulate.spelling import name as respelt_name
from streams.simulate.substances import (
    ANTIMONY,
    DYSPROSIUM_OXIDE,
    GALLIUM,
    GALLIUM_OXIDE,
    GERMANIUM,
    GERMANIUM_DIOXIDE,
    TERBIUM_OXIDE,
    Substance,
)

_GOODS = (GALLIUM, GALLIUM_OXIDE, GERMANIUM, GERMANIUM_DIOXIDE, ANTIMONY, DYSPROSIUM_OXIDE, TERBIUM_OXIDE)
_TO = ("JP", "DE", "KR", "BE", "FR", "NL", "IN", "GB", "IT")


@dataclass(slots=True)
class Permit:
    """A licence and what was written on it; ``told`` is how often the papers repeat more than its number."""

    reference: str
    issued: date
    expires: date
    quantity_kg: float
    holder: str
    end_user: str
    told: float
    shown: bool = False

    def paper(self, stage: Stage) -> dict[str, Any]:
        """Return it as a document: in full the first time, afterwards often by its number alone."""
        chance = stage.chance
        found: dict[str, Any] = {"type": LICENCE, "reference": self.reference}
        if self.shown and not chance.maybe(self.told):
            return found
        self.shown = True
        holder = respelt_name(self.holder, chance) if chance.maybe(0.15) else self.holder
        return {
            **found,
            "issued_on": self.issued.isoformat(),
            "expires_on": self.expires.isoformat(),
            "quantity_kg": round(self.quantity_kg, 1),
            "holder": holder,
            "end_user": self.end_user,
        }


class Trade:
    """One seller, one buyer, one substance, one licence at a time."""

    def __init__(self, stage: Stage, begin: datetime, *, sender: Sender | None = None) -> None:
        chance = stage.chance
        self.stage = stage
        self.substance: Substance = chance.one([s for s in _GOODS if s.controlled <= begin.date()])
        self.sender = sender or (stage.metal_firm() if chance.maybe(0.6) else stage.firm("Metals", "金属", contact=0.8))
        self.words = stage.words(self.substance)
        self.country = chance.one(_TO)
        self.buyer: Party = stage.world.buyer(self.country, 0.8).party
        self.pack_kg = max(kg for _, kg in self.substance.packs)
        self.lot_kg = self.pack_kg * (chance.whole(2, 12) if self.substance is ANTIMONY else chance.whole(1, 8))
        self.told = chance.one((0.0, 0.3, 1.0, 1.0))

    def deal_in(self, substance: Substance) -> None:
        """Deal in another substance than the one that chance gave."""
        self.substance, self.words = substance, self.stage.words(substance)

    def permit(self, now: datetime, quantity_kg: float, days: int | None = None, age: int | None = None) -> Permit:
        """Return a licence issued some weeks before a time; ``days`` is its life."""
        chance = self.stage.chance
        issued = (now - timedelta(days=chance.whole(3, 40) if age is None else age)).date()
        return Permit(
            f"{issued.year}-DU-{self.stage.licence_number()}",
            issued,
            issued + timedelta(days=days or chance.one((180, 180, 365))),
            quantity_kg,
            self.sender.party["name"],
            self.buyer["name"],
            self.told,
        )

    def lot(self) -> float:
        """Return the mass of a usual lot: whole packages."""
        return max(1, round(self.lot_kg / self.pack_kg * self.stage.chance.between(0.7, 1.3))) * self.pack_kg

    def draw(
        self,
        now: datetime,
        permit: Permit,
        kg: float,
        *,
        sender: Sender | None = None,
        buyer: Party | None = None,
        country: str | None = None,
    ) -> Row:
        """Return an export under a licence."""
        text = self.stage.chance.one(self.words)
        goods = self.stage.metal(now, self.substance, kg, [permit.paper(self.stage)], text=text)
        return self.stage.ship(
            now, [goods], sender or self.sender, buyer or self.buyer, country or self.country, exit_office=None
        )


def _overdrawn(stage: Stage, begin: datetime) -> Story:
    """Three to eight draws, the last ones beyond what is licensed."""
    chance = stage.chance
    trade = Trade(stage, begin)
    lots = [trade.lot() for _ in range(chance.whole(3, 8))]
    over = chance.whole(1, min(2, len(lots) - 2))
    within = sum(lots[:-over])
    permit = trade.permit(begin, within + lots[-over] * chance.between(0.0, 0.55))
    room = stage.room(begin, (permit.expires - begin.date()).days - 5)
    drawn = 0.0
    at = stage.after(begin, 0)
    for kg in lots:
        now = yield at
        drawn += kg
        # what the trade allows for weighing, five per cent, is not yet beyond the licence
        yield Member(
            trade.draw(now, permit, kg),
            drawn > permit.quantity_kg * 1.05,
            substances=(trade.substance.label,),
            may_change=False,
        )
        at = stage.after(now, chance.between(0.4, 1.0) * room / len(lots))


def _misused(stage: Stage, begin: datetime) -> Story:
    """Drawn as licensed, and then after its end, by another holder, or for another consignee or country."""
    chance = stage.chance
    trade = Trade(stage, begin)
    wrong = chance.one(("expired", "holder", "consignee", "country"))
    good = chance.whole(1, 4)
    bad = chance.whole(1, 3)
    permit = trade.permit(
        begin, trade.lot_kg * (good + bad) * 1.6, days=chance.one((90, 120)) if wrong == "expired" else None
    )
    if trade.told == 0.0 and wrong == "holder":
        permit.shown = False
    other = stage.firm("Metals", "金属", contact=0.8) if chance.maybe(0.6) else stage.metal_firm()
    if other.party["id"] == trade.sender.party["id"]:
        other = stage.firm("Metals", "金属", contact=0.8)
    elsewhere = chance.one([c for c in ("VN", "TH", "MY", "AE", "HK", "TR", "MX") if c != trade.country])
    another = stage.world.buyer(elsewhere if wrong == "country" else trade.country, 0.8).party
    room = stage.room(begin, (permit.expires - begin.date()).days)
    at = stage.after(begin, 0)
    for _ in range(good):
        now = yield at
        if now.date() >= permit.expires:
            break
        yield Member(
            trade.draw(now, permit, trade.lot()), positive=False, substances=(trade.substance.label,), may_change=False
        )
        at = stage.after(now, chance.between(0.3, 0.8) * room / (good + bad + 1))
    if wrong == "expired":
        end = datetime.combine(permit.expires, begin.timetz())
        at = stage.after(max(at, end + timedelta(days=1)), chance.between(1, 60))
    for _ in range(bad):
        now = yield at
        row = trade.draw(
            now,
            permit,
            trade.lot(),
            sender=other if wrong == "holder" else None,
            buyer=another if wrong in ("consignee", "country") else None,
            country=elsewhere if wrong == "country" else None,
        )
        yield Member(row, True, substances=(trade.substance.label,), may_change=False)
        at = stage.after(now, chance.between(3, 0.5 * room / (bad + 1) + 4))


def cancelled(row: Row) -> Row:
    """Return the cancellation of a declaration: restated, as the next version."""
    return {**row, "event": "cancelled", "version": row["version"] + 1, "lodged_at": None}


def _exactly(stage: Stage, begin: datetime) -> Story:
    """Drawn to the last kilogram, and no further; then on under the next licence."""
    chance = stage.chance
    trade = Trade(stage, begin)
    at = stage.after(begin, 0)
    for _ in range(chance.whole(1, 3)):
        lots = [trade.lot() for _ in range(chance.whole(2, 6))]
        permit: Permit | None = None
        for kg in lots:
            now = yield at
            permit = permit or trade.permit(now, sum(lots), days=365)
            yield Member(trade.draw(now, permit, kg), positive=False, may_change=False)
            at = stage.after(now, chance.between(8, 28))


def _given_back(stage: Stage, begin: datetime) -> Story:
    """Drawn, cancelled because the ship was full, drawn again: what was given back is not drawn twice."""
    chance = stage.chance
    trade = Trade(stage, begin)
    lots = [trade.lot() for _ in range(chance.whole(2, 5))]
    permit = trade.permit(begin, sum(lots) * chance.between(1.0, 1.04), days=365)
    again = set(chance.some(range(len(lots)), chance.whole(1, 2)))
    at = stage.after(begin, 0)
    for n, kg in enumerate(lots):
        now = yield at
        row = trade.draw(now, permit, kg)
        yield Member(row, positive=False, may_change=False)
        if n in again:
            now = yield stage.after(now, chance.between(0.5, 6))
            yield Member(cancelled(row), positive=False, may_change=False)
            now = yield stage.after(now, chance.between(1, 9))
            yield Member(trade.draw(now, permit, kg), positive=False, may_change=False)
        at = stage.after(now, chance.between(10, 40))


def _well_used(stage: Stage, begin: datetime) -> Story:
    """One licence for a year of monthly shipments; an agent may declare; the holder is spelt in two ways."""
    chance = stage.chance
    trade = Trade(stage, begin)
    count = chance.whole(6, 12)
    lots = [trade.lot() for _ in range(count)]
    permit = trade.permit(begin, sum(lots) / chance.between(0.8, 0.98), days=400)
    at = stage.after(begin, 0)
    for kg in lots:
        now = yield at
        yield Member(trade.draw(now, permit, kg), positive=False, may_change=False)
        at = stage.after(now, chance.between(15, 33))


def _renewed(stage: Stage, begin: datetime) -> Story:
    """A new licence, with a new number, before the old one ends; shipments go on without a break."""
    chance = stage.chance
    trade = Trade(stage, begin)
    at = stage.after(begin, 0)
    now = begin
    for _ in range(chance.whole(2, 3)):
        permit = trade.permit(now, trade.lot_kg * 9, days=180, age=chance.whole(3, 12))
        for _ in range(chance.whole(2, 4)):
            now = yield at
            if now.date() >= permit.expires:
                permit = trade.permit(now, trade.lot_kg * 9, days=180, age=5)
            yield Member(trade.draw(now, permit, trade.lot()), positive=False, may_change=False)
            at = stage.after(now, chance.between(15, 38))


KINDS = (
    Kind("licence-overdrawn", ("T13",), _overdrawn, 150, GALLIUM.controlled, weight=1.5),
    Kind("licence-misused", ("T13",), _misused, 220, GALLIUM.controlled, weight=2.0),
)
LOOK_ALIKES = (
    Kind("licence-drawn-exactly", (), _exactly, 60, GALLIUM.controlled),
    Kind("licence-given-back", (), _given_back, 60, GALLIUM.controlled),
    Kind("licence-well-used", (), _well_used, 120, GALLIUM.controlled),
    Kind("licence-renewed", (), _renewed, 120, GALLIUM.controlled),
)
