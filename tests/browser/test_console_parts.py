"""What an alert's panels say, without a browser: evidence in the form, prices on bands, ways, windows, controls."""

from __future__ import annotations

import copy
import re
from datetime import UTC, date, datetime
from typing import Any

import pytest

from detectors import engine
from streams.console.pages import _controls, _declared, _prices, _ways, _windows
from streams.console.pages import _written as written

REFERENCE = engine.default_reference()
NAMES = {code: entry.name for code, entry in REFERENCE.countries.items()}

ALERT: dict[str, Any] = {
    "declaration_id": "cds:GB1:LRN-9",
    "severity": "critical",
    "event_time": "2026-11-20T08:14:05Z",
    "substances": ["gallium"],
    "declaration": {
        "lodged_at": "2026-11-20T08:14:05Z",
        "event": "lodged",
        "version": 1,
        "country_of_export": "CN",
        "country_of_destination": "TH",
        "routing": ["CN", "SG", "TH"],
        "consignee": {"name": "Falcon Imports", "country": "TH"},
        "items": [
            {
                "number": 4,
                "commodity_code": "7801910000",
                "description": "LEAD-ANTIMONY ALLOY 金属镓 Straße",
                "net_mass_kg": 850.0,
                "value": {"amount": 519690.0, "currency": "USD"},
            }
        ],
        "items_left_out": 9_000,
    },
    "reasons": [
        {
            "code": "MISLABEL-NAME",
            "item": 4,
            "substances": ["gallium"],
            "evidence": [
                {"path": "/items/7311/description", "observed": "金属镓", "expected": None, "reference": None},
                {"path": "/items/7311/value/amount", "observed": 611.4, "expected": 6.0, "reference": None},
                {"path": "/notify/country", "observed": None, "expected": "a party", "reference": None},
                {
                    "path": "",
                    "observed": ["2026-11-03 cds:GB1:LRN-7 4.2 kg", "2026-11-05T10:00:00Z cds:GB1:LRN-8", "two lots"],
                    "expected": None,
                    "reference": "C0001 MOFCOM+GACC Announcement 23/2023",
                },
            ],
        }
    ],
}


def changed(**fields: Any) -> dict[str, Any]:
    made = copy.deepcopy(ALERT)
    made["declaration"] |= fields
    return made


def test_evidence_is_joined_to_the_field_that_it_points_to_even_where_items_were_left_out() -> None:
    form = _declared.form(ALERT, NAMES)
    entries = {entry.path: entry for section in form.sections for entry in section.entries}
    # The declaration had thousands of items; the seven thousandth is shown first.
    assert [piece.text for piece in entries["/items/0/description"].pieces if piece.marked] == ["金属镓"]
    assert (
        "".join(piece.text for piece in entries["/items/0/description"].pieces) == "LEAD-ANTIMONY ALLOY 金属镓 Straße"
    )
    # What the form shows as one field takes evidence of its parts; what it does not show goes to the head.
    assert [mark.anchor for mark in entries["/items/0/value"].marks] == ["e1-2"]
    assert entries["/items/0/value"].beside == "611.4 USD/kg"
    assert form.pointers["e1-2"] == _declared.Pointer("f-items-0-value", "Value")
    assert form.pointers["e1-3"].anchor == form.pointers["e1-4"].anchor == "f-head"
    assert form.items_left_out == 9_000
    assert _declared.form({}, NAMES).sections == ()


def test_no_field_is_invented() -> None:
    form = _declared.form(changed(items=[{"number": 1, "net_mass_kg": None, "value": None}]), NAMES)
    assert [section.entries for section in form.sections if section.kind == "item"] == [()]


def test_a_price_lies_where_the_tables_put_it() -> None:
    (plot,) = _prices.plots(ALERT, REFERENCE)
    band = next(b for b in REFERENCE.price_bands_on(date(2026, 11, 20)) if b.substance == "gallium")
    heading = REFERENCE.heading_band("7801910000")
    assert heading is not None
    assert plot.per_kg == pytest.approx(519690 / 850)
    drawn = next(
        span for span in plot.spans if "extrapolated" in span.kind or span.said.endswith(f"{band.high:g} USD/kg")
    )
    # The price is in the band of gallium, above that of lead; higher prices stand higher on the page.
    assert band.low < plot.per_kg < band.high
    assert drawn.y < plot.y < drawn.y + drawn.height
    lead = next(span for span in plot.spans if span.kind == "heading")
    assert plot.y < lead.y
    assert plot.left <= plot.x <= plot.right
    assert plot.rows[0][0].startswith(heading.goods)


@pytest.mark.parametrize(
    "item",
    [
        {"value": None},
        {"net_mass_kg": None},
        {"net_mass_kg": 0.0},
        {"value": {"amount": 0.0, "currency": "USD"}},
        {"value": {"amount": 5.0, "currency": "XTS"}},
    ],
)
def test_what_is_not_known_is_not_drawn(item: dict[str, Any]) -> None:
    known = copy.deepcopy(ALERT["declaration"]["items"][0])
    assert _prices.plots(changed(items=[known | item]), REFERENCE) == []


