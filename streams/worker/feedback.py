"""Feedback: what inspections found, to the profiles of the parties and contacts of the declaration.

A disposition names a declaration. Its case knows which profile keys the declaration touched (the screen stage said so in its
verdict), so the disposition becomes feedback for each of them, through ``signals`` like everything that profiles learn.
``dispositions`` has the key and the partitions of ``findings``, so the worker that has the one's partition has the other's.
"""

from __future__ import annotations

from detectors.correlate import Case
from schemas.disposition import Disposition
from schemas.signal import Feedback, SignalBlock


def feedback_of(disposition: Disposition, case: Case, origin: str | None) -> SignalBlock | None:
    """Return a disposition as feedback for the profile keys of its declaration; None if it has none."""
    keys = list(dict.fromkeys(key for verdict in case.verdicts.values() for key in verdict.keys))
    if not keys:
        return None
    codes = disposition.confirmed_codes
    if not codes and case.alert is not None and disposition.verdict in ("false_positive", "benign"):
        codes = list(dict.fromkeys(finding.code for finding in case.alert.reasons))
    return SignalBlock(
        origin=origin,
        feedback=[
            Feedback(
                key=key,
                declaration_id=disposition.declaration_id,
                verdict=disposition.verdict,
                codes=codes,
                decided_at=disposition.decided_at,
            )
            for key in keys
        ],
    )
