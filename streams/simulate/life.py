"""What changes over the years: firms that appear and vanish, shared offices and telephones, regular travellers and customers.

Only feeds with cases over time have it; it draws from a chance of its own, so that a feed without memory stays as it was.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from streams.simulate import names, places
from streams.simulate.chance import Chance, Wheel
from streams.simulate.firms import Firm, Party, abroad, party
from streams.simulate.spelling import respelt
from streams.simulate.world import World

#: Of all firms: those that begin within the period, those that end within it, those at an address or telephone of hundreds.
_BORN, _GONE = 0.14, 0.09
_AT_AGENT, _BY_BROKER = 0.1, 0.12
#: Of the declarations: parties typed differently; of parcels and luggage: those of people who come again.
_RESPELT, _TYPED, _REGULAR, _NOTIFIED = 0.06, 0.3, 0.25, 0.15
_TURN = timedelta(days=7)


class Life:
    """The changing part of a world over a period.

    Parameters
    ----------
    world : its brokers and firms take part; firms get their lives, some of them the telephone of their broker or the
        address of an agent at which hundreds of firms are registered.
    seed : of the feed.
    start, end : the period.
    """

    def __init__(self, world: World, seed: int, start: datetime, end: datetime) -> None:
        self._chance = chance = Chance(f"life/{seed}")
        self._world = world
        self._exporters = self._lives(world.exporters, start, end)
        self._importers = self._lives(world.importers, start, end)
        self._turned: datetime | None = None
        self._licences = 0
        self.agents = [self._agent(chance) for _ in range(24)]
        for broker in world.brokers:
            broker["phone"] = broker["phone"] or f"+86 {chance.digits(2)} {chance.digits(8)}"
            broker["email"] = broker["email"] or f"op{chance.whole(1, 999)}@{names.domain(broker['name'])}"
        for firm in world.exporters:
            self._lean(firm)
        self._travellers = [self._person(chance) for _ in range(300)]
        self._customers = [self._buyer(chance) for _ in range(1500)]

    @staticmethod
    def _agent(chance: Chance) -> tuple[places.City, str]:
        home = chance.of(places.CITY_WHEEL)
        return home, f"Room {chance.whole(100, 2999)}, No. {chance.whole(1, 400)} {chance.one(home.streets)}"

    def _lean(self, firm: Firm) -> None:
        """Give a firm the telephone and mail of its broker, or the address of a registration agent of its city."""
        if self._chance.maybe(_BY_BROKER):
            firm.party["phone"] = firm.broker["phone"]
            if self._chance.maybe(0.5):
                firm.party["email"] = firm.broker["email"]
        near = [address for home, address in self.agents if home == firm.city]
        if near and self._chance.maybe(_AT_AGENT):
            firm.party["address"] = self._chance.one(near)

    def _lives(self, firms: list[Firm], start: datetime, end: datetime) -> list[tuple[float, datetime, datetime, Firm]]:
        found = []
        whole = end - start
        for k, firm in enumerate(firms):
            born = start + whole * self._chance.share() if self._chance.maybe(_BORN) else start
            gone = end if not self._chance.maybe(_GONE) else born + (end - born) * self._chance.between(0.2, 1.0)
            found.append(((k + 3) ** -0.9, born, gone, firm))
        return found

    @staticmethod
    def _person(chance: Chance) -> Party:
        home = chance.of(places.BUYERS)
        chinese = chance.maybe(0.5)
        surname = chance.one(names.SURNAMES if chinese else home.surnames)
        return party(
            f"P{chance.digits(8)}",
            names.person(chance, surname, chinese),
            "CN" if chinese else home.code,
            phone=f"+{'86' if chinese else home.dial} {chance.digits(10)}",
            email=f"{surname.lower()}{chance.whole(1, 999)}@{chance.one(('mail', 'post', 'web'))}.example"
            if chance.maybe(0.25)
            else None,
        )

    @staticmethod
    def _buyer(chance: Chance) -> Party:
        home = chance.of(places.BUYERS)
        if chance.maybe(0.2):
            return abroad(home, chance, 0.7).party
        return party(
            None,
            f"{chance.one(('A.', 'J.', 'M.', 'S.'))} {chance.one(home.surnames)}",
            home.code,
            f"{chance.one(home.streets)} {chance.whole(1, 200)}",
            chance.one(home.cities),
            f"+{home.dial} {chance.digits(9)}" if chance.maybe(0.6) else None,
        )

    def turn(self, now: datetime) -> None:
        """Let the firms of the week trade, and no others. Cheap: does nothing within a week."""
        if self._turned is not None and now - self._turned < _TURN:
            return
        self._turned = now
        for lives, name in ((self._exporters, "exporter_wheel"), (self._importers, "importer_wheel")):
            here = [(weight, firm) for weight, born, gone, firm in lives if born <= now <= gone]
            if not here:
                here = [(weight, firm) for weight, _, _, firm in lives]
            setattr(self._world, name, Wheel([firm for _, firm in here], [weight for weight, _ in here]))

    def licence_number(self) -> str:
        """Return six digits that no other licence of the feed has (until nine hundred thousand are out)."""
        self._licences += 1
        return str(100_000 + (self._licences * 611_953 + 40_507) % 900_000)

    def as_told(self, own: Party, chance: Chance) -> Party:
        """Return a party, now and then in another spelling."""
        return respelt(own, chance) if chance.maybe(_RESPELT) else own

    def as_typed(self, own: Party, chance: Chance) -> Party:
        """Return a party as parcels give it, whose papers are filled in by hand: spelt anew, or with a gap."""
        found = respelt(own, chance) if chance.maybe(_TYPED) else own
        return {**found, chance.one(("phone", "address")): None} if chance.maybe(0.08) else found

    def notified(self, consignee: Party, chance: Chance) -> Party | None:
        """Return the consignee again as the one to notify, as many papers have it ("same as consignee"), or nobody."""
        if not chance.maybe(_NOTIFIED):
            return None
        return {**respelt(consignee, chance), "id": None} if chance.maybe(0.4) else consignee

    def traveller(self, chance: Chance) -> Party | None:
        """Return somebody who travels often, now and then."""
        return chance.one(self._travellers) if chance.maybe(_REGULAR) else None

    def customer(self, chance: Chance) -> Party | None:
        """Return somebody who orders parcels again and again, now and then."""
        return chance.one(self._customers) if chance.maybe(_REGULAR) else None
