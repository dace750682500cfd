"""Units as feeds write them, in kilograms and cubic metres."""

from __future__ import annotations

from typing import Final

from schemas.feeds._codelists import KILOGRAMS

#: Everyday names of units of mass, beside the codes of Recommendation 20.
MASSES: Final[dict[str, float]] = {
    **{code.lower(): size for code, size in KILOGRAMS.items()},
    "kg": 1.0,
    "kgs": 1.0,
    "g": 0.001,
    "gr": 0.001,
    "mg": 1e-6,
    "t": 1_000.0,
    "mt": 1_000.0,
    "kt": 1_000_000.0,
    "q": 100.0,
    "lb": KILOGRAMS["LBR"],
    "lbs": KILOGRAMS["LBR"],
    "oz": KILOGRAMS["ONZ"],
    "ozt": KILOGRAMS["APZ"],
    "ct": KILOGRAMS["CTM"],
    # As Chinese and Russian feeds write them out.
    "千克": 1.0,
    "公斤": 1.0,
    "克": 0.001,
    "吨": 1_000.0,
    "кг": 1.0,
    "г": 0.001,
    "т": 1_000.0,
}

#: Cubic metres in one of each; the inch is 0.0254 m by definition, a US gallon 231 cubic inches.
VOLUMES: Final[dict[str, float]] = {
    "m3": 1.0,
    "m³": 1.0,
    "mtq": 1.0,
    "cbm": 1.0,
    "l": 0.001,
    "ltr": 0.001,
    "hl": 0.1,
    "hlt": 0.1,
    "dm3": 0.001,
    "dmq": 0.001,
    "cm3": 1e-6,
    "cmq": 1e-6,
    "ml": 1e-6,
    "mlt": 1e-6,
    "ft3": 0.0254**3 * 1_728,
    "ftq": 0.0254**3 * 1_728,
    "gal": 0.0254**3 * 231,
    "gll": 0.0254**3 * 231,
    "立方米": 1.0,
    "升": 0.001,
}
