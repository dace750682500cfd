"""The learned detectors as the shared checks see them, trained on a small simulated history.

A new one is a line in ``TRAINED``.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cache
from typing import Any

from judged_rows import LACKING, Judgement, Said, row

from detectors import engine
from detectors.batch import Batch
from detectors.models import Models
from detectors.models.catalogue import DETECTORS
from detectors.models.catalogue import detector as learned_class
from detectors.models.learned import History, LearnedDetector, Outcome
from detectors.rules import RuleSet
from schemas import decode
from schemas.decode import Row
from streams.simulate.feed import feed

DECLARATIONS = 1500
#: Spellings of each element in the tests: few, so that training takes seconds.
SPELLINGS = 60
#: The detectors that these tests train.
TRAINED = ("mislabel-text", "mislabel-value", "outlier", "outcome")


@cache
def history() -> History:
    """Return a simulated history with known outcomes, in order of lodgement."""
    from pydantic_core import to_json

    told = sorted(feed(41, DECLARATIONS, memory=False), key=lambda each: each[0]["lodged_at"])
    rows = [decode.row(to_json(declared)) for declared, _ in told]
    outcomes = {label.declaration_id: Outcome(bool(label.typologies), tuple(label.substances)) for _, label in told}
    batches = [Batch.of(rows[start : start + 500]) for start in range(0, len(rows), 500)]
    return History(batches, engine.default_reference(), outcomes)


@cache
def trained(name: str) -> LearnedDetector:
    """Return a detector trained on :func:`history`."""
    kind = learned_class(name)
    if name == "mislabel-text":
        kind = type("SmallMislabelText", (kind,), {"spellings": SPELLINGS})
    return kind.train(history(), lambda doing, share: None)


@dataclass
class Learned:
    """A learned detector, through the stage function and without rules."""

    detector: LearnedDetector
    _kept: dict[tuple[int, ...], tuple[engine.Screened, Any]] = field(default_factory=dict)

    @property
    def name(self) -> str:
        """Its name in the report of the tests."""
        return self.detector.name

    def judge(self, batches: Sequence[Sequence[Row]]) -> Judgement:
        """Judge the declarations of the batches, in order."""
        models = Models(RuleSet([], "none"), (self.detector,))
        findings, said = [], Said()
        for rows in batches:
            key = tuple(map(id, rows))
            if key not in self._kept:
                self._kept[key] = engine.screen(Batch.of(rows), engine.default_reference(), models), rows
            by_key = {(each["declaration_id"], each["version"], each["event"]): each for each in rows}
            for verdict in self._kept[key][0].verdicts:
                place = verdict.declaration_id, verdict.declaration_version, verdict.event
                findings += [(by_key[place], each) for each in verdict.findings]
                if verdict.findings:
                    said.setdefault(place, []).extend(each.model_dump_json() for each in verdict.findings)
        return Judgement(findings, said)


def adapters() -> list[Learned]:
    """Return every learned detector that is trained here."""
    assert set(TRAINED) <= DETECTORS.keys()
    return [Learned(trained(name)) for name in TRAINED]


def odd() -> list[Row]:
    """Return declarations that make each learned detector speak."""

    def declared(name: str, **item: Any) -> Row:
        fields = {"country_of_export": "CN", "country_of_destination": "DE", "items": [{"number": 1} | item]}
        return row(LACKING | fields | {"declaration_id": f"learned:{name}"})

    steel = {"commodity_code": "7323930000", "description": "不锈钢厨具", "net_mass_kg": 900.0}
    return [
        declared("hidden", commodity_code="7901200000", description="muillag ingots 6N", net_mass_kg=300.0),
        declared("numbered", commodity_code="7901200000", description="element 31 metal", net_mass_kg=300.0),
        declared(
            "dear",
            commodity_code="7901200000",
            description="zinc alloy ingots",
            net_mass_kg=500.0,
            value={"amount": 225000.0, "currency": "USD"},
        ),
        declared("miscoded", **steel | {"commodity_code": "9403600000"}),
        declared(
            "absurd",
            **steel,
            gross_mass_kg=940.0,
            volume_m3=0.02,
            packages=[{"type": "VR", "count": 1}],
            value={"amount": 1_900_000.0, "currency": "USD"},
        ),
    ]
