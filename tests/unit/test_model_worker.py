"""Models of a running worker: swapped whole or not at all, challengers never heard, drift told."""

from __future__ import annotations

import json
import pickle
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from declared import row
from sklearn.linear_model import LogisticRegression
from tiny_model import COLUMNS, Tiny

from detectors import engine, features
from detectors.batch import Batch
from detectors.models import artefact, catalogue, drift, shadow
from detectors.models.artefact import Window
from detectors.models.learned import Outcome
from schemas.model import ModelPointer, ModelRef, ShadowBlock
from streams.settings import load
from streams.worker.control import Judging
from streams.worker.metrics import Metrics
from streams.worker.models import ModelWatch, fetch

NOW = datetime(2026, 11, 22, tzinfo=UTC)
WINDOW = Window(since=None, cut=NOW, until=NOW, trained_on=8, judged_on=2, known=2, wrong=1)
REFERENCE = engine.default_reference()


def declarations(count: int = 12, dear: float = 50.0) -> Batch:
    """Exports of ten kilograms, each dearer than the one before; the last without a value."""
    rows = [
        row({"net_mass_kg": 10.0, "value": {"amount": 10.0 + dear * n, "currency": "USD"} if n < count - 1 else None},
            declaration_id=f"d{n}")
        for n in range(count)
    ]  # fmt: skip
    return Batch.of(rows, [f"declarations/0@{n}" for n in range(count)])


@pytest.fixture(autouse=True)
def tiny(monkeypatch: pytest.MonkeyPatch) -> None:
    """The catalogue knows the test's detector."""
    monkeypatch.setitem(catalogue.DETECTORS, "tiny", ("tiny_model", "Tiny"))


@pytest.fixture
def stored(tmp_path: Path) -> Callable[..., ModelRef]:
    """Stores a model that speaks of goods dearer than ``from_usd`` a kilogram; gives the reference to it."""

    def store(version: str, from_usd: float) -> ModelRef:
        values = np.log(np.linspace(1, 60, 60))
        x = np.column_stack([np.full(60, np.log(10.0)), values, np.zeros(60)])
        detector = Tiny(LogisticRegression(C=1e4).fit(x, values > np.log(from_usd)))
        batch = declarations()
        computed = features.compute(batch, REFERENCE, Tiny.columns)
        seen = drift.seen(
            {name: [computed.items[name]] for name in COLUMNS}, detector.score(batch, computed, REFERENCE).values
        )
        path = tmp_path / f"{version}.zip"
        sha256 = artefact.write(path, detector, version, WINDOW, seen, REFERENCE, NOW, 0)
        return ModelRef(version=version, uri=path.as_uri(), sha256=sha256)

    return store


@pytest.fixture
def judging() -> Judging:
    """What judges in a worker without a server of models."""
    chosen = load(mlflow=None)
    return Judging(Metrics(), fetch=lambda name, ref: fetch(chosen, name, ref))


def offer(judging: Judging, **refs: ModelRef | None) -> bool:
    told = ModelPointer(name="tiny", at=NOW, by="ada", why="a test", **refs)
    return judging.offer_model("tiny", told.model_dump_json(by_alias=True).encode())


def spoken(judging: Judging) -> set[str]:
    """Return the declarations with a finding of the model, each of which names its version."""
    reference, models = judging.current
    verdicts = engine.screen(declarations(), reference, models).verdicts
    found = {(v.declaration_id, f.detector_version) for v in verdicts for f in v.findings if f.code == "OUTCOME"}
    assert {version for _, version in found} <= {one.version for one in models.detectors}
    assert all(v.provenance["models"] == models.learned for v in verdicts)
    return {name for name, _ in found}


def refused(judging: Judging) -> float:
    return judging._metrics.registry.get_sample_value("assay_refused_updates_total", {"kind": "model"}) or 0.0


def test_a_champion_is_swapped_while_batches_keep_the_one_they_began_with(
    judging: Judging, stored: Callable[..., ModelRef]
) -> None:
    assert spoken(judging) == set()
    first, second = stored("1", 40.0), stored("2", 20.0)
    assert offer(judging, champion=first)
    few = spoken(judging)
    assert few
    held = judging.current
    assert offer(judging, champion=second, previous=first)
    assert spoken(judging) > few
    assert [one.version.partition("+")[0] for one in held[1].detectors] == ["1"], "a batch under way is not touched"
    version = judging.current[1].learned["tiny"]
    assert version == f"2+{second.sha256[:8]}"
    value = judging._metrics.registry.get_sample_value("assay_versions", {"part": "model tiny", "version": version})
    assert value == 1.0
    detector = judging.current[1].detectors[0]
    assert offer(judging, champion=second)
    assert judging.current[1].detectors[0] is detector, "what is in use is not loaded again"
    assert offer(judging)
    assert spoken(judging) == set()
    assert judging.offer_model("tiny", None)
    assert refused(judging) == 0


