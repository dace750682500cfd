"""The report is one page that asks nothing of the network, says what was counted, and escapes what was declared."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from html.parser import HTMLParser
from pathlib import Path

import pytest
from lxml import etree

from schemas.alert import Alert, Entity, Provenance
from schemas.finding import Evidence, Finding
from schemas.types import SEVERITIES, FindingCode, Severity
from streams import report
from streams.report.tally import tally

NOW = datetime(2026, 11, 22, 9, 30, tzinfo=UTC)
RUN = report.Run("Replay of a feed", ["feed.ndjson"], judged=2_000, dead_letters=3, generated_at=NOW, seconds=0.5)


def alert(
    number: int,
    severity: Severity = "high",
    codes: tuple[FindingCode, ...] = ("MISLABEL-VALUE",),
    lane: tuple[str | None, str | None] = ("CN", "TH"),
    day: int = 0,
    status: str = "open",
    title: str = "Gallium declared as zinc alloy",
) -> Alert:
    when = NOW + timedelta(days=day)
    risk = 25 * (1 + SEVERITIES.index(severity))
    reasons = [
        Finding(
            finding_id=f"f{number}-{code}",
            declaration_id=f"d{number}",
            declaration_version=1,
            item=1,
            code=code,
            detector="rules",
            detector_version="1",
            score=0.9,
            severity=severity,
            title="Price of gallium on zinc alloy",
            explanation="446 USD/kg is the price of gallium; zinc alloy costs 3.",
            evidence=[Evidence(path="/items/0/value", observed=446.0, expected="2 to 5 USD/kg", reference="band 7901")],
            observed_at=when,
        )
        for code in codes
    ]
    return Alert.model_validate(
        {
            "alert_id": f"a{number}",
            "revision": 1,
            "status": status,
            "declaration_id": f"d{number}",
            "declaration_version": 1,
            "raised_at": when,
            "updated_at": when,
            "event_time": when,
            "risk_score": min(risk, 100),
            "severity": severity,
            "confidence": 0.8,
            "selected_by": ["risk"],
            "title": title,
            "summary": "The value fits gallium.",
            "substances": ["gallium"],
            "reasons": reasons,
            "entities": [Entity(role="exporter", name="Acme", country="CN")],
            "declaration": {"country_of_export": lane[0], "country_of_destination": lane[1]},
            "provenance": Provenance(rules="core@1", reference="2026-11", engine="0.1.0"),
        }
    )


class Page(HTMLParser):
    """Collects what a browser would fetch, and checks that elements nest."""

    def __init__(self) -> None:
        super().__init__()
        self.fetched: list[str] = []
        self.scripts = 0

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        self.scripts += tag == "script"
        for name, value in attributes:
            if name in ("src", "href", "xlink:href", "data", "action") and not (value or "").startswith("#"):
                self.fetched.append(f"{tag} {name}={value}")


def test_page_fetches_nothing_and_runs_nothing() -> None:
    page = Page()
    written = report.render([alert(1), alert(2, "low", ("ROUTE-TRANSIT",))], RUN)
    page.feed(written)
    assert page.fetched == []
    assert page.scripts == 0
    assert "@import" not in written
    assert not re.search(r"url\((?!#)", written)


def test_declared_text_cannot_become_markup() -> None:
    written = report.render([alert(1, title='<img src="x" onerror=alert(1)> 金属镓')], RUN)
    assert "<img" not in written
    assert "&lt;img" in written
    assert "金属镓" in written


def test_headline_counts_standing_alerts_and_names_withdrawn_ones() -> None:
    alerts = [alert(1, "critical"), alert(2, "medium"), alert(3, "critical", status="withdrawn")]
    written = report.render(alerts, RUN)
    tiles = re.findall(r'class="figure">([^<]+)</div><div>([^<]+)</div><div class="quiet">([^<]*)', written)
    assert tiles == [
        ("2,000", "declarations judged", "4,000 a second"),
        ("2", "alerts", "1.00 per 1,000 declarations"),
        ("1", "high or critical", "1 more withdrawn"),
        ("3", "dead letters", "records that could not be judged"),
    ]


def test_strongest_alert_comes_first_with_its_evidence() -> None:
    written = report.render([alert(1, "low", title="weak"), alert(2, "critical", title="strong")], RUN)
    assert written.index("strong</h3>") < written.index("weak</h3>")
    assert "<td><code>/items/0/value</code></td><td>446</td><td>2 to 5 USD/kg</td><td>band 7901</td>" in written


def test_every_chart_is_well_formed_with_ids_of_its_own() -> None:
    written = report.render([alert(n, day=n) for n in range(5)], RUN)
    drawn = re.findall(r"<svg.*?</svg>", written, re.DOTALL)
    assert len(drawn) == 4
    for svg in drawn:
        etree.fromstring(svg)
    ids = re.findall(r'\bid="([^"]+)"', "".join(drawn))
    assert len(ids) == len(set(ids))
    for target in re.findall(r'(?:url\(#|href="#)([^")]+)', "".join(drawn)):
        assert target in ids


def test_same_alerts_give_the_same_page_in_any_order() -> None:
    alerts = [alert(n, SEVERITIES[n % 4], day=n) for n in range(12)]
    assert report.render(alerts, RUN) == report.render(alerts[::-1], RUN)


def test_long_lists_are_cut_and_say_so() -> None:
    alerts = [alert(n) for n in range(report.SHOWN_IN_FULL + report.SHOWN_IN_LINES + 1_200)]
    written = report.render(alerts, RUN)
    assert written.count("<article") == report.SHOWN_IN_FULL
    assert "1,200 weaker alerts" in written


def test_no_alerts_gives_a_page_that_says_so(tmp_path: Path) -> None:
    report.write(tmp_path / "deep" / "page.html", [], RUN)
    assert "No declaration reached a risk of 25" in (tmp_path / "deep" / "page.html").read_text(encoding="utf-8")


def test_tally_counts_an_alert_once_under_each_of_its_codes() -> None:
    counted = tally([alert(1, "high", ("MISLABEL-VALUE", "MISLABEL-NAME", "MISLABEL-VALUE"))])
    assert counted.by_code == {"MISLABEL-NAME": {"high": 1}, "MISLABEL-VALUE": {"high": 1}}


def test_tally_keeps_the_largest_lanes_and_counts_the_rest() -> None:
    countries = [a + b for a in "ABCDEF" for b in "ABCDE"]
    alerts = [alert(n, lane=("CN", code)) for n, code in enumerate(countries)] + [alert(99, lane=("CN", None))] * 2
    counted = tally(alerts)
    assert next(iter(counted.by_lane.items())) == ("CN → ?", {"high": 2})
    assert counted.other_lanes == (16, 16)
    assert "16 further lanes carry 16 alerts" in report.render(alerts, RUN)


@pytest.mark.parametrize(
    ("span", "step", "columns"), [(0, "day", 1), (61, "day", 62), (62, "week", 10), (700, "month", 24)]
)
def test_tally_of_time_leaves_no_gaps_and_fits_the_chart(span: int, step: str, columns: int) -> None:
    counted = tally([alert(1), alert(2, day=span)])
    assert counted.step == step
    assert len(counted.by_time) == columns
    assert sum(sum(split.values()) for split in counted.by_time.values()) == 2
