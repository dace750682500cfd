"""Value and mass features: USD per kg against dated price bands, packing and density against what the goods can weigh."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any

import numpy as np
import polars as pl

from detectors._columnar import Numbers, Rows, flag, number, numbers, texts
from detectors.goods import Goods
from detectors.reference import Reference
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
    quantity = item["quantity"]
    if quantity is not None and quantity["value"] and quantity["unit"] in _KG:
        return float(quantity["value"]) * _KG[quantity["unit"]]
    gross: float | None = item["gross_mass_kg"]
    return gross or None


def _doubtful(goods: Goods) -> bool:
    """Tell whether the words leave open what the goods are."""
    return goods.vague or goods.named_role is not None or bool(goods.flags & {"metal_hint", "origin_denial", "bottle"})


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

    def columns(self, items: Sequence[Any], goods: list[Goods], days: list[date]) -> dict[str, pl.Series]:
        """Return the item columns of values and prices, of items as declared."""
        reference = self._reference
        rates = [
            (reference.usd_rate(item["value"]["currency"], day) if item["value"] is not None else None)
            for item, day in zip(items, days, strict=True)
        ]
        amounts = numbers([item["value"]["amount"] if item["value"] is not None else None for item in items])
        masses = numbers([mass_kg(item) for item in items])
        bands = [reference.heading_band(item["commodity_code"]) for item in items]
        high = numbers([band.high if band else None for band in bands])
        with np.errstate(all="ignore"):
            usd = amounts * numbers(rates)
            per_kg = usd / masses
            over = per_kg / high
        fits = [_NO_FIT] * len(items)
        named: list[tuple[bool | None, PriceBand | None]] = [(None, None)] * len(items)
        for n in np.flatnonzero(~(over < _ASK_FROM) & (per_kg >= _TELLING_PRICE)).tolist():
            # Of a heading whose usual price is not known, a price alone says nothing: the words must leave room for doubt.
            if np.isnan(over[n]) and not _doubtful(goods[n]):
                continue
            fits[n] = self._fit(float(per_kg[n]), goods[n], days[n], items[n]["commodity_code"])
        for n, found in enumerate(goods):
            if found.named_substance is not None and np.isfinite(per_kg[n]):
                named[n] = self._named(float(per_kg[n]), found, days[n])
        text = pl.String
        columns = [
            number("mass_kg", masses),
            number("value_usd", usd),
            number("usd_per_kg", per_kg),
            number("heading_low", numbers([b.low if b else None for b in bands])),
            number("heading_high", high),
            number("price_over_heading", over),
            pl.Series("price_substance", [f[0].substance if f[0] else None for f in fits], dtype=text),
            texts("price_substances", [f[1] for f in fits]),
            number("price_low", numbers([f[0].low if f[0] else None for f in fits])),
            number("price_high", numbers([f[0].high if f[0] else None for f in fits])),
            pl.Series("price_fits_named", [n[0] for n in named], dtype=pl.Boolean),
            number("named_price_low", numbers([n[1].low if n[1] else None for n in named])),
            number("named_price_high", numbers([n[1].high if n[1] else None for n in named])),
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


def mass_columns(items: Sequence[Any], packages: Numbers, reference: Reference) -> dict[str, pl.Series]:
    """Return the item columns of masses, packing and density.

    Parameters
    ----------
    items : items as declared.
    packages : number of packages of each item, NaN if unknown.
    """
    densities = [reference.density_band(item["commodity_code"]) for item in items]
    most = numbers([d.bulk_density_max if d else None for d in densities])
    net = numbers([item["net_mass_kg"] for item in items])
    gross = numbers([item["gross_mass_kg"] for item in items])
    volume = numbers([item["volume_m3"] for item in items])
    with np.errstate(all="ignore"):
        density = np.where(np.isnan(gross), net, gross) / volume
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


def load_columns(
    rows: Sequence[Row], item_rows: Rows, items: Mapping[str, pl.Series], declared: Sequence[Any]
) -> dict[str, pl.Series]:
    """Return the declaration columns of total masses and container loads.

    Parameters
    ----------
    rows : declarations as decoded.
    item_rows : the row of each item.
    items : item columns computed before (values and densities).
    declared : items as declared.
    """

    def total(values: Numbers) -> Numbers:
        sums = np.bincount(item_rows, weights=np.nan_to_num(values), minlength=len(rows))
        return np.where(sums > 0, sums, np.nan)

    net = total(numbers([item["net_mass_kg"] for item in declared]))
    summed = total(numbers([item["gross_mass_kg"] for item in declared]))
    header = numbers([row["gross_mass_kg"] for row in rows])
    gross = np.where(np.isnan(header), summed, header)
    containers = numbers([len(row["transport"]["containers"]) if row["transport"] else None for row in rows])
    most_each = items["density_max"].to_numpy()
    light = ~(np.bincount(item_rows, weights=~(most_each <= _LIGHT), minlength=len(rows)) > 0)
    most = np.full(len(rows), np.nan)
    np.fmax.at(most, item_rows, most_each)
    with np.errstate(all="ignore"):
        load = gross / containers
        columns = [
            number("total_net_kg", net),
            number("total_gross_kg", gross),
            number("total_usd", total(items["value_usd"].to_numpy())),
            number("kg_per_container", load),
            pl.Series("all_light_goods", light, dtype=pl.Boolean),
            number("container_over", load / (most * _CONTAINER_M3)),
            flag("total_net_over_gross", net > gross * 1.01, ~np.isnan(net + gross)),
        ]
    return {column.name: column for column in columns}
