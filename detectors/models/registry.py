"""Where models are kept: MLflow's tracking and registry, with the aliases ``champion`` and ``challenger``.

By default a SQLite database and a folder of artefacts below one folder; an MLflow server by its URI. MLflow is imported when a
registry is opened, since that takes seconds; its telemetry is off, and nothing is sent anywhere but to the server that was named.
"""

from __future__ import annotations

import json
import logging
import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal
from urllib.parse import unquote, urlsplit

from schemas.errors import ModelError

if TYPE_CHECKING:
    from mlflow.tracking import MlflowClient

Alias = Literal["champion", "challenger"]
ALIASES: tuple[Alias, ...] = ("champion", "challenger")
EXPERIMENT = "assay"
#: Before the name of a model in the registry: a server may serve others too.
PREFIX = "assay."
ARTEFACT = "model.zip"
_FOLDER = "model"
_DATABASE = "registry.sqlite"
#: Tag of a version: SHA-256 of its artefact, its comparison with the champion, and (with the time behind) each promotion.
_SHA256, _COMPARED, _PROMOTION = "sha256", "compared", "promotion."
_NUMBERING_ATTEMPTS = 5


@dataclass(frozen=True, slots=True)
class Version:
    """A registered version of a model.

    ``compared``: how it did beside a champion (:func:`detectors.models.measuring.compare`, with ``with`` the champion's
    version), if that was done; ``promotions``: when, by whom and why it became champion, newest last.
    """

    name: str
    number: str
    sha256: str
    run: str
    aliases: tuple[str, ...]
    created_ms: int
    params: Mapping[str, str] = field(default_factory=dict)
    metrics: Mapping[str, float] = field(default_factory=dict)
    compared: Mapping[str, Any] | None = None
    promotions: Sequence[Mapping[str, Any]] = ()


def exists(uri: str | None, folder: Path) -> bool:
    """Tell whether there may be anything in a registry, without opening it: a server may have, a folder has its database."""
    return uri is not None or (folder / _DATABASE).is_file()


