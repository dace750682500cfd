"""What every test gets."""

from __future__ import annotations

import pytest

from streams import output


@pytest.fixture(autouse=True)
def wide(monkeypatch: pytest.MonkeyPatch) -> None:
    """Print tables as wide as into a pipe, whatever a library has made of the environment meanwhile."""
    monkeypatch.setattr(output.console, "width", 120)
