"""The country that lodges: its firms, brokers, carriers, forwarders, licensed metal firms; all made once from the seed."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from streams.simulate import names, places
from streams.simulate.chance import Chance, Wheel
from streams.simulate.firms import Abroad, Party, abroad, chinese, line_of, party, trader

if TYPE_CHECKING:
    from streams.simulate.life import Life

_LINERS = tuple("COSCO MAERSK MSC ONE EVERGREEN OOCL CMA-CGM HAPAG-LLOYD YANGMING HMM".split())
_FLAGS = tuple("PA LR MH HK SG CN MT BS DK".split())
_OWNERS = tuple("MSKU COSU MSCU ONEU EGHU OOLU CMAU HLXU YMLU TCLU".split())


@dataclass(slots=True)
class MetalFirm:
    """A producer or trader of controlled metals that holds licences and sells to the same end users for years."""

    party: Party
    city: places.City
    buyers: list[Abroad]


def _container(chance: Chance) -> str:
    """Return a container number with its check digit (ISO 6346)."""
    body = chance.one(_OWNERS) + chance.digits(6)
    values = {letter: 10 + k + (k + 9) // 10 for k, letter in enumerate("ABCDEFGHIJKLMNOPQRSTUVWXYZ")}
    total = sum((values[c] if c.isalpha() else int(c)) * 2**k for k, c in enumerate(body))
    return f"{body}{total % 11 % 10}"


class World:
    """Everything that stays the same over the years of a feed.

    Parameters
    ----------
    seed : the seed of the feed.
    firms : how many exporting firms; there are a third as many importing ones. Activity falls off as Zipf's law says.
    """

    def __init__(self, seed: int, firms: int = 3000) -> None:
        chance = Chance(f"world/{seed}")
        self.chance = Chance(f"feed/{seed}")
        self.sequence = 0
        #: What changes over the years; None in a world without memory.
        self.life: Life | None = None
        known: dict[str, list[Abroad]] = {}
        self.brokers = [chinese(chance, contact=0.8, kind=names.BROKER)[0] for _ in range(120)]
        self.exporters = [trader(chance, line_of(chance, False), self.brokers, known) for _ in range(firms)]
        self.importers = [trader(chance, line_of(chance, True), self.brokers, known, True) for _ in range(firms // 3)]
        self.exporter_wheel = Wheel(self.exporters, [(k + 3) ** -0.9 for k in range(len(self.exporters))])
        self.importer_wheel = Wheel(self.importers, [(k + 3) ** -0.9 for k in range(len(self.importers))])
        self.vessels = [
            (f"{chance.one(_LINERS)} {name} / {chance.whole(1, 360):03d}{side}", chance.one(_FLAGS))
            for name in "STAR PRIDE GLORY UNITY HOPE FAITH SPIRIT HARMONY COURAGE WISDOM TRIUMPH VISION".split()
            for side in "EW"
        ]
        self.containers = [_container(chance) for _ in range(4000)]
        self.forwarders = [
            party(
                f"{code}{chance.digits(9)}",
                f"{chance.one(_LINERS).title()} {word} {places.COUNTRIES[code].suffixes[0]}",
                code,
                f"{chance.one(places.COUNTRIES[code].streets)} {chance.whole(1, 99)}",
                chance.one(places.COUNTRIES[code].cities),
                f"+{places.COUNTRIES[code].dial} {chance.digits(9)}",
                f"ops@{word.lower().replace(' ', '-')}{chance.whole(1, 99)}.example",
            )
            for code in ("NL", "DE", "US", "HK", "SG", "MX", "TH", "AE", "GB", "BE", "VN", "AU")
            for word in ("Logistics", "Forwarding", "Shipping Agencies")
        ]
        self.metal_firms = [self._metal_firm(chance, home) for home in ("Changsha", "Kunming", "Nanning") * 8]

    @staticmethod
    def _metal_firm(chance: Chance, home: str) -> MetalFirm:
        own, city = chinese(chance, places.city(home), "Rare Metals", "稀有金属", contact=1.0)
        buyers = [
            abroad(places.COUNTRIES[code], chance, 0.8) for code in chance.some(("JP", "DE", "KR", "BE", "FR"), 3)
        ]
        return MetalFirm(own, city, buyers)

    def reference(self, when: datetime, kind: str = "E") -> str:
        """Return the next local reference of a declarant's own numbering."""
        self.sequence += 1
        return f"{kind}{when.year}{self.sequence:010d}"

    def buyer(self, code: str, contact: float = 0.5) -> Abroad:
        """Return a firm of a country that has not been seen before."""
        return abroad(places.COUNTRIES[code], self.chance, contact)

    def traveller(self, country: str, phone: str | None = None, email: str | None = None) -> Party:
        """Return a natural person who travels."""
        chinese_person = country == "CN"
        surname = self.chance.one(names.SURNAMES if chinese_person else places.COUNTRIES[country].surnames)
        return party(
            f"P{self.chance.digits(8)}",
            names.person(self.chance, surname, chinese_person),
            country,
            phone=phone or f"+{'86' if chinese_person else places.COUNTRIES[country].dial} {self.chance.digits(10)}",
            email=email,
        )

    def transport(self, mode: str, containers: int = 0) -> dict[str, Any]:
        """Return a means of transport for a mode."""
        chance = self.chance
        if mode == "sea":
            identity, flag = chance.one(self.vessels)
            return {
                "mode": "sea",
                "identity": identity,
                "nationality": flag,
                "containers": [chance.one(self.containers) for _ in range(containers)],
            }
        name: str | None = None
        if mode in ("air", "passenger"):
            name = f"{chance.one(('CA', 'CZ', 'MU', 'CX', 'LH', 'EK', 'KE'))}{chance.whole(100, 9999)}"
        elif mode == "road":
            name = f"粤Z{chance.digits(4)}港"
        elif mode == "rail":
            name = f"X{chance.whole(8000, 9999)}"
        return {"mode": mode, "identity": name, "nationality": None, "containers": []}