class Registry:
    """The registry of an installation.

    Parameters
    ----------
    uri : of an MLflow server; None for the local store.
    folder : of the local store, made if need be; of a server, where what is fetched is kept.

    Raises
    ------
    ModelError : the store cannot be opened.
    """

    def __init__(self, uri: str | None, folder: Path) -> None:
        self._folder = folder
        self._local = uri is None
        folder.mkdir(parents=True, exist_ok=True)
        self._uri = uri or f"sqlite:///{folder.resolve() / _DATABASE}"
        self._client = _client(self._uri)

    def names(self) -> list[str]:
        """Return the names of the models that have a version."""
        found = self._client.search_registered_models(max_results=500)
        return sorted(model.name.removeprefix(PREFIX) for model in found if model.name.startswith(PREFIX))

    def versions(self, name: str) -> list[Version]:
        """Return the versions of a model, the newest first."""
        aliases = self._aliases(name)
        if aliases is None:
            return []
        found = self._client.search_model_versions(f"name='{PREFIX}{name}'", max_results=1000)
        return sorted((self._version(name, one, aliases) for one in found), key=lambda v: -int(v.number))

    def version(self, name: str, number: str) -> Version:
        """Return a version by number, or by alias; ModelError where there is none."""
        known = self.versions(name)
        for one in known:
            if number in (one.number, *one.aliases):
                return one
        there = ", ".join(one.number for one in known[:20]) or "none; `assay model train` makes one"
        raise ModelError(f"{name} has no version {number}; there are: {there}")

    def aliased(self, name: str, alias: Alias) -> Version | None:
        """Return the champion or the challenger of a model, None if there is none."""
        return next((one for one in self.versions(name) if alias in one.aliases), None)

    def register(
        self,
        name: str,
        write: Callable[[Path, str], str],
        params: Mapping[str, Any],
        metrics: Mapping[str, float],
        files: Callable[[str], Mapping[str, bytes]],
    ) -> Version:
        """Store a new version: a run with parameters, metrics and files, and the artefact.

        Parameters
        ----------
        write : ``write(path, version)`` writes the artefact and returns its SHA-256; called anew if the number was taken.
        files : ``files(version)`` gives name -> content, such as the card.
        """
        import tempfile

        client, full = self._client, PREFIX + name
        self._make_model(full)
        for _ in range(_NUMBERING_ATTEMPTS):
            expected = 1 + max((int(v.version) for v in client.search_model_versions(f"name='{full}'")), default=0)
            run = client.create_run(self._experiment(), run_name=f"{name} {expected}")
            identity = run.info.run_id
            with tempfile.TemporaryDirectory(prefix="assay-model-") as made:
                artefact = Path(made) / ARTEFACT
                sha256 = write(artefact, str(expected))
                client.log_artifact(identity, str(artefact), _FOLDER)
                for file, content in files(str(expected)).items():
                    (Path(made) / file).write_bytes(content)
                    client.log_artifact(identity, str(Path(made) / file), "card")
            for key, value in params.items():
                client.log_param(identity, key, value)
            for key, number in metrics.items():
                client.log_metric(identity, key, number)
            client.set_terminated(identity)
            source = f"{run.info.artifact_uri}/{_FOLDER}"
            stored = client.create_model_version(full, source, identity, tags={_SHA256: sha256})
            if str(stored.version) == str(expected):
                return self.version(name, str(expected))
            client.delete_model_version(full, str(stored.version))
            client.delete_run(identity)
        raise ModelError(f"others register versions of {name} at the same time; try again")

    def set_alias(self, name: str, alias: Alias, number: str | None) -> None:
        """Give an alias to a version, or to none."""
        if number is not None:
            self._client.set_registered_model_alias(PREFIX + name, alias, number)
        elif alias in (self._aliases(name) or {}):
            self._client.delete_registered_model_alias(PREFIX + name, alias)

    def note_comparison(self, name: str, number: str, compared: Mapping[str, Any]) -> None:
        """Remember how a version did beside a champion."""
        self._client.set_model_version_tag(PREFIX + name, number, _COMPARED, json.dumps(compared))

    def note_promotion(self, name: str, number: str, at: datetime, told: Mapping[str, Any]) -> None:
        """Remember that a version became champion: ``by``, ``why``, ``replaced``, ``kind``."""
        key = f"{_PROMOTION}{at:%Y%m%dT%H%M%S.%f}"
        self._client.set_model_version_tag(PREFIX + name, number, key, json.dumps({"at": at.isoformat(), **told}))

    def fetch(self, name: str, number: str) -> Path:
        """Return the artefact of a version as a file: where it lies, or a copy from the server."""
        return self._file(self.version(name, number).run, f"{_FOLDER}/{ARTEFACT}")

    def card(self, name: str, number: str, file: str) -> bytes:
        """Return a file of the model card of a version."""
        return self._file(self.version(name, number).run, f"card/{file}").read_bytes()

    def uri(self, name: str, number: str) -> str:
        """Return where a worker finds the artefact of a version: ``file:///...``, or ``models:/...`` of the server."""
        return self.fetch(name, number).as_uri() if self._local else f"models:/{PREFIX}{name}/{number}"

    def _file(self, run: str, inside: str) -> Path:
        base = self._client.get_run(run).info.artifact_uri
        if base.startswith("file:"):
            lying = Path(unquote(urlsplit(base).path)) / inside
            if not lying.is_file():
                raise ModelError(f"the registry names {lying}, but there is no such file")
            return lying
        kept = self._folder / "fetched" / run
        kept.mkdir(parents=True, exist_ok=True)
        try:
            return Path(self._client.download_artifacts(run, inside, str(kept)))
        except Exception as error:
            raise ModelError(f"{inside} of run {run} cannot be fetched from {self._uri}: {error}") from error

    def _aliases(self, name: str) -> dict[str, str] | None:
        """Return version -> alias... as MLflow has them: alias -> version; None where the model is unknown."""
        from mlflow.exceptions import MlflowException

        try:
            found = self._client.get_registered_model(PREFIX + name)
        except MlflowException as error:
            if error.error_code == "RESOURCE_DOES_NOT_EXIST":
                return None
            raise ModelError(f"the registry {self._uri} does not answer: {error}") from error
        return {alias: str(number) for alias, number in found.aliases.items()}

    def _version(self, name: str, one: Any, aliases: Mapping[str, str]) -> Version:
        tags = dict(one.tags)
        run = self._client.get_run(one.run_id).data
        promotions = [json.loads(value) for key, value in sorted(tags.items()) if key.startswith(_PROMOTION)]
        return Version(
            name,
            str(one.version),
            tags.get(_SHA256, ""),
            one.run_id,
            tuple(alias for alias, number in aliases.items() if number == str(one.version)),
            int(one.creation_timestamp),
            dict(run.params),
            dict(run.metrics),
            json.loads(tags[_COMPARED]) if _COMPARED in tags else None,
            promotions,
        )

    def _make_model(self, full: str) -> None:
        from mlflow.exceptions import MlflowException

        try:
            self._client.create_registered_model(full)
        except MlflowException as error:
            if error.error_code != "RESOURCE_ALREADY_EXISTS":
                raise ModelError(f"the registry {self._uri} refuses {full}: {error}") from error

    def _experiment(self) -> str:
        known = self._client.get_experiment_by_name(EXPERIMENT)
        if known is not None:
            return str(known.experiment_id)
        place = (self._folder.resolve() / "artefacts").as_uri() if self._local else None
        return str(self._client.create_experiment(EXPERIMENT, artifact_location=place))


