"""What is in force on which day: each effective date and each suspension, the day before and the day itself."""

from __future__ import annotations

from datetime import date, timedelta

import pytest

from detectors.reference import Reference, load
from schemas.reference import ControlEntry


@pytest.fixture(scope="module")
def reference() -> Reference:
    return load()


def _licensed(reference: Reference, substance: str, day: date) -> list[ControlEntry]:
    return [
        e
        for e in reference.controls_on(day)
        if substance in e.substances and e.measure == "licence_required" and "CN" in e.regimes
    ]


def _banned(reference: Reference, scope: str, day: date) -> list[ControlEntry]:
    return [e for e in reference.controls_on(day) if e.measure == "prohibition_no_licence" and scope in e.covers]


@pytest.mark.parametrize(
    ("substance", "first"),
    [
        ("gallium", date(2023, 8, 1)),
        ("germanium dioxide", date(2023, 8, 1)),
        ("gallium nitride", date(2023, 8, 1)),
        ("natural graphite", date(2023, 12, 1)),
        ("artificial graphite", date(2023, 12, 1)),
        ("antimony", date(2024, 9, 15)),
        ("antimony trisulfide", date(2024, 9, 15)),
        ("ammonium paratungstate", date(2025, 2, 4)),
        ("bismuth", date(2025, 2, 4)),
        ("tellurium", date(2025, 2, 4)),
        ("molybdenum", date(2025, 2, 4)),
        ("indium phosphide", date(2025, 2, 4)),
        ("dysprosium oxide", date(2025, 4, 4)),
        ("terbium", date(2025, 4, 4)),
        ("samarium cobalt", date(2025, 4, 4)),
    ],
)
def test_licence_starts_on_its_day(reference: Reference, substance: str, first: date) -> None:
    assert _licensed(reference, substance, first - timedelta(days=1)) == []
    assert _licensed(reference, substance, first)
    for later in (date(2025, 11, 9), date(2026, 11, 22), date(2026, 11, 28), date(2030, 1, 1)):
        assert _licensed(reference, substance, later), later


@pytest.mark.parametrize("substance", ["indium", "neodymium", "cerium oxide", "lead-antimony alloy", "ferro-tungsten"])
def test_neighbours_are_not_licensed(reference: Reference, substance: str) -> None:
    assert _licensed(reference, substance, date(2026, 11, 22)) == []


@pytest.mark.parametrize("scope", ["CN-2023-23", "CN-2024-33"])
@pytest.mark.parametrize(
    ("day", "banned"),
    [
        (date(2024, 12, 2), False),
        (date(2024, 12, 3), True),
        (date(2025, 11, 8), True),
        (date(2025, 11, 9), False),
        (date(2026, 11, 22), False),
        (date(2026, 11, 27), False),
        (date(2026, 11, 28), True),
        (date(2027, 6, 1), True),
    ],
)
def test_ban_to_the_united_states(reference: Reference, scope: str, day: date, banned: bool) -> None:
    found = _banned(reference, scope, day)
    assert bool(found) is banned
    for entry in found:
        assert entry.applies_to("US")
        assert not entry.applies_to("TH")
        assert not entry.applies_to(None)
        assert entry.can_prohibit


def test_graphite_is_reviewed_never_banned(reference: Reference) -> None:
    for day, reviewed in ((date(2024, 12, 3), True), (date(2025, 11, 9), False), (date(2026, 11, 28), True)):
        measures = {e.measure for e in reference.controls_on(day) if "CN-2023-39" in e.covers and e.applies_to("US")}
        assert ("stricter_end_use_review" in measures) is reviewed, day
        assert "prohibition_no_licence" not in measures


@pytest.mark.parametrize(
    ("country", "first"), [("US", date(2024, 12, 3)), ("JP", date(2026, 1, 6))], ids=["46/2024", "1/2026"]
)
def test_military_end_use_stays_banned(reference: Reference, country: str, first: date) -> None:
    def banned(day: date) -> bool:
        return any(
            e.measure == "prohibition_military_end_use" and e.applies_to(country) for e in reference.controls_on(day)
        )

    assert not banned(first - timedelta(days=1))
    for day in (first, date(2026, 1, 10), date(2026, 11, 22), date(2026, 11, 28)):
        assert banned(day), day


@pytest.mark.parametrize("substance", ["holmium", "erbium oxide", "thulium", "europium oxide", "ytterbium"])
def test_announcement_57_never_operated_in_its_suspension(reference: Reference, substance: str) -> None:
    for day in (date(2025, 11, 6), date(2025, 11, 7), date(2025, 11, 8), date(2026, 6, 1), date(2026, 11, 10)):
        assert _licensed(reference, substance, day) == [], day


def test_a_reported_extension_leaves_doubt(reference: Reference) -> None:
    for day in (date(2026, 11, 11), date(2026, 11, 22), date(2027, 1, 10)):
        found = _licensed(reference, "holmium oxide", day)
        assert [e.certainty for e in found] == ["disputed"], day
        assert not any(e.can_prohibit for e in found)
    assert [e.certainty for e in _licensed(reference, "holmium oxide", date(2027, 1, 11))] == ["verified"]


def test_extraterritorial_rules_ran_for_a_month(reference: Reference) -> None:
    def rows(day: date) -> set[str]:
        return {e.row_id for e in reference.controls_on(day)} & {"C0195", "C0196"}

    assert rows(date(2025, 10, 8)) == set()
    assert rows(date(2025, 10, 9)) == {"C0195", "C0196"}
    assert rows(date(2025, 11, 6)) == {"C0195", "C0196"}
    assert rows(date(2025, 11, 7)) == set()


def test_epochs_change_exactly_at_boundaries(reference: Reference) -> None:
    for first in reference.boundaries:
        assert reference.epoch(first) == reference.epoch(first - timedelta(days=1)) + 1
    assert date(2026, 11, 28) in reference.boundaries
    assert date(2025, 11, 9) in reference.boundaries
    assert reference.epoch(date(1990, 1, 1)) == 0


def test_state_trading_of_tungsten_and_antimony_ends(reference: Reference) -> None:
    def runs(day: date) -> bool:
        return any(e.row_id == "C0202" for e in reference.controls_on(day))

    assert [runs(d) for d in (date(2025, 12, 31), date(2026, 1, 1), date(2027, 12, 31), date(2028, 1, 1))] == [
        False, True, True, False,
    ]  # fmt: skip


def test_regimes_bind_their_own_territories(reference: Reference) -> None:
    in_force = reference.controls_on(date(2026, 11, 22))
    for entry in in_force:
        if entry.regimes == ("CN",):
            assert entry.territories == ("CN",)
        if "EU" in entry.regimes:
            assert "DE" in entry.territories
            assert "CN" not in entry.territories
            assert not entry.applies_to("FR")
            assert entry.applies_to("IN")
