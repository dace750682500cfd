"""A console as after some weeks of work, and Debian's chromium before it."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from console_server import AXE, PASSWORDS, Served

from streams.console.pages._render import VENDOR

#: Root in a container has no sandbox; the rest keeps chromium from asking anything of anybody.
FLAGS = (
    "--headless --no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking "
    "--disable-component-update --disable-sync"
).split()


@pytest.fixture(scope="session")
def able() -> str:
    """Return where chromium is; skip where it, or what the pages take from npm, is missing."""
    found = shutil.which("chromium") or shutil.which("chromium-browser")
    if found is None:
        pytest.skip("chromium is not installed; Debian: apt-get install chromium")
    if not (VENDOR / ".installed").is_file() or not AXE.is_file():
        pytest.skip("what the pages take from npm is not installed: deploy/setup-console.sh, with npm at hand")
    return found


@pytest.fixture(scope="module")
def chromium(able: str) -> Iterator[Any]:
    """Debian's chromium, for one module: while playwright runs, no test of this process can run a loop of its own."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=able, args=FLAGS)
        yield browser
        browser.close()


@pytest.fixture(scope="session")
def served(able: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """A running console with some dozens of alerts of the real engine."""
    with Served(tmp_path_factory.mktemp("console"), count=500, days=14) as running:
        yield running


@pytest.fixture
def complaints() -> Iterator[list[str]]:
    """What browsers of a test complain of: errors of scripts, refused by policy, requests that leave the host."""
    said: list[str] = []
    yield said
    assert said == []


@pytest.fixture
def log_in(chromium: Any, served: Served, complaints: list[str]) -> Iterator[Callable[..., Any]]:
    """Open a browser session of a person; its page stands at the queue. Without a name nobody is logged in."""
    contexts = []

    def opened(name: str | None, width: int = 1280, **given: Any) -> Any:
        context = chromium.new_context(
            viewport={"width": width, "height": 860}, base_url=served.address, reduced_motion="reduce", **given
        )
        contexts.append(context)
        context.set_default_timeout(60_000)
        page = context.new_page()
        page.on("console", lambda said: complaints.append(said.text) if said.type == "error" else None)
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.on(
            "request",
            lambda asked: None if asked.url.startswith((served.address, "data:")) else complaints.append(asked.url),
        )
        page.goto("/login?next=/")
        if name is not None:
            page.get_by_label("Name").fill(name)
            page.get_by_label("Password").fill(PASSWORDS[name])
            page.get_by_role("button", name="Log in").click()
            page.wait_for_url("**/")
        return page

    yield opened
    for context in contexts:
        context.close()
