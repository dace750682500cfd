"""Value and mass features: USD per kg against dated price bands, packing and density against what the goods can weigh."""

from __future__ import annotations

import math
from datetime import date

import polars as pl

from detectors.goods import Goods
from detectors.reference import Reference
from schemas.reference import PriceBand

#: From this many times the top of the declared heading's band on, it is asked which controlled substance the price fits.
_ASK_FROM = 3.0
#: Price bands are widened by this factor on both sides: contracts, freight terms and small lots.
_TOLERANCE = 1.3
#: Below this a price fits too many ordinary goods to say anything (USD per kg).
_TELLING_PRICE = 15.0
#: Room of a 40-foot container that can be filled, m3.
_CONTAINER_M3 = 67.0
#: Goods that cannot be packed denser than this are light goods (kg/m3).
_LIGHT = 600.0


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

    def columns(
        self, items: pl.DataFrame, goods: list[Goods], days: list[date], reference: Reference
    ) -> list[pl.Series]:
        """Return the item columns of values and prices."""
        rates = [
            None if currency is None else reference.usd_rate(currency, day)
            for currency, day in zip(items["value_currency"].to_list(), days, strict=True)
        ]
        usd = items["value_amount"] * pl.Series(rates, dtype=pl.Float64)
        per_kg = usd / items["net_mass_kg"].fill_null(items["gross_mass_kg"])
        bands = [reference.heading_band(code) for code in items["commodity_code"].to_list()]
        high = pl.Series([b.high if b else None for b in bands], dtype=pl.Float64)
        over = per_kg / high
        fits: list[tuple[PriceBand | None, list[str]]] = []
        named: list[tuple[bool | None, PriceBand | None]] = []
        telling = ((over >= _ASK_FROM) | (over.is_null() & per_kg.is_not_null())).fill_null(False).to_list()
        for ask, price, found, day, code in zip(
            telling, per_kg.to_list(), goods, days, items["commodity_code"].to_list(), strict=True
        ):
            fits.append(self._fit(price, found, day, code) if ask else (None, []))
            named.append(
                self._named(price, found, day) if price is not None and found.named_substance else (None, None)
            )
        number, text = pl.Float64, pl.String
        return [
            usd.alias("value_usd"),
            per_kg.alias("usd_per_kg"),
            pl.Series("heading_low", [b.low if b else None for b in bands], dtype=number),
            high.alias("heading_high"),
            over.alias("price_over_heading"),
            pl.Series("price_substance", [f[0].substance if f[0] else None for f in fits], dtype=text),
            pl.Series("price_substances", [f[1] for f in fits], dtype=pl.List(text)),
            pl.Series("price_low", [f[0].low if f[0] else None for f in fits], dtype=number),
            pl.Series("price_high", [f[0].high if f[0] else None for f in fits], dtype=number),
            pl.Series("price_fits_named", [n[0] for n in named], dtype=pl.Boolean),
            pl.Series("named_price_low", [n[1].low if n[1] else None for n in named], dtype=number),
            pl.Series("named_price_high", [n[1].high if n[1] else None for n in named], dtype=number),
        ]

    def _fit(
        self, price: float | None, goods: Goods, day: date, code: str | None
    ) -> tuple[PriceBand | None, list[str]]:
        """Return the controlled substance whose band the price fits best, and the names of all that it fits."""
        if price is None or price < _TELLING_PRICE:
            return None, []
        found = [
            band
            for band in self._bands(day)
            if band.low / _TOLERANCE <= price <= band.high * _TOLERANCE
            and not (code is not None and code.startswith(band.headings))
        ]
        if not found:
            return None, []
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


def mass_columns(items: pl.DataFrame, reference: Reference) -> list[pl.Series]:
    """Return the item columns of masses, packing and density."""
    densities = [reference.density_band(code) for code in items["commodity_code"].to_list()]
    most = pl.Series("density_max", [d.bulk_density_max if d else None for d in densities], dtype=pl.Float64)
    net, gross = items["net_mass_kg"], items["gross_mass_kg"]
    weight = gross.fill_null(net)
    density = weight / items["volume_m3"]
    return [
        ((gross - net) / gross).alias("tare_share"),
        (net > gross * 1.001).alias("net_over_gross"),
        (net.fill_null(gross) / items["package_count"]).alias("kg_per_package"),
        density.alias("bulk_density"),
        most,
        (density / most).alias("density_over"),
        (most <= _LIGHT).alias("light_goods"),
    ]


def load_columns(declarations: pl.DataFrame, items: pl.DataFrame) -> list[pl.Series]:
    """Return the declaration columns of total masses and container loads."""
    sums = items.group_by("row").agg(
        pl.col("net_mass_kg").sum().alias("net"),
        pl.col("gross_mass_kg").sum().alias("gross"),
        pl.col("value_usd").sum().alias("usd"),
        pl.col("light_goods").fill_null(False).all().alias("light"),
        pl.col("density_max").max().alias("most"),
    )
    joined = declarations.select("row", "declared_gross_kg", "container_count", "mode").join(
        sums, on="row", how="left", maintain_order="left"
    )
    net = joined["net"].replace(0.0, None)
    gross = joined["declared_gross_kg"].fill_null(joined["gross"].replace(0.0, None))
    containers = joined["container_count"].cast(pl.Float64).replace(0.0, None)
    load = gross / containers
    return [
        net.alias("total_net_kg"),
        gross.alias("total_gross_kg"),
        joined["usd"].replace(0.0, None).alias("total_usd"),
        load.alias("kg_per_container"),
        joined["light"].alias("all_light_goods"),
        (load / (joined["most"] * _CONTAINER_M3)).alias("container_over"),
        (net > gross * 1.01).alias("total_net_over_gross"),
    ]
