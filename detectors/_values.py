"""Value and mass features: USD per kg against dated price bands, packing and density against what the goods can weigh."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

import numpy as np
import polars as pl

from detectors._columnar import Numbers, Rows, flag, number, numbers, present, spread, texts
from detectors.batch import ItemFields
from detectors.goods import Goods
from detectors.reference import Reference
from detectors.table import Cells
from schemas.decode import Row
from schemas.reference import PriceBand

#: From this many times the top of the declared heading's band on, it is asked which controlled substance the price fits.
_ASK_FROM = 1.5
#: Price bands are widened by this factor on both sides: contracts, freight terms and small lots.
_TOLERANCE = 1.3
#: Below this a price fits too many ordinary goods to say anything (USD per kg).
_TELLING_PRICE = 15.0
#: Room of a 40-foot container that can be filled, m3.
_CONTAINER_M3 = 67.0
#: Goods that cannot be packed denser than this are light goods (kg/m3): furniture, toys, textiles, tableware, paper goods.
_LIGHT = 1000.0
#: Units of mass of UN/ECE Recommendation 20, in kg.
_KG = {
    "KGM": 1.0,
    "GRM": 1e-3,
    "TNE": 1e3,
    "LBR": 0.45359237,
    "DTN": 100.0,
    "MGM": 1e-6,
    "HGM": 0.1,
    "ONZ": 0.028349523,
}
_NO_FIT: tuple[PriceBand | None, list[str]] = (None, [])


def mass_kg(item: Any) -> float | None:
    """Return what an item weighs: net, else its quantity where that is a mass, else gross; None if nothing is declared."""
    net: float | None = item["net_mass_kg"]
    if net:
        return net
    gross: float | None = item["gross_mass_kg"]
    return _of_quantity(item["quantity"]) or gross or None


def _of_quantity(quantity: Any) -> float | None:
    if quantity is not None and quantity["value"] and quantity["unit"] in _KG:
        return float(quantity["value"]) * _KG[quantity["unit"]]
    return None


def _doubtful(goods: Goods) -> bool:
    """Tell whether the words leave open what the goods are."""
    return goods.vague or goods.named_role is not None or bool(goods.flags & {"metal_hint", "origin_denial", "bottle"})


_FIT = (("price_substance", pl.String), ("price_low", pl.Float64), ("price_high", pl.Float64))
_NAMED = (("price_fits_named", pl.Boolean), ("named_price_low", pl.Float64), ("named_price_high", pl.Float64))


def _spread(
    wanted: Sequence[tuple[str, type[pl.DataType]]], values: list[tuple[Any, ...]], at: list[int], height: int
) -> list[Cells]:
    """Return columns that have the given values in some rows, and null in all others."""
    turned = zip(*values, (None,) * len(wanted), strict=True)
    short = [Cells(name, column, dtype) for (name, dtype), column in zip(wanted, turned, strict=True)]
    return spread(short, at, height)


@dataclass(frozen=True, slots=True)
class Masses:
    """What the items of a batch weigh and measure: kilograms and cubic metres, NaN where not carried.

    ``kg`` is the net mass, else a quantity of mass, else the gross mass.
    """

    net: Numbers
    gross: Numbers
    volume: Numbers
    kg: Numbers

    @classmethod
    def of(cls, items: ItemFields) -> Masses:
        """Return the masses of items as declared."""
        net, gross, volume = (
            present(np.array(stated, dtype=np.float64))
            for stated in (items.net_mass_kg, items.gross_mass_kg, items.volume_m3)
        )
        kg = net.copy()
        for n in np.flatnonzero(np.isnan(net)).tolist():
            kg[n] = _of_quantity(items.quantity[n]) or items.gross_mass_kg[n] or np.nan
        return cls(net, gross, volume, kg)


@dataclass(frozen=True, slots=True)
class Asked:
    """Items whose prices are asked: what they declare, their facts, their declarations' days, and which name a substance."""

    items: ItemFields
    goods: list[Goods]
    days: list[date]
    naming: list[int]


def heading_numbers(reference: Reference, codes: Sequence[str | None]) -> Numbers:
    """Return, of each code's heading, lowest and highest usual price (USD per kg) and greatest density (kg/m3), as 3 rows."""
    found = []
    for code in codes:
        band, density = reference.heading_band(code), reference.density_band(code)
        found.append(
            (band.low if band else None, band.high if band else None, density.bulk_density_max if density else None)
        )
    return present(np.array(found, dtype=np.float64).reshape(len(found), 3)).T


