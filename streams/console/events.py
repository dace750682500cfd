"""News for pages: what changed, to every browser that listens on ``/events``."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Literal

Kind = Literal["alerts", "decision", "work", "suppressions", "health"]


@dataclass(frozen=True, slots=True)
class News:
    """Something that changed. On the wire: ``event: <kind>`` and ``data:`` JSON of ``what`` (server-sent events).

    ``alerts`` (at most every half second): ``{"new": n, "changed": n, "withdrawn": n, "ids": [up to 100 alert ids], "top":
    [{"alert_id", "severity", "title"} of up to 5 new ones of high or critical]}``.
    ``decision``: ``{"ids": [...], "verdict": ..., "by": name, "count": n}``; ``work``: ``{"ids": [...], "owner": name or null, "by": name}``;
    ``suppressions``: ``{"by": name}``; ``health``: ``{"kafka": bool, "outbox": n}`` when Kafka comes or goes.
    Ids are cut after 100; ``count`` tells how many there are.
    """

    kind: Kind
    what: dict[str, Any] = field(default_factory=dict)
