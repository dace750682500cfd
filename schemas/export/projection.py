"""Alerts in other tools' formats, one file a format.

A projection is a module of this package with a constant ``PROJECTION``; it is found by being there. To add a format, add one
file: ``assay alerts tail --format``, ``assay forward --format`` and the contract tests know it at once.

A projection is a pure function of the alert. It adds nothing that the alert does not say, so personal data that Assay kept
out of an alert is in no projection of it either.
"""

from __future__ import annotations

import importlib
import json
import pkgutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from types import MappingProxyType
from typing import Any

import schemas.export
from schemas.alert import Alert
from schemas.errors import SettingsError


@dataclass(frozen=True)
class Projection:
    """A format of alerts.

    Attributes
    ----------
    name : by which people choose it.
    says : what it is, in a few words.
    media_type : of one alert in this format, as HTTP names it.
    project : alert, and the link to it or None, to a JSON object or a line of text.
    """

    name: str
    says: str
    media_type: str
    project: Callable[[Alert, str | None], dict[str, Any] | str]

    def line(self, alert: Alert, link: str | None = None) -> str:
        """Return an alert as one line of text without its end: JSON, or what the format says.

        Parameters
        ----------
        link : where a person finds the alert; None leaves the link out.
        """
        projected = self.project(alert, link)
        return projected if isinstance(projected, str) else compact(projected)


def compact(projected: Mapping[str, Any]) -> str:
    """Return a JSON object in one line.

    >>> compact({"id": "a1", "mass": None})
    '{"id":"a1","mass":null}'
    """
    return json.dumps(projected, ensure_ascii=False, separators=(",", ":"), allow_nan=False)


@cache
def projections() -> Mapping[str, Projection]:
    """Return every projection by name, in alphabetical order."""
    found: dict[str, Projection] = {}
    for module in pkgutil.iter_modules(schemas.export.__path__):
        if not module.name.startswith("_"):
            known = getattr(importlib.import_module(f"{schemas.export.__name__}.{module.name}"), "PROJECTION", None)
            if isinstance(known, Projection):
                found[known.name] = known
    return MappingProxyType(dict(sorted(found.items())))


def projection(name: str) -> Projection:
    """Return the projection of that name; SettingsError names the known ones if there is none."""
    try:
        return projections()[name]
    except KeyError:
        raise SettingsError(
            f"no format of alerts is called {name!r}; known formats: {', '.join(projections())}"
        ) from None
