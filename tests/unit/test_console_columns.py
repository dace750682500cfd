"""The columns in memory follow whatever changes the alerts, and say what SQL over the tables says."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from random import Random
from typing import Any

from console_parts import ANALYST, NOW, SUPERVISOR, Clock, alert, gone, revised, store_of, take
from sqlalchemy import select

from streams.console.store import QueueQuery, Store, counting
from streams.console.store.tables import alerts

_c = alerts.c


def check(store: Store) -> None:
    """Compare counts and groups of what no suppression hides."""
    with store.database.reading() as connection:
        wanted = counting.facets(connection, [_c.hidden_by.is_(None)])
        rows = connection.execute(select(alerts).where(_c.hidden_by.is_(None))).fetchall()
    assert store.queue.counts(QueueQuery(), ANALYST) == wanted
    by_key: dict[str, list[Any]] = {}
    for row in rows:
        by_key.setdefault(row.group_key, []).append(row)
    best = {key: max(some, key=lambda row: (row.risk_score, row.raised_at, row.number)) for key, some in by_key.items()}
    ranks = {key: (best[key].risk_score, max(row.raised_at for row in some)) for key, some in by_key.items()}
    groups = store.queue.groups(QueueQuery(limit=500), ANALYST)
    assert [ranks[group.group_key] for group in groups] == sorted(ranks.values(), reverse=True)
    assert {
        g.group_key: (g.count, g.undecided, g.strongest.alert_id, g.newest) for g in groups
    } == {
        key: (len(some), sum(row.verdict is None for row in some), best[key].alert_id, ranks[key][1])
        for key, some in by_key.items()
    }  # fmt: skip


def test_columns_follow_every_change(tmp_path: Path, monkeypatch: Any) -> None:
    chance, clock = Random(3), Clock()
    store = store_of(tmp_path, clock=clock)
    check(store)  # of nothing
    living: dict[str, Any] = {}

    def varied(number: int) -> dict[str, Any]:
        return {
            "destination": chance.choice(("TH", "JP", None)),
            "office": chance.choice(("CN4900", None)),
            "risk_score": chance.choice((30, 60, 90)),
            "substances": chance.choice(([], ["gallium"], ["antimony", "gallium"])),
            "age": float(chance.randrange(20)),
            "exporter": chance.choice((("CN100", "Hunan Yongli"), (f"CN{number}", "Guangxi Antimon"))),
        }

    for turn in range(6):
        clock.now += timedelta(minutes=1)
        new = [alert(n, **varied(n)) for n in range(turn * 20, turn * 20 + 20)]
        take(store, *new)
        living |= {one.alert_id: one for one in new}
        changed = [revised(living[one], severity="critical") for one in chance.sample(sorted(living), 5)]
        take(store, *changed)
        living |= {one.alert_id: one for one in changed}
        store.work.take(chance.sample(sorted(living), 4), ANALYST)
        store.decisions.decide(chance.sample(sorted(living), 3), ANALYST, "benign")
        if turn % 2:  # of the last too, whose number the next alert gets
            left = [max(living, key=lambda one: int(one.partition("-")[2])), *chance.sample(sorted(living), 4)]
            take(store, *[gone(living.pop(one)) for one in dict.fromkeys(left)])
        if turn == 2:
            store.suppressions.add(SUPERVISOR, "known", NOW + timedelta(days=1), lane="CN>JP")
        check(store)
    clock.now += timedelta(days=2)
    assert store.suppressions.expire() == 1
    check(store)
    # Who read no changes for long finds them cut off, and reads all alerts again.
    monkeypatch.setattr("streams.console.store.taking.KEPT_CHANGES", 3)
    for n in range(900, 906):
        take(store, alert(n, **varied(n)))
    with store.database.reading() as connection:
        assert connection.exec_driver_sql("SELECT count(*) FROM alert_changes").scalar_one() <= 5
    check(store)
    store.close()
