"""Places: Chinese cities with their customs district, partner countries, and the ways goods go between them.

Weights follow the rough shares of China's partners in 2023-2025 (orders of magnitude, per mille); customs districts carry the
four digits that the General Administration of Customs prints on declarations.
"""

from __future__ import annotations

import csv
from dataclasses import dataclass
from importlib.resources import files
from typing import NamedTuple

from streams.simulate.chance import Chance, Wheel


class City(NamedTuple):
    """A Chinese city: names, customs district, share of the exporting firms, streets."""

    name: str
    hanzi: str
    office: str
    weight: float
    dial: str
    streets: tuple[str, ...]


CITIES = (
    City("Shenzhen", "深圳", "CN5300", 17, "755", ("Shennan Road", "Bao'an Avenue", "Longhua Renmin Road")),
    City("Dongguan", "东莞", "CN5200", 9, "769", ("Guancheng Road", "Chang'an Zhen'an Road", "Humen Avenue")),
    City("Guangzhou", "广州", "CN5100", 9, "20", ("Tianhe Road", "Baiyun Avenue", "Huangpu East Road")),
    City("Foshan", "佛山", "CN5100", 5, "757", ("Lecong Avenue", "Shunde Industrial Road")),
    City("Shanghai", "上海", "CN2200", 13, "21", ("Pudong Avenue", "Yishan Road", "Waigaoqiao Fute Road")),
    City("Suzhou", "苏州", "CN2300", 7, "512", ("Suhong Road", "Jinji Lake Avenue")),
    City("Ningbo", "宁波", "CN3100", 8, "574", ("Zhongshan East Road", "Beilun Mingzhou Road")),
    City("Yiwu", "义乌", "CN2900", 6, "579", ("Chouzhou North Road", "Futian Road")),
    City("Hangzhou", "杭州", "CN2900", 4, "571", ("Binsheng Road", "Wensan Road")),
    City("Qingdao", "青岛", "CN4200", 5, "532", ("Hongkong Middle Road", "Qianwangang Road")),
    City("Tianjin", "天津", "CN0200", 4, "22", ("Dagu South Road", "Tanggu Xingang Road")),
    City("Xiamen", "厦门", "CN3700", 4, "592", ("Hubin South Road", "Xiangyu Road")),
    City("Chengdu", "成都", "CN7900", 2, "28", ("Tianfu Avenue", "Shuangliu Avenue")),
    City("Changsha", "长沙", "CN4900", 1.6, "731", ("Wuyi Avenue", "Yuelu Avenue")),
    City("Kunming", "昆明", "CN8600", 0.8, "871", ("Beijing Road", "Renmin West Road")),
    City("Nanning", "南宁", "CN7200", 1.2, "771", ("Minzu Avenue", "Pingxiang Youyi Road")),
    City("Zhengzhou", "郑州", "CN4600", 2, "371", ("Jinshui Road", "Airport Boulevard")),
    City("Beijing", "北京", "CN0100", 2, "10", ("Chaoyang Road", "Zhongguancun Street")),
)
_CITY = {city.name: city for city in CITIES}
CITY_WHEEL = Wheel(CITIES, [city.weight for city in CITIES])


def city(name: str) -> City:
    """Return a Chinese city by its English name."""
    return _CITY[name]


@dataclass(frozen=True, slots=True)
class Country:
    """A partner country, with what its firms are called and where they sit."""

    code: str
    exports: float
    imports: float
    region: str
    dial: str
    suffixes: tuple[str, ...]
    cities: tuple[str, ...]
    streets: tuple[str, ...]
    surnames: tuple[str, ...]


def _countries() -> dict[str, Country]:
    with (files("streams.simulate") / "countries.csv").open(encoding="utf-8") as lines:
        return {
            row["country"]: Country(
                row["country"],
                float(row["export"]),
                float(row["import"]),
                row["region"],
                row["dial"],
                tuple(row["suffixes"].split("|")),
                tuple(row["cities"].split("|")),
                tuple(row["streets"].split("|")),
                tuple(row["surnames"].split("|")),
            )
            for row in csv.DictReader(lines)
        }


