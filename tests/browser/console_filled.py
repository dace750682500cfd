"""A store as after some weeks of work: alerts of the real engine over a simulated feed, decided in part by the store's acts."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from pydantic_core import to_json

from schemas.alert import Alert
from streams import replay
from streams.console.access import Person, Role
from streams.console.store import Store
from streams.console.store.people import OPERATOR
from streams.console.store.taking import Batch
from streams.simulate import feed

ADA = Person("ada", "Ada Nyström", Role.analyst)
BEN = Person("ben", "Ben Okafor", Role.supervisor)
VERA = Person("vera", "Vera Viewer", Role.viewer)
RITA = Person("rita", "Rita Root", Role.admin)


@dataclass
class Clock:
    """A clock that the filling sets back, and that then tells the time."""

    at: datetime | None = None

    def __call__(self) -> datetime:
        return self.at or datetime.now(UTC)


def alerts(folder: Path, count: int, days: int, until: datetime, seed: int = 11, personal: bool = False) -> list[Alert]:
    """Judge a feed of the days before ``until``; alerts are raised moments after their declarations were lodged."""
    rows = feed(
        seed,
        count,
        until - timedelta(days=days),
        until,
        scenario_share=0.06,
        look_alike_share=0.05,
        memory=True,
        firms=400,
    )
    told = folder / "feed.ndjson"
    told.write_bytes(b"".join(to_json(row) + b"\n" for row, _ in rows))
    judged = replay.run([told], now=until, jobs=1, personal_data=personal).alerts
    after = timedelta(seconds=2)
    return [
        alert.model_copy(update={"raised_at": alert.event_time + after, "updated_at": alert.event_time + after})
        for alert in judged
    ]


def fill(store: Store, clock: Clock, told: list[Alert], hash_: Callable[[str], str] | None = None) -> None:
    """Take alerts in and decide on the older half, as three weeks of work leave them."""
    for person in (ADA, BEN, VERA, RITA):
        store.people.add(person.name, person.role, OPERATOR, hash_(person.name) if hash_ else None, person.display)
    store.taking.take(Batch(list(told)), datetime.now(UTC))
    chance = random.Random(5)
    ordered = sorted((alert for alert in told if alert.status != "withdrawn"), key=lambda alert: alert.raised_at)
    for alert in ordered[: len(ordered) * 6 // 10]:
        person = chance.choice((ADA, BEN))
        clock.at = alert.raised_at + timedelta(hours=chance.expovariate(1 / 9))
        sure = alert.risk_score >= 50 and chance.random() < 0.85
        verdict = (
            "true_positive"
            if sure
            else chance.choice(("false_positive", "benign", "insufficient_data", "false_positive"))
        )
        codes = tuple(dict.fromkeys(reason.code for reason in alert.reasons))[:2] if sure else ()
        found = {"substance": alert.substances[0], "net_mass_kg": 120.0} if sure and alert.substances else None
        note = "XRF confirms; samples to the laboratory." if sure else None
        store.decisions.decide([alert.alert_id], person, verdict, codes, found, None, note)
    for alert in ordered[len(ordered) * 6 // 10 :: 5]:
        clock.at = alert.raised_at + timedelta(hours=1)
        store.work.take([alert.alert_id], chance.choice((ADA, BEN)))
    clock.at = None
