"""What the console knows, in SQLite or PostgreSQL. Begin at `Store`; what it answers is in `streams.console.store.model`.

Every call is synchronous and thread-safe: call it from plain ``def`` routes. Whoever reads names of parties is given as `Person`:
a viewer gets pseudonyms, and the read is written to the audit trail.
"""

from __future__ import annotations

from streams.console.store.model import (
    AlertDetail,
    AlertLine,
    AuditLine,
    Counts,
    DecisionLine,
    Draft,
    Facet,
    FeedHealth,
    Group,
    LaneDay,
    Overview,
    Party,
    QueuePage,
    RevisionLine,
    RulePrecision,
    SavedView,
    Similar,
    SourceHealth,
    Suppression,
)
from streams.console.store.query import QueueQuery
from streams.console.store.store import Store

__all__ = [
    "AlertDetail",
    "AlertLine",
    "AuditLine",
    "Counts",
    "DecisionLine",
    "Draft",
    "Facet",
    "FeedHealth",
    "Group",
    "LaneDay",
    "Overview",
    "Party",
    "QueuePage",
    "QueueQuery",
    "RevisionLine",
    "RulePrecision",
    "SavedView",
    "Similar",
    "SourceHealth",
    "Store",
    "Suppression",
]
