"""A first mapping file, proposed from a sample (``assay ingest --init-mapping``): what is sure, what a guess, what is missing."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import PurePath
from typing import Any, Final

from rapidfuzz import fuzz

from schemas import feeds
from schemas.errors import FeedError
from schemas.feeds._mapping.targets import targets
from schemas.mapping import Mapping, mapped
from schemas.types import currency_codes
from streams import _mapping_evidence as evidence
from streams import _mapping_sample as samples
from streams import _mapping_write as write
from streams._mapping_evidence import Evidence
from streams._mapping_sample import Column, Sample
from streams._mapping_words import names, plain, without_unit

#: From this likeness of names on, of 100: a guess at all; sure, if the values speak for it.
_GUESS: Final = 78.0
_SURE: Final = 92.0
_UNIT: Final = "mass_unit"
#: What a field of an item is where it stands with the whole declaration.
_OF_THE_WHOLE: Final = {
    "items[].gross_mass_kg": "gross_mass_kg",
    "items[].value.amount": "invoice_value.amount",
    "items[].documents[].type": "documents[].type",
    "items[].documents[].reference": "documents[].reference",
    "items[].value.currency": None,
    "items[].packages[].type": None,
    "items[].net_mass_kg": None,
    "items[].quantity.value": None,
    "items[].quantity.unit": None,
    "items[].volume_m3": None,
    "items[].number": None,
    "items[].cas": None,
    "items[].commodity_code": None,
    "items[].description": None,
    "items[].origin": None,
}


@dataclass(slots=True)
class Proposed:
    """One field of the proposal."""

    target: str
    keys: dict[str, Any]
    sure: bool
    note: str = ""
    columns: list[str] = field(default_factory=list)


@dataclass(slots=True)
class _Match:
    column: Column
    target: str
    likeness: float
    found: Evidence


def propose(sample: bytes, filename: str) -> str:
    """Return a mapping file (YAML) for a feed of which this is the beginning; it loads, and was tried on the sample.

    Comments tell for each field whether it is sure or a guess, and which columns and fields found no partner. Nothing of
    the sample is kept in it but the names of columns and the codes that stand in tables.

    Parameters
    ----------
    sample : the first megabyte or so of a table or of lines of JSON; a JSON document as a whole.
    filename : its name, from which the mapping gets its own.

    Raises
    ------
    FeedError : neither JSON nor a table, or nothing in it can be told.
    """
    look = samples.look(sample)
    stem = re.sub(r"[^a-z0-9]+", "-", PurePath(filename).name.lower().partition(".")[0]).strip("-")[:40]
    proposal = _Proposal(look, stem or "feed")
    return proposal.settled(sample)


class _Proposal:
    def __init__(self, look: Sample, name: str) -> None:
        self.look = look
        self.name = name
        self.style = (".", "")
        self.lists: dict[str, str] = {}
        self.fields: dict[str, Proposed] = {}
        self.used: set[int] = set()
        self._items = self._item_list()
        self.style = self._style()
        self._match()
        if not look.header:
            self._match_unnamed()
        self._complete()

    # -- likeness --

    def _item_list(self) -> str:
        """Return the list of goods items in a JSON record; "" if the record is one itself, or has none."""
        goods = ("items[].commodity_code", "items[].description", "items[].net_mass_kg", "items[].origin")
        best, most = "", 0.0
        for within in self.look.lists:
            inside = [column for column in self.look.columns if column.within == within]
            score = sum(max([_likeness(c.name, t) for c in inside] + [0]) >= _GUESS for t in goods)
            if score > most and "[]" not in within:
                best, most = within, score
        return best

    def _style(self) -> tuple[str, str]:
        numeric = [t for t, known in targets().items() if known.kind in ("kg", "m3", "amount") and t in names()]
        wanted = [c.values for c in self.look.columns if any(_likeness(c.name, t) >= _GUESS for t in numeric)]
        return evidence.style_of(wanted, self.look.delimiter == ";")

    def _targets_for(self, column: Column) -> list[str]:
        """Return what a column may be, by the list that it stands in."""
        known = [target for target in names() if target != _UNIT]
        flat = self.look.format == "csv" or not self._items
        if column.within == "":
            return known if flat else [t for t in known if _OF_THE_WHOLE.get(t, t) is not None]
        if column.within == self._items:
            return [t for t in known if t.startswith("items[]")]
        inner = column.within.startswith(f"{self._items}[].") and self._items
        parts = ["items[].documents[].", *(["items[].packages[]."] if inner else [])]
        loose = [] if inner else ["transport.containers", "transport.seals", "transport.mode", "transport.identity"]
        return [t for t in known if t.startswith(tuple(parts)) or t in loose]

    def _match(self) -> None:
        """Give each field the column that is most like it, the surest first."""
        matches = []
        for column in self.look.columns:
            for target in self._targets_for(column):
                likeness = _likeness(column.name, target)
                if likeness < _GUESS:
                    continue
                found = evidence.weigh(target, column.values, self.style)
                if found.enough:
                    weight = likeness + (4 if found.strong else 0) - (15 if not column.values else 0)
                    matches.append((weight, _Match(column, target, likeness, found)))
        for _, match in sorted(matches, key=lambda m: -m[0]):
            placed = self._as_placed(match)
            if placed is not None and placed not in self.fields and id(match.column) not in self.used:
                self._take(match, placed)

    def _match_unnamed(self) -> None:
        """Tell columns without names by their values alone, where those can hardly be anything else."""
        for target in ("items[].commodity_code", "transport.containers", "items[].value.currency", "lodged_at"):
            for column in self.look.columns:
                found = evidence.weigh(target, column.values, self.style)
                if found.strong and column.values and id(column) not in self.used and target not in self.fields:
                    self._take(_Match(column, target, 0.0, found), target)
        worded = [c for c in self.look.columns if evidence.weigh("items[].description", c.values, self.style).enough]
        free = [c for c in worded if id(c) not in self.used and c.values]
        if free:
            longest = max(free, key=lambda column: sum(map(len, column.values)) / len(column.values))
            self._take(_Match(longest, "items[].description", 0.0, Evidence(1.0)), "items[].description")

    def _as_placed(self, match: _Match) -> str | None:
        """Return the target as it is where the column stands, and note the list that it needs."""
        column, target = match.column, match.target
        flat = self.look.format == "csv" or not self._items
        if flat and not column.within:
            return target
        if column.within in ("", self._items):
            return target if column.within else _OF_THE_WHOLE.get(target, target)
        if target.startswith("transport."):
            return target
        if column.within.startswith(f"{self._items}[].") and self._items:
            return target
        return target.removeprefix("items[].") if target.startswith("items[].documents") else None

    def _take(self, match: _Match, target: str) -> None:
        column, keys = match.column, dict(match.found.keys)
        source: str | int = column.number if column.number is not None else column.name
        if column.within == self._items and self._items:
            self.lists["items"] = f"{self._items}[*]"
        elif column.within and target.startswith("transport."):
            many = targets()[target].many
            source = f"{column.within}[{'*' if many else '0'}].{column.name}"
        elif column.within:
            inside = column.within.partition("[].")[2] or column.within
            name = "documents" if "documents[]" in target else "packages"
            self.lists[f"items[].{name}" if target.startswith("items[]") else name] = f"{inside}[*]"
        kind = targets()[target].kind
        if kind in ("kg", "m3"):
            keys = {**keys, **self._unit(column, "kg" if kind == "kg" else "m3")}
        sure = match.likeness >= _SURE and (match.found.strong or not match.found.note) and bool(column.values)
        self.fields[target] = Proposed(target, {"from": source, **keys}, sure, match.found.note, [column.name])
        self.used.add(id(column))

    def _unit(self, column: Column, usual: str) -> dict[str, Any]:
        _, unit = without_unit(column.name)
        if unit is not None:
            return {} if unit == usual else {"unit": unit}
        for other in self.look.columns:
            if usual == "kg" and other.within == column.within and _likeness(other.name, _UNIT) >= _SURE:
                self.used.add(id(other))
                return {"unit": {"from": other.name if other.number is None else other.number, "default": usual}}
        return {}

    # -- what a mapping cannot be without --

    def _complete(self) -> None:
        """Add what the contract asks for: currency beside amounts, type beside documents, identity, regime, an item."""
        for amount in ("items[].value.amount", "invoice_value.amount"):
            self._currency(amount)
        for above in ("items[].documents[]", "documents[]"):
            if f"{above}.reference" in self.fields and f"{above}.type" not in self.fields:
                self._guess(f"{above}.type", {"constant": "LIC"}, "which documents are these? a code of yours")
            elif f"{above}.type" in self.fields and f"{above}.reference" not in self.fields:
                self.fields[f"{above}.type"].sure = False
        if ("items[].quantity.value" in self.fields) != ("items[].quantity.unit" in self.fields):
            for name in ("items[].quantity.value", "items[].quantity.unit"):
                self.fields.pop(name, None)
        if "declaration_id" not in self.fields and not {"declarant.id", "local_reference"} <= self.fields.keys():
            self._identity()
        if "regime" not in self.fields:
            said = next((r for r in ("import", "transit", "export") if r in self.name), "export")
            self._guess("regime", {"constant": said}, "no column says it")
        if not any(name.startswith("items[]") for name in self.fields):
            self._guess("items[].number", {"constant": "1"}, "no column of goods was found")

    def _guess(self, target: str, keys: dict[str, Any], note: str) -> None:
        self.fields[target] = Proposed(target, keys, False, note)

    def _currency(self, amount: str) -> None:
        """Find the currency of an amount; take one away that has no amount."""
        currency = amount.replace("amount", "currency")
        if amount not in self.fields:
            self.fields.pop(currency, None)
        if amount not in self.fields or currency in self.fields:
            return
        for other in self.look.columns:
            if _likeness(other.name, "items[].value.currency") >= _GUESS and other.within in ("", self._items):
                found = evidence.weigh("items[].value.currency", other.values, self.style)
                if found.enough and other.values:
                    source = other.name if other.number is None else other.number
                    if self.look.format != "csv" and not other.within:
                        source = f"$.{source}"
                    self.used.add(id(other))
                    self.fields[currency] = Proposed(currency, {"from": source, **found.keys}, True)
                    return
        named = re.search(r"(?:\b|_)([A-Z]{3})\Z", (self.fields[amount].columns or [""])[0].upper())
        if named is not None and named[1] not in currency_codes():
            named = None
        said = named[1] if named else "USD"
        self._guess(currency, {"constant": said}, "no column says it" if not named else "from the name of the column")

    def _identity(self) -> None:
        """Name declarations by what there is: the reference, a column whose values are all different, or several."""
        if (reference := self.fields.get("local_reference")) is not None:
            note = "no declarant was found; so the reference alone must be unique in this system"
            self._guess("declaration_id", dict(reference.keys), note)
            return
        outer = [c for c in self.look.columns if not c.within and "[*]" not in c.name and c.values]
        unique = [c for c in outer if len(c.values) == len(set(c.values)) == self.look.rows]
        if not outer:
            raise FeedError("nothing in this sample names a declaration")
        chosen = unique[:1] or outer[:5]
        sources = [c.name if c.number is None else c.number for c in chosen]
        keys = {"from": sources[0]} if len(sources) == 1 else {"join": sources, "with": "-"}
        self._guess("declaration_id", keys, "no reference was found; this must name a declaration and no other")

    def group_by(self) -> list[str | int]:
        """Return the reference's column, if the rows of a table repeat it."""
        named = self.fields.get("local_reference") or self.fields.get("declaration_id")
        if self.look.format != "csv" or named is None or "from" not in named.keys:
            return []
        source = named.keys["from"]
        column = next(c for c in self.look.columns if source in (c.number, c.name))
        return [source] if len(set(column.values)) < len(column.values) else []

    # -- the proof --

    def settled(self, sample: bytes) -> str:
        """Write the mapping, read the sample with it, and lower what does not hold until it does."""
        raw = sample[: len(sample) if self.look.format == "json" else 1_000_000]
        if len(raw) < len(sample):
            raw = raw[: raw.rfind(b"\n") + 1]
        for _ in range(2 * len(self.fields) + 2):
            text = write.mapping(self)
            errors = self._errors(text, raw)
            wrong = next((field for error in errors if (field := self._at_fault(error)) is not None), None)
            if wrong is None:
                if errors:
                    said = " ".join(str(errors[0]).split())[:200]
                    text += f"# Of the sample {len(errors)} declarations cannot be read yet, the first: {said}\n"
                return text
            if "unknown" in wrong.keys or "constant" in wrong.keys or wrong.target in ("lodged_at", "declaration_id"):
                self.fields.pop(wrong.target)
                self._complete()
            else:
                wrong.keys["unknown"] = "null"
                wrong.sure = False
                wrong.note = "some values of the sample are not understood; they are left out"
        raise FeedError("no mapping was found that reads this sample; write one by docs/mapping.md")

    def _errors(self, text: str, raw: bytes) -> list[FeedError]:
        """Return what the mapping cannot read of the sample."""
        codec = mapped(Mapping.parse(text.encode()).yaml)
        arrival = feeds.Arrival(received_at=datetime(2026, 1, 1, tzinfo=UTC))
        return [part for part in feeds.parts(codec, raw, arrival) if isinstance(part, FeedError)]

    def _at_fault(self, error: FeedError) -> Proposed | None:
        """Return the field that an error is about; None for what no field can be blamed for, such as a row without goods."""
        for proposed in self.fields.values():
            if any(error.path.endswith((f"column {name}", f", {name}", f".{name}")) for name in proposed.columns):
                return proposed
            number = proposed.keys.get("from")
            if isinstance(number, int) and error.path.endswith(f"column {number}"):
                return proposed
        return None


def _likeness(name: str, target: str) -> float:
    """Return how like a column's name is to what a field is called, of 100."""
    bare, _ = without_unit(name)
    steps = [plain(step) for step in re.split(r"\.(?![^\[]*\])", bare)]
    if steps[-1].rpartition(" ")[2].upper() in currency_codes():
        steps[-1] = steps[-1].rpartition(" ")[0] or steps[-1]  # "value USD"
    last = steps[-1]
    candidates = {plain(bare): 0.0, last: 0.0 if len(steps) == 1 else 2.0, plain(name): 0.0}
    best = 0.0
    for candidate, less in candidates.items():
        if not candidate:
            continue
        for known in names()[target]:
            if candidate == known or candidate.replace(" ", "") == known.replace(" ", ""):
                best = max(best, 100.0 - less)
            elif min(len(candidate), len(known)) >= 4:
                best = max(best, min(fuzz.token_sort_ratio(candidate, known), 96.0) - less)
    return best
