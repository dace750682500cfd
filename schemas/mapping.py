"""Mapped feeds: JSON and CSV of any shape, read as a mapping file says (``docs/mapping.md`` is the manual).

>>> mapping = Mapping.load(Path("weekly.yaml"))                      # doctest: +SKIP
>>> for chunk in chunks(stream, mapping):                            # doctest: +SKIP
...     for part in feeds.parts(mapped(mapping.yaml), chunk.raw, arrival):
...         ...                                                      # a Message, or the FeedError of one declaration
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from schemas.errors import FeedError
from schemas.feeds import Codec
from schemas.feeds._mapping import codec, cutting, model
from schemas.feeds._mapping.cutting import Chunk
from schemas.feeds._mapping.located import MAX_MAPPING_BYTES, MappingError

__all__ = ["Chunk", "Mapping", "MappingError", "chunks", "mapped"]


@dataclass(frozen=True, slots=True)
class Mapping:
    """A mapping file, checked.

    Attributes
    ----------
    name : what the format is called (``source.format`` of what it reads).
    system : the source system, where nobody names another; ``raw.<system>`` is the topic of its bytes.
    format : csv, json or ndjson.
    yaml : the mapping itself, its code tables written out: the header ``mapping`` of a raw record.
    file : its keys.
    """

    name: str
    system: str
    format: str
    yaml: bytes
    file: model.File

    @classmethod
    def load(cls, path: Path) -> Mapping:
        """Read a mapping file, and the code tables that lie beside it.

        Raises
        ------
        MappingError : with every mistake, by line and field.
        FeedError : it cannot be opened.
        """
        try:
            with path.open("rb") as opened:
                raw = opened.read(MAX_MAPPING_BYTES + 1)
        except OSError as error:
            raise FeedError(f"cannot read the mapping {path.name}: {error.strerror or error}") from None
        return cls._of(*model.read(raw, path.parent))

    @classmethod
    def parse(cls, raw: bytes) -> Mapping:
        """Read a mapping that needs no file beside it; MappingError if it is wrong."""
        return cls._of(*model.read(raw, None))

    @classmethod
    def _of(cls, file: model.File, yaml: bytes) -> Mapping:
        return cls(file.name, file.system, file.format, yaml, file)


def mapped(mapping_yaml: bytes) -> Codec:
    """Return the codec of a mapping (``Mapping.yaml``), the same one for the same text.

    It has ``decode_parts``: see :func:`schemas.feeds.parts`.

    Raises
    ------
    MappingError : the mapping is wrong; it is a FeedError too, so whoever decodes need not know of it.
    """
    return codec.mapped(mapping_yaml)


def chunks(stream: BinaryIO, mapping: Mapping, max_bytes: int = 1_000_000) -> Iterator[Chunk]:
    """Cut a feed into pieces that decode by themselves, in bounded memory.

    The rows of a declaration stay together, so a piece may be larger than ``max_bytes``: up to 32 MiB, the size of a
    record. Nothing is left out and no FeedError raised: what cannot be cut comes as a Chunk with a ``problem``.

    Parameters
    ----------
    stream : bytes, from the beginning of the feed; read to its end, not closed.
    """
    cutter = cutting.Cutter(stream, mapping.file, max_bytes)
    try:
        yield from cutter.chunks()
    finally:
        cutter.release()
