"""From verdicts to alerts: the same whatever comes first, twice or late; an alert opens, changes, is withdrawn, opens again."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from verdicts import DAY, KINDS, finding, verdict

from detectors.correlate import Case, alert_id, correlate
from schemas.alert import Alert
from schemas.finding import Verdict

NOW = DAY + timedelta(days=1)
EVENTS = ("lodged", "amended", "accepted", "released", "exited", "cancelled")


class Stage:
    """The correlate stage with its table of cases, as a worker keeps it."""

    def __init__(self, threshold: int = 25) -> None:
        self.threshold = threshold
        self.cases: dict[str, Case] = {}
        self.published: list[Alert] = []
        self.now = NOW

    def apply(self, *verdicts: Verdict) -> tuple[list[Case], list[Alert]]:
        """Correlate one batch; keep the cases, publish the alerts, let a minute pass."""
        cases, alerts = correlate(verdicts, self.cases, self.now, self.threshold)
        self.now += timedelta(minutes=1)
        self.cases |= {case.declaration_id: case for case in cases}
        self.published += alerts
        return cases, alerts

    def one(self, *verdicts: Verdict) -> Alert:
        """Correlate one batch that changes one alert."""
        _, [alert] = self.apply(*verdicts)
        return alert

    def recovered(self) -> Stage:
        """Return a worker that read the cases back from their topic."""
        fresh = Stage(self.threshold)
        fresh.cases = {
            key: Case.model_validate_json(case.model_dump_json(by_alias=True)) for key, case in self.cases.items()
        }
        return fresh


def standing(cases: Iterable[Case]) -> dict[str, dict[str, Any]]:
    """Return what the alerts that stand say, without counters and times; a withdrawn alert says what no alert says."""
    return {
        case.declaration_id: case.alert.model_dump(exclude={"revision", "status", "raised_at", "updated_at"})
        for case in cases
        if case.alert is not None and case.alert.status != "withdrawn"
    }


# -- order, duplicates, batches


@st.composite
def stories(draw: st.DrawFn) -> tuple[list[Verdict], list[Verdict], list[int], list[int]]:
    """Return verdicts in one order, the same in another with some of them twice, and where to cut each into batches."""
    about = st.tuples(
        st.sampled_from(["d1", "d2"]),
        st.integers(1, 4),
        st.sampled_from(EVENTS),
        st.sampled_from(["screen", "profile"]),
    )
    keys = draw(st.lists(about, unique=True, min_size=1, max_size=10))
    kinds = st.lists(st.sampled_from(sorted(KINDS)), unique=True, max_size=3)
    told = [
        verdict(
            *([] if event == "cancelled" else draw(kinds)),
            declaration_id=key,
            version=version,
            event=event,
            stage=stage,
        )
        for key, version, event, stage in keys
    ]
    again = draw(st.permutations([*told, *draw(st.lists(st.sampled_from(told), max_size=6))]))
    cuts = st.lists(st.integers(0, 16), max_size=5).map(sorted)
    return told, again, draw(cuts), draw(cuts)


def in_batches(told: Sequence[Verdict], cuts: list[int]) -> Iterable[Sequence[Verdict]]:
    edges = [0, *cuts, len(told)]
    return (told[start:end] for start, end in zip(edges, [*edges[1:], len(told)], strict=True))


@settings(max_examples=250, deadline=None)
@given(stories())
def test_order_repetition_and_batches_do_not_matter(
    story: tuple[list[Verdict], list[Verdict], list[int], list[int]],
) -> None:
    told, again, cuts, other_cuts = story
    one, other = Stage(), Stage()
    for batch in in_batches(told, cuts):
        one.apply(*batch)
    for batch in in_batches(again, other_cuts):
        other.apply(*batch)
    assert standing(one.cases.values()) == standing(other.cases.values())
    assert {key: case.version for key, case in one.cases.items()} == {k: c.version for k, c in other.cases.items()}


@settings(max_examples=150, deadline=None)
@given(stories())
def test_redelivery_changes_nothing_even_after_recovery(
    story: tuple[list[Verdict], list[Verdict], list[int], list[int]],
) -> None:
    told, again, cuts, other_cuts = story
    stage = Stage()
    for batch in in_batches(told, cuts):
        stage.apply(*batch)
    recovered = stage.recovered()
    assert recovered.cases == stage.cases
    for worker in (stage, recovered):
        for batch in in_batches(again, other_cuts):
            assert worker.apply(*batch) == ([], [])


@settings(max_examples=150, deadline=None)
@given(stories())
def test_what_is_published_is_what_is_remembered(
    story: tuple[list[Verdict], list[Verdict], list[int], list[int]],
) -> None:
    """The last record of each key on the compacted topic of alerts is the alert of the case; revisions only grow."""
    told, _, cuts, _ = story
    stage = Stage()
    for batch in in_batches(told, cuts):
        before = dict(stage.cases)
        snapshot = {key: case.model_dump_json() for key, case in before.items()}
        correlate(batch, before, stage.now, 25)
        assert {key: case.model_dump_json() for key, case in before.items()} == snapshot
        stage.apply(*batch)
    last = {alert.declaration_id: alert for alert in stage.published}
    assert last == {key: case.alert for key, case in stage.cases.items() if case.alert is not None}
    for key in last:
        revisions = [alert.revision for alert in stage.published if alert.declaration_id == key]
        assert revisions == sorted(set(revisions))
    for alert in last.values():
        assert Alert.model_validate_json(alert.model_dump_json(by_alias=True)) == alert


# -- the life of an alert


def test_an_alert_opens_changes_is_withdrawn_and_opens_again() -> None:
    stage = Stage()
    opened = stage.one(verdict("strong"))
    changed = stage.one(verdict("strong", "route", version=2, event="amended"))
    withdrawn = stage.one(verdict(version=3, event="amended"))
    reopened = stage.one(verdict("route", version=4, event="amended"))
    life = [opened, changed, withdrawn, reopened]
    assert [alert.status for alert in life] == ["open", "updated", "withdrawn", "open"]
    assert [alert.revision for alert in life] == [1, 2, 3, 4]
    assert [alert.declaration_version for alert in life] == [1, 2, 3, 4]
    assert {alert.alert_id for alert in life} == {alert_id("d1")}
    assert {alert.raised_at for alert in life} == {NOW}
    assert [alert.updated_at for alert in life] == [NOW + timedelta(minutes=n) for n in range(4)]


def test_an_amendment_that_removes_the_grounds_withdraws_and_says_so() -> None:
    stage = Stage()
    opened = stage.one(verdict("strong"))
    withdrawn = stage.one(verdict(version=2, event="amended"))
    assert withdrawn.summary.startswith("Withdrawn: the declaration was changed (version 2)")
    assert opened.summary in withdrawn.summary
    assert withdrawn.reasons == opened.reasons
    assert stage.apply(verdict(version=3, event="amended"))[1] == []


def test_grounds_below_the_threshold_withdraw_too() -> None:
    stage = Stage()
    stage.one(verdict("strong"))
    assert stage.one(verdict("faint", version=2, event="amended")).status == "withdrawn"


def test_a_cancellation_withdraws_whatever_another_stage_said() -> None:
    for stages in (("screen", "profile"), ("profile", "screen")):
        stage = Stage()
        for name in stages:
            stage.apply(verdict("strong", stage=name))
        withdrawn = stage.one(verdict(event="cancelled"))
        assert withdrawn.status == "withdrawn"
        assert "was cancelled" in withdrawn.summary
        assert stage.apply(verdict("route", stage="profile", event="accepted"))[1] == []


def test_a_cancelled_declaration_lodged_again_opens_again() -> None:
    stage = Stage()
    stage.apply(verdict("strong"), verdict(version=2, event="cancelled"))
    assert stage.one(verdict("strong", version=3, event="amended")).status == "open"


def test_an_older_version_that_arrives_late_is_ignored() -> None:
    stage = Stage()
    stage.apply(verdict(version=2, event="amended"))
    assert stage.apply(verdict("strong", version=1)) == ([], [])
    stage.apply(verdict("route", version=3, event="amended"))
    assert stage.apply(verdict("strong", "route", version=2, event="amended")) == ([], [])
    assert stage.cases["d1"].version == 3


def test_an_earlier_step_of_the_same_version_is_ignored() -> None:
    stage = Stage()
    stage.apply(verdict("route", event="released"))
    assert stage.apply(verdict("strong", event="accepted")) == ([], [])


def test_the_same_verdict_from_another_offset_is_no_news() -> None:
    """A source that sends a declaration twice makes two records; the alert must not be revised for that."""
    stage = Stage()
    stage.one(verdict("strong"))
    again = verdict("strong", provenance=verdict().provenance | {"origin": "t/0@99"})
    assert stage.apply(again)[1] == []


def test_several_verdicts_of_a_batch_give_one_alert() -> None:
    stage = Stage()
    cases, alerts = stage.apply(
        verdict("strong"), verdict(version=2, event="amended"), verdict("route", version=3, event="amended")
    )
    assert len(cases) == len(alerts) == 1
    assert (alerts[0].status, alerts[0].declaration_version) == ("open", 3)


# -- what is selected, and what it says


def test_what_the_law_forbids_is_raised_below_the_threshold() -> None:
    alert = Stage().one(verdict("forbidden"))
    assert alert.risk_score < 25
    assert alert.selected_by == ["mandatory"]
    assert Stage().one(verdict("forbidden", "strong")).selected_by == ["risk", "mandatory"]


@pytest.mark.parametrize(("threshold", "raised"), [(65, True), (66, False)])
def test_the_threshold_is_the_lowest_risk_that_alerts(threshold: int, raised: bool) -> None:
    _, alerts = Stage(threshold).apply(verdict("strong"))
    assert [alert.risk_score for alert in alerts] == ([65] if raised else [])


def test_no_findings_no_alert_even_without_a_threshold() -> None:
    assert Stage(0).apply(verdict(version=2, event="amended"))[1] == []


def test_reasons_stand_strongest_first() -> None:
    alert = Stage().one(verdict("faint", "route", "same code", "strong", "forbidden"))
    assert [reason.detector for reason in alert.reasons] == ["strong", "same-code", "route", "forbidden", "faint"]
    assert alert.title == "Title of strong (CN to TH via VN)"
    assert alert.substances == ["gallium", "germanium", "antimony"]


def test_stages_add_up() -> None:
    stage = Stage()
    screened = stage.one(verdict("strong"))
    both = stage.one(verdict("route", stage="profile"))
    assert both.status == "updated"
    assert both.risk_score > screened.risk_score
    assert [reason.detector for reason in both.reasons] == ["strong", "route"]


def test_a_finding_of_another_stage_brings_its_own_declaration() -> None:
    """The screen said nothing of version 2, so its verdict carries no declaration; the alert needs one all the same."""
    stage = Stage()
    stage.apply(verdict(version=2, event="amended"))
    alert = stage.one(verdict("route", "strong", version=2, stage="profile"))
    assert alert.declaration["country_of_destination"] == "TH"
    assert [entity.name for entity in alert.entities] == ["Hunan Yongli"]


def test_related_alerts_share_a_group() -> None:
    stage = Stage()
    _, alerts = stage.apply(*(verdict("strong", declaration_id=each) for each in ("d1", "d2")))
    assert {alert.group_key for alert in alerts} == {"CN1|gallium|TH"}
    assert len({alert.alert_id for alert in alerts}) == 2
    assert stage.one(verdict("forbidden", declaration_id="d3")).group_key == "CN1|antimony|TH"


def test_ids_are_the_same_for_ever() -> None:
    """Consumers keep alert ids; a change of the name space would orphan every disposition."""
    assert alert_id("cds:GB987654321000:LRN-1") == "b836fe3d-04e4-502f-8d8b-ca5a95405fbb"


def test_a_long_summary_can_still_be_withdrawn() -> None:
    long = verdict("strong").model_copy(update={"findings": [finding("strong", explanation="x" * 8192)]})
    stage = Stage()
    stage.one(long)
    withdrawn = stage.one(verdict(version=2, event="amended"))
    assert Alert.model_validate_json(withdrawn.model_dump_json(by_alias=True)) == withdrawn


def test_times_survive_the_topic_to_the_microsecond() -> None:
    stage = Stage()
    stage.now = datetime.fromisoformat("2026-11-22T08:14:05.123456+00:00")
    alert = stage.one(verdict("strong"))
    assert json.loads(alert.model_dump_json())["raised_at"] == "2026-11-22T08:14:05.123456Z"
    assert stage.recovered().cases["d1"].alert == alert
