"""Stored models: what is written is what is read, and whatever is not a sound model is refused before it can do anything."""

from __future__ import annotations

import functools
import io
import json
import os
import pickle
import shutil
import zipfile
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import skops.io
from sklearn.linear_model import LogisticRegression
from tiny_model import Tiny

from detectors import engine, features
from detectors.models import artefact, catalogue
from detectors.models.artefact import DRIFT, MANIFEST, MODEL, Window
from schemas.errors import ModelError

NOW = datetime(2026, 11, 22, tzinfo=UTC)
WINDOW = Window(since=None, cut=NOW, until=NOW, trained_on=8, judged_on=2, known=2, wrong=1)


@pytest.fixture(autouse=True)
def tiny(monkeypatch: pytest.MonkeyPatch) -> None:
    """The catalogue knows the test's detector."""
    monkeypatch.setitem(catalogue.DETECTORS, "tiny", ("tiny_model", "Tiny"))


def fitted(seed: int = 0) -> Tiny:
    chance = np.random.default_rng(seed)
    x = chance.normal(size=(40, 3))
    return Tiny(LogisticRegression().fit(x, x[:, 1] > 0))


def written(path: Path, detector: Tiny | None = None, version: str = "3") -> str:
    return artefact.write(path, detector or fitted(), version, WINDOW, {"rows": 0}, engine.default_reference(), NOW, 0)


def read(path: Path, **given: Any) -> artefact.Stored:
    return artefact.read(path, engine.default_reference(), **given)


def repacked(path: Path, change: Callable[[dict[str, bytes]], None]) -> Path:
    """Write a model again with changed files; the manifest's hashes are put right unless the change is of the manifest."""
    with zipfile.ZipFile(path) as packed:
        found = {name: packed.read(name) for name in packed.namelist()}
    manifest = found[MANIFEST]
    change(found)
    if found.get(MANIFEST) == manifest:
        import hashlib

        stated = json.loads(manifest)
        stated["parts"] = {n: hashlib.sha256(found[n]).hexdigest() for n in (MODEL, DRIFT) if n in found}
        found[MANIFEST] = json.dumps(stated).encode()
    other = path.with_name("changed.zip")
    with zipfile.ZipFile(other, "w") as packed:
        for name, content in found.items():
            packed.writestr(name, content)
    return other


def test_what_is_written_is_what_is_read(tmp_path: Path) -> None:
    path = tmp_path / "m.zip"
    digest = written(path)
    stored = read(path, name="tiny", sha256=digest, version="7")
    assert stored.detector.version == f"7+{digest[:8]}"
    assert (stored.manifest.version, stored.manifest.window, stored.sha256) == ("3", WINDOW, digest)
    batch = artefact.trial()
    computed = features.compute(batch, engine.default_reference(), Tiny.columns)
    expected = fitted().score(batch, computed, engine.default_reference()).values
    scores = stored.detector.score(batch, computed, engine.default_reference()).values
    np.testing.assert_array_equal(scores, expected)
    assert np.isnan(scores).any(), "abstains where mass or value is missing"
    shutil.unpack_archive(path, tmp_path / "folder", "zip")
    assert read(tmp_path / "folder").manifest == stored.manifest


class Bomb:
    """Runs code when it is unpickled."""

    def __reduce__(self) -> tuple[Any, ...]:
        return os.mkdir, (os.environ["ASSAY_TEST_BOMB"],)


