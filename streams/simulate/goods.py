"""Goods of honest trade: HS codes with wordings in six languages, price levels, packaging and packed density.

Prices, packages and densities in ``goods.csv`` are orders of magnitude, set for this simulator. Codes are HS 2022 subheadings;
``0000`` stands for the national digits, which differ between tariffs and years.
"""

from __future__ import annotations

import csv
from dataclasses import dataclass
from importlib.resources import files

from streams.simulate.chance import Chance

#: Weight of the packaging against the goods in it, by package type (UN/ECE Recommendation 21).
TARE = {
    "CT": 0.09,
    "PX": 0.03,
    "CS": 0.12,
    "DR": 0.06,
    "BG": 0.008,
    "BE": 0.01,
    "RO": 0.02,
    "CL": 0.015,
    "BX": 0.3,
    "BO": 0.15,
    "UN": 0.01,
    "NE": 0.0,
    "VR": 0.0,
    "VY": 0.0,
}
BULK = frozenset({"VR", "VY"})


@dataclass(frozen=True, slots=True)
class Good:
    """One kind of goods: price in USD/kg, ``spread`` as log-normal sigma, ``kg_m3`` as packed for carriage."""

    line: str
    code: str
    usd_kg: float
    spread: float
    pack: str
    kg_pack: float
    kg_m3: float
    english: tuple[str, ...]
    wordings: dict[str, str]


@dataclass(frozen=True, slots=True)
class Ware:
    """What one firm makes of a good: its own code, wordings, price level and package; the same over the years."""

    code: str
    texts: tuple[str, ...]
    usd_kg: float
    spread: float
    pack: str
    kg_pack: float
    kg_m3: float
    kg_piece: float | None
    marks: str | None


def _goods() -> tuple[Good, ...]:
    with (files("streams.simulate") / "goods.csv").open(encoding="utf-8") as lines:
        return tuple(
            Good(
                row["line"],
                row["code"],
                float(row["usd_kg"]),
                float(row["spread"]),
                row["pack"],
                float(row["kg_pack"]),
                float(row["kg_m3"]),
                tuple(row["en"].split("|")),
                {language: row[language] for language in ("zh", "hant", "ru", "de", "es") if row[language]},
            )
            for row in csv.DictReader(lines)
        )


GOODS = _goods()
LINES: dict[str, tuple[Good, ...]] = {
    line: tuple(good for good in GOODS if good.line == line) for line in dict.fromkeys(good.line for good in GOODS)
}
#: Lines of business that China buys rather than sells (its importers deal in these besides a few of the others).
BOUGHT = ("bulk", "imports")

_SHORT = (
    ("STAINLESS STEEL", "S/S"),
    ("ALUMINIUM", "ALU"),
    ("POLYESTER", "POLY"),
    (" WITH ", " W/"),
    ("AUTOMATIC", "AUTO"),
    (" AND ", " & "),
    ("PLASTIC", "PLAST."),
    ("ELECTRIC", "ELEC."),
)
_FINISH = ("", "", "", " FOR EXPORT", " NEW", " AS PER INVOICE", " BRAND: NO BRAND", ", 品牌:无", " ART.", " TYPE A")


def _typo(text: str, chance: Chance) -> str:
    """Swap two letters, or lose one, somewhere in the middle."""
    if len(text) < 6:
        return text
    k = chance.whole(1, len(text) - 3)
    return text[:k] + text[k + 1] + text[k] + text[k + 2 :] if chance.maybe(0.6) else text[:k] + text[k + 1 :]


def _wording(good: Good, language: str, chance: Chance) -> str:
    english = chance.one(good.english)
    if language == "en":
        if chance.maybe(0.2):
            for long, short in _SHORT:
                english = english.replace(long, short)
        return english if chance.maybe(0.7) else english.capitalize()
    foreign = good.wordings.get(language) or english
    return f"{foreign} {english}" if language in ("zh", "hant") and chance.maybe(0.25) else foreign


def ware(good: Good, languages: tuple[str, ...], chance: Chance) -> Ware:
    """Return one firm's version of a good, described in the firm's languages."""
    model = f"{chance.one('ABCDHKLMSTXZ')}{chance.one('ABCDEFGHJK')}-{chance.whole(10, 9999)}"
    texts = []
    for _ in range(chance.whole(1, 4)):
        text = _wording(good, chance.one(languages), chance)
        if chance.maybe(0.35):
            text += f" {model}"
        text += chance.one(_FINISH)
        texts.append(_typo(text, chance) if chance.maybe(0.04) else text)
    kg_pack = good.kg_pack * chance.between(0.75, 1.3)
    if good.pack == "UN":
        texts = texts[:1]  # a vehicle or a machine is one model
    whole = kg_pack > 5
    return Ware(
        good.code + "0000",
        tuple(texts),
        chance.spread(good.usd_kg, good.spread),
        min(0.25, good.spread * 0.4),
        good.pack,
        float(round(kg_pack)) if whole else round(kg_pack, 2),
        good.kg_m3 * chance.between(0.8, 1.2),
        None if good.pack in BULK or chance.maybe(0.4) else max(0.002, chance.spread(good.kg_pack / 20, 0.8)),
        None if chance.maybe(0.6) else chance.one(("N/M", model, "MADE IN CHINA", f"C/NO. 1-UP {model}", "SIDE MARK")),
    )
