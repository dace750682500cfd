"""Learned models of a running worker: loaded as the topic ``models`` says, watched for drift, challengers scored in shadow.

A record of ``models`` (:class:`schemas.model.ModelPointer`) names the champion by version, place and SHA-256. It is fetched,
checked and tried (:mod:`detectors.models.artefact`) beside the judging; only a model that passed is put in place, between two
batches. One that does not pass is refused: the log, the counter ``assay_refused_updates{kind="model"}`` and a notice say why, and
the champion that was in use stays. A worker that has none yet takes the champion before it, which the same record names.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import unquote, urlsplit

import structlog
from pydantic import ValidationError

from detectors.batch import Batch
from detectors.engine import Screened
from detectors.models import artefact, shadow
from detectors.models.artefact import Stored
from detectors.models.drift import Watch, observe
from detectors.models.learned import LearnedDetector
from detectors.reference import Reference
from schemas.errors import ModelError
from schemas.model import ModelPointer, ModelRef
from schemas.notice import Notice
from streams import _model_notices
from streams.settings import Settings
from streams.worker.metrics import Metrics
from streams.worker.outbox import Outbox

log = structlog.stdlib.get_logger(__name__)

#: Notices that wait at most: whoever runs Assay reads the newest.
_WAITING = 1_000
#: Seconds between two looks whether notices wait.
NOTICE_SECONDS = 1.0


def fetch(chosen: Settings, name: str, ref: ModelRef) -> Path:
    """Return the artefact that a pointer names as a file; from a server, a copy of it.

    Raises
    ------
    ModelError : it is not there, or named in a way that no registry of Assay names one.
    """
    if ref.uri.startswith("file:"):
        path = Path(unquote(urlsplit(ref.uri).path))
        if not path.is_file():
            raise ModelError(
                f"{path} is not on this machine; share the folder, or keep models on an MLflow server (ASSAY_MLFLOW)"
            )
        return path
    if not ref.uri.startswith("models:/"):
        raise ModelError(f"{ref.uri[:200]}: a model lies at file:///... or models:/..., nowhere else")
    if chosen.mlflow is None:
        raise ModelError(f"{ref.uri[:200]} lies on an MLflow server, and this worker knows none: set ASSAY_MLFLOW")
    from streams.modelling import opened

    return opened(chosen).fetch(name, ref.version)


class Shelf:
    """The champions and challengers of this worker.

    Parameters
    ----------
    fetch : gives the file of what a pointer names. ``reference`` : the tables to try a model with.
    """

    def __init__(self, fetch: Callable[[str, ModelRef], Path], reference: Callable[[], Reference]) -> None:
        self._fetch = fetch
        self._reference = reference
        self._champions: dict[str, Stored] = {}
        self._challengers: dict[str, Stored] = {}

    @property
    def champions(self) -> Mapping[str, Stored]:
        """The models that judge, by name."""
        return self._champions

    @property
    def detectors(self) -> tuple[LearnedDetector, ...]:
        """The champions' detectors, by name."""
        return tuple(self._champions[name].detector for name in sorted(self._champions))

    @property
    def challengers(self) -> tuple[LearnedDetector, ...]:
        """The challengers' detectors, by name."""
        return tuple(self._challengers[name].detector for name in sorted(self._challengers))

    def offer(self, key: str, value: bytes | None) -> tuple[bool, list[str]]:
        """Take a record of the topic ``models``.

        Returns
        -------
        Whether the champion that it names, or the one before, or rightly none, is in use now; and what was refused, and why.
        """
        if value is None:
            self._champions.pop(key, None)
            self._challengers.pop(key, None)
            return True, []
        try:
            told = ModelPointer.model_validate_json(value)
        except ValidationError as error:
            first = error.errors(include_url=False, include_input=False)[0]
            return False, [f"{'/'.join(map(str, first['loc']))}: {first['msg']}"]
        if told.name != key:
            return False, [f"the key says {key}, the record {told.name}"]
        problems = self._place(self._champions, told, told.champion)
        usable = not problems
        if problems and key not in self._champions and told.previous is not None:
            before = self._place(self._champions, told, told.previous)
            usable = not before
            problems += before
        return usable, problems + self._place(self._challengers, told, told.challenger)

    def _place(self, held: dict[str, Stored], told: ModelPointer, ref: ModelRef | None) -> list[str]:
        if ref is None:
            held.pop(told.name, None)
            return []
        known = held.get(told.name)
        if known is not None and known.sha256 == ref.sha256:
            return []
        try:
            path = self._fetch(told.name, ref)
            held[told.name] = artefact.read(path, self._reference(), told.name, ref.sha256, ref.version)
        except ModelError as error:
            return [f"version {ref.version}: {error}"]
        except Exception as error:  # a server that is away, a disk that fails: what is in use stays
            return [f"version {ref.version} cannot be fetched: {type(error).__name__}: {error}"]
        return []


