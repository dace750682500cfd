"""The controlled substances that stories are about: names, formulae, CAS numbers, honest codes, packages, control dates.

Names and codes follow the Chinese notices (MOFCOM and GACC announcements 23/2023, 33/2024, 10/2025, 18/2025) and the CAS
registry. This table belongs to the simulator: it stays apart from what the detectors know.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date


@dataclass(frozen=True, slots=True)
class Substance:
    """A controlled substance in one form.

    ``label`` is the element as evaluation counts it; ``code`` the ten digits an honest exporter declares; ``controlled``
    the first day on which its export needs a licence.
    """

    name: str
    label: str
    code: str
    formula: str
    cas: str
    names: dict[str, tuple[str, ...]]
    grades: tuple[str, ...]
    packs: tuple[tuple[str, float], ...]
    controlled: date


GALLIUM = Substance(
    "gallium",
    "gallium",
    "8112929010",
    "Ga",
    "7440-55-3",
    {
        "en": ("gallium metal", "gallium", "gallium ingot"),
        "zh": ("金属镓", "镓锭", "高纯镓"),
        "hant": ("金屬鎵", "鎵錠"),
        "ru": ("галлий металлический", "галлий"),
        "de": ("Galliummetall", "Gallium"),
        "es": ("galio metálico", "galio"),
    },
    ("99.99%", "4N", "99.9999%", "6N", "7N"),
    (("DR", 25.0), ("BO", 1.0), ("CS", 10.0)),
    date(2023, 8, 1),
)
GALLIUM_OXIDE = Substance(
    "gallium oxide",
    "gallium",
    "2825909001",
    "Ga2O3",
    "12024-21-4",
    {
        "en": ("gallium oxide", "gallium(III) oxide powder"),
        "zh": ("氧化镓", "三氧化二镓"),
        "hant": ("氧化鎵",),
        "ru": ("оксид галлия",),
        "de": ("Galliumoxid",),
        "es": ("óxido de galio",),
    },
    ("99.99%", "5N"),
    (("BO", 1.0), ("DR", 25.0)),
    date(2023, 8, 1),
)
GERMANIUM = Substance(
    "germanium",
    "germanium",
    "8112921090",
    "Ge",
    "7440-56-4",
    {
        "en": ("germanium metal", "germanium ingot", "zone refined germanium"),
        "zh": ("金属锗", "区熔锗锭", "锗锭"),
        "hant": ("金屬鍺", "鍺錠"),
        "ru": ("германий металлический", "германий"),
        "de": ("Germaniummetall", "Germanium"),
        "es": ("germanio metálico", "germanio"),
    },
    ("99.999%", "5N", "6N"),
    (("CS", 20.0), ("CT", 10.0)),
    date(2023, 8, 1),
)
GERMANIUM_DIOXIDE = Substance(
    "germanium dioxide",
    "germanium",
    "2825600002",
    "GeO2",
    "1310-53-8",
    {
        "en": ("germanium dioxide", "germanium oxide powder"),
        "zh": ("二氧化锗",),
        "hant": ("二氧化鍺",),
        "ru": ("диоксид германия",),
        "de": ("Germaniumdioxid",),
        "es": ("dióxido de germanio",),
    },
    ("99.999%", "5N"),
    (("BO", 1.0), ("DR", 25.0)),
    date(2023, 8, 1),
)
ANTIMONY = Substance(
    "antimony",
    "antimony",
    "8110101000",
    "Sb",
    "7440-36-0",
    {
        "en": ("antimony ingots", "antimony metal", "antimony regulus"),
        "zh": ("锑锭", "金属锑", "精锑"),
        "hant": ("銻錠", "金屬銻"),
        "ru": ("сурьма металлическая", "сурьма в слитках"),
        "de": ("Antimonmetall", "Antimonbarren"),
        "es": ("antimonio metálico", "lingotes de antimonio"),
    },
    ("99.65%", "99.85%", "Sb99.90", "4N"),
    (("PX", 1000.0), ("CS", 500.0)),
    date(2024, 9, 15),
)
DYSPROSIUM_OXIDE = Substance(
    "dysprosium oxide",
    "dysprosium",
    "2846901500",
    "Dy2O3",
    "1308-87-8",
    {
        "en": ("dysprosium oxide", "dysprosia"),
        "zh": ("氧化镝",),
        "hant": ("氧化鏑",),
        "ru": ("оксид диспрозия",),
        "de": ("Dysprosiumoxid",),
        "es": ("óxido de disprosio",),
    },
    ("99.5%", "99.9%", "3N"),
    (("BG", 25.0), ("DR", 50.0), ("BX", 5.0)),
    date(2025, 4, 4),
)
TERBIUM_OXIDE = Substance(
    "terbium oxide",
    "terbium",
    "2846901600",
    "Tb4O7",
    "12037-01-3",
    {
        "en": ("terbium oxide", "terbium(III,IV) oxide"),
        "zh": ("氧化铽",),
        "hant": ("氧化鋱",),
        "ru": ("оксид тербия",),
        "de": ("Terbiumoxid",),
        "es": ("óxido de terbio",),
    },
    ("99.9%", "99.99%", "4N"),
    (("BG", 25.0), ("BX", 5.0), ("DR", 50.0)),
    date(2025, 4, 4),
)

GALLIUM_GERMANIUM = (GALLIUM, GERMANIUM, GERMANIUM_DIOXIDE)

#: Announcement 46/2024, paragraph 2: no gallium, germanium or antimony to the United States, in principle ...
US_BAN = date(2024, 12, 3)
#: ... off by announcement 72/2025 within these days, and on again after, unless extended.
US_SUSPENSION = (date(2025, 11, 9), date(2026, 11, 27))


def us_banned(day: date) -> bool:
    """Return whether the prohibition of 46/2024, paragraph 2, is in force on a day."""
    return day >= US_BAN and not US_SUSPENSION[0] <= day <= US_SUSPENSION[1]
