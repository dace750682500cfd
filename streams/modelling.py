"""What the commands of ``assay model`` do: train, compare, promote, go back. Prints nothing; time is an argument."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np

from detectors.models import artefact, cards, catalogue, measuring, registry, training
from detectors.models.dataset import Answers, Lodgements
from detectors.models.learned import Say
from detectors.models.measuring import Ranking
from detectors.models.registry import Registry, Version
from detectors.reference import Reference
from schemas import ENGINE_VERSION
from schemas.errors import ModelError
from streams.settings import Settings

CARD_JSON, CARD_PAGE = "card.json", "card.html"


def folder(chosen: Settings) -> Path:
    """Return where the models of an installation are kept."""
    return chosen.state_dir / "models"


def opened(chosen: Settings) -> Registry:
    """Return the registry of these settings; the local one is made at the first call."""
    return Registry(chosen.mlflow, folder(chosen))


@dataclass(frozen=True)
class Options:
    """How to train: the share of the newest declarations (or the moment) to judge on, seed, and what else to work out."""

    holdout: float = 0.2
    cut: datetime | None = None
    seed: int = 0
    importance: bool = True
    challenger: bool = True
    note: str | None = None


def train(
    name: str,
    history: Lodgements,
    known: Answers,
    reference: Reference,
    kept: Registry,
    options: Options,
    now: datetime,
    say: Say,
) -> tuple[Version, dict[str, Any]]:
    """Train a model, judge it and the champion on the hold-out, and register it; return the version and its card."""
    kind = catalogue.detector(name)
    trained = training.train(kind, history, known, reference, say, options.holdout, options.seed, options.cut)
    champion = kept.aliased(name, "champion")
    compared = None
    if champion is not None:
        compared = _beside(trained.judged.ranking, trained.window.cut, champion, history, known, reference, kept, say)
    losses = {}
    if options.importance:
        losses = training.importance(
            trained.detector, history, known, reference, trained.window.cut, options.seed,
            tell=lambda done: say("what each column is worth", done),
        )  # fmt: skip
    params = {
        "holdout": options.holdout,
        "cut": trained.window.cut.isoformat(),
        "seed": options.seed,
        "reference": reference.version,
        "engine": ENGINE_VERSION,
        **({"note": options.note} if options.note else {}),
    }
    card = cards.card(trained, params, losses, compared)
    version = kept.register(
        name,
        lambda path, number: artefact.write(
            path, trained.detector, number, trained.window, trained.judged.seen, reference, now, options.seed
        ),
        params | trained.window.model_dump(mode="json"),
        measuring.flat(card["measures"]),
        lambda number: {
            CARD_JSON: json.dumps(card | {"version": number}, ensure_ascii=False, allow_nan=False).encode(),
            CARD_PAGE: cards.page(card, number).encode(),
        },
    )
    if compared is not None:
        kept.note_comparison(name, version.number, compared)
    if options.challenger:
        kept.set_alias(name, "challenger", version.number)
    return kept.version(name, version.number), card | {"version": version.number}


def evaluate(
    name: str,
    number: str,
    history: Lodgements,
    known: Answers,
    reference: Reference,
    kept: Registry,
    since: datetime | None,
    say: Say,
) -> dict[str, Any]:
    """Judge a version on declarations that it did not learn from, and the champion on the same; remember the comparison.

    Parameters
    ----------
    since : judge from this moment on; by default from where both have learned.

    Raises
    ------
    ModelError : nothing was lodged since; or ``since`` lies before the end of what the version learned from.
    """
    version = kept.version(name, number)
    stored = artefact.read(kept.fetch(name, version.number), reference, name, version.sha256, version.number)
    cut = stored.manifest.window.cut
    if since is not None and since < cut:
        raise ModelError(
            f"version {version.number} learned from declarations until {cut:%Y-%m-%d %H:%M}; judging it on what it knows "
            f"says nothing: give --since {cut:%Y-%m-%d} or later"
        )
    begin = since or cut
    champion = kept.aliased(name, "champion")
    judged = training.judge(stored.detector, history, known, reference, begin, None, say)
    if not judged.declarations:
        raise ModelError(
            f"no declaration of the history was lodged since {begin:%Y-%m-%d %H:%M}, until when it learned"
        )
    compared = None
    if champion is not None and champion.number != version.number:
        compared = _beside(judged.ranking, begin, champion, history, known, reference, kept, say)
        kept.note_comparison(name, version.number, compared)
    return {
        "name": name,
        "version": version.number,
        "since": begin.isoformat(),
        "measures": measuring.measures(judged.ranking),
        "compared": compared,
        "seen": judged.seen,
        "then": stored.seen,
    }


def _beside(
    mine: Ranking,
    since: datetime,
    champion: Version,
    history: Lodgements,
    known: Answers,
    reference: Reference,
    kept: Registry,
    say: Say,
) -> dict[str, Any]:
    """Compare a ranking with the champion's, on what neither learned from."""
    about: dict[str, Any] = {"with": champion.number, "since": since.isoformat()}
    nothing = {
        "challenger": None,
        "champion": None,
        "difference": None,
        "interval": None,
        "declarations": 0,
        "wrong": 0,
    }
    try:
        stored = artefact.read(
            kept.fetch(champion.name, champion.number), reference, champion.name, champion.sha256, champion.number
        )
    except ModelError as error:
        return about | nothing | {"problem": str(error)}
    begin = max(since, stored.manifest.window.cut)
    theirs = training.judge(
        stored.detector, history, known, reference, begin, None,
        lambda what, done: say(f"{what}, with the champion", done),
    ).ranking  # fmt: skip
    there = frozenset(theirs.ids)
    same = mine.only(np.array([name in there for name in mine.ids], dtype=np.bool_))
    about |= {"since": begin.isoformat(), "declarations": len(same), "wrong": int(same.wrong.sum())}
    return nothing | about | (measuring.compare(same, theirs) if len(same) else {})


