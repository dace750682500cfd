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
  kept for the window and the lateness, so the whole window of every open declaration is there. Of these, only those from
  the time of the oldest new fact on are asked for: by the second rule nothing else can have changed.
- *Absence of history is no evidence before there is history*: see :meth:`Context.covered`.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, ClassVar, Generic, Protocol, TypeVar

import msgspec

from schemas.finding import Evidence
from schemas.signal import Fact, Feedback
from schemas.types import FindingCode, Severity

S = TypeVar("S", bound=msgspec.Struct)

#: A declaration and its version.
Ref = tuple[str, int]
#: Events after which a declaration is no longer there.
ENDED = frozenset({"rejected", "cancelled"})


class Entry(Protocol):
    """What a state remembers of one declaration; ``time`` in seconds since 1970."""

    declaration_id: str
    version: int
    step: int
    time: int


@dataclass(slots=True)
class Context:
    """What a profile may know beside its state.

    Attributes
    ----------
    key : the profile key, ``kind/...``.
    since : when the history of the stream begins.
    latest : time of the newest fact of this key.
    lateness : how much later than newer ones a fact may come and still count.
    changed : what is said of declarations before this time (seconds since 1970) is what it was; None if all may be new.
    opens : since when declarations are still spoken of (seconds since 1970).
    asked : since when they are spoken of now: those that are open and may be spoken of otherwise than before.
    """

    key: str
    since: datetime
    latest: datetime
    lateness: timedelta
    changed: int | None = None
    opens: int = field(init=False)
    asked: int = field(init=False)

    def __post_init__(self) -> None:
        self.opens = int(self.latest.timestamp()) - int(self.lateness.total_seconds())
        self.asked = self.opens if self.changed is None else max(self.opens, self.changed)

    def keeps(self, window: timedelta) -> int:
        """Return since when (seconds since 1970) an entry may still be in the window of an open declaration."""
        return self.opens - int(window.total_seconds())

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
    def entries(self, state: S) -> Iterable[Entry]:
        """Return what the state remembers of single declarations, in any order."""

    @abstractmethod
    def say(self, state: S, context: Context) -> Mapping[Ref, Told]:
        """Return what holds of each declaration that is *asked* for and the profile could speak of, also if it is nothing.

        That is, of those of the state whose time is not before :attr:`Context.asked`.
        """

    @abstractmethod
    def explain(self, state: S, context: Context) -> list[str]:
        """Describe the state in sentences, for ``assay profile show``."""
