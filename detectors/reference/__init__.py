"""Reference tables with dates: control lists, lexicon, prices, headings, countries, currencies.

>>> from datetime import date
>>> reference = load()
>>> reference.borders("CN", "VN")
True
>>> len(reference.controls_on(date(2020, 1, 1))) < len(reference.controls_on(date(2025, 6, 1)))
True
"""

from detectors.reference.reference import Reference, load

__all__ = ["Reference", "load"]
