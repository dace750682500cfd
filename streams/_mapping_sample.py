"""What a sample of a feed shows of itself: encoding, delimiter, columns, and where the records of a JSON document are."""

from __future__ import annotations

import csv
import io
import json
from collections import Counter
from dataclasses import dataclass, field
from typing import Any, Final

from schemas.errors import FeedError
from schemas.feeds._mapping.entries import encoding_of

#: Rows looked at: enough for what values look like, few enough for an answer at once.
MAX_ROWS: Final = 500
_MAX_SAMPLE: Final = 4 * 1024 * 1024
_DELIMITERS: Final = ",;\t|"
_MAX_COLUMNS: Final = 1_000


@dataclass(slots=True)
class Column:
    """A column, or a path into JSON. ``within``: the list of objects that it stands in ("" for the record itself)."""

    name: str
    values: list[str] = field(default_factory=list)
    within: str = ""
    number: int | None = None

    @property
    def path(self) -> str:
        """How a mapping names it from inside its list."""
        return self.name


@dataclass(slots=True)
class Sample:
    """A feed's own look. ``records`` is the path to the records of a JSON document; ``lists`` the lists of objects in one."""

    format: str
    encoding: str
    columns: list[Column]
    rows: int
    delimiter: str = ","
    header: bool = True
    records: str = "$"
    lists: list[str] = field(default_factory=list)


def look(raw: bytes) -> Sample:
    """Look at the beginning of a feed.

    Raises
    ------
    FeedError : it is neither JSON nor a table.
    """
    raw = raw[:_MAX_SAMPLE]
    if not raw.strip():
        raise FeedError("an empty sample")
    encoding, text = _decoded(raw)
    if text.lstrip()[:1] in ("{", "["):
        return _json(text, encoding)
    return _table(text, encoding)


def _decoded(raw: bytes) -> tuple[str, str]:
    """Find the encoding: a byte order mark, UTF-8 if it is that, else the one whose letters make sense."""
    marked = encoding_of(raw[:4], "")
    if marked:
        return ("utf-8" if marked == "utf-8-sig" else marked), raw.decode(marked, "ignore").removeprefix("\ufeff")
    if b"\0" in raw[:64]:
        wide = "utf-16-le" if raw[1:2] == b"\0" else "utf-16-be"
        return wide, raw.decode(wide, "ignore")
    for cut in range(4):  # a sample may end within a character
        try:
            return "utf-8", raw[: len(raw) - cut].decode()
        except UnicodeDecodeError as error:
            if error.start < len(raw) - 4:
                break
    found = {encoding: raw.decode(encoding, "ignore") for encoding in ("gb18030", "cp1251", "cp1252")}
    strange = [char for char in found["cp1251"] if char > "\x7f"]
    han = [char for char in found["gb18030"] if char > "\x7f"]
    # GB 2312's first level, the common characters, are the bytes B0-D7 first: other texts read as GB give rarer ones.
    common = sum("\u4e00" <= char <= "\u9fff" and char.encode("gb18030")[0] in range(0xB0, 0xD8) for char in han)
    if han and common / len(han) > 0.8 and len(raw.decode("gb18030", "replace").split("\ufffd")) < 3:
        return "gb18030", found["gb18030"]
    # In Russian nearly every letter beyond ASCII stands beside another; accents stand alone.
    beside = sum(a > "\x7f" and b > "\x7f" for a, b in zip(found["cp1251"], found["cp1251"][1:], strict=False))
    if strange and beside / len(strange) > 0.5:
        return "cp1251", found["cp1251"]
    return "cp1252", raw.decode("cp1252", "replace")


def _table(text: str, encoding: str) -> Sample:
    lines = [line for line in io.StringIO(text, newline="") if line.strip()]
    if len(lines) > 1 and not text.endswith(("\n", "\r")):
        lines = lines[:-1]  # perhaps cut in the middle
        if len(lines) == 1:
            lines = [line for line in io.StringIO(text, newline="") if line.strip()]
    best: tuple[float, str, list[list[str]]] = (0.0, "", [])
    for delimiter in _DELIMITERS:
        try:
            reader = csv.reader(lines, delimiter=delimiter)
            rows = [row for row, _ in zip(reader, range(MAX_ROWS + 1), strict=False) if row]
        except csv.Error:
            continue
        widths = Counter(len(row) for row in rows)
        width, agree = widths.most_common(1)[0]
        score = (agree / len(rows)) * min(width - 1, 30)
        if score > best[0]:
            best = score, delimiter, rows
    _, delimiter, rows = best
    if not rows or len(rows[0]) < 2 or len(rows[0]) > _MAX_COLUMNS:
        raise FeedError("neither JSON nor a table with commas, semicolons, tabs or bars between its columns", "line 1")
    header = _is_header(rows)
    names = [name.strip() for name in rows[0]] if header else [str(n) for n in range(1, len(rows[0]) + 1)]
    twice = Counter(names)
    columns = [
        Column(name, [], number=None if header and name and twice[name] == 1 else index)
        for index, name in enumerate(names, 1)
    ]
    body = rows[1:] if header else rows
    for row in body:
        for column, cell in zip(columns, row, strict=False):
            if cell.strip():
                column.values.append(cell.strip())
    return Sample("csv", encoding, columns, len(body), delimiter, header)


