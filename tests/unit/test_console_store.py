"""What the console keeps: revisions, decisions, suppressions, owners, views, drafts, exports, numbers."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from console_parts import ANALYST, NOW, SUPERVISOR, VIEWER, Clock, alert, gone, revised, store_of, take
from hypothesis import given, settings
from hypothesis import strategies as st

from schemas.disposition import Disposition
from streams.console.access import Role
from streams.console.events import News
from streams.console.store import QueueQuery, Store, exports
from streams.console.store.people import OPERATOR


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def news() -> list[News]:
    return []


@pytest.fixture
def store(tmp_path: Path, clock: Clock, news: list[News]) -> Iterator[Store]:
    made = store_of(tmp_path, *(alert(n) for n in range(4)), clock=clock, publish=news.append)
    for person in (ANALYST, SUPERVISOR):
        made.people.add(person.name, person.role, OPERATOR)
    yield made
    made.close()


def ids(store: Store, **query: Any) -> set[str]:
    return set(store.queue.ids(QueueQuery(**query), ANALYST))


def test_the_newest_revision_counts_in_whatever_order_they_come(store: Store) -> None:
    first = alert(0)
    second, third = (
        revised(first, severity="critical"),
        revised(revised(first), title="Germanium", substances=["germanium"]),
    )
    assert take(store, third).changed == ["alert-0"]
    assert take(store, second, first, third).changed == []
    found = store.alerts.read("alert-0", ANALYST)
    assert found is not None
    assert (found.line.revision, found.line.title) == (3, "Germanium")
    assert [one.revision for one in found.revisions] == [
        3,
        1,
    ]  # the second came too late to be news, as after compaction
    assert ids(store, text="germanium") == {"alert-0"}
    assert ids(store, substance=("germanium",)) == {"alert-0"}
    assert "alert-0" not in ids(store, text='"gallium named"')
    earlier = store.alerts.read("alert-0", ANALYST, revision=1)
    assert earlier is not None
    assert earlier.alert["title"] == first.title
    assert store.alerts.read("alert-0", ANALYST, revision=9) is None


def test_a_tombstone_forgets_an_alert_but_not_what_was_decided(store: Store) -> None:
    store.decisions.decide(["alert-1"], ANALYST, "benign")
    assert take(store, gone(alert(1)), offset=9).gone == ["alert-1"]
    assert ids(store, shown="all") == {"alert-0", "alert-2", "alert-3"}
    assert ids(store, text="alert-1") == set()
    assert store.outbox.state()[0] == 1
    take(store, alert(1))
    assert store.alerts.lines(["alert-1"], ANALYST)[0].verdict == "benign"
    assert store.outbox.offsets() == {("alerts", 0): 9}


def test_the_same_decision_made_again_is_one_decision(store: Store, clock: Clock, news: list[News]) -> None:
    act: dict[str, Any] = {
        "verdict": "true_positive",
        "confirmed_codes": ["MISLABEL-NAME"],
        "found": {"net_mass_kg": 775.0},
    }
    act["revenue_recovered"] = {"amount": 1000.0, "currency": "EUR"}
    first = store.decisions.decide(["alert-0", "alert-1"], ANALYST, **act)
    clock.now += timedelta(minutes=1)
    assert store.decisions.decide(["alert-0", "alert-1"], ANALYST, **act) == first
    assert [one.kind for one in news] == ["decision"]
    waiting = store.outbox.waiting()
    assert [one.key for one in waiting] == ["test:0", "test:1"]
    said = Disposition.model_validate_json(waiting[0].body)
    assert (said.analyst, said.decided_at, said.found and said.found.net_mass_kg) == ("ada", NOW, 775.0)
    # It comes back through Kafka: known. Another person's, or on a newer revision: a decision of its own.
    assert take(store, said).decided == []
    assert store.decisions.decide(["alert-0"], SUPERVISOR, **act)[0].decision_id != first[0].decision_id
    take(store, revised(alert(1), updated_at=clock.now + timedelta(hours=1)))
    assert store.alerts.lines(["alert-1"], ANALYST)[0].stale
    clock.now += timedelta(hours=2)
    assert store.decisions.decide(["alert-1"], ANALYST, **act)[0].decision_id != first[1].decision_id
    assert not store.alerts.lines(["alert-1"], ANALYST)[0].stale
    assert [one.act for one in store.audit.entries(subject="alert-0")] == ["alert.decided", "alert.decided"]
    store.outbox.sent(store.outbox.waiting())
    assert store.outbox.state() == (0, None)
    found = store.alerts.read("alert-0", ANALYST)
    assert found is not None
    assert all(one.sent_at for one in found.decisions)


@pytest.mark.parametrize(
    ("act", "error"),
    [
        ({"verdict": "guilty"}, ValueError), ({"verdict": "benign", "confirmed_codes": ["MISLABEL-NAME"]}, ValueError),
        ({"verdict": "true_positive", "confirmed_codes": ["NO-SUCH"]}, ValueError),
        ({"verdict": "true_positive", "found": {"net_mass_kg": -1.0}}, ValueError),
        ({"verdict": "test", "alert_ids": []}, ValueError),
        ({"verdict": "test", "alert_ids": ["alert-0", "no-such"]}, KeyError),
    ],
)  # fmt: skip
def test_a_decision_that_cannot_be_changes_nothing(store: Store, act: dict[str, Any], error: type[Exception]) -> None:
    with pytest.raises(error):
        store.decisions.decide(**{"alert_ids": ["alert-0"], "person": ANALYST, **act})
    assert store.outbox.waiting() == []
    assert ids(store, verdict=("none",)) == {f"alert-{n}" for n in range(4)}


def test_decisions_of_others_come_before_or_after_their_alert(store: Store) -> None:
    def said(number: int, verdict: str, minutes: int) -> Disposition:
        at = NOW + timedelta(minutes=minutes)
        given = {
            "alert_id": f"alert-{number}",
            "declaration_id": f"test:{number}",
            "verdict": verdict,
            "analyst": "eve",
        }
        return Disposition.model_validate(given | {"decided_at": at})

    later, earlier = said(9, "benign", 5), said(9, "true_positive", 1)
    told = take(store, later, earlier, said(2, "duplicate", 0))
    assert len(told.decided) == 3
    take(store, alert(9))
    lines = store.alerts.lines(["alert-9", "alert-2"], ANALYST)
    assert [(one.verdict, one.decided_by, one.decided_revision) for one in lines] == [
        ("benign", "eve", 1),
        ("duplicate", "eve", 1),
    ]


def test_suppressions_hide_what_matches_wholly_until_they_end(store: Store, clock: Clock) -> None:
    both = [("MISLABEL-NAME", "name-against-code"), ("ROUTE-DETOUR", "detour")]
    take(store, alert(5, codes=both), alert(6, destination="JP"))
    scope = {"rule": "name-against-code", "lane": "CN>TH"}
    assert store.suppressions.preview(**scope) == 4
    with pytest.raises(ValueError, match="30 days"):
        store.suppressions.add(ANALYST, "too long", NOW + timedelta(days=31), lane="CN>TH")
    with pytest.raises(ValueError, match="scope"):
        store.suppressions.add(ANALYST, "all", NOW + timedelta(days=1))
    made = store.suppressions.add(ANALYST, "fair of the week", NOW + timedelta(days=7), **scope)
    assert made.matches == 4
    assert ids(store) == {"alert-5", "alert-6"}  # alert 5 has another ground, which is never hidden
    take(store, alert(7), alert(8, destination="US"))
    assert ids(store) == {"alert-5", "alert-6", "alert-8"}
    marked = store.suppressions.add(SUPERVISOR, "look", NOW + timedelta(days=200), party="CN100", effect="mark")
    assert marked.matches == 8
    assert ids(store) == {"alert-5", "alert-6", "alert-8"}
    assert {one.marked_by for one in store.alerts.lines(["alert-6"], ANALYST)} == {marked.suppression_id}
    veiled = store.suppressions.all(person=VIEWER)
    assert "CN100" not in repr(veiled)
    with pytest.raises(PermissionError):
        store.suppressions.end(ANALYST, marked.suppression_id)
    clock.now += timedelta(days=8)
    assert store.suppressions.expire() == 1
    assert store.suppressions.expire() == 0
    assert len(ids(store)) == 8
    assert store.suppressions.end(SUPERVISOR, marked.suppression_id)
    assert [one.ended_by for one in store.suppressions.all(ended=True)] == ["sam", "console"]
    acts = [one.act for one in store.audit.entries() if one.act.startswith("suppression")]
    assert acts == ["suppression.ended", "suppression.ended", "suppression.began", "suppression.began"]


def test_alerts_have_owners_who_hand_them_over(store: Store) -> None:
    assert store.work.take(["alert-0", "alert-1"], ANALYST) == 2
    assert store.work.take(["alert-0"], ANALYST) == 0
    assert store.work.take(["alert-2"], SUPERVISOR) == 1
    assert store.work.release(["alert-0", "alert-2"], ANALYST) == 1  # not somebody else's
    store.people.add("off", Role.analyst, OPERATOR)
    store.people.change("off", OPERATOR, active=False)
    store.people.add("vic", Role.viewer, OPERATOR)
    assert store.work.colleagues() == ("ada", "sam")
    for nobody in ("off", "vic", "nobody"):
        with pytest.raises(LookupError):
            store.work.hand_over(["alert-1"], ANALYST, nobody)
    assert store.work.hand_over(["alert-1"], ANALYST, "sam", "off sick") == 1
    assert ids(store, owner=("sam",)) == {"alert-1", "alert-2"}
    assert ids(store, owner=("",)) == {"alert-0", "alert-3"}
    last = store.audit.entries(act="alert.handed_over")[0]
    assert last.details == {"before": "ada", "to": "sam", "note": "off sick"}


def test_views_are_ones_own_or_shared_by_supervisors(store: Store) -> None:
    query = QueueQuery(severity=("high",), owner=("",), text="镓")
    mine = store.views.save(ANALYST, "mine", query)
    assert QueueQuery.of(mine.query) == query
    assert store.views.save(ANALYST, "mine", QueueQuery()).query == {}
    with pytest.raises(PermissionError):
        store.views.save(ANALYST, "ours", query, shared=True)
    ours = store.views.save(SUPERVISOR, "ours", query, shared=True)
    assert [one.name for one in store.views.all(ANALYST)] == ["mine", "ours"]
    assert [one.name for one in store.views.all(SUPERVISOR)] == ["ours"]
    assert not store.views.delete(ANALYST, ours.view_id)
    assert store.views.delete(SUPERVISOR, ours.view_id)


def test_numbers_follow_decisions_and_ask_for_tuning(store: Store) -> None:
    both = [("MISLABEL-NAME", "name-against-code"), ("ROUTE-DETOUR", "detour")]
    take(
        store,
        *(alert(n, codes=both, destination="JP") for n in range(20, 30)),
        *(alert(n, codes=both) for n in range(30, 34)),
    )
    store.decisions.decide([f"alert-{n}" for n in range(20, 30)], ANALYST, "false_positive")
    store.decisions.decide(["alert-30", "alert-31"], ANALYST, "true_positive", ["MISLABEL-NAME"])
    found = store.overview(30)
    rules = {one.rule: (one.code, one.alerts, one.confirmed, one.refuted, one.needs_tuning) for one in found.rules}
    assert rules == {
        "name-against-code": ("MISLABEL-NAME", 18, 2, 10, True),
        "detour": ("ROUTE-DETOUR", 14, 0, 10, True),  # the confirmed ones were confirmed on another ground
    }
    assert next(one.precision for one in found.codes if one.code == "MISLABEL-NAME") == pytest.approx(2 / 12)
    assert (found.queue_age.undecided, found.queue_age.median_hours, found.decided) == (6, 1.0, 12)
    assert found.by_day[-1].day == "2026-11-22"
    assert found.by_day[-1].high == 18
    assert {one.value: one.count for one in found.by_lane} == {"CN>TH": 8, "CN>JP": 10}
    draft = store.drafts.open(SUPERVISOR, "name-against-code")
    assert "10 refuted and 2 confirmed" in draft.yaml
    assert draft.state == "open"
    assert store.drafts.close(SUPERVISOR, draft.draft_id, "taken")
    assert not store.drafts.close(SUPERVISOR, draft.draft_id, "dropped")
    with pytest.raises(KeyError):
        store.drafts.open(SUPERVISOR, "no-such-rule")


def test_likeness_and_company_of_an_alert(store: Store) -> None:
    far = alert(
        40, exporter=("CN900", "Other"), destination="US", substances=["tungsten"], codes=[("HAND-CARRIED", "by-post")]
    )
    near = alert(41, age=30.0)
    take(store, far, near)
    store.decisions.decide(["alert-41"], ANALYST, "true_positive")
    similar = store.alerts.similar("alert-0", ANALYST)
    assert similar[0].line.alert_id == "alert-41"
    assert similar[0].likeness > 0.9
    assert all(one.likeness < 0.5 for one in similar if one.line.alert_id == "alert-40")
    assert {one.alert_id for one in store.alerts.related("alert-0", ANALYST)} == {
        "alert-1",
        "alert-2",
        "alert-3",
        "alert-41",
    }
    days = store.alerts.lane("alert-0")
    assert [(one.day, one.alerts, one.confirmed) for one in days] == [("2026-11-21", 1, 1), ("2026-11-22", 4, 0)]
    assert not any("CN100" in trait for one in store.alerts.similar("alert-0", VIEWER) for trait in one.shared)


@given(value=st.text(max_size=20))
@settings(max_examples=50, deadline=None)
def test_no_cell_of_an_export_begins_a_formula(value: str) -> None:
    blank: dict[str, Any] = dict.fromkeys(exports.COLUMNS)
    row = blank | {"title": value, "codes": [value]}
    written = b"".join(exports.as_csv([row])).decode("utf-8-sig")
    _, read = csv.reader(io.StringIO(written, newline=""))
    for name in ("title", "codes"):
        cell = read[exports.COLUMNS.index(name)]
        assert not cell.lstrip(" ").startswith(("=", "+", "-", "@", "\t", "\r"))
        assert cell.removeprefix("'") == value.removeprefix("'") or cell == value


def test_exports_are_whole_audited_and_in_order(store: Store) -> None:
    take(store, *(alert(n) for n in range(100, 550)))
    rows = list(store.export(ANALYST, QueueQuery(sort="oldest")))
    assert [row["alert_id"] for row in rows] == list(store.queue.ids(QueueQuery(sort="oldest"), ANALYST))
    assert (
        json.loads(b"".join(exports.as_json(store.export(ANALYST, alert_ids=["alert-3", "alert-1"]))))[1]["alert_id"]
        == "alert-1"
    )
    assert [one.details for one in store.audit.entries(act="export")] == [{"ids": 2}, {"query": {"sort": "oldest"}}]
    assert json.loads(b"".join(exports.as_json([]))) == []
