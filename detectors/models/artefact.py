"""A stored model: a zip (or the same as a folder) of a manifest and skops files, which hold data and never code.

``manifest.json`` says what the model is, which data it was trained on, and the SHA-256 of every other file; ``model.skops``
holds :meth:`detectors.models.learned.LearnedDetector.parts`; ``drift.json`` what the model saw in its hold-out
(:mod:`detectors.models.drift`). A file is checked from the outside in, and nothing of it is believed before: size, names,
manifest, interface, hashes, the types in the skops file, and at last the detector's own checks and a trial run. What fails any of
these is refused with a :class:`~schemas.errors.ModelError` that says what to do; whoever asked keeps the model it has.
"""

from __future__ import annotations

import hashlib
import io
import json
import zipfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from importlib.metadata import version as installed
from pathlib import Path
from typing import Annotated, Any, Literal

import numpy as np
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from detectors import features
from detectors.batch import Batch
from detectors.columns import COLUMNS
from detectors.models import catalogue
from detectors.models.learned import LearnedDetector
from detectors.reference import Reference
from schemas import decode
from schemas.errors import ModelError
from schemas.types import FindingCode, UtcTime

#: Counts up when the meaning of a feature column or of ``LearnedDetector`` changes so that older models would misjudge.
INTERFACE = 1
MANIFEST, MODEL, DRIFT = "manifest.json", "model.skops", "drift.json"
#: Bytes of all files together, unpacked. A text model of 1,200 headings needs some tens of megabytes.
MAX_BYTES = 512 * 1024 * 1024
_MAX_MANIFEST = 1024 * 1024
#: Types beyond skops' own list that scikit-learn's trees and calibration are stored as. They hold arrays and numbers.
ALLOWED_TYPES = frozenset(
    {
        "sklearn.tree._tree.Tree",
        "sklearn.ensemble._hist_gradient_boosting.predictor.TreePredictor",
        "sklearn.ensemble._hist_gradient_boosting.binning._BinMapper",
        "sklearn.calibration._CalibratedClassifier",
        "sklearn.calibration._SigmoidCalibration",
        "sklearn._loss.link.Interval",
        "sklearn._loss.link.LogitLink",
        "sklearn._loss.loss.HalfBinomialLoss",
    }
)
#: Libraries whose objects are stored: a model is not carried from one minor version of these to another.
_STORED_OBJECTS = ("scikit-learn",)
_PICKLE_ENDINGS = (".pkl", ".pickle", ".joblib", ".dill", ".pt", ".npy")
_RETRAIN = "train it anew with this version of Assay (`assay model train`)"


class Window(BaseModel):
    """Which declarations a model learned from and was judged on, by the time of lodgement; ``until`` is not included."""

    model_config = ConfigDict(frozen=True)

    since: UtcTime | None
    cut: UtcTime
    until: UtcTime
    trained_on: int
    judged_on: int
    known: int
    wrong: int


