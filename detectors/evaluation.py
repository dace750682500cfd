"""How good the alerts are, against known answers.

The latest revision of each declaration's alert counts, unless it is withdrawn. A declaration is positive if its label names a
typology. Declarations are counted by their labels; an alert on a declaration without a label is counted apart and takes no
part in precision, because nobody knows the answer. Of cases that several declarations make, it is also said whether they were
caught at the right moment (:mod:`detectors._evaluation_moments`).
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from math import ceil, sqrt
from typing import Any

from detectors._evaluation_moments import Moments, by_scenario
from detectors._evaluation_result import Alike, AtCut, Budget, CaseMoment, Caught, Evaluation, FalseCode, Moment
from schemas.errors import ContractError
from schemas.types import SEVERITIES

#: Names that hold for every finding code that begins so.
_MISLABEL = frozenset(
    {"MISLABEL-NAME", "MISLABEL-CODE", "MISLABEL-TEXT", "MISLABEL-VALUE", "MISLABEL-MASS", "MISLABEL-PURITY"}
)

#: What must be raised for each scenario: of each set at least one code. From the project's list of cases.
EXPECTED: dict[str, tuple[frozenset[str], ...]] = {
    "gallium-hand-carried": (frozenset({"HAND-CARRIED"}), _MISLABEL | {"CONTROL-NO-LICENCE"}),
    "gallium-as-legitimate-product": (frozenset({"MISLABEL-VALUE", "MISLABEL-NAME"}),),
    "germanium-controlled-same-law": (frozenset({"CONTROL-NO-LICENCE"}),),
    "antimony-family-network": (frozenset({"PARTY-LINKED"}),),
    "antimony-shell-orders": (frozenset({"PARTY-NEW", "PARTY-LINKED"}),),
    "antimony-third-country": (frozenset({"ROUTE-TRANSIT", "ROUTE-DESTINATION", "ROUTE-SURGE"}),),
    "antimony-in-cover-cargo": (frozenset({"MISLABEL-MASS"}),),
    "rare-earths-relabelled": (frozenset({"MISLABEL-NAME", "MISLABEL-TEXT", "ORIGIN-RELABEL", "SPLIT-SHIPMENTS"}),),
    "controls-calendar": (frozenset({"CONTROL-PROHIBITED"}),),
    # cases over time
    "split-shipments": (frozenset({"SPLIT-SHIPMENTS"}),),
    "hand-carried-again": (frozenset({"HAND-CARRIED"}),),
    "licence-overdrawn": (frozenset({"LICENCE-OVERDRAWN"}),),
    "licence-misused": (frozenset({"LICENCE-MISUSED"}),),
    "route-surge": (frozenset({"ROUTE-SURGE"}),),
    "route-rare": (frozenset({"ROUTE-TRANSIT"}),),
    "amend-evasive": (frozenset({"AMEND-EVASIVE"}),),
    "origin-relabelled": (frozenset({"ORIGIN-RELABEL"}),),
    "price-history": (frozenset({"MISLABEL-VALUE"}),),
}

__all__ = [
    "EXPECTED",
    "Alike",
    "AtCut",
    "Budget",
    "CaseMoment",
    "Caught",
    "Evaluation",
    "FalseCode",
    "Moment",
    "evaluate",
    "wilson",
]

BUDGET_SHARES = (0.001, 0.005, 0.01, 0.05)
BUDGET_TOPS = (20, 100, 500)


@dataclass(slots=True)
class _Seen:
    """What is kept of an alert."""

    revision: int
    rank: int
    risk: int
    confidence: float
    codes: frozenset[str]
    substances: frozenset[str]


@dataclass(slots=True)
class _Kind:
    count: int = 0
    due: int = 0
    due_any: int = 0
    at: list[int] = field(default_factory=lambda: [0] * len(SEVERITIES))
    expected: int = 0


@dataclass(slots=True)
class _Look:
    count: int = 0
    any: int = 0
    high: int = 0
    codes: Counter[str] = field(default_factory=Counter)


_MEDIUM = SEVERITIES.index("medium")
_HIGH = SEVERITIES.index("high")


def _latest(alerts: Iterable[Mapping[str, Any]]) -> tuple[dict[str, _Seen], int]:
    """Return the standing alert of each declaration, and how many were withdrawn."""
    revisions: dict[str, int] = {}
    standing: dict[str, _Seen | None] = {}
    for alert in alerts:
        declaration_id, revision = alert["declaration_id"], int(alert.get("revision", 1))
        if revision < revisions.get(declaration_id, 0):
            continue
        revisions[declaration_id] = revision
        if alert.get("status") == "withdrawn":
            standing[declaration_id] = None
            continue
        if alert["severity"] not in SEVERITIES:
            raise ContractError(
                f"severity {alert['severity']!r} of {declaration_id} is none of {', '.join(SEVERITIES)}"
            )
        standing[declaration_id] = _Seen(
            revision,
            SEVERITIES.index(alert["severity"]),
            int(alert["risk_score"]),
            float(alert.get("confidence", 0.0)),
            frozenset(reason["code"] for reason in alert.get("reasons", ())),
            frozenset(alert.get("substances", ())),
        )
    kept = {declaration_id: seen for declaration_id, seen in standing.items() if seen is not None}
    return kept, len(standing) - len(kept)


def _share(part: int, whole: int) -> float | None:
    return part / whole if whole else None


def wilson(found: int, of: int) -> tuple[float, float]:
    """Return the 95 % interval of a share after Wilson (1927), which also holds for small numbers and for 0 and 1."""
    if of == 0:
        return 0.0, 1.0
    z, p = 1.96, found / of
    middle = (p + z * z / (2 * of)) / (1 + z * z / of)
    half = z * sqrt(p * (1 - p) / of + z * z / (4 * of * of)) / (1 + z * z / of)
    return max(0.0, middle - half), min(1.0, middle + half)


def _caught(name: str, kind: _Kind, wanted: tuple[frozenset[str], ...] | None) -> Caught:
    low, high_end = wilson(kind.at[0], kind.count)
    return Caught(
        name=name,
        declarations=kind.count,
        due=kind.due,
        any=kind.at[0],
        due_any=kind.due_any,
        medium=kind.at[_MEDIUM],
        high=kind.at[_HIGH],
        recall=kind.at[0] / kind.count,
        recall_medium=kind.at[_MEDIUM] / kind.count,
        recall_high=kind.at[_HIGH] / kind.count,
        low=low,
        high_end=high_end,
        expected=kind.expected if wanted is not None else None,
        expected_codes=[sorted(codes) for codes in wanted] if wanted is not None else None,
    )


def _budgets(
    ranked: Sequence[bool], declarations: int, positives: int, shares: Sequence[float], tops: Sequence[int]
) -> list[Budget]:
    """``ranked``: whether each alert is true, riskiest first."""
    picks = [(f"top {share:.1%}", ceil(share * declarations)) for share in shares]
    picks += [(f"top {top}", top) for top in tops if top <= declarations]
    found = []
    for name, allowed in picks:
        inspected = ranked[:allowed]
        true = sum(inspected)
        found.append(
            Budget(
                name=name,
                picks=allowed,
                inspected=len(inspected),
                true=true,
                precision=_share(true, len(inspected)),
                recall=_share(true, positives),
            )
        )
    return found


def evaluate(
    alerts: Iterable[Mapping[str, Any]],
    labels: Iterable[Mapping[str, Any]],
    *,
    expected: Mapping[str, tuple[frozenset[str], ...]] = EXPECTED,
    budget_shares: Sequence[float] = BUDGET_SHARES,
    budget_tops: Sequence[int] = BUDGET_TOPS,
) -> Evaluation:
    """Compare alerts with labels.

    Memory grows with the number of alerts and of distinct labels' ids, not with the size of either record.

    Parameters
    ----------
    alerts : alerts as JSON objects (``alert/1``), any number of revisions of each, in any order.
    labels : labels as JSON objects (``declaration_id, typologies, substances``, and if known ``scenario, look_alike, case,
        due, lodged_at``); of several for one declaration the first counts.
    expected : scenario -> sets of codes; an alert meets it if it carries at least one of each set.
    budget_shares, budget_tops : how many inspections there are, as shares of the declarations and as numbers.

    Raises
    ------
    ContractError : an alert has a severity that there is not.
    """
    standing, withdrawn = _latest(alerts)
    scenarios: defaultdict[str, _Kind] = defaultdict(_Kind)
    typologies: defaultdict[str, _Kind] = defaultdict(_Kind)
    looks: defaultdict[str, _Look] = defaultdict(_Look)
    true_at, false_at = [0] * len(SEVERITIES), [0] * len(SEVERITIES)
    truth: dict[str, bool] = {}
    positives = due_of_all = due_alerted = substances_named = substances_expected = 0
    moments = Moments()
    false_codes: Counter[str] = Counter()

    for label in labels:
        declaration_id = label["declaration_id"]
        if declaration_id in truth:
            continue
        positive = bool(label["typologies"])
        truth[declaration_id] = positive
        positives += positive
        seen = standing.get(declaration_id)
        reached = range(seen.rank + 1) if seen is not None else ()
        for rank in reached:
            (true_at if positive else false_at)[rank] += 1
        if positive:
            scenario = label.get("scenario")
            due = label.get("due") is not False
            kinds = [typologies[name] for name in label["typologies"]]
            if scenario:
                kinds.append(scenarios[scenario])
                wanted = expected.get(scenario)
                asked = seen is not None and all(codes & seen.codes for codes in wanted or ())
                scenarios[scenario].expected += asked and due and wanted is not None
                moments.add(label, seen is not None, asked)
            due_of_all += due
            due_alerted += due and seen is not None
            for kind in kinds:
                kind.count += 1
                kind.due += due
                kind.due_any += due and seen is not None
                for rank in reached:
                    kind.at[rank] += 1
            if seen is not None and label.get("substances"):
                substances_expected += 1
                substances_named += not seen.substances.isdisjoint(label["substances"])
            continue
        if look_alike := label.get("look_alike"):
            look = looks[look_alike]
            look.count += 1
            if seen is not None:
                look.any += 1
                look.high += seen.rank >= _HIGH
                look.codes.update(seen.codes)
        if seen is not None and seen.rank >= _HIGH:
            false_codes.update(seen.codes)

    declarations, honest = len(truth), len(truth) - positives
    cases = moments.cases()
    labelled = [(seen, truth[i]) for i, seen in standing.items() if i in truth]
    labelled.sort(key=lambda pair: (-pair[0].risk, -pair[0].confidence))
    return Evaluation(
        declarations=declarations,
        positives=positives,
        due=due_of_all,
        due_alerted=due_alerted,
        honest=honest,
        alerts=len(standing),
        withdrawn=withdrawn,
        unlabelled_alerts=len(standing) - len(labelled),
        alerts_per_1000=_share(1000 * len(labelled), declarations),
        false_high_per_1000_honest=_share(1000 * false_at[_HIGH], honest),
        cuts=[
            AtCut(
                severity=severity,
                alerts=true_at[rank] + false_at[rank],
                true=true_at[rank],
                false=false_at[rank],
                precision=_share(true_at[rank], true_at[rank] + false_at[rank]),
                recall=_share(true_at[rank], positives),
                false_per_1000_honest=_share(1000 * false_at[rank], honest),
            )
            for rank, severity in enumerate(SEVERITIES)
        ],
        scenarios=[_caught(name, kind, expected.get(name)) for name, kind in sorted(scenarios.items())],
        typologies=[_caught(name, kind, None) for name, kind in sorted(typologies.items())],
        moments=by_scenario(cases),
        cases=cases,
        look_alikes=[
            Alike(
                name=name, declarations=look.count, any=look.any, high=look.high, codes=dict(look.codes.most_common())
            )
            for name, look in sorted(looks.items(), key=lambda pair: (-pair[1].high, -pair[1].any, pair[0]))
        ],
        budgets=_budgets([true for _, true in labelled], declarations, positives, budget_shares, budget_tops),
        false_high_codes=[FalseCode(code=code, alerts=count) for code, count in false_codes.most_common()],
        substances_named=substances_named,
        substances_expected=substances_expected,
    )
