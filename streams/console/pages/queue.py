"""The queue: who asks for what is an address, so that it can be sent to a colleague, saved, and reloaded."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Annotated, Any, Final
from urllib.parse import urlencode

from fastapi import APIRouter, Depends, HTTPException, Query, Request
from fastapi.responses import HTMLResponse

from streams.console.access import Person, Role, require
from streams.console.app import Console, the_console
from streams.console.pages import _render as render
from streams.console.pages import _written as written
from streams.console.store import AlertLine, Counts, Facet, Group, QueueQuery, SavedView
from streams.console.store.query import LARGEST_PAGE

router = APIRouter(include_in_schema=False)

Viewer = Annotated[Person, Depends(require(Role.viewer))]
TheConsole = Annotated[Console, Depends(the_console)]
Pairs = list[tuple[str, str]]

#: What an analyst has to do: alerts that stand and that nobody has decided. The queue begins here.
_TO_DO: Final[Pairs] = [("verdict", "none"), ("status", "open"), ("status", "updated")]
#: Parameters of the page itself; ``every`` says that the address is meant as it stands, without the filters of the beginning.
_OWN: Final = {"every", "cursor", "group", "mine"}
_FACETS: Final = (
    ("verdict", "Decision", True),
    ("owner", "Owner", True),
    ("code", "Finding", True),
    ("substance", "Substance", True),
    ("lane", "Lane", False),
    ("office", "Office", False),
    ("status", "Status", False),
)
_LISTED: Final = 8
_WORDS: Final = {
    "severity": "", "text": "words: ", "office": "office ", "owner": "owner: ", "country": "country ", "rule": "rule ",
    "newer_than": "hours back: ", "older_than": "hours old: ", "group_key": "group: ", "party": "party: ",
    "shown": "suppressed: ",
    "status": "", "lane": "", "code": "", "substance": "",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class View:
    """A saved view with its address."""

    view_id: int
    name: str
    owner: str
    shared: bool
    address: str


@dataclass(frozen=True, slots=True)
class GroupLine:
    """A group with its key told in words."""

    group_key: str
    who: str
    what: str
    count: int
    undecided: int
    strongest: AlertLine
    newest: Any


def address(pairs: Iterable[tuple[str, str]]) -> str:
    """Return the queue's address with these parameters; without any it is that of all alerts."""
    return "/?" + urlencode([pair for pair in pairs if pair[1] != ""] or [("every", "1")])


def _asked(request: Request) -> tuple[Pairs, bool]:
    """Return the filters of an address, and whether they are those of the beginning."""
    given = [(name, value) for name, value in request.query_params.multi_items() if value != ""]
    if not given:
        return list(_TO_DO), True
    return [(name, value) for name, value in given if name not in _OWN], False


def question(pairs: Pairs, person: Person, cursor: str | None = None) -> QueueQuery:
    """Return the store's question; HTTP 400 for a value that cannot be."""
    values: dict[str, Any] = {}
    for name, value in pairs:
        values.setdefault(name, []).append(value)
    try:
        query = QueueQuery.of(values)
    except ValueError as error:
        raise HTTPException(400, str(error)) from error
    return replace(query, owner=tuple(person.name if name == "me" else name for name in query.owner), cursor=cursor)


@router.get("/", response_class=HTMLResponse)
def queue(request: Request, person: Viewer, console: TheConsole) -> HTMLResponse:
    """The queue."""
    pairs, default = _asked(request)
    grouped = request.query_params.get("group") == "1"
    query = question(pairs, person, request.query_params.get("cursor") or None)
    store = console.store
    try:
        found = None if grouped else store.queue.page(query, person)
    except ValueError as error:
        raise HTTPException(400, str(error)) from error
    counts = store.queue.counts(query, person)
    # The severities say what choosing another of them would show.
    wider = store.queue.counts(replace(query, severity=()), person) if query.severity else counts
    views = [_view(view) for view in store.views.all(person)]
    kept: Pairs = [*pairs, *([("group", "1")] if grouped else [])]
    groups = [_group(group) for group in store.queue.groups(query, person)] if grouped else []
    many = len(groups) >= query.limit
    more: Pairs = [pair for pair in kept if pair[0] != "limit"] + [("limit", str(LARGEST_PAGE))]
    turned: Pairs = pairs if grouped else [*pairs, ("group", "1")]
    return render.page(
        request,
        "queue.html.j2",
        person,
        query=query,
        default=default,
        grouped=grouped,
        fresh=False,
        counts=counts,
        lines=found.lines if found else (),
        groups=groups,
        many=many,
        more=address(more) if many and query.limit < LARGEST_PAGE else None,
        before=address([*pairs, ("cursor", found.previous)]) if found and found.previous else None,
        after=address([*pairs, ("cursor", found.next)]) if found and found.next else None,
        turned=address(turned),
        exported=urlencode(pairs),
        given=pairs,
        chips=[] if default else _chips(kept),
        strip=_strip(wider, query, pairs),
        facets=_facets(counts, query),
        presets=_presets(pairs, default),
        views=views,
        own_views=[view for view in views if view.owner == person.name],
        colleagues=store.work.colleagues() if person.may(Role.analyst) else (),
    )


