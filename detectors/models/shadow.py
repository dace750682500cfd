"""A challenger in shadow: what it thinks of live declarations beside the champion, and what that amounts to.

Its scores are written down and compared; they never become findings.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np

from detectors.batch import Batch
from detectors.features import Features
from detectors.models import Scored
from detectors.models.learned import Outcome
from detectors.models.measuring import Ranking, compare
from detectors.models.training import strongest
from schemas.model import ShadowBlock, ShadowScore

#: Declarations on which champion and challenger differ most, to be looked at.
_SHOWN = 10


def blocks(scored: Sequence[Scored], batch: Batch, computed: Features, origin: str | None) -> list[ShadowBlock]:
    """Return the scores of each challenger of a batch beside those of its champion."""
    champions = {one.detector.name: one for one in scored if one.champion}
    found = []
    for one in scored:
        if one.champion or one.scores is None:
            continue
        champion = champions.get(one.detector.name)
        theirs, mine = _of(champion, batch, computed), _of(one, batch, computed)
        found.append(
            ShadowBlock(
                model=one.detector.name,
                champion=champion.detector.version if champion else None,
                challenger=one.detector.version,
                origin=origin,
                scores=[
                    ShadowScore(
                        declaration_id=row["declaration_id"],
                        version=row["version"],
                        champion=theirs[n][0],
                        challenger=mine[n][0],
                        champion_hit=theirs[n][1],
                        challenger_hit=mine[n][1],
                    )
                    for n, row in enumerate(batch.rows)
                ],
            )
        )
    return found


def _of(one: Scored | None, batch: Batch, computed: Features) -> list[tuple[float | None, bool]]:
    """Return the highest score of each declaration, and whether the model would speak of it."""
    if one is None or one.scores is None:
        return [(None, False)] * len(batch)
    frame = computed.items if one.scores.scope == "item" else computed.declarations
    best, _ = strongest(len(batch), frame["row"].to_numpy(), one.scores.values)
    spoke = {hit.declaration for hit in one.hits}
    return [(None if np.isnan(score) else float(score), n in spoke) for n, score in enumerate(best)]


def comparison(told: Iterable[ShadowBlock], outcomes: Mapping[str, Outcome]) -> dict[str, Any]:
    """Compare what champion and challenger thought of the same declarations.

    Only the newest pair of versions counts; of a declaration that was scored more than once, the last scores.

    Parameters
    ----------
    told : blocks of one model, in the order in which they were written.
    outcomes : what became of the declarations, as far as it is known.
    """
    pair: tuple[str | None, str] | None = None
    scores: dict[tuple[str, int], ShadowScore] = {}
    for block in told:
        if (block.champion, block.challenger) != pair:
            pair, scores = (block.champion, block.challenger), {}
        scores |= {(score.declaration_id, score.version): score for score in block.scores}
    found = list(scores.values())
    if pair is None or not found:
        return {"declarations": 0}
    both = [s for s in found if s.champion is not None and s.challenger is not None]
    known = [s for s in found if s.declaration_id in outcomes]
    return {
        "champion": pair[0],
        "challenger": pair[1],
        "declarations": len(found),
        "spoke": {
            "both": sum(s.champion_hit and s.challenger_hit for s in found),
            "champion_only": sum(s.champion_hit and not s.challenger_hit for s in found),
            "challenger_only": sum(s.challenger_hit and not s.champion_hit for s in found),
        },
        "abstained": {
            "champion": sum(s.champion is None for s in found),
            "challenger": sum(s.challenger is None for s in found),
        },
        "rank_correlation": _rank_correlation(both),
        "known": len(known),
        "compared": _compared(known, outcomes) if known else None,
        "differing": [s.model_dump() for s in _differing(found)],
    }


def _rank_correlation(both: Sequence[ShadowScore]) -> float | None:
    from scipy.stats import spearmanr

    if len(both) < 3:
        return None
    value = float(spearmanr([s.champion for s in both], [s.challenger for s in both]).statistic)
    return None if np.isnan(value) else value


def _compared(known: Sequence[ShadowScore], outcomes: Mapping[str, Outcome]) -> dict[str, Any]:
    def ranking(scores: Sequence[float | None], spoke: Sequence[bool]) -> Ranking:
        told = [outcomes[s.declaration_id] for s in known]
        values = np.array([np.nan if score is None else score for score in scores], dtype=np.float64)
        return Ranking(
            [s.declaration_id for s in known],
            values,
            np.array([outcome.wrong for outcome in told], dtype=np.bool_),
            np.array([outcome.weight for outcome in told], dtype=np.float64),
            np.full(len(known), np.nan),
            np.array(spoke, dtype=np.bool_),
            [()] * len(known),
        )

    return compare(
        ranking([s.challenger for s in known], [s.challenger_hit for s in known]),
        ranking([s.champion for s in known], [s.champion_hit for s in known]),
    )


def _differing(found: Sequence[ShadowScore]) -> list[ShadowScore]:
    """Return the declarations that one would speak of and the other not, strongest first."""
    differing = [s for s in found if s.champion_hit != s.challenger_hit]
    return sorted(differing, key=lambda s: -max(s.champion or 0.0, s.challenger or 0.0))[:_SHOWN]
