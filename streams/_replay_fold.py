"""The profile and correlate stages of a replay: verdicts and facts in input order, to the final state of each alert."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Protocol

from detectors import engine
from detectors.correlate import Case
from detectors.profiles import stage
from detectors.profiles.keys import block_of
from detectors.profiles.stage import LATENESS, Placed
from detectors.suppression import Suppressions
from schemas.alert import Alert
from schemas.finding import Verdict
from streams.worker.feedback import feedback_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from schemas.disposition import Disposition
    from schemas.signal import Fact, SignalBlock


class States(Protocol):
    """Where the states of profiles stand (:class:`streams.profile_store.ProfileStore`, or :class:`InMemory`)."""

    def get(self, keys: Sequence[str]) -> dict[str, bytes | None]:
        """Return the states of keys."""

    def put(self, changed: Mapping[str, bytes | None]) -> None:
        """Write states; None removes one."""


class InMemory:
    """States in a dictionary."""

    def __init__(self) -> None:
        self._states: dict[str, bytes] = {}

    def get(self, keys: Sequence[str]) -> dict[str, bytes | None]:
        """Return the states of keys."""
        return {key: self._states.get(key) for key in keys}

    def put(self, changed: Mapping[str, bytes | None]) -> None:
        """Write states; None removes one."""
        for key, state in changed.items():
            if state is None:
                self._states.pop(key, None)
            else:
                self._states[key] = state


class Fold:
    """Applies facts to profiles and verdicts to cases, as the worker does with the compacted topics ``profiles`` and ``cases``.

    Parameters
    ----------
    states : of the profiles; in memory without it.
    lateness : how much later than newer ones a declaration may come and still count in its window.
    dispositions : what inspections found; each counts once the feed has come to the time of its decision.
    suppressions : grounds not to be told of.
    profiles : whether there are any.

    Attributes
    ----------
    alerts : the latest revision of each alert, by declaration: what the compacted topic ``alerts`` would hold.
    late : declarations that came too late for a profile, by the keys they touched.
    """

    def __init__(
        self,
        now: datetime,
        threshold: int,
        on_verdict: Callable[[Verdict], None] | None = None,
        states: States | None = None,
        lateness: timedelta = LATENESS,
        dispositions: Iterable[Disposition] = (),
        suppressions: Suppressions | None = None,
        profiles: bool = True,
    ) -> None:
        self.alerts: dict[str, Alert] = {}
        self.late = 0
        #: Cases with an alert, and, as JSON, those without: most wait only for a profile to say something, which is rare.
        self._cases: dict[str, Case] = {}
        self._quiet: dict[str, bytes] = {}
        self._states = states or InMemory()
        self._lateness = lateness
        self._decided = sorted(dispositions, key=lambda one: one.decided_at, reverse=True)
        self._latest: datetime | None = None
        self._chunk = 0
        self._now = now
        self._threshold = threshold
        self._suppressions = suppressions
        self._on_verdict = on_verdict
        self._profiles = profiles

    def apply(self, verdicts: Sequence[Verdict], facts: Sequence[Fact]) -> None:
        """Take in what the screen stage said of a chunk."""
        said = [*verdicts, *(self._profiled(block_of(list(facts))) if self._profiles else ())]
        if self._on_verdict is not None:
            for verdict in said:
                self._on_verdict(verdict)
        self._correlate(said)
        self._latest = max([*(fact.time for fact in facts), *([self._latest] if self._latest else [])], default=None)
        self._hear()

    def teach(self, facts: Sequence[Fact]) -> None:
        """Let the profiles learn from the past, without a word about it."""
        block = block_of(list(facts))
        self._profiled(block.model_copy(update={"quiet": True}))

    def close(self) -> None:
        """Hear the decisions that were made after the last declaration."""
        self._latest = None
        self._hear(everything=True)

    def _profiled(self, block: SignalBlock) -> list[Verdict]:
        states = self._states.get(stage.keys([block]))
        profiled = engine.profile([Placed(block, self._chunk)], states, self._lateness)
        self._chunk += 1
        self._states.put(profiled.changed)
        self.late += profiled.late
        return profiled.verdicts

    def _hear(self, everything: bool = False) -> None:
        """Hand the dispositions that the feed has come to on to the profiles."""
        while self._decided and (everything or (self._latest and self._decided[-1].decided_at <= self._latest)):
            disposition = self._decided.pop()
            case = self._case(disposition.declaration_id)
            block = None if case is None else feedback_of(disposition, case, None)
            if block is not None:
                self._correlate(self._profiled(block))

    def apply_and_die(self, verdicts: Sequence[Verdict]) -> None:
        """Apply the first half of the verdicts, then forget everything but what a worker would have written."""
        self._correlate(verdicts[: (len(verdicts) + 1) // 2])
        self._cases = {
            key: Case.model_validate_json(case.model_dump_json(by_alias=True)) for key, case in self._cases.items()
        }

    def _case(self, declaration_id: str) -> Case | None:
        known = self._cases.get(declaration_id)
        if known is None and (raw := self._quiet.get(declaration_id)) is not None:
            return Case.model_validate_json(raw)
        return known

    def _correlate(self, verdicts: Sequence[Verdict]) -> None:
        concerned = dict.fromkeys(verdict.declaration_id for verdict in verdicts)
        known = {key: case for key in concerned if (case := self._case(key)) is not None}
        correlated = engine.correlate(verdicts, known, self._now, self._threshold, self._suppressions)
        for case in correlated.cases:
            if case.alert is None:
                self._quiet[case.declaration_id] = case.model_dump_json(by_alias=True).encode()
            else:
                self._quiet.pop(case.declaration_id, None)
                self._cases[case.declaration_id] = case
        for alert in correlated.alerts:
            self.alerts[alert.declaration_id] = alert
