"""One field of a mapping as a function of a row: what stands there, cleaned, looked up, converted."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Final

from schemas.feeds._mapping import values
from schemas.feeds._mapping.targets import Target
from schemas.feeds._mapping.units import MASSES, VOLUMES

if TYPE_CHECKING:
    from schemas.feeds._mapping.model import Column, File, Source

#: ``read(element, record)``: what a field's column holds, or its value; None for nothing. A ValueError says what is wrong.
Read = Callable[[Any, Any], Any]
#: Gives the raw content of a column, or every content of a path into JSON.
Locate = Callable[["Column"], Read]

_NUMERIC: Final = ("kg", "m3", "amount", "whole")
#: Texts worth remembering are short and come again: codes, numbers, dates.
_MAX_REMEMBERED: Final = 4_096
_MAX_LENGTH: Final = 64


def _text_of(found: Any, decimal: str) -> str:
    """Write a JSON value as the text that a table would have."""
    kind = type(found)
    if kind is str:
        return str(found).strip()
    if kind is bool:
        return "true" if found else "false"
    if kind is int:
        # Python refuses to write out more than 4,300 digits, and nothing here has so many.
        return str(found) if abs(found) < 10**40 else _refuse_number()
    if kind is float:
        if not math.isfinite(found):
            raise ValueError("a number beyond all measure")
        return str(int(found)) if found.is_integer() and abs(found) < 1e15 else repr(found).replace(".", decimal)
    raise ValueError(f"{'a list' if kind is list else 'an object'} stands where one value should")


def _refuse_number() -> str:
    raise ValueError("a number of more than 40 digits")


def _nulls(stated: list[str]) -> frozenset[str]:
    """An empty text says nothing in any feed."""
    written = {"", *(text.strip() for text in stated)}
    return frozenset(written | {text.lower() for text in written} | {text.upper() for text in written})


class Reader:
    """A field's source, ready to be bound to the columns of a table or to JSON."""

    def __init__(self, file: File, target: Target, source: Source) -> None:
        self.file = file
        self.target = target
        self.source = source
        self.fixed = source.constant is not None
        self.decimal = source.decimal or file.numbers.decimal
        self.nulls = _nulls(file.null_values if source.null_values is None else source.null_values)
        self._convert = values.of_kind(target, source, file)
        self._table = values.table_of(source)
        self._extract = None if source.pattern is None else values.extraction(source.pattern)
        self._plain_number = (
            target.kind in _NUMERIC and self._table is None and self._extract is None and source.strip is None
        )
        self._keeps_zero = source.zero == "keep" or target.kind == "whole"
        self._sizes = MASSES if target.kind == "kg" else VOLUMES
        self._size = 1.0
        if source.unit is not None and source.unit.constant is not None:
            self._size = self._sizes[source.unit.constant.strip().lower()]
        self.default = self._constant(source.default)

    def bind(self, locate: Locate) -> Read:
        """Return the function that reads this field."""
        if self.fixed:
            value = self._constant(self.source.constant)
            return lambda element, record: value
        raw = self._raw(locate)
        if self.target.many:
            return lambda element, record: self._each(raw(element, record))
        one = self._remembering()
        if self.source.unit is None or self.source.unit.constant is not None:
            return lambda element, record: one(raw(element, record))
        unit = Reader(self.file, Target("text"), self.source.unit)
        read_unit = unit.bind(locate)

        def weighed(element: Any, record: Any) -> Any:
            amount = one(raw(element, record))
            return None if amount is None else self._sized(amount, read_unit(element, record) or unit.default)

        return weighed

    def _constant(self, text: str | None) -> Any:
        if text is None:
            return None
        if self.target.many:
            return self._each(text)
        return self._times(self._convert(text.strip()))

    def _raw(self, locate: Locate) -> Read:
        """Return what gives the raw content: of the first column that holds something, or of all, joined."""
        if self.source.join:
            columns = [locate(column) for column in self.source.join]
            between = self.source.with_

            def joined(element: Any, record: Any) -> Any:
                texts = (self._content(read(element, record)) for read in columns)
                return between.join(text for text in texts if text) or None

            return joined
        first, *others = [locate(column) for column in self.source.from_]
        if not others:
            return first
        several = (first, *others)

        def coalesced(element: Any, record: Any) -> Any:
            for read in several:
                found = read(element, record)
                if found is not None and (type(found) is not str or found.strip() not in self.nulls):
                    return found
            return None

        return coalesced

    def _content(self, found: Any) -> str:
        if found is None:
            return ""
        text = _text_of(found, self.decimal)
        return "" if text in self.nulls else text

    def _remembering(self) -> Callable[[Any], Any]:
        """Return the conversion of one raw content; short texts that came before are not converted again."""
        known: dict[str, Any] = {}
        plain_text = self.target.kind == "text" and self._table is None and self._extract is None
        nulls, strip = self.nulls, self.source.strip

        def one(found: Any) -> Any:
            if found is None:
                return None
            if type(found) is not str:
                return self._from_json(found)
            text = found.strip()
            if text in nulls:
                return None
            if plain_text:
                return text if strip is None else text.strip(strip).strip() or None
            try:
                return known[text]
            except KeyError:
                value = self._value(text)
            if len(text) <= _MAX_LENGTH:
                if len(known) >= _MAX_REMEMBERED:
                    known.clear()
                known[text] = value
            return value

        return one

    def _from_json(self, found: Any) -> Any:
        """Convert a JSON value that is no text."""
        if not self._plain_number or type(found) not in (int, float):
            text = _text_of(found, self.decimal)
            return None if text in self.nulls else self._value(text)
        if str(found)[:40] in self.nulls if type(found) is int and abs(found) < 10**18 else False:
            return None
        if abs(found) > 1e30 or not math.isfinite(found):
            raise ValueError("a number beyond all measure")
        if found < 0:
            raise ValueError(f"below zero: {found}")
        if self.target.kind == "whole":
            if found != int(found):
                raise ValueError(f"not a whole number: {found}")
            return int(found)
        return self._times(float(found))

    def _value(self, text: str) -> Any:
        """Convert a text: the steps in the order in which the manual gives them."""
        if self.source.strip is not None:
            text = text.strip(self.source.strip).strip()
        if self._extract is not None:
            text = self._extract(text).strip()
        if text in self.nulls:
            return None
        if self._table is not None:
            written, folded = self._table
            if text in written or text.casefold() in folded:
                looked_up = written[text] if text in written else folded[text.casefold()]
                if looked_up is None:
                    return None
                text = looked_up
            elif self.source.unknown == "null":
                return None
            elif self.source.unknown == "error":
                raise ValueError(f"not in the code table: {values.shown(text)}")
        try:
            return self._times(self._convert(text))
        except ValueError:
            if self.source.unknown == "null":
                return None
            raise

    def _times(self, value: Any) -> Any:
        """Bring a number into the contract's unit; zero says "not stated", as in customs messages."""
        if type(value) is not float:
            return value
        if value == 0.0 and not self._keeps_zero:
            return None
        return value if self._size == 1.0 else round(value * self._size, 9)

    def _sized(self, amount: float, unit: Any) -> float:
        if unit is None:
            raise ValueError("no unit stands with it; say what it is then, as unit: {from: ..., default: kg}")
        size = self._sizes.get(str(unit).lower())
        if size is None:
            raise ValueError(f"{values.shown(str(unit))} is no unit known here; map it with a table under unit")
        return amount if size == 1.0 else round(amount * size, 9)

    def _each(self, found: Any) -> list[Any] | None:
        """Convert a list, or a text with parts; None for an empty one."""
        texts: list[str] = []
        for member in found if type(found) is list else [found]:
            text = self._content(member)
            texts += [part.strip() for part in text.split(self.source.split)] if self.source.split else [text]
        converted = (self._value(text) for text in texts if text not in self.nulls)
        return [value for value in converted if value is not None] or None
