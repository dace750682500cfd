"""The stream of events: what changed, as it changes."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Annotated, Final

import pydantic_core
from fastapi import APIRouter, Depends, Request
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import StreamingResponse

from streams.console.access import Person, Role, require
from streams.console.access.requests import gate_of
from streams.console.app import Console, the_console
from streams.console.events import News

router = APIRouter(tags=["events"])
#: Between two signs of life; as often a session is asked whether it still is one.
_BEAT_SECONDS: Final = 15.0


@router.get("/events")
async def events(
    request: Request,
    console: Annotated[Console, Depends(the_console)],
    person: Annotated[Person, Depends(require(Role.viewer))],
) -> StreamingResponse:
    """Stream news as server-sent events until the browser goes, or its session ends."""
    headers = {"X-Accel-Buffering": "no", "Cache-Control": "no-store"}
    return StreamingResponse(_stream(request, console, person), media_type="text/event-stream", headers=headers)


async def _stream(request: Request, console: Console, person: Person) -> AsyncIterator[bytes]:
    listener = console.events.listen()
    gate = gate_of(request)
    try:
        yield b"retry: 3000\n\n"
        while True:
            try:
                news = await listener.next(_BEAT_SECONDS)
            except TimeoutError:
                if await run_in_threadpool(gate.person, request, False) is None:
                    return
                yield b": alive\n\n"
                continue
            if news is None:
                return
            yield _written(news, person)
    finally:
        console.events.leave(listener)


def _written(news: News, person: Person) -> bytes:
    what = news.what
    if "top" in what and not person.sees_names:  # a title may name a party
        what = what | {"top": [{k: v for k, v in one.items() if k != "title"} for one in what["top"]]}
    return b"event: " + news.kind.encode() + b"\ndata: " + pydantic_core.to_json(what) + b"\n\n"