COUNTRIES = _countries()
BUYERS = Wheel(list(COUNTRIES.values()), [c.exports for c in COUNTRIES.values()])
SELLERS = Wheel(list(COUNTRIES.values()), [c.imports for c in COUNTRIES.values()])

# Stops between China and a region, honest all: what the carrier's service calls at. ZA is the Cape of Good Hope diversion
# that most liner services have sailed since the Red Sea attacks of December 2023.
_SEA_STOPS: dict[str, tuple[tuple[str, ...], ...]] = {
    "america": ((), (), (), ("KR",), ("JP",), ("TW",), ("PA",)),
    "latin": ((), (), ("KR",), ("MX",), ("PA",)),
    "europe": ((), ("SG",), ("SG", "ZA"), ("MY", "ZA"), ("SG", "EG"), ("LK", "EG"), ("SG", "NL"), ("MY", "BE")),
    "asean": ((), (), (), ("HK",), ("SG",)),
    "asia": ((), (), (), ("HK",)),
    "hub": ((),),
    "southasia": ((), ("SG",), ("MY",), ("LK",)),
    "gulf": ((), ("SG",), ("IN",), ("OM",)),
    "africa": ((), ("SG",), ("MU",), ("AE",), ("MA",)),
    "oceania": ((), (), ("SG",), ("HK",)),
    "russia": ((), (), ("KR",)),
}
_AIR_STOPS: dict[str, tuple[tuple[str, ...], ...]] = {
    "america": ((), (), ("KR",), ("JP",), ("HK",)),
    "latin": ((), ("US",), ("NL",)),
    "europe": ((), (), ("HK",), ("AE",), ("QA",), ("TR",), ("LU",)),
    "gulf": ((), ("HK",)),
    "africa": ((), ("AE",), ("ET",)),
}
_RAIL = {"europe": ("KZ", "RU", "BY", "PL"), "russia": ("KZ",), "asean": ("LA",)}
_ROAD = {"asean": ("VN",), "russia": ("KZ",), "hub": ()}


def ways(country: Country, mode: str, chance: Chance, origin: str = "CN") -> list[str]:
    """Return a routing from ``origin`` to a country: first the country of departure, last that of destination."""
    region, code = country.region, country.code
    if mode == "rail":
        stops = _RAIL.get(region, ())
    elif mode == "road":
        stops = _ROAD.get(region, ())
    else:
        stops = chance.one((_AIR_STOPS if mode == "air" else _SEA_STOPS).get(region, ((),)))
    return [origin, *(stop for stop in stops if stop not in (code, origin)), code]


_MODES = {
    "america": Wheel(("sea", "air"), (0.72, 0.28)),
    "latin": Wheel(("sea", "air"), (0.86, 0.14)),
    "europe": Wheel(("sea", "air", "rail"), (0.66, 0.22, 0.12)),
    "asean": Wheel(("sea", "road", "air", "rail"), (0.62, 0.2, 0.14, 0.04)),
    "asia": Wheel(("sea", "air"), (0.66, 0.34)),
    "hub": Wheel(("road", "sea", "air"), (0.5, 0.35, 0.15)),
    "southasia": Wheel(("sea", "air"), (0.83, 0.17)),
    "gulf": Wheel(("sea", "air"), (0.8, 0.2)),
    "africa": Wheel(("sea", "air"), (0.92, 0.08)),
    "oceania": Wheel(("sea", "air"), (0.84, 0.16)),
    "russia": Wheel(("rail", "road", "sea", "air"), (0.35, 0.35, 0.22, 0.08)),
}


def mode(country: Country, usd_kg: float, chance: Chance) -> str:
    """Return a mode of transport for goods of that price: dear goods fly."""
    if usd_kg > 90:
        return "air" if chance.maybe(0.85) else chance.of(_MODES[country.region])
    found = chance.of(_MODES[country.region])
    if found == "air" and usd_kg < 4:
        return "sea"
    if found == "road" and country.code == "SG":
        return "sea"
    return found


#: Currencies that partners are invoiced in besides the dollar.
CURRENCIES = {"JP": "JPY", "GB": "GBP", "HK": "HKD", "KR": "KRW", "TH": "THB"}
EURO = frozenset({"DE", "NL", "ES", "IT", "FR", "BE"})
CONTINENTS = frozenset(_MODES)