class PriceBook:
    """Price columns against one reference."""

    def __init__(self, reference: Reference) -> None:
        self._reference = reference
        self._elements = {e.substance: e.element for e in reference.lexicon}
        self._watched: dict[int, frozenset[str]] = {}

    def _bands(self, day: date) -> list[PriceBand]:
        epoch = self._reference.epoch(day)
        watched = self._watched.get(epoch)
        if watched is None:
            names: set[str] = set()
            for entry in self._reference.controls_on(day):
                if entry.measure == "licence_required":
                    names.update(entry.substances)
            watched = self._watched[epoch] = frozenset(names)
        return [band for band in self._reference.price_bands_on(day) if band.substance in watched]

    def columns(self, asked: Asked, masses: Masses, heading: Numbers) -> dict[str, Cells]:
        """Return the item columns of values and prices.

        Parameters
        ----------
        asked : the items.
        masses : what they weigh.
        heading : of each item's heading the lowest and the highest usual price (rows 0 and 1, USD per kg).
        """
        items, goods = asked.items, asked.goods
        days = [asked.days[row] for row in items.row]
        rates: dict[tuple[str, date], float | None] = {}
        amounts = np.full(len(goods), np.nan)
        for n, value in enumerate(items.value):
            if value is None or not value["amount"]:
                continue
            key = (value["currency"], days[n])
            rate = rates.get(key, np.inf)
            if rate == np.inf:
                rate = rates[key] = self._reference.usd_rate(*key)
            if rate:
                amounts[n] = value["amount"] * rate
        low, high = heading[0], heading[1]
        with np.errstate(all="ignore"):
            usd = amounts
            per_kg = usd / masses.kg
            over = per_kg / high
        fits: list[tuple[Any, ...]] = []
        fitting = []
        for n in np.flatnonzero(~(over < _ASK_FROM) & (per_kg >= _TELLING_PRICE)).tolist():
            # Of a heading whose usual price is not known, a price alone says nothing: the words must leave room for doubt.
            if np.isnan(over[n]) and not _doubtful(goods[n]):
                continue
            best, substances = self._fit(float(per_kg[n]), goods[n], days[n], items.commodity_code[n])
            if best is not None:
                fits.append((best.substance, best.low, best.high, substances))
                fitting.append(n)
        named: list[tuple[Any, ...]] = []
        naming = [n for n in asked.naming if np.isfinite(per_kg[n])]
        for n in naming:
            fit, band = self._named(float(per_kg[n]), goods[n], days[n])
            named.append((fit, band.low if band else None, band.high if band else None))
        substances_of: list[list[str]] = [[]] * len(goods)
        for n, found in zip(fitting, fits, strict=True):
            substances_of[n] = found[3]
        columns = [
            number("mass_kg", masses.kg),
            number("value_usd", usd),
            number("usd_per_kg", per_kg),
            number("heading_low", low),
            number("heading_high", high),
            number("price_over_heading", over),
            texts("price_substances", substances_of),
            *_spread(_FIT, [found[:3] for found in fits], fitting, len(goods)),
            *_spread(_NAMED, named, naming, len(goods)),
        ]
        return {column.name: column for column in columns}

    def _fit(self, price: float, goods: Goods, day: date, code: str | None) -> tuple[PriceBand | None, list[str]]:
        """Return the controlled substance whose band the price fits best, and the names of all that it fits."""
        found = [
            band
            for band in self._bands(day)
            if band.low / _TOLERANCE <= price <= band.high * _TOLERANCE
            and not (code is not None and code.startswith(band.headings))
        ]
        if not found:
            return _NO_FIT
        best = min(
            found,
            key=lambda b: (b.substance != goods.named_substance, abs(math.log(price / math.sqrt(b.low * b.high)))),
        )
        return best, sorted({b.substance for b in found})

    def _named(self, price: float, goods: Goods, day: date) -> tuple[bool | None, PriceBand | None]:
        """Tell whether the price fits the substance that the text names; None if no band of it is known."""
        bands = [b for b in self._reference.price_bands_on(day) if b.substance == goods.named_substance]
        if not bands:
            return None, None
        for band in bands:
            if band.low / _TOLERANCE <= price <= band.high * _TOLERANCE:
                return True, band
        return False, bands[0]


def mass_columns(masses: Masses, packages: Numbers, most: Numbers) -> dict[str, Cells]:
    """Return the item columns of masses, packing and density.

    Parameters
    ----------
    masses : of each item.
    packages : number of packages of each item, NaN if unknown.
    most : greatest bulk density of each item's heading, kg/m3.
    """
    net, gross = masses.net, masses.gross
    with np.errstate(all="ignore"):
        density = np.where(np.isnan(gross), net, gross) / masses.volume
        columns = [
            number("tare_share", (gross - net) / gross),
            flag("net_over_gross", net > gross * 1.001, ~np.isnan(net + gross)),
            number("kg_per_package", np.where(np.isnan(net), gross, net) / packages),
            number("bulk_density", density),
            number("density_max", most),
            number("density_over", density / most),
            flag("light_goods", most <= _LIGHT, ~np.isnan(most)),
        ]
    return {column.name: column for column in columns}


def load_columns(rows: Sequence[Row], item_rows: Rows, items: Mapping[str, Cells], masses: Masses) -> dict[str, Cells]:
    """Return the declaration columns of total masses and container loads.

    Parameters
    ----------
    rows : declarations as decoded.
    item_rows : the row of each item.
    items : item columns computed before (values and densities).
    masses : of each item.
    """

    def total(values: Numbers) -> Numbers:
        sums = np.bincount(item_rows, weights=np.nan_to_num(values), minlength=len(rows))
        return np.where(sums > 0, sums, np.nan)

    net = total(masses.net)
    summed = total(masses.gross)
    header = numbers([row["gross_mass_kg"] for row in rows])
    gross = np.where(np.isnan(header), summed, header)
    containers = numbers([len(row["transport"]["containers"]) if row["transport"] else None for row in rows])
    most_each = items["density_max"].numbers
    light = ~(np.bincount(item_rows, weights=~(most_each <= _LIGHT), minlength=len(rows)) > 0)
    most = np.full(len(rows), np.nan)
    np.fmax.at(most, item_rows, most_each)
    with np.errstate(all="ignore"):
        load = gross / containers
        columns = [
            number("total_net_kg", net),
            number("total_gross_kg", gross),
            number("total_usd", total(items["value_usd"].numbers)),
            number("kg_per_container", load),
            Cells("all_light_goods", light.tolist(), pl.Boolean),
            number("container_over", load / (most * _CONTAINER_M3)),
            flag("total_net_over_gross", net > gross * 1.01, ~np.isnan(net + gross)),
        ]
    return {column.name: column for column in columns}
