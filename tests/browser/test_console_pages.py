"""Every page: axe-core finds nothing serious in light and dark, nothing scrolls sideways at either width, no script complains."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from console_filled import BEN
from console_server import AXE, Served

from streams.console.store import QueueQuery

pytestmark = pytest.mark.browser

#: WCAG 2.2 A and AA, as axe-core names its rules.
_ALL = {"type": "tag", "values": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]}
#: What another theme, and another width, can change.
_COLOURS = {"type": "rule", "values": ["color-contrast"]}
_ROOM = {"type": "rule", "values": ["target-size", "scrollable-region-focusable"]}
_SIDEWAYS = "document.documentElement.scrollWidth - document.documentElement.clientWidth"


def complaints_of_axe(page: Any, rules: dict[str, Any]) -> list[str]:
    """Return what axe-core finds serious or critical."""
    found = page.evaluate(
        "rules => axe.run(document, {runOnly: rules, resultTypes: ['violations']}).then(r => r.violations)", rules
    )
    return [
        f"{one['id']} ({one['impact']}): {node['target']} {node.get('failureSummary', '')}"
        for one in found
        if one["impact"] in ("serious", "critical")
        for node in one["nodes"][:3]
    ]


def check(page: Any, where: str) -> list[str]:
    """Return all that is wrong with the page that is shown, in both themes and widths."""
    page.evaluate(AXE.read_text("utf-8"))  # through the debugger, which no policy of the page concerns
    wrong = []
    for width, theme, rules in ((1280, "light", _ALL), (1280, "dark", _COLOURS), (390, "dark", _ROOM)):
        page.set_viewport_size({"width": width, "height": 860})
        page.emulate_media(color_scheme=theme)
        if page.evaluate(_SIDEWAYS) > 0:
            wrong.append(f"{where}: scrolls sideways at {width}")
        wrong += [f"{where} {width} {theme}: {said}" for said in complaints_of_axe(page, rules)]
    page.set_viewport_size({"width": 1280, "height": 860})
    return wrong


def test_every_page_can_be_used_by_everybody(served: Served, log_in: Callable[..., Any]) -> None:
    wrong = check(log_in(None), "log-in")
    page = log_in("ben")
    lines = served.console.store.queue.page(QueueQuery(limit=200), BEN).lines
    linked = [line for line in lines if "PARTY-LINKED" in line.codes] or list(lines)
    richest = max(linked, key=lambda line: (len(line.codes), len(line.parties)))
    served.console.store.drafts.open(BEN, rule="controlled-line-no-licence")
    addresses = {
        "queue": "/?every=1&limit=12",
        "groups": "/?every=1&group=1&limit=12",
        "alert": f"/alerts/{richest.alert_id}",
        "overview": "/overview",
        "suppressions": "/suppressions",
        "trail": "/audit?act=login",
    }
    held = served.console.store.suppressions.add(BEN, "known", datetime.now(UTC) + timedelta(days=1), lane="CN>ZZ")
    for where, address in addresses.items():
        page.goto(address)
        if where == "alert":
            page.locator("#map[data-drawn='1']").wait_for()
            page.locator("a.proof").first.click()
            page.keyboard.press("t")
            page.locator("#decide").wait_for()
        wrong += check(page, where)
    served.console.store.suppressions.end(BEN, held.suppression_id)
    root = log_in("rita")
    root.goto("/people")
    assert root.get_by_label("Role of ada").input_value() == "analyst"
    wrong += check(root, "people")
    assert wrong == []


def test_the_theme_is_kept(log_in: Callable[..., Any]) -> None:
    page = log_in("ben", color_scheme="light")
    ground = "getComputedStyle(document.body).backgroundColor"
    light = page.evaluate(ground)
    page.get_by_role("button", name="Theme: as the system").click()
    page.get_by_role("button", name="Theme: light").click()
    dark = page.evaluate(ground)
    assert dark != light
    page.goto("/overview")
    assert page.evaluate(ground) == dark
    assert page.locator("html").get_attribute("data-theme") == "dark"


def test_what_is_not_there_says_so(log_in: Callable[..., Any], complaints: list[str]) -> None:
    page = log_in("ada")
    page.goto("/alerts/0000")
    assert "There is no such alert" in page.locator("main").inner_text()
    page.goto("/audit")
    assert "Not with your role" in page.locator("main").inner_text()
    # The browser itself reports both answers; nothing else may have been said.
    assert all("status of 40" in said for said in complaints)
    complaints.clear()