@dataclass(frozen=True)
class Act:
    """Who does something to the champion, why, and when."""

    by: str
    why: str
    at: datetime


def promote(
    name: str, number: str, act: Act, reference: Reference, kept: Registry, force: bool = False, tolerance: float = 0.0
) -> Version:
    """Make a version champion.

    Raises
    ------
    ModelError : it is worse than the champion on the hold-out, or was not compared with it, and ``force`` is not given; or no
        worker could load it, which nothing can force.
    """
    version, champion = kept.version(name, number), kept.aliased(name, "champion")
    problem = registry.obstacle(version, champion, tolerance)
    if problem is not None and not (force and champion != version):
        raise ModelError(f"{name} version {version.number} is not promoted: {problem}\n--force does it all the same")
    artefact.read(kept.fetch(name, version.number), reference, name, version.sha256)
    _crown(version, champion, act, kept, {"kind": "promote", "forced": problem} if problem else {"kind": "promote"})
    return kept.version(name, version.number)


def rollback(name: str, act: Act, reference: Reference, kept: Registry) -> Version:
    """Make the champion before this one champion again; raises ModelError if there was none, or it can no longer be loaded."""
    champion = kept.aliased(name, "champion")
    if champion is None:
        raise ModelError(f"{name} has no champion")
    number = registry.predecessor(champion)
    if number is None:
        raise ModelError(f"{name} version {champion.number} was the first champion; `assay model retire` takes it away")
    version = kept.version(name, number)
    artefact.read(kept.fetch(name, number), reference, name, version.sha256)
    _crown(version, champion, act, kept, {"kind": "rollback"})
    return kept.version(name, number)


def retire(name: str, act: Act, kept: Registry) -> Version:
    """Take the champion's alias away: no version judges any more. Return the one that did."""
    champion = kept.aliased(name, "champion")
    if champion is None:
        raise ModelError(f"{name} has no champion")
    kept.set_alias(name, "champion", None)
    told = {"kind": "retire", "by": act.by, "why": act.why, "replaced": champion.number}
    kept.note_promotion(name, champion.number, act.at, told)
    return champion


def _crown(version: Version, champion: Version | None, act: Act, kept: Registry, about: Mapping[str, Any]) -> None:
    kept.set_alias(version.name, "champion", version.number)
    if "challenger" in version.aliases:
        kept.set_alias(version.name, "challenger", None)
    told = {**about, "by": act.by, "why": act.why, "replaced": champion.number if champion else None}
    kept.note_promotion(version.name, version.number, act.at, told)


def champions(chosen: Settings) -> tuple[artefact.Source, ...]:
    """Return the champions of the registry; none, without opening anything, where there is no registry."""
    if not registry.exists(chosen.mlflow, folder(chosen)):
        return ()
    kept = opened(chosen)
    found = (kept.aliased(name, "champion") for name in kept.names())
    return tuple(
        artefact.Source(kept.fetch(one.name, one.number), one.name, one.number, one.sha256)
        for one in found
        if one is not None
    )


def sources(wanted: Sequence[str], chosen: Settings) -> tuple[artefact.Source, ...]:
    """Return the models that an option names: ``champion`` (all of the registry), ``none``, or files.

    Raises
    ------
    ModelError : a file does not exist, or two files are of one model.
    """
    if list(wanted) == ["none"]:
        return ()
    if list(wanted) == ["champion"]:
        return champions(chosen)
    for path in wanted:
        if not Path(path).exists():
            raise ModelError(f"{path}: no such file; say champion, none, or the path of a model")
    return tuple(artefact.Source(Path(path)) for path in wanted)
