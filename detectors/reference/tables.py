"""Read the tables of the data folder: YAML and CSV files of the project's own layout -> lists of plain entries.

What an entry must look like is the contract's business (:mod:`schemas.reference`); here files are only unfolded: shared
values of a block go into each of its rows, terms of the lexicon into one list.
"""

from __future__ import annotations

import csv
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import yaml

from schemas.errors import ReferenceError_

Rows = list[dict[str, Any]]
#: Rows with, for each, where it stands ("controls/cn-2023-39-graphite.yaml row C0037").
Located = list[tuple[str, dict[str, Any]]]

FOLDER = Path(__file__).parent / "data"
_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


def _yaml(path: Path) -> Rows:
    try:
        content = yaml.load(path.read_text("utf-8"), Loader=_LOADER)  # a safe loader, the C one where it is built in
    except FileNotFoundError as error:
        raise ReferenceError_(f"{path}: this reference table is missing") from error
    except yaml.YAMLError as error:
        raise ReferenceError_(f"{path}: not YAML: {error}") from error
    if not isinstance(content, list) or not all(isinstance(row, dict) for row in content):
        raise ReferenceError_(f"{path}: expected a list of mappings")
    return content


def _csv(path: Path) -> Iterator[tuple[int, dict[str, str]]]:
    try:
        lines = path.read_text("utf-8").splitlines()
    except FileNotFoundError as error:
        raise ReferenceError_(f"{path}: this reference table is missing") from error
    kept = [(number, line) for number, line in enumerate(lines, 1) if line and not line.startswith("#")]
    names = next(csv.reader([kept[0][1]]))
    for number, line in kept[1:]:
        cells = next(csv.reader([line]))
        if len(cells) != len(names):
            raise ReferenceError_(f"{path}:{number}: {len(cells)} cells where the header has {len(names)}")
        yield number, dict(zip(names, cells, strict=True))


def _controls(folder: Path, regimes: dict[str, dict[str, Any]]) -> Located:
    found: Located = []
    paths = sorted((folder / "controls").glob("*.yaml"))
    if not paths:
        raise ReferenceError_(f"{folder / 'controls'}: no control list found")
    for path in paths:
        for block in _yaml(path):
            shared = {k: v for k, v in block.items() if k != "items"}
            binding = [regimes[regime] for regime in block["regimes"]]
            shared["territories"] = sorted({c for regime in binding for c in regime["territories"]})
            shared["exempt_destinations"] = sorted({c for regime in binding for c in regime.get("exempt", ())})
            for item in block["items"]:
                own = {k: v for k, v in item.items() if k != "rows"}
                for row in item["rows"]:
                    found.append((f"controls/{path.name} row {row.get('row_id')}", shared | own | row))
    return found


_LANGUAGES = {"formula": "zxx", "symbol": "zxx", "pinyin": "zh-Latn"}
_WITHOUT_SPACES = {"zh", "zh-Hant", "ja", "th"}


def _term(text: str, language: str, strength: str, first: bool) -> dict[str, str]:
    kind = language if language in _LANGUAGES else ("name" if first else "alias")
    match = "word"
    if text.endswith("~"):
        text, match, kind = text[:-1], "stem", kind
    elif language in ("formula", "symbol"):
        match = "exact"
    elif language in _WITHOUT_SPACES:
        match = "substring"
    return {
        "text": text,
        "language": _LANGUAGES.get(language, language),
        "kind": kind,
        "strength": strength,
        "match": match,
    }


def _lexicon(folder: Path) -> Located:
    found: Located = []
    for path in sorted((folder / "lexicon").glob("*.yaml")):
        for entry in _yaml(path):
            terms = []
            for strength in ("strong", "weak"):
                for language, texts in (entry.pop(strength, None) or {}).items():
                    terms += [_term(text, language, strength, first=n == 0) for n, text in enumerate(texts)]
            terms += [
                {"text": cas, "language": "zxx", "kind": "cas", "strength": "strong", "match": "word"}
                for cas in entry.get("cas", ())
            ]
            found.append((f"lexicon/{path.name} {entry.get('substance')}", entry | {"terms": terms}))
    return found


def _countries(folder: Path) -> Located:
    risks: dict[str, Rows] = {}
    for risk in _yaml(folder / "transit_risk.yaml"):
        risks.setdefault(risk.pop("country"), []).append(risk)
    found: Located = []
    for number, row in _csv(folder / "countries.csv"):
        entry: dict[str, Any] = {
            "iso2": row["iso2"],
            "iso3": row["iso3"] or None,
            "name": row["name"],
            "lat": float(row["lat"]),
            "lon": float(row["lon"]),
            "region": row["region"],
            "borders": row["borders"].split(),
            "hub": row["hub"] == "hub",
            "transit_risk": risks.pop(row["iso2"], []),
            "status": "names and codes ISO 3166; points rounded; borders and hubs from memory",
            "source": "ISO 3166-1; borders and hubs compiled for Assay",
        }
        found.append((f"countries.csv:{number}", entry))
    if risks:
        raise ReferenceError_(f"transit_risk.yaml: no such country in countries.csv: {', '.join(sorted(risks))}")
    return found


def _plain(name: str) -> Callable[[Path], Located]:
    def read(folder: Path) -> Located:
        return [(f"{name}.yaml entry {n}", row) for n, row in enumerate(_yaml(folder / f"{name}.yaml"), 1)]

    return read


def _numbers(name: str, columns: tuple[str, ...]) -> Callable[[Path], Located]:
    def read(folder: Path) -> Located:
        found: Located = []
        for number, row in _csv(folder / f"{name}.csv"):
            entry: dict[str, Any] = dict(row)
            for column in columns:
                entry[column] = float(row[column])
            found.append((f"{name}.csv:{number}", entry))
        return found

    return read


def read(folder: Path) -> dict[str, Located]:
    """Return every table of the folder by name; raise :class:`ReferenceError_` for a missing or unreadable file."""
    regimes = {row["regime"]: row for row in _yaml(folder / "regimes.yaml")}
    return {
        "controls": _controls(folder, regimes),
        "suspensions": _plain("suspensions")(folder),
        "lexicon": _lexicon(folder),
        "prices": _plain("prices")(folder),
        "heading_bands": _numbers("heading_bands", ("low", "high"))(folder),
        "densities": _numbers("densities", ("bulk_density_max",))(folder),
        "countries": _countries(folder),
        "producers": _plain("producers")(folder),
        "pegs": _plain("pegs")(folder),
    }