@router.get("/queue/rows", response_class=HTMLResponse)
def rows(
    request: Request, person: Viewer, console: TheConsole, ids: Annotated[list[str], Query(max_length=200)]
) -> HTMLResponse:
    """Rows of these alerts as they are now: what a page puts in place of those it shows."""
    return _rows(request, person, console.store.alerts.lines(ids, person), fresh=True)


@router.get("/queue/group", response_class=HTMLResponse)
def group(request: Request, person: Viewer, console: TheConsole, key: str) -> HTMLResponse:
    """Rows of one group, within the filters of the page."""
    pairs = [(n, v) for n, v in request.query_params.multi_items() if n not in {"key", "group_key", *_OWN}]
    found = console.store.queue.page(replace(question(pairs, person), group_key=key), person)
    return _rows(request, person, found.lines, more=address([*pairs, ("group_key", key)]) if found.next else None)


def _rows(
    request: Request, person: Person, lines: Sequence[AlertLine], more: str | None = None, fresh: bool = False
) -> HTMLResponse:
    """Return rows; ``fresh`` ones, put in place of changed ones, show for a moment that they are new."""
    return render.page(request, "_rows.html.j2", person, lines=lines, fresh=fresh, more=more)


def _group(found: Group) -> GroupLine:
    who, _, rest = found.group_key.partition("|")
    what, _, destination = rest.rpartition("|")
    by_role = {party.role: party for party in found.strongest.parties}
    exporter = by_role.get("exporter") or by_role.get("declarant")
    name = (exporter.name or exporter.id) if exporter else None
    if who == "unknown":
        name = name or "party not named"
    told = f"{what or found.strongest.title} → {render.country(destination) if destination else '?'}"
    return GroupLine(
        found.group_key, name or who, told, found.count, found.undecided, found.strongest, found.newest
    )  # fmt: skip


def _view(view: SavedView) -> View:
    pairs: Pairs = []
    for name, value in view.query.items():
        listed: Sequence[Any] = value if isinstance(value, (list, tuple)) else [value]
        pairs += [(name, _owner_word(each) if name == "owner" else str(each)) for each in listed]
    return View(view.view_id, view.name, view.owner, view.shared, address(pairs))


def _owner_word(name: Any) -> str:
    return str(name) or "-"


def _presets(pairs: Pairs, default: bool) -> list[tuple[str, str, bool]]:
    mine: Pairs = [("owner", "me"), ("verdict", "none")]
    free: Pairs = [("owner", "-"), *_TO_DO]
    again: Pairs = [("verdict", name) for name in written.VERDICTS]
    asked = sorted(pairs)
    return [
        ("To do", "/", default),
        ("Mine", address(mine), asked == sorted(mine)),
        ("Nobody's", address(free), asked == sorted(free)),
        ("Decided", address(again), asked == sorted(again)),
        ("All", "/?every=1", not pairs and not default),
    ]


def _chips(pairs: Pairs) -> list[tuple[str, str]]:
    """Return what is asked for, piece by piece, each with the address without it."""
    said = []
    for place, (name, value) in enumerate(pairs):
        if name in ("sort", "limit", "group") or (name == "shown" and value == "visible"):
            continue
        words = value.replace(">", " → ") if name == "lane" else value.replace("|", " · ")
        if name == "verdict":
            words = "to decide" if value == "none" else written.verdict_words(value)
        if name == "owner" and value == "-":
            words = "nobody"
        said.append((_WORDS.get(name, "") + words, address(pairs[:place] + pairs[place + 1 :])))
    return said


def _strip(counts: Counts, query: QueueQuery, pairs: Pairs) -> list[tuple[str, int, str, bool]]:
    """Return the severities with their numbers; each leads to itself, or away from itself when it is chosen."""
    known = {facet.value: facet.count for facet in counts.facets.get("severity", ())}
    others = [pair for pair in pairs if pair[0] != "severity"]
    found = []
    for name in ("critical", "high", "medium", "low"):
        chosen = name in query.severity
        leads = others if query.severity == (name,) else [*others, ("severity", name)]
        found.append((name, known.get(name, 0), address(leads), chosen))
    return found


def _facets(
    counts: Counts, query: QueueQuery
) -> list[tuple[str, str, list[tuple[Facet, str | None]], tuple[str, ...], bool]]:
    found = []
    for field, title, opened in _FACETS:
        chosen: tuple[str, ...] = getattr(query, field)
        if field == "owner":
            chosen = tuple(name or "-" for name in chosen)
        values = [
            Facet(facet.value or "-", facet.count) if field == "owner" else facet
            for facet in counts.facets.get(field, ())
        ]
        if field == "verdict":
            values.sort(key=lambda facet: facet.value != "none")
        kept = values[:_LISTED] + [facet for facet in values[_LISTED:] if facet.value in chosen]
        kept += [Facet(value, 0) for value in chosen if value not in {facet.value for facet in kept}]
        found.append(
            (
                field,
                title,
                [(facet, _facet_words(field, facet.value)) for facet in kept],
                chosen,
                opened or bool(chosen),
            )
        )
    return found


def _facet_words(field: str, value: str) -> str | None:
    if field == "verdict":
        return "to decide" if value == "none" else written.verdict_words(value)
    if field == "owner" and value == "-":
        return "nobody"
    if field == "code":
        return written.code_words(value)
    return value.replace(">", " → ") if field == "lane" else None
