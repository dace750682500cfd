"""What every test gets; which files run first; and the end of the Kafka that all test processes share."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path
from typing import Any

import pytest

from streams import broker, output
from streams.settings import load

# A broker of the tests lives for a minute or two. Without the optimising compiler it starts in little over half the time.
os.environ.setdefault("JDK_JAVA_OPTIONS", "-XX:TieredStopAtLevel=1")

#: The folders of tests in their order: what takes long or waits for Kafka first, so that no process of several is left with
#: one long file at the end while the others have nothing to do. `loadfile` hands files out in this order.
FIRST = ("chaos", "integration", "bench", "browser", "contracts", "scenarios", "unit")
TESTS = Path(__file__).parent
_shared = pytest.StashKey[tempfile.TemporaryDirectory[str]]()


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Put the files of the slow folders first; the order within a folder stays."""
    place = {name: number for number, name in enumerate(FIRST)}
    items.sort(key=lambda item: place.get(item.path.relative_to(TESTS).parts[0], len(FIRST)))


@pytest.hookimpl(optionalhook=True)
def pytest_configure_node(node: Any) -> None:
    """Tell a test process of several where their Kafka is to be (the fixture ``kafka`` starts it)."""
    if _shared not in node.config.stash:
        node.config.stash[_shared] = tempfile.TemporaryDirectory(prefix="assay-tests-", ignore_cleanup_errors=True)
    node.workerinput["kafka_folder"] = node.config.stash[_shared].name


def pytest_unconfigure(config: pytest.Config) -> None:
    """Stop the Kafka that the test processes shared: whichever started it may have ended long before the last."""
    shared = config.stash.get(_shared, None)
    if shared is not None:
        broker.down(Path(shared.name), load(kafka=None))
        shared.cleanup()


@pytest.fixture(autouse=True)
def wide(monkeypatch: pytest.MonkeyPatch) -> None:
    """Print tables as wide as into a pipe, whatever a library has made of the environment meanwhile."""
    monkeypatch.setattr(output.console, "width", 120)
