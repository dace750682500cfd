"""Lanes: surges after a control was tightened, third countries never passed, and the honest trade that looks alike."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from detectors import engine
from detectors.profiles.keys import block_of
from detectors.profiles.stage import Placed
from schemas.finding import Finding
from schemas.signal import Fact, Goods

#: China's control on antimony, and the ban to the United States (announcements 33/2024 and 46/2024).
LICENSED, BANNED = date(2024, 9, 15), date(2024, 12, 3)
START = datetime(2023, 1, 2, 8, tzinfo=UTC)
LATENESS = timedelta(days=3)


def lot(
    day: date, kilograms: float | None, n: int = 0, *, to: str = "TH", via: Sequence[str] = (), **fields: Any
) -> Fact:
    """Return a lot of antimony out of China."""
    goods = {"licensed": fields.pop("licensed", False)}
    return Fact(
        declaration_id=f"{day}-{n}-{to}",
        version=fields.pop("version", 1),
        event=fields.pop("event", "lodged"),
        time=datetime(day.year, day.month, day.day, 9, n % 60, tzinfo=UTC),
        regime="export",
        mode="sea",
        country_of_export="CN",
        country_of_destination=to,
        routed=True,
        via=list(via),
        watched=True,
        goods=[
            Goods(
                item=1,
                hs6="811010",
                substance="antimony",
                element="Sb",
                named=True,
                net_mass_kg=kilograms,
                tightened=[c for c in (BANNED, LICENSED) if c <= day and (day - c).days <= 400],
                **goods,
            )
        ],
    )


def weekly(first: date, weeks: int, kilograms: float, every: int = 1, **fields: Any) -> list[Fact]:
    return [lot(first + timedelta(weeks=n), kilograms, **fields) for n in range(0, weeks, every)]


def said(facts: Iterable[Fact], since: datetime = START) -> dict[str, list[Finding]]:
    """Return what the lanes say in the end, by declaration."""
    begin = Fact(declaration_id="begin", version=1, event="lodged", time=since, regime="export")
    states: dict[str, bytes | None] = {}
    told: dict[tuple[str, str], list[Finding]] = {}
    ordered = [begin, *sorted(facts, key=lambda fact: fact.time)]
    for offset in range(0, len(ordered), 7):
        profiled = engine.profile([Placed(block_of(ordered[offset : offset + 7]), offset)], states, LATENESS)
        states |= profiled.changed
        for verdict in profiled.verdicts:
            told[verdict.declaration_id, verdict.key or ""] = verdict.findings
    by_declaration: dict[str, list[Finding]] = {}
    for (declaration_id, slot), findings in told.items():
        if slot.startswith("lanes:") and findings:
            by_declaration.setdefault(declaration_id, []).extend(findings)
    return by_declaration


def surging(facts: Iterable[Fact], **fields: Any) -> list[str]:
    found = said(facts, **fields)
    return sorted(ref for ref, findings in found.items() if any(f.code == "ROUTE-SURGE" for f in findings))


HISTORY = weekly(date(2023, 1, 4), 85, 400.0, every=3)


def test_a_lane_that_steps_up_after_the_ban_is_told_from_the_third_large_lot_on() -> None:
    after = [lot(date(2024, 12, 20) + timedelta(days=6 * n), 20_000.0) for n in range(6)]
    found = surging([*HISTORY, *after])
    assert found == [fact.declaration_id for fact in after[2:]]
    [finding] = [f for f in said([*HISTORY, *after])[after[-1].declaration_id] if f.code == "ROUTE-SURGE"]
    assert finding.severity == "medium"
    assert isinstance(finding.evidence[0].observed, list)
    assert finding.evidence[0].observed[0].startswith("2025-01-19 2025-01-19-0-TH 20,000 kg")
    assert "2024-09-15" in finding.explanation


@pytest.mark.parametrize(
    "after",
    [
        pytest.param(weekly(date(2024, 9, 18), 20, 450.0, every=3), id="as before"),
        pytest.param([lot(date(2024, 12, 20), 20_000.0)], id="one order"),
        pytest.param([lot(date(2024, 12, 10) + timedelta(days=n), 30.0) for n in range(6)], id="samples"),
        pytest.param([lot(date(2025, 12, 20) + timedelta(days=n), 9_000.0) for n in range(6)], id="a year later"),
        pytest.param([lot(date(2024, 12, 20) + timedelta(days=n), None) for n in range(6)], id="no masses"),
    ],
)
def test_no_surge(after: list[Fact]) -> None:
    assert surging([*HISTORY, *after]) == []


def test_a_smelter_with_a_long_history_is_its_own_measure() -> None:
    smelter = weekly(date(2023, 1, 4), 110, 22_000.0)
    assert surging([*smelter, *(lot(date(2025, 2, 14), 24_000.0, n=n) for n in range(1, 5))]) == []


def test_a_season_that_comes_every_year_is_no_surge() -> None:
    rushes = [lot(date(year, 12, 8) + timedelta(days=3 * n), 15_000.0) for year in (2023, 2024) for n in range(8)]
    assert surging([*HISTORY, *rushes]) == []


def test_a_stream_that_began_lately_does_not_know() -> None:
    after = [lot(date(2024, 12, 20) + timedelta(days=6 * n), 20_000.0) for n in range(6)]
    assert surging(after, since=datetime(2024, 6, 1, tzinfo=UTC)) == []


def test_cancelled_lots_and_earlier_versions_do_not_count() -> None:
    after = [lot(date(2024, 12, 20) + timedelta(days=6 * n), 20_000.0) for n in range(3)]
    gone = after[0].model_copy(update={"version": 2, "event": "cancelled", "time": after[2].time})
    small = after[1].model_copy(
        update={"version": 2, "goods": [after[1].goods[0].model_copy(update={"net_mass_kg": 2.0})]}
    )
    assert surging([*HISTORY, *after, gone]) == []
    assert surging([*HISTORY, *after]) != []
    assert surging([*HISTORY, *after, small]) != surging([*HISTORY, *after, gone])


def rarely(facts: Iterable[Fact], **fields: Any) -> dict[str, list[str]]:
    found = said(facts, **fields)
    return {
        ref: sorted(
            f.evidence[0].reference.split("/")[0]
            for f in findings
            if f.code == "ROUTE-TRANSIT" and f.evidence[0].reference
        )
        for ref, findings in found.items()
    }


def test_a_third_country_never_passed_is_told_of_the_lane_and_of_the_country() -> None:
    usual = [lot(date(2023, 1, 4) + timedelta(days=10 * n), 500.0, via=["HK"] if n % 2 else []) for n in range(60)]
    odd = lot(date(2024, 9, 10), 500.0, n=5, via=["MM"])
    assert rarely([*usual, odd]) == {odd.declaration_id: ["lane", "origin"]}
    assert rarely([*usual[:10], odd]) == {}  # too few routes to know
    late = [fact.model_copy(update={"time": fact.time + timedelta(days=600)}) for fact in usual]
    assert odd.declaration_id not in rarely([*late, odd])  # earlier trade only


def test_a_direct_lane_that_is_new_is_not_rare() -> None:
    usual = [lot(date(2023, 1, 4) + timedelta(days=10 * n), 500.0, via=["HK"]) for n in range(60)]
    assert rarely([*usual, lot(date(2024, 9, 10), 500.0, to="PL")]) == {}


def test_a_country_that_others_pass_from_here_is_rare_on_the_lane_only() -> None:
    usual = [lot(date(2023, 1, 4) + timedelta(days=10 * n), 500.0) for n in range(60)]
    others = [lot(date(2023, 1, 5) + timedelta(days=10 * n), 500.0, to="DE", via=["SG"]) for n in range(50)]
    new = lot(date(2024, 9, 10), 500.0, n=5, via=["SG"])
    assert rarely([*usual, *others, new]) == {new.declaration_id: ["lane"]}