def test_a_way_is_as_long_as_the_detectors_measure_it() -> None:
    way = _ways.way(changed(notify={"country": "US"}), REFERENCE)
    assert way is not None
    assert way.route_km == pytest.approx(REFERENCE.distance_km("CN", "SG") + REFERENCE.distance_km("SG", "TH"))
    assert way.ratio == pytest.approx(way.route_km / REFERENCE.distance_km("CN", "TH"))
    assert [(p.code, p.role) for p in way.points] == [
        ("CN", "export"), ("SG", "via"), ("TH", "destination"), ("US", "onward"),
    ]  # fmt: skip
    assert _ways.way(changed(country_of_export=None, routing=[], consignee=None), REFERENCE) is None


def test_a_window_shows_what_evidence_lists_and_nothing_else() -> None:
    line = _windows.timeline(ALERT, [])
    assert line is not None
    assert sorted((stem.name, stem.kind, stem.kg) for stem in line.stems) == [
        ("cds:GB1:LRN-7", "listed", 4.2),
        ("cds:GB1:LRN-8", "listed", None),
        ("cds:GB1:LRN-9", "this", 850.0),
    ]
    assert line.total_kg == pytest.approx(854.2)
    alone = copy.deepcopy(ALERT)
    alone["reasons"] = []
    assert _windows.timeline(alone, []) is None


def test_controls_are_those_of_the_day() -> None:
    found = _controls.controls(ALERT, REFERENCE)
    assert found is not None
    assert found.rows[0].cited
    assert found.rows[0].entry.row_id == "C0001"
    assert all(row.entry.holds_on(date(2026, 11, 20)) for row in found.rows)
    before = _controls.controls(changed(lodged_at="2020-01-02T00:00:00Z"), REFERENCE)
    assert before is not None
    assert before.rows == ()


def test_numbers_and_ages_read_well() -> None:
    assert written.number(123456789.0) == "123\u202f456\u202f789"
    assert written.number(0.00001234) == "1.2e-05"
    assert written.number(None) == written.observed("") == "–"
    assert written.commodity("8112929010") == "8112 92 90 10"
    assert [written.age(seconds) for seconds in (5, 70, 7300, 200_000)] == ["now", "1\u202fmin", "2\u202fh", "2\u202fd"]
    assert (
        written.short_title("Gallium named under another code (CN to TH via SG, MY)")
        == "Gallium named under another code"
    )
    assert written.via("Gallium (CN to TH via SG, MY)") == "SG, MY"
    assert written.short_title("Origin (CN) denied") == "Origin (CN) denied"
    assert written.fit("广州市白云区钧合国际货运代理有限公司", 130, 13).endswith("…")
    assert written.fit("SHANGHAI AOXIN CUSTOMS BROKERS CO., LTD.", 234, 13).endswith("…")
    for value, path, reference, wanted, said in (
        (11.26, "/items/1/net_mass_kg", None, None, "11.26 kg"),
        (9.77, "/items/1/volume_m3", None, None, "9.77 m³"),
        (317.5, "/items/1/value", "price band of gallium: 220 to 1,450 USD/kg", 120.0, "317.5 USD/kg"),
        (0.0036, "/items/1/net_mass_kg", "packing of light goods", "5 % or more", "0.36\u202f%"),
        (357.1, "/items/1/net_mass_kg", "cartons of light goods are lifted by hand", "less than 80 kg", "357.1 kg"),
        (28.0, "/items/1/packages", None, None, "28"),
        (True, "/items/1/net_mass_kg", None, None, "yes"),
    ):
        evidence = {"path": path, "reference": reference, "expected": wanted}
        assert written.measured(value, evidence) == said
    assert written.moment(datetime(2026, 11, 20, 8, 14, tzinfo=UTC)) == "2026-11-20 08:14"


def test_the_page_stands_whatever_an_alert_leaves_out() -> None:
    from streams.console.pages._render import environment

    reasons = copy.deepcopy(ALERT["reasons"])
    empty = {"path": "", "observed": [], "expected": None, "reference": None}
    reasons[0] |= {
        "title": "t",
        "severity": "low",
        "score": 0.5,
        "detector": "d",
        "explanation": "<b>",
        "typologies": [],
    }
    weighed = {"path": "/items/7311/net_mass_kg", "observed": 2.5, "expected": None, "reference": None}
    reasons[0]["evidence"] += [empty, empty, weighed]
    alert = ALERT | {"reasons": reasons}
    text = environment().get_template("_reasons.html.j2").render(alert=alert, form=_declared.form(alert, NAMES))
    # Evidence that says the same twice has two places; what a feed sent is text, never markup.
    assert re.findall(r'id="(e[0-9]-[0-9])"', text) == ["e1-1", "e1-2", "e1-3", "e1-4", "e1-5", "e1-6", "e1-7"]
    assert "&lt;b&gt;" in text
    assert "2.5 kg" in text
    assert "2026-11-03 cds:GB1:LRN-7 4.2 kg" in text
    without = environment().get_template("_declaration.html.j2").render(form=_declared.form({}, NAMES))
    assert "carries no declaration" in without
