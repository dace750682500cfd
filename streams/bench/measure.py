"""One measured way of doing something, and the machine that it was measured on."""

from __future__ import annotations

import os
import platform
import statistics
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import polars

from schemas import ENGINE_VERSION


@dataclass(frozen=True, slots=True)
class Timing:
    """One repeat: declarations, wall seconds, processor seconds (None where they cannot be told)."""

    count: int
    seconds: float
    cpu: float | None = None


@dataclass(frozen=True, slots=True)
class Measure:
    """Repeats of one way of doing something.

    Attributes
    ----------
    part : decode, screen, replay or stream.
    way : how it is done, in words.
    timings : the repeats; figures are their medians.
    latency_ms : p50, p99 and the number of alerts, for the measures of latency.
    remark : what must be known to read the figure.
    """

    part: str
    way: str
    timings: Sequence[Timing]
    latency_ms: dict[str, float] = field(default_factory=dict)
    remark: str = ""

    @property
    def rate(self) -> float:
        """Declarations a second, by the wall clock."""
        return statistics.median(one.count / one.seconds for one in self.timings)

    @property
    def cpu_rate(self) -> float | None:
        """Declarations a second of processor time."""
        known = [one.count / one.cpu for one in self.timings if one.cpu]
        return statistics.median(known) if known else None

    def as_dict(self) -> dict[str, Any]:
        """Return the measure for ``--json``."""
        return {
            "part": self.part,
            "way": self.way,
            "declarations_per_second": round(self.rate, 1),
            "declarations_per_cpu_second": None if self.cpu_rate is None else round(self.cpu_rate, 1),
            "repeats": [round(one.count / one.seconds, 1) for one in self.timings],
            "latency_ms": self.latency_ms or None,
            "remark": self.remark or None,
        }


def timed(work: Callable[[], int]) -> Timing:
    """Run ``work``, which returns how many declarations it did, and time it in this process."""
    wall, cpu = time.perf_counter(), time.process_time()
    count = work()
    return Timing(count, time.perf_counter() - wall, time.process_time() - cpu)


def processor_seconds(pid: int) -> float | None:
    """Return the processor time that a process has used, all threads; None where /proc does not tell."""
    try:
        with open(f"/proc/{pid}/stat", encoding="ascii", errors="replace") as stat:  # noqa: PTH123 - no file to speak of
            fields = stat.read().rpartition(")")[2].split()
    except OSError:
        return None
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def machine() -> dict[str, Any]:
    """Return what a reader must know of the machine and the versions."""
    return {
        "processor": _processor(),
        "cores": len(os.sched_getaffinity(0)),
        "load": round(os.getloadavg()[0], 1),
        "python": platform.python_version(),
        "polars": polars.__version__,
        "assay": ENGINE_VERSION,
        "system": f"{platform.system()} {platform.machine()}",
    }


def _processor() -> str:
    if sys.platform == "linux":
        with open("/proc/cpuinfo", encoding="utf-8", errors="replace") as lines:  # noqa: PTH123 - no file to speak of
            for line in lines:
                if line.startswith("model name"):
                    return line.partition(":")[2].strip()
    return platform.processor() or "unknown"