def _is_header(rows: list[list[str]]) -> bool:
    """A header has texts of its own in every column, and no numbers."""
    first = [cell.strip() for cell in rows[0]]
    return not any(cell.replace(".", "").replace(",", "").isdigit() for cell in first) and sum(map(bool, first)) > 1


def _json(text: str, encoding: str) -> Sample:
    try:
        document = json.loads(text)
        lines = False
    except (ValueError, RecursionError):
        document, lines = _json_lines(text), True
    records, found = ("$", document) if lines else _records(document)
    columns: dict[tuple[str, str], Column] = {}
    lists: dict[str, None] = {}
    for record in found[:MAX_ROWS]:
        _flatten(record, "", "", columns, lists)
    if not columns:
        raise FeedError("no record with fields in this JSON")
    return Sample(
        "ndjson" if lines else "json", encoding, list(columns.values()), len(found), records=records, lists=list(lists)
    )


def _json_lines(text: str) -> list[dict[str, Any]]:
    found = []
    for line in text.splitlines()[:MAX_ROWS]:
        try:
            record = json.loads(line) if line.strip() else None
        except (ValueError, RecursionError):
            continue
        if type(record) is dict:
            found.append(record)
    if not found:
        raise FeedError("not JSON, nor lines of JSON; a sample of one document must hold it to the end", "line 1")
    return found


def _records(document: Any) -> tuple[str, list[Any]]:
    """Find the records: the elements of a list, of the only list of objects in an envelope, or the document itself."""
    if type(document) is list:
        return "$[*]", [record for record in document if type(record) is dict]
    inside = [(key, part) for key, part in document.items() if _of_objects(part)]
    others = [part for part in document.values() if not _of_objects(part)]
    envelope = len(inside) == 1 and len(others) <= 5 and any(_of_objects(part) for part in inside[0][1][0].values())
    if (envelope or (len(inside) == 1 and not others)) and all(type(part) is not dict for part in others):
        return f"$.{_step(inside[0][0])}[*]", inside[0][1]
    return "$", [document]


def _of_objects(part: Any) -> bool:
    return type(part) is list and bool(part) and all(type(member) is dict for member in part)


def _step(key: str) -> str:
    plain = key and not any(char in ".[]='\"$" for char in key) and key == key.strip()
    return key if plain else f"['{key}']"


def _flatten(
    here: dict[str, Any], path: str, within: str, columns: dict[tuple[str, str], Column], lists: dict[str, None]
) -> None:
    for key, part in here.items():
        if "'" in key or len(columns) >= _MAX_COLUMNS or not key:
            continue
        name = f"{path}.{_step(key)}" if path else _step(key)
        if type(part) is dict:
            _flatten(part, name, within, columns, lists)
        elif type(part) is list and part and not all(type(member) in (dict, list) for member in part):
            column = columns.setdefault((within, f"{name}[*]"), Column(f"{name}[*]", within=within))
            column.values += [
                _shown(member) for member in part if member not in (None, "") and type(member) is not dict
            ]
        elif _of_objects(part):
            if not within:
                lists.setdefault(name)
                for member in part[:MAX_ROWS]:
                    _flatten(member, "", name, columns, lists)
            else:
                # A list in a list (the documents of an item): by its path from the item.
                lists.setdefault(f"{within}[].{name}")
                for member in part[:MAX_ROWS]:
                    _flatten(member, "", f"{within}[].{name}", columns, lists)
        elif type(part) is not list:
            column = columns.setdefault((within, name), Column(name, within=within))
            if part is not None and str(part).strip():
                column.values.append(_shown(part))


def _shown(value: Any) -> str:
    return str(value).strip() if type(value) is not bool else str(value).lower()
