"""Log in by OpenID Connect (authorization code with PKCE), through Authlib."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Annotated, Any

import structlog
from fastapi import APIRouter, Depends, HTTPException, Request
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import RedirectResponse, Response

from streams.console.access.gate import address, inside
from streams.console.access.person import Person, Role
from streams.console.access.requests import anybody, gate_of

if TYPE_CHECKING:
    from streams.console.access.gate import Gate
    from streams.console.settings import ConsoleSettings
    from streams.console.store.people import User

log = structlog.stdlib.get_logger(__name__)
router = APIRouter()
_SYSTEM = Person("openid connect", "openid connect", Role.admin)


def client(chosen: ConsoleSettings) -> Any:
    """Return Authlib's client of the provider; it reads the provider's description when it is first used."""
    from authlib.integrations.starlette_client import OAuth  # type: ignore[import-untyped]

    registry = OAuth()
    registry.register(
        "provider",
        client_id=chosen.oidc_client_id,
        client_secret=chosen.oidc_client_secret.get_secret_value() if chosen.oidc_client_secret else None,
        server_metadata_url=f"{chosen.oidc_issuer}/.well-known/openid-configuration",
        client_kwargs={"scope": chosen.oidc_scope, "code_challenge_method": "S256"},
    )
    return registry.provider


def _client(request: Request) -> Any:
    found = request.app.state.oidc
    if found is None:
        raise HTTPException(404, "log-in by OpenID Connect is not set up here")
    return found


@router.get("/login/oidc")
async def begin(request: Request, _: Annotated[Person | None, Depends(anybody)], following: str = "") -> Response:
    """Send the browser to the provider."""
    gate = gate_of(request)
    wait = gate.logins_of_address.take(address(request) or "unknown")
    if wait:
        raise HTTPException(429, "too many attempts to log in; wait a moment", {"Retry-After": str(wait)})
    request.session["next"] = inside(request.query_params.get("next") or following)
    base = gate.chosen.url or str(request.base_url).rstrip("/")
    try:
        answer: Response = await _client(request).authorize_redirect(request, f"{base}/login/oidc/back")
    except HTTPException:
        raise
    except Exception as error:  # the provider is somebody else's: whatever is wrong with it, nobody comes in
        log.error("the OpenID provider cannot be used", error=repr(error)[:500])
        raise HTTPException(503, "the log-in service does not answer") from None
    return answer


@router.get("/login/oidc/back")
async def back(request: Request, _: Annotated[Person | None, Depends(anybody)]) -> Response:
    """Take the provider's answer: the code becomes a token, the token a person, if a role says so."""
    following = inside(request.session.get("next"))
    try:
        token = await _client(request).authorize_access_token(request)
        claims: Mapping[str, Any] = token["userinfo"]
    except HTTPException:
        raise
    except Exception as error:
        log.warning("log-in by OpenID Connect failed", error=repr(error)[:500], address=address(request))
        return RedirectResponse("/login?failed=oidc", 303)
    finally:
        request.session.clear()
    return await run_in_threadpool(_let_in, request, claims, following)


def _let_in(request: Request, claims: Mapping[str, Any], following: str) -> Response:
    gate = gate_of(request)
    role = role_of(claims, gate.chosen)
    if role is None:
        log.warning("log-in by OpenID Connect refused: no role", address=address(request))
        return RedirectResponse("/login?failed=role", 303)
    user = _user(gate, claims, role)
    if user is None or not user.active:
        return RedirectResponse("/login?failed=role", 303)
    response = RedirectResponse(following, 303)
    gate.let_in(request, response, user, "oidc")
    return response


def role_of(claims: Mapping[str, Any], chosen: ConsoleSettings) -> Role | None:
    """Return the highest role that the claims give, or None: then nobody comes in."""
    value: Any = claims
    for part in chosen.oidc_roles_claim.split("."):
        value = value.get(part) if isinstance(value, Mapping) else None
    values = [value] if isinstance(value, str) else value if isinstance(value, list) else []
    return max((chosen.oidc_roles[one] for one in values if one in chosen.oidc_roles), default=None)


def _user(gate: Gate, claims: Mapping[str, Any], role: Role) -> User | None:
    """Return the user of these claims, made at the first log-in; the role is always the provider's of today."""
    people = gate.store.people
    subject = f"{claims['iss']} {claims['sub']}"[:1024]
    found = people.of_subject(subject)
    display = str(claims.get("name") or claims.get(gate.chosen.oidc_name_claim) or claims["sub"])[:255]
    if found is not None:
        if found.active and found.role is not role:
            people.change(found.name, _SYSTEM, role=role.name)
        return people.of_subject(subject)
    wanted = str(claims.get(gate.chosen.oidc_name_claim) or claims.get("email") or claims["sub"]).lower()
    name = re.sub(r"[^a-z0-9._@-]+", "-", wanted).strip("-._@")[:60] or "user"
    for number in range(1, 100):  # a name that is taken stays its owner's, also where a provider gives it again
        try:
            return people.add(name if number == 1 else f"{name}-{number}", role, _SYSTEM, None, display, subject)
        except ValueError:
            known = people.of_subject(subject)  # the same person, in another window, was faster
            if known is not None:
                return known
    return None
