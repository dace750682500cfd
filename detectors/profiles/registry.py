"""The profiles in use, found in this package: every module that defines a constant ``PROFILE``."""

from __future__ import annotations

import importlib
import pkgutil
from functools import cache
from pathlib import Path
from typing import Any

from detectors.profiles.profile import Profile


@cache
def profiles() -> tuple[Profile[Any], ...]:
    """Return all profiles, in the order of their names."""
    found: list[Profile[Any]] = []
    for module in pkgutil.iter_modules([str(Path(__file__).parent)]):
        profile = getattr(importlib.import_module(f"detectors.profiles.{module.name}"), "PROFILE", None)
        if profile is not None:
            found.append(profile)
    tags = [profile.tag for profile in found]
    if len(set(tags)) < len(tags):
        raise TypeError(f"two profiles have one tag: {sorted(tags)}")
    return tuple(sorted(found, key=lambda profile: profile.name))


@cache
def of_kind(kind: str) -> tuple[Profile[Any], ...]:
    """Return the profiles that have a state under keys of that kind."""
    return tuple(profile for profile in profiles() if kind in profile.kinds)
