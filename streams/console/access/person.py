"""Who asks: a person with a role."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum


class Role(IntEnum):
    """What somebody may do; each includes those below.

    ``viewer`` reads, with names of parties as pseudonyms; ``analyst`` sees names, decides, owns, hands over, exports, saves
    views, suppresses up to 30 days; ``supervisor`` suppresses up to a year, ends others' suppressions, shares views, drafts
    exclusions, reads the audit trail; ``admin`` also sees who may log in, and logs others out.
    """

    viewer = 1
    analyst = 2
    supervisor = 3
    admin = 4


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody who is logged in.

    Attributes
    ----------
    name : the login, unique; stands in dispositions and in the audit trail.
    display : how pages call them.
    session : a number of the session for the audit trail, no secret.
    csrf : token for forms (field ``csrf_token``) and scripts (header ``X-CSRF-Token``).
    address : where the request came from.
    """

    name: str
    display: str
    role: Role
    session: int | None = None
    csrf: str = ""
    address: str | None = None

    def may(self, role: Role) -> bool:
        """Say whether this person has a role, or one above it."""
        return self.role >= role

    @property
    def sees_names(self) -> bool:
        """Whether names of parties are open to this person."""
        return self.role >= Role.analyst
