"""Figures of models for people at a terminal."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from streams import output


def measured(found: Mapping[str, Any], compared: Mapping[str, Any] | None, title: str) -> None:
    """Print how good a ranking is, and how it compares with the champion's."""
    console = output.console
    if not found.get("wrong"):
        console.print(
            f"{title}: {found['declarations']:,} declarations with a known outcome, none of them wrong: nothing was measured",
            markup=False,
        )
        return
    low, high = found["average_precision_interval"]
    console.print(
        f"{title}: {found['declarations']:,} declarations with a known outcome, {found['wrong']:,} wrong\n"
        f"average precision {found['average_precision']:.3f} (95 % from {low:.3f} to {high:.3f}; by chance "
        f"{found['prevalence']:.3f}), ROC area {number(found['roc_area'])}; speaks of {found['spoke']:,}: precision "
        f"{percent(found['spoke_precision'])}, recall {percent(found['spoke_recall'])}, "
        f"{number(found['false_per_1000_honest'])} false per 1,000 honest",
        markup=False,
    )
    output.table(
        (
            {
                "inspected": percent(budget["share"]),
                "precision": percent(budget["precision"]),
                "recall": percent(budget["recall"]),
                "revenue found": percent(budget["revenue_recall"]),
            }
            for budget in found["budgets"]
        ),
        ("inspected", "precision", "recall", "revenue found"),
    )
    if compared is not None:
        beside(compared)


def beside(compared: Mapping[str, Any]) -> None:
    """Print how a version compares with the champion."""
    if compared.get("difference") is None:
        why = compared.get("problem") or "no declaration known to be wrong that neither learned from"
        output.console.print(f"not compared with the champion, version {compared['with']}: {why}", markup=False)
        return
    low, high = compared["interval"]
    output.console.print(
        f"champion, version {compared['with']}, on the same {compared['declarations']:,} declarations: average precision "
        f"{compared['champion']:.3f} against {compared['challenger']:.3f}; difference {compared['difference']:+.3f}, 95 % from "
        f"{low:+.3f} to {high:+.3f}",
        markup=False,
    )


def percent(share: float | None) -> str:
    """Return a share for a table; a dash where it is unknown."""
    return "-" if share is None else f"{share:.1%}"


def number(value: float | None) -> str:
    """Return a figure for a sentence; "unknown" where it is."""
    return "unknown" if value is None else f"{value:.3g}"
