"""Feed codecs: bytes of a customs system's message to what it says of declarations, one file a format.

A codec is a module of this package with a constant ``CODEC``; it is found by being there. To add a format, add one
file (``CONTRIBUTING.md`` walks through it). Modules whose name starts with an underscore are shared parts.
"""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from types import MappingProxyType
from typing import Protocol, runtime_checkable

from schemas.declaration import Declaration
from schemas.errors import FeedError
from schemas.feeds import _xml
from schemas.message import Message


@dataclass(frozen=True, slots=True)
class Arrival:
    """What is known of a message besides its bytes.

    Attributes
    ----------
    system : the source system, the first part of ``declaration_id``; None: the codec's own.
    received_at : when it arrived, UTC; also the time of lodgement for messages that carry none.
    origin : where its bytes are kept (``raw.cds/0@88121``, or a file's name), for ``source.origin``.
    """

    system: str | None = None
    received_at: datetime | None = None
    origin: str | None = None


#: Nothing known: for tests, and for looking into a message.
UNKNOWN = Arrival()


class PartError(FeedError):
    """One declaration of a message that holds many cannot be used; the others can.

    Parameters
    ----------
    raw : that declaration by itself, as a message that the same codec would read: what its dead letter keeps. None where it
        cannot be cut out.
    """

    def __init__(self, reason: str, path: str = "", raw: bytes | None = None) -> None:
        super().__init__(reason, path)
        self.raw = raw


@runtime_checkable
class Codec(Protocol):
    """How to read one format.

    A codec never reads the clock and keeps no state: the same bytes give the same declarations. One whose messages hold
    many declarations that have nothing to do with each other may also have ``decode_parts(raw, arrival)``, an iterator of
    what each says, :class:`Message`, or why it cannot be used, :class:`FeedError`: see :func:`parts`. One may name in ``roots``
    the XML root elements that are nobody else's: then the others are not asked about them.
    """

    @property
    def name(self) -> str:
        """The name by which ``--format`` asks for it."""

    @property
    def system(self) -> str:
        """The source system where nobody names another; ``raw.<system>`` is the topic of its bytes."""

    def sniff(self, raw: bytes) -> bool:
        """Say whether these bytes (a whole message, or its first few thousand) look like this format; never raises."""

    def decode(self, raw: bytes, arrival: Arrival) -> list[Message]:
        """Decode one message: what it says, a part for each declaration that it is about.

        Raises
        ------
        FeedError : with an XPath, a JSON pointer or a line of the first thing wrong.
        """


@cache
def codecs() -> Mapping[str, Codec]:
    """Return every codec by name, in alphabetical order."""
    found: dict[str, Codec] = {}
    for module in sorted(pkgutil.iter_modules(__path__), key=lambda m: m.name):
        if not module.name.startswith("_"):
            known = importlib.import_module(f"{__name__}.{module.name}").CODEC
            found[known.name] = known
    return MappingProxyType(found)


@cache
def _by_root() -> Mapping[str | None, Codec]:
    """Return the codecs by the root elements that are theirs alone."""
    return {root: known for known in codecs().values() for root in getattr(known, "roots", ())}


def codec(name: str) -> Codec:
    """Return the codec of that name; :class:`FeedError` names the known ones if there is none."""
    try:
        return codecs()[name]
    except KeyError:
        raise FeedError(f"no format is called {name!r}; known formats: {', '.join(codecs())}") from None


def detect(raw: bytes) -> Codec:
    """Return the codec whose format these bytes are in.

    Raises
    ------
    FeedError : nobody knows them, or they are XML with a DOCTYPE.
    """
    known = _by_root().get(_xml.first_root(raw))
    if known is not None:
        return known
    for known in codecs().values():
        if known.sniff(raw):
            return known
    seen = f"; this is XML with the root <{_xml.shortened(root, 60)}>" if (root := _xml.root_name(raw)) else ""
    raise FeedError(f"no known format (known: {', '.join(codecs())}){seen}", "line 1")


def all_of(found: Iterable[Message | FeedError]) -> list[Message]:
    """Return the messages of a file of many; the first part that is wrong is raised."""
    messages = []
    for part in found:
        if isinstance(part, FeedError):
            raise part
        messages.append(part)
    return messages


def parts(known: Codec, raw: bytes, arrival: Arrival) -> Iterator[Message | FeedError]:
    """Yield what a message says, with an error in the place of each part that cannot be used; never raises.

    A wrong row of a table costs its own declaration only. Formats whose messages stand or fall as a whole give their messages,
    or one error.
    """
    apart: Callable[[bytes, Arrival], Iterator[Message | FeedError]] | None = getattr(known, "decode_parts", None)
    try:
        yield from known.decode(raw, arrival) if apart is None else apart(raw, arrival)
    except FeedError as error:
        yield error


def encode(declaration: Declaration) -> bytes:
    """Return the canonical JSON of a declaration: the value of its record on the topic ``declarations``."""
    return declaration.__pydantic_serializer__.to_json(declaration, by_alias=True)
