"""For monitoring: alive, ready, and why not."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends
from fastapi.responses import JSONResponse

from streams.console.access import Person, anybody
from streams.console.app import Console, the_console

router = APIRouter(tags=["operation"])


@router.get("/health/live")
async def live(_: Annotated[Person | None, Depends(anybody)]) -> dict[str, bool]:
    """The process answers."""
    return {"live": True}


@router.get("/health")
def ready(
    console: Annotated[Console, Depends(the_console)], _: Annotated[Person | None, Depends(anybody)]
) -> JSONResponse:
    """The database answers: 200, else 503. Without Kafka the console works on, with what it has."""
    try:
        outbox, _oldest = console.store.outbox.state()
    except Exception as error:
        return JSONResponse({"live": True, "ready": False, "reasons": [type(error).__name__]}, 503)
    return JSONResponse({"live": True, "ready": True, "kafka": console.kafka, "outbox": outbox})