def test_a_pickle_is_never_opened(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ASSAY_TEST_BOMB", str(tmp_path / "exploded"))
    good, bare, ending = tmp_path / "m.zip", tmp_path / "m", tmp_path / "m.pkl"
    written(good)
    bare.write_bytes(pickle.dumps(Bomb()))
    ending.write_bytes(pickle.dumps(Bomb(), protocol=0))
    inside = repacked(good, lambda files: files.update({"model.pkl": pickle.dumps(Bomb())}))
    for path in (bare, ending, inside):
        with pytest.raises(ModelError, match="pickle can run any code"):
            read(path)
    for content in (pickle.dumps(Bomb()), b"PK not really"):
        with pytest.raises(ModelError):
            read(repacked(good, lambda files, content=content: files.update({MODEL: content})))  # type: ignore[misc]
    assert not (tmp_path / "exploded").exists()


def test_types_beyond_the_list_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "m.zip"
    written(path)
    hostile = skops.io.dumps({"fitted": functools.partial(os.system, "true"), "threshold": 0.5})
    with pytest.raises(ModelError, match=r"types that a model may not hold: .*system"):
        read(repacked(path, lambda files: files.update({MODEL: hostile})))
    with pytest.raises(ModelError, match="may not hold"):
        written(path, Tiny(functools.partial(os.system, "true")))  # type: ignore[arg-type]


def manifested(**changes: Any) -> Callable[[dict[str, bytes]], None]:
    def change(files: dict[str, bytes]) -> None:
        files[MANIFEST] = json.dumps(json.loads(files[MANIFEST]) | changes).encode()

    return change


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (manifested(interface=0), "interface 0, this Assay has 1; train it anew"),
        (manifested(columns={"net_mass_kg": "Float64", "gone": "Float64"}), r"other features .*\(gone, named_watched"),
        (manifested(libraries={"scikit-learn": "0.1.2"}), "trained with scikit-learn 0.1.2"),
        (manifested(code="OUTLIER"), "raises OUTLIER"),
        (manifested(name="no-such"), "no learned detector is called 'no-such'"),
        (manifested(format="other/9"), "manifest.json: format"),
        (manifested(parts={MODEL: "0" * 64, DRIFT: "0" * 64}), "not what the manifest states"),
        (lambda files: files.update({MANIFEST: b"{"}), "manifest.json"),
        (lambda files: files.pop(MANIFEST), "no manifest.json"),
        (lambda files: files.update({"more.txt": b""}), "a model holds"),
        (lambda files: files.update({MODEL: skops.io.dumps([1])}), "holds a list"),
        (lambda files: files.update({MODEL: skops.io.dumps({"threshold": 1.0})}), "needs a fitted LogisticRegression"),
    ],
)
def test_what_does_not_fit_is_refused_and_says_why(
    tmp_path: Path, change: Callable[[dict[str, bytes]], None], said: str
) -> None:
    path = tmp_path / "m.zip"
    written(path)
    with pytest.raises(ModelError, match=said):
        read(repacked(path, change))


def test_damaged_swapped_and_oversized_files_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path, other = tmp_path / "m.zip", tmp_path / "other.zip"
    digest = written(path)
    written(other, fitted(1))
    with pytest.raises(ModelError, match="changed since it was registered"):
        read(other, sha256=digest)
    with pytest.raises(ModelError, match="this is tiny, wanted was outlier"):
        read(path, name="outlier")
    whole = path.read_bytes()
    for place in range(40, len(whole), max(1, len(whole) // 25)):
        path.write_bytes(whole[:place] + bytes([whole[place] ^ 0x5A]) + whole[place + 1 :])
        with pytest.raises(ModelError):  # never anything else, whatever byte is wrong
            read(path, sha256=digest)
        try:
            read(path)
        except ModelError:
            continue
    path.write_bytes(whole[: len(whole) // 2])
    with pytest.raises(ModelError, match="damaged"):
        read(path)
    with pytest.raises(ModelError, match="cannot be read"):
        read(tmp_path / "gone.zip")
    with zipfile.ZipFile(other, "w", zipfile.ZIP_DEFLATED) as packed:
        for name in (MANIFEST, MODEL, DRIFT):
            packed.writestr(name, b"0" * 2_000_000)
    monkeypatch.setattr(artefact, "MAX_BYTES", 1_000_000)
    assert other.stat().st_size < 1_000_000
    with pytest.raises(ModelError, match="unpacks to more"):
        read(other)


def test_a_model_that_fails_on_a_trial_is_refused(tmp_path: Path) -> None:
    x = np.zeros((4, 7))
    path = tmp_path / "m.zip"
    written(path, Tiny(LogisticRegression().fit(x, [0, 1, 0, 1])))  # reads seven columns where there are three
    with pytest.raises(ModelError, match="fails on a trial declaration"):
        read(path)


def test_a_skops_file_that_packs_a_bomb_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path, made = tmp_path / "m.zip", io.BytesIO()
    written(path)
    with zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as packed:
        packed.writestr("schema.json", b"0" * 3_000_000)
    monkeypatch.setattr(artefact, "MAX_BYTES", 1_000_000)
    with pytest.raises(ModelError, match="unpacks to more"):
        read(repacked(path, lambda files: files.update({MODEL: made.getvalue()})))
