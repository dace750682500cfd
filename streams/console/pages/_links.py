"""Who is tied to whom: the parties of a declaration, the details that they share, and other alerts that name them.

Three columns, set out here, so that a page shows the same picture each time: details shared on the left, parties in the
middle, alerts on the right.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from streams.console.store import AlertLine

JsonObject = Mapping[str, Any]

WIDTH: Final = 900
_ROW: Final = 58
_BOX: Final = 46
_COLUMNS: Final = {"shared": (0, 190), "party": (300, 260), "alert": (660, 240)}
_ALERTS: Final = 7
#: What evidence of links calls the details that two parties have in common.
_DETAILS: Final = {"address", "email", "phone", "declarant", "id", "identifier", "city", "name", "postcode"}


@dataclass(frozen=True, slots=True)
class Node:
    """A box of the graph."""

    key: str
    kind: str
    title: str
    beside: str
    x: float
    y: float
    width: float
    height: float = _BOX
    href: str | None = None
    severity: str | None = None

    @property
    def middle(self) -> float:
        """The height at which lines meet the box."""
        return self.y + self.height / 2


@dataclass(frozen=True, slots=True)
class Tie:
    """A line between two boxes, with an SVG path; ``kind``: shared, named."""

    kind: str
    path: str
    said: str


@dataclass(frozen=True, slots=True)
class Graph:
    """Boxes and lines, and the same as sentences. ``left_out`` counts alerts beyond those drawn."""

    nodes: tuple[Node, ...]
    ties: tuple[Tie, ...]
    sentences: tuple[str, ...]
    height: float
    left_out: int
    width: int = WIDTH


def graph(alert: JsonObject, parties: Sequence[Any], related: Sequence[AlertLine], now: datetime) -> Graph | None:
    """Return the graph; None for a declaration that names no party.

    Parameters
    ----------
    alert : as JSON values.
    parties : of the alert's queue line (:class:`streams.console.store.Party`).
    related : alerts that share a party, a group or more.
    now : to leave out nothing, only for the order: the newest first.
    """
    if not parties:
        return None
    own = {party.key: party for party in parties}
    roles: dict[str, list[str]] = {}
    for party in parties:
        roles.setdefault(party.key, []).append(party.role)
    shared = _shared(alert, parties)
    tied = [(line, [p.key for p in line.parties if p.key in own]) for line in related]
    tied.sort(key=lambda pair: (-len(pair[1]), -pair[0].event_time.timestamp()))
    shown = tied[:_ALERTS]
    height = max(len(own), len(shared), len(shown), 1) * _ROW - (_ROW - _BOX)

    nodes: dict[str, Node] = {}
    for place, (key, party) in enumerate(own.items()):
        beside = " · ".join([", ".join(roles[key]), *([party.country] if party.country else [])])
        title = party.name or party.id or "not named"
        nodes[key] = _node(key, "party", title, beside, place, len(own), height)
    for place, (what, _) in enumerate(shared):
        nodes[f"~{what}"] = _node(f"~{what}", "shared", what, "in common", place, len(shared), height)
    for place, (line, _) in enumerate(shown):
        beside = f"{line.event_time:%Y-%m-%d} · {line.lane.replace('>', ' → ') or 'lane unknown'}"
        title = ", ".join(line.substances[:2]) or line.title
        key = f"#{line.alert_id}"
        nodes[key] = _node(
            key, "alert", title, beside, place, len(shown), height, f"/alerts/{line.alert_id}", line.severity
        )

    ties: list[Tie] = []
    sentences: list[str] = []
    for what, keys in shared:
        for key in keys:
            ties.append(_tie(nodes[f"~{what}"], nodes[key], "shared", what))
        sentences.append(f"{' and '.join(nodes[key].title for key in keys)} share: {what}.")
    for line, named in shown:
        for key in named:
            ties.append(_tie(nodes[key], nodes[f"#{line.alert_id}"], "named", line.title))
        by = ", ".join(nodes[key].title for key in named) or "the same group"
        sentences.append(f"{line.event_time:%Y-%m-%d}: {line.title} – through {by}.")
    return Graph(tuple(nodes.values()), tuple(ties), tuple(sentences), height, len(tied) - len(shown))


def _node(
    key: str, kind: str, title: str, beside: str, place: int, of: int, height: float,
    href: str | None = None, severity: str | None = None,
) -> Node:  # fmt: skip
    x, width = _COLUMNS[kind]
    above = (height - (of * _ROW - (_ROW - _BOX))) / 2
    return Node(key, kind, title, beside, x, round(above + place * _ROW, 1), width, _BOX, href, severity)


def _tie(start: Node, end: Node, kind: str, said: str) -> Tie:
    a, b = start.x + start.width, end.x
    half = (a + b) / 2
    return Tie(
        kind, f"M{a:g} {start.middle:g}C{half:g} {start.middle:g} {half:g} {end.middle:g} {b:g} {end.middle:g}", said
    )


def _shared(alert: JsonObject, parties: Sequence[Any]) -> list[tuple[str, tuple[str, ...]]]:
    """Return the details that findings say two parties of this declaration share, and those parties' keys.

    A finding names the party that it is about by its path; the other end is the exporter, or the declarant without one.
    """
    by_role = {party.role: party.key for party in parties}
    found: dict[str, tuple[str, ...]] = {}
    for reason in alert.get("reasons") or []:
        if reason.get("code") != "PARTY-LINKED":
            continue
        for evidence in reason.get("evidence") or []:
            seen = evidence.get("observed")
            names = [str(each) for each in seen if str(each) in _DETAILS] if isinstance(seen, list) else []
            role = str(evidence.get("path") or "").strip("/").partition("/")[0]
            other = by_role.get("exporter") or by_role.get("declarant")
            ends = tuple(dict.fromkeys(key for key in (other, by_role.get(role)) if key))
            for name in names:
                if len(ends) > 1:
                    found.setdefault(name, ends)
    return list(found.items())
