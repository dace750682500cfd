"""The benchmarks of how well models judge, as tables for people."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from streams import output
from streams.bench import kcs

LEAK = (
    "The leak: the data repeat whole (HS, departure, origin, rate, type, mass) tuples with their label in train and in test, so "
    "whoever looks a test row's tuple up in train knows most answers. AUC, precision and F1 over all of test measure that memory "
    "more than judgement; the column AUC disjoint is of the test rows whose tuple does not stand in train, where there is little "
    "to know."
)


def show_kcs(found: Mapping[str, Any]) -> None:
    """Print the benchmark of Customs-Declaration-Datasets."""
    rows = [_kcs_row(one) for one in (*found["measured"], *found["published"])]
    output.table(rows, list(rows[0]), f"Customs-Declaration-Datasets (KCS), test: {found['test']:,} declarations")
    output.console.print(
        f"{LEAK}\n"
        f"{found['disjoint']:,} test rows ({found['disjoint_fraud']:,} of them fraud) have a tuple that is not among train's "
        f"{found['train']:,} rows; AUC there {_between(found['interval'])}."
    )
    for way, difference in found["paired"].items():
        output.console.print(f"  less that of {way}, same resamples: {_between(difference)}")
    output.console.print(
        f"Training: {found['train_seconds']:.1f} s ({found['train_cpu_seconds']:.1f} s of processor time), "
        f"at most {found['peak_mb']:,.0f} MB of memory."
    )
    for bar, reached in bars(found).items():
        output.console.print(f"{'reached' if reached else 'NOT reached'}: {bar}")


def bars(found: Mapping[str, Any]) -> dict[str, bool]:
    """Return each bar of the benchmark, and whether it is reached."""
    mine = found["measured"][0]
    return {
        f"AUC at least .98 on the published split, which leaks: {mine['auc']:.4f}": mine["auc"] >= 0.98,
        f"AUC over .635 on the tuple-disjoint rows: {mine['auc_disjoint']:.4f}": mine["auc_disjoint"] > 0.635,
        f"training under 60 s: {found['train_seconds']:.1f} s": found["train_seconds"] < 60,
        f"training under 1 GB: {found['peak_mb']:,.0f} MB": found["peak_mb"] < 1000,
    }


def _kcs_row(one: Mapping[str, Any]) -> dict[str, Any]:
    precision = one.get("precision_at", {})
    return {
        "way": one["way"],
        "AUC": _three(one.get("auc")),
        **{f"P@{share:.0%}": _three(precision.get(f"{share:g}")) for share in kcs.SHARES},
        "F1": _three(one.get("f1")),
        "macro-F1": _three(one.get("macro_f1")),
        "AUC disjoint": _three(one.get("auc_disjoint")),
    }


def show_typologies(found: Mapping[str, Any]) -> None:
    """Print the average precision by typology."""
    rows = [
        {
            "typology": one["typology"],
            "n": one["declarations"],
            "by chance": _three(one["chance"]),
            "rules": _three(one["rules"]),
            "isolation forest": _three(one["forest"]),
            "gradient boosting": _three(one["boosting"]),
            "all together": _three(one["together"]),
        }
        for one in found["rows"]
    ]
    title = f"Average precision, {found['judged']:,} declarations of other firms in later months"
    output.table(rows, list(rows[0]) if rows else [], title)
    output.console.print(
        f"Learned from {found['learned']:,} declarations ({found['learned_wrong']:,} smuggling). Of {found['wrong']:,} smuggling "
        f"ones {found['left_out']:,} are left out because a description stands word for word in what was learned from. "
        "Each declaration is judged by itself, without profiles."
    )


def _three(value: float | None) -> str:
    return "" if value is None else f"{value:.3f}"


def _between(told: Mapping[str, float]) -> str:
    return f"{told['value']:.3f} (95 % of resamples: {told['low']:.3f} to {told['high']:.3f})"
