"""Mapped feeds: JSON and CSV of any shape, read by a mapping file (``docs/mapping.md``)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from schemas.errors import FeedError
from schemas.feeds import Codec


class MappingError(FeedError):
    """A mapping file is wrong; ``problems`` has a located sentence for each mistake, ``reason`` and ``path`` the first."""

    problems: list[str]


@dataclass(frozen=True)
class Mapping:
    """A mapping file, checked. ``name`` is the format's name, ``yaml`` a text that needs no file beside it (header ``mapping``)."""

    name: str
    system: str
    yaml: bytes

    @classmethod
    def load(cls, path: Path) -> Mapping:
        """Read a mapping file and the code tables beside it; MappingError, or FeedError if it cannot be opened."""
        raise FeedError("not written yet")

    @classmethod
    def parse(cls, raw: bytes) -> Mapping:
        """Read a mapping that needs no file beside it; MappingError."""
        raise FeedError("not written yet")


@dataclass(frozen=True)
class Chunk:
    """A piece of a feed that decodes by itself: ``raw``; ``row`` is where it begins in the whole (from 1), ``problem`` why not."""

    raw: bytes
    row: int
    problem: FeedError | None = None


def mapped(mapping_yaml: bytes) -> Codec:
    """Return the codec of a mapping (``Mapping.yaml``, or the header ``mapping``), cached by content; MappingError."""
    raise FeedError("not written yet")


def chunks(stream: BinaryIO, mapping: Mapping, max_bytes: int = 1_000_000) -> Iterator[Chunk]:
    """Cut a stream into pieces that decode by themselves; never raises FeedError: what cannot be cut is a Chunk with a problem."""
    raise FeedError("not written yet")
