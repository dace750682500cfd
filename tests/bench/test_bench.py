"""``assay bench`` measures and prints; nothing here asserts how fast this machine is today."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

from streams import broker
from streams.bench.measure import Measure, Timing, machine, processor_seconds, timed
from streams.commands.bench import _markdown, _rows


def bench(*words: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-c", "from streams.cli import main; main()", "bench", *words]
    return subprocess.run(command, capture_output=True, text=True, timeout=540, check=False)


def test_figures_are_medians_of_the_repeats() -> None:
    measure = Measure("decode", "rows", [Timing(100, 1.0, 0.5), Timing(100, 2.0, 1.0), Timing(100, 4.0)])
    assert measure.rate == 50
    assert measure.cpu_rate == 150
    assert Measure("stream", "worker", [Timing(100, 1.0)]).cpu_rate is None


def test_ratios_are_to_the_textbook_with_the_same_rules() -> None:
    measures = [
        Measure("stream", "Assay worker", [Timing(3_000, 1.0)]),
        Measure("stream", "Assay worker at 500 a second", [Timing(500, 1.0)], {"p50": 20, "p99": 90, "alerts": 40}),
        Measure("stream", "textbook Faust agent, same rules", [Timing(100, 1.0)]),
        Measure("stream", "textbook Faust agent, no rules at all", [Timing(2_000, 1.0)]),
    ]
    rows = _rows(measures)
    assert [row["to textbook"] for row in rows] == ["30.0x", "", "1.0x", "20.0x"]
    assert rows[1]["p50 / p99"] == "20 / 90 ms"
    assert _markdown(rows).count("\n") == 1 + len(measures)


def test_time_of_work_and_of_a_process() -> None:
    timing = timed(lambda: len([n * n for n in range(200_000)]))
    assert timing.count == 200_000
    assert timing.seconds > 0
    assert machine()["cores"] >= 1
    assert processor_seconds(2**22 + 1) is None


@pytest.mark.parametrize("part", ["decode", "screen", "replay"])
def test_local_parts_are_measured(part: str) -> None:
    done = bench(part, "--count", "200", "--repeats", "2", "--json")
    assert done.returncode == 0, done.stderr
    said = json.loads(done.stdout)
    assert {one["part"] for one in said["measures"]} == {part}
    assert all(one["declarations_per_second"] > 0 for one in said["measures"])
    assert len(said["measures"]) >= 2 or said["machine"]["cores"] == 1


def test_table_for_people() -> None:
    done = bench("decode", "--count", "150", "--repeats", "1")
    assert "rows" in done.stdout
    assert "cores" in done.stdout


@pytest.mark.integration
@pytest.mark.bench
def test_stream_is_measured_beside_the_textbook() -> None:
    why = broker.obstacle()
    if why:
        pytest.skip(f"needs a real Kafka: {why}")
    done = bench("stream", "--count", "1500", "--repeats", "1", "--json")
    assert done.returncode == 0, done.stderr
    ways = {one["way"]: one for one in json.loads(done.stdout)["measures"]}
    assert len(ways) == 5
    assert sum("textbook" in way for way in ways) == 2
    assert any(one["latency_ms"] for one in ways.values())
