"""Log-in by OpenID Connect against a small provider that this test runs on loopback, over real HTTP."""

from __future__ import annotations

import base64
import hashlib
import secrets
import socket
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest
import uvicorn
from console_parts import browser, console_of
from fastapi import FastAPI, Form, Request
from fastapi.responses import JSONResponse, RedirectResponse
from joserfc import jwt
from joserfc.jwk import RSAKey

from streams.console.access import Role
from streams.console.access.oidc import role_of
from streams.console.app import Console
from streams.console.settings import load_console
from streams.console.store.people import OPERATOR

CLIENT, SECRET = "assay", "a secret of the client"


class Provider:
    """Discovery, authorization with PKCE, token and keys; whoever asks is let in as ``claims`` say."""

    def __init__(self) -> None:
        self.key = RSAKey.generate_key(2048, {"kid": "k1", "use": "sig"})
        self.claims: dict[str, Any] = {
            "sub": "u1",
            "preferred_username": "Olga.Ivanova",
            "name": "Olga",
            "roles": ["customs-analysts"],
        }
        self.wrong: dict[str, Any] = {}
        self.codes: dict[str, dict[str, str]] = {}
        self._listening = socket.create_server(("127.0.0.1", 0))
        self.issuer = f"http://127.0.0.1:{self._listening.getsockname()[1]}"
        self._server = uvicorn.Server(uvicorn.Config(self._app(), log_config=None, lifespan="off"))
        self._thread = threading.Thread(target=self._server.run, kwargs={"sockets": [self._listening]}, daemon=True)
        self._thread.start()

    def close(self) -> None:
        self._server.should_exit = True
        self._thread.join(30)

    def _app(self) -> FastAPI:
        app = FastAPI()

        @app.get("/.well-known/openid-configuration")
        def described() -> dict[str, Any]:
            return {
                "issuer": self.issuer,
                "authorization_endpoint": f"{self.issuer}/authorize",
                "token_endpoint": f"{self.issuer}/token",
                "jwks_uri": f"{self.issuer}/keys",
                "response_types_supported": ["code"],
                "subject_types_supported": ["public"],
                "id_token_signing_alg_values_supported": ["RS256"],
                "code_challenge_methods_supported": ["S256"],
            }

        @app.get("/authorize")
        def authorize(request: Request) -> RedirectResponse:
            asked = dict(request.query_params)
            assert asked["client_id"] == CLIENT
            assert asked["response_type"] == "code"
            assert asked["code_challenge_method"] == "S256"
            code = secrets.token_urlsafe(16)
            self.codes[code] = asked
            return RedirectResponse(f"{asked['redirect_uri']}?code={code}&state={asked['state']}", 302)

        @app.post("/token")
        def token(
            request: Request, code: str = Form(), code_verifier: str = Form(), redirect_uri: str = Form()
        ) -> JSONResponse:
            basic = base64.b64encode(f"{CLIENT}:{SECRET.replace(' ', '+')}".encode()).decode()
            plain = base64.b64encode(f"{CLIENT}:{SECRET}".encode()).decode()
            asked = self.codes.pop(code, None)
            challenge = base64.urlsafe_b64encode(hashlib.sha256(code_verifier.encode()).digest()).decode().rstrip("=")
            good = asked is not None and asked["code_challenge"] == challenge and asked["redirect_uri"] == redirect_uri
            if not good or request.headers.get("authorization") not in (f"Basic {basic}", f"Basic {plain}"):
                return JSONResponse({"error": "invalid_grant"}, 400)
            assert asked is not None
            now = int(time.time())
            said = {
                "iss": self.issuer,
                "aud": CLIENT,
                "iat": now,
                "exp": now + 60,
                "nonce": asked["nonce"],
                **self.claims,
            }
            signed = jwt.encode({"alg": "RS256", "kid": "k1"}, {**said, **self.wrong}, self.key)
            return JSONResponse({"access_token": "x", "token_type": "Bearer", "expires_in": 60, "id_token": signed})

        @app.get("/keys")
        def keys() -> dict[str, Any]:
            return {"keys": [self.key.as_dict(private=False)]}

        return app


