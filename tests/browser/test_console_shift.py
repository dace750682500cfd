"""An analyst's shift, in real browsers before the real console: find, read, decide, hand on, and see what others do."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest
from console_filled import BEN
from console_server import Served
from playwright.sync_api import expect

from streams.console.store import QueueQuery

pytestmark = pytest.mark.browser
expect.set_options(timeout=60_000)

LogIn = Callable[..., Any]


def rows(page: Any) -> Any:
    return page.locator("#rows > .row")


def test_a_shift_from_log_in_to_a_decision_that_a_colleague_sees(served: Served, log_in: LogIn) -> None:
    ada = log_in("ada")
    ben = log_in("ben")

    # The queue begins with what waits for a decision, strongest first; nothing decided is in it.
    risks = [int(text) for text in rows(ada).locator(".risk b").all_inner_texts()]
    assert risks
    assert risks == sorted(risks, reverse=True)
    assert ada.locator("#rows .badge[class*='v-']").count() == 0

    # A filter narrows it without a new page, stands in the address, and can be taken away again.
    total = ada.locator("#total").inner_text()
    ada.locator("label.choice", has_text="value does not fit").click()
    ada.wait_for_url("**code=MISLABEL-VALUE**")
    expect(ada.locator("#chips")).to_contain_text("MISLABEL-VALUE")
    assert ada.locator("#total").inner_text() != total
    assert rows(ada).count() >= 1
    ada.locator("#sort").select_option("newest")
    ada.wait_for_url("**sort=newest**")
    expect(ada.locator("#sort")).to_have_value("newest")
    ben.goto(ada.url)
    assert ben.locator("#total").inner_text() == ada.locator("#total").inner_text()

    # The alert: its evidence points to a field of the declaration, which lights up when it is asked for.
    wanted = rows(ada).first.get_attribute("data-id")
    rows(ada).first.get_by_role("link").click()
    ada.wait_for_url(f"**/alerts/{wanted}")
    proof = ada.locator("a.proof[data-field*='value']").first
    field = proof.get_attribute("data-field")
    proof.click()
    expect(ada.locator(f"#{field}")).to_have_class(re.compile(r"\blit\b"))
    expect(ada.locator(f"#{field} dt")).to_contain_text("Value")
    assert ada.locator("#paper-name").is_visible()
    expect(ada.locator("#map[data-drawn='1'] path.land").first).to_be_attached()
    assert ada.locator("#price-name").is_visible()
    assert ada.locator("svg circle.spot").count() >= 1

    # Deciding asks for a verdict, then stands on the page, in the store, and at once in a colleague's queue.
    ada.get_by_role("button", name="Decide", exact=False).first.click()
    drawer = ada.locator("#decide")
    drawer.get_by_role("button", name="Decide").click()
    assert drawer.locator("input[name=verdict]:invalid").count() == 6
    drawer.get_by_label("True positive").check()
    drawer.locator("input[name=confirmed_codes]").first.check()
    drawer.get_by_label("Substance").fill("gallium")
    drawer.get_by_label("Net mass, kg").fill("12.5")
    drawer.get_by_label("Note").fill("XRF: 99.99 % Ga, 镓")
    drawer.get_by_role("button", name="Decide").click()
    expect(ada.locator("#trail")).to_contain_text("XRF: 99.99 % Ga, 镓")
    expect(ada.locator("#head")).to_contain_text("True positive")
    expect(ben.locator(f"#row-{wanted}")).to_contain_text("True positive")
    assert wanted is not None
    detail = served.console.store.alerts.read(wanted, BEN)
    assert detail is not None
    newest = max(detail.decisions, key=lambda decision: decision.decided_at)
    assert (newest.verdict, newest.analyst, newest.note) == ("true_positive", "ada", "XRF: 99.99 % Ga, 镓")
    assert dict(newest.found or {})["net_mass_kg"] == 12.5


def test_new_alerts_arrive_without_moving_what_is_read(served: Served, log_in: LogIn) -> None:
    ada = log_in("ada")
    expect(ada.locator("#live-said")).to_have_text("live")
    ada.keyboard.press("j")
    ada.keyboard.press("j")
    read = ada.locator(".row.here")
    before, place = read.get_attribute("data-id"), read.bounding_box()
    count = rows(ada).count()
    served.arrive(served.later[0])
    expect(ada.locator("#show-news")).to_have_text("Show 1 new alert")
    assert rows(ada).count() == count
    assert ada.locator(".row.here").get_attribute("data-id") == before
    assert ada.locator(".row.here").bounding_box() == place
    ada.keyboard.press("n")
    expect(ada.locator(f"#row-{served.later[0].alert_id}")).to_be_visible()
    expect(ada.locator("#show-news")).to_be_hidden()

    # Where nobody reads, it comes in by itself.
    other = log_in("ben")
    expect(other.locator("#live-said")).to_have_text("live")
    other.mouse.move(5, 5)
    served.arrive(served.later[1])
    expect(other.locator(f"#row-{served.later[1].alert_id}")).to_be_visible()


def test_a_shift_by_keyboard_alone(served: Served, log_in: LogIn) -> None:
    ada = log_in("ada")
    press = ada.keyboard.press
    press("?")
    expect(ada.locator("#help")).to_be_visible()
    press("Escape")
    expect(ada.locator("#help")).to_be_hidden()
    press("f")
    ada.keyboard.type("CN")
    expect(ada.locator("#text")).to_be_focused()
    ada.keyboard.type(" export")
    ada.wait_for_url("**text=CN**")
    expect(ada.locator("#text")).to_be_focused()
    ada.goto("/")
    for key in ("j", "j", "k", "j"):
        press(key)
    second = rows(ada).nth(1)
    expect(second).to_have_class(re.compile("here"))
    wanted = second.get_attribute("data-id")
    press("a")
    expect(ada.locator(f"#row-{wanted} .owner")).to_contain_text("ada")
    ada.locator(f"#row-{wanted} .title a").focus()
    press("Enter")
    ada.wait_for_url(f"**/alerts/{wanted}")
    press("j")
    expect(ada.locator("a.proof").first).to_have_class(re.compile("lit"))
    press("t")
    expect(ada.locator("#decide")).to_be_visible()
    expect(ada.locator("#decide input[value=true_positive]")).to_be_focused()
    press("ArrowDown")  # a radio group: the next verdict
    ada.locator("#decide button.main").focus()
    press("Enter")
    expect(ada.locator("#head")).to_contain_text("False positive")
    press("u")
    ada.wait_for_url("**/")
    expect(ada.locator("h1")).to_have_text("Queue")


def test_many_at_once_groups_search_views_and_suppression(served: Served, log_in: LogIn) -> None:
    ben = log_in("ben")
    # Bulk: two alerts taken and handed over.
    picked = [rows(ben).nth(n).get_attribute("data-id") for n in (0, 1)]
    for alert_id in picked:
        ben.locator(f"#row-{alert_id} input").check()
    expect(ben.locator("#chosen-count")).to_have_text("2 chosen")
    ben.locator("#bulk-acts").get_by_role("button", name="Take").click()
    for alert_id in picked:
        expect(ben.locator(f"#row-{alert_id} .owner")).to_contain_text("ben")
    expect(ben.locator("#bulk-acts")).to_be_hidden()

    # Groups open in place.
    ben.keyboard.press("g")
    ben.wait_for_url("**group=1**")
    group = ben.locator("details.group").first
    group.locator("summary").click()
    expect(group.locator(".row").first).to_be_visible()
    assert group.locator(".row").count() >= 1

    # Search finds words of the goods and parties, and says so when there are none.
    shown = served.console.store.queue.page(QueueQuery(), BEN).lines
    party = next(line.parties[0] for line in shown if line.parties and line.parties[0].id)
    ben.goto("/?every=1")
    ben.locator("#text").fill(party.id)
    ben.wait_for_url(f"**text={party.id}**")
    assert rows(ben).count() >= 1
    ben.locator("#text").fill("no such goods anywhere")
    expect(ben.locator(".empty")).to_contain_text("No alert matches")

    # A view keeps filters for another day.
    ben.goto("/?severity=critical&verdict=none")
    ben.get_by_role("button", name="Save these filters").click()
    ben.locator("#save-view").get_by_label("Name").fill("Critical, open")
    ben.locator("#save-view").get_by_role("button", name="Save").click()
    expect(ben.get_by_role("navigation", name="Views")).to_contain_text("Critical, open")
    ben.get_by_role("link", name="Critical, open").first.click()
    ben.wait_for_url("**severity=critical**")

    # A suppression takes alerts out of the queue, and ends when it is told to.
    ben.goto("/?every=1&verdict=none")
    line = rows(ben).last
    hidden = line.get_attribute("data-id")
    line.get_by_role("link").click()
    ben.wait_for_url("**/alerts/**")
    ben.keyboard.press("s")
    drawer = ben.locator("#suppress")
    drawer.get_by_label("This group").check()
    expect(drawer.locator("[data-preview-said]")).to_contain_text("Matches")
    drawer.get_by_label("Reason").fill("Known trial shipments of this week")
    drawer.get_by_role("button", name="Suppress").click()
    expect(ben.locator("#head")).to_contain_text("suppressed")
    ben.goto("/?every=1&verdict=none")
    assert ben.locator(f"#row-{hidden}").count() == 0
    ben.goto("/suppressions")
    expect(ben.locator("table")).to_contain_text("Known trial shipments of this week")
    ben.get_by_role("button", name="End now").click()
    expect(ben.locator(".empty")).to_contain_text("Nothing is suppressed")


def test_a_viewer_sees_no_names_and_can_do_nothing(served: Served, log_in: LogIn) -> None:
    vera = log_in("vera")
    names = {
        party.name
        for line in served.console.store.queue.page(QueueQuery(), BEN).lines
        for party in line.parties
        if party.name
    }
    assert names
    rows(vera).first.get_by_role("link").click()
    vera.wait_for_url("**/alerts/**")
    text = vera.locator("#content").inner_text()
    assert "pseudonyms" in text
    assert not [name for name in names if name in text]
    assert vera.get_by_role("button", name="Decide").count() == 0
    answer = vera.request.get("/audit")
    assert answer.status == 403


def test_without_script_the_forms_still_work(served: Served, log_in: LogIn) -> None:
    page = log_in("ada", java_script_enabled=False)
    rows(page).first.get_by_role("link").click()
    page.wait_for_url("**/alerts/**")
    page.get_by_role("button", name="Take").or_(page.get_by_role("button", name="Release")).click()
    page.wait_for_url("**/alerts/**")
    page.get_by_role("button", name="Decide").first.click()  # the drawer is the browser's own
    drawer = page.locator("#decide")
    drawer.get_by_label("Not enough to decide").check()
    drawer.get_by_role("button", name="Decide").click()
    page.wait_for_url("**/alerts/**")
    assert "Not enough to decide" in page.locator("#trail").inner_text()
