"""A question to the queue: filters, order, page; to and from the parameters of an address."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from streams.console.store.model import Shown, Sort

#: Lines of a page, unless told.
PAGE = 50
LARGEST_PAGE = 500


@dataclass(frozen=True, slots=True)
class QueueQuery:
    """Filters, all of which must hold; of one filter with several values any.

    Attributes
    ----------
    text : words that must all occur (any language) in title, summary, ids, parties, descriptions; a phrase in double quotes.
    owner : names of people; "" stands for nobody.
    country : export or destination; ``party`` a `Party.key`.
    older_than, newer_than : hours since the alert was raised.
    verdict : verdicts of the contract, or ``none``.
    shown : ``visible`` leaves out what is suppressed.
    limit : lines of a page, up to `LARGEST_PAGE`; ``cursor`` from `QueuePage`.
    """

    text: str | None = None
    severity: tuple[str, ...] = ()
    status: tuple[str, ...] = ()
    code: tuple[str, ...] = ()
    substance: tuple[str, ...] = ()
    office: tuple[str, ...] = ()
    country: tuple[str, ...] = ()
    lane: tuple[str, ...] = ()
    owner: tuple[str, ...] = ()
    verdict: tuple[str, ...] = ()
    rule: tuple[str, ...] = ()
    group_key: str | None = None
    party: str | None = None
    older_than: float | None = None
    newer_than: float | None = None
    shown: Shown = "visible"
    sort: Sort = "risk"
    cursor: str | None = None
    limit: int = PAGE

    @classmethod
    def of(cls, given: Mapping[str, Any]) -> QueueQuery:
        """Read parameters of an address (a multi-dict, or a saved view's dict of texts and lists).

        Unknown parameters and empty values are left out; raises ValueError with a sentence for a value that cannot be.
        """
        raise NotImplementedError

    def parameters(self) -> dict[str, Any]:
        """Return the parameters that give this query again, without those at their defaults and without the cursor."""
        raise NotImplementedError
