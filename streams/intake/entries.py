"""What is kept of one declaration: its messages, and what was last written of it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Literal

Kind = Literal["whole", "edits", "event", "base"]


@dataclass(slots=True)
class Entry:
    """One message of a life. Times are microseconds since 1970, UTC.

    Attributes
    ----------
    digest : of what it says; the same message again has the same.
    at : when it was said, by itself; None where it does not say.
    arrived, offset, part : of its raw record.
    version : that it states.
    names : its local reference (which in an answer may be that of another message), its own reference.
    content : digest of its body (content of a declaration, or edits), if it has one.
    lodged_at : of a whole declaration, as JSON has it; ``lodged_said`` unless it is only the time of arrival.
    source : of the declaration that follows from it.
    number : of a ``base``, its version; ``version`` is then the count of its round.
    deadline : until when it waits; None unless it does.
    """

    digest: str
    kind: Kind
    event: str
    at: int | None
    arrived: int
    offset: int
    part: int
    source: dict[str, Any]
    version: int | None = None
    mrn: str | None = None
    local_reference: str | None = None
    reference: str | None = None
    content: str | None = None
    lodged_at: str | None = None
    lodged_said: bool = False
    number: int = 1
    deadline: int | None = None

    @property
    def position(self) -> tuple[int, int, int]:
        """Its place in the order of time."""
        return (self.arrived if self.at is None else self.at, self.offset, self.part)

    @property
    def makes(self) -> bool:
        """Whether it makes a version."""
        return self.content is not None

    def after(self, other: Entry) -> bool:
        """Tell whether it was said after another (or at the same time, and arrived after it)."""
        if self.at is not None and other.at is not None and self.at != other.at:
            return self.at > other.at
        return (self.arrived, self.offset, self.part) > (other.arrived, other.offset, other.part)


@dataclass(slots=True)
class Told:
    """What was last written of a declaration."""

    version: int = 0
    event: str = ""
    mrn: str | None = None
    content: str = ""
    lodged_at: str | None = None


@dataclass(slots=True)
class Life:
    """Everything that is kept of one declaration.

    ``names`` are those learned for it (see :mod:`streams.intake.assembly`), ``seen`` digests of messages that are no longer kept.
    ``made`` remembers what edits made of a version, digest and time of lodgement, so that they need not be done again.
    ``lift`` is added to its versions: should late messages ever make them fewer than were written, the next one must still
    be higher.
    """

    declaration_id: str
    local_reference: str | None = None
    names: list[str] = field(default_factory=list)
    entries: list[Entry] = field(default_factory=list)
    seen: list[str] = field(default_factory=list)
    told: Told = field(default_factory=Told)
    made: dict[str, list[str | None]] = field(default_factory=dict)
    mrn: str | None = None
    lift: int = 0
    last: int = 0

    def knows(self, digest: str) -> bool:
        """Tell whether a message was there before."""
        return digest in self.seen or any(entry.digest == digest for entry in self.entries)

    @property
    def deadline(self) -> int | None:
        """When the first of its waiting messages has waited too long."""
        return min((entry.deadline for entry in self.entries if entry.deadline is not None), default=None)
