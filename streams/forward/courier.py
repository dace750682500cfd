"""Delivers batches until each alert is settled: acknowledged, or refused for good and kept."""

from __future__ import annotations

import threading
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field

from schemas.errors import SettingsError
from streams.forward.backoff import Backoff
from streams.forward.progress import Progress, log
from streams.forward.refusals import Refusals
from streams.forward.target import Delivered, Envelope, Later, Outcome, Refused, Target

#: Waits so many seconds, or until the stop; returns the partitions that this process has lost meanwhile.
Wait = Callable[[float], Collection[int]]


@dataclass
class Courier:
    """Delivery to one target with retries.

    Attributes
    ----------
    attempts : tries of an alert before it goes to the refusals; 0: for ever, so that a receiver that is away for a day
        costs nothing but the day.
    stop : set when the process shall end.
    """

    target: Target
    refusals: Refusals
    progress: Progress
    stop: threading.Event
    backoff: Backoff = field(default_factory=Backoff)
    attempts: int = 0

    def settle(
        self, batch: Sequence[Envelope], wait: Wait, settled: Callable[[Sequence[Envelope]], None] = lambda left: None
    ) -> list[Envelope]:
        """Deliver a batch; return what is not settled, which is empty unless the stop came or partitions were lost.

        Parameters
        ----------
        batch : the revisions of an alert in their order.
        wait : how to wait between tries.
        settled : called with what is left after each try that settled something.
        """
        left, failed, tries = list(batch), 0, dict.fromkeys((one.origin for one in batch), 0)
        while left and not self.stop.is_set():
            outcomes = self._tried(left)
            waiting, reason, asked = self._sort(left, outcomes, tries)
            if len(waiting) < len(left):
                if failed:
                    log.info("the receiver answers again", tries=failed + 1)
                failed = 0
                settled(waiting)
            left = waiting
            if not left or self.stop.is_set():
                break
            failed += 1
            self.progress.retries += 1
            delay = self.backoff.delay(failed, asked)
            if failed in (1, 3) or failed % 10 == 0:
                log.warning(
                    "waiting for the receiver", reason=reason, tries=failed, alerts=len(left), seconds=round(delay, 1)
                )
            lost = wait(delay)
            left = [one for one in left if one.partition not in lost]
        return left

    def _tried(self, batch: Sequence[Envelope]) -> Sequence[Outcome]:
        try:
            return self.target.deliver(batch, self.stop)
        except SettingsError as error:  # a secret's file that is just being replaced, for one
            return [Later(str(error))] * len(batch)

    def _sort(
        self, batch: Sequence[Envelope], outcomes: Sequence[Outcome], tries: dict[str, int]
    ) -> tuple[list[Envelope], str, float | None]:
        """Count and keep what is settled; return what must wait, why the first of it must, and how long it was asked to."""
        waiting: list[Envelope] = []
        reason, asked = "", None
        for one, outcome in zip(batch, outcomes, strict=True):
            if isinstance(outcome, Delivered):
                self.progress.delivered += 1
                self.progress.known += outcome.known
            elif isinstance(outcome, Refused):
                self._refuse(one, outcome.reason)
            else:
                tries[one.origin] += 1
                if self.attempts and tries[one.origin] >= self.attempts:
                    self._refuse(one, f"given up after {tries[one.origin]} tries: {outcome.reason}")
                    continue
                if not waiting:
                    reason, asked = outcome.reason, outcome.after
                waiting.append(one)
        return waiting, reason, asked

    def _refuse(self, one: Envelope, reason: str) -> None:
        self.refusals.add(one, reason)
        self.progress.refused += 1
        # Only the beginning of the reason: receivers quote what they refuse, and logs shall not tell what is declared.
        brief = reason.partition(":")[0][:200]
        log.error("refused", alert=one.alert.alert_id, revision=one.alert.revision, origin=one.origin, reason=brief)
