"""Hand-written wordings against the learned text detector: hidden names are found that rules do not see, honest goods stay quiet.

The model of this test is small (1,500 simulated declarations, few spellings), so that it trains in seconds; docs/models.md
has the figures of a full one.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest
from declarations import declaration, item
from model_wordings import HIDDEN, HONEST, MISCODED
from pydantic_core import to_json

from detectors import engine
from detectors.batch import Batch
from detectors.models import Models
from detectors.models.learned import History
from detectors.models.text import MislabelText
from schemas import decode
from schemas.alert import Alert
from streams.simulate.feed import feed

MEDIUM, HIGH = 25, 50


class SmallText(MislabelText):
    spellings = 250


@pytest.fixture(scope="module")
def models() -> Models:
    told = feed(43, 1500, scenario_share=0.0, memory=False)
    rows = sorted((decode.row(to_json(each)) for each, _ in told), key=lambda row: row["lodged_at"])
    history = History([Batch.of(rows)], engine.default_reference())
    return Models(engine.default_models().rules, (SmallText.train(history, lambda doing, share: None),))


def alerts(cases: list[tuple[Any, ...]], models: Models) -> list[Alert | None]:
    """Return the alert on each case (language, words, ..., code, kg, USD), judged in one batch."""
    rows = []
    for n, (_, words, *_, code, kg, usd) in enumerate(cases):
        declared = declaration(item(words, code, kg, usd=usd)) | {"declaration_id": f"wording:{n}"}
        rows.append(decode.row(json.dumps(declared).encode()))
    screened = engine.screen(Batch.of(rows), engine.default_reference(), models)
    found = engine.correlate(screened.verdicts, {}, datetime(2026, 1, 1, tzinfo=UTC), 0).alerts
    by_id = {alert.declaration_id: alert for alert in found}
    return [by_id.get(f"wording:{n}") for n in range(len(cases))]


def alerted(found: list[Alert | None], holds: Callable[[Alert], bool]) -> int:
    return sum(alert is not None and alert.risk_score >= MEDIUM and holds(alert) for alert in found)


def test_names_spelled_as_nobody_did_before_are_found(models: Models) -> None:
    alone = alerted(alerts(HIDDEN, engine.default_models()), lambda alert: True)
    together = alerts(HIDDEN, models)
    assert alone <= 15, "the rules have learned much: these wordings no longer show what the model adds"
    assert alerted(together, lambda alert: True) >= alone + 10
    speaking = [
        alert for alert in together if alert is not None and "mislabel-text" in {r.detector for r in alert.reasons}
    ]
    told = [next(r for r in alert.reasons if r.detector == "mislabel-text") for alert in speaking]
    assert all(reason.substances and reason.evidence for reason in told)
    assert all(reason.severity != "high" for reason in told), "words alone are no ground for high"


def test_the_substance_is_the_right_one(models: Models) -> None:
    names = {"Ga": "gallium", "Ge": "germanium", "Sb": "antimony", "Dy": "dysprosium", "Tb": "terbium"}
    said = [
        (reason.substances, names[case[2]])
        for case, alert in zip(HIDDEN, alerts(HIDDEN, models), strict=True)
        if alert is not None
        for reason in alert.reasons
        if reason.detector == "mislabel-text"
    ]
    assert sum(found == [wanted] for found, wanted in said) >= 0.9 * len(said)


def test_the_price_makes_it_high(models: Models) -> None:
    """Two kinds of evidence that agree: the words spell gallium, and the price is gallium's."""
    found = alerts([("en", "muillag ingots", "7901200000", 300, 130_000)], models)[0]
    assert found is not None
    assert "mislabel-text" in {reason.detector for reason in found.reasons}
    assert found.risk_score >= HIGH


def test_honest_goods_stay_quiet(models: Models) -> None:
    """The model adds no alert at high, and few at all."""
    before, after = alerts(HONEST, engine.default_models()), alerts(HONEST, models)
    high = [
        case[1]
        for case, one, other in zip(HONEST, before, after, strict=True)
        if other is not None and other.risk_score >= HIGH and (one is None or one.risk_score < HIGH)
    ]
    assert high == []
    assert alerted(after, lambda alert: True) <= alerted(before, lambda alert: True) + 3


def test_goods_of_another_heading_are_named_with_what_they_are_like(models: Models) -> None:
    found = [alert for alert in alerts(MISCODED, models) if alert is not None]
    assert found
    for alert in found:
        assert alert.reasons[0].code == "MISLABEL-TEXT"
        assert alert.risk_score < HIGH
        assert "is like what is declared under heading" in alert.reasons[0].explanation
