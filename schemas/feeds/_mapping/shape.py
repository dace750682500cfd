"""The tree of what a mapping fills, and the filling of it from the rows of one declaration."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from schemas.errors import FeedError
from schemas.feeds._mapping import paths
from schemas.feeds._mapping.checks import list_name
from schemas.feeds._mapping.reading import Locate, Read, Reader
from schemas.feeds._mapping.targets import REQUIRED, general, objects, steps, targets

if TYPE_CHECKING:
    from schemas.feeds._mapping.model import Column, File, Source

Row = dict[str, Any]

#: Lists of values that every row of a declaration may add to; any other field is that of the first row that has it.
_GATHERED: Final = ("transport.containers", "transport.seals")


@dataclass(frozen=True, slots=True)
class Spot:
    """Where a field is read: the element of the list it stands in (or the record), the record, and their place in words."""

    element: Any
    record: paths.Record
    place: str
    inside: str = ""


@dataclass(slots=True)
class Leaf:
    """A field of the contract and how it is read."""

    name: str
    target: str
    label: str
    reader: Reader
    gathers: bool
    source: Source
    read: Read = lambda element, record: None


@dataclass(slots=True)
class Shape:
    """An object of the contract: its fields, the objects and lists in it."""

    required: tuple[str, ...] = ()
    leaves: list[Leaf] = field(default_factory=list)
    objects: dict[str, Shape] = field(default_factory=dict)
    lists: dict[str, dict[str, Shape]] = field(default_factory=dict)
    #: For the elements of a list in JSON: where they are.
    each: paths.Path | None = None
    fixed: bool = False

    def settle(self) -> bool:
        """Note whether only constants stand in it: such an object is there always, others where something was read."""
        inner = [shape.settle() for shape in self.objects.values()]
        listed = [shape.settle() for shapes in self.lists.values() for shape in shapes.values()]
        self.fixed = all(leaf.reader.fixed for leaf in self.leaves) and all(inner) and not listed
        return self.fixed

    def every_leaf(self) -> Iterator[Leaf]:
        """Yield the fields at every depth."""
        yield from self.leaves
        for shape in self.objects.values():
            yield from shape.every_leaf()
        for shapes in self.lists.values():
            for shape in shapes.values():
                yield from shape.every_leaf()


def label(column: Column, tabular: bool) -> str:
    """Name a column for an error."""
    return f"column {column}" if tabular else str(column)


def shape_of(file: File) -> Shape:
    """Return the tree of a checked mapping, not yet bound to columns."""
    root = Shape()
    each = {list_name(name): paths.parse(text) for name, text in file.lists.items()}
    fields = dict(file.fields)
    for name, source in file.fields.items():
        if source.currency is not None:
            fields[f"{name.removesuffix('amount')}currency"] = source.currency
    for name, source in fields.items():
        _place(root, name, source, file, each)
    root.settle()
    return root


def _place(root: Shape, name: str, source: Source, file: File, each: dict[str, paths.Path]) -> None:
    here = root
    above = ""
    *way, (last, _) = steps(name) or []
    for step, place in way:
        above = f"{above}.{step}" if above else step
        if place is None:
            here = here.objects.setdefault(step, Shape(REQUIRED.get(objects()[above], ())))
            continue
        above += "[]"
        templates = here.lists.setdefault(step, {})
        path = each.get(above) if place == "" else None
        here = templates.setdefault(place, Shape(REQUIRED.get(objects()[above], ()), each=path))
    named = ", ".join(label(column, file.format == "csv") for column in source.reads)
    target = general(name)
    here.leaves.append(Leaf(last, target, named, Reader(file, targets()[target], source), target in _GATHERED, source))


def bind(shape: Shape, locate: Callable[[Leaf], Locate]) -> Shape:
    """Return a tree like this one, its fields bound to columns."""
    bound = Shape(shape.required, each=shape.each, fixed=shape.fixed)
    for leaf in shape.leaves:
        read = leaf.reader.bind(locate(leaf))
        bound.leaves.append(Leaf(leaf.name, leaf.target, leaf.label, leaf.reader, leaf.gathers, leaf.source, read))
    bound.objects = {name: bind(inner, locate) for name, inner in shape.objects.items()}
    bound.lists = {
        name: {place: bind(inner, locate) for place, inner in sorted(shapes.items(), key=lambda s: int(s[0] or 0))}
        for name, shapes in shape.lists.items()
    }
    return bound


def filled(
    shape: Shape, spots: list[Spot], item_spots: list[Spot] | None = None, defaults_say: bool = False
) -> Row | None:
    """Return the object that the rows of a declaration make; None where nothing was read, or a needed member is missing.

    ``defaults_say`` : a default is reason enough for the object: true of goods items, not of what hangs on them.

    Raises
    ------
    FeedError : a field holds nonsense; the path names row and column.
    """
    row: Row = {}
    said = shape.fixed
    for leaf in shape.leaves:
        value = _read(leaf, spots)
        if value is None:
            value = leaf.reader.default
            said = said or (defaults_say and value is not None)
        elif not leaf.reader.fixed:
            said = True
        if value is not None:
            row[leaf.name] = value
    for name, inner in shape.objects.items():
        made = filled(inner, spots)
        if made is not None:
            row[name] = made
            said = said or not inner.fixed
    for name, templates in shape.lists.items():
        noted = item_spots if name == "items" else None
        members = _members(templates, spots, distinct=name != "items", noted=noted)
        if members:
            row[name] = members
            said = True
    if item_spots is None and (not said or any(needed not in row for needed in shape.required)):
        return None
    return row


def _read(leaf: Leaf, spots: list[Spot]) -> Any:
    gathered: list[Any] = []
    for spot in spots:
        try:
            value = leaf.read(spot.element, spot.record)
        except ValueError as error:
            raise FeedError(str(error), f"{spot.place}, {spot.inside}{leaf.label}") from None
        if value is not None:
            if not leaf.gathers:
                return value
            gathered += value
    return list(dict.fromkeys(gathered)) or None


def _members(templates: dict[str, Shape], spots: list[Spot], distinct: bool, noted: list[Spot] | None) -> list[Row]:
    members: list[Row] = []
    seen: set[str] = set()
    for spot in spots:
        for shape in templates.values():
            for at in [spot] if shape.each is None else _elements(shape.each, spot):
                made = filled(shape, [at], defaults_say=not distinct)
                if made is None:
                    continue
                if distinct and len(spots) > 1:
                    # Header documents stand in every row of a declaration: once is enough.
                    written = repr(made)
                    if written in seen:
                        continue
                    seen.add(written)
                members.append(made)
                if noted is not None:
                    noted.append(at)
    return members


def _elements(path: paths.Path, spot: Spot) -> Iterator[Spot]:
    count = 0
    for found in spot.record.found(path) if path.from_record else paths.every(path.steps, spot.element):
        for element in found if type(found) is list else [found]:
            if element is not None:
                try:
                    spot.record.take(1)
                except ValueError as error:
                    raise FeedError(str(error), f"{spot.place}, {path.text}") from None
                inside = f"{spot.inside}{path.text.replace('[*]', '')}[{count}]."
                yield Spot(element, spot.record, spot.place, inside)
                count += 1
