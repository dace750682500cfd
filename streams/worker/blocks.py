"""Blocks: consecutive records of one partition, the unit in which Kafka's records move through Faust here."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import zip_longest
from typing import Any

import faust
from aiokafka.structs import ConsumerRecord
from faust.types import TP

#: Records in a block at most. Judging 256 declarations takes tens of milliseconds, and more records save little.
BLOCK_RECORDS = 256
#: Bytes in a block at most (a larger record is a block of its own), which bounds memory with records of many MB.
BLOCK_BYTES = 8 * 1024 * 1024


class Block:
    """Consecutive records of one partition."""

    __slots__ = ("records", "tp")

    def __init__(self, tp: TP, records: Sequence[ConsumerRecord]) -> None:
        self.tp = tp
        self.records = records

    def __len__(self) -> int:
        return len(self.records)


class BlockSchema(faust.Schema):  # type: ignore[misc]
    """Hands a block over as it is: the agents decode inside their own guard, where an error costs one record."""

    def loads_key(self, app: Any, message: Any, **kwargs: Any) -> None:
        """Return no key: the records of a block have their own."""

    def loads_value(self, app: Any, message: Any, **kwargs: Any) -> Block:
        """Return the block."""
        block: Block = message.value
        return block


def size_of(record: ConsumerRecord) -> int:
    """Return the bytes of a record's value."""
    return len(record.value) if record.value is not None else 0


def blocks_of(records: Sequence[ConsumerRecord]) -> Iterator[Sequence[ConsumerRecord]]:
    """Cut the records of one partition into runs of at most :data:`BLOCK_RECORDS` and :data:`BLOCK_BYTES`."""
    begin = size = 0
    for index, record in enumerate(records):
        length = size_of(record)
        if index > begin and (index - begin == BLOCK_RECORDS or size + length > BLOCK_BYTES):
            yield records[begin:index]
            begin, size = index, 0
        size += length
    if begin < len(records):
        yield records[begin:]


def in_turns(fetched: Mapping[TP, Sequence[ConsumerRecord]]) -> list[tuple[TP, Sequence[ConsumerRecord]]]:
    """Return the blocks of every partition, a block of each in turn, so that none waits for all of another."""
    by_partition = [[(tp, run) for run in blocks_of(records)] for tp, records in fetched.items()]
    return [found for turn in zip_longest(*by_partition) for found in turn if found is not None]