class Manifest(BaseModel):
    """What a stored model says of itself."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    format: Literal["assay-model/1"] = "assay-model/1"
    name: Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9-]{0,79}$")]
    code: FindingCode
    version: Annotated[str, Field(pattern=r"^[A-Za-z0-9._-]{1,64}$")]
    interface: int
    created_at: UtcTime
    seed: int
    window: Window
    columns: dict[str, str]
    reference: str
    libraries: dict[str, str]
    parts: dict[str, Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]]


@dataclass(frozen=True, slots=True)
class Stored:
    """A model that was loaded: the detector with its version set, its manifest, and what it saw in its hold-out."""

    detector: LearnedDetector
    manifest: Manifest
    seen: Mapping[str, Any]
    sha256: str


@dataclass(frozen=True, slots=True)
class Source:
    """A stored model to judge with: its file, and what a registry says of it (None for a file of one's own)."""

    path: Path
    name: str | None = None
    version: str | None = None
    sha256: str | None = None


def load_all(sources: Sequence[Source], reference: Reference) -> tuple[LearnedDetector, ...]:
    """Return the detectors of stored models, by name; raises ModelError as :func:`read`, and if two are of one model."""
    found: dict[str, LearnedDetector] = {}
    for source in sources:
        stored = read(source.path, reference, source.name, source.sha256, source.version)
        if stored.manifest.name in found:
            raise ModelError(f"{source.path}: a second {stored.manifest.name}; one version of a model judges at a time")
        found[stored.manifest.name] = stored.detector
    return tuple(found[name] for name in sorted(found))


def write(
    path: Path,
    detector: LearnedDetector,
    version: str,
    window: Window,
    seen: Mapping[str, Any],
    reference: Reference,
    created_at: datetime,
    seed: int,
) -> str:
    """Write a model as a zip; return the SHA-256 of the file.

    Raises
    ------
    ModelError : the detector's parts hold types that :func:`read` would refuse.
    """
    import skops.io

    files = {MODEL: skops.io.dumps(detector.parts()), DRIFT: _json(seen)}
    _check_types(files[MODEL])
    manifest = Manifest(
        name=detector.name,
        code=detector.code,
        version=version,
        interface=INTERFACE,
        created_at=created_at,
        seed=seed,
        window=window,
        columns={name: str(COLUMNS[name].dtype) for name in sorted(detector.columns & COLUMNS.keys())},
        reference=reference.version,
        libraries={name: installed(name) for name in ("scikit-learn", "skops", "numpy", "assay")},
        parts={name: hashlib.sha256(content).hexdigest() for name, content in files.items()},
    )
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as packed:
        for name, content in {MANIFEST: manifest.model_dump_json(indent=1).encode(), **files}.items():
            packed.writestr(zipfile.ZipInfo(name, (1980, 1, 1, 0, 0, 0)), content, zipfile.ZIP_DEFLATED)
    path.write_bytes(made.getvalue())
    return hashlib.sha256(made.getvalue()).hexdigest()


def _json(value: Any) -> bytes:
    return json.dumps(value, ensure_ascii=False, allow_nan=False, sort_keys=True).encode()


def read(
    path: Path, reference: Reference, name: str | None = None, sha256: str | None = None, version: str | None = None
) -> Stored:
    """Load a model from a zip or folder, after every check.

    Parameters
    ----------
    reference : the tables to try the model with.
    name : the model that is expected; by default any.
    sha256 : what the bytes of the zip must be; not for folders.
    version : the version by which alerts shall name it; by default the manifest's.

    Raises
    ------
    ModelError : the file is no model, damaged, not the one that was promised, of another interface, or holds what a model may
        not hold.
    """
    found, digest = _unpacked(path, sha256)
    manifest = _manifest(path, found, name)
    kind = catalogue.detector(manifest.name)
    _check_fits(path, manifest, kind)
    for part, stated in manifest.parts.items():
        if hashlib.sha256(found[part]).hexdigest() != stated:
            raise ModelError(f"{path}: {part} is not what the manifest states (SHA-256): damaged or tampered with")
    try:
        detector = kind.from_parts(_parts(path, found[MODEL]))
        seen = json.loads(found[DRIFT])
    except ModelError as error:
        raise ModelError(f"{path}: {error}") from None
    except Exception as error:
        raise ModelError(f"{path}: the parts make no {manifest.name}: {_said(error)}; {_RETRAIN}") from error
    detector.version = f"{version or manifest.version}+{digest[:8]}"
    _try(path, detector, reference)
    return Stored(detector, manifest, seen, digest)


def _unpacked(path: Path, sha256: str | None) -> tuple[dict[str, bytes], str]:
    """Return the files of a model by name, and the SHA-256 of the whole."""
    if path.is_dir():
        return _folder(path)
    try:
        size = path.stat().st_size
        if size > MAX_BYTES:
            raise ModelError(f"{path}: {size:,} bytes; a model has {MAX_BYTES:,} at most")
        whole = path.read_bytes()
    except OSError as error:
        raise ModelError(f"{path}: cannot be read: {error.strerror or error}") from None
    digest = hashlib.sha256(whole).hexdigest()
    if sha256 is not None and digest != sha256:
        raise ModelError(
            f"{path}: its SHA-256 is {digest[:12]}..., promised was {sha256[:12]}...: changed since it was registered, "
            "or another file; it is not opened"
        )
    if whole[:1] == b"\x80" or path.suffix in _PICKLE_ENDINGS:
        raise ModelError(f"{path}: a pickle can run any code when it is opened and is never loaded; {_RETRAIN}")
    try:
        with zipfile.ZipFile(io.BytesIO(whole)) as packed:
            entries = packed.infolist()
            _check_names(path, [entry.filename for entry in entries])
            if sum(entry.file_size for entry in entries) > MAX_BYTES:
                raise ModelError(f"{path}: unpacks to more than {MAX_BYTES:,} bytes")
            return {entry.filename: packed.read(entry) for entry in entries}, digest
    except ModelError:
        raise
    except Exception as error:  # zipfile and zlib raise a dozen kinds over a damaged file
        raise ModelError(f"{path}: no model (a zip with {MANIFEST}), or damaged: {_said(error)}") from None


def _folder(path: Path) -> tuple[dict[str, bytes], str]:
    names = sorted(each.name for each in path.iterdir())
    _check_names(path, names)
    if sum((path / name).stat().st_size for name in names) > MAX_BYTES:
        raise ModelError(f"{path}: more than {MAX_BYTES:,} bytes")
    found = {name: (path / name).read_bytes() for name in names}
    return found, hashlib.sha256(found[MANIFEST]).hexdigest()


def _check_names(path: Path, names: list[str]) -> None:
    for name in names:
        if name.endswith(_PICKLE_ENDINGS):
            raise ModelError(f"{path}: holds {name}: a pickle can run any code when it is opened; nothing is loaded")
    if MANIFEST not in names:
        raise ModelError(f"{path}: no {MANIFEST} in it, so no model of Assay")
    if sorted(names) != sorted({MANIFEST, MODEL, DRIFT}):
        raise ModelError(f"{path}: a model holds {MANIFEST}, {MODEL} and {DRIFT}, this {', '.join(sorted(names))}")


def _manifest(path: Path, found: Mapping[str, bytes], name: str | None) -> Manifest:
    if len(found[MANIFEST]) > _MAX_MANIFEST:
        raise ModelError(f"{path}: a manifest of {len(found[MANIFEST]):,} bytes")
    try:
        manifest = Manifest.model_validate_json(found[MANIFEST])
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        raise ModelError(f"{path}: {MANIFEST}: {'/'.join(map(str, first['loc']))}: {first['msg']}") from None
    if set(manifest.parts) != {MODEL, DRIFT}:
        raise ModelError(f"{path}: the manifest must state the SHA-256 of {MODEL} and {DRIFT}")
    if name is not None and manifest.name != name:
        raise ModelError(f"{path}: this is {manifest.name}, wanted was {name}")
    return manifest


def _check_fits(path: Path, manifest: Manifest, kind: type[LearnedDetector]) -> None:
    """Refuse a model of another interface, other features or another scikit-learn."""
    if manifest.interface != INTERFACE:
        raise ModelError(f"{path}: interface {manifest.interface}, this Assay has {INTERFACE}; {_RETRAIN}")
    now = {name: str(COLUMNS[name].dtype) for name in kind.columns & COLUMNS.keys()}
    if manifest.columns != now:
        differing = sorted(set(manifest.columns.items()) ^ set(now.items()))
        raise ModelError(
            f"{path}: trained on other features than this Assay computes ({', '.join(name for name, _ in differing)}); {_RETRAIN}"
        )
    if manifest.code != kind.code:
        raise ModelError(f"{path}: raises {manifest.code}, {manifest.name} raises {kind.code}; {_RETRAIN}")
    for library in _STORED_OBJECTS:
        stated, here = manifest.libraries.get(library, "unknown"), installed(library)
        if stated.split(".")[:2] != here.split(".")[:2]:
            raise ModelError(
                f"{path}: trained with {library} {stated}, here is {here}; {_RETRAIN}, or install {stated}"
            )


def _check_types(content: bytes) -> list[str]:
    """Return the types in a skops file that must be named to be trusted, all of them allowed; raise otherwise."""
    import skops.io

    with zipfile.ZipFile(io.BytesIO(content)) as packed:
        if sum(entry.file_size for entry in packed.infolist()) > MAX_BYTES:
            raise ModelError(f"{MODEL} unpacks to more than {MAX_BYTES:,} bytes")
    named: list[str] = skops.io.get_untrusted_types(data=content)
    if unknown := sorted(set(named) - ALLOWED_TYPES):
        raise ModelError(f"holds types that a model may not hold: {', '.join(unknown)}; nothing is loaded")
    return named


def _parts(path: Path, content: bytes) -> Mapping[str, Any]:
    import skops.io

    try:
        parts = skops.io.loads(content, trusted=_check_types(content))
    except ModelError:
        raise
    except Exception as error:  # whatever a crafted file can make skops stumble over
        raise ModelError(f"{MODEL} cannot be read: {_said(error)}") from error
    if not isinstance(parts, dict):
        raise ModelError(f"{MODEL} holds a {type(parts).__name__}, not the parts of a detector; {path} is refused")
    return parts


def _said(error: Exception) -> str:
    return f"{type(error).__name__}: {str(error)[:200]}"


#: Declarations that a model must be able to score before it judges others: one with all it may ask for, one with hardly anything.
_FULL = {
    "schema": "declaration/1", "event": "lodged", "declaration_id": "trial-1", "version": 1,
    "lodged_at": "2026-01-01T00:00:00Z", "source": {"system": "assay", "format": "json"}, "regime": "export",
    "office": "CN0001", "exporter": {"id": "CN1", "name": "Metals", "country": "CN"}, "consignee": {"country": "DE"},
    "country_of_export": "CN", "country_of_destination": "DE", "routing": ["CN", "NL", "DE"], "transport": {"mode": "sea"},
    "items": [
        {"number": 1, "commodity_code": "8112921090", "description": "gallium metal 99.99%", "origin": "CN",
         "net_mass_kg": 25, "gross_mass_kg": 27, "value": {"amount": 11000, "currency": "EUR"},
         "packages": [{"type": "CT", "count": 1}]},
        {"number": 2, "commodity_code": "7901", "description": "锌合金锭", "net_mass_kg": 1000},
    ],
}  # fmt: skip
_BARE = {
    "schema": "declaration/1", "event": "lodged", "declaration_id": "trial-2", "version": 1,
    "lodged_at": "2026-01-02T00:00:00Z", "source": {"system": "assay", "format": "json"}, "regime": "transit",
    "items": [{"number": 1}],
}  # fmt: skip


def trial() -> Batch:
    """Return declarations to try a detector on."""
    return Batch.of([decode.row(json.dumps(row).encode()) for row in (_FULL, _BARE)])


def _try(path: Path, detector: LearnedDetector, reference: Reference) -> None:
    """Let a model score before it is used: one that fails on anything would make a dead letter of everything."""
    batch = trial()
    try:
        computed = features.compute(batch, reference, frozenset(detector.columns))
        scores = detector.score(batch, computed, reference)
        rows = computed.items.height if scores.scope == "item" else computed.declarations.height
        if scores.values.shape != (rows,) or np.isinf(scores.values).any():
            raise ValueError(f"scores of shape {scores.values.shape} for {rows} rows, or an infinite one")
        detector.hits(batch, computed, scores, reference)
    except Exception as error:
        raise ModelError(f"{path}: the model fails on a trial declaration: {_said(error)}; {_RETRAIN}") from error
