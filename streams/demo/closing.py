"""The closing report of a demo: what went in, what came out, what was caught, how fast."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any

from schemas.disposition import Label
from schemas.types import SEVERITIES
from streams import output
from streams.demo.watch import Latency
from streams.simulate import SCENARIOS

if TYPE_CHECKING:
    from detectors.evaluation import Evaluation

_STRONGEST = 8


@dataclass(frozen=True, slots=True)
class Outcome:
    """Everything that a demo measured.

    Attributes
    ----------
    through : "Kafka" or "replay".
    produced, judged, dead_letters : records sent, declarations judged, records that became dead letters.
    repeated : records on ``alerts`` that repeat a revision of an alert.
    shared_ids : alert ids that stand for more than one declaration.
    alerts : the latest state of each alert, as JSON objects.
    latency : from the record of a declaration to the record of its alert; None for a replay.
    """

    through: str
    seed: int
    seconds: float
    produced: int
    judged: int
    dead_letters: int
    repeated: int
    shared_ids: int
    alerts: Sequence[Mapping[str, Any]]
    evaluation: Evaluation
    latency: Latency | None
    reasons: Mapping[str, int] = field(default_factory=dict)
    workers: int = 1

    @property
    def lost(self) -> int:
        """Records that came to no end: neither judged nor a dead letter."""
        return max(0, self.produced - self.judged - self.dead_letters)

    @property
    def judged_twice(self) -> int:
        """Declarations judged once more after a redelivery; allowed, as long as no alert is doubled."""
        return max(0, self.judged + self.dead_letters - self.produced)

    @property
    def complete(self) -> bool:
        """Whether nothing was lost and no alert was doubled."""
        return not (self.lost or self.repeated or self.shared_ids)

    @property
    def missed(self) -> list[str]:
        """Stateless scenarios of which a declaration raised no alert with a code that the case asks for."""
        return [
            one.name
            for one in self.evaluation.scenarios
            if one.name in _STATELESS and (one.expected or 0) < one.declarations
        ]


_STATELESS: Collection[str] = frozenset(scenario.name for scenario in SCENARIOS if scenario.stateless)


def evaluate(alerts: Sequence[Mapping[str, Any]], labels: Sequence[Label]) -> Evaluation:
    """Score alerts against the labels of what was sent."""
    from detectors import evaluation

    return evaluation.evaluate(alerts, (label.model_dump() for label in labels))


def by_severity(alerts: Sequence[Mapping[str, Any]]) -> dict[str, int]:
    """Count the standing alerts, the most severe first."""
    counts = Counter(alert["severity"] for alert in alerts if alert["status"] != "withdrawn")
    return {severity: counts[severity] for severity in reversed(SEVERITIES)}


def as_dict(outcome: Outcome) -> dict[str, Any]:
    """Return the report for ``--json``."""
    found = outcome.evaluation
    return {
        "through": outcome.through,
        "seed": outcome.seed,
        "workers": outcome.workers,
        "seconds": round(outcome.seconds, 1),
        "produced": outcome.produced,
        "judged": outcome.judged,
        "dead_letters": outcome.dead_letters,
        "lost": outcome.lost,
        "judged_twice": outcome.judged_twice,
        "alert_revisions_repeated": outcome.repeated,
        "alert_ids_shared": outcome.shared_ids,
        "complete": outcome.complete,
        "alerts": by_severity(outcome.alerts),
        "withdrawn": found.withdrawn,
        "scenarios": [one.model_dump() for one in found.scenarios],
        "scenarios_missed": outcome.missed,
        "look_alikes_at_high": {one.name: one.high for one in found.look_alikes if one.high},
        "honest": found.honest,
        "false_high_per_1000_honest": found.false_high_per_1000_honest,
        "latency_ms": None if outcome.latency is None else asdict(outcome.latency),
    }


def show(outcome: Outcome) -> None:
    """Print the report for people."""
    console = output.console
    found = outcome.evaluation
    rate = outcome.produced / outcome.seconds if outcome.seconds else 0.0
    console.print()
    console.rule(f"[bold]Demo, {outcome.seconds:.0f} s through {outcome.through}[/]", align="left")
    console.print(
        f"{outcome.produced:,} records produced ({rate:,.0f} a second) = {outcome.judged:,} judged + "
        f"{outcome.dead_letters:,} dead letters" + (f" + [bold red]{outcome.lost:,} lost[/]" if outcome.lost else "")
    )
    console.print(_delivery(outcome))
    counts = ", ".join(f"{count:,} {severity}" for severity, count in by_severity(outcome.alerts).items())
    console.print(f"{found.alerts:,} alerts: {counts}; {found.withdrawn:,} withdrawn")
    if outcome.latency is not None:
        late = outcome.latency
        console.print(
            f"from lodgement to alert: p50 {late.p50:,.0f} ms, p95 {late.p95:,.0f} ms, p99 {late.p99:,.0f} ms, "
            f"worst {late.worst:,.0f} ms ({late.count:,} alerts)"
        )
    _scenarios(outcome)
    _false_alerts(found)
    _strongest(outcome)


def _delivery(outcome: Outcome) -> str:
    if outcome.complete:
        twice = outcome.judged_twice
        again = f" ({twice:,} declarations were delivered twice, without effect)" if twice else ""
        return f"[green]nothing lost, no alert doubled[/]{again}"
    said = [
        f"{outcome.lost:,} records lost" if outcome.lost else "",
        f"{outcome.repeated:,} alert revisions came twice" if outcome.repeated else "",
        f"{outcome.shared_ids:,} alert ids stand for several declarations" if outcome.shared_ids else "",
    ]
    return f"[bold red]{'; '.join(part for part in said if part)}[/]"


def _scenarios(outcome: Outcome) -> None:
    rows = []
    for one in outcome.evaluation.scenarios:
        expected = one.expected if one.expected is not None else one.any
        rows.append(
            {
                "case": one.name,
                "n": one.declarations,
                "alerted": one.any,
                "high+": one.high,
                "as asked": expected,
                "recall": f"{expected / one.declarations:.0%}",
            }
        )
    title = "Injected cases (as asked: with a code that the case asks for)"
    if rows:
        output.table(rows, ("case", "n", "alerted", "high+", "as asked", "recall"), title)
    told = {one.name for one in outcome.evaluation.scenarios}
    absent = sorted(scenario.name for scenario in SCENARIOS if scenario.name not in told)
    needing = [name for name in absent if name not in _STATELESS]
    unlucky = [name for name in absent if name in _STATELESS]
    if needing:
        output.console.print(f"[dim]Not in this feed, because they show only to profiles: {', '.join(needing)}[/]")
    if unlucky:
        output.console.print(f"[dim]Not in so short a feed: {', '.join(unlucky)}[/]")


def _false_alerts(found: Evaluation) -> None:
    console = output.console
    alike = sum(one.declarations for one in found.look_alikes)
    high = {one.name: one.high for one in found.look_alikes if one.high}
    told = ", ".join(f"{name} {count}" for name, count in high.items())
    console.print(
        f"{alike:,} honest look-alikes: "
        + (f"[bold red]{sum(high.values()):,} at high or above ({told})[/]" if high else "none at high or above")
    )
    rate = found.false_high_per_1000_honest or 0.0
    colour = "green" if rate <= 5 else "bold red"
    console.print(
        f"[{colour}]{rate:.2f} false alerts at high or above per 1,000 honest declarations[/] "
        f"({found.honest:,} honest ones; at most 5 are wanted)"
    )


def _strongest(outcome: Outcome) -> None:
    standing = [alert for alert in outcome.alerts if alert["status"] != "withdrawn"]
    standing.sort(key=lambda alert: (-alert["risk_score"], alert["event_time"], alert["declaration_id"]))
    rows = [
        {
            "risk": alert["risk_score"],
            "severity": alert["severity"],
            "alert": alert["title"],
            "codes": ", ".join(dict.fromkeys(reason["code"] for reason in alert["reasons"])),
        }
        for alert in standing[:_STRONGEST]
    ]
    if rows:
        output.table(rows, ("risk", "severity", "alert", "codes"), "Strongest alerts")
