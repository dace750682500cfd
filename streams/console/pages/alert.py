"""One alert: why it was raised, where that stands in the declaration, and what else is known about it."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated, Final

from fastapi import APIRouter, Depends, HTTPException, Request
from fastapi.responses import HTMLResponse

from detectors import engine
from streams.console.access import Person, Role, require
from streams.console.app import Console, the_console
from streams.console.pages import _controls, _declared, _links, _prices, _ways, _windows
from streams.console.pages import _render as render

router = APIRouter(include_in_schema=False)

#: Related alerts that are looked at for the graph and the timeline, and days to each side.
_RELATED: Final = 60
_RELATED_DAYS: Final = 45.0


@router.get("/alerts/{alert_id}", response_class=HTMLResponse)
def alert(
    request: Request,
    person: Annotated[Person, Depends(require(Role.viewer))],
    console: Annotated[Console, Depends(the_console)],
    alert_id: str,
    revision: int | None = None,
) -> HTMLResponse:
    """The page of an alert, or of one of its earlier revisions."""
    store = console.store
    detail = store.alerts.read(alert_id, person, revision)
    if detail is None:
        raise HTTPException(404, "There is no such alert here; it may not have reached this console yet.")
    reference = engine.default_reference()
    related = [
        line
        for line in store.alerts.related(alert_id, person, _RELATED_DAYS, _RELATED)
        if line.alert_id != alert_id and line.status != "withdrawn"
    ]
    now = datetime.now(UTC)
    said = detail.alert
    event = detail.line.event_time.astimezone(UTC).date()
    lane_days = store.alerts.lane(alert_id)
    return render.page(
        request,
        "alert.html.j2",
        person,
        detail=detail,
        line=detail.line,
        alert=said,
        old=revision is not None and detail.revisions and revision != max(r.revision for r in detail.revisions),
        form=_declared.form(said, render.country_names()),
        plots=_prices.plots(said, reference),
        way=_ways.way(said, reference),
        graph=_links.graph(said, detail.line.parties, related, now),
        timeline=_windows.timeline(said, related),
        lane_bars=_windows.lane_bars(lane_days, event),
        lane_total=sum(each.alerts for each in lane_days),
        lane_confirmed=sum(each.confirmed for each in lane_days),
        controls=_controls.controls(said, reference),
        similar=store.alerts.similar(alert_id, person),
        codes=tuple(dict.fromkeys(reason["code"] for reason in said.get("reasons") or [])),
        rules=tuple(dict.fromkeys(reason["detector"] for reason in said.get("reasons") or [])),
        colleagues=[name for name in store.work.colleagues() if name != detail.line.owner],
        substances=sorted(reference.substances),
    )
