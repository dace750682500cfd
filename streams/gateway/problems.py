"""What the gateway answers instead of success: RFC 9457 problem details, with located errors."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import Any

from fastapi.responses import JSONResponse


class Problem(Exception):
    """A request that is not answered with success.

    Parameters
    ----------
    status : HTTP status; ``detail`` says what was wrong and what to do.
    retry : seconds after which the sender may try again.
    errors : what is wrong where: number of the message from 1, path, reason.
    more : further members of the answer. ``close``: the connection is of no use any more, since the body was not read.
    """

    def __init__(
        self,
        status: int,
        detail: str,
        retry: int | None = None,
        errors: Sequence[Mapping[str, Any]] = (),
        more: Mapping[str, Any] | None = None,
        close: bool = False,
    ) -> None:
        super().__init__(detail)
        self.status = status
        self.detail = detail
        self.retry = retry
        self.errors = errors
        self.more = more or {}
        self.close = close


def answer_problem(problem: Problem, headers: Mapping[str, str] | None = None) -> JSONResponse:
    """Return the response that tells a problem."""
    said: dict[str, Any] = {
        "type": "about:blank",
        "title": HTTPStatus(problem.status).phrase,
        "status": problem.status,
        "detail": problem.detail,
        **problem.more,
    }
    if problem.errors:
        said["errors"] = list(problem.errors)
    sent = dict(headers or {})
    if problem.retry is not None:
        sent["Retry-After"] = str(problem.retry)
    if problem.status == 401:
        sent["WWW-Authenticate"] = 'Bearer realm="assay"'
    if problem.close:
        sent["Connection"] = "close"
    return JSONResponse(said, problem.status, sent, "application/problem+json")
