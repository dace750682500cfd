"""The profile and correlate stages of a replay: verdicts in input order, to the final state of each alert."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import TYPE_CHECKING

from detectors import engine
from detectors.correlate import Case
from detectors.profiles.keys import block_of
from detectors.profiles.stage import Placed
from schemas.alert import Alert
from schemas.finding import Verdict

if TYPE_CHECKING:
    from schemas.signal import Fact


class Fold:
    """Applies verdicts to cases, as the correlate stage of the worker does with the compacted topic ``cases``.

    Attributes
    ----------
    cases : by declaration.
    alerts : the latest revision of each alert, by declaration: what the compacted topic ``alerts`` would hold.
    """

    def __init__(self, now: datetime, threshold: int, on_verdict: Callable[[Verdict], None] | None = None) -> None:
        self.cases: dict[str, Case] = {}
        self.alerts: dict[str, Alert] = {}
        self._states: dict[str, bytes | None] = {}
        self._chunk = 0
        self._now = now
        self._threshold = threshold
        self._on_verdict = on_verdict

    def apply(self, verdicts: Sequence[Verdict], facts: Sequence[Fact]) -> None:
        """Take in what the screen stage said of a chunk."""
        profiled = engine.profile([Placed(block_of(list(facts)), self._chunk)], self._states)
        self._chunk += 1
        for key, state in profiled.changed.items():
            if state is None:
                self._states.pop(key, None)
            else:
                self._states[key] = state
        said = [*verdicts, *profiled.verdicts]
        if self._on_verdict is not None:
            for verdict in said:
                self._on_verdict(verdict)
        self._correlate(said)

    def apply_and_die(self, verdicts: Sequence[Verdict]) -> None:
        """Apply the first half of the verdicts, then forget everything but what a worker would have written."""
        self._correlate(verdicts[: (len(verdicts) + 1) // 2])
        self.cases = {
            key: Case.model_validate_json(case.model_dump_json(by_alias=True)) for key, case in self.cases.items()
        }

    def _correlate(self, verdicts: Sequence[Verdict]) -> None:
        correlated = engine.correlate(verdicts, self.cases, self._now, self._threshold)
        for case in correlated.cases:
            self.cases[case.declaration_id] = case
        for alert in correlated.alerts:
            self.alerts[alert.declaration_id] = alert
