"""From fields to what a message says: identity, source, and the contract's mistakes at their place in the message."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import islice
from typing import Any, Final

from pydantic import ValidationError

from schemas.declaration import Declaration
from schemas.errors import FeedError
from schemas.feeds import Arrival
from schemas.feeds._fields import Row, at_most_items, contract_mistake
from schemas.feeds._xml import Node, parse, root_name
from schemas.message import Message

#: How deep under wrappers (SOAP, a gateway's own) a message may stand, and how many elements of a level are looked at.
_DEPTH: Final = 6
_LOOKED_AT: Final = 10_000


def messages(names: Iterable[str]) -> re.Pattern[bytes]:
    """Return the pattern of the beginning of an element of one of these names, with or without a prefix."""
    return re.compile(rb"<(?:[\w.-]{1,50}:)?(?:" + b"|".join(sorted(map(str.encode, names))) + rb")[\s/>]")


def looks_like(raw: bytes, hints: tuple[bytes, ...], begins: re.Pattern[bytes]) -> bool:
    """Say whether this is XML in whose first 64 KiB an element of such a name begins. Never raises.

    ``hints`` are parts of the names, one of which must stand there: looking for them costs a hundredth of the pattern, and most
    messages that a codec is asked about are of other formats.
    """
    head = raw[:65_536]
    if head[:2] in (b"\xff\xfe", b"\xfe\xff"):
        head = head.replace(b"\0", b"")  # UTF-16 without its zero bytes: enough to find an element's name.
    if not any(hint in head for hint in hints):
        return False
    try:
        return root_name(raw[:65_536]) is not None and begins.search(head) is not None
    except FeedError:
        return False


def opened(raw: bytes, names: Callable[[str], bool]) -> tuple[Node, list[Node]]:
    """Parse, and return the root and the messages of these names: the root itself, or the ones under wrappers.

    Raises
    ------
    FeedError : as :func:`schemas.feeds._xml.parse`, or wrappers hold too much to look for a message in.
    """
    root = parse(raw)
    level = [root]
    for _ in range(_DEPTH):
        if found := [node for node in level if names(node.name)]:
            return root, found
        level = [child for node in level for child in islice(children(node), _LOOKED_AT)]
        if len(level) >= _LOOKED_AT:
            raise root.wrong(
                f"more than {_LOOKED_AT:,} elements beside each other, none of them a message of this format"
            )
    return root, []


def children(node: Node) -> Iterator[Node]:
    """Yield an element's children, in order."""
    return (Node(child) for child in node._element)


def source(arrival: Arrival, system: str, format_: str) -> Row:
    """Return the contract's ``source``."""
    return {
        "system": arrival.system or system,
        "format": format_,
        "received_at": arrival.received_at,
        "origin": arrival.origin,
    }


def identity(system: str, declarant: str | None, reference: str | None) -> str | None:
    """Return ``{system}:{declarant}:{local reference}``, ``None`` if the message does not hold all of it."""
    return f"{system}:{declarant}:{reference}" if declarant and reference else None


def items_of(nodes: list[Node], above: Node, name: str) -> list[Node]:
    """Return the elements of the items; refuse none, and more than the contract takes before they cost memory."""
    if not nodes:
        raise above.wrong(f"no {name}: nothing is declared")
    return at_most_items(nodes)


def declaration(fields: Row, node: Node, items: Sequence[Node], places: Mapping[str, str]) -> Declaration:
    """Return the declaration of these fields.

    Parameters
    ----------
    items : the elements of the items, in the order of ``fields["items"]``.
    places : field of the contract -> path below ``node``, and ``item <field>`` -> path below its item.

    Raises
    ------
    FeedError : what the contract refuses, at the place where the message has it.
    """
    try:
        return Declaration.model_validate(fields)
    except ValidationError as error:
        problems = error.errors(include_url=False, include_context=False)
        raise contract_mistake(problems, _place(node, items, places, problems[0]["loc"])) from None


def _place(node: Node, items: Sequence[Node], places: Mapping[str, str], loc: tuple[int | str, ...]) -> str:
    if loc[:1] != ("items",):
        below = places.get(str(loc[0])) if loc else None
        return f"{node.xpath}/{below}" if below else node.xpath
    if len(loc) < 2 or not isinstance(loc[1], int) or loc[1] >= len(items):
        return node.xpath
    item = items[loc[1]].xpath
    below = places.get(f"item {loc[2]}") if len(loc) > 2 else None
    return f"{item}/{below}" if below else item


def message(fields: Row, node: Node) -> Message:
    """Return the message of these fields; :class:`FeedError` for a name or a text that the contract does not take."""
    try:
        return Message.model_validate(fields)
    except ValidationError as error:
        problems = error.errors(include_url=False, include_context=False)
        raise contract_mistake(problems, node.xpath) from None


def errors_shown(errors: Sequence[Node], *fields: str, most: int = 5) -> str | None:
    """Return the first functional errors of a rejection in one line, ``None`` if there are none."""
    shown: list[Any] = []
    for error in errors[:most]:
        said = " ".join(text[:200] for field in fields if (text := error.text(field)) is not None)
        if said:
            shown.append(said)
    if len(errors) > most:
        shown.append(f"and {len(errors) - most} more")
    return "; ".join(shown) or None
