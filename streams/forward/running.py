"""Runs a forwarder: a target, a source and a courier between them, until the end or a signal."""

from __future__ import annotations

import logging
import signal
import threading
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from schemas.alert import Alert
from streams.forward import file_source
from streams.forward.courier import Courier
from streams.forward.kafka_source import KafkaSource, Start
from streams.forward.progress import Progress, log
from streams.forward.refusals import Refusals
from streams.forward.target import Target
from streams.settings import settings


@dataclass(frozen=True)
class Plan:
    """What to forward, and how.

    Attributes
    ----------
    name : of this forwarder: part of its consumer group and of the file of refusals.
    line : alert to the line that the receiver gets.
    source : a file in place of the topic.
    refused : file of refusals; None: ``forward/NAME.refused.ndjson`` in the state folder.
    """

    name: str
    line: Callable[[Alert], str]
    start: Start = "beginning"
    follow: bool = True
    source: Path | None = None
    refused: Path | None = None
    attempts: int = 0


def run(plan: Plan, target: Target) -> tuple[Progress, Path]:
    """Forward until the end, SIGTERM or Ctrl-C; return what was done, and the file of refusals. Closes the target.

    Raises
    ------
    BrokerError : no Kafka, or no topic of alerts.
    SettingsError : a file cannot be read or written.
    """
    chosen = settings()
    # It complains of every topic at the first meeting of a group, before it has asked for the partitions.
    logging.getLogger("kafka.coordinator.assignors.range").setLevel(logging.ERROR)
    stop = threading.Event()
    before = {sign: signal.signal(sign, lambda *_: stop.set()) for sign in (signal.SIGTERM, signal.SIGINT)}
    progress = Progress()
    refused = plan.refused or chosen.state_dir / "forward" / f"{plan.name}.refused.ndjson"
    courier = Courier(target, Refusals(refused, target.name), progress, stop, attempts=plan.attempts)
    try:
        group = f"{chosen.group}-forward-{plan.name}"
        source = {"file": str(plan.source)} if plan.source else {"group": group}
        log.info("forwarding begins", to=target.name, **source, refusals=str(refused))
        if plan.source is None:
            KafkaSource(chosen, courier, plan.line, group, plan.start, plan.follow).run()
        else:
            file_source.run(plan.source, courier, plan.line)
    finally:
        target.close()
        progress.tell(final=True)
        for sign, handler in before.items():
            signal.signal(sign, handler)
    return progress, refused
