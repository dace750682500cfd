"""What a request says, as JSON or as a form, and how it is answered: JSON for scripts, a way back for forms."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, TypeVar
from urllib.parse import parse_qs

import pydantic_core
from fastapi import HTTPException, Request, Response
from fastapi.responses import RedirectResponse
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from streams.console.access.gate import inside
from streams.console.access.person import Person
from streams.console.app import Console
from streams.console.store.query import QueueQuery

T = TypeVar("T", bound=BaseModel)

_LISTS = ("ids", "confirmed_codes")
#: Fields of a form that stand for a part of an object in JSON.
_PARTS = {
    "found_substance": ("found", "substance"),
    "found_commodity_code": ("found", "commodity_code"),
    "found_net_mass_kg": ("found", "net_mass_kg"),
    "revenue_amount": ("revenue_recovered", "amount"),
    "revenue_currency": ("revenue_recovered", "currency"),
}


async def said(request: Request) -> dict[str, Any]:
    """Return the fields of a request's body; what a form leaves empty is left out. 415 and 422 for a body that is neither."""
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind == "application/json":
        try:
            body = json.loads(await request.body() or b"{}")
        except (ValueError, RecursionError):
            raise HTTPException(422, "the body is no JSON") from None
        if not isinstance(body, dict):
            raise HTTPException(422, "the body is no JSON object")
        return body
    if kind not in ("application/x-www-form-urlencoded", "multipart/form-data", ""):
        raise HTTPException(415, "a form, or JSON")
    form = await request.form(max_files=0, max_fields=20_000)
    found: dict[str, Any] = {}
    for name in form:
        values = [value for value in form.getlist(name) if isinstance(value, str) and value.strip()]
        if not values:
            continue
        if name in _PARTS:
            whole, part = _PARTS[name]
            found.setdefault(whole, {})[part] = values[0].strip()
        else:
            found[name] = values if name in _LISTS else values[0]
    return found


class Fields(BaseModel):
    """Base of what acts take: lax, since forms know texts only."""

    model_config = ConfigDict(extra="ignore", str_max_length=10_000)


class Which(Fields):
    """Alerts by ``ids``, or all that match ``query`` (parameters of the queue, as in its address)."""

    ids: list[str] = Field(default_factory=list, max_length=10_000)
    query: str | None = None

    def chosen(self, console: Console, person: Person) -> list[str]:
        """Return the ids meant."""
        if self.ids or self.query is None:
            return self.ids
        asked = QueueQuery.of(parse_qs(self.query.removeprefix("?")))
        return list(console.store.queue.ids(asked, person))


def read(kind: type[T], body: Mapping[str, Any]) -> T:
    """Return the fields of an act; 422 with a sentence if they cannot be."""
    try:
        return kind.model_validate(body)
    except ValidationError as error:
        problem = error.errors()[0]
        where = ".".join(str(part) for part in problem["loc"])
        raise HTTPException(422, f"{where}: {problem['msg']}") from None


def answered(request: Request, body: Mapping[str, Any], value: Any, status: int = 200) -> Response:
    """Return the answer of an act: JSON, or for a form without script the way to its ``next``."""
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind != "application/json" and "application/json" not in request.headers.get("accept", ""):
        following = body.get("next")
        return RedirectResponse(inside(following if isinstance(following, str) else None), 303)
    return as_json(value, status)


def as_json(value: Any, status: int = 200) -> Response:
    """Return values of the store as JSON."""
    return Response(pydantic_core.to_json(value), status, media_type="application/json")