@cache
def _client(uri: str) -> MlflowClient:
    """Return the client of a registry, made once: to look whether a database is up to date takes a second each time."""
    # The last: with a server MLflow prints addresses to standard output, into the midst of --json.
    for name in ("MLFLOW_DISABLE_TELEMETRY", "DO_NOT_TRACK", "MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT"):
        os.environ.setdefault(name, "true")
    # A server that is away shall be told at once, not after minutes of trying again.
    os.environ.setdefault("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "2")
    for noisy in ("mlflow", "alembic"):
        logging.getLogger(noisy).setLevel(logging.WARNING)
    from mlflow.exceptions import MlflowException
    from mlflow.tracking import MlflowClient

    for noisy in ("mlflow", "alembic"):
        logging.getLogger(noisy).setLevel(logging.WARNING)
    try:
        client = MlflowClient(tracking_uri=uri, registry_uri=uri)
        client.search_registered_models(max_results=1)
    except MlflowException as error:
        raise ModelError(f"the model registry {uri} cannot be opened: {error}") from error
    return client


def obstacle(version: Version, champion: Version | None, tolerance: float = 0.0) -> str | None:
    """Return why a version should not become champion, None if nothing speaks against it.

    Without a champion it must rank better than chance, where outcomes are known; beside a champion it must have been compared
    with that one, and its average precision be no lower by more than ``tolerance``.
    """
    if champion is not None and version.number == champion.number:
        return f"version {version.number} is champion already"
    if champion is None:
        precision, prevalence = version.metrics.get("average_precision"), version.metrics.get("prevalence")
        if precision is not None and prevalence is not None and precision <= prevalence:
            return f"it ranks no better than chance (average precision {precision:.3f}, {prevalence:.3f} by chance)"
        return None
    compared = version.compared
    if compared is None or compared.get("with") != champion.number:
        return (
            f"it was never compared with the champion, version {champion.number}: "
            f"`assay model evaluate {version.name} --version {version.number} --history ... --labels ...` does that"
        )
    mine, theirs = compared.get("challenger"), compared.get("champion")
    if mine is None or theirs is None:
        return "the hold-out on which it was compared has no declaration known to be wrong, so nothing was measured"
    if mine < theirs - tolerance:
        low, high = compared["interval"]
        return (
            f"it is worse than the champion, version {champion.number}: average precision {mine:.3f} against {theirs:.3f} on "
            f"{compared['declarations']:,} declarations ({compared['wrong']:,} wrong), difference {mine - theirs:+.3f}, "
            f"95 % from {low:+.3f} to {high:+.3f}"
        )
    return None


def predecessor(version: Version) -> str | None:
    """Return the number of the champion that a version replaced when it was promoted; None if it was the first."""
    for told in reversed(version.promotions):
        if told.get("kind") == "promote":
            replaced = told.get("replaced")
            return None if replaced is None else str(replaced)
    return None
