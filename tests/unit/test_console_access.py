"""Who may do what in the console: roles on every route, forms, sessions, headers, rates."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from console_parts import PAGE, PASSWORD, alert, browser, console_of, log_in, token_of
from fastapi.routing import APIRoute
from starlette.testclient import TestClient

from streams.console.access import Role, anybody, passwords
from streams.console.access.gate import inside
from streams.console.access.requests import require
from streams.console.app import Console, create_app
from streams.console.serving import Serving, address
from streams.console.store.people import OPERATOR

#: Routes that need no log-in, all of them.
OPEN = {
    "/login", "/login/oidc", "/login/oidc/back", "/setup/{token}", "/health", "/health/live", "/static/{name:path}"
}  # fmt: skip
#: What a role may not do, by the least role that may; every other route is for viewers.
LEAST = {
    Role.analyst: {
        "/api/alerts/decide", "/api/alerts/take", "/api/alerts/release", "/api/alerts/hand-over", "/api/export.csv",
        "/api/export.json", "POST /api/views", "/api/views/{view_id}", "/api/views/{view_id}/delete", "POST /api/suppressions",
        "/api/suppressions/preview", "/api/suppressions/{suppression_id}/end",
    },
    Role.supervisor: {"/api/audit", "/audit", "POST /api/drafts", "/api/drafts/{draft_id}/close"},
    Role.admin: {"/api/users", "/api/users/{name}", "/api/users/{name}/log-out", "/people"},
}  # fmt: skip


@pytest.fixture(scope="module")
def console(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Console]:
    made = console_of(tmp_path_factory.mktemp("access"), [alert(1), alert(2)], requests_per_minute=100_000)
    yield made
    made.store.close()


@pytest.fixture(scope="module")
def app(console: Console) -> Any:
    return create_app(console)


@pytest.fixture(scope="module")
def shift(console: Console, app: Any) -> dict[Role, TestClient]:
    """A browser logged in for each role."""
    clients = {role: browser(console, app) for role in Role}
    for role, client in clients.items():
        assert log_in(client, role.name).status_code == 303
    return clients


def routes(router: Any) -> Iterator[APIRoute]:
    """Every route of an application, also of routers that FastAPI keeps as they were included."""
    for route in router.routes:
        if isinstance(route, APIRoute):
            yield route
        else:
            assert hasattr(route, "original_router"), f"{route!r} is no route that this test can judge"
            yield from routes(route.original_router)


def guards(dependant: Any) -> Iterator[Any]:
    for one in dependant.dependencies:
        yield one.call
        yield from guards(one)


def least(method: str, path: str) -> Role:
    return next((role for role, paths in LEAST.items() if path in paths or f"{method} {path}" in paths), Role.viewer)


def test_every_route_says_who_may_and_means_it(app: Any, console: Console, shift: dict[Role, TestClient]) -> None:
    """Each route is asked by everybody: who may not gets 401 or 403 before the route does anything."""
    stranger = browser(console, app)
    stranger.headers["X-CSRF-Token"] = token_of(stranger)
    required = require(Role.viewer).__qualname__
    seen = set()
    for route in routes(app):
        calls = list(guards(route.dependant))
        named = [call for call in calls if getattr(call, "__qualname__", "") == required]
        if route.path in OPEN:
            assert anybody in calls
            assert not named
            seen.add(route.path)
            continue
        assert named, f"{route.path} asks nobody who they are"
        assert anybody not in calls
        where = route.path
        for name, value in (("{alert_id}", "no-such"), ("{name}", "nobody"), ("_id}", "999999}")):
            where = where.replace(name, value)
        where = (
            where.replace("{view999999}", "999999")
            .replace("{suppression999999}", "999999")
            .replace("{draft999999}", "999999")
        )
        for method in route.methods:
            assert stranger.request(method, where).status_code == 401, f"{method} {where} without log-in"
            for role, client in shift.items():
                if route.path == "/events" and role >= Role.viewer:
                    continue  # a stream without end; its guard is looked at above, its content in the integration tests
                if route.path == "/logout":
                    continue
                status = client.request(method, where, headers={"accept": "application/json"}).status_code
                refused = status in (401, 403)
                assert refused == (role < least(method, route.path)), f"{method} {where} as {role.name}: {status}"
                assert status < 500
    assert seen == OPEN


def test_nothing_changes_without_the_token_of_the_session(
    console: Console, app: Any, shift: dict[Role, TestClient]
) -> None:
    analyst = shift[Role.analyst]
    unsafe = [(m, r.path) for r in routes(app) for m in r.methods if m not in ("GET", "HEAD", "OPTIONS")]
    assert len(unsafe) > 12
    others = shift[Role.admin].headers["X-CSRF-Token"]
    for method, path in unsafe:
        for token in (None, "", "wrong", others):
            headers = {"X-CSRF-Token": token} if token is not None else {}
            before = analyst.headers.pop("X-CSRF-Token")
            try:
                assert analyst.request(method, path, headers=headers).status_code == 403, (
                    f"{method} {path} with {token}"
                )
            finally:
                analyst.headers["X-CSRF-Token"] = before
    sent = {"ids": ["alert-1"], "verdict": "benign", "csrf_token": analyst.headers["X-CSRF-Token"]}
    for headers in ({"origin": "https://evil.example"}, {"sec-fetch-site": "cross-site"}):
        assert analyst.post("/api/alerts/decide", data=sent, headers=headers).status_code == 403
    del analyst.headers["X-CSRF-Token"]
    try:
        done = analyst.post("/api/alerts/decide", data={**sent, "next": "//evil.example"}, headers=PAGE)
    finally:
        analyst.headers["X-CSRF-Token"] = sent["csrf_token"]
    assert (done.status_code, done.headers["location"]) == (303, "/")
    assert console.store.queue.page(query(), person(console, analyst)).lines[0].decided_by == "analyst"


def query() -> Any:
    from streams.console.store import QueueQuery

    return QueueQuery(verdict=("benign",))


def person(console: Console, client: TestClient) -> Any:
    return console.store.sessions.find(client.cookies["assay_session"], timedelta(days=1), None)


def test_sessions_rotate_end_and_are_kept_as_hashes(console: Console, app: Any) -> None:
    client = browser(console, app)
    assert log_in(client, "viewer", "wrong password").headers["location"].startswith("/login?failed=1")
    assert "assay_session" not in client.cookies
    answer = log_in(client, "viewer", next="/overview?days=7")
    assert answer.headers["location"] == "/overview?days=7"
    cookie = next(line for line in answer.headers.get_list("set-cookie") if line.startswith("assay_session="))
    assert "httponly" in cookie.lower()
    assert "samesite=lax" in cookie.lower()
    first = client.cookies["assay_session"]
    form = {"name": "viewer", "password": PASSWORD, "csrf_token": client.headers["X-CSRF-Token"]}
    assert client.post("/login", data=form).status_code == 303
    second = client.cookies["assay_session"]
    assert second != first
    assert console.store.sessions.find(first, timedelta(days=1), None) is None
    with console.store.database.reading() as connection:
        kept = repr(connection.exec_driver_sql("select * from sessions").fetchall())
    assert second not in kept

    stolen = browser(console, app)
    stolen.cookies["assay_session"] = second
    assert stolen.get("/api/queue").status_code == 200
    client.headers["X-CSRF-Token"] = person(console, client).csrf
    assert client.post("/logout").status_code == 303
    assert stolen.get("/api/queue").status_code == 401


def test_sessions_end_idle_and_in_any_case_and_with_their_user(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    console = console_of(tmp_path, idle_minutes=30, session_hours=1)
    sessions, begun = console.store.sessions, console.store.clock()
    now = begun
    monkeypatch.setattr(sessions, "_clock", lambda: now)
    user = console.store.people.find("analyst")
    assert user is not None
    idle, lasts = timedelta(minutes=30), timedelta(hours=1)

    def alive(token: str, touch: bool = True) -> bool:
        return sessions.find(token, idle, None, touch) is not None

    token = sessions.begin(user, lasts, None, "password")
    for minutes in (25, 50):  # kept alive by being used
        now = begun + timedelta(minutes=minutes)
        assert alive(token)
    now = begun + timedelta(minutes=60)
    assert not alive(token)
    token, begun = sessions.begin(user, lasts, None, "password"), now
    now = begun + timedelta(minutes=20)
    assert alive(token, touch=False)  # a stream of events is no sign of a person
    now = begun + timedelta(minutes=31)
    assert not alive(token)
    for change in ({"active": False}, {"active": True, "role": "viewer"}, {"hash": "x"}):
        token = sessions.begin(user, lasts, None, "password")
        console.store.people.change("analyst", OPERATOR, **change)
        assert not alive(token)
    assert console.store.people.change("analyst", OPERATOR, active=False)
    assert not alive(sessions.begin(user, lasts, None, "password"))
    console.store.close()


def test_passwords_are_argon2_and_guesses_are_slowed_down(console: Console, app: Any) -> None:
    with console.store.database.reading() as connection:
        hashes = [row[0] for row in connection.exec_driver_sql("select hash from users")]
    assert all(one.startswith("$argon2id$") for one in hashes)
    client = browser(console, app)
    form = {"name": "guessed", "password": "x" * 12, "csrf_token": token_of(client)}
    assert client.post("/login", data=form).status_code == 303
    while not app.state.gate.logins_of_name.take("guessed"):
        pass  # guesses that another browser makes
    answer = client.post("/login", data=form)
    assert answer.status_code == 429
    assert int(answer.headers["retry-after"]) >= 1
    with pytest.raises(ValueError, match="12"):
        passwords.hashed("short")


def test_a_link_logs_in_once(console: Console, app: Any) -> None:
    token = console.store.links.make("viewer")
    client = browser(console, app)
    assert client.get(f"/setup/{token}").headers["location"] == "/"
    assert client.get("/api/queue").status_code == 200
    other = browser(console, app)
    assert other.get(f"/setup/{token}").headers["location"] == "/login?failed=link"
    assert other.get("/api/queue").status_code == 401


def test_every_answer_has_its_headers_and_pages_lead_to_log_in(console: Console, app: Any) -> None:
    client = browser(console, app)
    for path in ("/login", "/health", "/api/queue", "/nowhere"):
        headers = client.get(path).headers
        policy = headers["content-security-policy"]
        assert "default-src 'self'" in policy
        assert "unsafe" not in policy
        assert "frame-ancestors 'none'" in policy
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["cache-control"] == "no-store"
    answer = client.get("/overview?days=7", headers=PAGE)
    assert (answer.status_code, answer.headers["location"]) == (303, "/login?next=%2Foverview%3Fdays%3D7")
    live = client.get("/overview", headers=PAGE | {"HX-Request": "true"})
    assert (live.status_code, live.headers["HX-Redirect"]) == (401, "/login?next=%2Foverview")
    assert client.post("/login", data={"password": "x" * 3_000_000}).status_code == 413
    assert client.get("/health").json() == {
        "live": True,
        "ready": True,
        "kafka": False,
        "outbox": console.store.outbox.state()[0],
    }


def test_behind_https_cookies_go_by_nothing_else(tmp_path: Path) -> None:
    console = console_of(tmp_path, url="https://assay.example")
    client = TestClient(create_app(console), base_url="https://assay.example", follow_redirects=False)
    answer = client.get("/login")
    assert answer.headers["strict-transport-security"]
    assert answer.headers["set-cookie"].startswith("__Host-assay_form=")
    assert "secure" in answer.headers["set-cookie"].lower()
    assert address(console, Serving(), 8791) == "https://assay.example"
    console.store.close()


@pytest.mark.parametrize(
    ("target", "wanted"),
    [
        ("/alerts/1?x=2#y", "/alerts/1?x=2#y"), ("//evil.example", "/"), ("https://evil.example", "/"), ("/\\evil.example", "/"),
        ("/a\\b", "/"), ("/a\r\nSet-Cookie: x", "/"), ("", "/"), (None, "/"), ("javascript:alert(1)", "/"),
    ],
)  # fmt: skip
def test_one_is_only_ever_sent_to_places_inside(target: str | None, wanted: str) -> None:
    assert inside(target) == wanted


def test_reads_of_names_are_audited_and_viewers_get_none(console: Console, shift: dict[Role, TestClient]) -> None:
    trail = console.store.audit
    for role, sees in ((Role.viewer, False), (Role.analyst, True)):
        client = shift[role]
        before = len(trail.entries(person=role.name, act="alert.read", limit=1000))
        read = client.get("/api/alerts/alert-2")
        page = client.get("/api/queue?shown=all")
        for answer in (read, page):
            assert answer.status_code == 200
            assert ("Hunan" in answer.text) is sees
            assert ("CN100" in answer.text) is sees
        assert ("Changsha" in read.text) is sees
        assert len(trail.entries(person=role.name, act="alert.read", limit=1000)) == before + sees
    seen = [one.details["alerts"] for one in trail.entries(person="analyst", act="queue.read")]
    assert "alert-2" in seen[-1] or "alert-2" in seen[0]
    assert trail.entries(person="viewer", act="queue.read") == ()


def test_administrators_change_others_and_not_themselves(console: Console, app: Any) -> None:
    console.store.people.add("carol", Role.viewer, OPERATOR, passwords.hashed(PASSWORD))
    carol, admin = browser(console, app), browser(console, app)
    assert log_in(carol, "carol").status_code == 303
    assert log_in(admin, "admin").status_code == 303
    assert "carol" in admin.get("/people", headers=PAGE).text
    assert carol.get("/people", headers=PAGE).status_code == 403
    changed = admin.post("/api/users/carol", data={"role": "analyst", "next": "/people"})
    assert (changed.status_code, changed.headers["location"]) == (303, "/people")
    assert carol.get("/", headers=PAGE).headers["location"].startswith("/login")  # the session ended
    assert admin.post("/api/users/carol", json={"active": False}).json() == {"name": "carol", "active": False}
    assert "failed" in log_in(browser(console, app), "carol").headers["location"]
    user = console.store.people.find("carol")
    assert user is not None
    assert (user.role, user.active) == (Role.analyst, False)
    for name, sent, status in (
        ("admin", {"role": "viewer"}, 409), ("carol", {"role": "queen"}, 422), ("carol", {}, 422),
        ("dora", {"role": "viewer"}, 404),
    ):  # fmt: skip
        assert admin.post(f"/api/users/{name}", json=sent).status_code == status
    acts = [(one.act, one.person) for one in console.store.audit.entries(subject="carol")]
    assert acts.count(("user.changed", "admin")) == 2
