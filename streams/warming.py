"""Teach the profiles of running workers the past: facts of a history, as quiet blocks on the topic ``signals``."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from detectors.profiles.keys import block_of, split
from streams import clients, replay, topics
from streams.settings import Settings


def warm(
    history: Sequence[Path],
    chosen: Settings,
    *,
    form: str = "auto",
    jobs: int | None = None,
    on_progress: Callable[[int, int, int], None] = lambda read, total, taught: None,
) -> dict[str, Any]:
    """Send what a history says to ``signals``; return how much that was.

    Parameters
    ----------
    history : files, folders, archives, as ``assay replay`` reads them.
    on_progress : told bytes read, bytes in all, and declarations taught so far.

    Raises
    ------
    BrokerError : no Kafka, or the topics are missing.
    AssayError : an input cannot be read.
    """
    name = topics.named(chosen)["signals"]
    with clients.admin(chosen) as admin:
        topics.require(admin, [name])
        partitions = topics.actual(admin, [name])[name].partitions
    producer = clients.producer(chosen)
    taught = blocks = dead = 0
    try:
        for read, total, judged in replay.screened(
            history, form=form, jobs=jobs, merges=chosen.merges, pepper=chosen.pepper
        ):
            block = block_of(judged.facts, "taught").model_copy(update={"quiet": True})
            for partition, part in split(block, partitions).items():
                raw = part.model_dump_json(by_alias=True, exclude_defaults=True).encode()
                producer.send(name, raw, partition=partition)
                blocks += 1
            taught += judged.judged
            dead += len(judged.dead_letters)
            on_progress(read, total, taught)
        producer.flush()
    finally:
        producer.close()
    return {"declarations": taught, "could_not_be_read": dead, "blocks": blocks, "topic": name}
