"""The queue answers what a naive filter over the same alerts answers: filters, order, pages, groups, counts, search."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from itertools import pairwise
from pathlib import Path
from random import Random
from typing import Any

import pytest
from console_parts import ANALYST, NOW, SUPERVISOR, VIEWER, Clock, alert, store_of
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from schemas.alert import Alert
from streams.console.store import QueueQuery, Store
from streams.console.store import words as folded

SEVERITIES = ("medium", "high", "critical")
CODES = [
    [("MISLABEL-NAME", "name-against-code")],
    [("ROUTE-DETOUR", "detour")],
    [("MISLABEL-NAME", "name-against-code"), ("ROUTE-DETOUR", "detour")],
]
TEXTS = ("zinc alloy ingots", "镓锭 99.99%", "锑锭", "ÉTAIN en lingots", "nothing to see")
SEARCHES = ("zinc", '"alloy ing"', "锑", "镓锭", "etain", "hunan", "zinc 锑", "alert-7", "test:1", "zzz", '"锭 99"')
EXPORTERS = [("CN100", "Hunan Yongli"), ("CN200", "Guangxi Antimon"), (None, "Ohne Nummer GmbH"), None]
VERDICTS = ("true_positive", "false_positive", "benign")


def made(number: int, chance: Random) -> Alert:
    exporter: Any = chance.choice(EXPORTERS)
    return alert(
        number,
        codes=chance.choice(CODES),
        exporter=exporter,
        export=chance.choice(("CN", "HK")),
        destination=chance.choice(("TH", "JP", "US")),
        office=chance.choice(("CN4900", "CN5300", None)),
        description=chance.choice(TEXTS),
        substances=chance.choice(([], ["gallium"], ["antimony", "gallium"])),
        severity=chance.choice(SEVERITIES),
        status=chance.choice(("open", "updated", "withdrawn")),
        risk_score=chance.choice((25, 50, 75, 90)),
        age=float(chance.randrange(200)),
    )


class World:
    """A store, and what a naive reader knows of each of its alerts."""

    def __init__(self, folder: Path) -> None:
        chance = Random(7)
        self.told = [made(number, chance) for number in range(150)]
        self.store: Store = store_of(folder, *self.told, clock=Clock())
        ids = [one.alert_id for one in self.told]
        chance.shuffle(ids)
        self.owner = dict.fromkeys(ids[:40], ANALYST.name) | dict.fromkeys(ids[40:60], SUPERVISOR.name)
        for person in (ANALYST, SUPERVISOR):
            self.store.work.take([one for one, owner in self.owner.items() if owner == person.name], person)
        self.verdict = {one: VERDICTS[n % 3] for n, one in enumerate(ids[20:80])}
        for verdict in VERDICTS:
            some = [one for one, said in self.verdict.items() if said == verdict]
            self.store.decisions.decide(some, ANALYST, verdict)
        self.hidden_lane = "HK>US"
        self.store.suppressions.add(SUPERVISOR, "known", NOW + timedelta(days=5), lane=self.hidden_lane)
        self.number = {one.alert_id: n for n, one in enumerate(self.told)}

    def naive(self, query: QueueQuery) -> list[str]:
        """Filter and sort in Python."""
        keys = {
            "risk": lambda a: (a.risk_score, a.raised_at, self.number[a.alert_id]),
            "newest": lambda a: (a.raised_at, self.number[a.alert_id]),
            "oldest": lambda a: (a.raised_at, self.number[a.alert_id]),
            "updated": lambda a: (a.updated_at, self.number[a.alert_id]),
        }
        found = [one for one in self.told if self.fits(one, query)]
        found.sort(key=keys[query.sort], reverse=query.sort != "oldest")
        return [one.alert_id for one in found]

    def values(self, one: Alert) -> dict[str, set[Any]]:
        """Return the values of each filter that an alert has."""
        said = one.declaration
        lane = f"{said['country_of_export']}>{said['country_of_destination']}"
        return {
            "severity": {one.severity},
            "status": {one.status},
            "code": {reason.code for reason in one.reasons},
            "rule": {reason.detector for reason in one.reasons},
            "substance": set(one.substances),
            "office": {said["office"]},
            "country": {said["country_of_export"], said["country_of_destination"]},
            "lane": {lane},
            "owner": {self.owner.get(one.alert_id, "")},
            "verdict": {self.verdict.get(one.alert_id, "none")},
        }

    def fits(self, one: Alert, query: QueueQuery) -> bool:
        many = self.values(one)
        (lane,) = many["lane"]
        if any(getattr(query, name) and not has & set(getattr(query, name)) for name, has in many.items()):
            return False
        if query.group_key is not None and one.group_key != query.group_key:
            return False
        if query.party is not None and query.party not in {entity.id for entity in one.entities}:
            return False
        age = (NOW - one.raised_at) / timedelta(hours=1)
        if query.older_than is not None and age < query.older_than:
            return False
        if query.newer_than is not None and age > query.newer_than:
            return False
        if query.shown != "all" and (lane == self.hidden_lane) is not (query.shown == "suppressed"):
            return False
        return query.text is None or self.holds(one, query.text)

    @staticmethod
    def holds(one: Alert, asked: str) -> bool:
        """Say whether each run of tokens stands in one of the texts, its last token as a beginning."""
        item = one.declaration["items"][0]
        texts = [
            one.title,
            item["description"],
            item["commodity_code"],
            one.alert_id,
            one.declaration_id,
            "Item 1: look at it.",
        ]
        texts += [one.declaration["office"] or "", "L-1", "Changsha", *one.substances]
        texts += [t for r in one.reasons for t in (r.code, r.detector, r.title)]
        texts += [t for e in one.entities for t in (e.id, e.name) if t]
        known = [" " + " ".join(folded.tokens(text)) for text in texts]
        return all(any(" " + " ".join(run) in text for text in known) for run in folded.asked(asked))


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr("streams.console.store.queue._FEW", 20)  # some queries match fewer, some more
        yield World(tmp_path_factory.mktemp("queue"))


def some(*values: str) -> Any:
    return st.lists(st.sampled_from(values), max_size=2, unique=True).map(tuple)


QUERIES = st.builds(
    QueueQuery,
    text=st.none() | st.sampled_from(SEARCHES),
    severity=some(*SEVERITIES),
    status=some("open", "updated", "withdrawn"),
    code=some("MISLABEL-NAME", "ROUTE-DETOUR"),
    substance=some("gallium", "antimony"),
    office=some("CN4900", "CN5300"),
    country=some("CN", "HK", "US"),
    lane=some("CN>TH", "HK>US"),
    owner=some("", "ada", "sam"),
    verdict=some("none", *VERDICTS),
    rule=some("detour"),
    group_key=st.none() | st.sampled_from(["CN100|gallium|TH"]),
    party=st.none() | st.sampled_from(["CN100", "CN200"]),
    older_than=st.none() | st.sampled_from([24.5, 100.5]),
    newer_than=st.none() | st.sampled_from([48.5, 150.5]),
    shown=st.sampled_from(["visible", "suppressed", "all"]),
    sort=st.sampled_from(["risk", "newest", "oldest", "updated"]),
    limit=st.sampled_from([17, 50]),
)


@given(query=QUERIES)
@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_filters_order_and_pages_are_those_of_a_naive_reader(world: World, query: QueueQuery) -> None:
    wanted = world.naive(query)
    queue = world.store.queue
    assert list(queue.ids(query, ANALYST)) == wanted
    counts = queue.counts(query, ANALYST)
    assert counts.total == len(wanted)
    fitting = [world.values(one) for one in world.told if world.fits(one, query)]
    for field, facets in counts.facets.items():
        occurring = Counter(value for values in fitting for value in values[field] if value is not None)
        assert {facet.value: facet.count for facet in facets} == occurring, field
    pages, page = [], queue.page(query, ANALYST)
    assert page.previous is None
    pages.append(page)
    while page.next:
        page = queue.page(replace(query, cursor=page.next), ANALYST)
        pages.append(page)
    assert [line.alert_id for one in pages for line in one.lines] == wanted
    for before, after in pairwise(pages):
        assert after.previous is not None
        assert queue.page(replace(query, cursor=after.previous), ANALYST).lines == before.lines
    assert QueueQuery.of(query.parameters()) == query


def test_counts_and_groups_are_those_of_a_naive_reader(world: World) -> None:
    query = QueueQuery(severity=("high", "critical"), limit=500)
    wanted = [one for one in world.told if world.fits(one, query)]
    counts = world.store.queue.counts(query, ANALYST)
    assert counts.total == len(wanted)
    assert {f.value: f.count for f in counts.facets["country"]} == {
        country: n for country in ("CN", "HK", "TH", "JP", "US")
        if (n := sum(country in (o.declaration["country_of_export"], o.declaration["country_of_destination"]) for o in wanted))
    }  # fmt: skip
    assert counts.undecided == sum(one.alert_id not in world.verdict for one in wanted)
    groups = world.store.queue.groups(query, ANALYST)
    assert {group.group_key: group.count for group in groups} == {
        key: sum(one.group_key == key for one in wanted) for key in {one.group_key for one in wanted}
    }
    assert [group.strongest.risk_score for group in groups] == sorted(
        (group.strongest.risk_score for group in groups), reverse=True
    )


def test_viewers_find_nothing_by_names_and_see_none(world: World) -> None:
    queue = world.store.queue
    assert queue.ids(QueueQuery(text="hunan"), ANALYST)
    assert queue.ids(QueueQuery(text="hunan"), VIEWER) == ()
    assert queue.ids(QueueQuery(party="CN100"), VIEWER) == ()
    assert queue.ids(QueueQuery(group_key="CN100|gallium|TH"), VIEWER) == ()
    lines = queue.page(QueueQuery(text="zinc", limit=500), VIEWER).lines
    assert lines
    assert not any("Hunan" in repr(line) or "CN100" in repr(line) for line in lines)
    pseudonym = next(line.parties[0].key for line in lines if line.parties)
    again = queue.page(QueueQuery(party=pseudonym, limit=500), VIEWER).lines
    assert again
    assert {line.parties[0].name for line in again} == {pseudonym}
    group = next(line.group_key for line in again if line.group_key)
    assert queue.ids(QueueQuery(group_key=group), VIEWER)


@pytest.mark.parametrize(
    "given",
    [{"severity": "grave"}, {"sort": "size"}, {"older_than": "long"}, {"limit": "0"}, {"text": "x" * 2000}, {"owner": "\0"}],
)  # fmt: skip
def test_values_that_cannot_be_are_refused_with_a_sentence(given: dict[str, str]) -> None:
    with pytest.raises(ValueError, match=next(iter(given))):
        QueueQuery.of(given)


@pytest.mark.parametrize("cursor", ["", "x", "WzFd", "W10", "eyJhIjoxfQ", "é"])
def test_a_cursor_of_another_order_is_refused(world: World, cursor: str) -> None:
    other = world.store.queue.page(QueueQuery(sort="newest", limit=3), ANALYST).next
    with pytest.raises(ValueError, match="cursor"):
        world.store.queue.page(QueueQuery(sort="risk", cursor=cursor or other), ANALYST)