def test_what_is_no_sound_model_is_refused_and_the_champion_stays(
    judging: Judging, stored: Callable[..., ModelRef], tmp_path: Path
) -> None:
    first = stored("1", 40.0)
    assert offer(judging, champion=first)
    before = spoken(judging)
    corrupt, hostile, older = stored("2", 20.0), tmp_path / "h.zip", stored("3", 20.0)
    Path(tmp_path / "2.zip").write_bytes(b"PK" + (tmp_path / "2.zip").read_bytes()[100:])
    hostile.write_bytes(pickle.dumps({"model": 1}))
    import hashlib
    import zipfile

    with zipfile.ZipFile(tmp_path / "3.zip") as packed:
        found = {name: packed.read(name) for name in packed.namelist()}
    found["manifest.json"] = json.dumps(json.loads(found["manifest.json"]) | {"interface": 0}).encode()
    with zipfile.ZipFile(tmp_path / "3.zip", "w") as packed:
        for name, content in found.items():
            packed.writestr(name, content)

    def ref(path: Path, **changes: Any) -> ModelRef:
        return ModelRef(version="9", uri=path.as_uri(), sha256=hashlib.sha256(path.read_bytes()).hexdigest())

    offered = {
        "changed since it was registered": corrupt,
        "damaged": ref(tmp_path / "2.zip"),
        "pickle can run any code": ref(hostile),
        "interface 0": ref(tmp_path / "3.zip"),
        "not on this machine": older.model_copy(update={"uri": (tmp_path / "gone.zip").as_uri()}),
        "nowhere else": older.model_copy(update={"uri": "http://example.org/m.zip"}),
        "set ASSAY_MLFLOW": older.model_copy(update={"uri": "models:/assay.tiny/3"}),
    }
    for number, (said, one) in enumerate(offered.items(), 1):
        assert not offer(judging, champion=one), said
        assert spoken(judging) == before
        assert refused(judging) == number
        notice = judging.notices._waiting[-1]
        assert (notice.code, notice.subject) == ("MODEL-REFUSED", "tiny")
        assert said in notice.text
    misplaced = ModelPointer(name="tiny", at=NOW).model_dump_json(by_alias=True).encode()
    for key, value in (("tiny", b"{"), ("tiny", b"\xff"), ("other", misplaced)):
        assert not judging.offer_model(key, value)
        assert spoken(judging) == before
    # A worker that starts with such a record serves the champion before it, which the record names.
    fresh = Judging(Metrics(), fetch=lambda name, one: fetch(load(mlflow=None), name, one))
    assert offer(fresh, champion=ref(hostile), previous=first)
    assert spoken(fresh) == before
    assert len(fresh.notices) == 1


class Failing(Tiny):
    """A challenger that cannot score."""

    def score(self, *_: Any) -> Any:
        raise ZeroDivisionError("a bug")


def test_a_challenger_is_scored_and_never_heard(judging: Judging, stored: Callable[..., ModelRef]) -> None:
    offer(judging, champion=stored("1", 40.0))
    alone = spoken(judging)
    offer(judging, champion=stored("1", 40.0), challenger=stored("2", 20.0))
    assert spoken(judging) == alone
    assert set(judging.current[1].learned) == {"tiny"}
    watch = ModelWatch(lambda: judging.shelf.champions, judging._metrics, judging.notices)
    batch = declarations()
    screened = engine.screen(batch, *judging.current)
    ((key, raw),) = watch.look(batch, screened, "declarations/0@0")
    block = ShadowBlock.model_validate_json(raw)
    assert (key, block.model, block.origin, len(block.scores)) == ("tiny", "tiny", "declarations/0@0", len(batch))
    assert {s.declaration_id for s in block.scores if s.champion_hit} == alone
    assert sum(s.challenger_hit for s in block.scores) > len(alone)
    assert (block.scores[-1].champion, block.scores[-1].challenger) == (None, None), "abstains without a value"
    outcomes = {s.declaration_id: Outcome(s.challenger_hit) for s in block.scores}
    found = shadow.comparison([block, block], outcomes)
    assert found["declarations"] == len(batch), "a block that comes twice counts once"
    assert found["spoke"]["challenger_only"] == len(found["differing"]) > 0
    assert found["compared"]["challenger"] == 1.0
    assert shadow.comparison([], {}) == {"declarations": 0}

    bad = Failing(judging.current[1].detectors[0].fitted)  # type: ignore[attr-defined]
    reference, models = judging.current
    from dataclasses import replace

    failed = engine.screen(batch, reference, replace(models, challengers=(bad,)))
    assert failed.verdicts == engine.screen(batch, reference, replace(models, challengers=())).verdicts
    assert watch.look(batch, failed, None) == []
    assert judging._metrics.registry.get_sample_value("assay_model_failures_total", {"part": "challenger"}) == 1.0


def test_drift_is_a_metric_and_a_notice(judging: Judging, stored: Callable[..., ModelRef]) -> None:
    offer(judging, champion=stored("1", 40.0))
    watch = ModelWatch(lambda: judging.shelf.champions, judging._metrics, judging.notices)

    def feed(dear: float, times: int) -> None:
        for _ in range(times):
            batch = declarations(60, dear)
            watch.look(batch, engine.screen(batch, *judging.current), None)

    feed(900.0, 9)
    registry = judging._metrics.registry
    index = registry.get_sample_value("assay_model_drift", {"model": "tiny", "of": "value_usd"})
    assert index is not None
    assert index > drift.LARGE_SHIFT
    assert registry.get_sample_value("assay_model_drift", {"model": "tiny", "of": "net_mass_kg"}) == pytest.approx(
        0.0, abs=0.05
    )
    (notice,) = judging.notices._waiting
    assert notice.code == "MODEL-DRIFT"
    assert "value_usd" in notice.text
    assert notice.event_time is not None
    assert notice.event_time.year == 2025, "event time, not the clock"
