"""Code lists that feed formats share: modes of transport, units of mass, customs' own country codes."""

from __future__ import annotations

from typing import Final

from schemas.declaration import TransportMode
from schemas.types import country_codes

#: UN/ECE Recommendation 19, as the EU's and the UK's data element 7/4 use it; 6 (multimodal) is no mode of its own.
TRANSPORT_MODES: Final[dict[str, TransportMode]] = {
    "1": "sea",
    "2": "rail",
    "3": "road",
    "4": "air",
    "5": "post",
    "7": "fixed",
    "8": "inland",
    "9": "own",
}

#: Kilograms in one of each UN/ECE Recommendation 20 unit of mass.
KILOGRAMS: Final[dict[str, float]] = {
    "KGM": 1.0,
    "GRM": 0.001,
    "MGM": 1e-6,
    "HGM": 0.1,
    "DTN": 100.0,
    "TNE": 1_000.0,
    "KTN": 1_000_000.0,
    "LBR": 0.453_592_37,
    "ONZ": 0.028_349_523_125,
    "APZ": 0.031_103_476_8,
    "STN": 907.184_74,
    "LTN": 1_016.046_908_8,
    "CTM": 0.000_2,
}

#: Codes outside ISO 3166-1 that the UK's Customs Declaration Service takes, as the country they lie on: HMRC, "Country
#: codes for the Customs Declaration Service" (appendix 13 of the CDS tariff), table 3a, continental shelves; and XS,
#: Serbia, of the EU's geonomenclature before 2021.
_NATIONAL_COUNTRY_CODES: Final[dict[str, str]] = {
    "ZB": "BE",
    "ZD": "DK",
    "ZE": "IE",
    "ZF": "FR",
    "ZG": "DE",
    "ZH": "NL",
    "ZN": "NO",
    "ZU": "GB",
    "XS": "RS",
    "UK": "GB",
    "EL": "GR",
}

_ISO = country_codes()


def country(code: str | None) -> str | None:
    """Return the code that the contract takes for a country as declared; ``None`` for one that nobody lists."""
    if code is None or code in _ISO:
        return code
    code = code.upper()
    return code if code in _ISO else _NATIONAL_COUNTRY_CODES.get(code)


def kilograms(amount: float, unit: str | None) -> float | None:
    """Return a mass in kilograms; no unit means kilograms, as data elements 6/1 and 6/5 say. ``None`` for no mass.

    CDS and TARIC put a qualifier behind a unit, as in ``KGM#G`` (gross): it does not change the size of the unit.
    """
    factor = KILOGRAMS.get(unit.upper().partition("#")[0]) if unit else 1.0
    return None if factor is None else amount * factor
