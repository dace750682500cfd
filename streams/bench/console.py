"""The console's store with many alerts: how long the queue, filters, search and groups take, and how much memory."""

from __future__ import annotations

import resource
import statistics
import sys
import tempfile
import time
import uuid
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from datetime import UTC, datetime, timedelta
from multiprocessing import get_context
from pathlib import Path
from random import Random
from typing import TYPE_CHECKING, Any

from streams.bench.measure import Measure, Timing

if TYPE_CHECKING:
    from schemas.alert import Alert
    from streams.console.access.person import Person
    from streams.console.store import QueueQuery, Store

ALERTS = 100_000
_SEED = 20_261_122
_DECLARATIONS = 4_000
_DAYS = 90
_NAMESPACE = uuid.UUID("3c1f7c52-7a53-5c39-8d9d-1f8b7f1f6a01")
_OFFICES = 40
_SMALLEST_EXPORTERS = 3_000
_DECIDED = 0.3


def console(repeats: int, count: int = ALERTS) -> list[Measure]:
    """Fill a SQLite database of its own and ask it, in a process of its own: its memory is the console's, not the engine's."""
    with ProcessPoolExecutor(1, get_context("spawn")) as pool:
        told = pool.submit(_templates).result()
    with ProcessPoolExecutor(1, get_context("spawn")) as pool:
        return pool.submit(_measured, told, repeats, count).result()


def _late(timings: Sequence[Timing], count: int) -> dict[str, float]:
    seconds = sorted(one.seconds for one in timings)
    last = seconds[-1] if len(seconds) < 100 else seconds[int(0.99 * len(seconds))]
    return {"p50": 1000 * statistics.median(seconds), "p99": 1000 * last, "alerts": float(count)}


def _measured(raw: list[bytes], repeats: int, count: int) -> list[Measure]:
    from schemas.alert import Alert
    from streams.console.access.person import Person, Role
    from streams.console.store import Store

    with tempfile.TemporaryDirectory(prefix="assay-bench-console-") as folder:
        store = Store(f"sqlite:///{Path(folder) / 'console.sqlite'}")
        templates = [Alert.model_validate_json(one) for one in raw]
        began = time.perf_counter()
        cpu = time.process_time()
        _fill(store, templates, count)
        filled = Timing(count, time.perf_counter() - began, time.process_time() - cpu)
        person = Person("bench", "bench", Role.analyst)
        _decide(store, count)
        store.database.tidy()
        size = sum(path.stat().st_size for path in Path(folder).glob("console.sqlite*")) / 1e6
        measures = [
            Measure("console", "alerts taken in, 500 a transaction", [filled], remark=f"{size:,.0f} MB on disk")
        ]
        warmed = [_once(store.queue.warm)]
        measures.append(Measure("console", "start: columns into memory", warmed, _late(warmed, count), "once"))
        for way, asks in _questions(store, person).items():
            timings = [_once(ask) for _ in range(repeats) for ask in asks]
            told = f"{len(asks)} questions, of {count:,} alerts"
            measures.append(Measure("console", way, timings, _late(timings, count), told))
        store.close()
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / (1_000_000 if sys.platform == "darwin" else 1_000)
    last = measures[-1]
    measures[-1] = Measure(
        last.part, last.way, last.timings, last.latency_ms, f"{last.remark}; peak memory {peak:,.0f} MB"
    )
    return measures


def _once(ask: Callable[[], Any]) -> Timing:
    began, cpu = time.perf_counter(), time.process_time()
    ask()
    return Timing(1, time.perf_counter() - began, time.process_time() - cpu)


def _templates() -> list[bytes]:
    """Return alerts of a simulated feed with many cases, as the engine raises them."""
    import pydantic_core

    from streams import replay, simulate

    span = datetime(2026, 10, 20, tzinfo=UTC), datetime(2026, 11, 20, tzinfo=UTC)
    rows = simulate.feed(_SEED, _DECLARATIONS, *span, scenario_share=0.1, memory=False)
    with tempfile.TemporaryDirectory(prefix="assay-bench-console-") as folder:
        feed = Path(folder) / "feed.ndjson"
        feed.write_bytes(b"".join(pydantic_core.to_json(row) + b"\n" for row, _ in rows))
        return [alert.model_dump_json(by_alias=True).encode() for alert in replay.run([feed], jobs=1).alerts]


