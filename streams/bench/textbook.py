"""A textbook Faust agent: what one writes after reading the tutorial. The yardstick of ``assay bench stream``.

Stock transport, ``async for`` over the stream, a pydantic model for each event, the same rules one declaration at a time, and a
``send`` for each alert. The stage functions are Assay's own, so both ways find the same; only the batches are missing.

Run as a process of its own by :mod:`streams.bench.live`; prints one JSON object.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import sys
import tempfile
import time
from datetime import UTC, datetime
from typing import Any

import faust

from detectors import engine
from detectors.batch import Batch
from detectors.correlate import Case
from schemas import decode
from streams import clients, topics
from streams.settings import Settings, load


def textbook_app(chosen: Settings, group: str, rules: bool, told: Any, folder: str) -> faust.App:
    """Return the app; ``told`` is called after every declaration. Without ``rules`` it only decodes."""
    app = faust.App(
        group,
        broker=clients.faust_broker_url(chosen),
        broker_credentials=clients.faust_credentials(chosen),
        consumer_auto_offset_reset="earliest",
        topic_allow_declare=False,
        topic_disable_leader=True,  # its internal topic does not exist here
        web_enabled=False,
        datadir=folder,
    )
    named = topics.named(chosen)
    declarations = app.topic(named["declarations"], value_serializer="raw")
    alerts = app.topic(named["alerts"], key_serializer="raw", value_serializer="raw")
    reference, models = engine.default_reference(), engine.default_models()
    cases: dict[str, Case] = {}

    @app.agent(declarations)  # type: ignore[untyped-decorator]
    async def judge(stream: Any) -> None:
        async for raw in stream:
            declaration = decode.declaration(raw)
            if rules:
                batch = Batch.of([decode.as_row(declaration)])
                screened = engine.screen(batch, reference, models)
                correlated = engine.correlate(screened.verdicts, cases, datetime.now(UTC))
                cases.update((case.declaration_id, case) for case in correlated.cases)
                for alert in correlated.alerts:
                    await alerts.send(key=alert.declaration_id.encode(), value=alert.model_dump_json().encode())
            told()

    return app


async def _measure(seconds: float, count: int, rules: bool, group: str, folder: str) -> dict[str, float]:
    """Run until ``count`` declarations are done, or ``seconds`` after the first one."""
    done = 0
    begun = cpu = 0.0
    enough = asyncio.Event()

    def told() -> None:
        nonlocal done, begun, cpu
        if not begun:  # the first one is not measured: rules and tables are made ready for it
            begun, cpu = time.perf_counter(), time.process_time()
            return
        done += 1
        if done + 1 >= count or time.perf_counter() - begun >= seconds:
            enough.set()

    app = textbook_app(load(), group, rules, told, folder)
    await app.start()
    await enough.wait()
    measured = {
        "count": done,
        "seconds": time.perf_counter() - begun,
        "cpu": time.process_time() - cpu,
    }
    await app.stop()
    return measured


def main() -> None:
    """Read the arguments, measure, print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--group", required=True)
    parser.add_argument("--seconds", type=float, default=15.0)
    parser.add_argument("--count", type=int, required=True)
    parser.add_argument("--no-rules", action="store_true")
    wanted = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="assay-textbook-") as folder:
        measured = asyncio.run(_measure(wanted.seconds, wanted.count, not wanted.no_rules, wanted.group, folder))
    sys.stdout.write(json.dumps(measured) + "\n")


if __name__ == "__main__":
    main()