@pytest.fixture(scope="module")
def provider() -> Iterator[Provider]:
    made = Provider()
    yield made
    made.close()


@pytest.fixture(scope="module")
def console(provider: Provider, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Console]:
    made = console_of(
        tmp_path_factory.mktemp("oidc"),
        oidc_issuer=provider.issuer,
        oidc_client_id=CLIENT,
        oidc_client_secret=SECRET,
        oidc_roles="customs-analysts=analyst,customs-heads=supervisor",
    )
    yield made
    made.store.close()


def walk(client: Any, following: str = "/overview") -> Any:
    """Go to the provider and come back, as a browser does."""
    away = client.get("/login/oidc", params={"next": following})
    assert away.status_code == 302
    back = httpx.get(away.headers["location"]).headers["location"]
    assert urlsplit(back).path == "/login/oidc/back"
    return client.get(f"{urlsplit(back).path}?{urlsplit(back).query}")


def test_a_provider_lets_people_in_with_the_role_that_it_gives(provider: Provider, console: Console) -> None:
    client = browser(console)
    answer = walk(client)
    assert (answer.status_code, answer.headers["location"]) == (303, "/overview")
    assert client.get("/api/queue").status_code == 200
    user = console.store.people.find("olga.ivanova")
    assert user is not None
    assert (user.role, user.way, user.display) == (Role.analyst, "oidc", "Olga")
    assert console.store.people.hash_of("olga.ivanova") is None
    # The role is always that of today; another person of the same name is another user.
    provider.claims["roles"] = ["customs-heads", "customs-analysts"]
    assert walk(client).headers["location"] == "/overview"
    assert client.get("/api/audit").status_code == 200
    before = dict(provider.claims)
    provider.claims |= {"sub": "u2"}
    walk(browser(console))
    assert console.store.people.find("olga.ivanova-2") is not None
    provider.claims = before
    console.store.people.change("olga.ivanova", OPERATOR, active=False)
    assert walk(browser(console)).headers["location"] == "/login?failed=role"


@pytest.mark.parametrize(
    "wrong", [{"aud": "another"}, {"iss": "http://evil.example"}, {"exp": 1}, {"nonce": "old"}], ids=lambda one: next(iter(one))
)  # fmt: skip
def test_a_token_for_another_or_of_another_lets_nobody_in(
    provider: Provider, console: Console, wrong: dict[str, Any]
) -> None:
    provider.wrong = wrong
    try:
        client = browser(console)
        assert walk(client).headers["location"] == "/login?failed=oidc"
        assert client.get("/api/queue").status_code == 401
    finally:
        provider.wrong = {}


def test_an_answer_that_was_not_asked_for_lets_nobody_in(provider: Provider, console: Console) -> None:
    client, victim = browser(console), browser(console)
    away = client.get("/login/oidc").headers["location"]
    assert parse_qs(urlsplit(away).query)["scope"] == ["openid profile email"]
    back = urlsplit(httpx.get(away).headers["location"])
    assert victim.get(f"{back.path}?{back.query}").headers["location"] == "/login?failed=oidc"
    provider.claims["roles"], before = ["somebody-else"], provider.claims["roles"]
    assert walk(client).headers["location"] == "/login?failed=role"
    provider.claims["roles"] = before


def test_roles_come_from_any_claim(tmp_path: Path) -> None:
    own = load_console(oidc_roles="a=viewer,b=admin", oidc_roles_claim="realm.roles")
    assert role_of({"realm": {"roles": ["a", "b", "c"]}}, own) is Role.admin
    assert role_of({"realm": {"roles": "a"}}, own) is Role.viewer
    for claims in ({}, {"realm": []}, {"realm": {"roles": ["c"]}}, {"roles": ["a"]}):
        assert role_of(claims, own) is None
