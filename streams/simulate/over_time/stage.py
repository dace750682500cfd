"""Where cases over time play: firms with habits, people, lanes that belong to one case, and whole declarations of each kind.

Declarations are made like those of honest trade (:mod:`streams.simulate.honest`): same papers, same gaps, same offices. What
makes a case is what its declarations say together.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from streams.simulate import names, places, wording
from streams.simulate.calendar import working_time
from streams.simulate.chance import Chance
from streams.simulate.compose import Item, Row, declaration, document, item
from streams.simulate.firms import Party, chinese, party
from streams.simulate.places import COUNTRIES, City
from streams.simulate.prices import paid
from streams.simulate.substances import Substance
from streams.simulate.world import World


@dataclass(slots=True)
class Sender:
    """A Chinese firm that lodges: itself, where it sits, and the broker it always uses."""

    party: Party
    city: City
    broker: Party


class Stage:
    """The world as a case sees it; ``start`` and ``end`` are those of the feed."""

    def __init__(self, world: World, start: datetime, end: datetime) -> None:
        self.world = world
        self.chance: Chance = world.chance
        self.start, self.end = start, end
        # stories of one declaration go here, and the smelters among the look-alikes: no lane of its own for a case
        self._lanes: set[tuple[str, str]] = {("antimony", code) for code in ("TH", "MX", "VN", "MY", "HK")}

    def after(self, when: datetime, days: float) -> datetime:
        """Return a time about so many days later, at which people lodge."""
        return working_time(when, days, self.chance)

    def room(self, begin: datetime, days: float) -> float:
        """Return how many of so many days the feed still has, less two."""
        return max(1.0, min(days, (self.end - begin).total_seconds() / 86_400 - 2))

    def lane(self, substances: Sequence[Substance], countries: Sequence[str]) -> tuple[Substance, str] | None:
        """Return a substance and a country that no other case of the feed has; None if all are taken."""
        free = [(s, code) for s in substances for code in countries if (s.label, code) not in self._lanes]
        if not free:
            return None
        found = self.chance.one(free)
        self._lanes.add((found[0].label, found[1]))
        return found

    # -- who

    def firm(self, line: str = "", hanzi: str = "", city: City | None = None, contact: float = 0.5) -> Sender:
        """Return a firm that has not been seen before."""
        own, home = chinese(self.chance, city, line, hanzi, contact)
        return Sender(own, home, self.chance.one(self.world.brokers))

    def known_firm(self) -> Sender:
        """Return a firm that trades in something else, as it always has."""
        firm = self.chance.of(self.world.exporter_wheel)
        return Sender(firm.party, firm.city, firm.broker)

    def metal_firm(self) -> Sender:
        """Return one of the producers and traders of controlled metals."""
        k = int(self.chance.share() * len(self.world.metal_firms))
        firm = self.world.metal_firms[k]
        return Sender(firm.party, firm.city, self.world.brokers[k])

    def person_abroad(self, code: str, contact: float = 0.6) -> Party:
        """Return a private person, as parcels name them."""
        chance, country = self.chance, COUNTRIES[code]
        return party(
            None,
            f"{chance.one(('A.', 'J.', 'M.', 'S.'))} {chance.one(country.surnames)}",
            code,
            f"{chance.one(country.streets)} {chance.whole(1, 200)}",
            chance.one(country.cities),
            f"+{country.dial} {chance.digits(9)}" if chance.maybe(contact) else None,
        )

    def phone(self, code: str) -> str:
        """Return a telephone number of a country."""
        return f"+{COUNTRIES[code].dial} {self.chance.digits(9)}"

    def traveller(self, code: str, phone: str | None = None, email: str | None = None) -> Party:
        """Return somebody who travels; Chinese if the country is CN."""
        return self.world.traveller(code, phone, email)

    # -- what

    def licence_number(self) -> str:
        """Return the six digits of a new licence."""
        life = self.world.life
        return self.chance.digits(6) if life is None else life.licence_number()

    def words(self, substance: Substance) -> tuple[str, ...]:
        """Return one or two ways in which one firm names a substance: in its own language, with its own grade."""
        chance = self.chance
        language = chance.one(("en", "en", "en", "en", "zh", "zh", "zh", "hant", "ru", "de", "es"))
        grade = f" {chance.one(substance.grades)}" if chance.maybe(0.45) else ""
        found = []
        for name in chance.some(substance.names[language], 2):
            found.append((name.upper() if chance.maybe(0.4) else name.capitalize()) + grade)
        return tuple(found)

    def metal(
        self,
        now: datetime,
        substance: Substance,
        net_kg: float,
        documents: Iterable[dict[str, Any]] = (),
        *,
        text: str | None = None,
        code: str | None = None,
        number: int = 1,
    ) -> Item:
        """Return an item of a controlled substance, under its own name and code if not told otherwise, at the day's price."""
        chance = self.chance
        fitting = [p for p in substance.packs if p[1] <= net_kg * 1.01] or [min(substance.packs, key=lambda p: p[1])]
        pack, kg_pack = chance.one(fitting)
        return item(
            number,
            code or substance.code,
            text or wording.plain(substance, chance),
            net_kg,
            net_kg * paid(substance.name, now.date(), chance),
            pack,
            kg_pack,
            origin="CN" if chance.maybe(0.5) else None,
            cas=substance.cas if code is None and chance.maybe(0.12) else None,
            documents=list(documents),
        )

    # -- whole declarations

    def _papers(self, items: list[Item], mode: str) -> None:
        chance = self.chance
        if chance.maybe(0.6):
            items[0]["documents"].append(document("N380", f"INV{chance.digits(7)}"))
        if chance.maybe(0.35):
            kind = {"air": "N740", "road": "N730", "rail": "N720"}.get(mode, "N705")
            items[0]["documents"].append(document(kind, f"{chance.one('ABHKLMNOS')}{chance.digits(10)}"))

    def ship(
        self,
        now: datetime,
        items: list[Item],
        sender: Sender,
        consignee: Party,
        country: str,
        *,
        mode: str | None = None,
        notify: Party | None = None,
        declarant: Party | None = None,
        routing: Sequence[str] | None = None,
        exit_office: str | None = None,
    ) -> Row:
        """Return a freight export; how it travels is left to chance if not given."""
        chance = self.chance
        to = COUNTRIES[country]
        net = sum(i["net_mass_kg"] or 0.0 for i in items)
        if mode is None:
            mode = "air" if net < 300 and chance.maybe(0.7) else "sea"
            if to.region in ("asean", "hub") and net > 300 and chance.maybe(0.25):
                mode = "road"
        self._papers(items, mode)
        gross = round(sum(i["gross_mass_kg"] or (i["net_mass_kg"] or 0.0) * 1.09 for i in items), 2)
        for one in items:
            if chance.maybe(0.35):
                one["gross_mass_kg"] = None
        if routing is None:
            routing = places.ways(to, mode, chance) if chance.maybe(0.25) else []
        containers = int(gross / 24_000) + 1 if mode == "sea" and chance.maybe(0.6) else 0
        if notify is None and self.world.life is not None:
            notify = self.world.life.notified(consignee, chance)
        near = [f for f in self.world.forwarders if f["country"] == country]
        return declaration(
            self.world.reference(now),
            items,
            declarant=declarant or (sender.broker if chance.maybe(0.8) else sender.party),
            exporter=sender.party,
            consignee=consignee,
            notify=notify or (chance.one(near) if near and chance.maybe(0.12) else None),
            office=sender.city.office,
            exit_office=exit_office or (sender.city.office if chance.maybe(0.6) else None),
            destination=country,
            routing=routing,
            transport=self.world.transport(mode, containers),
            gross_kg=gross,
        )

    def bring(self, now: datetime, items: list[Item], buyer: Sender, seller: Party, country: str, mode: str) -> Row:
        """Return an import from a country."""
        chance = self.chance
        self._papers(items, mode)
        return declaration(
            self.world.reference(now, "I"),
            items,
            declarant=buyer.broker,
            regime="import",
            exporter=seller,
            consignee=buyer.party,
            office=buyer.city.office,
            export=country,
            destination="CN",
            routing=[country, "CN"] if chance.maybe(0.2) else [],
            transport=self.world.transport(mode, 1 if mode == "sea" and chance.maybe(0.4) else 0),
        )

    def parcel(self, now: datetime, goods: Item, sender: Sender, consignee: Party, country: str, express: bool) -> Row:
        """Return a parcel, by post or by express."""
        return declaration(
            self.world.reference(now, "M"),
            [goods],
            declarant=sender.broker,
            regime="postal",
            system="cn-express" if express else "cn-post",
            procedure=None,
            office=sender.city.office,
            exporter=sender.party,
            consignee=consignee,
            destination=country,
            transport=self.world.transport("air" if express else "post"),
        )

    def carried(self, now: datetime, goods: list[Item], person: Party, country: str) -> Row:
        """Return what a traveller declares on leaving China for a country."""
        return declaration(
            self.world.reference(now, "P"),
            goods,
            declarant=person,
            regime="passenger",
            system="cn-passenger",
            procedure=None,
            office=self.chance.of(places.CITY_WHEEL).office,
            traveller=person,
            destination=country,
            transport=self.world.transport("passenger"),
        )

    def surname(self) -> str:
        """Return a Chinese surname."""
        return self.chance.one(names.SURNAMES)
