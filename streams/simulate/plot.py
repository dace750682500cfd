"""What a scenario and a look-alike are made of."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime
from typing import NamedTuple

from streams.simulate.compose import Row
from streams.simulate.world import World


class Scene(NamedTuple):
    """One declaration of a story, to be lodged some days after the story begins.

    ``due``: whether what has been declared up to here is enough for an alert on this one.
    """

    days: float
    row: Row
    substances: tuple[str, ...]
    due: bool = True


@dataclass(frozen=True, slots=True)
class Scenario:
    """A kind of smuggling, told with variation.

    Parameters
    ----------
    name : as in the project's list of cases.
    typologies : ids T01..T19 that every declaration of it is labelled with.
    stateless : each of its declarations shows by itself (when told without ``memory``).
    possible : whether it would be an offence on a day.
    tell : from the world, the time and whether stories that need memory are wanted, to the scenes; the first at day 0.
    """

    name: str
    typologies: tuple[str, ...]
    stateless: bool
    possible: Callable[[date], bool]
    tell: Callable[[World, datetime, bool], list[Scene]]


def always(_: date) -> bool:
    """On every day."""
    return True


@dataclass(frozen=True, slots=True)
class LookAlike:
    """Honest trade that has something of a scenario about it."""

    name: str
    make: Callable[[World, datetime], Row]
    possible: Callable[[date], bool] = always
    weight: float = 1.0