class Notices:
    """News about Assay that wait for Kafka; any thread may add one."""

    def __init__(self) -> None:
        self._waiting: deque[Notice] = deque(maxlen=_WAITING)

    def add(self, notice: Notice) -> None:
        """Put a notice in."""
        self._waiting.append(notice)

    def __len__(self) -> int:
        return len(self._waiting)

    async def send(self, outbox: Outbox) -> None:
        """Write what waits; what Kafka does not take waits on."""
        sending = list(self._waiting)
        for notice in sending:
            outbox.add("notices", notice.notice_id, notice.model_dump_json(by_alias=True).encode())
        await outbox.flush()
        for _ in sending:
            self._waiting.popleft()


class ModelWatch:
    """Looks at what the models made of each batch: shadow scores to be written, and drift.

    Parameters
    ----------
    champions : the models in use. ``notices`` : where news go.
    """

    def __init__(self, champions: Callable[[], Mapping[str, Stored]], metrics: Metrics, notices: Notices) -> None:
        self._champions = champions
        self._metrics = metrics
        self._notices = notices
        self._watches: dict[str, tuple[str, Watch]] = {}
        self._failed: set[str] = set()

    def look(self, batch: Batch, screened: Screened, origin: str | None) -> list[tuple[str, bytes]]:
        """Return the records for ``models.shadow`` as (key, value). Whatever goes wrong here must not touch the judgement."""
        if not screened.scored or screened.computed is None:
            return []
        try:
            self._drift(batch, screened)
            for one in screened.scored:
                if one.error is not None:
                    self._fail(f"challenger {one.detector.name} {one.detector.version}", one.error)
            return [
                (block.model, block.model_dump_json(by_alias=True).encode())
                for block in shadow.blocks(screened.scored, batch, screened.computed, origin)
            ]
        except Exception as error:
            self._fail("watch", f"{type(error).__name__}: {error}")
            return []

    def _drift(self, batch: Batch, screened: Screened) -> None:
        champions = self._champions()
        for one in screened.scored:
            stored = champions.get(one.detector.name)
            if not one.champion or one.scores is None or stored is None or stored.detector is not one.detector:
                continue
            version, watch = self._watches.get(one.detector.name, ("", None))
            if watch is None or version != one.detector.version:
                watch = Watch(stored.seen)
                self._watches[one.detector.name] = (one.detector.version, watch)
            assert screened.computed is not None
            for shift in observe(watch, batch, screened.computed, one.scores):
                self._metrics.drifted(one.detector.name, {**shift.features, "score": shift.score}, shift.ks)
                if shift.large:
                    self._notices.add(_model_notices.of_shift(one.detector, shift, datetime.now(UTC)))

    def _fail(self, what: str, error: str) -> None:
        self._metrics.model_failures.labels(what.partition(" ")[0]).inc()
        if what not in self._failed and len(self._failed) < _WAITING:
            self._failed.add(what)
            log.error("a model fails beside the judging, which goes on", what=what, error=error[:300])
