"""Pages from templates: one environment, and what every page is given."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any, Final
from urllib.parse import quote

from fastapi import Request
from fastapi.responses import HTMLResponse
from jinja2 import Environment, PackageLoader, StrictUndefined

from detectors import engine
from schemas import ENGINE_VERSION
from schemas.types import SEVERITIES
from streams.console.access import Person, Role, csrf_token
from streams.console.pages import _written as written

HERE: Final = Path(__file__).parent
STATIC: Final = HERE / "static"
#: Filled by ``deploy/setup-console.sh``; not there without npm.
VENDOR: Final = HERE / "vendor"
_THEMES: Final = ("light", "dark")


@cache
def environment() -> Environment:
    """Return the templates; made once."""
    made = Environment(
        loader=PackageLoader("streams.console.pages"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.filters |= written.FILTERS
    made.filters["segment"] = lambda text: quote(str(text), safe="")
    made.globals |= {
        "asset": asset,
        "vendored": vendored,
        "country": country,
        "VERDICTS": written.VERDICTS,
        "code_name": written.code_words,
        "verdict_name": lambda verdict: "to decide" if verdict == "none" else written.verdict_words(verdict),
        "lane_name": lambda lane: lane.replace(">", " → "),
        "SEVERITIES": tuple(reversed(SEVERITIES)),
        "Role": Role,
        "engine_version": ENGINE_VERSION,
    }
    return made


@cache
def _digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()[:12]


def asset(name: str) -> str:
    """Return the address of a static file, with its digest: it may be kept for ever."""
    path = VENDOR / name.removeprefix("vendor/") if name.startswith("vendor/") else STATIC / name
    return f"/static/{name}?{_digest(path)}" if path.is_file() else f"/static/{name}"


@cache
def vendored() -> bool:
    """Tell whether what npm brings is there."""
    return (VENDOR / ".installed").is_file()


@cache
def country_names() -> Mapping[str, str]:
    """Return the names of countries by code."""
    return {code: entry.name for code, entry in engine.default_reference().countries.items()}


def country(code: str | None) -> str:
    """Return a country's name, or the code where it has none."""
    return country_names().get(code or "", code or "unknown")


def page(
    request: Request, name: str, person: Person | None, status: int = 200, **given: Any
) -> HTMLResponse:  # fmt: skip
    """Return a page, or a part of one, from its template."""
    theme = request.cookies.get("assay_theme", "")
    text = (
        environment()
        .get_template(name)
        .render(
            request=request,
            person=person,
            csrf=person.csrf if person is not None and person.csrf else csrf_token(request),
            theme=theme if theme in _THEMES else "",
            now=datetime.now(UTC),
            here=str(request.url.path) + (f"?{request.url.query}" if request.url.query else ""),
            **given,
        )
    )
    # Alerts are nobody's to keep: neither a proxy's, nor the browser's after log-out.
    return HTMLResponse(text, status, {"Cache-Control": "no-store"})