def _fill(store: Store, told: list[Alert], count: int) -> None:
    from streams.console.store.taking import Batch

    chance = Random(_SEED)
    now = datetime.now(UTC)
    exporters = max(_SMALLEST_EXPORTERS, count // 20)
    for start in range(0, count, 500):
        some = [
            _varied(told[n % len(told)], n, n / count, chance, now, exporters)
            for n in range(start, min(count, start + 500))
        ]
        store.taking.take(Batch(list(some), {("alerts", 0): start + 500}), now)


def _varied(alert: Alert, number: int, share: float, chance: Random, now: datetime, exporters: int) -> Alert:
    """Return an alert like one of the engine's, of another declaration, exporter, office and time.

    ``share`` of those before it: alerts come in about the order in which they were raised.
    """
    raised = now - timedelta(days=_DAYS * (1 - share), minutes=90 * chance.random())
    exporter = chance.randrange(exporters)
    entities = [
        one.model_copy(update={"id": f"9100{exporter:08d}", "name": f"Exporter {exporter} Metals Co., Ltd."})
        if one.role == "exporter"
        else one
        for one in alert.entities
    ]
    what = alert.substances[0] if alert.substances else alert.reasons[0].code
    destination = alert.declaration.get("country_of_destination")
    return alert.model_copy(
        update={
            "alert_id": str(uuid.uuid5(_NAMESPACE, str(number))),
            "declaration_id": f"bench:{number % 997:04d}:{number}",
            "risk_score": max(25, min(100, alert.risk_score + chance.randrange(-15, 16))),
            "raised_at": raised,
            "updated_at": raised,
            "event_time": raised - timedelta(seconds=2),
            "entities": entities,
            "group_key": f"9100{exporter:08d}|{what}|{destination or 'unknown'}",
            "declaration": alert.declaration | {"office": f"CN{chance.randrange(_OFFICES):04d}"},
        }
    )


def _decide(store: Store, count: int) -> None:
    """Decide on a share of the alerts, as if dispositions had come from Kafka."""
    from schemas.disposition import Disposition
    from streams.console.store.taking import Batch

    chance = Random(_SEED + 1)
    decided = [n for n in range(count) if chance.random() < _DECIDED]
    for start in range(0, len(decided), 500):
        now = datetime.now(UTC)
        some = [
            Disposition(
                alert_id=str(uuid.uuid5(_NAMESPACE, str(number))),
                declaration_id=f"bench:{number % 997:04d}:{number}",
                verdict=chance.choice(("true_positive", "false_positive", "benign")),
                analyst=f"analyst-{chance.randrange(12)}",
                decided_at=now,
            )
            for number in decided[start : start + 500]
        ]
        store.taking.take(Batch(list(some)), now)


def _questions(store: Store, person: Person) -> dict[str, list[Callable[[], Any]]]:
    """Return the questions of a shift, by kind."""
    from dataclasses import replace

    from streams.console.store import QueueQuery

    def pages(*queries: QueueQuery) -> list[Callable[[], Any]]:
        return [lambda query=query: store.queue.page(query, person) for query in queries]  # type: ignore[misc]

    plain = QueueQuery()
    second = replace(plain, cursor=store.queue.page(plain, person).next)
    queue = pages(plain, second, QueueQuery(sort="newest"), QueueQuery(sort="oldest"), QueueQuery(sort="updated"))
    filters = pages(
        QueueQuery(severity=("high", "critical"), verdict=("none",)),
        QueueQuery(code=("MISLABEL-NAME",), verdict=("none",), sort="newest"),
        QueueQuery(code=("HAND-CARRIED",), country=("HK",)),
        QueueQuery(substance=("gallium",), severity=("critical",)),
        QueueQuery(office=("CN0007",), status=("open",)),
        QueueQuery(lane=("CN>TH",), newer_than=24 * 14),
        QueueQuery(owner=("",), older_than=72, severity=("medium",), sort="oldest"),
        QueueQuery(verdict=("false_positive",), code=("ROUTE-DETOUR",), sort="updated"),
        QueueQuery(party="910000000042"),
        QueueQuery(office=("CN0007", "CN0011"), substance=("antimony",), verdict=("none",), severity=("high",)),
    )
    search = pages(
        QueueQuery(text="gallium"),
        QueueQuery(text="镓锭"),
        QueueQuery(text="锑"),
        QueueQuery(text='"zinc alloy" ingots', sort="newest"),
        QueueQuery(text="exporter 1234"),
        QueueQuery(text="bench:0042"),
        QueueQuery(text="nothing of the kind"),
        QueueQuery(text="antimony", severity=("critical",), verdict=("none",)),
    )
    grouped: list[Callable[[], Any]] = [
        lambda query=query: store.queue.groups(query, person)  # type: ignore[misc]
        for query in (plain, QueueQuery(severity=("critical",)), QueueQuery(substance=("gallium",), verdict=("none",)))
    ]
    top = store.queue.ids(plain, person, 5)
    every = (plain, QueueQuery(severity=("critical",)), QueueQuery(text="gallium"))
    return {
        "queue: a page, by each order": queue,
        "queue: a page, filtered": filters,
        "queue: a page, searched": search,
        "queue: groups": grouped,
        "queue: counts of every filter": [lambda query=query: store.queue.counts(query, person) for query in every],  # type: ignore[misc]
        "alert: read": [lambda alert=alert: store.alerts.read(alert, person) for alert in top],  # type: ignore[misc]
        "alert: similar and related": [
            lambda alert=alert: (store.alerts.similar(alert, person), store.alerts.related(alert, person))  # type: ignore[misc]
            for alert in top
        ],
        "overview (kept for 10 s)": [lambda: store.overview(30)],
    }
