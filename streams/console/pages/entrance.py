"""Log-in, static files, and the page of an error."""

from __future__ import annotations

from typing import Annotated, Final

from fastapi import APIRouter, Depends, HTTPException, Request
from fastapi.responses import FileResponse, HTMLResponse, RedirectResponse, Response

from streams.console.access import Person, anybody
from streams.console.access.gate import inside
from streams.console.app import Console, the_console
from streams.console.pages import _render as render

router = APIRouter(include_in_schema=False)

_TYPES: Final = {
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".json": "application/json",
    ".svg": "image/svg+xml",
}
_KEPT: Final = "public, max-age=31536000, immutable"


@router.get("/login", response_class=HTMLResponse)
def login(
    request: Request,
    person: Annotated[Person | None, Depends(anybody)],
    console: Annotated[Console, Depends(the_console)],
    next: str = "/",
    failed: str = "",
) -> Response:
    """The way in. Whoever is inside already goes on."""
    if person is not None:
        return RedirectResponse(inside(next), 303)
    return render.page(
        request, "login.html.j2", None, next=inside(next), failed=failed, oidc=bool(getattr(console, "oidc", False))
    )


@router.get("/static/{name:path}", dependencies=[Depends(anybody)])
def static(name: str, request: Request) -> FileResponse:
    """A file of the pages. Names are compared with those that there are, so none leads elsewhere."""
    folder = render.VENDOR if name.startswith("vendor/") else render.STATIC
    wanted = name.removeprefix("vendor/")
    found = next((path for path in folder.glob("*.*") if path.name == wanted), None) if folder.is_dir() else None
    if found is None or found.suffix not in _TYPES:
        raise HTTPException(404, "there is no such file")
    # An address with a digest never means another content; without one the browser asks each time.
    kept = _KEPT if request.url.query else "no-cache"
    return FileResponse(found, media_type=_TYPES[found.suffix], headers={"Cache-Control": kept})


def error(request: Request, status: int, sentence: str) -> HTMLResponse:
    """Return the page of an error."""
    person = getattr(request.state, "person", None)
    return render.page(request, "error.html.j2", person, status, status_code=status, sentence=sentence)
