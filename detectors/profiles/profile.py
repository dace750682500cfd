"""What a profile is: a small state under a key, learnt from facts, and what it says of the declarations in it.

One file of this package holds one profile (one story: split shipments, a licence's ledger, ...). The machinery in
:mod:`detectors.profiles.stage` reads the state of each key that a block of signals touches, lets the profile learn, and compares
what it says afterwards with what it said before.

Four rules make the final alerts the same whatever the order of arrival, and however often a block comes:

- *The state is a function of the set of facts.* ``learn`` commutes and is idempotent: an entry is known by its declaration, a
  later version replaces an earlier one, a declaration that ended is taken out, a full state keeps the newest entries by
  (time, declaration).
- *What is said of a declaration depends on the facts up to its own time only* (and on feedback decided before it), so that
  later trade does not change an old alert.
- *Only open declarations are spoken of*: those not older than the lateness before the newest fact of the key. State is
  kept for the window and the lateness, so the whole window of every open declaration is there.
- *Absence of history is no evidence before there is history*: see :meth:`Context.covered`.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, ClassVar, Generic, TypeVar

import msgspec

from schemas.finding import Evidence
from schemas.signal import Fact, Feedback
from schemas.types import FindingCode, Severity

S = TypeVar("S", bound=msgspec.Struct)

#: A declaration and its version.
Ref = tuple[str, int]
#: Events after which a declaration is no longer there.
ENDED = frozenset({"rejected", "cancelled"})


@dataclass(frozen=True, slots=True)
class Context:
    """What a profile may know beside its state.

    Attributes
    ----------
    key : the profile key, ``kind/...``.
    since : when the history of the stream begins.
    latest : time of the newest fact of this key.
    lateness : how much later than newer ones a fact may come and still count.
    """

    key: str
    since: datetime
    latest: datetime
    lateness: timedelta

    def open(self, time: datetime) -> bool:
        """Tell whether declarations of that time are still spoken of."""
        return time >= self.latest - self.lateness

    def kept(self, time: datetime, window: timedelta) -> bool:
        """Tell whether an entry of that time may still be in the window of an open declaration."""
        return time >= self.latest - self.lateness - window

    def covered(self, time: datetime, window: timedelta) -> bool:
        """Tell whether the history covers the window before that time, so that absence means something."""
        return time - self.since >= window


@dataclass(frozen=True, slots=True)
class Said:
    """One thing that a profile says of a declaration; becomes a finding."""

    code: FindingCode
    severity: Severity
    score: float
    title: str
    explanation: str
    evidence: Sequence[Evidence] = ()
    item: int | None = None
    substances: Sequence[str] = ()
    typologies: Sequence[str] = ()


@dataclass(frozen=True, slots=True)
class Told:
    """What a profile says of one declaration of a state: nothing, or some things.

    ``shown`` is what an alert shows of a declaration that the screen stage did not watch, by the names of the contract.
    """

    time: datetime
    said: Sequence[Said] = field(default=())
    shown: Mapping[str, Any] = field(default_factory=dict)


class Profile(ABC, Generic[S]):
    """A detector with memory.

    Attributes
    ----------
    name : of the detector, as in findings.
    tag : under which its state stands in the state of a key; one or two letters, never changed.
    kinds : the kinds of key that it has a state for: ``party link pair lane origin licence``.
    codes : of its findings.
    window : history that it needs before it may rest on absence of history; None if it never does.
    state : type of the state, a :class:`msgspec.Struct` with ``array_like=True`` and no required newcomers.
    """

    name: ClassVar[str]
    tag: ClassVar[str]
    kinds: ClassVar[frozenset[str]]
    codes: ClassVar[frozenset[FindingCode]]
    window: ClassVar[timedelta | None] = None
    state: ClassVar[Any]

    @abstractmethod
    def wants(self, fact: Fact) -> bool:
        """Tell, from the fact alone and fast, whether the profile learns anything from it."""

    @abstractmethod
    def learn(self, state: S | None, facts: Sequence[Fact], feedback: Sequence[Feedback], context: Context) -> S | None:
        """Return the state with these facts and feedback in it, and without what is no longer kept; None if nothing is left.

        May change ``state`` itself. Facts come in any order, repeated, and in several versions.
        """

    @abstractmethod
    def say(self, state: S, context: Context) -> Mapping[Ref, Told]:
        """Return what holds of each *open* declaration of the state that the profile could speak of, also if it is nothing."""

    @abstractmethod
    def explain(self, state: S, context: Context) -> list[str]:
        """Describe the state in sentences, for ``assay profile show``."""
